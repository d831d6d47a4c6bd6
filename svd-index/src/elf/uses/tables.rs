//! Jump tables: where a `switch` goes.

use foldhash::HashMap;

use super::body::{Code, Draft, Step};
use super::instruction::{Operand, Operation, Place, Register};

/// How many instructions before a table jump its bound check may stand.
const BOUND_CHECK_REACH: usize = 10;

/// How many instructions before a jump the address of its table may be made.
const TABLE_REACH: usize = 24;

/// Most entries of a jump table.
const MAX_ENTRIES: u32 = 1024;

impl Draft {
    /// Targets of a table that counts from its own start.
    pub(super) fn entries(
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
    pub(super) fn absolute_entries(&self, code: &impl Code, jump: u32) -> Vec<u32> {
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
}

/// Shape of a jump table whose entries count from its start.
#[derive(Clone, Copy)]
pub(super) struct Table {
    bytes: u8,
    signed: bool,
    /// Bytes of code per unit.
    unit: u32,
}

impl Table {
    /// TBB and TBH (ARMv7-M ARM, DDI 0403E, A7.7.185).
    pub(super) const BYTES: Self = Self { bytes: 1, signed: false, unit: 2 };
    pub(super) const HALFWORDS: Self = Self { bytes: 2, signed: false, unit: 2 };

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
pub(super) fn table_helper(code: &impl Code, target: u32) -> Option<Table> {
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
