//! Names of subprograms and variables, which stand with the entry itself or with one that it
//! completes.

use std::borrow::Cow;
use std::sync::Arc;

use foldhash::HashMap;

use super::budget::Budget;
use super::units::{Die, Entry, MAX_REFERENCES, Units, lossy};
use crate::elf::demangle::demangle;

/// A name as people read it and as the linker does.
#[derive(Clone)]
pub(super) struct Name {
    pub(super) shown: Arc<str>,
    pub(super) linkage: Arc<str>,
}

/// Names looked up so far.
#[derive(Default)]
pub(super) struct Names<'a> {
    /// By the entry that has them.
    of_dies: HashMap<Die, Name>,
    /// The same subroutine stands in many units.
    demangled: HashMap<&'a [u8], Name>,
}

impl<'a> Names<'a> {
    /// Name of an entry, through its specification or origin.
    pub(super) fn of(
        &mut self,
        units: &Units<'_, 'a>,
        unit: usize,
        entry: &Entry<'a>,
        budget: &mut Budget,
    ) -> Name {
        if budget.is_spent() {
            return Name { shown: "".into(), linkage: "".into() };
        }
        let (mut unit, mut entry) = (unit, Cow::Borrowed(entry));
        let mut visited = [None; MAX_REFERENCES];
        let mut plain = &[][..];
        let mut found = None;
        for visited in &mut visited {
            found = self.linkage_name(units, unit, &entry, budget);
            if found.is_some() {
                break;
            }
            if plain.is_empty() {
                plain = units.bytes(unit, entry.attr_value(gimli::DW_AT_name));
            }
            let Some(die) = units.origin(unit, &entry) else { break };
            found = self.of_dies.get(&die).cloned();
            if found.is_some() {
                break;
            }
            let Some(next) = units.entry(die) else { break };
            *visited = Some(die);
            (unit, entry) = (die.0, Cow::Owned(next));
        }
        let name = found.unwrap_or_else(|| {
            let plain = if budget.takes_text(plain.len()) { plain } else { &[] };
            let shown: Arc<str> = lossy(plain).into();
            Name { linkage: Arc::clone(&shown), shown }
        });
        for die in visited.into_iter().flatten() {
            self.of_dies.insert(die, name.clone());
        }
        name
    }

    fn linkage_name(
        &mut self,
        units: &Units<'_, 'a>,
        unit: usize,
        entry: &Entry<'a>,
        budget: &mut Budget,
    ) -> Option<Name> {
        let names = [gimli::DW_AT_linkage_name, gimli::DW_AT_MIPS_linkage_name];
        let mut texts = names.into_iter().map(|name| units.bytes(unit, entry.attr_value(name)));
        let linkage = texts.find(|text| !text.is_empty())?;
        if let Some(known) = self.demangled.get(linkage) {
            return Some(known.clone());
        }
        if !budget.takes_text(linkage.len()) {
            return None;
        }
        let text = lossy(linkage);
        let name = Name { shown: demangle(&text).into(), linkage: text.into() };
        self.demangled.insert(linkage, name.clone());
        Some(name)
    }
}
