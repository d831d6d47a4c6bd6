//! `symbol`: functions and variables of the firmware.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::place;
use super::known::Known;
use super::page::{Cut, Line, List};
use super::quote;
use super::{Found, Tool};
use crate::json::hex;
use crate::verbs::images::{image_of, images};
use crate::verbs::lookup;

pub(super) struct Symbol;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Name, part of one, or pattern with *
    name: String,
}

/// A symbol of the firmware.
#[derive(Serialize, JsonSchema)]
pub(super) struct Named {
    name: String,
    /// `function`, `object`, `label`; `absolute` for what has no place in memory.
    kind: &'static str,
    address: String,
    size_bytes: u64,
    /// `file:line`
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    /// Where several ELFs are known: the one that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    elf: Option<String>,
}

impl Tool for Symbol {
    const NAME: &'static str = "symbol";
    const DESCRIPTION: &'static str =
        "Functions and variables of the firmware: address, size, file:line.";
    type Arguments = Arguments;
    type Found = Named;

    fn find(known: &Known, Arguments { name }: Arguments, cut: Cut) -> Found<Named> {
        known.firmware()?;
        let found = lookup::symbols(&known.index, &name)?;
        let images = images(&known.index);
        Ok(List::of(&found, cut, |(firmware, symbol)| {
            let line = firmware.line_at(symbol.address).filter(|_| symbol.in_memory);
            Named {
                name: quote::name(symbol.name),
                kind: lookup::symbol_kind(symbol),
                address: hex(symbol.address, 32),
                size_bytes: symbol.size,
                line: line.and_then(|line| place(Some(line.file), Some(line.line))),
                elf: image_of(&images, firmware).label().map(quote::name),
            }
        }))
    }
}

impl Line for Named {
    fn line(&self) -> String {
        let Self { name, kind, address, size_bytes, line, elf } = self;
        let line = line.as_ref().map(|line| format!(" {line}")).unwrap_or_default();
        let elf = elf.as_ref().map(|elf| format!(" in {elf}")).unwrap_or_default();
        format!("{address} {size_bytes} bytes {kind} {name}{line}{elf}")
    }
}
