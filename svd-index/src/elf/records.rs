//! How facts stand on disk: fixed-size records in sorted tables, text in one string table.
//!
//! Tables refer to each other by position; [`NONE`] stands for "no position".

use bytemuck::{Pod, Zeroable};

use super::LayoutKind;
use crate::store::{SectionId, StrRef};

/// Version of these records. Raise it with every change of a record, an order or a meaning.
pub(crate) const SCHEMA: u32 = 14;

/// The same of the file that has [`ACCESSES`] and [`LOOSE_ACCESSES`].
pub(crate) const USES_SCHEMA: u32 = 4;

/// The same of the file that has [`LAYOUTS`] and [`LAYOUT_MEMBERS`].
pub(crate) const TYPES_SCHEMA: u32 = 1;

pub(crate) const HEADER: SectionId = SectionId(16);
pub(crate) const SECTIONS: SectionId = SectionId(17);
pub(crate) const SYMBOLS: SectionId = SectionId(18);
/// [`StrRef`]s: the names that records refer to as files.
pub(crate) const FILES: SectionId = SectionId(19);
pub(crate) const FUNCTIONS: SectionId = SectionId(20);
pub(crate) const RANGES: SectionId = SectionId(21);
pub(crate) const INLINED: SectionId = SectionId(22);
/// [`Row`](super::Row)s by address.
pub(crate) const ROWS: SectionId = SectionId(23);
pub(crate) const TYPES: SectionId = SectionId(24);
pub(crate) const MEMBERS: SectionId = SectionId(25);
pub(crate) const VARIABLES: SectionId = SectionId(26);
pub(crate) const VECTORS: SectionId = SectionId(27);
pub(crate) const ACCESSES: SectionId = SectionId(28);
pub(crate) const LOOSE_ACCESSES: SectionId = SectionId(40);
pub(crate) const SEGMENTS: SectionId = SectionId(41);
pub(crate) const LAYOUTS: SectionId = SectionId(42);
pub(crate) const LAYOUT_MEMBERS: SectionId = SectionId(43);
pub(crate) const UNITS: SectionId = SectionId(44);
pub(crate) const UNIT_RANGES: SectionId = SectionId(45);
pub(crate) const FRAMES: SectionId = SectionId(46);

/// No file, no type: a position that nothing has.
pub(crate) const NONE: u32 = u32::MAX;

/// What there is one of.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct HeaderRecord {
    pub(crate) entry: u64,
    pub(crate) rtt: u64,
    pub(crate) build_id: StrRef,
    /// `e_machine`, 0 if nothing was read.
    pub(crate) machine: u32,
    pub(crate) class_bits: u32,
    /// See the `HEADER_` bits.
    pub(crate) flags: u32,
    /// See [`crate::Origin`]; 0 where the file does not say.
    pub(crate) core: u32,
    /// The symbol or section that told where the vector table is.
    pub(crate) table_name: StrRef,
    /// See the `TABLE_` values.
    pub(crate) table: u32,
    pub(crate) reserved: u32,
}

pub(crate) const TABLE_NONE: u32 = 0;
pub(crate) const TABLE_SYMBOL: u32 = 1;
pub(crate) const TABLE_SECTION: u32 = 2;
pub(crate) const TABLE_FIRST_SECTION: u32 = 3;
pub(crate) const TABLE_FIRST_SEGMENT: u32 = 4;

pub(crate) const HEADER_BIG_ENDIAN: u32 = 1;
pub(crate) const HEADER_RTT: u32 = 2;
pub(crate) const HEADER_DWARF: u32 = 4;

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct SectionRecord {
    pub(crate) address: u64,
    pub(crate) load_address: u64,
    pub(crate) size: u64,
    pub(crate) name: StrRef,
    /// See the `SECTION_` bits.
    pub(crate) flags: u32,
    pub(crate) reserved: u32,
}

pub(crate) const SECTION_ALLOCATED: u32 = 1;
pub(crate) const SECTION_WRITABLE: u32 = 2;
pub(crate) const SECTION_EXECUTABLE: u32 = 4;
pub(crate) const SECTION_ZEROED: u32 = 8;

/// In file order.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct SegmentRecord {
    pub(crate) address: u64,
    pub(crate) load_address: u64,
    pub(crate) size: u64,
    pub(crate) file_size: u64,
    /// `SECTION_WRITABLE`, `SECTION_EXECUTABLE`.
    pub(crate) flags: u32,
    pub(crate) reserved: u32,
}

/// By address, then kind (functions first), then name.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct SymbolRecord {
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) name: StrRef,
    pub(crate) linkage_name: StrRef,
    /// 0 function, 1 object, 2 label; `SYMBOL_NOWHERE` in addition.
    pub(crate) kind: u32,
    /// Position of the unit of a local symbol, as the symbol table tells it, or [`NONE`].
    pub(crate) unit: u32,
}

/// It names no place in memory.
pub(crate) const SYMBOL_NOWHERE: u32 = 0x100;

/// The units of the debug information, then those that only the symbol table names.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct UnitRecord {
    pub(crate) name: StrRef,
    /// Empty for those of the symbol table.
    pub(crate) comp_dir: StrRef,
    pub(crate) producer: StrRef,
    /// DWARF version, 0 for those of the symbol table.
    pub(crate) version: u32,
    pub(crate) reserved: u32,
}

/// By `low`. Position of a function, or of a unit.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct RangeRecord {
    pub(crate) low: u64,
    pub(crate) high: u64,
    pub(crate) owner: u32,
    pub(crate) reserved: u32,
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct FunctionRecord {
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) name: StrRef,
    pub(crate) linkage_name: StrRef,
    pub(crate) file: u32,
    pub(crate) line: u32,
    pub(crate) first_inlined: u32,
    pub(crate) inlined_count: u32,
    pub(crate) unit: u32,
    pub(crate) reserved: u32,
}

/// One range of one inlined subroutine; a function's stand together, outermost first.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct InlinedRecord {
    pub(crate) low: u64,
    pub(crate) high: u64,
    pub(crate) name: StrRef,
    pub(crate) depth: u32,
    pub(crate) call_file: u32,
    pub(crate) call_line: u32,
    pub(crate) call_column: u32,
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct TypeRecord {
    pub(crate) size: u64,
    /// Elements of an array.
    pub(crate) count: u64,
    pub(crate) name: StrRef,
    /// See the `TYPE_` values.
    pub(crate) kind: u32,
    /// Element type of an array, first member of a structure or union.
    pub(crate) first: u32,
    /// Number of members.
    pub(crate) members: u32,
    pub(crate) reserved: u32,
}

pub(crate) const TYPE_OPAQUE: u32 = 0;
pub(crate) const TYPE_SCALAR: u32 = 1;
pub(crate) const TYPE_POINTER: u32 = 2;
pub(crate) const TYPE_STRUCT: u32 = 3;
pub(crate) const TYPE_UNION: u32 = 4;
pub(crate) const TYPE_ARRAY: u32 = 5;

/// A type's stand together, by offset.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct MemberRecord {
    pub(crate) offset: u64,
    pub(crate) name: StrRef,
    pub(crate) ty: u32,
    pub(crate) reserved: u32,
}

/// By name; those without one last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct LayoutRecord {
    pub(crate) size: u64,
    pub(crate) name: StrRef,
    pub(crate) target: StrRef,
    /// See the `LAYOUT_` values.
    pub(crate) kind: u32,
    pub(crate) file: u32,
    pub(crate) line: u32,
    pub(crate) first: u32,
    pub(crate) members: u32,
    pub(crate) reserved: u32,
}

pub(crate) const LAYOUT_STRUCT: u32 = 0;
pub(crate) const LAYOUT_UNION: u32 = 1;
pub(crate) const LAYOUT_ENUM: u32 = 2;
pub(crate) const LAYOUT_VARIANTS: u32 = 3;
pub(crate) const LAYOUT_TYPEDEF: u32 = 4;

/// How a kind of layout stands on disk.
pub(crate) fn layout_kind(kind: LayoutKind) -> u32 {
    match kind {
        LayoutKind::Struct => LAYOUT_STRUCT,
        LayoutKind::Union => LAYOUT_UNION,
        LayoutKind::Enum => LAYOUT_ENUM,
        LayoutKind::Variants => LAYOUT_VARIANTS,
        LayoutKind::Typedef => LAYOUT_TYPEDEF,
    }
}

/// A layout's stand together, in its order; those of the layouts in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct LayoutMemberRecord {
    pub(crate) bit_offset: u64,
    pub(crate) size: u64,
    pub(crate) value: i64,
    pub(crate) name: StrRef,
    pub(crate) ty: StrRef,
    /// 0 for what is no bit-field.
    pub(crate) bits: u32,
    /// Position of a layout, or [`NONE`].
    pub(crate) layout: u32,
    /// Whether `value` is one.
    pub(crate) has_value: u32,
    pub(crate) reserved: u32,
}

/// By address.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct VariableRecord {
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) name: StrRef,
    pub(crate) ty: u32,
    pub(crate) file: u32,
    pub(crate) line: u32,
    pub(crate) unit: u32,
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct VectorRecord {
    pub(crate) address: u64,
    pub(crate) value: u64,
    pub(crate) handler: StrRef,
    pub(crate) number: u32,
    /// See the `VECTOR_` bits.
    pub(crate) flags: u32,
}

pub(crate) const VECTOR_DEFAULT: u32 = 1;
pub(crate) const VECTOR_OUTSIDE: u32 = 2;
pub(crate) const VECTOR_NOT_CODE: u32 = 4;
pub(crate) const VECTOR_NO_THUMB_BIT: u32 = 8;

/// By address, then pc.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct AccessRecord {
    pub(crate) pc: u64,
    pub(crate) address: u64,
    /// Bits written as 1.
    pub(crate) set: u64,
    /// Bits written as 0.
    pub(crate) clear: u64,
    /// Bits written with what is not known.
    pub(crate) unknown: u64,
    pub(crate) size_bytes: u32,
    /// 0 read, 1 write, 2 read-modify-write.
    pub(crate) kind: u32,
    /// 0 exact, 1 partial.
    pub(crate) certainty: u32,
    pub(crate) reserved: u32,
}

/// By pc.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct LooseAccessRecord {
    /// As the other's, but for the address and the certainty.
    pub(crate) access: AccessRecord,
    /// Name of the structure, empty where the access is some distance after an address.
    pub(crate) structure: StrRef,
    /// Offset in the structure, or the address.
    pub(crate) base: u64,
}

/// By address. In the file of the accesses, since it takes following the code as well.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct FrameRecord {
    pub(crate) address: u64,
    pub(crate) bytes: u64,
    /// See the `FRAME_` values.
    pub(crate) kind: u32,
    pub(crate) reserved: u32,
}

pub(crate) const FRAME_STACK_SIZES: u32 = 0;
pub(crate) const FRAME_CFI: u32 = 1;
pub(crate) const FRAME_CODE: u32 = 2;
pub(crate) const FRAME_DYNAMIC: u32 = 3;
