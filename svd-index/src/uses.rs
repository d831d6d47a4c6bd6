//! Which code touches which register: a firmware's accesses, named by a chip's register map.
//!
//! The ELF alone tells addresses, and of some accesses only the type of the structure that they
//! go through (see [`Base`](crate::elf::Base)). This joins them with the chip: an address gets
//! its register, and a member of a `USART_TypeDef` the register that all USARTs have there.

use crate::elf::{AccessKind, BaseRef, Certainty as Listed, Firmware, Frame, Value};
use crate::{Alias, Chip, PeripheralRef, RegisterRef};

/// What code does to registers, by pc, then address.
pub struct Uses<'a> {
    list: Vec<Use<'a>>,
}

/// One instruction's access to one register.
#[derive(Clone, Debug)]
pub struct Use<'a> {
    /// Address of the instruction.
    pub pc: u64,
    /// The functions it belongs to, innermost inlined one first; empty where none is known.
    pub frames: Vec<Frame<'a>>,
    /// The registers that it may be: one where the address is known, those of all instances
    /// where only the kind of peripheral is; empty where the map has none.
    pub registers: Vec<RegisterRef<'a>>,
    /// What to call them: a path, or with `*` for what is not known (`USART*.BRR`).
    pub name: Option<String>,
    /// Absolute address of the first byte touched.
    pub address: Option<u64>,
    /// How the address reaches the register, if it is not the register's own.
    pub alias: Option<Alias>,
    /// Load, store, or a store of what the same register gave.
    pub kind: AccessKind,
    /// Size of the access.
    pub size_bits: u32,
    /// Bits known to be written as 1, 0 elsewhere; `None` where nothing is known, and for loads.
    pub value: Option<u64>,
    /// The bits that `value` tells; the others keep what was there
    /// ([`AccessKind::ReadModifyWrite`]) or are not known. `None` where it tells all or none.
    pub mask: Option<u64>,
    /// How much is known.
    pub certainty: Certainty,
}

/// How much is known of where an instruction reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certainty {
    /// The addresses listed for the instruction are all that it touches.
    Exact,
    /// It touches this address, and on some paths perhaps others.
    Partial,
    /// The register is known, but not of which peripheral, or which element of an array.
    InstanceUnknown,
    /// It touches a register; which one is not known.
    Unknown,
}

impl Certainty {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Partial => "partial",
            Self::InstanceUnknown => "instance-unknown",
            Self::Unknown => "unknown",
        }
    }
}

impl<'a> Uses<'a> {
    /// Names the accesses of a firmware.
    pub fn of(chip: &'a Chip, firmware: &'a Firmware) -> Self {
        let mut list: Vec<Use<'a>> = firmware
            .accesses()
            .map(|access| {
                let (alias, registers) = register_at(chip, access.address, access.size_bytes);
                let (value, mask) = value_and_mask(access.value, access.size_bytes);
                Use {
                    pc: access.pc,
                    frames: firmware.frames_at(access.pc),
                    name: registers.first().map(RegisterRef::path),
                    registers,
                    address: Some(access.address),
                    alias,
                    kind: access.kind,
                    size_bits: u32::from(access.size_bytes) * 8,
                    value,
                    mask,
                    certainty: match access.certainty {
                        Listed::Exact => Certainty::Exact,
                        Listed::Partial => Certainty::Partial,
                    },
                }
            })
            .collect();
        list.extend(firmware.loose_accesses().filter_map(|access| {
            let (name, registers) = match access.base {
                BaseRef::Structure { name, offset } => members(chip, name, offset)?,
                BaseRef::After(address) => elements(chip, address)?,
            };
            let (value, mask) = value_and_mask(access.value, access.size_bytes);
            Some(Use {
                pc: access.pc,
                frames: firmware.frames_at(access.pc),
                certainty: match name {
                    Some(_) => Certainty::InstanceUnknown,
                    None => Certainty::Unknown,
                },
                name,
                registers,
                address: None,
                alias: None,
                kind: access.kind,
                size_bits: u32::from(access.size_bytes) * 8,
                value,
                mask,
            })
        }));
        list.sort_by_key(|one| (one.pc, one.address, one.kind as u8));
        Self { list }
    }

    /// All of them, by pc, then address; what has no address first.
    pub fn iter(&self) -> impl Iterator<Item = &Use<'a>> {
        self.list.iter()
    }

    /// Those that touch `register`, or may: an element where the whole array is asked for, any
    /// instance where it is not known which.
    pub fn touching(&self, register: RegisterRef<'_>) -> impl Iterator<Item = &Use<'a>> {
        self.list.iter().filter(move |one| one.may_touch(register))
    }
}

impl Use<'_> {
    /// Whether it touches `register`, or may; see [`Uses::touching`].
    pub fn may_touch(&self, register: RegisterRef<'_>) -> bool {
        let is_any = self.address.is_none() && self.registers.len() == 1;
        self.registers.iter().any(|used| {
            used.index() == register.index()
                && (register.is_array() || is_any || used.address() == register.address())
        })
    }

    /// Whether it is code of the functions that `function` names, or was inlined into them.
    pub fn is_in(&self, function: &str) -> bool {
        self.frames.iter().any(|frame| crate::elf::is_named(frame.function, function))
    }
}

fn value_and_mask(value: Value, size_bytes: u8) -> (Option<u64>, Option<u64>) {
    let all = u64::MAX >> (64 - 8 * u32::from(size_bytes.clamp(1, 8)));
    match value {
        Value::Known(value) => (Some(value), None),
        Value::Masked { set, clear, .. } if set | clear == 0 => (None, None),
        Value::Masked { set, clear, .. } => {
            let mask = set | clear;
            (Some(set), (mask != all).then_some(mask))
        }
        Value::Unknown => (None, None),
    }
}

/// The register at an address; of several the one that fits the access best.
fn register_at(chip: &Chip, address: u64, size_bytes: u8) -> (Option<Alias>, Vec<RegisterRef<'_>>) {
    let best = chip.resolve(address).into_iter().min_by_key(|found| {
        let register = found.register;
        (register.address() != address, register.size_bytes() != u64::from(size_bytes))
    });
    match best {
        Some(found) => (found.alias, vec![found.register]),
        None => (None, Vec::new()),
    }
}

/// What is known of an access without an address.
type Loose<'a> = (Option<String>, Vec<RegisterRef<'a>>);

/// The register at an offset of each peripheral of a kind, and what to call them; `None` where
/// the structure is no peripheral of this chip.
fn members<'a>(chip: &'a Chip, structure: &str, offset: u64) -> Option<Loose<'a>> {
    let family = family(structure);
    let mut registers = Vec::new();
    let mut names = Vec::new();
    let mut is_peripheral = false;
    for peripheral in chip.peripherals().filter(|peripheral| is_of(peripheral, &family)) {
        is_peripheral = true;
        let address = peripheral.base_address().wrapping_add(offset);
        let found = chip.registers_at(address).into_iter().find(|register| {
            register.peripheral().name() == peripheral.name() && register.address() == address
        });
        let Some(register) = found else { continue };
        registers.push(register);
        names.push(peripheral.name());
    }
    let inner = |register: &RegisterRef<'_>| {
        let path = register.path();
        path.split_once('.').map(|(_, inner)| inner.to_owned())
    };
    let Some(register) = registers.first().and_then(inner) else {
        return is_peripheral.then(|| (None, Vec::new()));
    };
    // What is called differently is another kind of peripheral after all.
    if registers.iter().any(|other| inner(other).as_ref() != Some(&register)) {
        return Some((None, Vec::new()));
    }
    let name = match names[..] {
        [name] => format!("{name}.{register}"),
        _ => format!("{family}*.{register}"),
    };
    Some((Some(name), registers))
}

/// The array whose element is at an address, and what to call its elements; `None` where the
/// address is in no peripheral.
fn elements(chip: &Chip, address: u64) -> Option<Loose<'_>> {
    let registers = chip.registers_at(address);
    let found = registers.into_iter().find(|register| register.address() == address);
    let name = found.and_then(|register| {
        let path = register.path();
        let (array, _) = path.strip_suffix(']')?.rsplit_once('[')?;
        Some(format!("{array}[*]"))
    });
    if name.is_none() && chip.peripherals_at(address).is_empty() {
        return None;
    }
    let registers = found.filter(|_| name.is_some()).into_iter().collect();
    Some((name, registers))
}

/// The kind of peripheral that a structure's name tells: `USART_TypeDef`, `NRF_UART_Type`,
/// `uart_hw_t`, `usart1::RegisterBlock`.
fn family(structure: &str) -> String {
    let name = structure.strip_suffix("::RegisterBlock").unwrap_or(structure);
    let mut name = name.rsplit("::").next().unwrap_or(name).to_ascii_uppercase();
    for prefix in ["NRF_", "R_"] {
        if let Some(rest) = name.strip_prefix(prefix) {
            name = rest.to_owned();
        }
    }
    for suffix in ["_T", "_TYPEDEF", "_TYPE", "_REGS", "_HW", "_MEMMAP", "_REGISTERS"] {
        if let Some(rest) = name.strip_suffix(suffix) {
            name = rest.to_owned();
        }
    }
    name.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned()
}

/// Whether a peripheral is of a kind: it has its name, with a number or a letter behind, or the
/// vendor groups it so.
fn is_of(peripheral: &PeripheralRef<'_>, family: &str) -> bool {
    if family.is_empty() {
        return false;
    }
    let name = peripheral.name().to_ascii_uppercase();
    let is_instance = name.strip_prefix(family).is_some_and(|rest| {
        let digits = rest.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
        rest.len() - digits.len() <= 1 && digits.bytes().all(|digit| digit.is_ascii_digit())
    });
    is_instance || peripheral.group().is_some_and(|group| group.eq_ignore_ascii_case(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structures_name_tells_the_kind_of_peripheral() {
        let cases = [
            ("USART_TypeDef", "USART"),
            ("NRF_UART_Type", "UART"),
            ("NRF_TIMER_Type", "TIMER"),
            ("uart_hw_t", "UART"),
            ("gpio_regs_t", "GPIO"),
            ("usart1::RegisterBlock", "USART"),
            ("stm32f4::tim2::RegisterBlock", "TIM"),
            ("DMA_Stream_TypeDef", "DMA_STREAM"),
        ];
        for (structure, expected) in cases {
            assert_eq!(family(structure), expected, "{structure}");
        }
    }
}
