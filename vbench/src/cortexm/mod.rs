//! The debug half of a Cortex-M core, which QEMU does not have, in front of the half it has.
//!
//! ```text
//! MEM-AP access ─┬─ DHCSR, DCRSR, DCRDR, DEMCR, DFSR, AIRCR, breakpoint unit ─▶ here
//!                ├─ unmapped ─▶ bus fault
//!                └─ everything else (RAM, peripherals, NVIC, SCB) ─▶ QEMU, with the same width
//! ```
//!
//! Source for every register here: ARMv6-M ARM, DDI 0419E, C1.6 (debug control block) and C1.8
//! (breakpoint unit); ARMv7-M, DDI 0403E, C1.6 and C1.11, agree where both have a register.

mod registers;
mod run;
mod transfer;

use std::collections::BTreeSet;

use self::registers::{
    AIRCR, AIRCR_KEY, AIRCR_SYSRESETREQ, DCRDR, DCRSR, DEMCR, DFSR, DFSR_HALTED, DHCSR,
    DHCSR_C_DEBUGEN, DHCSR_C_HALT, DHCSR_C_MASKINTS, DHCSR_C_STEP, DHCSR_KEY, DHCSR_S_HALT,
    DHCSR_S_LOCKUP, DHCSR_S_REGRDY, DHCSR_S_RESET_ST,
};
use crate::breakpoints::BreakpointUnit;
use crate::link::{BenchOptions, Link};
use crate::qtest::Width;
use crate::regions::Kind;
use crate::serial::SerialPort;
use crate::{BenchError, Machine};

/// What became of a bus access.
pub(crate) enum Access<T> {
    Done(T),
    /// The bus answered with an error.
    Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Halted,
    /// QEMU has ended with word of a lockup, which is how it shows one. Until the next reset.
    LockedUp,
    /// QEMU has ended otherwise, or does not answer and was ended. Until the next reset.
    Dead,
}

pub(crate) struct CortexM {
    machine: &'static Machine,
    options: BenchOptions,
    link: Option<Link>,
    serial: Option<SerialPort>,
    state: State,
    /// C_DEBUGEN, C_MASKINTS as last written.
    control: u32,
    reset_seen: bool,
    dfsr: u32,
    demcr: u32,
    /// `None`: the register selected last is not known to this QEMU.
    dcrdr: Option<u32>,
    reset_pin_low: bool,
    unit: BreakpointUnit,
    /// Breakpoints that QEMU holds now.
    inserted: BTreeSet<u32>,
    /// The flash as of the last reset, to be put back after a lockup.
    image: Vec<u8>,
    /// `BKPT` instructions in `image`: QEMU takes them as faults, a debugged core halts.
    bkpts: Vec<u32>,
    post_mortem: Option<String>,
}

impl CortexM {
    /// Starts the machine: blank flash, core halted.
    pub(crate) fn start(
        machine: &'static Machine,
        options: &BenchOptions,
    ) -> Result<CortexM, BenchError> {
        let mut serial = match &machine.serial {
            Some(spec) => Some(SerialPort::open(&spec.name)?),
            None => None,
        };
        let link = Link::start(machine, options, serial.as_mut())?;
        Ok(CortexM {
            machine,
            options: options.clone(),
            link: Some(link),
            serial,
            state: State::Halted,
            control: 0,
            reset_seen: true,
            dfsr: DFSR_HALTED,
            demcr: 0,
            dcrdr: Some(0),
            reset_pin_low: false,
            unit: BreakpointUnit::new(machine.debug_port.breakpoints),
            inserted: BTreeSet::new(),
            image: Vec::new(),
            bkpts: Vec::new(),
            post_mortem: None,
        })
    }

    pub(crate) fn machine(&self) -> &'static Machine {
        self.machine
    }

    pub(crate) fn link(&mut self) -> Result<&mut Link, BenchError> {
        match self.link {
            Some(ref mut link) => Ok(link),
            None => Err(self.gone()),
        }
    }

    pub(crate) fn serial(&self) -> Option<&SerialPort> {
        self.serial.as_ref()
    }

    /// What QEMU wrote when it ended by itself last, if it did.
    pub(crate) fn post_mortem(&self) -> Option<&str> {
        self.post_mortem.as_deref()
    }

    /// One read by the debugger.
    pub(crate) fn read(&mut self, address: u64, width: Width) -> Result<Access<u32>, BenchError> {
        self.guard(|this| this.read_one(address, width))
    }

    /// [`CortexM::read`] behind the door.
    fn read_one(&mut self, address: u64, width: Width) -> Result<Access<u32>, BenchError> {
        let word = address & !3;
        match self.read_overlay(word)? {
            Some(access) => Ok(match access {
                Access::Done(value) => Access::Done(lane(value, address, width)),
                Access::Fault => Access::Fault,
            }),
            None => self.read_bus(address, width),
        }
    }

    /// Consecutive words, as many at once as the bus allows.
    pub(crate) fn read_words(
        &mut self,
        address: u64,
        words: &mut [u32],
    ) -> Result<Access<()>, BenchError> {
        self.guard(|this| {
            let size = 4 * words.len() as u64;
            let each = || (address..address + size).step_by(4);
            let kind = this.kind(address, size.max(4)).filter(|_| !each().any(is_overlay));
            match kind {
                Some(Kind::Storage) => {
                    let bytes = this.link()?.qtest.read_bulk(address, words.len() * 4)?;
                    for (word, four) in words.iter_mut().zip(bytes.chunks_exact(4)) {
                        *word = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                    }
                }
                Some(_) => {
                    let each: Vec<u64> = each().collect();
                    words.copy_from_slice(&this.link()?.qtest.read_each(&each, Width::Word)?);
                }
                None => {
                    for (word, at) in words.iter_mut().zip(each()) {
                        match this.read_one(at, Width::Word)? {
                            Access::Done(value) => *word = value,
                            Access::Fault => return Ok(Access::Fault),
                        }
                    }
                }
            }
            Ok(Access::Done(()))
        })
    }

    /// One write by the debugger.
    pub(crate) fn write(
        &mut self,
        address: u64,
        width: Width,
        value: u32,
    ) -> Result<Access<()>, BenchError> {
        self.guard(|this| this.write_one(address, width, value))
    }

    /// Consecutive words, as many at once as the bus allows.
    pub(crate) fn write_words(
        &mut self,
        address: u64,
        words: &[u32],
    ) -> Result<Access<()>, BenchError> {
        self.guard(|this| {
            let size = 4 * words.len() as u64;
            let each: Vec<_> = (address..).step_by(4).zip(words.iter().copied()).collect();
            let plain = !each.iter().any(|&(at, _)| is_overlay(at));
            if plain && this.kind(address, size.max(4)).is_some() {
                this.link()?.qtest.write_each(&each, Width::Word)?;
                return Ok(Access::Done(()));
            }
            for (at, word) in each {
                if let Access::Fault = this.write_one(at, Width::Word, word)? {
                    return Ok(Access::Fault);
                }
            }
            Ok(Access::Done(()))
        })
    }

    /// Drives the reset pin. The core is held while it is low, and starts when it goes high.
    pub(crate) fn set_reset_pin(&mut self, low: bool) -> Result<(), BenchError> {
        if low != self.reset_pin_low {
            self.reset_pin_low = low;
            self.survive(CortexM::reset)?;
        }
        Ok(())
    }

    fn read_overlay(&mut self, address: u64) -> Result<Option<Access<u32>>, BenchError> {
        let value = match address {
            DHCSR => self.read_dhcsr()?,
            DCRSR => 0,
            DCRDR => match self.dcrdr {
                Some(value) => value,
                None => return Ok(Some(Access::Fault)),
            },
            DEMCR => self.demcr,
            DFSR => self.dfsr,
            _ => match self.unit.read(address) {
                Some(value) => value,
                None => return Ok(None),
            },
        };
        Ok(Some(Access::Done(value)))
    }

    /// False: not one of ours.
    fn write_overlay(&mut self, address: u64, value: u32) -> Result<bool, BenchError> {
        match address {
            DHCSR => self.write_dhcsr(value)?,
            DCRSR => self.transfer_register(value)?,
            DCRDR => self.dcrdr = Some(value),
            DEMCR => self.demcr = value,
            // Bits are cleared by writing 1.
            DFSR => self.dfsr &= !value,
            AIRCR if value >> 16 == AIRCR_KEY && value & AIRCR_SYSRESETREQ != 0 => self.reset()?,
            _ => return Ok(self.unit.write(address, value)),
        }
        Ok(true)
    }

    fn read_dhcsr(&mut self) -> Result<u32, BenchError> {
        self.poll()?;
        let mut value = self.control;
        value |= match self.state {
            // A debugger modifies what it reads: C_HALT must show while the core is halted.
            State::Halted => DHCSR_S_HALT | DHCSR_C_HALT | DHCSR_S_REGRDY,
            State::Running => 0,
            State::LockedUp => DHCSR_S_LOCKUP,
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
            // A locked-up core can be halted on hardware; here there is no core left.
            State::Running | State::LockedUp => Ok(()),
            State::Dead => Err(self.gone()),
        }
    }

    fn register(&mut self, name: &str) -> Result<Option<u32>, BenchError> {
        self.link()?.gdb.read_register(name)
    }

    /// The halfword at `address` if that is storage.
    fn halfword(&mut self, address: u32) -> Result<Option<u16>, BenchError> {
        let address = u64::from(address & !1);
        Ok(match self.kind(address, 2) {
            Some(Kind::Storage) => Some(self.link()?.qtest.read(address, Width::Half)? as u16),
            _ => None,
        })
    }

    fn read_bus(&mut self, address: u64, width: Width) -> Result<Access<u32>, BenchError> {
        let link = self.link()?;
        match link.regions.at(address, width.bytes()) {
            Some(_) => Ok(Access::Done(link.qtest.read(address, width)?)),
            None => Ok(Access::Fault),
        }
    }

    fn write_one(
        &mut self,
        address: u64,
        width: Width,
        value: u32,
    ) -> Result<Access<()>, BenchError> {
        if width == Width::Word && self.write_overlay(address, value)? {
            return Ok(Access::Done(()));
        }
        let link = self.link()?;
        match link.regions.at(address, width.bytes()) {
            Some(_) => Ok(Access::Done(link.qtest.write(address, width, value)?)),
            None => Ok(Access::Fault),
        }
    }

    fn kind(&self, address: u64, size: u64) -> Option<Kind> {
        let link = self.link.as_ref()?;
        link.regions.at(address, size).map(|region| region.kind)
    }

    /// Runs `act`; if the core locks up meanwhile that is no error.
    fn survive(
        &mut self,
        act: impl FnOnce(&mut CortexM) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        act(self).or_else(|error| self.lose(error))
    }

    /// The door that every access goes through, so that no error leaves a dead link behind.
    fn guard<T>(
        &mut self,
        act: impl FnOnce(&mut CortexM) -> Result<Access<T>, BenchError>,
    ) -> Result<Access<T>, BenchError> {
        act(self).or_else(|error| {
            self.lose(error)?;
            Err(self.gone())
        })
    }

    /// Takes leave of a QEMU that has ended or that does not answer: an answer that comes too
    /// late would be taken for the next one. `Ok`: it ended in a lockup.
    fn lose(&mut self, error: BenchError) -> Result<(), BenchError> {
        let ended = Link::is_gone(&error);
        if !ended && !matches!(error, BenchError::Deadline { .. }) {
            return Err(error);
        }
        let Some(link) = self.link.take() else {
            return Err(error);
        };
        let stderr = link.process.stderr();
        let locked_up = ended && stderr.contains(LOCKUP);
        self.state = if locked_up { State::LockedUp } else { State::Dead };
        self.post_mortem = Some(stderr);
        self.inserted.clear();
        match (locked_up, ended) {
            (true, _) => Ok(()),
            (false, true) => Err(self.gone()),
            (false, false) => Err(error),
        }
    }

    /// Why there is no link.
    fn gone(&self) -> BenchError {
        match self.state {
            State::LockedUp => BenchError::LockedUp,
            _ => BenchError::QemuDied { stderr: self.post_mortem.clone().unwrap_or_default() },
        }
    }
}

/// What QEMU says when an M-profile core cannot take an exception any more.
const LOCKUP: &str = "Lockup";

fn is_overlay(address: u64) -> bool {
    matches!(address, AIRCR | DFSR | DHCSR | DCRSR | DCRDR | DEMCR)
        || BreakpointUnit::holds(address)
}

/// The bytes of a word that a narrower access sees.
fn lane(word: u32, address: u64, width: Width) -> u32 {
    let shifted = word >> (8 * (address & 3));
    match width {
        Width::Byte => shifted & 0xff,
        Width::Half => shifted & 0xffff,
        Width::Word => shifted,
    }
}
