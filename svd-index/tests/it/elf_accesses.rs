//! Which line touches which register, against the marks in `registers.c`.

use std::collections::BTreeSet;

use svd_index::elf::{AccessKind, AccessRef, BaseRef, Certainty, Value};

use super::{data, example, open, read};

/// An access as a mark writes it, without its line.
fn shown(access: &AccessRef<'_>) -> String {
    let Value::Masked { set, clear, unknown } = access.value else {
        return match (access.kind, access.value) {
            (AccessKind::Read, _) => format!("R {:x}", access.address),
            (AccessKind::Write, Value::Known(value)) => format!("W {:x} {value:x}", access.address),
            other => format!("{other:x?} {:x}", access.address),
        };
    };
    let open = if unknown == 0 { String::new() } else { format!("?{unknown:x}") };
    match access.kind {
        AccessKind::ReadModifyWrite => {
            format!("M {:x} +{set:x} -{clear:x}{open}", access.address)
        }
        _ => format!("W {:x} {set:x}{open}", access.address),
    }
}

fn marks(source: &str) -> BTreeSet<(u32, String)> {
    let lines = (1..).zip(source.lines());
    let marked = lines.filter_map(|(line, text)| Some((line, text.split_once("//=")?.1)));
    marked
        .flat_map(|(line, marks)| marks.split(';').map(move |mark| (line, mark.trim().to_owned())))
        .collect()
}

/// Compares an ELF's accesses with the marks. `merged` lists lines whose stores the compiler made
/// one: each of their addresses may stand at any of the lines.
fn check(elf: &str, merged: &[&str]) {
    let source = String::from_utf8(read(&data("registers.c"))).unwrap();
    let marks = marks(&source);
    let firmware = open(&data(elf));
    let found: BTreeSet<(u32, String)> =
        firmware.accesses().filter_map(|access| Some((access.line?, shown(&access)))).collect();
    let lines: Vec<&str> = source.lines().collect();
    let is_merged = |line: u32| merged.iter().any(|text| lines[line as usize - 1].contains(text));
    // What both say, with the lines that stand for each other taken for one.
    let shared = |set: &BTreeSet<(u32, String)>| -> BTreeSet<(u32, String)> {
        let line = |line: u32| if is_merged(line) { 0 } else { line };
        set.iter().map(|(at, shown)| (line(*at), shown.clone())).collect()
    };
    let (marks, found) = (shared(&marks), shared(&found));
    let wrong: Vec<_> = found.difference(&marks).collect();
    assert!(wrong.is_empty(), "{elf}: not in the source: {wrong:#?}");
    let missing: Vec<_> = marks.difference(&found).collect();
    assert!(missing.is_empty(), "{elf}: not found: {missing:#?}");
    for text in merged {
        assert!(lines.iter().any(|line| line.contains(text)), "{text} is not in the source");
    }
}

#[test]
fn cortex_m4_optimised() {
    check("m4-O2-dwarf5.elf", &[]);
}

#[test]
fn cortex_m4_plain() {
    // Without optimisation `usart_start` is a function of its own, with arguments.
    check("m4-O0-dwarf4.elf", &[]);
}

#[test]
fn cortex_m0_for_size() {
    // Two cases share one store.
    check("m0-Os-dwarf5.elf", &["USART1->SR = 0x10", "USART2->SR = 0;"]);
}

#[test]
fn cortex_m0_plain() {
    check("m0-O0-dwarf4.elf", &[]);
}

#[test]
fn the_line_that_writes_the_wrong_baud_rate() {
    const BAUDRATE: u64 = 0x4000_2524;
    for (elf, value, line) in [("faulty.elf", 115_200, 29), ("fixed.elf", 0x01d7_e000, 27)] {
        let firmware = open(&example(elf));
        let accesses = firmware.accesses_to(BAUDRATE);
        let [access] = accesses[..] else { panic!("{elf}: {accesses:#?}") };
        assert_eq!((access.kind, access.value), (AccessKind::Write, Value::Known(value)));
        assert_eq!((access.size_bytes, access.address), (4, BAUDRATE));
        assert_eq!((access.function, access.file), (Some("uart_init"), Some("uart.c")));
        assert_eq!(access.line, Some(line), "{elf}");
        assert_eq!(firmware.accesses_to(BAUDRATE + 3), accesses, "its last byte");
        assert!(firmware.accesses_to(BAUDRATE + 4).is_empty());
        assert!(firmware.accesses_in("uart_init").contains(&access));
    }
}

#[test]
fn an_inlined_access_belongs_to_every_function_around_it() {
    let firmware = open(&data("m4-O2-dwarf5.elf"));
    let mut accesses = firmware.accesses_to(0x4000_4408);
    accesses.retain(|access| access.function == Some("usart_start"));
    let [access] = accesses[..] else { panic!("{accesses:#?}") };
    let frames = firmware.frames_at(access.pc);
    let names: Vec<&str> = frames.iter().map(|frame| frame.function).collect();
    assert_eq!(names, ["usart_start", "start"]);
    assert!(frames[0].inlined && !frames[1].inlined);
    for function in ["usart_start", "start"] {
        assert!(firmware.accesses_in(function).contains(&access), "{function}");
    }
}

#[test]
fn a_shared_tail_has_the_bases_of_all_that_jump_there() {
    for elf in ["m4-O2-dwarf5.elf", "m0-Os-dwarf5.elf"] {
        let firmware = open(&data(elf));
        let accesses = firmware.accesses_in("owns_the_tail");
        let seen: Vec<_> = accesses
            .iter()
            .map(|access| (access.address, access.value, access.certainty))
            .collect();
        let expected = [
            (0x4001_100c, Value::Known(1), Certainty::Exact),
            (0x4000_4408, Value::Known(2), Certainty::Exact),
            (0x4001_1008, Value::Known(1), Certainty::Exact),
        ];
        assert_eq!(seen, expected, "{elf}");
        assert!(firmware.accesses_in("borrows_the_tail").is_empty(), "{elf}: it has none itself");
    }
}

/// An argument that no caller tells, and a variable that nobody fills: the type is known.
#[test]
fn what_is_not_known_has_its_type() {
    // An optimiser sees that nobody fills the variable.
    let cases: [(&str, &[u64]); 3] =
        [("m4-O2-dwarf5.elf", &[1]), ("m4-O0-dwarf4.elf", &[1, 2]), ("m0-Os-dwarf5.elf", &[1])];
    for (elf, values) in cases {
        let firmware = open(&data(elf));
        let here = |pc| firmware.frames_at(pc).iter().any(|frame| frame.function == "unknown");
        let loose: Vec<_> = firmware
            .loose_accesses()
            .filter(|access| here(access.pc))
            .map(|access| (access.base, access.kind, access.value))
            .collect();
        let member = BaseRef::Structure { name: "USART", offset: 8 };
        let stored = |&value| (member, AccessKind::Write, Value::Known(value));
        let expected: Vec<_> = values.iter().map(stored).collect();
        assert_eq!(loose, expected, "{elf}");
        assert!(firmware.accesses_in("unknown").is_empty(), "{elf}");
    }
    assert_eq!(open(&data("no-debug.elf")).loose_accesses().count(), 0, "no types, no guesses");
}

#[test]
fn a_stripped_firmware_is_read_from_its_vector_table() {
    let (whole, stripped) = (open(&data("m4-O2-dwarf5.elf")), open(&data("stripped.elf")));
    let reached = |address| !stripped.accesses_to(address).is_empty();
    assert!(reached(0x4002_3808), "clock_init");
    assert!(!reached(0x4000_0028), "choose is not reached from a vector");
    for access in stripped.accesses() {
        assert!(
            whole.accesses_to(access.address).iter().any(|same| {
                (same.pc, same.kind, same.value) == (access.pc, access.kind, access.value)
            }),
            "{access:#x?}"
        );
    }
}
