//! `silk bench`: what boards there are, real and virtual.

mod shared;
mod taken;
mod unlock;

use std::io::Write;

use hil::{Availability, ProbeInfo};
use serde::Serialize;

pub(crate) use taken::{SERIAL, Taken, lock_failure, named, open, parse, take};

use crate::args::BenchVerb;
use crate::exit::{Exit, Outcome};
use crate::json;
use crate::session::Session;
use crate::ui::{CARE, GOOD, QUIET, STRONG, printable};

/// Runs a bench verb.
pub(crate) fn run(session: &mut Session, verb: &BenchVerb) -> Outcome {
    match verb {
        BenchVerb::List => list(session),
        BenchVerb::Start(args) => super::serve::run(session, args, true),
        BenchVerb::Serve(args) => super::serve::run(session, args, false),
        BenchVerb::Check => shared::check(session),
        BenchVerb::Lock(args) => shared::lock(session, args),
        BenchVerb::Unlock(args) => unlock::run(session, args),
        BenchVerb::Who => shared::who(session),
        BenchVerb::Scan { board } => super::scan::run(session, board),
    }
}

#[derive(Serialize)]
struct Listed {
    version: u32,
    selector: String,
    name: String,
    chip: Option<String>,
    /// USB port, as `1-2.3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<String>,
    #[serde(rename = "virtual")]
    is_virtual: bool,
    usable: bool,
    state: String,
}

fn list(session: &mut Session) -> Outcome {
    for probe in hil::list() {
        let (usable, state) = state(&probe);
        let listed = Listed {
            version: json::VERSION,
            selector: probe.selector.to_string(),
            name: probe.name.clone(),
            chip: probe.chip.clone(),
            port: probe.port.clone(),
            is_virtual: probe.is_virtual(),
            usable,
            state,
        };
        if session.ui.json {
            session.ui.json_line(&listed)?;
            continue;
        }
        let Listed { selector, name, state, .. } = &listed;
        let chip = listed.chip.as_deref().unwrap_or("");
        let mood = if usable { GOOD } else { CARE };
        writeln!(
            session.ui.out,
            "{STRONG}{selector:25}{STRONG:#} {mood}{state}{mood:#}  {}  {QUIET}{chip}{QUIET:#}",
            printable(name)
        )?;
    }
    Ok(Exit::Ok)
}

/// Whether a probe can be used, and why not.
pub(crate) fn state(probe: &ProbeInfo) -> (bool, String) {
    match &probe.availability {
        Availability::Accessible => (true, "plugged in".to_owned()),
        Availability::NoPermission => (false, "no write permission on its device node".to_owned()),
        Availability::Emulated { qemu } => (true, format!("QEMU {qemu}")),
        Availability::Unavailable { why } | Availability::QemuTooOld { why } => {
            (false, format!("failed to {why}"))
        }
    }
}
