//! How a run went, kept so that what was heard can be heard again and judged again, without the board.

use serde::{Deserialize, Serialize};

use crate::log::Log;

/// A run of the firmware during which somebody listened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// What arrived, in order, over all logs.
    pub arrivals: Vec<Arrival>,
    /// The test it was, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<TestRun>,
}

/// Bytes of one log that came together. In JSON: `[at_ms, log, bytes]`, for there are many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, usize, usize)", into = "(u64, usize, usize)")]
pub struct Arrival {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Index of the log among those of the snapshot.
    pub log: usize,
    /// How many; they follow those of that log that came before.
    pub bytes: usize,
}

impl From<(u64, usize, usize)> for Arrival {
    fn from((at_ms, log, bytes): (u64, usize, usize)) -> Self {
        Self { at_ms, log, bytes }
    }
}

impl From<Arrival> for (u64, usize, usize) {
    fn from(arrival: Arrival) -> Self {
        (arrival.at_ms, arrival.log, arrival.bytes)
    }
}

/// One attempt at a test, as far as its verdict rests on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestRun {
    /// Full name, with its target's before it.
    pub name: String,
    /// Name of the target.
    pub target: String,
    /// Its place among the tests of its run.
    pub position: usize,
    /// Counted from 1.
    pub attempt: usize,
    /// The time it had.
    pub limit_ms: u64,
    /// The time it took.
    pub took_ms: u64,
    /// How the firmware's run ended. `None`: the bench failed before, or a script decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// The verdict it was given, such as `pass`.
    pub verdict: String,
    /// Why, in a sentence.
    pub message: String,
    /// The test as the project's file has it. `None`: a test inside the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<serde_json::Value>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum End {
    /// The firmware said that it is done, and well.
    Success,
    /// The firmware said that it failed, with this status if it gave one.
    Failure {
        /// Exit status, such as 134 for an abort.
        status: Option<u32>,
    },
    /// The core took a fault that the debugger caught.
    Fault,
    /// A fault within a fault.
    LockedUp,
    /// A breakpoint instruction that is no semihosting call.
    Breakpoint,
    /// The core stopped for another reason.
    Halted {
        /// The probe software's word for it.
        reason: String,
    },
    /// The time is over.
    Deadline,
    /// No log came in the time given for it.
    Silent,
    /// Whoever listens wants no more.
    Stopped,
}

impl Run {
    /// What arrived, piece by piece: when, on which log, and the bytes. A piece that the log does not
    /// have is cut short.
    pub fn pieces<'r>(&'r self, logs: &'r [Log]) -> impl Iterator<Item = (u64, &'r Log, &'r [u8])> {
        let mut taken = vec![0; logs.len()];
        self.arrivals.iter().filter_map(move |arrival| {
            let log = logs.get(arrival.log)?;
            let rest = log.raw.get(taken[arrival.log]..).unwrap_or_default();
            let piece = &rest[..arrival.bytes.min(rest.len())];
            taken[arrival.log] += piece.len();
            Some((arrival.at_ms, log, piece))
        })
    }
}
