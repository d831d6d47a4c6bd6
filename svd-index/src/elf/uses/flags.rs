//! Condition flags, and what is decided by them or by comparing registers.

use super::content::{Content, UNKNOWN, comparable};
use super::instruction::{
    Arithmetic, Condition, FlagEffect, Instruction, Operand, Operation, Register, Test,
};
use super::state::State;
use super::word::Word;

/// What the condition flags come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Flags {
    Unknown,
    /// The first minus the second.
    Difference(u32, u32),
    /// Of N and Z only.
    Result(u32),
}

impl State {
    /// The flags after an instruction; `None` if they tell about its result.
    pub(super) fn flags_after(
        &self,
        instruction: &Instruction,
        is_conditional: bool,
    ) -> Option<Flags> {
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
    pub(super) fn plain(&self, operand: Operand) -> Content {
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
