//! Raw values off a board, each with how it was read or why it was not.

use serde::{Deserialize, Serialize};

use crate::hex;
use crate::log::Log;

/// One look at one board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The board the values come from.
    pub board: BoardId,
    /// When the reading began, in milliseconds since the Unix epoch.
    pub taken_at_unix_ms: u64,
    /// Cores, by index. Empty if the plan left them alone and their state is not known.
    pub cores: Vec<CoreState>,
    /// Registers in the order they were asked for, those skipped included.
    pub registers: Vec<RegisterRead>,
    /// RAM ranges. Their bytes are stored apart from the JSON.
    #[serde(skip)]
    pub memory: Vec<MemoryRange>,
    /// Text the board sent until the snapshot was taken.
    #[serde(skip)]
    pub logs: Vec<Log>,
}

/// Which board, and whether it is a real one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardId {
    /// Probe selector it was opened with, such as `virtual:microbit` or `0483:374b:0670FF49`.
    pub selector: String,
    /// Chip as the probe software calls it, such as `nRF51822_xxAA`.
    pub chip: String,
    /// Set if the board is emulated. Nothing off such a board is a measurement.
    #[serde(rename = "virtual", default, skip_serializing_if = "Option::is_none")]
    pub virtual_board: Option<VirtualBoard>,
}

/// The emulator behind a virtual board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualBoard {
    /// QEMU machine, such as `microbit`.
    pub machine: String,
    /// QEMU version, such as `7.2.22`.
    pub qemu: String,
}

/// What an emulator does with a register. A value means something only if it is modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fidelity {
    /// Reads give what the emulated peripheral holds.
    Modelled,
    /// Reads give back what was written, and nothing else happens.
    StoredOnly,
    /// Reads say nothing about what the firmware wrote.
    NotModelled,
}

/// One register's reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterRead {
    /// Absolute address.
    #[serde(with = "hex::word")]
    pub address: u64,
    /// Width of the access: 8, 16, 32 or 64.
    pub size_bits: u32,
    /// The value, or why there is none.
    #[serde(flatten)]
    pub outcome: ReadOutcome,
    /// Set on virtual boards only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
}

/// What came of a read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum ReadOutcome {
    /// The register's bits, right-aligned.
    Value {
        /// Right-aligned bits.
        #[serde(with = "hex::word")]
        value: u64,
    },
    /// Not read on purpose.
    Skipped {
        /// The plan's reason.
        why: String,
    },
    /// Tried, and the bus or the probe refused.
    Failed {
        /// What the probe said.
        why: String,
    },
}

impl RegisterRead {
    /// The bits, if the read gave any.
    pub fn value(&self) -> Option<u64> {
        match self.outcome {
            ReadOutcome::Value { value } => Some(value),
            ReadOutcome::Skipped { .. } | ReadOutcome::Failed { .. } => None,
        }
    }
}

/// One core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreState {
    /// Index of the core on its chip.
    pub index: usize,
    /// What it was doing when the snapshot began.
    pub status: CoreStatus,
    /// Registers, if the core was halted. Running cores cannot tell theirs.
    pub registers: Vec<CoreRegister>,
    /// Set if a dump gives threads of an operating system instead of cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
}

/// A thread of an operating system, as its dump tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// What the system calls it, such as the address of its control block.
    #[serde(with = "hex::word")]
    pub handle: u64,
    /// It is the one that crashed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crashed: bool,
    /// Its name, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Thread {
    /// Name and handle, for people.
    pub fn label(&self) -> String {
        let crashed = if self.crashed { ", which crashed" } else { "" };
        match &self.name {
            Some(name) => format!("task {name} ({:#010x}){crashed}", self.handle),
            None => format!("task {:#010x}{crashed}", self.handle),
        }
    }
}

/// What a core is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum CoreStatus {
    /// Executing.
    Running,
    /// Asleep (WFI or WFE).
    Sleeping,
    /// Stopped by the debugger.
    Halted {
        /// Why, in the probe software's words.
        reason: String,
    },
    /// Locked up: a fault inside a fault handler.
    LockedUp,
    /// The probe software cannot tell.
    Unknown,
}

/// One core register. `value` is `None` where the board cannot tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreRegister {
    /// Name as the architecture manual has it, such as `PC` or `xPSR`.
    pub name: String,
    /// Its bits, right-aligned.
    #[serde(with = "hex::optional_word")]
    pub value: Option<u64>,
}

/// Bytes of RAM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryRange {
    /// Address of the first byte.
    pub address: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}
