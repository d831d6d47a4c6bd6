//! How deep a function's own code takes the stack, followed from its entry over every branch.
//!
//! Only the stack pointer matters, and what is derived from it: frame pointers, the constants that
//! large frames are made with. Where that is lost, or paths meet at different depths, nothing is said.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};

use super::abi::Abi;
use super::body::{Body, Code, Step, When};
use super::instruction::{
    Arithmetic, Condition, Operand, Operation, PC, Place, REGISTERS, Register, Update,
};
use super::program::Program;

/// What the code of one function tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Bytes at the deepest point.
    Bytes(u64),
    /// The stack pointer takes a value that is known at run time only; at least so many bytes.
    Dynamic(u64),
    /// It could not be followed.
    Unknown,
}

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// So many bytes from the stack pointer at entry.
    Stack(i64),
    Constant(u32),
}

/// Registers before an instruction.
type State = [Option<Held>; REGISTERS];

/// Deeper than any memory of a microcontroller: damage, or data taken for code.
const MAX_DEPTH: i64 = 1 << 30;

/// Depths of all functions, by start.
pub(crate) fn depths(program: &Program<'_>) -> BTreeMap<u32, Depth> {
    let depth = |(&start, body): (&u32, &std::rc::Rc<Body>)| (start, depth(program, body));
    program.bodies.iter().map(depth).collect()
}

fn depth(program: &Program<'_>, body: &Body) -> Depth {
    let Some(block) = body.block(body.start) else { return Depth::Unknown };
    let abi = program.abi();
    let mut walk = Walk { program, body, abi, deepest: 0, states: HashMap::new() };
    let mut entry: State = [None; REGISTERS];
    entry[usize::from(abi.stack_pointer)] = Some(Held::Stack(0));
    match walk.follow(body.blocks[block].first, entry) {
        Ok(()) if body.is_resolved => Depth::Bytes(walk.deepest.unsigned_abs()),
        Err(Stop::Dynamic) => Depth::Dynamic(walk.deepest.unsigned_abs()),
        _ => Depth::Unknown,
    }
}

/// Why nothing exact can be said.
enum Stop {
    Dynamic,
    Unknown,
}

struct Walk<'a, 'p> {
    program: &'a Program<'p>,
    body: &'a Body,
    abi: &'static Abi,
    /// Lowest offset of the stack pointer so far.
    deepest: i64,
    /// Before the first instruction of each block that was reached.
    states: HashMap<usize, State>,
}

impl Walk<'_, '_> {
    fn follow(&mut self, first: usize, entry: State) -> Result<(), Stop> {
        let mut open = vec![(first, entry)];
        while let Some((position, state)) = open.pop() {
            let step = &self.body.steps[position];
            // Elsewhere only the instruction before leads to it.
            let state = match self.body.block(step.address) {
                Some(_) => self.meet(position, state)?,
                None => Some(state),
            };
            let Some(state) = state else { continue };
            let after = self.after(step, state)?;
            for target in step.targets.iter().copied().chain(target_of(step)) {
                let position = self.body.block(target).map(|block| self.body.blocks[block].first);
                open.extend(position.map(|position| (position, after)));
            }
            open.extend(step.next.map(|next| (next, after)));
        }
        Ok(())
    }

    /// What holds on all ways to a step; `None` if nothing is new.
    fn meet(&mut self, position: usize, state: State) -> Result<Option<State>, Stop> {
        let sp = usize::from(self.abi.stack_pointer);
        let Some(known) = self.states.get_mut(&position) else {
            self.states.insert(position, state);
            return Ok(Some(state));
        };
        if known[sp] != state[sp] {
            return Err(Stop::Unknown);
        }
        let mut is_new = false;
        for (known, other) in known.iter_mut().zip(state) {
            if known.is_some() && *known != other {
                *known = None;
                is_new = true;
            }
        }
        Ok(is_new.then_some(*known))
    }

    /// Registers after a step, on the ways that stay in the function.
    fn after(&mut self, step: &Step, before: State) -> Result<State, Stop> {
        let mut state = before;
        self.apply(step, &mut state)?;
        let sp = usize::from(self.abi.stack_pointer);
        match state[sp] {
            Some(Held::Stack(offset)) if offset > -MAX_DEPTH => {
                self.deepest = self.deepest.min(offset);
            }
            _ => return Err(Stop::Dynamic),
        }
        if step.when != When::Always {
            // A conditional return leaves; whoever is still here did nothing.
            if leaves(step) {
                return Ok(before);
            }
            if state[sp] != before[sp] {
                return Err(Stop::Unknown);
            }
            for (now, was) in state.iter_mut().zip(before) {
                *now = now.filter(|now| Some(*now) == was);
            }
        }
        Ok(state)
    }

    fn apply(&self, step: &Step, state: &mut State) -> Result<(), Stop> {
        let sp = self.abi.stack_pointer;
        let instruction = &step.instruction;
        let result = self.result(step, state);
        let moved = moved_base(&instruction.operation, state);
        match instruction.operation {
            // RISC-V's helpers that save registers link to another register than calls do.
            Operation::Call { target: None } if !self.abi.has_thumb_bit => {
                return Err(Stop::Unknown);
            }
            Operation::Call { .. } | Operation::CallRegister { .. } => {
                forget(state, self.abi.clobbered);
                return Ok(());
            }
            _ => {}
        }
        let writes = instruction.writes();
        let vector = self.vector_move(step).filter(|_| writes & (1 << sp) != 0);
        let old = held(state, sp);
        forget(state, writes);
        if let Some((to, value)) = result {
            state[usize::from(to)] = value;
        }
        if let Some((base, value)) = moved {
            state[usize::from(base)] = value;
        }
        if let (Some(bytes), Some(Held::Stack(offset))) = (vector, old) {
            state[usize::from(sp)] = Some(Held::Stack(offset + bytes));
        }
        Ok(())
    }

    /// The register that takes a result, and what it then holds.
    fn result(&self, step: &Step, state: &State) -> Option<(Register, Option<Held>)> {
        let value = |operand| match operand {
            Operand::Immediate(value) => Some(Held::Constant(value)),
            Operand::Register(register) => held(state, register),
            Operand::Shifted(..) => None,
        };
        Some(match step.instruction.operation {
            Operation::Move { to, from } => (to, value(from)),
            Operation::MoveNot { to, from: Operand::Immediate(from) } => {
                (to, Some(Held::Constant(!from)))
            }
            Operation::MoveTop { to, half } => match held(state, to) {
                Some(Held::Constant(low)) => {
                    (to, Some(Held::Constant((low & 0xffff) | (u32::from(half) << 16))))
                }
                _ => (to, None),
            },
            Operation::Compute { what, to, first, second } => {
                (to, computed(what, held(state, first)?, value(second)?))
            }
            Operation::Load { to, width, place: Place::Absolute(address) } if width.bytes == 4 => {
                (to, self.program.literal(address, 4).map(Held::Constant))
            }
            _ => return None,
        })
    }

    /// VPUSH and VPOP move the stack pointer by so many bytes.
    ///
    /// Source: ARMv7-M ARM, DDI 0403E, A7.7.258 (VPUSH), A7.7.257 (VPOP).
    fn vector_move(&self, step: &Step) -> Option<i64> {
        if !self.abi.has_thumb_bit || step.instruction.size != 4 {
            return None;
        }
        let first = self.program.literal(step.address, 2)?;
        let words = i64::from(self.program.literal(step.address + 2, 2)? & 0xff);
        match first & 0xffbf {
            0xed2d => Some(-4 * words),
            0xecbd => Some(4 * words),
            _ => None,
        }
    }
}

fn held(state: &State, register: Register) -> Option<Held> {
    state[usize::from(register)]
}

fn forget(state: &mut State, registers: u32) {
    for (number, register) in state.iter_mut().enumerate() {
        if registers & (1 << number) != 0 {
            *register = None;
        }
    }
}

fn computed(what: Arithmetic, first: Held, second: Held) -> Option<Held> {
    let signed = |value: u32| i64::from(value as i32);
    Some(match (what, first, second) {
        (Arithmetic::Add, Held::Stack(offset), Held::Constant(value))
        | (Arithmetic::Add, Held::Constant(value), Held::Stack(offset)) => {
            Held::Stack(offset + signed(value))
        }
        (Arithmetic::Subtract, Held::Stack(offset), Held::Constant(value)) => {
            Held::Stack(offset - signed(value))
        }
        (Arithmetic::Add, Held::Constant(a), Held::Constant(b)) => {
            Held::Constant(a.wrapping_add(b))
        }
        (Arithmetic::Subtract, Held::Constant(a), Held::Constant(b)) => {
            Held::Constant(a.wrapping_sub(b))
        }
        (Arithmetic::ReverseSubtract, Held::Constant(a), Held::Constant(b)) => {
            Held::Constant(b.wrapping_sub(a))
        }
        _ => return None,
    })
}

/// The base register that a load or store moves, and what it then holds.
fn moved_base(operation: &Operation, state: &State) -> Option<(Register, Option<Held>)> {
    let by = |base: Register, bytes: i64| {
        let moved = match held(state, base)? {
            Held::Stack(offset) => Some(Held::Stack(offset + bytes)),
            Held::Constant(_) => None,
        };
        Some((base, moved))
    };
    match *operation {
        Operation::StoreMany { base, list, update: true, down }
        | Operation::LoadMany { base, list, update: true, down } => {
            let bytes = 4 * i64::from(list.count_ones());
            by(base, if down { -bytes } else { bytes })
        }
        Operation::Store { place, .. }
        | Operation::StoreTwo { place, .. }
        | Operation::Load { place, .. }
        | Operation::LoadTwo { place, .. } => match place {
            Place::Indexed { base, offset: Operand::Immediate(offset), subtract, update }
                if update != Update::None =>
            {
                let bytes = i64::from(offset as i32);
                by(base, if subtract { -bytes } else { bytes })
            }
            _ => None,
        },
        _ => None,
    }
}

fn target_of(step: &Step) -> Option<u32> {
    match step.instruction.operation {
        Operation::Branch { target, .. } => Some(target),
        _ => None,
    }
}

fn leaves(step: &Step) -> bool {
    match step.instruction.operation {
        Operation::Leave | Operation::LeaveRegister { .. } | Operation::Stop => true,
        Operation::Branch { condition, .. } => condition == Condition::Always,
        Operation::LoadMany { list, .. } => list & (1 << PC) != 0,
        _ => false,
    }
}
