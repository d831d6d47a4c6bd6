//! What a debugger does with a board, on every virtual board, with the firmware that
//! `vbench/firmware/` builds for each.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bundle::CoreStatus;
use hil::{Board, Deadlines, HilError, Selector};
use object::{Object, ObjectSymbol};

use crate::parts;

const BOARDS: &[&str] =
    &["microbit", "netduinoplus2", "olimex-stm32-h405", "b-l475e-iot01a", "mps2-an385"];

const SECONDS: Duration = Duration::from_secs(5);

/// What the firmware can be told to do; the same list as in `check.c`.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Wish {
    ReadUnmapped = 1,
    Undefined,
    LockUp,
    Break,
    Say,
    Exit,
    Reset,
    ProcessStack,
    DivideByZero,
    Floats,
}

/// A board that has just printed that it is up, and where its firmware's symbols are.
struct Checked {
    name: &'static str,
    board: Board,
    elf: Vec<u8>,
}

fn firmware(board: &str) -> PathBuf {
    // Two boards with one chip.
    let name = if board == "olimex-stm32-h405" { "netduinoplus2" } else { board };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../vbench/firmware");
    PathBuf::from(folder).join(format!("{name}.elf"))
}

impl Checked {
    fn start(name: &'static str) -> Option<Checked> {
        let selector = Selector::Virtual(name.to_owned());
        if !parts::can_run(&selector) {
            return None;
        }
        let mut board = Board::open(&selector, None, &Deadlines::default()).unwrap();
        board.flash(&firmware(name), &mut |_| ()).unwrap();
        board.reset().unwrap();
        let mut checked = Checked { name, board, elf: std::fs::read(firmware(name)).unwrap() };
        checked.wait_for_ticks();
        Some(checked)
    }

    fn all() -> impl Iterator<Item = Checked> {
        BOARDS.iter().copied().filter_map(Checked::start)
    }

    fn symbol(&self, name: &str) -> u64 {
        let elf = object::File::parse(&*self.elf).unwrap();
        elf.symbols().find(|symbol| symbol.name() == Ok(name)).unwrap().address() & !1
    }

    fn variable(&mut self, name: &str) -> u64 {
        let address = self.symbol(name);
        self.board.read(address, 32, 1).unwrap()[0]
    }

    fn wish(&mut self, wish: Wish) {
        let address = self.symbol("wish");
        self.board.write(address, 32, &[wish as u64]).unwrap();
    }

    fn halted(&mut self) -> String {
        match self.board.wait_halted(SECONDS).unwrap() {
            Some(CoreStatus::Halted { reason }) => reason,
            other => panic!("{}: {other:?}", self.name),
        }
    }

    fn register(&mut self, name: &str) -> Option<u64> {
        let registers = self.board.core_registers().unwrap();
        registers.iter().find(|register| register.name == name).unwrap().value
    }

    fn wait_for_ticks(&mut self) {
        let begun = Instant::now();
        let mut last = self.variable("ticks");
        loop {
            std::thread::sleep(Duration::from_millis(15));
            let now = self.variable("ticks");
            // RAM holds what the flash algorithm left there until the start-up code has run.
            if (1..1000).contains(&now.wrapping_sub(last)) {
                return;
            }
            assert!(begun.elapsed() < SECONDS, "{}: no ticks", self.name);
            last = now;
        }
    }
}

#[test]
fn prints_and_logs_from_the_first_byte_on() {
    for mut checked in Checked::all() {
        let serial = checked.board.serial().unwrap();
        assert!(serial.wait(SECONDS, |seen| seen == b"check: boot ok\r\n"), "{}", checked.name);
        let rtt = checked.symbol("rtt");
        let id = checked.board.read(rtt, 8, 10).unwrap();
        assert_eq!(id, b"SEGGER RTT".map(u64::from));
        let begin = checked.symbol("rtt_buffer");
        let text: Vec<u8> =
            checked.board.read(begin, 8, 13).unwrap().iter().map(|&b| b as u8).collect();
        assert_eq!(String::from_utf8(text).unwrap(), "tick 00000001", "{}", checked.name);
        assert_eq!(checked.board.status().unwrap(), CoreStatus::Running);
    }
}

#[test]
fn breakpoints_halt_before_their_instruction_each_time() {
    for mut checked in Checked::all() {
        let tick = checked.symbol("tick");
        checked.board.set_breakpoint(tick).unwrap();
        assert_eq!(checked.halted(), "breakpoint", "{}", checked.name);
        assert_eq!(checked.register("PC"), Some(tick));
        let (before, after) = (checked.variable("ticks"), checked.board.step().unwrap());
        assert!(after > tick && after < tick + 8, "{after:#x}");
        checked.board.run().unwrap();
        assert_eq!(checked.halted(), "breakpoint");
        assert_eq!(checked.register("PC"), Some(tick));
        assert!(checked.variable("ticks") > before, "{} went round", checked.name);
        checked.board.clear_breakpoint(tick).unwrap();
        checked.board.run().unwrap();
        checked.wait_for_ticks();
    }
}

#[test]
fn breakpoints_are_as_many_as_the_chip_has() {
    for (mut checked, count) in Checked::all().zip([4, 6]) {
        let tick = checked.symbol("Default_Handler");
        for number in 0..count {
            checked.board.set_breakpoint(tick + 2 * number).unwrap();
        }
        let error = checked.board.set_breakpoint(tick + 2 * count).unwrap_err();
        assert!(matches!(error, HilError::Core { .. }), "{}: {error:?}", checked.name);
    }
}

#[test]
fn watchpoints_halt_after_the_access() {
    for mut checked in Checked::all() {
        let watched = checked.symbol("watched");
        let board = &mut checked.board;
        let (demcr, comparator) = (0xe000_edfc, 0xe000_1020);
        board.halt().unwrap();
        let before = board.read(demcr, 32, 1).unwrap()[0];
        board.write(demcr, 32, &[before | 1 << 24]).unwrap();
        board.write(comparator, 32, &[watched, 2, 6]).unwrap();
        board.run().unwrap();
        assert_eq!(checked.halted(), "watchpoint", "{}", checked.name);
        let pc = checked.register("PC").unwrap();
        let tick = checked.symbol("tick");
        assert!((tick..tick + 64).contains(&pc), "{}: {pc:#x}", checked.name);
        // Before the access, the next instruction would be the one that writes.
        let written = checked.variable("watched");
        checked.board.step().unwrap();
        assert_eq!(checked.variable("watched"), written, "{}: it was written", checked.name);
        let function = checked.board.read(comparator + 8, 32, 1).unwrap()[0];
        assert_ne!(function & 1 << 24, 0, "MATCHED");
        checked.board.write(comparator + 8, 32, &[0]).unwrap();
        checked.board.run().unwrap();
        checked.wait_for_ticks();
    }
}

#[test]
fn breakpoint_instructions_and_semihosting_halt_and_are_told_apart() {
    for mut checked in Checked::all() {
        checked.wish(Wish::Break);
        assert_eq!(checked.halted(), "breakpoint", "{}", checked.name);
        let pc = checked.register("PC").unwrap();
        assert_eq!(checked.board.read(pc, 16, 1).unwrap(), [0xbe01]);
        checked.board.run().unwrap();
        checked.wait_for_ticks();

        checked.wish(Wish::Say);
        assert_eq!(checked.halted(), "semihosting", "{}", checked.name);
        assert_eq!(checked.register("R0"), Some(4), "SYS_WRITE0");
        let text = checked.register("R1").unwrap();
        let said = checked.board.read(text, 8, 4).unwrap();
        assert_eq!(said, b"said".map(u64::from));
        checked.board.run().unwrap();
        checked.wait_for_ticks();

        checked.wish(Wish::Exit);
        assert_eq!(checked.halted(), "semihosting", "{}", checked.name);
        assert_eq!(checked.register("R0"), Some(0x18), "SYS_EXIT");
    }
}

#[test]
fn a_fault_runs_its_handler_or_is_caught_at_its_entry() {
    for mut checked in Checked::all() {
        let handler = checked.symbol("HardFault_Handler");
        checked.wish(Wish::Undefined);
        assert_eq!(checked.board.wait_halted(Duration::from_millis(100)).unwrap(), None);
        let pc = checked.board.halt().unwrap();
        assert!((handler..handler + 20).contains(&pc), "{}: {pc:#x}", checked.name);

        checked.board.reset().unwrap();
        checked.wait_for_ticks();
        checked.board.halt().unwrap();
        checked.board.catch_faults(true).unwrap();
        checked.board.run().unwrap();
        checked.wish(Wish::ReadUnmapped);
        assert_eq!(checked.halted(), "vector catch", "{}", checked.name);
        assert_eq!(checked.register("PC"), Some(handler));
        assert_eq!(checked.register("xPSR").unwrap() & 0x1ff, 3, "HardFault");
        // The frame that the exception left: r0-r3, r12, lr, pc, xpsr.
        let frame = checked.register("SP").unwrap();
        assert_eq!(checked.register("MSP"), Some(frame));
        let faulted = checked.board.read(frame + 4 * 6, 32, 1).unwrap()[0];
        let read_unmapped = checked.symbol("read_unmapped");
        assert!((read_unmapped..read_unmapped + 16).contains(&faulted), "{faulted:#x}");
        if checked.name != "microbit" {
            let cfsr_hfsr = checked.board.read(0xe000_ed28, 32, 2).unwrap();
            assert_eq!(cfsr_hfsr, [0x8200, 0x4000_0000], "BFARVALID, PRECISERR; FORCED");
            assert_eq!(checked.board.read(0xe000_ed38, 32, 1).unwrap(), [0x3000_0000], "BFAR");
        }
    }
}

#[test]
fn a_usage_fault_is_caught_by_its_own_bit() {
    let Some(mut checked) = Checked::start("netduinoplus2") else { return };
    checked.board.halt().unwrap();
    checked.board.catch_faults(true).unwrap();
    checked.board.run().unwrap();
    checked.wish(Wish::DivideByZero);
    assert_eq!(checked.halted(), "vector catch");
    assert_eq!(checked.register("PC"), Some(checked.symbol("UsageFault_Handler")));
    assert_eq!(checked.board.read(0xe000_ed28, 32, 1).unwrap(), [1 << 25], "DIVBYZERO");
}

#[test]
fn a_lockup_is_named_and_a_reset_brings_the_board_back() {
    for mut checked in Checked::all() {
        checked.wish(Wish::LockUp);
        assert_eq!(checked.board.wait_halted(SECONDS).unwrap(), Some(CoreStatus::LockedUp));
        assert!(checked.board.post_mortem().unwrap().contains("R15="), "{}", checked.name);
        // What is left of it: the registers it died with.
        let handler = checked.symbol("HardFault_Handler");
        checked.board.halt().unwrap();
        let pc = checked.register("PC").unwrap();
        assert!((handler..handler + 20).contains(&pc), "{}: {pc:#x}", checked.name);
        assert_eq!(checked.register("xPSR").unwrap() & 0x1ff, 3, "{}", checked.name);
        assert_eq!(checked.register("MSP"), None, "{}", checked.name);
        let ticks = checked.symbol("ticks");
        assert!(matches!(checked.board.read(ticks, 32, 1), Err(HilError::Bench(_))));

        checked.board.reset().unwrap();
        checked.wait_for_ticks();
        let serial = checked.board.serial().unwrap();
        let twice = b"check: boot ok\r\ncheck: boot ok\r\n";
        assert!(serial.wait(SECONDS, |seen| seen == twice), "{}", checked.name);
    }
}

#[test]
fn firmware_resets_itself_and_goes_on() {
    for mut checked in Checked::all() {
        let serial = checked.board.serial().unwrap();
        checked.wish(Wish::Reset);
        let twice = b"check: boot ok\r\ncheck: boot ok\r\n";
        assert!(serial.wait(SECONDS, |seen| seen == twice), "{}", checked.name);
        assert_eq!(checked.board.status().unwrap(), CoreStatus::Running);
    }
}

#[test]
fn both_stack_pointers_and_the_masks_are_told_and_reading_them_disturbs_nothing() {
    for mut checked in Checked::all() {
        // Inside the wait of the main loop.
        checked.board.halt().unwrap();
        let before = checked.board.core_registers().unwrap();
        let value = |name: &str| before.iter().find(|r| r.name == name).unwrap().value;
        assert_eq!(value("MSP"), value("SP"), "{}", checked.name);
        assert_eq!((value("CONTROL"), value("PRIMASK")), (Some(0), Some(0)), "{}", checked.name);
        assert_eq!(checked.board.core_registers().unwrap(), before, "{}", checked.name);
        checked.board.run().unwrap();
        checked.wait_for_ticks();

        checked.wish(Wish::ProcessStack);
        let begun = Instant::now();
        loop {
            checked.board.halt().unwrap();
            if checked.register("CONTROL") == Some(2) {
                break;
            }
            assert!(begun.elapsed() < SECONDS, "{}: never on the process stack", checked.name);
            checked.board.run().unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        let stack = checked.symbol("process_stack");
        let handler = checked.register("xPSR").unwrap() & 0x1ff != 0;
        let (sp, msp, psp) =
            (checked.register("SP"), checked.register("MSP"), checked.register("PSP"));
        assert!((stack..=stack + 256).contains(&psp.unwrap()), "{}: {psp:x?}", checked.name);
        assert_ne!(msp, psp);
        assert_eq!(sp, if handler { msp } else { psp });
        checked.board.run().unwrap();
        checked.wish(Wish::Break);
        assert_eq!(checked.halted(), "breakpoint", "{} is back", checked.name);
        assert_eq!(checked.register("CONTROL"), Some(0));
    }
}

#[test]
fn float_registers_hold_floats() {
    let Some(mut checked) = Checked::start("netduinoplus2") else { return };
    checked.wish(Wish::Floats);
    assert_eq!(checked.halted(), "breakpoint");
    let registers = checked.board.core_registers().unwrap();
    let float = |name: &str| {
        let register = registers.iter().find(|register| register.name == name).unwrap();
        f32::from_bits(register.value.unwrap() as u32)
    };
    assert_eq!((float("S0"), float("S1"), float("S31")), (1.5, -2.0, 0.5));
    assert!(registers.iter().any(|register| register.name == "FPSCR" && register.value.is_some()));
}

#[test]
fn unmapped_addresses_fault_and_a_value_must_fit() {
    for mut checked in Checked::all() {
        let error = checked.board.write(0x3000_0000, 32, &[1]).unwrap_err();
        assert!(matches!(error, HilError::Write { address: 0x3000_0000, .. }), "{error:?}");
        checked.board.read(0x3000_0000, 32, 1).unwrap_err();
        for (address, bits, value) in [(0x2000_0001, 32, 1), (0x2000_0000, 8, 256)] {
            let error = checked.board.write(address, bits, &[value]).unwrap_err();
            assert!(matches!(error, HilError::BadWrite { .. }), "{error:?}");
        }
        assert_eq!(checked.board.status().unwrap(), CoreStatus::Running, "nothing stopped");
    }
}
