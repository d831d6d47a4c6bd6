//! What is kept of an attempt that went wrong: a bundle with fault, call chain, RAM and logs.

use std::path::{Path, PathBuf};

use bundle::{BoardId, Bundle, Elf, Kind, Manifest, SourceFile};
use svd_index::{Index, Sources};

use super::select::{Firmware, Job};
use super::verdict::{Attempt, Class};
use crate::exit::Failure;
use crate::session::Session;
use crate::verbs::{crash, snap};

/// What naming and saving need of one firmware; opened when the first of its tests goes wrong.
pub(super) struct Keeper {
    folder: PathBuf,
    indexes: Vec<Option<Index>>,
}

impl Keeper {
    pub(super) fn new(folder: PathBuf, firmwares: usize) -> Self {
        Self { folder, indexes: (0..firmwares).map(|_| None).collect() }
    }

    /// Names what was read off the board, says in the message where it went wrong, and saves the
    /// bundle.
    pub(super) fn keep(
        &mut self,
        session: &Session,
        firmware: &Firmware,
        job: &Job,
        number: usize,
        attempt: &mut Attempt,
    ) -> Result<(), Failure> {
        let Some(snapshot) = attempt.snapshot.take() else {
            refine(attempt);
            return Ok(());
        };
        let slot = &mut self.indexes[job.firmware];
        let index = match slot {
            Some(index) => index,
            None => slot.insert(session.open(&Sources {
                svds: session.config.svd_sources(),
                elfs: vec![firmware.image.path.clone()],
            })?),
        };
        let found = hil::autopsy(&snapshot, firmware.image.image.as_ref());
        attempt.crash = Some(crash::name(index, found));
        refine(attempt);
        let path = self.folder.join(file_name(&job.name, number));
        let mut facts = assist::name_snapshot(index, &snapshot);
        let mut what = attempt.crash.clone().unwrap_or_default();
        what.what = Some(job.name.clone());
        what.verdict = Some(format!("{}: {}", attempt.class.label(), attempt.message));
        facts.crash = Some(what);
        let bytes = std::fs::read(&firmware.image.path)?;
        let mut manifest = Manifest::new(Kind::Crash);
        manifest.tools = snap::tools(&snapshot);
        manifest.notes = snap::notes(&snapshot);
        manifest.elf = Some(SourceFile::of(&firmware.image.path, &bytes));
        let mut bundle = Bundle { manifest, snapshot: *snapshot, facts, elf: Some(Elf { bytes }) };
        if index.chip().is_some() {
            bundle.facts.findings = assist::triage(index, Some(&bundle));
        }
        match std::fs::create_dir_all(&self.folder)
            .map_err(Failure::from)
            .and_then(|()| save(&bundle, &path))
        {
            Ok(()) => attempt.bundle = Some(path),
            // The verdict stands without it.
            Err(failure) => {
                session.ui.warn(format!("no bundle for {}: {}", job.name, failure.message()))
            }
        }
        Ok(())
    }
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
fn refine(attempt: &mut Attempt) {
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
