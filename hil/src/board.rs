//! An open board: attached through a probe, commanded core by core, read without halting.

mod emulated;

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use bundle::{BoardId, CoreRegister, CoreStatus, ReadPlan, Snapshot};
use probe_rs::architecture::arm::ArmError;
use probe_rs::config::MemoryRegion;
use probe_rs::{Core, CoreType, MemoryInterface, Session, VectorCatchCondition};
use vbench::SerialText;

pub use emulated::Stimulus;

use crate::access::{core, read, write};
use crate::console::{Console, ConsoleAddress, ConsoleNotes};
use crate::flash::{self, FlashProgress, Flashed, Job};
use crate::open::{self, Emulated};
use crate::protection::Protection;
use crate::selector::Selector;
use crate::{HilError, Image, snapshot};

/// How long each kind of step may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Opening the probe and attaching to the chip. Starting QEMU is part of it.
    pub attach: Duration,
    /// Erase, program and verify together. A board that missed it has to be opened again.
    pub flash: Duration,
    /// One command to the core, such as a halt.
    pub command: Duration,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines {
            attach: Duration::from_secs(10),
            flash: Duration::from_secs(60),
            command: Duration::from_millis(500),
        }
    }
}

/// A board with an attached debugger. Dropping it lets go of a real chip as it is, and ends the
/// QEMU of a virtual one.
pub struct Board {
    /// `None` after a flash whose deadline passed: its thread still holds the probe.
    session: Option<Session>,
    /// `None`: the chip is real.
    emulated: Option<Emulated>,
    id: BoardId,
    deadlines: Deadlines,
    /// The UART, where it does not come with the board.
    console: Option<Console>,
    /// Why the UART of a served board cannot be heard.
    deaf: Option<HilError>,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Board").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Which exceptions halt a core at their handler's entry. Source: ARMv7-M ARM, DDI 0403E, C1.6.5:
/// VC_MMERR, VC_NOCPERR, VC_CHKERR, VC_STATERR, VC_BUSERR, VC_INTERR, VC_HARDERR.
const DEMCR: u64 = 0xE000_EDFC;
const DEMCR_VC_FAULTS: u32 = 0x7f << 4;
const DEMCR_VC_HARDERR: u32 = 1 << 10;

/// How often [`Board::wait_halted`] looks.
const POLL: Duration = Duration::from_millis(2);

impl Board {
    /// Opens the probe and attaches to the chip, which goes on doing what it did.
    ///
    /// probe-rs 0.32 halts each core for a moment when it attaches and when it lets go, to clear
    /// comparators that an earlier debugger may have left; a core that ran runs on.
    ///
    /// `chip` is the probe software's name. A virtual board knows its own, and refuses another.
    /// With a real probe and no name the chip is asked who it is, which not every chip answers.
    ///
    /// # Errors
    /// See [`HilError`]; a locked chip is [`HilError::Locked`] and stays locked.
    pub fn open(
        selector: &Selector,
        chip: Option<&str>,
        deadlines: &Deadlines,
    ) -> Result<Board, HilError> {
        let (session, emulated, id) = open::open(selector, chip, deadlines.attach)?;
        let uart = emulated.as_ref().and_then(Emulated::remote_uart);
        let (console, deaf) = match uart.map(|(name, address)| Console::open(name, address)) {
            None => (None, None),
            Some(Ok(console)) => (Some(console), None),
            Some(Err(error)) => (None, Some(error)),
        };
        Ok(Board { session: Some(session), emulated, id, deadlines: *deadlines, console, deaf })
    }

    /// Which board this is, as it goes into snapshots.
    pub fn identity(&self) -> &BoardId {
        &self.id
    }

    /// Erases what `elf` needs, programs it and verifies it, unless the flash holds it already. A
    /// core whose flash was written is left halted; reset it in either case.
    ///
    /// # Errors
    /// [`HilError::Firmware`] or [`HilError::Locked`] if nothing was touched, [`HilError::Flash`] if the contents of the
    /// flash are not known afterwards, [`HilError::Verify`] if they are known to be wrong.
    pub fn flash(
        &mut self,
        elf: &Path,
        progress: &mut dyn FnMut(FlashProgress),
    ) -> Result<Flashed, HilError> {
        self.do_job(Job::Program { elf: elf.to_owned(), even_if_same: false }, progress)
    }

    /// [`Board::flash`], also if the flash holds the same already.
    pub fn flash_again(
        &mut self,
        elf: &Path,
        progress: &mut dyn FnMut(FlashProgress),
    ) -> Result<Flashed, HilError> {
        self.do_job(Job::Program { elf: elf.to_owned(), even_if_same: true }, progress)
    }

    /// Erases the sectors that hold the bytes of `range`, and only those. The core is left halted.
    ///
    /// # Errors
    /// [`HilError::Locked`] if nothing was touched; [`HilError::Erase`] if what the flash holds is not
    /// known.
    pub fn erase(
        &mut self,
        range: Range<u64>,
        progress: &mut dyn FnMut(FlashProgress),
    ) -> Result<(), HilError> {
        self.do_job(Job::Erase(range), progress).map(|_| ())
    }

    /// Erases all flash of the chip, whatever it holds. Errors as for [`Board::erase`].
    pub fn erase_all(&mut self, progress: &mut dyn FnMut(FlashProgress)) -> Result<(), HilError> {
        self.do_job(Job::EraseAll, progress).map(|_| ())
    }

    fn do_job(
        &mut self,
        job: Job,
        progress: &mut dyn FnMut(FlashProgress),
    ) -> Result<Flashed, HilError> {
        let mut session = self.session.take().ok_or(HilError::Lost)?;
        // What an emulator holds in such a register says nothing.
        if self.emulated.is_none()
            && let Some(protection) = Protection::of_flash(&mut session)
        {
            self.session = Some(session);
            let (chip, probe) = (self.id.chip.clone(), self.id.selector.clone());
            return Err(HilError::Locked { what: job.verb(), chip, protection, probe });
        }
        let (session, result) = flash::within(session, job, self.deadlines.flash, progress);
        self.session = session;
        result
    }

    /// Whether a memory of the chip that only a flash algorithm can write holds `address`.
    pub fn is_flash(&self, address: u64) -> bool {
        let map = self.session.iter().flat_map(|session| &session.target().memory_map);
        map.filter_map(MemoryRegion::as_nvm_region).any(|region| region.range.contains(&address))
    }

    /// Resets the chip and lets it run.
    pub fn reset(&mut self) -> Result<(), HilError> {
        self.command("reset the chip", |core, _| core.reset())
    }

    /// Resets the chip and halts it before its first instruction. Gives the program counter.
    pub fn reset_and_halt(&mut self) -> Result<u64, HilError> {
        self.command("reset and halt the chip", |core, limit| {
            core.reset_and_halt(limit).map(|info| info.pc)
        })
    }

    /// Halts the core. Gives the program counter.
    pub fn halt(&mut self) -> Result<u64, HilError> {
        self.command("halt the core", |core, limit| core.halt(limit).map(|info| info.pc))
    }

    /// Lets a halted core run; a running core is left alone.
    pub fn run(&mut self) -> Result<(), HilError> {
        self.command("run the core", |core, _| match core.core_halted()? {
            true => core.run(),
            false => Ok(()),
        })
    }

    /// Executes one instruction of a halted core. Gives the program counter after it.
    pub fn step(&mut self) -> Result<u64, HilError> {
        self.command("step the core", |core, _| core.step().map(|info| info.pc))
    }

    /// What the core is doing.
    pub fn status(&mut self) -> Result<CoreStatus, HilError> {
        self.command("ask the core for its status", |core, _| core.status()).map(snapshot::status)
    }

    /// Reads `count` registers of `size_bits` each from `address` on, without halting.
    ///
    /// Each access has that width on the bus, for a peripheral may not take another.
    ///
    /// # Errors
    /// [`HilError::BadRead`] for a width other than 8, 16, 32, 64 or an unaligned address;
    /// [`HilError::Read`] if the bus faults.
    pub fn read(
        &mut self,
        address: u64,
        size_bits: u32,
        count: usize,
    ) -> Result<Vec<u64>, HilError> {
        let mut core = core(self.session.as_mut())?;
        read(&mut core, address, size_bits, count)
    }

    /// Writes `values` as registers of `size_bits` each from `address` on, without halting. Flash is
    /// not written this way; [`Board::flash`] does that.
    ///
    /// # Errors
    /// [`HilError::BadWrite`] for a width other than 8, 16, 32, an unaligned address, or a value
    /// that does not fit; [`HilError::Write`] if the bus faults.
    pub fn write(&mut self, address: u64, size_bits: u32, values: &[u64]) -> Result<(), HilError> {
        let mut core = core(self.session.as_mut())?;
        write(&mut core, address, size_bits, values)
    }

    /// Makes the core halt before it executes the instruction at `address`.
    ///
    /// # Errors
    /// [`HilError::Core`] if all comparators are taken, or none can hold that address.
    pub fn set_breakpoint(&mut self, address: u64) -> Result<(), HilError> {
        self.command("set a breakpoint", |core, _| core.set_hw_breakpoint(address))
    }

    /// Takes back [`Board::set_breakpoint`].
    pub fn clear_breakpoint(&mut self, address: u64) -> Result<(), HilError> {
        self.command("clear a breakpoint", |core, _| core.clear_hw_breakpoint(address))
    }

    /// Makes the core halt at the entry of any fault handler, or no longer. A reset is not caught.
    ///
    /// # Errors
    /// [`HilError::Core`] if the core has no such means, as RISC-V has none.
    pub fn catch_faults(&mut self, catch: bool) -> Result<(), HilError> {
        self.command("choose which faults halt the core", |core, _| {
            let faults = match core.core_type() {
                CoreType::Armv6m => DEMCR_VC_HARDERR,
                CoreType::Armv7m | CoreType::Armv7em | CoreType::Armv8m => DEMCR_VC_FAULTS,
                _ if catch => return core.enable_vector_catch(VectorCatchCondition::HardFault),
                _ => return core.disable_vector_catch(VectorCatchCondition::HardFault),
            };
            let demcr = core.read_word_32(DEMCR)?;
            core.write_word_32(DEMCR, if catch { demcr | faults } else { demcr & !faults })
        })
    }

    /// Waits until the core has halted or locked up by itself, and gives the status it then has.
    /// `None`: `limit` passed first.
    pub fn wait_halted(&mut self, limit: Duration) -> Result<Option<CoreStatus>, HilError> {
        let give_up = Instant::now() + limit;
        loop {
            match self.status()? {
                CoreStatus::Running | CoreStatus::Sleeping | CoreStatus::Unknown => {}
                stopped => return Ok(Some(stopped)),
            }
            if Instant::now() >= give_up {
                return Ok(None);
            }
            std::thread::sleep(POLL);
        }
    }

    /// The registers of a halted core, in the manual's order.
    ///
    /// # Errors
    /// [`HilError::NotHalted`]; nothing is halted for the sake of reading.
    pub fn core_registers(&mut self) -> Result<Vec<CoreRegister>, HilError> {
        let mut core = core(self.session.as_mut())?;
        snapshot::core_registers(&mut core)
    }

    /// Text off the board's UART: virtual boards bring it along, for others see [`Board::listen_to`].
    pub fn serial(&self) -> Option<SerialText> {
        match (&self.console, self.bench()) {
            (Some(console), _) => Some(console.text()),
            (None, Some(bench)) => bench.lock().serial(),
            (None, None) => None,
        }
    }

    /// Listens to a serial line as this board's UART, from now on.
    ///
    /// # Errors
    /// [`HilError::Console`].
    pub fn listen_to(&mut self, name: &str, address: &ConsoleAddress) -> Result<(), HilError> {
        self.console = None;
        self.console = Some(Console::open(name, address)?);
        Ok(())
    }

    /// Lets go of the serial line that [`Board::listen_to`] opened, so that another program can open it.
    pub fn let_go_of_line(&mut self) -> Option<ConsoleAddress> {
        self.console.take().map(|console| console.address().clone())
    }

    /// What happens to the serial line, if the board has one that can break.
    pub fn console_notes(&self) -> Option<ConsoleNotes> {
        self.console.as_ref().map(Console::notes)
    }

    /// Why the UART of a board that is served elsewhere cannot be heard, if that is so.
    pub fn deaf(&self) -> Option<&HilError> {
        self.deaf.as_ref()
    }

    /// Carries out `plan`. A refused register costs only itself; a memory range that cannot be
    /// read whole is left out. Halts nothing unless the plan says so.
    ///
    /// # Errors
    /// Only if the board as a whole is lost.
    pub fn snapshot(&mut self, plan: &ReadPlan) -> Result<Snapshot, HilError> {
        self.snapshot_of(plan, None)
    }

    /// As [`Board::snapshot`]; of a core that is halted, or may be, also the RAM that an autopsy with
    /// `image` looks at: stacks, and the lists and control blocks of an operating system. No more than
    /// a quarter of a megabyte.
    ///
    /// # Errors
    /// Only if the board as a whole is lost.
    pub fn snapshot_of(
        &mut self,
        plan: &ReadPlan,
        image: Option<&Image>,
    ) -> Result<Snapshot, HilError> {
        let wanted = snapshot::Wanted { plan, image, halt_within: self.deadlines.command };
        let mut snapshot = snapshot::take(self.session.as_mut(), &self.id, &wanted)?;
        for register in &mut snapshot.registers {
            register.fidelity = self.fidelity(register.address);
        }
        snapshot.logs = self.serial().iter().map(snapshot::log).collect();
        Ok(snapshot)
    }

    pub(crate) fn session_mut(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }

    /// How long each kind of step may take.
    pub(crate) fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    fn command<T>(
        &mut self,
        what: &'static str,
        act: impl FnOnce(&mut Core<'_>, Duration) -> Result<T, probe_rs::Error>,
    ) -> Result<T, HilError> {
        let limit = self.deadlines.command;
        let mut core = core(self.session.as_mut())?;
        act(&mut core, limit).map_err(|error| match error {
            probe_rs::Error::Timeout | probe_rs::Error::Arm(ArmError::Timeout) => {
                HilError::Deadline { what: what.to_owned(), limit }
            }
            source => HilError::core(what, source),
        })
    }
}
