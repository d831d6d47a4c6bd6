//! Who describes a register, and which kind of address it has.

use serde::Serialize;

/// Where the description of a peripheral and its registers comes from.
///
/// Vendors' SVDs leave out what comes with the core. It is built in, written from the
/// architecture's manual, for devices whose core is known: by the SVD's `<cpu>`, by an interrupt
/// controller that only RISC-V has, by the family in the chip's name, or else by what the
/// firmware was built for ([`crate::svd::Build::core`]). What the processor may lack (`MPU`,
/// `FPU`) is there if `<cpu>` says it has it or there is no `<cpu>`, and SysTick unless it is the
/// vendor's own (`vendorSystickConfig`); debug units, what belongs to the Security Extension and
/// all CSRs are there always, present on the chip or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// The vendor's SVD.
    Svd,
    /// Built in for ARMv6-M: Cortex-M0, M0+, M1, SC000.
    #[serde(rename = "armv6m")]
    ArmV6M,
    /// Built in for ARMv7-M and its extensions: Cortex-M3, M4, M7, SC300.
    #[serde(rename = "armv7m")]
    ArmV7M,
    /// Built in for Armv8-M without the Main Extension: Cortex-M23.
    #[serde(rename = "armv8m-baseline")]
    ArmV8MBaseline,
    /// Built in for Armv8-M with the Main Extension, and Armv8.1-M: Cortex-M33, M35P, M52, M55,
    /// M85.
    #[serde(rename = "armv8m")]
    ArmV8M,
    /// Built in for RISC-V with 32-bit registers.
    #[serde(rename = "riscv32")]
    RiscV32,
    /// Built in for RISC-V with 64-bit registers.
    #[serde(rename = "riscv64")]
    RiscV64,
}

/// What the address of a register is an address of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Space {
    /// Memory, as loads, stores and a debug probe's memory port see it.
    #[default]
    Memory,
    /// Control and status registers of a RISC-V hart, by number, 0 to 0xFFF; only the hart's own
    /// instructions reach them. Source: RISC-V Privileged Architecture 20240411, 2.1.
    Csr,
}

impl Origin {
    /// The manual that the description is written from; `None`: the SVD is the source.
    pub fn manual(self) -> Option<&'static str> {
        match self {
            Self::Svd => None,
            Self::ArmV6M => Some("ARMv6-M Architecture Reference Manual, DDI 0419E"),
            Self::ArmV7M => Some("ARMv7-M Architecture Reference Manual, DDI 0403E"),
            Self::ArmV8MBaseline | Self::ArmV8M => {
                Some("Armv8-M Architecture Reference Manual, DDI 0553")
            }
            Self::RiscV32 | Self::RiscV64 => {
                Some("RISC-V Instruction Set Manual, Volume II: Privileged Architecture, 20240411")
            }
        }
    }

    /// The file in this crate's `core/` that lines of a built-in description refer to.
    pub fn file(self) -> Option<&'static str> {
        match self {
            Self::Svd => None,
            Self::ArmV6M => Some("armv6m.svd"),
            Self::ArmV7M => Some("armv7m.svd"),
            Self::ArmV8MBaseline => Some("armv8m-baseline.svd"),
            Self::ArmV8M => Some("armv8m.svd"),
            Self::RiscV32 => Some("riscv32.svd"),
            Self::RiscV64 => Some("riscv64.svd"),
        }
    }

    /// What the addresses in it are addresses of.
    pub fn space(self) -> Space {
        match self {
            Self::RiscV32 | Self::RiscV64 => Space::Csr,
            _ => Space::Memory,
        }
    }

    pub(crate) fn code(self) -> u32 {
        self as u32
    }

    pub(crate) fn from_code(code: u32) -> Self {
        match code {
            1 => Self::ArmV6M,
            2 => Self::ArmV7M,
            3 => Self::ArmV8MBaseline,
            4 => Self::ArmV8M,
            5 => Self::RiscV32,
            6 => Self::RiscV64,
            _ => Self::Svd,
        }
    }
}
