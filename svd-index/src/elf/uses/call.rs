//! What a call hands over, and what it leaves.

use super::abi::Abi;
use super::content::{Content, NULL_PAGE, UNKNOWN, rebased};
use super::flags::Flags;
use super::instruction::Register;
use super::state::{Slot, State, World, registers_of};

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

/// How much of the caller's stack may be arguments, in bytes.
const STACK_ARGUMENTS: i32 = 32;

impl State {
    /// What a function that is called here finds, and whether it sees this one's stack.
    ///
    /// `live` are the registers that it reads; `reads_stack`: it may take arguments from there.
    pub(crate) fn callee(&self, world: &impl World, live: u32, reads_stack: bool) -> Self {
        let abi = world.abi();
        let mut callee = Self::entry(world);
        callee.escaped = self.escaped;
        callee.has_chosen = self.has_chosen;
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

    /// What a call leaves of which nothing is known: the callee may change what its calling
    /// convention allows, and the stack where it has been given an address.
    pub(super) fn call(&mut self, abi: &Abi) {
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
