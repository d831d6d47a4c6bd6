//! A run while it goes on: on a terminal what runs now and for how long, and for everybody a line when a
//! test takes long.

use std::fmt::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::select::{Job, Plan};
use super::verdict::Class;
use super::{Tally, show};
use crate::exit::Failure;
use crate::session::Session;
use crate::ui::printable;

/// A test is slow after this, where nothing else is said. Source: cargo-nextest's default `slow-timeout`.
const SLOW: Duration = Duration::from_secs(60);

/// Tests that are shown by name while they run.
const SHOWN: usize = 8;

/// What runs now.
pub(super) struct Live<'p> {
    plan: &'p Plan,
    bar: ProgressBar,
    running: Vec<Running<'p>>,
    tally: Tally,
}

struct Running<'p> {
    job: &'p Job,
    board: String,
    since: Instant,
    /// How often it was told that it is slow.
    told: u32,
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl<'p> Live<'p> {
    /// Of a run of `tests`. Draws only on a terminal, and never beside JSON.
    pub(super) fn new(session: &Session, plan: &'p Plan, tests: usize) -> Self {
        let bar = match session.ui.json {
            true => ProgressBar::hidden(),
            false => {
                let target = ProgressDrawTarget::stderr_with_hz(10);
                ProgressBar::with_draw_target(u64::try_from(tests).ok(), target)
            }
        };
        let template = "     Running [{elapsed_precise}] {bar:20} {pos}/{len}: {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { plan, bar, running: Vec::new(), tally: Tally::default() }
    }

    /// What lines are written around: whoever writes does so while nothing is drawn.
    pub(super) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    pub(super) fn started(&mut self, job: &'p Job, board: &str) {
        self.running.push(Running { job, board: board.to_owned(), since: Instant::now(), told: 0 });
    }

    /// A test is over, if it came to a verdict.
    pub(super) fn finished(&mut self, job: &Job, class: Option<Class>) {
        self.running.retain(|running| !std::ptr::eq(running.job, job));
        if let Some(class) = class {
            self.tally.count(class);
        }
    }

    /// Draws what runs now, and tells of each test that has become slow.
    pub(super) fn tick(&mut self, session: &mut Session) -> Result<(), Failure> {
        for running in &mut self.running {
            let job = running.job;
            let slow = job.settings.slow_timeout.or(self.plan.profile.slow_timeout);
            let slow = slow.unwrap_or(SLOW).max(Duration::from_millis(1)) * (running.told + 1);
            if running.since.elapsed() >= slow {
                running.told += 1;
                self.bar.suspend(|| show::slow(session, &job.name, &running.board, slow))?;
            }
        }
        if !self.bar.is_hidden() {
            self.bar.set_position(self.tally.over());
            self.bar.set_message(self.words());
        }
        Ok(())
    }

    fn words(&self) -> String {
        let mut text = format!("{} running, {}", self.running.len(), self.tally.sentence());
        for Running { job, board, since, .. } in self.running.iter().take(SHOWN) {
            let seconds = since.elapsed().as_secs_f64();
            let (name, board) = (printable(&job.name), printable(board));
            // Writing into a text does not fail.
            let _ = write!(text, "\n             [{seconds:>9.3}s] {name}  {board}");
        }
        let more = self.running.len().saturating_sub(SHOWN);
        if more > 0 {
            let _ = write!(text, "\n             and {more} more");
        }
        text
    }
}
