//! Reading a board that runs.

use std::time::{Duration, Instant};

use bundle::{CoreStatus, Fidelity, ReadOutcome, ReadPlan, ReadRequest, Skip};
use hil::HilError;
use object::{Object, ObjectSymbol};

use crate::parts;

const UART_ENABLE: u64 = 0x4000_2500;
const UART_RXD: u64 = 0x4000_2518;
const UART_BAUDRATE: u64 = 0x4000_2524;
const UNMAPPED: u64 = 0x3000_0000;

/// Address of a variable of the example firmware.
fn symbol(name: &str) -> u64 {
    let bytes = std::fs::read(parts::faulty_elf()).unwrap();
    let elf = object::File::parse(&*bytes).unwrap();
    elf.symbols().find(|symbol| symbol.name() == Ok(name)).unwrap().address()
}

fn word(address: u64) -> ReadRequest {
    ReadRequest { address, size_bits: 32 }
}

#[test]
fn counts_go_up_while_they_are_read() {
    let Some(mut board) = parts::running(&parts::faulty_elf()) else { return };
    // Until then the RAM still holds what the flash algorithm left there.
    let serial = board.serial().unwrap();
    assert!(serial.wait(Duration::from_secs(5), |seen| seen.ends_with(b"boot ok\r\n")));
    let ticks = symbol("heartbeat");
    let first = board.read(ticks, 32, 1).unwrap()[0];
    let begun = Instant::now();
    while board.read(ticks, 32, 1).unwrap()[0] < first + 3 {
        assert!(begun.elapsed() < Duration::from_secs(10), "no ticks");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(board.status().unwrap(), CoreStatus::Running);
}

#[test]
fn a_peripheral_shows_what_the_firmware_wrote() {
    let Some(mut board) = parts::running(&parts::faulty_elf()) else { return };
    let serial = board.serial().unwrap();
    assert!(serial.wait(Duration::from_secs(5), |seen| seen.ends_with(b"boot ok\r\n")));
    assert_eq!(board.read(UART_BAUDRATE, 32, 1).unwrap(), [115_200]);
    assert_eq!(board.fidelity(UART_BAUDRATE), Some(Fidelity::StoredOnly));
    assert_eq!(board.read(UART_ENABLE, 32, 1).unwrap(), [0], "although the firmware set it");
    assert_eq!(board.fidelity(UART_ENABLE), Some(Fidelity::NotModelled));
    assert_eq!(board.fidelity(UNMAPPED), None);
}

#[test]
fn every_width_reads_the_same_bytes() {
    let Some(mut board) = parts::running(&parts::faulty_elf()) else { return };
    let flash = std::fs::read(parts::faulty_elf()).unwrap();
    let elf = object::File::parse(&*flash).unwrap();
    let image = object::ObjectSegment::data(&elf.segments().next().unwrap()).unwrap();
    for (size_bits, count) in [(8, 32), (16, 16), (32, 8), (64, 4)] {
        let size = size_bits as usize / 8;
        let expected: Vec<u64> = image[..32]
            .chunks(size)
            .map(|bytes| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
            .collect();
        assert_eq!(board.read(0, size_bits, count).unwrap(), expected, "{size_bits} bits");
    }
    assert_eq!(board.read(1, 8, 1).unwrap(), [u64::from(image[1])]);
    assert_eq!(board.read(2, 16, 1).unwrap(), [u64::from(image[2]) | u64::from(image[3]) << 8]);
}

#[test]
fn what_is_not_there_is_an_error_and_not_zero() {
    let Some(mut board) = parts::running(&parts::faulty_elf()) else { return };
    let error = board.read(UNMAPPED, 32, 1).unwrap_err();
    assert!(matches!(error, HilError::Read { address: UNMAPPED, size_bits: 32, .. }), "{error:?}");
    assert_eq!(error.to_string(), "read 0x30000000 (32 bits)");
    board.read(0x2000_3ffc, 32, 2).unwrap_err();
    board.read(0x2000_3ffc, 32, 1).unwrap();
    for (address, size_bits) in [(0x2000_0002, 32), (0x2000_0001, 16), (0x2000_0000, 12)] {
        let error = board.read(address, size_bits, 1).unwrap_err();
        assert!(matches!(error, HilError::BadRead { .. }), "{error:?}");
    }
    assert_eq!(board.status().unwrap(), CoreStatus::Running, "a fault stops nothing");
}

#[test]
fn a_snapshot_loses_only_what_cannot_be_read() {
    let Some(mut board) = parts::running(&parts::faulty_elf()) else { return };
    let serial = board.serial().unwrap();
    assert!(serial.wait(Duration::from_secs(5), |seen| seen.ends_with(b"boot ok\r\n")));
    let why = "reading it takes a byte out of the receiver".to_owned();
    let ram_end = 0x2000_4000;
    let plan = ReadPlan {
        registers: vec![word(UNMAPPED), word(UART_BAUDRATE)],
        skipped: vec![Skip { request: word(UART_RXD), why: why.clone() }],
        memory: [symbol("heartbeat")..symbol("heartbeat") + 8, ram_end..ram_end + 4].to_vec(),
        halt_for_core: false,
    };
    let snapshot = board.snapshot(&plan).unwrap();
    assert_eq!(snapshot.board, *board.identity());
    let [unmapped, baudrate, rxd] = snapshot.registers.as_slice() else {
        panic!("three registers")
    };
    assert!(matches!(&unmapped.outcome, ReadOutcome::Failed { why } if why.contains("FAULT")));
    assert_eq!(baudrate.value(), Some(115_200));
    assert_eq!(baudrate.fidelity, Some(Fidelity::StoredOnly));
    assert_eq!(rxd.outcome, ReadOutcome::Skipped { why });
    assert_eq!(snapshot.memory.len(), 1, "the range past the RAM is left out");
    assert_eq!(snapshot.memory[0].bytes.len(), 8);
    let [core] = snapshot.cores.as_slice() else { panic!("one core") };
    assert_eq!((&core.status, core.registers.len()), (&CoreStatus::Running, 0), "left alone");
    let [log] = snapshot.logs.as_slice() else { panic!("one UART") };
    assert!(log.raw.starts_with(b"uart-baud: boot ok\r\n"));
    assert_eq!(
        (log.channel.as_str(), log.records[0].text.as_str()),
        ("uart0", "uart-baud: boot ok")
    );
}

#[test]
fn a_snapshot_halts_only_if_told_and_lets_the_core_run_on() {
    let Some(mut board) = parts::running(&parts::faulty_elf()) else { return };
    let plan = ReadPlan { halt_for_core: true, ..ReadPlan::default() };
    let snapshot = board.snapshot(&plan).unwrap();
    let core = &snapshot.cores[0];
    assert_eq!(core.status, CoreStatus::Running, "what it did before");
    let pc = core.registers.iter().find(|register| register.name == "PC").unwrap().value.unwrap();
    assert!((0xc0..0x1000).contains(&pc), "{pc:#x}");
    assert_eq!(board.status().unwrap(), CoreStatus::Running);
    board.halt().unwrap();
    board.snapshot(&plan).unwrap();
    assert!(matches!(board.status().unwrap(), CoreStatus::Halted { .. }), "halted it stays");
}
