//! Debug information that no compiler writes: cycles, endless ranges, counts beyond all bounds,
//! one long text for everything. Reading it ends, soon, and what it gives stays small.

use std::time::{Duration, Instant};

use svd_index::elf;
use svd_index::store::SourceId;

use super::damage::survive;

/// Time that one file may take; a shared machine's share of a second.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Size that an index may have for each byte of a made-up file, beside what is the same for all.
const MAX_GROWTH: usize = 64;

/// Where the made-up program has its code, and how much.
const TEXT: u64 = 0x1000;
const TEXT_SIZE: usize = 0x1000;

/// Abbreviations, by number. Source: DWARF 4, 7.5.3; the numbers are those of 7.5.4 and 7.5.5.
const ABBREVIATIONS: &[&[u8]] = &[
    // 1: a unit.
    &[0x11, 1],
    // 2: a namespace with a name in .debug_str.
    &[0x39, 1, 0x03, 0x0e],
    // 3: a variable: name in .debug_str, type, location.
    &[0x34, 0, 0x03, 0x0e, 0x49, 0x13, 0x02, 0x18],
    // 4: a structure of 16 bytes.
    &[0x13, 1, 0x0b, 0x0b],
    // 5: a member: name, type, offset.
    &[0x0d, 0, 0x03, 0x0e, 0x49, 0x13, 0x38, 0x0b],
    // 6: a typedef: type.
    &[0x16, 0, 0x49, 0x13],
    // 7: an array: type.
    &[0x01, 1, 0x49, 0x13],
    // 8: a dimension of a 64-bit count.
    &[0x21, 0, 0x37, 0x07],
    // 9: a function: name, ranges.
    &[0x2e, 1, 0x03, 0x0e, 0x55, 0x17],
    // 10: a function: origin, start, size.
    &[0x2e, 0, 0x31, 0x13, 0x11, 0x01, 0x12, 0x06],
    // 11: an inlined call: origin, ranges.
    &[0x1d, 1, 0x31, 0x13, 0x55, 0x17],
    // 12: a function: name, start, size.
    &[0x2e, 0, 0x03, 0x0e, 0x11, 0x01, 0x12, 0x06],
    // 13: a byte-sized number.
    &[0x24, 0, 0x0b, 0x0b],
];

/// A unit's header, without the length that stands before it: version 4, addresses of 8 bytes.
const HEADER: [u8; 7] = [4, 0, 0, 0, 0, 0, 8];

/// The entries of a unit; offsets are from the unit's start.
struct Entries(Vec<u8>);

impl Entries {
    fn new() -> Self {
        let mut entries = Self(vec![0; 4]);
        entries.0.extend(HEADER);
        entries.0.push(1);
        entries
    }

    /// Adds an entry and gives its offset.
    fn add(&mut self, abbreviation: u8, attributes: &[&[u8]]) -> u32 {
        let offset = self.0.len() as u32;
        self.0.push(abbreviation);
        attributes.iter().for_each(|bytes| self.0.extend_from_slice(bytes));
        offset
    }

    fn next(&self) -> u32 {
        self.0.len() as u32
    }

    /// A variable in the code section, where every address is the program's.
    fn add_variable(&mut self, number: u32, ty: u32) {
        let place = TEXT + u64::from(number) % TEXT_SIZE as u64;
        let location = [&[9, 0x03][..], &place.to_le_bytes()].concat();
        self.add(3, &[&word(0), &word(ty), &location]);
    }

    fn end(mut self) -> Vec<u8> {
        let length = self.0.len() as u32 - 4;
        self.0[..4].copy_from_slice(&length.to_le_bytes());
        self.0
    }
}

fn word(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}

fn abbreviations() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (position, abbreviation) in ABBREVIATIONS.iter().enumerate() {
        bytes.push(position as u8 + 1);
        bytes.extend_from_slice(abbreviation);
        bytes.extend([0, 0]);
    }
    bytes.push(0);
    bytes
}

/// A 64-bit RISC-V ELF of these debug sections and some code.
fn elf_of(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let (text, abbreviations) = (vec![0x13; TEXT_SIZE], abbreviations());
    let mut all = vec![("", &[][..]), (".text", &text[..]), (".debug_abbrev", &abbreviations[..])];
    all.extend_from_slice(sections);
    let names: Vec<u8> =
        all.iter().flat_map(|(name, _)| [name.as_bytes(), b"\0"].concat()).collect();
    let names = [&names[..], b".names\0"].concat();
    all.push((".names", &names));

    let mut contents = vec![0; 64];
    let (mut headers, mut name) = (Vec::new(), 0);
    for &(section, bytes) in &all {
        let (kind, flags, address): (u32, u64, u64) = match section {
            "" => (0, 0, 0),
            ".text" => (1, 6, TEXT),
            ".names" => (3, 0, 0),
            _ => (1, 0, 0),
        };
        headers.extend(word(name).into_iter().chain(word(kind)));
        for number in [flags, address, contents.len() as u64, bytes.len() as u64, 0, 1, 0] {
            headers.extend(number.to_le_bytes());
        }
        contents.extend_from_slice(bytes);
        name += section.len() as u32 + 1;
    }
    let start = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0\x01\0\0\0";
    contents[..24].copy_from_slice(start);
    let (sections_at, count) = (contents.len() as u64, all.len() as u16);
    contents[40..48].copy_from_slice(&sections_at.to_le_bytes());
    contents[52..54].copy_from_slice(&64_u16.to_le_bytes());
    contents[58..60].copy_from_slice(&64_u16.to_le_bytes());
    contents[60..62].copy_from_slice(&count.to_le_bytes());
    contents[62..64].copy_from_slice(&(count - 1).to_le_bytes());
    contents.extend(headers);
    contents
}

/// Reads it within bounds; gives how many functions and variables there are.
fn check(what: &str, bytes: &[u8]) -> (usize, usize) {
    let started = Instant::now();
    let (facts, warnings) = elf::parse(bytes).unwrap();
    let (writer, _) = elf::build(bytes, SourceId::of(bytes)).unwrap();
    let types = elf::build_types(bytes, SourceId::of(bytes)).unwrap();
    let size = writer.finish().len().max(types.finish().len());
    survive(bytes);
    let took = started.elapsed();
    println!("{what}: {} bytes in {took:?}, index of {size}, {:?}", bytes.len(), warnings.first());
    assert!(took < MAX_TIME, "{what}: {took:?}");
    assert!(size < (64 << 10) + MAX_GROWTH * bytes.len(), "{what}: {size} of {}", bytes.len());
    (facts.functions.len(), facts.variables.len())
}

#[test]
fn the_made_up_file_is_read_like_any_other() {
    let mut entries = Entries::new();
    let number = entries.add(13, &[&[4]]);
    entries.add_variable(0, number);
    entries.add(12, &[&word(0), &TEXT.to_le_bytes(), &word(8)]);
    let bytes = elf_of(&[(".debug_info", &entries.end()), (".debug_str", b"name\0")]);
    assert_eq!(check("plain", &bytes), (1, 1));
}

#[test]
fn entries_that_lead_back_to_themselves() {
    let mut entries = Entries::new();
    let next = entries.next();
    let own_name = entries.add(6, &[&word(next)]);
    let next = entries.next();
    let own_element = entries.add(7, &[&word(next)]);
    entries.add(8, &[&u64::MAX.to_le_bytes()]);
    entries.0.push(0);
    let next = entries.next();
    let own_member = entries.add(4, &[&[16]]);
    entries.add(5, &[&word(0), &word(next), &[0]]);
    entries.add(5, &[&word(0), &word(own_element), &[8]]);
    entries.0.push(0);
    for (number, ty) in [own_name, own_element, own_member].into_iter().enumerate() {
        entries.add_variable(number as u32, ty);
    }
    let next = entries.next();
    entries.add(10, &[&word(next), &TEXT.to_le_bytes(), &word(8)]);
    let bytes = elf_of(&[(".debug_info", &entries.end()), (".debug_str", b"name\0")]);
    assert_eq!(check("cycles", &bytes).1, 3);
}

#[test]
fn counts_and_ranges_beyond_all_bounds() {
    let mut entries = Entries::new();
    let number = entries.add(13, &[&[255]]);
    let array = entries.add(7, &[&word(number)]);
    for count in [u64::MAX, 1 << 63, u64::MAX - 1, 3] {
        entries.add(8, &[&count.to_le_bytes()]);
    }
    entries.0.push(0);
    entries.add_variable(0, array);
    entries.add(9, &[&word(0), &word(0)]);
    entries.add(11, &[&word(0), &word(0)]);
    let mut ranges = Vec::new();
    for (start, end) in [(TEXT, u64::MAX - 1), (TEXT + 4, u64::MAX - 1), (TEXT + 8, TEXT), (0, 0)] {
        ranges.extend([start, end].iter().flat_map(|number: &u64| number.to_le_bytes()));
    }
    let info = entries.end();
    let debug = [(".debug_info", &info[..]), (".debug_str", b"name\0"), (".debug_ranges", &ranges)];
    assert_eq!(check("absurd", &elf_of(&debug)), (1, 1));
}

#[test]
fn many_functions_of_the_same_many_ranges() {
    let mut entries = Entries::new();
    for _ in 0..4000 {
        entries.add(9, &[&word(0), &word(0)]);
        entries.0.push(0);
    }
    let mut ranges = Vec::new();
    for number in 0..20_000 {
        let start = TEXT + number % TEXT_SIZE as u64;
        ranges.extend([start, start + 1].iter().flat_map(|number| number.to_le_bytes()));
    }
    ranges.extend([0; 16]);
    let info = entries.end();
    let debug = [(".debug_info", &info[..]), (".debug_str", b"name\0"), (".debug_ranges", &ranges)];
    check("many ranges", &elf_of(&debug));
}

#[test]
fn one_long_name_for_everything() {
    let long = [vec![b'n'; 1 << 20], vec![0]].concat();
    let mut entries = Entries::new();
    let number = entries.add(13, &[&[1]]);
    for place in 0..10_000 {
        entries.add(12, &[&word(place), &(TEXT + u64::from(place) % 4000).to_le_bytes(), &word(1)]);
        entries.add_variable(place, number);
    }
    check("long names", &elf_of(&[(".debug_info", &entries.end()), (".debug_str", &long)]));
}

#[test]
fn scopes_within_scopes() {
    let mut entries = Entries::new();
    let number = entries.add(13, &[&[1]]);
    for depth in 0..10_000 {
        entries.add(2, &[&word(0)]);
        entries.add_variable(depth, number);
    }
    let bytes = elf_of(&[(".debug_info", &entries.end()), (".debug_str", b"quite_a_long_name\0")]);
    check("deep scopes", &bytes);
}
