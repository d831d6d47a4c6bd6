//! Core registers through DCRSR and DCRDR, as far as QEMU tells them.

use super::registers::{DCRSR_REGSEL, DCRSR_WRITE};
use super::special::Special;
use super::{CortexM, State};
use crate::BenchError;

/// What REGSEL selects. Source: ARMv7-M ARM, DDI 0403E, C1.6.3 (DCRSR).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Selected {
    /// One that QEMU's gdb stub has, by its name there.
    Named(&'static str),
    Special(Special),
    /// CONTROL, FAULTMASK, BASEPRI, PRIMASK in one word.
    Packed,
    /// A single-precision register: half of a double one.
    Single(u32),
}

impl CortexM {
    /// DCRSR starts a transfer between DCRDR and a core register.
    pub(super) fn transfer_register(&mut self, selector: u32) -> Result<(), BenchError> {
        if self.state != State::Halted {
            return Ok(());
        }
        let selected = selected(selector & DCRSR_REGSEL);
        if selector & DCRSR_WRITE == 0 {
            self.dcrdr = match selected {
                Some(selected) => self.read_selected(selected)?,
                None => None,
            };
            return Ok(());
        }
        match selected {
            Some(selected) => self.write_selected(selected, self.dcrdr.unwrap_or(0)),
            None => Ok(()),
        }
    }

    /// `None`: QEMU does not tell it.
    fn read_selected(&mut self, selected: Selected) -> Result<Option<u32>, BenchError> {
        match selected {
            Selected::Named(name) => self.register(name),
            Selected::Special(register) => {
                let Some(all) = self.specials()? else { return Ok(None) };
                Ok(if register == Special::Msp { all.msp } else { all.psp })
            }
            Selected::Packed => {
                let Some(all) = self.specials()? else { return Ok(None) };
                Ok(all.masks.map(|[primask, basepri, faultmask]| {
                    let low = (faultmask & 0xff) << 16 | (basepri & 0xff) << 8 | primask & 0xff;
                    all.control << 24 | low
                }))
            }
            Selected::Single(number) => {
                let name = format!("d{}", number / 2);
                let double = self.link()?.gdb.read_double(&name)?;
                Ok(double.map(|bits| (bits >> (32 * (number % 2))) as u32))
            }
        }
    }

    /// A register that QEMU does not have is left alone.
    fn write_selected(&mut self, selected: Selected, value: u32) -> Result<(), BenchError> {
        self.specials = None;
        match selected {
            Selected::Named(name) => {
                self.link()?.gdb.write_register(name, value)?;
            }
            Selected::Special(register) => {
                self.write_special(register, value)?;
            }
            Selected::Packed => {
                self.write_special(Special::Primask, value & 1)?;
                if !self.is_armv6m()? {
                    self.write_special(Special::Basepri, value >> 8 & 0xff)?;
                    self.write_special(Special::Faultmask, value >> 16 & 1)?;
                }
                self.write_special(Special::Control, value >> 24)?;
            }
            Selected::Single(number) => {
                let name = format!("d{}", number / 2);
                let gdb = &mut self.link()?.gdb;
                if let Some(bits) = gdb.read_double(&name)? {
                    let shift = 32 * (number % 2);
                    let kept = bits & !(u64::from(u32::MAX) << shift);
                    gdb.write_double(&name, kept | u64::from(value) << shift)?;
                }
            }
        }
        Ok(())
    }
}

fn selected(select: u32) -> Option<Selected> {
    const NAMES: [&str; 17] = [
        "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp",
        "lr", "pc", "xpsr",
    ];
    match select {
        17 => Some(Selected::Special(Special::Msp)),
        18 => Some(Selected::Special(Special::Psp)),
        20 => Some(Selected::Packed),
        0x21 => Some(Selected::Named("fpscr")),
        0x40..=0x5f => Some(Selected::Single(select - 0x40)),
        _ => NAMES.get(usize::try_from(select).ok()?).copied().map(Selected::Named),
    }
}
