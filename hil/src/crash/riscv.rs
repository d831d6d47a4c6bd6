//! The call chain of an RV32 core. There is no stacked exception frame to step over: what a trap handler
//! saved, its call frame information tells, or nothing does.
//!
//! Source: RISC-V ELF psABI 1.0, "Register Convention" (who keeps what), "DWARF Register Numbers".

use bundle::{CallKind, CoreState};

use super::image::{Image, Row, Rule};
use super::memory::Memory;
use super::walk::{self, END_TOP, Walk, walk};

const RA: usize = 1;
const SP: usize = 2;

/// Registers that a function gives back as it found them: sp, gp, tp, s0 to s11.
fn is_kept(number: usize) -> bool {
    matches!(number, 2..=4 | 8..=9 | 18..=27)
}

/// The registers of one frame. `None`: not known at this depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Registers {
    x: [Option<u32>; 32],
    pc: u32,
}

impl Registers {
    /// `None` if the core was not halted or is no 32-bit RISC-V core.
    pub(super) fn of(core: &CoreState) -> Option<Self> {
        let named = |number: usize| {
            let is_it = |name: &str| name == format!("x{number}") || name == ABI_NAMES[number];
            let found = core.registers.iter().find(|register| is_it(&register.name))?;
            u32::try_from(found.value?).ok()
        };
        let is_pc = |name: &str| name.eq_ignore_ascii_case("pc");
        let pc = core.registers.iter().find(|register| is_pc(&register.name))?;
        let mut x = [None; 32];
        for (number, register) in x.iter_mut().enumerate() {
            *register = named(number);
        }
        x[0] = Some(0);
        x[SP]?;
        Some(Self { x, pc: u32::try_from(pc.value?).ok()? })
    }
}

/// Source: RISC-V ELF psABI 1.0, "Integer Register Convention".
const ABI_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

impl walk::Registers for Registers {
    fn pc(&self) -> u32 {
        self.pc
    }

    fn sp(&self) -> u32 {
        self.x[SP].unwrap_or(0)
    }

    fn by_number(&self, number: u16, kind: CallKind) -> Option<u64> {
        let number = usize::from(number);
        // The call put its return address there.
        let is_spoilt = number == RA && kind == CallKind::Caller;
        self.x.get(number).copied().flatten().filter(|_| !is_spoilt).map(u64::from)
    }
}

/// Walks outwards from where the core stopped.
pub(super) fn unwind(
    image: Option<&Image>,
    memory: &Memory<'_>,
    core: usize,
    start: Registers,
) -> Walk<Registers> {
    walk(core, start, |registers, at, kind| {
        let row = image.and_then(|image| image.unwind_row(at));
        let next = outwards(image, memory, registers, row.as_ref(), kind)?;
        Ok((next, CallKind::Caller))
    })
}

/// The caller's registers, or why there are none.
fn outwards(
    image: Option<&Image>,
    memory: &Memory<'_>,
    registers: &Registers,
    row: Option<&Row>,
    kind: CallKind,
) -> Result<Registers, String> {
    let mut caller = match row {
        Some(row) => apply(memory, registers, row)
            .ok_or_else(|| "the stack cannot be read here".to_owned())?,
        // The innermost function may not have touched the stack.
        None if kind == CallKind::Stopped => registers.clone(),
        None => return Err("no call frame information here".to_owned()),
    };
    let return_register = row.map_or(RA, |row| usize::from(row.return_register));
    let target = caller.x.get(return_register).copied().flatten();
    let target = target.ok_or_else(|| END_TOP.to_owned())?;
    let is_stuck = target == registers.pc && caller.x[SP] == registers.x[SP];
    if target == 0 || is_stuck {
        return Err(END_TOP.to_owned());
    }
    // A function may end in a call that does not come back.
    if image.is_some_and(|image| !image.is_code(target.wrapping_sub(1))) {
        return Err(format!("the return address {target:#010x} is in no code of this firmware"));
    }
    caller.pc = target;
    Ok(caller)
}

/// `None`: the stack cannot be read.
fn apply(memory: &Memory<'_>, registers: &Registers, row: &Row) -> Option<Registers> {
    let base = (*registers.x.get(usize::from(row.cfa.0))?)?;
    let cfa = base.wrapping_add_signed(i32::try_from(row.cfa.1).ok()?);
    let offset = |by: i64| Some(cfa.wrapping_add_signed(i32::try_from(by).ok()?));
    let mut caller = registers.clone();
    for (number, rule) in row.rules.iter().enumerate().skip(1) {
        caller.x[number] = match *rule {
            // What the caller called with is in RA until it is saved.
            Rule::Unspecified if is_kept(number) || number == RA => registers.x[number],
            Rule::Unspecified | Rule::Undefined => None,
            Rule::Same => registers.x[number],
            Rule::Saved(by) => Some(memory.word(offset(by)?)?),
            Rule::Value(by) => offset(by),
            Rule::Register(other) => *registers.x.get(usize::from(other))?,
        };
    }
    if matches!(row.rules[SP], Rule::Unspecified) {
        caller.x[SP] = Some(cfa);
    }
    Some(caller)
}
