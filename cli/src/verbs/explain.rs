//! `silk explain BUNDLE`: what a bundle shows, on a machine with neither board nor SVD; and
//! `silk explain FUNCTION`: what the firmware's code sets up.

mod core_file;
mod function;
mod tasks;

use std::io::Write;

use bundle::{Bundle, CoreStatus, Facts, Fidelity, FieldFact, ReadOutcome, RegisterFact};
use serde::Serialize;

use crate::args::ExplainArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::session::Session;
use crate::ui::{CARE, QUIET, STRONG, printable};
use crate::verbs::crash;
use crate::verbs::read::caveat;
use crate::verbs::triage;

/// Lines of each log that are shown.
const LOG_LINES: usize = 12;

#[derive(Serialize)]
struct ExplainJson<'a> {
    version: u32,
    manifest: &'a bundle::Manifest,
    snapshot: &'a bundle::Snapshot,
    facts: &'a Facts,
}

/// Explains a bundle, or a function.
pub(crate) fn run(session: &mut Session, args: &ExplainArgs) -> Outcome {
    if let Some(wanted) = function::Wanted::read(&args.what.to_string_lossy()) {
        return function::run(session, &wanted);
    }
    if core_file::is_one(&args.what) {
        return core_file::run(session, &args.what);
    }
    let bundle = session.bundle(&args.what)?;
    if let Some(path) = &args.core {
        core_file::write(session, &bundle, path)?;
    }
    let facts = facts(session, &bundle)?;
    if session.ui.json {
        let (manifest, snapshot) = (&bundle.manifest, &bundle.snapshot);
        let version = json::VERSION;
        session.ui.json_line(&ExplainJson { version, manifest, snapshot, facts: &facts })?;
        return Ok(Exit::Ok);
    }
    head(session, &bundle)?;
    if let Some(found) = &bundle.facts.crash {
        writeln!(session.ui.out)?;
        crash::show(&mut session.ui.out, found)?;
    }
    findings(session, &facts)?;
    registers(session, &bundle, &facts, args.all)?;
    logs(session, &bundle)?;
    Ok(Exit::Ok)
}

/// Facts derived again where an SVD is configured, otherwise those inside the bundle.
pub(crate) fn facts(session: &Session, bundle: &Bundle) -> Result<Facts, Failure> {
    if session.config.svds.value.is_empty() {
        return Ok(bundle.facts.clone());
    }
    let index = session.index_with(Some(bundle))?;
    let mut facts = assist::name_snapshot(&index, &bundle.snapshot);
    facts.findings = assist::triage(&index, Some(bundle));
    facts.crash.clone_from(&bundle.facts.crash);
    Ok(facts)
}

fn head(session: &mut Session, bundle: &Bundle) -> Result<(), Failure> {
    let out = &mut session.ui.out;
    let board = &bundle.snapshot.board;
    let (selector, chip) = (printable(&board.selector), printable(&board.chip));
    write!(out, "{STRONG}{selector}{STRONG:#}  {chip}")?;
    if let Some(elf) = &bundle.manifest.elf {
        let digest = elf.sha256.get(..12).unwrap_or(&elf.sha256);
        write!(out, "  {} {QUIET}sha256 {}{QUIET:#}", printable(&elf.name), printable(digest))?;
    }
    writeln!(out)?;
    if let Some(emulated) = &board.virtual_board {
        let (machine, qemu) = (printable(&emulated.machine), printable(&emulated.qemu));
        writeln!(
            out,
            "{CARE}virtual board{CARE:#}: {machine} in QEMU {qemu}, nothing here was measured"
        )?;
    }
    for note in &bundle.manifest.notes {
        writeln!(out, "{QUIET}note:{QUIET:#} {}", printable(note))?;
    }
    for core in &bundle.snapshot.cores {
        let state = match &core.status {
            CoreStatus::Running => "running".to_owned(),
            CoreStatus::Sleeping => "sleeping".to_owned(),
            CoreStatus::Halted { reason } => format!("halted ({})", printable(reason)),
            CoreStatus::LockedUp => "locked up".to_owned(),
            CoreStatus::Unknown => "state not known".to_owned(),
        };
        writeln!(out, "core {}: {state}", core.index)?;
    }
    Ok(())
}

fn findings(session: &mut Session, facts: &Facts) -> Result<(), Failure> {
    writeln!(session.ui.out)?;
    if facts.findings.is_empty() {
        writeln!(session.ui.out, "no finding")?;
    }
    triage::show(session, &facts.findings)
}

fn registers(
    session: &mut Session,
    bundle: &Bundle,
    facts: &Facts,
    all: bool,
) -> Result<(), Failure> {
    let out = &mut session.ui.out;
    let reads = &bundle.snapshot.registers;
    let shown = |fact: &&RegisterFact| all || fact.reset_value != Some(fact.value);
    let mut at_reset = 0;
    writeln!(out)?;
    for fact in &facts.registers {
        if !shown(&fact) {
            at_reset += 1;
            continue;
        }
        let fidelity = reads.iter().find(|read| read.address == fact.address);
        register(out, fact, fidelity.and_then(|read| read.fidelity), all)?;
    }
    if at_reset > 0 {
        writeln!(
            out,
            "{QUIET}{at_reset} registers at their reset value; --all shows them{QUIET:#}"
        )?;
    }
    for read in reads {
        let address = hex(read.address, 32);
        match &read.outcome {
            ReadOutcome::Value { .. } => {}
            ReadOutcome::Skipped { why } if all => {
                writeln!(out, "{QUIET}{address} not read: {}{QUIET:#}", printable(why))?;
            }
            ReadOutcome::Skipped { .. } => {}
            ReadOutcome::Failed { why } => {
                writeln!(out, "{CARE}{address} could not be read{CARE:#}: {}", printable(why))?;
            }
        }
    }
    let skipped = reads.iter().filter(|r| matches!(r.outcome, ReadOutcome::Skipped { .. })).count();
    if skipped > 0 && !all {
        writeln!(out, "{QUIET}{skipped} registers not read on purpose; --all says why{QUIET:#}")?;
    }
    Ok(())
}

fn register(
    out: &mut impl Write,
    fact: &RegisterFact,
    fidelity: Option<Fidelity>,
    all: bool,
) -> std::io::Result<()> {
    let (path, value) = (printable(&fact.path), hex(fact.value, 32));
    write!(out, "{STRONG}{path}{STRONG:#} {} = {value} ", hex(fact.address, 32))?;
    let at_reset = |field: &FieldFact| {
        fact.reset_value.is_some_and(|reset| bits(reset, field.lsb, field.width) == field.raw)
    };
    for field in fact.fields.iter().filter(|field| all || !at_reset(field)) {
        match &field.decoded {
            Some(name) => write!(out, " {}={}", printable(&field.name), printable(name))?,
            None if field.raw != 0 => {
                write!(out, " {}={}", printable(&field.name), hex(field.raw, field.width))?;
            }
            None => {}
        }
    }
    if let Some(why) = fidelity.and_then(caveat) {
        write!(out, "  {CARE}({why}){CARE:#}")?;
    }
    writeln!(out)
}

/// `width` bits of `value` from `lsb` on.
fn bits(value: u64, lsb: u32, width: u32) -> u64 {
    let mask = u64::MAX.checked_shr(64_u32.saturating_sub(width)).unwrap_or(0);
    value.checked_shr(lsb).unwrap_or(0) & mask
}

fn logs(session: &mut Session, bundle: &Bundle) -> Result<(), Failure> {
    let out = &mut session.ui.out;
    for log in &bundle.snapshot.logs {
        let channel = printable(&log.channel);
        writeln!(out, "\n{STRONG}{channel}{STRONG:#}")?;
        let skipped = log.records.len().saturating_sub(LOG_LINES);
        if skipped > 0 {
            writeln!(out, "{QUIET}… {skipped} earlier lines{QUIET:#}")?;
        }
        for record in &log.records[skipped..] {
            let seconds = record.at_ms as f64 / 1000.0;
            writeln!(out, "{QUIET}{seconds:9.3} │{QUIET:#} {}", printable(&record.text))?;
        }
    }
    Ok(())
}
