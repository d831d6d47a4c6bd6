//! Where the FreeRTOS of one image keeps what: its variables, and the members of its structures, whose
//! places change with its configuration and version.
//!
//! Source: FreeRTOS-Kernel V11, `tasks.c` (`tskTCB` and the variables below it), `include/list.h`.

use crate::crash::locals::{Debug, Shape, Static, statics};

/// More priorities than this, or more cores, are taken for damaged debug information.
const MOST_PRIORITIES: u32 = 256;
const MOST_CORES: u32 = 8;

const CURRENT: [&str; 2] = ["pxCurrentTCB", "pxCurrentTCBs"];
const READY: &str = "pxReadyTasksLists";
const SCHEDULER_RUNNING: &str = "xSchedulerRunning";

/// Lists besides those of the ready tasks.
const LISTS: [(&str, Kind); 5] = [
    ("xDelayedTaskList1", Kind::Delayed),
    ("xDelayedTaskList2", Kind::Delayed),
    ("xSuspendedTaskList", Kind::Suspended),
    ("xTasksWaitingTermination", Kind::Terminating),
    ("xPendingReadyList", Kind::PendingReady),
];

/// What the tasks of a list are doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ready,
    Delayed,
    /// Without end, or until something comes.
    Suspended,
    Terminating,
    /// Will be ready as soon as the scheduler is let; the items are those of events.
    PendingReady,
}

/// A list of tasks.
#[derive(Debug)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) address: u32,
}

/// Offsets in a `List_t`; `next` is that of its end mark.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) count: u32,
    pub(super) end: u32,
    pub(super) next: u32,
}

/// Offsets in a `ListItem_t`.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) next: u32,
    pub(super) previous: u32,
    pub(super) owner: u32,
    pub(super) container: u32,
}

/// Offsets in a task's control block, with the size of what is no word.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) top_of_stack: u32,
    pub(super) state_item: u32,
    pub(super) event_item: u32,
    pub(super) priority: u32,
    pub(super) stack: u32,
    pub(super) end_of_stack: Option<u32>,
    pub(super) name: Option<(u32, u32)>,
    pub(super) notify_state: Option<(u32, u32)>,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Layout {
    /// Where the address of the running task's control block is, for each core.
    pub(super) current: Vec<u32>,
    pub(super) scheduler_running: Option<u32>,
    pub(super) lists: Vec<List>,
    pub(super) head: Head,
    pub(super) item: Item,
    pub(super) block: Block,
}

impl Layout {
    /// Finds it in the debug information. `Err`: what is missing there.
    pub(super) fn of(debug: &Debug<'_>) -> Result<Self, &'static str> {
        let mut names = vec![READY, SCHEDULER_RUNNING];
        names.extend(CURRENT);
        names.extend(LISTS.map(|(name, _)| name));
        let found = statics(debug, &names);
        let named = |wanted: &str| found.iter().find(|variable| variable.name == wanted);
        let current = CURRENT.iter().find_map(|name| named(name)).ok_or(CURRENT[0])?;
        let (blocks, pointer) = match current.shape.elements() {
            Some((pointer, cores)) => (cores.min(MOST_CORES), pointer),
            None => (1, current.shape),
        };
        let block = pointer.target().ok_or("the type of pxCurrentTCB")?;
        let ready = named(READY).ok_or(READY)?;
        let (list, _) = ready.shape.elements().ok_or("the type of pxReadyTasksLists")?;
        Ok(Self {
            current: (0..blocks).map(|core| current.address.wrapping_add(4 * core)).collect(),
            scheduler_running: named(SCHEDULER_RUNNING).map(|variable| variable.address),
            lists: lists(ready, &found),
            head: Head::of(list).ok_or("List_t")?,
            item: Item::of(block).ok_or("ListItem_t")?,
            block: Block::of(block).ok_or("the task's control block")?,
        })
    }
}

/// The lists of ready tasks, of the highest priority first, then the others that there are: which, the
/// configuration decides.
fn lists(ready: &Static<'_, '_>, found: &[Static<'_, '_>]) -> Vec<List> {
    let (size, count) = ready.shape.elements().map_or((0, 0), |(list, count)| (list.size(), count));
    let of_priority = |priority: u32| List {
        name: format!("{READY}[{priority}]"),
        kind: Kind::Ready,
        address: ready.address.wrapping_add(priority.wrapping_mul(size)),
    };
    let others = LISTS.iter().filter_map(|(name, kind)| {
        let address = found.iter().find(|variable| variable.name == *name)?.address;
        Some(List { name: (*name).to_owned(), kind: *kind, address })
    });
    (0..count.min(MOST_PRIORITIES)).rev().map(of_priority).chain(others).collect()
}

fn offset(of: Shape<'_, '_>, member: &str) -> Option<u32> {
    of.member(member).map(|(offset, _)| offset)
}

impl Head {
    fn of(list: Shape<'_, '_>) -> Option<Self> {
        let (end, mark) = list.member("xListEnd")?;
        Some(Self { count: offset(list, "uxNumberOfItems")?, end, next: offset(mark, "pxNext")? })
    }
}

impl Item {
    fn of(block: Shape<'_, '_>) -> Option<Self> {
        let (_, item) = block.member("xStateListItem")?;
        Some(Self {
            next: offset(item, "pxNext")?,
            previous: offset(item, "pxPrevious")?,
            owner: offset(item, "pvOwner")?,
            // So it was called until V10.
            container: offset(item, "pxContainer").or_else(|| offset(item, "pvContainer"))?,
        })
    }
}

impl Block {
    fn of(block: Shape<'_, '_>) -> Option<Self> {
        let sized = |member: &str| block.member(member).map(|(offset, of)| (offset, of.size()));
        Some(Self {
            top_of_stack: offset(block, "pxTopOfStack")?,
            state_item: offset(block, "xStateListItem")?,
            event_item: offset(block, "xEventListItem")?,
            priority: offset(block, "uxPriority")?,
            stack: offset(block, "pxStack")?,
            end_of_stack: offset(block, "pxEndOfStack"),
            name: sized("pcTaskName"),
            notify_state: sized("ucNotifyState"),
        })
    }
}
