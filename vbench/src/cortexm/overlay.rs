//! The registers that are answered here and not by QEMU: debug control and comparators.

use super::registers::{
    AIRCR, AIRCR_KEY, AIRCR_SYSRESETREQ, DCRDR, DCRSR, DEMCR, DFSR, DFSR_HALTED, DHCSR,
    DHCSR_C_DEBUGEN, DHCSR_C_HALT, DHCSR_C_MASKINTS, DHCSR_C_STEP, DHCSR_KEY, DHCSR_S_HALT,
    DHCSR_S_LOCKUP, DHCSR_S_REGRDY, DHCSR_S_RESET_ST,
};
use super::{Access, CortexM, State};
use crate::BenchError;
use crate::breakpoints::BreakpointUnit;
use crate::watchpoints::WatchpointUnit;

/// Whether the word at `address` may be one of them. Words of a chip's identity are not counted:
/// they lie apart, and nobody reads them in bulk.
pub(super) fn holds(address: u64) -> bool {
    matches!(address, AIRCR | DFSR | DHCSR | DCRSR | DCRDR | DEMCR)
        || BreakpointUnit::holds(address)
        || WatchpointUnit::holds(address)
}

impl CortexM {
    pub(super) fn read_overlay(&mut self, address: u64) -> Result<Option<Access<u32>>, BenchError> {
        let value = match address {
            DHCSR => self.read_dhcsr()?,
            DCRSR => 0,
            DCRDR => match self.dcrdr {
                Some(value) => value,
                None => return Ok(Some(Access::Fault)),
            },
            DEMCR => self.demcr,
            DFSR => self.dfsr,
            _ => match self.read_unit(address) {
                Some(value) => value,
                None => return Ok(None),
            },
        };
        Ok(Some(Access::Done(value)))
    }

    /// False: not one of ours.
    pub(super) fn write_overlay(&mut self, address: u64, value: u32) -> Result<bool, BenchError> {
        match address {
            DHCSR => self.write_dhcsr(value)?,
            DCRSR => self.transfer_register(value)?,
            DCRDR => self.dcrdr = Some(value),
            // Bits are cleared by writing 1.
            DFSR => self.dfsr &= !value,
            AIRCR if value >> 16 == AIRCR_KEY && value & AIRCR_SYSRESETREQ != 0 => self.reset()?,
            _ => return self.write_stops(address, value),
        }
        Ok(true)
    }

    /// What stops a core: DEMCR and the comparators. They take effect at once, on a running core
    /// as well. False: none of them.
    fn write_stops(&mut self, address: u64, value: u32) -> Result<bool, BenchError> {
        let changed = match address {
            DEMCR => std::mem::replace(&mut self.demcr, value) != value,
            _ if self.breakpoints.write(address, value) => true,
            _ if self.watchpoints.write(address, value) => true,
            _ => return Ok(false),
        };
        self.poll()?;
        if changed && self.state == State::Running {
            self.survive(CortexM::change_stops)?;
        }
        Ok(true)
    }

    fn read_unit(&mut self, address: u64) -> Option<u32> {
        let known = self.breakpoints.read(address).or_else(|| self.watchpoints.read(address));
        known.or_else(|| {
            let words = &self.machine.debug_port.identity;
            words.iter().find(|word| word.address == address).map(|word| word.value)
        })
    }

    fn read_dhcsr(&mut self) -> Result<u32, BenchError> {
        self.poll()?;
        let mut value = self.control;
        value |= match self.state {
            // A debugger modifies what it reads: C_HALT must show while the core is halted.
            State::Halted | State::Wreck => DHCSR_S_HALT | DHCSR_C_HALT | DHCSR_S_REGRDY,
            State::Running => 0,
            State::LockedUp => DHCSR_S_LOCKUP | DHCSR_S_REGRDY,
            State::Dead => return Err(self.gone()),
        };
        if std::mem::take(&mut self.reset_seen) {
            value |= DHCSR_S_RESET_ST;
        }
        Ok(value)
    }

    fn write_dhcsr(&mut self, value: u32) -> Result<(), BenchError> {
        if value >> 16 != DHCSR_KEY {
            return Ok(());
        }
        self.poll()?;
        let was_debugging = self.control & DHCSR_C_DEBUGEN != 0;
        self.control = value & (DHCSR_C_DEBUGEN | DHCSR_C_MASKINTS);
        let debugging = value & DHCSR_C_DEBUGEN != 0;
        let halt = debugging && value & DHCSR_C_HALT != 0;
        match self.state {
            // A new bench is held until a debugger, once there, lets it run: its flash is blank,
            // and running that would be a lockup.
            State::Halted if halt || !was_debugging => Ok(()),
            State::Halted if debugging && value & DHCSR_C_STEP != 0 => {
                self.survive(|this| this.step(value & DHCSR_C_MASKINTS != 0))
            }
            State::Halted => self.survive(CortexM::resume),
            State::Running if halt => self.survive(|this| {
                this.link()?.gdb.interrupt()?;
                this.halted(DFSR_HALTED);
                Ok(())
            }),
            State::LockedUp | State::Wreck if halt => {
                self.state = State::Wreck;
                self.dfsr |= DFSR_HALTED;
                Ok(())
            }
            State::LockedUp | State::Wreck => {
                self.state = State::LockedUp;
                Ok(())
            }
            State::Running => Ok(()),
            State::Dead => Err(self.gone()),
        }
    }
}
