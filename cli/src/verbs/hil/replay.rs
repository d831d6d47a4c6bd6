//! Recorded runs, judged again or reported as they were judged: no board is touched.
//!
//! A recording is a bundle with the bytes that were heard, when they came, and how the run ended. They
//! go through the decoders, expectations and verdicts that a run on a board goes through.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bundle::{Bundle, End, TestRun};
use hil::{Listener, TestImage};

use super::config::{self, HilFile, Target, Test};
use super::keep::{Keeper, Kept, refine};
use super::overrides::Settings;
use super::select::{Action, Firmware, Job};
use super::verdict::{self, Attempt, Class};
use super::{Outcome, Tally, report, show, work};
use crate::args::{HilReplayArgs, HilReportArgs};
use crate::exit::{Exit, Failure, Outcome as VerbOutcome};
use crate::session::Session;
use crate::verbs::board;

/// Ending of a bundle's file name.
const BUNDLE: &str = "silk";

/// A bundle with the test that it is a recording of.
struct Recording {
    path: PathBuf,
    bundle: Bundle,
    test: TestRun,
}

/// All recordings, with what judging them takes.
struct Archive {
    recordings: Vec<Recording>,
    firmwares: Vec<Firmware>,
    /// One for each test, in the order of their run.
    jobs: Vec<Job>,
    /// For each recording its job.
    job_of: Vec<usize>,
    /// For each job, whether it is as it was recorded.
    is_as_recorded: Vec<bool>,
}

/// `silk hil replay`
pub(super) fn replay(session: &mut Session, args: &HilReplayArgs) -> VerbOutcome {
    let project = args.project.then(|| config::hil_file(session)).transpose()?;
    let archive = Archive::open(session, &args.report.recordings, project.as_ref())?;
    let mut keeper = Keeper::new(PathBuf::new(), None, archive.firmwares.len());
    let mut attempts = Vec::new();
    for at in 0..archive.recordings.len() {
        attempts.push(archive.judge(session, &mut keeper, at)?);
    }
    finish(session, &args.report, &archive, attempts)
}

/// `silk hil report`
pub(super) fn report(session: &mut Session, args: &HilReportArgs) -> VerbOutcome {
    let archive = Archive::open(session, &args.recordings, None)?;
    let attempts = archive.recordings.iter().map(Recording::as_it_was).collect();
    finish(session, args, &archive, attempts)
}

/// Shows and reports what all attempts came to.
fn finish(
    session: &mut Session,
    args: &HilReportArgs,
    archive: &Archive,
    attempts: Vec<Attempt>,
) -> VerbOutcome {
    let started = Instant::now();
    let mut of_job: Vec<Vec<Attempt>> = archive.jobs.iter().map(|_| Vec::new()).collect();
    for (attempt, job) in attempts.into_iter().zip(&archive.job_of) {
        of_job[*job].push(attempt);
    }
    let mut outcomes = Vec::new();
    let mut tally = Tally::default();
    for (number, (job, attempts)) in archive.jobs.iter().zip(of_job).enumerate() {
        let Some((class, message)) = verdict::of_attempts(&attempts) else { continue };
        let mut recordings = archive.recordings.iter().zip(&archive.job_of);
        let board = recordings.rfind(|(_, of)| **of == number);
        let board = board.map(|(recording, _)| Box::new(recording.bundle.snapshot.board.clone()));
        let firmware = &archive.firmwares[job.firmware];
        let outcome = Outcome { job, firmware, class, message, attempts, board };
        show::finished(session, &outcome)?;
        tally.count(class);
        outcomes.push(outcome);
    }
    let took = outcomes.iter().map(Outcome::took).sum::<Duration>().max(started.elapsed());
    if let Some(path) = &args.junit {
        report::junit(path, outcomes.iter(), took)?;
    }
    report::markdown(args.summary.as_deref(), &outcomes, &tally)?;
    show::details(session, &outcomes)?;
    show::summary(session, &tally, took)?;
    report::annotations(session, &outcomes)?;
    Ok(tally.exit())
}

impl Archive {
    fn open(
        session: &Session,
        paths: &[PathBuf],
        project: Option<&HilFile>,
    ) -> Result<Self, Failure> {
        let mut recordings = Vec::new();
        for path in paths {
            match path.is_dir() {
                true => recordings.extend(folder(session, path)?),
                false => recordings.push(Recording::load(session, path)?.ok_or_else(|| {
                    Failure::new(Exit::Usage, format!("`{}` records no test", path.display())).hint(
                        "`silk hil run --record DIR` records; `silk log --replay FILE` shows logs",
                    )
                })?),
            }
        }
        if recordings.is_empty() {
            return Err(Failure::new(Exit::NothingFound, "there is no recording of a test")
                .hint("`silk hil run --record DIR` keeps every run"));
        }
        recordings.sort_by(|a, b| {
            let key = |of: &Recording| (of.test.position, of.test.name.clone(), of.test.attempt);
            key(a).cmp(&key(b))
        });
        let mut archive = Self {
            firmwares: Vec::new(),
            jobs: Vec::new(),
            job_of: Vec::new(),
            is_as_recorded: Vec::new(),
            recordings,
        };
        archive.read_jobs(session, project)?;
        Ok(archive)
    }

    fn read_jobs(&mut self, session: &Session, project: Option<&HilFile>) -> Result<(), Failure> {
        let mut digests: Vec<&str> = Vec::new();
        for recording in &self.recordings {
            let test = &recording.test;
            if let Some(known) = self.jobs.iter().position(|job| job.name == test.name) {
                self.job_of.push(known);
                continue;
            }
            let digest = recording.bundle.manifest.elf.as_ref().map_or("", |elf| &elf.sha256);
            let known = digests.iter().zip(&self.firmwares).position(|(known, firmware)| {
                *known == digest && firmware.target.name == test.target
            });
            let firmware = match known {
                Some(known) => known,
                None => {
                    let firmware = firmware(session, &self.recordings, recording, digest)?;
                    self.firmwares.push(firmware);
                    digests.push(digest);
                    digests.len() - 1
                }
            };
            let image = &self.firmwares[firmware].image;
            let (action, is_as_recorded) = action(test, image, project).ok_or_else(|| {
                let path = recording.path.display();
                Failure::new(Exit::Usage, format!("`{path}` records a test that cannot be read"))
                    .detail(format!("test: {}", test.name))
            })?;
            self.job_of.push(self.jobs.len());
            self.jobs.push(Job {
                name: test.name.clone(),
                firmware,
                action,
                timeout: Duration::from_millis(test.limit_ms),
                ignored: false,
                settings: Settings::default(),
                no_board: None,
            });
            self.is_as_recorded.push(is_as_recorded);
        }
        Ok(())
    }

    /// Judges one recording again. What no firmware decided is as it was.
    fn judge(&self, session: &Session, keeper: &mut Keeper, at: usize) -> Result<Attempt, Failure> {
        let recording = &self.recordings[at];
        let Recording { bundle, test, .. } = recording;
        let (Some(end), Some(run)) = (&test.end, &bundle.run) else {
            return Ok(recording.as_it_was());
        };
        let job = &self.jobs[self.job_of[at]];
        let firmware = &self.firmwares[job.firmware];
        let mut watch = job.watch()?;
        let mut listener = Listener::new(firmware.image.defmt.as_ref(), |said| {
            watch.as_mut().is_none_or(|watch| watch.hear(said))
        });
        let wants_more = listener.replay(run, &bundle.snapshot.logs);
        let malformed = listener.malformed();
        let (mut logs, arrivals) = listener.finish();
        // Other expectations may have had enough before the recorded end.
        let end = match wants_more || self.is_as_recorded[self.job_of[at]] {
            true => end.clone(),
            false => End::Stopped,
        };
        let (class, message) = verdict::of_run(job, &end, watch.as_ref(), malformed);
        let took = Duration::from_millis(test.took_ms);
        let emulator = bundle.snapshot.logs.iter().find(|log| log.channel == work::EMULATOR);
        logs.extend(emulator.filter(|_| class.is_bad()).cloned());
        let mut attempt =
            Attempt { logs, arrivals, end: Some(end), ..Attempt::new(class, message, took) };
        if class.is_bad() {
            if emulator.is_some() {
                attempt.message.push_str(work::EMULATOR_ENDED);
            }
            if !bundle.snapshot.cores.is_empty() {
                let board = Some(&bundle.snapshot.board);
                let number = test.attempt.saturating_sub(1);
                let kept = Kept { firmware, job, position: test.position, number, board };
                keeper.name(session, &kept, &mut attempt, &bundle.snapshot)?;
            }
            refine(&mut attempt);
            attempt.bundle = Some(recording.path.clone());
        }
        let was = recording.class();
        if attempt.class != was {
            session.ui.note(format!(
                "{}: {} when it ran, {} now",
                job.name,
                was.label(),
                attempt.class.label()
            ));
        }
        Ok(attempt)
    }
}

impl Recording {
    /// `None`: a bundle that records no test.
    fn load(session: &Session, path: &Path) -> Result<Option<Self>, Failure> {
        let bundle = session.bundle(path)?;
        let test = bundle.run.as_ref().and_then(|run| run.test.clone());
        Ok(test.map(|test| Self { path: path.to_owned(), bundle, test }))
    }

    /// The recorded verdict; one that this version does not know is nobody's fault in the firmware.
    fn class(&self) -> Class {
        let verdict = serde_json::Value::from(self.test.verdict.as_str());
        serde_json::from_value(verdict).unwrap_or(Class::Blind)
    }

    /// The attempt with the verdict it was given.
    fn as_it_was(&self) -> Attempt {
        let (class, took) = (self.class(), Duration::from_millis(self.test.took_ms));
        let mut attempt = Attempt::new(class, self.test.message.clone(), took);
        attempt.logs.clone_from(&self.bundle.snapshot.logs);
        attempt.crash.clone_from(&self.bundle.facts.crash);
        if let Some(crash) = &mut attempt.crash {
            // They are told with the test already.
            (crash.what, crash.verdict) = (None, None);
        }
        attempt.bundle = class.is_bad().then(|| self.path.clone());
        attempt
    }
}

/// The recordings in a folder, by name. Other bundles there are passed over.
fn folder(session: &Session, path: &Path) -> Result<Vec<Recording>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("cannot read the folder `{}`", path.display()))
            .caused_by(&error)
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == BUNDLE) {
            match Recording::load(session, &path)? {
                Some(recording) => found.push(recording),
                None => session.ui.note(format!("`{}` records no test", path.display())),
            }
        }
    }
    Ok(found)
}

/// The firmware of a recording: it has it itself, or another one of the same run does.
fn firmware(
    session: &Session,
    all: &[Recording],
    recording: &Recording,
    digest: &str,
) -> Result<Firmware, Failure> {
    let holds = |other: &&Recording| {
        let elf = other.bundle.manifest.elf.as_ref();
        other.bundle.elf.is_some() && elf.is_some_and(|elf| elf.sha256 == digest)
    };
    let holder = all.iter().find(holds).ok_or_else(|| {
        let path = recording.path.display();
        Failure::new(Exit::Usage, format!("`{path}` does not hold its firmware"))
            .hint("name the other recordings of its run as well: the first of each firmware has it")
    })?;
    let path = session.unpack_elf(&holder.bundle)?.unwrap_or_default();
    let image = TestImage::load(&path).map_err(board::failure)?;
    let target = Target {
        name: recording.test.target.clone(),
        elf: path,
        chip: None,
        virtual_board: None,
        requires: Vec::new(),
    };
    Ok(Firmware { target, image })
}

/// What was done, and whether it is as it was recorded. `None`: the recording cannot be read, or the
/// project's file has no such test.
fn action(test: &TestRun, image: &TestImage, project: Option<&HilFile>) -> Option<(Action, bool)> {
    let own = test.name.strip_prefix(test.target.as_str());
    let own = own.and_then(|own| own.strip_prefix("::"));
    let Some(definition) = &test.definition else {
        let own = own.unwrap_or(&test.name);
        let found = image.tests.iter().find(|embedded| embedded.name == own)?;
        return Some((Action::Embedded(found.clone()), true));
    };
    let recorded: Test = serde_json::from_value(definition.clone()).ok()?;
    let is_it = |now: &&Test| now.name == recorded.name && now.target == recorded.target;
    let (found, is_as_recorded) = match project {
        Some(file) => (file.tests.iter().find(is_it)?.clone(), false),
        None => (recorded, true),
    };
    Some(match found.kind {
        config::Kind::Script => (Action::Script(found), true),
        _ => (Action::Image(found), is_as_recorded),
    })
}
