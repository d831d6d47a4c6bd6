//! What stops a running core: comparators, `BKPT` instructions, caught vectors.
//!
//! QEMU has breakpoints and watchpoints only. `BKPT` is to QEMU a fault and a vector catch is
//! unknown to it, so both are breakpoints there: one on each `BKPT` of the flash, one on the first
//! instruction of each handler whose exception is to be caught.

use std::collections::BTreeSet;

use super::registers::{
    CFSR, DEMCR_TRCENA, DEMCR_VC_BUSERR, DEMCR_VC_CHKERR, DEMCR_VC_HARDERR, DEMCR_VC_MMERR,
    DEMCR_VC_NOCPERR, DEMCR_VC_STATERR, DFSR_BKPT, DFSR_DWTTRAP, DFSR_VCATCH, DHCSR_C_DEBUGEN,
    VTOR,
};
use super::{CortexM, State};
use crate::BenchError;
use crate::qtest::Width;
use crate::regions::Kind;
use crate::rsp::Stop;
use crate::watchpoints::Watchpoint;

/// What QEMU was told to stop at.
#[derive(Default)]
pub(super) struct Inserted {
    instructions: BTreeSet<u32>,
    data: BTreeSet<Watchpoint>,
}

/// A catch bit of DEMCR: the exception whose entry it stops, and for UsageFault the causes, as
/// bits of CFSR. Source: ARMv7-M ARM, DDI 0403E, C1.6.5 (DEMCR), B1.5.2 (numbers), B3.2.15 (CFSR).
const CATCHES: [(u32, u32, u32); 6] = [
    (DEMCR_VC_HARDERR, 3, 0),
    (DEMCR_VC_MMERR, 4, 0),
    (DEMCR_VC_BUSERR, 5, 0),
    // UNDEFINSTR, INVSTATE, INVPC; NOCP; UNALIGNED, DIVBYZERO.
    (DEMCR_VC_STATERR, 6, 0b111 << 16),
    (DEMCR_VC_NOCPERR, 6, 1 << 19),
    (DEMCR_VC_CHKERR, 6, 0b11 << 24),
];

/// IPSR of xPSR: the exception that is handled.
const IPSR: u32 = 0x1ff;

/// From here on a return address is none but an EXC_RETURN value. Source: DDI 0419E, B1.5.8.
const EXC_RETURN: u32 = 0xF000_0000;

impl CortexM {
    /// Notes why the core has stopped, or lets it go on if nobody asked for that stop.
    pub(super) fn stopped(&mut self, stop: Stop) -> Result<(), BenchError> {
        match self.reason(stop)? {
            Some(why) => {
                self.halted(why);
                Ok(())
            }
            None => self.link()?.gdb.resume(),
        }
    }

    /// Makes QEMU follow what the debugger changed while the core runs.
    pub(super) fn change_stops(&mut self) -> Result<(), BenchError> {
        let stop = self.link()?.gdb.interrupt()?;
        self.note_stop_between(stop)?;
        if self.state != State::Running {
            return Ok(());
        }
        self.place_stops()?;
        self.link()?.gdb.resume()
    }

    /// A core that was interrupted for something else may have stopped by itself in that moment.
    pub(super) fn note_stop_between(&mut self, stop: Stop) -> Result<(), BenchError> {
        let pc = self.register("pc")?.unwrap_or(0);
        if (stop.data.is_some() || self.inserted.instructions.contains(&pc))
            && let Some(why) = self.reason(stop)?
        {
            self.halted(why);
        }
        Ok(())
    }

    /// Bits of DFSR for a stop. `None`: nobody asked for it, and the core has been led past it.
    fn reason(&mut self, stop: Stop) -> Result<Option<u32>, BenchError> {
        self.specials = None;
        if let Some(address) = stop.data {
            self.watchpoints.note_match(address);
            return Ok(Some(DFSR_DWTTRAP));
        }
        let pc = self.register("pc")?.unwrap_or(0);
        let mut why = if self.is_caught(pc)? { DFSR_VCATCH } else { 0 };
        if self.watchpoints_enabled() && self.watchpoints.instructions().any(|at| at == pc) {
            why |= DFSR_DWTTRAP;
        }
        if self.breakpoints.addresses().any(|at| at == pc)
            || self.halfword(pc)?.is_some_and(is_bkpt)
        {
            why |= DFSR_BKPT;
        }
        if why == 0 && self.inserted.instructions.contains(&pc) {
            // A handler that serves other exceptions as well as the one to be caught.
            self.link()?.gdb.step(false)?;
            return Ok(None);
        }
        Ok(Some(if why == 0 { DFSR_BKPT } else { why }))
    }

    /// Whether the core stands at the entry of a handler because of an exception to be caught.
    pub(super) fn is_caught(&mut self, pc: u32) -> Result<bool, BenchError> {
        if self.control & DHCSR_C_DEBUGEN == 0 || !self.catches().any(|_| true) {
            return Ok(false);
        }
        let exception = self.register("xpsr")?.unwrap_or(0) & IPSR;
        let wanted: Vec<(u32, u32)> = self.catches().filter(|&(of, _)| of == exception).collect();
        if wanted.is_empty() || self.vector(exception)? != Some(pc) {
            return Ok(false);
        }
        let causes = self.link()?.qtest.read(CFSR, Width::Word)?;
        Ok(wanted.iter().any(|&(_, needed)| needed == 0 || causes & needed != 0))
    }

    /// Exception and causes for each catch bit that is set.
    fn catches(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let demcr = self.demcr;
        CATCHES.into_iter().filter(move |(bit, ..)| demcr & bit != 0).map(|(_, of, why)| (of, why))
    }

    /// Address of the first instruction of an exception's handler.
    fn vector(&mut self, exception: u32) -> Result<Option<u32>, BenchError> {
        let table = self.link()?.qtest.read(VTOR, Width::Word)?;
        let entry = u64::from(table.wrapping_add(4 * exception));
        Ok(match self.kind(entry, 4) {
            Some(Kind::Storage) => Some(self.link()?.qtest.read(entry, Width::Word)? & !1),
            _ => None,
        })
    }

    /// Makes QEMU hold all that is to stop the core, and nothing else.
    pub(super) fn place_stops(&mut self) -> Result<(), BenchError> {
        let mut instructions: BTreeSet<u32> = self.breakpoints.addresses().collect();
        let mut data = BTreeSet::new();
        if self.watchpoints_enabled() {
            instructions.extend(self.watchpoints.instructions());
            data.extend(self.watchpoints.data());
        }
        if self.control & DHCSR_C_DEBUGEN != 0 {
            instructions.extend(&self.bkpts);
            instructions.extend(self.bkpt_to_return_to()?);
            let exceptions: BTreeSet<u32> =
                self.catches().map(|(exception, _)| exception).collect();
            for exception in exceptions {
                instructions.extend(self.vector(exception)?);
            }
        }
        let Some(link) = self.link.as_mut() else { return Err(self.gone()) };
        let before = &self.inserted;
        for &address in before.instructions.difference(&instructions) {
            link.gdb.remove_breakpoint(address)?;
        }
        for &address in instructions.difference(&before.instructions) {
            link.gdb.insert_breakpoint(address)?;
        }
        for &point in before.data.difference(&data) {
            link.gdb.remove_watchpoint(point)?;
        }
        for &point in data.difference(&before.data) {
            link.gdb.insert_watchpoint(point)?;
        }
        self.inserted = Inserted { instructions, data };
        Ok(())
    }

    fn watchpoints_enabled(&self) -> bool {
        self.demcr & DEMCR_TRCENA != 0
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

    /// Notes the `BKPT`s of a part of the flash. A constant that looks like one is never executed.
    pub(super) fn note_bkpts(&mut self, offset: u64, bytes: &[u8]) {
        let start = (self.machine.flash.start + offset) as u32;
        let mut after = self.bkpts.split_off(&start);
        self.bkpts.append(&mut after.split_off(&(start + bytes.len() as u32)));
        let halfwords = bytes.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
        let found = (start..).step_by(2).zip(halfwords);
        self.bkpts.extend(found.filter_map(|(at, code)| is_bkpt(code).then_some(at)));
    }
}

pub(super) fn is_bkpt(code: u16) -> bool {
    code & 0xff00 == 0xbe00
}
