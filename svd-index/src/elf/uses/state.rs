//! What is known at one point of a function: registers, flags and stack slots, and how an
//! instruction changes it.

use super::abi::{Abi, GLOBAL_POINTER};
use super::content::{Content, Pointer, Touch, UNKNOWN, moved};
use super::flags::Flags;
use super::instruction::{
    Arithmetic, Condition, Instruction, Operand, Operation, REGISTERS, Register, Shift, Test,
};
use super::word::Word;

/// The program around the code: memory, and somebody who takes note of what is touched.
pub(crate) trait World {
    fn abi(&self) -> &'static Abi;

    /// Little-endian value at `address`, if the program cannot write there.
    fn constant(&self, address: u32, bytes: u8) -> Option<u32>;

    /// Value that an instruction reads from its own literal pool.
    fn literal(&self, address: u32, bytes: u8) -> Option<u32>;

    /// Value of the register that points to small variables, where there is one.
    fn global_pointer(&self) -> Option<u32>;

    /// Whether `address` is outside of the program's own memory.
    fn is_register(&self, address: u32) -> bool;

    /// What a load from the program's own changeable memory gives.
    fn variable(&mut self, address: u32, bytes: u8) -> Content;

    /// What the pointer that stands in a structure gives.
    fn member(&self, pointer: Pointer) -> Content;

    /// What an element of the array or table around `address` holds, whichever it is.
    fn element(&self, address: u32) -> Content;

    /// Takes note of a load or store outside of the stack.
    fn touch(&mut self, touch: Touch);

    /// Takes note of an address that the code makes: it may be a function's.
    fn make(&mut self, address: u32);
}

/// A value kept on the stack, by offset from the stack pointer at entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) offset: i32,
    pub(super) bytes: u8,
    pub(super) content: Content,
}

/// Registers, flags, and the stack slots whose content is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) registers: [Content; REGISTERS],
    pub(super) flags: Flags,
    /// Inside of an IT block: whether its condition holds, where one side was chosen.
    pub(crate) holds: Option<bool>,
    /// By offset; they do not overlap.
    pub(super) slots: Vec<Slot>,
    /// Whether somebody else may hold an address in this function's stack.
    pub(super) escaped: bool,
    /// Whether an index was chosen on the way here.
    pub(super) has_chosen: bool,
}

/// Which of several things an instruction does, where that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    None,
    /// It loads this from a variable.
    Loaded(u32),
    /// A register that it uses as an index holds this.
    Index {
        register: Register,
        value: u32,
    },
}

impl State {
    /// At the first instruction of a function of which no caller is known.
    pub(crate) fn entry(world: &impl World) -> Self {
        let mut registers = [UNKNOWN; REGISTERS];
        let abi = world.abi();
        registers[usize::from(abi.stack_pointer)] = Content::Stack(0);
        if abi.has_zero {
            registers[0] = Content::Word(Word::constant(0));
        }
        if let Some(address) = world.global_pointer() {
            registers[usize::from(GLOBAL_POINTER)] = Content::Word(Word::constant(address));
        }
        Self {
            registers,
            flags: Flags::Unknown,
            holds: None,
            slots: Vec::new(),
            escaped: false,
            has_chosen: false,
        }
    }

    /// Fills in a register of which nothing is known.
    pub(crate) fn suppose(&mut self, register: Register, content: Content) {
        let known = &mut self.registers[usize::from(register)];
        if *known == UNKNOWN {
            *known = content;
        }
    }

    /// The value of a register, if all of it is known.
    pub(crate) fn constant(&self, register: Register) -> Option<u32> {
        match self.registers[usize::from(register)] {
            Content::Word(word) => word.as_constant(),
            _ => None,
        }
    }

    /// Forgets the registers that are not in `live`: nobody reads them any more.
    pub(crate) fn keep_only(&mut self, live: u32) {
        for (number, register) in self.registers.iter_mut().enumerate() {
            // A stack address that is still somewhere must be seen when it is overwritten.
            if live & (1 << number) == 0 && !matches!(register, Content::Stack(_)) {
                *register = UNKNOWN;
            }
        }
    }

    /// Keeps what holds in both. True if that is less than before.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (mine, theirs) in self.registers.iter_mut().zip(&other.registers) {
            if mine == theirs {
                continue;
            }
            // A stack address that is no longer seen as one may be written through.
            let is_stack = |content: &Content| matches!(content, Content::Stack(_));
            if (is_stack(mine) || is_stack(theirs)) && !self.escaped {
                (self.escaped, changed) = (true, true);
            }
            let joined = mine.join(*theirs);
            changed |= joined != *mine;
            *mine = joined;
        }
        changed |= self.join_slots(other);
        if self.flags != other.flags && self.flags != Flags::Unknown {
            (self.flags, changed) = (Flags::Unknown, true);
        }
        if self.holds != other.holds && self.holds.is_some() {
            (self.holds, changed) = (None, true);
        }
        changed |= other.has_chosen && !self.has_chosen;
        self.has_chosen |= other.has_chosen;
        changed |= other.escaped && !self.escaped;
        self.escaped |= other.escaped;
        changed
    }

    fn join_slots(&mut self, other: &Self) -> bool {
        let (mut changed, mut escaped) = (false, self.escaped);
        self.slots.retain_mut(|slot| {
            let theirs = other.slot(slot.offset, slot.bytes).unwrap_or(UNKNOWN);
            if slot.content == theirs {
                return true;
            }
            let is_stack = |content| matches!(content, Content::Stack(_));
            escaped |= is_stack(slot.content) || is_stack(theirs);
            let joined = slot.content.join(theirs);
            changed |= joined != slot.content;
            slot.content = joined;
            joined != UNKNOWN
        });
        changed |= escaped != self.escaped;
        self.escaped = escaped;
        changed
    }

    /// Carries out one instruction and reports what memory it touches. Where it goes on is for
    /// the caller to see. `is_conditional`: it stands in an IT block.
    pub(crate) fn step(
        &mut self,
        instruction: &Instruction,
        is_conditional: bool,
        world: &mut impl World,
        choice: Choice,
    ) {
        if let Choice::Index { register, value } = choice {
            self.set(register, Content::Word(Word::constant(value)));
            self.has_chosen = true;
        }
        let flags = self.flags_after(instruction, is_conditional && instruction.size == 2);
        self.carry_out(instruction.operation, world, choice);
        let abi = world.abi();
        if abi.has_zero {
            self.registers[0] = Content::Word(Word::constant(0));
        }
        // A stack pointer that is not understood makes every slot's offset stale.
        if !matches!(self.registers[usize::from(abi.stack_pointer)], Content::Stack(_)) {
            self.escaped = true;
            self.slots.clear();
        }
        self.flags = match flags {
            Some(flags) => flags,
            // The result is known only now.
            None => match instruction.result().and_then(|result| self.constant(result)) {
                Some(value) => Flags::Result(value),
                None => Flags::Unknown,
            },
        };
    }

    fn carry_out(&mut self, operation: Operation, world: &mut impl World, choice: Choice) {
        match operation {
            Operation::Move { to, from } => {
                let content = self.operand(from);
                self.set(to, content);
            }
            Operation::MoveNot { to, from } => {
                let word = self.consumed(from).not();
                self.set(to, Content::Word(word));
            }
            Operation::MoveTop { to, half } => {
                let low = self.word(to).low_bits(16, false);
                let word = low.or(Word::constant(u32::from(half) << 16));
                word.as_constant().inspect(|&value| world.make(value));
                self.set(to, Content::Word(word));
            }
            Operation::Compute { what, to, first, second } => {
                let content = self.compute(what, first, second);
                // RISC-V adds the lower bits of an address; Arm has them in one piece.
                let makes_address = what == Arithmetic::Add && !world.abi().has_thumb_bit;
                if let (true, Content::Word(word)) = (makes_address, content) {
                    word.as_constant().inspect(|&value| world.make(value));
                }
                self.set(to, content);
            }
            Operation::ShiftBy { how, to, from, by } => {
                let word = self.shift_by(how, from, by);
                self.set(to, Content::Word(word));
            }
            Operation::Extend { to, from, width, rotate } => {
                let word = self.word(from);
                let word = if rotate == 0 { word } else { word.shifted(Shift::Rotate, rotate) };
                let width_bits = u32::from(width.bytes) * 8;
                self.set(to, Content::Word(word.low_bits(width_bits, width.signed)));
            }
            Operation::ExtractBits { to, from, lsb, width, signed } => {
                let moved = self.word(from).shifted(Shift::LogicalRight, lsb);
                self.set(to, Content::Word(moved.low_bits(width.into(), signed)));
            }
            Operation::InsertBits { to, from, lsb, width } => {
                let word = self.insert_bits(to, from, lsb, width);
                self.set(to, Content::Word(word));
            }
            Operation::SetIfLess { to, first, second, signed } => {
                let test = if signed { Test::Less } else { Test::LessUnsigned };
                let word = match self.decide(Condition::Registers(test, first, second)) {
                    Some(is_less) => Word::constant(is_less.into()),
                    None => Word::UNKNOWN.low_bits(1, false),
                };
                self.set(to, Content::Word(word));
            }
            Operation::Call { .. } | Operation::CallRegister { .. } => self.call(world.abi()),
            Operation::Other { writes, stores, .. } => self.forget(writes, stores),
            Operation::Compare { .. }
            | Operation::Branch { .. }
            | Operation::Leave
            | Operation::LeaveRegister { .. }
            | Operation::JumpTable { .. }
            | Operation::Jump
            | Operation::IfThen { .. }
            | Operation::Stop => {}
            _ => self.memory_step(operation, world, choice),
        }
    }

    pub(super) fn word(&mut self, register: Register) -> Word {
        match self.registers[usize::from(register)] {
            Content::Word(word) => word,
            // Whatever becomes of it now may still point into the stack.
            Content::Stack(_) => {
                self.escaped = true;
                Word::UNKNOWN
            }
            Content::Pointer(_) | Content::After(_) => Word::UNKNOWN,
        }
    }

    pub(super) fn operand(&mut self, operand: Operand) -> Content {
        match operand {
            Operand::Immediate(value) => Content::Word(Word::constant(value)),
            Operand::Register(register) => self.registers[usize::from(register)],
            Operand::Shifted(register, how, amount) => {
                Content::Word(self.word(register).shifted(how, amount))
            }
        }
    }

    /// An operand whose stack address, if it is one, gets lost.
    pub(super) fn consumed(&mut self, operand: Operand) -> Word {
        match self.operand(operand) {
            Content::Word(word) => word,
            Content::Stack(_) => {
                self.escaped = true;
                Word::UNKNOWN
            }
            Content::Pointer(_) | Content::After(_) => Word::UNKNOWN,
        }
    }

    pub(super) fn compute(
        &mut self,
        what: Arithmetic,
        first: Register,
        second: Operand,
    ) -> Content {
        let left = self.registers[usize::from(first)];
        let right = self.operand(second);
        if let Some(moved) = moved(what, left, right) {
            return moved;
        }
        let is_stack = |content| matches!(content, Content::Stack(_));
        self.escaped |= is_stack(left) || is_stack(right);
        let (Content::Word(left), Content::Word(right)) = (left, right) else {
            return UNKNOWN;
        };
        Content::Word(match what {
            Arithmetic::Add => left.add(right),
            Arithmetic::Subtract => left.subtract(right),
            Arithmetic::ReverseSubtract => right.subtract(left),
            Arithmetic::And => left.and(right),
            Arithmetic::Or => left.or(right),
            Arithmetic::ExclusiveOr => left.exclusive_or(right),
            Arithmetic::BitClear => left.and(right.not()),
            Arithmetic::OrNot => left.or(right.not()),
            Arithmetic::Multiply => left.multiply(right),
        })
    }

    fn shift_by(&mut self, how: Shift, from: Register, by: Register) -> Word {
        let word = self.word(from);
        match self.word(by).as_constant() {
            // Only the lowest byte counts (ARMv7-M ARM, DDI 0403E, A7.7.68).
            Some(amount) if amount & 0xff == 0 => word,
            Some(amount) if how == Shift::Rotate => match amount & 0x1f {
                0 => word,
                amount => word.shifted(how, amount as u8),
            },
            Some(amount) => word.shifted(how, (amount & 0xff).min(32) as u8),
            None => Word::UNKNOWN,
        }
    }

    fn insert_bits(&mut self, to: Register, from: Option<Register>, lsb: u8, width: u8) -> Word {
        let field = (u32::MAX >> (32 - u32::from(width))) << lsb;
        let rest = self.word(to).and(Word::constant(!field));
        let inserted = match from {
            Some(from) => self.word(from).shifted(Shift::Left, lsb).and(Word::constant(field)),
            None => Word::constant(0),
        };
        rest.or(inserted)
    }

    fn forget(&mut self, writes: u32, stores: bool) {
        for register in registers_of(writes) {
            self.set(register, UNKNOWN);
        }
        if stores {
            self.slots.clear();
        }
    }

    pub(super) fn set(&mut self, register: Register, content: Content) {
        self.registers[usize::from(register)] = content;
    }
}

pub(super) fn registers_of(list: u32) -> impl Iterator<Item = Register> {
    (0..REGISTERS as Register).filter(move |register| list & (1 << register) != 0)
}
