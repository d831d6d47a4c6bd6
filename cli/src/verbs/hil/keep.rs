//! What is kept of an attempt that went wrong: a bundle with fault, call chain, RAM and logs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bundle::{BoardId, Bundle, Elf, Facts, Kind, Manifest, Run, Snapshot, SourceFile, TestRun};
use svd_index::{Index, Sources};

use super::select::{Firmware, Job};
use super::verdict::{Attempt, Class};
use crate::exit::Failure;
use crate::session::Session;
use crate::verbs::{crash, snap};

/// What naming and saving need of one firmware; opened when the first of its tests goes wrong.
pub(super) struct Keeper {
    folder: PathBuf,
    /// Where runs of tests that passed are kept as well.
    record: Option<PathBuf>,
    indexes: Vec<Option<Index>>,
    /// Firmwares that a recording holds already.
    held: Vec<usize>,
}

/// The attempt at a test that is kept.
pub(super) struct Kept<'a> {
    pub(super) firmware: &'a Firmware,
    pub(super) job: &'a Job,
    /// Place of the job in its run.
    pub(super) position: usize,
    /// Counted from 0.
    pub(super) number: usize,
    pub(super) board: Option<&'a BoardId>,
}

impl Keeper {
    pub(super) fn new(folder: PathBuf, record: Option<PathBuf>, firmwares: usize) -> Self {
        let indexes = (0..firmwares).map(|_| None).collect();
        Self { folder, record, indexes, held: Vec::new() }
    }

    /// Names what was read off a board that went wrong, says in the message where it went wrong, and
    /// saves the bundle. Of other attempts what was heard is saved, if that is asked for.
    pub(super) fn keep(
        &mut self,
        session: &Session,
        kept: &Kept<'_>,
        attempt: &mut Attempt,
    ) -> Result<(), Failure> {
        let snapshot = attempt.snapshot.take();
        let facts = match &snapshot {
            Some(snapshot) => self.name(session, kept, attempt, snapshot)?,
            None => Facts::default(),
        };
        if attempt.class.is_bad() {
            refine(attempt);
        }
        let folder = match (&self.record, &snapshot) {
            (Some(folder), _) => folder.clone(),
            (None, Some(_)) => self.folder.clone(),
            (None, None) => return Ok(()),
        };
        let snapshot = snapshot.map_or_else(|| heard_only(kept.board, attempt), |boxed| *boxed);
        let mut bundle = bundle_of(kept, attempt, snapshot, facts)?;
        if let Some(Some(index)) = self.indexes.get(kept.job.firmware)
            && attempt.crash.is_some()
            && index.chip().is_some()
        {
            bundle.facts.findings = assist::triage(index, Some(&bundle));
        }
        match self.held.contains(&kept.job.firmware) {
            // Whoever gets one bundle of a crash gets all; of many recordings one has the firmware.
            true if attempt.crash.is_none() => bundle.elf = None,
            true => {}
            false => self.held.push(kept.job.firmware),
        }
        let path = folder.join(file_name(&kept.job.name, kept.number));
        match std::fs::create_dir_all(&folder)
            .map_err(Failure::from)
            .and_then(|()| save(&bundle, &path))
        {
            Ok(()) => attempt.bundle = attempt.class.is_bad().then_some(path),
            // The verdict stands without it.
            Err(failure) => {
                session.ui.warn(format!("no bundle for {}: {}", kept.job.name, failure.message()));
            }
        }
        Ok(())
    }

    /// Names what a snapshot shows, and finds the crash in it.
    pub(super) fn name(
        &mut self,
        session: &Session,
        kept: &Kept<'_>,
        attempt: &mut Attempt,
        snapshot: &Snapshot,
    ) -> Result<Facts, Failure> {
        let image = &kept.firmware.image;
        let slot = &mut self.indexes[kept.job.firmware];
        let index = match slot {
            Some(index) => index,
            None => slot.insert(session.open(&Sources {
                svds: session.config.svd_sources(),
                elfs: vec![image.path.clone()],
            })?),
        };
        let found = hil::autopsy(snapshot, image.image.as_ref());
        attempt.crash = Some(crash::name(index, found));
        Ok(assist::name_snapshot(index, snapshot))
    }
}

/// The snapshot of a board of which nothing was read.
fn heard_only(board: Option<&BoardId>, attempt: &Attempt) -> Snapshot {
    let unknown =
        || BoardId { selector: "none".to_owned(), chip: String::new(), virtual_board: None };
    Snapshot {
        board: board.cloned().unwrap_or_else(unknown),
        taken_at_unix_ms: crate::audit::unix_ms(),
        cores: Vec::new(),
        registers: Vec::new(),
        memory: Vec::new(),
        logs: attempt.logs.clone(),
    }
}

fn bundle_of(
    kept: &Kept<'_>,
    attempt: &Attempt,
    snapshot: Snapshot,
    mut facts: Facts,
) -> Result<Bundle, Failure> {
    let (job, image) = (kept.job, &kept.firmware.image);
    let kind = match &attempt.crash {
        Some(crash) => {
            let mut what = crash.clone();
            what.what = Some(job.name.clone());
            what.verdict = Some(format!("{}: {}", attempt.class.label(), attempt.message));
            facts.crash = Some(what);
            Kind::Crash
        }
        None => Kind::Snapshot,
    };
    let bytes = std::fs::read(&image.path)?;
    let mut manifest = Manifest::new(kind);
    manifest.tools = snap::tools(&snapshot);
    manifest.notes = snap::notes(&snapshot);
    manifest.elf = Some(SourceFile::of(&image.path, &bytes));
    let test = TestRun {
        name: job.name.clone(),
        target: kept.firmware.target.name.clone(),
        position: kept.position,
        attempt: kept.number + 1,
        limit_ms: milliseconds(job.timeout),
        took_ms: milliseconds(attempt.took),
        end: attempt.end.clone(),
        verdict: attempt.class.name().to_owned(),
        message: attempt.message.clone(),
        definition: job.definition(),
    };
    let run = Some(Run { arrivals: attempt.arrivals.clone(), test: Some(test) });
    Ok(Bundle { manifest, snapshot, facts, run, elf: Some(Elf { bytes }) })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn save(bundle: &Bundle, path: &Path) -> Result<(), Failure> {
    bundle.save(path).map_err(|error| {
        Failure::new(crate::exit::Exit::Usage, format!("failed to save `{}`", path.display()))
            .caused_by(&error)
    })
}

/// A test's name as a file's.
fn file_name(name: &str, attempt: usize) -> String {
    let safe: String = name
        .replace("::", ".")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .collect();
    match attempt {
        0 => format!("{safe}.silk"),
        again => format!("{safe}.attempt-{}.silk", again + 1),
    }
}

/// Makes the message say what the logs and the call chain show.
pub(super) fn refine(attempt: &mut Attempt) {
    let crash = attempt.crash.clone().unwrap_or_default();
    if let (Class::Fault, Some(fault)) = (attempt.class, &crash.fault) {
        attempt.message = fault.summary();
    }
    if attempt.class == Class::Fail {
        let last = |part: &str| {
            let mut records = attempt.logs.iter().flat_map(|log| &log.records).rev();
            records.find(|record| record.text.contains(part)).map(|record| record.text.clone())
        };
        if crash::panicked(&crash) {
            let text = last("panicked at").unwrap_or_else(|| "it panicked".to_owned());
            attempt.message = text.split_whitespace().collect::<Vec<_>>().join(" ");
        } else if let Some(text) = last("Test exited with Err") {
            let value = text.split_once(": ").map_or("", |(_, value)| value);
            attempt.message = format!("it returned {value}");
            // The call chain leads through the test's entry only: the test itself has returned.
            return;
        }
    }
    if let Some(frame) = crash::culprit(&crash)
        && let (Some(file), Some(line)) = (&frame.file, frame.line)
    {
        let at = format!("{file}:{line}");
        if !attempt.message.contains(&at) {
            let function = frame.function.as_deref().unwrap_or("code");
            attempt.message.push_str(&format!(", in {function} at {at}"));
        }
    }
}

/// Which board it was, for reports.
pub(super) fn board_name(board: &BoardId) -> String {
    match &board.virtual_board {
        Some(emulated) => format!("{} (QEMU {})", board.selector, emulated.qemu),
        None => board.selector.clone(),
    }
}
