//! Layouts of the types that variables have: only these are read, and each once.

use foldhash::HashMap;
use gimli::AttributeValue;

use super::entries::Entries;
use super::signatures::elsewhere;
use super::units::{Die, Entry, Slice};
use crate::elf::{Member, Type, TypeKind};

/// Deepest nesting of types in types that is followed. Real ones stay far below; damaged ones
/// may go on for ever.
const MAX_DEPTH: usize = 48;

/// Types read so far.
#[derive(Default)]
pub(super) struct Types {
    types: Vec<Type>,
    positions: HashMap<Die, u32>,
    opaque: Option<u32>,
}

impl Types {
    pub(super) fn into_types(self) -> Vec<Type> {
        self.types
    }

    fn push(&mut self, ty: Type) -> u32 {
        self.types.push(ty);
        (self.types.len() - 1) as u32
    }
}

impl<'a> Entries<'_, 'a> {
    /// The type that a `DW_AT_type` refers to, read if need be.
    pub(super) fn type_at(&mut self, unit: usize, reference: &AttributeValue<Slice<'a>>) -> u32 {
        self.read_type(unit, reference, 0)
    }

    /// The type of what was not understood.
    pub(super) fn opaque_type(&mut self) -> u32 {
        let types = &mut self.types;
        match types.opaque {
            Some(position) => position,
            None => {
                let opaque = Type { name: String::new(), size: 0, kind: TypeKind::Opaque };
                let position = types.push(opaque);
                types.opaque = Some(position);
                position
            }
        }
    }

    /// Size in bytes of a type, 0 where unknown.
    pub(super) fn size_of(&self, ty: u32) -> u64 {
        self.types.types[ty as usize].size
    }

    fn read_type(
        &mut self,
        unit: usize,
        reference: &AttributeValue<Slice<'a>>,
        depth: usize,
    ) -> u32 {
        let Some(die) = self.units.reference(unit, reference) else { return self.opaque_type() };
        if let Some(&position) = self.types.positions.get(&die) {
            return position;
        }
        if depth > MAX_DEPTH {
            return self.opaque_type();
        }
        // A type that contains itself is damage; it must not be read for ever.
        let unread = self.opaque_type();
        self.types.positions.insert(die, unread);
        let position = self.read_type_entry(die, depth).unwrap_or(unread);
        self.types.positions.insert(die, position);
        position
    }

    fn read_type_entry(&mut self, die: Die, depth: usize) -> Option<u32> {
        let unit = die.0;
        let entry = self.units.entry(die)?;
        if let Some(definition) = elsewhere(&entry) {
            return Some(self.read_type(unit, &definition, depth + 1));
        }
        let size = || entry.attr_value(gimli::DW_AT_byte_size).and_then(|size| size.udata_value());
        let name = self.units.text(unit, &entry, gimli::DW_AT_name).into_owned();
        let kind = match entry.tag() {
            gimli::DW_TAG_typedef
            | gimli::DW_TAG_const_type
            | gimli::DW_TAG_volatile_type
            | gimli::DW_TAG_atomic_type
            | gimli::DW_TAG_restrict_type => {
                let target = entry.attr_value(gimli::DW_AT_type)?;
                return Some(self.read_type(unit, &target, depth + 1));
            }
            gimli::DW_TAG_base_type | gimli::DW_TAG_enumeration_type => TypeKind::Scalar,
            gimli::DW_TAG_pointer_type
            | gimli::DW_TAG_reference_type
            | gimli::DW_TAG_rvalue_reference_type => {
                let pointer = u64::from(self.units.get(unit).header.address_size());
                let size = size().unwrap_or(pointer);
                return Some(self.types.push(Type { name, size, kind: TypeKind::Pointer }));
            }
            gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => {
                TypeKind::Struct(self.read_members(die, depth).unwrap_or_default())
            }
            gimli::DW_TAG_union_type => {
                TypeKind::Union(self.read_members(die, depth).unwrap_or_default())
            }
            gimli::DW_TAG_array_type => return self.read_array(die, &entry, depth),
            _ => return None,
        };
        Some(self.types.push(Type { name, size: size().unwrap_or(0), kind }))
    }

    fn read_members(&mut self, die: Die, depth: usize) -> gimli::Result<Vec<Member>> {
        let (unit, offset) = die;
        let mut tree = self.units.get(unit).entries_tree(Some(offset))?;
        let mut children = tree.root()?.children();
        let mut members = Vec::new();
        while let Some(child) = children.next()? {
            let entry = child.entry();
            if !matches!(entry.tag(), gimli::DW_TAG_member | gimli::DW_TAG_inheritance)
                || is_static(entry)
            {
                continue;
            }
            let Some(reference) = entry.attr_value(gimli::DW_AT_type) else { continue };
            let offset = member_offset(entry);
            let name = match entry.tag() {
                gimli::DW_TAG_member => {
                    self.units.text(unit, entry, gimli::DW_AT_name).into_owned()
                }
                _ => String::new(),
            };
            let ty = self.read_type(unit, &reference, depth + 1);
            members.extend(offset.map(|offset| Member { name, offset, ty }));
        }
        members.sort_by_key(|member| member.offset);
        Ok(members)
    }

    /// One [`TypeKind::Array`] for each dimension, outermost last.
    fn read_array(&mut self, die: Die, entry: &Entry<'a>, depth: usize) -> Option<u32> {
        let unit = die.0;
        let reference = entry.attr_value(gimli::DW_AT_type)?;
        let mut element = self.read_type(unit, &reference, depth + 1);
        let counts = self.units.dimensions(die).unwrap_or_default();
        for &count in counts.iter().rev() {
            let size = self.size_of(element).saturating_mul(count);
            let kind = TypeKind::Array { element, count };
            element = self.types.push(Type { name: String::new(), size, kind });
        }
        Some(element)
    }
}

fn is_static(entry: &Entry<'_>) -> bool {
    entry.has_attr(gimli::DW_AT_external) || entry.has_attr(gimli::DW_AT_declaration)
}

/// Offset of a member in bytes; `None` where it takes running code to find (a virtual base).
///
/// Source: DWARF 5, 5.7.6.
pub(super) fn member_offset(entry: &Entry<'_>) -> Option<u64> {
    match entry.attr_value(gimli::DW_AT_data_member_location) {
        Some(value) => value.udata_value(),
        None => {
            let bits = entry.attr_value(gimli::DW_AT_data_bit_offset);
            Some(bits.and_then(|bits| bits.udata_value()).unwrap_or(0) / 8)
        }
    }
}
