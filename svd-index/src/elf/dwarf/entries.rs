//! Units and what their entries describe: subprograms, inlined subroutines, variables in their
//! scope.

use std::ops::Range;

use gimli::{Abbreviation, UnitOffset};

use super::budget::Budget;
use super::files::{Files, UnitFiles};
use super::live::Live;
use super::names::Names;
use super::units::{Entry, Slice, Units, lossy};
use super::walk::{Head, Walk};
use super::{shapes, types};
use crate::Warning;
use crate::elf::{Facts, Function, Inlined, Type, Unit, Variable};

/// What is read with, and what was found so far.
pub(super) struct Entries<'u, 'a> {
    pub(super) units: &'u Units<'u, 'a>,
    pub(super) files: &'u Files,
    pub(super) live: &'u Live<'u>,
    /// What was read before the debug information.
    pub(super) known: &'u Facts,
    pub(super) names: Names<'a>,
    pub(super) types: types::Types,
    /// Only for those who follow the code.
    pub(super) shapes: Option<shapes::Found<'u, 'a>>,
    pub(super) budget: Budget,
    pub(super) found: Vec<Unit>,
    pub(super) functions: Vec<Function>,
    pub(super) variables: Vec<Variable>,
    /// What broke off.
    pub(super) damage: Vec<(usize, gimli::Error)>,
}

/// What was found, apart from what it was found with.
pub(super) struct Found {
    units: Vec<Unit>,
    functions: Vec<Function>,
    variables: Vec<Variable>,
    types: Vec<Type>,
    /// What broke off.
    pub(super) damage: Vec<(usize, gimli::Error)>,
    warning: Option<Warning>,
}

/// An entry whose children are being read.
pub(super) struct Scope {
    /// Depth of the entry in the tree.
    depth: isize,
    pub(super) entry: UnitOffset,
    pub(super) kind: ScopeKind,
}

pub(super) enum ScopeKind {
    /// A subprogram: position in [`Facts::functions`], or `None` if it has no code of its own.
    Function { position: Option<usize> },
    /// A subroutine inlined into the function around it, this deep.
    Inlined { depth: u32 },
    /// A namespace or Rust module.
    Namespace,
}

impl Found {
    /// Tells what broke off.
    pub(super) fn warn(&mut self, units: &Units<'_, '_>, warnings: &mut Vec<Warning>) {
        self.damage.sort_by_key(|(unit, _)| *unit);
        warnings.extend(self.damage.iter().map(|(unit, error)| units.damage(*unit, error)));
        warnings.extend(self.warning.take());
    }

    /// Puts what was found where it belongs.
    pub(super) fn put(self, facts: &mut Facts) {
        facts.units = self.units;
        (facts.functions, facts.variables) = (self.functions, self.variables);
        facts.types = self.types;
    }
}

impl<'u, 'a> Entries<'u, 'a> {
    pub(super) fn new(
        units: &'u Units<'u, 'a>,
        files: &'u Files,
        live: &'u Live<'u>,
        known: &'u Facts,
    ) -> Self {
        Self {
            units,
            files,
            live,
            known,
            names: Names::default(),
            types: types::Types::default(),
            shapes: None,
            budget: Budget::of(live.image),
            found: Vec::new(),
            functions: Vec::new(),
            variables: Vec::new(),
            damage: Vec::new(),
        }
    }

    pub(super) fn into_found(self) -> Found {
        Found {
            units: self.found,
            functions: self.functions,
            variables: self.variables,
            types: self.types.into_types(),
            damage: self.damage,
            warning: self.budget.warning(),
        }
    }

    /// Reads the units in `order`, and brings functions and variables into theirs.
    pub(super) fn read(&mut self, order: &[usize]) {
        let mut placed = vec![None; self.units.len()];
        for &unit in order {
            let next = self.found.len();
            let read = self.read_unit(unit).and_then(|()| self.read_entries(unit));
            placed[unit] = (self.found.len() > next).then_some(next as u32);
            self.damage.extend(read.err().map(|error| (unit, error)));
        }
        let place = |unit: Option<u32>| unit.and_then(|unit| *placed.get(unit as usize)?);
        for function in &mut self.functions {
            function.unit = place(function.unit);
        }
        for variable in &mut self.variables {
            variable.unit = place(variable.unit);
        }
        // One function in several units (C++ `inline`) has one body: the first description stays.
        self.functions.sort_by_key(|function| function.ranges[0].start);
        self.functions.dedup_by(|later, first| later.ranges[0] == first.ranges[0]);
        self.variables.sort_by(|a, b| (a.address, &a.name).cmp(&(b.address, &b.name)));
        self.variables
            .dedup_by(|later, first| (later.address, &later.name) == (first.address, &first.name));
    }

    /// Reads what a unit says of itself. Units that only hold types are no units of the program.
    fn read_unit(&mut self, position: usize) -> gimli::Result<()> {
        let units = self.units;
        if !matches!(
            units.get(position).header.type_(),
            gimli::UnitType::Compilation
                | gimli::UnitType::Partial
                | gimli::UnitType::Skeleton(_)
                | gimli::UnitType::SplitCompilation(_)
        ) {
            return Ok(());
        }
        let mut walk = units.walk(position, |_| true);
        let Some(head) = walk.next()? else { return Ok(()) };
        let root = walk.read(&head)?;
        // Where the list is damaged, its functions still tell.
        let ranges = self.unit_ranges(position).unwrap_or_default();
        self.found.push(Unit {
            ranges,
            name: units.text(position, root, gimli::DW_AT_name).into_owned(),
            comp_dir: lossy(units.comp_dir(position)).into_owned(),
            producer: units.text(position, root, gimli::DW_AT_producer).into_owned(),
            version: units.get(position).header.version(),
        });
        Ok(())
    }

    fn read_entries(&mut self, unit: usize) -> gimli::Result<()> {
        let (units, files) = (self.units, self.files.of_unit(unit));
        let is_of_interest = match self.shapes {
            Some(_) => is_of_interest_for_shapes,
            None => is_of_interest,
        };
        let mut walk = units.walk(unit, is_of_interest);
        let mut scopes: Vec<Scope> = Vec::new();
        while let Some(head) = walk.next()? {
            while scopes.last().is_some_and(|scope| scope.depth >= head.lowest) {
                scopes.pop();
            }
            let kind = self.read_entry(unit, files, &mut walk, &head, &scopes)?;
            scopes.extend(kind.map(|kind| Scope { depth: head.depth, entry: head.offset, kind }));
        }
        Ok(())
    }

    /// Reads an entry, or skips it; gives the scope that its children are in.
    fn read_entry(
        &mut self,
        unit: usize,
        files: &UnitFiles,
        walk: &mut Walk<'u, 'a>,
        head: &Head<'u>,
        scopes: &[Scope],
    ) -> gimli::Result<Option<ScopeKind>> {
        match head.tag() {
            gimli::DW_TAG_subprogram if has_code(head.abbreviation) => {
                let position = self.read_function(unit, walk.read(head)?, files)?;
                return Ok(Some(ScopeKind::Function { position }));
            }
            gimli::DW_TAG_inlined_subroutine => {
                return self.read_inlined(unit, walk.read(head)?, files, scopes);
            }
            gimli::DW_TAG_variable => {
                self.read_variable(unit, walk.read(head)?, files, scopes);
                return Ok(None);
            }
            tag => match (&mut self.shapes, tag) {
                (Some(shapes), gimli::DW_TAG_formal_parameter) => {
                    shapes.read_parameter(unit, walk.read(head)?, scopes, &self.functions);
                }
                (Some(shapes), gimli::DW_TAG_structure_type) => {
                    shapes.read_module(unit, walk.read(head)?, scopes);
                }
                _ => walk.skip(head)?,
            },
        }
        Ok(match head.tag() {
            gimli::DW_TAG_subprogram => Some(ScopeKind::Function { position: None }),
            gimli::DW_TAG_namespace => Some(ScopeKind::Namespace),
            _ => None,
        })
    }

    /// Position of the function; `None` if none of its code is part of the program.
    fn read_function(
        &mut self,
        unit: usize,
        entry: &Entry<'a>,
        files: &UnitFiles,
    ) -> gimli::Result<Option<usize>> {
        let ranges = self.ranges(unit, entry)?;
        if ranges.is_empty() {
            return Ok(None);
        }
        let name = self.names.of(self.units, unit, entry, &mut self.budget);
        if !self.budget.takes_text(name.shown.len() + name.linkage.len()) {
            return Ok(None);
        }
        let (file, line) = self.declaration(unit, entry, files);
        self.functions.push(Function {
            name: name.shown,
            linkage_name: name.linkage,
            ranges,
            file,
            line,
            inlined: Vec::new(),
            unit: u32::try_from(self.units.source_unit(unit, entry)).ok(),
        });
        Ok(Some(self.functions.len() - 1))
    }

    /// File and line of a declaration. A number inherited from another unit counts that unit's
    /// files, so the file is then left out.
    pub(super) fn declaration(
        &self,
        unit: usize,
        entry: &Entry<'a>,
        files: &UnitFiles,
    ) -> (Option<u32>, u32) {
        let names = [gimli::DW_AT_decl_file, gimli::DW_AT_decl_line];
        let [file, line] = self.units.inherited_all(unit, entry, names);
        let file = file.filter(|(owner, _)| *owner == unit);
        let file = file.and_then(|(_, value)| files.named_by(&value));
        let line = line
            .and_then(|(_, value)| value.udata_value())
            .and_then(|line| u32::try_from(line).ok());
        (file, line.unwrap_or(0))
    }

    fn read_inlined(
        &mut self,
        unit: usize,
        entry: &Entry<'a>,
        files: &UnitFiles,
        scopes: &[Scope],
    ) -> gimli::Result<Option<ScopeKind>> {
        let around = scopes.iter().rev().find_map(|scope| match scope.kind {
            ScopeKind::Inlined { depth } => Some(depth),
            ScopeKind::Function { .. } => Some(0),
            ScopeKind::Namespace => None,
        });
        let function = scopes.iter().rev().find_map(|scope| match scope.kind {
            ScopeKind::Function { position } => Some(position),
            _ => None,
        });
        let (Some(around), Some(Some(function))) = (around, function) else { return Ok(None) };
        let ranges = self.ranges(unit, entry)?;
        let number = |name| {
            let value = entry.attr_value(name)?.udata_value()?;
            u32::try_from(value).ok()
        };
        let inlined = Inlined {
            name: self.names.of(self.units, unit, entry, &mut self.budget).shown,
            ranges,
            depth: around + 1,
            call_file: entry
                .attr_value(gimli::DW_AT_call_file)
                .and_then(|value| files.named_by(&value)),
            call_line: number(gimli::DW_AT_call_line).unwrap_or(0),
            call_column: number(gimli::DW_AT_call_column).unwrap_or(0),
        };
        self.functions[function].inlined.push(inlined);
        Ok(Some(ScopeKind::Inlined { depth: around + 1 }))
    }

    /// Code ranges of an entry that are part of the program, by address.
    fn ranges(&mut self, unit: usize, entry: &Entry<'a>) -> gimli::Result<Vec<Range<u64>>> {
        let (dwarf, unit) = (self.units.dwarf(unit), self.units.get(unit));
        let ranges = dwarf.die_ranges(unit, entry)?;
        self.live_ranges(ranges)
    }

    /// Code ranges of a whole unit, which the program has even of a unit beside it.
    fn unit_ranges(&mut self, unit: usize) -> gimli::Result<Vec<Range<u64>>> {
        let (dwarf, base) = self.units.base(unit);
        let ranges = dwarf.unit_ranges(base)?;
        self.live_ranges(ranges)
    }

    fn live_ranges(
        &mut self,
        mut ranges: gimli::RangeIter<Slice<'a>>,
    ) -> gimli::Result<Vec<Range<u64>>> {
        let mut found = Vec::new();
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

/// Whether an entry is one that is read, or a scope of some.
fn is_of_interest(abbreviation: &Abbreviation) -> bool {
    match abbreviation.tag() {
        gimli::DW_TAG_subprogram | gimli::DW_TAG_inlined_subroutine | gimli::DW_TAG_namespace => {
            true
        }
        gimli::DW_TAG_variable => is_fixed(abbreviation),
        _ => false,
    }
}

fn is_of_interest_for_shapes(abbreviation: &Abbreviation) -> bool {
    let tag = abbreviation.tag();
    matches!(tag, gimli::DW_TAG_formal_parameter | gimli::DW_TAG_structure_type)
        || is_of_interest(abbreviation)
}

/// Whether a subprogram may have code: it is no declaration, and not only there to be inlined.
fn has_code(abbreviation: &Abbreviation) -> bool {
    let mut specs = abbreviation.attributes().iter();
    specs.any(|spec| matches!(spec.name(), gimli::DW_AT_low_pc | gimli::DW_AT_ranges))
}

/// Whether a variable may have one address for the whole run: others have a list of places.
fn is_fixed(abbreviation: &Abbreviation) -> bool {
    let mut specs = abbreviation.attributes().iter();
    let location = specs.find(|spec| spec.name() == gimli::DW_AT_location);
    location.is_some_and(|spec| {
        !matches!(spec.form(), gimli::DW_FORM_sec_offset | gimli::DW_FORM_loclistx)
    })
}
