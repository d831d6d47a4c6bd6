//! Reset, and what it brings back after a lockup.

use super::registers::{DEMCR_VC_CORERESET, DFSR_VCATCH, DHCSR_C_DEBUGEN};
use super::stops::Inserted;
use super::{CortexM, State};
use crate::catalog::FlashController;
use crate::link::Link;
use crate::qtest::Width;
use crate::{BenchError, Machine};

impl CortexM {
    /// Resets the chip as its SYSRESETREQ or reset pin would, after a lockup by a new QEMU.
    pub(super) fn reset(&mut self) -> Result<(), BenchError> {
        if self.state == State::Running {
            self.survive(|this| {
                this.link()?.gdb.interrupt()?;
                this.halted(0);
                Ok(())
            })?;
        }
        match self.state {
            State::LockedUp | State::Wreck | State::Dead => self.restart()?,
            State::Running | State::Halted => {
                self.save_flash()?;
                self.link()?.qmp.system_reset()?;
            }
        }
        self.state = State::Halted;
        self.specials = None;
        self.reset_seen = true;
        let caught = self.control & DHCSR_C_DEBUGEN != 0 && self.demcr & DEMCR_VC_CORERESET != 0;
        if caught {
            self.dfsr |= DFSR_VCATCH;
        } else if !self.reset_pin_low {
            self.survive(CortexM::resume)?;
        }
        Ok(())
    }

    fn restart(&mut self) -> Result<(), BenchError> {
        self.link = None;
        self.inserted = Inserted::default();
        let mut link = Link::start(self.machine, &self.options, self.serial.as_mut())?;
        if !self.image.is_empty() {
            put_back(self.machine, &mut link, &self.image)?;
            link.qmp.system_reset()?;
        }
        self.link = Some(link);
        Ok(())
    }

    /// Notes what a flash algorithm did, before the firmware may lock up: it runs from RAM, and what
    /// is resumed after it in flash, or without a debugger, is not it.
    pub(super) fn save_programmed(&mut self, pc: u32) -> Result<(), BenchError> {
        let in_flash = self.machine.flash_range().contains(&pc.into());
        if !in_flash && self.control & DHCSR_C_DEBUGEN != 0 {
            self.maybe_programmed = true;
            return Ok(());
        }
        match std::mem::take(&mut self.maybe_programmed) {
            true => self.save_flash(),
            false => Ok(()),
        }
    }

    /// Keeps what the chip's own flash controller may have changed.
    fn save_flash(&mut self) -> Result<(), BenchError> {
        let flash = &self.machine.flash;
        if let FlashController::Host(_) = flash.controller {
            return Ok(());
        }
        let size = usize::try_from(flash.size).unwrap_or(0);
        let image = self.link()?.qtest.read_bulk(flash.start, size)?;
        if image != self.image {
            self.note_bkpts(0, &image);
            self.image = image;
        }
        Ok(())
    }
}

fn put_back(machine: &Machine, link: &mut Link, image: &[u8]) -> Result<(), BenchError> {
    let start = machine.flash.start;
    match &machine.flash.controller {
        FlashController::Host(_) => link.gdb.write_memory(start, image),
        FlashController::Emulated(unlock) => {
            link.qtest.write(unlock.address, Width::Word, unlock.open)?;
            link.qtest.write_bulk(start, image)?;
            link.qtest.write(unlock.address, Width::Word, unlock.closed)
        }
    }
}
