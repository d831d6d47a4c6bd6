//! Variables that have one address for the whole run.

use gimli::{AttributeValue, Operation};

use super::functions::{Scope, ScopeKind};
use super::lines::UnitFiles;
use super::{Debug, Entry, Slice};
use crate::elf::{Facts, Variable};

impl<'a> Debug<'_, 'a> {
    pub(super) fn read_variable(
        &mut self,
        unit: usize,
        entry: &Entry<'a>,
        files: &UnitFiles,
        scopes: &[Scope],
        facts: &mut Facts,
    ) {
        let Some(address) = self.fixed_address(unit, entry) else { return };
        let (plain, linkage_name) = self.name(unit, entry);
        if plain.is_empty() || !self.live.has_variable(address, &linkage_name) {
            return;
        }
        let ty = match self.inherited(unit, entry, gimli::DW_AT_type) {
            Some((owner, value)) => self.type_at(owner, &value),
            None => self.opaque_type(),
        };
        let name = if plain == linkage_name { in_scope(scopes, &plain) } else { plain };
        let (file, line) = self.declaration(unit, entry, files);
        let size = match self.size_of(ty) {
            0 => size_by_symbol(facts, address),
            size => size,
        };
        facts.variables.push(Variable { name, address, size, ty, file, line });
    }

    /// The address in a location that is nothing but an address, or one plus a constant, as
    /// LLVM writes for merged globals.
    fn fixed_address(&self, unit: usize, entry: &Entry<'a>) -> Option<u64> {
        let AttributeValue::Exprloc(expression) = entry.attr_value(gimli::DW_AT_location)? else {
            return None;
        };
        let unit = &self.units[unit];
        let mut operations = expression.operations(unit.encoding());
        let address = match operations.next().ok()?? {
            Operation::Address { address } => address,
            Operation::AddressIndex { index } => self.dwarf.address(unit, index).ok()?,
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
}

fn is_last(operations: &mut gimli::OperationIter<Slice<'_>>) -> bool {
    matches!(operations.next(), Ok(None))
}

/// A variable inside a function is named like one in a namespace: `uart_init::calls`.
fn in_scope(scopes: &[Scope], name: &str) -> String {
    let mut path = String::new();
    for scope in scopes {
        let part = match &scope.kind {
            ScopeKind::Function { name, .. } | ScopeKind::Namespace(name) => name,
            ScopeKind::Inlined { .. } => continue,
        };
        path.push_str(part);
        path.push_str("::");
    }
    path + name
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
