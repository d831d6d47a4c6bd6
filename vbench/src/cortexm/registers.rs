//! The debug registers and their bits, and the few of the system control block that debugging
//! touches. Source: ARMv6-M ARM, DDI 0419E, B3.2 (system control) and C1.6 (debug control).

pub(super) const ICSR: u64 = 0xE000_ED04;
pub(super) const ICSR_PENDSVSET: u32 = 1 << 28;
pub(super) const ICSR_PENDSVCLR: u32 = 1 << 27;

pub(super) const VTOR: u64 = 0xE000_ED08;

pub(super) const AIRCR: u64 = 0xE000_ED0C;
pub(super) const AIRCR_KEY: u32 = 0x05FA;
pub(super) const AIRCR_SYSRESETREQ: u32 = 1 << 2;

pub(super) const CFSR: u64 = 0xE000_ED28;

pub(super) const DFSR: u64 = 0xE000_ED30;
pub(super) const DFSR_HALTED: u32 = 1 << 0;
pub(super) const DFSR_BKPT: u32 = 1 << 1;
pub(super) const DFSR_DWTTRAP: u32 = 1 << 2;
pub(super) const DFSR_VCATCH: u32 = 1 << 3;

pub(super) const DHCSR: u64 = 0xE000_EDF0;
pub(super) const DHCSR_KEY: u32 = 0xA05F;
pub(super) const DHCSR_C_DEBUGEN: u32 = 1 << 0;
pub(super) const DHCSR_C_HALT: u32 = 1 << 1;
pub(super) const DHCSR_C_STEP: u32 = 1 << 2;
pub(super) const DHCSR_C_MASKINTS: u32 = 1 << 3;
pub(super) const DHCSR_S_REGRDY: u32 = 1 << 16;
pub(super) const DHCSR_S_HALT: u32 = 1 << 17;
pub(super) const DHCSR_S_LOCKUP: u32 = 1 << 19;
pub(super) const DHCSR_S_RESET_ST: u32 = 1 << 25;

pub(super) const DCRSR: u64 = 0xE000_EDF4;
pub(super) const DCRSR_REGSEL: u32 = 0x7f;
pub(super) const DCRSR_WRITE: u32 = 1 << 16;

pub(super) const DCRDR: u64 = 0xE000_EDF8;

pub(super) const DEMCR: u64 = 0xE000_EDFC;
pub(super) const DEMCR_VC_CORERESET: u32 = 1 << 0;
pub(super) const DEMCR_VC_MMERR: u32 = 1 << 4;
pub(super) const DEMCR_VC_NOCPERR: u32 = 1 << 5;
pub(super) const DEMCR_VC_CHKERR: u32 = 1 << 6;
pub(super) const DEMCR_VC_STATERR: u32 = 1 << 7;
pub(super) const DEMCR_VC_BUSERR: u32 = 1 << 8;
pub(super) const DEMCR_VC_HARDERR: u32 = 1 << 10;
/// TRCENA, on ARMv6-M called DWTENA: the watchpoint unit works.
pub(super) const DEMCR_TRCENA: u32 = 1 << 24;

/// CPUID.Architecture of ARMv6-M is 0xC, of ARMv7-M 0xF. Source: DDI 0403E, B3.2.3.
pub(super) const CPUID: u64 = 0xE000_ED00;
pub(super) const CPUID_ARCHITECTURE: u32 = 0xf << 16;
pub(super) const CPUID_ARMV6M: u32 = 0xc << 16;

pub(super) const MPU_CTRL: u64 = 0xE000_ED94;
pub(super) const MPU_CTRL_ENABLE: u32 = 1 << 0;
