//! What is to be read from a board: decided by whoever knows the chip, carried out by `hil`.

use std::ops::Range;

/// The reads that make one snapshot, in the order they are done.
///
/// The plan is where reading stays safe: a register whose read changes the hardware
/// (`readAction`) never becomes a [`ReadRequest`], it becomes a [`Skip`] with its reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadPlan {
    /// Registers to read, each on its own and with its own width.
    pub registers: Vec<ReadRequest>,
    /// Registers left out, kept so that the snapshot can say so.
    pub skipped: Vec<Skip>,
    /// RAM ranges to copy, absolute byte addresses.
    pub memory: Vec<Range<u64>>,
    /// Halt the core for its registers and the RAM, and let it run on afterwards.
    ///
    /// False leaves the core alone: watchdogs, motors and radios do not like to stop.
    pub halt_for_core: bool,
}

/// One register to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadRequest {
    /// Absolute address.
    pub address: u64,
    /// Width of the bus access: 8, 16, 32 or 64.
    pub size_bits: u32,
}

/// A register that is deliberately not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// Which one.
    pub request: ReadRequest,
    /// Why, in words for the engineer.
    pub why: String,
}
