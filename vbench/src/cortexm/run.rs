//! Run control: halt, step, resume, breakpoints, reset and what a lockup leaves.

use std::collections::BTreeSet;

use super::registers::{
    DEMCR_VC_CORERESET, DEMCR_VC_HARDERR, DFSR_BKPT, DFSR_HALTED, DFSR_VCATCH, DHCSR_C_DEBUGEN,
    ICSR, ICSR_PENDSVCLR, ICSR_PENDSVSET, VTOR,
};
use super::{CortexM, State};
use crate::BenchError;
use crate::link::Link;
use crate::qtest::Width;
use crate::regions::Kind;

/// Offset of the HardFault handler's address in the vector table. Source: DDI 0419E, B1.5.3.
const HARDFAULT_VECTOR: u32 = 3 * 4;

/// From here on a return address is none but an EXC_RETURN value. Source: DDI 0419E, B1.5.8.
const EXC_RETURN: u32 = 0xF000_0000;

/// `WFI` and `WFE`. Source: DDI 0419E, A6.7.
const SLEEP_INSTRUCTIONS: [u16; 2] = [0xBF30, 0xBF20];

impl CortexM {
    /// Notes what happened since the last look: a breakpoint, a reset by the firmware, a lockup.
    pub(super) fn poll(&mut self) -> Result<(), BenchError> {
        if self.state != State::Running {
            return Ok(());
        }
        self.survive(|this| {
            if this.link()?.qmp.take_guest_reset()? {
                this.reset_seen = true;
            }
            if this.link()?.gdb.poll_stop()? {
                let pc = this.register("pc")?;
                let caught = this.caught_vector()? == pc;
                this.halted(if caught { DFSR_VCATCH } else { DFSR_BKPT });
            }
            Ok(())
        })
    }

    pub(super) fn halted(&mut self, why: u32) {
        self.state = State::Halted;
        self.dfsr |= why;
    }

    pub(super) fn resume(&mut self) -> Result<(), BenchError> {
        self.place_breakpoints()?;
        self.link()?.gdb.resume()?;
        self.state = State::Running;
        Ok(())
    }

    /// Executes one instruction.
    ///
    /// `BKPT` stays where it is and halts again, as on hardware. `WFI` and `WFE` are hints: the
    /// halt request that ends a step also ends the wait, so they act as `NOP`.
    pub(super) fn step(&mut self, mask_interrupts: bool) -> Result<(), BenchError> {
        let pc = self.register("pc")?.unwrap_or(0);
        let instruction = self.halfword(pc)?;
        if instruction.is_some_and(is_bkpt) {
            self.halted(DFSR_BKPT);
            return Ok(());
        }
        if instruction.is_some_and(|code| SLEEP_INSTRUCTIONS.contains(&code)) {
            self.link()?.gdb.write_register("pc", pc.wrapping_add(2))?;
            self.halted(DFSR_HALTED);
            return Ok(());
        }
        self.remove_breakpoints()?;
        let before = self.halfword(pc.wrapping_sub(2))?;
        let asleep = before.is_some_and(|code| SLEEP_INSTRUCTIONS.contains(&code));
        match asleep {
            true => self.step_awake(mask_interrupts)?,
            false => self.link()?.gdb.step(mask_interrupts)?,
        }
        self.halted(DFSR_HALTED);
        Ok(())
    }

    /// Steps a core that was halted inside a wait. On hardware the halt ended the wait; QEMU's
    /// core sleeps on until an interrupt is pending. PendSV serves: it is pended for the one
    /// step, never taken, and cleared again unless the firmware had pended it.
    fn step_awake(&mut self, mask_interrupts: bool) -> Result<(), BenchError> {
        let link = self.link()?;
        let pending = link.qtest.read(ICSR, Width::Word)? & ICSR_PENDSVSET != 0;
        if !pending {
            link.qtest.write(ICSR, Width::Word, ICSR_PENDSVSET)?;
        }
        link.gdb.step(mask_interrupts || !pending)?;
        if !pending {
            link.qtest.write(ICSR, Width::Word, ICSR_PENDSVCLR)?;
        }
        Ok(())
    }

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
            State::LockedUp | State::Dead => self.restart()?,
            State::Running | State::Halted => {
                self.save_flash()?;
                self.link()?.qmp.system_reset()?;
            }
        }
        self.state = State::Halted;
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
        self.inserted.clear();
        let mut link = Link::start(self.machine, &self.options, self.serial.as_mut())?;
        let flash = &self.machine.flash;
        if !self.image.is_empty() {
            link.qtest.write(flash.unlock.address, Width::Word, flash.unlock.open)?;
            link.qtest.write_bulk(flash.start, &self.image)?;
            link.qtest.write(flash.unlock.address, Width::Word, flash.unlock.closed)?;
            link.qmp.system_reset()?;
        }
        self.link = Some(link);
        Ok(())
    }

    fn save_flash(&mut self) -> Result<(), BenchError> {
        let flash = &self.machine.flash;
        let size = usize::try_from(flash.size).unwrap_or(0);
        let image = self.link()?.qtest.read_bulk(flash.start, size)?;
        if image != self.image {
            let halfwords = image.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
            let start = flash.start as u32;
            self.bkpts = (start..)
                .step_by(2)
                .zip(halfwords)
                .filter_map(|(at, code)| is_bkpt(code).then_some(at))
                .collect();
            self.image = image;
        }
        Ok(())
    }

    /// Makes QEMU hold the breakpoints that the debugger set, those that stand for `BKPT`
    /// instructions, and the vector that is to be caught.
    fn place_breakpoints(&mut self) -> Result<(), BenchError> {
        let mut wanted: BTreeSet<u32> = self.unit.addresses().collect();
        if self.control & DHCSR_C_DEBUGEN != 0 {
            wanted.extend(&self.bkpts);
            wanted.extend(self.caught_vector()?);
            wanted.extend(self.bkpt_to_return_to()?);
        }
        let Some(link) = self.link.as_mut() else { return Err(self.gone()) };
        for &address in self.inserted.difference(&wanted) {
            link.gdb.remove_breakpoint(address)?;
        }
        for &address in wanted.difference(&self.inserted) {
            link.gdb.insert_breakpoint(address)?;
        }
        self.inserted = wanted;
        Ok(())
    }

    fn remove_breakpoints(&mut self) -> Result<(), BenchError> {
        for address in std::mem::take(&mut self.inserted) {
            self.link()?.gdb.remove_breakpoint(address)?;
        }
        Ok(())
    }

    /// Flash algorithms run in RAM and return to a `BKPT` there.
    fn bkpt_to_return_to(&mut self) -> Result<Option<u32>, BenchError> {
        match self.register("lr")? {
            Some(lr) if lr < EXC_RETURN => {
                let address = lr & !1;
                Ok(self.halfword(address)?.filter(|&code| is_bkpt(code)).map(|_| address))
            }
            _ => Ok(None),
        }
    }

    /// Entry of the HardFault handler while VC_HARDERR is set.
    fn caught_vector(&mut self) -> Result<Option<u32>, BenchError> {
        if self.demcr & DEMCR_VC_HARDERR == 0 {
            return Ok(None);
        }
        let table = self.link()?.qtest.read(VTOR, Width::Word)?;
        let vector = u64::from(table.wrapping_add(HARDFAULT_VECTOR));
        Ok(match self.kind(vector, 4) {
            Some(Kind::Storage) => Some(self.link()?.qtest.read(vector, Width::Word)? & !1),
            _ => None,
        })
    }
}

fn is_bkpt(code: u16) -> bool {
    code & 0xff00 == 0xbe00
}
