//! What becomes of a register's fields from one value to another.

use std::io::{self, Write};

use serde::Serialize;
use svd_index::{EnumUsage, FieldRef, RegisterRef};

use crate::exit::{Exit, Failure};
use crate::json::{self, hex};
use crate::render;
use crate::session::Session;
use crate::ui::{CARE, QUIET, STRONG, printable};

/// A field, before and after.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    name: String,
    /// Null where the value before is not known.
    from: Option<String>,
    to: String,
    /// Null where no enumerated value is that.
    from_name: Option<String>,
    to_name: Option<String>,
    #[serde(skip)]
    bits: String,
}

/// `silk reg --json`, of two values.
#[derive(Serialize)]
struct Difference {
    #[serde(flatten)]
    register: json::Register,
    from: String,
    to: String,
    changed: Vec<Change>,
    /// Bits that differ and belong to no field.
    changed_reserved: String,
}

impl Change {
    /// The change of `field` from a value, and which of its bits are known, to `after`; `usage`
    /// tells whether that is written or read.
    pub(super) fn of(
        field: &FieldRef<'_>,
        (before, known): (u64, u64),
        after: u64,
        usage: EnumUsage,
    ) -> Self {
        let size = field.register().size_bits();
        let raw = |value: u64| (value & field.mask()) >> field.lsb().min(63);
        let name = |raw, usage| field.named(raw, usage).map(|named| named.name.to_owned());
        let from = (field.mask() & !known == 0).then(|| raw(before));
        Self {
            name: field.name().to_owned(),
            from: from.map(|from| hex(from, size)),
            to: hex(raw(after), size),
            from_name: from.and_then(|from| name(from, EnumUsage::Read)),
            to_name: name(raw(after), usage),
            bits: render::bits(field),
        }
    }
}

/// One line a field: `[3:1]  PARITY  0x0 Excluded → 0x7 Included`.
pub(super) fn lines(out: &mut impl Write, changes: &[Change]) -> io::Result<()> {
    for change in changes {
        let name = printable(&change.name);
        write!(out, "  {:>7}  {STRONG}{name}{STRONG:#}  ", change.bits)?;
        match &change.from {
            Some(from) => one_value(out, from, change.from_name.as_deref())?,
            None => write!(out, "not known")?,
        }
        write!(out, " → ")?;
        one_value(out, &change.to, change.to_name.as_deref())?;
        writeln!(out)?;
    }
    Ok(())
}

fn one_value(out: &mut impl Write, raw: &str, name: Option<&str>) -> io::Result<()> {
    let digits = raw.trim_start_matches("0x").trim_start_matches('0');
    write!(out, "0x{}", if digits.is_empty() { "0" } else { digits })?;
    name.map_or(Ok(()), |name| write!(out, " {}", printable(name)))
}

/// Splits `REG=V1..V2`; `None` if `text` is another kind of query.
pub(super) fn parse(text: &str) -> Option<(&str, u64, u64)> {
    let (name, values) = text.split_once('=')?;
    let (from, to) = values.split_once("..")?;
    Some((name, svd_index::parse_number(from)?, svd_index::parse_number(to)?))
}

/// Writes what differs between two values of `register`.
pub(super) fn show(
    session: &mut Session,
    register: &RegisterRef<'_>,
    from: u64,
    to: u64,
) -> Result<(), Failure> {
    let size = register.size_bits();
    let all = u64::MAX >> (64 - size.clamp(1, 64));
    if (from | to) & !all != 0 {
        let path = printable(&register.path());
        let what = format!("{:#x} does not fit `{path}`, which has {size} bits", from.max(to));
        return Err(Failure::new(Exit::Usage, what));
    }
    let differs = from ^ to;
    let changed: Vec<Change> = register
        .fields()
        .filter(|field| field.mask() & differs != 0)
        .map(|field| Change::of(&field, (from, all), to, EnumUsage::Read))
        .collect();
    let reserved = differs & register.reserved_mask();
    if session.ui.json {
        let difference = Difference {
            register: json::Register::of(register, None),
            from: hex(from, size),
            to: hex(to, size),
            changed,
            changed_reserved: hex(reserved, size),
        };
        return session.ui.json_line(&difference);
    }
    let out = &mut session.ui.out;
    render::register_line(out, register)?;
    let differing = hex(differs, size);
    writeln!(
        out,
        "  {} → {}  {QUIET}differ in {differing}{QUIET:#}",
        hex(from, size),
        hex(to, size)
    )?;
    lines(out, &changed)?;
    if reserved != 0 {
        let bits = hex(reserved, size);
        writeln!(out, "  {CARE}bits outside every field differ: {bits}{CARE:#}")?;
    }
    let same = register.fields().count() - changed.len();
    if same > 0 {
        let plural = if same == 1 { "" } else { "s" };
        writeln!(out, "  {QUIET}{same} field{plural} as before{QUIET:#}")?;
    }
    Ok(())
}
