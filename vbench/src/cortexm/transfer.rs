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
        let selected = selected(selector & DCRSR_REGSEL);
        match self.state {
            State::Halted => {}
            State::Wreck => {
                self.dcrdr = match selected {
                    Some(Selected::Named(name)) => self.last_word(name),
                    _ => None,
                };
                return Ok(());
            }
            _ => return Ok(()),
        }
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

    /// A register as QEMU's last words give it: `R00=…` to `R15=…`, `XPSR=…`.
    fn last_word(&self, name: &str) -> Option<u32> {
        let number = match name {
            "sp" => Some(13),
            "lr" => Some(14),
            "pc" => Some(15),
            _ => name.strip_prefix('r').and_then(|digits| digits.parse().ok()),
        };
        let label = match number {
            Some(number) => format!("R{number:02}="),
            None => format!("{}=", name.to_ascii_uppercase()),
        };
        let words = self.post_mortem.as_deref()?.split_whitespace();
        let mut values = words.filter_map(|word| word.strip_prefix(label.as_str()));
        u32::from_str_radix(values.next()?, 16).ok()
    }

    /// `None`: QEMU does not tell it.
    fn read_selected(&mut self, selected: Selected) -> Result<Option<u32>, BenchError> {
        match selected {
            Selected::Named(name) => self.register(name),
            Selected::Special(register) => {
                let Some(all) = self.specials()? else { return self.stack_in_use(register) };
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

    /// MSP, if nothing but SP can be had: handlers always use the main stack.
    fn stack_in_use(&mut self, register: Special) -> Result<Option<u32>, BenchError> {
        let in_handler = self.register("xpsr")?.is_some_and(|xpsr| xpsr & 0x1ff != 0);
        match register == Special::Msp && in_handler {
            true => self.register("sp"),
            false => Ok(None),
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
