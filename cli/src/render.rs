//! Registers and findings as lines for a person. Colour only repeats what the words say.

mod ruler;

use std::io::{self, Write};

use svd_index::{FieldRef, PeripheralRef, RegisterRef};

use crate::json::hex;
use crate::ui::{BAD, CARE, GOOD, QUIET, STRONG, printable};

/// Longer lists of enumerated values are cut, with a count of the rest.
const ENUMS_SHOWN: usize = 24;

/// Columns before a field's name and its enumerated values.
const FIELD_INDENT: usize = 11;

/// One line for a register: path, address, size, access, reset value.
pub(crate) fn register_line(out: &mut impl Write, register: &RegisterRef<'_>) -> io::Result<()> {
    let path = printable(&register.path());
    let address = hex(register.address(), 32);
    write!(out, "{STRONG}{path}{STRONG:#}  {address}  {} bit", register.size_bits())?;
    if let Some(access) = register.access() {
        write!(out, "  {access}")?;
    }
    if let Some(reset) = register.reset_value() {
        write!(out, "  reset {}", hex(reset, register.size_bits()))?;
    }
    if register.has_read_side_effect() {
        write!(out, "  {CARE}reading changes the hardware{CARE:#}")?;
    }
    writeln!(out)
}

/// A peripheral's name, base address and interrupts, above its registers.
pub(crate) fn peripheral_head(
    out: &mut impl Write,
    peripheral: &PeripheralRef<'_>,
) -> io::Result<()> {
    let (name, address) = (printable(peripheral.name()), hex(peripheral.base_address(), 32));
    write!(out, "{STRONG}{name}{STRONG:#}  {address}")?;
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
    drawn_register(out, register, value, None)
}

/// As [`register`], its bits drawn first where there are `columns` to draw in.
pub(crate) fn drawn_register(
    out: &mut impl Write,
    register: &RegisterRef<'_>,
    value: Option<u64>,
    columns: Option<usize>,
) -> io::Result<()> {
    register_line(out, register)?;
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
    for field in register.fields() {
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
    if let Some(access) = field.access().filter(|access| Some(*access) != field.register().access())
    {
        write!(out, "  {access}")?;
        used += 2 + access.as_str().len();
    }
    if let Some(action) = field.read_action() {
        let action = format!("reading does: {action}");
        write!(out, "  {CARE}{action}{CARE:#}")?;
        used += 2 + width(&action);
    }
    write!(out, "  ")?;
    explanation(out, &one_line(field.description()), used + 2, columns)?;
    let enums: Vec<_> = field.enums().collect();
    for named in enums.iter().take(ENUMS_SHOWN) {
        let value = match named.value {
            Some(value) => hex(value, field.width()),
            None => "other".to_owned(),
        };
        let named_value = format!("{value} {}", printable(named.name));
        write!(out, "{:FIELD_INDENT$}{named_value}  ", "")?;
        let used = FIELD_INDENT + width(&named_value) + 2;
        explanation(out, &one_line(named.description), used, columns)?;
    }
    if enums.len() > ENUMS_SHOWN {
        let more = enums.len() - ENUMS_SHOWN;
        writeln!(out, "{:FIELD_INDENT$}{QUIET}… and {more} more{QUIET:#}", "")?;
    }
    Ok(())
}

fn decoded_field(
    out: &mut impl Write,
    field: &FieldRef<'_>,
    value: u64,
    columns: Option<usize>,
) -> io::Result<()> {
    let read = field.decode(value);
    let name = printable(field.name());
    let raw = hex(read.raw, field.width());
    write!(out, "  {:>7}  {STRONG}{name}{STRONG:#} = {raw}  ", bits(field))?;
    let used = FIELD_INDENT + width(&name) + 3 + raw.len() + 2;
    match read.decoded {
        Some(named) => {
            let meaning = one_line(named.description);
            let name = printable(named.name);
            write!(out, "{GOOD}{name}{GOOD:#}  ")?;
            explanation(out, &meaning, used + width(&name) + 2, columns)
        }
        None if field.enums().next().is_some() => {
            writeln!(out, "{BAD}none of its {} enumerated values{BAD:#}", field.enums().count())
        }
        None => explanation(out, &one_line(field.description()), used, columns),
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
        if place > 0 && column + 1 + width(word) > columns {
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
    writeln!(out, "{BAD}✘{BAD:#} {}", printable(&finding.summary))?;
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
    use super::explanation;

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
        assert_eq!(wrapped("", 20, Some(24)), "\n");
    }
}
