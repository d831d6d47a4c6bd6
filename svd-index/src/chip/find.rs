//! Finds registers by the names people write.

use super::pattern::{Glue, Matcher};
use super::scan::{Lead, Reading, families};
use super::spelling::{Form, Only, RULES, Spelling, of_call};
use super::{Chip, FieldRef, RegisterRef};
use crate::query::{Query, expand_braces};

/// Spellings that are tried of one name.
const MAX_SPELLINGS: usize = 64;

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

impl Chip {
    /// The register with this canonical path, in any case, array elements resolved; `None` if
    /// there is none or it is not the only one.
    pub fn register(&self, path: &str) -> Option<RegisterRef<'_>> {
        let hits = self.scan(path, Reading::new(Lead::Peripheral, Glue::Strict));
        let hits = prefer_exact_case(hits, path);
        match hits.as_slice() {
            [hit] if hit.field.is_none() => Some(hit.register),
            _ => None,
        }
    }

    /// The registers that `query` means, in SVD order; empty if none.
    ///
    /// Readings are tried from the most literal to the loosest, and the first that finds
    /// anything stands: the canonical path; the name of a peripheral (all its registers); with the
    /// peripheral's kind (`UART.BAUDRATE`: every instance); the same with other separators
    /// (`UART0_BAUDRATE`, `uart0().baudrate()`, `UART_BAUDRATE`); without it (`BAUDRATE`); what
    /// vendors' headers and frameworks make of a name (`NRF_UART0->BAUDRATE`,
    /// `UART_UARTIBRD_BITS`, `USART_BAUD(USART0)`); a field's name alone or with the peripheral's
    /// kind; a part of the path.
    pub fn find(&self, query: &Query) -> Vec<RegisterRef<'_>> {
        let mut registers: Vec<RegisterRef<'_>> = Vec::new();
        for hit in self.find_hits(query) {
            // Those of one register follow each other.
            if registers.last() != Some(&hit.register) {
                registers.push(hit.register);
            }
        }
        registers
    }

    /// As [`Self::find`], telling also which field the query names.
    pub fn find_hits(&self, query: &Query) -> Vec<Hit<'_>> {
        let at = |address: u64| -> Vec<Hit<'_>> {
            let at = self.registers_at(address).into_iter();
            at.filter_map(|register| with_field(register, query.field.as_deref())).collect()
        };
        if let Some(address) = query.address {
            return at(address);
        }
        if let Some(offset) = query.offset {
            let behind = |base: u64| base.checked_add(offset).map(at).unwrap_or_default();
            return self.base_of(&query.pattern).map(behind).unwrap_or_default();
        }
        let mut hits: Vec<Hit<'_>> = Vec::new();
        for pattern in query.alternatives() {
            for hit in self.find_pattern(&pattern, query.argument.as_deref()) {
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

    fn find_pattern(&self, pattern: &str, argument: Option<&str>) -> Vec<Hit<'_>> {
        let of_core = self.find_core_element(pattern);
        if !of_core.is_empty() {
            return of_core;
        }
        let mut spellings = match argument {
            Some(argument) => of_call(self, pattern, argument),
            None => vec![Spelling::new(pattern)],
        };
        let mut tried = 0;
        let mut rules = RULES.iter().enumerate();
        loop {
            for spelling in &spellings[tried..] {
                let hits = self.find_spelling(spelling);
                if !hits.is_empty() {
                    return hits;
                }
            }
            tried = spellings.len();
            // A plain word is written in one way.
            let rule = rules.next().filter(|_| pattern.contains(['.', '_', '[']));
            let Some((number, rule)) = rule else { break };
            let further: Vec<Spelling> =
                spellings.iter().flat_map(|spelling| rule(self, spelling)).collect();
            for mut spelling in further {
                // A register without its peripheral is looked for as it was written, but for
                // endings and noise.
                if number > 1 && spelling.form == Form::Any {
                    spelling.form = Form::HasLead;
                }
                if spellings.len() < MAX_SPELLINGS && !spellings.contains(&spelling) {
                    spellings.push(spelling);
                }
            }
        }
        // Called with an instance that the chip lacks.
        let Some(bare) = spellings.iter().map(|spelling| spelling.text.as_str()).next() else {
            return Vec::new();
        };
        let by_field = self.find_field(bare);
        if !by_field.is_empty() {
            return by_field;
        }
        let of_kind = spellings.iter().filter(|spelling| spelling.only == Only::Anything);
        let of_kind = of_kind.map(|spelling| self.find_field_of_kind(&spelling.text));
        let mut of_kind = of_kind.filter(|hits| !hits.is_empty());
        of_kind.next().unwrap_or_else(|| self.find_part(bare))
    }

    fn find_spelling(&self, spelling: &Spelling) -> Vec<Hit<'_>> {
        let texts = expand_braces(&spelling.text).unwrap_or_default();
        let hits = texts.iter().flat_map(|text| match in_brackets(text) {
            Some(_) => self.find_element(text, spelling.form),
            None => self.find_text(text, spelling.form),
        });
        let hits: Vec<Hit<'_>> = hits.collect();
        let all = |is: fn(&Hit<'_>) -> bool| hits.iter().all(is);
        let fits = match spelling.only {
            Only::Anything => true,
            Only::Registers => all(|hit| hit.field.is_none()),
            Only::Fields => all(|hit| hit.field.is_some()),
            Only::One => hits.len() == 1,
            Only::FieldsOfArrays => all(|hit| hit.field.is_some()) && are_of_arrays(&hits),
        };
        if fits { hits } else { Vec::new() }
    }

    fn find_text(&self, text: &str, form: Form) -> Vec<Hit<'_>> {
        let hits = self.scan(text, Reading::new(Lead::Peripheral, Glue::Strict));
        if !hits.is_empty() {
            return prefer_exact_case(hits, text);
        }
        if form == Form::Path {
            return Vec::new();
        }
        let hits = self.find_peripheral(text);
        if !hits.is_empty() {
            return hits;
        }
        let value = |lead| Reading { value: true, ..Reading::new(lead, Glue::Loose) };
        [
            Reading::new(Lead::Family, Glue::Strict),
            Reading::new(Lead::Peripheral, Glue::Loose),
            Reading::new(Lead::Family, Glue::Loose),
            Reading::new(Lead::Nothing, Glue::Strict),
            Reading::new(Lead::Nothing, Glue::Loose),
            value(Lead::Peripheral),
            value(Lead::Family),
        ]
        .into_iter()
        .filter(|reading| !(form == Form::HasLead && reading.lead == Lead::Nothing))
        .map(|reading| self.scan(text, reading))
        .find(|hits| !hits.is_empty())
        .unwrap_or_default()
    }

    /// `SYSCFG.EXTICR[0]`, where the manual counts from 1: C and Rust count from 0, so that it is
    /// EXTICR1. What a number other than 0 means cannot be told then, and both are found.
    fn find_element(&self, text: &str, form: Form) -> Vec<Hit<'_>> {
        let mut hits = self.find_text(text, form);
        let is_array = |hit: &Hit<'_>| hit.register.name_template().contains('[');
        let Some((before, index, after)) = in_brackets(text) else {
            return hits;
        };
        if hits.iter().any(is_array) {
            return hits;
        }
        let numbered = |index: u64| self.find_text(&format!("{before}{index}{after}"), form);
        if index == 0 && !hits.is_empty() || !numbered(0).is_empty() {
            return hits;
        }
        // From 1 without a gap, or it is no array.
        if !numbered(1).is_empty() && !numbered(2).is_empty() {
            hits.extend(numbered(index.saturating_add(1)));
        }
        hits
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

    /// The base address of the peripheral that `name` means, in any of its spellings.
    fn base_of(&self, name: &str) -> Option<u64> {
        let mut spellings = vec![Spelling::new(name)];
        for rule in RULES {
            let known = spellings.iter();
            let base = known.clone().find_map(|spelling| self.peripheral(&spelling.text));
            if let Some(peripheral) = base {
                return Some(peripheral.base_address());
            }
            let further: Vec<Spelling> = known.flat_map(|spelling| rule(self, spelling)).collect();
            spellings.extend(further);
            spellings.truncate(MAX_SPELLINGS);
        }
        None
    }

    /// Registers with a field of this name.
    fn find_field(&self, name: &str) -> Vec<Hit<'_>> {
        if name.len() < 2 {
            return Vec::new();
        }
        let matcher = Matcher { chip: self, dims: &[], glue: Glue::Strict };
        let mut hits: Vec<Hit<'_>> = self
            .registers()
            .flat_map(|register| register.fields().map(move |field| (register, field)))
            .filter(|(_, field)| matcher.equals(name.as_bytes(), field.name().as_bytes()))
            .map(|(register, field)| Hit { register, field: Some(field) })
            .collect();
        // A field of `SCB.CFSR` is meant, not the same of its part `SCB.UFSR`.
        if hits.iter().any(|hit| !hit.register.is_view()) {
            hits.retain(|hit| !hit.register.is_view());
        }
        hits
    }

    /// `UART_RXFIFO_CNT`, if only one register of a UART has that field.
    fn find_field_of_kind(&self, name: &str) -> Vec<Hit<'_>> {
        if name.contains(['.', '[', '{', '*', '?']) {
            return Vec::new();
        }
        let mut hits: Vec<Hit<'_>> = Vec::new();
        for peripheral in self.peripherals() {
            let field = |kind: &str| {
                let (start, field) = name.split_at_checked(kind.len())?;
                let field = field.strip_prefix('_')?;
                start.eq_ignore_ascii_case(kind).then_some(field)
            };
            let own = [peripheral.name()];
            let Some(name) = families(&peripheral).into_iter().chain(own).find_map(field) else {
                continue;
            };
            let named = |register: RegisterRef<'_>| {
                register.fields().any(|field| field.name().eq_ignore_ascii_case(name))
            };
            let found: Vec<_> = peripheral.registers().filter(|r| named(*r)).collect();
            let [register] = found.as_slice() else {
                if found.is_empty() {
                    continue;
                }
                return Vec::new();
            };
            hits.extend(with_field(*register, Some(name)));
        }
        let is_same =
            |hit: &Hit<'_>| hit.register.name_template() == hits[0].register.name_template();
        if hits.iter().all(is_same) { hits } else { Vec::new() }
    }

    fn find_part(&self, pattern: &str) -> Vec<Hit<'_>> {
        if pattern.len() < 2 || pattern.contains(['*', '?']) {
            return Vec::new();
        }
        let part = format!("*{pattern}*");
        self.scan(&part, Reading::new(Lead::Peripheral, Glue::Loose))
            .into_iter()
            .map(|hit| Hit { field: None, ..hit })
            .collect()
    }
}

/// The last index in `text`, and what stands around it.
fn in_brackets(text: &str) -> Option<(&str, u64, &str)> {
    let (before, rest) = text.rsplit_once('[')?;
    let (index, after) = rest.split_once(']')?;
    Some((before, index.parse().ok()?, after))
}

/// Whether each peripheral hit has at least three of the registers.
fn are_of_arrays(hits: &[Hit<'_>]) -> bool {
    const ENOUGH: u64 = 3;
    let peripheral = |hit: &Hit<'_>| hit.register.record.peripheral;
    hits.iter().all(|one| {
        let same = hits.iter().filter(|other| peripheral(other) == peripheral(one));
        same.map(|hit| hit.register.count()).sum::<u64>() >= ENOUGH
    })
}

fn with_field<'a>(register: RegisterRef<'a>, name: Option<&str>) -> Option<Hit<'a>> {
    let field = match name {
        None => None,
        Some(name) => Some(field_named(register, name)?),
    };
    Some(Hit { register, field })
}

/// The field that code names: as it is, without its separators, after chiptool's `set_`.
fn field_named<'a>(register: RegisterRef<'a>, name: &str) -> Option<FieldRef<'a>> {
    let matcher = Matcher { chip: register.chip, dims: &[], glue: Glue::Loose };
    let named = |name: &str| {
        register.field(name).or_else(|| {
            let equals =
                |field: &FieldRef<'_>| matcher.equals(name.as_bytes(), field.name().as_bytes());
            register.fields().find(equals)
        })
    };
    named(name).or_else(|| named(name.strip_prefix("set_")?))
}

fn prefer_exact_case<'a>(hits: Vec<Hit<'a>>, path: &str) -> Vec<Hit<'a>> {
    if hits.len() < 2 {
        return hits;
    }
    let exact: Vec<Hit<'a>> = hits.iter().filter(|hit| hit.path() == path).copied().collect();
    if exact.is_empty() { hits } else { exact }
}
