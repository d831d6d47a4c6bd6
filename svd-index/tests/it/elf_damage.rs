//! Files that are cut off, damaged, foreign or no ELF at all.

use object::{Object, ObjectSection};
use svd_index::elf::{self, ElfError, Machine, Split};
use svd_index::store::SourceId;

use super::{data, example, firmware, read};

/// Reads and asks; what comes back does not matter, that it comes back does.
pub(super) fn survive(bytes: &[u8]) {
    let Ok((facts, _)) = elf::parse(bytes) else { return };
    check_built_in_one_go(bytes);
    let places: Vec<u64> = facts.symbols.iter().map(|symbol| symbol.address).take(20).collect();
    let firmware = firmware(bytes);
    for address in places.into_iter().chain([0, facts.entry, u64::MAX]) {
        firmware.frames_at(address);
        firmware.symbol_at(address);
        firmware.variable_at(address.wrapping_add(3));
    }
    firmware.accesses().count();
    firmware.vectors().count();
    for ty in firmware.types() {
        assert!(ty.holes().len() <= ty.members().count() + 1);
    }
}

/// Both index files in one go are what they are when each is built by itself.
fn check_built_in_one_go(bytes: &[u8]) {
    let source = SourceId::of(bytes);
    let built = elf::build_all_with(bytes, &Split::default(), || source).unwrap();
    let (main, warnings) = elf::build(bytes, source).unwrap();
    assert_eq!((built.source, &built.warnings), (source, &warnings));
    assert!(built.main == main.finish(), "the index differs");
    let types = elf::build_types(bytes, source).unwrap();
    assert!(built.types == types.finish(), "the layouts of types differ");
}

#[test]
fn whole_elfs_are_built_in_one_go() {
    for path in super::reference::elfs() {
        check_built_in_one_go(&read(&path));
    }
}

#[test]
fn what_is_no_elf_is_refused_by_what_it_looks_like() {
    for (bytes, expected) in [
        (&b""[..], "not an ELF file: the file is empty"),
        (b":020000040800F2\n", "not an ELF file: it looks like Intel HEX"),
        (b"<?xml version=\"1.0\"?><device/>", "not an ELF file: it looks like XML"),
        (
            b"\x00\x40\x00\x20\xc5\x00\x00\x00",
            "not an ELF file: it does not start with the ELF magic",
        ),
    ] {
        let error = elf::parse(bytes).unwrap_err();
        assert!(matches!(error, ElfError::NotElf { .. }));
        assert_eq!(error.to_string(), expected);
    }
    let error = elf::parse(b"\x7fELF\x01\x01\x01").unwrap_err();
    assert!(matches!(error, ElfError::Header(_)));
    assert_eq!(error.to_string(), "the ELF header cannot be read");
}

#[test]
fn every_prefix() {
    let bytes = read(&data("m4-O2-dwarf5.elf"));
    for length in 0..bytes.len() {
        survive(&bytes[..length]);
    }
    let bytes = read(&example("faulty.elf"));
    for length in (0..bytes.len()).step_by(61) {
        survive(&bytes[..length]);
    }
}

/// The file as it is, but a section says that it ends after `size` bytes.
fn with_section_cut(bytes: &[u8], name: &str, size: u64) -> Vec<u8> {
    let file = object::File::parse(bytes).unwrap();
    let position = file.section_by_name(name).unwrap().index().0;
    let mut bytes = bytes.to_vec();
    let table = u32::from_le_bytes(bytes[32..36].try_into().unwrap()) as usize;
    let entry = table + position * 40;
    bytes[entry + 20..entry + 24].copy_from_slice(&(size as u32).to_le_bytes());
    bytes
}

#[test]
fn every_fiftieth_of_every_debug_section() {
    let mut cuts = 0;
    for path in super::reference::elfs() {
        let bytes = read(&path);
        let (facts, _) = elf::parse(&bytes).unwrap();
        let is_debug = |name: &str| name.starts_with(".debug_");
        for section in facts.sections.iter().filter(|section| is_debug(&section.name)) {
            for part in 0..50 {
                let size = section.size * part / 50;
                survive(&with_section_cut(&bytes, &section.name, size));
                cuts += 1;
            }
        }
    }
    assert!(cuts > 4000, "{cuts}");
}

#[test]
fn flipped_bytes() {
    let mut state = 0x853c_49e6_748f_ea9b_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as usize
    };
    for elf in
        ["m4-O2-dwarf5.elf", "m0-Os-dwarf5.elf", "m4-O0-dwarf4.elf", "names.elf", "compressed.elf"]
    {
        let bytes = read(&data(elf));
        for _ in 0..400 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + next() % 8 {
                let place = next() % damaged.len();
                damaged[place] = next() as u8;
            }
            survive(&damaged);
        }
    }
}

#[test]
fn damaged_debug_information_costs_only_itself() {
    let mut bytes = read(&data("m4-O2-dwarf5.elf"));
    let section = {
        let (facts, _) = elf::parse(&bytes).unwrap();
        facts.sections.into_iter().find(|section| section.name == ".debug_abbrev").unwrap()
    };
    bytes[section.file_range.start as usize..section.file_range.end as usize].fill(0xff);
    let (facts, warnings) = elf::parse(&bytes).unwrap();
    assert!(!warnings.is_empty());
    assert!(warnings.iter().all(|warning| warning.path.contains(".debug_info")), "{warnings:?}");
    assert!(facts.functions.is_empty());
    assert!(facts.symbols.iter().any(|symbol| symbol.name == "clock_init"));
    assert!(!elf::parse_uses(&bytes).unwrap().0.accesses.is_empty());
}

/// The smallest file with this header and no sections.
fn bare(class: u8, data: u8, machine: u16) -> Vec<u8> {
    let wide = class == 2;
    let half = |value: u16| if data == 1 { value.to_le_bytes() } else { value.to_be_bytes() };
    let word = |value: u32| if data == 1 { value.to_le_bytes() } else { value.to_be_bytes() };
    let mut bytes = b"\x7fELF".to_vec();
    bytes.extend([class, data, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(half(2));
    bytes.extend(half(machine));
    bytes.extend(word(1));
    bytes.extend(vec![0; if wide { 24 } else { 12 }]);
    bytes.extend(word(0));
    bytes.extend(half(if wide { 64 } else { 52 }));
    bytes.extend([0; 10]);
    bytes
}

#[test]
fn foreign_machines_and_byte_orders() {
    for (class, data, number, machine, is_big) in [
        (1, 1, 40, Machine::Arm, false),
        (1, 2, 40, Machine::Arm, true),
        (1, 1, 243, Machine::RiscV, false),
        (2, 1, 62, Machine::Other(62), false),
        (2, 2, 21, Machine::Other(21), true),
    ] {
        let firmware = firmware(&bare(class, data, number));
        assert_eq!((firmware.machine(), firmware.is_big_endian()), (machine, is_big));
        assert_eq!(firmware.accesses().count(), 0);
    }
}

/// A function of its own, however much the optimiser puts others into each other.
#[inline(never)]
fn landmark() {
    std::hint::black_box(());
}

#[test]
fn a_program_of_the_host_gives_symbols_and_lines() {
    let path = std::env::current_exe().unwrap();
    let bytes = read(&path);
    // Only where the host's programs are ELF.
    if !bytes.starts_with(b"\x7fELF") {
        eprintln!("skipped: {} is no ELF", path.display());
        return;
    }
    let firmware = firmware(&bytes);
    assert!(firmware.find_symbols("*landmark*").iter().any(|s| s.name.contains("damage")));
    std::hint::black_box(landmark)();
    let here = firmware.find_functions("*landmark*");
    let frames = here.iter().flat_map(|function| firmware.frames_at(function.address));
    assert!(
        frames.into_iter().any(|frame| frame.file.is_some_and(|f| f.ends_with("elf_damage.rs")))
    );
    assert_eq!(firmware.accesses().count(), 0, "only Arm code is followed");
}

/// Each conditional instruction may double the ways through what follows it.
#[test]
fn conditions_after_conditions() {
    // Thumb: `ite eq; moveq r0, #1; movne r0, #2` and `itt eq; cmpeq r0, r1; moveq r0, #3`.
    let chosen = [0xbf0c_u16, 0x2001, 0x2002];
    let compared = [0xbf04, 0x4288, 0x2003];
    // `movs r3, #0x40; lsls r3, r3, #24; str r3, [r3, #4]; bx lr`.
    let end = [0x2340, 0x061b, 0x605b, 0x4770];
    let program = read(&example("../register-use/stm32f4.elf"));
    let whole = firmware(&program);
    let main = whole.find_functions("main")[0];
    let file = object::File::parse(&*program).unwrap();
    let text = file.section_by_name(".text").unwrap();
    let start = (text.file_range().unwrap().0 + main.address - text.address()) as usize;
    // Its constants stand at its end.
    let room = main.size as usize / 3;
    for conditions in [chosen, compared] {
        let code = conditions.iter().cycle().take(room - room % 3).chain(&end);
        let mut damaged = program.clone();
        for (at, half) in (start..).step_by(2).zip(code) {
            damaged[at..at + 2].copy_from_slice(&half.to_le_bytes());
        }
        let firmware = firmware(&damaged);
        assert_eq!(firmware.accesses_to(0x4000_0004).len(), 1);
        assert_eq!(firmware.use_warnings(), []);
    }
}
