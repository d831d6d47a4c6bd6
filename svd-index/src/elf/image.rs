//! The ELF container: header, sections, segments, symbols, and the bytes behind an address.

use std::borrow::Cow;
use std::ops::Range;

use foldhash::HashSet;
use object::elf;
use object::read::elf::{ElfFile, FileHeader};
use object::{
    Endianness, Object, ObjectSection, ObjectSegment, ObjectSymbol, SectionFlags, SegmentFlags,
    SymbolFlags,
};

use super::compressed::{Room, section_bytes, section_named};
use super::demangle::demangle;
use super::{ElfError, Facts, Machine, Section, Segment, Symbol, SymbolKind, architecture};
use crate::Warning;

/// What a mapping symbol says about the bytes that follow it.
///
/// Source: ELF for the Arm Architecture, IHI 0044, 4.5.5 (`$a`, `$t`, `$d`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// Code of the instruction set that is analysed (`$t`, and `$x` on RISC-V).
    Code,
    /// Data among code, such as a literal pool.
    Data,
    /// 32-bit Arm code, which is not analysed.
    Other,
}

/// A parsed container that borrows the file.
pub(crate) struct Image<'a> {
    file: object::File<'a>,
    size_bytes: usize,
    /// Mapping symbols by address.
    pub(crate) mappings: Vec<(u64, Mapping)>,
    regions: Vec<Region<'a>>,
}

/// A section in memory.
struct Region<'a> {
    address: u64,
    size: u64,
    /// Empty for `.bss`.
    bytes: &'a [u8],
    writable: bool,
    executable: bool,
}

impl<'a> Image<'a> {
    /// Reads the container and fills the facts that need nothing else; symbols are
    /// [apart](Self::read_symbols).
    pub(crate) fn parse(
        bytes: &'a [u8],
        facts: &mut Facts,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, ElfError> {
        check_magic(bytes)?;
        let file = object::File::parse(bytes).map_err(ElfError::Header)?;
        facts.machine = machine(&file);
        facts.class_bits = if file.is_64() { 64 } else { 32 };
        facts.big_endian = !file.is_little_endian();
        facts.entry = without_thumb_bit(facts.machine, file.entry());
        let attributes = file.section_by_name(".ARM.attributes");
        let attributes = attributes.and_then(|section| section.data().ok());
        let attributes = attributes.filter(|_| !facts.big_endian);
        facts.core = architecture::origin(facts.machine, facts.class_bits, attributes);
        facts.build_id = file.build_id().ok().flatten().unwrap_or_default().to_vec();
        facts.segments = segments(&file, bytes.len() as u64, warnings);
        facts.sections = sections(&file, &facts.segments);
        if file.kind() == object::ObjectKind::Relocatable {
            warnings.push(warning(
                "file",
                "it is a relocatable object, not a linked program",
                "its addresses are offsets in its sections",
            ));
        }
        let regions = regions(&file, facts);
        Ok(Self { file, size_bytes: bytes.len(), mappings: Vec::new(), regions })
    }

    /// Reads the symbols. Their names are those of the linker, until [`put_names`] has those of
    /// the source.
    pub(crate) fn read_symbols(&mut self, facts: &mut Facts) {
        self.mappings = read_symbols(&self.file, facts);
    }

    /// Size of the file.
    pub(crate) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// The bytes of a section by name, decompressed within `room`; empty if it is missing.
    pub(crate) fn section_bytes(
        &self,
        name: &str,
        room: &mut Room,
        warnings: &mut Vec<Warning>,
    ) -> Cow<'a, [u8]> {
        section_bytes(section_named(&self.file, name), name, room, warnings)
    }

    /// Byte order of data and of debug information.
    pub(crate) fn endian(&self) -> gimli::RunTimeEndian {
        if self.file.is_little_endian() {
            gimli::RunTimeEndian::Little
        } else {
            gimli::RunTimeEndian::Big
        }
    }

    /// Whether `address` lies in memory that the program occupies.
    pub(crate) fn is_own(&self, address: u64) -> bool {
        self.regions.iter().any(|region| region.holds(address))
    }

    /// Whether `address` lies in a section with code.
    pub(crate) fn is_code(&self, address: u64) -> bool {
        self.regions.iter().any(|region| region.executable && region.holds(address))
    }

    /// Sections with code, in file order.
    pub(crate) fn code_ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.regions
            .iter()
            .filter(|region| region.executable)
            .map(|region| region.address..region.address + region.size)
    }

    /// The bytes from `address` to the end of what stands there, as the file has them.
    pub(crate) fn bytes_at(&self, address: u64) -> Option<&'a [u8]> {
        let region = self.regions.iter().find(|region| region.holds(address))?;
        region.bytes.get((address - region.address) as usize..)
    }

    /// Like [`bytes_at`](Self::bytes_at), but only where the running program cannot write.
    pub(crate) fn constant_at(&self, address: u64) -> Option<&'a [u8]> {
        let region = self.regions.iter().find(|region| region.holds(address))?;
        if region.writable {
            return None;
        }
        region.bytes.get((address - region.address) as usize..)
    }
}

impl<'a> Image<'a> {
    /// The word that a variable at `address` holds when the program starts: what the file has,
    /// or 0. `None` where the program cannot write, or outside of its memory.
    pub(crate) fn variable_word(&self, address: u64) -> Option<u32> {
        let region = self.regions.iter().find(|region| region.holds(address))?;
        if !region.writable || region.executable {
            return None;
        }
        let offset = (address - region.address) as usize;
        match region.bytes.get(offset..offset + 4) {
            Some(word) => Some(u32::from_le_bytes(word.try_into().ok()?)),
            None => region.bytes.is_empty().then_some(0),
        }
    }

    /// Every aligned little-endian word that the file puts into memory, with its address.
    pub(crate) fn words(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.regions.iter().flat_map(|region| {
            let unaligned = region.address.wrapping_neg() & 3;
            let aligned = region.bytes.get(unaligned as usize..).unwrap_or_default();
            let addresses = (region.address + unaligned..).step_by(4);
            addresses.zip(aligned.chunks_exact(4)).map(|(address, word)| {
                (address, u32::from_le_bytes(word.try_into().expect("chunks of four")))
            })
        })
    }
}

impl Region<'_> {
    fn holds(&self, address: u64) -> bool {
        address.checked_sub(self.address).is_some_and(|offset| offset < self.size)
    }
}

/// A warning about a place in the ELF.
pub(crate) fn warning(place: &str, what: &str, assumed: &str) -> Warning {
    Warning {
        path: place.to_owned(),
        what: what.to_owned(),
        assumed: assumed.to_owned(),
        ..Warning::default()
    }
}

fn check_magic(bytes: &[u8]) -> Result<(), ElfError> {
    if bytes.starts_with(&elf::ELFMAG) {
        return Ok(());
    }
    let found = match bytes {
        [] => "the file is empty",
        [b':', ..] => "it looks like Intel HEX",
        [b'S', b'0'..=b'9', ..] => "it looks like Motorola S-records",
        [b'U', b'F', b'2', b'\n', ..] => "it looks like UF2",
        [b'<', ..] => "it looks like XML",
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "it is a static library",
        [b'M', b'Z', ..] => "it looks like a Windows program",
        _ => "it does not start with the ELF magic",
    };
    Err(ElfError::NotElf { found: found.to_owned() })
}

fn machine(file: &object::File<'_>) -> Machine {
    fn of<'a, E: FileHeader<Endian = Endianness>>(file: &ElfFile<'a, E>) -> u16 {
        file.elf_header().e_machine(file.endian())
    }
    let number = match file {
        object::File::Elf32(file) => of(file),
        object::File::Elf64(file) => of(file),
        _ => 0,
    };
    match number {
        elf::EM_NONE => Machine::Unknown,
        elf::EM_ARM => Machine::Arm,
        elf::EM_RISCV => Machine::RiscV,
        other => Machine::Other(other),
    }
}

fn without_thumb_bit(machine: Machine, address: u64) -> u64 {
    if machine == Machine::Arm { address & !1 } else { address }
}

fn sections(file: &object::File<'_>, segments: &[Segment]) -> Vec<Section> {
    file.sections()
        .filter_map(|section| {
            let name = section.name().ok().filter(|name| !name.is_empty())?;
            let SectionFlags::Elf { sh_flags } = section.flags() else { return None };
            let (offset, length) = section.file_range().unwrap_or((0, 0));
            Some(Section {
                name: name.to_owned(),
                address: section.address(),
                load_address: load_address(segments, section.address(), offset, length),
                size: section.size(),
                file_range: offset..offset.saturating_add(length),
                allocated: sh_flags & u64::from(elf::SHF_ALLOC) != 0,
                writable: sh_flags & u64::from(elf::SHF_WRITE) != 0,
                executable: sh_flags & u64::from(elf::SHF_EXECINSTR) != 0,
            })
        })
        .collect()
}

/// Where the bytes of a section at `address` are programmed, by the segment that has its part of
/// the file: the addresses alone would not tell overlays apart.
fn load_address(segments: &[Segment], address: u64, offset: u64, length: u64) -> u64 {
    let holds = |segment: &&Segment| {
        let within = address.checked_sub(segment.address);
        within.is_some_and(|within| {
            within < segment.file_size && offset.checked_sub(segment.file_offset) == Some(within)
        })
    };
    match segments.iter().filter(|_| length != 0).find(holds) {
        Some(segment) => segment.load_address.wrapping_add(address - segment.address),
        None => address,
    }
}

fn segments(file: &object::File<'_>, length: u64, warnings: &mut Vec<Warning>) -> Vec<Segment> {
    let physical = physical_addresses(file);
    let mut found = Vec::new();
    for (position, segment) in file.segments().enumerate() {
        let SegmentFlags::Elf { p_flags } = segment.flags() else { continue };
        let (offset, file_size) = segment.file_range();
        if offset.saturating_add(file_size) > length {
            warnings.push(warning(
                &format!("segment at {:#010x}", segment.address()),
                "it reaches past the end of the file",
                "what is missing was left out",
            ));
        }
        found.push(Segment {
            address: segment.address(),
            file_offset: offset,
            load_address: physical.get(position).copied().unwrap_or(segment.address()),
            size: segment.size(),
            file_size,
            writable: p_flags & elf::PF_W != 0,
            executable: p_flags & elf::PF_X != 0,
        });
    }
    found
}

/// `p_paddr` of the `PT_LOAD` headers, in file order.
fn physical_addresses(file: &object::File<'_>) -> Vec<u64> {
    fn of<'a, E: FileHeader<Endian = Endianness>>(file: &ElfFile<'a, E>) -> Vec<u64> {
        use object::read::elf::ProgramHeader;
        let endian = file.endian();
        let headers = file.elf_program_headers().iter();
        headers
            .filter(|header| header.p_type(endian) == elf::PT_LOAD)
            .map(|header| header.p_paddr(endian).into())
            .collect()
    }
    match file {
        object::File::Elf32(file) => of(file),
        object::File::Elf64(file) => of(file),
        _ => Vec::new(),
    }
}

/// Fills in the symbols and gives the mapping symbols, both by address.
fn read_symbols(file: &object::File<'_>, facts: &mut Facts) -> Vec<(u64, Mapping)> {
    let mut mappings = Vec::new();
    let is_allocated = |section: &object::Section<'_, '_>| {
        let SectionFlags::Elf { sh_flags } = section.flags() else { return false };
        sh_flags & u64::from(elf::SHF_ALLOC) != 0
    };
    let sections = file.sections().filter(is_allocated);
    let allocated: HashSet<_> = sections.map(|section| section.index()).collect();
    let mut object = None;
    for symbol in file.symbols() {
        let SymbolFlags::Elf { st_info, .. } = symbol.flags() else { continue };
        let Ok(name) = symbol.name() else { continue };
        if st_info & 0xf == elf::STT_FILE {
            object = (!name.is_empty()).then_some(facts.objects.len() as u32);
            facts.objects.extend(object.map(|_| name.to_owned()));
            continue;
        }
        if name.is_empty() || symbol.is_undefined() {
            continue;
        }
        if let Some(mapping) = mapping(facts.machine, name) {
            // Debug sections have them, too, at offsets that look like addresses.
            if symbol.section_index().is_none_or(|section| allocated.contains(&section)) {
                mappings.push((symbol.address(), mapping));
            }
            continue;
        }
        let kind = match st_info & 0xf {
            elf::STT_FUNC | elf::STT_GNU_IFUNC => SymbolKind::Function,
            elf::STT_OBJECT | elf::STT_COMMON => SymbolKind::Object,
            elf::STT_NOTYPE => SymbolKind::Label,
            _ => continue,
        };
        let address = match kind {
            SymbolKind::Function => without_thumb_bit(facts.machine, symbol.address()),
            _ => symbol.address(),
        };
        facts.symbols.push(Symbol {
            name: String::new(),
            linkage_name: name.to_owned(),
            address,
            size: symbol.size(),
            kind,
            global: symbol.is_global() || symbol.is_weak(),
            weak: symbol.is_weak(),
            in_memory: symbol.section_index().is_some_and(|at| allocated.contains(&at)),
            // Only local symbols stand with their file (System V ABI, "Symbol Table").
            object: object.filter(|_| symbol.is_local()),
        });
    }
    facts.symbols.sort_by_key(rank);
    mappings.sort_by_key(|&(address, _)| address);
    mappings
}

/// At one address the name that people mean comes first: functions, then what was defined rather
/// than defaulted, then what is visible.
fn rank(symbol: &Symbol) -> (u64, u8, bool, bool) {
    (symbol.address, symbol.kind as u8, symbol.weak, !symbol.global)
}

/// The names of the source for symbols.
pub(crate) fn names_of(symbols: &[Symbol]) -> Vec<String> {
    symbols.iter().map(|symbol| demangle(&symbol.linkage_name)).collect()
}

/// Gives symbols the names of the source, by which those of one rank are ordered.
pub(crate) fn put_names(symbols: &mut [Symbol], names: Vec<String>) {
    for (symbol, name) in symbols.iter_mut().zip(names) {
        symbol.name = name;
    }
    symbols.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name)));
}

fn mapping(machine: Machine, name: &str) -> Option<Mapping> {
    let rest = name.strip_prefix('$')?;
    let kind = rest.split('.').next()?;
    match (machine, kind) {
        (Machine::Arm, "t") => Some(Mapping::Code),
        (Machine::Arm, "a") => Some(Mapping::Other),
        // RISC-V may append the instruction set: `$xrv32imc`.
        (Machine::RiscV, kind) if kind.starts_with('x') => Some(Mapping::Code),
        (Machine::Arm | Machine::RiscV, "d") => Some(Mapping::Data),
        _ => None,
    }
}

/// Allocated sections, or the segments of a file whose section table was stripped.
fn regions<'a>(file: &object::File<'a>, facts: &Facts) -> Vec<Region<'a>> {
    let from_sections: Vec<Region<'a>> = file
        .sections()
        .filter_map(|section| {
            let SectionFlags::Elf { sh_flags } = section.flags() else { return None };
            let is = |flag: u32| sh_flags & u64::from(flag) != 0;
            // Thread-local storage has no address of its own.
            if !is(elf::SHF_ALLOC) || is(elf::SHF_TLS) {
                return None;
            }
            section.address().checked_add(section.size())?;
            Some(Region {
                address: section.address(),
                size: section.size(),
                bytes: section.data().unwrap_or_default(),
                writable: is(elf::SHF_WRITE),
                executable: is(elf::SHF_EXECINSTR),
            })
        })
        .collect();
    let bytes: Vec<&'a [u8]> =
        file.segments().map(|segment| segment.data().unwrap_or_default()).collect();
    let described = facts.segments.iter().zip(bytes);
    if !from_sections.is_empty() {
        // What start-up code copies to its place stands somewhere else before.
        let copied = described.filter(|(segment, bytes)| {
            segment.load_address != segment.address
                && !bytes.is_empty()
                && segment.load_address.checked_add(segment.file_size).is_some()
        });
        let copies = copied.map(|(segment, bytes)| Region {
            address: segment.load_address,
            size: bytes.len() as u64,
            bytes,
            writable: false,
            executable: false,
        });
        return from_sections.into_iter().chain(copies.collect::<Vec<_>>()).collect();
    }
    described
        .filter(|(segment, _)| segment.address.checked_add(segment.size).is_some())
        .map(|(segment, bytes)| Region {
            address: segment.address,
            size: segment.size,
            bytes,
            writable: segment.writable,
            executable: segment.executable,
        })
        .collect()
}
