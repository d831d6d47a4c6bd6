//! `search`: registers that words describe.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use svd_index::RegisterRef;

use super::known::Known;
use super::page::{Cut, Line, List};
use super::quote::{name, prose, quoted};
use super::{Found, Tool};
use crate::exit::{Exit, Failure};
use crate::json;

/// Registers that words may bring; those further down have little to do with them.
const MOST: usize = 100;

/// Characters of a description.
const DESCRIPTION: usize = 120;

pub(super) struct Search;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// e.g. baud rate
    words: String,
}

/// A register that the words describe.
#[derive(Serialize, JsonSchema)]
pub(super) struct Described {
    path: String,
    address: String,
    description: String,
}

impl Tool for Search {
    const NAME: &'static str = "search";
    const DESCRIPTION: &'static str = "Registers that words describe, best first.";
    type Arguments = Arguments;
    type Found = Described;

    fn find(known: &Known, Arguments { words }: Arguments, cut: Cut) -> Found<Described> {
        let chip = known.chip()?;
        let found = chip.search(&words, MOST);
        if !found.is_empty() {
            return Ok(List::of(&found, cut, |(register, _)| Described::of(register)));
        }
        let what = format!("no register is described by `{words}`");
        let failure = Failure::new(Exit::NothingFound, what)
            .detail(format!("searched: {} registers", chip.device().registers));
        Err(match chip.suggest(&words).as_slice() {
            [] => failure.hint("try fewer or other words, or `register` with a pattern"),
            near => failure.hint(format!("did you mean {}?", near.join(", "))),
        })
    }
}

impl Described {
    fn of(register: &RegisterRef<'_>) -> Self {
        Self {
            path: name(&register.path()),
            address: json::address(register),
            description: prose(register.description(), DESCRIPTION),
        }
    }
}

impl Line for Described {
    fn line(&self) -> String {
        format!("{} {}{}", self.path, self.address, quoted(&self.description))
    }
}
