//! An open board: attached through a probe, commanded core by core, read without halting.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use bundle::{BoardId, CoreRegister, CoreStatus, Fidelity, ReadPlan, Snapshot, VirtualBoard};
use probe_rs::Target;
use probe_rs::architecture::arm::ArmError;
use probe_rs::config::{Registry, RegistryError};
use probe_rs::probe::list::Lister;
use probe_rs::probe::{DebugProbeError, Probe, ProbeCreationError};
use probe_rs::{Core, MemoryInterface, Permissions, Session};
use vbench::SerialText;

use crate::error::Cause;
use crate::flash::{self, FlashProgress};
use crate::list::{self, Availability};
use crate::selector::Selector;
use crate::virtual_probe::{self, SharedBench, VirtualProbe, bench_fault};
use crate::{HilError, snapshot};

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
    bench: Option<SharedBench>,
    id: BoardId,
    deadlines: Deadlines,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Board").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Index of the core that commands go to.
const CORE: usize = 0;

impl Board {
    /// Opens the probe and attaches to the chip, which goes on doing what it did.
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
        let selector = resolve(selector)?;
        let chip = choose_chip(&selector, chip)?;
        let (session, bench) = attach_within(&selector, chip.as_deref(), deadlines.attach)?;
        let id = BoardId {
            selector: selector.to_string(),
            chip: session.target().name.clone(),
            virtual_board: bench.as_ref().map(|bench| virtual_board(&bench.lock())),
        };
        Ok(Board { session: Some(session), bench, id, deadlines: *deadlines })
    }

    /// Which board this is, as it goes into snapshots.
    pub fn identity(&self) -> &BoardId {
        &self.id
    }

    /// Erases what `elf` needs, programs it and verifies it. The core is left halted.
    ///
    /// # Errors
    /// [`HilError::Firmware`] if nothing was touched, [`HilError::Flash`] if the contents of the
    /// flash are not known afterwards, [`HilError::Verify`] if they are known to be wrong.
    pub fn flash(
        &mut self,
        elf: &Path,
        progress: &mut dyn FnMut(FlashProgress),
    ) -> Result<(), HilError> {
        let session = self.session.take().ok_or(HilError::Lost)?;
        let (session, result) = flash::flash_within(session, elf, self.deadlines.flash, progress);
        self.session = session;
        result
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

    /// The registers of a halted core, in the manual's order.
    ///
    /// # Errors
    /// [`HilError::NotHalted`]; nothing is halted for the sake of reading.
    pub fn core_registers(&mut self) -> Result<Vec<CoreRegister>, HilError> {
        let mut core = core(self.session.as_mut())?;
        snapshot::core_registers(&mut core)
    }

    /// Text off the board's UART, as far as this board brings it along: virtual boards do.
    pub fn serial(&self) -> Option<SerialText> {
        self.bench.as_ref()?.lock().serial()
    }

    /// What a read at `address` is worth. `None`: a real board, or a register that the virtual
    /// board's table does not know.
    pub fn fidelity(&self, address: u64) -> Option<Fidelity> {
        let entry = self.bench.as_ref()?.lock().machine().fidelity(address)?;
        Some(match entry.label {
            vbench::Fidelity::Modelled => Fidelity::Modelled,
            vbench::Fidelity::StoredOnly => Fidelity::StoredOnly,
            vbench::Fidelity::NotModelled => Fidelity::NotModelled,
        })
    }

    /// What else to know about a read at `address` on this virtual board, such as that QEMU does
    /// not model bit timing.
    pub fn fidelity_note(&self, address: u64) -> Option<String> {
        self.bench.as_ref()?.lock().machine().fidelity(address)?.note.clone()
    }

    /// What the emulator said when the core locked up, if it did.
    pub fn post_mortem(&self) -> Option<String> {
        self.bench.as_ref()?.lock().post_mortem().map(str::to_owned)
    }

    /// Carries out `plan`. A refused register costs only itself; a memory range that cannot be
    /// read whole is left out. Halts nothing unless the plan says so.
    ///
    /// # Errors
    /// Only if the board as a whole is lost.
    pub fn snapshot(&mut self, plan: &ReadPlan) -> Result<Snapshot, HilError> {
        let limit = self.deadlines.command;
        let mut snapshot = snapshot::take(self.session.as_mut(), &self.id, plan, limit)?;
        for register in &mut snapshot.registers {
            register.fidelity = self.fidelity(register.address);
        }
        snapshot.logs = self.serial().iter().map(snapshot::log).collect();
        Ok(snapshot)
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

pub(crate) fn core(session: Option<&mut Session>) -> Result<Core<'_>, HilError> {
    session
        .ok_or(HilError::Lost)?
        .core(CORE)
        .map_err(|source| HilError::core("reach the core", source))
}

/// One aligned read of `count` times `size_bits`.
pub(crate) fn read(
    core: &mut Core<'_>,
    address: u64,
    size_bits: u32,
    count: usize,
) -> Result<Vec<u64>, HilError> {
    let bytes = u64::from(size_bits / 8);
    if !matches!(size_bits, 8 | 16 | 32 | 64) {
        return Err(HilError::BadRead { address, why: "a width is 8, 16, 32 or 64 bits" });
    }
    if !address.is_multiple_of(bytes) {
        return Err(HilError::BadRead { address, why: "the address is not aligned to the width" });
    }
    fn widen<T: Copy + Into<u64>>(words: &[T]) -> Vec<u64> {
        words.iter().map(|&word| word.into()).collect()
    }
    let read = match size_bits {
        8 => {
            let mut words = vec![0u8; count];
            core.read_8(address, &mut words).map(|()| widen(&words))
        }
        16 => {
            let mut words = vec![0u16; count];
            core.read_16(address, &mut words).map(|()| widen(&words))
        }
        32 => {
            let mut words = vec![0u32; count];
            core.read_32(address, &mut words).map(|()| widen(&words))
        }
        _ => {
            let mut words = vec![0u64; count];
            core.read_64(address, &mut words).map(|()| words)
        }
    };
    read.map_err(|source| match bench_fault(&source) {
        Some(fault) => HilError::Bench(fault),
        None => HilError::Read { address, size_bits, source: source.into() },
    })
}

/// Replaces "the only probe" by the probe it is, and says early why a probe will not open.
fn resolve(selector: &Selector) -> Result<Selector, HilError> {
    let probe = match selector {
        Selector::Virtual(_) => return Ok(selector.clone()),
        Selector::Only | Selector::Probe { .. } => {
            let mut found = list::real_probes(selector.to_probe_rs().as_ref());
            match found.len() {
                // A probe reached otherwise than by USB lists nothing and may yet open.
                0 if *selector != Selector::Only => return Ok(selector.clone()),
                0 => return Err(no_probe(selector)),
                1 => found.remove(0),
                _ => return Err(HilError::SeveralProbes { selector: selector.clone(), found }),
            }
        }
    };
    match probe.availability {
        Availability::NoPermission => Err(HilError::NoPermission { probe: Box::new(probe) }),
        _ => Ok(probe.selector),
    }
}

fn no_probe(selector: &Selector) -> HilError {
    HilError::NoProbe { selector: selector.clone(), found: list::list() }
}

/// The chip to attach to: the given name if the registry knows it, a virtual board's own name,
/// or none, which leaves it to the chip to say.
fn choose_chip(selector: &Selector, chip: Option<&str>) -> Result<Option<String>, HilError> {
    let own = match selector {
        Selector::Virtual(name) => {
            let machine = vbench::machine(name).map_err(std::sync::Arc::new)?;
            Some(machine.chip.clone())
        }
        _ => None,
    };
    let Some(chip) = chip else {
        return Ok(own);
    };
    // What would be ambiguous for a probe, such as `nRF51822`, is enough here.
    if let Some(own) = &own
        && own.to_ascii_lowercase().starts_with(&chip.to_ascii_lowercase())
    {
        return Ok(Some(own.clone()));
    }
    let target = target_named(&Registry::from_builtin_families(), chip)?;
    match own {
        Some(own) if own != target.name => {
            Err(HilError::WrongChip { selector: selector.clone(), chip: target.name, own })
        }
        _ => Ok(Some(target.name)),
    }
}

/// What the registry has under a chip's name.
pub(crate) fn target_named(registry: &Registry, chip: &str) -> Result<Target, HilError> {
    registry.get_target_by_name(chip).map_err(|error| match error {
        RegistryError::ChipNotUnique(chip, matching) => HilError::ChipAmbiguous {
            chip,
            matching: matching.split(", ").map(str::to_owned).collect(),
        },
        _ => HilError::ChipUnknown { chip: chip.to_owned(), similar: similar(registry, chip) },
    })
}

/// Up to five chip names that share the longest start with `chip`.
fn similar(registry: &Registry, chip: &str) -> Vec<String> {
    let mut start = chip;
    while start.len() >= 4 {
        let mut names = registry.search_chips(start);
        if !names.is_empty() {
            names.truncate(5);
            return names;
        }
        let (last, _) = start.char_indices().next_back().expect("four bytes or more");
        start = &start[..last];
    }
    Vec::new()
}

/// Opens and attaches on a thread of its own, since a stuck probe cannot be interrupted. If the
/// deadline passes that thread is left behind; it closes what it opened when it comes back.
fn attach_within(
    selector: &Selector,
    chip: Option<&str>,
    limit: Duration,
) -> Result<(Session, Option<SharedBench>), HilError> {
    let (sender, receiver) = mpsc::channel();
    let (to, of) = (selector.clone(), chip.map(str::to_owned));
    thread::Builder::new()
        .name("hil-attach".to_owned())
        .spawn(move || drop(sender.send(attach(&to, of.as_deref()))))
        .map_err(|source| HilError::OpenProbe {
            selector: selector.clone(),
            source: source.into(),
        })?;
    match receiver.recv_timeout(limit) {
        Ok(attached) => attached,
        Err(RecvTimeoutError::Timeout) => {
            let what = format!("attach to {} through {selector}", chip.unwrap_or("the chip"));
            Err(HilError::Deadline { what, limit })
        }
        Err(RecvTimeoutError::Disconnected) => Err(HilError::OpenProbe {
            selector: selector.clone(),
            source: "the probe driver panicked".into(),
        }),
    }
}

fn attach(
    selector: &Selector,
    chip: Option<&str>,
) -> Result<(Session, Option<SharedBench>), HilError> {
    let mut probe = open_probe(selector)?;
    let bench = Probe::try_into::<VirtualProbe>(&mut probe).map(|probe| probe.bench());
    let session = probe
        .attach(chip, Permissions::new())
        .map_err(|error| attach_error(error, selector, chip))?;
    Ok((session, bench))
}

fn open_probe(selector: &Selector) -> Result<Probe, HilError> {
    let Some(wanted) = selector.to_probe_rs() else {
        return Err(no_probe(selector));
    };
    let opened = match selector {
        // Straight to its driver: the others look through USB and serial ports first.
        Selector::Virtual(_) => virtual_probe::open(&wanted),
        _ if !list::can_enumerate() => return Err(no_probe(selector)),
        _ => Lister::new().open(wanted),
    };
    opened.map_err(|error| match error {
        DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::NotFound) => no_probe(selector),
        // Says that there is no USB at all, as in most containers.
        DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::Usb(_)) => no_probe(selector),
        source if let Some(fault) = bench_fault(&source) => HilError::Bench(fault),
        source => HilError::OpenProbe { selector: selector.clone(), source: source.into() },
    })
}

fn virtual_board(bench: &vbench::Bench) -> VirtualBoard {
    VirtualBoard {
        machine: bench.machine().qemu.machine.clone(),
        qemu: bench.qemu_version().to_string(),
    }
}

fn attach_error(error: probe_rs::Error, selector: &Selector, chip: Option<&str>) -> HilError {
    let name = || chip.unwrap_or("the chip").to_owned();
    match error {
        probe_rs::Error::ChipNotFound(RegistryError::ChipAutodetectFailed) => {
            HilError::ChipNeeded { selector: selector.clone() }
        }
        probe_rs::Error::MissingPermissions(why)
        | probe_rs::Error::Arm(ArmError::MissingPermissions(why)) => {
            HilError::Locked { chip: name(), why }
        }
        source => match bench_fault(&source) {
            Some(fault) => HilError::Bench(fault),
            None => HilError::Attach { chip: name(), source: Cause::from(source) },
        },
    }
}
