//! Variables of the whole program by their names, and what their types are made of. For whoever walks
//! a program's own structures: where in these a member is, only its debug information knows.

use super::debug::{Debug, number};
use super::types::{Kind, Type, children};

/// A type of the program, to be asked for its parts.
#[derive(Clone, Copy)]
pub(in crate::crash) struct Shape<'d, 'a> {
    debug: &'d Debug<'a>,
    ty: Type,
}

/// A variable that is at one place as long as the program runs.
pub(in crate::crash) struct Static<'d, 'a> {
    pub(in crate::crash) name: String,
    pub(in crate::crash) address: u32,
    pub(in crate::crash) shape: Shape<'d, 'a>,
}

/// Finds the variables of the program, or of one of its files, that have one of `names`.
pub(in crate::crash) fn statics<'d, 'a>(
    debug: &'d Debug<'a>,
    names: &[&str],
) -> Vec<Static<'d, 'a>> {
    let mut found = Vec::new();
    for unit in 0..debug.units() {
        let Ok(mut tree) = debug.unit(unit).entries_tree(None) else { continue };
        let Ok(root) = tree.root() else { continue };
        let mut children = root.children();
        while let Ok(Some(child)) = children.next() {
            let entry = child.entry();
            if entry.tag() != gimli::DW_TAG_variable {
                continue;
            }
            // A declaration has no place; the definition elsewhere has.
            let Some(address) = address(debug, unit, entry) else { continue };
            let Some(name) = debug.name(unit, entry) else { continue };
            if names.contains(&name.as_str())
                && let Some(ty) = debug.type_of(unit, entry).and_then(|at| Type::read(debug, at))
            {
                found.push(Static { name, address, shape: Shape { debug, ty } });
            }
        }
    }
    found
}

/// Where a variable is whose location is nothing but an address.
fn address(debug: &Debug<'_>, unit: usize, entry: &super::debug::Entry<'_>) -> Option<u32> {
    let location = entry.attr_value(gimli::DW_AT_location)?.exprloc_value()?;
    let unit = debug.unit(unit);
    let address = match location.operations(unit.encoding()).next().ok()?? {
        gimli::Operation::Address { address } => address,
        gimli::Operation::AddressIndex { index } => debug.dwarf.address(unit, index).ok()?,
        _ => return None,
    };
    u32::try_from(address).ok()
}

impl Shape<'_, '_> {
    /// Bytes.
    pub(in crate::crash) fn size(&self) -> u32 {
        u32::try_from(self.ty.size(self.debug)).unwrap_or(u32::MAX)
    }

    /// What it points at, if it is a pointer.
    pub(in crate::crash) fn target(&self) -> Option<Self> {
        let Kind::Pointer { target } = self.ty.kind else { return None };
        self.of(target?)
    }

    /// One of its elements and how many there are, if it is an array.
    pub(in crate::crash) fn elements(&self) -> Option<(Self, u32)> {
        let Kind::Array { element, count } = self.ty.kind else { return None };
        Some((self.of(element)?, u32::try_from(count).ok()?))
    }

    /// Where in it the member is, and what that is.
    pub(in crate::crash) fn member(&self, name: &str) -> Option<(u32, Self)> {
        let unit = self.ty.plain.unit;
        let members = children(self.debug, self.ty.plain);
        let member = members.iter().find(|entry| {
            entry.tag() == gimli::DW_TAG_member
                && self.debug.name(unit, entry).as_deref() == Some(name)
        })?;
        let offset = number(member, gimli::DW_AT_data_member_location).unwrap_or(0);
        let shape = self.of(self.debug.type_of(unit, member)?)?;
        Some((u32::try_from(offset).ok()?, shape))
    }

    fn of(&self, at: super::debug::At) -> Option<Self> {
        Some(Self { debug: self.debug, ty: Type::read(self.debug, at)? })
    }
}
