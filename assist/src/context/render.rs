//! Evidence as text: one line per register, its writes and reads beneath, findings before, logs after.
//!
//! ```text
//! ! value-not-enumerated: UART0.BAUDRATE.BAUDRATE holds 0x0001c200 (115200), …
//! UART0.BAUDRATE 0x40002524 =0x0001c200 BAUDRATE[31:0]=0x0001c200
//!   uart_init uart.c:31 writes 0x0001c200
//! GPIO.PIN_CNF[0] 0x50000700 ×32 DIR[0] INPUT[1] +3
//! function tick_start main.c:20
//! log uart0 | uart-baud: boot ok
//! ```

use bundle::{BoardId, FieldFact, Finding, RegisterFact, WriteFact};

use super::rank::Ranked;
use crate::catalog::{Field, Register, hex};

/// The head of a register's line: path, address, how many it stands for, what it holds or why
/// that is not known.
pub(super) fn head(
    ranked: &Ranked,
    register: &Register<'_>,
    held: Option<&RegisterFact>,
    blind: Option<&str>,
) -> String {
    let mut head = match register.is_in_memory() {
        true => format!("{} {:#010x}", ranked.path, ranked.address),
        false => format!("{} CSR {:#05x}", ranked.path, ranked.address),
    };
    if ranked.stands_for > 1 {
        head += &format!(" ×{}", ranked.stands_for);
    }
    if let (None, Some(why)) = (held, blind) {
        head += &format!(" ({why})");
    }
    if let Some(held) = held {
        head += &format!(" ={}", hex(held.value, register.size_bits));
        if let Some(reset) = held.reset_value.filter(|reset| *reset != held.value) {
            head += &format!(" (reset {reset:#x})");
        }
    }
    head
}

/// Whose values are shown, and whether they are measured.
pub(super) fn board(board: &BoardId) -> String {
    match &board.virtual_board {
        Some(emulator) => format!(
            "values from {}: emulated by QEMU {} ({}), not measured",
            board.selector, emulator.qemu, emulator.machine
        ),
        None => format!("values from {} ({})", board.selector, board.chip),
    }
}

/// A field as it stands on its register's line, what it holds included.
pub(super) fn field(field: &Field<'_>, held: Option<&RegisterFact>) -> String {
    let name = format!(" {}{}", field.name, field.bits());
    let same = |known: &&FieldFact| known.name == field.name && known.lsb == field.lsb;
    match held.and_then(|held| held.fields.iter().find(same)) {
        Some(FieldFact { decoded: Some(decoded), raw, .. }) => format!("{name}={raw}:{decoded}"),
        Some(FieldFact { raw, .. }) if *raw > 9 => format!("{name}={raw:#x}"),
        Some(FieldFact { raw, .. }) => format!("{name}={raw}"),
        None => name,
    }
}

/// Fields that were not listed.
pub(super) fn more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" +{count}") }
}

/// What a register is for, in the vendor's words, cut to what a line bears.
pub(super) fn purpose(register: &Register<'_>) -> String {
    const MOST_CHARS: usize = 70;
    let words: Vec<&str> = register.description.split_whitespace().collect();
    // `CC[0]` in a description must not read as a field that is listed.
    let said = words.join(" ").replace('[', "(").replace(']', ")");
    let said = said.trim_end_matches('.');
    if said.is_empty() || said.eq_ignore_ascii_case(register.name()) {
        return String::new();
    }
    let mut cut: String = said.chars().take(MOST_CHARS).collect();
    if cut.len() < said.len() {
        cut.push('…');
    }
    format!(" // {cut}")
}

/// A write by the firmware, beneath its register; of an array it says to which element.
pub(super) fn write(write: &WriteFact, element: Option<&str>, size_bits: u32) -> String {
    let value = write.value.map_or("a value not known".to_owned(), |value| hex(value, size_bits));
    let element = element.map(|path| format!(" to {path}")).unwrap_or_default();
    format!("  {} writes {value}{element}", place_of(write))
}

fn place_of(write: &WriteFact) -> String {
    place(write.function.as_deref(), write.file.as_deref(), write.line, write.pc)
}

/// `uart_init uart.c:31`, as far as it is known.
pub(super) fn place(
    function: Option<&str>,
    file: Option<&str>,
    line: Option<u32>,
    pc: u64,
) -> String {
    let function = function.unwrap_or("code");
    match (file, line) {
        (Some(file), Some(line)) => format!("{function} {}:{line}", base_name(file)),
        _ => format!("{function} at {pc:#x}"),
    }
}

/// Folders tell about people's machines and cost tokens; the name tells the file.
pub(super) fn base_name(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

/// A finding, with the place that explains it.
pub(super) fn finding(finding: &Finding) -> String {
    let mut line = format!("! {}: {}", finding.rule, finding.summary);
    let places: Vec<String> = finding.writes.iter().take(3).map(place_of).collect();
    if !places.is_empty() {
        line += &format!("; written by {}", places.join(", "));
    }
    line
}

/// Named values of a field that a finding is about: what was meant and its neighbours, at most
/// `limit`; the rest as a count.
pub(super) fn enums(field: &Field<'_>, meant: Option<u64>, limit: usize) -> String {
    let values: Vec<(&str, u64)> =
        field.enums().filter_map(|value| Some((value.name, value.value?))).collect();
    let meant = values.iter().position(|(_, value)| Some(*value) == meant).unwrap_or(0);
    let first = meant.saturating_sub(limit / 2).min(values.len().saturating_sub(limit));
    let listed: Vec<String> = values
        .iter()
        .skip(first)
        .take(limit)
        .map(|(name, value)| format!("{name}={}", hex(*value, field.width)))
        .collect();
    let rest = values.len() - listed.len();
    let rest = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!("  {}{} may be {}{rest}", field.name, field.bits(), listed.join(" "))
}

/// One line of a log. Line ends inside it cannot be: they would forge evidence.
pub(super) fn log(channel: &str, text: &str) -> String {
    const MOST_CHARS: usize = 160;
    let plain: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_CHARS).collect();
    format!("log {channel} | {}", plain.trim_end())
}
