//! One test of each kind that a run can end with, for a micro:bit. `silk hil` is tested with it.

#![no_std]
#![no_main]

use cortex_m_rt as _;
use defmt_rtt as _;

/// What a driver keeps of its last transfer.
struct Transfer {
    sent: u32,
    expected: u32,
}

impl Transfer {
    #[inline(never)]
    fn check(&self) -> Result<(), &'static str> {
        match self.sent == self.expected {
            true => Ok(()),
            false => Err("bytes are missing"),
        }
    }
}

/// Reads where the chip has no memory. On a Cortex-M0 that is a HardFault.
#[inline(never)]
fn read_nowhere(address: u32) -> u32 {
    unsafe { core::ptr::read_volatile(core::hint::black_box(address) as *const u32) }
}

#[embedded_test::tests]
mod tests {
    use super::{Transfer, read_nowhere};

    #[init]
    fn init() -> Transfer {
        defmt::info!("board ready, revision {=u8}", 7);
        Transfer { sent: 12, expected: 12 }
    }

    #[test]
    fn passes(transfer: Transfer) -> Result<(), &'static str> {
        defmt::debug!("{=u32} of {=u32} bytes sent", transfer.sent, transfer.expected);
        transfer.check()
    }

    #[test]
    fn fails() -> Result<(), &'static str> {
        Transfer { sent: 11, expected: 12 }.check()
    }

    #[test]
    fn panics() {
        let sizes = [1u8, 2, 3];
        let at = core::hint::black_box(5);
        defmt::info!("size {=u8}", sizes[at]);
    }

    #[test]
    #[should_panic]
    fn panics_as_it_should() {
        panic!("out of range")
    }

    #[test]
    #[timeout(1)]
    fn hangs() {
        loop {
            cortex_m::asm::nop();
        }
    }

    #[test]
    #[ignore]
    fn is_ignored() {
        panic!("nobody runs this")
    }

    #[test]
    fn faults() {
        let value = read_nowhere(0x3000_0000);
        defmt::error!("read {=u32:#x} where nothing is", value);
    }

    #[test]
    fn passes_after_a_fault() {}
}
