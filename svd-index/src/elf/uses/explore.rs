//! Follows constants through the whole program.
//!
//! Each function is run on what its callers give it, once for every different set of arguments:
//! `uart_init(USART1)` and `uart_init(USART2)` are two runs, and each knows its registers. Inside
//! of a function states that differ are kept apart, so that a loop over a table is run entry by
//! entry; beyond a limit they are joined to what holds in all of them, which takes knowledge but
//! never invents any. Functions that nobody is seen to call, or whose address is taken, are also
//! run on arguments that are not known.
//!
//! Variables are read and written by all functions. The program is run until what they hold
//! changes no more (see [`super::cells`]).

use std::collections::VecDeque;
use std::rc::Rc;

use foldhash::{HashMap, HashSet};

use super::abi::Abi;
use super::body::{Body, Step, When};
use super::cells::Cells;
use super::instruction::{Condition, Operation, PC};
use super::program::Program;
use super::shapes::VOLATILE;
use super::state::{Choice, Content, Exit, Pointer, Returned, Spot, State, Touch, UNKNOWN, World};
use super::word::Word;

/// How often the program is run. Pointers that lead to pointers take one run for each; drivers
/// have two or three.
const MAX_ROUNDS: usize = 6;

/// States that are kept apart at one block: where known conditions led there, as in a loop over
/// a table, and elsewhere.
const MAX_DECIDED: usize = 64;
const MAX_STATES: usize = 6;

/// Visits of blocks in one run of a function before its states are joined: so many for each
/// block, and so many more.
const VISITS_PER_BLOCK: usize = 6;
const MORE_VISITS: usize = 256;

/// Alternatives taken in one run of a function for what an instruction loads, or where its index
/// leads; then these are not known.
const MAX_FORKS: usize = 128;

/// Steps of runs on different arguments that one function may take: small ones are called with
/// many, and cost little.
const CONTEXT_STEPS: usize = 6000;
const MIN_CONTEXTS: usize = 4;
const MAX_CONTEXTS: usize = 48;

/// From here on a number is a small negative one.
const NEGATIVE: u32 = 0xffff_0000;

/// Deepest nesting of calls that is followed at once.
const MAX_DEPTH: usize = 32;

/// Most addresses that one instruction is seen to touch.
const MAX_SPOTS: usize = 64;

/// What one instruction was seen to do.
#[derive(Debug, Default)]
pub(crate) struct Finding {
    pub(crate) seen: Vec<Seen>,
    /// Somewhere else, too.
    pub(crate) is_open: bool,
}

/// One place that an instruction touches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) spot: Spot,
    pub(crate) bytes: u8,
    pub(crate) is_store: bool,
    /// What all stores there have in common.
    pub(crate) stored: Word,
}

/// Runs a program.
pub(crate) struct Explorer<'p, 'a> {
    program: &'p Program<'a>,
    cells: Cells,
    findings: HashMap<u32, Finding>,
    /// Runs of this round, by where they start.
    runs: HashMap<u32, Vec<Run>>,
    /// Runs that were too deep in calls to be done at once.
    postponed: Vec<(u32, State)>,
    /// Functions whose address the code makes.
    taken: HashSet<u32>,
    /// Functions that the program reaches, once these have been run.
    reached: Option<HashSet<u32>>,
    depth: usize,
    steps: u64,
    pc: u32,
}

/// A function's run on certain arguments.
struct Run {
    entry: State,
    /// `None` while it is being done.
    exit: Option<Exit>,
}

/// The states seen at a block.
#[derive(Default)]
struct Arrived {
    states: Vec<State>,
    /// What holds in all of them, once they were too many.
    joined: Option<State>,
    is_waiting: bool,
}

/// One run of a function.
struct Walk {
    body: Rc<Body>,
    arrived: Vec<Arrived>,
    queue: VecDeque<Visit>,
    visits: usize,
    /// Alternatives taken for what single instructions do.
    forks: usize,
    /// Whether the last branch on the way was known to be taken or not.
    is_decided: bool,
    returned: Option<Returned>,
    is_unknown: bool,
}

struct Visit {
    block: usize,
    state: State,
    /// Whether the last branch on the way was known to be taken or not.
    is_decided: bool,
}

impl<'p, 'a> Explorer<'p, 'a> {
    /// Runs the program until nothing more is learnt. False if there was more to follow than any
    /// real firmware has: then every finding is open.
    pub(crate) fn explore(program: &'p Program<'a>) -> (HashMap<u32, Finding>, bool) {
        let mut explorer = Self {
            program,
            cells: Cells::default(),
            findings: HashMap::default(),
            runs: HashMap::default(),
            postponed: Vec::new(),
            taken: HashSet::default(),
            reached: None,
            depth: 0,
            steps: 0,
            pc: 0,
        };
        for round in 1.. {
            let before = explorer.taken.len();
            explorer.round();
            let has_changed = explorer.cells.take_changed() || explorer.taken.len() != before;
            if !has_changed || round > MAX_ROUNDS || explorer.is_spent() {
                break;
            }
            if round == MAX_ROUNDS {
                explorer.cells.open_changed();
            }
        }
        let is_complete = !explorer.is_spent();
        if !is_complete {
            explorer.findings.values_mut().for_each(|finding| finding.is_open = true);
        }
        (explorer.findings, is_complete)
    }

    fn round(&mut self) {
        self.findings.clear();
        self.runs.clear();
        self.reached = None;
        let program = self.program;
        for &root in &program.roots {
            self.run_root(root);
        }
        let mut taken: Vec<u32> = self.taken.iter().copied().collect();
        taken.sort_unstable();
        for function in taken {
            self.run_root(function);
        }
        self.run_postponed();
        // What nothing reaches is code all the same, but what it does to functions that are
        // reached does not happen.
        let starts = self.runs.keys().filter_map(|&start| program.body_around(start));
        self.reached = Some(starts.map(|body| body.start).collect());
        let reached = |function: &&u32| {
            self.reached.as_ref().is_some_and(|reached| reached.contains(*function))
        };
        let (_, dead): (Vec<u32>, Vec<u32>) = program.bodies.keys().partition(reached);
        let (callees, callers): (Vec<u32>, Vec<u32>) =
            dead.into_iter().partition(|function| program.called.contains(function));
        for function in callers.into_iter().chain(callees) {
            if !self.runs.contains_key(&function) {
                self.run_root(function);
            }
        }
        self.run_postponed();
    }

    /// Runs a function on arguments that are not known.
    fn run_root(&mut self, function: u32) {
        let entry = State::entry(self);
        self.enter(function, entry);
    }

    fn run_postponed(&mut self) {
        while let Some((start, entry)) = self.postponed.pop() {
            self.enter(start, entry);
        }
    }

    fn is_spent(&self) -> bool {
        self.steps >= super::MAX_STEPS
    }

    /// Runs what starts at `start`, unless that was done before on the same state.
    fn enter(&mut self, start: u32, mut entry: State) -> Exit {
        let program = self.program;
        let Some(body) = program.body_around(start) else { return Exit::Unknown };
        if self.reached.as_ref().is_some_and(|reached| reached.contains(&body.start)) {
            return Exit::Unknown;
        }
        match program.is_function(start) {
            true => self.suppose_arguments(start, &mut entry),
            false => entry.keep_only(body.block(start).map_or(u32::MAX, |b| body.blocks[b].live)),
        }
        let runs = self.runs.entry(start).or_default();
        if let Some(known) = runs.iter().find(|run| run.entry == entry) {
            return known.exit.clone().unwrap_or(Exit::Unknown);
        }
        let limit = (CONTEXT_STEPS / body.steps.len().max(1)).clamp(MIN_CONTEXTS, MAX_CONTEXTS);
        let count = runs.len();
        if count >= limit {
            return self.enter_coarsely(start, &entry, count < 2 * limit);
        }
        if self.depth >= MAX_DEPTH {
            self.postponed.push((start, entry));
            return Exit::Unknown;
        }
        runs.push(Run { entry: entry.clone(), exit: None });
        let exit = self.walk(Rc::clone(body), start, entry);
        if let Some(run) = self.runs.get_mut(&start).and_then(|runs| runs.get_mut(count)) {
            run.exit = Some(exit.clone());
        }
        exit
    }

    /// Too many different arguments: runs on fewer of them. What comes back is then not known.
    fn enter_coarsely(&mut self, start: u32, entry: &State, with_addresses: bool) -> Exit {
        let mut coarse = entry.coarser(self, with_addresses);
        self.suppose_arguments(start, &mut coarse);
        let runs = self.runs.entry(start).or_default();
        if !runs.iter().any(|run| run.entry == coarse) {
            if self.depth >= MAX_DEPTH {
                self.postponed.push((start, coarse));
                return Exit::Unknown;
            }
            let count = runs.len();
            runs.push(Run { entry: coarse.clone(), exit: None });
            let body = self.program.body_around(start).map(Rc::clone);
            let exit = body.map_or(Exit::Unknown, |body| self.walk(body, start, coarse));
            if let Some(run) = self.runs.get_mut(&start).and_then(|runs| runs.get_mut(count)) {
                run.exit = Some(exit);
            }
        }
        Exit::Unknown
    }

    /// Arguments of which nothing is known have at least a type.
    fn suppose_arguments(&self, function: u32, entry: &mut State) {
        let Some(structures) = self.program.shapes.arguments.get(&function) else { return };
        for (&register, &structure) in self.abi().arguments.iter().zip(structures) {
            if let Some(structure) = structure {
                entry.suppose(register, Content::Pointer(Pointer { structure, offset: 0 }));
            }
        }
    }

    fn walk(&mut self, body: Rc<Body>, start: u32, entry: State) -> Exit {
        let Some(block) = body.block(start) else { return Exit::Unknown };
        let mut walk = Walk {
            arrived: body.blocks.iter().map(|_| Arrived::default()).collect(),
            queue: VecDeque::new(),
            visits: 0,
            forks: 0,
            is_decided: false,
            returned: None,
            is_unknown: !body.is_resolved,
            body,
        };
        self.depth += 1;
        let pc = self.pc;
        walk.arrive(block, entry);
        while let Some(mut visit) = walk.queue.pop_front() {
            let arrived = &mut walk.arrived[visit.block];
            if let Some(joined) = arrived.joined.as_ref() {
                // Several may wait; the first of them sees all.
                if !std::mem::take(&mut arrived.is_waiting) {
                    continue;
                }
                visit.state = joined.clone();
            }
            walk.visits += 1;
            if self.is_spent() {
                walk.is_unknown = true;
                break;
            }
            self.run_block(&mut walk, visit);
        }
        self.pc = pc;
        self.depth -= 1;
        match (walk.is_unknown, walk.returned) {
            (true, _) => Exit::Unknown,
            (false, Some(returned)) => Exit::Returns(Box::new(returned)),
            (false, None) => Exit::Never,
        }
    }

    /// Carries a state through a block, and on to those that can follow.
    fn run_block(&mut self, walk: &mut Walk, visit: Visit) {
        let body = Rc::clone(&walk.body);
        walk.is_decided = visit.is_decided;
        let position = body.blocks[visit.block].first;
        let mut forks = vec![Point { position, state: visit.state, does: Does::AsItSays }];
        while let Some(point) = forks.pop() {
            let mut next = Some(point);
            while let Some(point) = next {
                self.steps += 1;
                next = self.run_step(walk, &body, point, &mut forks);
            }
        }
    }

    fn run_step(
        &mut self,
        walk: &mut Walk,
        body: &Body,
        mut point: Point,
        forks: &mut Vec<Point>,
    ) -> Option<Point> {
        let step = &body.steps[point.position];
        self.pc = step.address;
        if !point.happens(step, forks) {
            return walk.go_on(body, point);
        }
        let choice = match point.does {
            Does::This(choice) => choice,
            _ if walk.forks >= MAX_FORKS => Choice::None,
            _ => {
                let before = forks.len();
                let choice = self.choose(step.instruction.operation, &point, forks);
                walk.forks += forks.len() - before;
                choice
            }
        };
        let state = &mut point.state;
        match step.instruction.operation {
            Operation::IfThen { condition, .. } if step.has_one_condition => {
                state.holds = state.decide(Condition::Flags(condition));
                if state.holds.is_none() {
                    let mut other = point.clone();
                    other.state.holds = Some(false);
                    forks.extend(walk.go_on(body, other));
                    point.state.holds = Some(true);
                }
            }
            Operation::Branch { target, condition } => {
                let decision = state.decide(condition);
                if condition != Condition::Always {
                    walk.is_decided = decision.is_some();
                }
                if decision != Some(false) {
                    self.jump(walk, body, target, state.clone());
                }
                if decision == Some(true) {
                    return None;
                }
            }
            Operation::Call { target: Some(target) } if step.targets.is_empty() => {
                if !self.call(target, state) {
                    return None;
                }
            }
            Operation::CallRegister { register, offset } => {
                let target = state.constant(register).map(|at| at.wrapping_add_signed(offset));
                let target = target.map(|target| self.abi().code_address(target));
                match target.filter(|target| self.program.bodies.contains_key(target)) {
                    Some(target) if !self.call(target, state) => return None,
                    Some(_) => {}
                    None => state.step(&step.instruction, false, self, Choice::None),
                }
            }
            Operation::LeaveRegister { register, offset } if step.targets.is_empty() => {
                let target = state.constant(register).map(|at| at.wrapping_add_signed(offset));
                match target.map(|target| self.abi().code_address(target)) {
                    Some(target) => self.jump(walk, body, target, point.state),
                    None => walk.is_unknown = true,
                }
                return None;
            }
            Operation::Leave => {
                walk.leave(state.returned(self));
                return None;
            }
            Operation::LoadMany { base, list, .. } if list & (1 << PC) != 0 => {
                state.step(&step.instruction, false, self, Choice::None);
                match base == self.abi().stack_pointer {
                    true => walk.leave(state.returned(self)),
                    false => walk.is_unknown = true,
                }
                return None;
            }
            Operation::Stop => return None,
            Operation::Call { .. }
            | Operation::JumpTable { .. }
            | Operation::Jump
            | Operation::LeaveRegister { .. }
                if !step.targets.is_empty() =>
            {
                self.switch(walk, body, step, point.state);
                return None;
            }
            Operation::JumpTable { .. } | Operation::Jump => return None,
            _ => state.step(&step.instruction, step.when != When::Always, self, choice),
        }
        walk.go_on(body, point)
    }

    /// What a load of a variable gives, or where an index leads, if that is one of few; the
    /// alternatives become forks.
    fn choose(&self, operation: Operation, point: &Point, forks: &mut Vec<Point>) -> Choice {
        let choices: Vec<Choice> = match point.state.loads_word_from(operation) {
            Some(address) => self.values_of(address).into_iter().map(Choice::Loaded).collect(),
            None => match point.state.adds(operation) {
                Some((base, index)) => {
                    self.program.sums(base, index).into_iter().map(Choice::Sum).collect()
                }
                None => Vec::new(),
            },
        };
        let Some((&first, others)) = choices.split_first() else { return Choice::None };
        forks.extend(
            others.iter().map(|&choice| Point { does: Does::This(choice), ..point.clone() }),
        );
        first
    }

    /// The addresses that a variable may hold; empty where it is no such variable, or what it
    /// holds is not known.
    fn values_of(&self, address: u32) -> Vec<u32> {
        let Some(first) = self.program.first_value(address) else { return Vec::new() };
        let members = self.program.shapes.members_at(address);
        let values = self.cells.values(address, first, members.into_iter());
        let is_address = |&value: &u32| value == 0 || self.program.is_address(value);
        let are_addresses = values.iter().any(|&value| value != 0) && values.iter().all(is_address);
        if are_addresses { values } else { Vec::new() }
    }

    /// A jump by table, to one entry if it is known which.
    fn switch(&mut self, walk: &mut Walk, body: &Body, step: &Step, state: State) {
        let index = match step.instruction.operation {
            Operation::JumpTable { index, .. } => state.constant(index),
            Operation::Call { .. } => state.constant(0),
            _ => None,
        };
        let chosen = index.and_then(|index| step.targets.get(index as usize));
        walk.is_decided = chosen.is_some();
        let targets = match chosen {
            Some(target) => std::slice::from_ref(target),
            None => &step.targets[..],
        };
        let mut targets = targets.to_vec();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            self.jump(walk, body, target, state.clone());
        }
    }

    /// Goes on at `target`, in this function or another.
    fn jump(&mut self, walk: &mut Walk, body: &Body, target: u32, mut state: State) {
        if let Some(block) = body.block(target) {
            return walk.arrive(block, state);
        }
        if self.program.is_function(target) {
            if self.call(target, &mut state) {
                walk.leave(state.returned(self));
            }
            return;
        }
        // Code that was split off, or a shared tail: it works on this function's registers.
        match self.enter(target, state) {
            Exit::Never => {}
            Exit::Unknown => walk.is_unknown = true,
            Exit::Returns(returned) => walk.leave(*returned),
        }
    }

    /// Calls a function; false if it does not come back.
    fn call(&mut self, target: u32, state: &mut State) -> bool {
        let (live, reads_stack) = self.program.reads(target);
        let entry = state.callee(self, live, reads_stack);
        let exit = self.enter(target, entry.clone());
        if matches!(exit, Exit::Never) {
            return false;
        }
        state.resume(self, &entry, &exit);
        true
    }
}

/// A point of a function's run.
#[derive(Clone)]
struct Point {
    position: usize,
    state: State,
    does: Does,
}

/// What the instruction at a point does, where that was chosen.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    AsItSays,
    This(Choice),
    Nothing,
}

impl Point {
    /// Whether the instruction happens; where either may be, the other becomes a fork.
    fn happens(&mut self, step: &Step, forks: &mut Vec<Self>) -> bool {
        if step.when == When::Always {
            self.state.holds = None;
            return true;
        }
        match (self.does, self.state.holds) {
            (Does::Nothing, _) => false,
            (_, Some(holds)) => holds == (step.when == When::Then),
            (Does::This(_), None) => true,
            (Does::AsItSays, None) => {
                forks.push(Self { does: Does::Nothing, ..self.clone() });
                true
            }
        }
    }
}

impl Walk {
    /// Goes on to the next instruction, if it stands in the same block.
    fn go_on(&mut self, body: &Body, point: Point) -> Option<Point> {
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
    fn arrive(&mut self, block: usize, mut state: State) {
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

    fn leave(&mut self, returned: Returned) {
        match &mut self.returned {
            Some(known) => known.join(&returned),
            None => self.returned = Some(returned),
        }
    }
}

impl World for Explorer<'_, '_> {
    fn abi(&self) -> &'static Abi {
        self.program.abi
    }

    fn constant(&self, address: u32, bytes: u8) -> Option<u32> {
        self.program.constant(address, bytes)
    }

    fn literal(&self, address: u32, bytes: u8) -> Option<u32> {
        self.program.literal(address, bytes)
    }

    fn is_register(&self, address: u32) -> bool {
        self.program.is_register(address)
    }

    fn global_pointer(&self) -> Option<u32> {
        self.program.global_pointer
    }

    fn variable(&mut self, address: u32, bytes: u8) -> Content {
        if bytes != 4 {
            return UNKNOWN;
        }
        match self.values_of(address)[..] {
            [value] => Content::Word(Word::constant(value)),
            _ => pointer_to(self.program.shapes.pointer_at(address)),
        }
    }

    fn member(&self, pointer: Pointer) -> Content {
        pointer_to(self.program.shapes.pointee(pointer.structure, pointer.offset))
    }

    fn element(&self, address: u32) -> Content {
        pointer_to(self.program.shapes.pointer_at(address))
    }

    fn touch(&mut self, touch: Touch) {
        let is_reached = self.reached.is_none();
        let value = match touch.stored {
            Some(Content::Word(word)) if touch.bytes == 4 => word.as_constant(),
            _ => None,
        };
        let is_found = match touch.spot {
            Spot::Address(address) => {
                let is_register = self.program.is_register(address);
                if touch.stored.is_some() && !is_register && is_reached {
                    self.cells.store(address, value);
                }
                is_register
            }
            Spot::Member(Pointer { structure, offset }) => {
                if touch.stored.is_some() && is_reached {
                    self.cells.store_member(structure & !VOLATILE, offset, value);
                }
                self.program.shapes.is_volatile(structure, offset)
            }
            // Small negative numbers are distances, not addresses.
            Spot::After(address) => address < NEGATIVE && self.program.is_register(address),
            Spot::Unknown => false,
        };
        let is_open = !matches!(touch.spot, Spot::Address(_));
        if is_found || is_open {
            let finding = self.findings.entry(self.pc).or_default();
            finding.is_open |= is_open;
            if is_found {
                finding.add(touch);
            }
        }
    }

    fn make(&mut self, address: u32) {
        let function = self.program.abi.code_address(address);
        let has_thumb_bit = address != function;
        if has_thumb_bit == self.program.abi.has_thumb_bit
            && self.program.bodies.contains_key(&function)
        {
            self.taken.insert(function);
        }
    }
}

impl Finding {
    fn add(&mut self, touch: Touch) {
        let stored = match touch.stored {
            Some(Content::Word(word)) => word,
            _ => Word::UNKNOWN,
        };
        let is_store = touch.stored.is_some();
        let same = |seen: &&mut Seen| {
            (seen.spot, seen.bytes, seen.is_store) == (touch.spot, touch.bytes, is_store)
        };
        let is_full = self.seen.len() >= MAX_SPOTS;
        match self.seen.iter_mut().find(same) {
            Some(seen) => seen.stored = seen.stored.join(stored),
            None if !is_full => {
                self.seen.push(Seen { spot: touch.spot, bytes: touch.bytes, is_store, stored });
            }
            None => self.is_open = true,
        }
    }
}

fn pointer_to(structure: Option<u32>) -> Content {
    structure.map_or(UNKNOWN, |structure| Content::Pointer(Pointer { structure, offset: 0 }))
}
