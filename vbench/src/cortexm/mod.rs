//! The debug half of a Cortex-M core, which QEMU does not have, in front of the half it has.
//!
//! ```text
//! MEM-AP access ─┬─ DHCSR, DCRSR, DCRDR, DEMCR, DFSR, AIRCR, comparators ─▶ here
//!                ├─ unmapped ─▶ bus fault
//!                └─ everything else (RAM, peripherals, NVIC, SCB) ─▶ QEMU, with the same width
//! ```
//!
//! `bus` decides between the three, `overlay` is the first of them, `transfer` and `special` reach
//! the core's registers; `run`, `stops` and `reset` are run control; `flash` stands in for a flash
//! controller that QEMU lacks.
//!
//! Source for every register here: ARMv6-M ARM, DDI 0419E, C1.6 (debug control block); ARMv7-M,
//! DDI 0403E, C1.6, agrees where both have a register.

mod bus;
mod flash;
mod overlay;
mod registers;
mod reset;
mod run;
mod special;
mod stimuli;
mod stops;
mod transfer;

use std::collections::BTreeSet;

use self::registers::DFSR_HALTED;
use self::special::Specials;
use self::stops::Inserted;
use crate::breakpoints::BreakpointUnit;
use crate::link::{BenchOptions, Link};
use crate::qtest::Width;
use crate::regions::Kind;
use crate::serial::SerialPort;
use crate::watchpoints::WatchpointUnit;
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
    /// A locked-up core that the debugger halted: QEMU's last words still tell its registers, and
    /// nothing else is left of it. Until the next reset.
    Wreck,
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
    breakpoints: BreakpointUnit,
    watchpoints: WatchpointUnit,
    /// What QEMU holds of both now.
    inserted: Inserted,
    /// Registers that took instructions to read, since the core halted.
    specials: Option<Specials>,
    /// The flash, to be put back after a lockup: as the bench programmed it, or as of the last
    /// reset or the end of a flash algorithm where the chip's own controller did. Empty: blank.
    image: Vec<u8>,
    /// Code in RAM ran since the image was taken.
    maybe_programmed: bool,
    /// `BKPT` instructions in `image`: QEMU takes them as faults, a debugged core halts.
    bkpts: BTreeSet<u32>,
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
            breakpoints: BreakpointUnit::new(machine.debug_port.breakpoints),
            watchpoints: WatchpointUnit::new(machine.debug_port.watchpoints),
            inserted: Inserted::default(),
            specials: None,
            image: Vec::new(),
            maybe_programmed: false,
            bkpts: BTreeSet::new(),
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

    /// Drives the reset pin. The core is held while it is low, and starts when it goes high.
    pub(crate) fn set_reset_pin(&mut self, low: bool) -> Result<(), BenchError> {
        if low != self.reset_pin_low {
            self.reset_pin_low = low;
            self.survive(CortexM::reset)?;
        }
        Ok(())
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
        self.inserted = Inserted::default();
        self.specials = None;
        match (locked_up, ended) {
            (true, _) => Ok(()),
            (false, true) => Err(self.gone()),
            (false, false) => Err(error),
        }
    }

    /// Why there is no link.
    fn gone(&self) -> BenchError {
        match self.state {
            State::LockedUp | State::Wreck => BenchError::LockedUp,
            _ => BenchError::QemuDied { stderr: self.post_mortem.clone().unwrap_or_default() },
        }
    }
}

/// What QEMU says when an M-profile core cannot take an exception any more.
const LOCKUP: &str = "Lockup";
