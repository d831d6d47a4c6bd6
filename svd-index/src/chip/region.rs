//! Addresses at which the bus shows a register once more, to change single bits of it: atomic
//! aliases of RP2040 and RP2350, and bit-band aliases of Cortex-M3 and M4.
//!
//! The SVD declares none of them, and they are no registers of their own: a write there is a
//! write to the register, of the kind that [`Alias`] says.

use std::fmt;

use serde::Serialize;

use super::records::{DEVICE, DeviceRecord};
use super::{Chip, PeripheralRef, RegisterRef};

/// Which bits of an address choose the alias, and how far a block of registers may reach.
///
/// Source: RP2040 datasheet, 2.1.2, Atomic Register Access; RP2350 datasheet, 2.1.3.
const ALIAS_BITS: u64 = 0x3000;
const BLOCK: u64 = 0x1000;

/// Buses with atomic aliases: APB, and AHB-Lite (AHB on RP2350) for the peripherals in
/// [`FAST_PERIPHERALS`]. SIO (`0xD000_0000`), the processors' own (`0xE000_0000`) and the XIP cache
/// and SSI (`0x1000_0000`) have none. Source: RP2040 datasheet, 2.1.2 and 2.2; RP2350 datasheet,
/// 2.1.3 and 2.2.
const APB: std::ops::Range<u64> = 0x4000_0000..0x5000_0000;
const AHB: std::ops::Range<u64> = 0x5000_0000..0x6000_0000;

/// On AHB, control registers have aliases; FIFOs and the memory of the USB controller do not.
const FAST_PERIPHERALS: [&str; 3] = ["DMA", "PIO", "USB"];

/// The peripheral bit-band region, its alias, and bytes of alias for a byte of the region.
///
/// Source: Cortex-M3 TRM, 100165, and Cortex-M4 TRM, 100166, Bit-banding; ARMv7-M ARM, DDI 0403E,
/// B3.1, only reserves the addresses.
const BIT_BAND: std::ops::Range<u64> = 0x4000_0000..0x4010_0000;
const BIT_BAND_ALIAS: std::ops::Range<u64> = 0x4200_0000..0x4400_0000;
const ALIAS_PER_BYTE: u64 = 32;

/// What an access through an alias does to the register behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum Alias {
    /// A write inverts the bits written as 1.
    Xor,
    /// A write sets the bits written as 1.
    Set,
    /// A write clears the bits written as 1.
    Clear,
    /// A read or write of one bit. Bit-banding is an option of the core: whether the chip has it,
    /// its manual tells.
    BitBand {
        /// The bit of the register.
        bit: u32,
    },
}

impl Alias {
    /// What an access there does, in a few words.
    pub fn effect(self) -> &'static str {
        match self {
            Self::Xor => "a write inverts the bits written as 1",
            Self::Set => "a write sets the bits written as 1",
            Self::Clear => "a write clears the bits written as 1",
            Self::BitBand { .. } => {
                "a word that is the one bit, if this chip has bit-banding, which is optional"
            }
        }
    }
}

impl fmt::Display for Alias {
    /// `atomic SET alias`, `bit-band alias of bit 5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xor => f.write_str("atomic XOR alias"),
            Self::Set => f.write_str("atomic SET alias"),
            Self::Clear => f.write_str("atomic CLEAR alias"),
            Self::BitBand { bit } => write!(f, "bit-band alias of bit {bit}"),
        }
    }
}

/// A register behind an address.
#[derive(Clone, Copy, Debug)]
pub struct Resolved<'a> {
    /// The register.
    pub register: RegisterRef<'a>,
    /// How the address reaches it; `None`: it is the register's own.
    pub alias: Option<Alias>,
}

impl Chip {
    /// Finds the registers that an access to the byte at `address` reaches, in SVD order: those
    /// that are there ([`Self::registers_at`]), or else those that the address is an alias of.
    /// Empty: neither.
    ///
    /// Atomic aliases are known for devices named RP2040 and RP2350; bit-band aliases of
    /// registers for a Cortex-M3 or M4 that has nothing of its own in the alias region.
    pub fn resolve(&self, address: u64) -> Vec<Resolved<'_>> {
        let own = self.registers_at(address);
        if !own.is_empty() {
            return own.into_iter().map(|register| Resolved { register, alias: None }).collect();
        }
        let atomic = self.atomic_at(address);
        if atomic.is_empty() { self.bit_band_at(address) } else { atomic }
    }

    fn atomic_at(&self, address: u64) -> Vec<Resolved<'_>> {
        let alias = match (address & ALIAS_BITS) / BLOCK {
            1 => Alias::Xor,
            2 => Alias::Set,
            3 => Alias::Clear,
            _ => return Vec::new(),
        };
        let chip = self.device().name;
        if !["RP2040", "RP2350"].iter().any(|name| chip.eq_ignore_ascii_case(name)) {
            return Vec::new();
        }
        let registers = self.registers_at(address & !ALIAS_BITS).into_iter();
        registers
            .filter(|register| has_atomic_aliases(&register.peripheral()))
            .map(|register| Resolved { register, alias: Some(alias) })
            .collect()
    }

    fn bit_band_at(&self, address: u64) -> Vec<Resolved<'_>> {
        if !BIT_BAND_ALIAS.contains(&address) || !self.may_have_bit_band() {
            return Vec::new();
        }
        let offset = address - BIT_BAND_ALIAS.start;
        let byte = BIT_BAND.start + offset / ALIAS_PER_BYTE;
        let bit = offset % ALIAS_PER_BYTE / 4;
        let resolve = |register: RegisterRef<'_>| {
            let bit = u32::try_from((byte - register.address()) * 8 + bit).ok()?;
            (bit < register.size_bits()).then_some(Alias::BitBand { bit })
        };
        let registers = self.registers_at(byte).into_iter();
        registers
            .filter_map(|register| Some(Resolved { alias: Some(resolve(register)?), register }))
            .collect()
    }

    /// Nordic leaves bit-banding out of the nRF52; a chip with peripherals in the alias region
    /// has none there. Source: nRF52832 Product Specification, 6.2, CPU and support module
    /// configuration.
    fn may_have_bit_band(&self) -> bool {
        let records = self.table::<DeviceRecord>(DEVICE);
        let may = records.get(0).is_some_and(|device| device.bit_band != 0);
        let is_nrf52 = self.device().name.to_ascii_lowercase().starts_with("nrf52");
        let in_the_way =
            |peripheral: PeripheralRef<'_>| BIT_BAND_ALIAS.contains(&peripheral.base_address());
        may && !is_nrf52 && !self.peripherals().any(in_the_way)
    }
}

/// True if `peripheral` has its registers in one block with three aliases behind it.
fn has_atomic_aliases(peripheral: &PeripheralRef<'_>) -> bool {
    let (base, name) = (peripheral.base_address(), peripheral.name());
    let is_fast = FAST_PERIPHERALS.iter().any(|fast| name.starts_with(fast));
    let on_bus = APB.contains(&base) || AHB.contains(&base) && is_fast;
    let is_memory = name.ends_with("DPRAM") || name.starts_with("OTP_DATA");
    let in_block = peripheral.address_blocks().all(|block| block.size <= BLOCK);
    on_bus && in_block && !is_memory && base & ALIAS_BITS == 0
}
