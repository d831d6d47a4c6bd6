//! `address`: what is there: register, function and line, variable.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::known::Known;
use super::page::{Cut, Line, List};
use super::quote::name;
use super::{Found, Tool};
use crate::exit::{Exit, Failure};
use crate::json;
use crate::verbs::lookup::{describe, near, parse_address};

pub(super) struct Address;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// e.g. 0x40002524
    addresses: Vec<String>,
}

/// What is at an address.
#[derive(Serialize, JsonSchema)]
pub(super) struct Place {
    address: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<String>,
    /// Function whose code it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    /// `file:line`
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    /// Functions inlined there, innermost first, and where each was called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inlined: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    /// Where several ELFs are known: the one that says so. Each that has the address says its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    elf: Option<String>,
    /// If nothing is known there: the registers around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    near: Option<String>,
}

impl Tool for Address {
    const NAME: &'static str = "address";
    const DESCRIPTION: &'static str =
        "What is at addresses: register, symbol, function, file:line, inlined calls, variable.";
    /// Some 180 addresses.
    const MOST_TEXT: usize = 2000;
    type Arguments = Arguments;
    type Found = Place;

    fn find(known: &Known, Arguments { addresses }: Arguments, cut: Cut) -> Found<Place> {
        if known.index.firmware().is_none() {
            known.chip()?;
        }
        let parsed: Result<Vec<u64>, Failure> =
            addresses.iter().map(|text| parse_address(text.trim())).collect();
        let parsed = parsed?;
        if parsed.is_empty() {
            return Err(Failure::new(Exit::Usage, "no address is given")
                .hint(r#"write {"addresses": ["0x40002524"]}"#));
        }
        let answers: Vec<Answer> = parsed
            .into_iter()
            .flat_map(|address| {
                let answers = describe(&known.index, address).into_iter();
                answers.map(move |(elf, answer)| Answer { address, elf, answer })
            })
            .collect();
        Ok(List::of(&answers, cut, |answer| Place::of(known, answer)))
    }
}

/// What one ELF says of an address.
struct Answer {
    address: u64,
    elf: Option<String>,
    answer: json::Address,
}

impl Place {
    fn of(known: &Known, Answer { address, elf, answer }: &Answer) -> Self {
        let address = *address;
        let json::Address {
            address: shown, symbol, function, file, line, inlined, variable, ..
        } = answer;
        let chip = known.index.chip();
        let registers = chip.map(|chip| chip.resolve(address)).unwrap_or_default();
        let registers: Vec<String> = registers
            .iter()
            .map(|found| match found.alias {
                None => name(&found.register.path()),
                Some(alias) => format!("{} ({alias})", name(&found.register.path())),
            })
            .collect();
        let inlined = inlined.iter().map(|frame| {
            let caller = place(frame.file.as_deref(), frame.line);
            format!("{} called at {}", name(&frame.function), caller.unwrap_or("?".to_owned()))
        });
        let nothing = registers.is_empty() && symbol.is_none() && function.is_none();
        Self {
            address: shown.clone(),
            registers,
            symbol: symbol.as_deref().map(name),
            function: function.as_deref().map(name),
            line: place(file.as_deref(), *line),
            inlined: inlined.collect(),
            variable: variable.as_deref().map(name),
            elf: elf.as_deref().map(name),
            near: chip.filter(|_| nothing).map(|chip| near(chip, address)),
        }
    }
}

/// `file:line`, as far as it is known.
pub(super) fn place(file: Option<&str>, line: Option<u32>) -> Option<String> {
    let file = name(file?);
    Some(line.map_or(file.clone(), |line| format!("{file}:{line}")))
}

impl Line for Place {
    fn line(&self) -> String {
        let mut text = self.address.clone();
        for register in &self.registers {
            text.push_str(&format!("  register {register}"));
        }
        let inlined = (!self.inlined.is_empty()).then(|| self.inlined.join(", "));
        let facts = [
            ("at", &self.line),
            ("inlined", &inlined),
            ("in", &self.function),
            ("variable", &self.variable),
            ("symbol", &self.symbol),
            ("of", &self.elf),
        ];
        for (what, fact) in facts {
            if let Some(fact) = fact {
                text.push_str(&format!("  {what} {fact}"));
            }
        }
        if let Some(near) = &self.near {
            text.push_str(&format!("  nothing known here; {near}"));
        }
        text
    }
}
