//! What a firmware's ELF says: sections, symbols, functions and inlined calls, lines, variables,
//! the vector table, and which instruction touches which register.
//!
//! ```text
//! bytes ──parse──────▶ Facts ────build──▶ records in an index file ──Firmware──▶ look-ups
//!   ├────parse_uses──▶ UseFacts ─build_uses──▶ another file, by the first who asks ──┤
//!   └────────────────▶ Layouts ──build_types─▶ and another ──────────────────────────┘
//! ```
//!
//! Facts and layouts rest on the same debug information: [`build_all_with`] reads it once for both.
//!
//! [`parse`] is pure and tolerant: what is damaged costs itself and a [`Warning`], the rest
//! stays. [`Firmware`] is what everybody else asks; it reads memory-mapped records and never
//! walks the file on opening.

mod accesses;
mod architecture;
mod compressed;
mod demangle;
mod dwarf;
mod facts;
mod firmware;
mod frames;
mod image;
mod later;
mod layout;
mod names;
mod records;
pub mod size;
mod source_map;
mod split;
mod table;
mod uses;
mod vectors;
mod view;
mod write;

pub use facts::{
    Access, AccessKind, Base, Certainty, Facts, FrameSize, Function, Inlined, LayoutKind,
    LooseAccess, Machine, Member, Row, Section, Segment, StackSource, StackUse, Symbol, SymbolKind,
    TablePlace, Type, TypeKind, Unit, UseFacts, Value, Variable, Vector, VectorProblem,
};
pub use firmware::Firmware;
pub use layout::{Hole, MemberRef, TypeRef};
pub use source_map::SourceMap;
pub use split::Split;
pub use table::{InitialStack, StackPlace, TableRef};
pub use view::{
    AccessRef, BaseRef, Frame, FunctionRef, Line, LooseAccessRef, SectionRef, SymbolRef, VectorRef,
};

pub(crate) use layout::bare_name;
pub(crate) use names::{distance, is_equal as is_named};

use std::thread;

use crate::Warning;
use crate::store::{SourceId, Writer};

/// Version of the records that [`build`] writes; an index file with another one is built again.
pub const SCHEMA: u32 = records::SCHEMA;

/// Version of the records that [`build_uses`] writes.
pub const USES_SCHEMA: u32 = records::USES_SCHEMA;

/// Version of the records that [`build_types`] writes.
pub const TYPES_SCHEMA: u32 = records::TYPES_SCHEMA;

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

/// Reads everything from the bytes of an ELF but [which register its code touches](parse_uses) and
/// [how its types are laid out](build_types).
///
/// What is damaged costs itself and a [`Warning`], whose `path` names the place (a section, a
/// unit, a function) and whose `line` is 0.
///
/// # Errors
/// [`ElfError`] where not even the header can be read.
pub fn parse(bytes: &[u8]) -> Result<(Facts, Vec<Warning>), ElfError> {
    parse_with(bytes, &Split::default())
}

/// [`parse`], with debug information that is beside the program.
///
/// # Errors
/// As [`parse`].
pub fn parse_with(bytes: &[u8], split: &Split) -> Result<(Facts, Vec<Warning>), ElfError> {
    let (mut facts, mut warnings) = (Facts::default(), Vec::new());
    let mut image = image::Image::parse(bytes, &mut facts, &mut warnings)?;
    image.read_symbols(&mut facts);
    let names = || image::names_of(&facts.symbols);
    let (names, described) = if bytes.len() < dwarf::WORTH_A_THREAD {
        (names(), dwarf::read(&image, split, &facts, &mut warnings))
    } else {
        thread::scope(|scope| {
            let names = scope.spawn(names);
            let described = dwarf::read(&image, split, &facts, &mut warnings);
            (dwarf::joined(names), described)
        })
    };
    complete(&image, &mut facts, names, described);
    Ok((facts, warnings))
}

/// Puts together what was read apart.
fn complete(
    image: &image::Image<'_>,
    facts: &mut Facts,
    names: Vec<String>,
    described: dwarf::Described,
) {
    image::put_names(&mut facts.symbols, names);
    described.put(facts);
    vectors::read(image, facts);
    let mut symbols = facts.symbols.iter();
    let control_block = symbols.find(|symbol| symbol.linkage_name == RTT_CONTROL_BLOCK);
    facts.rtt = control_block.map(|symbol| symbol.address);
}

/// Follows the code of an ELF: which instruction touches which register, and how much stack each
/// function takes. This takes longer than all of [`parse`]. The warnings are about the code alone.
///
/// # Errors
/// As [`parse`].
pub fn parse_uses(bytes: &[u8]) -> Result<(UseFacts, Vec<Warning>), ElfError> {
    parse_uses_with(bytes, &Split::default())
}

fn parse_uses_with(bytes: &[u8], split: &Split) -> Result<(UseFacts, Vec<Warning>), ElfError> {
    let mut facts = Facts::default();
    let mut told_by_parse = Vec::new();
    let mut image = image::Image::parse(bytes, &mut facts, &mut told_by_parse)?;
    image.read_symbols(&mut facts);
    let names = image::names_of(&facts.symbols);
    image::put_names(&mut facts.symbols, names);
    let shapes = dwarf::read_for_uses(&image, split, &mut facts, &mut told_by_parse);
    vectors::read(&image, &mut facts);
    let mut warnings = Vec::new();
    let (mut uses, depths) = uses::read(&image, &shapes, &facts, &mut warnings);
    uses.frames = frames::read(&image, &depths, &facts, &mut warnings);
    Ok((uses, warnings))
}

/// Reads an ELF and lays it out as an index file, warnings included.
///
/// `source` is the identity of `bytes`. The same bytes give the same file.
///
/// # Errors
/// As [`parse`].
pub fn build(bytes: &[u8], source: SourceId) -> Result<(Writer, Vec<Warning>), ElfError> {
    build_with(bytes, &Split::default(), source)
}

/// [`build`], with debug information that is beside the program and that `source` identifies, too.
///
/// # Errors
/// As [`parse`].
pub fn build_with(
    bytes: &[u8],
    split: &Split,
    source: SourceId,
) -> Result<(Writer, Vec<Warning>), ElfError> {
    let (facts, warnings) = parse_with(bytes, split)?;
    let mut writer = write::write(&facts, source);
    writer.warnings(&warnings);
    Ok((writer, warnings))
}

/// Two index files of an ELF, built in one go.
pub struct Built {
    /// The identity that was given.
    pub source: SourceId,
    /// The file that [`build_with`] gives.
    pub main: Vec<u8>,
    /// The file that [`build_types_with`] gives.
    pub types: Vec<u8>,
    /// As from [`build_with`].
    pub warnings: Vec<Warning>,
}

/// Builds what [`build_with`] and [`build_types_with`] build, in less time than one after the
/// other takes: what both need is read once, and two threads share the rest.
///
/// `identify` gives the identity of the source while other things are read.
///
/// # Errors
/// As [`parse`].
pub fn build_all_with(
    bytes: &[u8],
    split: &Split,
    identify: impl FnOnce() -> SourceId + Send,
) -> Result<Built, ElfError> {
    let (mut facts, mut warnings) = (Facts::default(), Vec::new());
    let mut image = image::Image::parse(bytes, &mut facts, &mut warnings)?;
    image.read_symbols(&mut facts);
    let beside = || (identify(), image::names_of(&facts.symbols));
    let (described, layouts, (source, names)) =
        dwarf::read_all(&image, split, &facts, &mut warnings, beside);
    let (main, types) = thread::scope(|scope| {
        let types = scope.spawn(|| write::write_layouts(layouts, source).finish());
        complete(&image, &mut facts, names, described);
        let mut main = write::write(&facts, source);
        main.warnings(&warnings);
        (main.finish(), dwarf::joined(types))
    });
    Ok(Built { source, main, types, warnings })
}

/// Follows the code of an ELF and lays out what it touches as an index file of its own, warnings
/// included.
///
/// # Errors
/// As [`parse`].
pub fn build_uses(bytes: &[u8], source: SourceId) -> Result<Writer, ElfError> {
    build_uses_with(bytes, &Split::default(), source)
}

/// [`build_uses`], with debug information that is beside the program.
///
/// # Errors
/// As [`parse`].
pub fn build_uses_with(bytes: &[u8], split: &Split, source: SourceId) -> Result<Writer, ElfError> {
    let (uses, warnings) = parse_uses_with(bytes, split)?;
    let mut writer = write::write_uses(&uses, source);
    writer.warnings(&warnings);
    Ok(writer)
}

/// Lays out the types of an ELF as an index file of its own. What is damaged is left out; the
/// warnings of [`parse`] say so.
///
/// # Errors
/// As [`parse`].
pub fn build_types(bytes: &[u8], source: SourceId) -> Result<Writer, ElfError> {
    build_types_with(bytes, &Split::default(), source)
}

/// [`build_types`], with debug information that is beside the program.
///
/// # Errors
/// As [`parse`].
pub fn build_types_with(bytes: &[u8], split: &Split, source: SourceId) -> Result<Writer, ElfError> {
    let image = image::Image::parse(bytes, &mut Facts::default(), &mut Vec::new())?;
    Ok(write::write_layouts(dwarf::read_layouts(&image, split), source))
}
