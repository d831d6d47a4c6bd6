//! Lines and inlined calls of every example, equal to addr2line's: at the edges of every function
//! and inlined call, and at a seeded sample of all code addresses.
//!
//! `SILK_TEST_ELFS` may name a folder with further ELFs:
//!
//! ```text
//! SILK_TEST_ELFS=/some/elfs cargo test --release -p svd-index elf::reference -- --nocapture
//! ```

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use addr2line::{Context, LookupResult};
use object::{Object, ObjectSection, ObjectSymbol};
use svd_index::elf::{self, Firmware, Line};

use super::{firmware, read};

pub(super) type Slice<'a> = gimli::EndianSlice<'a, gimli::LittleEndian>;

/// Code addresses of each ELF that are compared besides the edges.
const SAMPLES: usize = 1000;

/// Differences that are shown of each ELF.
const SHOWN: usize = 10;

/// All ELFs with debug information: the examples, those of `tests/data/elf`, those of the folder.
pub(super) fn elfs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["../examples/uart-baud", "../examples/register-use", "tests/data/elf"];
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    folders.extend(std::env::var_os("SILK_TEST_ELFS").map(PathBuf::from));
    let mut elfs = Vec::new();
    for folder in folders {
        let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
        let mut found: Vec<PathBuf> = files
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "elf"))
            .filter(|path| has_dwarf(&read(path)))
            .collect();
        found.sort();
        elfs.extend(found);
    }
    assert!(elfs.len() >= 12, "{elfs:?}");
    elfs
}

fn has_dwarf(bytes: &[u8]) -> bool {
    let file = object::File::parse(bytes).unwrap();
    file.section_by_name(".debug_info").is_some()
}

/// The debug sections of an ELF.
pub(super) fn sections<'a>(file: &object::File<'a>) -> gimli::DwarfSections<Cow<'a, [u8]>> {
    gimli::DwarfSections::load(|id| {
        let section = file.section_by_name(id.name());
        let bytes = section.map(|section| plain(section.compressed_data()?)).transpose()?;
        Ok::<_, object::Error>(bytes.unwrap_or_default())
    })
    .unwrap()
}

/// `object` itself unpacks only with a feature that nothing else of ours needs.
fn plain(data: object::CompressedData<'_>) -> object::Result<Cow<'_, [u8]>> {
    if data.format != object::CompressionFormat::Zlib {
        return data.decompress();
    }
    let mut bytes = Vec::new();
    flate2::read::ZlibDecoder::new(data.data).read_to_end(&mut bytes).unwrap();
    Ok(bytes.into())
}

/// A line as either says it. Only addr2line names the file of a row without a line, and keeps the
/// `.` that a prefix map leaves in a path.
fn place(file: Option<&str>, line: Option<u32>, column: Option<u32>) -> String {
    let Some(line) = line.filter(|&line| line != 0) else { return "?".to_owned() };
    let file = file.unwrap_or("?");
    let parts: Vec<&str> = file.split('/').filter(|&part| part != ".").collect();
    format!("{}:{line}:{}", parts.join("/"), column.unwrap_or(0))
}

/// The chain of functions, innermost first; without the places that belong to no function.
fn chain(context: &Context<Slice<'_>>, address: u64) -> Vec<(String, String)> {
    let LookupResult::Output(Ok(mut frames)) = context.find_frames(address) else {
        panic!("addr2line wants another file at {address:#x}");
    };
    let mut chain = Vec::new();
    while let Some(frame) = frames.next().unwrap() {
        let Some(function) = frame.function else { continue };
        let location = frame.location.as_ref();
        let place = place(
            location.and_then(|location| location.file),
            location.and_then(|location| location.line),
            location.and_then(|location| location.column),
        );
        chain.push((demangled(&function.raw_name().unwrap()), place));
    }
    chain
}

fn our_chain(ours: &Firmware, address: u64) -> Vec<(String, String)> {
    let frames = ours.frames_at(address).into_iter();
    frames.map(|f| (f.function.to_owned(), place(f.file, f.line, f.column))).collect()
}

/// addr2line's own demangling is a feature that nothing else of ours needs.
fn demangled(name: &str) -> String {
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        return format!("{rust:#}");
    }
    let options = cpp_demangle::DemangleOptions::new().no_return_type();
    let cpp = cpp_demangle::Symbol::new(name).ok();
    let cpp = cpp.and_then(|symbol| symbol.demangle_with_options(&options).ok());
    cpp.unwrap_or_else(|| name.to_owned())
}

/// One body of code with two names (`__aeabi_idiv0`, `__aeabi_ldiv0`): either is right.
fn are_aliases(ours: &Firmware, one: &str, other: &str) -> bool {
    let address = |name| {
        let found = ours.symbols().find(|symbol| symbol.name == name);
        found.map(|symbol| symbol.address)
    };
    one != other && address(one).is_some() && address(one) == address(other)
}

/// What was compared of one ELF.
#[derive(Default)]
struct Tally {
    compared: usize,
    in_functions: usize,
    inlined: usize,
    with_line: usize,
    /// Places of no function in the debug information (assembly): ours names the symbol.
    by_symbol: usize,
    aliases: usize,
    ends: usize,
    /// Places where addr2line takes code that the linker discarded for the program's.
    discarded: usize,
    differences: Vec<String>,
}

impl Tally {
    fn compare(&mut self, context: &Context<Slice<'_>>, ours: &Firmware, address: u64) {
        self.compared += 1;
        let expected = context.find_location(address).unwrap().map_or("?".to_owned(), |location| {
            place(location.file, location.line, location.column)
        });
        let line = ours.line_at(address);
        let found = line
            .map_or("?".to_owned(), |line| place(Some(line.file), Some(line.line), line.column));
        self.with_line += usize::from(expected != "?");
        if found != expected {
            self.differences.push(format!("{address:#x}: line {found}, addr2line {expected}"));
        }
        let (mut expected, mut found) = (chain(context, address), our_chain(ours, address));
        self.in_functions += usize::from(!expected.is_empty());
        self.inlined += usize::from(expected.len() > 1);
        if expected.is_empty()
            && let Some((symbol, _)) = ours.symbol_at(address).filter(|_| !found.is_empty())
        {
            self.by_symbol += 1;
            expected = vec![(symbol.name.to_owned(), place_of(line))];
        }
        if let (Some((found, _)), Some((expected, _))) = (found.last_mut(), expected.last())
            && are_aliases(ours, found, expected)
        {
            self.aliases += 1;
            found.clone_from(expected);
        }
        if found.is_empty() && expected.last().is_some_and(|(name, _)| ends_at(ours, name, address))
        {
            self.ends += 1;
            return;
        }
        if found != expected {
            self.differences.push(format!("{address:#x}: {found:?}, addr2line {expected:?}"));
        }
    }
}

/// Whether a function's last byte is the one before `address`. The assembler counts the end of a
/// function from a start with the Thumb bit, and addr2line takes it as it is: one byte too far.
fn ends_at(ours: &Firmware, name: &str, address: u64) -> bool {
    ours.symbols().any(|symbol| symbol.name == name && symbol.address + symbol.size == address)
}

fn place_of(line: Option<Line<'_>>) -> String {
    line.map_or("?".to_owned(), |line| place(Some(line.file), Some(line.line), line.column))
}

/// First and last byte of every function and inlined call, and the bytes beside them.
fn edges(bytes: &[u8], file: &object::File<'_>) -> BTreeSet<u64> {
    let (facts, _) = elf::parse(bytes).unwrap();
    let ranges = facts.functions.iter().flat_map(|function| {
        let inlined = function.inlined.iter().flat_map(|inlined| &inlined.ranges);
        function.ranges.iter().chain(inlined).cloned()
    });
    let symbols = file
        .symbols()
        .filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.size() > 0)
        .map(|symbol| {
            let start = symbol.address() & !1;
            start..start.saturating_add(symbol.size())
        });
    let places = ranges.chain(symbols).flat_map(|range| {
        [range.start.wrapping_sub(1), range.start, range.end.wrapping_sub(1), range.end]
    });
    places.collect()
}

/// Addresses anywhere in code, the same ones each time.
fn sample(file: &object::File<'_>) -> Vec<u64> {
    let code: Vec<_> = file
        .sections()
        .filter(|section| section.kind() == object::SectionKind::Text && section.size() > 0)
        .collect();
    let total: u64 = code.iter().map(|section| section.size()).sum();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut addresses = Vec::with_capacity(SAMPLES);
    while addresses.len() < SAMPLES && total > 0 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut place = (state >> 16) % total;
        for section in &code {
            if place < section.size() {
                addresses.push(section.address() + place);
                break;
            }
            place -= section.size();
        }
    }
    addresses
}

fn check(path: &Path) -> Tally {
    let bytes = read(path);
    let file = object::File::parse(&bytes[..]).unwrap();
    let sections = sections(&file);
    let dwarf = || sections.borrow(|bytes| Slice::new(bytes.as_ref(), gimli::LittleEndian));
    let context = Context::from_dwarf(dwarf()).unwrap();
    let ours = firmware(&bytes);
    let mut tally = Tally::default();
    let discarded = end_of_discarded(&dwarf(), &ours);
    for address in edges(&bytes, &file).into_iter().chain(sample(&file)) {
        let before = tally.differences.len();
        tally.compare(&context, &ours, address);
        if address < discarded && tally.differences.len() > before {
            tally.differences.truncate(before);
            tally.discarded += 1;
        }
    }
    tally
}

/// Where the longest function ends that starts at address 0, where no code is: the linker leaves
/// the debug information of what it discarded there.
fn end_of_discarded(dwarf: &gimli::Dwarf<Slice<'_>>, ours: &Firmware) -> u64 {
    let mut end = 0;
    let mut headers = dwarf.units();
    while let Some(header) = headers.next().unwrap().filter(|_| ours.function_at(0).is_none()) {
        let unit = dwarf.unit(header).unwrap();
        let mut entries = unit.entries();
        while let Some(entry) = entries.next_dfs().unwrap() {
            let mut ranges = dwarf.die_ranges(&unit, entry).unwrap();
            while let Some(range) = ranges.next().unwrap() {
                end = end.max(if range.begin & !1 == 0 { range.end } else { 0 });
            }
        }
    }
    end
}

#[test]
fn lines_and_inlined_chains_equal_addr2line() {
    let mut failed = false;
    for path in elfs() {
        let tally = check(&path);
        println!(
            "{}: {} addresses, {} in functions, {} inlined, {} with a line, {} by symbol, {} \
             aliases, {} ends, {} discarded, {} differences",
            path.file_name().unwrap().display(),
            tally.compared,
            tally.in_functions,
            tally.inlined,
            tally.with_line,
            tally.by_symbol,
            tally.aliases,
            tally.ends,
            tally.discarded,
            tally.differences.len()
        );
        tally.differences.iter().take(SHOWN).for_each(|difference| println!("  {difference}"));
        failed |= !tally.differences.is_empty();
        assert!(tally.in_functions > 100 && tally.with_line > 100, "{}", path.display());
    }
    assert!(!failed, "the differences are printed");
}
