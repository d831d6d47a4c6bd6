//! `silk reg`, `silk addr`, `silk sym`: the index, asked directly.

mod address;
mod change;
pub(crate) mod encode;
mod symbol;

use std::io::{IsTerminal, Write};

use svd_index::{Alias, Chip, Hit, PeripheralRef, Query, RegisterRef};

pub(crate) use self::address::{addr, describe, parse_address};
use self::encode::Assignments;
pub(crate) use self::symbol::{sym, symbol_kind, symbols};

use crate::args::RegArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::render;
use crate::session::{Session, check_whole, need_chip};
use crate::ui::{CARE, printable};

/// Registers shown where no limit is asked for.
const SHOWN: usize = 20;

/// `silk reg`
pub(crate) fn reg(session: &mut Session, args: &RegArgs) -> Outcome {
    let index = session.index()?;
    let chip = need_chip(&index, &session.config)?;
    let text = args.query.join(" ");
    if let Some(assignments) = Assignments::parse(&text) {
        let register = one(chip, &assignments.register)?;
        check_whole(&index)?;
        encode::show(session, &register, &assignments)?;
        return Ok(Exit::Ok);
    }
    let difference = change::parse(&text);
    let name = difference.map_or(text.as_str(), |(name, ..)| name);
    let Found { mut hits, value, alias } = find_hits(chip, name, args.limit.unwrap_or(SHOWN))?;
    check_whole(&index)?;
    let peripherals = listed_peripherals(chip, name, &hits);
    let is_list = !peripherals.is_empty();
    let limit = args.limit.unwrap_or(if is_list { hits.len() } else { SHOWN });
    if is_list {
        hits.sort_by_key(|hit| hit.register.address());
    }
    if !session.ui.json {
        for peripheral in &peripherals {
            render::peripheral_head(&mut session.ui.out, peripheral)?;
        }
        if let (Some(alias), Some(hit)) = (alias, hits.first()) {
            alias_line(&mut session.ui.out, alias, &hit.register)?;
        }
    }
    let whole = value.is_some() || (hits.len() <= 3 && !is_list);
    let width = (args.draw || hits.len() == 1).then(|| drawing_width(args.draw)).flatten();
    for Hit { register, field } in hits.iter().take(limit) {
        let field = field.as_ref();
        if let Some((_, from, to)) = difference {
            change::show(session, register, from, to)?;
        } else if session.ui.json {
            let register = json::Register::of(register, value).naming(field).reached_by(alias);
            session.ui.json_line(&register)?;
        } else if whole || args.draw {
            render::drawn_register(&mut session.ui.out, register, field, value, width)?;
        } else if let Some(field) = field {
            render::field_path_line(&mut session.ui.out, field)?;
        } else {
            render::register_line(&mut session.ui.out, register)?;
        }
    }
    let more = hits.len().saturating_sub(limit);
    if more > 0 {
        session.ui.note(format!("{more} more; `--limit N` shows more, a longer name shows fewer"));
    }
    Ok(Exit::Ok)
}

/// The peripherals of one name, if `name` ends with it and `hits` are all their registers.
///
/// There are two where the SVD gives a part of one that is built in.
fn listed_peripherals<'a>(chip: &'a Chip, name: &str, hits: &[Hit<'a>]) -> Vec<PeripheralRef<'a>> {
    let typed = name.trim().trim_end_matches("()").to_ascii_uppercase();
    let Some(theirs) = hits.first().map(|hit| hit.register.peripheral().name()) else {
        return Vec::new();
    };
    let named: Vec<_> =
        chip.peripherals().filter(|peripheral| peripheral.name() == theirs).collect();
    let all: usize = named.iter().map(|peripheral| peripheral.registers().count()).sum();
    let are_theirs = hits.iter().all(|hit| hit.register.peripheral().name() == theirs);
    let is_named = typed.ends_with(&theirs.to_ascii_uppercase());
    if is_named && are_theirs && all == hits.len() { named } else { Vec::new() }
}

/// Columns that a drawing may take; `None` where none is wanted.
fn drawing_width(always: bool) -> Option<usize> {
    const COLUMNS: usize = 80;
    if !std::io::stdout().is_terminal() {
        return always.then_some(COLUMNS);
    }
    let size = terminal_size::terminal_size_of(std::io::stdout());
    Some(size.map_or(COLUMNS, |(width, _)| usize::from(width.0)))
}

/// The one register that a name means.
pub(crate) fn one<'a>(chip: &'a Chip, name: &str) -> Result<RegisterRef<'a>, Failure> {
    const NAMED: usize = 5;
    let (hits, value) = find(chip, name, SHOWN)?;
    debug_assert!(value.is_none(), "the name has no `=`");
    let failure = Failure::new(Exit::Usage, format!("`{name}` is not one register"));
    match hits.as_slice() {
        [register] if register.is_array() => {
            let first = register.element(0).map(|first| printable(&first.path()));
            let what = format!("found: {}", printable(&register.path()));
            let hint = format!("name an element, such as {}", first.unwrap_or_default());
            Err(failure.detail(what).hint(hint))
        }
        [register] => Ok(*register),
        several => {
            let paths: Vec<String> =
                several.iter().take(NAMED).map(|hit| printable(&hit.path())).collect();
            let more = if several.len() > NAMED { ", …" } else { "" };
            let what = format!("found: {} registers: {}{more}", several.len(), paths.join(", "));
            Err(failure.detail(what).hint("give its whole path"))
        }
    }
}

/// Registers that a query names, else those that its words describe, and the value to decode.
pub(crate) fn find<'a>(
    chip: &'a Chip,
    text: &str,
    limit: usize,
) -> Result<(Vec<RegisterRef<'a>>, Option<u64>), Failure> {
    let Found { hits, value, .. } = find_hits(chip, text, limit)?;
    let mut registers: Vec<RegisterRef<'a>> = hits.into_iter().map(|hit| hit.register).collect();
    // Hits are in the order of the registers.
    registers.dedup();
    Ok((registers, value))
}

/// What a query names.
pub(crate) struct Found<'a> {
    pub(crate) hits: Vec<Hit<'a>>,
    /// To be decoded.
    pub(crate) value: Option<u64>,
    /// How the address asked for reaches the register, where it is not the register's own.
    pub(crate) alias: Option<Alias>,
}

/// As [`find`], telling also which fields the query names.
pub(crate) fn find_hits<'a>(
    chip: &'a Chip,
    text: &str,
    limit: usize,
) -> Result<Found<'a>, Failure> {
    let query = Query::parse(text).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot understand `{text}`"))
            .caused_by(&error)
            .hint("examples: UART0.BAUDRATE, 'UART*', 0x40002524, UART0.BAUDRATE=0x1C200")
    })?;
    let hits = chip.find_hits(&query);
    let value = query.value;
    if !hits.is_empty() {
        return Ok(Found { hits, value, alias: None });
    }
    if let Some(address) = query.address {
        let (hits, alias) = behind(chip, address).ok_or_else(|| unmapped(chip, address))?;
        return Ok(Found { hits, value, alias: Some(alias) });
    }
    if query.value.is_some() || !reads_as_words(text) {
        return Err(unknown(chip, text));
    }
    let described = chip.search(text, limit).into_iter();
    let described: Vec<_> = described.map(|(register, _)| Hit { register, field: None }).collect();
    if described.is_empty() {
        return Err(unknown(chip, text));
    }
    Ok(Found { hits: described, value: None, alias: None })
}

/// The registers that an access to an alias at `address` reaches.
fn behind(chip: &Chip, address: u64) -> Option<(Vec<Hit<'_>>, Alias)> {
    let resolved = chip.resolve(address);
    let alias = resolved.first()?.alias?;
    let hits = resolved.into_iter().map(|seen| Hit { register: seen.register, field: None });
    Some((hits.collect(), alias))
}

/// Says what an address that is no register's own does.
fn alias_line(out: &mut impl Write, alias: Alias, of: &RegisterRef<'_>) -> std::io::Result<()> {
    let path = printable(&of.path());
    writeln!(out, "{CARE}{alias} of {path}{CARE:#}: {}", alias.effect())
}

/// Whether a text describes a register rather than names one: a slip in a name is to be told, not
/// searched for.
fn reads_as_words(text: &str) -> bool {
    text.contains(char::is_whitespace) || text.chars().all(char::is_alphabetic)
}

fn unmapped(chip: &Chip, address: u64) -> Failure {
    let failure = format!("no register is at {}", hex(address, 32));
    Failure::new(Exit::NothingFound, failure).detail(near(chip, address))
}

/// What lies around an address that holds no register.
pub(crate) fn near(chip: &Chip, address: u64) -> String {
    let near = chip.near(address);
    let at = |register: &RegisterRef<'_>| {
        format!("{} at {}", printable(&register.path()), hex(register.address(), 32))
    };
    let inside: Vec<String> = chip
        .peripherals_at(address)
        .iter()
        .map(|peripheral| {
            let offset = address.wrapping_sub(peripheral.base_address());
            format!("{} + {offset:#x}", printable(peripheral.name()))
        })
        .collect();
    let peripheral = (!inside.is_empty()).then(|| format!("inside {}", inside.join(", ")));
    let before = near.before.as_ref().map(|register| format!("before it {}", at(register)));
    let after = near.after.as_ref().map(|register| format!("after it {}", at(register)));
    let told: Vec<String> = [peripheral, before, after].into_iter().flatten().collect();
    format!("near: {}", if told.is_empty() { "nothing".to_owned() } else { told.join(", ") })
}

fn unknown(chip: &Chip, text: &str) -> Failure {
    let failure = Failure::new(Exit::NothingFound, format!("no register matches `{text}`")).detail(
        format!("searched: {} registers of {}", chip.device().registers, chip.device().name),
    );
    if chip.device().core.is_none() && names_core(text) {
        return failure
            .detail(
                "the core's own registers are built in, but this SVD has no `<cpu>` that is known",
            )
            .hint("give the firmware with `--elf`: it tells the core");
    }
    match chip.suggest(text).as_slice() {
        [] => failure.hint("the pattern `*` lists all registers"),
        near => failure.hint(format!("did you mean {}?", near.join(", "))),
    }
}

/// True if `text` begins as the path of a register that comes with an Arm or RISC-V core.
fn names_core(text: &str) -> bool {
    const PERIPHERALS: [&str; 13] = [
        "CoreDebug",
        "CSR",
        "DCB",
        "DWT",
        "FPU",
        "ITM",
        "MPU",
        "NVIC",
        "SAU",
        "SCB",
        "SCnSCB",
        "SysTick",
        "TPIU",
    ];
    let lead = text.trim().split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
    PERIPHERALS.iter().any(|peripheral| peripheral.eq_ignore_ascii_case(lead))
}
