//! What only a virtual board has: labels of what its reads are worth, an emulator with last words, and
//! somebody who can press its buttons.

use std::sync::Arc;

use bundle::Fidelity;

use super::Board;
use crate::HilError;
use crate::bench::Bench;
use crate::open::Emulated;
use crate::virtual_probe::SharedBench;

/// What can happen to a virtual board from outside. A reset is [`Board::reset`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stimulus {
    /// An input pin is driven.
    Pin {
        /// Its number.
        pin: u32,
        /// To which level.
        high: bool,
    },
    /// Somebody sends bytes to the UART.
    Serial {
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Cells of RAM or flash change.
    Corrupt {
        /// Absolute address of the first.
        address: u64,
        /// What they then hold.
        bytes: Vec<u8>,
    },
}

impl Board {
    /// What a read at `address` is worth. `None`: a real board, or a register that the virtual
    /// board's table does not know.
    pub fn fidelity(&self, address: u64) -> Option<Fidelity> {
        let entry = self.emulated.as_ref()?.machine().fidelity(address)?;
        Some(match entry.label {
            vbench::Fidelity::Modelled => Fidelity::Modelled,
            vbench::Fidelity::StoredOnly => Fidelity::StoredOnly,
            vbench::Fidelity::NotModelled => Fidelity::NotModelled,
        })
    }

    /// What else to know about a read at `address` on this virtual board, such as that QEMU does
    /// not model bit timing.
    pub fn fidelity_note(&self, address: u64) -> Option<String> {
        self.emulated.as_ref()?.machine().fidelity(address)?.note.clone()
    }

    /// What the emulator said when the core locked up, if it did.
    pub fn post_mortem(&self) -> Option<String> {
        self.bench()?.lock().post_mortem().map(str::to_owned)
    }

    /// Whether this is a virtual board of this very process: it starts with a blank flash, and
    /// nothing of it is left when the process ends.
    pub fn is_own_bench(&self) -> bool {
        self.bench().is_some()
    }

    /// Makes something happen to a virtual board of this process.
    ///
    /// # Errors
    /// [`HilError::NotEmulated`] for any other board; [`HilError::Bench`] if QEMU has no such part.
    pub fn stimulate(&mut self, stimulus: &Stimulus) -> Result<(), HilError> {
        let Some(bench) = self.bench() else {
            return Err(HilError::NotEmulated { board: self.id.selector.clone() });
        };
        let mut bench = bench.lock();
        let done = match stimulus {
            Stimulus::Pin { pin, high } => bench.set_pin(*pin, *high),
            Stimulus::Serial { bytes } => bench.send_serial(bytes),
            Stimulus::Corrupt { address, bytes } => bench.corrupt(*address, bytes),
        };
        done.map_err(|error| HilError::Bench(Arc::new(error)))
    }

    /// Detaches the debugger from a virtual board of this process and keeps the board. `None`: the
    /// board is not this process's own; it is let go of as by dropping it.
    pub fn into_bench(self) -> Option<Bench> {
        self.bench().cloned().map(Bench::of)
    }

    pub(super) fn bench(&self) -> Option<&SharedBench> {
        match &self.emulated {
            Some(Emulated::Here(bench)) => Some(bench),
            _ => None,
        }
    }
}
