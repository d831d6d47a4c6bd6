//! What is known about a crash: the fault, the call chains, and the verdict on the run.
//!
//! Addresses come from `hil`; functions, files and lines are put on by whoever has the firmware's
//! index, and are what a reader sees years later.

use serde::{Deserialize, Serialize};

use crate::hex;
use crate::local::Local;
use crate::snapshot::Thread;
use crate::task::Tasks;

/// The crash of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// What the run was, such as the name of a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// Why it is kept, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// The fault that was being handled, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The call chain of each core that was halted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backtraces: Vec<Backtrace>,
    /// The operating system's tasks, where the firmware has one that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Tasks>,
}

/// A fault, and only what is proved of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Exception that was being handled, such as `HardFault`.
    pub exception: String,
    /// It began as another fault whose handler could not run.
    #[serde(default)]
    pub escalated: bool,
    /// What the evidence says of the cause.
    pub causes: Vec<FaultCause>,
    /// Address of the faulting instruction, if it is exact.
    #[serde(with = "hex::optional_word")]
    pub instruction: Option<u64>,
    /// The address that the fault is about.
    pub address: Option<FaultAddress>,
    /// What keeps the above from being certain, each in a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
}

/// One piece of evidence for a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCause {
    /// Where it stands, such as `CFSR.PRECISERR` or `instruction`.
    pub bit: String,
    /// What it means.
    pub meaning: String,
}

impl FaultCause {
    /// Evidence and its meaning.
    pub fn new(bit: &str, meaning: &str) -> Self {
        Self { bit: bit.to_owned(), meaning: meaning.to_owned() }
    }
}

/// The address that a fault is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultAddress {
    /// Absolute address.
    #[serde(with = "hex::word")]
    pub address: u64,
    /// What was done there, such as `read of 4 bytes`, if that is known.
    pub access: Option<String>,
    /// How the address is known.
    pub proof: String,
}

impl Fault {
    /// The fault in one sentence.
    pub fn summary(&self) -> String {
        let mut text = self.exception.clone();
        if self.escalated {
            text.push_str(" (escalated)");
        }
        if let Some(cause) = self.causes.first() {
            text.push_str(": ");
            text.push_str(&cause.meaning);
        }
        if let Some(at) = &self.address {
            let access = at.access.as_deref().unwrap_or("an access");
            let join = if self.causes.is_empty() { ": " } else { "; " };
            text.push_str(&format!("{join}{access} at {:#010x}", at.address));
        }
        if let Some(pc) = self.instruction {
            text.push_str(&format!(" by the instruction at {pc:#010x}"));
        }
        text
    }
}

/// Who called whom on one core, innermost first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backtrace {
    /// Index of the core.
    pub core: usize,
    /// The thread it is of, where a dump has threads instead of cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
    /// Frames, innermost first. Inlined functions have a frame each, with the address of the
    /// function that holds them.
    pub frames: Vec<CallFrame>,
    /// Why the chain ends where it ends.
    pub end: String,
}

/// One frame of a call chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFrame {
    /// How this frame came to be left.
    pub kind: CallKind,
    /// Address of the instruction: where the core stopped, was interrupted, or will return to.
    #[serde(with = "hex::word")]
    pub pc: u64,
    /// Stack pointer in this frame.
    #[serde(with = "hex::word")]
    pub sp: u64,
    /// Function, if its name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Source file as the debug information names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The function was inlined into the next frame's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inlined: bool,
    /// Arguments first, then variables, those of the innermost block first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locals: Vec<Local>,
}

impl CallFrame {
    /// A frame that nobody has named yet.
    pub fn bare(kind: CallKind, pc: u64, sp: u64) -> Self {
        Self {
            kind,
            pc,
            sp,
            function: None,
            file: None,
            line: None,
            inlined: false,
            locals: Vec::new(),
        }
    }

    /// An address that is inside the call, where the frame's address is behind it.
    pub fn lookup_pc(&self) -> u64 {
        match self.kind {
            CallKind::Caller => self.pc.saturating_sub(1),
            CallKind::Stopped | CallKind::Interrupted => self.pc,
        }
    }
}

/// How a frame came to be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallKind {
    /// The core stopped here.
    Stopped,
    /// It called the frame before it.
    Caller,
    /// An exception interrupted it here.
    Interrupted,
}
