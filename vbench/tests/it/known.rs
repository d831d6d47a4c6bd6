//! The hand-written labels of `boards/*.toml`, each proved: the device changes the register by
//! itself.

use std::io::Write;
use std::time::{Duration, Instant};

use vbench::{Ack, Bench, BenchOptions, DapRegister, Fidelity, Machine};

use crate::parts;

const TIMERS: [u64; 3] = [0x4000_8000, 0x4000_9000, 0x4000_a000];
const UART: u64 = 0x4000_2000;
const RNG: u64 = 0x4000_d000;
const GPIO: u64 = 0x5000_0000;

/// A board whose core spins in RAM, so that time passes, and word access to its bus.
struct Running {
    bench: Bench,
    machine: &'static Machine,
}

impl Running {
    fn start() -> Option<Running> {
        Running::on("microbit")
    }

    fn on(board: &str) -> Option<Running> {
        let machine = parts::board(board)?;
        let bench = Bench::start(machine, &BenchOptions::default()).unwrap();
        let mut board = Running { bench, machine };
        let (dhcsr, dcrsr, dcrdr) = (0xe000_edf0, 0xe000_edf4, 0xe000_edf8);
        let (loop_at, spin) = (0x2000_0000, 0xe7fe_e7fe);
        board.write(loop_at, spin);
        board.write(dhcsr, 0xa05f_0003);
        for (register, value) in [(15, loop_at as u32), (16, 1 << 24), (13, 0x2000_4000)] {
            board.write(dcrdr, value);
            board.write(dcrsr, 1 << 16 | register);
        }
        board.write(dhcsr, 0xa05f_0001);
        Some(board)
    }

    fn write(&mut self, address: u64, value: u32) {
        assert_eq!(self.bench.write(DapRegister::Ap(4), address as u32).unwrap(), Ack::Ok(()));
        assert_eq!(self.bench.write(DapRegister::Ap(12), value).unwrap(), Ack::Ok(()));
    }

    fn read(&mut self, address: u64) -> u32 {
        assert_eq!(self.bench.write(DapRegister::Ap(4), address as u32).unwrap(), Ack::Ok(()));
        match self.bench.read(DapRegister::Ap(12)).unwrap() {
            Ack::Ok(value) => value,
            Ack::Fault => panic!("{address:#x} faults"),
        }
    }

    /// Waits until `address` reads so that `wanted` holds; it must be labelled as modelled.
    fn expect(&mut self, address: u64, wanted: impl Fn(u32) -> bool) {
        let label = self.machine.fidelity(address).map(|entry| entry.label);
        assert_eq!(label, Some(Fidelity::Modelled), "{address:#x}");
        let begun = Instant::now();
        while !wanted(self.read(address)) {
            let value = self.read(address);
            assert!(begun.elapsed() < Duration::from_secs(5), "{address:#x} reads {value:#x}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The UART has sent `!`; sends it `?`.
    fn says_and_hears(&mut self) {
        let serial = self.bench.serial().unwrap();
        assert!(serial.wait(Duration::from_secs(5), |seen| seen == b"!"));
        let mut terminal = std::fs::OpenOptions::new().write(true).open(serial.path()).unwrap();
        terminal.write_all(b"?").unwrap();
    }
}

#[test]
fn the_uart_sends_and_receives() {
    let Some(mut board) = Running::start() else { return };
    board.write(UART + 0x500, 4);
    board.write(UART + 0x008, 1); // TASKS_STARTTX
    board.write(UART + 0x51c, u32::from(b'!'));
    board.expect(UART + 0x11c, |event| event == 1);
    let serial = board.bench.serial().unwrap();
    assert!(serial.wait(Duration::from_secs(5), |seen| seen == b"!"));

    board.write(UART, 1); // TASKS_STARTRX
    let mut terminal = std::fs::OpenOptions::new().write(true).open(serial.path()).unwrap();
    terminal.write_all(b"?").unwrap();
    board.expect(UART + 0x108, |event| event == 1);
    board.expect(UART + 0x518, |byte| byte == u32::from(b'?'));
}

#[test]
fn timers_reach_their_compare_values() {
    let Some(mut board) = Running::start() else { return };
    for timer in TIMERS {
        for compare in 0..4 {
            board.write(timer + 0x540 + 4 * compare, 100);
        }
        board.write(timer, 1); // TASKS_START
        for compare in 0..4 {
            board.expect(timer + 0x140 + 4 * compare, |event| event == 1);
        }
    }
}

#[test]
fn the_random_number_generator_generates() {
    let Some(mut board) = Running::start() else { return };
    board.write(RNG, 1); // TASKS_START
    board.expect(RNG + 0x100, |event| event == 1);
    board.expect(RNG + 0x508, |value| value != 0);
}

#[test]
fn an_output_pin_is_seen_as_input() {
    let Some(mut board) = Running::start() else { return };
    board.write(GPIO + 0x700 + 4 * 5, 1); // PIN_CNF[5]: output, input buffer connected
    board.write(GPIO + 0x508, 1 << 5); // OUTSET
    board.expect(GPIO + 0x510, |pins| pins & 1 << 5 != 0);
    board.write(GPIO + 0x50c, 1 << 5); // OUTCLR
    board.expect(GPIO + 0x510, |pins| pins & 1 << 5 == 0);
}

#[test]
fn the_core_has_its_own_registers() {
    let Some(mut board) = Running::start() else { return };
    board.expect(0xe000_ed00, |cpuid| cpuid == 0x410c_c200);
    board.write(0xe000_e014, 0x00ff_ffff); // SysTick: reload, then enable
    board.write(0xe000_e010, 5);
    let first = board.read(0xe000_e018);
    board.expect(0xe000_e018, |current| current != first);
    board.write(0xe000_e100, 1 << 8); // NVIC_ISER
    board.expect(0xe000_e180, |enabled| enabled == 1 << 8);
    board.expect(0xe000_edf0, |dhcsr| dhcsr & 1 != 0);
}

#[test]
fn the_usart_of_the_stm32_sends_and_receives() {
    for name in ["netduinoplus2", "olimex-stm32-h405"] {
        let Some(mut board) = Running::on(name) else { continue };
        let (sr, dr, brr, cr1) = (0x4001_1000, 0x4001_1004, 0x4001_1008, 0x4001_100c);
        board.write(cr1, 0x200c); // UE, TE, RE
        board.write(brr, 0x683);
        board.expect(sr, |status| status & 0xc0 == 0xc0); // TC, TXE
        board.write(dr, u32::from(b'!'));
        board.says_and_hears();
        board.expect(sr, |status| status & 0x20 != 0); // RXNE
        board.expect(dr, |byte| byte == u32::from(b'?'));
        assert_eq!(board.machine.fidelity(brr).unwrap().label, Fidelity::StoredOnly);
        assert_eq!(board.read(brr), 0x683);
    }
}

#[test]
fn the_usart_of_the_stm32l4_sends_and_receives() {
    let Some(mut board) = Running::on("b-l475e-iot01a") else { return };
    let (cr1, isr, rdr, tdr) = (0x4001_3800, 0x4001_381c, 0x4001_3824, 0x4001_3828);
    board.write(0x4002_1060, 1 << 14); // RCC.APB2ENR: USART1EN
    board.write(cr1, 0xd); // UE, TE, RE
    board.expect(isr, |status| status & 0xc0 == 0xc0); // TC, TXE
    board.write(tdr, u32::from(b'!'));
    board.says_and_hears();
    board.expect(isr, |status| status & 0x20 != 0); // RXNE
    board.expect(rdr, |byte| byte == u32::from(b'?'));
}

#[test]
fn the_uart_of_the_cmsdk_sends_and_receives() {
    let Some(mut board) = Running::on("mps2-an385") else { return };
    for uart in [0x4000_4000, 0x4000_5000, 0x4000_6000, 0x4000_7000, 0x4000_9000] {
        for divisor in [16, 217] {
            board.write(uart + 0x10, divisor);
            assert_eq!(board.read(uart + 0x10), divisor);
        }
        board.write(uart + 0x8, 0b101); // transmit, and its interrupt
        board.write(uart, u32::from(b'!'));
        board.expect(uart + 0xc, |status| status == 1);
        board.write(uart + 0xc, 1);
        board.expect(uart + 0xc, |status| status == 0);
    }
    let (data, state, ctrl, bauddiv) = (0x4000_4000, 0x4000_4004, 0x4000_4008, 0x4000_4010);
    board.write(ctrl, 3); // transmit, receive
    board.says_and_hears();
    board.expect(state, |state| state & 2 != 0); // receive buffer full
    board.expect(data, |byte| byte == u32::from(b'?'));
    assert_eq!(board.machine.fidelity(bauddiv).unwrap().label, Fidelity::StoredOnly);
    board.expect(0xe000_ed00, |cpuid| cpuid & 0xff0f_fff0 == 0x410f_c230); // Cortex-M3
}

#[test]
fn the_timers_of_the_cmsdk_count_and_say_when_they_are_through() {
    let Some(mut board) = Running::on("mps2-an385") else { return };
    for timer in [0x4000_0000, 0x4000_1000] {
        board.write(timer + 0x8, 0x10_0000); // RELOAD
        board.write(timer, 0b1001); // CTRL: enable, interrupt
        board.expect(timer + 0x4, |value| value != 0 && value != 0x10_0000);
        board.expect(timer + 0xc, |status| status == 1);
    }
    for timer in [0x4000_2000, 0x4000_2020] {
        board.write(timer, 0x10_0000); // LOAD
        board.write(timer + 0x8, 0b1110_0010); // CONTROL: enable, periodic, interrupt, 32 bits
        board.expect(timer + 0x4, |value| value != 0 && value != 0x10_0000);
        board.expect(timer + 0x10, |raw| raw == 1); // RIS
        board.expect(timer + 0x14, |masked| masked == 1); // MIS
        board.write(timer + 0xc, 1); // INTCLR
        board.expect(timer + 0x10, |raw| raw == 0);
    }
}

#[test]
fn a_cortex_m4_has_its_own_registers_and_the_chip_says_who_it_is() {
    let chips = [("netduinoplus2", 0x413), ("olimex-stm32-h405", 0x413), ("b-l475e-iot01a", 0x415)];
    for (name, device) in chips {
        let Some(mut board) = Running::on(name) else { continue };
        board.expect(0xe000_ed00, |cpuid| cpuid == 0x410f_c240);
        board.expect(0xe000_2000, |ctrl| ctrl >> 4 & 0xf == 6); // FP_CTRL.NUM_CODE
        board.expect(0xe000_1000, |ctrl| ctrl >> 28 == 4); // DWT_CTRL.NUMCOMP
        board.write(0xe000_ed88, 0xf << 20); // CPACR
        board.expect(0xe000_ed88, |access| access == 0xf << 20);
        board.expect(0xe000_ef40, |mvfr0| mvfr0 == 0x1011_0021);
        assert_eq!(board.read(0xe004_2000) & 0xfff, device, "DBGMCU_IDCODE");
    }
}
