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
