//! Core registers through DCRSR and DCRDR, as far as QEMU tells them.

use super::registers::{DCRSR_REGSEL, DCRSR_WRITE};
use super::{CortexM, State};
use crate::BenchError;

impl CortexM {
    /// DCRSR starts a transfer between DCRDR and a core register.
    pub(super) fn transfer_register(&mut self, selector: u32) -> Result<(), BenchError> {
        if self.state != State::Halted {
            return Ok(());
        }
        let name = register_name(selector & DCRSR_REGSEL);
        if selector & DCRSR_WRITE != 0 {
            let value = self.dcrdr.unwrap_or(0);
            if let Some(name) = name {
                self.link()?.gdb.write_register(name, value)?;
            }
            return Ok(());
        }
        self.dcrdr = match (name, selector & DCRSR_REGSEL) {
            (_, SELECT_EXTRA) => self.special_registers()?,
            (Some("msp"), _) => self.main_stack_pointer()?,
            (Some(name), _) => self.register(name)?,
            (None, _) => None,
        };
        Ok(())
    }

    /// MSP, or SP where the two must be the same: handlers always use the main stack.
    fn main_stack_pointer(&mut self) -> Result<Option<u32>, BenchError> {
        if let Some(msp) = self.register("msp")? {
            return Ok(Some(msp));
        }
        let in_handler = self.register("xpsr")?.is_some_and(|xpsr| xpsr & 0x1ff != 0);
        if in_handler { self.register("sp") } else { Ok(None) }
    }

    /// CONTROL, FAULTMASK, BASEPRI, PRIMASK in one word, if QEMU tells at least the two that
    /// every core has.
    fn special_registers(&mut self) -> Result<Option<u32>, BenchError> {
        let (Some(control), Some(primask)) = (self.register("control")?, self.register("primask")?)
        else {
            return Ok(None);
        };
        let faultmask = self.register("faultmask")?.unwrap_or(0);
        let basepri = self.register("basepri")?.unwrap_or(0);
        Ok(Some(control << 24 | (faultmask & 0xff) << 16 | (basepri & 0xff) << 8 | primask & 0xff))
    }
}

/// REGSEL of the four special registers. Source: DDI 0419E, C1.6.4.
const SELECT_EXTRA: u32 = 20;

/// QEMU's name of a register by its REGSEL. Source: DDI 0403E, C1.6.3.
fn register_name(select: u32) -> Option<&'static str> {
    const NAMES: [&str; 19] = [
        "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp",
        "lr", "pc", "xpsr", "msp", "psp",
    ];
    NAMES.get(usize::try_from(select).ok()?).copied()
}
