//! What is known at one point of a function: registers, flags and stack slots, and how an
//! instruction changes it.

use super::abi::{Abi, GLOBAL_POINTER};
use super::instruction::{
    Arithmetic, Condition, FlagEffect, Instruction, Operand, Operation, Place, REGISTERS, Register,
    Shift, Test, Update, Width,
};
use super::word::{Source, Word, mask};

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

/// Where memory is touched, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Spot {
    Address(u32),
    /// In a structure of this type, wherever it is.
    Member(Pointer),
    /// Some distance after this address.
    After(u32),
    Unknown,
}

impl Spot {
    /// What a load there is known as, so that a store of it can be seen to keep bits.
    pub(crate) fn source(self, bytes: u8) -> Option<Source> {
        match self {
            Self::Address(address) => Some(Source::Address { address, bytes }),
            Self::Member(Pointer { structure, offset }) => {
                Some(Source::Member { structure, offset, bytes })
            }
            Self::After(_) | Self::Unknown => None,
        }
    }
}

/// A load or store outside of the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    pub(crate) spot: Spot,
    pub(crate) bytes: u8,
    /// What is stored; `None` for a load.
    pub(crate) stored: Option<Content>,
}

/// A pointer into a structure of a known type, at an unknown address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pointer {
    /// Number of the structure among those of the debug information.
    pub(crate) structure: u32,
    /// Bytes from its start.
    pub(crate) offset: i32,
}

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Content {
    Word(Word),
    /// The stack pointer at entry plus this.
    Stack(i32),
    /// A pointer of which the debug information gives the type.
    Pointer(Pointer),
    /// This address plus something that is not known.
    After(u32),
}

/// Nothing is known.
pub(crate) const UNKNOWN: Content = Content::Word(Word::UNKNOWN);

/// A value kept on the stack, by offset from the stack pointer at entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Slot {
    offset: i32,
    bytes: u8,
    content: Content,
}

/// What the condition flags come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Flags {
    Unknown,
    /// The first minus the second.
    Difference(u32, u32),
    /// Of N and Z only.
    Result(u32),
}

/// Registers, flags, and the stack slots whose content is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    registers: [Content; REGISTERS],
    flags: Flags,
    /// Inside of an IT block: whether its condition holds, where one side was chosen.
    pub(crate) holds: Option<bool>,
    /// By offset; they do not overlap.
    slots: Vec<Slot>,
    /// Whether somebody else may hold an address in this function's stack.
    escaped: bool,
}

/// Which of several things an instruction does, where that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    None,
    /// It loads this from a variable.
    Loaded(u32),
    /// It adds up to this, or touches this address.
    Sum(u32),
}

impl Choice {
    fn place(self) -> Option<Content> {
        match self {
            Self::Sum(address) => Some(Content::Word(Word::constant(address))),
            _ => None,
        }
    }
}

/// How a function comes back.
#[derive(Clone, Debug)]
pub(crate) enum Exit {
    /// On no path.
    Never,
    /// In a way that is not known.
    Unknown,
    Returns(Box<Returned>),
}

/// What a function leaves to its caller.
#[derive(Clone, Debug)]
pub(crate) struct Returned {
    results: [Content; 2],
    /// In the caller's stack, by offset from the stack pointer at entry.
    slots: Vec<Slot>,
    escaped: bool,
}

/// How many stack slots are followed: enough for functions that people write; a bound for those
/// that tables generate.
const MAX_SLOTS: usize = 128;

/// How much of the caller's stack may be arguments, in bytes.
const STACK_ARGUMENTS: i32 = 32;

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
        Self { registers, flags: Flags::Unknown, holds: None, slots: Vec::new(), escaped: false }
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

    /// What a function that is called here finds, and whether it sees this one's stack.
    ///
    /// `live` are the registers that it reads; `reads_stack`: it may take arguments from there.
    pub(crate) fn callee(&self, world: &impl World, live: u32, reads_stack: bool) -> Self {
        let abi = world.abi();
        let mut callee = Self::entry(world);
        callee.escaped = self.escaped;
        let Content::Stack(top) = self.registers[usize::from(abi.stack_pointer)] else {
            callee.escaped = true;
            for &register in abi.arguments.iter().filter(|&&r| live & (1 << r) != 0) {
                let content = self.registers[usize::from(register)];
                if !matches!(content, Content::Stack(_)) {
                    callee.registers[usize::from(register)] = content;
                }
            }
            return callee;
        };
        for &register in abi.arguments.iter().filter(|&&register| live & (1 << register) != 0) {
            let content = rebased(self.registers[usize::from(register)], -top);
            callee.registers[usize::from(register)] = content;
        }
        let limit = match (callee.points_to_stack(abi), reads_stack) {
            (true, _) => i32::MAX,
            (false, true) => STACK_ARGUMENTS,
            (false, false) => 0,
        };
        callee.slots = self
            .slots
            .iter()
            .map(|slot| Slot {
                offset: slot.offset.wrapping_sub(top),
                content: rebased(slot.content, -top),
                ..*slot
            })
            .filter(|slot| (0..limit).contains(&slot.offset))
            .collect();
        callee
    }

    /// A state that fewer others differ from: arguments that are not addresses are left out, or
    /// all of them.
    pub(crate) fn coarser(&self, world: &impl World, with_addresses: bool) -> Self {
        let mut coarse = Self::entry(world);
        coarse.escaped = true;
        if with_addresses {
            for (mine, theirs) in coarse.registers.iter_mut().zip(&self.registers) {
                let is_address = match *theirs {
                    Content::Word(word) => word.as_constant().is_some_and(|v| v >= NULL_PAGE),
                    Content::Pointer(_) | Content::After(_) => true,
                    Content::Stack(_) => false,
                };
                if is_address {
                    *mine = *theirs;
                }
            }
        }
        coarse
    }

    /// Whether an argument is an address in the stack.
    pub(crate) fn points_to_stack(&self, abi: &Abi) -> bool {
        abi.arguments.iter().any(|&r| matches!(self.registers[usize::from(r)], Content::Stack(_)))
    }

    /// What the function leaves when it returns here.
    pub(crate) fn returned(&self, world: &impl World) -> Returned {
        Returned {
            results: world.abi().results.map(|register| {
                match self.registers[usize::from(register)] {
                    Content::Stack(offset) if offset < 0 => UNKNOWN,
                    content => content,
                }
            }),
            slots: self.slots.iter().filter(|slot| slot.offset >= 0).copied().collect(),
            escaped: self.escaped,
        }
    }

    /// Carries on after a call that found `entry`.
    pub(crate) fn resume(&mut self, world: &impl World, entry: &Self, exit: &Exit) {
        let abi = world.abi();
        let top = match self.registers[usize::from(abi.stack_pointer)] {
            Content::Stack(top) => Some(top),
            _ => None,
        };
        let seen = entry.points_to_stack(abi) && !entry.slots.is_empty();
        match (exit, top) {
            (Exit::Returns(returned), Some(top)) => {
                self.clobber(abi);
                self.escaped |= returned.escaped;
                for (register, content) in abi.results.into_iter().zip(returned.results) {
                    self.registers[usize::from(register)] = rebased(content, top);
                }
                if seen || entry.points_to_stack(abi) {
                    self.slots.retain(|slot| slot.offset < top);
                    self.slots.extend(returned.slots.iter().map(|slot| Slot {
                        offset: slot.offset.wrapping_add(top),
                        content: rebased(slot.content, top),
                        ..*slot
                    }));
                } else if self.escaped {
                    self.slots.clear();
                }
            }
            _ => self.call(abi),
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

    /// The flags after an instruction; `None` if they tell about its result.
    fn flags_after(&self, instruction: &Instruction, is_conditional: bool) -> Option<Flags> {
        match (instruction.flags, instruction.operation) {
            (_, Operation::Compare { what: Arithmetic::Subtract, first, second })
            | (
                FlagEffect::Result,
                Operation::Compute { what: Arithmetic::Subtract, first, second, .. },
            ) if !is_conditional || matches!(instruction.operation, Operation::Compare { .. }) => {
                Some(self.difference(first, second))
            }
            (_, Operation::Compare { what: Arithmetic::And, first, second }) => {
                let right = match self.plain(second) {
                    Content::Word(word) => word,
                    _ => Word::UNKNOWN,
                };
                let left = match self.registers[usize::from(first)] {
                    Content::Word(word) => word,
                    _ => Word::UNKNOWN,
                };
                Some(left.and(right).as_constant().map_or(Flags::Unknown, Flags::Result))
            }
            (_, Operation::Compare { .. }) | (FlagEffect::Lost, _) => Some(Flags::Unknown),
            (FlagEffect::Kept, _) => Some(self.flags),
            (FlagEffect::Result, _) if is_conditional => Some(self.flags),
            (FlagEffect::Result, _) => None,
        }
    }

    fn difference(&self, first: Register, second: Operand) -> Flags {
        let left = self.registers[usize::from(first)];
        match comparable(left, self.plain(second)) {
            Some((left, right)) => Flags::Difference(left, right),
            None => Flags::Unknown,
        }
    }

    /// An operand that is only looked at.
    fn plain(&self, operand: Operand) -> Content {
        match operand {
            Operand::Immediate(value) => Content::Word(Word::constant(value)),
            Operand::Register(register) => self.registers[usize::from(register)],
            Operand::Shifted(register, how, amount) => {
                match self.registers[usize::from(register)] {
                    Content::Word(word) => Content::Word(word.shifted(how, amount)),
                    _ => UNKNOWN,
                }
            }
        }
    }

    /// Whether a branch is taken, if that is known.
    pub(crate) fn decide(&self, condition: Condition) -> Option<bool> {
        match condition {
            Condition::Always => Some(true),
            Condition::Flags(code) => self.flags.decide(code),
            Condition::Registers(test, first, second) => {
                let left = self.registers[usize::from(first)];
                let (left, right) = comparable(left, self.plain(second))?;
                Some(match test {
                    Test::Equal => left == right,
                    Test::NotEqual => left != right,
                    Test::Less => (left as i32) < right as i32,
                    Test::NotLess => left as i32 >= right as i32,
                    Test::LessUnsigned => left < right,
                    Test::NotLessUnsigned => left >= right,
                })
            }
        }
    }

    /// The two numbers that an instruction adds up, or touches the sum of, if the sum is not
    /// known: one that is, or 0, and one that is not.
    pub(crate) fn adds(&self, operation: Operation) -> Option<(u32, Word)> {
        let (left, right) = match operation {
            Operation::Compute { what: Arithmetic::Add, first, second, .. } => (first, second),
            Operation::Load { place, .. } | Operation::Store { place, .. } => match place {
                Place::Indexed { base, offset, subtract: false, update: Update::None } => {
                    (base, offset)
                }
                _ => return None,
            },
            _ => return None,
        };
        let left = self.registers[usize::from(left)];
        let (Content::Word(left), Content::Word(right)) = (left, self.plain(right)) else {
            return None;
        };
        match (left.as_constant(), right.as_constant()) {
            (Some(base), None) => Some((base, right)),
            (None, Some(base)) => match (operation, left.add(right)) {
                (Operation::Compute { .. }, _) | (_, Word::UNKNOWN) => Some((base, left)),
                (_, sum) => Some((0, sum)),
            },
            _ => None,
        }
    }

    /// The address that an instruction loads one word from, if it is known.
    pub(crate) fn loads_word_from(&self, operation: Operation) -> Option<u32> {
        let Operation::Load { width: Width { bytes: 4, .. }, place, .. } = operation else {
            return None;
        };
        let Place::Indexed { base, offset, subtract, update } = place else { return None };
        let base = self.constant(base)?;
        let Content::Word(offset) = self.plain(offset) else { return None };
        let offset = offset.as_constant()?;
        Some(match (update, subtract) {
            (Update::After, _) => base,
            (_, false) => base.wrapping_add(offset),
            (_, true) => base.wrapping_sub(offset),
        })
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
                let content = match choice {
                    Choice::Sum(sum) => Content::Word(Word::constant(sum)),
                    _ => self.compute(what, first, second),
                };
                if let (Arithmetic::Add, Content::Word(word)) = (what, content) {
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

    fn memory_step(&mut self, operation: Operation, world: &mut impl World, choice: Choice) {
        match operation {
            Operation::Load { to, width, place } => {
                let from = choice.place().unwrap_or_else(|| self.address(place));
                let is_literal = matches!(place, Place::Absolute(_));
                let content = self.load(from, width, is_literal, world);
                let chosen = match choice {
                    Choice::Loaded(value) => Some(Content::Word(Word::constant(value))),
                    _ => None,
                };
                self.set(to, chosen.unwrap_or(content));
            }
            Operation::Exchange { to, place } => {
                let address = self.address(place);
                let content = self.load(address, WORD, false, world);
                self.store(address, 4, UNKNOWN, world);
                self.set(to, content);
            }
            Operation::Store { from, width, place, status } => {
                let content = self.registers[usize::from(from)];
                let to = choice.place().unwrap_or_else(|| self.address(place));
                self.store(to, width.bytes, content, world);
                if let Some(status) = status {
                    self.set(status, UNKNOWN);
                }
            }
            Operation::LoadTwo { to, place } => {
                let from = self.address(place);
                let is_literal = matches!(place, Place::Absolute(_));
                let contents =
                    [0, 4].map(|step| self.load(plus(from, step), WORD, is_literal, world));
                for (register, content) in to.into_iter().zip(contents) {
                    self.set(register, content);
                }
            }
            Operation::StoreTwo { from, place } => {
                let contents = from.map(|register| self.registers[usize::from(register)]);
                let to = self.address(place);
                for (step, content) in [0, 4].into_iter().zip(contents) {
                    self.store(plus(to, step), 4, content, world);
                }
            }
            Operation::LoadMany { base, list, update, down } => {
                let start = self.many_start(base, list, update, down);
                for (step, register) in (0..).step_by(4).zip(registers_of(list)) {
                    let content = self.load(plus(start, step), WORD, false, world);
                    self.set(register, content);
                }
            }
            Operation::StoreMany { base, list, update, down } => {
                // What is stored for the base itself is its value before the update.
                let contents: Vec<Content> =
                    registers_of(list).map(|r| self.registers[usize::from(r)]).collect();
                let start = self.many_start(base, list, update, down);
                for (step, content) in (0..).step_by(4).zip(contents) {
                    self.store(plus(start, step), 4, content, world);
                }
            }
            _ => {}
        }
    }

    fn many_start(&mut self, base: Register, list: u32, update: bool, down: bool) -> Content {
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
            Content::Pointer(_) | Content::After(_) => Word::UNKNOWN,
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
            Content::Pointer(_) | Content::After(_) => Word::UNKNOWN,
        }
    }

    fn compute(&mut self, what: Arithmetic, first: Register, second: Operand) -> Content {
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
        world: &mut impl World,
    ) -> Content {
        let width_bits = u32::from(width.bytes) * 8;
        let touch = |spot| Touch { spot, bytes: width.bytes, stored: None };
        let address = match from {
            Content::Stack(offset) => {
                return match self.slot(offset, width.bytes) {
                    Some(Content::Word(word)) => {
                        Content::Word(word.low_bits(width_bits, width.signed))
                    }
                    Some(content) if width.bytes == 4 => content,
                    _ => UNKNOWN,
                };
            }
            Content::Pointer(pointer) => {
                let spot = Spot::Member(pointer);
                world.touch(touch(spot));
                return match (world.member(pointer), spot.source(width.bytes)) {
                    (UNKNOWN, Some(source)) => {
                        let word = Word::loaded(source);
                        Content::Word(word.low_bits(width_bits, width.signed))
                    }
                    (content, _) if width.bytes == 4 => content,
                    _ => UNKNOWN,
                };
            }
            Content::After(address) => {
                world.touch(touch(Spot::After(address)));
                return if width.bytes == 4 { world.element(address) } else { UNKNOWN };
            }
            Content::Word(word) => word.as_constant(),
        };
        let Some(address) = address else {
            world.touch(touch(Spot::Unknown));
            return UNKNOWN;
        };
        let constant = match is_literal {
            true => world.literal(address, width.bytes),
            false => world.constant(address, width.bytes),
        };
        world.touch(touch(Spot::Address(address)));
        let word = match constant {
            Some(value) => Word::constant(value),
            None if world.is_register(address) => {
                Word::loaded(Source::Address { address, bytes: width.bytes })
            }
            None => match world.variable(address, width.bytes) {
                Content::Word(word) => word,
                content => return content,
            },
        };
        Content::Word(word.low_bits(width_bits, width.signed))
    }

    fn store(&mut self, to: Content, bytes: u8, content: Content, world: &mut impl World) {
        let spot = match to {
            Content::Stack(offset) => return self.store_slot(offset, bytes, content),
            Content::Word(address) => address.as_constant().map_or(Spot::Unknown, Spot::Address),
            Content::Pointer(pointer) => Spot::Member(pointer),
            Content::After(address) => Spot::After(address),
        };
        let stored = match content {
            Content::Word(word) => Content::Word(word.and(Word::constant(mask(bytes)))),
            content => content,
        };
        world.touch(Touch { spot, bytes, stored: Some(stored) });
        if self.escaped && !matches!(spot, Spot::Address(_)) {
            self.slots.clear();
        }
        // Its address is now where others can find it.
        if matches!(content, Content::Stack(_)) {
            self.escaped = true;
        }
    }

    fn slot(&self, offset: i32, bytes: u8) -> Option<Content> {
        let position = self.slots.binary_search_by_key(&offset, |slot| slot.offset).ok()?;
        let slot = &self.slots[position];
        (slot.bytes == bytes).then_some(slot.content)
    }

    fn store_slot(&mut self, offset: i32, bytes: u8, content: Content) {
        let end = i64::from(offset) + i64::from(bytes);
        self.slots.retain(|slot| {
            let slot_end = i64::from(slot.offset) + i64::from(slot.bytes);
            i64::from(slot.offset) >= end || slot_end <= i64::from(offset)
        });
        let content = match content {
            Content::Word(word) => Content::Word(word.and(Word::constant(mask(bytes)))),
            _ if bytes < 4 => UNKNOWN,
            content => content,
        };
        if content != UNKNOWN && self.slots.len() < MAX_SLOTS {
            let place = self.slots.partition_point(|slot| slot.offset < offset);
            self.slots.insert(place, Slot { offset, bytes, content });
        }
    }

    /// What a call leaves of which nothing is known: the callee may change what its calling
    /// convention allows, and the stack where it has been given an address.
    fn call(&mut self, abi: &Abi) {
        let given = |&r: &Register| matches!(self.registers[usize::from(r)], Content::Stack(_));
        self.escaped |= abi.arguments.iter().any(given);
        self.clobber(abi);
        if self.escaped {
            self.slots.clear();
        }
    }

    fn clobber(&mut self, abi: &Abi) {
        for register in registers_of(abi.clobbered) {
            self.registers[usize::from(register)] = UNKNOWN;
        }
        self.flags = Flags::Unknown;
    }

    fn forget(&mut self, writes: u32, stores: bool) {
        for register in registers_of(writes) {
            self.set(register, UNKNOWN);
        }
        if stores {
            self.slots.clear();
        }
    }

    fn set(&mut self, register: Register, content: Content) {
        self.registers[usize::from(register)] = content;
    }
}

impl Returned {
    /// Keeps what holds of both.
    pub(crate) fn join(&mut self, other: &Self) {
        for (mine, theirs) in self.results.iter_mut().zip(other.results) {
            *mine = mine.join(theirs);
        }
        self.slots.retain_mut(|slot| {
            let same = |other: &&Slot| (other.offset, other.bytes) == (slot.offset, slot.bytes);
            let Some(theirs) = other.slots.iter().find(same) else { return false };
            slot.content = slot.content.join(theirs.content);
            slot.content != UNKNOWN
        });
        self.escaped |= other.escaped;
    }
}

impl Content {
    /// What holds of both.
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (mine, theirs) if mine == theirs => mine,
            (Self::Word(mine), Self::Word(theirs)) => Self::Word(mine.join(theirs)),
            // The type is as good as before where the address is one of several.
            (Self::Pointer(pointer), Self::Word(_)) | (Self::Word(_), Self::Pointer(pointer)) => {
                Self::Pointer(pointer)
            }
            _ => UNKNOWN,
        }
    }
}

impl Flags {
    /// Source: ARMv7-M ARM, DDI 0403E, A7.3.
    fn decide(self, code: u8) -> Option<bool> {
        let (equal, negative) = match self {
            Self::Unknown => return None,
            Self::Difference(left, right) => (left == right, (left.wrapping_sub(right) as i32) < 0),
            Self::Result(value) => (value == 0, (value as i32) < 0),
        };
        let holds = match (code >> 1, self) {
            (0b000, _) => equal,
            (0b010, _) => negative,
            (0b111, _) => return Some(true),
            (_, Self::Difference(left, right)) => {
                let (signed_left, signed_right) = (left as i32, right as i32);
                match code >> 1 {
                    0b001 => left >= right,
                    0b011 => signed_left.checked_sub(signed_right).is_none(),
                    0b100 => left > right,
                    0b101 => signed_left >= signed_right,
                    _ => signed_left > signed_right,
                }
            }
            _ => return None,
        };
        Some(holds != (code & 1 == 1))
    }
}

/// Below, a constant is a number or a null pointer with an offset: chips have memory or nothing
/// there.
pub(crate) const NULL_PAGE: u32 = 0x1000;

const WORD: Width = Width { bytes: 4, signed: false };

/// Two numbers that compare as the contents do.
fn comparable(left: Content, right: Content) -> Option<(u32, u32)> {
    match (left, right) {
        (Content::Word(left), Content::Word(right)) => {
            Some((left.as_constant()?, right.as_constant()?))
        }
        // Both count from the same place, in the upper half of what numbers there are.
        (Content::Stack(left), Content::Stack(right)) => Some((left as u32, right as u32)),
        _ => None,
    }
}

/// An address moved by a number: it stays what it is.
fn moved(what: Arithmetic, left: Content, right: Content) -> Option<Content> {
    let constant = |content: Content| match content {
        Content::Word(word) => word.as_constant(),
        _ => None,
    };
    if what == Arithmetic::Add && constant(left).is_some() && constant(right).is_none() {
        return moved(what, right, left);
    }
    let by = constant(right);
    let signed = match (what, by?) {
        (Arithmetic::Add, by) => by as i32,
        (Arithmetic::Subtract, by) => (by as i32).wrapping_neg(),
        _ => return None,
    };
    match left {
        Content::Stack(at) => Some(Content::Stack(at.wrapping_add(signed))),
        Content::Pointer(pointer) => {
            let offset = pointer.offset.wrapping_add(signed);
            // A whole address added: this was an offset, not a pointer.
            let is_near = signed.unsigned_abs() < MAX_STRUCTURE;
            is_near.then_some(Content::Pointer(Pointer { offset, ..pointer }))
        }
        Content::After(base) if signed.unsigned_abs() < MAX_STRUCTURE => {
            Some(Content::After(base.wrapping_add(signed as u32)))
        }
        Content::Word(word) if word.as_constant().is_none() && what == Arithmetic::Add => {
            // Bits that are known, or kept, say more than a sum does.
            let sum = word.add(Word::constant(by?));
            (by? >= NULL_PAGE && sum == Word::UNKNOWN).then_some(Content::After(by?))
        }
        _ => None,
    }
}

/// Farther than any member of a peripheral is from its start.
const MAX_STRUCTURE: u32 = 0x1_0000;

fn rebased(content: Content, by: i32) -> Content {
    match content {
        Content::Stack(offset) => Content::Stack(offset.wrapping_add(by)),
        content => content,
    }
}

fn plus(content: Content, step: i32) -> Content {
    let by = Content::Word(Word::constant(step as u32));
    match (moved(Arithmetic::Add, content, by), content) {
        (Some(moved), _) => moved,
        (None, Content::Word(word)) => Content::Word(word.add(Word::constant(step as u32))),
        (None, _) => UNKNOWN,
    }
}

fn registers_of(list: u32) -> impl Iterator<Item = Register> {
    (0..REGISTERS as Register).filter(move |register| list & (1 << register) != 0)
}
