//! What was claimed, and whether it holds.

use std::fmt;
use std::ops::Range;

/// One thing that an answer states about the chip, the firmware or the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The words of the answer.
    pub text: String,
    /// What they are about.
    pub kind: ClaimKind,
    /// Whether they hold.
    pub verdict: Verdict,
    /// What the verdict rests on, for the engineer.
    pub why: String,
    /// What is right, where the claim is wrong and that is known.
    pub expected: Option<String>,
    /// Bytes of the whole answer that `text` stands at.
    pub span: Range<usize>,
}

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimKind {
    /// A register or peripheral exists.
    Register,
    /// A register has a field.
    Field,
    /// Which bits a field has, or what the bits of a register are.
    Bits,
    /// A constant is a field's mask.
    Mask,
    /// A name of an enumerated value, or its number.
    Enum,
    /// An address is what it is said to be.
    Address,
    /// A register lies so many bytes from its peripheral's start.
    Offset,
    /// Where a peripheral starts.
    Base,
    /// A register or field holds, or is to be given, a value.
    Value,
    /// A register's value after reset.
    Reset,
    /// A function or variable of the firmware.
    Symbol,
    /// A member of a type.
    Type,
    /// A line of a source file.
    Line,
    /// An interrupt's name or number, or its handler's name.
    Interrupt,
    /// What the firmware does with a register.
    Elf,
}

impl ClaimKind {
    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Field => "field",
            Self::Bits => "bits",
            Self::Mask => "mask",
            Self::Enum => "enum",
            Self::Address => "address",
            Self::Offset => "offset",
            Self::Base => "base",
            Self::Value => "value",
            Self::Reset => "reset",
            Self::Symbol => "symbol",
            Self::Type => "type",
            Self::Line => "line",
            Self::Interrupt => "interrupt",
            Self::Elf => "elf",
        }
    }
}

/// Whether a claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The evidence says so.
    Ok,
    /// The evidence says otherwise.
    Wrong,
    /// The evidence does not tell.
    Unknown,
}

impl Verdict {
    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Wrong => "wrong",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ClaimKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
