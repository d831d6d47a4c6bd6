//! What a register or a stack slot holds, and where memory is touched.

use super::instruction::Arithmetic;
use super::word::{Source, Word};

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

/// Below, a constant is a number or a null pointer with an offset: chips have memory or nothing
/// there.
pub(crate) const NULL_PAGE: u32 = 0x1000;

/// Farther than any member of a peripheral is from its start.
const MAX_STRUCTURE: u32 = 0x1_0000;

impl Content {
    /// What holds of both.
    pub(super) fn join(self, other: Self) -> Self {
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

/// Two numbers that compare as the contents do.
pub(super) fn comparable(left: Content, right: Content) -> Option<(u32, u32)> {
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
pub(super) fn moved(what: Arithmetic, left: Content, right: Content) -> Option<Content> {
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

pub(super) fn rebased(content: Content, by: i32) -> Content {
    match content {
        Content::Stack(offset) => Content::Stack(offset.wrapping_add(by)),
        content => content,
    }
}

pub(super) fn plus(content: Content, step: i32) -> Content {
    let by = Content::Word(Word::constant(step as u32));
    match (moved(Arithmetic::Add, content, by), content) {
        (Some(moved), _) => moved,
        (None, Content::Word(word)) => Content::Word(word.add(Word::constant(step as u32))),
        (None, _) => UNKNOWN,
    }
}
