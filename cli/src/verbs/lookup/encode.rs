//! `silk reg 'REG FIELD=VALUE…'`: from what is meant to what is written, over the reset value.

use std::io::Write;

use serde::Serialize;
use svd_index::{Access, EnumUsage, FieldRef, RegisterRef, WriteConstraint, parse_number};

use super::change::{self, Change};
use crate::exit::{Exit, Failure};
use crate::json::{self, hex};
use crate::render;
use crate::session::Session;
use crate::ui::{CARE, printable};

/// Fields less alike than this are not offered for a name that is none.
const ALIKE: f64 = 0.5;

/// `UART0.CONFIG HWFC=Enabled PARITY=0x7`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assignments {
    /// The register's name, as typed.
    pub(crate) register: String,
    /// Field and value, as typed; at least one.
    fields: Vec<(String, String)>,
}

/// A value that sets fields as asked.
pub(crate) struct Encoding {
    pub(crate) value: u64,
    /// Bits of the fields that were named.
    pub(crate) mask: u64,
    /// Bits taken as 0, since neither a field nor a reset value says what they are.
    unknown: u64,
    changed: Vec<Change>,
    /// What the SVD does not let be written.
    warnings: Vec<String>,
}

/// `silk reg --json`, of an encoded value.
#[derive(Serialize)]
struct Encoded {
    #[serde(flatten)]
    register: json::Register,
    /// Bits of the fields that were named.
    mask: String,
    changed: Vec<Change>,
}

impl Assignments {
    /// Takes `text` apart; `None` if it is another kind of query.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.split('=').map(str::trim).collect::<Vec<_>>().join("=");
        let (register, rest) = text.trim().split_once(char::is_whitespace)?;
        if register.contains('=') {
            return None;
        }
        let fields: Option<Vec<_>> = rest
            .split([',', ' ', '\t'])
            .filter(|word| !word.is_empty())
            .map(|word| {
                let (name, value) = word.split_once('=')?;
                let is_word = |text: &str| !text.is_empty() && text.chars().all(is_name_character);
                let both = is_word(name) && is_word(value);
                both.then(|| (name.to_owned(), value.to_owned()))
            })
            .collect();
        Some(Self { register: register.to_owned(), fields: fields.filter(|all| !all.is_empty())? })
    }
}

fn is_name_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '[' | ']')
}

/// Makes the value that sets the fields of `register` as asked, all others at reset.
///
/// # Errors
/// A field or value that the register does not have.
pub(crate) fn encode(
    register: &RegisterRef<'_>,
    assignments: &Assignments,
) -> Result<Encoding, Failure> {
    let before = register.reset_value().unwrap_or(0) & register.reset_mask();
    let known = if register.reset_value().is_some() { register.reset_mask() } else { 0 };
    let (mut value, mut mask) = (before, 0);
    let (mut fields, mut warnings) = (Vec::with_capacity(assignments.fields.len()), Vec::new());
    for (name, text) in &assignments.fields {
        let field = field(register, name)?;
        if mask & field.mask() != 0 {
            let what = format!("`{name}` is set twice, or shares bits with a field set before");
            return Err(Failure::new(Exit::Usage, what));
        }
        let raw = raw_value(&field, text)?;
        warnings.extend(refusal(&field, raw));
        value = value & !field.mask() | raw << field.lsb();
        mask |= field.mask();
        fields.push(field);
    }
    let change = |field| Change::of(field, (before, known), value, EnumUsage::Write);
    let changed = fields.iter().map(change).collect();
    let unknown = register_bits(register) & !known & !mask;
    Ok(Encoding { value, mask, unknown, changed, warnings })
}

impl Encoding {
    /// What to know before the value is written to a register of `size_bits`.
    pub(crate) fn cautions(&self, size_bits: u32) -> Vec<String> {
        let unknown = (self.unknown != 0).then(|| {
            let bits = hex(self.unknown, size_bits);
            format!("bits without a known reset value are taken as 0: {bits}")
        });
        self.warnings.iter().cloned().chain(unknown).collect()
    }
}

/// Writes the value that sets the fields of `register` as asked.
pub(super) fn show(
    session: &mut Session,
    register: &RegisterRef<'_>,
    assignments: &Assignments,
) -> Result<(), Failure> {
    let Encoding { value, mask, unknown, changed, warnings } = encode(register, assignments)?;
    warnings.iter().for_each(|warning| session.ui.warn(warning));
    let size = register.size_bits();
    if session.ui.json {
        let object = json::Register::of(register, Some(value));
        let encoded = Encoded { register: object, mask: hex(mask, size), changed };
        return session.ui.json_line(&encoded);
    }
    let out = &mut session.ui.out;
    render::register_line(out, register)?;
    writeln!(out, "  value {}  mask {}", hex(value, size), hex(mask, size))?;
    if unknown != 0 {
        let bits = hex(unknown, size);
        writeln!(out, "  {CARE}bits without a known reset value are taken as 0: {bits}{CARE:#}")?;
    }
    change::lines(out, &changed)?;
    Ok(())
}

fn register_bits(register: &RegisterRef<'_>) -> u64 {
    u64::MAX >> (64 - register.size_bits().clamp(1, 64))
}

fn field<'a>(register: &RegisterRef<'a>, name: &str) -> Result<FieldRef<'a>, Failure> {
    if let Some(field) = register.field(name) {
        return Ok(field);
    }
    let path = printable(&register.path());
    let failure = Failure::new(Exit::NothingFound, format!("`{path}` has no field `{name}`"));
    let names: Vec<String> = register.fields().map(|field| printable(field.name())).collect();
    let failure = failure.detail(match names.as_slice() {
        [] => "found: no fields, the SVD names none".to_owned(),
        names => format!("found: {}", names.join(", ")),
    });
    let upper = name.to_ascii_uppercase();
    let alike = |other: &String| {
        strsim::normalized_damerau_levenshtein(&other.to_ascii_uppercase(), &upper)
    };
    let nearest = names.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    Err(match nearest.filter(|nearest| alike(nearest) >= ALIKE) {
        Some(nearest) => failure.hint(format!("did you mean {nearest}?")),
        None => failure,
    })
}

/// The bits, shifted down, that a number or an enumerated value's name stands for.
fn raw_value(field: &FieldRef<'_>, text: &str) -> Result<u64, Failure> {
    let named = || field.enums().filter(|named| named.usage != EnumUsage::Read);
    let exact = named().find(|named| named.name == text);
    let by_name = exact.or_else(|| named().find(|named| named.name.eq_ignore_ascii_case(text)));
    let name = printable(field.name());
    if let Some(named) = by_name {
        return named.value.ok_or_else(|| {
            let what = format!("`{text}` of `{name}` stands for every value not named otherwise");
            Failure::new(Exit::Usage, what).hint("give the number")
        });
    }
    let Some(raw) = parse_number(text) else {
        let names: Vec<String> = named().map(|named| printable(named.name)).collect();
        let what = format!("`{text}` is no value of `{name}`");
        return Err(match names.as_slice() {
            [] => Failure::new(Exit::NothingFound, what)
                .detail("found: no enumerated values, the SVD names none")
                .hint("give a number such as 0x7"),
            names => Failure::new(Exit::NothingFound, what)
                .detail(format!("found: {}", names.join(", "))),
        });
    };
    let most = u64::MAX >> (64 - field.width().clamp(1, 64));
    if raw > most {
        let (width, plural) = (field.width(), if field.width() == 1 { "" } else { "s" });
        let what = format!("{text} does not fit `{name}`, which has {width} bit{plural}");
        return Err(
            Failure::new(Exit::Usage, what).detail(format!("the most it holds is {most:#x}"))
        );
    }
    Ok(raw)
}

/// Says if the SVD does not let the value be written. It may be wrong, so this is no error.
fn refusal(field: &FieldRef<'_>, raw: u64) -> Vec<String> {
    let name = printable(field.name());
    let mut found = Vec::new();
    if field.access() == Some(Access::ReadOnly) {
        found.push(format!("`{name}` is read-only"));
    }
    match field.write_constraint() {
        Some(WriteConstraint::Range { minimum, maximum })
            if !(minimum..=maximum).contains(&raw) =>
        {
            let range = format!("{minimum:#x} to {maximum:#x}");
            found.push(format!("`{name}` may be written with {range}, not {raw:#x}"));
        }
        Some(WriteConstraint::UseEnumeratedValues)
            if field.named(raw, EnumUsage::Write).is_none() =>
        {
            found.push(format!("`{name}` may be written with its named values only"));
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Assignments;

    #[test]
    fn assignments_are_told_from_other_queries() {
        let fields = |text| Assignments::parse(text).map(|found| (found.register, found.fields));
        let one = |register: &str, pairs: &[(&str, &str)]| {
            let owned = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
            Some((register.to_owned(), owned.collect()))
        };
        assert_eq!(fields("A.B X=1"), one("A.B", &[("X", "1")]));
        assert_eq!(fields("A.B X = 1, Y=On"), one("A.B", &[("X", "1"), ("Y", "On")]));
        assert_eq!(fields("A->B  X[3]=0x7"), one("A->B", &[("X[3]", "0x7")]));
        for other in [
            "A.B",
            "A.B=1",
            "A.B = 1",
            "A.B == 1",
            "A->B |= 1",
            "A->B |= (1 << 3)",
            "a().b().modify(|_, w| w.x().set_bit())",
            "baud rate",
            "A.B X",
            "A.B X= ",
            "A.B =1 X=2",
        ] {
            assert_eq!(fields(other), None, "{other}");
        }
    }
}
