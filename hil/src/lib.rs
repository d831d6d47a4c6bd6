//! Boards through probe-rs: open one, flash it, run it, read it.
//!
//! ```text
//! Selector ──▶ probe-rs ──▶ Board ──▶ Snapshot (crate `bundle`)
//!                 ▲
//!                 └ virtual_probe: a QEMU bench (crate `vbench`) as one more probe driver
//! ```
//!
//! There is one path to hardware. A board on a USB probe and a board in QEMU differ in their
//! [`Selector`] only; what follows is the same code. This crate gives raw values back and names
//! no register. It never unlocks or erases a protected chip, never halts a core unless told, and
//! tells with each value off a virtual board what that value is worth. None of probe-rs's types
//! is part of its interface.

mod access;
mod bench;
mod board;
mod console;
mod crash;
mod defmt;
mod error;
mod flash;
mod itm;
mod lines;
mod list;
mod lock;
mod memory;
mod open;
mod protection;
mod remote_line;
mod remote_probe;
mod runner;
mod selector;
mod snapshot;
mod usb;
mod virtual_probe;
mod virtual_target;

pub use bench::Bench;
pub use board::{Board, Deadlines, Stimulus};
pub use bundle::End;
pub use console::{Console, ConsoleAddress, ConsoleAddressError, ConsoleNote, ConsoleNotes};
pub use crash::{
    Autopsy, FAULT_REGISTERS, FaultRegisters, FunctionLocals, Image, ImageError, autopsy,
    read_probe_rs_dump,
};
pub use defmt::{DefmtError, DefmtStream, DefmtTable};
pub use error::{Cause, HilError};
pub use flash::{FlashProgress, FlashStage, Flashed};
pub use itm::{ItmLoss, ItmOptions, ItmPorts, ItmPortsError};
pub use lines::SerialLines;
pub use list::{Availability, ProbeInfo, identities, list};
pub use lock::{BoardLock, Holder, LockError};
pub use memory::{ChipMemory, chip_memory};
pub use protection::Protection;
pub use runner::{EmbeddedTest, Listener, RunOptions, Said, TestImage};
pub use selector::{Selector, SelectorError};
pub use vbench::{SerialChunk, SerialText};
pub use virtual_probe::use_qemu;
pub use virtual_target::{chip_description, description_chip};
