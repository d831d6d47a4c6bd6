//! Finds registers by address.

use super::records::{EXTENTS, ExtentRecord};
use super::{Chip, PeripheralRef, RegisterRef, array};
use crate::store::Records;

/// How many extents before an address are looked at for the nearest register below it.
const NEAR_WINDOW: usize = 256;

/// What lies around an address that no register holds.
#[derive(Clone, Copy, Debug)]
pub struct Near<'a> {
    /// The peripheral whose address blocks hold the address.
    pub peripheral: Option<PeripheralRef<'a>>,
    /// The register that ends nearest before it.
    pub before: Option<RegisterRef<'a>>,
    /// The register that starts nearest after it.
    pub after: Option<RegisterRef<'a>>,
}

impl Chip {
    /// Finds the registers that hold the byte at `address`.
    ///
    /// `address` is absolute. A 32-bit register at `0x4000_0000` holds
    /// `0x4000_0000..0x4000_0004`. Registers may overlap (`alternateRegister`): all come back,
    /// in SVD order, array elements resolved. Empty: the SVD maps nothing there, see
    /// [`Self::near`]. Of large arrays woven into each other, which no vendor has, elements may
    /// be missing: the search for them is bounded.
    ///
    /// Source: CMSIS-SVD `<addressOffset>`, relative to the enclosing element.
    pub fn registers_at(&self, address: u64) -> Vec<RegisterRef<'_>> {
        let extents = self.extents();
        let mut next = extents.partition_point(|extent| extent.start <= address);
        let mut found = Vec::new();
        while next > 0 {
            next -= 1;
            let Some(extent) = extents.get(next) else {
                break;
            };
            if extent.reach <= address {
                break;
            }
            if extent.end > address
                && let Some(offset) = address.checked_sub(extent.start)
                && let Some(register) = self.whole_register(extent.register)
            {
                let size = register.size_bytes();
                let elements = array::elements_at(register.dims(), size, offset).into_iter();
                found.extend(elements.map(|element| register.with_element(Some(element))));
            }
        }
        found.sort_by_key(|register| (register.index, register.element));
        found
    }

    /// The peripherals whose address blocks hold the byte at `address`, in SVD order.
    pub fn peripherals_at(&self, address: u64) -> Vec<PeripheralRef<'_>> {
        self.peripherals()
            .filter(|peripheral| {
                peripheral
                    .address_blocks()
                    .any(|block| address >= block.start && address - block.start < block.size)
            })
            .collect()
    }

    /// What lies around `address`.
    pub fn near(&self, address: u64) -> Near<'_> {
        Near {
            peripheral: self.peripherals_at(address).first().copied(),
            before: self.nearest_before(address),
            after: self.nearest_after(address),
        }
    }

    fn nearest_before(&self, address: u64) -> Option<RegisterRef<'_>> {
        let extents = self.extents();
        let end = extents.partition_point(|extent| extent.start < address);
        extents
            .slice(end.saturating_sub(NEAR_WINDOW)..end)
            .iter()
            .filter_map(|extent| {
                let register = self.whole_register(extent.register)?;
                let size = register.size_bytes();
                let offset = address.checked_sub(extent.start)?;
                let element = array::last_before(register.dims(), size, offset)?;
                Some(register.with_element(Some(element)))
            })
            .max_by_key(|register| register.address().saturating_add(register.size_bytes()))
    }

    fn nearest_after(&self, address: u64) -> Option<RegisterRef<'_>> {
        let extents = self.extents();
        let next = extents.partition_point(|extent| extent.start <= address);
        let start = extents
            .get(next)
            .and_then(|extent| self.whole_register(extent.register))
            .map(|register| register.element(0).unwrap_or(register));
        let inside = extents
            .slice(next.saturating_sub(NEAR_WINDOW)..next)
            .iter()
            .filter(|extent| extent.end > address)
            .filter_map(|extent| {
                let register = self.whole_register(extent.register)?;
                let size = register.size_bytes();
                let offset = address.checked_sub(extent.start)?;
                let before = array::last_before(register.dims(), size, offset);
                // An index that was tampered with may count elements to the end of the numbers.
                let element = before.map_or(Some(0), |element| element.checked_add(1))?;
                register.element(element)
            })
            .filter(|register| register.address() > address);
        start.into_iter().chain(inside).min_by_key(RegisterRef::address)
    }

    fn extents(&self) -> Records<'_, ExtentRecord> {
        self.table(EXTENTS)
    }
}
