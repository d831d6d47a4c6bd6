//! `silk hil`: tests on boards, real and virtual, with one form of verdict.

mod claim;
mod config;
mod expect;
mod filter;
mod keep;
mod list;
mod live;
mod overrides;
mod replay;
mod report;
mod script;
mod seat;
mod select;
mod show;
mod verdict;
mod work;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use assist::{Scope, read_plan};
use bundle::{BoardId, ReadPlan};
use hil::{Deadlines, LockError};
use serde::Serialize;

pub(crate) use config::{BenchBoard, BenchFile, bench_file};
pub(crate) use show::line;

use crate::args::{HilRunArgs, HilVerb};
use crate::exit::{Exit, Failure, Outcome as VerbOutcome};
use crate::interrupt::{self, Deferred};
use crate::session::Session;
use crate::verbs::{bench, board};
use config::FlakyResult;
use keep::{Keeper, Kept};
use list::list;
use live::Live;
use seat::Seat;
use select::{Firmware, Job, Plan};
use verdict::{Attempt, Class};
use work::{Event, Shop};

/// How often the run looks for Ctrl-C and for its own end.
const POLL: Duration = Duration::from_millis(50);

/// A test that is over.
struct Outcome<'p> {
    job: &'p Job,
    firmware: &'p Firmware,
    class: Class,
    message: String,
    attempts: Vec<Attempt>,
    board: Option<Box<BoardId>>,
}

impl<'p> Outcome<'p> {
    /// Of a test that was not run.
    fn without_run(plan: &'p Plan, job: &'p Job, class: Class, message: String) -> Self {
        let firmware = &plan.firmwares[job.firmware];
        Self { job, firmware, class, message, attempts: Vec::new(), board: None }
    }

    fn took(&self) -> Duration {
        self.attempts.iter().map(|attempt| attempt.took).sum()
    }
}

/// How many tests ended how.
#[derive(Debug, Default, Serialize)]
struct Tally {
    passed: usize,
    flaky: usize,
    failed: usize,
    faulted: usize,
    timed_out: usize,
    infra: usize,
    blind: usize,
    skipped: usize,
    /// Selected, and not run: the run was cut short.
    not_run: usize,
}

impl Tally {
    fn count(&mut self, class: Class) {
        *match class {
            Class::Pass => &mut self.passed,
            Class::Flaky => &mut self.flaky,
            Class::Fail => &mut self.failed,
            Class::Fault => &mut self.faulted,
            Class::Timeout => &mut self.timed_out,
            Class::Infra => &mut self.infra,
            Class::Blind => &mut self.blind,
            Class::Skipped => &mut self.skipped,
        } += 1;
    }

    /// Tests that came to a verdict.
    fn over(&self) -> u64 {
        (self.passed + self.flaky + self.bad() + self.skipped) as u64
    }

    fn product(&self) -> usize {
        self.failed + self.faulted + self.timed_out
    }

    fn bad(&self) -> usize {
        self.product() + self.infra + self.blind
    }

    /// The firmware's failures are never hidden by the bench's.
    fn exit(&self) -> Exit {
        match (self.product(), self.bad()) {
            (1.., _) => Exit::Wrong,
            (0, 1..) => Exit::Bench,
            (0, 0) => Exit::Ok,
        }
    }

    fn sentence(&self) -> String {
        let run = self.passed + self.flaky + self.bad();
        let mut text = format!("{run} run: {} passed", self.passed + self.flaky);
        let parts = [
            (self.flaky, "flaky"),
            (self.failed, "failed"),
            (self.faulted, "faulted"),
            (self.timed_out, "timed out"),
            (self.infra, "bench failures"),
            (self.blind, "not observed"),
            (self.skipped, "skipped"),
            (self.not_run, "not run"),
        ];
        for (count, name) in parts.iter().filter(|(count, _)| *count > 0) {
            text.push_str(&format!(", {count} {name}"));
        }
        text
    }
}

/// Runs a verb of `silk hil`.
pub(crate) fn run(session: &mut Session, verb: &HilVerb) -> VerbOutcome {
    match verb {
        HilVerb::List(args) => list(session, &args.selection, args.settings),
        HilVerb::Run(args) if args.list => list(session, &args.selection, false),
        HilVerb::Run(args) => run_tests(session, args),
        HilVerb::Replay(args) => replay::replay(session, args),
        HilVerb::Report(args) => replay::report(session, args),
    }
}

fn run_tests(session: &mut Session, args: &HilRunArgs) -> VerbOutcome {
    let timeout = args.timeout.map(board::seconds).transpose()?;
    let mut plan = select::plan(session, config::hil_file(session)?, &args.selection, timeout)?;
    if plan.jobs.is_empty() {
        return Err(Failure::new(Exit::NothingFound, "no test is selected")
            .detail(format!("{} tests were left out by the filters", plan.filtered))
            .hint("`silk hil list` shows the tests there are"));
    }
    let bench = bench_file(session)?;
    let (seats, reasons) = seat::seats(session, &bench, &plan, args.jobs)?;
    seat::pin(&mut plan, &seats);
    let wait = args.wait.map(board::seconds).transpose()?.or(plan.profile.lock_timeout);
    let (seats, locks) = match claim::take(session, seats, &runnable(&plan, &reasons), wait) {
        Ok(claimed) => claimed,
        Err(error) => return refuse(args, &plan, &reasons, &error),
    };
    claim::log(session, &seats)?;
    let plans = read_plans(session, &plan);
    let boards: Vec<&str> = seats.iter().map(|seat| seat.name.as_str()).collect();
    show::started(session, plan.jobs.len(), plan.filtered, &args.selection.profile, &boards)?;
    let started = Instant::now();
    let mut outcomes = skip(session, &plan, &reasons)?;
    let no_board =
        reasons.iter().any(Option::is_some) || plan.jobs.iter().any(|job| job.no_board.is_some());
    let stop = Arc::new(AtomicBool::new(false));
    let queued = plan.jobs.iter().enumerate();
    let queued = queued.filter(|(_, job)| why_skipped(job, &reasons).is_none());
    let defaults = Deadlines::default();
    let shop = Shop {
        firmwares: &plan.firmwares,
        jobs: &plan.jobs,
        plans: &plans,
        folder: &plan.folder,
        queue: Mutex::new(queued.map(|(index, _)| index).collect()),
        stop: stop.clone(),
        all_retries: args.retries,
        retries: plan.profile.retries.unwrap_or(0),
        deadlines: Deadlines {
            attach: plan.profile.attach_timeout.unwrap_or(defaults.attach),
            flash: plan.profile.flash_timeout.unwrap_or(defaults.flash),
            ..defaults
        },
        first_log: plan.profile.first_log_timeout,
    };
    let folder = args.artifacts.clone().or_else(|| plan.profile.artifacts.clone());
    let keeper = Keeper::new(
        folder.unwrap_or_else(|| PathBuf::from("target/silk-hil")),
        args.record.clone(),
        plan.firmwares.len(),
    );
    let cut_short = follow(session, args, &plan, &shop, &seats, keeper, &mut outcomes)?;
    drop(locks);
    let took = started.elapsed();
    let tally = count(&plan, &outcomes);
    let position = |outcome: &Outcome<'_>| {
        plan.jobs.iter().position(|job| std::ptr::eq(job, outcome.job)).unwrap_or(0)
    };
    outcomes.sort_by_key(position);
    // Files first: whoever reads the terminal may be gone by now.
    if let Some(path) = args.junit.as_ref().or(plan.profile.junit.as_ref()) {
        let fail_fast = args.fail_fast || plan.profile.fail_fast == Some(true);
        let not_run = not_run(&plan, &outcomes, cut_short, fail_fast);
        report::junit(path, outcomes.iter().chain(&not_run), took)?;
    }
    report::markdown(args.summary.as_deref(), &outcomes, &tally)?;
    show::details(session, &outcomes)?;
    show::summary(session, &tally, took)?;
    report::annotations(session, &outcomes)?;
    let flaky_fails = plan.profile.flaky_result == Some(FlakyResult::Fail);
    Ok(match cut_short {
        Some(exit) => exit,
        None if tally.bad() > 0 => tally.exit(),
        None if tally.flaky > 0 && flaky_fails => Exit::FlakyOnly,
        None if no_board && args.require_board => Exit::NoBoard,
        None => Exit::Ok,
    })
}

/// The tests of the run that a board is there for.
fn runnable<'p>(plan: &'p Plan, reasons: &[Option<String>]) -> Vec<&'p Job> {
    plan.jobs.iter().filter(|job| why_skipped(job, reasons).is_none()).collect()
}

/// Ends a run whose boards others have: its reports say so of each test.
fn refuse(
    args: &HilRunArgs,
    plan: &Plan,
    reasons: &[Option<String>],
    error: &LockError,
) -> VerbOutcome {
    let outcomes: Vec<Outcome<'_>> = plan
        .jobs
        .iter()
        .map(|job| match why_skipped(job, reasons) {
            Some(reason) => Outcome::without_run(plan, job, Class::Skipped, reason),
            None => Outcome::without_run(plan, job, Class::Infra, format!("failed to {error}")),
        })
        .collect();
    if let Some(path) = args.junit.as_ref().or(plan.profile.junit.as_ref()) {
        report::junit(path, outcomes.iter(), Duration::ZERO)?;
    }
    report::markdown(args.summary.as_deref(), &outcomes, &count(plan, &outcomes))?;
    Err(bench::lock_failure(error))
}

/// What else to read off a board that went wrong: the peripherals that the firmware uses.
fn read_plans(session: &Session, plan: &Plan) -> Vec<ReadPlan> {
    let known = session.config.svds.value.is_empty();
    let of = |firmware: &Firmware| {
        if known {
            return None;
        }
        let sources = svd_index::Sources {
            svds: session.config.svd_sources(),
            elfs: vec![firmware.image.path.clone()],
        };
        read_plan(&session.open(&sources).ok()?, &Scope::Firmware).ok()
    };
    plan.firmwares.iter().map(|firmware| of(firmware).unwrap_or_default()).collect()
}

fn why_skipped(job: &Job, reasons: &[Option<String>]) -> Option<String> {
    match job.ignored {
        true => Some("ignored; --include-ignored runs it".to_owned()),
        false => job.no_board.clone().or_else(|| reasons[job.firmware].clone()),
    }
}

/// The tests that do not run, with the reason.
fn skip<'p>(
    session: &mut Session,
    plan: &'p Plan,
    reasons: &[Option<String>],
) -> Result<Vec<Outcome<'p>>, Failure> {
    let mut outcomes = Vec::new();
    for job in &plan.jobs {
        let Some(reason) = why_skipped(job, reasons) else { continue };
        let outcome = Outcome::without_run(plan, job, Class::Skipped, reason);
        show::finished(session, &outcome)?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Lets the seats work and takes what they tell. Gives the exit code of a run that was cut short.
fn follow<'p>(
    session: &mut Session,
    args: &HilRunArgs,
    plan: &'p Plan,
    shop: &Shop<'p>,
    seats: &[Seat],
    mut keeper: Keeper,
    outcomes: &mut Vec<Outcome<'p>>,
) -> Result<Option<Exit>, Failure> {
    let fail_fast = args.fail_fast || plan.profile.fail_fast == Some(true);
    let give_up = plan.profile.global_timeout.map(|limit| Instant::now() + limit);
    let _deferred = Deferred::begin();
    let mut live = Live::new(session, plan, plan.jobs.len() - outcomes.len());
    let bar = live.bar();
    let (sender, events) = mpsc::channel();
    let mut cut_short = None;
    std::thread::scope(|scope| {
        for (number, seat) in seats.iter().enumerate() {
            let events = sender.clone();
            scope.spawn(move || work::run(shop, number, seat, &events));
        }
        drop(sender);
        // Whatever breaks off here, the seats have to stop, or they are waited for.
        let result = loop {
            let over = give_up.is_some_and(|at| Instant::now() >= at);
            let asked = interrupt::pending().or(over.then_some(Exit::GlobalTimeout));
            if asked.is_some() {
                cut_short = cut_short.or(asked);
                shop.stop.store(true, Ordering::SeqCst);
            }
            if let Err(failure) = live.tick(session) {
                break Err(failure);
            }
            let event = match events.recv_timeout(POLL) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
            };
            let writes = match &event {
                Event::Started { .. } => false,
                Event::Said { .. } => args.nocapture,
                Event::Done { .. } => true,
            };
            let taken = || take(session, args, plan, seats, &mut keeper, &mut live, event);
            let taken = if writes { bar.suspend(taken) } else { taken() };
            match taken {
                Ok(Some(outcome)) => {
                    if fail_fast && outcome.class.is_bad() {
                        shop.stop.store(true, Ordering::SeqCst);
                    }
                    outcomes.push(outcome);
                }
                Ok(None) => {}
                Err(failure) => break Err(failure),
            }
        };
        shop.stop.store(true, Ordering::SeqCst);
        result
    })?;
    Ok(cut_short)
}

/// Takes one event; gives the outcome if a test is over.
fn take<'p>(
    session: &mut Session,
    args: &HilRunArgs,
    plan: &'p Plan,
    seats: &[Seat],
    keeper: &mut Keeper,
    live: &mut Live<'p>,
    event: Event,
) -> Result<Option<Outcome<'p>>, Failure> {
    match event {
        Event::Started { job, seat } => {
            live.started(&plan.jobs[job], &seats[seat].name);
            show::test_started(session, &plan.jobs[job].name, &seats[seat].name)?;
        }
        Event::Said { job, said } => {
            show::said(session, &plan.jobs[job].name, &said, args.nocapture)?;
        }
        Event::Done { job, board, mut attempts } => {
            let (position, job) = (job, &plan.jobs[job]);
            let firmware = &plan.firmwares[job.firmware];
            for (number, attempt) in attempts.iter_mut().enumerate() {
                let board = board.as_deref();
                let kept = Kept { firmware, job, position, number, board };
                keeper.keep(session, &kept, attempt)?;
            }
            let judged = verdict::of_attempts(&attempts);
            live.finished(job, judged.as_ref().map(|(class, _)| *class));
            let Some((class, message)) = judged else { return Ok(None) };
            let outcome = Outcome { job, firmware, class, message, attempts, board };
            show::finished(session, &outcome)?;
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

/// The tests that were selected and not begun, for the reports: none is to be missing there.
fn not_run<'p>(
    plan: &'p Plan,
    outcomes: &[Outcome<'_>],
    cut_short: Option<Exit>,
    fail_fast: bool,
) -> Vec<Outcome<'p>> {
    let why = match cut_short {
        Some(Exit::GlobalTimeout) => "not run: the time for the whole run was over",
        Some(_) => "not run: cancelled before",
        None if fail_fast => "not run: an earlier test went wrong",
        None => "not run: no board for it was left",
    };
    let is_known = |job: &&Job| outcomes.iter().any(|outcome| std::ptr::eq(outcome.job, *job));
    let missing = plan.jobs.iter().filter(|job| !is_known(job));
    missing.map(|job| Outcome::without_run(plan, job, Class::Skipped, why.to_owned())).collect()
}

fn count(plan: &Plan, outcomes: &[Outcome<'_>]) -> Tally {
    let mut tally = Tally::default();
    outcomes.iter().for_each(|outcome| tally.count(outcome.class));
    tally.not_run = plan.jobs.len().saturating_sub(outcomes.len());
    tally
}
