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

use std::rc::Rc;

use foldhash::{HashMap, HashSet};

use super::body::{Body, Step, When};
use super::call::Exit;
use super::cells::Cells;
use super::content::{Content, Pointer};
use super::findings::Finding;
use super::instruction::{Condition, Operation, PC, Register};
use super::memory::Index;
use super::program::Program;
use super::state::{Choice, State, World};
use super::walk::{Does, Happens, Point, Visit, Walk};

/// How often the program is run. Pointers that lead to pointers take one run for each; drivers
/// have two or three.
const MAX_ROUNDS: usize = 6;

/// Alternatives taken in one run of a function for what an instruction loads, or where its index
/// leads; then these are not known.
const MAX_FORKS: usize = 128;

/// How often one run of a function goes both ways at a conditional instruction; then what holds
/// after either is all that is known. Each doubles the ways through what follows in its block.
const MAX_SPLITS: usize = 1024;

/// Steps of runs on different arguments that one function may take: small ones are called with
/// many, and cost little.
const CONTEXT_STEPS: usize = 6000;
const MIN_CONTEXTS: usize = 4;
const MAX_CONTEXTS: usize = 48;

/// Deepest nesting of calls that is followed at once.
const MAX_DEPTH: usize = 32;

/// Runs a program.
pub(crate) struct Explorer<'p, 'a> {
    pub(super) program: &'p Program<'a>,
    pub(super) cells: Cells,
    pub(super) findings: HashMap<u32, Finding>,
    /// Runs of this round, by where they start.
    runs: HashMap<u32, Vec<Run>>,
    /// Runs that were too deep in calls to be done at once.
    postponed: Vec<(u32, State)>,
    /// Functions whose address the code makes.
    pub(super) taken: HashSet<u32>,
    /// Functions that the program reaches, once these have been run.
    pub(super) reached: Option<HashSet<u32>>,
    depth: usize,
    steps: u64,
    max_steps: u64,
    pub(super) pc: u32,
}

/// A function's run on certain arguments.
struct Run {
    entry: State,
    /// `None` while it is being done.
    exit: Option<Exit>,
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
            max_steps: super::max_steps(program),
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
        self.steps >= self.max_steps
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
        let mut walk = Walk::new(body);
        self.depth += 1;
        let pc = self.pc;
        walk.arrive(block, entry);
        while let Some(visit) = walk.next() {
            if self.is_spent() {
                walk.is_unknown = true;
                break;
            }
            self.run_block(&mut walk, visit);
        }
        self.pc = pc;
        self.depth -= 1;
        walk.exit()
    }

    /// Carries a state through a block, and on to those that can follow.
    fn run_block(&mut self, walk: &mut Walk, visit: Visit) {
        let body = Rc::clone(&walk.body);
        walk.is_decided = visit.is_decided;
        let position = body.blocks[visit.block].first;
        let mut forks = vec![Point { position, state: visit.state, does: Does::AsItSays }];
        while let Some(point) = forks.pop() {
            let mut next = Some(point);
            while let Some(point) = next.take_if(|_| !self.is_spent()) {
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
        // What holds if the instruction does nothing, where both ways are gone at once.
        let mut untouched = None;
        match point.happens(step) {
            Happens::Always => {}
            Happens::Never => return walk.go_on(body, point),
            Happens::Perhaps if walk.splits < MAX_SPLITS => {
                walk.splits += 1;
                forks.push(Point { does: Does::Nothing, ..point.clone() });
            }
            Happens::Perhaps => untouched = Some(point.state.clone()),
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
        let goes_on = match step.instruction.operation {
            Operation::IfThen { condition, .. } if step.has_one_condition => {
                point.state.holds = point.state.decide(Condition::Flags(condition));
                if point.state.holds.is_none() && walk.splits < MAX_SPLITS {
                    walk.splits += 1;
                    let mut other = point.clone();
                    other.state.holds = Some(false);
                    forks.extend(walk.go_on(body, other));
                    point.state.holds = Some(true);
                }
                true
            }
            Operation::Branch { target, condition } => {
                self.branch(walk, body, target, condition, &point.state)
            }
            _ if !step.targets.is_empty() => {
                self.switch(walk, body, step, &point.state);
                false
            }
            Operation::Call { target: Some(target) } => self.call(target, &mut point.state),
            Operation::CallRegister { register, offset } => {
                self.call_register(step, register, offset, &mut point.state)
            }
            operation if leaves(operation) => {
                self.leave(walk, body, step, &mut point.state);
                false
            }
            _ => {
                let is_conditional = step.when != When::Always;
                point.state.step(&step.instruction, is_conditional, self, choice);
                true
            }
        };
        match untouched {
            Some(untouched) if goes_on => {
                point.state.join(&untouched);
            }
            Some(untouched) => point.state = untouched,
            None if goes_on => {}
            None => return None,
        }
        walk.go_on(body, point)
    }

    /// Goes to a branch's target if it may be taken; true if the next instruction may follow.
    fn branch(
        &mut self,
        walk: &mut Walk,
        body: &Body,
        target: u32,
        condition: Condition,
        state: &State,
    ) -> bool {
        let decision = state.decide(condition);
        if condition != Condition::Always {
            walk.is_decided = decision.is_some();
        }
        if decision != Some(false) {
            self.jump(walk, body, target, state.clone());
        }
        decision != Some(true)
    }

    /// A call of what a register points to; false if it does not come back.
    fn call_register(
        &mut self,
        step: &Step,
        register: Register,
        offset: i32,
        state: &mut State,
    ) -> bool {
        match self.pointed_to(register, offset, state) {
            Some(target) if self.program.bodies.contains_key(&target) => self.call(target, state),
            _ => {
                state.step(&step.instruction, false, self, Choice::None);
                true
            }
        }
    }

    fn pointed_to(&self, register: Register, offset: i32, state: &State) -> Option<u32> {
        let target = state.constant(register)?.wrapping_add_signed(offset);
        Some(self.program.abi.code_address(target))
    }

    /// Leaves the function: returns, or goes on where a register points to.
    fn leave(&mut self, walk: &mut Walk, body: &Body, step: &Step, state: &mut State) {
        match step.instruction.operation {
            Operation::Leave => walk.leave(state.returned(self)),
            Operation::LoadMany { base, .. } => {
                state.step(&step.instruction, false, self, Choice::None);
                match base == self.program.abi.stack_pointer {
                    true => walk.leave(state.returned(self)),
                    false => walk.is_unknown = true,
                }
            }
            Operation::LeaveRegister { register, offset } => {
                match self.pointed_to(register, offset, state) {
                    Some(target) => self.jump(walk, body, target, state.clone()),
                    None => walk.is_unknown = true,
                }
            }
            // A jump that is not understood: the function is marked for it.
            _ => {}
        }
    }

    /// What a load of a variable gives, or where an index leads, if that is one of few; the
    /// alternatives become forks.
    fn choose(&self, operation: Operation, point: &Point, forks: &mut Vec<Point>) -> Choice {
        let choices: Vec<Choice> = match point.state.loads_word_from(operation) {
            Some(address) => self.values_of(address).into_iter().map(Choice::Loaded).collect(),
            None => self.indexes(point.state.index(operation)),
        };
        let Some((&first, others)) = choices.split_first() else { return Choice::None };
        forks.extend(
            others.iter().map(|&choice| Point { does: Does::This(choice), ..point.clone() }),
        );
        first
    }

    fn indexes(&self, index: Option<Index>) -> Vec<Choice> {
        let Some(Index { base, word, register, shift }) = index else { return Vec::new() };
        let value = |sum: u32| sum.wrapping_sub(base) >> shift;
        let sums = self.program.sums(base, word).into_iter();
        sums.map(|sum| Choice::Index { register, value: value(sum) }).collect()
    }

    /// The addresses that a variable may hold; empty where it is no such variable, or what it
    /// holds is not known.
    pub(super) fn values_of(&self, address: u32) -> Vec<u32> {
        let Some(first) = self.program.first_value(address) else { return Vec::new() };
        let members = self.program.shapes.members_at(address);
        let values = self.cells.values(address, first, members.into_iter());
        let is_address = |&value: &u32| value == 0 || self.program.is_address(value);
        let are_addresses = values.iter().any(|&value| value != 0) && values.iter().all(is_address);
        if are_addresses { values } else { Vec::new() }
    }

    /// A jump by table, to one entry if it is known which.
    fn switch(&mut self, walk: &mut Walk, body: &Body, step: &Step, state: &State) {
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

/// Whether nothing follows an instruction in its function.
fn leaves(operation: Operation) -> bool {
    match operation {
        Operation::LoadMany { list, .. } => list & (1 << PC) != 0,
        Operation::Leave
        | Operation::LeaveRegister { .. }
        | Operation::JumpTable { .. }
        | Operation::Jump
        | Operation::Stop => true,
        _ => false,
    }
}
