//! What the firmware does to registers, held against the chip: what no compiler says and no test
//! on the bench shows until it fails.
//!
//! Only accesses whose address and value follow from the code are judged. They are not all that
//! the firmware makes, so what is missing from them proves nothing by itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use svd_index::elf::{AccessKind, AccessRef, Firmware, Value};
use svd_index::{Access, Alias, Chip, Index, RegisterRef, Space, WriteConstraint};

use super::names::kind;
use crate::catalog::hex;
use crate::verify::Verdict;
use crate::words;

/// Something that the firmware does, and whether it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What is done, in few words.
    pub text: String,
    /// Whether it is right.
    pub verdict: Verdict,
    /// What the verdict rests on.
    pub why: String,
    /// What is right, where it is wrong and that is known.
    pub expected: Option<String>,
    /// Function that does it: the innermost inlined one.
    pub function: Option<String>,
    /// Source file, as the debug information has it.
    pub file: Option<String>,
    /// 1-based.
    pub line: Option<u32>,
    /// 1-based.
    pub column: Option<u32>,
    /// Address of the instruction, or of the entry in the vector table.
    pub pc: u64,
    /// The ELF, as it was named; `None` where it was read from bytes.
    pub elf: Option<PathBuf>,
}

/// Addresses of peripherals. Source: ARMv7-M ARM, DDI 0403E, B3.1, table B3-1 (Peripheral, and
/// the vendor's devices); RISC-V chips put theirs where they like, mostly there too.
const DEVICES: std::ops::Range<u64> = 0x4000_0000..0x6000_0000;

/// Judges every access of every firmware that the index has. By firmware, then pc; empty without a
/// chip.
///
/// What one image leaves out another may do: a boot loader starts the clocks that the application
/// needs.
pub fn check_firmware(index: &Index) -> Vec<Use> {
    let Some(chip) = index.chip() else { return Vec::new() };
    let all: Vec<Vec<AccessRef<'_>>> =
        index.firmwares().iter().map(|firmware| firmware.accesses().collect()).collect();
    let mut found = Vec::new();
    for (own, firmware) in index.firmwares().iter().enumerate() {
        let accesses = &all[own];
        let others = all.iter().enumerate().filter(|(other, _)| *other != own);
        let others: Vec<AccessRef<'_>> =
            others.flat_map(|(_, uses)| uses.iter().copied()).collect();
        let mut uses: Vec<Use> =
            accesses.iter().filter_map(|access| of_access(chip, access)).collect();
        uses.extend(clocks(chip, accesses, &others));
        uses.extend(vectors(chip, firmware));
        uses.sort_by(|a, b| (a.pc, &a.text).cmp(&(b.pc, &b.text)));
        uses.dedup();
        for one in &mut uses {
            one.elf = firmware.path().map(Path::to_owned);
        }
        found.extend(uses);
    }
    found
}

/// A use at the place of an access.
fn use_of(access: &AccessRef<'_>, text: String, verdict: Verdict, why: String) -> Use {
    Use {
        text,
        verdict,
        why,
        expected: None,
        function: access.function.map(str::to_owned),
        file: access.file.map(str::to_owned),
        line: access.line,
        column: access.column,
        pc: access.pc,
        elf: None,
    }
}

fn of_access(chip: &Chip, access: &AccessRef<'_>) -> Option<Use> {
    let reached = chip.resolve(access.address);
    let Some(first) = reached.first() else { return unmapped(chip, access) };
    if access.kind == AccessKind::Read {
        return None;
    }
    let width = u32::from(access.size_bytes) * 8;
    let whole = reached
        .iter()
        .map(|reached| reached.register)
        .find(|register| register.address() == access.address && register.size_bits() == width);
    let register = whole.unwrap_or(first.register);
    if register.space() != Space::Memory {
        return None;
    }
    let path = register.path();
    if !reached.iter().any(|reached| can_write(&reached.register)) {
        let why = format!("{path} is read-only");
        return Some(use_of(access, format!("write to {path}"), Verdict::Wrong, why));
    }
    // Registers that share an address are each right in some mode that the code alone knows.
    if whole.is_none() || reached.len() > 1 || first.alias.is_some() {
        return aliased_bits(access, &register, first.alias);
    }
    match access.value {
        Value::Known(value) => Some(known(chip, access, register, value)),
        Value::Masked { set, .. } => stray(access, &register, set),
        Value::Unknown => None,
    }
}

fn can_write(register: &RegisterRef<'_>) -> bool {
    register.access().is_none_or(Access::can_write)
        || register.fields().any(|field| field.access().is_none_or(Access::can_write))
}

/// A write of every bit.
fn known(chip: &Chip, access: &AccessRef<'_>, register: RegisterRef<'_>, value: u64) -> Use {
    let path = register.path();
    let size = register.size_bits();
    let text = format!("{path} = {}", hex(value, size));
    if let Some(found) = stray(access, &register, value) {
        return found;
    }
    let constrained = register.fields().find_map(|field| {
        let raw = field.decode(value).raw;
        match field.write_constraint()? {
            WriteConstraint::Range { minimum, maximum } if !(minimum..=maximum).contains(&raw) => {
                Some((field, raw, minimum, maximum))
            }
            _ => None,
        }
    });
    if let Some((field, raw, minimum, maximum)) = constrained {
        let why = format!("{} takes {minimum} to {maximum}, not {raw}", field.path());
        return use_of(access, text, Verdict::Wrong, why);
    }
    if let Some(finding) = crate::triage::of_value(chip, register, value).into_iter().next() {
        let field = finding.field.unwrap_or_default();
        let why = format!("it is none of the enumerated values of {path}.{field}");
        let expected = finding.meant.map(|meant| match finding.meant_name {
            Some(name) => format!("{} ({name})", hex(meant, size)),
            None => hex(meant, size),
        });
        return Use { expected, ..use_of(access, text, Verdict::Wrong, why) };
    }
    use_of(access, text, Verdict::Ok, format!("{path} at {:#010x}", register.address()))
}

/// Ones in bits that no field has.
fn stray(access: &AccessRef<'_>, register: &RegisterRef<'_>, set: u64) -> Option<Use> {
    let has_fields = register.fields().next().is_some();
    let acts = register.modified_write_values().is_some()
        || register.fields().any(|field| field.modified_write_values().is_some())
        || !register.access().is_none_or(Access::can_read);
    let stray = set & register.reserved_mask() & !register.reset_value().unwrap_or(0);
    if !has_fields || acts || stray == 0 {
        return None;
    }
    let path = register.path();
    let why = match stray.count_ones() {
        1 => format!("bit {} of {path} is reserved", stray.trailing_zeros()),
        _ => format!("bits {stray:#x} of {path} are reserved"),
    };
    let text = format!("write of {:#x} to {path}", set);
    Some(use_of(access, text, Verdict::Wrong, why))
}

/// Through an alias the value names bits.
fn aliased_bits(
    access: &AccessRef<'_>,
    register: &RegisterRef<'_>,
    alias: Option<Alias>,
) -> Option<Use> {
    match (alias?, access.value) {
        (Alias::Set | Alias::Xor, Value::Known(value)) => stray(access, register, value),
        (Alias::BitBand { bit }, Value::Known(1)) => stray(access, register, 1 << bit),
        _ => None,
    }
}

/// An address that no register has.
fn unmapped(chip: &Chip, access: &AccessRef<'_>) -> Option<Use> {
    let address = access.address;
    let is_write = access.kind != AccessKind::Read;
    if !is_write || !DEVICES.contains(&address) || chip.peripherals().next().is_none() {
        return None;
    }
    let near = chip.near(address);
    let text = format!("write to {address:#010x}");
    if let Some(peripheral) = near.peripheral {
        // Descriptions leave registers out; a hole in a peripheral may be one of them.
        let why = format!("{} has no register there that the description knows", peripheral.name());
        return Some(use_of(access, text, Verdict::Unknown, why));
    }
    let expected = near
        .before
        .or(near.after)
        .map(|register| format!("{} is at {:#010x}", register.path(), register.address()));
    let why = "no peripheral of the chip is there".to_owned();
    Some(Use { expected, ..use_of(access, text, Verdict::Wrong, why) })
}

/// Peripherals that are used, whose clock nothing enables.
///
/// The bit is the one field that the description names after the peripheral (`USART2EN`) in a
/// register for clocks. Where all writes to that register are known and none sets it, it is wrong;
/// where one is not known, nothing is said. `elsewhere` is what the other images do.
fn clocks(chip: &Chip, accesses: &[AccessRef<'_>], elsewhere: &[AccessRef<'_>]) -> Vec<Use> {
    let mut first_use: BTreeMap<&str, &AccessRef<'_>> = BTreeMap::new();
    for access in accesses.iter().filter(|access| access.kind != AccessKind::Read) {
        for peripheral in chip.peripherals_at(access.address) {
            first_use.entry(peripheral.name()).or_insert(access);
        }
    }
    if first_use.is_empty() {
        return Vec::new();
    }
    let mut uses = Vec::new();
    for register in chip.registers().filter(|register| is_for_clocks(&register.name())) {
        for field in register.fields().filter(|field| field.width() == 1) {
            let Some(name) = field.name().strip_suffix("EN") else { continue };
            let Some(access) = first_use.get(name.trim_end_matches('_')) else { continue };
            let on_at_reset = register.reset_value().unwrap_or(0) & field.mask() != 0;
            if on_at_reset {
                continue;
            }
            let all = accesses.iter().chain(elsewhere);
            let writes: Vec<&AccessRef<'_>> =
                all.filter(|write| reaches(chip, write, &register)).collect();
            let may_set = writes.iter().any(|write| sets(write, field.mask()) != Some(false));
            if may_set {
                continue;
            }
            let text = format!("use of {name}");
            let why = match writes.len() {
                0 => {
                    format!("no write to {} is seen: {} may be off", register.path(), field.name())
                }
                _ => format!("{} is never set, by any write to {}", field.path(), register.path()),
            };
            let verdict = if writes.is_empty() { Verdict::Unknown } else { Verdict::Wrong };
            let expected = Some(format!("{} = 1 before it", field.path()));
            uses.push(Use { expected, ..use_of(access, text, verdict, why) });
        }
    }
    uses
}

/// `AHB1ENR`, `APB2PCENR`, `CLKEN`: registers that gate the clocks of peripherals. Those for sleep
/// (`LPENR`) gate another thing.
pub(crate) fn is_for_clocks(name: &str) -> bool {
    let gates = ["ENR", "ENR1", "ENR2", "CLKEN", "CLKEN0", "PCENR"];
    gates.iter().any(|end| name.ends_with(end)) && !name.contains("LPEN") && !name.contains("SMEN")
}

fn reaches(chip: &Chip, access: &AccessRef<'_>, register: &RegisterRef<'_>) -> bool {
    access.kind != AccessKind::Read
        && chip.resolve(access.address).iter().any(|reached| reached.register == *register)
}

/// Whether a write sets these bits; `None`: it may.
fn sets(access: &AccessRef<'_>, mask: u64) -> Option<bool> {
    match access.value {
        Value::Known(value) => Some(value & mask != 0),
        Value::Masked { set, clear, unknown } => match () {
            () if set & mask != 0 => Some(true),
            () if unknown & mask != 0 => None,
            () if clear & mask != 0 => Some(false),
            // Kept: as it was.
            () => Some(false),
        },
        Value::Unknown => None,
    }
}

/// Handlers in the vector table under another interrupt's number, and handlers that no entry can
/// call.
fn vectors(chip: &Chip, firmware: &Firmware) -> Vec<Use> {
    /// Exceptions of the core come first: ARMv7-M ARM, DDI 0403E, B1.5.2, table B1-4.
    const FIRST_INTERRUPT: u32 = 16;
    let named = |stem: &str| chip.interrupts().find(|known| known.name.eq_ignore_ascii_case(stem));
    let mut uses = Vec::new();
    if chip.interrupts().next().is_none() {
        return uses;
    }
    for vector in firmware.vectors().filter(|vector| vector.number >= FIRST_INTERRUPT) {
        let Some(handler) = vector.handler else { continue };
        let stem = handler.strip_suffix("_IRQHandler").unwrap_or(handler);
        let number = vector.number - FIRST_INTERRUPT;
        let Some(meant) = named(stem) else { continue };
        let here: Vec<_> = chip.interrupts().filter(|known| known.number == number).collect();
        if here.iter().any(|known| known.name.eq_ignore_ascii_case(stem)) {
            let why = format!("interrupt {number}");
            uses.push(at_function(firmware, handler, vector.address, Verdict::Ok, why));
            continue;
        }
        let there = here.first().map_or("nothing", |known| known.name);
        let why = format!("interrupt {number} is {there}; {} is {}", meant.name, meant.number);
        let found = at_function(firmware, handler, vector.address, Verdict::Wrong, why);
        uses.push(Use {
            expected: Some(format!("entry {}", FIRST_INTERRUPT + meant.number)),
            ..found
        });
    }
    uses.extend(handlers(chip, firmware, FIRST_INTERRUPT));
    uses
}

/// Functions that are named as handlers are, of interrupts that the chip has not got.
fn handlers(chip: &Chip, firmware: &Firmware, first_interrupt: u32) -> Vec<Use> {
    let named = |stem: &str| chip.interrupts().any(|known| known.name.eq_ignore_ascii_case(stem));
    let entries = firmware.vectors().filter(|vector| vector.number >= first_interrupt);
    let called: BTreeMap<&str, u32> = entries
        .filter_map(|vector| Some((vector.handler?, vector.number - first_interrupt)))
        .collect();
    let has_table = firmware.vectors().next().is_some();
    let mut uses = Vec::new();
    for function in firmware.functions() {
        let Some(stem) = function.name.strip_suffix("_IRQHandler") else { continue };
        let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
        let same = |known: &str| digits(known) == digits(stem) && kind(known).len() > 2;
        let names = chip.interrupts().map(|known| known.name).filter(|known| same(known));
        if named(stem) || stem.starts_with("HAL_") {
            continue;
        }
        let near = words::nearest(stem, names).or_else(|| other_instance(chip, stem));
        let Some(near) = near else { continue };
        let (verdict, why, right) = match called.get(function.name) {
            // It is called, by whatever name.
            Some(&number) => {
                let served = chip.interrupts().find(|known| known.number == number);
                let name = served.map_or("one that its description has not", |known| known.name);
                let why = format!("the chip has no interrupt {stem}: it serves {number}, {name}");
                (Verdict::Unknown, why, served.map(|known| known.name))
            }
            None => {
                let why = format!("the chip has no interrupt {stem}: this is never called");
                (if has_table { Verdict::Wrong } else { Verdict::Unknown }, why, Some(near))
            }
        };
        let found = at_function(firmware, function.name, function.address, verdict, why);
        uses.push(Use { expected: right.map(|right| format!("{right}_IRQHandler")), ..found });
    }
    uses
}

/// The interrupt of `USART2`, of which there are several, for a `USART9` that is not there.
fn other_instance<'a>(chip: &'a Chip, stem: &str) -> Option<&'a str> {
    let own = kind(stem);
    let is_there = chip.peripherals().any(|known| known.name().eq_ignore_ascii_case(stem));
    let names = chip.interrupts().map(|known| known.name);
    let alike: Vec<&str> = names.filter(|name| kind(name).eq_ignore_ascii_case(own)).collect();
    if alike.len() < 2 || is_there || own.len() == stem.len() {
        return None;
    }
    words::nearest(stem, alike.into_iter())
}

fn at_function(firmware: &Firmware, name: &str, pc: u64, verdict: Verdict, why: String) -> Use {
    let function = firmware.find_functions(name).into_iter().find(|known| known.name == name);
    Use {
        text: name.to_owned(),
        verdict,
        why,
        expected: None,
        function: Some(name.to_owned()),
        file: function.and_then(|function| function.file).map(str::to_owned),
        line: function.and_then(|function| function.line),
        column: None,
        pc,
        elf: None,
    }
}
