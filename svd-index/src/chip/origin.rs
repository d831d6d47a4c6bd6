//! Who describes a register.

use serde::Serialize;

/// Where the description of a peripheral and its registers comes from.
///
/// Vendors' SVDs leave the peripherals of an Arm core out. They are built in, written from the
/// architecture's manual, for devices whose `<cpu>` names a core that is known: `CM0`, `CM0PLUS`,
/// `CM1`, `SC000` (ARMv6-M); `CM3`, `CM4`, `CM7`, `SC300` (ARMv7-M). A device without `<cpu>`
/// gets none, nor one that has a RISC-V interrupt controller, whatever its `<cpu>` says. What the processor may lack is there only if `<cpu>` says it has it
/// (`mpuPresent`, `fpuPresent`), and SysTick unless it is the vendor's own
/// (`vendorSystickConfig`); debug units are there always, present on the chip or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Origin {
    /// The vendor's SVD.
    Svd,
    /// Built in for ARMv6-M.
    ArmV6M,
    /// Built in for ARMv7-M and its extensions.
    ArmV7M,
}

impl Origin {
    /// The manual that the description is written from; `None`: the SVD is the source.
    pub fn manual(self) -> Option<&'static str> {
        match self {
            Self::Svd => None,
            Self::ArmV6M => Some("ARMv6-M Architecture Reference Manual, DDI 0419E"),
            Self::ArmV7M => Some("ARMv7-M Architecture Reference Manual, DDI 0403E"),
        }
    }

    /// The file in this crate's `core/` that lines of a built-in description refer to.
    pub fn file(self) -> Option<&'static str> {
        match self {
            Self::Svd => None,
            Self::ArmV6M => Some("armv6m.svd"),
            Self::ArmV7M => Some("armv7m.svd"),
        }
    }

    pub(crate) fn code(self) -> u32 {
        self as u32
    }

    pub(crate) fn from_code(code: u32) -> Self {
        match code {
            1 => Self::ArmV6M,
            2 => Self::ArmV7M,
            _ => Self::Svd,
        }
    }
}
