//! `silk write`: registers by name, memory by address, without halting.
//!
//! The verb is the consent, and says so each time: nothing else in `silk` writes to a board's
//! registers. What the SVD calls read-only, and flash, are refused.

use std::io::Write;

use bundle::Fidelity;
use hil::Board;
use serde::Serialize;
use svd_index::{Access, Index, Query, RegisterRef, Space};

use crate::args::WriteArgs;
use crate::audit::{self, Action};
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::session::{Session, need_chip};
use crate::ui::{CARE, printable};
use crate::verbs::board;
use crate::verbs::lookup::{find, parse_address};
use crate::verbs::read::caveat;

/// One write, as it was asked for.
struct Wanted {
    /// Path of the register, or the address as it was typed.
    name: String,
    address: u64,
    size_bits: u32,
    value: u64,
    /// Whether reading it back changes nothing.
    readable: bool,
}

#[derive(Serialize)]
struct WriteJson<'a> {
    version: u32,
    board: &'a bundle::BoardId,
    name: &'a str,
    address: String,
    size_bits: u32,
    value: String,
    /// What it then read; null where reading changes the hardware.
    reads: Option<String>,
    fidelity: Option<Fidelity>,
}

/// Writes everything that was named, in its order.
pub(crate) fn run(session: &mut Session, args: &WriteArgs) -> Outcome {
    let index = session.index()?;
    // What cannot be found is said before the board is touched.
    let wanted = args
        .what
        .iter()
        .map(|text| resolve(session, &index, args, text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut board = board::open_running(session, "silk write", &args.observe)?;
    for one in &wanted {
        refuse_flash(&board, one)?;
    }
    for one in &wanted {
        write_one(session, &mut board, one)?;
    }
    Ok(Exit::Ok)
}

fn resolve(
    session: &Session,
    index: &Index,
    args: &WriteArgs,
    text: &str,
) -> Result<Wanted, Failure> {
    let no_value = || {
        Failure::new(Exit::Usage, format!("`{}` says no value to write", printable(text))).hint(
            "REGISTER=VALUE or ADDRESS=VALUE; `silk reg 'REGISTER FIELD=VALUE'` makes a value",
        )
    };
    let (name, value) = text.split_once('=').ok_or_else(no_value)?;
    let (name, value) = (name.trim(), parse_number(value)?);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        let address = parse_address(name)?;
        if let Some(chip) = index.chip() {
            for register in chip.registers_at(address) {
                refuse_read_only(&register)?;
            }
        }
        let (name, size_bits) = (name.to_owned(), args.size);
        return Ok(Wanted { name, address, size_bits, value, readable: true });
    }
    let chip = need_chip(index, &session.config)?;
    if Query::parse(name).is_ok_and(|query| query.field.is_some()) {
        return Err(no_value());
    }
    let (registers, _) = find(chip, name, 1)?;
    let [register] = registers.as_slice() else {
        let what = format!("`{}` names {} registers", printable(name), registers.len());
        return Err(Failure::new(Exit::Usage, what).hint("write them one by one"));
    };
    if register.space() != Space::Memory {
        let what = format!("{} is a control and status register, not in memory", register.path());
        return Err(Failure::new(Exit::Usage, what));
    }
    refuse_read_only(register)?;
    Ok(Wanted {
        name: register.path(),
        address: register.address(),
        size_bits: register.size_bits(),
        value,
        readable: !register.has_read_side_effect()
            && register.access().is_none_or(Access::can_read),
    })
}

fn parse_number(text: &str) -> Result<u64, Failure> {
    svd_index::parse_number(text.trim()).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{}` is not a number", printable(text)))
            .hint("115200, 0x1C200 and 0b101 are")
    })
}

fn refuse_read_only(register: &RegisterRef<'_>) -> Result<(), Failure> {
    match register.access() {
        Some(access) if !access.can_write() => {
            Err(Failure::new(Exit::Usage, format!("{} is read-only", register.path())))
        }
        _ => Ok(()),
    }
}

fn refuse_flash(board: &Board, wanted: &Wanted) -> Result<(), Failure> {
    match board.is_flash(wanted.address) {
        true => Err(Failure::new(Exit::Usage, format!("{} is in flash", hex(wanted.address, 32)))
            .hint("`silk flash` writes a firmware there")),
        false => Ok(()),
    }
}

fn write_one(session: &mut Session, board: &mut Board, wanted: &Wanted) -> Result<(), Failure> {
    let Wanted { name, address, size_bits, value, readable } = wanted;
    let value = hex(*value, *size_bits);
    let what = format!("{name}={value}");
    audit::record(&session.config.folders, Action::Write, board.identity(), Some(&what))?;
    board.write(*address, *size_bits, &[wanted.value]).map_err(board::failure)?;
    let reads = match readable {
        true => board.read(*address, *size_bits, 1).map_err(board::failure)?.first().copied(),
        false => None,
    };
    let reads = reads.map(|reads| hex(reads, *size_bits));
    let fidelity = board.fidelity(*address);
    if session.ui.json {
        return session.ui.json_line(&WriteJson {
            version: json::VERSION,
            board: board.identity(),
            name,
            address: hex(*address, 32),
            size_bits: *size_bits,
            value,
            reads,
            fidelity,
        });
    }
    let then = match &reads {
        Some(reads) if *reads == value => "reads the same".to_owned(),
        Some(reads) => format!("reads {reads}"),
        None => "not read back: that would change the hardware".to_owned(),
    };
    writeln!(session.ui.out, "{name} {} ◀ {value}, {then}", hex(*address, 32))?;
    if let Some(why) = fidelity.and_then(caveat) {
        writeln!(session.ui.out, "  {CARE}{why}{CARE:#}")?;
    }
    Ok(())
}
