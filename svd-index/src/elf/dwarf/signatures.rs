//! Types in units of their own: a compiler puts each into a section that the linker keeps once,
//! and names it by a signature wherever it is used.
//!
//! Source: DWARF 4, 3.1.3 and 7.27 (`.debug_types`); DWARF 5, 3.1.4 (`DW_UT_type`).

use foldhash::{HashMap, HashMapExt};
use gimli::{AttributeValue, DebugTypeSignature, UnitType};

use super::units::{Die, Entry, Slice};

/// The types that have a signature.
#[derive(Default)]
pub(super) struct Signatures {
    dies: HashMap<u64, Die>,
}

impl Signatures {
    /// Of two types with one signature the first stays: they are the same, or one is damage.
    pub(super) fn of(units: &[gimli::Unit<Slice<'_>>]) -> Self {
        let mut dies = HashMap::new();
        for (position, unit) in units.iter().enumerate() {
            if let UnitType::Type { type_signature, type_offset }
            | UnitType::SplitType { type_signature, type_offset } = unit.header.type_()
            {
                dies.entry(type_signature.0).or_insert((position, type_offset));
            }
        }
        Self { dies }
    }

    pub(super) fn find(&self, signature: DebugTypeSignature) -> Option<Die> {
        self.dies.get(&signature.0).copied()
    }
}

/// Whether a unit holds one type, and no code.
pub(super) fn is_type_unit(unit: &gimli::Unit<Slice<'_>>) -> bool {
    matches!(unit.header.type_(), UnitType::Type { .. } | UnitType::SplitType { .. })
}

/// Where the type stands that an entry only declares.
pub(super) fn elsewhere<'a>(entry: &Entry<'a>) -> Option<AttributeValue<Slice<'a>>> {
    entry.attr_value(gimli::DW_AT_signature)
}
