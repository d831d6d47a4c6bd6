//! Types as their entries have them, before any name is put together.

use std::ops::Range;

use gimli::{AttributeValue, DwTag, UnitOffset};

use crate::elf::LayoutKind;
use crate::elf::dwarf::units::{Die, Slice, Units};
use crate::elf::dwarf::walk::{Head, Walk};
use crate::elf::records::NONE;
use crate::store::StrRef;

/// The types of one unit.
#[derive(Default)]
pub(super) struct Unit<'a> {
    /// In the order of their entries, and so by offset.
    pub(super) nodes: Vec<Node<'a>>,
    /// Those of one type stand together.
    pub(super) parts: Vec<Part<'a>>,
    /// Elements of the dimensions of arrays.
    pub(super) counts: Vec<u64>,
    /// What types are called, as far as somebody asked.
    pub(super) spelled: Vec<Spelled>,
}

/// A type as a member has it.
#[derive(Clone, Copy)]
pub(super) struct Spelled {
    pub(super) name: StrRef,
    pub(super) size: u64,
    /// The structure, union or enumeration behind typedefs and arrays.
    pub(super) inner: Target,
}

/// An entry that another leads to, if any, in half the room of a [`Die`].
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// [`NONE`] where it leads nowhere.
    unit: u32,
    offset: u32,
}

/// A name, whose bytes are looked for when somebody asks: for most nobody does.
#[derive(Clone, Copy)]
pub(super) enum Name<'a> {
    Text(&'a [u8]),
    At(gimli::DebugStrOffset),
}

/// A type.
pub(super) struct Node<'a> {
    pub(super) offset: UnitOffset,
    pub(super) tag: DwTag,
    /// It only says that there is such a type.
    pub(super) declares: bool,
    /// It is a Rust enumeration whose variants have fields.
    pub(super) has_variants: bool,
    /// The type is defined where `target` leads.
    pub(super) is_elsewhere: bool,
    /// The attribute stands there, even if it leads nowhere.
    pub(super) has_target: bool,
    pub(super) name: Name<'a>,
    /// What it points to, qualifies, is another name for, or is stored as.
    pub(super) target: Target,
    has_size: bool,
    size: u64,
    /// In [`Unit::parts`], of an array in [`Unit::counts`].
    pub(super) parts: Range<u32>,
    /// Position of its layout, or [`NONE`].
    pub(super) layout: u32,
    /// Position of what it is called in [`Unit::spelled`], or [`NONE`].
    pub(super) spelled: u32,
}

/// What a structure, union or enumeration consists of.
pub(super) struct Part<'a> {
    pub(super) name: Name<'a>,
    pub(super) kind: PartKind,
    pub(super) ty: Target,
    pub(super) place: Place,
    /// Whether `value` is one.
    pub(super) has_value: bool,
    /// Number of an enumerator, or the tag that a variant goes with.
    pub(super) value: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    Member,
    Base,
    /// What tells the variants of a Rust enumeration apart.
    Tag,
    Enumerator,
}

/// Where a member is, in bits from the start of what it is in.
#[derive(Clone, Copy)]
pub(super) enum Place {
    At {
        bit_offset: u64,
        /// Width of a bit-field.
        bits: Option<u32>,
    },
    /// A bit-field that counts from the top of a storage unit, which has the size of its type.
    FromTop { start: u64, from_top: u64, width: u32 },
}

/// What matters of the attributes of a type or of a part of one.
#[derive(Default)]
pub(super) struct Attributes<'a> {
    pub(super) name: Name<'a>,
    pub(super) has_type: bool,
    pub(super) ty: Target,
    signature: Target,
    is_elsewhere: bool,
    pub(super) size: Option<u64>,
    pub(super) declares: bool,
    /// `DW_AT_specification` within the unit.
    pub(super) specification: Option<UnitOffset>,
    has_origin: bool,
    file: Option<u64>,
    line: Option<u64>,
    /// Number of an enumerator or of a variant's tag.
    pub(super) value: Option<i64>,
    external: bool,
    has_location: bool,
    /// In bytes.
    location: Option<u64>,
    data_bit_offset: Option<u64>,
    bit_offset: Option<u64>,
    bit_size: Option<u64>,
}

impl<'a> Unit<'a> {
    /// Makes room for another unit.
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.parts.clear();
        self.counts.clear();
        self.spelled.clear();
    }

    /// Position of the type at `offset`.
    pub(super) fn find(&self, offset: UnitOffset) -> Option<usize> {
        self.nodes.binary_search_by_key(&offset, |node| node.offset).ok()
    }
}

impl Target {
    pub(super) const NOWHERE: Self = Self { unit: NONE, offset: 0 };

    /// What is so far away that it does not fit is in no unit.
    pub(super) fn of(die: Option<Die>) -> Self {
        let fitting = die.and_then(|(unit, UnitOffset(offset))| {
            Some(Self { unit: unit.try_into().ok()?, offset: offset.try_into().ok()? })
        });
        fitting.unwrap_or(Self::NOWHERE)
    }

    pub(super) fn die(self) -> Option<Die> {
        (self.unit != NONE).then_some((self.unit as usize, UnitOffset(self.offset as usize)))
    }
}

impl Default for Target {
    fn default() -> Self {
        Self::NOWHERE
    }
}

impl<'a> Name<'a> {
    /// The bytes of a name that is in a unit.
    pub(super) fn bytes(self, units: &Units<'_, 'a>, unit: usize) -> &'a [u8] {
        match self {
            Self::Text(text) => text,
            Self::At(offset) => units.bytes(unit, Some(AttributeValue::DebugStrRef(offset))),
        }
    }
}

impl Default for Name<'_> {
    fn default() -> Self {
        Self::Text(&[])
    }
}

impl<'a> Attributes<'a> {
    /// Reads the attributes of an entry on the way.
    pub(super) fn read<'u>(
        units: &Units<'_, 'a>,
        unit: usize,
        walk: &mut Walk<'u, 'a>,
        head: &Head<'u>,
    ) -> gimli::Result<Self> {
        let mut found = Self::default();
        walk.read_each(head, |name, value| match name {
            gimli::DW_AT_name => {
                found.name = match value {
                    AttributeValue::DebugStrRef(offset) => Name::At(offset),
                    value => Name::Text(units.bytes(unit, Some(value))),
                }
            }
            gimli::DW_AT_type => {
                found.has_type = true;
                found.ty = Target::of(units.reference(unit, &value));
            }
            gimli::DW_AT_signature => {
                found.is_elsewhere = true;
                found.signature = Target::of(units.reference(unit, &value));
            }
            gimli::DW_AT_byte_size => found.size = value.udata_value(),
            gimli::DW_AT_declaration => found.declares = true,
            gimli::DW_AT_specification => {
                found.has_origin = true;
                if let AttributeValue::UnitRef(offset) = value {
                    found.specification = Some(offset);
                }
            }
            gimli::DW_AT_abstract_origin => found.has_origin = true,
            gimli::DW_AT_decl_file => found.file = file_number(&value),
            gimli::DW_AT_decl_line => found.line = value.udata_value(),
            gimli::DW_AT_const_value | gimli::DW_AT_discr_value => found.value = number(&value),
            gimli::DW_AT_external => found.external = true,
            gimli::DW_AT_data_member_location => {
                found.has_location = true;
                found.location = value.udata_value();
            }
            gimli::DW_AT_data_bit_offset => found.data_bit_offset = value.udata_value(),
            gimli::DW_AT_bit_offset => found.bit_offset = value.udata_value(),
            gimli::DW_AT_bit_size => found.bit_size = value.udata_value(),
            _ => {}
        })?;
        Ok(found)
    }

    /// Where a member is. `None` where it has no place of its own, as a static one, and where it
    /// takes running code to find (a virtual base).
    ///
    /// Source: DWARF 5, 5.7.6; DWARF 4, 5.5.6 for `DW_AT_bit_offset`, which counts from the most
    /// significant bit of the storage unit.
    pub(super) fn place(&self, big_endian: bool) -> Option<Place> {
        if self.external || self.declares {
            return None;
        }
        let start = match self.has_location {
            true => self.location?.checked_mul(8)?,
            false => 0,
        };
        let Some(width) = self.bit_size else {
            let bit_offset = start.checked_add(self.data_bit_offset.unwrap_or(0))?;
            return Some(Place::At { bit_offset, bits: None });
        };
        let width = u32::try_from(width).ok()?;
        let within = match (self.data_bit_offset, self.bit_offset) {
            (Some(within), _) => within,
            (None, None) => 0,
            (None, Some(from_top)) if big_endian => from_top,
            (None, Some(from_top)) => {
                let place = Place::FromTop { start, from_top, width };
                let Some(storage) = self.size else { return Some(place) };
                let (bit_offset, bits) = place.within(storage)?;
                return Some(Place::At { bit_offset, bits });
            }
        };
        Some(Place::At { bit_offset: start.checked_add(within)?, bits: Some(width) })
    }

    /// Number of the file, and line; of the declaration that it completes where it tells none.
    pub(super) fn declaration(
        &self,
        units: &Units<'_, 'a>,
        unit: usize,
        offset: UnitOffset,
    ) -> (Option<u64>, u32) {
        let (mut file, mut line) = (self.file, self.line);
        if self.has_origin
            && (file.is_none() || line.is_none())
            && let Some(entry) = units.entry((unit, offset))
        {
            let names = [gimli::DW_AT_decl_file, gimli::DW_AT_decl_line];
            let [its_file, its_line] = units.inherited_all(unit, &entry, names);
            // Another unit's numbers count other files.
            let its_file = its_file.filter(|(owner, _)| *owner == unit);
            file = its_file.and_then(|(_, value)| file_number(&value));
            line = its_line.and_then(|(_, value)| value.udata_value());
        }
        (file, line.and_then(|line| u32::try_from(line).ok()).unwrap_or(0))
    }
}

impl<'a> Node<'a> {
    pub(super) fn new(head: &Head<'_>, attributes: &Attributes<'a>) -> Self {
        let target = if attributes.is_elsewhere { attributes.signature } else { attributes.ty };
        Self {
            offset: head.offset,
            tag: head.tag(),
            declares: attributes.declares,
            has_variants: false,
            is_elsewhere: attributes.is_elsewhere,
            has_target: attributes.has_type || attributes.is_elsewhere,
            name: attributes.name,
            target,
            has_size: attributes.size.is_some(),
            size: attributes.size.unwrap_or_default(),
            parts: 0..0,
            layout: NONE,
            spelled: NONE,
        }
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.has_size.then_some(self.size)
    }
}

impl<'a> Part<'a> {
    pub(super) fn enumerator(attributes: &Attributes<'a>) -> Self {
        Self {
            name: attributes.name,
            kind: PartKind::Enumerator,
            ty: Target::NOWHERE,
            place: Place::At { bit_offset: 0, bits: None },
            has_value: attributes.value.is_some(),
            value: attributes.value.unwrap_or_default(),
        }
    }
}

impl Place {
    /// Offset and width, for a type of `size` bytes; `None` where it is outside of it.
    pub(super) fn within(self, size: u64) -> Option<(u64, Option<u32>)> {
        match self {
            Self::At { bit_offset, bits } => Some((bit_offset, bits)),
            Self::FromTop { start, from_top, width } => {
                let storage = size.checked_mul(8)?;
                let within = storage.checked_sub(from_top)?.checked_sub(width.into())?;
                Some((start.checked_add(within)?, Some(width)))
            }
        }
    }
}

/// What has a layout of its own.
pub(super) fn kind_of(tag: DwTag) -> Option<LayoutKind> {
    Some(match tag {
        gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => LayoutKind::Struct,
        gimli::DW_TAG_union_type => LayoutKind::Union,
        gimli::DW_TAG_enumeration_type => LayoutKind::Enum,
        gimli::DW_TAG_typedef => LayoutKind::Typedef,
        _ => return None,
    })
}

/// Whether an entry is a type, of one, or around one.
pub(super) fn is_of_interest(abbreviation: &gimli::Abbreviation) -> bool {
    let tag = abbreviation.tag();
    is_type(tag)
        || matches!(
            tag,
            gimli::DW_TAG_namespace
                | gimli::DW_TAG_member
                | gimli::DW_TAG_inheritance
                | gimli::DW_TAG_enumerator
                | gimli::DW_TAG_variant_part
                | gimli::DW_TAG_variant
        )
}

/// Whether members may have an entry for their type.
pub(super) fn is_type(tag: DwTag) -> bool {
    kind_of(tag).is_some()
        || matches!(
            tag,
            gimli::DW_TAG_base_type
                | gimli::DW_TAG_pointer_type
                | gimli::DW_TAG_array_type
                | gimli::DW_TAG_const_type
                | gimli::DW_TAG_volatile_type
                | gimli::DW_TAG_subroutine_type
                | gimli::DW_TAG_reference_type
                | gimli::DW_TAG_rvalue_reference_type
                | gimli::DW_TAG_restrict_type
                | gimli::DW_TAG_atomic_type
                | gimli::DW_TAG_unspecified_type
                | gimli::DW_TAG_ptr_to_member_type
                | gimli::DW_TAG_subrange_type
                | gimli::DW_TAG_string_type
                | gimli::DW_TAG_set_type
                | gimli::DW_TAG_file_type
                | gimli::DW_TAG_packed_type
                | gimli::DW_TAG_thrown_type
                | gimli::DW_TAG_interface_type
                | gimli::DW_TAG_shared_type
                | gimli::DW_TAG_coarray_type
                | gimli::DW_TAG_dynamic_type
                | gimli::DW_TAG_immutable_type
                | gimli::DW_TAG_generic_subrange
        )
}

fn file_number(value: &AttributeValue<Slice<'_>>) -> Option<u64> {
    match *value {
        AttributeValue::FileIndex(number) => Some(number),
        ref other => other.udata_value(),
    }
}

fn number(value: &AttributeValue<Slice<'_>>) -> Option<i64> {
    value.sdata_value().or_else(|| value.udata_value().map(|value| value as i64))
}
