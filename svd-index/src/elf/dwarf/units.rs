//! The units of debug information: how their entries are gone through, and refer to each other.
//!
//! Nothing here changes once it is loaded, so that several threads can read at once.

use std::borrow::Cow;

use gimli::{AttributeValue, EndianSlice, RunTimeEndian, UnitOffset};

use super::signatures::{self, Signatures};
use crate::Warning;
use crate::elf::image::warning;

pub(super) type Slice<'a> = EndianSlice<'a, RunTimeEndian>;
pub(super) type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>>;
pub(super) type Die = (usize, UnitOffset);

/// How many references (`DW_AT_abstract_origin`, `DW_AT_specification`) lead from an entry to
/// its name. Compilers need two; a cycle needs a limit.
pub(super) const MAX_REFERENCES: usize = 8;

/// All units, by position.
pub(super) struct Units<'d, 'a> {
    dwarf: &'d gimli::Dwarf<Slice<'a>>,
    endian: RunTimeEndian,
    list: Vec<gimli::Unit<Slice<'a>>>,
    signatures: Signatures,
}

impl<'d, 'a> Units<'d, 'a> {
    /// Reads what heads the units; one that is damaged is left out with a warning.
    pub(super) fn load(
        dwarf: &'d gimli::Dwarf<Slice<'a>>,
        endian: RunTimeEndian,
        warnings: &mut Vec<Warning>,
    ) -> Self {
        let mut list = Vec::new();
        let mut headers = dwarf.units();
        load_list(dwarf, ".debug_info", || headers.next(), &mut list, warnings);
        // DWARF 4 has a section for types; references by place never lead there.
        let mut headers = dwarf.type_units();
        load_list(dwarf, ".debug_types", || headers.next(), &mut list, warnings);
        let signatures = Signatures::of(&list);
        Self { dwarf, endian, list, signatures }
    }

    /// Bytes of all units.
    pub(super) fn size_bytes(&self) -> usize {
        self.list.iter().map(|unit| unit.header.length_including_self()).sum()
    }

    /// Whether a unit has a line program of its own; a type unit shares that of another.
    pub(super) fn has_lines(&self, unit: usize) -> bool {
        !signatures::is_type_unit(&self.list[unit])
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn dwarf(&self) -> &'d gimli::Dwarf<Slice<'a>> {
        self.dwarf
    }

    pub(super) fn get(&self, unit: usize) -> &gimli::Unit<Slice<'a>> {
        &self.list[unit]
    }

    pub(super) fn is_big_endian(&self) -> bool {
        self.endian == RunTimeEndian::Big
    }

    /// Positions in the order of reading: type units count the files of the units whose line
    /// programs they share, so those come first.
    pub(super) fn order(&self) -> Vec<usize> {
        let is_type = |&unit: &usize| signatures::is_type_unit(&self.list[unit]);
        let (apart, mut order): (Vec<usize>, Vec<usize>) = (0..self.list.len()).partition(is_type);
        order.extend(apart);
        order
    }

    /// Goes through the entries of a unit.
    pub(super) fn walk(&self, unit: usize) -> gimli::Result<Walk<'_, 'a>> {
        let raw = self.list[unit].entries_raw(None)?;
        Ok(Walk { raw, entry: Entry::null() })
    }

    /// One entry.
    pub(super) fn entry(&self, (unit, offset): Die) -> Option<Entry<'a>> {
        self.list[unit].entry(offset).ok()
    }

    /// The bytes of a text, empty where there is none.
    pub(super) fn bytes(&self, unit: usize, value: Option<AttributeValue<Slice<'a>>>) -> &'a [u8] {
        let text = value.and_then(|value| self.dwarf.attr_string(&self.list[unit], value).ok());
        text.map_or(&[], |text| text.slice())
    }

    /// Text of an attribute, empty where there is none.
    pub(super) fn text(&self, unit: usize, entry: &Entry<'a>, name: gimli::DwAt) -> Cow<'a, str> {
        lossy(self.bytes(unit, entry.attr_value(name)))
    }

    /// The entry that an attribute refers to, in its own unit or another.
    pub(super) fn reference(&self, unit: usize, value: &AttributeValue<Slice<'a>>) -> Option<Die> {
        match *value {
            AttributeValue::UnitRef(offset) => Some((unit, offset)),
            AttributeValue::DebugTypesRef(signature) => self.signatures.find(signature),
            AttributeValue::DebugInfoRef(offset) => {
                let start = |unit: &gimli::Unit<Slice<'a>>| {
                    unit.header.debug_info_offset().map_or(usize::MAX, |offset| offset.0)
                };
                let after = self.list.partition_point(|unit| start(unit) <= offset.0);
                let position = after.checked_sub(1)?;
                let within = UnitOffset(offset.0 - start(&self.list[position]));
                Some((position, within))
            }
            _ => None,
        }
    }

    /// The entry that an entry completes or is made of.
    pub(super) fn origin(&self, unit: usize, entry: &Entry<'a>) -> Option<Die> {
        let origin = entry
            .attr_value(gimli::DW_AT_abstract_origin)
            .or_else(|| entry.attr_value(gimli::DW_AT_specification))?;
        self.reference(unit, &origin)
    }

    /// First value of an attribute on the way along specification and origin, with its unit.
    pub(super) fn inherited(
        &self,
        unit: usize,
        entry: &Entry<'a>,
        name: gimli::DwAt,
    ) -> Option<(usize, AttributeValue<Slice<'a>>)> {
        let [value] = self.inherited_all(unit, entry, [name]);
        value
    }

    /// [`inherited`](Self::inherited) for several attributes in one go.
    pub(super) fn inherited_all<const N: usize>(
        &self,
        unit: usize,
        entry: &Entry<'a>,
        names: [gimli::DwAt; N],
    ) -> [Option<(usize, AttributeValue<Slice<'a>>)>; N] {
        let (mut unit, mut entry) = (unit, Cow::Borrowed(entry));
        let mut found = [None; N];
        for _ in 0..MAX_REFERENCES {
            for (found, name) in found.iter_mut().zip(names) {
                if found.is_none() {
                    *found = entry.attr_value(name).map(|value| (unit, value));
                }
            }
            if found.iter().all(Option::is_some) {
                break;
            }
            let Some(die) = self.origin(unit, &entry) else { break };
            let Some(next) = self.entry(die) else { break };
            (unit, entry) = (die.0, Cow::Owned(next));
        }
        found
    }

    /// The unit whose source has what an entry describes: link-time optimisation describes code
    /// in a unit of its own, and refers to where it comes from.
    pub(super) fn source_unit(&self, unit: usize, entry: &Entry<'a>) -> usize {
        let origin = entry.attr_value(gimli::DW_AT_abstract_origin);
        origin.and_then(|value| self.reference(unit, &value)).map_or(unit, |(unit, _)| unit)
    }

    /// How many elements each dimension of an array has, the outermost first; 0 where the type
    /// does not say, as `int table[]`.
    pub(super) fn dimensions(&self, (unit, offset): Die) -> gimli::Result<Vec<u64>> {
        let mut tree = self.list[unit].entries_tree(Some(offset))?;
        let mut children = tree.root()?.children();
        let mut counts = Vec::new();
        while let Some(child) = children.next()? {
            if child.entry().tag() == gimli::DW_TAG_subrange_type {
                counts.push(count(child.entry()));
            }
        }
        Ok(counts)
    }

    /// What is said of a unit that breaks off.
    pub(super) fn damage(&self, unit: usize, error: &gimli::Error) -> Warning {
        unit_warning(&self.list[unit].header, error)
    }
}

/// A way through the entries of a unit, in their order. What an entry has is read only if asked
/// for: most are of no interest, and skipping them is cheap.
pub(super) struct Walk<'u, 'a> {
    raw: gimli::EntriesRaw<'u, Slice<'a>>,
    entry: Entry<'a>,
}

/// An entry on the way, before its attributes.
#[derive(Clone, Copy)]
pub(super) struct Head<'u> {
    pub(super) depth: isize,
    pub(super) offset: UnitOffset,
    abbreviation: &'u gimli::Abbreviation,
}

impl Head<'_> {
    pub(super) fn tag(&self) -> gimli::DwTag {
        self.abbreviation.tag()
    }

    pub(super) fn has(&self, name: gimli::DwAt) -> bool {
        self.abbreviation.attributes().iter().any(|spec| spec.name() == name)
    }

    /// The form in which an entry has an attribute.
    pub(super) fn form(&self, name: gimli::DwAt) -> Option<gimli::DwForm> {
        let mut specs = self.abbreviation.attributes().iter();
        specs.find(|spec| spec.name() == name).map(|spec| spec.form())
    }
}

impl<'u, 'a> Walk<'u, 'a> {
    /// The next entry, which must then be [read](Self::read) or [skipped](Self::skip).
    pub(super) fn next(&mut self) -> gimli::Result<Option<Head<'u>>> {
        while !self.raw.is_empty() {
            let (offset, depth) = (self.raw.next_offset(), self.raw.next_depth());
            if let Some(abbreviation) = self.raw.read_abbreviation()? {
                return Ok(Some(Head { depth, offset, abbreviation }));
            }
        }
        Ok(None)
    }

    pub(super) fn skip(&mut self, head: &Head<'u>) -> gimli::Result<()> {
        self.raw.skip_attributes(head.abbreviation.attributes())
    }

    pub(super) fn read(&mut self, head: &Head<'u>) -> gimli::Result<&Entry<'a>> {
        self.raw.read_attributes(head.abbreviation.attributes(), &mut self.entry.attrs)?;
        self.entry.tag = head.abbreviation.tag();
        self.entry.has_children = head.abbreviation.has_children();
        (self.entry.offset, self.entry.depth) = (head.offset, head.depth);
        Ok(&self.entry)
    }
}

/// Elements of one dimension of an array, 0 where it does not say.
pub(super) fn count(subrange: &Entry<'_>) -> u64 {
    let number = |name| subrange.attr_value(name).and_then(|value| value.udata_value());
    let from_bound = number(gimli::DW_AT_upper_bound).and_then(|last| last.checked_add(1));
    number(gimli::DW_AT_count).or(from_bound).unwrap_or(0)
}

/// As [`String::from_utf8_lossy`], which takes its time even where all is well.
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

fn load_list<'a>(
    dwarf: &gimli::Dwarf<Slice<'a>>,
    section: &str,
    mut next: impl FnMut() -> gimli::Result<Option<gimli::UnitHeader<Slice<'a>>>>,
    units: &mut Vec<gimli::Unit<Slice<'a>>>,
    warnings: &mut Vec<Warning>,
) {
    loop {
        let header = match next() {
            Ok(Some(header)) => header,
            Ok(None) => break,
            Err(error) => {
                let what = format!("the list of units breaks off: {error}");
                warnings.push(warning(section, &what, "the units before it were read"));
                break;
            }
        };
        match dwarf.unit(header) {
            Ok(unit) => units.push(unit),
            Err(error) => warnings.push(unit_warning(&header, &error)),
        }
    }
}

fn unit_warning(header: &gimli::UnitHeader<Slice<'_>>, error: &gimli::Error) -> Warning {
    let place = match (header.debug_info_offset(), header.debug_types_offset()) {
        (Some(offset), _) => format!(".debug_info+{:#x}", offset.0),
        (None, offset) => format!(".debug_types+{:#x}", offset.map_or(0, |offset| offset.0)),
    };
    warning(
        &format!("unit at {place}"),
        &error.to_string(),
        "what follows in this unit was left out",
    )
}
