//! Which instruction touches which register of the chip.
//!
//! Constants are followed through the code: literal pools, immediates, arithmetic, tables in
//! flash, values kept on the stack, arguments from call to function, variables that hold one
//! address or few. An access that is listed is one that the code makes on some path; where an
//! instruction may touch other addresses, too, the access says so.
//!
//! ```text
//! bytes ──thumb, riscv──▶ Operation ──body──▶ blocks ──explore, state──▶ Finding ──▶ Access
//! ```

mod abi;
mod body;
mod call;
mod cells;
mod content;
mod explore;
mod findings;
mod flags;
mod instruction;
mod memory;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod oracle_riscv;
mod program;
mod riscv;
pub(crate) mod shapes;
pub(crate) mod stack;
mod state;
mod tables;
mod thumb;
mod walk;
mod word;

use std::collections::BTreeMap;

use super::image::{Image, warning};
use super::{Access, AccessKind, Base, Certainty, Facts, LooseAccess, Machine, UseFacts, Value};
use crate::Warning;
use content::{Pointer, Spot};
use explore::Explorer;
use findings::Seen;
use program::Program;
use shapes::Shapes;
use stack::Depth;
use word::mask;

/// Steps after which the rest of a file is given up: so many for each instruction, and so many
/// more, and never above the last. Real firmware takes some tens for each instruction; a damaged
/// file may claim anything.
const STEPS_PER_INSTRUCTION: u64 = 1000;
const MORE_STEPS: u64 = 1_000_000;
const MAX_STEPS: u64 = 30_000_000;

fn max_steps(program: &Program<'_>) -> u64 {
    let instructions: usize = program.bodies.values().map(|body| body.steps.len()).sum();
    MAX_STEPS.min(instructions as u64 * STEPS_PER_INSTRUCTION + MORE_STEPS)
}

/// Follows the code of the program that `facts` and `shapes` are about; gives the depth of each
/// function's stack by its start besides.
pub(crate) fn read(
    image: &Image<'_>,
    shapes: &Shapes,
    facts: &Facts,
    warnings: &mut Vec<Warning>,
) -> (UseFacts, BTreeMap<u32, Depth>) {
    let mut uses = UseFacts::default();
    let is_read = match facts.machine {
        Machine::Arm => true,
        Machine::RiscV => facts.class_bits == 32,
        _ => false,
    };
    if !is_read || facts.big_endian {
        return (uses, BTreeMap::new());
    }
    let program = Program::of(image, facts, shapes);
    let (findings, is_complete) = Explorer::explore(&program);
    if !is_complete || !program.is_complete {
        warnings.push(warning(
            "code",
            "there is more to follow than any real firmware has",
            "register accesses are incomplete",
        ));
    }
    let mut unresolved = program.bodies.values().filter(|body| !body.is_resolved);
    if let Some(first) = unresolved.next() {
        let name = program.function_names.get(&first.start).copied().unwrap_or("?");
        warnings.push(warning(
            &format!("function {name} at {:#010x}", first.start),
            &format!("{} functions have a jump that was not understood", unresolved.count() + 1),
            "they may touch more registers than are known",
        ));
    }
    for (&pc, finding) in &findings {
        for seen in &finding.seen {
            add_access(&mut uses, shapes, pc, finding.is_open, seen);
        }
    }
    uses.accesses.sort_by_key(|access| (access.address, access.pc, access.kind as u8));
    uses.loose_accesses.sort_by(|a, b| {
        let key = |access: &LooseAccess| (access.pc, access.kind as u8);
        key(a).cmp(&key(b)).then_with(|| format!("{:?}", a.base).cmp(&format!("{:?}", b.base)))
    });
    uses.loose_accesses.dedup();
    (uses, stack::depths(&program))
}

fn add_access(uses: &mut UseFacts, shapes: &Shapes, pc: u32, is_open: bool, seen: &Seen) {
    let (kind, value) = stored(seen);
    let (pc, size_bytes) = (pc.into(), seen.bytes);
    let base = match seen.spot {
        Spot::Address(address) => {
            let certainty = if is_open { Certainty::Partial } else { Certainty::Exact };
            let address = address.into();
            uses.accesses.push(Access { pc, address, size_bytes, kind, value, certainty });
            return;
        }
        Spot::Member(Pointer { structure, offset }) => {
            let name = shapes.name(structure).to_owned();
            let offset = u64::try_from(offset).ok().filter(|_| !name.is_empty());
            let Some(offset) = offset else { return };
            Base::Structure { name, offset }
        }
        Spot::After(address) => Base::After(address.into()),
        Spot::Unknown => return,
    };
    uses.loose_accesses.push(LooseAccess { pc, base, size_bytes, kind, value });
}

/// What an instruction does there, and what it stores.
fn stored(seen: &Seen) -> (AccessKind, Value) {
    if !seen.is_store {
        return (AccessKind::Read, Value::Unknown);
    }
    let all = mask(seen.bytes);
    let kept = seen.spot.source(seen.bytes).map_or(0, |source| seen.stored.kept_from(source));
    let (set, clear) = (seen.stored.ones() & all, seen.stored.zeros() & all);
    let unknown = all & !(set | clear | kept);
    let kind = match kept {
        0 => AccessKind::Write,
        _ => AccessKind::ReadModifyWrite,
    };
    let value = match (set | clear, unknown) {
        (known, _) if known == all => Value::Known(set.into()),
        (_, unknown) if unknown == all => Value::Unknown,
        _ => Value::Masked { set: set.into(), clear: clear.into(), unknown: unknown.into() },
    };
    (kind, value)
}
