//! Registers and findings as lines for a person. Colour only repeats what the words say.

mod ruler;

use std::io::{self, Write};

use anstyle::Style;
use bundle::Severity;
use svd_index::{
    Access, EnumUsage, FieldRef, ModifiedWriteValues, PeripheralRef, RegisterRef, Space,
};

use crate::json::{self, hex};
use crate::ui::{BAD, CARE, GOOD, QUIET, STRONG, printable};

/// Longer lists of enumerated values are cut, with a count of the rest.
const ENUMS_SHOWN: usize = 24;

/// Columns before a field's name and its enumerated values.
const FIELD_INDENT: usize = 11;

/// One line for a register: path, address, size, access, reset value, side effects.
pub(crate) fn register_line(out: &mut impl Write, register: &RegisterRef<'_>) -> io::Result<()> {
    head(out, register, None)
}

/// As [`register_line`], in as many lines as `columns` ask for.
fn head(
    out: &mut impl Write,
    register: &RegisterRef<'_>,
    columns: Option<usize>,
) -> io::Result<()> {
    const PLAIN: Style = Style::new();
    let access = register.access().map(|access| access.to_string());
    let reset = register.reset_value().map(|reset| hex(reset, register.size_bits()));
    let written = register.modified_write_values().and_then(writing);
    let reading = register.has_read_side_effect().then_some("reading changes the hardware");
    let facts = [
        Some((STRONG, printable(&register.path()))),
        Some((PLAIN, address_of(register))),
        Some((PLAIN, format!("{} bit", register.size_bits()))),
        access.map(|access| (PLAIN, access)),
        reset.map(|reset| (PLAIN, format!("reset {reset}"))),
        written.map(|written| (CARE, written.to_owned())),
        reading.map(|reading| (CARE, reading.to_owned())),
    ];
    let mut column = 0;
    for (style, text) in facts.into_iter().flatten() {
        let wide = 2 + width(&text);
        if column > 0 && column + wide > columns.unwrap_or(usize::MAX) {
            write!(out, "\n  ")?;
            column = 0;
        } else if column > 0 {
            write!(out, "  ")?;
        }
        write!(out, "{style}{text}{style:#}")?;
        column += wide;
    }
    writeln!(out)
}

/// A register's address; of a CSR, its number.
fn address_of(register: &RegisterRef<'_>) -> String {
    let address = json::address(register);
    if register.space() == Space::Csr { format!("CSR {address}") } else { address }
}

/// What a written bit does, where it is not just being stored.
pub(crate) fn writing(values: ModifiedWriteValues) -> Option<&'static str> {
    match values {
        ModifiedWriteValues::OneToClear => Some("writing 1 clears"),
        ModifiedWriteValues::OneToSet => Some("writing 1 sets"),
        ModifiedWriteValues::OneToToggle => Some("writing 1 toggles"),
        ModifiedWriteValues::ZeroToClear => Some("writing 0 clears"),
        ModifiedWriteValues::ZeroToSet => Some("writing 0 sets"),
        ModifiedWriteValues::ZeroToToggle => Some("writing 0 toggles"),
        ModifiedWriteValues::Clear => Some("any write clears"),
        ModifiedWriteValues::Set => Some("any write sets"),
        ModifiedWriteValues::Modify => None,
    }
}

/// One line for a field: path, bits, address of its register.
pub(crate) fn field_path_line(out: &mut impl Write, field: &FieldRef<'_>) -> io::Result<()> {
    let (path, address) = (printable(&field.path()), address_of(&field.register()));
    write!(out, "{STRONG}{path}{STRONG:#}  {address}  {}", bits(field))?;
    let description = one_line(field.description());
    if !description.is_empty() {
        write!(out, "  {QUIET}{description}{QUIET:#}")?;
    }
    writeln!(out)
}

/// A peripheral's name, base address and interrupts, above its registers.
pub(crate) fn peripheral_head(
    out: &mut impl Write,
    peripheral: &PeripheralRef<'_>,
) -> io::Result<()> {
    write!(out, "{STRONG}{}{STRONG:#}", printable(peripheral.name()))?;
    if peripheral.origin().space() == Space::Memory {
        write!(out, "  {}", hex(peripheral.base_address(), 32))?;
    }
    for interrupt in peripheral.interrupts() {
        write!(out, "  interrupt {} {}", interrupt.number, printable(interrupt.name))?;
    }
    let description = one_line(peripheral.description());
    if !description.is_empty() {
        write!(out, "  {QUIET}{description}{QUIET:#}")?;
    }
    writeln!(out)
}

/// A register with its fields, decoded if there is a value.
pub(crate) fn register(
    out: &mut impl Write,
    register: &RegisterRef<'_>,
    value: Option<u64>,
) -> io::Result<()> {
    drawn_register(out, register, None, value, None)
}

/// As [`register`], its bits drawn first where there are `columns` to draw in, and of its fields
/// only `field` where that is asked for.
pub(crate) fn drawn_register(
    out: &mut impl Write,
    register: &RegisterRef<'_>,
    field: Option<&FieldRef<'_>>,
    value: Option<u64>,
    columns: Option<usize>,
) -> io::Result<()> {
    head(out, register, columns)?;
    let description = one_line(register.description());
    if !description.is_empty() {
        write!(out, "  ")?;
        explanation(out, &description, 2, columns)?;
    }
    let aliases = register.aliases();
    if !aliases.is_empty() {
        writeln!(out, "  also {}", printable(&aliases.join(", ")))?;
    }
    if let Some(manual) = register.origin().manual() {
        writeln!(out, "  {QUIET}not from the SVD: {manual}{QUIET:#}")?;
    }
    if let Some((file, line)) = register.patch() {
        writeln!(out, "  {QUIET}changed by a patch: {}:{line}{QUIET:#}", printable(file))?;
    }
    if let Some(value) = value {
        writeln!(out, "  value {}", hex(value, register.size_bits()))?;
        let reserved = value & register.reserved_mask();
        if reserved != 0 {
            let bits = hex(reserved, register.size_bits());
            writeln!(out, "  {CARE}bits outside every field are set: {bits}{CARE:#}")?;
        }
    }
    if let Some(columns) = columns {
        ruler::draw(out, register, value, columns)?;
    }
    let is_asked_for =
        |other: &FieldRef<'_>| field.is_none_or(|field| field.name() == other.name());
    for field in register.fields().filter(is_asked_for) {
        match value {
            Some(value) => decoded_field(out, &field, value, columns)?,
            None => field_line(out, &field, columns)?,
        }
    }
    Ok(())
}

fn field_line(
    out: &mut impl Write,
    field: &FieldRef<'_>,
    columns: Option<usize>,
) -> io::Result<()> {
    let name = printable(field.name());
    let mut used = FIELD_INDENT + width(&name);
    write!(out, "  {:>7}  {STRONG}{name}{STRONG:#}", bits(field))?;
    for (style, fact) in field_facts(field) {
        write!(out, "  {style}{fact}{style:#}")?;
        used += 2 + width(&fact);
    }
    write!(out, "  ")?;
    explanation(out, &one_line(field.description()), used + 2, columns)?;
    enumerated(out, field, columns)
}

/// What of a field is not as its register's, or not as one would think.
fn field_facts(field: &FieldRef<'_>) -> Vec<(Style, String)> {
    let register = field.register();
    let access = field.access().filter(|access| Some(*access) != register.access());
    let reset = reset_of(field).filter(|reset| *reset != 0);
    let written = field.modified_write_values();
    let written = written.filter(|written| Some(*written) != register.modified_write_values());
    let facts = [
        access.map(|access| (Style::new(), access.to_string())),
        reset.map(|reset| (Style::new(), format!("reset {reset:#x}"))),
        written.and_then(writing).map(|written| (CARE, written.to_owned())),
        field.read_action().map(|action| (CARE, format!("reading does: {action}"))),
    ];
    facts.into_iter().flatten().collect()
}

/// The reset value of a field, where all its bits have one.
pub(crate) fn reset_of(field: &FieldRef<'_>) -> Option<u64> {
    let register = field.register();
    let is_known = register.reset_mask() & field.mask() == field.mask();
    let reset = register.reset_value().filter(|_| is_known)?;
    Some((reset & field.mask()) >> field.lsb().min(63))
}

/// The enumerated values of a field, a line each.
fn enumerated(
    out: &mut impl Write,
    field: &FieldRef<'_>,
    columns: Option<usize>,
) -> io::Result<()> {
    let all = field.enums().count();
    for named in field.enums().take(ENUMS_SHOWN) {
        let value = match named.value {
            Some(value) => enum_digits(value, named.mask, field.width()),
            None => "other".to_owned(),
        };
        let usage = match named.usage {
            EnumUsage::Read => "  read",
            EnumUsage::Write => "  write",
            EnumUsage::ReadWrite => "",
        };
        let named_value = format!("{value} {}", printable(named.name));
        write!(out, "{:FIELD_INDENT$}{named_value}{QUIET}{usage}{QUIET:#}  ", "")?;
        let used = FIELD_INDENT + width(&named_value) + usage.len() + 2;
        explanation(out, &one_line(named.description), used, columns)?;
    }
    if all > ENUMS_SHOWN {
        let more = all - ENUMS_SHOWN;
        writeln!(out, "{:FIELD_INDENT$}{QUIET}… and {more} more{QUIET:#}", "")?;
    }
    Ok(())
}

/// `0x5`, or `0b1xx` where the SVD has bits that do not matter.
pub(crate) fn enum_digits(value: u64, mask: u64, width: u32) -> String {
    let all = u64::MAX >> (64 - width.clamp(1, 64));
    if mask & all == all {
        return hex(value, width);
    }
    let digit = |bit: u32| match (mask >> bit & 1, value >> bit & 1) {
        (0, _) => 'x',
        (_, 0) => '0',
        _ => '1',
    };
    std::iter::once("0b".to_owned())
        .chain((0..width.min(64)).rev().map(|bit| digit(bit).to_string()))
        .collect()
}

fn decoded_field(
    out: &mut impl Write,
    field: &FieldRef<'_>,
    value: u64,
    columns: Option<usize>,
) -> io::Result<()> {
    let read = field.decode(value);
    let name = printable(field.name());
    let mut raw = hex(read.raw, field.width());
    write!(out, "  {:>7}  {STRONG}{name}{STRONG:#} = {raw}", bits(field))?;
    if let Some(reset) = reset_of(field).filter(|reset| *reset != read.raw) {
        let reset = format!(" (reset {reset:#x})");
        write!(out, "{QUIET}{reset}{QUIET:#}")?;
        raw.push_str(&reset);
    }
    write!(out, "  ")?;
    let used = FIELD_INDENT + width(&name) + 3 + raw.len() + 2;
    match read.decoded {
        Some(named) => {
            let meaning = one_line(named.description);
            let name = printable(named.name);
            write!(out, "{GOOD}{name}{GOOD:#}  ")?;
            explanation(out, &meaning, used + width(&name) + 2, columns)
        }
        None => match field.enums_for(field.usage_when_decoded()).count() {
            // What a write of it would do is not told; it is no value that cannot be.
            0 => explanation(out, &one_line(field.description()), used, columns),
            _ if !field.access().is_none_or(Access::can_read) => writeln!(out),
            count => writeln!(out, "{BAD}none of its {count} enumerated values{BAD:#}"),
        },
    }
}

/// Ends a line with a vendor's words, wrapped to `columns` where a person reads them; `used`
/// columns are taken.
fn explanation(
    out: &mut impl Write,
    text: &str,
    used: usize,
    columns: Option<usize>,
) -> io::Result<()> {
    let columns = columns.unwrap_or(usize::MAX);
    // Under its beginning, unless that leaves too little room.
    let indent = if used > columns / 2 { FIELD_INDENT } else { used };
    write!(out, "{QUIET}")?;
    let mut column = used;
    for (place, word) in text.split(' ').enumerate() {
        let space = usize::from(place > 0);
        if column > indent && column + space + width(word) > columns {
            write!(out, "\n{:indent$}", "")?;
            column = indent;
        } else if place > 0 {
            write!(out, " ")?;
            column += 1;
        }
        write!(out, "{word}")?;
        column += width(word);
    }
    writeln!(out, "{QUIET:#}")
}

/// Columns that `text` takes: one a character, as vendors' names have it.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// `[hi:lo]`, or `[n]` for one bit.
pub(crate) fn bits(field: &FieldRef<'_>) -> String {
    match field.width() {
        1 => format!("[{}]", field.lsb()),
        _ => format!("[{}:{}]", field.msb(), field.lsb()),
    }
}

/// Vendor text on one line.
pub(crate) fn one_line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A finding: what is wrong, what was meant, which line does it, and what that rests on.
pub(crate) fn finding(out: &mut impl Write, finding: &bundle::Finding) -> io::Result<()> {
    let (style, mark) = match finding.severity {
        Severity::Error => (BAD, "✘"),
        Severity::Warning => (CARE, "!"),
        Severity::Note => (QUIET, "·"),
    };
    writeln!(out, "{style}{mark}{style:#} {}", printable(&finding.summary))?;
    if !finding.reason.is_empty() {
        writeln!(out, "  because  {}", printable(&finding.reason))?;
    }
    for bits in &finding.rests_on {
        writeln!(out, "  read     {}", printable(&observation(bits)))?;
    }
    if let (Some(meant), Some(name)) = (finding.meant, &finding.meant_name) {
        let why = finding.meant_why.as_deref().unwrap_or_default();
        let meant = hex(meant, 32);
        writeln!(out, "  meant    {GOOD}{meant} {}{GOOD:#}  {}", printable(name), printable(why))?;
    }
    for write in &finding.writes {
        writeln!(out, "  written  {}", printable(&place(write)))?;
    }
    for source in &finding.sources {
        let line = source.line.map(|line| format!(", line {line}")).unwrap_or_default();
        let name = printable(&source.name);
        writeln!(out, "  {QUIET}source   {} {name}{line}{QUIET:#}", source.kind)?;
    }
    Ok(())
}

/// `USART2.SR 0x40004400 = 0x00000008, ORE = 1 (Present)`.
fn observation(bits: &bundle::BitsFact) -> String {
    let address = bits.address.map(|address| format!(" {}", hex(address, 32))).unwrap_or_default();
    let mut said = format!("{}{address} = {}", bits.register, hex(bits.value, 32));
    if !bits.field.is_empty() {
        let raw = if bits.raw < 10 { bits.raw.to_string() } else { format!("{:#x}", bits.raw) };
        said += &format!(", {} = {raw}", bits.field);
    }
    if let Some(name) = &bits.decoded {
        said += &format!(" ({name})");
    }
    said
}

/// `uart.c:34 in uart_init, at 0x000001fc`, as far as it is known.
pub(crate) fn place(write: &bundle::WriteFact) -> String {
    let mut text = String::new();
    if let Some(file) = &write.file {
        text.push_str(file);
        if let Some(line) = write.line {
            text.push_str(&format!(":{line}"));
        }
        text.push(' ');
    }
    if let Some(function) = &write.function {
        text.push_str(&format!("in {function}, "));
    }
    text.push_str(&format!("at {:#010x}", write.pc));
    text
}

#[cfg(test)]
mod tests {
    use super::{enum_digits, explanation};

    fn wrapped(text: &str, used: usize, columns: Option<usize>) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        explanation(&mut out, text, used, columns).expect("a Vec takes all");
        String::from_utf8(out.into_inner()).expect("text in, text out")
    }

    #[test]
    fn words_go_on_under_their_beginning() {
        let text = "one two three four";
        assert_eq!(wrapped(text, 4, None), "one two three four\n");
        assert_eq!(wrapped(text, 4, Some(22)), "one two three four\n");
        assert_eq!(wrapped(text, 4, Some(21)), "one two three\n    four\n");
        assert_eq!(wrapped(text, 4, Some(8)), "one\n    two\n    three\n    four\n");
        // Little room beside a long name: back to where names begin.
        assert_eq!(wrapped(text, 20, Some(24)), "one\n           two three\n           four\n");
        // No room for the first word.
        assert_eq!(wrapped("one", 20, Some(22)), "\n           one\n");
        assert_eq!(wrapped("", 20, Some(24)), "\n");
    }

    #[test]
    fn bits_that_do_not_matter_are_shown_as_such() {
        assert_eq!(enum_digits(5, u64::MAX, 4), "0x5");
        assert_eq!(enum_digits(0b100, 0b110, 3), "0b10x");
        assert_eq!(enum_digits(0, 0, 2), "0bxx");
    }
}
