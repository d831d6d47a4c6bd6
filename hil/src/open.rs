//! Opening a probe and attaching to the chip behind it.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use bundle::{BoardId, VirtualBoard};
use probe_rs::architecture::arm::ArmError;
use probe_rs::config::{Registry, RegistryError, TargetSelector};
use probe_rs::probe::list::Lister;
use probe_rs::probe::{DebugProbeError, Probe, ProbeCreationError};
use probe_rs::{Permissions, Session, Target};

use crate::error::Cause;
use crate::list::{self, Availability};
use crate::selector::Selector;
use crate::virtual_probe::{self, SharedBench, VirtualProbe, bench_fault};
use crate::{HilError, virtual_target};

/// Opens the probe and attaches to the chip, within `limit`.
pub(crate) fn open(
    selector: &Selector,
    chip: Option<&str>,
    limit: Duration,
) -> Result<(Session, Option<SharedBench>, BoardId), HilError> {
    let selector = resolve(selector)?;
    let chip = choose_chip(&selector, chip)?;
    let (session, bench) = attach_within(&selector, chip.as_deref(), limit)?;
    let id = BoardId {
        selector: selector.to_string(),
        chip: session.target().name.clone(),
        virtual_board: bench.as_ref().map(|bench| virtual_board(&bench.lock())),
    };
    Ok((session, bench, id))
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
    let target = match &bench {
        Some(bench) => TargetSelector::Specified(virtual_target::of(bench.lock().machine())?),
        None => TargetSelector::from(chip),
    };
    let session = probe
        .attach(target, Permissions::new())
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
