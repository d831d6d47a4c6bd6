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
mod locals;
mod registers;
mod riscv;
mod thumb;
mod unwind;
mod walk;
mod xtensa;

use bundle::{Backtrace, CoreState, Fault, Snapshot};

pub use foreign::read_probe_rs_dump;
pub use image::{Image, ImageError};
pub use locals::FunctionLocals;
pub use registers::{FAULT_REGISTERS, FaultRegisters};

use image::Memory;
use locals::Debug;
use unwind::Unwinder;
use walk::Walk;

/// What a core's snapshot says about its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Autopsy {
    /// The fault that was being handled, if one was.
    pub fault: Option<Fault>,
    /// The call chain of each core that was halted. Frames have addresses only.
    pub backtraces: Vec<Backtrace>,
    /// Of each call chain, of each of its frames: the variables of each function there, those that
    /// were inlined first.
    pub locals: Vec<Vec<Vec<FunctionLocals>>>,
}

/// Looks at every core of `snapshot`. `image` is the firmware that ran; without it there is no
/// call information, and a chain ends at its first frame.
///
/// Cores that were running, or whose registers nobody read, are left out.
pub fn autopsy(snapshot: &Snapshot, image: Option<&Image>) -> Autopsy {
    let memory = Memory::new(snapshot, image);
    let debug = image.map(|image| Debug::of(image.debug()));
    let mut look = Look { image, memory: &memory, debug, found: Autopsy::default() };
    for core in &snapshot.cores {
        look.core(snapshot, core);
    }
    look.found
}

/// Looks at one core after the other.
struct Look<'a> {
    image: Option<&'a Image>,
    memory: &'a Memory<'a>,
    debug: Option<Debug<'a>>,
    found: Autopsy,
}

impl Look<'_> {
    fn core(&mut self, snapshot: &Snapshot, core: &CoreState) {
        let (image, memory) = (self.image, self.memory);
        if let Some(start) = registers::Registers::of(core) {
            let chain = Unwinder::new(image, memory).run(core.index, start.clone());
            if self.found.fault.is_none() {
                let faults = FaultRegisters::of(snapshot);
                self.found.fault = fault::explain(&start, &chain, &faults, memory, image);
            }
            self.keep(core, chain.walk);
        } else if let Some(start) = xtensa::Registers::of(core) {
            self.keep(core, xtensa::unwind(image, memory, core.index, start));
        } else if let Some(start) = riscv::Registers::of(core) {
            self.keep(core, riscv::unwind(image, memory, core.index, start));
        }
    }

    fn keep<R: walk::Registers>(&mut self, core: &CoreState, walk: Walk<R>) {
        let of = |stop| match (self.image, &self.debug) {
            (Some(image), Some(debug)) => locals::locals(debug, image, self.memory, stop),
            _ => Vec::new(),
        };
        self.found.locals.push(walk.stops.iter().map(of).collect());
        let thread = core.thread.clone();
        self.found.backtraces.push(Backtrace { thread, ..walk.backtrace });
    }
}
