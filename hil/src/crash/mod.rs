//! What happened to a core that stopped: why it faulted, and who called whom until then.
//!
//! ```text
//! core registers ─┐
//! RAM, flash ─────┼─▶ unwind ──▶ call chain, over exception frames and both stacks
//! ELF (CFI) ──────┘      │
//! CFSR, HFSR, … ─────────┴─▶ fault ──▶ cause, address, and what the bits do not prove
//! ```
//!
//! All of it is arithmetic over a [`bundle::Snapshot`] and an image: no board is needed, and a
//! bundle from elsewhere is read the same way. Frames are bare addresses; who knows the firmware's
//! names and lines puts them on.

mod capture;
mod fault;
mod foreign;
mod image;
mod registers;
mod riscv;
mod thumb;
mod unwind;
mod xtensa;

use bundle::{Backtrace, CoreState, Fault, Snapshot};

pub use foreign::read_probe_rs_dump;
pub use image::{Image, ImageError};
pub use registers::{FAULT_REGISTERS, FaultRegisters};

use unwind::Unwinder;

/// A chain longer than this is taken for a loop.
const MOST_FRAMES: usize = 256;

/// How a chain ends that is whole.
const END_TOP: &str = "start of the program";

/// A chain without frames, which ends as one that has too many.
fn begun(core: usize) -> Backtrace {
    let end = format!("{MOST_FRAMES} frames and no end");
    Backtrace { core, thread: None, frames: Vec::new(), end }
}

/// What a core's snapshot says about its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Autopsy {
    /// The fault that was being handled, if one was.
    pub fault: Option<Fault>,
    /// The call chain of each core that was halted. Frames have addresses only.
    pub backtraces: Vec<Backtrace>,
}

/// Looks at every core of `snapshot`. `image` is the firmware that ran; without it there is no
/// call information, and a chain ends at its first frame.
///
/// Cores that were running, or whose registers nobody read, are left out.
pub fn autopsy(snapshot: &Snapshot, image: Option<&Image>) -> Autopsy {
    let mut found = Autopsy::default();
    let memory = image::Memory::new(snapshot, image);
    for core in &snapshot.cores {
        let chain = match registers::Registers::of(core) {
            Some(start) => {
                let chain = Unwinder::new(image, &memory).run(core.index, start.clone());
                if found.fault.is_none() {
                    let faults = FaultRegisters::of(snapshot);
                    found.fault = fault::explain(&start, &chain, &faults, &memory, image);
                }
                Some(chain.backtrace)
            }
            None => elsewhere(core, image, &memory),
        };
        found.backtraces.extend(chain.map(|mut chain| {
            chain.thread.clone_from(&core.thread);
            chain
        }));
    }
    found
}

/// The call chain of a core that is no Arm core. `None`: it is none that is known, or was running.
fn elsewhere(
    core: &CoreState,
    image: Option<&Image>,
    memory: &image::Memory<'_>,
) -> Option<Backtrace> {
    if let Some(start) = xtensa::Registers::of(core) {
        return Some(xtensa::unwind(image, memory, core.index, start));
    }
    riscv::Registers::of(core).map(|start| riscv::unwind(image, memory, core.index, start))
}
