//! `value-not-enumerated`: a field holds a value that the chip's description does not list.

use bundle::{BitsFact, Finding, Severity, WriteFact};
use svd_index::{Access, EnumUsage, EnumValueRef, WriteConstraint};

use super::rule::{Check, Rule};
use super::{Observed, Origin, effect};
use crate::catalog::{extract, hex};
use crate::words;

const NAME: &str = "value-not-enumerated";
const REASON: &str = "The description lists what the field may hold, and this is not in the list: \
                      the part's behaviour is undefined, or something else than the code says.";

pub(super) const RULES: &[Rule] = &[Rule {
    name: NAME,
    reason: REASON,
    source: "CMSIS-SVD 1.3.10, enumeratedValues and writeConstraint",
    severity: Severity::Error,
    rests_on: "any field with enumerated values",
    silent: "lists that do not claim to be complete, bits that can be combined, reset values",
    check: Check::Field(check),
}];

/// Fields up to this width are taken to be lists of codes; wider ones are often numbers of which
/// the description names a few.
const CODE_WIDTH: u32 = 7;

fn check(observed: &Observed<'_>) -> Option<Finding> {
    let field = observed.field;
    if !field.access().is_none_or(Access::can_read) {
        return None;
    }
    let listed: Vec<EnumValueRef<'_>> =
        field.enums().filter(|value| usable(value, &observed.origin)).collect();
    let stands = |value: &EnumValueRef<'_>| value.is_default || value.matches(observed.raw);
    if listed.iter().any(stands) || is_reset(observed) {
        return None;
    }
    let meant = meant(&listed, observed.raw);
    let must = field.write_constraint() == Some(WriteConstraint::UseEnumeratedValues);
    let closed = must || (field.width() <= CODE_WIDTH && is_closed(&listed));
    // A number in a name proves the mistake also where the list may be open.
    let by_number = meant.as_ref().is_some_and(|meant| meant.by_number);
    (closed || by_number).then(|| finding(observed, listed.len(), meant))
}

fn usable(value: &EnumValueRef<'_>, origin: &Origin<'_>) -> bool {
    match origin {
        Origin::Board(_) => value.usage != EnumUsage::Write,
        Origin::Firmware => value.usage != EnumUsage::Read,
    }
}

/// A reset value outside its own enumeration is the vendor's doing.
fn is_reset(observed: &Observed<'_>) -> bool {
    observed.register.reset_value().is_some_and(|reset| {
        extract(reset, observed.field.lsb(), observed.field.width()) == observed.raw
    })
}

/// Whether the values read as all there are, not as samples or as bits to be combined.
fn is_closed(listed: &[EnumValueRef<'_>]) -> bool {
    let values: Vec<u64> = listed.iter().filter_map(|value| value.value).collect();
    let flags = values.iter().filter(|value| **value != 0);
    let combinable = flags.clone().count() >= 2 && flags.clone().all(|v| v.is_power_of_two());
    let contiguous = {
        let (low, high) = (values.iter().min(), values.iter().max());
        low.zip(high).is_some_and(|(low, high)| high - low + 1 == values.len() as u64)
    };
    values.len() >= 2
        && (!combinable || contiguous)
        && !listed.iter().any(is_sample)
        && (contiguous || !listed.iter().all(names_itself))
}

/// `MinGain`, `DefaultGain`, `MaxGain`, `Reserved…`: an end or an example of a range.
fn is_sample(value: &EnumValueRef<'_>) -> bool {
    let parts = words::split(value.name);
    let said = |word: &str| parts.iter().any(|part| part == word);
    ["min", "max", "minimum", "maximum", "default", "others", "reserved"].into_iter().any(said)
}

/// `COUNT_63` = 63: a number that is named after itself, so the others exist too.
fn names_itself(value: &EnumValueRef<'_>) -> bool {
    value.value.is_some_and(|number| words::numbers(value.name).contains(&number))
}

/// The value that was probably meant.
struct Meant<'a> {
    value: EnumValueRef<'a>,
    bits: u64,
    why: String,
    by_number: bool,
}

fn meant<'a>(listed: &[EnumValueRef<'a>], found: u64) -> Option<Meant<'a>> {
    by_number(listed, found).or_else(|| by_exclusion(listed))
}

/// The one value whose name or description says the number that was found. Small numbers stand
/// in too many names to mean anything.
fn by_number<'a>(listed: &[EnumValueRef<'a>], found: u64) -> Option<Meant<'a>> {
    const LEAST: u64 = 10;
    if found < LEAST {
        return None;
    }
    let says = |value: &&EnumValueRef<'_>| {
        words::numbers(value.name).contains(&found)
            || words::numbers(value.description).contains(&found)
    };
    let mut saying = listed.iter().filter(says);
    let (value, None) = (saying.next()?, saying.next()) else { return None };
    let why = format!("{found} stands in the name or description of {}", value.name);
    Some(Meant { value: *value, bits: value.value?, why, by_number: true })
}

/// Of `Disabled` = 0 and one other value, the other one: what was found is not 0 either.
fn by_exclusion<'a>(listed: &[EnumValueRef<'a>]) -> Option<Meant<'a>> {
    let [a, b] = listed else { return None };
    let (zero, other) = if a.value == Some(0) { (a, b) } else { (b, a) };
    (zero.value == Some(0)).then_some(())?;
    let why = format!("it is the only one besides {}", zero.name);
    Some(Meant { value: *other, bits: other.value?, why, by_number: false })
}

fn finding(observed: &Observed<'_>, listed: usize, meant: Option<Meant<'_>>) -> Finding {
    let Observed { register, field, raw, .. } = observed;
    let writes = explaining(observed);
    let read = matches!(observed.origin, Origin::Board(_)).then(|| BitsFact {
        register: register.path(),
        address: Some(register.address()),
        value: observed.value,
        field: field.name().to_owned(),
        raw: *raw,
        decoded: None,
    });
    Finding {
        rule: NAME.to_owned(),
        severity: Severity::Error,
        summary: summary(observed, listed, meant.as_ref(), !writes.is_empty()),
        register: register.path(),
        field: Some(field.name().to_owned()),
        found: *raw,
        meant: meant.as_ref().map(|meant| meant.bits),
        meant_name: meant.as_ref().map(|meant| meant.value.name.to_owned()),
        meant_why: meant.map(|meant| meant.why),
        reason: REASON.to_owned(),
        rests_on: read.into_iter().collect(),
        writes,
        sources: Vec::new(),
    }
}

/// Writes that put exactly these bits there; nothing if none is known to.
fn explaining(observed: &Observed<'_>) -> Vec<WriteFact> {
    let field = observed.field;
    let puts = |write: &&WriteFact| {
        let bits = |value| extract(value, field.lsb(), field.width());
        write.value.is_some_and(|value| bits(value) == observed.raw)
    };
    observed.writes.iter().filter(puts).cloned().collect()
}

fn summary(
    observed: &Observed<'_>,
    listed: usize,
    meant: Option<&Meant<'_>>,
    explained: bool,
) -> String {
    let Observed { register, field, raw, origin, emulated, .. } = observed;
    let size = field.width();
    let number = if *raw >= 10 { format!(" ({raw})") } else { String::new() };
    let verb = match origin {
        Origin::Board(_) => "holds",
        Origin::Firmware => "is given",
    };
    let mut said = format!(
        "{}.{} {verb} {}{number}, which is none of its {listed} enumerated values",
        register.path(),
        field.name(),
        hex(*raw, size),
    );
    if let Some(meant) = meant {
        said += &format!("; {} is {}", meant.value.name, hex(meant.bits, size));
    }
    if let Some(effect) = effect::of(observed) {
        said += &format!("; a real part {effect}");
    }
    match origin {
        Origin::Firmware => said += " (from the firmware's code; no board was read)",
        Origin::Board(_) if *emulated => said += " (read from a virtual board)",
        Origin::Board(_) if !explained => said += " (no write of this constant was found in code)",
        Origin::Board(_) => {}
    }
    said
}
