//! The opened firmware: look-ups over sorted records.

use std::path::{Path, PathBuf};

use super::later::{Later, Load};
use super::records::{
    FILES, FUNCTIONS, FunctionRecord, HEADER, HEADER_BIG_ENDIAN, HEADER_DWARF, HEADER_RTT,
    HeaderRecord, INLINED, InlinedRecord, MEMBERS, MemberRecord, NONE, RANGES, ROWS, RangeRecord,
    SECTION_ALLOCATED, SECTION_EXECUTABLE, SECTION_WRITABLE, SECTION_ZEROED, SECTIONS, SEGMENTS,
    SYMBOL_NOWHERE, SYMBOLS, SectionRecord, SegmentRecord, SymbolRecord, TYPE_ARRAY, TYPE_STRUCT,
    TYPE_UNION, TYPES, TypeRecord, VARIABLES, VECTOR_DEFAULT, VECTORS, VariableRecord,
    VectorRecord,
};
use super::source_map::MappedFiles;
use super::{
    ElfError, Frame, FunctionRef, Line, Machine, Row, SectionRef, SourceMap, SymbolKind, SymbolRef,
    VectorRef, names, table,
};
use crate::chip::Origin;
use crate::store::{File, Kind, Records, SourceId, StrRef};

/// Deepest nesting of structures and arrays that a variable's path follows.
const MAX_PATH_DEPTH: usize = 32;

/// How many symbols before an address may be looked at for one that covers it. Symbols nest
/// rarely, and never by more than a few aliases.
const MAX_OVERLAP: usize = 64;

/// Facts of one ELF, ready to be asked.
///
/// Every look-up is a binary search or a scan of names; nothing is computed on opening.
pub struct Firmware {
    file: File,
    uses: Later,
    types: Later,
    load: Box<Load>,
    sources: MappedFiles,
    path: Option<PathBuf>,
}

impl Firmware {
    /// Takes an index file of [`Kind::Elf`], opened with [`SCHEMA`](super::SCHEMA) or built by
    /// [`build`](super::build). `load` gives those of [`Kind::Uses`] and [`Kind::Types`] for the same
    /// ELF, when an access or a type is asked for the first time; `None` where it cannot be had.
    pub fn new(file: File, load: impl Fn(Kind) -> Option<File> + Send + Sync + 'static) -> Self {
        Self {
            file,
            uses: Later::new(Kind::Uses),
            types: Later::new(Kind::Types),
            load: Box::new(load),
            sources: MappedFiles::default(),
            path: None,
        }
    }

    /// Reads the bytes of an ELF, with its indexes in memory.
    ///
    /// # Errors
    /// As [`parse`](super::parse).
    pub fn from_elf(bytes: &[u8]) -> Result<Self, ElfError> {
        let source = SourceId::of(bytes);
        let (writer, _) = super::build(bytes, source)?;
        let file = File::from_bytes(&writer.finish(), Kind::Elf, super::SCHEMA);
        let bytes = bytes.to_vec();
        let load = move |kind| {
            let (writer, schema) = match kind {
                Kind::Uses => (super::build_uses(&bytes, source), super::USES_SCHEMA),
                Kind::Types => (super::build_types(&bytes, source), super::TYPES_SCHEMA),
                _ => return None,
            };
            File::from_bytes(&writer.ok()?.finish(), kind, schema).ok()
        };
        Ok(Self::new(file.expect("an index just built is sound"), load))
    }

    /// Remembers which file it is.
    pub(crate) fn opened_from(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// The ELF that it was opened from, as it was named; `None` for bytes.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Tells where sources are here: from now on every file in an answer is named so.
    pub fn set_source_map(&mut self, map: &SourceMap) {
        self.sources = MappedFiles::new(map.clone());
    }

    /// The index file that most answers come from.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// True once something that was read was damaged, or accesses or types were asked for after
    /// the ELF was gone or changed: answers since then may be incomplete.
    pub fn is_damaged(&self) -> bool {
        self.file.is_damaged() || self.uses.is_damaged() || self.types.is_damaged()
    }

    /// Processor family the code is for.
    pub fn machine(&self) -> Machine {
        match self.header().machine as u16 {
            0 => Machine::Unknown,
            object::elf::EM_ARM => Machine::Arm,
            object::elf::EM_RISCV => Machine::RiscV,
            other => Machine::Other(other),
        }
    }

    /// The core that the program is built for: what it may use, and so what the chip has at
    /// least. `None` where the file does not say, or it is no microcontroller's.
    ///
    /// Source: `e_machine`, and `Tag_CPU_arch` in `.ARM.attributes` (Addenda to, and Errata in,
    /// the ABI for the Arm Architecture, IHI 0045).
    pub fn core(&self) -> Option<Origin> {
        Some(Origin::from_code(self.header().core)).filter(|core| *core != Origin::Svd)
    }

    /// Whether multi-byte data is big-endian.
    pub fn is_big_endian(&self) -> bool {
        self.header().flags & HEADER_BIG_ENDIAN != 0
    }

    /// Entry point from the ELF header, Thumb bit cleared; 0 where there is none.
    pub fn entry(&self) -> u64 {
        self.header().entry
    }

    /// GNU build id in lower-case hexadecimal digits.
    pub fn build_id(&self) -> Option<&str> {
        Some(self.text(self.header().build_id)).filter(|id| !id.is_empty())
    }

    /// Whether at least one unit of debug information was read.
    pub fn has_dwarf(&self) -> bool {
        self.header().flags & HEADER_DWARF != 0
    }

    /// Address of the SEGGER RTT control block.
    pub fn rtt_address(&self) -> Option<u64> {
        let header = self.header();
        (header.flags & HEADER_RTT != 0).then_some(header.rtt)
    }

    /// Sections with a name, in file order.
    pub fn sections(&self) -> impl Iterator<Item = SectionRef<'_>> {
        self.section_records().iter().map(|record: &SectionRecord| SectionRef {
            name: self.text(record.name),
            address: record.address,
            load_address: record.load_address,
            size: record.size,
            allocated: record.flags & SECTION_ALLOCATED != 0,
            writable: record.flags & SECTION_WRITABLE != 0,
            executable: record.flags & SECTION_EXECUTABLE != 0,
            zeroed: record.flags & SECTION_ZEROED != 0,
        })
    }

    /// Whether the byte at `address` is the program's own while it runs: code, data, or memory
    /// that is cleared or left alone.
    pub fn has_address(&self, address: u64) -> bool {
        let inside = |start: u64, size: u64| start <= address && address - start < size;
        let mut sections = self.sections().filter(|section| section.allocated).peekable();
        if sections.peek().is_some() {
            return sections.any(|section| inside(section.address, section.size));
        }
        let segments: Records<'_, SegmentRecord> = self.file.records(SEGMENTS);
        segments.into_iter().any(|segment| inside(segment.address, segment.size))
    }

    /// Vector table entries in table order; empty where no table was found.
    pub fn vectors(&self) -> impl Iterator<Item = VectorRef<'_>> {
        self.file.records(VECTORS).into_iter().map(|record: &VectorRecord| VectorRef {
            number: record.number,
            address: record.address,
            value: record.value,
            handler: Some(self.text(record.handler)).filter(|name| !name.is_empty()),
            is_default: record.flags & VECTOR_DEFAULT != 0,
            problem: table::problem(record.flags),
        })
    }

    /// Source files that have a line or a declaration.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let files: Records<'_, StrRef> = self.file.records(FILES);
        (0..files.len() as u32).filter_map(|position| self.source_file(position))
    }

    /// Symbols by address; mapping symbols (`$t`, `$d`, …) and section symbols are left out.
    pub fn symbols(&self) -> impl Iterator<Item = SymbolRef<'_>> {
        self.symbol_records().into_iter().map(|record| self.symbol_ref(record))
    }

    /// Finds symbols by name: equal ones; if there are none, equal but for case; then those that
    /// contain `query`. `*` and `?` in `query` are wildcards over the whole name.
    ///
    /// A name also counts as equal without its parameters (`Uart::init` for
    /// `Uart::init(unsigned int)`), without its leading path (`init`), and as the linker spells
    /// it. By address.
    pub fn find_symbols(&self, query: &str) -> Vec<SymbolRef<'_>> {
        names::find(query, || self.symbols(), |symbol| [symbol.name, symbol.linkage_name])
    }

    /// The symbol that covers `address`, and how far into it the address is.
    ///
    /// A symbol without a size covers what lies up to the next symbol of its section. What has no
    /// place in memory is not there, whatever its value: sizes and other absolute symbols, and the
    /// entries of sections that are not loaded, such as defmt's table.
    pub fn symbol_at(&self, address: u64) -> Option<(SymbolRef<'_>, u64)> {
        let symbols = self.symbol_records();
        let end = symbols.partition_point(|symbol| symbol.address <= address);
        let start = end.saturating_sub(MAX_OVERLAP);
        // The last address wins; among equal addresses the records put functions first.
        let sized = covering(symbols.slice(start..end), address);
        let record = sized.or_else(|| self.label_at(address, start..end))?;
        Some((self.symbol_ref(record), address - record.address))
    }

    /// Functions with code, by lowest address: from the debug information or, where there is
    /// none, from the symbols.
    pub fn functions(&self) -> impl Iterator<Item = FunctionRef<'_>> {
        let from_dwarf =
            self.function_records().into_iter().map(|record| self.function_ref(record));
        let from_symbols = self
            .symbols()
            .filter(|_| self.function_records().is_empty())
            .filter(|symbol| symbol.kind == SymbolKind::Function && symbol.in_memory)
            .map(function_of_symbol);
        from_dwarf.chain(from_symbols)
    }

    /// Finds functions by name, as [`find_symbols`](Self::find_symbols) does.
    pub fn find_functions(&self, query: &str) -> Vec<FunctionRef<'_>> {
        names::find(query, || self.functions(), |function| [function.name, function.linkage_name])
    }

    /// The function whose code is at `address`, not counting inlined ones.
    pub fn function_at(&self, address: u64) -> Option<FunctionRef<'_>> {
        if let Some(record) = self.function_record_at(address) {
            return Some(self.function_ref(record));
        }
        self.symbol_at(address)
            .map(|(symbol, _)| symbol)
            .filter(|symbol| symbol.kind == SymbolKind::Function)
            .map(function_of_symbol)
    }

    /// The functions that `address` belongs to, innermost inlined one first; the last has its
    /// own code. Empty where no function is known.
    pub fn frames_at(&self, address: u64) -> Vec<Frame<'_>> {
        let Some(record) = self.function_record_at(address) else {
            return self.frame_from_symbol(address).into_iter().collect();
        };
        let first = record.first_inlined as usize;
        let inlined: Records<'_, InlinedRecord> = self.file.records(INLINED);
        let mut chain: Vec<&InlinedRecord> = inlined
            .slice(first..first.saturating_add(record.inlined_count as usize))
            .iter()
            .filter(|range| range.low <= address && address < range.high)
            .collect();
        chain.sort_by_key(|range| std::cmp::Reverse(range.depth));

        let mut place = self.place_at(address);
        let mut frames = Vec::with_capacity(chain.len() + 1);
        for range in chain {
            frames.push(frame(self.text(range.name), place, true));
            place = (self.source_file(range.call_file), range.call_line, range.call_column);
        }
        frames.push(frame(self.text(record.name), place, false));
        frames
    }

    /// The source line of the instruction at `address`. `None` also where the compiler names no
    /// line (line 0).
    pub fn line_at(&self, address: u64) -> Option<Line<'_>> {
        let (file, line, column) = self.place_at(address);
        (line != 0).then_some(Line { file: file?, line, column: some_nonzero(column) })
    }

    /// What lies at `address` in a variable with a fixed address, such as `config.uart[1].baud`.
    ///
    /// Bytes inside a number count on: `config.uart[1].baud+2`. Without debug information the
    /// name is that of the symbol. `None`: no variable there.
    pub fn variable_at(&self, address: u64) -> Option<String> {
        let variables: Records<'_, VariableRecord> = self.file.records(VARIABLES);
        let end = variables.partition_point(|variable| variable.address <= address);
        let found = variables
            .slice(end.saturating_sub(MAX_OVERLAP)..end)
            .iter()
            .rev()
            .find(|variable| address - variable.address < variable.size.max(1));
        if let Some(variable) = found {
            let mut path = self.text(variable.name).to_owned();
            self.push_path(&mut path, variable.ty, address - variable.address);
            return Some(path);
        }
        let (symbol, offset) = self.symbol_at(address)?;
        (symbol.kind == SymbolKind::Object).then(|| with_offset(symbol.name, offset))
    }

    /// Names of functions, variables and other symbols that `name` may be a slip of, best first.
    pub fn suggest(&self, name: &str) -> Vec<String> {
        names::suggest(name, self.symbols().map(|symbol| symbol.name))
    }

    /// What the code touches.
    pub(super) fn uses_file(&self) -> Option<&File> {
        self.uses.file(&self.load)
    }

    /// How types are laid out.
    pub(super) fn types_file(&self) -> Option<&File> {
        self.types.file(&self.load)
    }

    pub(super) fn header(&self) -> HeaderRecord {
        self.file.records(HEADER).get(0).copied().unwrap_or_default()
    }

    pub(super) fn text(&self, text: StrRef) -> &str {
        self.file.text(text)
    }

    pub(super) fn source_file(&self, position: u32) -> Option<&str> {
        let files: Records<'_, StrRef> = self.file.records(FILES);
        let all = || files.into_iter().map(|&name| self.text(name)).collect();
        let here = self.sources.get(position as usize, all);
        here.or_else(|| files.get(position as usize).map(|&name| self.text(name)))
    }

    fn symbol_records(&self) -> Records<'_, SymbolRecord> {
        self.file.records(SYMBOLS)
    }

    fn function_records(&self) -> Records<'_, FunctionRecord> {
        self.file.records(FUNCTIONS)
    }

    fn type_record(&self, position: u32) -> Option<&TypeRecord> {
        self.file.records(TYPES).get(position as usize)
    }

    fn symbol_ref(&self, record: &SymbolRecord) -> SymbolRef<'_> {
        SymbolRef {
            name: self.text(record.name),
            linkage_name: self.text(record.linkage_name),
            address: record.address,
            size: record.size,
            kind: match record.kind & !SYMBOL_NOWHERE {
                0 => SymbolKind::Function,
                1 => SymbolKind::Object,
                _ => SymbolKind::Label,
            },
            in_memory: is_in_memory(record),
        }
    }

    fn function_ref(&self, record: &FunctionRecord) -> FunctionRef<'_> {
        FunctionRef {
            name: self.text(record.name),
            linkage_name: self.text(record.linkage_name),
            address: record.address,
            size: record.size,
            file: self.source_file(record.file),
            line: some_nonzero(record.line),
        }
    }

    /// The symbol without a size that comes last before `address`, if both are in one section. At
    /// the end of one it may stand, too; elsewhere it is a number, whatever section it is said to
    /// be of, as GNU ld says of `_estack`.
    fn label_at(&self, address: u64, near: std::ops::Range<usize>) -> Option<&SymbolRecord> {
        let last = self.symbol_records().slice(near).iter().rev().find(|s| is_in_memory(s))?;
        if last.size != 0 {
            return None;
        }
        let mut sections = self.section_records().iter().filter(|section| {
            section.flags & SECTION_ALLOCATED != 0 && section.address <= last.address
        });
        let holds = sections.any(|section| match last.address - section.address {
            offset if offset < section.size => address - section.address < section.size,
            offset => offset == section.size && last.address == address,
        });
        holds.then_some(last)
    }

    fn section_records(&self) -> Records<'_, SectionRecord> {
        self.file.records(SECTIONS)
    }

    fn function_record_at(&self, address: u64) -> Option<&FunctionRecord> {
        let ranges: Records<'_, RangeRecord> = self.file.records(RANGES);
        let end = ranges.partition_point(|range| range.low <= address);
        let range = ranges.get(end.checked_sub(1)?).filter(|range| address < range.high)?;
        self.function_records().get(range.owner as usize)
    }

    fn frame_from_symbol(&self, address: u64) -> Option<Frame<'_>> {
        let function = self.function_at(address)?;
        Some(frame(function.name, self.place_at(address), false))
    }

    fn place_at(&self, address: u64) -> (Option<&str>, u32, u32) {
        let rows: Records<'_, Row> = self.file.records(ROWS);
        let end = rows.partition_point(|row| row.address <= address);
        match end.checked_sub(1).and_then(|last| rows.get(last)) {
            Some(&Row { file, line, column, .. }) if file != NONE => {
                (self.source_file(file), line, column)
            }
            _ => (None, 0, 0),
        }
    }

    fn push_path(&self, path: &mut String, ty: u32, offset: u64) {
        let (mut ty, mut offset) = (ty, offset);
        for _ in 0..MAX_PATH_DEPTH {
            let Some(record) = self.type_record(ty) else { break };
            match record.kind {
                TYPE_ARRAY => {
                    let size = self.type_record(record.first).map_or(0, |e| e.size);
                    let Some(index) = offset.checked_div(size) else { break };
                    path.push_str(&format!("[{index}]"));
                    (ty, offset) = (record.first, offset % size);
                }
                TYPE_STRUCT | TYPE_UNION => {
                    let Some(member) = self.member_at(record, offset) else { break };
                    let name = self.text(member.name);
                    if !name.is_empty() {
                        path.push('.');
                        path.push_str(name);
                    }
                    (ty, offset) = (member.ty, offset - member.offset);
                }
                _ => break,
            }
        }
        if offset != 0 {
            path.push_str(&format!("+{offset}"));
        }
    }

    /// The first member that holds the byte at `offset`; `None` in padding.
    fn member_at(&self, record: &TypeRecord, offset: u64) -> Option<&MemberRecord> {
        let first = record.first as usize;
        let members: Records<'_, MemberRecord> = self.file.records(MEMBERS);
        let members = members.slice(first..first.saturating_add(record.members as usize));
        members.iter().find(|member| {
            let size = self.type_record(member.ty).map_or(0, |ty| ty.size);
            offset.checked_sub(member.offset).is_some_and(|within| within < size)
        })
    }
}

fn covering(symbols: &[SymbolRecord], address: u64) -> Option<&SymbolRecord> {
    let mut best: Option<&SymbolRecord> = None;
    for symbol in symbols.iter().rev() {
        if best.is_some_and(|best| best.address != symbol.address) {
            break;
        }
        if is_in_memory(symbol) && address - symbol.address < symbol.size {
            best = Some(symbol);
        }
    }
    best
}

fn is_in_memory(symbol: &SymbolRecord) -> bool {
    symbol.kind & SYMBOL_NOWHERE == 0
}

fn function_of_symbol(symbol: SymbolRef<'_>) -> FunctionRef<'_> {
    FunctionRef {
        name: symbol.name,
        linkage_name: symbol.linkage_name,
        address: symbol.address,
        size: symbol.size,
        file: None,
        line: None,
    }
}

fn frame<'a>(function: &'a str, place: (Option<&'a str>, u32, u32), inlined: bool) -> Frame<'a> {
    let (file, line, column) = place;
    Frame { function, file, line: some_nonzero(line), column: some_nonzero(column), inlined }
}

fn some_nonzero(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

fn with_offset(name: &str, offset: u64) -> String {
    if offset == 0 { name.to_owned() } else { format!("{name}+{offset}") }
}
