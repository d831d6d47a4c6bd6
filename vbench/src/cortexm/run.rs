//! Run control: halt, step, resume.

use std::time::Duration;

use super::registers::{
    DFSR_BKPT, DFSR_DWTTRAP, DFSR_HALTED, DFSR_VCATCH, DHCSR_C_DEBUGEN, ICSR, ICSR_PENDSVCLR,
    ICSR_PENDSVSET,
};
use super::stops::is_bkpt;
use super::{CortexM, State};
use crate::BenchError;
use crate::qtest::Width;
use crate::rsp::Stop;

/// `WFI` and `WFE`. Source: DDI 0419E, A6.7.
const SLEEP_INSTRUCTIONS: [u16; 2] = [0xBF30, 0xBF20];

/// How long a sleeping core may take to wake for a step.
const WAKE: Duration = Duration::from_millis(100);

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
            match this.link()?.gdb.poll_stop()? {
                Some(stop) => this.stopped(stop),
                None => Ok(()),
            }
        })
    }

    pub(super) fn halted(&mut self, why: u32) {
        self.state = State::Halted;
        self.dfsr |= why;
    }

    /// Lets the core run. At a stub of the flash algorithm the bench does its work instead, and a
    /// core that stands at a `BKPT` halts again, as on hardware.
    pub(super) fn resume(&mut self) -> Result<(), BenchError> {
        self.specials = None;
        if self.flash_call()? {
            return Ok(());
        }
        let pc = self.register("pc")?.unwrap_or(0);
        if self.control & DHCSR_C_DEBUGEN != 0 && self.halfword(pc)?.is_some_and(is_bkpt) {
            self.halted(DFSR_BKPT);
            return Ok(());
        }
        self.save_programmed(pc)?;
        self.place_stops()?;
        self.link()?.gdb.resume()?;
        self.state = State::Running;
        Ok(())
    }

    /// Executes one instruction.
    ///
    /// `BKPT` stays where it is and halts again, as on hardware. `WFI` and `WFE` are hints: the
    /// halt request that ends a step also ends the wait, so they act as `NOP`.
    pub(super) fn step(&mut self, mask_interrupts: bool) -> Result<(), BenchError> {
        self.specials = None;
        if self.flash_call()? {
            return Ok(());
        }
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
        // Breakpoints stay: QEMU minds none of them while it steps.
        let stop = self.step_any(pc, mask_interrupts)?;
        let why = match stop.data {
            Some(address) => {
                self.watchpoints.note_match(address);
                DFSR_DWTTRAP
            }
            None => {
                let pc = self.register("pc")?.unwrap_or(0);
                if self.is_caught(pc)? { DFSR_VCATCH } else { DFSR_HALTED }
            }
        };
        self.halted(why);
        Ok(())
    }

    /// Makes QEMU step over the instruction at `pc`, asleep or awake.
    pub(super) fn step_any(&mut self, pc: u32, mask_interrupts: bool) -> Result<Stop, BenchError> {
        match self.is_asleep(pc)? {
            true => self.step_awake(mask_interrupts),
            false => self.link()?.gdb.step(mask_interrupts),
        }
    }

    /// Whether a core that was halted at `pc` stands in a wait.
    pub(super) fn is_asleep(&mut self, pc: u32) -> Result<bool, BenchError> {
        let before = self.halfword(pc.wrapping_sub(2))?;
        Ok(before.is_some_and(|code| SLEEP_INSTRUCTIONS.contains(&code)))
    }

    /// Steps a core that was halted inside a wait. On hardware the halt ended the wait; QEMU's
    /// core sleeps on until an interrupt is pending. PendSV serves: it is pended for the one
    /// step, never taken, and cleared again unless the firmware had pended it. Inside a handler of
    /// higher priority it wakes nobody: such a step leaves the core where it is.
    pub(super) fn step_awake(&mut self, mask_interrupts: bool) -> Result<Stop, BenchError> {
        let link = self.link()?;
        let pending = link.qtest.read(ICSR, Width::Word)? & ICSR_PENDSVSET != 0;
        if !pending {
            link.qtest.write(ICSR, Width::Word, ICSR_PENDSVSET)?;
        }
        let stop = link.gdb.step_within(mask_interrupts || !pending, WAKE)?;
        if !pending {
            link.qtest.write(ICSR, Width::Word, ICSR_PENDSVCLR)?;
        }
        Ok(stop)
    }
}
