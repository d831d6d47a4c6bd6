//! Whether a firmware and a register map belong together.
//!
//! An ELF of another chip than the SVD gives answers that are all wrong and all sound right. The
//! firmware's own loads and stores tell: on its own chip they hit registers.

use std::collections::BTreeSet;
use std::ops::Range;

use svd_index::Index;
use svd_index::elf::Machine;

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
    let known =
        |address: &&u64| index.chips().iter().any(|chip| !chip.resolve(**address).is_empty());
    let (accesses, known) = (addresses.len(), addresses.iter().filter(known).count());
    (accesses > 0).then_some(Agreement { accesses, known })
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
}
