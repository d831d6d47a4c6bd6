//! This machine: folders, QEMU, probes.

use std::path::Path;

use hil::{Availability, ProbeInfo, Selector};

use super::Check;
use crate::session::Session;

/// Folders first, then virtual boards, then probes.
pub(super) fn check(session: &Session) -> Vec<Check> {
    let folders = &session.config.folders;
    let mut checks = vec![
        writable("cache", &folders.cache)
            .hint_if_odd("indexes are built anew each time until it is writable"),
        writable("state", &folders.state)
            .hint_if_odd("consents and the log of board actions go there"),
    ];
    let found = hil::list();
    checks.extend(found.iter().filter(|probe| probe.is_virtual()).map(virtual_board));
    let real: Vec<&ProbeInfo> = found.iter().filter(|probe| !probe.is_virtual()).collect();
    if real.is_empty() {
        checks.push(
            Check::missing("probe", "no debug probe is plugged in")
                .hint("not needed for a virtual board: --probe virtual:microbit"),
        );
    }
    checks.extend(real.into_iter().map(real_probe));
    checks.extend(configured(session, &found));
    checks
}

impl Check {
    fn hint_if_odd(self, hint: &str) -> Self {
        if self.state == super::State::Ok { self } else { self.hint(hint) }
    }
}

/// Whether files can be made in `folder`, tried with one. The folder itself may not exist yet:
/// then the nearest one above it counts, and nothing is created.
fn writable(name: &'static str, folder: &Path) -> Check {
    let Some(existing) = folder.ancestors().find(|folder| folder.exists()) else {
        return Check::warning(name, format!("{}: no such folder", folder.display()));
    };
    let probe = existing.join(format!(".silk-doctor-{}", std::process::id()));
    let tried = std::fs::File::create_new(&probe).and_then(|_| std::fs::remove_file(&probe));
    match tried {
        Ok(()) if existing == folder => {
            Check::ok(name, format!("{} is writable", folder.display()))
        }
        Ok(()) => Check::ok(name, format!("{} can be made", folder.display())),
        Err(error) => {
            Check::warning(name, format!("{} cannot be written: {error}", existing.display()))
        }
    }
}

fn virtual_board(board: &ProbeInfo) -> Check {
    let (selector, name) = (&board.selector, &board.name);
    match &board.availability {
        Availability::Emulated { qemu } => Check::ok("qemu", format!("{selector}: {name}, QEMU {qemu}")),
        Availability::QemuTooOld { why } => {
            Check::warning("qemu", format!("{selector}: failed to {why}"))
                .hint("Debian 12 has QEMU 10 in bookworm-backports; other boards do without")
        }
        Availability::Unavailable { why } => {
            Check::missing("qemu", format!("{selector}: failed to {why}")).hint(
                "install QEMU's Arm emulator (Debian, Ubuntu: apt install --no-install-recommends qemu-system-arm)",
            )
        }
        Availability::Accessible | Availability::NoPermission => Check::ok("qemu", format!("{selector}: {name}")),
    }
}

fn real_probe(probe: &ProbeInfo) -> Check {
    let detail = format!("{}: {}", probe.selector, probe.name);
    match &probe.availability {
        Availability::NoPermission => {
            let detail = format!("{detail}, no write permission on its device node");
            Check::warning("probe", detail).hint(
                "add a udev rule for it (probe.rs, \"Probe Setup\", has a file for all probes), then plug it in again",
            )
        }
        Availability::Unavailable { why } | Availability::QemuTooOld { why } => {
            Check::warning("probe", format!("{detail}, {why}"))
        }
        Availability::Accessible | Availability::Emulated { .. } => Check::ok("probe", detail),
    }
}

/// The configured probe: a selector at all, and is it here?
fn configured(session: &Session, found: &[ProbeInfo]) -> Option<Check> {
    let setting = &session.config.probe;
    let text = setting.value.as_deref()?;
    let selector = match text.parse::<Selector>() {
        Ok(selector) => selector,
        Err(error) => {
            let detail = format!("`{text}` selects no probe: failed to {error}");
            return Some(
                Check::broken("probe", detail).hint(format!("configured by {}", setting.source)),
            );
        }
    };
    let is_here = found.iter().any(|probe| selector.answers(&probe.selector));
    match &selector {
        _ if is_here => None,
        Selector::Virtual(board) => {
            let detail = format!("there is no virtual board `{board}`");
            Some(Check::broken("probe", detail).hint("`silk bench list` shows those there are"))
        }
        _ => {
            let detail = format!("{selector}, configured by {}, is not plugged in", setting.source);
            Some(
                Check::missing("probe", detail)
                    .hint("plug it in, or choose one of `silk bench list`"),
            )
        }
    }
}
