//! The units of debug information: how their entries are gone through, and refer to each other.
//!
//! Nothing here changes once it is loaded, so that several threads can read at once.

use std::borrow::Cow;

use foldhash::HashMap;
use gimli::{AttributeValue, EndianSlice, RunTimeEndian, Section, UnitOffset};

use super::signatures::{self, Signatures};
use super::walk::Walk;
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
    /// Debug information beside the program.
    split: &'d [gimli::Dwarf<Slice<'a>>],
    endian: RunTimeEndian,
    list: Vec<gimli::Unit<Slice<'a>>>,
    /// How many units the program itself has.
    own: usize,
    /// By unit: its debug information in `split`, if it is there, and what the program has of it.
    beside: HashMap<usize, Beside<'a>>,
    /// The folder that all units beside the program were compiled in; those of types do not tell.
    folder_beside: Option<Slice<'a>>,
    signatures: Signatures,
}

/// Where a unit is that is not in the program.
struct Beside<'a> {
    dwarf: usize,
    /// Its code ranges and line program; a unit of types has none in the program.
    skeleton: Option<gimli::Unit<Slice<'a>>>,
}

impl<'d, 'a> Units<'d, 'a> {
    /// Reads what heads the units; one that is damaged is left out with a warning.
    pub(super) fn load(
        dwarf: &'d gimli::Dwarf<Slice<'a>>,
        split: &'d [gimli::Dwarf<Slice<'a>>],
        endian: RunTimeEndian,
        warnings: &mut Vec<Warning>,
    ) -> Self {
        let mut list = Vec::new();
        let mut headers = dwarf.units();
        load_list(dwarf, ".debug_info", || headers.next(), &mut list, warnings);
        // DWARF 4 has a section for types; references by place never lead there.
        let mut headers = dwarf.type_units();
        load_list(dwarf, ".debug_types", || headers.next(), &mut list, warnings);
        let own = list.len();
        let beside = HashMap::default();
        let folders = || list.iter().filter(|unit| unit.dwo_id.is_some()).map(|unit| unit.comp_dir);
        let first = folders().next().flatten();
        let folder_beside = first.filter(|first| folders().all(|folder| folder == Some(*first)));
        let signatures = Signatures::default();
        let mut units = Self { dwarf, split, endian, list, own, beside, folder_beside, signatures };
        units.bring_in_split(warnings);
        units.signatures = Signatures::of(&units.list);
        units
    }

    /// Puts units beside the program in the place of their skeletons, and types after all.
    fn bring_in_split(&mut self, warnings: &mut Vec<Warning>) {
        let skeletons = self.list.iter().enumerate();
        let mut skeletons: HashMap<u64, usize> =
            skeletons.filter_map(|(position, unit)| Some((unit.dwo_id?.0, position))).collect();
        for (dwarf, split) in self.split.iter().enumerate() {
            let mut found = Vec::new();
            let mut headers = split.units();
            load_list(split, ".debug_info.dwo", || headers.next(), &mut found, warnings);
            let mut headers = split.type_units();
            load_list(split, ".debug_types.dwo", || headers.next(), &mut found, warnings);
            for mut unit in found {
                if signatures::is_type_unit(&unit) {
                    self.beside.insert(self.list.len(), Beside { dwarf, skeleton: None });
                    self.list.push(unit);
                } else if let Some(position) = unit.dwo_id.and_then(|id| skeletons.remove(&id.0)) {
                    unit.copy_relocated_attributes(&self.list[position]);
                    let skeleton = std::mem::replace(&mut self.list[position], unit);
                    self.beside.insert(position, Beside { dwarf, skeleton: Some(skeleton) });
                }
            }
        }
        if let Some(&first) = skeletons.values().min() {
            let name = self.list[first].dwo_name().ok().flatten();
            let what = format!(
                "{} of its units have their debug information in files that were not found, such as {}",
                skeletons.len(),
                lossy(self.bytes(first, name)),
            );
            let assumed = "of these only code ranges and lines were read";
            warnings.push(warning(".debug_info", &what, assumed));
        }
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

    /// The debug information that a unit is in.
    pub(super) fn dwarf(&self, unit: usize) -> &'d gimli::Dwarf<Slice<'a>> {
        self.beside.get(&unit).map_or(self.dwarf, |beside| &self.split[beside.dwarf])
    }

    /// The part of a unit that has its code ranges and its line program.
    pub(super) fn base(
        &self,
        unit: usize,
    ) -> (&'d gimli::Dwarf<Slice<'a>>, &gimli::Unit<Slice<'a>>) {
        match self.beside.get(&unit) {
            Some(Beside { skeleton: Some(skeleton), .. }) => (self.dwarf, skeleton),
            _ => (self.dwarf(unit), &self.list[unit]),
        }
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

    /// Goes through those entries of a unit that are of interest.
    pub(super) fn walk(
        &self,
        unit: usize,
        is_of_interest: fn(&gimli::Abbreviation) -> bool,
    ) -> Walk<'_, 'a> {
        Walk::new(&self.list[unit], is_of_interest)
    }

    /// One entry.
    pub(super) fn entry(&self, (unit, offset): Die) -> Option<Entry<'a>> {
        self.list[unit].entry(offset).ok()
    }

    /// The bytes of a text, empty where there is none.
    pub(super) fn bytes(&self, unit: usize, value: Option<AttributeValue<Slice<'a>>>) -> &'a [u8] {
        let dwarf = self.dwarf(unit);
        if let Some(AttributeValue::DebugStrRef(offset)) = value {
            let text = dwarf.debug_str.reader().slice().get(offset.0..).unwrap_or_default();
            return memchr::memchr(0, text).map_or(&[], |end| &text[..end]);
        }
        let text = value.and_then(|value| dwarf.attr_string(&self.list[unit], value).ok());
        text.map_or(&[], |text| text.slice())
    }

    /// The folder that a unit was compiled in, empty where it does not tell.
    pub(super) fn comp_dir(&self, unit: usize) -> &'a [u8] {
        let beside = self.folder_beside.filter(|_| self.beside.contains_key(&unit));
        self.base(unit).1.comp_dir.or(beside).map_or(&[], |folder| folder.slice())
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
            // Outside of the program each unit is alone.
            AttributeValue::DebugInfoRef(offset) if self.beside.contains_key(&unit) => {
                let start = self.list[unit].header.debug_info_offset()?.0;
                Some((unit, UnitOffset(offset.0.checked_sub(start)?)))
            }
            AttributeValue::DebugInfoRef(offset) => {
                let start = |unit: usize| {
                    let offset = self.base(unit).1.header.debug_info_offset();
                    offset.map_or(usize::MAX, |offset| offset.0)
                };
                let (mut low, mut high) = (0, self.own);
                while low < high {
                    let middle = low.midpoint(high);
                    match start(middle) <= offset.0 {
                        true => low = middle + 1,
                        false => high = middle,
                    }
                }
                let position = low.checked_sub(1)?;
                let is_own = !self.beside.contains_key(&position);
                is_own.then(|| (position, UnitOffset(offset.0 - start(position))))
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
