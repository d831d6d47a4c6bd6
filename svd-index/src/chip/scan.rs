//! Goes through the registers for one spelling, read in one way.

use super::array::{self, MAX_DIMS};
use super::pattern::{self, Chosen, Glue, Matcher};
use super::records::DimRecord;
use super::{Chip, FieldRef, Hit, PeripheralRef, RegisterRef};

/// Arrays left open beside chosen ones are listed element by element up to this many.
const MAX_LISTED: u64 = 256;

/// What stands before the register's name in a query.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// The peripheral: `UART0`.
    Peripheral,
    /// Its kind, as vendor headers have it: `UART`.
    Family,
    /// Nothing.
    Nothing,
}

/// How a spelling is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) lead: Lead,
    pub(super) glue: Glue,
    /// The name of an enumerated value or the number of a bit may follow the field.
    pub(super) value: bool,
}

impl Reading {
    pub(super) const fn new(lead: Lead, glue: Glue) -> Self {
        Self { lead, glue, value: false }
    }
}

impl Chip {
    pub(super) fn scan(&self, query: &str, reading: Reading) -> Vec<Hit<'_>> {
        let mut hits = Vec::new();
        let query = query.as_bytes();
        if query.is_empty() {
            return hits;
        }
        for peripheral in self.peripherals() {
            match reading.lead {
                Lead::Peripheral => {
                    self.scan_peripheral(&peripheral, query, peripheral.name(), reading, &mut hits);
                }
                Lead::Nothing => self.scan_peripheral(&peripheral, query, "", reading, &mut hits),
                Lead::Family => {
                    for family in families(&peripheral) {
                        self.scan_peripheral(&peripheral, query, family, reading, &mut hits);
                    }
                }
            }
        }
        self.scan_aliases(query, reading, &mut hits);
        hits
    }

    fn scan_peripheral<'a>(
        &'a self,
        peripheral: &PeripheralRef<'a>,
        query: &[u8],
        lead: &str,
        reading: Reading,
        hits: &mut Vec<Hit<'a>>,
    ) {
        let matcher = Matcher { chip: self, dims: &[], glue: reading.glue };
        let open = [None; MAX_DIMS];
        let mut rests: Vec<Vec<u8>> = Vec::new();
        matcher.starts_with(query, lead.as_bytes(), open, &mut |rest, _| {
            let rest = match (reading.glue, lead) {
                (Glue::Strict, lead) if !lead.is_empty() => {
                    rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b"*."))
                }
                _ => Some(rest),
            };
            let is_new =
                |rest: &&[u8]| !rest.is_empty() && !rests.iter().any(|known| known == rest);
            if let Some(rest) = rest.filter(is_new) {
                rests.push(rest.to_vec());
            }
            false
        });
        for rest in rests {
            for register in peripheral.registers() {
                match_register(register, &rest, reading, hits);
            }
        }
    }
}

/// Adds `register` to `hits` if `query` is its name, or its name and a field's.
fn match_register<'a>(
    register: RegisterRef<'a>,
    query: &[u8],
    reading: Reading,
    hits: &mut Vec<Hit<'a>>,
) {
    let (name, display_name) = (register.record.name, register.record.display_name);
    // Equal texts are kept once.
    let names = [name, display_name];
    for &name in &names[..if name == display_name { 1 } else { 2 }] {
        let template = register.chip.text(name);
        if !pattern::may_start(query, template.as_bytes(), reading.glue) {
            continue;
        }
        let dims = register.dims();
        let found = match_name(register, (template, dims), query, reading, &mut |chosen, field| {
            push(register, chosen, field, hits);
        });
        if found {
            return;
        }
    }
}

/// Tells `found` each way in which `query` is the name `template` (with its arrays), or that and
/// the name of a field of `register`; true if there is one.
pub(super) fn match_name<'a>(
    register: RegisterRef<'a>,
    (template, dims): (&str, &[DimRecord]),
    query: &[u8],
    reading: Reading,
    found: &mut dyn FnMut(Chosen, Option<FieldRef<'a>>),
) -> bool {
    let glue = reading.glue;
    let matcher = Matcher { chip: register.chip, dims, glue };
    let open = [None; MAX_DIMS];
    matcher.starts_with(query, template.as_bytes(), open, &mut |rest, chosen| {
        if matcher.is_end(rest) {
            found(chosen, None);
            return true;
        }
        let field_query = match glue {
            Glue::Strict => rest.strip_prefix(b"."),
            Glue::Loose => Some(rest),
        };
        let Some(field_query) = field_query else {
            return false;
        };
        let mut any = false;
        for field in register.fields() {
            if matcher.equals(field_query, field.name().as_bytes())
                || reading.value && is_value(&matcher, field_query, &field)
            {
                found(chosen, Some(field));
                any = true;
            }
        }
        any
    })
}

/// Whether `query` is the name of `field` and, after a separator, of one of its values or bits:
/// `BAUDRATE_Baud115200`, `MODER5_0`, `FUNCSEL_VALUE_SIO_0`.
fn is_value(matcher: &Matcher<'_>, query: &[u8], field: &FieldRef<'_>) -> bool {
    let open = [None; MAX_DIMS];
    matcher.starts_with(query, field.name().as_bytes(), open, &mut |rest, _| {
        let before = query.len() - rest.len();
        if rest.is_empty() || before == 0 || !matches!(query[before - 1], b'_' | b'.') {
            return false;
        }
        let bit = std::str::from_utf8(rest).ok().and_then(|rest| rest.parse::<u32>().ok());
        if bit.is_some_and(|bit| bit < field.width()) {
            return true;
        }
        let name = rest.strip_prefix(b"VALUE_").unwrap_or(rest);
        field.enums().any(|value| matcher.equals(name, value.name.as_bytes()))
    })
}

/// Adds the elements that `chosen` leaves.
fn push<'a>(
    register: RegisterRef<'a>,
    chosen: Chosen,
    field: Option<FieldRef<'a>>,
    hits: &mut Vec<Hit<'a>>,
) {
    let dims = register.dims();
    let chosen = &chosen[..dims.len().min(MAX_DIMS)];
    let open = dims.iter().zip(chosen).filter(|(_, chosen)| chosen.is_none());
    let open_count =
        open.fold(1, |count: u64, (dim, _)| count.saturating_mul(u64::from(dim.count)));
    let mut add = |element: Option<u64>| {
        let register = register.with_element(element);
        let field = field.map(|field| FieldRef { register, ..field });
        hits.push(Hit { register, field });
    };
    if chosen.iter().all(Option::is_none) {
        return add(if dims.is_empty() { Some(0) } else { None });
    }
    if open_count > MAX_LISTED {
        return add(None);
    }
    for number in 0..open_count {
        let mut indices = [0; MAX_DIMS];
        let mut left = number;
        for (place, dim) in dims.iter().enumerate().take(MAX_DIMS).rev() {
            indices[place] = chosen[place].unwrap_or_else(|| {
                let index = left % u64::from(dim.count.max(1));
                left /= u64::from(dim.count.max(1));
                index as u32
            });
        }
        add(Some(array::element(dims, &indices[..chosen.len()])));
    }
}

/// Names by which vendor headers know a peripheral's kind: `UART` of `UART0`, and the SVD's group,
/// `GPIO` of `GPIOA`.
pub(super) fn families<'a>(peripheral: &PeripheralRef<'a>) -> Vec<&'a str> {
    let name = peripheral.name();
    let mut families = Vec::new();
    let trimmed = name.trim_end_matches(|character: char| character.is_ascii_digit());
    families.extend(Some(trimmed).filter(|trimmed| *trimmed != name && !trimmed.is_empty()));
    families.extend(peripheral.group().filter(|group| *group != name && *group != trimmed));
    families
}
