//! The watchpoint unit: comparators on data addresses, which QEMU's watchpoints carry out.
//!
//! Source: ARMv7-M ARM, DDI 0403E, C1.8 (DWT); ARMv6-M ARM, DDI 0419E, C1.7, has the same registers
//! for what is here. Nothing is traced, sampled or counted, and CTRL says so.

use std::ops::Range;

const CTRL: u64 = 0xE000_1000;
const COMP0: u64 = 0xE000_1020;
const COMPARATOR_BYTES: u64 = 16;
/// NOTRCPKT, NOEXTTRIG, NOCYCCNT, NOPRFCNT.
const CTRL_NOTHING_ELSE: u32 = 0xf << 24;
const FUNCTION_MATCHED: u32 = 1 << 24;
/// Largest MASK: 2^8 bytes. A debugger finds it out by writing more.
const MASK_MAX: u32 = 8;

/// What a comparator looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Watch {
    Read,
    Write,
    Access,
}

/// Data addresses whose access halts the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Watchpoint {
    pub(crate) watch: Watch,
    pub(crate) address: u32,
    pub(crate) bytes: u32,
}

#[derive(Default, Clone)]
struct Comparator {
    address: u32,
    mask: u32,
    function: u32,
    matched: bool,
}

pub(crate) struct WatchpointUnit {
    comparators: Vec<Comparator>,
}

impl WatchpointUnit {
    /// `count` is at most 15, the most that CTRL can tell.
    pub(crate) fn new(count: u32) -> WatchpointUnit {
        WatchpointUnit { comparators: vec![Comparator::default(); count.min(15) as usize] }
    }

    pub(crate) fn holds(address: u64) -> bool {
        (CTRL..COMP0 + 15 * COMPARATOR_BYTES).contains(&address)
    }

    /// `None`: not a register of the unit. Reading FUNCTION clears its MATCHED bit.
    pub(crate) fn read(&mut self, address: u64) -> Option<u32> {
        if address == CTRL {
            return Some((self.comparators.len() as u32) << 28 | CTRL_NOTHING_ELSE);
        }
        let Some((comparator, register)) = self.comparator(address) else {
            return WatchpointUnit::holds(address).then_some(0);
        };
        Some(match register {
            0x0 => comparator.address,
            0x4 => comparator.mask,
            0x8 => {
                let matched = std::mem::take(&mut comparator.matched);
                comparator.function | if matched { FUNCTION_MATCHED } else { 0 }
            }
            _ => 0,
        })
    }

    /// False: not a register of the unit.
    pub(crate) fn write(&mut self, address: u64, value: u32) -> bool {
        if let Some((comparator, register)) = self.comparator(address) {
            match register {
                0x0 => comparator.address = value,
                0x4 => comparator.mask = value.min(MASK_MAX),
                0x8 => comparator.function = value & 0xf,
                _ => {}
            }
        }
        WatchpointUnit::holds(address)
    }

    /// What is to halt the core.
    pub(crate) fn data(&self) -> impl Iterator<Item = Watchpoint> + '_ {
        self.comparators.iter().filter_map(|comparator| {
            let watch = match comparator.function {
                5 => Watch::Read,
                6 => Watch::Write,
                7 => Watch::Access,
                _ => return None,
            };
            let range = comparator.range();
            Some(Watchpoint { watch, address: range.start, bytes: range.end - range.start })
        })
    }

    /// Instruction addresses that halt the core: comparators may look for those as well.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = u32> + '_ {
        let live = self.comparators.iter().filter(|comparator| comparator.function == 4);
        live.flat_map(|comparator| {
            let range = comparator.range();
            (range.start & !1..range.end).step_by(2)
        })
    }

    /// Sets MATCHED of every comparator for data at `address`.
    pub(crate) fn note_match(&mut self, address: u32) {
        for comparator in &mut self.comparators {
            let for_data = matches!(comparator.function, 5..=7);
            comparator.matched |= for_data && comparator.range().contains(&address);
        }
    }

    fn comparator(&mut self, address: u64) -> Option<(&mut Comparator, u64)> {
        let offset = address.checked_sub(COMP0)?;
        let index = usize::try_from(offset / COMPARATOR_BYTES).ok()?;
        Some((self.comparators.get_mut(index)?, offset % COMPARATOR_BYTES))
    }
}

impl Comparator {
    fn range(&self) -> Range<u32> {
        let bytes = 1 << self.mask;
        let start = self.address & !(bytes - 1);
        start..start.saturating_add(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparators_become_watchpoints_by_their_function() {
        let mut unit = WatchpointUnit::new(2);
        assert_eq!(unit.read(CTRL), Some(0x2f00_0000));
        assert!(unit.write(COMP0, 0x2000_0006));
        assert!(unit.write(COMP0 + 4, 2));
        assert_eq!(unit.data().count(), 0, "no function yet");
        assert!(unit.write(COMP0 + 8, 6));
        let word = Watchpoint { watch: Watch::Write, address: 0x2000_0004, bytes: 4 };
        assert_eq!(unit.data().collect::<Vec<_>>(), [word]);
        assert!(unit.write(COMP0 + 16, 0x100));
        assert!(unit.write(COMP0 + 16 + 8, 4));
        assert_eq!(unit.instructions().collect::<Vec<_>>(), [0x100]);
    }

    #[test]
    fn a_match_shows_once() {
        let mut unit = WatchpointUnit::new(1);
        unit.write(COMP0, 0x2000_0000);
        unit.write(COMP0 + 8, 7);
        unit.note_match(0x2000_0001);
        assert_eq!(unit.read(COMP0 + 8), Some(7));
        unit.note_match(0x2000_0000);
        assert_eq!(unit.read(COMP0 + 8), Some(7 | FUNCTION_MATCHED));
        assert_eq!(unit.read(COMP0 + 8), Some(7));
    }

    #[test]
    fn the_largest_mask_is_found_by_writing_more() {
        let mut unit = WatchpointUnit::new(1);
        unit.write(COMP0 + 4, 0x1f);
        assert_eq!(unit.read(COMP0 + 4), Some(MASK_MAX));
        assert_eq!(unit.read(COMP0 + 32), Some(0), "no second comparator");
        assert_eq!(unit.read(0xE000_2000), None);
    }
}
