//! Follows constants through one function.
//!
//! The function is decoded from its entry along its branches, cut into blocks, and states are
//! joined where paths meet until nothing changes. A function with a jump that cannot be resolved
//! is given up as a whole: its constants might not hold on the unseen path.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use super::instruction::{Instruction, Operand, Operation, Place, Register};
use super::state::{Memory, State, Touch};
use super::thumb;

/// Where a function is, and how to read it.
pub(crate) trait Code: Memory {
    /// The bytes from `address` on, up to where code ends.
    fn code(&self, address: u32) -> Option<&[u8]>;

    /// Where the data that starts at `address` ends, if the file marks it as data.
    fn data_end(&self, address: u32) -> Option<u32>;

    /// Takes note of steps carried out; false once that was enough for one file.
    fn spend(&self, steps: usize) -> bool;

    /// Name of the function at `address`.
    fn function_name(&self, address: u32) -> Option<&str>;
}

/// Instructions of one function, with what follows each.
pub(crate) struct Body {
    range: Range<u32>,
    steps: BTreeMap<u32, Step>,
    /// Where other functions jump into this one: nothing is known there.
    side_entries: BTreeSet<u32>,
    callees: BTreeSet<u32>,
    unresolved: Option<u32>,
}

struct Step {
    instruction: Instruction,
    when: When,
    /// Whether the next instruction can follow.
    falls_through: bool,
    /// Other instructions of this function that can follow.
    targets: Vec<u32>,
}

/// On which condition a step happens: inside of an IT block it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    Then,
    Else,
}

/// How often a block may be visited before its function is given up. States only lose knowledge,
/// so real code settles in a few rounds.
const MAX_VISITS: u32 = 200;

/// Longest function that is followed, in bytes.
const MAX_LENGTH: u32 = 1 << 20;

/// How many instructions before a table jump its bound check may stand.
const BOUND_CHECK_REACH: usize = 10;

/// Most entries of a jump table.
const MAX_ENTRIES: u32 = 1024;

impl Body {
    /// Decodes the function at `range.start`; `range.end` is the first address that is not its
    /// own.
    pub(crate) fn decode(code: &impl Code, range: Range<u32>) -> Self {
        let mut body = Self {
            steps: BTreeMap::new(),
            side_entries: BTreeSet::new(),
            callees: BTreeSet::new(),
            unresolved: None,
            range: range.clone(),
        };
        if range.end.saturating_sub(range.start) <= MAX_LENGTH {
            body.decode_from(code, range.start);
        }
        body
    }

    /// Takes note that another function jumps to `address`.
    pub(crate) fn enter(&mut self, code: &impl Code, address: u32) {
        if address != self.range.start && self.side_entries.insert(address) {
            self.decode_from(code, address);
        }
    }

    /// Addresses outside of the function that it calls or jumps to.
    pub(crate) fn callees(&self) -> impl Iterator<Item = u32> + '_ {
        self.callees.iter().copied()
    }

    /// Instructions and what they touch; `None` if the function has a jump that is not
    /// understood.
    pub(crate) fn touches(&self, code: &impl Code) -> Option<Vec<(u32, Touch)>> {
        if self.unresolved.is_some() {
            return None;
        }
        let leaders = self.leaders();
        let states = self.settle(code, &leaders)?;
        let mut touches = Vec::new();
        for (&start, state) in &states {
            self.run_block(code, start, state.clone(), &leaders, &mut |address, touch| {
                touches.push((address, touch));
            });
        }
        Some(touches)
    }

    fn decode_from(&mut self, code: &impl Code, start: u32) {
        let before = self.steps.len();
        let mut open = vec![start];
        while let Some(start) = open.pop() {
            self.decode_run(code, start, &mut open);
        }
        code.spend(self.steps.len() - before);
    }

    /// Decodes from `start` to where the path ends or meets what is decoded already.
    fn decode_run(&mut self, code: &impl Code, start: u32, open: &mut Vec<u32>) {
        let mut address = start;
        let mut pending = Vec::new();
        while self.range.contains(&address) && !self.steps.contains_key(&address) {
            if code.data_end(address).is_some() {
                break;
            }
            let Some(bytes) = code.code(address) else { break };
            let Some(instruction) = thumb::decode(bytes, address) else { break };
            let mut step = self.step(code, address, instruction);
            step.when = pending.pop().unwrap_or(When::Always);
            step.falls_through |= step.when != When::Always;
            if let Operation::IfThen { count, elses } = instruction.operation {
                let when = |n: u8| if elses & (1_u8 << n) == 0 { When::Then } else { When::Else };
                pending = (0..count).rev().map(when).collect();
            }
            open.extend(step.targets.iter().copied());
            let falls_through = step.falls_through;
            self.steps.insert(address, step);
            if !falls_through {
                break;
            }
            address = address.saturating_add(instruction.size.into());
        }
    }

    fn step(&mut self, code: &impl Code, address: u32, instruction: Instruction) -> Step {
        let after = address.saturating_add(instruction.size.into());
        let mut targets = Vec::new();
        let falls_through = match instruction.operation {
            Operation::Branch { target, conditional } => {
                self.branch(target, &mut targets);
                conditional
            }
            Operation::Call { target: Some(target) } => {
                self.callees.insert(target);
                match table_helper(code, target) {
                    Some(helper) => {
                        let entries = self.entries(code, address, after, 0, helper);
                        self.resolve(address, entries, &mut targets);
                        false
                    }
                    None => true,
                }
            }
            Operation::JumpTable { index, halfwords } => {
                let kind = if halfwords { Table::HALFWORDS } else { Table::BYTES };
                let entries = self.entries(code, address, after, index, kind);
                self.resolve(address, entries, &mut targets);
                false
            }
            Operation::Jump => {
                let entries = self.absolute_entries(code, address);
                self.resolve(address, entries, &mut targets);
                false
            }
            Operation::LoadMany { list, .. } => list & (1 << 15) == 0,
            Operation::Leave | Operation::Stop => false,
            _ => true,
        };
        Step { instruction, when: When::Always, falls_through, targets }
    }

    fn branch(&mut self, target: u32, targets: &mut Vec<u32>) {
        if self.range.contains(&target) {
            targets.push(target);
        } else {
            self.callees.insert(target);
        }
    }

    fn resolve(&mut self, address: u32, entries: Vec<u32>, targets: &mut Vec<u32>) {
        if entries.is_empty() {
            self.unresolved.get_or_insert(address);
        }
        targets.extend(entries);
    }

    /// Targets of a table that counts from its own start.
    fn entries(
        &self,
        code: &impl Code,
        jump: u32,
        table: u32,
        index: Register,
        kind: Table,
    ) -> Vec<u32> {
        let base = if kind.bytes == 4 { table.wrapping_add(2) & !3 } else { table };
        let marked = code.data_end(base).map(|end| (end - base) / u32::from(kind.bytes));
        let checked = self.bound_before(jump, index);
        let Some(count) = [marked, checked].into_iter().flatten().min() else { return Vec::new() };
        let mut targets = Vec::new();
        for position in 0..count.min(MAX_ENTRIES) {
            let at = base.wrapping_add(position * u32::from(kind.bytes));
            let Some(entry) = code.literal(at, kind.bytes) else { break };
            let target = base.wrapping_add(kind.distance(entry)) & !1;
            if self.range.contains(&target) && code.data_end(target).is_none() {
                targets.push(target);
            }
        }
        targets
    }

    /// The number of entries that the comparison before a table jump allows.
    fn bound_before(&self, jump: u32, index: Register) -> Option<u32> {
        let before = self.steps.range(..jump).rev().take(BOUND_CHECK_REACH);
        for (_, step) in before {
            match step.instruction.operation {
                Operation::Compare { register, with } if register == index => {
                    return with.checked_add(1);
                }
                _ => {}
            }
        }
        None
    }

    /// Targets of a jump through a table of addresses, found by the literal or ADR that names
    /// the table shortly before.
    fn absolute_entries(&self, code: &impl Code, jump: u32) -> Vec<u32> {
        let before = self.steps.range(..jump).rev().take(BOUND_CHECK_REACH);
        let tables = before.filter_map(|(_, step)| match step.instruction.operation {
            Operation::Load { place: Place::Absolute(pool), .. } => code.literal(pool, 4),
            Operation::Move { from: Operand::Immediate(address), .. } => Some(address),
            _ => None,
        });
        for table in tables {
            let entries: Vec<u32> = (0..MAX_ENTRIES)
                .map_while(|position| code.literal(table.checked_add(4 * position)?, 4))
                .map(|entry| entry & !1)
                .take_while(|entry| self.range.contains(entry))
                .collect();
            if !entries.is_empty() {
                return entries;
            }
        }
        Vec::new()
    }

    /// Addresses that a block starts at.
    fn leaders(&self) -> BTreeSet<u32> {
        let mut leaders = self.side_entries.clone();
        leaders.insert(self.range.start);
        for (&address, step) in &self.steps {
            leaders.extend(step.targets.iter().copied());
            if !step.targets.is_empty() || !step.falls_through {
                leaders.insert(address.saturating_add(step.instruction.size.into()));
            }
        }
        leaders
    }

    /// States at the start of each block; `None` if they do not settle.
    fn settle(&self, code: &impl Code, leaders: &BTreeSet<u32>) -> Option<BTreeMap<u32, State>> {
        let mut states = BTreeMap::from([(self.range.start, State::entry())]);
        states.extend(self.side_entries.iter().map(|&entry| (entry, State::unknown())));
        let mut open: VecDeque<u32> = states.keys().copied().collect();
        let mut visits: BTreeMap<u32, u32> = BTreeMap::new();
        while let Some(start) = open.pop_front() {
            let count = visits.entry(start).or_insert(0);
            *count += 1;
            if *count > MAX_VISITS || !code.spend(1) {
                return None;
            }
            let Some(state) = states.get(&start).cloned() else { continue };
            for (next, state) in self.run_block(code, start, state, leaders, &mut |_, _| {}) {
                let changed = match states.get_mut(&next) {
                    Some(known) => known.join(&state),
                    None => {
                        states.insert(next, state);
                        true
                    }
                };
                if changed && !open.contains(&next) {
                    open.push_back(next);
                }
            }
        }
        Some(states)
    }

    /// Carries a state through a block; gives the state for each block that can follow.
    fn run_block(
        &self,
        code: &impl Code,
        start: u32,
        mut state: State,
        leaders: &BTreeSet<u32>,
        touch: &mut impl FnMut(u32, Touch),
    ) -> Vec<(u32, State)> {
        let mut following = Vec::new();
        // What is known where the condition of an IT block does not hold.
        let mut otherwise: Option<State> = None;
        for (&address, step) in self.steps.range(start..) {
            if address != start && leaders.contains(&address) {
                break;
            }
            if step.when == When::Always {
                join_otherwise(&mut state, &mut otherwise);
            }
            let alone = step.when != When::Always && !self.has_one_condition(address);
            let other = match step.when {
                When::Always => None,
                _ => Some(otherwise.get_or_insert_with(|| state.clone())),
            };
            let active = match other {
                Some(other) if step.when == When::Else => other,
                _ => &mut state,
            };
            let before = alone.then(|| active.clone());
            code.spend(1);
            active.step(&step.instruction, code, &mut |touched| touch(address, touched));
            if let Some(before) = before {
                active.join(&before);
                join_otherwise(&mut state, &mut otherwise);
            }
            if !step.targets.is_empty() || !step.falls_through {
                join_otherwise(&mut state, &mut otherwise);
            }
            let end = address.saturating_add(step.instruction.size.into());
            following.extend(step.targets.iter().map(|&target| (target, state.clone())));
            if !step.falls_through {
                break;
            }
            if leaders.contains(&end) {
                join_otherwise(&mut state, &mut otherwise);
                following.push((end, state));
                break;
            }
            // Overlapping paths: the next step in order is not the one that follows.
            if self.steps.range(address + 1..).next().map(|(&next, _)| next) != Some(end) {
                break;
            }
        }
        following
    }

    /// Whether the IT block around `address` keeps its condition: nothing in it may set flags.
    /// Otherwise both of its sides may happen.
    fn has_one_condition(&self, address: u32) -> bool {
        let block = |step: &&Step| step.when != When::Always;
        let before = self.steps.range(..address).rev().map(|(_, step)| step);
        let after = self.steps.range(address..).map(|(_, step)| step);
        before.take_while(block).chain(after.take_while(block)).all(|step| {
            matches!(
                step.instruction.operation,
                Operation::Move { .. }
                    | Operation::MoveTop { .. }
                    | Operation::Load { .. }
                    | Operation::Store { .. }
                    | Operation::Branch { .. }
                    | Operation::Leave
            ) || step.instruction.size == 2
                && matches!(
                    step.instruction.operation,
                    Operation::Compute { .. }
                        | Operation::ShiftBy { .. }
                        | Operation::Extend { .. }
                        | Operation::MoveNot { .. }
                )
        })
    }
}

fn join_otherwise(state: &mut State, otherwise: &mut Option<State>) {
    if let Some(otherwise) = otherwise.take() {
        state.join(&otherwise);
    }
}

/// Shape of a jump table whose entries count from its start.
#[derive(Clone, Copy)]
struct Table {
    bytes: u8,
    signed: bool,
    /// Bytes of code per unit.
    unit: u32,
}

impl Table {
    /// TBB and TBH (ARMv7-M ARM, DDI 0403E, A7.7.185).
    const BYTES: Self = Self { bytes: 1, signed: false, unit: 2 };
    const HALFWORDS: Self = Self { bytes: 2, signed: false, unit: 2 };

    fn distance(self, entry: u32) -> u32 {
        let unused = 32 - 8 * u32::from(self.bytes);
        let entry = match self.signed {
            true => ((entry << unused) as i32 >> unused) as u32,
            false => entry,
        };
        entry.wrapping_mul(self.unit)
    }
}

/// GCC's `switch` on cores without TBB: a call of one of these helpers, which jumps by the table
/// behind the call, with the index in r0.
///
/// Source: GCC, libgcc/config/arm/lib1funcs.S, `__gnu_thumb1_case_*`.
fn table_helper(code: &impl Code, target: u32) -> Option<Table> {
    let (bytes, signed, unit) = match code.function_name(target)? {
        "__gnu_thumb1_case_sqi" => (1, true, 2),
        "__gnu_thumb1_case_uqi" => (1, false, 2),
        "__gnu_thumb1_case_shi" => (2, true, 2),
        "__gnu_thumb1_case_uhi" => (2, false, 2),
        "__gnu_thumb1_case_si" => (4, true, 1),
        _ => return None,
    };
    Some(Table { bytes, signed, unit })
}
