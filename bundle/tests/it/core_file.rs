//! ELF core files: what is written comes back, and what is none is refused.

use bundle::*;

fn snapshot() -> Snapshot {
    let names = "R0 R1 R2 R3 R4 R5 R6 R7 R8 R9 R10 R11 R12 SP LR PC xPSR".split(' ');
    let registers = names
        .enumerate()
        .map(|(index, name)| CoreRegister {
            name: name.to_owned(),
            value: Some(0x0101 * index as u64),
        })
        .collect();
    let value = ReadOutcome::Value { value: 0x8200 };
    Snapshot {
        board: BoardId {
            selector: "virtual:microbit".to_owned(),
            chip: "nRF51822_xxAA".to_owned(),
            virtual_board: None,
        },
        taken_at_unix_ms: 1,
        cores: vec![CoreState {
            index: 0,
            status: CoreStatus::Halted { reason: "vector catch".to_owned() },
            thread: None,
            registers,
        }],
        registers: vec![RegisterRead {
            address: 0xe000_ed28,
            size_bits: 32,
            outcome: value,
            fidelity: None,
        }],
        memory: vec![MemoryRange { address: 0x2000_0000, bytes: (0..64).collect() }],
        logs: Vec::new(),
    }
}

#[test]
fn registers_and_memory_come_back() {
    let written = snapshot();
    let back = read_core_file(&write_core_file(&written).unwrap()).unwrap();
    assert_eq!(back.cores[0].registers, written.cores[0].registers);
    assert_eq!(back.memory, written.memory);
    assert_eq!(back.registers, written.registers);
}

#[test]
fn a_running_core_makes_no_core_file() {
    let mut running = snapshot();
    running.cores[0].registers.clear();
    let error = write_core_file(&running).unwrap_err();
    assert_eq!(error.to_string(), "write a core file: no core of this snapshot was halted");
}

#[test]
fn no_prefix_of_a_core_file_panics() {
    let bytes = write_core_file(&snapshot()).unwrap();
    for end in 0..bytes.len() {
        // What can be read of it is read.
        let _ = read_core_file(&bytes[..end]);
    }
    assert!(read_core_file(b"\x7fELF").is_err());
}

/// An ELF core file of this machine with these notes: name, type and description.
fn noted(machine: u16, notes: &[(&str, u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = write_core_file(&snapshot()).unwrap();
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    let word = |bytes: &mut Vec<u8>, value: usize| bytes.extend((value as u32).to_le_bytes());
    let mut noted = Vec::new();
    for (name, kind, description) in notes {
        word(&mut noted, name.len() + 1);
        word(&mut noted, description.len());
        word(&mut noted, *kind as usize);
        noted.extend(name.as_bytes());
        noted.resize((noted.len() + 1).next_multiple_of(4), 0);
        noted.extend(description);
        noted.resize(noted.len().next_multiple_of(4), 0);
    }
    // The first program header is that of the notes: it gets others, behind all the rest.
    let at = bytes.len().next_multiple_of(4);
    bytes.resize(at, 0);
    bytes[56..60].copy_from_slice(&(at as u32).to_le_bytes());
    bytes[68..72].copy_from_slice(&(noted.len() as u32).to_le_bytes());
    bytes.extend(noted);
    bytes
}

/// A PRSTATUS of a task with this handle, whose words are numbered from `first`.
fn status(handle: u32, first: u32, words: u32) -> Vec<u8> {
    let mut status = vec![0; 72];
    status[24..28].copy_from_slice(&handle.to_le_bytes());
    (first..first + words).for_each(|word| status.extend(word.to_le_bytes()));
    status
}

#[test]
fn the_task_that_crashed_comes_first_and_says_why() {
    let core = noted(
        243,
        &[
            ("CORE", 1, status(0x3fc8_f38c, 100, 32)),
            ("CORE", 1, status(0x3fc8_ec30, 200, 32)),
            ("ESP_EXTRA_INFO", 677, [0x3fc8_ec30_u32.to_le_bytes(), [0; 4]].concat()),
            ("ESP_PANIC_DETAILS", 679, b"abort() was called\0\0".to_vec()),
        ],
    );
    let found = read_core_file(&core).unwrap();
    assert_eq!(found.board.chip, "RISC-V");
    let thread = found.cores[0].thread.as_ref().unwrap();
    assert_eq!((thread.handle, thread.crashed), (0x3fc8_ec30, true));
    assert_eq!(thread.label(), "task 0x3fc8ec30, which crashed");
    assert_eq!(
        found.cores[0].status,
        CoreStatus::Halted { reason: "abort() was called".to_owned() }
    );
    let value = |core: usize, name: &str| {
        found.cores[core].registers.iter().find(|register| register.name == name).unwrap().value
    };
    assert_eq!((value(0, "PC"), value(0, "x31")), (Some(200), Some(231)));
    assert_eq!((value(1, "PC"), found.cores[1].index), (Some(100), 0), "in the file it is first");
}

#[test]
fn a_core_of_xtensa_has_its_window() {
    let found = read_core_file(&noted(94, &[("CORE", 1, status(1, 0, 129))])).unwrap();
    let value = |name: &str| {
        found.cores[0].registers.iter().find(|register| register.name == name).unwrap().value
    };
    assert_eq!((value("PC"), value("A0"), value("A15")), (Some(0), Some(64), Some(79)));
    assert!(found.cores[0].thread.is_none(), "nobody says that it is a task");
}

#[test]
fn a_core_of_hubris_tells_registers_by_number() {
    let pairs = [(0, 7), (15, 0x0800_1234), (17, 0x2000_1000), (20, 0x0200_0001), (33, 9), (99, 1)];
    let pairs: Vec<u8> = pairs
        .iter()
        .flat_map(|(number, value): &(u32, u32)| {
            [number.to_le_bytes(), value.to_le_bytes()].concat()
        })
        .collect();
    let core = noted(40, &[("Oxide Computer Company", (0x1de << 20) + 2, pairs)]);
    let found = read_core_file(&core).unwrap();
    let names: Vec<(&str, u64)> = found.cores[0]
        .registers
        .iter()
        .map(|register| (register.name.as_str(), register.value.unwrap()))
        .collect();
    let expected = [
        ("R0", 7),
        ("PC", 0x0800_1234),
        ("MSP", 0x2000_1000),
        ("CONTROL", 2),
        ("FAULTMASK", 0),
        ("BASEPRI", 0),
        ("PRIMASK", 1),
        ("FPSCR", 9),
    ];
    assert_eq!(names, expected);
}
