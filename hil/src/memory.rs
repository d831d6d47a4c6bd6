//! The memories of a chip, as probe-rs's description of it has them. No board is needed.

use std::ops::Range;

use probe_rs::config::{MemoryRegion, Registry};

use crate::HilError;
use crate::open::target_named;

/// A memory of a chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipMemory {
    /// Name in the description, or what it is where that gives none.
    pub name: String,
    /// Addresses.
    pub range: Range<u64>,
    /// RAM; otherwise it keeps its content.
    pub is_ram: bool,
}

/// The memories of `chip`, by address. Aliases of others, and what is neither flash nor RAM, are
/// left out.
///
/// # Errors
/// [`HilError::ChipUnknown`] and [`HilError::ChipAmbiguous`].
pub fn chip_memory(chip: &str) -> Result<Vec<ChipMemory>, HilError> {
    let target = target_named(&Registry::from_builtin_families(), chip)?;
    let mut found: Vec<ChipMemory> = target.memory_map.iter().filter_map(memory).collect();
    found.sort_by_key(|memory| (memory.range.start, memory.range.end));
    found.dedup_by(|later, first| later.range == first.range);
    Ok(found)
}

fn memory(region: &MemoryRegion) -> Option<ChipMemory> {
    let (name, range, is_ram, is_alias) = match region {
        MemoryRegion::Ram(ram) => (&ram.name, &ram.range, true, ram.is_alias),
        MemoryRegion::Nvm(nvm) => (&nvm.name, &nvm.range, false, nvm.is_alias),
        MemoryRegion::Generic(_) => return None,
    };
    let unnamed = if is_ram { "RAM" } else { "flash" };
    let name = name.clone().unwrap_or_else(|| unnamed.to_owned());
    (!is_alias).then(|| ChipMemory { name, range: range.clone(), is_ram })
}
