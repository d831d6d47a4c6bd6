//! What code does with a register: the bits it sets, clears and tests, the values it writes.

use std::ops::Range;

use super::ast::{Expr, Node};
use super::names::{Header, mask};
use super::place::Target;
use super::reader::Reader;
use crate::catalog::{Field, Register, extract, hex};
use crate::verify::judge::Judged;
use crate::verify::known::Named;
use crate::verify::vocabulary::CORE_PERIPHERALS;
use crate::verify::{ClaimKind, Verdict};

/// Something done to a register.
pub(super) struct Write<'w, 't> {
    pub(super) target: &'w Target,
    /// Empty for `=`, `|`, `&`, `^`, `&~` for bits that are cleared, `?` for bits that are tested.
    pub(super) op: &'w str,
    pub(super) value: &'w Node<'t>,
    /// The whole statement.
    pub(super) span: Range<usize>,
}

/// Words of a comment after which a field's name says what is not set.
const NEGATIONS: &[&str] = &[
    "no", "not", "off", "disable", "disabled", "disables", "clear", "clears", "cleared", "without",
    "mask", "masked", "stop", "reset", "zero", "unless", "before", "until", "if", "when",
];

impl<'t> Reader<'_, 't, '_> {
    /// Judges what is done to a register.
    pub(super) fn write(&mut self, write: &Write<'_, 't>) {
        let operands = operands(write.value);
        for operand in &operands {
            self.say_foreign_masks(write, operand);
        }
        let value = self.evaluator().value(write.value);
        match (write.op, value) {
            ("" | "|" | "^", _) if self.say_read_only(write) => {}
            ("", Some(value)) => self.say_whole(write, value),
            ("" | "|" | "^" | "?" | "&~", _) => {
                for operand in &operands {
                    if let Some(bits) = self.evaluator().value(operand) {
                        self.say_bits(write, bits, operand.start..operand.end);
                    }
                }
            }
            ("&", Some(kept)) => self.say_bits(write, !kept, write.value.start..write.value.end),
            _ => {}
        }
        self.say_comment(write, value);
    }

    /// A write to what cannot be written. True if it is one.
    fn say_read_only(&mut self, write: &Write<'_, 't>) -> bool {
        let read_only = |named: &Named| !self.names.known.register(named.at).can_write;
        // Descriptions of the core's own peripherals are often careless.
        let of_core = |named: &Named| {
            let peripheral = self.names.known.register(named.at).peripheral;
            let name = self.names.known.catalog.peripherals[peripheral].name;
            CORE_PERIPHERALS.contains(&name.to_ascii_uppercase().as_str())
        };
        if !write.target.registers.iter().all(read_only)
            || write.target.registers.iter().any(of_core)
        {
            return false;
        }
        let why = format!("{} is read-only", write.target.registers[0].path);
        self.claim(ClaimKind::Value, write.span.clone(), Judged::wrong(why, None));
        true
    }

    /// `=` with a value that is known.
    fn say_whole(&mut self, write: &Write<'_, 't>, value: u64) {
        let judge = |named: &Named| self.whole(named, write.target.field, value);
        let judged = write.target.registers.iter().filter_map(judge);
        let best = judged.min_by_key(|(_, judged)| judged.verdict);
        if let Some((kind, judged)) = best {
            let judged = match kind {
                ClaimKind::Bits => self.or_header_knows_better(write, write.value, judged),
                _ => judged,
            };
            self.claim(kind, write.span.clone(), judged);
        }
    }

    /// Bits that the description calls reserved may be of a chip that it is not about, or have a
    /// name in the vendor's header: then nobody is accused.
    fn or_header_knows_better(
        &self,
        write: &Write<'_, 't>,
        value: &Node<'t>,
        judged: Judged,
    ) -> Judged {
        if judged.verdict != Verdict::Wrong {
            return judged;
        }
        let mut names = Vec::new();
        header_names(value, &mut names);
        let target = &write.target.registers;
        let is_named = names.into_iter().any(|(name, _)| {
            let header = self.names.header(name);
            match header.as_deref() {
                Some(Header::Unknown { registers, .. }) => {
                    registers.iter().any(|own| target.iter().any(|named| named.at == own.at))
                }
                _ => false,
            }
        });
        match is_named || self.tokens.is_conditional(write.span.start) {
            true => Judged::unknown(judged.why),
            false => judged,
        }
    }

    fn whole(
        &self,
        named: &Named,
        field: Option<usize>,
        value: u64,
    ) -> Option<(ClaimKind, Judged)> {
        let register = self.names.known.register(named.at);
        let (size, lsb) = field.map_or((register.size_bits, 0), |field| {
            (register.fields[field].width, register.fields[field].lsb)
        });
        let value = fit(value, size);
        if extract(value, 0, size) != value {
            let why = format!("{} has {size} bits", named.path);
            return Some((ClaimKind::Value, Judged::wrong(why, None)));
        }
        let placed = value.checked_shl(lsb).unwrap_or(0);
        if let Some(judged) = reserved(register, &named.path, placed) {
            return Some((ClaimKind::Bits, judged));
        }
        let of_field = |finding: &bundle::Finding| {
            field.is_none_or(|at| finding.field.as_deref() == Some(register.fields[at].name))
        };
        let findings = self.names.known.objections(named, placed);
        if let Some(finding) = findings.into_iter().find(of_field) {
            return Some((ClaimKind::Value, self.not_listed(named, &finding)));
        }
        let why = match self.names.known.named_value(named, field, value) {
            Some(name) => format!("it is {name}"),
            None if register.fields.is_empty() => return None,
            None => describe(register, placed),
        };
        Some((ClaimKind::Value, Judged::ok(why)))
    }

    fn not_listed(&self, named: &Named, finding: &bundle::Finding) -> Judged {
        let register = self.names.known.register(named.at);
        let field = finding.field.as_deref().unwrap_or_default();
        let at = self.names.known.field_of(named.at, field);
        let width = at.map_or(register.size_bits, |at| register.fields[at].width);
        let expected = finding.meant.map(|meant| match &finding.meant_name {
            Some(name) => format!("{} ({name})", hex(meant, width)),
            None => hex(meant, width),
        });
        let why = format!("it is none of the enumerated values of {}.{field}", named.path);
        Judged::wrong(why, expected)
    }

    /// Bits that are set, cleared or tested.
    fn say_bits(&mut self, write: &Write<'_, 't>, bits: u64, span: Range<usize>) {
        let field = write.target.field;
        if field.is_some() || bits == 0 {
            return;
        }
        let clears = matches!(write.op, "&" | "&~");
        let judge = |named: &Named| {
            let register = self.names.known.register(named.at);
            let bits = fit(bits, register.size_bits);
            let bits = if clears { extract(bits, 0, register.size_bits) } else { bits };
            if bits == extract(u64::MAX, 0, register.size_bits) {
                return None;
            }
            if extract(bits, 0, register.size_bits) != bits {
                let why = format!("{} has {} bits", named.path, register.size_bits);
                return Some(Judged::wrong(why, None));
            }
            if register.fields.is_empty() {
                return None;
            }
            // Clearing what is always 0 does no harm.
            if clears && reserved(register, &named.path, bits).is_some() {
                return None;
            }
            let judged = reserved(register, &named.path, bits);
            Some(judged.unwrap_or_else(|| Judged::ok(describe(register, bits))))
        };
        let judged = write.target.registers.iter().filter_map(judge).min_by_key(|j| j.verdict);
        if let Some(judged) = judged {
            let operand = operands(write.value).into_iter().find(|node| node.start == span.start);
            let value = operand.unwrap_or(write.value);
            let judged = self.or_header_knows_better(write, value, judged);
            self.claim(ClaimKind::Bits, span, judged);
        }
    }

    /// `USART2->CR1 |= USART_CR2_STOP`: a mask of another register.
    fn say_foreign_masks(&mut self, write: &Write<'_, 't>, operand: &Node<'t>) {
        let mut names = Vec::new();
        header_names(operand, &mut names);
        for (name, span) in names {
            let header = self.names.header(name);
            let places = match header.as_deref() {
                Some(Header::Field { places, .. } | Header::Value { places, .. }) => places,
                _ => continue,
            };
            let target = &write.target.registers;
            let own = |(named, field): &(crate::verify::known::Named, usize)| {
                let field = &self.names.known.register(named.at).fields[*field];
                target.iter().any(|wanted| {
                    let register = self.names.known.register(wanted.at);
                    wanted.at == named.at
                        || register.name() == self.names.known.register(named.at).name()
                        || register.fields.iter().any(|own| same(own, field))
                        || register.fields.is_empty()
                })
            };
            let peripherals = |named: &Named| self.names.known.register(named.at).peripheral;
            let same_kind = places.iter().any(|(named, _)| {
                write.target.instance.peripherals.contains(&peripherals(named))
                    || target.iter().any(|t| peripherals(t) == peripherals(named))
            });
            if places.iter().any(own) || !same_kind {
                continue;
            }
            let (of, to) = (&places[0].0.path, &target[0].path);
            let why = format!("it is of {of}, and {to} has no such field");
            let expected = self.home_of(&places[0], target);
            self.claim(ClaimKind::Mask, span, Judged::wrong(why, expected));
        }
    }

    /// The register that a mask belongs to, of the instance that is spoken of.
    fn home_of(&self, place: &(Named, usize), target: &[Named]) -> Option<String> {
        let name = self.names.known.register(place.0.at).name();
        let peripheral = self.names.known.register(target[0].at).peripheral;
        let named = self.names.known.in_peripheral(peripheral, name)?;
        Some(named.path.clone())
    }

    /// The comment behind a statement may name the fields or the value that are meant.
    fn say_comment(&mut self, write: &Write<'_, 't>, value: Option<u64>) {
        let Some(value) = value.filter(|_| write.target.field.is_none()) else { return };
        let Some(comment) = self.tokens.comment_after(self.text, write.span.end) else { return };
        let words: Vec<&str> = comment
            .text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty())
            .collect();
        if words.iter().any(|word| NEGATIONS.contains(&word.to_ascii_lowercase().as_str())) {
            return;
        }
        let Some(named) = write.target.registers.first() else { return };
        let register = self.names.known.register(named.at);
        let value = if write.op == "&" { !value } else { value };
        let value = extract(value, 0, register.size_bits);
        let mut wanted = 0;
        let mut missing: Vec<&str> = Vec::new();
        for field in &register.fields {
            if let Some(judged) = enum_in_comment(field, &words, value, write.op) {
                self.claim(ClaimKind::Enum, write.span.clone(), judged);
                return;
            }
            if field.name.len() < 2 || !words.contains(&field.name) {
                continue;
            }
            wanted |= mask(field);
            if value & mask(field) == 0 {
                missing.push(field.name);
            }
        }
        let all = wanted != 0 && value & wanted == 0;
        if missing.is_empty() || (write.op.is_empty() && value == 0) || !(all || missing.len() == 1)
        {
            return;
        }
        let fields = register.fields.iter().filter(|field| missing.contains(&field.name));
        let mask_of_missing = fields.clone().fold(0, |sum, field| sum | mask(field));
        let places: Vec<String> =
            fields.map(|field| format!("{}{}", field.name, field.bits())).collect();
        let why = format!("{} has {}", named.path, places.join(", "));
        let right = if all { mask_of_missing } else { value | mask_of_missing };
        let expected = Some(shifted(right, register.size_bits));
        self.claim(ClaimKind::Bits, write.span.clone(), Judged::wrong(why, expected));
    }
}

/// `/* Baud115200 */` behind a value that is another.
fn enum_in_comment(field: &Field<'_>, words: &[&str], value: u64, op: &str) -> Option<Judged> {
    let named = field.enums().find(|known| known.name.len() > 3 && words.contains(&known.name))?;
    let right = named.value?;
    let distinct = named.name.contains(|c: char| c.is_ascii_digit())
        || (named.name.contains(|c: char| c.is_ascii_lowercase())
            && named.name.contains(|c: char| c.is_ascii_uppercase()));
    if !(distinct && matches!(op, "" | "|")) {
        return None;
    }
    let why = format!("{} is {}", named.name, hex(right, field.width));
    let placed = right.checked_shl(field.lsb).unwrap_or(0);
    Some(match field.extract(value) == right {
        true => Judged::ok(why),
        false => Judged::wrong(why, Some(hex(placed, 32))),
    })
}

/// The parts of `A | B | C`.
fn operands<'n, 't>(node: &'n Node<'t>) -> Vec<&'n Node<'t>> {
    match &node.expr {
        Expr::Binary { op: "|" | "+", left, right } => {
            let mut parts = operands(left);
            parts.extend(operands(right));
            parts
        }
        _ => vec![node],
    }
}

/// The same field in another register: INTENSET and INTENCLR.
fn same(own: &Field<'_>, other: &Field<'_>) -> bool {
    mask(own) == mask(other) && own.name.eq_ignore_ascii_case(other.name)
}

/// Names that may be a header's, with where they stand.
fn header_names<'t>(node: &Node<'t>, names: &mut Vec<(&'t str, Range<usize>)>) {
    if let Expr::Name(name) = node.expr
        && name.contains('_')
    {
        names.push((name, node.start..node.end));
    }
    // What is called, indexed or a member of something has its own meaning.
    if !matches!(node.expr, Expr::Call { .. } | Expr::Index { .. } | Expr::Member { .. }) {
        node.each_child(|child| header_names(child, names));
    }
}

/// What a C compiler leaves of a number in a register of this size: `~0` is 64 bits here, 32 there.
fn fit(value: u64, size_bits: u32) -> u64 {
    let high = value >> 32;
    let sign = high == 0xffff_ffff && size_bits <= 32;
    if sign { extract(value, 0, size_bits) } else { value }
}

/// The judgement on bits that no field has; `None` if there are none.
fn reserved(register: &Register<'_>, path: &str, value: u64) -> Option<Judged> {
    // Where bits only set or clear something, ones that mean nothing do nothing.
    if register.fields.is_empty() || !register.can_read || register.is_clearing() {
        return None;
    }
    let known = register.fields.iter().fold(0, |sum, field| sum | mask(field));
    let stray = value & !known & !register.reset_value.unwrap_or(0);
    let first = (stray != 0).then(|| stray.trailing_zeros())?;
    let why = match stray.count_ones() {
        1 => format!("bit {first} of {path} is reserved"),
        _ => format!("bits {stray:#x} of {path} are reserved"),
    };
    Some(Judged::wrong(why, None))
}

/// `UE, DIV = 0x3`: the fields that a value says something of.
fn describe(register: &Register<'_>, value: u64) -> String {
    let said: Vec<String> = register
        .fields
        .iter()
        .filter(|field| field.extract(value) != 0)
        .map(|field| match field.width {
            1 => field.name.to_owned(),
            _ => format!("{} = {:#x}", field.name, field.extract(value)),
        })
        .collect();
    if said.is_empty() { "all fields are 0".to_owned() } else { said.join(", ") }
}

/// `1 << 13` for a single bit, otherwise the number.
pub(super) fn shifted(mask: u64, size_bits: u32) -> String {
    match mask.count_ones() {
        1 => format!("1 << {}", mask.trailing_zeros()),
        _ => hex(mask, size_bits),
    }
}
