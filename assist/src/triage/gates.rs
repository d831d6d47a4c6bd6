//! Peripherals that the firmware uses while their clock is off or their reset is held.
//!
//! The bit is the one that the description names after the peripheral: `USART2EN` in a register for
//! clocks, `USART2RST` or `uart0` in one for resets.

use std::collections::BTreeSet;

use bundle::{Finding, Severity};
use svd_index::elf::AccessKind;

use super::evidence::Evidence;
use super::rule::{Check, Rule};
use crate::check::is_for_clocks;
use crate::readings::Bits;

const SILENT: &str = "no firmware; a peripheral that the firmware's code does not write by a known \
                      address; one whose registers show that it has worked since reset; why it is \
                      off: switched off on purpose looks the same, if nothing was written before";

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "peripheral-without-clock",
        reason: "Without its clock a peripheral ignores what is written to it: the code that sets \
                 it up has no effect.",
        source: "RM0090 Rev 19, 7.2.12 (peripheral clock enable) and 7.3.10 to 7.3.14",
        severity: Severity::Warning,
        rests_on: "the peripheral's …EN bit, its own registers, the firmware's writes",
        silent: SILENT,
        check: Check::Board(without_clock),
    },
    Rule {
        name: "peripheral-in-reset",
        reason: "A peripheral that is held in reset ignores what is written to it, and on some \
                 chips stalls or faults the access.",
        source: "RM0090 Rev 19, 7.3.5 to 7.3.9; RP2040 datasheet, 2.14 (RESETS)",
        severity: Severity::Error,
        rests_on: "the peripheral's …RST bit, or its bit in RESETS.RESET; the firmware's writes",
        silent: "no firmware; a peripheral that the firmware's code does not write by a known \
                 address",
        check: Check::Board(in_reset),
    },
];

/// Names of the peripherals that the firmware writes to.
fn written(evidence: &Evidence<'_>) -> BTreeSet<String> {
    let Some(firmware) = evidence.firmware() else { return BTreeSet::new() };
    let writes = firmware.accesses().filter(|access| access.kind != AccessKind::Read);
    let peripherals = writes.flat_map(|access| evidence.chip.resolve(access.address));
    peripherals.map(|found| found.register.peripheral().name().to_ascii_uppercase()).collect()
}

/// Bits whose field is named after a peripheral of `used`, with that name.
fn named<'a>(
    evidence: &'a Evidence<'a>,
    used: &BTreeSet<String>,
    is_for: fn(&str, &str) -> bool,
    end: &str,
) -> Vec<(String, Bits<'a>)> {
    let mut found = Vec::new();
    for reading in evidence.readings.iter() {
        if !is_for(reading.register.peripheral().name(), &reading.register.name()) {
            continue;
        }
        for field in reading.register.fields().filter(|field| field.width() == 1) {
            let name = field.name().to_ascii_uppercase();
            let stem = name.strip_suffix(end).unwrap_or_default().trim_end_matches('_');
            if used.contains(stem) {
                found.push((stem.to_owned(), reading.bits(field.lsb(), 1)));
            }
        }
    }
    found
}

fn without_clock(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let used = written(evidence);
    let is_for = |_: &str, register: &str| is_for_clocks(register);
    let off = named(evidence, &used, is_for, "EN").into_iter().filter(|(_, bit)| !bit.is_set());
    let off = off.filter(|(peripheral, _)| !has_worked(evidence, peripheral));
    let found = off.map(|(peripheral, bit)| {
        let first = first_write(evidence, &peripheral);
        let summary =
            format!("{} is 0, and the firmware writes to {peripheral}{first}", bit.path());
        let path = bit.reading.register.path();
        rule.proved(evidence, summary).by(bit).written_to(&path).by_firmware().finding()
    });
    found.collect()
}

fn in_reset(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let used = written(evidence);
    let of_bus = |_: &str, register: &str| register.contains("RSTR");
    let of_chip = |peripheral: &str, register: &str| peripheral == "RESETS" && register == "RESET";
    let mut held = named(evidence, &used, of_bus, "RST");
    held.extend(named(evidence, &used, of_chip, ""));
    let held = held.into_iter().filter(|(_, bit)| bit.is_set());
    let found = held.map(|(peripheral, bit)| {
        let first = first_write(evidence, &peripheral);
        let summary = format!(
            "{} is 1: {peripheral} is held in reset, and the firmware writes to it{first}",
            bit.path()
        );
        let path = bit.reading.register.path();
        rule.proved(evidence, summary).by(bit).written_to(&path).by_firmware().finding()
    });
    found.collect()
}

/// Whether a register of the peripheral was read with a value that it does not have after reset:
/// then it had its clock when that was written.
fn has_worked(evidence: &Evidence<'_>, peripheral: &str) -> bool {
    let of_it = |name: &str| name.eq_ignore_ascii_case(peripheral);
    evidence.readings.iter().any(|reading| {
        let register = reading.register;
        let differs = |reset| (reading.value ^ reset) & register.reset_mask() != 0;
        of_it(register.peripheral().name()) && register.reset_value().is_some_and(differs)
    })
}

/// Where the firmware writes to a peripheral first, by pc: ` (usart.c:31)`.
fn first_write(evidence: &Evidence<'_>, peripheral: &str) -> String {
    let of_it = |path: &str| {
        path.split('.').next().is_some_and(|name| name.eq_ignore_ascii_case(peripheral))
    };
    let writes = evidence.writes.iter().filter(|write| of_it(&write.register));
    let first = writes.min_by_key(|write| write.pc);
    let place = first.and_then(|write| Some((write.file.as_deref()?, write.line?)));
    place.map(|(file, line)| format!(" ({file}:{line})")).unwrap_or_default()
}
