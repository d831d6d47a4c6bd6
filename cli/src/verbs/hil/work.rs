//! The boards at work: each on a thread of its own, taking the next job that it can serve.

use std::collections::VecDeque;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bundle::{BoardId, ReadPlan};
use hil::{Board, Deadlines, End, HilError, Listener, RunOptions, Said};

use super::config::Test;
use super::expect::Watch;
use super::seat::Seat;
use super::select::{Action, Firmware, Job};
use super::verdict::{self, Attempt, Class};

/// A seat whose board could not be opened so often in a row is given up.
const MOST_OPEN_FAILURES: u32 = 2;

/// Pause between two looks at a script.
const POLL: Duration = Duration::from_millis(20);

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
    pub(super) retries: u32,
    pub(super) deadlines: Deadlines,
    pub(super) first_log: Option<Duration>,
}

impl Shop<'_> {
    /// The next job for a seat, if possible one for the firmware that its board has.
    fn next(&self, seat: &Seat, flashed: Option<usize>) -> Option<usize> {
        if self.stop.load(Ordering::SeqCst) {
            return None;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |job: &usize| {
            let firmware = self.jobs[*job].firmware;
            seat.serves.contains(&firmware)
        };
        let same =
            queue.iter().position(|job| fits(job) && Some(self.jobs[*job].firmware) == flashed);
        let at = same.or_else(|| queue.iter().position(fits))?;
        queue.remove(at)
    }
}

/// Works until there is nothing left that this seat can do.
pub(super) fn run(shop: &Shop<'_>, number: usize, seat: &Seat, events: &Sender<Event>) {
    let mut bench = Bench { shop, seat, board: None, flashed: None };
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
            let stopped = shop.stop.load(Ordering::SeqCst);
            if !bad || stopped || attempts.len() > shop.retries as usize {
                break;
            }
        }
        failures = if bench.board.is_some() { 0 } else { failures + 1 };
        let board = bench.board.as_ref().map(|board| Box::new(board.identity().clone()));
        tell(Event::Done { job, board, attempts });
    }
}

/// One board and what is on it.
struct Bench<'s> {
    shop: &'s Shop<'s>,
    seat: &'s Seat,
    board: Option<Board>,
    flashed: Option<usize>,
}

impl Bench<'_> {
    fn attempt(&mut self, job: &Job, say: &dyn Fn(&Said)) -> Attempt {
        let started = Instant::now();
        let result = self.prepare(job.firmware).and_then(|()| match &job.action {
            Action::Script(test) => self.script(test, job),
            _ => self.watch(job, say),
        });
        result.unwrap_or_else(|error| {
            // A board that failed is opened anew for the next attempt.
            (self.board, self.flashed) = (None, None);
            Attempt::new(Class::Infra, told(&error), started.elapsed())
        })
    }

    /// Opens the board and puts the firmware on it, where that is not done yet.
    fn prepare(&mut self, firmware: usize) -> Result<(), HilError> {
        let board = match &mut self.board {
            Some(board) => board,
            None => {
                let chip = self.seat.chip.as_deref();
                let opened = Board::open(&self.seat.selector, chip, &self.shop.deadlines)?;
                self.flashed = None;
                self.board.insert(opened)
            }
        };
        if self.flashed != Some(firmware) {
            self.flashed = None;
            board.flash(&self.shop.firmwares[firmware].image.path, &mut |_| ())?;
            self.flashed = Some(firmware);
        }
        Ok(())
    }

    /// Runs the firmware, and judges it by its end and by what it said.
    fn watch(&mut self, job: &Job, say: &dyn Fn(&Said)) -> Result<Attempt, HilError> {
        let image = &self.shop.firmwares[job.firmware].image;
        let test = match &job.action {
            Action::Embedded(test) => Some(test.clone()),
            _ => None,
        };
        let mut watch = match &job.action {
            Action::Image(test) if !test.expectations.is_empty() => {
                Some(Watch::new(&test.name, &test.expectations).map_err(|failure| {
                    HilError::Firmware {
                        file: image.path.clone(),
                        source: failure.to_string().into(),
                    }
                })?)
            }
            _ => None,
        };
        let options = RunOptions {
            test,
            limit: job.timeout,
            first_log: self.shop.first_log,
            stop: Some(self.shop.stop.clone()),
            attach: false,
        };
        let mut listener = Listener::new(image.defmt.as_ref(), |said| {
            say(said);
            watch.as_mut().is_none_or(|watch| watch.hear(said))
        });
        let started = Instant::now();
        let board = self.board.as_mut().ok_or(HilError::Lost)?;
        let end = board.run_until_end(image, &options, &mut listener)?;
        let took = started.elapsed();
        let malformed = listener.malformed();
        let logs = listener.finish();
        let (class, mut message) = judge(job, &end, watch.as_ref());
        if malformed > 0 && class.is_bad() {
            message.push_str(&format!("; {malformed} defmt frames could not be decoded"));
        }
        if self.shop.stop.load(Ordering::SeqCst) && end == End::Stopped && watch.is_none() {
            return Ok(Attempt::new(Class::Skipped, "cancelled", took));
        }
        let mut attempt = Attempt { logs, ..Attempt::new(class, message, took) };
        if class.is_bad() {
            self.look(job.firmware, &mut attempt);
        }
        Ok(attempt)
    }

    /// Reads what the autopsy needs. What cannot be read costs only the bundle.
    fn look(&mut self, firmware: usize, attempt: &mut Attempt) {
        let Some(board) = &mut self.board else { return };
        if let Some(words) = board.post_mortem() {
            attempt.message.push_str("; the emulator ended with a register dump");
            let records = words.lines().map(|line| bundle::LogRecord::plain(0, line)).collect();
            attempt.logs.push(bundle::Log {
                channel: "emulator".to_owned(),
                kind: bundle::LogKind::Semihosting,
                raw: words.into_bytes(),
                records,
            });
        }
        let mut plan = self.shop.plans[firmware].clone();
        let taken = board.plan_autopsy(&mut plan).and_then(|()| board.snapshot(&plan));
        if let Ok(mut snapshot) = taken {
            snapshot.logs.clone_from(&attempt.logs);
            attempt.snapshot = Some(Box::new(snapshot));
        }
    }

    /// Lets the firmware run while a program on this machine tests it.
    fn script(&mut self, test: &Test, job: &Job) -> Result<Attempt, HilError> {
        let started = Instant::now();
        let board = self.board.as_mut().ok_or(HilError::Lost)?;
        board.reset()?;
        let Some((program, arguments)) = test.command.split_first() else {
            return Ok(Attempt::new(Class::Infra, "the script has no command", started.elapsed()));
        };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.shop.folder).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command.env("SILK_BOARD", &self.seat.name).env("SILK_CHIP", &board.identity().chip);
        command.env("SILK_ELF", &self.shop.firmwares[job.firmware].image.path);
        if let Some(serial) = board.serial() {
            command.env("SILK_SERIAL", serial.path());
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let why = format!("`{program}` cannot be started: {error}");
                return Ok(Attempt::new(Class::Infra, why, started.elapsed()));
            }
        };
        let output = Output::follow(&mut child);
        let status = loop {
            let status = child.try_wait().ok().flatten();
            let over = started.elapsed() >= job.timeout || self.shop.stop.load(Ordering::SeqCst);
            if status.is_some() || over {
                break status;
            }
            std::thread::sleep(POLL);
        };
        if status.is_none() {
            end_group(&mut child);
        }
        let mut attempt = match status.map(|status| status.success()) {
            Some(true) => Attempt::new(Class::Pass, "", started.elapsed()),
            Some(false) => Attempt::new(Class::Fail, "the script failed", started.elapsed()),
            None => {
                let why =
                    format!("the script did not end within {}", verdict::seconds(job.timeout));
                Attempt::new(Class::Timeout, why, started.elapsed())
            }
        };
        attempt.logs.push(output.log());
        if attempt.class.is_bad() {
            // A board that cannot be halted any more is shown by the next attempt.
            let _ = self.board.as_mut().map(Board::halt);
            self.look(job.firmware, &mut attempt);
        }
        Ok(attempt)
    }
}

/// What a script writes, read so that it never has to wait.
struct Output(Vec<std::thread::JoinHandle<Vec<u8>>>);

impl Output {
    fn follow(child: &mut Child) -> Self {
        fn follow(
            mut from: impl std::io::Read + Send + 'static,
        ) -> std::thread::JoinHandle<Vec<u8>> {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                // What came before a broken pipe is kept.
                let _ = from.read_to_end(&mut bytes);
                bytes
            })
        }
        let stdout = child.stdout.take().map(follow);
        let stderr = child.stderr.take().map(follow);
        Self(stdout.into_iter().chain(stderr).collect())
    }

    fn log(self) -> bundle::Log {
        let raw: Vec<u8> =
            self.0.into_iter().flat_map(|reader| reader.join().unwrap_or_default()).collect();
        let text = String::from_utf8_lossy(&raw).into_owned();
        let records = text.lines().map(|line| bundle::LogRecord::plain(0, line)).collect();
        bundle::Log { channel: "script".to_owned(), kind: bundle::LogKind::Serial, raw, records }
    }
}

/// Ends a script and whatever it started.
fn end_group(child: &mut Child) {
    let _ = Command::new("kill").arg("-KILL").arg(format!("-{}", child.id())).status();
    let _ = child.kill();
    let _ = child.wait();
}

fn judge(job: &Job, end: &End, watch: Option<&Watch>) -> (Class, String) {
    match (&job.action, watch) {
        (Action::Embedded(test), _) => {
            verdict::of_embedded_test(end, test.should_panic, job.timeout)
        }
        (_, Some(watch)) => match (end, watch.complaint()) {
            (End::Success | End::Stopped | End::Deadline, Some(why)) => (Class::Fail, why),
            (End::Success | End::Stopped | End::Deadline, None) => (Class::Pass, String::new()),
            _ => verdict::of_end(end, job.timeout),
        },
        // Firmware that never ends and of which nothing is expected does well by running.
        (_, None) if *end == End::Deadline => (Class::Pass, String::new()),
        (_, None) => verdict::of_end(end, job.timeout),
    }
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
