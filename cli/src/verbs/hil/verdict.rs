//! What came of a test. Product and bench are kept apart: a lost probe is nobody's bug in the
//! firmware.

use std::time::Duration;

use bundle::{Crash, Log};
use hil::End;
use serde::Serialize;

/// Classes of outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
            snapshot: None,
            crash: None,
            bundle: None,
        }
    }
}

/// Judges how a test inside an image ended. The message says what can be said without the call
/// chain.
pub(super) fn of_embedded_test(end: &End, should_panic: bool, limit: Duration) -> (Class, String) {
    match (end, should_panic) {
        (End::Success, false) | (End::Failure { .. }, true) => (Class::Pass, String::new()),
        (End::Success, true) => (Class::Fail, "it should panic and did not".to_owned()),
        (End::Failure { .. }, false) => (Class::Fail, "it failed".to_owned()),
        (end, _) => of_end(end, limit),
    }
}

/// Judges an end that is neither success nor failure by the firmware's own word.
pub(super) fn of_end(end: &End, limit: Duration) -> (Class, String) {
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
