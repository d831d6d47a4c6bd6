//! `uses`: which code reads and writes which register.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use svd_index::RegisterRef;
use svd_index::uses::{self, Use};

use super::address::place;
use super::known::Known;
use super::page::{Cut, Line, List};
use super::quote;
use super::{Found, Tool, few_names};
use crate::exit::{Exit, Failure};
use crate::json::hex;
use crate::verbs::images::images;
use crate::verbs::lookup;
use crate::verbs::uses::{doubt, op, what};

/// Registers that a word search may bring.
const DESCRIBED: usize = 20;

pub(super) struct Uses;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Name, pattern or address; all if left out
    register: Option<String>,
    /// Only code of it
    function: Option<String>,
}

/// An access of the code.
#[derive(Serialize, JsonSchema)]
pub(super) struct Access {
    /// With `*` for what is not known; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    register: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// `read`, `write` or `rmw`.
    op: &'static str,
    /// Bits known to be written as 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The bits that the value tells, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<String>,
    /// Innermost first, each inlined into the next.
    functions: Vec<String>,
    /// `file:line`
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    pc: String,
    /// `exact`, `partial`, `instance-unknown` or `unknown`.
    certainty: &'static str,
    /// Where several ELFs are known: the one whose code it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    elf: Option<String>,
    #[serde(skip)]
    words: String,
}

impl Tool for Uses {
    const NAME: &'static str = "uses";
    const DESCRIPTION: &'static str =
        "Which code of the firmware reads and writes a register, with what value, at which line.";
    type Arguments = Arguments;
    type Found = Access;

    fn find(known: &Known, arguments: Arguments, cut: Cut) -> Found<Access> {
        let chip = known.chip()?;
        known.firmware()?;
        let doubts = known.follow_code();
        let registers = match &arguments.register {
            Some(text) => {
                few_names(text)?;
                Some(lookup::find(chip, text, DESCRIBED)?.0)
            }
            None => None,
        };
        let mut found = Vec::new();
        for image in images(&known.index) {
            let uses = uses::Uses::of(chip, image.firmware);
            let wanted = uses.iter().filter(|one| is_wanted(one, registers.as_deref(), &arguments));
            let elf = image.label().map(quote::name);
            found.extend(wanted.cloned().map(|one| (elf.clone(), one)));
        }
        if found.is_empty() {
            return Err(nothing(known, &arguments));
        }
        found.sort_by_cached_key(|(_, one)| (first_address(one), one.name.clone(), one.pc));
        let mut list =
            List::of(&found, cut, |(elf, one)| Access { elf: elf.clone(), ..Access::of(one) });
        list.notes.extend_from_slice(doubts);
        Ok(list)
    }
}

fn is_wanted(one: &Use<'_>, registers: Option<&[RegisterRef<'_>]>, asked: &Arguments) -> bool {
    let touches = |all: &[RegisterRef<'_>]| all.iter().any(|&register| one.may_touch(register));
    registers.is_none_or(touches) && asked.function.iter().all(|name| one.is_in(name))
}

fn first_address(one: &Use<'_>) -> Option<u64> {
    one.address.or_else(|| one.registers.first().map(RegisterRef::address))
}

fn nothing(known: &Known, asked: &Arguments) -> Failure {
    let failure = match (&asked.register, &asked.function) {
        (Some(register), Some(function)) => {
            format!("no code of `{function}` is seen to touch `{register}`")
        }
        (Some(register), None) => format!("no code is seen to touch `{register}`"),
        (None, Some(function)) => format!("no code of `{function}` is seen to touch a register"),
        (None, None) => "no code is seen to touch a register".to_owned(),
    };
    let failure = Failure::new(Exit::NothingFound, failure)
        .detail("code that reaches it through a pointer of unknown value and type would not show");
    let function = asked.function.as_deref().filter(|name| {
        known.index.firmwares().iter().all(|firmware| firmware.find_functions(name).is_empty())
    });
    let Some(name) = function else { return failure.hint("leave an argument out to see more") };
    let near = known.index.firmware().map(|firmware| firmware.suggest(name)).unwrap_or_default();
    let failure = failure.detail(format!("there is no function `{name}`"));
    match near.as_slice() {
        [] => failure.hint("`symbol` finds functions"),
        near => failure.hint(format!("did you mean {}?", near.join(", "))),
    }
}

impl Access {
    fn of(one: &Use<'_>) -> Self {
        const ADDRESS_BITS: u32 = 32;
        let frame = one.frames.first();
        Self {
            register: one.name.as_deref().map(quote::name),
            address: one.address.map(|address| hex(address, ADDRESS_BITS)),
            op: op(one.kind),
            value: one.value.map(|value| hex(value, one.size_bits)),
            mask: one.mask.map(|mask| hex(mask, one.size_bits)),
            functions: one.frames.iter().map(|frame| quote::name(frame.function)).collect(),
            line: frame.and_then(|frame| place(frame.file, frame.line)),
            pc: hex(one.pc, ADDRESS_BITS),
            certainty: one.certainty.as_str(),
            elf: None,
            words: format!("{}{}", what(one), doubt(one)),
        }
    }
}

impl Line for Access {
    fn line(&self) -> String {
        let register = self.register.as_ref().or(self.address.as_ref());
        let register = register.map_or("a register, which one is not known", String::as_str);
        let place = self.line.as_ref().unwrap_or(&self.pc);
        let function = match self.functions.as_slice() {
            [] => String::new(),
            [function] => format!(" in {function}"),
            [function, callers @ ..] => {
                format!(" in {function} inlined into {}", callers.join(", "))
            }
        };
        let elf = self.elf.as_ref().map(|elf| format!("  of {elf}")).unwrap_or_default();
        format!("{register}  {place}{function}  {}{elf}", self.words)
    }
}
