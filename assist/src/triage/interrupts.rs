//! Interrupts that are enabled, pending, masked or unhandled.
//!
//! What is pending was so when the register was read; the mask registers were read when the core
//! was halted, a moment away.

use bundle::{Finding, Severity};
use svd_index::elf::{Firmware, VectorRef};

use super::evidence::{Evidence, VTOR};
use super::rule::{Check, Rule};
use crate::readings::{Bits, Reading};

/// Source: ARMv7-M ARM, DDI 0403E, B3.4.3 (NVIC registers); the same in ARMv6-M
/// ARM, DDI 0419E, B3.4 and in ARMv8-M ARM, DDI 0553, D1.2.
const ISER: u64 = 0xe000_e100;
const ISPR: u64 = 0xe000_e200;
const IPR: u64 = 0xe000_e400;

/// Exceptions of the core come before interrupt 0.
const FIRST_INTERRUPT: u32 = 16;

/// Interrupts of one word.
const LINES: u32 = 32;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "interrupt-without-handler",
        reason: "The interrupt is enabled and its vector leads to the default handler or to no \
                 code: the first one stops the program.",
        source: "ARMv7-M ARM, DDI 0403E, B1.5.3 (vector table) and B3.4.4 (NVIC_ISER)",
        severity: Severity::Error,
        rests_on: "NVIC.ISER, VTOR, the firmware's vector table",
        silent: "no firmware; of several, which one runs is not known; VTOR points to another table, as one in RAM",
        check: Check::Board(without_handler),
    },
    Rule {
        name: "interrupt-not-enabled",
        reason: "The firmware has a handler, and the interrupt waits: without its bit in ISER the \
                 handler never runs.",
        source: "ARMv7-M ARM, DDI 0403E, B3.4.4 (NVIC_ISER) and B3.4.6 (NVIC_ISPR)",
        severity: Severity::Warning,
        rests_on: "NVIC.ISPR, NVIC.ISER, the firmware's vector table",
        silent: "no firmware; of several, which one runs is not known; the interrupt has no handler of its own, as with drivers \
                 that poll",
        check: Check::Board(not_enabled),
    },
    Rule {
        name: "interrupt-masked",
        reason: "The interrupt is enabled and pending, and a mask register of the core keeps it \
                 from being taken.",
        source: "ARMv7-M ARM, DDI 0403E, B1.4.3 (special-purpose mask registers)",
        severity: Severity::Warning,
        rests_on: "NVIC.ISPR, NVIC.ISER, NVIC.IPR, PRIMASK, FAULTMASK, BASEPRI",
        silent: "the core was running; a short critical section looks the same at one moment",
        check: Check::Board(masked),
    },
    Rule {
        name: "vector-table-misaligned",
        reason: "The core puts the exception number into the low bits of the address, so a table \
                 that is not aligned to its size, rounded up to a power of two, gives wrong vectors.",
        source: "ARMv7-M ARM, DDI 0403E, B3.2.5 (VTOR)",
        severity: Severity::Error,
        rests_on: "VTOR, the highest interrupt enabled in NVIC.ISER",
        silent: "no interrupt is enabled that the misalignment reaches",
        check: Check::Board(misaligned),
    },
    Rule {
        name: "vector-table-elsewhere",
        reason: "VTOR points into this firmware, but not to its vector table: exceptions run \
                 whatever the words there say.",
        source: "ARMv7-M ARM, DDI 0403E, B3.2.5 (VTOR)",
        severity: Severity::Error,
        rests_on: "VTOR, the firmware's vector table and sections",
        silent: "no firmware; of several, which one runs is not known; VTOR is 0, which chips remap; tables in RAM, and outside \
                 of this firmware, as a bootloader's; \
                 another symbol there that is called a vector table",
        check: Check::Board(elsewhere),
    },
];

/// Numbers of the interrupts whose bits are set in words from `base` on, with the bits.
fn lines<'a>(evidence: &'a Evidence<'a>, base: u64) -> Vec<(u32, Bits<'a>)> {
    if !evidence.is_arm() {
        return Vec::new();
    }
    let words = (0..16u32).filter_map(|word| {
        let reading: Reading<'_> = evidence.readings.core_word(base + u64::from(word) * 4)?;
        Some((word, reading))
    });
    let bits = words.flat_map(|(word, reading)| {
        (0..LINES).map(move |bit| (word * LINES + bit, reading.bits(bit, 1)))
    });
    bits.filter(|(_, bits)| bits.is_set()).collect()
}

/// Whether an interrupt is enabled; `None` if that was not read.
fn enabled<'a>(evidence: &'a Evidence<'a>, number: u32) -> Option<Bits<'a>> {
    let word = evidence.readings.core_word(ISER + u64::from(number / LINES) * 4)?;
    Some(word.bits(number % LINES, 1))
}

/// The firmware's vectors, if VTOR does not say that others are used.
fn vectors<'a>(evidence: &Evidence<'a>) -> Option<(&'a Firmware, Vec<VectorRef<'a>>)> {
    let firmware = evidence.firmware()?;
    let vectors: Vec<_> = firmware.vectors().collect();
    let table = vectors.iter().find(|vector| vector.number == 0)?.address;
    let moved = evidence.readings.core_word(VTOR).is_some_and(|vtor| {
        // Chips map their flash to 0 as well.
        vtor.value != 0 && vtor.value != table
    });
    (!moved).then_some((firmware, vectors))
}

fn without_handler(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let Some((_, vectors)) = vectors(evidence) else { return Vec::new() };
    let found = lines(evidence, ISER).into_iter().filter_map(|(number, bits)| {
        let vector = vectors.iter().find(|vector| vector.number == FIRST_INTERRUPT + number)?;
        let leads = match (vector.is_default, vector.value, vector.handler) {
            (true, _, Some(handler)) => format!("to {handler}, the default handler"),
            (true, _, None) => "to the default handler".to_owned(),
            (false, 0, _) => "nowhere: it is 0".to_owned(),
            (false, value, _) if vector.problem.is_some() => format!("to no code ({value:#010x})"),
            _ => return None,
        };
        let interrupt = evidence.interrupt(number);
        let summary = format!("interrupt {interrupt} is enabled, and its vector leads {leads}");
        let path = bits.reading.register.path();
        Some(rule.proved(evidence, summary).by(bits).written_to(&path).by_firmware().finding())
    });
    found.collect()
}

fn not_enabled(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let Some((firmware, vectors)) = vectors(evidence) else { return Vec::new() };
    let found = lines(evidence, ISPR).into_iter().filter_map(|(number, pending)| {
        let enabled = enabled(evidence, number).filter(|enabled| !enabled.is_set())?;
        let vector = vectors.iter().find(|vector| vector.number == FIRST_INTERRUPT + number)?;
        let is_own = !vector.is_default && vector.problem.is_none() && vector.value != 0;
        let handler = vector.handler.filter(|_| is_own)?;
        // Where several interrupts share one function, it may be a dispatcher for all.
        let shared = firmware.vectors().filter(|other| other.value == vector.value).count() > 1;
        if shared {
            return None;
        }
        let interrupt = evidence.interrupt(number);
        let summary =
            format!("interrupt {interrupt} is pending and not enabled: {handler} does not run");
        Some(rule.proved(evidence, summary).by(enabled).by(pending).by_firmware().finding())
    });
    found.collect()
}

fn masked(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let mask = |name: &'static str| {
        let value = evidence.core_register(name).filter(|value| *value & 1 == 1)?;
        Some((name, value))
    };
    let all = mask("PRIMASK").or_else(|| mask("FAULTMASK"));
    let base = evidence.core_register("BASEPRI").filter(|base| *base != 0);
    let found = lines(evidence, ISPR).into_iter().filter_map(|(number, pending)| {
        let enabled = enabled(evidence, number).filter(Bits::is_set)?;
        let interrupt = evidence.interrupt(number);
        let said = |by: String| format!("interrupt {interrupt} is pending and enabled, and {by}");
        if let Some((name, value)) = all {
            let summary = said(format!("{name} is {value}: it is not taken"));
            let proof = rule.proved(evidence, summary).by(pending).by(enabled);
            return Some(proof.by_core(name, value).finding());
        }
        let base = base?;
        let word = evidence.readings.core_word(IPR + u64::from(number / 4) * 4)?;
        let priority = word.bits(number % 4 * 8, 8);
        // A priority at or below the base, which is a number at or above it, is held back.
        if priority.raw() < base {
            return None;
        }
        let summary = said(format!(
            "its priority {:#04x} is not above BASEPRI {base:#04x}: it is not taken",
            priority.raw()
        ));
        let proof = rule.proved(evidence, summary).by(pending).by(enabled).by(priority);
        Some(proof.by_core("BASEPRI", base).finding())
    });
    found.collect()
}

fn misaligned(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = || {
        let vtor = evidence.is_arm().then(|| evidence.readings.core_word(VTOR))??;
        let (highest, bit) = lines(evidence, ISER).into_iter().next_back()?;
        let offset = u64::from(FIRST_INTERRUPT + highest) * 4;
        // The core ORs the two.
        if vtor.value & offset == 0 {
            return None;
        }
        let summary = format!(
            "{} is {:#010x}: the vector of interrupt {} is not read from {:#010x}",
            vtor.register.path(),
            vtor.value,
            evidence.interrupt(highest),
            vtor.value + offset,
        );
        let path = vtor.register.path();
        let proof = rule.proved(evidence, summary).by(vtor.whole()).by(bit);
        Some(proof.written_to(&path).finding())
    };
    found().into_iter().collect()
}

fn elsewhere(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = || {
        let firmware = evidence.firmware()?;
        let vtor = evidence.is_arm().then(|| evidence.readings.core_word(VTOR))??;
        let table = firmware.vectors().find(|vector| vector.number == 0)?.address;
        let value = vtor.value;
        if value == 0 || value == table {
            return None;
        }
        let section = firmware.sections().find(|section| {
            let range = section.address..section.address + section.size;
            section.allocated && !section.writable && range.contains(&value)
        })?;
        let place = evidence.place(value);
        if place.to_ascii_lowercase().contains("vector") {
            return None;
        }
        let summary = format!(
            "{} is {value:#010x}, in {} ({}); the vector table is at {table:#010x}",
            vtor.register.path(),
            section.name,
            place,
        );
        let path = vtor.register.path();
        let proof = rule.proved(evidence, summary).by(vtor.whole()).written_to(&path);
        Some(proof.by_firmware().finding())
    };
    found().into_iter().collect()
}
