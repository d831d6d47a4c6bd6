//! Registers of a stopped Arm core and of its fault unit, out of a snapshot.

use bundle::{CoreState, ReadRequest, Snapshot};

use super::memory::Memory;

/// Number of a core register in DWARF. Source: DWARF for the Arm Architecture, IHI 0040, 4.1.
pub(crate) const SP: usize = 13;
pub(crate) const LR: usize = 14;
pub(crate) const PC: usize = 15;

/// The registers of one frame. `None`: not known at this depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registers {
    /// R0 to R15.
    pub(crate) core: [Option<u32>; 16],
    pub(crate) xpsr: Option<u32>,
    pub(crate) msp: Option<u32>,
    pub(crate) psp: Option<u32>,
}

impl Registers {
    /// Registers of which nothing is known yet.
    pub(crate) fn unknown() -> Self {
        Self { core: [None; 16], xpsr: None, msp: None, psp: None }
    }

    /// `None` if the core was not halted or is no 32-bit Arm core.
    pub(crate) fn of(core: &CoreState) -> Option<Self> {
        let named = |name: &str| {
            let found = core.registers.iter().find(|register| register.name == name)?;
            u32::try_from(found.value?).ok()
        };
        core.registers.iter().find(|register| register.name == "SP")?;
        let mut registers = [None; 16];
        for (number, register) in registers.iter_mut().enumerate().take(SP) {
            *register = named(&format!("R{number}"));
        }
        registers[SP] = named("SP");
        registers[LR] = named("LR");
        registers[PC] = Some(named("PC")?);
        let (xpsr, msp, psp) = (named("xPSR"), named("MSP"), named("PSP"));
        Some(Self { core: registers, xpsr, msp, psp })
    }

    pub(crate) fn pc(&self) -> u32 {
        self.core[PC].unwrap_or(0)
    }

    /// The exception being handled, 0 in thread mode. Source: DDI 0403E, B1.4.2 (IPSR).
    pub(crate) fn exception(&self) -> Option<u32> {
        self.xpsr.map(|xpsr| xpsr & 0x1ff)
    }
}

/// Addresses of CFSR, HFSR, DFSR, MMFAR, BFAR and, on ARMv8-M, SFSR and SFAR. Reading them changes
/// nothing. Source: DDI 0403E, B3.2.2; DDI 0553B, D1.1 (SFSR, SFAR).
pub const FAULT_REGISTERS: [ReadRequest; 7] = [
    word(0xe000_ed28),
    word(0xe000_ed2c),
    word(0xe000_ed30),
    word(0xe000_ed34),
    word(0xe000_ed38),
    word(0xe000_ede4),
    word(0xe000_ede8),
];

const fn word(address: u64) -> ReadRequest {
    ReadRequest { address, size_bits: 32 }
}

/// The fault unit. `None`: the core does not have it, or it was not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultRegisters {
    /// Configurable Fault Status Register.
    pub cfsr: Option<u32>,
    /// HardFault Status Register.
    pub hfsr: Option<u32>,
    /// Debug Fault Status Register.
    pub dfsr: Option<u32>,
    /// MemManage Fault Address Register.
    pub mmfar: Option<u32>,
    /// BusFault Address Register.
    pub bfar: Option<u32>,
    /// Secure Fault Status Register.
    pub sfsr: Option<u32>,
    /// Secure Fault Address Register.
    pub sfar: Option<u32>,
}

impl FaultRegisters {
    /// Those that `snapshot` holds, be it as registers or as memory.
    pub fn of(snapshot: &Snapshot) -> Self {
        let memory = Memory::new(snapshot, None);
        let [cfsr, hfsr, dfsr, mmfar, bfar, sfsr, sfar] = FAULT_REGISTERS.map(|request| {
            let read = snapshot.registers.iter().find(|read| read.address == request.address);
            match read {
                Some(read) => u32::try_from(read.value()?).ok(),
                None => memory.word(u32::try_from(request.address).ok()?),
            }
        });
        Self { cfsr, hfsr, dfsr, mmfar, bfar, sfsr, sfar }
    }
}
