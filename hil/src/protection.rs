//! What keeps debuggers out of a chip, or off its flash, as far as the chip tells.
//!
//! A chip that is locked against debuggers fails to attach. An STM32 whose readout protection is at
//! level 1 attaches all the same and refuses its flash; it is asked before its flash is touched.

use std::fmt;

use probe_rs::{MemoryInterface, Session};

/// A kind of protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Nordic: access port protection. The control access port says so and can erase everything.
    Approtect,
    /// Microchip SAM: the security bit.
    SecurityBit,
    /// Microchip SAM: the security bit, and no debugger may erase the chip either.
    ChipEraseLock,
    /// ST: readout protection of that level, 1 or 2.
    Rdp(u8),
    /// The probe software says that it may not go on, and not what of.
    Unknown,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protection::Approtect => write!(f, "APPROTECT"),
            Protection::SecurityBit => write!(f, "the security bit"),
            Protection::ChipEraseLock => write!(f, "the security bit, with chip erase locked"),
            Protection::Rdp(level) => write!(f, "readout protection, RDP level {level}"),
            Protection::Unknown => write!(f, "a protection that it does not name"),
        }
    }
}

impl Protection {
    /// What made attaching fail, where `why` is what the probe software missed a permission for.
    pub(crate) fn at_attach(chip: &str, why: &str) -> Protection {
        let chip = chip.to_ascii_lowercase();
        match () {
            () if chip.starts_with("nrf") => Protection::Approtect,
            () if chip.starts_with("atsam") && why.starts_with("Chip-Erase is locked") => {
                Protection::ChipEraseLock
            }
            () if chip.starts_with("atsam") => Protection::SecurityBit,
            () => Protection::Unknown,
        }
    }

    /// What keeps the flash of a chip from being written. `None`: nothing that it tells.
    pub(crate) fn of_flash(session: &mut Session) -> Option<Protection> {
        let chip = session.target().name.clone();
        let option = RdpOption::of(&chip)?;
        let word = session.core(0).ok()?.read_word_32(option.address).ok()?;
        option.level(word).map(Protection::Rdp)
    }
}

/// Where a family of STM32 tells its readout protection.
#[derive(Debug, Clone, Copy)]
struct RdpOption {
    /// A register that says what the option bytes said at reset. Reading it changes nothing.
    address: u64,
    coding: Coding,
}

#[derive(Debug, Clone, Copy)]
enum Coding {
    /// The option byte itself, from this bit on: 0xAA is level 0, 0xCC level 2, all else level 1.
    Byte { shift: u32 },
    /// One bit: level 1.
    Bit { bit: u32 },
    /// Two bits: levels 0, 1, and 3 for level 2.
    TwoBits { shift: u32 },
}

/// By the start of the chip's name. Families that are not here are not asked.
///
/// Source: the reference manuals, "Embedded Flash memory", the register with the RDP or RDPRT field:
/// FLASH_OBR of RM0091 (F0), PM0075 (F1), RM0316 (F3), RM0038 (L1); FLASH_OPTCR of RM0033 (F2), RM0090
/// (F4), RM0385 (F7); FLASH_OPTR of RM0377 (L0), RM0351 (L4), RM0444 (G0), RM0440 (G4), RM0434 (WB);
/// FLASH_OPTSR_CUR of RM0433 (H7).
const RDP: &[(&str, RdpOption)] = &[
    ("STM32F0", RdpOption { address: 0x4002_201c, coding: Coding::TwoBits { shift: 1 } }),
    ("STM32F1", RdpOption { address: 0x4002_201c, coding: Coding::Bit { bit: 1 } }),
    ("STM32F2", RdpOption { address: 0x4002_3c14, coding: Coding::Byte { shift: 8 } }),
    ("STM32F3", RdpOption { address: 0x4002_201c, coding: Coding::TwoBits { shift: 1 } }),
    ("STM32F4", RdpOption { address: 0x4002_3c14, coding: Coding::Byte { shift: 8 } }),
    ("STM32F7", RdpOption { address: 0x4002_3c14, coding: Coding::Byte { shift: 8 } }),
    ("STM32G0", RdpOption { address: 0x4002_2020, coding: Coding::Byte { shift: 0 } }),
    ("STM32G4", RdpOption { address: 0x4002_2020, coding: Coding::Byte { shift: 0 } }),
    ("STM32H74", RdpOption { address: 0x5200_201c, coding: Coding::Byte { shift: 8 } }),
    ("STM32H75", RdpOption { address: 0x5200_201c, coding: Coding::Byte { shift: 8 } }),
    ("STM32L0", RdpOption { address: 0x4002_201c, coding: Coding::Byte { shift: 0 } }),
    ("STM32L1", RdpOption { address: 0x4002_3c1c, coding: Coding::Byte { shift: 0 } }),
    ("STM32L4", RdpOption { address: 0x4002_2020, coding: Coding::Byte { shift: 0 } }),
    ("STM32WB5", RdpOption { address: 0x5800_4020, coding: Coding::Byte { shift: 0 } }),
];

impl RdpOption {
    fn of(chip: &str) -> Option<RdpOption> {
        let chip = chip.to_ascii_uppercase();
        RDP.iter().find(|(start, _)| chip.starts_with(start)).map(|(_, option)| *option)
    }

    /// The level that a word of the register tells; `None` is level 0.
    fn level(self, word: u32) -> Option<u8> {
        let level = match self.coding {
            Coding::Byte { shift } => match word >> shift & 0xff {
                0xaa => 0,
                0xcc => 2,
                _ => 1,
            },
            Coding::Bit { bit } => (word >> bit & 1) as u8,
            Coding::TwoBits { shift } => match word >> shift & 3 {
                0 => 0,
                3 => 2,
                _ => 1,
            },
        };
        (level > 0).then_some(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_where_the_family_has_it() {
        let check = |chip, words: [u32; 3]| {
            let option = RdpOption::of(chip).expect(chip);
            let levels = words.map(|word| option.level(word));
            assert_eq!(levels, [None, Some(1), Some(2)], "{chip}");
        };
        // As they leave the factory, and with the byte alone changed.
        check("STM32F405RGTx", [0x0fff_aaed, 0x0fff_55ed, 0x0fff_cced]);
        check("STM32F746ZGTx", [0xc0ff_aafd, 0xc0ff_00fd, 0xc0ff_ccfd]);
        check("STM32L475VGTx", [0xffef_f8aa, 0xffef_f8bb, 0xffef_f8cc]);
        check("stm32g071rb", [0xdfff_e1aa, 0xdfff_e1ff, 0xdfff_e1cc]);
        check("STM32F072RBTx", [0x0000_0000, 0x0000_0002, 0x0000_0006]);
        check("STM32H743ZITx", [0x406a_aaf0, 0x406a_00f0, 0x406a_ccf0]);
        let f1 = RdpOption::of("STM32F103C8").expect("F1");
        assert_eq!([0x03ff_fffc, 0x03ff_fffe].map(|word| f1.level(word)), [None, Some(1)]);
        for other in ["nRF52840_xxAA", "STM32U585AIIx", "STM32MP157", "RP2040", "STM"] {
            assert!(RdpOption::of(other).is_none(), "{other}");
        }
    }

    #[test]
    fn what_made_attaching_fail_is_known_by_the_chip() {
        let kind = Protection::at_attach;
        assert_eq!(kind("nRF52840_xxAA", "erase_all"), Protection::Approtect);
        assert_eq!(kind("ATSAMD51J19A", "Device is locked."), Protection::SecurityBit);
        let erase = "Chip-Erase is locked. This can only be unlocked from within";
        assert_eq!(kind("ATSAML10E16A", erase), Protection::ChipEraseLock);
        assert_eq!(kind("LPC55S69", "erase_all"), Protection::Unknown);
    }
}
