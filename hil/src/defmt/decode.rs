//! Typed values out of a frame's bytes. Everything is little-endian; sizes are a 32-bit target's.

use std::borrow::Cow;

use defmt_parser::Type;

use super::{DefmtTable, Format};

/// Formats that hold formats nest this deep at most.
const DEEPEST: usize = 16;

/// One argument.
#[derive(Debug, Clone)]
pub(super) enum Value<'t> {
    Bool(bool),
    Unsigned(u128),
    Signed(i128),
    Float(f64),
    Char(char),
    Text(Cow<'t, str>),
    Bytes(Vec<u8>),
    /// A value with a format of its own.
    Nested {
        format: &'t Format,
        values: Vec<Value<'t>>,
    },
    /// Elements, shown in brackets.
    List(Vec<Value<'t>>),
    /// Pieces, shown one after another.
    Sequence(Vec<Value<'t>>),
}

/// A place in a frame.
pub(super) struct Reader<'t, 'b> {
    table: &'t DefmtTable,
    bytes: &'b [u8],
    length: usize,
    depth: usize,
}

impl<'t, 'b> Reader<'t, 'b> {
    pub(super) fn new(table: &'t DefmtTable, bytes: &'b [u8]) -> Self {
        Self { table, bytes, length: bytes.len(), depth: 0 }
    }

    pub(super) fn used(&self) -> usize {
        self.length - self.bytes.len()
    }

    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn unsigned(&mut self, count: usize) -> Option<u128> {
        if count <= 8 {
            let mut word = [0; 8];
            word[..count].copy_from_slice(self.take(count)?);
            return Some(u64::from_le_bytes(word).into());
        }
        let mut wide = [0; 16];
        wide.get_mut(..count)?.copy_from_slice(self.take(count)?);
        Some(u128::from_le_bytes(wide))
    }

    fn signed(&mut self, count: usize) -> Option<i128> {
        let unused = 128 - 8 * u32::try_from(count).ok()?;
        Some(((self.unsigned(count)? << unused) as i128) >> unused)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        u16::try_from(self.unsigned(2)?).ok()
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.unsigned(4)?).ok()
    }

    /// The arguments of `format`, by their index. `None`: the frame does not have them.
    pub(super) fn values(&mut self, format: &'t Format) -> Option<Vec<Value<'t>>> {
        if self.depth >= DEEPEST {
            return None;
        }
        self.depth += 1;
        let values = format.arguments.iter().map(|wanted| self.value(wanted)).collect();
        self.depth -= 1;
        values
    }

    fn value(&mut self, ty: &Type) -> Option<Value<'t>> {
        Some(match ty {
            Type::Bool => Value::Bool(self.unsigned(1)? != 0),
            Type::U8 => Value::Unsigned(self.unsigned(1)?),
            Type::U16 => Value::Unsigned(self.unsigned(2)?),
            Type::U32 | Type::Usize => Value::Unsigned(self.unsigned(4)?),
            Type::U64 => Value::Unsigned(self.unsigned(8)?),
            Type::U128 => Value::Unsigned(self.unsigned(16)?),
            Type::I8 => Value::Signed(self.signed(1)?),
            Type::I16 => Value::Signed(self.signed(2)?),
            Type::I32 | Type::Isize => Value::Signed(self.signed(4)?),
            Type::I64 => Value::Signed(self.signed(8)?),
            Type::I128 => Value::Signed(self.signed(16)?),
            Type::F32 => Value::Float(f32::from_bits(self.unsigned(4)? as u32).into()),
            Type::F64 => Value::Float(f64::from_bits(self.unsigned(8)? as u64)),
            Type::Char => Value::Char(char::from_u32(self.unsigned(4)? as u32)?),
            Type::Str => {
                let length = self.size()?;
                Value::Text(String::from_utf8_lossy(self.take(length)?).into_owned().into())
            }
            Type::IStr => {
                let index = self.u16()?;
                Value::Text(Cow::Borrowed(&self.table.entry(index)?.format.text))
            }
            Type::Debug | Type::Display => {
                let length = self.bytes.iter().position(|byte| *byte == 0xff)?;
                let text = String::from_utf8_lossy(self.take(length)?).into_owned();
                self.take(1)?;
                Value::Text(text.into())
            }
            Type::U8Slice => {
                let length = self.size()?;
                Value::Bytes(self.take(length)?.to_vec())
            }
            Type::U8Array(length) => Value::Bytes(self.take(*length)?.to_vec()),
            Type::BitField(range) => self.bits(range)?,
            Type::Format => {
                let index = self.u16()?;
                self.nested(index)?
            }
            Type::FormatSlice => {
                let count = self.size()?;
                self.list(count)?
            }
            Type::FormatArray(count) => self.list(*count)?,
            Type::FormatSequence => self.sequence()?,
        })
    }

    /// Only the bytes that a bit field touches are sent.
    fn bits(&mut self, range: &std::ops::Range<u8>) -> Option<Value<'t>> {
        let (lowest, highest) = (range.start / 8, range.end.checked_sub(1)? / 8);
        let count = usize::from(highest.checked_sub(lowest)? + 1).next_power_of_two();
        Some(Value::Unsigned(self.unsigned(count)?.checked_shl(u32::from(lowest) * 8)?))
    }

    fn nested(&mut self, index: u16) -> Option<Value<'t>> {
        let entry = self.table.entry(index)?;
        let format = match entry.cases.len() {
            0 => &entry.format,
            cases => {
                let case = self.case(cases)?;
                entry.cases.get(case)?
            }
        };
        let values = self.values(format)?;
        Some(Value::Nested { format, values })
    }

    /// Which of `cases`; the number is as wide as the highest one needs.
    fn case(&mut self, cases: usize) -> Option<usize> {
        let width = match cases - 1 {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 4,
        };
        usize::try_from(self.unsigned(width)?).ok()
    }

    /// Elements share one format, which is sent once.
    fn list(&mut self, count: usize) -> Option<Value<'t>> {
        let index = self.u16()?;
        let entry = self.table.entry(index)?;
        let mut elements = Vec::new();
        for _ in 0..count {
            let format = match entry.cases.len() {
                0 => &entry.format,
                cases => {
                    let case = self.case(cases)?;
                    entry.cases.get(case)?
                }
            };
            let before = self.bytes.len();
            let values = self.values(format)?;
            elements.push(Value::Nested { format, values });
            if before == self.bytes.len() && elements.len() > self.length {
                return None;
            }
        }
        Some(Value::List(elements))
    }

    fn sequence(&mut self) -> Option<Value<'t>> {
        let mut pieces = Vec::new();
        loop {
            match self.u16()? {
                0 => return Some(Value::Sequence(pieces)),
                index => {
                    let entry = self.table.entry(index)?;
                    let values = self.values(&entry.format)?;
                    pieces.push(Value::Nested { format: &entry.format, values });
                }
            }
        }
    }
}
