//! Bytes as the values of their type.

use bundle::{LocalValue, Member, NOT_IN_THE_BUNDLE, OPTIMISED_OUT};

use super::debug::{At, Debug, Entry, number};
use super::place::{Byte, padded};
use super::types::{Kind, Type, children};
use crate::crash::memory::Memory;

/// Of one variable no more is looked at: bytes, structures within structures, members, elements, and
/// characters of a text that a pointer points at.
pub(super) const MOST_BYTES: usize = 4096;
const MOST_DEPTH: usize = 4;
const MOST_MEMBERS: usize = 32;
const MOST_ELEMENTS: usize = 16;
const MOST_TEXT: usize = 80;

/// Reads values; `room` is for how many more.
pub(super) struct Reader<'r, 'a> {
    pub(super) debug: &'r Debug<'a>,
    pub(super) memory: &'r Memory<'r>,
    pub(super) room: &'r mut usize,
}

impl<'a> Reader<'_, 'a> {
    /// The value that `bytes` are of the type `ty`, within `depth` others.
    pub(super) fn value(&mut self, ty: &Type, bytes: &[Byte], depth: usize) -> LocalValue {
        if *self.room == 0 || depth > MOST_DEPTH {
            return LocalValue::missing("left out: there is too much");
        }
        *self.room -= 1;
        match ty.kind {
            Kind::Base { encoding, size } => {
                known(bytes, size).map_or_else(|missing| missing, |bytes| base(encoding, &bytes))
            }
            Kind::Enumeration { size } => match known(bytes, size) {
                Ok(bytes) => self.enumerator(ty.plain, &bytes),
                Err(missing) => missing,
            },
            Kind::Pointer { target } => match known(bytes, ty.size(self.debug)) {
                Ok(bytes) => self.pointer(unsigned(&bytes), target),
                Err(missing) => missing,
            },
            Kind::Array { element, count } => self.array(element, count, bytes, depth),
            Kind::Structure { .. } => self.structure(ty, bytes, depth),
            Kind::Other { size: 0 } => LocalValue::missing("its type has no size"),
            Kind::Other { size } => known(bytes, size)
                .map_or_else(|missing| missing, |bytes| LocalValue::plain(hex(&bytes))),
        }
    }

    /// The enumerator with this value, or flags that add up to it, as C writes them.
    fn enumerator(&self, at: At, bytes: &[u8]) -> LocalValue {
        let value = unsigned(bytes);
        let mask = u64::MAX >> (64 - 8 * bytes.len().clamp(1, 8));
        let is_it = |entry: &&Entry<'a>| {
            let constant = entry.attr_value(gimli::DW_AT_const_value);
            let constant = constant.and_then(|constant| {
                constant.udata_value().or_else(|| constant.sdata_value().map(|value| value as u64))
            });
            constant.is_some_and(|constant| constant & mask == value)
        };
        let entries = children(self.debug, at);
        let found = entries.iter().find(is_it).and_then(|entry| self.debug.name(at.unit, entry));
        LocalValue::plain(found.unwrap_or_else(|| value.to_string()))
    }

    fn pointer(&self, address: u64, target: Option<At>) -> LocalValue {
        let target = target.and_then(|at| Type::read(self.debug, at));
        let text = match target.is_some_and(|target| target.is_char()) {
            true => self.text(address, None),
            false => None,
        };
        LocalValue::Pointer { address, symbol: None, text }
    }

    /// The text at `address`, as long as `length` says, or to its end mark. `None`: it cannot be read,
    /// or is no text.
    fn text(&self, address: u64, length: Option<u64>) -> Option<String> {
        let most = length.map_or(MOST_TEXT, |length| MOST_TEXT.min(length as usize));
        let mut bytes = Vec::new();
        for offset in 0..most as u64 {
            let byte = self.memory.byte(u32::try_from(address.checked_add(offset)?).ok()?)?;
            if byte == 0 && length.is_none() {
                break;
            }
            bytes.push(byte);
        }
        let cut = length.is_some_and(|length| length > most as u64)
            || (length.is_none() && bytes.len() == MOST_TEXT);
        let text = std::str::from_utf8(&bytes).ok()?;
        Some(format!("{text:?}{}", if cut { "…" } else { "" }))
    }

    fn array(&mut self, element: At, count: u64, bytes: &[Byte], depth: usize) -> LocalValue {
        let Some(element) = Type::read(self.debug, element) else {
            return LocalValue::missing("its type is not known");
        };
        if let (true, Ok(text)) = (element.is_char(), known(bytes, bytes.len())) {
            let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
            let (text, rest) = text.split_at(end);
            let is_text = |byte: &u8| byte.is_ascii_graphic() || b" \t\r\n".contains(byte);
            // Numbers of eight bits are characters to C as well.
            if !text.is_empty() && text.iter().all(is_text) && rest.iter().all(|byte| *byte == 0) {
                return LocalValue::plain(format!("\"{}\"", text.escape_ascii()));
            }
        }
        let size = element.size(self.debug);
        let shown = usize::try_from(count).unwrap_or(usize::MAX).min(MOST_ELEMENTS);
        let mut elements = Vec::new();
        for number in 0..shown {
            let at = number.saturating_mul(size);
            let Some(part) = bytes.get(at..at.saturating_add(size)) else { break };
            elements.push(self.value(&element, part, depth + 1));
        }
        let left_out = count.saturating_sub(elements.len() as u64);
        if !elements.is_empty()
            && left_out == 0
            && elements.iter().all(|one| *one == elements[0])
            && matches!(elements[0], LocalValue::Missing { .. })
        {
            return elements.swap_remove(0);
        }
        LocalValue::Elements { elements, left_out }
    }

    fn structure(&mut self, ty: &Type, bytes: &[Byte], depth: usize) -> LocalValue {
        if let Some(nothing) = nothing_known(bytes) {
            return nothing;
        }
        if let Some(text) = self.str_slice(ty, bytes) {
            return text;
        }
        let entries = children(self.debug, ty.plain);
        let variants = entries.iter().find(|entry| entry.tag() == gimli::DW_TAG_variant_part);
        if let Some(variants) = variants {
            return self.variant(ty.plain.unit, variants, bytes, depth);
        }
        let is_member = |entry: &&Entry<'a>| {
            matches!(entry.tag(), gimli::DW_TAG_member | gimli::DW_TAG_inheritance)
                // A static member is a declaration, without a place in the structure.
                && entry.attr(gimli::DW_AT_declaration).is_none()
        };
        let all: Vec<&Entry<'a>> = entries.iter().filter(is_member).collect();
        let members: Vec<Member> = all
            .iter()
            .take(MOST_MEMBERS)
            .map(|entry| Member {
                name: self.debug.name(ty.plain.unit, entry).unwrap_or_default(),
                value: self.member(ty.plain.unit, entry, bytes, depth),
            })
            .collect();
        let left_out = (all.len() - members.len()) as u64;
        LocalValue::Members { variant: None, members, left_out }
    }

    fn member(
        &mut self,
        unit: usize,
        entry: &Entry<'a>,
        bytes: &[Byte],
        depth: usize,
    ) -> LocalValue {
        let ty = self.debug.type_of(unit, entry).and_then(|at| Type::read(self.debug, at));
        let Some(ty) = ty else { return LocalValue::missing("its type is not known") };
        let size = ty.size(self.debug);
        if let Some(bits) = number(entry, gimli::DW_AT_bit_size) {
            return match bit_field(entry, bits, ty.is_signed(), size, bytes) {
                Some(bytes) => self.value(&ty, &bytes, depth + 1),
                None => LocalValue::missing("its bits are not known"),
            };
        }
        let at = number(entry, gimli::DW_AT_data_member_location).unwrap_or(0);
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        match bytes.get(at..at.saturating_add(size)) {
            Some(part) => self.value(&ty, part, depth + 1),
            None => LocalValue::missing("left out: there is too much"),
        }
    }

    /// A Rust `&str`.
    fn str_slice(&self, ty: &Type, bytes: &[Byte]) -> Option<LocalValue> {
        let entry = self.debug.entry(ty.plain)?;
        if self.debug.name(ty.plain.unit, &entry).as_deref() != Some("&str") {
            return None;
        }
        let word = |at: usize| known(bytes.get(at..at + 4)?, 4).ok().map(|word| unsigned(&word));
        let (address, length) = (word(0)?, word(4)?);
        let text = self.text(address, Some(length));
        Some(LocalValue::Pointer { address, symbol: None, text })
    }

    /// The variant that a Rust enumeration is. Source: DWARF 5, 5.7.10.
    fn variant(
        &mut self,
        unit: usize,
        part: &Entry<'a>,
        bytes: &[Byte],
        depth: usize,
    ) -> LocalValue {
        let variants = children(self.debug, At { unit, offset: part.offset() });
        let discriminant = part
            .attr_value(gimli::DW_AT_discr)
            .and_then(|value| self.debug.follow(unit, value))
            .and_then(|at| self.discriminant(at, bytes));
        let has_discriminant = part.attr(gimli::DW_AT_discr).is_some();
        let value_of = |entry: &Entry<'a>| {
            let value = entry.attr_value(gimli::DW_AT_discr_value)?;
            value.udata_value().or_else(|| value.sdata_value().map(|value| value as u64))
        };
        let is_variant = |entry: &&Entry<'a>| entry.tag() == gimli::DW_TAG_variant;
        let all = || variants.iter().filter(is_variant);
        let (value, mask) = match (has_discriminant, discriminant) {
            (true, Some(found)) => found,
            (true, None) => return LocalValue::missing("its variant is not known"),
            // A type with one variant tells nothing apart.
            (false, _) => (0, 0),
        };
        let exact = all().find(|one| value_of(one).is_some_and(|of| of & mask == value));
        let Some(found) = exact.or_else(|| all().find(|one| value_of(one).is_none())) else {
            return LocalValue::missing("its variant is not known");
        };
        let inside = children(self.debug, At { unit, offset: found.offset() });
        let Some(member) = inside.iter().find(|entry| entry.tag() == gimli::DW_TAG_member) else {
            return LocalValue::missing("its variant is not known");
        };
        let variant = self.debug.name(unit, member);
        match self.member(unit, member, bytes, depth) {
            LocalValue::Members { members, left_out, .. } => {
                LocalValue::Members { variant, members, left_out }
            }
            other => {
                let members = vec![Member { name: String::new(), value: other }];
                LocalValue::Members { variant, members, left_out: 0 }
            }
        }
    }

    /// The discriminant, and a mask of its size.
    fn discriminant(&self, at: At, bytes: &[Byte]) -> Option<(u64, u64)> {
        let entry = self.debug.entry(at)?;
        let ty = Type::read(self.debug, self.debug.type_of(at.unit, &entry)?)?;
        let size = ty.size(self.debug);
        let from = usize::try_from(number(&entry, gimli::DW_AT_data_member_location)?).ok()?;
        let value = known(bytes.get(from..from.checked_add(size)?)?, size).ok()?;
        Some((unsigned(&value), u64::MAX >> (64 - 8 * size.clamp(1, 8))))
    }
}

/// The first `size` bytes, or why they are not all known.
fn known(bytes: &[Byte], size: usize) -> Result<Vec<u8>, LocalValue> {
    let bytes = bytes.get(..size).ok_or_else(|| LocalValue::missing(OPTIMISED_OUT))?;
    let byte = |byte: &Byte| match byte {
        Byte::Known(byte) => Ok(*byte),
        Byte::Gone => Err(LocalValue::missing(OPTIMISED_OUT)),
        Byte::Unread => Err(LocalValue::missing(NOT_IN_THE_BUNDLE)),
    };
    bytes.iter().map(byte).collect()
}

/// Why nothing at all is known of a structure.
fn nothing_known(bytes: &[Byte]) -> Option<LocalValue> {
    let first = *bytes.first()?;
    let is_same = bytes.iter().all(|byte| *byte == first);
    match first {
        Byte::Gone if is_same => Some(LocalValue::missing(OPTIMISED_OUT)),
        Byte::Unread if is_same => Some(LocalValue::missing(NOT_IN_THE_BUNDLE)),
        _ => None,
    }
}

/// The bits of a bit field, in as many bytes as its type has. Source: DWARF 5, 5.7.6
/// (`DW_AT_data_bit_offset`); DWARF 3, 5.6.6 (`DW_AT_bit_offset`, from the highest bit on).
fn bit_field(
    entry: &Entry<'_>,
    bits: u64,
    is_signed: bool,
    size: usize,
    bytes: &[Byte],
) -> Option<Vec<Byte>> {
    let from = match number(entry, gimli::DW_AT_data_bit_offset) {
        Some(from) => from,
        None => {
            let at = number(entry, gimli::DW_AT_data_member_location).unwrap_or(0);
            let storage = number(entry, gimli::DW_AT_byte_size).unwrap_or(size as u64);
            let highest = number(entry, gimli::DW_AT_bit_offset)?;
            let end = at.checked_add(storage)?.checked_mul(8)?;
            end.checked_sub(highest)?.checked_sub(bits)?
        }
    };
    let end = from.checked_add(bits)?;
    let range = usize::try_from(from / 8).ok()?..usize::try_from(end.div_ceil(8)).ok()?;
    let part = bytes.get(range)?;
    let part = known(part, part.len()).ok().filter(|part| part.len() <= 8 && bits > 0)?;
    let value = unsigned(&part) >> (from % 8) & (u64::MAX >> (64 - bits.min(64)));
    let unused = 64 - bits.min(64) as u32;
    let value = if is_signed { ((value << unused) as i64 >> unused) as u64 } else { value };
    Some(padded(&value.to_le_bytes(), size))
}

fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// Source: DWARF 5, 5.1.1 (base type encodings).
fn base(encoding: gimli::DwAte, bytes: &[u8]) -> LocalValue {
    let value = unsigned(bytes);
    let unused = 64 - 8 * bytes.len().clamp(1, 8) as u32;
    let signed = (value << unused) as i64 >> unused;
    let text = match (encoding, bytes.len()) {
        (gimli::DW_ATE_float, 4) => f32::from_bits(value as u32).to_string(),
        (gimli::DW_ATE_float, 8) => f64::from_bits(value).to_string(),
        (gimli::DW_ATE_boolean, _) if value < 2 => (value == 1).to_string(),
        (gimli::DW_ATE_signed_char | gimli::DW_ATE_unsigned_char, 1) => {
            let number = match encoding {
                gimli::DW_ATE_signed_char => signed.to_string(),
                _ => value.to_string(),
            };
            format!("{number} '{}'", (value as u8).escape_ascii())
        }
        (gimli::DW_ATE_UTF, 1..=4) => match char::from_u32(value as u32) {
            Some(character) => format!("{character:?}"),
            None => format!("{value:#x}"),
        },
        (gimli::DW_ATE_signed, 1..=8) => signed.to_string(),
        (gimli::DW_ATE_signed, 16) => i128_of(bytes).to_string(),
        (gimli::DW_ATE_unsigned, 16) => (i128_of(bytes) as u128).to_string(),
        (_, 1..=8) => value.to_string(),
        (_, 0) => "()".to_owned(),
        _ => hex(bytes),
    };
    LocalValue::plain(text)
}

fn i128_of(bytes: &[u8]) -> i128 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | i128::from(*byte))
}
