//! What could be opened, and why some of it could not.

use std::path::Path;

use probe_rs::probe::DebugProbeSelector;
use probe_rs::probe::list::{Accessibility, Lister};
use vbench::{BenchError, Version};

use crate::selector::Selector;
use crate::virtual_probe;

/// A probe, or a virtual board, that could be opened or is known not to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeInfo {
    /// How to ask for it.
    pub selector: Selector,
    /// What it is, such as `ST-LINK V2-1`.
    pub name: String,
    /// The chip behind it; known for virtual boards only.
    pub chip: Option<String>,
    /// Whether it can be opened now.
    pub availability: Availability,
}

/// Whether a probe can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// A real probe that this user may open. Another program may still hold it.
    Accessible,
    /// A real probe whose device node this user may not write.
    NoPermission,
    /// A virtual board that this QEMU can run.
    Emulated {
        /// QEMU's version.
        qemu: Version,
    },
    /// A virtual board that the QEMU here is too old for; others may run.
    QemuTooOld {
        /// The reason: `use QEMU 7.2.22 for …`.
        why: String,
    },
    /// A virtual board that cannot run here.
    Unavailable {
        /// The reason, such as `find QEMU: …`.
        why: String,
    },
}

impl ProbeInfo {
    /// Whether this is a board in QEMU.
    pub fn is_virtual(&self) -> bool {
        matches!(self.selector, Selector::Virtual(_))
    }
}

/// Every probe that is plugged in, then every virtual board there could be.
///
/// Opens no probe. Asks QEMU for its version, which takes some tens of milliseconds.
pub fn list() -> Vec<ProbeInfo> {
    let mut probes = real_probes(None);
    probes.extend(virtual_boards());
    probes
}

/// Whether probes can be looked for at all.
///
/// Without sysfs (a bare chroot, some containers) there is no list of USB devices either, and the
/// crate `serialport` 4.10 panics where `/sys/class/tty` is missing.
pub(crate) fn can_enumerate() -> bool {
    !cfg!(target_os = "linux") || Path::new("/sys/class/tty").exists()
}

/// The probes that are plugged in, all or those that answer to `selector`.
pub(crate) fn real_probes(selector: Option<&DebugProbeSelector>) -> Vec<ProbeInfo> {
    if !can_enumerate() {
        return Vec::new();
    }
    Lister::new()
        .list_with_access(selector)
        .into_iter()
        .map(|item| ProbeInfo {
            selector: Selector::from_probe_rs((&item.info).into()),
            name: item.info.identifier.clone(),
            chip: None,
            availability: match item.accessibility {
                Accessibility::Accessible => Availability::Accessible,
                Accessibility::PermissionDenied => Availability::NoPermission,
            },
        })
        .collect()
}

fn virtual_boards() -> impl Iterator<Item = ProbeInfo> {
    vbench::machines().iter().map(|machine| ProbeInfo {
        selector: Selector::Virtual(machine.name.clone()),
        name: machine.description.clone(),
        chip: Some(machine.chip.clone()),
        availability: match availability(machine) {
            Ok(qemu) => Availability::Emulated { qemu },
            Err(error @ BenchError::QemuTooOld { .. }) => {
                Availability::QemuTooOld { why: error.to_string() }
            }
            Err(error) => Availability::Unavailable { why: error.to_string() },
        },
    })
}

fn availability(machine: &vbench::Machine) -> Result<Version, BenchError> {
    let program = virtual_probe::qemu_program();
    vbench::check_qemu(machine, program.as_deref().unwrap_or(Path::new(&machine.qemu.program)))
}
