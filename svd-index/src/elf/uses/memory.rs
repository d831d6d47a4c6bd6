//! Loads and stores: where they go, and what they leave known.

use super::content::{Content, Spot, Touch, UNKNOWN, plus};
use super::instruction::{Arithmetic, Operand, Operation, Place, Register, Shift, Update, Width};
use super::state::{Choice, Slot, State, World, registers_of};
use super::word::{Source, Word, mask};

/// How many stack slots are followed: enough for functions that people write; a bound for those
/// that tables generate.
const MAX_SLOTS: usize = 128;

const WORD: Width = Width { bytes: 4, signed: false };

/// An index that is added to a known address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Index {
    pub(crate) base: u32,
    /// What is known of what is added.
    pub(crate) word: Word,
    /// Where it comes from, to be moved up by so many bits.
    pub(crate) register: Register,
    pub(crate) shift: u8,
}

impl State {
    /// The index that an instruction adds to a known address, if it is not known, and no other
    /// was chosen on the way: two choices might not go together.
    pub(crate) fn index(&self, operation: Operation) -> Option<Index> {
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
        let first = self.registers[usize::from(left)];
        let (Content::Word(first), Content::Word(second)) = (first, self.plain(right)) else {
            return None;
        };
        let found = match (first.as_constant(), second.as_constant(), right) {
            (None, Some(base), _) => Index { base, word: first, register: left, shift: 0 },
            (Some(base), None, Operand::Register(register)) => {
                Index { base, word: second, register, shift: 0 }
            }
            (Some(base), None, Operand::Shifted(register, Shift::Left, shift)) => {
                Index { base, word: second, register, shift }
            }
            _ => return None,
        };
        (!self.has_chosen).then_some(found)
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

    pub(super) fn memory_step(
        &mut self,
        operation: Operation,
        world: &mut impl World,
        choice: Choice,
    ) {
        match operation {
            Operation::Load { to, width, place } => {
                let from = self.address(place);
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
                let to = self.address(place);
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

    pub(super) fn slot(&self, offset: i32, bytes: u8) -> Option<Content> {
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
}
