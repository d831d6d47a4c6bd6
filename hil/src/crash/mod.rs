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
mod memory;
mod registers;
mod riscv;
mod tasks;
mod thumb;
mod unwind;
mod walk;
mod xtensa;

use bundle::{Backtrace, CoreState, Fault, Snapshot, TaskState, Tasks};

pub use foreign::read_probe_rs_dump;
pub use image::{Image, ImageError};
pub use locals::FunctionLocals;
pub use registers::{FAULT_REGISTERS, FaultRegisters};

pub(crate) use capture::{ram, read_missing};

use locals::Debug;
use memory::{Live, Memory};
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
    /// The tasks of FreeRTOS, where the firmware has it. The call chains in them have addresses only.
    pub tasks: Option<Tasks>,
    /// Of each task, as `locals` is of each call chain.
    pub task_locals: Vec<Vec<Vec<FunctionLocals>>>,
}

/// Looks at every core of `snapshot`. `image` is the firmware that ran; without it there is no
/// call information, and a chain ends at its first frame.
///
/// Cores that were running, or whose registers nobody read, are left out.
pub fn autopsy(snapshot: &Snapshot, image: Option<&Image>) -> Autopsy {
    examine(snapshot, image, &Memory::new(snapshot, image))
}

/// Looks at every core of `snapshot`, of a board whose memory may still be read: what is missing, `live`
/// reads, and remembers.
fn read_for_autopsy(snapshot: &Snapshot, image: &Image, live: &Live<'_>) {
    examine(snapshot, Some(image), &Memory::new(snapshot, Some(image)).and_live(live));
}

fn examine(snapshot: &Snapshot, image: Option<&Image>, memory: &Memory<'_>) -> Autopsy {
    let debug = image.map(|image| Debug::of(image.debug()));
    let mut look = Look { image, memory, debug, found: Autopsy::default() };
    for core in &snapshot.cores {
        look.core(snapshot, core);
    }
    look.tasks(snapshot);
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
        self.found.locals.push(self.locals(&walk));
        let thread = core.thread.clone();
        self.found.backtraces.push(Backtrace { thread, ..walk.backtrace });
    }

    fn locals<R: walk::Registers>(&self, walk: &Walk<R>) -> Vec<Vec<FunctionLocals>> {
        let of = |stop| match (self.image, &self.debug) {
            (Some(image), Some(debug)) => locals::locals(debug, image, self.memory, stop),
            _ => Vec::new(),
        };
        walk.stops.iter().map(of).collect()
    }

    /// Finds the tasks, unless no core was halted or the dump gives tasks instead of cores.
    fn tasks(&mut self, snapshot: &Snapshot) {
        let (Some(image), Some(debug)) = (self.image, &self.debug) else { return };
        let is_of_threads = snapshot.cores.iter().any(|core| core.thread.is_some());
        if self.found.backtraces.is_empty() || is_of_threads {
            return;
        }
        let Some(mut tasks) = tasks::tasks(image, debug, self.memory) else { return };
        let is_arm = snapshot.cores.iter().any(|core| registers::Registers::of(core).is_some());
        let unwinder = Unwinder::new(self.image, self.memory);
        for task in &mut tasks.tasks {
            if task.state == TaskState::Running {
                self.found.task_locals.push(Vec::new());
                continue;
            }
            let saved = match is_arm {
                true => tasks::saved(image, self.memory, &unwinder, task),
                false => Err("how its registers were saved is known of Arm cores only".to_owned()),
            };
            let (locals, chain) = match saved {
                Ok(registers) => {
                    let walk = unwinder.run(0, registers).walk;
                    (self.locals(&walk), walk.backtrace)
                }
                Err(end) => {
                    (Vec::new(), Backtrace { core: 0, thread: None, frames: Vec::new(), end })
                }
            };
            task.backtrace = Some(chain);
            self.found.task_locals.push(locals);
        }
        for chain in &mut self.found.backtraces {
            let core = snapshot.cores.iter().find(|core| core.index == chain.core);
            chain.thread = core.and_then(|core| tasks::of_core(&tasks.tasks, core));
        }
        self.found.tasks = Some(tasks);
    }
}
