//! What was seen on a board, as plain data, and the `.silk` file that carries it.
//!
//! ```text
//! ReadPlan ──▶ hil ──▶ Snapshot ──▶ assist ──▶ Facts
//!                         └────────┬─────────────┘
//!                               Bundle ⇄ .silk (a zip, see `file`)
//! ```
//!
//! A [`Snapshot`] holds raw values and how each was read; it names nothing. [`Facts`] hold the
//! names, decodes and lines that were shown for it, so that a bundle can be explained on a
//! machine that has neither the SVD nor the ELF. This crate touches no board and knows no SVD.

mod core_file;
mod crash;
mod facts;
mod file;
mod hex;
mod local;
mod log;
mod plan;
mod run;
mod snapshot;
mod task;

pub use core_file::{CoreFileError, read_core_file, write_core_file};
pub use crash::{Backtrace, CallFrame, CallKind, Crash, Fault, FaultAddress, FaultCause};
pub use facts::{
    BitsFact, FactSource, Facts, FieldFact, Finding, RegisterFact, Severity, WriteFact,
};
pub use file::{Bundle, BundleError, Crystals, Elf, FORMAT, Kind, Manifest, SourceFile, Tool};
pub use local::{Local, LocalValue, Member, NOT_IN_THE_BUNDLE, OPTIMISED_OUT};
pub use log::{Log, LogDetail, LogKind, LogRecord, LogValue, RttCapture, WhenFull};
pub use plan::{ReadPlan, ReadRequest, Skip};
pub use run::{Arrival, End, Run, TestRun};
pub use snapshot::{
    BoardId, CoreRegister, CoreState, CoreStatus, Fidelity, MemoryRange, ReadOutcome, RegisterRead,
    Snapshot, Thread, VirtualBoard,
};
pub use task::{Task, TaskStack, TaskState, Tasks};
