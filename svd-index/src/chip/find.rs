//! Finds registers by the names people write.

use super::array::{self, MAX_DIMS};
use super::pattern::{Chosen, Glue, Matcher};
use super::records::DimRecord;
use super::{Chip, FieldRef, PeripheralRef, RegisterRef};
use crate::query::Query;

/// Arrays left open beside chosen ones are listed element by element up to this many.
const MAX_LISTED: u64 = 256;

/// A register that a query means, and the field if it names one.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    /// The register, array element resolved where the query chose one.
    pub register: RegisterRef<'a>,
    /// The field named by the query.
    pub field: Option<FieldRef<'a>>,
}

impl Hit<'_> {
    /// Canonical path of what was named.
    pub fn path(&self) -> String {
        match &self.field {
            Some(field) => field.path(),
            None => self.register.path(),
        }
    }
}

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

impl Chip {
    /// The register with this canonical path, in any case, array elements resolved; `None` if
    /// there is none or it is not the only one.
    pub fn register(&self, path: &str) -> Option<RegisterRef<'_>> {
        let hits = self.scan(path, Lead::Peripheral, Glue::Strict);
        let hits = prefer_exact_case(hits, path);
        match hits.as_slice() {
            [hit] if hit.field.is_none() => Some(hit.register),
            _ => None,
        }
    }

    /// The registers that `query` means, in SVD order; empty if none.
    ///
    /// Readings are tried from the most literal to the loosest, and the first that finds
    /// anything stands: the canonical path; the name of a peripheral (all its registers); the
    /// same with other separators (`UART0_BAUDRATE`, `uart0().baudrate()`); with the peripheral's
    /// kind (`UART_BAUDRATE`: every instance); without it (`BAUDRATE`); with a vendor's prefix
    /// (`NRF_UART0->BAUDRATE`); a field's name alone; a part of the path.
    pub fn find(&self, query: &Query) -> Vec<RegisterRef<'_>> {
        let mut registers: Vec<RegisterRef<'_>> = Vec::new();
        for hit in self.find_hits(query) {
            if !registers.contains(&hit.register) {
                registers.push(hit.register);
            }
        }
        registers
    }

    /// As [`Self::find`], telling also which field the query names.
    pub fn find_hits(&self, query: &Query) -> Vec<Hit<'_>> {
        if let Some(address) = query.address {
            let at = self.registers_at(address).into_iter();
            return at
                .filter_map(|register| with_field(register, query.field.as_deref()))
                .collect();
        }
        let mut hits: Vec<Hit<'_>> = Vec::new();
        for pattern in query.alternatives() {
            for hit in self.find_pattern(&pattern) {
                let named = match (&query.field, hit.field) {
                    (Some(field), None) => with_field(hit.register, Some(field)),
                    _ => Some(hit),
                };
                hits.extend(named);
            }
        }
        let mut seen = std::collections::HashSet::new();
        hits.retain(|hit| {
            let field = hit.field.map(|field| field.record.lsb);
            let name = hit.field.map(|field| field.name());
            seen.insert((hit.register.index, hit.register.element, field, name))
        });
        hits.sort_by_key(|hit| (hit.register.index, hit.register.element));
        hits
    }

    fn find_pattern(&self, pattern: &str) -> Vec<Hit<'_>> {
        let spellings = [Some(pattern), without_mask_suffix(pattern)];
        for spelling in spellings.into_iter().flatten() {
            let hits = self.find_spelling(spelling);
            if !hits.is_empty() {
                return hits;
            }
        }
        for spelling in spellings.into_iter().flatten() {
            let hits = self.find_without_prefix(spelling);
            if !hits.is_empty() {
                return hits;
            }
        }
        let by_field = self.find_field(pattern);
        if by_field.is_empty() { self.find_part(pattern) } else { by_field }
    }

    fn find_spelling(&self, spelling: &str) -> Vec<Hit<'_>> {
        let hits = self.scan(spelling, Lead::Peripheral, Glue::Strict);
        if !hits.is_empty() {
            return prefer_exact_case(hits, spelling);
        }
        let hits = self.find_peripheral(spelling);
        if !hits.is_empty() {
            return hits;
        }
        [
            (Lead::Peripheral, Glue::Loose),
            (Lead::Family, Glue::Loose),
            (Lead::Nothing, Glue::Strict),
            (Lead::Nothing, Glue::Loose),
        ]
        .into_iter()
        .map(|(lead, glue)| self.scan(spelling, lead, glue))
        .find(|hits| !hits.is_empty())
        .unwrap_or_default()
    }

    /// Every register of the peripherals of this name, and those that the core's peripheral of
    /// this name has under the vendor's.
    fn find_peripheral(&self, name: &str) -> Vec<Hit<'_>> {
        let matcher = Matcher { chip: self, dims: &[], glue: Glue::Strict };
        self.peripherals()
            .filter(|peripheral| matcher.equals(name.as_bytes(), peripheral.name().as_bytes()))
            .flat_map(|peripheral| peripheral.registers())
            .chain(self.core_aliases().filter_map(|(path, register)| {
                let (lead, _) = path.split_once('.')?;
                matcher.equals(name.as_bytes(), lead.as_bytes()).then_some(register)
            }))
            .map(|register| Hit { register, field: None })
            .collect()
    }

    /// Drops up to three leading words (`NRF_`, `dp.`, `pac.peripherals.`); what remains must
    /// still name the peripheral or its kind.
    fn find_without_prefix(&self, spelling: &str) -> Vec<Hit<'_>> {
        let mut rest = spelling;
        for _ in 0..3 {
            let Some((_, after)) = rest.split_once(['.', '_']) else {
                break;
            };
            rest = after;
            for (lead, glue) in [
                (Lead::Peripheral, Glue::Strict),
                (Lead::Peripheral, Glue::Loose),
                (Lead::Family, Glue::Loose),
            ] {
                let hits = self.scan(rest, lead, glue);
                if !hits.is_empty() {
                    return hits;
                }
            }
            let hits = self.find_peripheral(rest);
            if !hits.is_empty() {
                return hits;
            }
        }
        Vec::new()
    }

    fn find_field(&self, name: &str) -> Vec<Hit<'_>> {
        if name.len() < 2 {
            return Vec::new();
        }
        let matcher = Matcher { chip: self, dims: &[], glue: Glue::Strict };
        self.registers()
            .flat_map(|register| register.fields().map(move |field| (register, field)))
            .filter(|(_, field)| matcher.equals(name.as_bytes(), field.name().as_bytes()))
            .map(|(register, field)| Hit { register, field: Some(field) })
            .collect()
    }

    fn find_part(&self, pattern: &str) -> Vec<Hit<'_>> {
        if pattern.len() < 2 || pattern.contains(['*', '?']) {
            return Vec::new();
        }
        let part = format!("*{pattern}*");
        self.scan(&part, Lead::Peripheral, Glue::Loose)
            .into_iter()
            .map(|hit| Hit { field: None, ..hit })
            .collect()
    }

    fn scan(&self, query: &str, lead: Lead, glue: Glue) -> Vec<Hit<'_>> {
        let mut hits = Vec::new();
        let query = query.as_bytes();
        if query.is_empty() {
            return hits;
        }
        for peripheral in self.peripherals() {
            let leads: Vec<&str> = match lead {
                Lead::Peripheral => vec![peripheral.name()],
                Lead::Family => families(&peripheral),
                Lead::Nothing => vec![""],
            };
            for lead in leads {
                self.scan_peripheral(&peripheral, query, lead, glue, &mut hits);
            }
        }
        self.scan_aliases(query, lead, glue, &mut hits);
        hits
    }

    fn scan_peripheral<'a>(
        &'a self,
        peripheral: &PeripheralRef<'a>,
        query: &[u8],
        lead: &str,
        glue: Glue,
        hits: &mut Vec<Hit<'a>>,
    ) {
        let matcher = Matcher { chip: self, dims: &[], glue };
        let open = [None; MAX_DIMS];
        let mut rests: Vec<Vec<u8>> = Vec::new();
        matcher.starts_with(query, lead.as_bytes(), open, &mut |rest, _| {
            let rest = match (glue, lead) {
                (Glue::Strict, lead) if !lead.is_empty() => rest.strip_prefix(b"."),
                _ => Some(rest),
            };
            if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
                rests.push(rest.to_vec());
            }
            false
        });
        for rest in rests {
            for register in peripheral.registers() {
                match_register(register, &rest, glue, hits);
            }
        }
    }
}

/// Adds `register` to `hits` if `query` is its name, or its name and a field's.
fn match_register<'a>(
    register: RegisterRef<'a>,
    query: &[u8],
    glue: Glue,
    hits: &mut Vec<Hit<'a>>,
) {
    let display_name = register.chip.text(register.record.display_name);
    for template in [register.name_template(), display_name] {
        if template.is_empty() {
            continue;
        }
        let dims = register.dims();
        let found = match_name(register, (template, dims), query, glue, &mut |chosen, field| {
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
    glue: Glue,
    found: &mut dyn FnMut(Chosen, Option<FieldRef<'a>>),
) -> bool {
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
            if matcher.equals(field_query, field.name().as_bytes()) {
                found(chosen, Some(field));
                any = true;
            }
        }
        any
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

fn with_field<'a>(register: RegisterRef<'a>, name: Option<&str>) -> Option<Hit<'a>> {
    let field = match name {
        None => None,
        Some(name) => Some(field_named(register, name)?),
    };
    Some(Hit { register, field })
}

fn field_named<'a>(register: RegisterRef<'a>, name: &str) -> Option<FieldRef<'a>> {
    let matcher = Matcher { chip: register.chip, dims: &[], glue: Glue::Loose };
    register.field(name).or_else(|| {
        register.fields().find(|field| matcher.equals(name.as_bytes(), field.name().as_bytes()))
    })
}

/// Names by which vendor headers know a peripheral's kind.
fn families<'a>(peripheral: &PeripheralRef<'a>) -> Vec<&'a str> {
    let name = peripheral.name();
    let mut families = Vec::new();
    let trimmed = name.trim_end_matches(|character: char| character.is_ascii_digit());
    families.extend(Some(trimmed).filter(|trimmed| *trimmed != name && !trimmed.is_empty()));
    families.extend(peripheral.group().filter(|group| *group != name && *group != trimmed));
    families
}

fn prefer_exact_case<'a>(hits: Vec<Hit<'a>>, path: &str) -> Vec<Hit<'a>> {
    if hits.len() < 2 {
        return hits;
    }
    let exact: Vec<Hit<'a>> = hits.iter().filter(|hit| hit.path() == path).copied().collect();
    if exact.is_empty() { hits } else { exact }
}

/// `UART_BAUDRATE_BAUDRATE` of `UART_BAUDRATE_BAUDRATE_Msk`, as C headers name masks and shifts.
fn without_mask_suffix(name: &str) -> Option<&str> {
    let (stem, suffix) = name.rsplit_once('_')?;
    ["Msk", "Pos", "Mask", "Shift", "Bits", "Lsb", "Offset"]
        .iter()
        .any(|known| suffix.eq_ignore_ascii_case(known))
        .then_some(stem)
}
