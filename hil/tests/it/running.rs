//! Flash, reset, run, halt, step, and what the UART says meanwhile.

use std::io::Read;
use std::time::Duration;

use bundle::CoreStatus;
use hil::{Board, FlashStage};

use crate::firmware::{self, BACK, BKPT, NOP, SELF, UDF, WFI};
use crate::parts;

const SECONDS: Duration = Duration::from_secs(5);

fn core_register(board: &mut Board, name: &str) -> Option<u64> {
    let registers = board.core_registers().unwrap();
    registers.iter().find(|register| register.name == name).unwrap().value
}

/// Waits until the core stops by itself and gives the reason.
fn wait_halted(board: &mut Board) -> String {
    for _ in 0..500 {
        if let CoreStatus::Halted { reason } = board.status().unwrap() {
            return reason;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the core does not halt");
}

#[test]
fn attaches_to_a_halted_core_with_blank_flash() {
    let Some(mut board) = parts::microbit() else { return };
    assert!(matches!(board.status().unwrap(), CoreStatus::Halted { .. }));
    assert_eq!(board.read(0, 32, 2).unwrap(), [0xffff_ffff; 2]);
    let id = board.identity();
    assert_eq!(id.selector, "virtual:microbit");
    assert_eq!(id.chip, "nRF51822_xxAA");
    let emulator = id.virtual_board.as_ref().unwrap();
    assert_eq!(emulator.machine, "microbit");
    assert!(emulator.qemu.starts_with(|c: char| c.is_ascii_digit()), "{}", emulator.qemu);
}

#[test]
fn flashes_with_the_chips_own_algorithm_and_verifies() {
    let Some(mut board) = parts::microbit() else { return };
    let mut stages = Vec::new();
    board
        .flash(&parts::faulty_elf(), &mut |progress| {
            if let Some(total) = progress.total {
                assert!(progress.done <= total, "{progress:?}");
            }
            if stages.last() != Some(&progress.stage) {
                stages.push(progress.stage);
            }
        })
        .unwrap();
    assert_eq!(stages, [FlashStage::Erase, FlashStage::Program, FlashStage::Verify]);
    let vectors = board.read(0, 32, 2).unwrap();
    assert_eq!(vectors[0], 0x2000_4000, "initial stack pointer");
    let pc = board.reset_and_halt().unwrap();
    assert_eq!(pc, vectors[1] & !1, "stands before the first instruction");
    assert_eq!(core_register(&mut board, "SP"), Some(vectors[0]));
}

#[test]
fn flashing_twice_replaces_what_was_there() {
    let Some(mut board) = parts::running(&parts::faulty_elf()) else { return };
    let other = firmware::elf(&[NOP, SELF]);
    board.flash(other.path(), &mut |_| ()).unwrap();
    assert_eq!(board.read(0xc0, 16, 2).unwrap(), [u64::from(NOP), u64::from(SELF)]);
    assert_eq!(board.read(0x100, 32, 1).unwrap(), [0xffff_ffff], "the rest of the page is blank");
}

#[test]
fn boot_text_reaches_whoever_opens_the_terminal_later() {
    let Some(board) = parts::running(&parts::faulty_elf()) else { return };
    let serial = board.serial().unwrap();
    let text = "uart-baud: boot ok\r\n";
    assert!(serial.wait(SECONDS, |seen| seen.starts_with(text.as_bytes())));
    let mut terminal = std::fs::File::open(serial.path()).unwrap();
    let mut seen = vec![0; text.len()];
    terminal.read_exact(&mut seen).unwrap();
    assert_eq!(String::from_utf8_lossy(&seen), text);
    assert_eq!(serial.name(), "UART0");
    assert_eq!(serial.forgotten(), 0);
}

#[test]
fn halts_steps_through_a_sleep_and_runs_on() {
    let Some(mut board) = parts::running(&parts::faulty_elf()) else { return };
    let serial = board.serial().unwrap();
    assert!(serial.wait(SECONDS, |seen| seen.ends_with(b"tick 00000001\r\n")));
    // Now there is nothing to do for a quarter second, so this halts it inside WFI.
    std::thread::sleep(Duration::from_millis(50));
    let pc = board.halt().unwrap();
    assert_eq!(core_register(&mut board, "PC"), Some(pc));
    let before_pc = board.read(pc - 2, 16, 1).unwrap()[0];
    assert_eq!(before_pc, u64::from(WFI), "halted at {pc:#x}");
    let mut sleeps = 0;
    let mut at = pc;
    for _ in 0..200 {
        sleeps += u32::from(board.read(at, 16, 1).unwrap()[0] == u64::from(WFI));
        at = board.step().unwrap();
    }
    assert!(sleeps > 0, "200 steps lead around the loop and over WFI");
    board.run().unwrap();
    assert_eq!(board.status().unwrap(), CoreStatus::Running);
    let so_far = serial.bytes().len();
    assert!(serial.wait(SECONDS, |seen| seen.len() > so_far), "ticks go on");
}

#[test]
fn a_sleep_that_nothing_ends_can_be_halted_and_stepped() {
    let endless_sleep = firmware::elf(&[WFI, BACK]);
    let Some(mut board) = parts::running(endless_sleep.path()) else { return };
    for _ in 0..3 {
        let pc = board.halt().unwrap();
        assert!((0xc0..0xc4).contains(&pc), "{pc:#x}");
        board.step().unwrap();
        board.step().unwrap();
        board.run().unwrap();
    }
}

#[test]
fn a_breakpoint_instruction_halts() {
    let stops = firmware::elf(&[NOP, BKPT, NOP, SELF]);
    let Some(mut board) = parts::running(stops.path()) else { return };
    assert_eq!(wait_halted(&mut board), "breakpoint");
    assert_eq!(core_register(&mut board, "PC"), Some(0xc2));
    board.run().unwrap();
    assert_eq!(board.status().unwrap(), CoreStatus::Running, "run goes past it");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(board.halt().unwrap(), 0xc6, "in the loop behind it");
}

#[test]
fn a_lockup_is_named_and_a_reset_ends_it() {
    let faults_in_its_handler = firmware::elf(&[NOP, UDF]);
    let Some(mut board) = parts::running(faults_in_its_handler.path()) else { return };
    let mut status = board.status().unwrap();
    for _ in 0..500 {
        if status == CoreStatus::LockedUp {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        status = board.status().unwrap();
    }
    assert_eq!(status, CoreStatus::LockedUp);
    let last_words = board.post_mortem().unwrap();
    assert!(last_words.contains("R15=000000c2"), "{last_words}");
    board.read(0x2000_0000, 32, 1).unwrap_err();
    let pc = board.reset_and_halt().unwrap();
    assert_eq!(pc, 0xc0, "the flash survived");
    assert_eq!(board.read(0x2000_0000, 32, 1).unwrap(), [0]);
    board.run().unwrap();
    assert_eq!(board.wait_halted(SECONDS).unwrap(), Some(CoreStatus::LockedUp));
    board.flash(&parts::faulty_elf(), &mut |_| ()).unwrap();
    board.reset().unwrap();
    assert!(board.serial().unwrap().wait(SECONDS, |seen| seen.starts_with(b"uart-baud: boot ok")));
}

#[test]
fn firmware_that_resets_itself_goes_on_running() {
    // LDR R2, =0x20000000; LDR R3, [R2]; ADDS R3, #1; STR R3, [R2]; LDR R0, =AIRCR;
    // LDR R1, =VECTKEY | SYSRESETREQ; STR R1, [R0]; B .
    let code = [0x4a03, 0x6813, 0x3301, 0x6013, 0x4802, 0x4903, 0x6001, SELF];
    let constants = [0x0000, 0x2000, 0xed0c, 0xe000, 0x0004, 0x05fa];
    let resets = firmware::elf(&[&code[..], &constants[..]].concat());
    let Some(mut board) = parts::running(resets.path()) else { return };
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..100 {
        seen.insert(board.read(0x2000_0000, 32, 1).unwrap()[0]);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(seen.len() > 3, "it counts its resets: {seen:?}");
    assert_eq!(board.status().unwrap(), CoreStatus::Running);
    board.halt().unwrap();
    board.flash(&parts::faulty_elf(), &mut |_| ()).unwrap();
    board.reset().unwrap();
    assert!(board.serial().unwrap().wait(SECONDS, |seen| seen.starts_with(b"uart-baud: boot ok")));
}

#[test]
fn every_register_of_a_halted_core_has_a_value() {
    let Some(mut board) = parts::microbit() else { return };
    board.flash(&parts::faulty_elf(), &mut |_| ()).unwrap();
    board.reset_and_halt().unwrap();
    let registers = board.core_registers().unwrap();
    let names: Vec<&str> = registers.iter().map(|register| register.name.as_str()).collect();
    let expected =
        "R0 R1 R2 R3 R4 R5 R6 R7 R8 R9 R10 R11 R12 SP LR PC MSP PSP xPSR CONTROL PRIMASK";
    assert_eq!(names.join(" "), expected);
    assert!(registers.iter().all(|register| register.value.is_some()), "{registers:?}");
    assert_eq!(core_register(&mut board, "xPSR").map(|xpsr| xpsr & 1 << 24), Some(1 << 24));
}

#[test]
fn a_running_core_keeps_its_registers_to_itself() {
    let Some(mut board) = parts::running(&parts::faulty_elf()) else { return };
    let error = board.core_registers().unwrap_err();
    assert!(matches!(error, hil::HilError::NotHalted), "{error}");
    assert_eq!(board.status().unwrap(), CoreStatus::Running, "and was not halted for asking");
}
