//! `silk uses`: which code reads and writes which register, with what value, at which line.

use std::io::Write;

use serde::Serialize;
use svd_index::Alias;
use svd_index::elf::{AccessKind, Frame};
use svd_index::uses::{Certainty, Use, Uses};

use crate::args::UsesArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::session::{Session, check_whole, need_chip, need_firmware};
use crate::ui::{QUIET, STRONG, printable};

use super::images::images;
use super::lookup;

/// Addresses of the chips that are read have so many bits.
const ADDRESS_BITS: u32 = 32;

/// Registers that a word search may bring.
const DESCRIBED: usize = 20;

/// `silk uses`
pub(crate) fn run(session: &mut Session, args: &UsesArgs) -> Outcome {
    let index = session.index()?;
    let chip = need_chip(&index, &session.config)?;
    need_firmware(&index, &session.config)?;
    session.follow_code(&index);
    let registers = match &args.register {
        Some(text) => Some(lookup::find(chip, text, DESCRIBED)?.0),
        None => None,
    };
    check_whole(&index)?;
    let mut found = 0;
    for image in images(&index) {
        let uses = Uses::of(chip, image.firmware);
        let shown: Vec<&Use<'_>> = uses
            .iter()
            .filter(|one| {
                registers.iter().flatten().any(|&r| one.may_touch(r)) || registers.is_none()
            })
            .filter(|one| args.function.iter().all(|name| one.is_in(name)))
            .collect();
        found += shown.len();
        if session.ui.json {
            for one in &shown {
                session.ui.json_line(&Line { elf: image.elf.clone(), ..Line::of(one) })?;
            }
        } else if !shown.is_empty() {
            if let Some(label) = image.label() {
                writeln!(session.ui.out, "{QUIET}in {}{QUIET:#}", printable(label))?;
            }
            show(session, shown)?;
        }
    }
    if found > 0 {
        return Ok(Exit::Ok);
    }
    Err(nothing(args))
}

fn nothing(args: &UsesArgs) -> Failure {
    let what = match (&args.register, &args.function) {
        (Some(register), Some(function)) => {
            format!("no code of `{function}` is seen to touch `{register}`")
        }
        (Some(register), None) => format!("no code is seen to touch `{register}`"),
        (None, Some(function)) => format!("no code of `{function}` is seen to touch a register"),
        (None, None) => "no code is seen to touch a register".to_owned(),
    };
    Failure::new(Exit::NothingFound, what)
        .detail("code that reaches it through a pointer of unknown value and type would not show")
        .hint("`silk uses` alone lists all that is seen")
}

/// One access as JSON.
#[derive(Debug, Serialize)]
struct Line {
    version: u32,
    pc: String,
    /// The function whose code it is; what was inlined into it is in `inlined`.
    function: Option<String>,
    inlined: Vec<json::Frame>,
    file: Option<String>,
    line: Option<u32>,
    register: Option<String>,
    address: Option<String>,
    alias: Option<Alias>,
    op: &'static str,
    size_bits: u32,
    value: Option<String>,
    mask: Option<String>,
    certainty: &'static str,
    /// The ELF, where several are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    elf: Option<String>,
}

impl Line {
    fn of(one: &Use<'_>) -> Self {
        let place = |frame: Option<&Frame<'_>>| {
            (frame.and_then(|f| f.file.map(str::to_owned)), frame.and_then(|f| f.line))
        };
        let (file, line) = place(one.frames.first());
        let inlined = one.frames.iter().zip(one.frames.iter().skip(1)).map(|(inner, caller)| {
            let (file, line) = place(Some(caller));
            json::Frame { function: inner.function.to_owned(), file, line }
        });
        Self {
            version: json::VERSION,
            pc: hex(one.pc, ADDRESS_BITS),
            function: one.frames.last().map(|frame| frame.function.to_owned()),
            inlined: inlined.collect(),
            file,
            line,
            register: one.name.clone(),
            address: one.address.map(|address| hex(address, ADDRESS_BITS)),
            alias: one.alias,
            op: op(one.kind),
            size_bits: one.size_bits,
            value: one.value.map(|value| hex(value, one.size_bits)),
            mask: one.mask.map(|mask| hex(mask, one.size_bits)),
            certainty: one.certainty.as_str(),
            elf: None,
        }
    }
}

pub(crate) fn op(kind: AccessKind) -> &'static str {
    match kind {
        AccessKind::Read => "read",
        AccessKind::Write => "write",
        AccessKind::ReadModifyWrite => "rmw",
    }
}

/// By register in address order, then function, then line.
fn show(session: &mut Session, mut uses: Vec<&Use<'_>>) -> Result<(), Failure> {
    let register = |one: &Use<'_>| match (&one.name, one.address) {
        (Some(name), _) => name.clone(),
        (None, Some(address)) => {
            format!("{} (not in the register map)", hex(address, ADDRESS_BITS))
        }
        (None, None) => "a register, which one is not known".to_owned(),
    };
    let function =
        |one: &Use<'_>| one.frames.first().map_or("?", |frame| frame.function).to_owned();
    let address = |one: &Use<'_>| {
        one.address.or_else(|| one.registers.first().map(svd_index::RegisterRef::address))
    };
    uses.sort_by_cached_key(|one| (address(one), register(one), function(one), one.pc));
    let out = &mut session.ui.out;
    let (mut last_register, mut last_function) = (None, None);
    for one in uses {
        let (register, function) = (register(one), function(one));
        if last_register.as_ref() != Some(&register) {
            writeln!(out, "{STRONG}{}{STRONG:#}", printable(&register))?;
            last_function = None;
        }
        if last_function.as_ref() != Some(&function) {
            let around: Vec<String> =
                one.frames.iter().skip(1).map(|frame| printable(frame.function)).collect();
            let inside = match around.is_empty() {
                true => String::new(),
                false => format!("  {QUIET}inlined into {}{QUIET:#}", around.join(", ")),
            };
            writeln!(out, "  {}{inside}", printable(&function))?;
        }
        let place = match one.frames.first().map(|frame| (frame.file, frame.line)) {
            Some((Some(file), Some(line))) => format!("{}:{line}", printable(file)),
            _ => hex(one.pc, ADDRESS_BITS),
        };
        writeln!(out, "    {place}  {}{QUIET}{}{QUIET:#}", what(one), doubt(one))?;
        (last_register, last_function) = (Some(register), Some(function));
    }
    Ok(())
}

/// What is read or written, in words.
pub(crate) fn what(one: &Use<'_>) -> String {
    let bits = |value: u64| hex(value, one.size_bits);
    let alias = one.alias.map(|alias| format!(" through its {alias}")).unwrap_or_default();
    let known = match (one.kind, one.value, one.mask) {
        (AccessKind::Read, ..) => "reads".to_owned(),
        (_, Some(value), None) => format!("writes {}", bits(value)),
        (kind, Some(value), Some(mask)) => {
            let parts = [("sets", value), ("clears", mask & !value)];
            let parts = parts.iter().filter(|(_, bits)| *bits != 0);
            let parts: Vec<String> =
                parts.map(|(verb, value)| format!("{verb} {}", bits(*value))).collect();
            let rest = match kind {
                AccessKind::Write => ", other bits not known",
                _ => "",
            };
            format!("{}{rest}", parts.join(", "))
        }
        (AccessKind::ReadModifyWrite, None, _) => "changes".to_owned(),
        (_, None, _) => "writes a value that is not known".to_owned(),
    };
    known + &alias
}

/// What of it is not certain, to stand behind [`what`]; empty if nothing.
pub(crate) fn doubt(one: &Use<'_>) -> &'static str {
    match one.certainty {
        Certainty::Exact => "",
        Certainty::Partial => "  (here among other addresses)",
        Certainty::InstanceUnknown => "  (of which one is not known)",
        Certainty::Unknown => "  (not known)",
    }
}
