//! Tasks of a real-time operating system, as its own lists in RAM tell them.

use serde::{Deserialize, Serialize};

use crate::crash::Backtrace;
use crate::hex;
use crate::snapshot::Thread;

/// What an operating system was doing when the core stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// Which one it is, such as `FreeRTOS`.
    pub system: String,
    /// The one that was running first, then those of the highest priority.
    pub tasks: Vec<Task>,
    /// What kept it from being read whole, in a sentence: there may be tasks that are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its control block and its name.
    #[serde(flatten)]
    pub thread: Thread,
    /// What it was doing.
    pub state: TaskState,
    /// As the system counts: with FreeRTOS 0 is the lowest.
    pub priority: u64,
    /// Its stack.
    pub stack: TaskStack,
    /// Who called whom until it gave the core away. `None`: it has the core, whose call chain is its
    /// own. Without frames where the registers it was left with cannot be told; `end` says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtrace: Option<Backtrace>,
}

/// What a task was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// It has the core, or had it until the exception that is being handled.
    Running,
    /// It would run if the core were free.
    Ready,
    /// It waits for something, or for its time.
    Blocked,
    /// Nothing but another task's word makes it run.
    Suspended,
    /// It ended, and its memory was not given back yet.
    Deleted,
}

impl TaskState {
    /// Its name, for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Blocked => "blocked",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

/// A task's stack, which grows down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskStack {
    /// Its lowest address.
    #[serde(with = "hex::word")]
    pub base: u64,
    /// Behind its highest address, where the system notes that.
    #[serde(with = "hex::optional_word", default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// Where the task left it. `None`: it has the core.
    #[serde(with = "hex::optional_word", default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<u64>,
    /// Bytes at its base that still hold what it was filled with: no more than these were never used.
    /// `None`: it was not filled, or its memory was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never_used: Option<u64>,
}

impl TaskStack {
    /// How far the task went below its stack, 0 if it did not.
    pub fn overflow(&self) -> u64 {
        self.pointer.map_or(0, |pointer| self.base.saturating_sub(pointer))
    }
}
