//! Variables that have one address for the whole run.

use gimli::{AttributeValue, Operation};

use super::entries::{Entries, Scope, ScopeKind};
use super::files::UnitFiles;
use super::names::Name;
use super::units::{Entry, Slice, lossy};
use crate::elf::{Facts, Variable};

/// How many scopes around a variable its name tells, the innermost ones. Real ones stay far below.
const MAX_SCOPES: usize = 64;

impl<'a> Entries<'_, 'a> {
    pub(super) fn read_variable(
        &mut self,
        unit: usize,
        entry: &Entry<'a>,
        files: &UnitFiles,
        scopes: &[Scope],
    ) {
        let Some(address) = self.fixed_address(unit, entry) else { return };
        let Name { shown, linkage } = self.names.of(self.units, unit, entry, &mut self.budget);
        if shown.is_empty() || !self.live.has_variable(address, &linkage) {
            return;
        }
        let ty_at = self.units.inherited(unit, entry, gimli::DW_AT_type);
        let ty = match &ty_at {
            Some((owner, value)) => self.type_at(*owner, value),
            None => self.opaque_type(),
        };
        // A demangled name brings its scope with it.
        let scope = if shown == linkage { self.scope(unit, scopes) } else { String::new() };
        let name = scope + &shown;
        if !self.budget.takes_text(name.len()) {
            return;
        }
        let (file, line) = self.declaration(unit, entry, files);
        let size = match self.size_of(ty) {
            0 => size_by_symbol(self.known, address),
            size => size,
        };
        if let (Some(shapes), Some((owner, value))) = (&mut self.shapes, ty_at) {
            shapes.read_variable(owner, &value, address, size);
        }
        let unit = u32::try_from(self.units.source_unit(unit, entry)).ok();
        self.variables.push(Variable { name, address, size, ty, file, line, unit });
    }

    /// The address in a location that is nothing but an address, or one plus a constant, as
    /// LLVM writes for merged globals.
    fn fixed_address(&self, unit: usize, entry: &Entry<'a>) -> Option<u64> {
        let AttributeValue::Exprloc(expression) = entry.attr_value(gimli::DW_AT_location)? else {
            return None;
        };
        let (dwarf, unit) = (self.units.dwarf(unit), self.units.get(unit));
        let mut operations = expression.operations(unit.encoding());
        let address = match operations.next().ok()?? {
            Operation::Address { address } => address,
            Operation::AddressIndex { index } => dwarf.address(unit, index).ok()?,
            _ => return None,
        };
        match operations.next().ok()? {
            None => Some(address),
            Some(Operation::PlusConstant { value }) if is_last(&mut operations) => {
                address.checked_add(value)
            }
            Some(_) => None,
        }
    }

    /// A variable inside a function is named like one in a namespace: `uart_init::calls`.
    fn scope(&self, unit: usize, scopes: &[Scope]) -> String {
        let mut path = String::new();
        let scopes = &scopes[scopes.len().saturating_sub(MAX_SCOPES)..];
        for scope in scopes.iter().filter(|s| !matches!(s.kind, ScopeKind::Inlined { .. })) {
            let Some(entry) = self.units.entry((unit, scope.entry)) else { continue };
            let name = self.units.inherited(unit, &entry, gimli::DW_AT_name);
            if let Some((owner, name)) = name {
                path.push_str(&lossy(self.units.bytes(owner, Some(name))));
                path.push_str("::");
            }
        }
        path
    }
}

fn is_last(operations: &mut gimli::OperationIter<Slice<'_>>) -> bool {
    matches!(operations.next(), Ok(None))
}

/// A type without a size (`extern int table[];`) gets the size of its symbol.
fn size_by_symbol(facts: &Facts, address: u64) -> u64 {
    let symbols = &facts.symbols;
    let first = symbols.partition_point(|symbol| symbol.address < address);
    symbols[first..]
        .iter()
        .take_while(|symbol| symbol.address == address)
        .map(|symbol| symbol.size)
        .max()
        .unwrap_or(0)
}
