//! Registers and findings as lines for a person. Colour only repeats what the words say.

mod ruler;

use std::io::{self, Write};

use svd_index::{FieldRef, PeripheralRef, RegisterRef};

use crate::json::hex;
use crate::ui::{BAD, CARE, GOOD, QUIET, STRONG, printable};

/// Longer lists of enumerated values are cut, with a count of the rest.
const ENUMS_SHOWN: usize = 24;

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
    writeln!(out, "  {QUIET}{}{QUIET:#}", one_line(peripheral.description()))
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
        writeln!(out, "  {QUIET}{description}{QUIET:#}")?;
    }
    let aliases = register.aliases();
    if !aliases.is_empty() {
        writeln!(out, "  also {}", printable(&aliases.join(", ")))?;
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
            Some(value) => decoded_field(out, &field, value)?,
            None => field_line(out, &field)?,
        }
    }
    Ok(())
}

fn field_line(out: &mut impl Write, field: &FieldRef<'_>) -> io::Result<()> {
    let name = printable(field.name());
    write!(out, "  {:>7}  {STRONG}{name}{STRONG:#}", bits(field))?;
    if let Some(access) = field.access().filter(|access| Some(*access) != field.register().access())
    {
        write!(out, "  {access}")?;
    }
    if let Some(action) = field.read_action() {
        write!(out, "  {CARE}reading does: {action}{CARE:#}")?;
    }
    writeln!(out, "  {QUIET}{}{QUIET:#}", one_line(field.description()))?;
    let enums: Vec<_> = field.enums().collect();
    for named in enums.iter().take(ENUMS_SHOWN) {
        let value = match named.value {
            Some(value) => hex(value, field.width()),
            None => "other".to_owned(),
        };
        let name = printable(named.name);
        writeln!(
            out,
            "           {value} {name}  {QUIET}{}{QUIET:#}",
            one_line(named.description)
        )?;
    }
    if enums.len() > ENUMS_SHOWN {
        writeln!(out, "           {QUIET}… and {} more{QUIET:#}", enums.len() - ENUMS_SHOWN)?;
    }
    Ok(())
}

fn decoded_field(out: &mut impl Write, field: &FieldRef<'_>, value: u64) -> io::Result<()> {
    let read = field.decode(value);
    let name = printable(field.name());
    let raw = hex(read.raw, field.width());
    write!(out, "  {:>7}  {STRONG}{name}{STRONG:#} = {raw}", bits(field))?;
    match read.decoded {
        Some(named) => {
            let meaning = one_line(named.description);
            writeln!(out, "  {GOOD}{}{GOOD:#}  {QUIET}{meaning}{QUIET:#}", printable(named.name))
        }
        None if field.enums().next().is_some() => {
            writeln!(out, "  {BAD}none of its {} enumerated values{BAD:#}", field.enums().count())
        }
        None => writeln!(out, "  {QUIET}{}{QUIET:#}", one_line(field.description())),
    }
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
