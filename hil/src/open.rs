//! Opening a probe and attaching to the chip behind it.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use bundle::{BoardId, VirtualBoard};
use probe_rs::architecture::arm::ArmError;
use probe_rs::config::{Registry, RegistryError, TargetSelector};
use probe_rs::probe::list::Lister;
use probe_rs::probe::{DebugProbeError, Probe, ProbeCreationError};
use probe_rs::{Permissions, Session, Target};
use vbench::Machine;

use crate::console::ConsoleAddress;
use crate::error::Cause;
use crate::list::{self, Availability, ProbeInfo};
use crate::protection::Protection;
use crate::remote_line::{RemoteFault, remote_fault};
use crate::remote_probe;
use crate::selector::Selector;
use crate::virtual_probe::{self, SharedBench, VirtualProbe, bench_fault};
use crate::{HilError, virtual_target};

/// The emulator behind a virtual board.
pub(crate) enum Emulated {
    /// In this process: started for this board, and ended with it.
    Here(SharedBench),
    /// Served by another process.
    There { machine: &'static Machine, qemu: String, uart: Option<ConsoleAddress> },
}

impl Emulated {
    pub(crate) fn machine(&self) -> &'static Machine {
        match self {
            Emulated::Here(bench) => bench.lock().machine(),
            Emulated::There { machine, .. } => machine,
        }
    }

    /// Where the UART of a board that is served elsewhere can be read, and what it is called.
    pub(crate) fn remote_uart(&self) -> Option<(&str, &ConsoleAddress)> {
        match self {
            Emulated::There { machine, uart: Some(uart), .. } => {
                let name = machine.serial.as_ref().map_or("uart", |serial| &serial.name);
                Some((name, uart))
            }
            _ => None,
        }
    }

    fn virtual_board(&self) -> VirtualBoard {
        let qemu = match self {
            Emulated::Here(bench) => bench.lock().qemu_version().to_string(),
            Emulated::There { qemu, .. } => qemu.clone(),
        };
        VirtualBoard { machine: self.machine().qemu.machine.clone(), qemu }
    }
}

/// Opens the probe and attaches to the chip, within `limit`.
pub(crate) fn open(
    selector: &Selector,
    chip: Option<&str>,
    limit: Duration,
) -> Result<(Session, Option<Emulated>, BoardId), HilError> {
    let selector = resolve(selector)?;
    let (session, emulated) = attach_within(&selector, chip, limit)?;
    let id = BoardId {
        selector: selector.to_string(),
        chip: session.target().name.clone(),
        virtual_board: emulated.as_ref().map(Emulated::virtual_board),
    };
    Ok((session, emulated, id))
}

/// Replaces "the only probe" by the probe it is, and says early why a probe will not open.
fn resolve(selector: &Selector) -> Result<Selector, HilError> {
    let probe = match selector {
        Selector::Virtual(_) | Selector::Remote(_) => return Ok(selector.clone()),
        Selector::Only | Selector::Probe { .. } => {
            let mut found = list::real_probes(selector.to_probe_rs().as_ref());
            if let Selector::Probe { port: Some(port), .. } = selector {
                found = at_port(selector, port, found)?;
            }
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

/// The probe at a port, if the probe software can be made to open that one: of several with the same ids
/// and serial number it opens whichever comes first.
fn at_port(
    selector: &Selector,
    port: &str,
    found: Vec<ProbeInfo>,
) -> Result<Vec<ProbeInfo>, HilError> {
    let is_there = |probe: &ProbeInfo| probe.port.as_deref().is_none_or(|at| at == port);
    if !found.is_empty() && !found.iter().any(is_there) {
        return Err(HilError::OtherPort { selector: selector.clone(), found });
    }
    let Some(there) = found.iter().find(|probe| is_there(probe)) else { return Ok(found) };
    let same = found
        .iter()
        .filter(|probe| probe.selector.clone().at(None) == there.selector.clone().at(None));
    if same.count() > 1 {
        return Err(HilError::Indistinct { selector: selector.clone(), found });
    }
    Ok(found.into_iter().filter(is_there).collect())
}

fn no_probe(selector: &Selector) -> HilError {
    HilError::NoProbe { selector: selector.clone(), found: list::list() }
}

/// The chip to attach to: the given name if the registry knows it, a virtual board's own name,
/// or none, which leaves it to the chip to say.
fn choose_chip(
    selector: &Selector,
    chip: Option<&str>,
    machine: Option<&Machine>,
) -> Result<Option<String>, HilError> {
    let own = machine.map(|machine| machine.chip.clone());
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
) -> Result<(Session, Option<Emulated>), HilError> {
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
) -> Result<(Session, Option<Emulated>), HilError> {
    // What is wrong with a name is said before anything is started.
    let known = match selector {
        Selector::Virtual(name) => Some(vbench::machine(name).map_err(Arc::new)?),
        _ => None,
    };
    let mut chosen = choose_chip(selector, chip, known)?;
    let (probe, emulated) = open_probe(selector)?;
    let target = match &emulated {
        Some(emulated) => {
            let machine = emulated.machine();
            chosen = choose_chip(selector, chip, Some(machine))?;
            TargetSelector::Specified(virtual_target::of(machine)?)
        }
        None => TargetSelector::from(chosen.as_deref()),
    };
    let session = probe
        .attach(target, Permissions::new())
        .map_err(|error| attach_error(error, selector, chosen.as_deref()))?;
    Ok((session, emulated))
}

fn open_probe(selector: &Selector) -> Result<(Probe, Option<Emulated>), HilError> {
    if let Selector::Remote(address) = selector {
        return open_remote(address);
    }
    let Some(wanted) = selector.to_probe_rs() else {
        return Err(no_probe(selector));
    };
    let opened = match selector {
        // Straight to its driver: the others look through USB and serial ports first.
        Selector::Virtual(_) => virtual_probe::open(&wanted),
        _ if !list::can_enumerate() => return Err(no_probe(selector)),
        _ => Lister::new().open(wanted),
    };
    let opened = opened.map_err(|error| match error {
        DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::NotFound) => no_probe(selector),
        // Says that there is no USB at all, as in most containers.
        DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::Usb(_)) => no_probe(selector),
        source if let Some(fault) = bench_fault(&source) => HilError::Bench(fault),
        source => HilError::OpenProbe { selector: selector.clone(), source: source.into() },
    });
    let mut probe = opened?;
    let bench = Probe::try_into::<VirtualProbe>(&mut probe).map(|probe| probe.bench());
    Ok((probe, bench.map(Emulated::Here)))
}

/// A bench that is served says which board it is; then nobody needs to name the chip.
fn open_remote(address: &str) -> Result<(Probe, Option<Emulated>), HilError> {
    let failed = |source: DebugProbeError| match remote_fault(&source) {
        Some(RemoteFault::Connect { address, source }) => HilError::Unreachable { address, source },
        _ => HilError::OpenProbe {
            selector: Selector::Remote(address.to_owned()),
            source: source.into(),
        },
    };
    let (probe, word) = remote_probe::open(address).map_err(failed)?;
    let emulated = match word {
        Some(word) => {
            let machine = vbench::machine(&word.board).map_err(Arc::new)?;
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
            let uart = word.uart.map(|port| ConsoleAddress::Tcp(format!("{host}:{port}")));
            Some(Emulated::There { machine, qemu: word.qemu, uart })
        }
        None => None,
    };
    Ok((probe, emulated))
}

fn attach_error(error: probe_rs::Error, selector: &Selector, chip: Option<&str>) -> HilError {
    let name = || chip.unwrap_or("the chip").to_owned();
    match error {
        probe_rs::Error::ChipNotFound(RegistryError::ChipAutodetectFailed) => {
            HilError::ChipNeeded { selector: selector.clone() }
        }
        probe_rs::Error::MissingPermissions(why)
        | probe_rs::Error::Arm(ArmError::MissingPermissions(why)) => {
            let protection = Protection::at_attach(&name(), &why);
            let probe = selector.to_string();
            HilError::Locked { what: "attach to", chip: name(), protection, probe }
        }
        source => match bench_fault(&source) {
            Some(fault) => HilError::Bench(fault),
            None => HilError::Attach { chip: name(), source: Cause::from(source) },
        },
    }
}
