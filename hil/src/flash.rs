//! Programming a chip: an ELF file, verified, with progress; and erasing it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use probe_rs::flashing::{
    self, DownloadOptions, ElfLoader, ElfOptions, FileDownloadError, FlashError, FlashLoader,
    ProgressEvent, ProgressOperation,
};
use probe_rs::{CoreStatus, MemoryInterface, Session};

use crate::HilError;
use crate::error::Cause;

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

/// What flashing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flashed {
    /// Bytes that the file puts into flash.
    pub bytes: u64,
    /// The flash held them already: nothing was erased or written.
    pub unchanged: bool,
}

/// What is to be done to the flash.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    /// Write this file and verify it. Bytes of touched sectors that the file does not name are
    /// erased, as every flasher does.
    Program { elf: PathBuf, even_if_same: bool },
    /// Erase the sectors that hold these addresses.
    Erase(Range<u64>),
    /// Erase all that the chip's description calls flash.
    EraseAll,
}

/// Does `job` within `limit`.
///
/// The work is done on a thread of its own, since a stuck probe cannot be interrupted: if the
/// deadline passes, the session is left to that thread and does not come back.
pub(crate) fn within(
    session: Session,
    job: Job,
    limit: Duration,
    progress: &mut dyn FnMut(FlashProgress),
) -> (Option<Session>, Result<Flashed, HilError>) {
    let (sender, steps) = mpsc::channel();
    let what = job.clone();
    let worker = move || work(session, &job, &sender);
    if let Err(source) = thread::Builder::new().name("hil-flash".to_owned()).spawn(worker) {
        return (None, Err(what.failed(source.into())));
    }
    let give_up = Instant::now() + limit;
    loop {
        match steps.recv_timeout(give_up.saturating_duration_since(Instant::now())) {
            Ok(Step::Progress(step)) => progress(step),
            Ok(Step::Done(session, result)) => return (Some(*session), result),
            Err(RecvTimeoutError::Timeout) => {
                let why = format!("it did not end within {} ms", limit.as_millis());
                return (None, Err(what.failed(why.into())));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return (None, Err(what.failed("the probe driver panicked".into())));
            }
        }
    }
}

enum Step {
    Progress(FlashProgress),
    Done(Box<Session>, Result<Flashed, HilError>),
}

impl Job {
    /// What the user calls it.
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Job::Program { .. } => "flash",
            Job::Erase(_) | Job::EraseAll => "erase",
        }
    }

    fn words(&self) -> String {
        match self {
            Job::Program { elf, .. } => format!("flash {}", elf.display()),
            Job::Erase(range) => format!("erase {:#010x}..{:#010x}", range.start, range.end),
            Job::EraseAll => "erase the chip".to_owned(),
        }
    }

    fn failed(&self, source: Cause) -> HilError {
        match self {
            Job::Program { elf, .. } => HilError::Flash { file: elf.clone(), source },
            Job::Erase(_) | Job::EraseAll => HilError::Erase { what: self.words(), source },
        }
    }
}

/// Nobody listens any more once the deadline has passed; then sending fails, which is fine.
fn work(mut session: Session, job: &Job, steps: &Sender<Step>) {
    let mut tally = Tally::default();
    let mut report = flashing::FlashProgress::new(|event| {
        if let Some(step) = tally.note(&event) {
            drop(steps.send(Step::Progress(step)));
        }
    });
    let erased = Flashed { bytes: 0, unchanged: false };
    end_lockup(&mut session);
    let result = match job {
        Job::Program { elf, even_if_same } => program(&mut session, elf, *even_if_same, report),
        Job::Erase(range) => {
            flashing::erase(&mut session, &mut report, range.start, range.end, false)
                .map(|()| erased)
                .map_err(|error| job.failed(error.into()))
        }
        Job::EraseAll => flashing::erase_all(&mut session, &mut report, false)
            .map(|()| erased)
            .map_err(|error| job.failed(error.into())),
    };
    drop(steps.send(Step::Done(Box::new(session), result)));
}

fn program(
    session: &mut Session,
    elf: &Path,
    even_if_same: bool,
    report: flashing::FlashProgress<'_>,
) -> Result<Flashed, HilError> {
    let file = ElfLoader(ElfOptions::default());
    let loader =
        flashing::build_loader(session, elf, file, None).map_err(|error| classify(error, elf))?;
    let bytes = loader.data().map(|(_, data)| data.len() as u64).sum();
    if !even_if_same && holds(session, &loader) {
        return Ok(Flashed { bytes, unchanged: true });
    }
    let mut options = DownloadOptions::default();
    options.verify = true;
    options.progress = report;
    let flashed = loader.commit(session, options).map_err(FileDownloadError::Flash);
    flashed.map(|()| Flashed { bytes, unchanged: false }).map_err(|error| classify(error, elf))
}

/// How long a chip may take to come out of its reset.
const RESET: Duration = Duration::from_millis(500);

/// A locked-up core runs no flash algorithm, and only a reset gets it out. If that fails, so does
/// what comes next, and says why.
fn end_lockup(session: &mut Session) {
    if let Ok(mut core) = session.core(0)
        && let Ok(CoreStatus::LockedUp) = core.status()
    {
        let _ = core.reset_and_halt(RESET);
    }
}

/// Bytes that are read at once to compare.
const COMPARE: usize = 4096;

/// Whether the chip holds what `loader` would write. A chip that cannot be read holds something
/// else; then writing tells why. Reading halts nothing.
fn holds(session: &mut Session, loader: &FlashLoader) -> bool {
    let Ok(mut core) = session.core(0) else { return false };
    let mut found = [0; COMPARE];
    loader.data().all(|(address, data)| {
        (address..).step_by(COMPARE).zip(data.chunks(COMPARE)).all(|(at, wanted)| {
            let found = &mut found[..wanted.len()];
            core.read(at, found).is_ok() && found == wanted
        })
    })
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
