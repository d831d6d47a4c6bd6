//! Reads the small parts that elements of several kinds have: numbers, words of a closed
//! vocabulary, an array's declaration, what may be written.

use super::read::Reader;
use super::tree::{Dim, EnumValue, Rare, Text};
use super::values;
use crate::chip::{Access, ModifiedWriteValues, ReadAction, WriteConstraint};

impl<'a> Reader<'a> {
    /// Takes `element` if it is part of an array's declaration.
    pub(super) fn dim(&mut self, element: &str, dim: &mut Dim<'a>) -> bool {
        match element {
            "dim" => {
                dim.count = self.number_u32("dim");
                if dim.count == Some(0) {
                    self.warn("an array of 0 elements".into(), "read as no array".into());
                    dim.count = None;
                }
            }
            "dimIncrement" => dim.increment = self.number("dimIncrement"),
            "dimIndex" => dim.index = self.some_text(),
            "dimArrayIndex" => dim.array_index = self.array_index(),
            _ => return false,
        }
        true
    }

    /// As [`Self::dim`], of an element that is seldom an array.
    pub(super) fn rare_dim(&mut self, element: &str, rare: &mut Rare<'a, Dim<'a>>) -> bool {
        let mut dim = rare.get();
        let is_taken = self.dim(element, &mut dim);
        if is_taken {
            rare.put(dim, self.memory);
        }
        is_taken
    }

    /// Names of the numbers that an array is indexed with.
    fn array_index(&mut self) -> &'a [EnumValue<'a>] {
        let mark = self.pending.values.len();
        while let Some(start) = self.xml.child() {
            match start.name() {
                "enumeratedValue" => {
                    let value = self.enum_value();
                    self.pending.values.extend(value);
                }
                _ => self.xml.skip(),
            }
        }
        let names = self.memory.alloc_slice_copy(&self.pending.values[mark..]);
        self.pending.values.truncate(mark);
        names
    }

    pub(super) fn access(&mut self) -> Option<Access> {
        let text = self.xml.text();
        if let Some(access) = Access::parse(text) {
            return Some(access);
        }
        let guess = match text.to_ascii_lowercase().as_str() {
            "read" | "r" | "ro" | "readonly" => Some(Access::ReadOnly),
            "write" | "w" | "wo" | "writeonly" => Some(Access::WriteOnly),
            "read/write" | "rw" | "readwrite" | "write-read" => Some(Access::ReadWrite),
            "write-once" => Some(Access::WriteOnce),
            "read-write-once" | "readwriteonce" => Some(Access::ReadWriteOnce),
            _ => None,
        };
        let assumed = match guess {
            Some(access) => format!("read as `{access}`"),
            None => "inherited".into(),
        };
        self.warn(format!("unknown access `{text}`"), assumed);
        guess
    }

    pub(super) fn read_action(&mut self) -> Option<ReadAction> {
        let text = self.xml.text();
        let action = ReadAction::parse(text);
        if action.is_none() {
            let what = format!("unknown read action `{text}`");
            // Better to keep from reading a register than to disturb it.
            self.warn(what, "read as `modify`".into());
        }
        action.or(Some(ReadAction::Modify))
    }

    pub(super) fn modified_write_values(&mut self) -> Option<ModifiedWriteValues> {
        let text = self.xml.text();
        let values = ModifiedWriteValues::parse(text);
        if values.is_none() {
            let what = format!("unknown modified write values `{text}`");
            self.warn(what, "ignored".into());
        }
        values
    }

    pub(super) fn write_constraint(&mut self) -> Option<WriteConstraint> {
        let mut constraint = None;
        while let Some(start) = self.xml.child() {
            match start.name() {
                "writeAsRead" if self.boolean("writeAsRead") => {
                    constraint = Some(WriteConstraint::WriteAsRead);
                }
                "useEnumeratedValues" if self.boolean("useEnumeratedValues") => {
                    constraint = Some(WriteConstraint::UseEnumeratedValues);
                }
                "writeAsRead" | "useEnumeratedValues" => {}
                "range" => constraint = self.range(),
                _ => self.xml.skip(),
            }
        }
        constraint
    }

    fn range(&mut self) -> Option<WriteConstraint> {
        let (mut minimum, mut maximum) = (None, None);
        while let Some(start) = self.xml.child() {
            match start.name() {
                "minimum" => minimum = self.number("minimum"),
                "maximum" => maximum = self.number("maximum"),
                _ => self.xml.skip(),
            }
        }
        Some(WriteConstraint::Range { minimum: minimum?, maximum: maximum? })
    }

    pub(super) fn number(&mut self, what: &str) -> Option<u64> {
        let text = self.xml.text();
        let number = values::number(text);
        if number.is_none() && self.xml.broken().is_none() {
            self.warn(format!("{what} `{text}` is no number"), "ignored".into());
        }
        number
    }

    pub(super) fn number_u32(&mut self, what: &str) -> Option<u32> {
        let number = self.number(what)?;
        let small = u32::try_from(number).ok();
        if small.is_none() {
            self.warn(format!("{what} {number} is too large"), "ignored".into());
        }
        small
    }

    pub(super) fn boolean(&mut self, what: &str) -> bool {
        let text = self.xml.text();
        let value = values::boolean(text);
        if value.is_none() && self.xml.broken().is_none() {
            let what = format!("{what} `{text}` is neither true nor false");
            self.warn(what, "read as false".into());
        }
        value.unwrap_or(false)
    }

    pub(super) fn some_text(&mut self) -> Option<Text<'a>> {
        Some(self.xml.text()).filter(|text| !text.is_empty())
    }
}
