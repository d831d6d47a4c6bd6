//! What instructions are seen to touch, and what the program's memory answers them.

use super::abi::Abi;
use super::content::{Content, Pointer, Spot, Touch, UNKNOWN};
use super::explore::Explorer;
use super::shapes::VOLATILE;
use super::state::World;
use super::word::Word;

/// Most addresses that one instruction is seen to touch.
const MAX_SPOTS: usize = 64;

/// What one instruction was seen to do.
#[derive(Debug, Default)]
pub(crate) struct Finding {
    pub(crate) seen: Vec<Seen>,
    /// Somewhere else, too.
    pub(crate) is_open: bool,
}

/// One place that an instruction touches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) spot: Spot,
    pub(crate) bytes: u8,
    pub(crate) is_store: bool,
    /// What all stores there have in common.
    pub(crate) stored: Word,
}

/// From here on a number is a small negative one.
const NEGATIVE: u32 = 0xffff_0000;

impl World for Explorer<'_, '_> {
    fn abi(&self) -> &'static Abi {
        self.program.abi
    }

    fn constant(&self, address: u32, bytes: u8) -> Option<u32> {
        self.program.constant(address, bytes)
    }

    fn literal(&self, address: u32, bytes: u8) -> Option<u32> {
        self.program.literal(address, bytes)
    }

    fn is_register(&self, address: u32) -> bool {
        self.program.is_register(address)
    }

    fn global_pointer(&self) -> Option<u32> {
        self.program.global_pointer
    }

    fn variable(&mut self, address: u32, bytes: u8) -> Content {
        if bytes != 4 {
            return UNKNOWN;
        }
        match self.values_of(address)[..] {
            [value] => Content::Word(Word::constant(value)),
            _ => pointer_to(self.program.shapes.pointer_at(address)),
        }
    }

    fn member(&self, pointer: Pointer) -> Content {
        pointer_to(self.program.shapes.pointee(pointer.structure, pointer.offset))
    }

    fn element(&self, address: u32) -> Content {
        pointer_to(self.program.shapes.pointer_at(address))
    }

    fn touch(&mut self, touch: Touch) {
        let is_reached = self.reached.is_none();
        let value = match touch.stored {
            Some(Content::Word(word)) if touch.bytes == 4 => word.as_constant(),
            _ => None,
        };
        let is_found = match touch.spot {
            Spot::Address(address) => {
                let is_register = self.program.is_register(address);
                if touch.stored.is_some() && !is_register && is_reached {
                    self.cells.store(address, value);
                }
                is_register
            }
            Spot::Member(Pointer { structure, offset }) => {
                if touch.stored.is_some() && is_reached {
                    self.cells.store_member(structure & !VOLATILE, offset, value);
                }
                self.program.shapes.is_volatile(structure, offset)
            }
            // Small negative numbers are distances, not addresses.
            Spot::After(address) => address < NEGATIVE && self.program.is_register(address),
            Spot::Unknown => false,
        };
        let is_open = !matches!(touch.spot, Spot::Address(_));
        if is_found || is_open {
            let finding = self.findings.entry(self.pc).or_default();
            finding.is_open |= is_open;
            if is_found {
                finding.add(touch);
            }
        }
    }

    fn make(&mut self, address: u32) {
        let function = self.program.abi.code_address(address);
        let has_thumb_bit = address != function;
        if has_thumb_bit == self.program.abi.has_thumb_bit
            && self.program.bodies.contains_key(&function)
        {
            self.taken.insert(function);
        }
    }
}

impl Finding {
    fn add(&mut self, touch: Touch) {
        let stored = match touch.stored {
            Some(Content::Word(word)) => word,
            _ => Word::UNKNOWN,
        };
        let is_store = touch.stored.is_some();
        let same = |seen: &&mut Seen| {
            (seen.spot, seen.bytes, seen.is_store) == (touch.spot, touch.bytes, is_store)
        };
        let is_full = self.seen.len() >= MAX_SPOTS;
        match self.seen.iter_mut().find(same) {
            Some(seen) => seen.stored = seen.stored.join(stored),
            None if !is_full => {
                self.seen.push(Seen { spot: touch.spot, bytes: touch.bytes, is_store, stored });
            }
            None => self.is_open = true,
        }
    }
}

fn pointer_to(structure: Option<u32>) -> Content {
    structure.map_or(UNKNOWN, |structure| Content::Pointer(Pointer { structure, offset: 0 }))
}
