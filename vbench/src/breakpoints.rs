//! The breakpoint unit: comparators that a debugger sets, which QEMU's breakpoints carry out.
//!
//! Source: ARMv6-M ARM, DDI 0419E, C1.8 (BPU); ARMv7-M ARM, DDI 0403E, C1.11 (FPB revision 1),
//! which has the same layout for breakpoints.

const BP_CTRL: u64 = 0xE000_2000;
const BP_COMP0: u64 = 0xE000_2008;
const CTRL_ENABLE: u32 = 1 << 0;
const CTRL_KEY: u32 = 1 << 1;
const COMP_ENABLE: u32 = 1 << 0;
const COMP_ADDRESS: u32 = 0x1fff_fffc;
/// Registers of the unit's page that are its own; the rest is identification.
const END: u64 = BP_COMP0 + 4 * 8;

pub(crate) struct BreakpointUnit {
    enabled: bool,
    comparators: Vec<u32>,
}

impl BreakpointUnit {
    /// `count` is at most 8, the most that this layout has room for.
    pub(crate) fn new(count: u32) -> BreakpointUnit {
        BreakpointUnit { enabled: false, comparators: vec![0; count.min(8) as usize] }
    }

    pub(crate) fn holds(address: u64) -> bool {
        (BP_CTRL..END).contains(&address)
    }

    /// `None`: not a register of the unit.
    pub(crate) fn read(&self, address: u64) -> Option<u32> {
        if address == BP_CTRL {
            let count = self.comparators.len() as u32;
            return Some(count << 4 | u32::from(self.enabled));
        }
        match self.index(address) {
            Some(index) => Some(self.comparators[index]),
            None => BreakpointUnit::holds(address).then_some(0),
        }
    }

    /// False: not a register of the unit.
    pub(crate) fn write(&mut self, address: u64, value: u32) -> bool {
        if address == BP_CTRL {
            if value & CTRL_KEY != 0 {
                self.enabled = value & CTRL_ENABLE != 0;
            }
            return true;
        }
        if let Some(index) = self.index(address) {
            self.comparators[index] = value;
        }
        BreakpointUnit::holds(address)
    }

    /// Instruction addresses that halt the core.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = u32> + '_ {
        let live =
            self.comparators.iter().filter(|&&value| self.enabled && value & COMP_ENABLE != 0);
        live.flat_map(|&value| {
            let word = value & COMP_ADDRESS;
            let (lower, upper) = (Some(word), Some(word + 2));
            // BP_MATCH
            let halves = match value >> 30 {
                1 => [lower, None],
                2 => [None, upper],
                3 => [lower, upper],
                _ => [None, None],
            };
            halves.into_iter().flatten()
        })
    }

    fn index(&self, address: u64) -> Option<usize> {
        let offset = usize::try_from(address.checked_sub(BP_COMP0)?).ok()?;
        (offset.is_multiple_of(4) && offset / 4 < self.comparators.len()).then_some(offset / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparators_become_addresses_while_the_unit_is_on() {
        let mut unit = BreakpointUnit::new(4);
        assert_eq!(unit.read(BP_CTRL), Some(0x40));
        assert!(unit.write(BP_COMP0, 0x4000_0101), "lower half of 0x100");
        assert!(unit.write(BP_COMP0 + 4, 0x8000_0201), "upper half of 0x200");
        assert!(unit.write(BP_COMP0 + 8, 0x4000_0300), "not enabled");
        assert_eq!(unit.addresses().count(), 0, "the unit is off");
        assert!(unit.write(BP_CTRL, CTRL_ENABLE), "ignored without the key");
        assert_eq!(unit.addresses().count(), 0);
        assert!(unit.write(BP_CTRL, CTRL_KEY | CTRL_ENABLE));
        assert_eq!(unit.addresses().collect::<Vec<_>>(), [0x100, 0x202]);
    }

    #[test]
    fn registers_it_lacks_read_zero_and_others_are_not_its_own() {
        let unit = BreakpointUnit::new(4);
        assert_eq!(unit.read(BP_COMP0 + 4 * 4), Some(0));
        assert_eq!(unit.read(0xE000_3000), None);
    }
}
