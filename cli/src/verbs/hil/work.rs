//! The boards at work: each on a thread of its own, taking the next job that it can serve.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bundle::{BoardId, Log, ReadPlan};
use hil::{Board, ConsoleNote, ConsoleNotes, Deadlines, End, HilError, Listener, RunOptions, Said};

use super::expect::Watch;
use super::seat::Seat;
use super::select::{Action, Firmware, Job};
use super::verdict::{self, Attempt, Class};
use crate::verbs::bench;

/// A seat whose board could not be opened so often in a row is given up.
const MOST_OPEN_FAILURES: u32 = 2;

/// Why a test has no verdict whose run was ended from outside.
pub(super) const CANCELLED: &str = "cancelled while it ran";

/// The log that holds an emulator's last words, and what the message then says.
pub(super) const EMULATOR: &str = "emulator";
pub(super) const EMULATOR_ENDED: &str = "; the emulator ended with a register dump";

/// What a seat tells while it works.
pub(super) enum Event {
    Started {
        job: usize,
        seat: usize,
    },
    Said {
        job: usize,
        said: Said,
    },
    /// All attempts at a job, first to last.
    Done {
        job: usize,
        board: Option<Box<BoardId>>,
        attempts: Vec<Attempt>,
    },
}

/// What all seats share.
pub(super) struct Shop<'p> {
    pub(super) firmwares: &'p [Firmware],
    pub(super) jobs: &'p [Job],
    /// What else to read off a board that went wrong, for each firmware.
    pub(super) plans: &'p [ReadPlan],
    pub(super) folder: &'p Path,
    pub(super) queue: Mutex<VecDeque<usize>>,
    pub(super) stop: Arc<AtomicBool>,
    /// What the command line says, for all tests.
    pub(super) all_retries: Option<u32>,
    pub(super) retries: u32,
    pub(super) deadlines: Deadlines,
    pub(super) first_log: Option<Duration>,
}

impl Shop<'_> {
    /// How often a test that went wrong is run again.
    fn retries_of(&self, job: usize) -> u32 {
        self.all_retries.or(self.jobs[job].settings.retries).unwrap_or(self.retries)
    }

    /// Whether the run is to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// The next job for a seat: one of the highest priority there is, if possible for the firmware that
    /// its board has.
    fn next(&self, seat: &Seat, flashed: Option<usize>) -> Option<usize> {
        if self.is_stopped() {
            return None;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let job = |at: usize| &self.jobs[queue[at]];
        let fitting: Vec<usize> = (0..queue.len()).filter(|at| seat.fits(job(*at))).collect();
        let highest = fitting.iter().map(|at| job(*at).settings.priority).max()?;
        let mut first = fitting.iter().filter(|at| job(**at).settings.priority == highest);
        let same = first.clone().find(|at| Some(job(**at).firmware) == flashed);
        let at = *same.or_else(|| first.next())?;
        queue.remove(at)
    }
}

/// Works until there is nothing left that this seat can do.
pub(super) fn run(shop: &Shop<'_>, number: usize, seat: &Seat, events: &Sender<Event>) {
    let mut bench = Bench { shop, seat, board: None, identity: None, flashed: None };
    let mut failures = 0;
    while failures < MOST_OPEN_FAILURES
        && let Some(job) = shop.next(seat, bench.flashed)
    {
        // Nobody listens any more when the run was given up.
        let tell = |event| drop(events.send(event));
        tell(Event::Started { job, seat: number });
        let mut attempts = Vec::new();
        loop {
            let say = |said: &Said| tell(Event::Said { job, said: said.clone() });
            let attempt = bench.attempt(&shop.jobs[job], &say);
            let bad = attempt.class.is_bad();
            attempts.push(attempt);
            if !bad || shop.is_stopped() || attempts.len() > shop.retries_of(job) as usize {
                break;
            }
        }
        failures = if bench.board.is_some() { 0 } else { failures + 1 };
        let board = bench.identity.clone().map(Box::new);
        tell(Event::Done { job, board, attempts });
    }
}

/// One board and what is on it.
pub(super) struct Bench<'s> {
    pub(super) shop: &'s Shop<'s>,
    pub(super) seat: &'s Seat,
    pub(super) board: Option<Board>,
    /// Of the board that was open last.
    identity: Option<BoardId>,
    flashed: Option<usize>,
}

impl Bench<'_> {
    fn attempt(&mut self, job: &Job, say: &dyn Fn(&Said)) -> Attempt {
        let started = Instant::now();
        let result = self.prepare(job.firmware).and_then(|()| match &job.action {
            _ if self.shop.is_stopped() => Ok(self.cancelled_before_it_ran(job, started)),
            Action::Script(test) => self.script(test, job),
            _ => self.watch(job, say),
        });
        result.unwrap_or_else(|error| self.lost(&error, started.elapsed()))
    }

    /// A board that failed is opened anew for the next attempt.
    fn lost(&mut self, error: &HilError, took: Duration) -> Attempt {
        (self.board, self.flashed) = (None, None);
        Attempt::new(Class::Infra, told(error), took)
    }

    /// Opens the board and puts the firmware on it, where that is not done yet. Writing that has
    /// begun comes to its end; none begins once the run is stopped.
    fn prepare(&mut self, firmware: usize) -> Result<(), HilError> {
        let board = match &mut self.board {
            Some(board) => board,
            None => {
                let chip = self.seat.chip.as_deref();
                let mut opened = Board::open(&self.seat.selector, chip, &self.shop.deadlines)?;
                if let Some(console) = &self.seat.console {
                    opened.listen_to(bench::SERIAL, console)?;
                }
                self.flashed = None;
                self.identity = Some(opened.identity().clone());
                self.board.insert(opened)
            }
        };
        if self.flashed != Some(firmware) && !self.shop.is_stopped() {
            self.flashed = None;
            board.flash(&self.shop.firmwares[firmware].image.path, &mut |_| ())?;
            self.flashed = Some(firmware);
        }
        Ok(())
    }

    fn cancelled_before_it_ran(&self, job: &Job, started: Instant) -> Attempt {
        let flash = match self.flashed == Some(job.firmware) {
            true => "the flash holds the firmware, verified",
            false => "the flash was not touched",
        };
        let why = format!("cancelled before it ran; {flash}");
        Attempt::new(Class::Skipped, why, started.elapsed())
    }

    /// Runs the firmware, and judges it by its end and by what it said.
    fn watch(&mut self, job: &Job, say: &dyn Fn(&Said)) -> Result<Attempt, HilError> {
        let image = &self.shop.firmwares[job.firmware].image;
        let test = match &job.action {
            Action::Embedded(test) => Some(test.clone()),
            _ => None,
        };
        let mut watch = job.watch().map_err(|failure| HilError::Firmware {
            file: image.path.clone(),
            source: failure.to_string().into(),
        })?;
        let options = RunOptions {
            test,
            limit: job.timeout,
            first_log: job.settings.first_log_timeout.or(self.shop.first_log),
            stop: Some(self.shop.stop.clone()),
            attach: false,
            itm: None,
        };
        let mut listener = Listener::new(image.defmt.as_ref(), |said| {
            say(said);
            watch.as_mut().is_none_or(|watch| watch.hear(said))
        });
        let started = Instant::now();
        let board = self.board.as_mut().ok_or(HilError::Lost)?;
        let line = board.console_notes();
        let before = line.as_ref().map(ConsoleNotes::take).unwrap_or_default();
        let ended = board.run_until_end(image, &options, &mut listener);
        let took = started.elapsed();
        let malformed = listener.malformed();
        let (logs, arrivals) = listener.finish();
        let end = match ended {
            Ok(end) => end,
            Err(error) => {
                return Ok(Attempt { logs, arrivals, ..self.lost(&error, took) });
            }
        };
        let undecided = watch.as_ref().is_none_or(Watch::is_undecided);
        if end == End::Stopped && self.shop.is_stopped() && undecided {
            let cancelled = Attempt::new(Class::Skipped, CANCELLED, took);
            return Ok(Attempt { logs, arrivals, ..cancelled });
        }
        let (mut class, mut message) = verdict::of_run(job, &end, watch.as_ref(), malformed);
        let during = line.as_ref().map(ConsoleNotes::take).unwrap_or_default();
        if let Some(why) = lost_line(&before, &during)
            && matches!(class, Class::Fail | Class::Timeout | Class::Blind)
        {
            class = Class::Infra;
            message =
                format!("the serial line was lost ({why}), so this proves nothing: {message}");
        }
        let end = Some(end);
        let mut attempt = Attempt { logs, arrivals, end, ..Attempt::new(class, message, took) };
        if class.is_bad() {
            self.look(job.firmware, &mut attempt);
        }
        Ok(attempt)
    }

    /// Reads what the autopsy needs. What cannot be read costs only the bundle.
    pub(super) fn look(&mut self, firmware: usize, attempt: &mut Attempt) {
        let Some(board) = &mut self.board else { return };
        if let Some(words) = board.post_mortem() {
            attempt.message.push_str(EMULATOR_ENDED);
            let records = words.lines().map(|line| bundle::LogRecord::plain(0, line)).collect();
            attempt.logs.push(Log {
                channel: EMULATOR.to_owned(),
                kind: bundle::LogKind::Semihosting,
                raw: words.into_bytes(),
                records,
                capture: None,
            });
        }
        let mut plan = self.shop.plans[firmware].clone();
        let image = self.shop.firmwares[firmware].image.image.as_ref();
        let planned = board.plan_autopsy(&mut plan);
        let taken = planned.and_then(|()| board.snapshot_of(&plan, image));
        if let Ok(mut snapshot) = taken {
            snapshot.logs.clone_from(&attempt.logs);
            attempt.snapshot = Some(Box::new(snapshot));
        }
    }
}

/// Why the serial line was not there all the while, if it was not.
fn lost_line(before: &[ConsoleNote], during: &[ConsoleNote]) -> Option<String> {
    let of_before = before.last().filter(|note| matches!(note, ConsoleNote::Lost { .. }));
    let lost = of_before.into_iter().chain(during).find_map(|note| match note {
        ConsoleNote::Lost { why } => Some(why.clone()),
        ConsoleNote::Back => None,
    });
    lost.or_else(|| during.contains(&ConsoleNote::Back).then(|| "it was gone before".to_owned()))
}

/// An error and its causes in one line.
fn told(error: &HilError) -> String {
    let mut text = format!("failed to {error}");
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
