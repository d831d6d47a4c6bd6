//! Programming a chip: an ELF file, verified, with progress.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use probe_rs::Session;
use probe_rs::flashing::{
    self, DownloadOptions, ElfLoader, ElfOptions, FileDownloadError, FlashError, ProgressEvent,
    ProgressOperation,
};

use crate::HilError;

/// How far a flash operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlashProgress {
    /// What is being done.
    pub stage: FlashStage,
    /// Bytes of this stage done so far.
    pub done: u64,
    /// Bytes of this stage, if known beforehand.
    pub total: Option<u64>,
}

/// The steps of a flash operation, in their order. A chip may go through erase and program
/// several times, once for each of its flash regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlashStage {
    /// Reading back what an erased sector holds besides the firmware, to keep it.
    Fill,
    /// Erasing sectors.
    Erase,
    /// Writing pages.
    Program,
    /// Comparing the flash with the file.
    Verify,
}

/// Programs `elf` and verifies it. Bytes of touched sectors that the file does not name are
/// erased, as every flasher does.
///
/// The work is done on a thread of its own, since a stuck probe cannot be interrupted: if the
/// deadline passes, the session is left to that thread and does not come back.
pub(crate) fn flash_within(
    session: Session,
    elf: &Path,
    limit: Duration,
    progress: &mut dyn FnMut(FlashProgress),
) -> (Option<Session>, Result<(), HilError>) {
    let (sender, steps) = mpsc::channel();
    let file = elf.to_owned();
    let worker = move || work(session, &file, &sender);
    if let Err(source) = thread::Builder::new().name("hil-flash".to_owned()).spawn(worker) {
        return (None, Err(HilError::Flash { file: elf.to_owned(), source: source.into() }));
    }
    let give_up = Instant::now() + limit;
    loop {
        match steps.recv_timeout(give_up.saturating_duration_since(Instant::now())) {
            Ok(Step::Progress(step)) => progress(step),
            Ok(Step::Done(session, result)) => return (Some(*session), result),
            Err(RecvTimeoutError::Timeout) => {
                let what = format!("flash {}", elf.display());
                return (None, Err(HilError::Deadline { what, limit }));
            }
            Err(RecvTimeoutError::Disconnected) => {
                let source = "the probe driver panicked".into();
                return (None, Err(HilError::Flash { file: elf.to_owned(), source }));
            }
        }
    }
}

enum Step {
    Progress(FlashProgress),
    Done(Box<Session>, Result<(), HilError>),
}

/// Nobody listens any more once the deadline has passed; then sending fails, which is fine.
fn work(mut session: Session, elf: &Path, steps: &Sender<Step>) {
    let mut tally = Tally::default();
    let mut options = DownloadOptions::default();
    options.verify = true;
    options.progress = flashing::FlashProgress::new(|event| {
        if let Some(step) = tally.note(&event) {
            drop(steps.send(Step::Progress(step)));
        }
    });
    let loader = ElfLoader(ElfOptions::default());
    let flashed = flashing::download_file_with_options(&mut session, elf, loader, options);
    let result = flashed.map_err(|error| classify(error, elf));
    drop(steps.send(Step::Done(Box::new(session), result)));
}

/// Sums what probe-rs reports piece by piece.
#[derive(Default)]
struct Tally {
    totals: Vec<(FlashStage, Option<u64>)>,
    current: Option<FlashProgress>,
}

impl Tally {
    fn note(&mut self, event: &ProgressEvent) -> Option<FlashProgress> {
        match event {
            ProgressEvent::AddProgressBar { operation, total } => {
                self.totals.push((stage(*operation), *total));
                return None;
            }
            ProgressEvent::Started(operation) => {
                let stage = stage(*operation);
                let known = self.totals.iter().find(|(of, _)| *of == stage);
                let total = known.and_then(|(_, total)| *total);
                self.current = Some(FlashProgress { stage, done: 0, total });
            }
            ProgressEvent::Progress { operation, size, .. } => {
                let current = self.current.as_mut()?;
                if current.stage == stage(*operation) {
                    current.done += size;
                }
            }
            _ => return None,
        }
        self.current
    }
}

fn stage(operation: ProgressOperation) -> FlashStage {
    match operation {
        ProgressOperation::Fill => FlashStage::Fill,
        ProgressOperation::Erase => FlashStage::Erase,
        ProgressOperation::Program => FlashStage::Program,
        ProgressOperation::Verify => FlashStage::Verify,
    }
}

fn classify(error: FileDownloadError, elf: &Path) -> HilError {
    let file = elf.to_owned();
    match error {
        FileDownloadError::Flash(FlashError::Verify) => HilError::Verify { file },
        FileDownloadError::Flash(source) if touches_nothing(&source) => {
            HilError::Firmware { file, source: source.into() }
        }
        FileDownloadError::Flash(source) => HilError::Flash { file, source: source.into() },
        FileDownloadError::Other(source) => HilError::Flash { file, source: source.into() },
        other => HilError::Firmware { file, source: other.into() },
    }
}

/// Errors that probe-rs finds while it lays the file out, before it touches the chip.
fn touches_nothing(error: &FlashError) -> bool {
    matches!(
        error,
        FlashError::NoSuitableNvm { .. }
            | FlashError::DataOverlaps { .. }
            | FlashError::NoFlashLoaderAlgorithmAttached { .. }
            | FlashError::MultipleDefaultFlashLoaderAlgorithms { .. }
            | FlashError::MultipleFlashLoaderAlgorithmsNoDefault { .. }
            | FlashError::NoRamDefined { .. }
    )
}
