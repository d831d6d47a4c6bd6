//! One function's instructions, decoded from its entry along its branches and cut into blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use foldhash::HashMap;

use super::abi::Abi;
use super::instruction::{Condition, Instruction, Operation};
use super::tables::{Table, table_helper};

/// Where code is, and how to read it.
pub(crate) trait Code {
    fn abi(&self) -> &'static Abi;

    /// The instruction at `address`; `None` where code ends.
    fn instruction(&self, address: u32) -> Option<Instruction>;

    /// Where the data that starts at `address` ends, if the file marks it as data.
    fn data_end(&self, address: u32) -> Option<u32>;

    /// Little-endian value in a literal pool or a table in memory that does not change.
    fn table_entry(&self, address: u32, bytes: u8) -> Option<u32>;

    /// Name of the function at `address`.
    fn function_name(&self, address: u32) -> Option<&str>;
}

/// A function that is being decoded.
pub(crate) struct Draft {
    start: u32,
    /// Where its code is; several ranges where the compiler split it.
    ranges: Vec<Range<u32>>,
    pub(super) steps: BTreeMap<u32, Step>,
    /// Where others jump into this one.
    side_entries: BTreeSet<u32>,
    callees: BTreeSet<u32>,
    jumps: BTreeSet<u32>,
    is_resolved: bool,
}

/// An instruction of a function, with what follows it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) address: u32,
    pub(crate) instruction: Instruction,
    pub(crate) when: When,
    /// Position of the next instruction, if it can follow.
    pub(crate) next: Option<usize>,
    /// Whether the next instruction starts a block.
    pub(crate) ends_block: bool,
    /// Whether no instruction of the IT block that this one starts sets flags.
    pub(crate) has_one_condition: bool,
    /// Where a table jump goes, by index.
    pub(crate) targets: Vec<u32>,
    falls_through: bool,
}

/// On which condition a step happens: inside of an IT block it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    Then,
    Else,
}

/// A decoded function.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) start: u32,
    pub(crate) steps: Vec<Step>,
    pub(crate) blocks: Vec<Block>,
    block_at: HashMap<u32, usize>,
    /// Functions that it calls or goes on in, by start.
    pub(crate) callees: BTreeSet<u32>,
    /// False if it has a jump that is not understood.
    pub(crate) is_resolved: bool,
}

/// Instructions that run one after the other.
#[derive(Debug)]
pub(crate) struct Block {
    /// Position of the first one.
    pub(crate) first: usize,
    /// Registers that are read from here on before they are written.
    pub(crate) live: u32,
}

/// Longest function that is followed, in bytes.
const MAX_LENGTH: u32 = 1 << 20;

impl Draft {
    /// Decodes the function at `start`, whose code is in `ranges`.
    pub(crate) fn decode(code: &impl Code, start: u32, ranges: Vec<Range<u32>>) -> Self {
        let mut draft = Self {
            start,
            ranges,
            steps: BTreeMap::new(),
            side_entries: BTreeSet::new(),
            callees: BTreeSet::new(),
            jumps: BTreeSet::new(),
            is_resolved: true,
        };
        let length = |range: &Range<u32>| range.end.saturating_sub(range.start);
        if draft.ranges.iter().map(length).max() <= Some(MAX_LENGTH) {
            draft.decode_from(code, start);
        }
        draft
    }

    /// Takes note that another function jumps to `address`.
    pub(crate) fn enter(&mut self, code: &impl Code, address: u32) {
        if self.side_entries.insert(address) {
            self.decode_from(code, address);
        }
    }

    /// Number of instructions decoded.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Addresses outside of the function that it calls.
    pub(crate) fn callees(&self) -> impl Iterator<Item = u32> + '_ {
        self.callees.iter().copied()
    }

    /// Addresses outside of the function that it jumps to.
    pub(crate) fn jumps(&self) -> impl Iterator<Item = u32> + '_ {
        self.jumps.iter().copied()
    }

    pub(super) fn holds(&self, address: u32) -> bool {
        self.ranges.iter().any(|range| range.contains(&address))
    }

    fn decode_from(&mut self, code: &impl Code, start: u32) {
        let mut open = vec![start];
        while let Some(start) = open.pop() {
            self.decode_run(code, start, &mut open);
        }
    }

    /// Decodes from `start` to where the path ends or meets what is decoded already.
    fn decode_run(&mut self, code: &impl Code, start: u32, open: &mut Vec<u32>) {
        let mut address = start;
        let mut pending = Vec::new();
        while self.holds(address) && !self.steps.contains_key(&address) {
            if code.data_end(address).is_some() {
                break;
            }
            let Some(instruction) = code.instruction(address) else { break };
            let mut step = self.step(code, address, instruction, open);
            step.when = pending.pop().unwrap_or(When::Always);
            step.falls_through |= step.when != When::Always;
            if let Operation::IfThen { count, elses, .. } = instruction.operation {
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

    fn step(
        &mut self,
        code: &impl Code,
        address: u32,
        instruction: Instruction,
        open: &mut Vec<u32>,
    ) -> Step {
        let after = address.saturating_add(instruction.size.into());
        let mut targets = Vec::new();
        let falls_through = match instruction.operation {
            Operation::Branch { target, condition } => {
                if self.holds(target) {
                    open.push(target);
                } else {
                    self.jumps.insert(target);
                }
                condition != Condition::Always
            }
            Operation::Call { target: Some(target) } => {
                self.callees.insert(target);
                match table_helper(code, target) {
                    Some(helper) => {
                        targets = self.entries(code, address, after, 0, helper);
                        false
                    }
                    None => true,
                }
            }
            Operation::JumpTable { index, halfwords } => {
                let kind = if halfwords { Table::HALFWORDS } else { Table::BYTES };
                targets = self.entries(code, address, after, index, kind);
                false
            }
            Operation::Jump | Operation::LeaveRegister { .. } => {
                targets = self.absolute_entries(code, address);
                false
            }
            Operation::LoadMany { list, .. } => list & (1 << 15) == 0,
            Operation::Leave | Operation::Stop => false,
            _ => true,
        };
        let is_table =
            matches!(instruction.operation, Operation::JumpTable { .. } | Operation::Jump)
                || matches!(instruction.operation, Operation::Call { .. }) && !falls_through;
        self.is_resolved &= !is_table || !targets.is_empty();
        Step {
            address,
            instruction,
            when: When::Always,
            next: None,
            ends_block: false,
            has_one_condition: true,
            targets,
            falls_through,
        }
    }

    /// Cuts the function into blocks.
    pub(crate) fn finish(self) -> Body {
        let leaders = self.leaders();
        let mut steps: Vec<Step> = self.steps.into_values().collect();
        let position: HashMap<u32, usize> =
            steps.iter().enumerate().map(|(position, step)| (step.address, position)).collect();
        let one_condition = conditions(&steps);
        for (step, has_one_condition) in steps.iter_mut().zip(one_condition) {
            let after = step.address.saturating_add(step.instruction.size.into());
            step.next = position.get(&after).copied().filter(|_| step.falls_through);
            step.ends_block = leaders.contains(&after);
            step.has_one_condition = has_one_condition;
        }
        let starts = leaders.iter().filter_map(|leader| position.get(leader));
        let blocks: Vec<Block> = starts.map(|&first| Block { first, live: 0 }).collect();
        let block_at = blocks
            .iter()
            .enumerate()
            .map(|(number, block)| (steps[block.first].address, number))
            .collect();
        let callees = self.callees.into_iter().chain(self.jumps).collect();
        let is_resolved = self.is_resolved;
        Body { start: self.start, steps, blocks, block_at, callees, is_resolved }
    }

    /// Addresses that a block starts at.
    fn leaders(&self) -> BTreeSet<u32> {
        let mut leaders = self.side_entries.clone();
        leaders.insert(self.start);
        for (&address, step) in &self.steps {
            leaders.extend(step.targets.iter().copied());
            let branch = match step.instruction.operation {
                Operation::Branch { target, .. } => Some(target),
                _ => None,
            };
            leaders.extend(branch);
            if branch.is_some() || !step.targets.is_empty() || !step.falls_through {
                leaders.insert(address.saturating_add(step.instruction.size.into()));
            }
        }
        leaders
    }
}

impl Body {
    /// The block that starts at `address`.
    pub(crate) fn block(&self, address: u32) -> Option<usize> {
        self.block_at.get(&address).copied()
    }

    /// Registers that are read from the function's start on before they are written.
    pub(crate) fn live_at_start(&self) -> u32 {
        self.block(self.start).map_or(0, |block| self.blocks[block].live)
    }

    /// Finds what each block reads, given what the functions read that are called. True if more
    /// is read at the start than was known.
    pub(crate) fn find_live(&mut self, abi: &Abi, callee_reads: impl Fn(u32) -> u32) -> bool {
        let before = self.live_at_start();
        loop {
            let mut changed = false;
            for number in (0..self.blocks.len()).rev() {
                let live = self.live_in_block(self.blocks[number].first, abi, &callee_reads);
                changed |= live != self.blocks[number].live;
                self.blocks[number].live = live;
            }
            if !changed {
                return self.live_at_start() != before;
            }
        }
    }

    fn live_in_block(&self, first: usize, abi: &Abi, callee_reads: &impl Fn(u32) -> u32) -> u32 {
        let mut positions = vec![first];
        let mut last = first;
        while let (false, Some(next)) = (self.steps[last].ends_block, self.steps[last].next) {
            positions.push(next);
            last = next;
        }
        let at = |address: u32| self.block(address).map(|block| self.blocks[block].live);
        let following = self.steps[last].next.map(|next| self.steps[next].address);
        let following = following.iter().chain(&self.steps[last].targets);
        let after = following.filter_map(|&address| at(address)).fold(0, |a, b| a | b);
        let before = |live, &position: &usize| {
            live_before(&self.steps[position], live, abi, &at, callee_reads)
        };
        positions.iter().rev().fold(after, before)
    }
}

/// Registers that are read from `step` on, if `live` are read after it.
fn live_before(
    step: &Step,
    live: u32,
    abi: &Abi,
    at: &impl Fn(u32) -> Option<u32>,
    callee_reads: &impl Fn(u32) -> u32,
) -> u32 {
    let arguments = abi.arguments.iter().fold(0, |set: u32, &register| set | (1 << register));
    let results = abi.results.iter().fold(0, |set: u32, &register| set | (1 << register));
    let reads = step.instruction.reads();
    let (read, written) = match step.instruction.operation {
        Operation::Call { target: Some(target) } if step.targets.is_empty() => {
            (callee_reads(target) & arguments, abi.clobbered)
        }
        Operation::Call { .. } => (arguments, abi.clobbered),
        Operation::CallRegister { .. } => (reads | arguments, abi.clobbered),
        Operation::Branch { target, .. } => match at(target) {
            Some(live) => (reads | live, 0),
            // Shared tails take any register, functions their arguments.
            None => (reads | callee_reads(target), 0),
        },
        Operation::Leave | Operation::Stop => (results, 0),
        Operation::LeaveRegister { .. } => (reads | arguments | results, 0),
        Operation::LoadMany { list, .. } if list & (1 << 15) != 0 => {
            (reads | results, step.instruction.writes())
        }
        _ => (reads, step.instruction.writes()),
    };
    // What a conditional instruction does not write stays.
    let written = if step.when == When::Always { written } else { 0 };
    match step.instruction.operation {
        // Results are loaded, too: what is read after the instruction counts last.
        Operation::LoadMany { list, .. } if list & (1 << 15) != 0 => {
            ((live | results) & !written) | reads
        }
        _ => (live & !written) | read,
    }
}

/// For each step, whether the IT block around it keeps its condition: nothing in it sets flags.
fn conditions(steps: &[Step]) -> Vec<bool> {
    let mut found = vec![true; steps.len()];
    for (position, step) in steps.iter().enumerate() {
        let Operation::IfThen { count, .. } = step.instruction.operation else { continue };
        let last = (position + usize::from(count)).min(steps.len() - 1);
        let keeps = steps[position + 1..=last].iter().all(|step| keeps_flags(&step.instruction));
        found[position..=last].fill(keeps);
    }
    found
}

fn keeps_flags(instruction: &Instruction) -> bool {
    matches!(
        instruction.operation,
        Operation::Move { .. }
            | Operation::MoveTop { .. }
            | Operation::Load { .. }
            | Operation::Store { .. }
            | Operation::Branch { .. }
            | Operation::Leave
    ) || instruction.size == 2
        && matches!(
            instruction.operation,
            Operation::Compute { .. }
                | Operation::ShiftBy { .. }
                | Operation::Extend { .. }
                | Operation::MoveNot { .. }
        )
}
