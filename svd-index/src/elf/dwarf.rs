//! Debug information: functions and what was inlined into them, lines, variables, types.
//!
//! One damaged unit costs itself: it is left out with a warning and the others are read. Code
//! that the linker discarded still has debug information, at address 0 or at all ones; the
//! first is where the vector table of many chips lies, so it counts only if a function is there.

mod budget;
mod functions;
mod layouts;
mod lines;
mod shapes;
mod signatures;
mod types;
mod variables;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use gimli::{AttributeValue, EndianSlice, RunTimeEndian, UnitOffset};

use super::compressed::Room;
use super::image::{Image, warning};
use super::uses::shapes::Shapes;
use super::{Facts, Machine, SymbolKind, Unit};
use crate::Warning;

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;
type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>>;
type Die = (usize, UnitOffset);

/// How many references (`DW_AT_abstract_origin`, `DW_AT_specification`) lead from an entry to
/// its name. Compilers need two; a cycle needs a limit.
const MAX_REFERENCES: usize = 8;

/// Reads all debug information into `facts`; gives the types of pointers.
pub(crate) fn read(image: &Image<'_>, facts: &mut Facts, warnings: &mut Vec<Warning>) -> Shapes {
    let mut room = Room::new();
    let sections = gimli::DwarfSections::load(|id| {
        Ok::<_, std::convert::Infallible>(image.section_bytes(id.name(), &mut room, warnings))
    });
    let Ok(sections) = sections;
    let endian = image.endian();
    let mut dwarf =
        sections.borrow(|bytes: &Cow<'_, [u8]>| EndianSlice::new(bytes.as_ref(), endian));
    dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);

    let units = load_units(&dwarf, warnings);
    let signatures = signatures::Signatures::of(&units);
    let mut debug = Debug {
        units: &units,
        signatures: &signatures,
        dwarf: &dwarf,
        live: Live::of(image, facts),
        files: Files::default(),
        names: HashMap::new(),
        demangled: HashMap::new(),
        types: types::Types::default(),
        layouts: layouts::Layouts::default(),
        shapes: shapes::Found::default(),
        budget: budget::Budget::of(image),
    };
    // Type units count the files of the units whose line programs they share: those come first.
    let (apart, compiled): (Vec<usize>, Vec<usize>) =
        (0..debug.units.len()).partition(|&position| signatures::is_type_unit(&units[position]));
    let mut placed = vec![None; debug.units.len()];
    for position in compiled.into_iter().chain(apart) {
        let next = facts.units.len();
        debug.read_unit(position, facts, warnings);
        placed[position] = (facts.units.len() > next).then_some(next as u32);
    }
    let place = |unit: Option<u32>| unit.and_then(|unit| *placed.get(unit as usize)?);
    for function in &mut facts.functions {
        function.unit = place(function.unit);
    }
    for variable in &mut facts.variables {
        variable.unit = place(variable.unit);
    }
    warnings.extend(debug.budget.warning());
    lines::join_sequences(facts, std::mem::take(&mut debug.files.sequences));
    facts.files = std::mem::take(&mut debug.files.names);
    facts.types = std::mem::take(&mut debug.types).into_types();
    facts.layouts = debug.read_layouts();
    let shapes = debug.into_shapes();
    // One function in several units (C++ `inline`) has one body: the first description stays.
    facts.functions.sort_by_key(|function| function.ranges[0].start);
    facts.functions.dedup_by(|later, first| later.ranges[0] == first.ranges[0]);
    facts.variables.sort_by(|a, b| (a.address, &a.name).cmp(&(b.address, &b.name)));
    facts
        .variables
        .dedup_by(|later, first| (later.address, &later.name) == (first.address, &first.name));
    shapes
}

/// All there is to read with.
struct Debug<'d, 'a> {
    dwarf: &'d gimli::Dwarf<Slice<'a>>,
    units: &'d [gimli::Unit<Slice<'a>>],
    signatures: &'d signatures::Signatures,
    live: Live<'d>,
    files: Files,
    /// Names already looked up, by the entry that has them.
    names: HashMap<Die, Name>,
    /// The same subroutine stands in many units.
    demangled: HashMap<Cow<'a, str>, Name>,
    types: types::Types,
    layouts: layouts::Layouts<'a>,
    shapes: shapes::Found,
    budget: budget::Budget,
}

/// A name as people read it and as the linker does.
#[derive(Clone)]
struct Name {
    shown: Arc<str>,
    linkage: Arc<str>,
}

/// Tells code and data of the program from what the linker discarded.
struct Live<'d> {
    image: &'d Image<'d>,
    machine: Machine,
    code_at_zero: bool,
    object_at_zero: Option<String>,
}

/// Source paths, each once, and the line sequences that refer to them.
#[derive(Default)]
struct Files {
    names: Vec<String>,
    positions: HashMap<String, u32>,
    sequences: Vec<lines::Sequence>,
    /// By the place of the line program whose numbers they are.
    of_programs: HashMap<usize, Arc<lines::UnitFiles>>,
}

impl<'d> Live<'d> {
    fn of(image: &'d Image<'d>, facts: &Facts) -> Self {
        let at_zero = |kind| {
            let mut symbols = facts.symbols.iter().take_while(|symbol| symbol.address == 0);
            symbols.find(|symbol| symbol.kind == kind && image.is_own(0))
        };
        Self {
            image,
            machine: facts.machine,
            code_at_zero: at_zero(SymbolKind::Function).is_some(),
            object_at_zero: at_zero(SymbolKind::Object).map(|symbol| symbol.linkage_name.clone()),
        }
    }

    /// Whether a function or line sequence at `range` is part of the program.
    fn has_code(&self, range: &Range<u64>) -> bool {
        range.start < range.end
            && (range.start != 0 || self.code_at_zero)
            && self.image.is_code(range.start)
    }

    fn has_variable(&self, address: u64, name: &str) -> bool {
        (address != 0 || self.object_at_zero.as_deref() == Some(name)) && self.image.is_own(address)
    }

    /// Some compilers leave the Thumb bit in code addresses.
    fn code_address(&self, address: u64) -> u64 {
        if self.machine == Machine::Arm { address & !1 } else { address }
    }
}

impl Files {
    fn intern(&mut self, path: String) -> u32 {
        if let Some(&position) = self.positions.get(&path) {
            return position;
        }
        let position = self.names.len() as u32;
        self.names.push(path.clone());
        self.positions.insert(path, position);
        position
    }
}

fn load_units<'a>(
    dwarf: &gimli::Dwarf<Slice<'a>>,
    warnings: &mut Vec<Warning>,
) -> Vec<gimli::Unit<Slice<'a>>> {
    let mut units = Vec::new();
    let mut headers = dwarf.units();
    load_unit_list(dwarf, ".debug_info", || headers.next(), &mut units, warnings);
    // DWARF 4 has a section for types; references by place never lead there.
    let mut headers = dwarf.type_units();
    load_unit_list(dwarf, ".debug_types", || headers.next(), &mut units, warnings);
    units
}

fn load_unit_list<'a>(
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

/// As [`String::from_utf8_lossy`], which takes its time even where all is well.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
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

impl<'d, 'a> Debug<'d, 'a> {
    fn read_unit(&mut self, position: usize, facts: &mut Facts, warnings: &mut Vec<Warning>) {
        let header = &self.units[position].header;
        let files = match self.unit_facts(position) {
            Ok(Some(unit)) => {
                facts.units.push(unit);
                self.read_lines(position)
            }
            Ok(None) => Ok(self.shared_files(position)),
            Err(error) => return warnings.push(unit_warning(header, &error)),
        };
        let files = files.unwrap_or_else(|error| {
            warnings.push(unit_warning(header, &error));
            Arc::default()
        });
        if let Err(error) = self.read_entries(position, &files, facts) {
            warnings.push(unit_warning(header, &error));
        }
    }

    /// `None` for units that only hold types.
    fn unit_facts(&mut self, position: usize) -> gimli::Result<Option<Unit>> {
        let unit = &self.units[position];
        if !matches!(
            unit.header.type_(),
            gimli::UnitType::Compilation
                | gimli::UnitType::Partial
                | gimli::UnitType::Skeleton(_)
                | gimli::UnitType::SplitCompilation(_)
        ) {
            return Ok(None);
        }
        let mut entries = unit.entries();
        let Some(root) = entries.next_dfs()? else { return Ok(None) };
        // Where the list is damaged, its functions still tell.
        let ranges = self.ranges(position, root).unwrap_or_default();
        Ok(Some(Unit {
            ranges,
            name: self.text(position, root, gimli::DW_AT_name).into_owned(),
            comp_dir: self.text(position, root, gimli::DW_AT_comp_dir).into_owned(),
            producer: self.text(position, root, gimli::DW_AT_producer).into_owned(),
            version: unit.header.version(),
        }))
    }

    /// The unit whose source has what an entry describes: link-time optimisation describes code
    /// in a unit of its own, and refers to where it comes from.
    fn source_unit(&self, unit: usize, entry: &Entry<'a>) -> usize {
        let origin = entry.attr_value(gimli::DW_AT_abstract_origin);
        origin.and_then(|value| self.reference(unit, &value)).map_or(unit, |(unit, _)| unit)
    }

    /// Text of an attribute, empty where there is none.
    fn text(&self, unit: usize, entry: &Entry<'a>, name: gimli::DwAt) -> Cow<'a, str> {
        entry
            .attr_value(name)
            .and_then(|value| self.dwarf.attr_string(&self.units[unit], value).ok())
            .map(|text| lossy(text.slice()))
            .unwrap_or_default()
    }

    /// The entry that an attribute refers to, in its own unit or another.
    fn reference(&self, unit: usize, value: &AttributeValue<Slice<'a>>) -> Option<Die> {
        match *value {
            AttributeValue::UnitRef(offset) => Some((unit, offset)),
            AttributeValue::DebugTypesRef(signature) => self.signatures.find(signature),
            AttributeValue::DebugInfoRef(offset) => {
                let start = |unit: &gimli::Unit<Slice<'a>>| {
                    unit.header.debug_info_offset().map_or(usize::MAX, |offset| offset.0)
                };
                let after = self.units.partition_point(|unit| start(unit) <= offset.0);
                let position = after.checked_sub(1)?;
                let within = UnitOffset(offset.0 - start(&self.units[position]));
                Some((position, within))
            }
            _ => None,
        }
    }

    /// Name of an entry, through its specification or origin.
    fn name(&mut self, unit: usize, entry: &Entry<'a>) -> Name {
        if self.budget.is_spent() {
            return Name { shown: "".into(), linkage: "".into() };
        }
        let (mut unit, mut entry) = (unit, Cow::Borrowed(entry));
        let mut visited = Vec::new();
        let mut plain = Cow::Borrowed("");
        let mut found = None;
        for _ in 0..MAX_REFERENCES {
            found = self.linkage_name(unit, &entry);
            if found.is_some() {
                break;
            }
            if plain.is_empty() {
                plain = self.text(unit, &entry, gimli::DW_AT_name);
            }
            let origin = entry
                .attr_value(gimli::DW_AT_abstract_origin)
                .or_else(|| entry.attr_value(gimli::DW_AT_specification));
            let Some(die) = origin.and_then(|value| self.reference(unit, &value)) else { break };
            found = self.names.get(&die).cloned();
            if found.is_some() {
                break;
            }
            let Ok(next) = self.units[die.0].entry(die.1) else { break };
            visited.push(die);
            (unit, entry) = (die.0, Cow::Owned(next));
        }
        let name = found.unwrap_or_else(|| {
            let plain = if self.budget.takes_text(plain.len()) { &*plain } else { "" };
            let shown: Arc<str> = plain.into();
            Name { linkage: Arc::clone(&shown), shown }
        });
        for die in visited {
            self.names.insert(die, name.clone());
        }
        name
    }

    fn linkage_name(&mut self, unit: usize, entry: &Entry<'a>) -> Option<Name> {
        let names = [gimli::DW_AT_linkage_name, gimli::DW_AT_MIPS_linkage_name];
        let mut texts = names.into_iter().map(|name| self.text(unit, entry, name));
        let linkage = texts.find(|text| !text.is_empty())?;
        if let Some(known) = self.demangled.get(&linkage) {
            return Some(known.clone());
        }
        if !self.budget.takes_text(linkage.len()) {
            return None;
        }
        let shown = super::demangle::demangle(&linkage).into();
        let name = Name { shown, linkage: linkage.as_ref().into() };
        self.demangled.insert(linkage, name.clone());
        Some(name)
    }

    /// First value of an attribute on the way along specification and origin, with its unit.
    fn inherited(
        &self,
        unit: usize,
        entry: &Entry<'a>,
        name: gimli::DwAt,
    ) -> Option<(usize, AttributeValue<Slice<'a>>)> {
        let (mut unit, mut entry) = (unit, Cow::Borrowed(entry));
        for _ in 0..MAX_REFERENCES {
            if let Some(value) = entry.attr_value(name) {
                return Some((unit, value));
            }
            let origin = entry
                .attr_value(gimli::DW_AT_abstract_origin)
                .or_else(|| entry.attr_value(gimli::DW_AT_specification))?;
            let die = self.reference(unit, &origin)?;
            let next = self.units[die.0].entry(die.1).ok()?;
            (unit, entry) = (die.0, Cow::Owned(next));
        }
        None
    }

    /// Code ranges of an entry that are part of the program, by address.
    fn ranges(&mut self, unit: usize, entry: &Entry<'a>) -> gimli::Result<Vec<Range<u64>>> {
        let mut found = Vec::new();
        let mut ranges = self.dwarf.die_ranges(&self.units[unit], entry)?;
        while let Some(range) = ranges.next()? {
            if !self.budget.takes_range() {
                break;
            }
            // Where the start has the Thumb bit, an end counted from it has it, too.
            let range = self.live.code_address(range.begin)..self.live.code_address(range.end);
            if self.live.has_code(&range) {
                found.push(range);
            }
        }
        found.sort_by_key(|range| range.start);
        Ok(found)
    }
}
