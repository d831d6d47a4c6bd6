//! Fields, their enumerated values, and what a register value means.

use super::records as rec;
use super::{
    Access, Chip, EnumUsage, ModifiedWriteValues, ReadAction, RegisterRef, WriteConstraint,
};

/// A field of a register.
#[derive(Clone, Copy)]
pub struct FieldRef<'a> {
    pub(super) register: RegisterRef<'a>,
    pub(super) record: &'a rec::FieldRecord,
}

impl std::fmt::Debug for FieldRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}:{}]", self.path(), self.msb(), self.lsb())
    }
}

/// What a field holds in a register value.
#[derive(Clone, Copy, Debug)]
pub struct DecodedField<'a> {
    /// The field.
    pub field: FieldRef<'a>,
    /// Its bits, shifted down.
    pub raw: u64,
    /// The enumerated value that this is; `None` where the SVD names none.
    pub decoded: Option<EnumValueRef<'a>>,
}

/// A named value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct EnumValueRef<'a> {
    /// `Baud115200`.
    pub name: &'a str,
    /// `None` only for a default that stands for all values not named.
    pub value: Option<u64>,
    /// Bits of `value` that matter; the others are "don't care" (`x` in the SVD).
    pub mask: u64,
    /// Stands for every value not named otherwise.
    pub is_default: bool,
    /// For reading, writing, or both.
    pub usage: EnumUsage,
    /// In the vendor's words; may be empty.
    pub description: &'a str,
}

impl EnumValueRef<'_> {
    /// True if `raw` has this value, the default not considered.
    pub fn matches(&self, raw: u64) -> bool {
        self.value.is_some_and(|value| raw & self.mask == value)
    }
}

/// Enumerated values of a field, in SVD order.
#[derive(Clone, Debug)]
pub struct EnumValues<'a> {
    chip: &'a Chip,
    records: std::slice::Iter<'a, rec::EnumRecord>,
}

impl<'a> Iterator for EnumValues<'a> {
    type Item = EnumValueRef<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.next()?;
        let usage = match record.flags & (rec::ENUM_READ | rec::ENUM_WRITE) {
            rec::ENUM_READ => EnumUsage::Read,
            rec::ENUM_WRITE => EnumUsage::Write,
            _ => EnumUsage::ReadWrite,
        };
        Some(EnumValueRef {
            name: self.chip.text(record.name),
            value: (record.flags & rec::ENUM_HAS_VALUE != 0).then_some(record.value),
            mask: record.mask,
            is_default: record.flags & rec::ENUM_DEFAULT != 0,
            usage,
            description: self.chip.text(record.description),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

impl<'a> FieldRef<'a> {
    /// `EN`, `DIV_Mantissa`; an element of a field array has its index filled in.
    pub fn name(&self) -> &'a str {
        self.register.chip.text(self.record.name)
    }

    /// Canonical path: `UART0.BAUDRATE.BAUDRATE`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.register.path(), self.name())
    }

    /// The register it is in.
    pub fn register(&self) -> RegisterRef<'a> {
        self.register
    }

    /// Lowest bit.
    pub fn lsb(&self) -> u32 {
        u32::from(self.record.lsb)
    }

    /// Number of bits, 1 to 64.
    pub fn width(&self) -> u32 {
        u32::from(self.record.width)
    }

    /// Highest bit.
    pub fn msb(&self) -> u32 {
        self.lsb() + self.width().saturating_sub(1)
    }

    /// Its bits in the register.
    pub fn mask(&self) -> u64 {
        (u64::MAX >> (64 - self.width().clamp(1, 64))) << self.lsb().min(63)
    }

    /// Its own, otherwise the register's.
    pub fn access(&self) -> Option<Access> {
        Access::from_code(self.record.access).or_else(|| self.register.access())
    }

    /// What reading does besides: its own, otherwise nothing told (see the register's).
    pub fn read_action(&self) -> Option<ReadAction> {
        ReadAction::from_code(self.record.read_action)
    }

    /// What written bits do: its own, otherwise the register's.
    pub fn modified_write_values(&self) -> Option<ModifiedWriteValues> {
        ModifiedWriteValues::from_code(self.record.modified_write_values)
            .or_else(|| self.register.modified_write_values())
    }

    /// Which values may be written.
    pub fn write_constraint(&self) -> Option<WriteConstraint> {
        self.register.chip.constraint(self.record.constraint)
    }

    /// In the vendor's words; may be empty.
    pub fn description(&self) -> &'a str {
        self.register.chip.text(self.record.description)
    }

    /// Line of the element in the SVD, from 1.
    pub fn line(&self) -> u32 {
        self.record.line
    }

    /// Named values, those for reading and those for writing together, in SVD order.
    pub fn enums(&self) -> EnumValues<'a> {
        let chip = self.register.chip;
        let first = self.record.first_enum as usize;
        let records = chip
            .table::<rec::EnumRecord>(rec::ENUMS)
            .slice(first..first + self.record.enum_count as usize)
            .iter();
        EnumValues { chip, records }
    }

    /// What the field holds in a register `value`: one that was read, or of a field that cannot be
    /// read, one that was written.
    pub fn decode(&self, value: u64) -> DecodedField<'a> {
        let raw = (value & self.mask()) >> self.lsb().min(63);
        DecodedField { field: *self, raw, decoded: self.named(raw, self.usage_when_decoded()) }
    }

    /// Which of its enumerated values a value is decoded with: those for reading, where it can be
    /// read.
    pub fn usage_when_decoded(&self) -> EnumUsage {
        match self.access() {
            Some(access) if !access.can_read() => EnumUsage::Write,
            _ => EnumUsage::Read,
        }
    }

    /// Named values that are for reading, or for writing, or for both.
    pub fn enums_for(&self, usage: EnumUsage) -> impl Iterator<Item = EnumValueRef<'a>> + use<'a> {
        let other = match usage {
            EnumUsage::Read => Some(EnumUsage::Write),
            EnumUsage::Write => Some(EnumUsage::Read),
            EnumUsage::ReadWrite => None,
        };
        self.enums().filter(move |value| Some(value.usage) != other)
    }

    /// The enumerated value that `raw` is, for reading or for writing; a default where no other
    /// one matches, `None` where there is none.
    pub fn named(&self, raw: u64, usage: EnumUsage) -> Option<EnumValueRef<'a>> {
        self.enums_for(usage).find(|value| value.matches(raw)).or_else(|| {
            self.enums_for(usage).find(|value| value.is_default && value.value.is_none())
        })
    }
}

impl Chip {
    pub(super) fn constraint(&self, place: u32) -> Option<WriteConstraint> {
        let index = (place as usize).checked_sub(1)?;
        let table = self.table::<rec::ConstraintRecord>(rec::CONSTRAINTS);
        let record = table.get(index)?;
        match record.kind {
            1 => Some(WriteConstraint::WriteAsRead),
            2 => Some(WriteConstraint::UseEnumeratedValues),
            3 => Some(WriteConstraint::Range { minimum: record.minimum, maximum: record.maximum }),
            _ => None,
        }
    }
}
