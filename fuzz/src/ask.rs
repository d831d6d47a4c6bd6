//! Asks a chip or a firmware everything there is to ask, and sums the answers up.

use std::fmt::{Debug, Write};
use std::hash::{DefaultHasher, Hasher};

use svd_index::elf::Firmware;
use svd_index::{Chip, Hit, Query, RegisterRef};

/// Registers, elements and the like looked at in each place; the rest goes unasked.
const SOME: usize = 32;

/// The same for what takes a walk through all registers.
const FEW: usize = 4;

/// A fingerprint of answers.
#[derive(Default)]
struct Answers(DefaultHasher);

impl Write for Answers {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

impl Answers {
    fn add(&mut self, answer: impl Debug) {
        write!(self, "{answer:?};").expect("a hasher takes all text");
    }
}

/// Asks `chip` everything; equal chips give equal numbers.
pub fn chip(chip: &Chip) -> u64 {
    let mut answers = Answers::default();
    answers.add(chip.device());
    answers.add(chip.warnings());
    for peripheral in chip.peripherals().take(SOME) {
        answers.add((peripheral.name(), peripheral.base_address(), peripheral.description()));
        answers.add((peripheral.group(), peripheral.derived_from(), peripheral.line()));
        answers.add(peripheral.origin());
        peripheral.address_blocks().take(SOME).for_each(|block| answers.add(block));
        peripheral.interrupts().take(SOME).for_each(|interrupt| answers.add(interrupt));
        answers.add(peripheral.registers().take(SOME).collect::<Vec<_>>());
    }
    answers.add(chip.interrupts().take(SOME).collect::<Vec<_>>());
    answers.add(chip.interrupt(2));
    for register in chip.registers().take(FEW) {
        answers.add(chip.register(&register.path()));
    }
    for whole in chip.registers().take(SOME) {
        answers.add((whole.is_array(), whole.count(), whole.stride(), whole.path()));
        let last = whole.element(whole.count().saturating_sub(1));
        for register in whole.elements().take(3).chain(last) {
            add_register(chip, register, &mut answers);
        }
    }
    for address in [0, 0x4000_2000, 0x5000_0012, 0xe000_e010, u64::MAX] {
        answers.add(chip.registers_at(address));
        answers.add(chip.near(address));
    }
    for text in ["uart.cr.en", "CH[1].X.B3", "*A*"] {
        query(chip, text, &mut answers);
    }
    answers.add(chip.suggest("UART0.CRR"));
    answers.0.finish()
}

/// Asks `chip` for what somebody typed.
pub fn text(chip: &Chip, text: &str) -> u64 {
    let mut answers = Answers::default();
    query(chip, text, &mut answers);
    answers.add(chip.suggest(text));
    answers.0.finish()
}

fn add_register(chip: &Chip, register: RegisterRef<'_>, answers: &mut Answers) {
    answers.add((register.path(), register.name(), register.aliases(), register.address()));
    answers.add((register.size_bits(), register.access(), register.reset_value()));
    answers.add((register.reset_mask(), register.read_action(), register.has_read_side_effect()));
    answers.add((register.modified_write_values(), register.write_constraint()));
    answers.add((register.description(), register.line(), register.reserved_mask()));
    answers.add((register.alternate_register(), register.alternate_group()));
    for field in register.fields().take(SOME) {
        answers.add((field.name(), field.lsb(), field.msb(), field.access(), field.line()));
        answers.add((field.description(), field.read_action(), field.write_constraint()));
        answers.add(field.enums().take(SOME).collect::<Vec<_>>());
    }
    answers.add(register.decode(0xa5a5_a5a5_a5a5_a5a5));
    answers.add(chip.registers_at(register.address()));
    answers.add(chip.near(register.address().wrapping_add(register.size_bytes())));
}

fn query(chip: &Chip, text: &str, answers: &mut Answers) {
    let query = Query::parse(text);
    if let Ok(query) = &query {
        let hits = chip.find_hits(query);
        answers.add(hits.iter().take(SOME).map(Hit::path).collect::<Vec<_>>());
        answers.add(hits.len());
    }
    answers.add(query);
    answers.add(chip.search(text, 5));
}

/// Asks `firmware` everything; equal ones give equal numbers.
pub fn firmware(firmware: &Firmware) -> u64 {
    let mut answers = Answers::default();
    answers.add((firmware.machine(), firmware.is_big_endian(), firmware.entry()));
    answers.add((firmware.build_id(), firmware.has_dwarf(), firmware.rtt_address()));
    answers.add(firmware.sections().take(SOME).collect::<Vec<_>>());
    answers.add(firmware.vectors().take(SOME).collect::<Vec<_>>());
    answers.add(firmware.files().take(SOME).collect::<Vec<_>>());
    answers.add(firmware.functions().take(SOME).collect::<Vec<_>>());
    answers.add(firmware.accesses().take(SOME).collect::<Vec<_>>());
    for ty in firmware.types().take(SOME) {
        answers.add((ty, ty.holes(), ty.members().take(SOME).collect::<Vec<_>>()));
    }
    let symbols = firmware.symbols().take(SOME).map(|symbol| symbol.address);
    for address in symbols.chain([0, firmware.entry(), u64::MAX]) {
        answers.add((firmware.symbol_at(address), firmware.function_at(address)));
        answers.add((firmware.frames_at(address), firmware.line_at(address)));
        answers.add(firmware.variable_at(address.wrapping_add(3)));
        answers.add(firmware.accesses_to(address));
    }
    for name in ["main", "*a*", "no such name"] {
        answers.add(firmware.find_symbols(name));
        answers.add(firmware.find_functions(name));
        answers.add(firmware.suggest(name));
    }
    answers.0.finish()
}
