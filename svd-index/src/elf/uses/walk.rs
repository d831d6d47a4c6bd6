//! One run of a function: the states seen at its blocks, and what waits to be carried on.

use std::collections::VecDeque;
use std::rc::Rc;

use super::body::{Body, Step, When};
use super::call::{Exit, Returned};
use super::state::{Choice, State};

/// States that are kept apart at one block: where known conditions led there, as in a loop over
/// a table, and elsewhere.
const MAX_DECIDED: usize = 64;

const MAX_STATES: usize = 6;

/// Visits of blocks in one run of a function before its states are joined: so many for each
/// block, and so many more.
const VISITS_PER_BLOCK: usize = 6;

const MORE_VISITS: usize = 256;

/// The states seen at a block.
#[derive(Default)]
struct Arrived {
    states: Vec<State>,
    /// What holds in all of them, once they were too many.
    joined: Option<State>,
    is_waiting: bool,
}

/// One run of a function.
pub(super) struct Walk {
    pub(super) body: Rc<Body>,
    arrived: Vec<Arrived>,
    queue: VecDeque<Visit>,
    visits: usize,
    /// Alternatives taken for what single instructions do.
    pub(super) forks: usize,
    /// How often both ways were gone at a conditional instruction.
    pub(super) splits: usize,
    /// Whether the last branch on the way was known to be taken or not.
    pub(super) is_decided: bool,
    returned: Option<Returned>,
    pub(super) is_unknown: bool,
}

pub(super) struct Visit {
    pub(super) block: usize,
    pub(super) state: State,
    /// Whether the last branch on the way was known to be taken or not.
    pub(super) is_decided: bool,
}

/// A point of a function's run.
#[derive(Clone)]
pub(super) struct Point {
    pub(super) position: usize,
    pub(super) state: State,
    pub(super) does: Does,
}

/// What the instruction at a point does, where that was chosen.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Does {
    AsItSays,
    This(Choice),
    Nothing,
}

/// Whether a conditional instruction does something.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Happens {
    Always,
    Never,
    Perhaps,
}

impl Point {
    /// Whether the instruction happens.
    pub(super) fn happens(&mut self, step: &Step) -> Happens {
        if step.when == When::Always {
            self.state.holds = None;
            return Happens::Always;
        }
        match (self.does, self.state.holds) {
            (Does::Nothing, _) => Happens::Never,
            (_, Some(holds)) if holds == (step.when == When::Then) => Happens::Always,
            (_, Some(_)) => Happens::Never,
            (Does::This(_), None) => Happens::Always,
            (Does::AsItSays, None) => Happens::Perhaps,
        }
    }
}

impl Walk {
    /// Nothing has arrived anywhere.
    pub(super) fn new(body: Rc<Body>) -> Self {
        Self {
            arrived: body.blocks.iter().map(|_| Arrived::default()).collect(),
            queue: VecDeque::new(),
            visits: 0,
            forks: 0,
            splits: 0,
            is_decided: false,
            returned: None,
            is_unknown: !body.is_resolved,
            body,
        }
    }

    /// The state that is to be carried on next.
    pub(super) fn next(&mut self) -> Option<Visit> {
        loop {
            let mut visit = self.queue.pop_front()?;
            let arrived = &mut self.arrived[visit.block];
            if let Some(joined) = &arrived.joined {
                // Several may wait; the first of them sees all.
                if !std::mem::take(&mut arrived.is_waiting) {
                    continue;
                }
                visit.state = joined.clone();
            }
            self.visits += 1;
            return Some(visit);
        }
    }

    /// How the function comes back, once all has been carried on.
    pub(super) fn exit(self) -> Exit {
        match (self.is_unknown, self.returned) {
            (true, _) => Exit::Unknown,
            (false, Some(returned)) => Exit::Returns(Box::new(returned)),
            (false, None) => Exit::Never,
        }
    }

    /// Goes on to the next instruction, if it stands in the same block.
    pub(super) fn go_on(&mut self, body: &Body, point: Point) -> Option<Point> {
        let step = &body.steps[point.position];
        let position = step.next?;
        if !step.ends_block {
            return Some(Point { position, state: point.state, does: Does::AsItSays });
        }
        if let Some(block) = body.block(body.steps[position].address) {
            self.arrive(block, point.state);
        }
        None
    }

    /// Takes note of a state at a block, to be carried on if it is new.
    pub(super) fn arrive(&mut self, block: usize, mut state: State) {
        state.keep_only(self.body.blocks[block].live);
        let is_decided = self.is_decided;
        let is_long = self.visits > self.body.blocks.len() * VISITS_PER_BLOCK + MORE_VISITS;
        let limit = match is_decided {
            _ if is_long => 0,
            true => MAX_DECIDED,
            false => MAX_STATES,
        };
        let arrived = &mut self.arrived[block];
        if let Some(joined) = &mut arrived.joined {
            if joined.join(&state) && !arrived.is_waiting {
                arrived.is_waiting = true;
                self.queue.push_back(Visit { block, state, is_decided });
            }
            return;
        }
        if arrived.states.contains(&state) {
            return;
        }
        if arrived.states.len() < limit {
            arrived.states.push(state.clone());
            self.queue.push_back(Visit { block, state, is_decided });
            return;
        }
        let mut joined = state;
        for other in arrived.states.drain(..) {
            joined.join(&other);
        }
        arrived.is_waiting = true;
        self.queue.push_back(Visit { block, state: joined.clone(), is_decided });
        arrived.joined = Some(joined);
    }

    pub(super) fn leave(&mut self, returned: Returned) {
        match &mut self.returned {
            Some(known) => known.join(&returned),
            None => self.returned = Some(returned),
        }
    }
}
