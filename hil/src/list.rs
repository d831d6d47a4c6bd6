//! What could be opened, and why some of it could not.

use std::path::Path;

use probe_rs::probe::DebugProbeSelector;
use probe_rs::probe::list::{Accessibility, Lister};
use vbench::{BenchError, Version};

use crate::selector::Selector;
use crate::{usb, virtual_probe};

/// A probe, or a virtual board, that could be opened or is known not to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeInfo {
    /// How to ask for it.
    pub selector: Selector,
    /// What it is, such as `ST-LINK V2-1`.
    pub name: String,
    /// The chip behind it; known for virtual boards only.
    pub chip: Option<String>,
    /// USB port that it is plugged in at, such as `1-2.3`, where the system tells.
    pub port: Option<String>,
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
    let mut probes: Vec<ProbeInfo> = Lister::new()
        .list_with_access(selector)
        .into_iter()
        .map(|item| ProbeInfo {
            selector: Selector::from_probe_rs((&item.info).into()),
            name: item.info.identifier.clone(),
            chip: None,
            port: None,
            availability: match item.accessibility {
                Accessibility::Accessible => Availability::Accessible,
                Accessibility::PermissionDenied => Availability::NoPermission,
            },
        })
        .collect();
    place(&mut probes, Path::new(usb::DEVICES));
    probes
}

/// Says of each probe where it is plugged in. Where several are the same otherwise, the port becomes part
/// of how to ask for them.
fn place(probes: &mut [ProbeInfo], devices: &Path) {
    for at in 0..probes.len() {
        let Selector::Probe { vendor_id, product_id, serial, .. } = &probes[at].selector else {
            continue;
        };
        let ports =
            usb::ports(devices, *vendor_id, *product_id, Some(serial.as_deref().unwrap_or("")));
        let is_same = |probe: &ProbeInfo| probe.selector.clone().at(None) == probes[at].selector;
        let before = probes[..at].iter().filter(|probe| is_same(probe)).count();
        if let Some(port) = ports.get(before) {
            let several = (ports.len() > 1).then_some(port.as_str());
            probes[at].selector = probes[at].selector.clone().at(several);
            probes[at].port = Some(port.clone());
        }
    }
}

/// Which probe each selector is, by all that tells probes apart: ids, serial number and port, or the
/// address of one on the network. Two texts for one probe give the same. `None`: a virtual board, which
/// each process has of its own, or not exactly one probe that is plugged in.
pub fn identities(selectors: &[Selector]) -> Vec<Option<String>> {
    let is_usb = |selector: &Selector| matches!(selector, Selector::Only | Selector::Probe { .. });
    let plugged = if selectors.iter().any(is_usb) { real_probes(None) } else { Vec::new() };
    selectors.iter().map(|selector| identity(selector, &plugged)).collect()
}

/// The identity of the one of `plugged` that `selector` asks for.
fn identity(selector: &Selector, plugged: &[ProbeInfo]) -> Option<String> {
    let wanted = match selector {
        Selector::Virtual(_) => return None,
        Selector::Remote(address) => {
            let address = address.to_ascii_lowercase().replace("localhost:", "127.0.0.1:");
            return Some(format!("tcp:{address}"));
        }
        Selector::Only => None,
        Selector::Probe { port, .. } => port.as_deref(),
    };
    let mut fitting = plugged.iter().filter(|probe| {
        let is_there = wanted.is_none() || probe.port.is_none() || probe.port.as_deref() == wanted;
        selector.answers(&probe.selector) && is_there
    });
    match (fitting.next(), fitting.next()) {
        (Some(probe), None) => Some(probe.selector.clone().at(probe.port.as_deref()).to_string()),
        // One that USB does not list, as a serial port: nobody else calls it otherwise.
        (None, _) if *selector != Selector::Only => Some(selector.to_string()),
        _ => None,
    }
}

fn virtual_boards() -> impl Iterator<Item = ProbeInfo> {
    vbench::machines().iter().map(|machine| ProbeInfo {
        selector: Selector::Virtual(machine.name.clone()),
        name: machine.description.clone(),
        chip: Some(machine.chip.clone()),
        port: None,
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::usb::tests::plug;

    fn probe(selector: &str) -> ProbeInfo {
        let (name, availability) = ("ST-LINK V2-1".to_owned(), Availability::Accessible);
        ProbeInfo {
            selector: selector.parse().unwrap(),
            name,
            chip: None,
            port: None,
            availability,
        }
    }

    #[test]
    fn a_probe_is_one_by_whichever_words_it_is_asked_for() {
        let machine = tempfile::tempdir().unwrap();
        plug(machine.path(), "1-2", ("0483", "374b"), Some("A"));
        let mut plugged = [probe("0483:374b:A")];
        place(&mut plugged, machine.path());
        assert_eq!(plugged[0].selector, "0483:374b:A".parse().unwrap(), "no port is needed");
        for words in ["0483:374b", "0483:374b:A", "0483:374B:A@1-2"] {
            let is = identity(&words.parse().unwrap(), &plugged);
            assert_eq!(is.as_deref(), Some("0483:374b:A@1-2"), "{words}");
        }
        assert_eq!(identity(&Selector::Only, &plugged).as_deref(), Some("0483:374b:A@1-2"));
        assert_eq!(identity(&Selector::Only, &[]), None);
    }

    #[test]
    fn probes_of_one_serial_number_are_two() {
        let machine = tempfile::tempdir().unwrap();
        plug(machine.path(), "1-2", ("0483", "374b"), Some("A"));
        plug(machine.path(), "1-3", ("0483", "374b"), Some("A"));
        let mut plugged = [probe("0483:374b:A"), probe("0483:374b:A")];
        place(&mut plugged, machine.path());
        let shown = plugged.each_ref().map(|probe| probe.selector.to_string());
        assert_eq!(shown, ["0483:374b:A@1-2", "0483:374b:A@1-3"]);
        assert_eq!(identity(&"0483:374b:A".parse().unwrap(), &plugged), None, "which one?");
        let second = identity(&"0483:374b:A@1-3".parse().unwrap(), &plugged);
        assert_eq!(second.as_deref(), Some("0483:374b:A@1-3"));
    }

    #[test]
    fn an_address_is_one_by_either_name_of_this_machine() {
        let of = |words: &str| identity(&words.parse().unwrap(), &[]);
        assert_eq!(of("tcp:localhost:7821"), of("tcp:127.0.0.1:7821"));
        assert_ne!(of("tcp:bench:7821"), of("tcp:bench:7822"));
        assert_eq!(of("virtual:microbit"), None);
    }
}
