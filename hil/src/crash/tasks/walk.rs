//! The walk over the lists of tasks.
//!
//! Source: FreeRTOS-Kernel V11, `tasks.c`: `eTaskGetState` (states), `prvTaskCheckFreeStackSpace` and
//! `tskSTACK_FILL_BYTE` (stacks); `list.c` (`vListInsert`).

use std::collections::BTreeMap;

use bundle::{Task, TaskStack, TaskState, Thread};

use super::Known;
use super::layout::{Kind, Layout, List};
use crate::crash::memory::Memory;

/// More tasks in one list are taken for damage.
const MOST_TASKS: u32 = 256;

/// A longer name is cut.
const MOST_NAME: u32 = 64;

/// What a stack is filled with, and how much of one is looked through.
const FILL: u8 = 0xa5;
const MOST_FILL: u32 = 64 << 10;

/// `taskWAITING_NOTIFICATION`.
const WAITING_FOR_NOTIFICATION: u8 = 1;

pub(super) struct Walk<'w> {
    pub(super) layout: &'w Layout,
    pub(super) memory: &'w Memory<'w>,
}

/// What is wrong, in words.
type Wrong = String;

impl Walk<'_> {
    /// The tasks by their control blocks, and what was wrong, if anything was.
    pub(super) fn run(&self) -> (Vec<Known>, Option<String>) {
        let mut states = BTreeMap::new();
        let mut wrong = Vec::new();
        for list in &self.layout.lists {
            match self.list(list) {
                Ok(blocks) => {
                    for block in blocks {
                        match list.kind {
                            Kind::PendingReady => states.insert(block, TaskState::Ready),
                            kind => Some(*states.entry(block).or_insert(self.state(block, kind))),
                        };
                    }
                }
                Err(why) => wrong.push(format!("{} {why}", list.name)),
            }
        }
        if self.is_scheduling() {
            for at in &self.layout.current {
                match self.current(*at) {
                    Ok(Some(block)) => {
                        states.insert(block, TaskState::Running);
                    }
                    Ok(None) => {}
                    Err(why) => wrong.push(format!("pxCurrentTCB {why}")),
                }
            }
        }
        let mut tasks = Vec::new();
        for (block, state) in states {
            match self.task(block, state) {
                Some(task) => tasks.push((block, task)),
                None => wrong.push(format!("the control block at {block:#010x} was not read")),
            }
        }
        fill(&mut tasks);
        (tasks, warning(wrong))
    }

    /// Until the scheduler was started nobody runs.
    fn is_scheduling(&self) -> bool {
        let running = self.layout.scheduler_running.and_then(|at| self.memory.word(at));
        running != Some(0)
    }

    fn current(&self, at: u32) -> Result<Option<u32>, Wrong> {
        let block = self.memory.word(at).ok_or("was not read")?;
        if block == 0 {
            return Ok(None);
        }
        let item = block.wrapping_add(self.layout.block.state_item);
        match self.memory.word(item.wrapping_add(self.layout.item.owner)) {
            Some(owner) if owner == block => Ok(Some(block)),
            Some(_) => Err(format!("is {block:#010x}, where no control block is")),
            None => Err(format!("is {block:#010x}, which was not read")),
        }
    }

    /// The control blocks of the tasks in a list.
    fn list(&self, list: &List) -> Result<Vec<u32>, Wrong> {
        let (head, shape) = (&self.layout.head, &self.layout.item);
        let word = |address: u32| {
            let found = self.memory.word(address);
            found.ok_or_else(|| format!("cannot be followed: {address:#010x} was not read"))
        };
        let in_block = match list.kind {
            Kind::PendingReady => self.layout.block.event_item,
            _ => self.layout.block.state_item,
        };
        let count = word(list.address.wrapping_add(head.count))?;
        let end = list.address.wrapping_add(head.end);
        let (mut before, mut item) = (end, word(end.wrapping_add(head.next))?);
        if (count, item) == (0, 0) {
            // It is made when the first task is.
            return Ok(Vec::new());
        }
        if count > MOST_TASKS {
            return Err(format!("is damaged: it says that it has {count} tasks"));
        }
        let mut blocks = Vec::new();
        while item != end {
            if blocks.len() as u32 == count {
                return Err(format!("is damaged: it has more than the {count} tasks it says"));
            }
            let of = |offset: u32| word(item.wrapping_add(offset));
            if of(shape.container)? != list.address || of(shape.previous)? != before {
                return Err(format!("is damaged: the item at {item:#010x} is not one of it"));
            }
            let block = of(shape.owner)?;
            if block.wrapping_add(in_block) != item {
                return Err(format!("is damaged: the item at {item:#010x} is of no task"));
            }
            blocks.push(block);
            (before, item) = (item, of(shape.next)?);
        }
        match blocks.len() as u32 == count {
            true => Ok(blocks),
            false => Err(format!("is damaged: it has fewer than the {count} tasks it says")),
        }
    }

    fn state(&self, block: u32, kind: Kind) -> TaskState {
        match kind {
            Kind::Ready | Kind::PendingReady => TaskState::Ready,
            Kind::Delayed => TaskState::Blocked,
            Kind::Terminating => TaskState::Deleted,
            // Who waits without end is in this list, too.
            Kind::Suspended if self.waits(block) => TaskState::Blocked,
            Kind::Suspended => TaskState::Suspended,
        }
    }

    fn waits(&self, block: u32) -> bool {
        let layout = self.layout;
        let event = block.wrapping_add(layout.block.event_item).wrapping_add(layout.item.container);
        let notified = layout.block.notify_state.is_some_and(|(offset, size)| {
            let mut states = (0..size.min(MOST_NAME)).map(|at| block.wrapping_add(offset + at));
            states.any(|at| self.memory.byte(at) == Some(WAITING_FOR_NOTIFICATION))
        });
        notified || self.memory.word(event).is_some_and(|container| container != 0)
    }

    fn task(&self, block: u32, state: TaskState) -> Option<Task> {
        let shape = &self.layout.block;
        let word = |offset: u32| self.memory.word(block.wrapping_add(offset));
        let base = word(shape.stack)?;
        let pointer = word(shape.top_of_stack)?;
        let stack = TaskStack {
            base: base.into(),
            end: shape.end_of_stack.and_then(word).map(u64::from),
            // Of the running one it is where it was left before.
            pointer: (state != TaskState::Running).then_some(pointer.into()),
            never_used: self.never_used(base),
        };
        let thread = Thread { handle: block.into(), crashed: false, name: self.name(block) };
        let priority = word(shape.priority)?.into();
        Some(Task { thread, state, priority, stack, backtrace: None })
    }

    fn name(&self, block: u32) -> Option<String> {
        let (offset, size) = self.layout.block.name?;
        let bytes = (0..size.min(MOST_NAME)).map(|at| block.wrapping_add(offset + at));
        let bytes = bytes.map_while(|at| self.memory.byte(at)).take_while(|byte| *byte != 0);
        let name: Vec<u8> = bytes.collect();
        (!name.is_empty()).then(|| String::from_utf8_lossy(&name).into_owned())
    }

    /// Bytes from the stack's base on that still hold what it was filled with.
    fn never_used(&self, base: u32) -> Option<u64> {
        for count in 0..MOST_FILL {
            if self.memory.byte(base.wrapping_add(count))? != FILL {
                return Some(count.into());
            }
        }
        None
    }
}

/// Where no stack has any of what stacks are filled with, they were not filled.
fn fill(tasks: &mut [Known]) {
    let was_filled = tasks.iter().any(|(_, task)| task.stack.never_used.is_some_and(|of| of > 0));
    if !was_filled {
        tasks.iter_mut().for_each(|(_, task)| task.stack.never_used = None);
    }
}

fn warning(mut wrong: Vec<Wrong>) -> Option<String> {
    let more = wrong.len().saturating_sub(1);
    let first = wrong.drain(..).next()?;
    Some(match more {
        0 => first,
        more => format!("{first}; and {more} more like that"),
    })
}
