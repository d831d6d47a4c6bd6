//! What a firmware's ELF says: sections, symbols, functions and inlined calls, lines, variables,
//! the vector table, and which instruction touches which register.
//!
//! ```text
//! bytes ──parse──▶ Facts ──build──▶ records in an index file ──Firmware::new──▶ look-ups
//! ```
//!
//! [`parse`] is pure and tolerant: what is damaged costs itself and a [`Warning`], the rest
//! stays. [`Firmware`] is what everybody else asks; it reads memory-mapped records and never
//! walks the file on opening.

mod architecture;
mod demangle;
mod dwarf;
mod facts;
mod firmware;
mod image;
mod layout;
mod names;
mod records;
mod table;
mod uses;
mod vectors;
mod view;
mod write;

pub use facts::{
    Access, AccessKind, Base, Certainty, Facts, Function, Inlined, Layout, LayoutKind,
    LayoutMember, LooseAccess, Machine, Member, Row, Section, Segment, Symbol, SymbolKind,
    TablePlace, Type, TypeKind, Unit, Value, Variable, Vector, VectorProblem,
};
pub use firmware::Firmware;
pub use layout::{Hole, MemberRef, TypeRef};
pub use table::{InitialStack, StackPlace, TableRef};
pub use view::{
    AccessRef, BaseRef, Frame, FunctionRef, Line, LooseAccessRef, SectionRef, SymbolRef, VectorRef,
};

pub(crate) use names::is_equal as is_named;

use crate::Warning;
use crate::store::{SourceId, Writer};

/// Version of the records that [`build`] writes; an index file with another one is built again.
pub const SCHEMA: u32 = records::SCHEMA;

/// Name of the control block in SEGGER's own RTT sources, which other implementations keep so
/// that debuggers find it.
const RTT_CONTROL_BLOCK: &str = "_SEGGER_RTT";

/// Why nothing could be read from the bytes of an ELF.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// The bytes are something else.
    #[error("not an ELF file: {found}")]
    NotElf {
        /// What they look like instead.
        found: String,
    },
    /// The file header or the section table is damaged or cut off.
    #[error("the ELF header cannot be read")]
    Header(#[source] object::Error),
}

/// Reads everything from the bytes of an ELF.
///
/// What is damaged costs itself and a [`Warning`], whose `path` names the place (a section, a
/// unit, a function) and whose `line` is 0.
///
/// # Errors
/// [`ElfError`] where not even the header can be read.
pub fn parse(bytes: &[u8]) -> Result<(Facts, Vec<Warning>), ElfError> {
    let mut facts = Facts::default();
    let mut warnings = Vec::new();
    let image = image::Image::parse(bytes, &mut facts, &mut warnings)?;
    let shapes = dwarf::read(&image, &mut facts, &mut warnings);
    vectors::read(&image, &mut facts);
    uses::read(&image, &shapes, &mut facts, &mut warnings);
    facts.rtt = facts
        .symbols
        .iter()
        .find(|symbol| symbol.linkage_name == RTT_CONTROL_BLOCK)
        .map(|symbol| symbol.address);
    Ok((facts, warnings))
}

/// Reads an ELF and lays it out as an index file, warnings included.
///
/// `source` is the identity of `bytes`. The same bytes give the same file.
///
/// # Errors
/// As [`parse`].
pub fn build(bytes: &[u8], source: SourceId) -> Result<(Writer, Vec<Warning>), ElfError> {
    let (facts, warnings) = parse(bytes)?;
    let mut writer = write::write(&facts, source);
    writer.warnings(&warnings);
    Ok((writer, warnings))
}
