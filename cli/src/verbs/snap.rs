//! `silk snap`: what the board shows, saved as a `.silk` bundle.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use assist::{PlanError, Scope, read_plan};
use bundle::{Bundle, Crystals, Elf, Kind, Manifest, ReadPlan, Snapshot, SourceFile, Tool};
use hil::{Board, Image};
use serde::Serialize;
use svd_index::Index;

use crate::args::SnapArgs;
use crate::audit::{self, Action};
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::session::{Session, need_chip};
use crate::ui::printable;
use crate::verbs::lookup::parse_address;
use crate::verbs::{board, crash};

#[derive(Serialize)]
struct SnapJson<'a> {
    version: u32,
    file: String,
    board: &'a bundle::BoardId,
    registers_read: usize,
    registers_skipped: usize,
    registers_failed: usize,
    findings: &'a [bundle::Finding],
}

/// Takes a snapshot and saves it.
pub(crate) fn run(session: &mut Session, args: &SnapArgs) -> Outcome {
    let index = session.index()?;
    session.follow_code(&index);
    need_chip(&index, &session.config)?;
    let plan = plan(&index, args)?;
    let mut board = board::open_running(session, "silk snap", &args.observe)?;
    if args.halt {
        audit::record(&session.config.folders, Action::Halt, board.identity(), None)?;
    }
    let bundle = take(session, &index, &mut board, &plan, !args.no_elf)?;
    let path = args.output.clone().unwrap_or_else(default_name);
    bundle.save(&path).map_err(|error| {
        Failure::new(Exit::Usage, format!("failed to save `{}`", path.display()))
            .caused_by(&error)
            .hint("choose another file with --output")
    })?;
    report(session, &bundle, &path)?;
    Ok(Exit::Ok)
}

/// Reads the board by `plan`, names what was read, and looks for findings.
pub(crate) fn take(
    session: &Session,
    index: &Index,
    board: &mut Board,
    plan: &ReadPlan,
    with_elf: bool,
) -> Result<Bundle, Failure> {
    let image = match plan.halt_for_core {
        true => image(session),
        false => None,
    };
    let snapshot = board.snapshot_of(plan, image.as_ref()).map_err(board::failure)?;
    let mut manifest = Manifest::new(Kind::Snapshot);
    manifest.tools = tools(&snapshot);
    manifest.notes = notes(&snapshot);
    let (hse_hz, hfxo_hz) = (session.config.hse_hz.value, session.config.hfxo_hz.value);
    manifest.crystals = Crystals { hse_hz, hfxo_hz };
    for svd in session.config.svd_sources() {
        let bytes = svd.read().map_err(|error| {
            Failure::new(Exit::Usage, "failed to record the SVD").caused_by(&error)
        })?;
        manifest.svd.push(SourceFile::of(&svd.path, &bytes));
    }
    let mut elf = None;
    if let [path] = session.config.elfs.value.as_slice() {
        let bytes = std::fs::read(path)?;
        manifest.elf = Some(SourceFile::of(path, &bytes));
        elf = with_elf.then_some(Elf { bytes });
    }
    let mut facts = assist::name_snapshot(index, &snapshot);
    let found = image.map(|image| crash::name(index, hil::autopsy(&snapshot, Some(&image))));
    facts.crash = found.filter(|found| !found.backtraces.is_empty());
    let mut bundle = Bundle { manifest, snapshot, facts, run: None, elf };
    bundle.facts.findings = assist::triage(index, Some(&bundle));
    Ok(bundle)
}

/// The firmware, to find call chains and tasks with; it must be one.
fn image(session: &Session) -> Option<Image> {
    let [path] = session.config.elfs.value.as_slice() else { return None };
    let parsed = Image::parse(&std::fs::read(path).ok()?);
    parsed.map_err(|error| session.ui.warn(format!("no call chain: failed to {error}"))).ok()
}

fn plan(index: &Index, args: &SnapArgs) -> Result<ReadPlan, Failure> {
    let scope = match args.registers.as_slice() {
        [] => Scope::Firmware,
        names => Scope::Peripherals(names.to_vec()),
    };
    let mut plan = read_plan(index, &scope).map_err(|error| {
        let failure = Failure::new(Exit::Usage, "cannot tell what to read").caused_by(&error);
        match error {
            PlanError::NoFirmware => {
                failure.hint("name peripherals (silk snap UART0), or the firmware with --elf")
            }
            PlanError::UnknownPeripheral { nearest: Some(nearest), .. } => {
                failure.hint(format!("did you mean {nearest}?"))
            }
            _ => failure.hint("`silk reg '*'` lists what the chip has"),
        }
    })?;
    plan.memory = args.memory.iter().map(|text| parse_range(text)).collect::<Result<_, _>>()?;
    plan.halt_for_core = args.halt;
    Ok(plan)
}

/// `0x20000000..0x20000400` or `0x20000000+0x400`.
pub(crate) fn parse_range(text: &str) -> Result<Range<u64>, Failure> {
    let wrong = || {
        Failure::new(Exit::Usage, format!("`{text}` is no memory range"))
            .hint("write it as 0x20000000..0x20000400 or 0x20000000+0x400")
    };
    let (start, end) = if let Some((start, end)) = text.split_once("..") {
        (parse_address(start)?, parse_address(end)?)
    } else {
        let (start, length) = text.split_once('+').ok_or_else(wrong)?;
        let start = parse_address(start)?;
        (start, start.checked_add(parse_address(length)?).ok_or_else(wrong)?)
    };
    if start < end { Ok(start..end) } else { Err(wrong()) }
}

pub(crate) fn tools(snapshot: &Snapshot) -> Vec<Tool> {
    let mut tools = vec![Tool { name: "silk".into(), version: env!("CARGO_PKG_VERSION").into() }];
    if let Some(board) = &snapshot.board.virtual_board {
        tools.push(Tool { name: "qemu-system-arm".into(), version: board.qemu.clone() });
    }
    tools
}

pub(crate) fn notes(snapshot: &Snapshot) -> Vec<String> {
    match &snapshot.board.virtual_board {
        Some(board) => vec![format!(
            "taken on QEMU's {}: no bit timing, no analogue parts; each register says how far it is modelled",
            board.machine
        )],
        None => Vec::new(),
    }
}

fn default_name() -> PathBuf {
    PathBuf::from(format!("snap-{}.silk", audit::unix_ms() / 1000))
}

fn report(session: &mut Session, bundle: &Bundle, path: &Path) -> Result<(), Failure> {
    let reads = &bundle.snapshot.registers;
    let count = |wanted: fn(&bundle::ReadOutcome) -> bool| {
        reads.iter().filter(|read| wanted(&read.outcome)).count()
    };
    let read = count(|outcome| matches!(outcome, bundle::ReadOutcome::Value { .. }));
    let skipped = count(|outcome| matches!(outcome, bundle::ReadOutcome::Skipped { .. }));
    let failed = count(|outcome| matches!(outcome, bundle::ReadOutcome::Failed { .. }));
    let findings = &bundle.facts.findings;
    if session.ui.json {
        return session.ui.json_line(&SnapJson {
            version: json::VERSION,
            file: path.display().to_string(),
            board: &bundle.snapshot.board,
            registers_read: read,
            registers_skipped: skipped,
            registers_failed: failed,
            findings,
        });
    }
    writeln!(
        session.ui.out,
        "{}: {read} registers read, {skipped} left alone, {failed} failed; {}",
        printable(&path.display().to_string()),
        match findings.len() {
            0 => "no finding".to_owned(),
            1 => "1 finding".to_owned(),
            several => format!("{several} findings"),
        }
    )?;
    super::triage::show(session, findings)
}
