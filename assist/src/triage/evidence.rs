//! All that the rules may look at, of one board at one time.

use bundle::{Bundle, CoreStatus, WriteFact};
use svd_index::elf::Firmware;
use svd_index::{Chip, Index, InterruptRef, Origin, PeripheralRef};

use crate::clocks::ClockTree;
use crate::readings::Readings;

/// Vector Table Offset Register: ARMv7-M ARM, DDI 0403E, B3.2.5.
pub(super) const VTOR: u64 = 0xe000_ed08;

/// One board, its chip and its firmware.
pub(super) struct Evidence<'a> {
    pub(super) index: &'a Index,
    pub(super) chip: &'a Chip,
    pub(super) bundle: &'a Bundle,
    pub(super) readings: Readings<'a>,
    /// Writes of the firmware, by address, then pc.
    pub(super) writes: &'a [WriteFact],
    /// `None` for chips whose clock tree nobody described.
    pub(super) clocks: Option<ClockTree>,
}

impl<'a> Evidence<'a> {
    /// True if the SVD's device is called like this, in any case.
    pub(super) fn is_device(&self, starts: &[&str]) -> bool {
        let name = self.chip.device().name.to_ascii_lowercase();
        starts.iter().any(|start| name.starts_with(start))
    }

    /// True for the cores that have fault status registers: ARMv7-M, and ARMv8-M with the Main
    /// Extension.
    pub(super) fn has_fault_status(&self) -> bool {
        matches!(self.chip.device().core, Some(Origin::ArmV7M | Origin::ArmV8M))
    }

    /// True for any Arm core of the M profile.
    pub(super) fn is_arm(&self) -> bool {
        let core = self.chip.device().core;
        self.has_fault_status() || matches!(core, Some(Origin::ArmV6M | Origin::ArmV8MBaseline))
    }

    /// A register of the first core, if it was halted and could tell.
    pub(super) fn core_register(&self, name: &str) -> Option<u64> {
        let registers = self.bundle.snapshot.cores.first()?.registers.iter();
        registers.filter(|known| known.name.eq_ignore_ascii_case(name)).find_map(|r| r.value)
    }

    /// True if a core was locked up when it was looked at.
    pub(super) fn is_locked_up(&self) -> bool {
        self.bundle.snapshot.cores.iter().any(|core| core.status == CoreStatus::LockedUp)
    }

    /// The firmware that runs. Of several it is the one whose vector table VTOR names, else the one
    /// that alone has what PC is at; `None` where neither tells.
    pub(super) fn firmware(&self) -> Option<&'a Firmware> {
        if let [only] = self.index.firmwares() {
            return Some(only);
        }
        let vtor = self.is_arm().then(|| self.readings.core_word(VTOR)).flatten();
        let has_table = |firmware: &&Firmware, table: u64| {
            firmware.vectors().next().is_some_and(|first| first.address == table)
        };
        let images = || self.index.firmwares().iter();
        let by_table =
            vtor.and_then(|vtor| only(images().filter(|image| has_table(image, vtor.value))));
        by_table.or_else(|| only(self.index.firmwares_at(self.core_register("PC")?)))
    }

    /// The firmware to ask about an address: the one that runs, else the only one that has it.
    fn firmware_at(&self, address: u64) -> Option<&'a Firmware> {
        self.firmware().or_else(|| only(self.index.firmwares_at(address)))
    }

    /// The interrupt with this number, as `38 (USART2)` or `38`.
    pub(super) fn interrupt(&self, number: u32) -> String {
        let name = self.chip.interrupt(number).map(|known: InterruptRef<'_>| known.name);
        name.map_or_else(|| number.to_string(), |name| format!("{number} ({name})"))
    }

    /// What is at an address: a register, a peripheral, something of the firmware.
    pub(super) fn place(&self, address: u64) -> String {
        if let Some(register) = self.chip.registers_at(address).first() {
            return register.path();
        }
        if let Some(peripheral) = self.chip.peripherals_at(address).first() {
            return format!("{}, where it has no register", PeripheralRef::name(peripheral));
        }
        let firmware = self.firmware_at(address);
        let variable = firmware.and_then(|firmware| firmware.variable_at(address));
        let symbol = || {
            let (symbol, offset) = firmware?.symbol_at(address)?;
            Some(match offset {
                0 => symbol.name.to_owned(),
                _ => format!("{}+{offset:#x}", symbol.name),
            })
        };
        variable.or_else(symbol).unwrap_or_else(|| "nothing that is known".to_owned())
    }

    /// Where code is: `function, file:line`.
    pub(super) fn code(&self, address: u64) -> Option<String> {
        let frame = self.firmware_at(address)?.frames_at(address).into_iter().next()?;
        let place = frame.file.zip(frame.line).map(|(file, line)| format!(", {file}:{line}"));
        Some(format!("{}{}", frame.function, place.unwrap_or_default()))
    }
}

/// The item, if there is exactly one.
fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}
