//! `silk read`: registers by name, memory by address, without halting.

use std::io::Write;

use bundle::Fidelity;
use hil::Board;
use serde::Serialize;
use svd_index::{Index, Query, RegisterRef, Space};

use crate::args::ReadArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::render;
use crate::session::{Session, need_chip};
use crate::ui::{CARE, QUIET};
use crate::verbs::board;
use crate::verbs::lookup::{find, parse_address};

/// More registers than this are a mistake in the pattern, not a wish.
const REGISTERS_LIMIT: usize = 256;

/// Reads everything that was named.
pub(crate) fn run(session: &mut Session, args: &ReadArgs) -> Outcome {
    let index = session.index()?;
    // What cannot be found is said before the board is touched.
    let wanted = args
        .what
        .iter()
        .map(|text| resolve(session, &index, args, text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut board = board::open_running(session, "silk read", &args.observe)?;
    for what in wanted {
        match what {
            Wanted::Registers(registers) => {
                for register in registers {
                    read_register(session, &mut board, &register)?;
                }
            }
            Wanted::Words(address) => read_words(session, &mut board, address, args)?,
        }
    }
    Ok(Exit::Ok)
}

enum Wanted<'a> {
    Registers(Vec<RegisterRef<'a>>),
    Words(u64),
}

fn resolve<'a>(
    session: &Session,
    index: &'a Index,
    args: &ReadArgs,
    text: &str,
) -> Result<Wanted<'a>, Failure> {
    let is_address = text.starts_with(|c: char| c.is_ascii_digit());
    if is_address {
        let address = parse_address(text)?;
        if let Some(chip) = index.chip() {
            for register in chip.registers_at(address) {
                refuse_side_effects(&register, args)?;
            }
        }
        return Ok(Wanted::Words(address));
    }
    let chip = need_chip(index, &session.config)?;
    if Query::parse(text).is_ok_and(|query| query.value.is_some()) {
        return Err(Failure::new(Exit::Usage, format!("`{text}` has a value; `read` takes none"))
            .hint("`silk reg NAME=VALUE` decodes a value"));
    }
    let (registers, _) = find(chip, text, 1)?;
    if registers.len() > REGISTERS_LIMIT {
        let what = format!("`{text}` names {} registers", registers.len());
        return Err(Failure::new(Exit::Usage, what).hint("`silk snap` reads whole peripherals"));
    }
    for register in &registers {
        refuse_other_spaces(register)?;
        refuse_side_effects(register, args)?;
    }
    Ok(Wanted::Registers(registers))
}

/// The number of a CSR is no address that a probe could read.
fn refuse_other_spaces(register: &RegisterRef<'_>) -> Result<(), Failure> {
    if register.space() == Space::Memory {
        return Ok(());
    }
    let what = format!("{} is a control and status register, not in memory", register.path());
    Err(Failure::new(Exit::Usage, what)
        .hint("only the hart's own instructions reach it: `csrr` in the firmware"))
}

fn refuse_side_effects(register: &RegisterRef<'_>, args: &ReadArgs) -> Result<(), Failure> {
    if !register.has_read_side_effect() || args.allow_side_effects {
        return Ok(());
    }
    let path = register.path();
    let action = register.read_action().map(|action| format!(" ({action})")).unwrap_or_default();
    Err(Failure::new(Exit::Usage, format!("reading {path} changes the hardware{action}"))
        .hint("`--allow-side-effects` reads it all the same"))
}

#[derive(Serialize)]
struct ReadJson<'a> {
    board: &'a bundle::BoardId,
    fidelity: Option<Fidelity>,
    #[serde(flatten)]
    register: json::Register,
}

fn read_register(
    session: &mut Session,
    board: &mut Board,
    register: &RegisterRef<'_>,
) -> Result<(), Failure> {
    let values = board.read(register.address(), register.size_bits(), 1).map_err(board::failure)?;
    let value = values.first().copied();
    let fidelity = board.fidelity(register.address());
    if session.ui.json {
        let register = json::Register::of(register, value);
        return session.ui.json_line(&ReadJson { board: board.identity(), fidelity, register });
    }
    // Bits that mean nothing are not given names.
    let means = fidelity != Some(Fidelity::NotModelled);
    render::register(&mut session.ui.out, register, value.filter(|_| means))?;
    if let Some(value) = value.filter(|_| !means) {
        writeln!(session.ui.out, "  reads {}", hex(value, register.size_bits()))?;
    }
    if let Some(why) = fidelity.and_then(caveat) {
        writeln!(session.ui.out, "  {CARE}{why}{CARE:#}")?;
    }
    Ok(())
}

/// What a reader must know about a value off a virtual board.
pub(crate) fn caveat(fidelity: Fidelity) -> Option<&'static str> {
    match fidelity {
        Fidelity::Modelled => None,
        Fidelity::StoredOnly => Some("virtual board: QEMU stores this value and does nothing else"),
        Fidelity::NotModelled => Some("virtual board: QEMU does not model this register's value"),
    }
}

#[derive(Serialize)]
struct WordJson<'a> {
    version: u32,
    board: &'a bundle::BoardId,
    address: String,
    size_bits: u32,
    value: String,
}

fn read_words(
    session: &mut Session,
    board: &mut Board,
    address: u64,
    args: &ReadArgs,
) -> Result<(), Failure> {
    let words = board.read(address, args.size, args.count).map_err(board::failure)?;
    let bytes = u64::from(args.size / 8);
    if session.ui.json {
        for (at, word) in (address..).step_by(bytes as usize).zip(&words) {
            session.ui.json_line(&WordJson {
                version: json::VERSION,
                board: board.identity(),
                address: hex(at, 32),
                size_bits: args.size,
                value: hex(*word, args.size),
            })?;
        }
        return Ok(());
    }
    let per_line = (16 / bytes).max(1);
    for (line, chunk) in words.chunks(per_line as usize).enumerate() {
        let at = address + line as u64 * per_line * bytes;
        write!(session.ui.out, "{QUIET}{}{QUIET:#} ", hex(at, 32))?;
        for word in chunk {
            write!(session.ui.out, " {}", &hex(*word, args.size)[2..])?;
        }
        writeln!(session.ui.out)?;
    }
    Ok(())
}
