//! What happens to a board from outside, and the rules of its flash.

use std::time::{Duration, Instant};

use vbench::{Ack, Bench, BenchError, BenchOptions, DapRegister, FlashAlgorithm};

use crate::parts;

fn start(board: &str) -> Option<Bench> {
    let machine = parts::board(board)?;
    Some(Bench::start(machine, &BenchOptions::default()).unwrap())
}

fn read(bench: &mut Bench, address: u64) -> u32 {
    bench.write(DapRegister::Ap(4), address as u32).unwrap();
    match bench.read(DapRegister::Ap(12)).unwrap() {
        Ack::Ok(value) => value,
        Ack::Fault => panic!("{address:#x} faults"),
    }
}

fn write(bench: &mut Bench, address: u64, value: u32) {
    bench.write(DapRegister::Ap(4), address as u32).unwrap();
    assert_eq!(bench.write(DapRegister::Ap(12), value).unwrap(), Ack::Ok(()));
}

#[test]
fn pins_are_driven_and_a_pin_that_is_not_there_is_named() {
    let Some(mut bench) = start("microbit") else { return };
    let inputs = 0x5000_0510;
    for pin in [0, 17, 31] {
        bench.set_pin(pin, true).unwrap();
        assert_eq!(read(&mut bench, inputs), 1 << pin);
        bench.set_pin(pin, false).unwrap();
        assert_eq!(read(&mut bench, inputs), 0);
    }
    let error = bench.set_pin(32, true).unwrap_err();
    assert_eq!(error.to_string(), "drive pin 32 of `microbit`: it has none");
    let Some(mut bench) = start("netduinoplus2") else { return };
    assert!(matches!(bench.set_pin(0, true), Err(BenchError::NotThere { .. })));
}

#[test]
fn bytes_reach_the_uart() {
    let Some(mut bench) = start("netduinoplus2") else { return };
    let (status, data, control) = (0x4001_1000, 0x4001_1004, 0x4001_100c);
    write(&mut bench, control, 0x200c); // UE, TE, RE
    bench.send_serial(b"k").unwrap();
    let begun = Instant::now();
    while read(&mut bench, status) & 0x20 == 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "RXNE");
    }
    assert_eq!(read(&mut bench, data), u32::from(b'k'));
}

#[test]
fn memory_loses_its_content_as_told() {
    for (board, flash) in [("microbit", 0x100), ("netduinoplus2", 0x0800_0100)] {
        let Some(mut bench) = start(board) else { return };
        write(&mut bench, 0x2000_0100, 0x1111_1111);
        bench.corrupt(0x2000_0101, &[0xee]).unwrap();
        assert_eq!(read(&mut bench, 0x2000_0100), 0x1111_ee11, "{board}");
        assert_eq!(read(&mut bench, flash), 0xffff_ffff, "{board}");
        bench.corrupt(flash, &[1, 2, 3, 4]).unwrap();
        assert_eq!(read(&mut bench, flash), 0x0403_0201, "{board}");
        let nowhere = bench.corrupt(0x3000_0000, &[0]).unwrap_err();
        assert!(matches!(nowhere, BenchError::NotThere { .. }), "{nowhere:?}");
    }
}

/// Calls a function of the flash algorithm as a debugger does, and gives its result.
fn call(bench: &mut Bench, offset: u64, arguments: [u32; 3]) -> u32 {
    let (dhcsr, dcrsr, dcrdr) = (0xe000_edf0, 0xe000_edf4, 0xe000_edf8);
    let (bkpt, code) = (0x2000_0000u32, 0x2000_0004u32);
    write(bench, bkpt.into(), 0xbe00_be00);
    let stubs = FlashAlgorithm::stubs().code;
    for (at, four) in (u64::from(code)..).step_by(4).zip(stubs.chunks(4)) {
        write(bench, at, u32::from_le_bytes(four.try_into().unwrap()));
    }
    write(bench, dhcsr, 0xa05f_0003);
    let registers = [(0, arguments[0]), (1, arguments[1]), (2, arguments[2]), (14, bkpt | 1)];
    for (register, value) in registers.into_iter().chain([(15, code + offset as u32)]) {
        write(bench, dcrdr, value);
        write(bench, dcrsr, 1 << 16 | register);
    }
    write(bench, dhcsr, 0xa05f_0001);
    assert_ne!(read(bench, dhcsr) & 1 << 17, 0, "halted where it returns to");
    write(bench, dcrsr, 15);
    assert_eq!(read(bench, dcrdr), bkpt);
    write(bench, dcrsr, 0);
    read(bench, dcrdr)
}

#[test]
fn flash_turns_no_0_into_a_1_but_by_erasing_its_whole_sector() {
    let Some(mut bench) = start("netduinoplus2") else { return };
    let stubs = FlashAlgorithm::stubs();
    let (flash, buffer) = (0x0800_0000u32, 0x2000_1000u32);
    let program = |bench: &mut Bench, at: u32, value: u32| {
        write(bench, buffer.into(), value);
        call(bench, stubs.program_page, [at, 4, buffer])
    };
    assert_eq!(call(&mut bench, stubs.init, [flash, 0, 2]), 0);
    assert_eq!(program(&mut bench, flash, 0xffff_00ff), 0);
    assert_eq!(program(&mut bench, flash, 0x1234_5678), 0);
    assert_eq!(read(&mut bench, flash.into()), 0x1234_0078, "bits are cleared only");
    let next_sector = flash + 0x4000;
    assert_eq!(program(&mut bench, next_sector, 0), 0);
    assert_eq!(call(&mut bench, stubs.erase_sector, [flash + 0x3ffc, 0, 0]), 0);
    assert_eq!(read(&mut bench, flash.into()), 0xffff_ffff);
    assert_eq!(read(&mut bench, next_sector.into()), 0, "the next sector is left alone");
    assert_eq!(call(&mut bench, stubs.erase_all, [0, 0, 0]), 0);
    assert_eq!(read(&mut bench, next_sector.into()), 0xffff_ffff);
    assert_ne!(call(&mut bench, stubs.erase_sector, [0x2000_0000, 0, 0]), 0, "no flash");
    assert_ne!(program(&mut bench, 0x0810_0000, 0), 0, "past the end");
}
