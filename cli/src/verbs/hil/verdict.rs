//! What came of a test. Product and bench are kept apart: a lost probe is nobody's bug in the
//! firmware.

use std::time::Duration;

use bundle::{Arrival, Crash, End, Log};
use serde::{Deserialize, Serialize};

use super::expect::Watch;
use super::select::{Action, Job};

/// Classes of outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Class {
    Pass,
    /// It passed, but not at the first attempt.
    Flaky,
    /// The firmware did something else than it should.
    Fail,
    /// The core took a fault or locked up.
    Fault,
    /// It did not end in time.
    Timeout,
    /// The probe, the flash or the virtual board failed.
    Infra,
    /// Nothing could be observed, so nothing is known.
    Blind,
    Skipped,
}

impl Class {
    pub(super) fn is_bad(self) -> bool {
        !matches!(self, Self::Pass | Self::Flaky | Self::Skipped)
    }

    /// The bench is to blame, or nobody knows: not the firmware.
    pub(super) fn is_bench(self) -> bool {
        matches!(self, Self::Infra | Self::Blind)
    }

    /// As in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Flaky => "flaky",
            Self::Fail => "fail",
            Self::Fault => "fault",
            Self::Timeout => "timeout",
            Self::Infra => "infra",
            Self::Blind => "blind",
            Self::Skipped => "skipped",
        }
    }

    /// As shown in the list of results.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Flaky => "FLAKY",
            Self::Fail => "FAIL",
            Self::Fault => "FAULT",
            Self::Timeout => "TIMEOUT",
            Self::Infra => "INFRA",
            Self::Blind => "BLIND",
            Self::Skipped => "SKIP",
        }
    }
}

/// One attempt at a test.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) class: Class,
    /// Why, in a sentence; empty if it passed.
    pub(super) message: String,
    pub(super) took: Duration,
    pub(super) logs: Vec<Log>,
    /// When which bytes of the logs came.
    pub(super) arrivals: Vec<Arrival>,
    /// How the firmware's run ended, if it ran and the board lived to tell.
    pub(super) end: Option<End>,
    /// What was read off the board after it went wrong.
    pub(super) snapshot: Option<Box<bundle::Snapshot>>,
    /// Fault and call chain, named.
    pub(super) crash: Option<Crash>,
    /// Where the bundle is.
    pub(super) bundle: Option<std::path::PathBuf>,
}

impl Attempt {
    pub(super) fn new(class: Class, message: impl Into<String>, took: Duration) -> Self {
        Self {
            class,
            message: message.into(),
            took,
            logs: Vec::new(),
            arrivals: Vec::new(),
            end: None,
            snapshot: None,
            crash: None,
            bundle: None,
        }
    }
}

/// What all attempts at a test come to. Attempts at which the bench failed say nothing of the
/// firmware, so a test that passed after such is not flaky.
pub(super) fn of_attempts(attempts: &[Attempt]) -> Option<(Class, String)> {
    let (last, earlier) = attempts.split_last()?;
    let (Class::Pass, Some(first)) = (last.class, earlier.first()) else {
        return Some((last.class, last.message.clone()));
    };
    let number = attempts.len();
    Some(match earlier.iter().find(|attempt| !attempt.class.is_bench()) {
        Some(bad) => (Class::Flaky, format!("passed at attempt {number}; before: {}", bad.message)),
        None => {
            let why = format!("passed at attempt {number}; before, the bench: {}", first.message);
            (Class::Pass, why)
        }
    })
}

/// Judges a run by its end and by what the firmware said, as far as the test has a word on that.
pub(super) fn of_run(
    job: &Job,
    end: &End,
    watch: Option<&Watch>,
    malformed: u64,
) -> (Class, String) {
    let (class, mut message) = judge(job, end, watch);
    if malformed > 0 && class.is_bad() {
        message.push_str(&format!("; {malformed} defmt frames could not be decoded"));
    }
    (class, message)
}

fn judge(job: &Job, end: &End, watch: Option<&Watch>) -> (Class, String) {
    match (&job.action, watch) {
        (Action::Embedded(test), _) => of_embedded_test(end, test.should_panic, job.timeout),
        (_, Some(watch)) => match (end, watch.complaint()) {
            (End::Success | End::Stopped | End::Deadline, Some(why)) => (Class::Fail, why),
            (End::Success | End::Stopped | End::Deadline, None) => (Class::Pass, String::new()),
            _ => of_end(end, job.timeout),
        },
        // Firmware that never ends and of which nothing is expected does well by running.
        (_, None) if *end == End::Deadline => (Class::Pass, String::new()),
        (_, None) => of_end(end, job.timeout),
    }
}

/// Judges how a test inside an image ended. The message says what can be said without the call
/// chain.
fn of_embedded_test(end: &End, should_panic: bool, limit: Duration) -> (Class, String) {
    match (end, should_panic) {
        (End::Success, false) | (End::Failure { .. }, true) => (Class::Pass, String::new()),
        (End::Success, true) => (Class::Fail, "it should panic and did not".to_owned()),
        (End::Failure { .. }, false) => (Class::Fail, "it failed".to_owned()),
        (end, _) => of_end(end, limit),
    }
}

/// Judges an end that is neither success nor failure by the firmware's own word.
fn of_end(end: &End, limit: Duration) -> (Class, String) {
    match end {
        End::Success | End::Stopped => (Class::Pass, String::new()),
        End::Failure { status: Some(status) } => {
            (Class::Fail, format!("it ended with status {status}"))
        }
        End::Failure { status: None } => (Class::Fail, "it ended with a failure".to_owned()),
        End::Fault => (Class::Fault, "the core took a fault".to_owned()),
        End::LockedUp => (Class::Fault, "the core locked up: a fault within a fault".to_owned()),
        End::Breakpoint => (Class::Fail, "it stopped at a breakpoint instruction".to_owned()),
        End::Halted { reason } => (Class::Infra, format!("the core was halted ({reason})")),
        End::Deadline => (Class::Timeout, format!("no end within {}", seconds(limit))),
        End::Silent => {
            (Class::Blind, "it said nothing in the time given for its first log".to_owned())
        }
    }
}

/// `1.5 s`
pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_firmwares_own_failures_make_a_test_flaky() {
        let check = |classes: &[Class], expected: Class| {
            let attempt = |class: &Class| Attempt::new(*class, class.label(), Duration::ZERO);
            let attempts: Vec<Attempt> = classes.iter().map(attempt).collect();
            let (class, message) = of_attempts(&attempts).expect("there are attempts");
            assert_eq!(class, expected, "{classes:?}: {message}");
        };
        check(&[Class::Pass], Class::Pass);
        check(&[Class::Fail, Class::Pass], Class::Flaky);
        check(&[Class::Infra, Class::Pass], Class::Pass);
        check(&[Class::Infra, Class::Timeout, Class::Pass], Class::Flaky);
        check(&[Class::Blind, Class::Infra, Class::Pass], Class::Pass);
        check(&[Class::Fail, Class::Infra], Class::Infra);
        assert!(of_attempts(&[]).is_none());
    }
}
