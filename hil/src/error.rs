//! What can go wrong with a board, each kind apart, with what was searched and found.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vbench::BenchError;

use crate::ProbeInfo;
use crate::protection::Protection;
use crate::selector::Selector;
use crate::virtual_probe::bench_fault;

/// Why a board could not be opened or did not do what it was told.
///
/// Messages read after "failed to …". The CLI adds the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HilError {
    /// No probe answers to the selector.
    #[error("find {} on USB or serial ports{}", Wanted(selector), Found(found))]
    NoProbe {
        /// What was asked for.
        selector: Selector,
        /// Everything that was found instead, virtual boards included.
        found: Vec<ProbeInfo>,
    },
    /// Several probes answer to the selector.
    #[error("choose {} among several{}", Wanted(selector), Found(found))]
    SeveralProbes {
        /// What was asked for.
        selector: Selector,
        /// The candidates.
        found: Vec<ProbeInfo>,
    },
    /// The probe is plugged in elsewhere than was said.
    #[error("find {} at that port{}", Wanted(selector), Found(found))]
    OtherPort {
        /// What was asked for.
        selector: Selector,
        /// The probes of these ids and this serial number, wherever they are.
        found: Vec<ProbeInfo>,
    },
    /// Several probes have the ids and the serial number by which alone probe-rs opens one.
    #[error("open {}: its serial number is not its own{}", Wanted(selector), Found(found))]
    Indistinct {
        /// What was asked for.
        selector: Selector,
        /// The probes that have it.
        found: Vec<ProbeInfo>,
    },
    /// The probe is there, but this user may not open it.
    #[error("open probe {}: no write permission on its device node", probe.selector)]
    NoPermission {
        /// The probe.
        probe: Box<ProbeInfo>,
    },
    /// The probe is there and does not open, for instance because another program holds it.
    #[error("open probe `{selector}`")]
    OpenProbe {
        /// What was asked for.
        selector: Selector,
        /// What the probe software said.
        #[source]
        source: Cause,
    },
    /// Nobody answers at a remote probe's address.
    #[error("connect to the probe at {address}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the network said.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// A serial line does not open.
    #[error("open the serial line {address}")]
    Console {
        /// Where it is.
        address: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A real probe cannot tell which chip it is wired to.
    #[error("attach through `{selector}`: the chip must be named")]
    ChipNeeded {
        /// The probe.
        selector: Selector,
    },
    /// The probe software knows no such chip.
    #[error("find chip `{chip}`{}", Suggested(similar))]
    ChipUnknown {
        /// The name given.
        chip: String,
        /// Names that look like it, best first. May be empty.
        similar: Vec<String>,
    },
    /// The name fits several chips.
    #[error("choose one chip for `{chip}`{}", Suggested(matching))]
    ChipAmbiguous {
        /// The name given.
        chip: String,
        /// The chips it fits.
        matching: Vec<String>,
    },
    /// A virtual board is another chip than the one named.
    #[error("use `{selector}` as {chip}: it is an {own}")]
    WrongChip {
        /// The virtual board.
        selector: Selector,
        /// The chip asked for.
        chip: String,
        /// The chip it is.
        own: String,
    },
    /// The chip refuses debuggers, or does not let them write its flash. Unlocking erases it, so that
    /// is never done here. Nothing was written.
    #[error("{what} {chip}: it is locked by {protection}")]
    Locked {
        /// What was to be done, such as `attach to` or `flash`.
        what: &'static str,
        /// The chip.
        chip: String,
        /// By what.
        protection: Protection,
        /// The probe, as it was asked for.
        probe: String,
    },
    /// The probe works and the chip does not answer as it should.
    #[error("attach to {chip}")]
    Attach {
        /// The chip.
        chip: String,
        /// What the probe software said.
        #[source]
        source: Cause,
    },
    /// The file cannot be flashed as it is.
    #[error("read firmware {}", file.display())]
    Firmware {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Cause,
    },
    /// Erasing or programming failed. What the flash holds now is not known.
    #[error("flash {}; the flash's contents are not known now", file.display())]
    Flash {
        /// The file.
        file: PathBuf,
        /// What the probe software said.
        #[source]
        source: Cause,
    },
    /// Erasing failed. What the flash holds now is not known.
    #[error("{what}; the flash's contents are not known now")]
    Erase {
        /// What was to be erased, as `erase 0x08000000..0x08004000`.
        what: String,
        /// What the probe software said.
        #[source]
        source: Cause,
    },
    /// The flash does not hold what was written.
    #[error("verify {}: the flash holds something else", file.display())]
    Verify {
        /// The file.
        file: PathBuf,
    },
    /// A deadline passed.
    #[error("{what} within {} ms", limit.as_millis())]
    Deadline {
        /// What was to be done, such as `attach to nRF51822_xxAA`.
        what: String,
        /// How long it was given.
        limit: Duration,
    },
    /// The board was given up when an earlier deadline passed.
    #[error("use the board: it was given up when a deadline passed; open it again")]
    Lost,
    /// A read that the bus or the probe refused.
    #[error("read {address:#010x} ({size_bits} bits)")]
    Read {
        /// Absolute address.
        address: u64,
        /// Width of the access.
        size_bits: u32,
        /// What the probe software said.
        #[source]
        source: Cause,
    },
    /// A read that cannot be asked for.
    #[error("read {address:#010x}: {why}")]
    BadRead {
        /// Absolute address.
        address: u64,
        /// What is wrong with the request.
        why: &'static str,
    },
    /// A write that the bus or the probe refused.
    #[error("write {address:#010x} ({size_bits} bits)")]
    Write {
        /// Absolute address.
        address: u64,
        /// Width of the access.
        size_bits: u32,
        /// What the probe software said.
        #[source]
        source: Cause,
    },
    /// A write that cannot be asked for.
    #[error("write {address:#010x}: {why}")]
    BadWrite {
        /// Absolute address.
        address: u64,
        /// What is wrong with the request.
        why: &'static str,
    },
    /// Core registers can be read only while the core is halted.
    #[error("read core registers: the core is not halted")]
    NotHalted,
    /// A command to the core failed.
    #[error("{what}")]
    Core {
        /// What was to be done, such as `halt the core`.
        what: &'static str,
        /// What the probe software said.
        #[source]
        source: Cause,
    },
    /// A board whose ITM cannot be heard.
    #[error("hear the ITM of {board}: {why}")]
    NoTrace {
        /// The board.
        board: String,
        /// What it lacks.
        why: &'static str,
    },
    /// A rate of the trace pin that its clock does not divide to.
    #[error("get {baud} bits per second from a trace clock of {clock} Hz: it divides to {nearest}")]
    TraceRate {
        /// The clock in Hz.
        clock: u32,
        /// The rate that was asked for.
        baud: u32,
        /// The rate that there would be.
        nearest: u32,
    },
    /// Only to a virtual board of this process can things be made to happen.
    #[error("make something happen to `{board}`: it is no virtual board of this process")]
    NotEmulated {
        /// The board.
        board: String,
    },
    /// Not a dump that the probe software wrote.
    #[error("read the dump as probe-rs's")]
    Dump {
        /// What the probe software said.
        #[source]
        source: Cause,
    },
    /// A virtual board could not be started or was lost.
    #[error(transparent)]
    Bench(Arc<BenchError>),
}

/// What the probe software said, with its own chain of causes.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl HilError {
    /// A failed command; if the virtual board is what failed, that alone is told.
    pub(crate) fn core(what: &'static str, source: probe_rs::Error) -> HilError {
        match bench_fault(&source) {
            Some(fault) => HilError::Bench(fault),
            None => HilError::Core { what, source: source.into() },
        }
    }
}

impl From<Arc<BenchError>> for HilError {
    fn from(error: Arc<BenchError>) -> HilError {
        HilError::Bench(error)
    }
}

struct Wanted<'a>(&'a Selector);

impl std::fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Selector::Only => write!(f, "a probe"),
            named => write!(f, "a probe for `{named}`"),
        }
    }
}

struct Found<'a>(&'a [ProbeInfo]);

impl std::fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return write!(f, "; found: nothing");
        }
        write!(f, "; found: ")?;
        for (i, probe) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            let selector = probe.selector.clone().at(probe.port.as_deref());
            write!(f, "{separator}{selector} ({})", probe.name)?;
        }
        Ok(())
    }
}

struct Suggested<'a>(&'a [String]);

impl std::fmt::Display for Suggested<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            [] => Ok(()),
            names => write!(f, "; did you mean {}", names.join(", ")),
        }
    }
}
