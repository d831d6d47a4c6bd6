//! What one ELF says, as plain data: the output of [`parse`](super::parse) and the input of the
//! index on disk.
//!
//! Addresses are absolute run-time addresses with the Thumb bit cleared. Text is owned, so that
//! facts outlive the bytes they were read from.

use std::ops::Range;
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};

use super::records::{LayoutMemberRecord, LayoutRecord, NONE};
use crate::chip::Origin;
use crate::store::Texts;

/// Everything read from one ELF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Processor the code is for.
    pub machine: Machine,
    /// 32 or 64.
    pub class_bits: u8,
    /// Whether multi-byte data is big-endian.
    pub big_endian: bool,
    /// The core that the program is built for, where the file says.
    pub core: Option<Origin>,
    /// Entry point from the ELF header, 0 where there is none.
    pub entry: u64,
    /// GNU build id, empty where the linker wrote none.
    pub build_id: Vec<u8>,
    /// Sections with a name, in file order.
    pub sections: Vec<Section>,
    /// `PT_LOAD` segments, in file order, which need not be address order.
    pub segments: Vec<Segment>,
    /// Symbols by address, then name.
    pub symbols: Vec<Symbol>,
    /// Source files that functions and line rows name by position.
    pub files: Vec<String>,
    /// DWARF compilation units.
    pub units: Vec<Unit>,
    /// Files that the symbol table names as where local symbols come from (`STT_FILE`).
    pub objects: Vec<String>,
    /// Subprograms with code, by lowest address.
    pub functions: Vec<Function>,
    /// Line rows by address. A row holds up to the next one.
    pub rows: Vec<Row>,
    /// Types that variables refer to by position.
    pub types: Vec<Type>,
    /// Variables with a fixed address, by address.
    pub variables: Vec<Variable>,
    /// Vector table entries in table order.
    pub vectors: Vec<Vector>,
    /// What told where the vector table is; `None` where there is none.
    pub vector_table: Option<TablePlace>,
    /// Address of the RTT control block.
    pub rtt: Option<u64>,
}

/// Which code touches which register, as far as it follows from the code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UseFacts {
    /// Loads and stores at known addresses outside the program's own memory, by address, then pc.
    pub accesses: Vec<Access>,
    /// Loads and stores that touch a register, as their type or their base tells, at an address
    /// that is not known; by pc.
    pub loose_accesses: Vec<LooseAccess>,
    /// Stack of the functions of which it is known, by address.
    pub frames: Vec<FrameSize>,
}

/// Processor family of an ELF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Machine {
    /// 32-bit Arm (`EM_ARM`).
    Arm,
    /// RISC-V (`EM_RISCV`), 32 or 64 bits.
    RiscV,
    /// Another `e_machine` value: symbols and lines are read, code is not.
    Other(u16),
    /// Nothing was read.
    #[default]
    Unknown,
}

/// A section of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Name, such as `.text`.
    pub name: String,
    /// Run-time address, 0 for sections that are not loaded.
    pub address: u64,
    /// Address its bytes are programmed at, which start-up code copies `.data` from; equal to
    /// `address` for all that runs or lies where it is programmed.
    pub load_address: u64,
    /// Size in bytes, in memory.
    pub size: u64,
    /// Where its bytes stand in the file, empty for `.bss`.
    pub file_range: Range<u64>,
    /// `SHF_ALLOC`: it takes memory on the chip.
    pub allocated: bool,
    /// `SHF_WRITE`.
    pub writable: bool,
    /// `SHF_EXECINSTR`.
    pub executable: bool,
}

/// A `PT_LOAD` segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Run-time address (`p_vaddr`).
    pub address: u64,
    /// Where its bytes stand in the file (`p_offset`).
    pub file_offset: u64,
    /// Address it is programmed at (`p_paddr`), which differs for `.data`.
    pub load_address: u64,
    /// Size in memory, in bytes.
    pub size: u64,
    /// Bytes of it that come from the file.
    pub file_size: u64,
    /// `PF_W`.
    pub writable: bool,
    /// `PF_X`.
    pub executable: bool,
}

/// What a symbol names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SymbolKind {
    /// `STT_FUNC`.
    Function,
    /// `STT_OBJECT`, `STT_COMMON`.
    Object,
    /// A label or a linker script's symbol (`STT_NOTYPE`).
    Label,
}

/// A named address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Demangled name.
    pub name: String,
    /// Name as the file has it; equal to `name` where nothing was mangled.
    pub linkage_name: String,
    /// Address, Thumb bit cleared.
    pub address: u64,
    /// Size in bytes, 0 where the file does not say.
    pub size: u64,
    /// What it names.
    pub kind: SymbolKind,
    /// Visible outside its object file.
    pub global: bool,
    /// Weak: a definition elsewhere would have replaced it.
    pub weak: bool,
    /// False if it names no place in memory: an absolute symbol, such as the size of a stack, or
    /// one in a section that is not loaded, such as defmt's.
    pub in_memory: bool,
    /// File that a local symbol comes from, position in [`Facts::objects`].
    pub object: Option<u32>,
}

/// A DWARF compilation unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// `DW_AT_name`, as written.
    pub name: String,
    /// `DW_AT_comp_dir`, as written.
    pub comp_dir: String,
    /// `DW_AT_producer`: compiler and flags.
    pub producer: String,
    /// DWARF version.
    pub version: u16,
    /// Where its code is, by address, as the unit itself says.
    pub ranges: Vec<Range<u64>>,
}

/// A subprogram with code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Demangled name.
    pub name: Arc<str>,
    /// `DW_AT_linkage_name`, or the name where there is none.
    pub linkage_name: Arc<str>,
    /// Where its code is; several ranges where the compiler split it.
    pub ranges: Vec<Range<u64>>,
    /// Declaration, position in [`Facts::files`].
    pub file: Option<u32>,
    /// Line of the declaration, 0 where unknown.
    pub line: u32,
    /// Subroutines inlined into it, at every depth, in DWARF order.
    pub inlined: Vec<Inlined>,
    /// Unit whose source has it, position in [`Facts::units`]. After link-time optimisation its
    /// code is described in another one.
    pub unit: Option<u32>,
}

/// A subroutine inlined into a [`Function`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inlined {
    /// Demangled name; shared, since one subroutine is inlined many times.
    pub name: Arc<str>,
    /// Where its code is.
    pub ranges: Vec<Range<u64>>,
    /// 1 if inlined into the function itself, 2 if into such a subroutine, and so on.
    pub depth: u32,
    /// File of the call, position in [`Facts::files`].
    pub call_file: Option<u32>,
    /// Line of the call, 0 where unknown.
    pub call_line: u32,
    /// Column of the call, 0 where unknown.
    pub call_column: u32,
}

/// A row of the line table: from `address` up to the next row. It stands on disk as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Row {
    /// First address.
    pub address: u64,
    /// Position in [`Facts::files`], or [`NONE`] for a gap between sequences.
    pub(crate) file: u32,
    /// 1-based line, 0 where the compiler names none.
    pub line: u32,
    /// 1-based column, 0 where the compiler names none.
    pub column: u32,
    pub(crate) reserved: u32,
}

impl Row {
    /// Position in [`Facts::files`], or `None` for a gap between sequences.
    pub fn file(&self) -> Option<u32> {
        (self.file != NONE).then_some(self.file)
    }
}

/// A type as far as it is needed to name what lies at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// Name, with `struct`, `union` and the like left out; empty if anonymous.
    pub name: String,
    /// Size in bytes, 0 where the type is incomplete.
    pub size: u64,
    /// Its shape.
    pub kind: TypeKind,
}

/// Shape of a [`Type`]. Types are named by position in [`Facts::types`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeKind {
    /// A number, character, boolean or enumeration.
    Scalar,
    /// A pointer or reference.
    Pointer,
    /// `struct` or `class`, members by offset.
    Struct(Vec<Member>),
    /// `union`: members overlap.
    Union(Vec<Member>),
    /// One dimension of an array.
    Array {
        /// Type of an element.
        element: u32,
        /// Number of elements, 0 where unknown.
        count: u64,
    },
    /// A type that was not understood.
    Opaque,
}

/// A member of a structure or union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name, empty for an anonymous structure or union and for a base class.
    pub name: String,
    /// Offset in bytes.
    pub offset: u64,
    /// Its type.
    pub ty: u32,
}

/// Layouts of types, those without a name after what they are members of. They are as the index
/// has them: there are too many to have each as a value of its own first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layouts {
    /// What names refer to.
    pub(crate) texts: Texts,
    pub(crate) layouts: Vec<LayoutRecord>,
    pub(crate) members: Vec<LayoutMemberRecord>,
}

/// What a type's layout is the layout of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LayoutKind {
    /// `struct`, `class`.
    #[default]
    Struct,
    /// `union`.
    Union,
    /// Enumeration of numbers.
    Enum,
    /// Rust enumeration whose variants have fields: they overlap.
    Variants,
    /// Another name for a type.
    Typedef,
}

/// A variable with a fixed address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Name, with namespaces and modules joined by `::`.
    pub name: String,
    /// Address of its first byte.
    pub address: u64,
    /// Size in bytes, 0 where unknown.
    pub size: u64,
    /// Type, position in [`Facts::types`].
    pub ty: u32,
    /// Declaration, position in [`Facts::files`].
    pub file: Option<u32>,
    /// Line of the declaration, 0 where unknown.
    pub line: u32,
    /// Unit whose source has it, position in [`Facts::units`].
    pub unit: Option<u32>,
}

/// An entry of the vector table.
///
/// Source: ARMv6-M ARM, DDI 0419E, B1.5.3; ARMv7-M ARM, DDI 0403E, B1.5.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vector {
    /// Exception number: 0 is the initial stack pointer, 1 reset, 16 interrupt 0.
    pub number: u32,
    /// Where the entry stands.
    pub address: u64,
    /// The word as stored, Thumb bit included.
    pub value: u64,
    /// Function the entry points to, empty for the stack pointer or where nothing is known.
    pub handler: String,
    /// Whether the handler is the one of all interrupts that have none of their own, as its name
    /// or its weak aliases tell.
    pub is_default: bool,
    /// What is wrong with the entry.
    pub problem: Option<VectorProblem>,
}

/// Why the core cannot take an exception through a vector table entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VectorProblem {
    /// Nothing of this program is at the address.
    Outside,
    /// The address is the program's, but no code is there.
    NotCode,
    /// Bit 0 is clear: the core would leave the Thumb state and fault.
    ///
    /// Source: ARMv7-M ARM, DDI 0403E, B1.5.3 (bit 0 of a vector is the exception's EPSR.T).
    NoThumbBit,
}

/// What told where the vector table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TablePlace {
    /// A symbol that toolchains give to the table.
    Symbol(String),
    /// A section that they give to the table alone.
    Section(String),
    /// It looks like one, and stands first in the program's memory, in this section.
    FirstSection(String),
    /// The same for a file without sections.
    FirstSegment,
}

/// A load or store at a known address outside the program's own memory. An instruction that
/// touches several has one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Address of the instruction.
    pub pc: u64,
    /// Absolute address of the first byte touched.
    pub address: u64,
    /// 1, 2 or 4.
    pub size_bytes: u8,
    /// Load, store, or a store of what the same address gave.
    pub kind: AccessKind,
    /// What is stored; [`Value::Unknown`] for a load.
    pub value: Value,
    /// Whether the instruction may touch other addresses, too.
    pub certainty: Certainty,
}

/// How much is known of where an instruction reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certainty {
    /// The addresses listed for the instruction are all that it touches.
    Exact,
    /// It touches this address on some path; on others it may touch addresses that are not
    /// listed, as where one caller's argument is not known.
    Partial,
}

/// A load or store of a register at an address that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LooseAccess {
    /// Address of the instruction.
    pub pc: u64,
    /// What is known of the place.
    pub base: Base,
    /// 1, 2 or 4.
    pub size_bytes: u8,
    /// Load, store, or a store of what the same place gave.
    pub kind: AccessKind,
    /// What is stored; [`Value::Unknown`] for a load.
    pub value: Value,
}

/// What is known of a place whose address is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// A member of a structure that has registers for members.
    Structure {
        /// Name as the debug information has it (`USART_TypeDef`), for Rust's `RegisterBlock`
        /// with the module (`usart1::RegisterBlock`).
        name: String,
        /// Offset of the member in bytes.
        offset: u64,
    },
    /// Some distance after this address, which is outside of the program's own memory.
    After(u64),
}

/// The stack that a function takes for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSize {
    /// Lowest address of the function.
    pub address: u64,
    /// How much.
    pub stack: StackUse,
}

/// How much stack a function takes for itself, without what it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackUse {
    /// Always so many bytes at its deepest point.
    Bytes {
        /// Saved registers, variables, arguments of calls.
        bytes: u64,
        /// What tells so.
        source: StackSource,
    },
    /// As much as it finds out while it runs (`alloca`, arrays of variable length, an aligned
    /// frame), or the stack pointer is set to something else.
    Dynamic {
        /// What it takes before.
        at_least: u64,
    },
}

/// What tells how much stack a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StackSource {
    /// LLVM's section `.stack_sizes`.
    StackSizes,
    /// Call frame information (`.debug_frame`, `.eh_frame`).
    Cfi,
    /// The instructions themselves, followed along every branch.
    Code,
}

/// How memory is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessKind {
    /// A load.
    Read,
    /// A store.
    Write,
    /// A store in which at least one bit is what a load of the same address gave before. The load
    /// is an access of its own.
    ReadModifyWrite,
}

/// What a store writes, as far as it follows from the code alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Every bit.
    Known(u64),
    /// Some bits. Bits in none of the masks keep what was read before
    /// (only in an [`AccessKind::ReadModifyWrite`]).
    Masked {
        /// Bits written as 1.
        set: u64,
        /// Bits written as 0.
        clear: u64,
        /// Bits written, with what is not known.
        unknown: u64,
    },
    /// Nothing is known.
    Unknown,
}
