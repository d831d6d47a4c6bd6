//! Faults of the core, from the registers in which it keeps their causes.
//!
//! The bits stay until somebody writes 1 to them, so they tell of a fault since the last clearing,
//! not of one right now. MMFAR and BFAR keep the address of an earlier fault too: they are believed
//! only while their valid bit is set.
//!
//! ARMv6-M and ARMv8-M Baseline have none of these registers; nothing is said there.

use bundle::{Finding, Severity};

use super::evidence::Evidence;
use super::rule::{Check, Rule};

/// Source: ARMv7-M ARM, DDI 0403E, table B3-4.
const SHCSR: u64 = 0xe000_ed24;
const CFSR: u64 = 0xe000_ed28;
const HFSR: u64 = 0xe000_ed2c;
const MMFAR: u64 = 0xe000_ed34;
const BFAR: u64 = 0xe000_ed38;
const CPACR: u64 = 0xe000_ed88;
/// Source: ARMv8-M ARM, DDI 0553, D1.2 (SFSR). Reads as 0 from the Non-secure state.
const SFSR: u64 = 0xe000_ede4;
const SFAR: u64 = 0xe000_ede8;

/// A cause: bits of a fault status register, any of which proves it.
pub(super) struct Fault {
    register: u64,
    /// Names and positions.
    bits: &'static [(&'static str, u32)],
    /// What happened, after "since the flags were last cleared, ".
    said: &'static str,
    /// What else tells more.
    detail: Detail,
}

enum Detail {
    None,
    /// The address in this register, while this bit of the status register is set.
    Address {
        register: u64,
        valid: u32,
    },
    /// Which coprocessors are switched on.
    Coprocessors,
    /// Which configurable faults are enabled.
    Enabled,
}

const CFSR_SOURCE: &str = "ARMv7-M ARM, DDI 0403E, B3.2.15 (CFSR)";
const SILENT: &str = "cores without CFSR (ARMv6-M, ARMv8-M Baseline)";

const fn rule(
    name: &'static str,
    reason: &'static str,
    rests_on: &'static str,
    source: &'static str,
    fault: Fault,
) -> Rule {
    let severity = Severity::Error;
    Rule { name, reason, source, severity, rests_on, silent: SILENT, check: Check::Fault(fault) }
}

const fn cause(bits: &'static [(&'static str, u32)], said: &'static str) -> Fault {
    Fault { register: CFSR, bits, said, detail: Detail::None }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "fault-divide-by-zero",
        "An SDIV or UDIV with divisor 0 traps while CCR.DIV_0_TRP is set.",
        "CFSR.DIVBYZERO",
        CFSR_SOURCE,
        cause(&[("DIVBYZERO", 25)], "an integer was divided by 0"),
    ),
    rule(
        "fault-unaligned",
        "LDM, STM, LDRD and exclusive accesses must be aligned always, all others while \
         CCR.UNALIGN_TRP is set.",
        "CFSR.UNALIGNED",
        CFSR_SOURCE,
        cause(&[("UNALIGNED", 24)], "an access was not aligned to its size"),
    ),
    rule(
        "fault-stack-limit",
        "The core refuses to take its stack pointer below MSPLIM or PSPLIM: the stack overflowed.",
        "CFSR.STKOF",
        "ARMv8-M ARM, DDI 0553, D1.2 (UFSR)",
        cause(&[("STKOF", 20)], "a stack pointer went below its limit register"),
    ),
    rule(
        "fault-no-coprocessor",
        "An instruction of a coprocessor that is off or absent cannot execute; floating point is \
         coprocessor 10 and 11, which CPACR switches on.",
        "CFSR.NOCP, CPACR",
        CFSR_SOURCE,
        Fault {
            detail: Detail::Coprocessors,
            ..cause(&[("NOCP", 19)], "a coprocessor's instruction met a coprocessor that is off")
        },
    ),
    rule(
        "fault-invalid-return",
        "An exception return found an EXC_RETURN value or a stacked state that cannot be: mostly \
         a stack that somebody overwrote.",
        "CFSR.INVPC",
        CFSR_SOURCE,
        cause(&[("INVPC", 18)], "an exception return was not valid"),
    ),
    rule(
        "fault-invalid-state",
        "The core only executes Thumb code: a call through an address with bit 0 clear (a wrong \
         function pointer, a vector without its Thumb bit) ends here.",
        "CFSR.INVSTATE",
        CFSR_SOURCE,
        cause(&[("INVSTATE", 17)], "code was entered without the Thumb bit"),
    ),
    rule(
        "fault-undefined-instruction",
        "What was fetched is no instruction of this core: a jump into data, erased flash, or code \
         for a larger core.",
        "CFSR.UNDEFINSTR",
        CFSR_SOURCE,
        cause(&[("UNDEFINSTR", 16)], "an undefined instruction was executed"),
    ),
    rule(
        "fault-instruction-bus",
        "A fetch that the bus refused was about to execute: the program counter was where no \
         memory answers.",
        "CFSR.IBUSERR",
        CFSR_SOURCE,
        cause(&[("IBUSERR", 8)], "an instruction could not be fetched"),
    ),
    rule(
        "fault-precise-bus",
        "The bus refused a load or store, and the stacked PC is that of the instruction.",
        "CFSR.PRECISERR, CFSR.BFARVALID, BFAR",
        "ARMv7-M ARM, DDI 0403E, B3.2.15 (CFSR), B3.2.18 (BFAR)",
        Fault {
            detail: Detail::Address { register: BFAR, valid: 15 },
            ..cause(&[("PRECISERR", 9)], "the bus refused a data access")
        },
    ),
    rule(
        "fault-imprecise-bus",
        "The bus refused a buffered store: the stacked PC is behind the instruction, and BFAR is \
         not of this fault.",
        "CFSR.IMPRECISERR",
        CFSR_SOURCE,
        cause(&[("IMPRECISERR", 10)], "the bus refused a buffered store"),
    ),
    rule(
        "fault-stacking",
        "The core could not save or restore registers around an exception: the stack pointer was \
         not in memory that may be written.",
        "CFSR.STKERR, UNSTKERR, LSPERR, MSTKERR, MUNSTKERR, MLSPERR",
        CFSR_SOURCE,
        cause(
            &[
                ("STKERR", 12),
                ("UNSTKERR", 11),
                ("LSPERR", 13),
                ("MSTKERR", 4),
                ("MUNSTKERR", 3),
                ("MLSPERR", 5),
            ],
            "registers could not be saved to the stack or restored from it",
        ),
    ),
    rule(
        "fault-execute-never",
        "Code was fetched from a region that the MPU or the address map (Peripheral, Device, \
         System) marks as not executable.",
        "CFSR.IACCVIOL",
        CFSR_SOURCE,
        cause(&[("IACCVIOL", 0)], "an instruction was fetched where none may execute"),
    ),
    rule(
        "fault-memory-protection",
        "The MPU forbids the load or store, and the stacked PC is that of the instruction.",
        "CFSR.DACCVIOL, CFSR.MMARVALID, MMFAR",
        "ARMv7-M ARM, DDI 0403E, B3.2.15 (CFSR), B3.2.17 (MMFAR)",
        Fault {
            detail: Detail::Address { register: MMFAR, valid: 7 },
            ..cause(&[("DACCVIOL", 1)], "the MPU refused a data access")
        },
    ),
    rule(
        "fault-vector-fetch",
        "The core could not read the vector of an exception: VTOR does not point to memory.",
        "HFSR.VECTTBL",
        "ARMv7-M ARM, DDI 0403E, B3.2.16 (HFSR)",
        Fault {
            register: HFSR,
            bits: &[("VECTTBL", 1)],
            said: "an exception's vector could not be read",
            detail: Detail::None,
        },
    ),
    rule(
        "fault-escalated",
        "A MemManage, BusFault or UsageFault that is not enabled, or not of high enough priority, \
         becomes a HardFault; CFSR has the cause.",
        "HFSR.FORCED, SHCSR",
        "ARMv7-M ARM, DDI 0403E, B3.2.16 (HFSR), B3.2.13 (SHCSR)",
        Fault {
            register: HFSR,
            bits: &[("FORCED", 30)],
            said: "a fault was escalated to HardFault",
            detail: Detail::Enabled,
        },
    ),
    rule(
        "fault-breakpoint",
        "A BKPT instruction (an assert, a semihosting call) ended in HardFault, since no debugger \
         was there to stop at it.",
        "HFSR.DEBUGEVT",
        "ARMv7-M ARM, DDI 0403E, B3.2.16 (HFSR)",
        Fault {
            register: HFSR,
            bits: &[("DEBUGEVT", 31)],
            said: "a breakpoint instruction was executed without a debugger",
            detail: Detail::None,
        },
    ),
    rule(
        "fault-secure",
        "The Non-secure state called, returned to, or accessed what the SAU or IDAU keeps Secure.",
        "SFSR, SFAR",
        "ARMv8-M ARM, DDI 0553, D1.2 (SFSR)",
        Fault {
            register: SFSR,
            bits: &[
                ("INVEP", 0),
                ("INVIS", 1),
                ("INVER", 2),
                ("AUVIOL", 3),
                ("INVTRAN", 4),
                ("LSPERR", 5),
                ("LSERR", 7),
            ],
            said: "the border between the Secure and the Non-secure state was violated",
            detail: Detail::Address { register: SFAR, valid: 6 },
        },
    ),
];

impl Fault {
    pub(super) fn check(&self, rule: &Rule, evidence: &Evidence<'_>) -> Option<Finding> {
        evidence.has_fault_status().then_some(())?;
        let status = evidence.readings.core_word(self.register)?;
        let set: Vec<(&str, u32)> =
            self.bits.iter().copied().filter(|(_, bit)| status.bits(*bit, 1).is_set()).collect();
        let names: Vec<&str> = set.iter().map(|(name, _)| *name).collect();
        let &(_, first) = set.first()?;
        let register = status.register.path();
        let detail = self.detail(evidence);
        let summary = format!(
            "since {register} was last cleared, {} ({}){detail}",
            self.said,
            names.join(", ")
        );
        let mut proof = rule.proved(evidence, summary).by(status.bits(first, 1));
        for (_, bit) in &set[1..] {
            proof = proof.by(status.bits(*bit, 1));
        }
        Some(proof.and(self.more(evidence)).finding())
    }

    /// What another register adds; empty if it was not read, or is of another fault.
    fn detail(&self, evidence: &Evidence<'_>) -> String {
        let Some(more) = self.more(evidence) else { return String::new() };
        let value = more.reading.value;
        match self.detail {
            Detail::None => String::new(),
            Detail::Address { .. } => {
                format!(", at {value:#010x}: {}", evidence.place(value))
            }
            Detail::Coprocessors => match value >> 20 & 0xf {
                0xf => "; floating point is on in CPACR now".to_owned(),
                _ => format!("; CPACR is {value:#010x}: floating point is off"),
            },
            Detail::Enabled => {
                let faults = [("MemManage", 16), ("BusFault", 17), ("UsageFault", 18)];
                let off = faults.iter().filter(|(_, bit)| value >> bit & 1 == 0);
                let off: Vec<&str> = off.map(|(name, _)| *name).collect();
                match off.is_empty() {
                    true => "; all three are enabled now".to_owned(),
                    false => format!("; not enabled: {}", off.join(", ")),
                }
            }
        }
    }

    fn more<'a>(&self, evidence: &'a Evidence<'a>) -> Option<crate::readings::Bits<'a>> {
        let register = match self.detail {
            Detail::None => return None,
            Detail::Address { register, valid } => {
                let status = evidence.readings.core_word(self.register)?;
                status.bits(valid, 1).is_set().then_some(register)?
            }
            Detail::Coprocessors => CPACR,
            Detail::Enabled => SHCSR,
        };
        Some(evidence.readings.core_word(register)?.whole())
    }
}
