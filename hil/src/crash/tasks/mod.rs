//! Tasks of FreeRTOS, out of its own lists in RAM.
//!
//! ```text
//! debug information ─▶ layout: where its lists are, and what is where in them
//! lists ─▶ walk: every task once, what it does, its stack
//! pxTopOfStack ─▶ context: the registers it was left with ─▶ unwind: its call chain
//! ```
//!
//! RAM may hold anything: the firmware crashed. A list is believed as far as it agrees with itself,
//! forwards, backwards and in number; of one that does not, no task is told, and a warning says so.

mod context;
mod layout;
mod walk;

use bundle::{CoreState, Task, TaskState, Tasks, Thread};

use super::image::Image;
use super::locals::Debug;
use super::memory::Memory;
use super::registers::{Registers, SP};
use super::unwind::Unwinder;
use layout::Layout;

/// A task's control block as a number, and all that is told of it.
type Known = (u32, Task);

const SYSTEM: &str = "FreeRTOS";

/// The tasks, without call chains. `None`: the image has no FreeRTOS.
pub(super) fn tasks(image: &Image, debug: &Debug<'_>, memory: &Memory<'_>) -> Option<Tasks> {
    if !image.has_freertos() {
        return None;
    }
    let system = SYSTEM.to_owned();
    let layout = match Layout::of(debug) {
        Ok(layout) => layout,
        Err(what) => {
            let why = format!("the debug information of the firmware does not have {what}");
            return Some(Tasks { system, tasks: Vec::new(), warning: Some(why) });
        }
    };
    let (mut found, warning) = walk::Walk { layout: &layout, memory }.run();
    let place = |(_, task): &Known| {
        (task.state != TaskState::Running, std::cmp::Reverse(task.priority), task.thread.handle)
    };
    found.sort_by_key(place);
    let tasks = found.into_iter().map(|(_, task)| task).collect();
    Some(Tasks { system, tasks, warning })
}

/// The registers with which a task that does not run goes on when it is its turn; or why they are not
/// known.
pub(super) fn saved(
    image: &Image,
    memory: &Memory<'_>,
    unwinder: &Unwinder<'_>,
    task: &Task,
) -> Result<Registers, String> {
    let pointer = task.stack.pointer.and_then(|pointer| u32::try_from(pointer).ok());
    let pointer = pointer.ok_or("where its stack was left is not known")?;
    context::saved(image, memory, unwinder, pointer)
}

/// The task whose stack the core's process stack is, if it is that of the running one: where one task
/// follows another, the core may have changed one of the two only.
pub(super) fn of_core(tasks: &[Task], core: &CoreState) -> Option<Thread> {
    let registers = Registers::of(core)?;
    // Core files have no PSP. Outside of a handler it is the stack pointer.
    let in_thread = || registers.core[SP].filter(|_| registers.exception() == Some(0));
    let psp = u64::from(registers.psp.or_else(in_thread)?);
    let below = tasks.iter().filter(|task| task.stack.base <= psp);
    let task = below.max_by_key(|task| task.stack.base)?;
    (task.state == TaskState::Running).then(|| task.thread.clone())
}
