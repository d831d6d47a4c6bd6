//! How a chip stands on disk: fixed-size records, referring to each other by position.
//!
//! `derivedFrom`, inheritance and clusters are resolved when these are written; arrays are not
//! expanded (one vendor declares 16.7 million elements). A register under arrays has one record
//! with one [`DimRecord`] per array around it, outermost first, and a name in which the byte
//! `1 + n` stands for the index of the `n`th.

use bytemuck::{Pod, Zeroable};

use crate::store::{SectionId, StrRef};

/// Version of these records; raise it whenever one of them, or what is put in it, changes.
pub(crate) const SCHEMA: u32 = 7;

pub(crate) const DEVICE: SectionId = SectionId(16);
pub(crate) const PERIPHERALS: SectionId = SectionId(17);
pub(crate) const REGISTERS: SectionId = SectionId(18);
pub(crate) const DIMS: SectionId = SectionId(19);
pub(crate) const INDEX_NAMES: SectionId = SectionId(20);
pub(crate) const FIELDS: SectionId = SectionId(21);
pub(crate) const ENUMS: SectionId = SectionId(22);
pub(crate) const CONSTRAINTS: SectionId = SectionId(23);
pub(crate) const INTERRUPTS: SectionId = SectionId(24);
pub(crate) const BLOCKS: SectionId = SectionId(25);
pub(crate) const EXTENTS: SectionId = SectionId(26);
pub(crate) const ALIASES: SectionId = SectionId(30);
/// These three only where patches were applied.
pub(crate) const PATCHES: SectionId = SectionId(31);
pub(crate) const PATCHED: SectionId = SectionId(32);
pub(crate) const PATCH_WARNINGS: SectionId = SectionId(33);

/// Positions `first..first + count` of another table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Span {
    pub(crate) first: u32,
    pub(crate) count: u32,
}

impl Span {
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.first as usize..self.first as usize + self.count as usize
    }
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct DeviceRecord {
    pub(crate) name: StrRef,
    pub(crate) vendor: StrRef,
    pub(crate) series: StrRef,
    pub(crate) version: StrRef,
    pub(crate) description: StrRef,
    pub(crate) cpu_name: StrRef,
    pub(crate) cpu_revision: StrRef,
    pub(crate) cpu_endian: StrRef,
    pub(crate) cpu_nvic_prio_bits: u32,
    /// See the `CPU_` bits.
    pub(crate) cpu_flags: u32,
    pub(crate) width_bits: u32,
    pub(crate) address_unit_bits: u32,
    /// Of the SVD itself, without what is built in; registers and fields with every array
    /// element counted.
    pub(crate) peripheral_count: u64,
    pub(crate) register_count: u64,
    pub(crate) field_count: u64,
    /// What is built in: see [`super::Origin`].
    pub(crate) core: u32,
    /// 1 if the core may have bit-band regions.
    pub(crate) bit_band: u32,
}

pub(crate) const CPU_MPU: u32 = 1;
pub(crate) const CPU_FPU: u32 = 2;
pub(crate) const CPU_VENDOR_SYSTICK: u32 = 4;

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct PeripheralRecord {
    pub(crate) base_address: u64,
    pub(crate) name: StrRef,
    pub(crate) description: StrRef,
    pub(crate) group: StrRef,
    pub(crate) derived_from: StrRef,
    pub(crate) prepend_to_name: StrRef,
    pub(crate) append_to_name: StrRef,
    pub(crate) registers: Span,
    pub(crate) blocks: Span,
    pub(crate) interrupts: Span,
    pub(crate) line: u32,
    /// See [`super::Origin`].
    pub(crate) origin: u32,
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct RegisterRecord {
    /// Of the first element.
    pub(crate) address: u64,
    pub(crate) reset_value: u64,
    pub(crate) reset_mask: u64,
    /// Below the peripheral, clusters joined by `.`, with array placeholders.
    pub(crate) name: StrRef,
    /// The vendor's other spelling of the last part, same placeholders; empty if the same.
    pub(crate) display_name: StrRef,
    pub(crate) description: StrRef,
    pub(crate) alternate: StrRef,
    pub(crate) dims: Span,
    pub(crate) fields: Span,
    pub(crate) peripheral: u32,
    pub(crate) line: u32,
    /// Position in the constraints plus one; 0 for none.
    pub(crate) constraint: u32,
    pub(crate) size_bits: u16,
    pub(crate) access: u8,
    pub(crate) read_action: u8,
    pub(crate) modified_write_values: u8,
    /// See the `REGISTER_` bits.
    pub(crate) flags: u8,
    pub(crate) reserved: [u8; 6],
}

pub(crate) const REGISTER_HAS_RESET: u8 = 1;
/// `alternate` names a group, not a register.
pub(crate) const REGISTER_ALTERNATE_GROUP: u8 = 2;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct DimRecord {
    pub(crate) stride: u64,
    pub(crate) count: u32,
    /// Number of the first element, where `names` is empty.
    pub(crate) start: u32,
    /// Index texts that are no plain run of numbers.
    pub(crate) names: Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct FieldRecord {
    pub(crate) name: StrRef,
    pub(crate) description: StrRef,
    pub(crate) first_enum: u32,
    pub(crate) enum_count: u32,
    pub(crate) constraint: u32,
    pub(crate) line: u32,
    pub(crate) lsb: u8,
    pub(crate) width: u8,
    /// The field's own; 0 takes the register's.
    pub(crate) access: u8,
    pub(crate) read_action: u8,
    pub(crate) modified_write_values: u8,
    pub(crate) reserved: [u8; 3],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct EnumRecord {
    pub(crate) value: u64,
    /// Bits of `value` that matter; the others are "don't care".
    pub(crate) mask: u64,
    pub(crate) name: StrRef,
    pub(crate) description: StrRef,
    /// See the `ENUM_` bits.
    pub(crate) flags: u32,
    pub(crate) line: u32,
}

pub(crate) const ENUM_READ: u32 = 1;
pub(crate) const ENUM_WRITE: u32 = 2;
pub(crate) const ENUM_DEFAULT: u32 = 4;
pub(crate) const ENUM_HAS_VALUE: u32 = 8;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct ConstraintRecord {
    pub(crate) minimum: u64,
    pub(crate) maximum: u64,
    /// 1 write as read, 2 enumerated values only, 3 range.
    pub(crate) kind: u64,
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct InterruptRecord {
    pub(crate) name: StrRef,
    pub(crate) description: StrRef,
    pub(crate) number: u32,
    pub(crate) peripheral: u32,
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct BlockRecord {
    /// Absolute.
    pub(crate) start: u64,
    pub(crate) size: u64,
    pub(crate) usage: StrRef,
}

/// A file of the patches, in the order applied, each followed by what it includes.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct PatchRecord {
    pub(crate) path: StrRef,
}

/// A register that a patch changed; by register.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct PatchedRecord {
    pub(crate) register: u32,
    /// Position in the patches.
    pub(crate) file: u32,
    pub(crate) line: u32,
}

/// A rule that was not followed.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct PatchWarningRecord {
    pub(crate) path: StrRef,
    pub(crate) what: StrRef,
    pub(crate) assumed: StrRef,
    pub(crate) file: u32,
    pub(crate) line: u32,
}

/// An architecture's name of a register that the vendor names otherwise.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct AliasRecord {
    /// Of the register; 0 where it is no array.
    pub(crate) element: u64,
    /// The whole path.
    pub(crate) name: StrRef,
    pub(crate) register: u32,
    pub(crate) reserved: u32,
}

/// The bytes from a register's first to the end of its last element; by `start`.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct ExtentRecord {
    pub(crate) start: u64,
    /// Exclusive.
    pub(crate) end: u64,
    /// The highest `end` of this and all extents before it: where a search may stop.
    pub(crate) reach: u64,
    pub(crate) register: u32,
    pub(crate) reserved: u32,
}
