//! Whether a firmware and a register map belong together.
//!
//! An ELF of another chip than the SVD gives answers that are all wrong and all sound right. The
//! firmware's own loads and stores tell: on its own chip they hit registers.

use std::collections::BTreeSet;
use std::ops::Range;

use svd_index::elf::Machine;
use svd_index::{Chip, Index};

/// Arm's peripheral region. Beyond it, Cortex-M's own registers are the same in every chip.
///
/// Source: ARMv6-M ARM, DDI 0419E, B3.1; ARMv7-M ARM, DDI 0403E, B3.1.
const ARM_PERIPHERALS: Range<u64> = 0x4000_0000..0x6000_0000;

/// Fewer addresses than this prove nothing.
const FEWEST: usize = 4;

/// How far a firmware's accesses fall on registers that the SVD knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// Distinct peripheral addresses that the firmware loads from or stores to.
    pub(crate) accesses: usize,
    /// Those of them at which the SVD has a register.
    pub(crate) known: usize,
}

impl Agreement {
    /// Whether the firmware is for another chip: most of its accesses miss.
    pub(crate) fn is_of_another_chip(self) -> bool {
        self.accesses >= FEWEST && self.known * 2 < self.accesses
    }
}

/// Compares all firmware of `index` with all its chips. None if there is nothing to compare: no
/// SVD, no ELF, or no access whose address follows from the code.
pub(crate) fn agreement(index: &Index) -> Option<Agreement> {
    if index.chips().is_empty() {
        return None;
    }
    let mut addresses = BTreeSet::new();
    for firmware in index.firmwares() {
        let is_arm = firmware.machine() == Machine::Arm;
        let accessed = firmware.accesses().map(|access| access.address);
        addresses.extend(accessed.filter(|address| !is_arm || ARM_PERIPHERALS.contains(address)));
    }
    let known = |address: &&u64| index.chips().iter().any(|chip| knows(chip, **address));
    let (accesses, known) = (addresses.len(), addresses.iter().filter(known).count());
    (accesses > 0).then_some(Agreement { accesses, known })
}

fn knows(chip: &Chip, address: u64) -> bool {
    let mut meant = std::iter::once(address).chain(bit_band(address)).chain(atomic(chip, address));
    meant.any(|address| !chip.registers_at(address).is_empty())
}

/// The byte whose bit a bit-band alias stands for: 32 alias bytes to each.
///
/// Source: Cortex-M3 TRM, DDI 0337, "Bit-banding".
fn bit_band(address: u64) -> Option<u64> {
    const ALIAS: Range<u64> = 0x4200_0000..0x4400_0000;
    ALIAS.contains(&address).then(|| 0x4000_0000 + (address - ALIAS.start) / 32)
}

/// The register behind an alias that toggles, sets or clears bits.
///
/// Source: RP2040 Datasheet, 2.1.2 (Atomic Register Access); RP2350 Datasheet, 2.1.3.
fn atomic(chip: &Chip, address: u64) -> Option<u64> {
    const ALIAS_BITS: u64 = 0x3000;
    let has_aliases = chip.device().name.to_ascii_uppercase().starts_with("RP2");
    (has_aliases && address & ALIAS_BITS != 0).then_some(address & !ALIAS_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_accesses_prove_nothing_and_half_is_enough() {
        let cases = [
            (3, 0, false),
            (4, 0, true),
            (4, 1, true),
            (4, 2, false),
            (20, 9, true),
            (20, 20, false),
        ];
        for (accesses, known, expected) in cases {
            let agreement = Agreement { accesses, known };
            assert_eq!(agreement.is_of_another_chip(), expected, "{agreement:?}");
        }
    }

    #[test]
    fn a_bit_band_alias_is_its_byte() {
        // Bit 4 of the byte at 0x4002_1018.
        assert_eq!(bit_band(0x4200_0000 + 0x2_1018 * 32 + 4 * 4), Some(0x4002_1018));
        assert_eq!(bit_band(0x4002_1018), None);
    }
}
