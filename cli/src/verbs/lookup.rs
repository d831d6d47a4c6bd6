//! `silk reg`, `silk addr`, `silk sym`: the index, asked directly.

mod change;
pub(crate) mod encode;

use std::io::{BufRead, IsTerminal, Write};

use svd_index::elf::{Firmware, SymbolKind, SymbolRef};
use svd_index::{Alias, Chip, Hit, Index, PeripheralRef, Query, RegisterRef};

use self::encode::Assignments;

use crate::args::{AddrArgs, RegArgs, SymArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::render;
use crate::session::{Session, check_whole, need_chip, need_firmware};
use crate::ui::{CARE, QUIET, STRONG, printable};

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

/// `silk addr`
pub(crate) fn addr(session: &mut Session, args: &AddrArgs) -> Outcome {
    let index = session.index()?;
    if index.chip().is_none() && index.firmware().is_none() {
        need_chip(&index, &session.config)?;
    }
    let mut found = false;
    for text in &args.addresses {
        if text == "-" {
            for line in std::io::stdin().lock().lines() {
                for word in line?.split_whitespace() {
                    found |= one_address(session, &index, word)?;
                }
            }
        } else {
            found |= one_address(session, &index, text)?;
        }
    }
    Ok(if found { Exit::Ok } else { Exit::NothingFound })
}

fn one_address(session: &mut Session, index: &Index, text: &str) -> Result<bool, Failure> {
    let address = parse_address(text)?;
    let answer = describe(index, address);
    let found =
        !answer.registers.is_empty() || answer.symbol.is_some() || answer.function.is_some();
    if session.ui.json {
        session.ui.json_line(&answer)?;
        return Ok(found);
    }
    let out = &mut session.ui.out;
    writeln!(out, "{STRONG}{}{STRONG:#}", answer.address)?;
    for path in &answer.registers {
        writeln!(out, "  register  {}", printable(path))?;
    }
    if answer.file.is_some() {
        writeln!(out, "  line    {}", location(&answer.file, answer.line))?;
    }
    for frame in &answer.inlined {
        let caller = location(&frame.file, frame.line);
        writeln!(out, "  inlined   {}, called at{caller}", printable(&frame.function))?;
    }
    if let Some(function) = &answer.function {
        writeln!(out, "  function  {}", printable(function))?;
    }
    if let Some(variable) = &answer.variable {
        writeln!(out, "  variable  {}", printable(variable))?;
    }
    if let Some(symbol) = &answer.symbol {
        writeln!(out, "  symbol    {}", printable(symbol))?;
    }
    if !found {
        let near = index.chip().map(|chip| near(chip, address)).unwrap_or_default();
        writeln!(out, "  nothing known here  {QUIET}{near}{QUIET:#}")?;
    }
    Ok(found)
}

fn location(file: &Option<String>, line: Option<u32>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("  {}:{line}", printable(file)),
        (Some(file), None) => format!("  {}", printable(file)),
        _ => String::new(),
    }
}

pub(crate) fn describe(index: &Index, address: u64) -> json::Address {
    let registers = index.chip().map(|chip| chip.registers_at(address)).unwrap_or_default();
    let mut answer = json::Address {
        version: json::VERSION,
        address: hex(address, 32),
        registers: registers.iter().map(RegisterRef::path).collect(),
        symbol: None,
        function: None,
        file: None,
        line: None,
        inlined: Vec::new(),
        variable: None,
    };
    let Some(firmware) = index.firmware() else { return answer };
    answer.symbol = firmware.symbol_at(address).map(|(symbol, offset)| match offset {
        0 => symbol.name.to_owned(),
        _ => format!("{}+{offset:#x}", symbol.name),
    });
    answer.variable = firmware.variable_at(address);
    let frames = firmware.frames_at(address);
    if let [innermost, ..] = frames.as_slice() {
        answer.file = innermost.file.map(str::to_owned);
        answer.line = innermost.line;
    }
    answer.function = frames.last().map(|frame| frame.function.to_owned());
    // Each inlined function stands with the place that called it: the next frame's.
    answer.inlined = frames
        .windows(2)
        .map(|pair| json::Frame {
            function: pair[0].function.to_owned(),
            file: pair[1].file.map(str::to_owned),
            line: pair[1].line,
        })
        .collect();
    answer
}

/// `0x4000_2524` or a decimal number.
pub(crate) fn parse_address(text: &str) -> Result<u64, Failure> {
    let plain = text.replace('_', "");
    let parsed = match plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => plain.parse(),
    };
    parsed.map_err(|_| {
        Failure::new(Exit::Usage, format!("`{text}` is not an address"))
            .hint("write it as 0x40002524")
    })
}

/// `silk sym`
pub(crate) fn sym(session: &mut Session, args: &SymArgs) -> Outcome {
    let index = session.index()?;
    let firmware = need_firmware(&index, &session.config)?;
    let hits = symbols(firmware, &args.name)?;
    for symbol in hits.iter().take(args.limit) {
        let line = firmware.line_at(symbol.address);
        let symbol = json::Symbol {
            version: json::VERSION,
            name: symbol.name.to_owned(),
            linkage_name: symbol.linkage_name.to_owned(),
            kind: symbol_kind(symbol.kind),
            address: hex(symbol.address, 32),
            size_bytes: symbol.size,
            file: line.map(|line| line.file.to_owned()),
            line: line.map(|line| line.line),
        };
        if session.ui.json {
            session.ui.json_line(&symbol)?;
            continue;
        }
        let json::Symbol { name, kind, address, size_bytes, .. } = &symbol;
        let place = location(&symbol.file, symbol.line);
        let name = printable(name);
        writeln!(
            session.ui.out,
            "{address}  {size_bytes:>6} bytes  {kind:8}  {STRONG}{name}{STRONG:#}{place}"
        )?;
    }
    let more = hits.len().saturating_sub(args.limit);
    if more > 0 {
        session.ui.note(format!("{more} more; `--limit N` shows more"));
    }
    Ok(Exit::Ok)
}

/// The symbols that a name or pattern means; there is at least one.
pub(crate) fn symbols<'a>(
    firmware: &'a Firmware,
    name: &str,
) -> Result<Vec<SymbolRef<'a>>, Failure> {
    let hits = firmware.find_symbols(name);
    if !hits.is_empty() {
        return Ok(hits);
    }
    let failure = Failure::new(Exit::NothingFound, format!("no symbol matches `{name}`"))
        .detail(format!("searched: {} symbols", firmware.symbols().count()));
    Err(match firmware.suggest(name).as_slice() {
        [] => failure.hint("the pattern `*` lists all symbols"),
        near => failure.hint(format!("did you mean {}?", near.join(", "))),
    })
}

/// The word for it in JSON.
pub(crate) fn symbol_kind(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Function => "function",
        SymbolKind::Object => "object",
        SymbolKind::Label => "label",
    }
}
