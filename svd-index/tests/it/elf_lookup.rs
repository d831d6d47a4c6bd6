//! Looking up symbols, variables, vectors, and what else an ELF says.

use std::path::Path;

use svd_index::elf::{Firmware, Machine, StackPlace, SymbolKind, TableRef, VectorProblem};

use super::{data, example, firmware, open, read};

fn names(firmware: &Firmware, query: &str) -> Vec<String> {
    firmware.find_symbols(query).iter().map(|symbol| symbol.name.to_owned()).collect()
}

#[test]
fn symbols_by_name() {
    let firmware = open(&data("m4-O2-dwarf5.elf"));
    for (query, expected) in [
        ("clock_init", &["clock_init"][..]),
        ("CLOCK_INIT", &["clock_init"]),
        ("*_init", &["clock_init", "pins_init"]),
        ("_init", &["clock_init", "pins_init"]),
        ("firmware::uart::Uart::write", &["firmware::uart::Uart::write"]),
        ("write", &["firmware::uart::Uart::write"]),
        ("_ZN8firmware4uart4Uart5write17h0123456789abcdefE", &["firmware::uart::Uart::write"]),
        ("$t", &[]),
        ("no such thing", &[]),
    ] {
        assert_eq!(names(&firmware, query), expected, "{query}");
    }
    assert_eq!(firmware.suggest("clok_init").first().map(String::as_str), Some("clock_init"));
    assert!(firmware.symbols().all(|symbol| !symbol.name.starts_with('$')));
}

#[test]
fn symbols_by_address() {
    let firmware = open(&data("m4-O2-dwarf5.elf"));
    let clock_init = firmware.find_symbols("clock_init")[0];
    assert_eq!(clock_init.kind, SymbolKind::Function);
    assert_eq!(clock_init.address & 1, 0, "the Thumb bit is no part of an address");
    let last = clock_init.address + clock_init.size - 1;
    assert_eq!(firmware.symbol_at(last), Some((clock_init, clock_init.size - 1)));
    assert_eq!(firmware.symbol_at(0), None);
    assert_eq!(firmware.symbol_at(0x4000_0000), None);
    assert_eq!(firmware.symbol_at(u64::MAX), None);
    assert_eq!(firmware.function_at(last).map(|function| function.name), Some("clock_init"));
    assert_eq!(firmware.function_at(firmware.find_symbols("config")[0].address), None);
}

#[test]
fn cpp_names_and_scopes() {
    let firmware = open(&data("names.elf"));
    assert_eq!(names(&firmware, "board::Uart::write"), ["board::Uart::write(unsigned char)"]);
    let larger = firmware.find_functions("board::larger*");
    assert_eq!(larger[0].name, "board::larger<int>(int, int)");
    let write = firmware.find_symbols("board::Uart::set_divisor");
    assert!(write.is_empty(), "inlined everywhere");
    let access = firmware.accesses_in("board::Uart::set_divisor");
    assert_eq!(access.len(), 1);
    assert_eq!(firmware.frames_at(access[0].pc)[1].function, "start");
    let calls = firmware.find_symbols("*calls*")[0].address;
    assert_eq!(firmware.variable_at(calls).as_deref(), Some("start::calls"));
}

#[test]
fn variables_by_address() {
    for elf in ["m4-O2-dwarf5.elf", "m4-O0-dwarf4.elf", "m0-Os-dwarf5.elf", "compressed.elf"] {
        let firmware = open(&data(elf));
        let config = firmware.find_symbols("config")[0];
        assert_eq!(config.size, 52, "{elf}");
        for (offset, expected) in [
            (0, "config.version"),
            (1, "config.version+1"),
            // Padding belongs to the structure, not to a member.
            (2, "config+2"),
            (4, "config.uart[0].baud"),
            (12, "config.uart[1].baud"),
            (14, "config.uart[1].baud+2"),
            (16, "config.uart[1].bits"),
            (17, "config.uart[1].parity"),
            (20, "config.id.word"),
            (24, "config.levels[0][0]"),
            (42, "config.levels[2][1]"),
            (48, "config.first"),
            (49, "config.second"),
        ] {
            let found = firmware.variable_at(config.address + offset);
            assert_eq!(found.as_deref(), Some(expected), "{elf} +{offset}");
        }
        assert_eq!(firmware.variable_at(firmware.find_symbols("start")[0].address), None);
        assert_eq!(firmware.variable_at(0x4000_4408), None);
    }
}

#[test]
fn the_vector_table_and_its_handlers() {
    let firmware = open(&data("m4-O2-dwarf5.elf"));
    let handlers: Vec<Option<&str>> = firmware.vectors().map(|vector| vector.handler).collect();
    let expected = [
        None,
        Some("start"),
        Some("clock_init"),
        None,
        Some("after_a_call"),
        Some("meet"),
        Some("from_table"),
    ];
    assert_eq!(handlers, expected);
    let first = firmware.vectors().next().unwrap();
    assert_eq!(
        (first.number, first.address, first.value),
        (0, 0x0800_0000 + first_offset(&firmware), 0x2002_0000)
    );

    let example = open(&example("faulty.elf"));
    assert_eq!(example.vectors().count(), 48);
    let timer = example.vectors().find(|vector| vector.number == 16 + 8).unwrap();
    assert_eq!((timer.address, timer.handler), (0x60, Some("TIMER0_IRQHandler")));
}

/// `.data` is programmed before the table.
fn first_offset(firmware: &Firmware) -> u64 {
    firmware.find_symbols("g_pfnVectors")[0].address - 0x0800_0000
}

#[test]
fn what_the_file_says_of_itself() {
    let firmware = open(&example("faulty.elf"));
    assert_eq!(firmware.machine(), Machine::Arm);
    assert!(firmware.has_dwarf() && !firmware.is_big_endian());
    assert_eq!(firmware.entry(), firmware.find_symbols("Reset_Handler")[0].address);
    let build_id = firmware.build_id().unwrap();
    assert_eq!(build_id.len(), 40);
    assert!(build_id.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert_eq!(firmware.rtt_address(), None);
    let files: Vec<&str> = firmware.files().collect();
    assert!(files.contains(&"uart.c") && files.contains(&"main.c"), "{files:?}");
    let text = firmware.sections().find(|section| section.name == ".text").unwrap();
    assert!(text.allocated && text.executable && !text.writable && !text.zeroed);
    assert!(firmware.sections().any(|section| section.name == ".bss" && section.zeroed));
}

#[test]
fn without_debug_information_symbols_remain() {
    let firmware = open(&data("no-debug.elf"));
    assert!(!firmware.has_dwarf());
    let clock_init = firmware.find_symbols("clock_init")[0];
    let frames = firmware.frames_at(clock_init.address + 4);
    assert_eq!((frames.len(), frames[0].function, frames[0].line), (1, "clock_init", None));
    assert_eq!(firmware.line_at(clock_init.address), None);
    let config = firmware.find_symbols("config")[0];
    assert_eq!(firmware.variable_at(config.address + 12).as_deref(), Some("config+12"));
    assert!(firmware.functions().any(|function| function.name == "pins_init"));
    assert!(firmware.accesses_in("clock_init").len() > 5);
}

#[test]
fn the_table_says_how_it_was_found_and_what_is_wrong_with_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/register-use/stm32f4.elf");
    let bytes = read(&path);
    let firmware = firmware(&bytes);
    assert_eq!(firmware.vector_table(), Some(TableRef::Symbol("g_pfnVectors")));
    let stack = firmware.initial_stack().unwrap();
    assert!(
        matches!(stack.place, StackPlace::Above { section: ".bss", free } if free > 1024),
        "{stack:?}"
    );
    let vectors: Vec<_> = firmware.vectors().collect();
    assert!(vectors.iter().all(|vector| vector.problem.is_none()));
    assert_eq!(firmware.exception(3), Some("HardFault"));
    assert_eq!(firmware.exception(7), None);
    assert!(vectors[2].is_default && !vectors[1].is_default);
    assert_eq!(vectors[16 + 38].interrupt(), Some(38));

    // The same with entries spoiled: file offset 0x1000 is the table.
    let mut spoiled = bytes;
    let mut put = |entry: usize, value: u32| {
        spoiled[0x1000 + 4 * entry..][..4].copy_from_slice(&value.to_le_bytes());
    };
    let reset = vectors[1].value as u32;
    put(0, 0x4000_4400);
    put(3, reset & !1);
    put(11, 0x0900_0001);
    put(14, 0x2000_0001);
    let firmware = super::firmware(&spoiled);
    assert_eq!(firmware.initial_stack().unwrap().place, StackPlace::NoMemory);
    let vectors: Vec<_> = firmware.vectors().collect();
    assert_eq!(vectors[3].problem, Some(VectorProblem::NoThumbBit));
    assert_eq!(vectors[3].handler, vectors[1].handler);
    assert_eq!(vectors[11].problem, Some(VectorProblem::Outside));
    assert_eq!(vectors[14].problem, Some(VectorProblem::NotCode));
}

#[test]
fn a_section_tells_where_no_symbol_does_and_riscv_has_none() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/register-use/fe310.elf");
    let firmware = open(&path);
    assert_eq!(firmware.vector_table(), None);
    assert_eq!(firmware.initial_stack(), None);
    assert!(!firmware.has_vector_tables());
    let stripped = open(&data("stripped.elf"));
    assert_eq!(stripped.vector_table(), Some(TableRef::Section(".isr_vector")));
}

#[test]
fn numbers_that_look_like_addresses_name_no_memory() {
    let elf = data("m4-O2-dwarf5.elf");
    let (bytes, symbols) = (read(&elf), open(&elf));
    let variable = symbols.find_symbols("config")[0];
    let bytes = with_absolute_symbol(bytes, "config");
    let firmware = firmware(&bytes);
    let absolute = firmware.find_symbols("config")[0];
    assert_eq!((absolute.address, absolute.in_memory), (variable.address, false));
    let at = firmware.symbol_at(variable.address + 4);
    assert!(at.is_none_or(|(symbol, _)| symbol.name != "config"), "{at:?}");
    // `stack_top`, an absolute symbol one past the end of RAM; and the end of `.bss`, which is one.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/register-use/stm32f4.elf");
    let drivers = open(&path);
    let top = drivers.find_symbols("stack_top")[0];
    assert_eq!((top.in_memory, drivers.symbol_at(top.address)), (false, None));
    let end = drivers.find_symbols("bss_end")[0];
    assert_eq!(drivers.symbol_at(end.address), Some((end, 0)));
    assert_eq!(drivers.symbol_at(end.address + 4), None);
}

/// Takes a symbol out of its section: `st_shndx` becomes `SHN_ABS`.
fn with_absolute_symbol(mut bytes: Vec<u8>, name: &str) -> Vec<u8> {
    use object::{Object, ObjectSection, ObjectSymbol};
    const ENTRY: usize = 16;
    const SECTION_INDEX: usize = 14;
    let file = object::File::parse(&*bytes).unwrap();
    let index = file.symbols().find(|symbol| symbol.name() == Ok(name)).unwrap().index();
    let table = file.section_by_name(".symtab").unwrap().file_range().unwrap().0 as usize;
    let at = table + index.0 * ENTRY + SECTION_INDEX;
    bytes[at..at + 2].copy_from_slice(&object::elf::SHN_ABS.to_le_bytes());
    bytes
}
