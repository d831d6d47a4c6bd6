//! What is known at one point of a function: registers and stack slots, and how an instruction
//! changes it.

use super::instruction::{
    Arithmetic, Instruction, LR, Operand, Operation, Place, Register, SP, Shift, Update, Width,
};
use super::word::{Source, Word, mask};

/// Memory that does not change while the program runs.
pub(crate) trait Memory {
    /// Little-endian value at `address`, if the program cannot write there.
    fn constant(&self, address: u32, bytes: u8) -> Option<u32>;

    /// Value that an instruction reads from its own literal pool.
    fn literal(&self, address: u32, bytes: u8) -> Option<u32>;

    /// Whether `address` is outside of the program's own memory.
    fn is_register(&self, address: u32) -> bool;
}

/// A load or store at a known address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    pub(crate) address: u32,
    pub(crate) bytes: u8,
    /// What is stored; `None` for a load.
    pub(crate) stored: Option<Word>,
}

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Word(Word),
    /// The stack pointer at entry plus this.
    Stack(i32),
}

const UNKNOWN: Content = Content::Word(Word::UNKNOWN);

/// A value kept on the stack, by offset from the stack pointer at entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    offset: i32,
    bytes: u8,
    content: Content,
}

/// Registers, and the stack slots whose content is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    registers: [Content; 16],
    /// By offset; they do not overlap.
    slots: Vec<Slot>,
    /// Whether somebody else may hold an address in this function's stack.
    escaped: bool,
}

/// How many stack slots are followed: enough for functions that people write; a bound for those
/// that tables generate.
const MAX_SLOTS: usize = 64;

impl State {
    /// At the first instruction of a function.
    pub(crate) fn entry() -> Self {
        let mut registers = [UNKNOWN; 16];
        registers[usize::from(SP)] = Content::Stack(0);
        Self { registers, slots: Vec::new(), escaped: false }
    }

    /// At a point that is reached in ways that are not known.
    pub(crate) fn unknown() -> Self {
        Self { registers: [UNKNOWN; 16], slots: Vec::new(), escaped: true }
    }

    /// Keeps what holds in both. True if that is less than before.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        let before = self.clone();
        for (mine, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *mine = match (*mine, *theirs) {
                (mine, theirs) if mine == theirs => mine,
                (Content::Word(mine), Content::Word(theirs)) => Content::Word(mine.join(theirs)),
                // A stack address that is no longer seen as one may be written through.
                _ => {
                    self.escaped = true;
                    UNKNOWN
                }
            };
        }
        self.slots.retain_mut(|slot| {
            let theirs = other.slot(slot.offset, slot.bytes);
            match (slot.content, theirs) {
                (mine, Some(theirs)) if mine == theirs => true,
                (Content::Word(mine), Some(Content::Word(theirs))) => {
                    slot.content = Content::Word(mine.join(theirs));
                    true
                }
                _ => false,
            }
        });
        self.escaped |= other.escaped;
        *self != before
    }

    /// Carries out one instruction and reports what memory it touches at known addresses.
    pub(crate) fn step(
        &mut self,
        instruction: &Instruction,
        memory: &impl Memory,
        touch: &mut impl FnMut(Touch),
    ) {
        match instruction.operation {
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
                self.set(to, Content::Word(word));
            }
            Operation::Compute { what, to, first, second } => {
                let content = self.compute(what, first, second);
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
            Operation::Call { .. } => self.call(),
            Operation::Other { writes, stores } => self.forget(writes, stores),
            Operation::Compare { .. }
            | Operation::Branch { .. }
            | Operation::Leave
            | Operation::JumpTable { .. }
            | Operation::Jump
            | Operation::IfThen { .. }
            | Operation::Stop => {}
            _ => self.memory_step(instruction.operation, memory, touch),
        }
    }

    fn memory_step(
        &mut self,
        operation: Operation,
        memory: &impl Memory,
        touch: &mut impl FnMut(Touch),
    ) {
        match operation {
            Operation::Load { to, width, place } => {
                let from = self.address(place);
                let is_literal = matches!(place, Place::Absolute(_));
                let content = self.load(from, width, is_literal, memory, touch);
                self.set(to, content);
            }
            Operation::Store { from, width, place, status } => {
                let content = self.registers[usize::from(from)];
                let to = self.address(place);
                self.store(to, width.bytes, content, memory, touch);
                if let Some(status) = status {
                    self.set(status, UNKNOWN);
                }
            }
            Operation::LoadTwo { to, place } => {
                let from = self.address(place);
                let is_literal = matches!(place, Place::Absolute(_));
                let contents =
                    [0, 4].map(|step| self.load(plus(from, step), WORD, is_literal, memory, touch));
                for (register, content) in to.into_iter().zip(contents) {
                    self.set(register, content);
                }
            }
            Operation::StoreTwo { from, place } => {
                let contents = from.map(|register| self.registers[usize::from(register)]);
                let to = self.address(place);
                for (step, content) in [0, 4].into_iter().zip(contents) {
                    self.store(plus(to, step), 4, content, memory, touch);
                }
            }
            Operation::LoadMany { base, list, update, down } => {
                let start = self.many_start(base, list, update, down);
                for (step, register) in (0..).step_by(4).zip(registers_of(list)) {
                    let content = self.load(plus(start, step), WORD, false, memory, touch);
                    self.set(register, content);
                }
            }
            Operation::StoreMany { base, list, update, down } => {
                // What is stored for the base itself is its value before the update.
                let contents: Vec<Content> =
                    registers_of(list).map(|r| self.registers[usize::from(r)]).collect();
                let start = self.many_start(base, list, update, down);
                for (step, content) in (0..).step_by(4).zip(contents) {
                    self.store(plus(start, step), 4, content, memory, touch);
                }
            }
            _ => {}
        }
    }

    fn many_start(&mut self, base: Register, list: u16, update: bool, down: bool) -> Content {
        let length = 4 * list.count_ones() as i32;
        let content = self.registers[usize::from(base)];
        let moved = plus(content, if down { -length } else { length });
        if update {
            self.set(base, moved);
        }
        if down { moved } else { content }
    }

    fn word(&mut self, register: Register) -> Word {
        match self.registers[usize::from(register)] {
            Content::Word(word) => word,
            // Whatever becomes of it now may still point into the stack.
            Content::Stack(_) => {
                self.escaped = true;
                Word::UNKNOWN
            }
        }
    }

    fn operand(&mut self, operand: Operand) -> Content {
        match operand {
            Operand::Immediate(value) => Content::Word(Word::constant(value)),
            Operand::Register(register) => self.registers[usize::from(register)],
            Operand::Shifted(register, how, amount) => {
                Content::Word(self.word(register).shifted(how, amount))
            }
        }
    }

    /// An operand whose stack address, if it is one, gets lost.
    fn consumed(&mut self, operand: Operand) -> Word {
        match self.operand(operand) {
            Content::Word(word) => word,
            Content::Stack(_) => {
                self.escaped = true;
                Word::UNKNOWN
            }
        }
    }

    fn compute(&mut self, what: Arithmetic, first: Register, second: Operand) -> Content {
        let left = self.registers[usize::from(first)];
        let right = self.operand(second);
        // Stack addresses move by constants, and stay stack addresses.
        let by = |content: Content| match content {
            Content::Word(word) => word.as_constant().map(|value| value as i32),
            Content::Stack(_) => None,
        };
        match (what, left, right) {
            (Arithmetic::Add, Content::Stack(at), other)
            | (Arithmetic::Add, other, Content::Stack(at))
                if by(other).is_some() =>
            {
                return Content::Stack(at.wrapping_add(by(other).unwrap_or_default()));
            }
            (Arithmetic::Subtract, Content::Stack(at), other) if by(other).is_some() => {
                return Content::Stack(at.wrapping_sub(by(other).unwrap_or_default()));
            }
            _ => {}
        }
        let (Content::Word(left), Content::Word(right)) = (left, right) else {
            self.escaped = true;
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

    /// Address of an access, with the base updated.
    fn address(&mut self, place: Place) -> Content {
        let (base, offset, subtract, update) = match place {
            Place::Absolute(address) => return Content::Word(Word::constant(address)),
            Place::Indexed { base, offset, subtract, update } => (base, offset, subtract, update),
        };
        let what = if subtract { Arithmetic::Subtract } else { Arithmetic::Add };
        let before = self.registers[usize::from(base)];
        let sum = self.compute(what, base, offset);
        match update {
            Update::None => sum,
            Update::Before => {
                self.set(base, sum);
                sum
            }
            Update::After => {
                self.set(base, sum);
                before
            }
        }
    }

    fn load(
        &mut self,
        from: Content,
        width: Width,
        is_literal: bool,
        memory: &impl Memory,
        touch: &mut impl FnMut(Touch),
    ) -> Content {
        let width_bits = u32::from(width.bytes) * 8;
        let address = match from {
            Content::Stack(offset) => {
                return match self.slot(offset, width.bytes) {
                    Some(Content::Word(word)) => {
                        Content::Word(word.low_bits(width_bits, width.signed))
                    }
                    Some(stack) if width.bytes == 4 => stack,
                    _ => UNKNOWN,
                };
            }
            Content::Word(word) => word.as_constant(),
        };
        let Some(address) = address else { return UNKNOWN };
        let constant = if is_literal {
            memory.literal(address, width.bytes)
        } else {
            memory.constant(address, width.bytes)
        };
        let word = match constant {
            Some(value) => Word::constant(value),
            None if memory.is_register(address) => {
                touch(Touch { address, bytes: width.bytes, stored: None });
                Word::loaded(Source { address, bytes: width.bytes })
            }
            None => return UNKNOWN,
        };
        Content::Word(word.low_bits(width_bits, width.signed))
    }

    fn store(
        &mut self,
        to: Content,
        bytes: u8,
        content: Content,
        memory: &impl Memory,
        touch: &mut impl FnMut(Touch),
    ) {
        match to {
            Content::Stack(offset) => return self.store_slot(offset, bytes, content),
            Content::Word(address) => match address.as_constant() {
                Some(address) if memory.is_register(address) => {
                    let stored = match content {
                        Content::Word(word) => word.and(Word::constant(mask(bytes))),
                        Content::Stack(_) => Word::UNKNOWN,
                    };
                    touch(Touch { address, bytes, stored: Some(stored) });
                }
                Some(_) => {}
                None if self.escaped => self.slots.clear(),
                None => {}
            },
        }
        // Its address is now where others can find it.
        if matches!(content, Content::Stack(_)) {
            self.escaped = true;
        }
    }

    fn slot(&self, offset: i32, bytes: u8) -> Option<Content> {
        let found = self.slots.iter().find(|slot| slot.offset == offset && slot.bytes == bytes);
        found.map(|slot| slot.content)
    }

    fn store_slot(&mut self, offset: i32, bytes: u8, content: Content) {
        let end = i64::from(offset) + i64::from(bytes);
        self.slots.retain(|slot| {
            let slot_end = i64::from(slot.offset) + i64::from(slot.bytes);
            i64::from(slot.offset) >= end || slot_end <= i64::from(offset)
        });
        let content = match content {
            Content::Word(word) => Content::Word(word.and(Word::constant(mask(bytes)))),
            Content::Stack(_) if bytes < 4 => UNKNOWN,
            stack => stack,
        };
        if content != UNKNOWN && self.slots.len() < MAX_SLOTS {
            let place = self.slots.partition_point(|slot| slot.offset < offset);
            self.slots.insert(place, Slot { offset, bytes, content });
        }
    }

    /// What a call leaves: the callee may change r0 to r3, r12 and the link register, and the
    /// stack where it has been given an address.
    ///
    /// Source: Procedure Call Standard for the Arm Architecture, IHI 0042, 6.1.1.
    fn call(&mut self) {
        const ARGUMENTS: [usize; 5] = [0, 1, 2, 3, 12];
        self.escaped |= ARGUMENTS.iter().any(|&r| matches!(self.registers[r], Content::Stack(_)));
        for register in ARGUMENTS {
            self.registers[register] = UNKNOWN;
        }
        self.set(LR, UNKNOWN);
        if self.escaped {
            self.slots.clear();
        }
    }

    fn forget(&mut self, writes: u16, stores: bool) {
        for register in registers_of(writes) {
            self.set(register, UNKNOWN);
        }
        if stores {
            self.slots.clear();
        }
    }

    fn set(&mut self, register: Register, content: Content) {
        // A stack pointer that is not understood makes every slot's offset stale.
        if register == SP && !matches!(content, Content::Stack(_)) {
            self.escaped = true;
            self.slots.clear();
        }
        self.registers[usize::from(register)] = content;
    }
}

const WORD: Width = Width { bytes: 4, signed: false };

fn plus(content: Content, step: i32) -> Content {
    match content {
        Content::Stack(at) => Content::Stack(at.wrapping_add(step)),
        Content::Word(word) => Content::Word(word.add(Word::constant(step as u32))),
    }
}

fn registers_of(list: u16) -> impl Iterator<Item = Register> {
    (0..16).filter(move |register| list & (1 << register) != 0)
}
