//! Boards out of QEMU behind an emulated Arm debug port.
//!
//! A debugger that knows how to talk to a Cortex-M through a debug port can talk to QEMU without
//! knowing it. One [`Bench`] is one QEMU process and three channels into it, each used for what
//! it does well:
//!
//! ```text
//!                     ┌ qtest   memory, also while the core runs, with the access's own width
//! DebugPort ─ CortexM ┼ gdbstub halt, step, registers, breakpoints
//!     (adi)           └ QMP     reset, memory map, events
//! ```
//!
//! The channels are socket pairs that QEMU inherits: nothing lies on disk, nobody else can
//! connect, and QEMU never outlives the process that started it. What QEMU does not have (DHCSR
//! and its kin, breakpoint comparators) is overlaid in `cortexm`; every other register is QEMU's
//! own. Since an emulator also answers for registers that it does not model, each board carries
//! a table of what a read of each register is worth: see [`Fidelity`].
//!
//! This crate knows nothing of probe-rs; `hil` makes a probe out of a [`Bench`], and [`serve`] makes
//! one for every program that is built on probe-rs.

mod adi;
mod bench;
mod breakpoints;
mod catalog;
mod channel;
mod cortexm;
mod error;
mod fidelity;
mod flash_algorithm;
mod link;
mod process;
mod qemu;
mod qmp;
mod qtest;
mod regions;
mod rsp;
mod scan;
mod serial;
mod server;
mod uart;
mod watchpoints;
pub mod wire;

pub use adi::{Ack, DapRegister};
pub use bench::Bench;
pub use catalog::{
    DebugPortSpec, FlashController, FlashSpec, FlashUnlock, HostFlash, Machine, PinsSpec, QemuSpec,
    RamSpec, RegisterWrite, SectorRun, SerialSpec, SwitchOn, Version, machine, machines,
};
pub use error::BenchError;
pub use fidelity::{Fidelity, FidelityEntry, FidelityTable};
pub use flash_algorithm::FlashAlgorithm;
pub use link::BenchOptions;
pub use process::end_with_us;
pub use qemu::check_qemu;
pub use scan::{ScanRegister, scan};
pub use serial::{SerialChunk, SerialText};
pub use server::{CutOff, Served, serve};
