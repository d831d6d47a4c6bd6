//! One function's instructions, decoded from its entry along its branches and cut into blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use foldhash::HashMap;

use super::abi::Abi;
use super::instruction::{Condition, Instruction, Operand, Operation, Place, Register};

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
    steps: BTreeMap<u32, Step>,
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

/// How many instructions before a table jump its bound check may stand.
const BOUND_CHECK_REACH: usize = 10;

/// How many instructions before a jump the address of its table may be made.
const TABLE_REACH: usize = 24;

/// Most entries of a jump table.
const MAX_ENTRIES: u32 = 1024;

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

    fn holds(&self, address: u32) -> bool {
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
            let Some(entry) = code.table_entry(at, kind.bytes) else { break };
            let target = base.wrapping_add(kind.distance(entry)) & !1;
            if self.holds(target) && code.data_end(target).is_none() {
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
                Operation::Compare { first, second: Operand::Immediate(last), .. }
                    if first == index =>
                {
                    return last.checked_add(1);
                }
                _ => {}
            }
        }
        None
    }

    /// Targets of a jump through a table of addresses, found by the constant that names the
    /// table shortly before.
    fn absolute_entries(&self, code: &impl Code, jump: u32) -> Vec<u32> {
        for table in self.constants_before(code, jump) {
            let entries: Vec<u32> = (0..MAX_ENTRIES)
                .map_while(|position| code.table_entry(table.checked_add(4 * position)?, 4))
                .map(|entry| code.abi().code_address(entry))
                .take_while(|&entry| self.holds(entry) && code.data_end(entry).is_none())
                .collect();
            // A single word may be anything.
            if entries.len() > 1 {
                return entries;
            }
        }
        Vec::new()
    }

    /// Constants that instructions before `jump` make, the nearest first.
    fn constants_before(&self, code: &impl Code, jump: u32) -> Vec<u32> {
        let mut known: HashMap<Register, u32> = HashMap::default();
        let mut constants = Vec::new();
        let before: Vec<&Step> =
            self.steps.range(..jump).rev().take(TABLE_REACH).map(|(_, step)| step).collect();
        for step in before.into_iter().rev() {
            let (to, value) = match step.instruction.operation {
                Operation::Load { to, place: Place::Absolute(pool), .. } => {
                    (to, code.table_entry(pool, 4))
                }
                Operation::Move { to, from: Operand::Immediate(value) } => (to, Some(value)),
                Operation::MoveTop { to, half } => {
                    let low = known.get(&to).map(|low| low & 0xffff);
                    (to, low.map(|low| low | (u32::from(half) << 16)))
                }
                Operation::Compute { to, first, second: Operand::Immediate(value), .. } => {
                    (to, known.get(&first).map(|first| first.wrapping_add(value)))
                }
                _ => continue,
            };
            match value {
                Some(value) => known.insert(to, value),
                None => known.remove(&to),
            };
            constants.extend(value);
        }
        constants.reverse();
        constants
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
