//! What the core itself shows: lock-up, faults being handled, stacks, SysTick.
//!
//! Registers of the core are known only if it was halted for the snapshot.

use bundle::{Finding, Severity};
use svd_index::elf::{InitialStack, SectionRef, StackPlace};

use super::evidence::Evidence;
use super::rule::{Check, Rule};

/// Source: ARMv7-M ARM, DDI 0403E, B3.3.3 and B3.3.4, B3.2.4.
const SYST_CSR: u64 = 0xe000_e010;
const SYST_RVR: u64 = 0xe000_e014;
const ICSR: u64 = 0xe000_ed04;

/// Exception number of HardFault. Source: ARMv7-M ARM, DDI 0403E, B1.5.2.
const HARD_FAULT: u64 = 3;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "core-locked-up",
        reason: "A fault inside HardFault or NMI stops the core until a reset: the fault handler \
                 itself, its stack, or the vector table is broken.",
        source: "ARMv7-M ARM, DDI 0403E, B1.5.15 (lockup) and C1.6.2 (DHCSR)",
        severity: Severity::Error,
        rests_on: "the core's state, which the debug probe takes from DHCSR.S_LOCKUP",
        silent: "the probe could not tell the state",
        check: Check::Board(locked_up),
    },
    Rule {
        name: "hard-fault-active",
        reason: "The core is handling HardFault: the program has stopped where it faulted.",
        source: "ARMv7-M ARM, DDI 0403E, B1.4.2 (xPSR) and B3.2.4 (ICSR)",
        severity: Severity::Error,
        rests_on: "xPSR[8:0], ICSR.VECTACTIVE",
        silent: "the core was running and ICSR was not read",
        check: Check::Board(hard_fault),
    },
    Rule {
        name: "default-handler-running",
        reason: "The exception has no handler of its own, and the one for all the others does \
                 not return.",
        source: "ARMv7-M ARM, DDI 0403E, B1.5.2 and B1.5.3 (vector table)",
        severity: Severity::Error,
        rests_on: "PC, xPSR[8:0], the firmware's vector table",
        silent: "the core was running; several firmwares have this address; no symbols",
        check: Check::Board(in_default_handler),
    },
    Rule {
        name: "stack-overflow",
        reason: "The main stack has grown past its end into what lies below it: every call and \
                 interrupt overwrites it.",
        source: "ARMv7-M ARM, DDI 0403E, B1.4.1 (full descending stacks) and B1.5.3",
        severity: Severity::Error,
        rests_on: "MSP, the firmware's vector table and sections",
        silent: "the core was running; MSP is in something called a stack, or outside the \
                 program's data; process stacks, whose bounds only the RTOS knows",
        check: Check::Board(stack_overflow),
    },
    Rule {
        name: "stack-outside-ram",
        reason: "No memory that can be written is there, so the next push or exception faults.",
        source: "ARMv7-M ARM, DDI 0403E, B3.1 (system address map)",
        severity: Severity::Error,
        rests_on: "SP",
        silent: "the core was running; what the address map leaves to the vendor",
        check: Check::Board(stack_outside_ram),
    },
    Rule {
        name: "systick-without-period",
        reason: "With 0 as its reload value SysTick stops at its next 0 and raises no exception: \
                 ticks, delays and time-outs stand still.",
        source: "ARMv7-M ARM, DDI 0403E, B3.3.4 (SYST_RVR)",
        severity: Severity::Error,
        rests_on: "SYST_CSR.ENABLE, SYST_RVR",
        silent: "SYST_CSR was not read, which clears COUNTFLAG where its description says so",
        check: Check::Board(systick_without_period),
    },
];

fn locked_up(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    if !evidence.is_locked_up() {
        return Vec::new();
    }
    let pc = evidence.core_register("PC");
    let place = pc.and_then(|pc| evidence.code(pc));
    let place = place.map(|place| format!(" in {place}")).unwrap_or_default();
    let proof = rule.proved(evidence, format!("the core is locked up{place}"));
    vec![pc.into_iter().fold(proof, |proof, pc| proof.by_core("PC", pc)).finding()]
}

fn hard_fault(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    if !evidence.is_arm() {
        return Vec::new();
    }
    let status = evidence.core_register("xPSR").filter(|status| status & 0x1ff == HARD_FAULT);
    let active = evidence.readings.core_word(ICSR).map(|icsr| icsr.bits(0, 9));
    let active = active.filter(|active| active.raw() == HARD_FAULT);
    let summary = "the core is handling HardFault".to_owned();
    let proof = match (status, active) {
        (Some(status), active) => {
            rule.proved(evidence, summary).by_core("xPSR", status).and(active)
        }
        (None, Some(active)) => rule.proved(evidence, summary).by(active),
        (None, None) => return Vec::new(),
    };
    vec![proof.finding()]
}

fn in_default_handler(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = || {
        let firmware = evidence.firmware()?;
        let pc = evidence.core_register("PC")?;
        let status = evidence.core_register("xPSR")?;
        let number = u32::try_from(status & 0x1ff).ok().filter(|number| *number > 0)?;
        let vector = firmware.vectors().find(|vector| vector.number == number)?;
        let function = firmware.function_at(pc)?;
        let here = vector.is_default && vector.value & !1 == function.address;
        let what = match number.checked_sub(16) {
            Some(interrupt) => format!("interrupt {}", evidence.interrupt(interrupt)),
            None => firmware.exception(number)?.to_owned(),
        };
        here.then(|| format!("the core is in {}, the default handler, for {what}", function.name))
            .map(|summary| (summary, pc, status))
    };
    let Some((summary, pc, status)) = found() else { return Vec::new() };
    let proof = rule.proved(evidence, summary).by_core("PC", pc).by_core("xPSR", status);
    vec![proof.by_firmware().finding()]
}

/// The lowest address that is the main stack's, and what is below: a section's name.
fn main_stack_end<'a>(stack: &InitialStack<'a>, sections: &[SectionRef<'a>]) -> Option<u64> {
    match stack.place {
        StackPlace::Above { free, .. } => Some(stack.address.saturating_sub(free)),
        StackPlace::InSection(name) => {
            sections.iter().find(|section| section.name == name).map(|section| section.address)
        }
        _ => None,
    }
}

fn stack_overflow(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = || {
        let firmware = evidence.firmware()?;
        let msp = evidence.core_register("MSP")?;
        let stack = firmware.initial_stack()?;
        let sections: Vec<_> = firmware.sections().collect();
        let end = main_stack_end(&stack, &sections).filter(|end| msp < *end)?;
        let inside = |section: &&SectionRef<'_>| {
            section.allocated
                && section.writable
                && (section.address..section.address + section.size).contains(&msp)
        };
        let section = sections.iter().find(inside)?;
        let place = evidence.place(msp);
        let is_stack = |name: &str| name.to_ascii_lowercase().contains("stack");
        (!is_stack(&place) && !is_stack(section.name)).then(|| {
            let summary = format!(
                "MSP is {msp:#010x}, {} bytes past the end of the main stack at {end:#010x}: in {} \
                 ({place})",
                end - msp,
                section.name,
            );
            (summary, msp)
        })
    };
    let Some((summary, msp)) = found() else { return Vec::new() };
    vec![rule.proved(evidence, summary).by_core("MSP", msp).by_firmware().finding()]
}

fn stack_outside_ram(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = || {
        evidence.is_arm().then_some(())?;
        let sp = evidence.core_register("SP")?;
        // The first word goes below SP, which may stand at the end of its memory.
        let pushed = sp.wrapping_sub(4);
        let what = match pushed {
            0x4000_0000..0x6000_0000 => "the Peripheral region".to_owned(),
            0xa000_0000..0xe000_0000 => "the Device region".to_owned(),
            0xe000_0000.. => "the System region, or below address 0".to_owned(),
            _ => {
                let firmware = evidence.firmware()?;
                let section = firmware.sections().find(|section| {
                    let range = section.address..section.address + section.size;
                    section.allocated && !section.writable && range.contains(&pushed)
                })?;
                format!("{}, which is not writable", section.name)
            }
        };
        Some((format!("SP is {sp:#010x}, in {what}"), sp))
    };
    let Some((summary, sp)) = found() else { return Vec::new() };
    vec![rule.proved(evidence, summary).by_core("SP", sp).finding()]
}

fn systick_without_period(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let words = evidence.readings.core_word(SYST_CSR).zip(evidence.readings.core_word(SYST_RVR));
    let Some((control, reload)) = words.filter(|_| evidence.is_arm()) else { return Vec::new() };
    let (enable, period) = (control.bits(0, 1), reload.bits(0, 24));
    if !enable.is_set() || period.is_set() {
        return Vec::new();
    }
    let summary = format!("SysTick runs, and its reload value {} is 0", period.path());
    let proof = rule.proved(evidence, summary).by(period).by(enable);
    vec![proof.written_to(&reload.register.path()).finding()]
}
