//! The walk over a unit's entries: subprograms, inlined subroutines, variables in their scope.

use gimli::UnitOffset;

use super::lines::UnitFiles;
use super::{Debug, Entry};
use crate::elf::{Facts, Function, Inlined};

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

impl<'a> Debug<'_, 'a> {
    /// Walks all entries of a unit.
    pub(super) fn read_entries(
        &mut self,
        unit: usize,
        files: &UnitFiles,
        facts: &mut Facts,
    ) -> gimli::Result<()> {
        let mut entries = self.units[unit].entries();
        let mut scopes: Vec<Scope> = Vec::new();
        while let Some(entry) = entries.next_dfs()? {
            let depth = entry.depth();
            while scopes.last().is_some_and(|scope| scope.depth >= depth) {
                scopes.pop();
            }
            self.note_layout(unit, entry, files);
            let kind = match entry.tag() {
                gimli::DW_TAG_subprogram => Some(self.read_function(unit, entry, files, facts)?),
                gimli::DW_TAG_inlined_subroutine => {
                    self.read_inlined(unit, entry, files, &scopes, facts)?
                }
                gimli::DW_TAG_namespace => Some(ScopeKind::Namespace),
                gimli::DW_TAG_formal_parameter => {
                    self.read_parameter(unit, entry, &scopes, facts);
                    None
                }
                gimli::DW_TAG_structure_type => {
                    self.read_module(unit, entry, &scopes);
                    None
                }
                gimli::DW_TAG_variable => {
                    self.read_variable(unit, entry, files, &scopes, facts);
                    None
                }
                _ => None,
            };
            let entry = entry.offset();
            scopes.extend(kind.map(|kind| Scope { depth, entry, kind }));
        }
        Ok(())
    }

    fn read_function(
        &mut self,
        unit: usize,
        entry: &Entry<'a>,
        files: &UnitFiles,
        facts: &mut Facts,
    ) -> gimli::Result<ScopeKind> {
        let ranges = self.ranges(unit, entry)?;
        if ranges.is_empty() {
            return Ok(ScopeKind::Function { position: None });
        }
        let name = self.name(unit, entry);
        if !self.budget.takes_text(name.shown.len() + name.linkage.len()) {
            return Ok(ScopeKind::Function { position: None });
        }
        let (file, line) = self.declaration(unit, entry, files);
        let position = Some(facts.functions.len());
        facts.functions.push(Function {
            name: name.shown,
            linkage_name: name.linkage,
            ranges,
            file,
            line,
            inlined: Vec::new(),
            unit: u32::try_from(self.source_unit(unit, entry)).ok(),
        });
        Ok(ScopeKind::Function { position })
    }

    /// File and line of a declaration. A number inherited from another unit counts that unit's
    /// files, so the file is then left out.
    pub(super) fn declaration(
        &self,
        unit: usize,
        entry: &Entry<'a>,
        files: &UnitFiles,
    ) -> (Option<u32>, u32) {
        let file = self
            .inherited(unit, entry, gimli::DW_AT_decl_file)
            .filter(|(owner, _)| *owner == unit)
            .and_then(|(_, value)| files.named_by(&value));
        let line = self
            .inherited(unit, entry, gimli::DW_AT_decl_line)
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
        facts: &mut Facts,
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
            name: self.name(unit, entry).shown,
            ranges,
            depth: around + 1,
            call_file: entry
                .attr_value(gimli::DW_AT_call_file)
                .and_then(|value| files.named_by(&value)),
            call_line: number(gimli::DW_AT_call_line).unwrap_or(0),
            call_column: number(gimli::DW_AT_call_column).unwrap_or(0),
        };
        facts.functions[function].inlined.push(inlined);
        Ok(Some(ScopeKind::Inlined { depth: around + 1 }))
    }
}
