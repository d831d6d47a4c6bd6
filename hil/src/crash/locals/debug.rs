//! The debug information of an image, unit by unit.

use std::ops::Range;

use gimli::{AttributeValue, DebuggingInformationEntry, DwarfSections, EndianSlice, RunTimeEndian};

pub(super) type Slice<'a> = EndianSlice<'a, RunTimeEndian>;
pub(super) type Entry<'a> = DebuggingInformationEntry<Slice<'a>>;

/// An entry may be described by another, and that by another; real chains are two long.
const MOST_ORIGINS: usize = 8;

/// Units of debug information, and where their code is.
pub(in crate::crash) struct Debug<'a> {
    pub(super) dwarf: gimli::Dwarf<Slice<'a>>,
    units: Vec<gimli::Unit<Slice<'a>>>,
    code: Vec<(Range<u64>, usize)>,
}

/// An entry by its unit and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) unit: usize,
    pub(super) offset: gimli::UnitOffset,
}

impl<'a> Debug<'a> {
    /// Reads the heads of all units. A damaged one is left out.
    pub(in crate::crash) fn of(sections: &'a DwarfSections<Vec<u8>>) -> Self {
        let dwarf = sections.borrow(|bytes| EndianSlice::new(bytes, RunTimeEndian::Little));
        let mut units = Vec::new();
        let mut headers = dwarf.units();
        while let Ok(Some(header)) = headers.next() {
            units.extend(dwarf.unit(header));
        }
        let mut code = Vec::new();
        for (number, unit) in units.iter().enumerate() {
            let Ok(mut ranges) = dwarf.unit_ranges(unit) else { continue };
            while let Ok(Some(range)) = ranges.next() {
                if is_kept(&range) {
                    code.push((range.begin..range.end, number));
                }
            }
        }
        Self { dwarf, units, code }
    }

    /// The unit with the code at `address`.
    pub(super) fn unit_at(&self, address: u64) -> Option<usize> {
        let found = self.code.iter().find(|(range, _)| range.contains(&address));
        found.map(|(_, unit)| *unit)
    }

    /// How many units there are.
    pub(super) fn units(&self) -> usize {
        self.units.len()
    }

    pub(super) fn unit(&self, number: usize) -> &gimli::Unit<Slice<'a>> {
        &self.units[number]
    }

    pub(super) fn entry(&self, at: At) -> Option<Entry<'a>> {
        self.unit(at.unit).entry(at.offset).ok()
    }

    /// What a reference in `unit` refers to.
    pub(super) fn follow(&self, unit: usize, value: AttributeValue<Slice<'a>>) -> Option<At> {
        match value {
            AttributeValue::UnitRef(offset) => Some(At { unit, offset }),
            AttributeValue::DebugInfoRef(offset) => {
                let units = self.units.iter().enumerate();
                units.into_iter().find_map(|(unit, candidate)| {
                    let offset = offset.to_unit_offset(candidate)?;
                    Some(At { unit, offset })
                })
            }
            _ => None,
        }
    }

    /// An attribute of the entry, or of the one it is an instance or the definition of; and the unit
    /// that it stands in.
    pub(super) fn inherited(
        &self,
        unit: usize,
        entry: &Entry<'a>,
        name: gimli::DwAt,
    ) -> Option<(usize, AttributeValue<Slice<'a>>)> {
        let (mut unit, mut entry) = (unit, entry.clone());
        for _ in 0..MOST_ORIGINS {
            if let Some(value) = entry.attr_value(name) {
                return Some((unit, value));
            }
            let origin = entry
                .attr_value(gimli::DW_AT_abstract_origin)
                .or_else(|| entry.attr_value(gimli::DW_AT_specification))?;
            let at = self.follow(unit, origin)?;
            (unit, entry) = (at.unit, self.entry(at)?);
        }
        None
    }

    /// The name of an entry in the source.
    pub(super) fn name(&self, unit: usize, entry: &Entry<'a>) -> Option<String> {
        let (unit, value) = self.inherited(unit, entry, gimli::DW_AT_name)?;
        let text = self.dwarf.attr_string(self.unit(unit), value).ok()?;
        Some(text.to_string_lossy().into_owned())
    }

    /// The type that an entry says it has.
    pub(super) fn type_of(&self, unit: usize, entry: &Entry<'a>) -> Option<At> {
        let (unit, value) = self.inherited(unit, entry, gimli::DW_AT_type)?;
        self.follow(unit, value)
    }

    /// Whether the code of `entry` holds `address`.
    pub(super) fn holds(&self, unit: usize, entry: &Entry<'a>, address: u64) -> bool {
        let Ok(mut ranges) = self.dwarf.die_ranges(self.unit(unit), entry) else { return false };
        while let Ok(Some(range)) = ranges.next() {
            if is_kept(&range) && (range.begin..range.end).contains(&address) {
                return true;
            }
        }
        false
    }
}

/// Whether the linker kept the code: what it dropped, it puts to address 0, or says to be empty.
fn is_kept(range: &gimli::Range) -> bool {
    0 < range.begin && range.begin < range.end
}

/// An attribute that is a number.
pub(super) fn number(entry: &Entry<'_>, name: gimli::DwAt) -> Option<u64> {
    entry.attr_value(name)?.udata_value()
}
