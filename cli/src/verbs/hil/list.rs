//! `silk hil list`: which tests there are, what would run them, and with which settings. Nothing is
//! touched.

use std::io::Write;

use serde::Serialize;

use super::overrides::Applied;
use super::select::{self, Job};
use super::{config, seat, verdict, why_skipped};
use crate::args::HilSelection;
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::session::Session;
use crate::ui::{CARE, QUIET, printable};
use crate::verbs::hil::bench_file;

#[derive(Serialize)]
struct Listed<'a> {
    version: u32,
    test: &'a str,
    target: &'a str,
    ignored: bool,
    timeout_ms: u64,
    retries: u32,
    priority: i8,
    boards: Vec<&'a str>,
    /// Why no board runs it.
    skipped: Option<&'a str>,
    /// The profile's overrides that gave it any setting.
    overrides: &'a [Applied],
}

/// Lists the tests of a selection; with their settings where that was asked for.
pub(super) fn list(session: &mut Session, selection: &HilSelection, settings: bool) -> Outcome {
    let mut plan = select::plan(session, config::hil_file(session)?, selection, None)?;
    let bench = bench_file(session)?;
    let (seats, reasons) = seat::seats(session, &bench, &plan, None)?;
    seat::pin(&mut plan, &seats);
    for job in &plan.jobs {
        let served = seats.iter().filter(|seat| seat.fits(job));
        let skipped = why_skipped(job, &reasons).filter(|_| !job.ignored);
        let retries = job.settings.retries.or(plan.profile.retries).unwrap_or(0);
        let listed = Listed {
            version: json::VERSION,
            test: &job.name,
            target: &plan.firmwares[job.firmware].target.name,
            ignored: job.ignored,
            timeout_ms: u64::try_from(job.timeout.as_millis()).unwrap_or(u64::MAX),
            retries,
            priority: job.settings.priority,
            boards: served.map(|seat| seat.name.as_str()).collect(),
            skipped: skipped.as_deref(),
            overrides: &job.settings.applied,
        };
        match session.ui.json {
            true => session.ui.json_line(&listed)?,
            false => show(session, job, &listed, settings)?,
        }
    }
    Ok(if plan.jobs.is_empty() { Exit::NothingFound } else { Exit::Ok })
}

/// The first line has the form of libtest, which test explorers read.
fn show(
    session: &mut Session,
    job: &Job,
    listed: &Listed<'_>,
    settings: bool,
) -> Result<(), Failure> {
    let out = &mut session.ui.out;
    writeln!(out, "{}: test", printable(&job.name))?;
    if !settings {
        return Ok(());
    }
    let boards = match listed.boards.as_slice() {
        [] => "no board".to_owned(),
        boards => printable(&boards.join(", ")),
    };
    let timeout = verdict::seconds(job.timeout);
    let Listed { retries, priority, .. } = listed;
    writeln!(out, "    timeout {timeout}, retries {retries}, priority {priority}, on {boards}")?;
    if let Some(why) = listed.skipped {
        writeln!(out, "    {CARE}skipped: {}{CARE:#}", printable(why))?;
    }
    for Applied { profile, filter } in listed.overrides {
        writeln!(
            out,
            "    {QUIET}override of {}: {}{QUIET:#}",
            printable(profile),
            printable(filter)
        )?;
    }
    Ok(())
}
