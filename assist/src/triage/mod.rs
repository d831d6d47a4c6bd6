//! Findings that need no model: rules that prove something wrong from evidence alone.
//!
//! A rule is a name, the reason behind it, the manual that says so, and a way to look; [`rules`] is
//! the table. Rules of fields judge bits that were read from a board, or, where there is no bundle,
//! bits that the firmware writes. All others need a board: flags, faults, and what follows from
//! several registers, the core and the firmware together. A rule stays silent where it cannot know.

mod baud;
mod core;
mod dma;
mod effect;
mod enumerated;
mod evidence;
mod faults;
mod flags;
mod gates;
mod interrupts;
mod oscillators;
mod rule;

use bundle::{Bundle, FactSource, Finding, RegisterRead, WriteFact};
use svd_index::{Chip, FieldRef, Index, RegisterRef};

use crate::readings::Readings;
use crate::{clocks, naming};
use evidence::Evidence;
use rule::Check;

pub use rule::{Rule, rules};

/// Every rule, in the order of their findings for one register.
static RULE_TABLES: &[&[Rule]] = &[
    enumerated::RULES,
    core::RULES,
    faults::RULES,
    interrupts::RULES,
    gates::RULES,
    oscillators::RULES,
    baud::RULES,
    dma::RULES,
    flags::RULES,
];

/// What a rule of fields judges: one field of one register, its bits, and the code behind them.
struct Observed<'a> {
    /// Name of the chip, as the SVD has it.
    device: &'a str,
    register: RegisterRef<'a>,
    field: FieldRef<'a>,
    /// The field's bits, right-aligned.
    raw: u64,
    /// All bits of the register.
    value: u64,
    /// Where the bits come from.
    origin: Origin<'a>,
    /// Writes of the firmware to this register, by pc.
    writes: &'a [WriteFact],
    /// Whether they were read from an emulated board.
    emulated: bool,
}

/// Where the bits come from.
#[derive(Clone, Copy)]
enum Origin<'a> {
    /// Read from the board with this selector.
    Board(&'a str),
    /// Written by the firmware, nothing read.
    Firmware,
}

/// Applies every rule to what the board showed; without a bundle, to what the firmware writes.
///
/// Registers that were not read, those whose read has side effects, and those that an emulated
/// board does not model, are not judged; one that only stores gives back what was written, which
/// tells of settings, and of no flag. Findings come by severity, the worst first, then by address,
/// then lowest bit, then rule. Empty without a chip.
pub fn triage(index: &Index, bundle: Option<&Bundle>) -> Vec<Finding> {
    match bundle {
        Some(bundle) => of_board(index, bundle, &naming::firmware_writes(index)),
        None => of_firmware(index),
    }
}

fn of_board(index: &Index, bundle: &Bundle, writes: &[WriteFact]) -> Vec<Finding> {
    let Some(chip) = index.chip() else { return Vec::new() };
    let mut findings = fields_of_board(chip, bundle, writes);
    let readings = Readings::of(chip, &bundle.snapshot);
    let clocks = clocks::of(chip, &readings, bundle.manifest.crystals);
    let evidence = Evidence { index, chip, bundle, readings, writes, clocks };
    for rule in rules() {
        match &rule.check {
            Check::Field(_) => {}
            Check::Flags(flags) => findings.extend(flags::check(rule, flags, &evidence)),
            Check::Fault(fault) => findings.extend(fault.check(rule, &evidence)),
            Check::Board(check) => findings.extend(check(rule, &evidence)),
        }
    }
    let address = |finding: &Finding| finding.rests_on.first().and_then(|first| first.address);
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), address(finding)));
    findings
}

fn fields_of_board(chip: &Chip, bundle: &Bundle, writes: &[WriteFact]) -> Vec<Finding> {
    let device = chip.device().name;
    let board = &bundle.snapshot.board;
    let mut reads: Vec<&RegisterRead> =
        bundle.snapshot.registers.iter().filter(|read| naming::says_something(read)).collect();
    reads.sort_by_key(|read| read.address);
    let mut findings = Vec::new();
    for read in reads {
        let Some(value) = read.value() else { continue };
        let mut named = chip.registers_at(read.address).into_iter().filter(|register| {
            register.address() == read.address && register.size_bits() == read.size_bits
        });
        let Some(register) = named.next() else { continue };
        // What is right for one of several peripherals at an address is right.
        if named.any(|other| of_value(chip, other, value).is_empty()) {
            continue;
        }
        let path = register.path();
        let of_register: Vec<WriteFact> =
            writes.iter().filter(|write| write.register == path).cloned().collect();
        let seen = Seen {
            device,
            origin: Origin::Board(&board.selector),
            writes: &of_register,
            emulated: board.virtual_board.is_some(),
        };
        let elf = bundle.manifest.elf.as_ref().map(|elf| elf.name.as_str());
        findings.extend(judge(register, value, &seen, elf));
    }
    findings
}

fn of_firmware(index: &Index) -> Vec<Finding> {
    let device = index.chip().map_or("", |chip| chip.device().name);
    let mut findings: Vec<Finding> = Vec::new();
    for (register, write) in naming::writes_with_registers(index) {
        let Some(value) = write.value else { continue };
        let writes = std::slice::from_ref(&write);
        let seen = Seen { device, origin: Origin::Firmware, writes, emulated: false };
        for finding in judge(register, value, &seen, None) {
            merge(&mut findings, finding);
        }
    }
    findings
}

/// What a register of `chip` would be found to have wrong if it were given `value`.
pub(crate) fn of_value(chip: &Chip, register: RegisterRef<'_>, value: u64) -> Vec<Finding> {
    let device = chip.device().name;
    let seen = Seen { device, origin: Origin::Firmware, writes: &[], emulated: false };
    judge(register, value, &seen, None)
}

/// Two places that write the same wrong value are one finding with two writes.
fn merge(findings: &mut Vec<Finding>, finding: Finding) {
    let key = |of: &Finding| (of.rule.clone(), of.register.clone(), of.field.clone(), of.found);
    match findings.iter_mut().find(|known| key(known) == key(&finding)) {
        Some(known) => known.writes.extend(finding.writes),
        None => findings.push(finding),
    }
}

/// What holds for all fields of one register.
struct Seen<'a> {
    device: &'a str,
    origin: Origin<'a>,
    writes: &'a [WriteFact],
    emulated: bool,
}

fn judge<'a>(
    register: RegisterRef<'a>,
    value: u64,
    seen: &Seen<'a>,
    elf: Option<&str>,
) -> Vec<Finding> {
    let mut fields: Vec<FieldRef<'a>> = register.fields().collect();
    fields.sort_by_key(FieldRef::lsb);
    let mut findings = Vec::new();
    for field in fields {
        let observed = Observed {
            device: seen.device,
            register,
            field,
            raw: field.decode(value).raw,
            value,
            origin: seen.origin,
            writes: seen.writes,
            emulated: seen.emulated,
        };
        for rule in rules() {
            let Check::Field(check) = rule.check else { continue };
            let Some(mut finding) = check(&observed) else { continue };
            add_sources(&mut finding, rule, &observed, elf);
            findings.push(finding);
        }
    }
    findings
}

fn add_sources(finding: &mut Finding, rule: &Rule, observed: &Observed<'_>, elf: Option<&str>) {
    let wrote = !finding.writes.is_empty();
    let mut add = |kind: &str, name: &str, line| {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        finding.sources.push(FactSource { kind, name, line });
    };
    if let Origin::Board(selector) = observed.origin {
        add("board", selector, None);
    }
    add("svd", observed.device, Some(observed.field.line()));
    if wrote {
        add("elf", elf.unwrap_or("firmware"), None);
    }
    add("manual", rule.source, None);
}
