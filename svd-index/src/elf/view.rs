//! What [`Firmware`](super::Firmware) answers: plain values that borrow their text from the
//! mapped file.

use super::{AccessKind, Certainty, SymbolKind, Value, VectorProblem};

/// A named address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolRef<'a> {
    /// Demangled name.
    pub name: &'a str,
    /// Name as the file has it.
    pub linkage_name: &'a str,
    /// Address, Thumb bit cleared.
    pub address: u64,
    /// Size in bytes, 0 where the file does not say.
    pub size: u64,
    /// What it names.
    pub kind: SymbolKind,
    /// Whether something is at its address. `false`: the address is a number and no more, as of
    /// absolute symbols, or an offset in a section that is not loaded.
    pub in_memory: bool,
}

/// A function with code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionRef<'a> {
    /// Demangled name.
    pub name: &'a str,
    /// Name as the linker knows it.
    pub linkage_name: &'a str,
    /// Lowest address of its code.
    pub address: u64,
    /// Bytes of code over all its ranges.
    pub size: u64,
    /// File of the declaration.
    pub file: Option<&'a str>,
    /// 1-based line of the declaration.
    pub line: Option<u32>,
}

/// One function of the chain that an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Demangled name of the function.
    pub function: &'a str,
    /// Source file: of the address in the innermost frame, of the call in the others.
    pub file: Option<&'a str>,
    /// 1-based line there.
    pub line: Option<u32>,
    /// 1-based column there.
    pub column: Option<u32>,
    /// Whether this function was inlined into the next frame.
    pub inlined: bool,
}

/// A place in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Path as in the debug information, joined with the unit's folder; as it is here where a
    /// [`SourceMap`](super::SourceMap) says so.
    pub file: &'a str,
    /// 1-based.
    pub line: u32,
    /// 1-based.
    pub column: Option<u32>,
}

/// A load or store at a known address, with where the source does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRef<'a> {
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
    /// Function whose source line this is: the innermost inlined one. The others are
    /// `Firmware::frames_at(pc)`.
    pub function: Option<&'a str>,
    /// Source file.
    pub file: Option<&'a str>,
    /// 1-based line.
    pub line: Option<u32>,
    /// 1-based column.
    pub column: Option<u32>,
}

/// A load or store of a register at an address that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LooseAccessRef<'a> {
    /// Address of the instruction.
    pub pc: u64,
    /// What is known of the place.
    pub base: BaseRef<'a>,
    /// 1, 2 or 4.
    pub size_bytes: u8,
    /// Load, store, or a store of what the same place gave.
    pub kind: AccessKind,
    /// What is stored; [`Value::Unknown`] for a load.
    pub value: Value,
}

/// What is known of a place whose address is not; see [`Base`](super::Base).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseRef<'a> {
    /// A member of a structure that has registers for members.
    Structure {
        /// Name of the structure.
        name: &'a str,
        /// Offset of the member in bytes.
        offset: u64,
    },
    /// Some distance after this address.
    After(u64),
}

/// A section of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionRef<'a> {
    /// Name, such as `.text`.
    pub name: &'a str,
    /// Run-time address, 0 for sections that are not loaded.
    pub address: u64,
    /// Address its bytes are programmed at; differs from `address` for `.data`.
    pub load_address: u64,
    /// Size in bytes, in memory.
    pub size: u64,
    /// It takes memory on the chip.
    pub allocated: bool,
    /// It can be written.
    pub writable: bool,
    /// It holds code.
    pub executable: bool,
    /// It has no bytes in the file, like `.bss`.
    pub zeroed: bool,
}

/// An entry of the vector table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorRef<'a> {
    /// Exception number: 0 is the initial stack pointer, 1 reset, 16 interrupt 0.
    pub number: u32,
    /// Where the entry stands.
    pub address: u64,
    /// The word as stored, Thumb bit included.
    pub value: u64,
    /// Function the entry points to.
    pub handler: Option<&'a str>,
    /// Whether the handler is the one of all interrupts that have none of their own.
    pub is_default: bool,
    /// What is wrong with the entry.
    pub problem: Option<VectorProblem>,
}
