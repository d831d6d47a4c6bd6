//! The chip's names laid flat: what selection, planning and verification walk over.
//!
//! A catalog comes from the SVD, or, where a bundle is explained without one, from the facts
//! inside the bundle. It borrows its text and holds no opinion.

use std::ops::Range;

use bundle::Facts;
use svd_index::{Access, Chip, EnumValueRef, FieldRef, Index, RegisterRef, Space};

use crate::words;

/// Every peripheral and register, arrays symbolic.
pub(crate) struct Catalog<'a> {
    /// In SVD order.
    pub(crate) peripherals: Vec<Peripheral<'a>>,
    /// Peripheral by peripheral, in SVD order.
    pub(crate) registers: Vec<Register<'a>>,
    /// Positions of `registers` by address.
    by_address: Vec<usize>,
    chip: Option<&'a Chip>,
}

/// A peripheral.
pub(crate) struct Peripheral<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) group: Option<&'a str>,
    pub(crate) base_address: u64,
    /// Absolute byte ranges that belong to it.
    pub(crate) blocks: Vec<Range<u64>>,
    /// Positions of its registers.
    pub(crate) registers: Range<usize>,
}

/// A register, or an array of registers.
pub(crate) struct Register<'a> {
    /// Position of its peripheral.
    pub(crate) peripheral: usize,
    /// Canonical path; of an array, that of its first element.
    pub(crate) path: String,
    /// Absolute; of an array, that of its first element.
    pub(crate) address: u64,
    pub(crate) size_bits: u32,
    /// Elements of the array, 1 if it is none.
    pub(crate) count: u64,
    pub(crate) reset_value: Option<u64>,
    pub(crate) description: &'a str,
    pub(crate) can_read: bool,
    /// Whether a write may change it, or one of its fields.
    pub(crate) can_write: bool,
    pub(crate) fields: Vec<Field<'a>>,
    source: Option<RegisterRef<'a>>,
}

/// A field.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) lsb: u32,
    pub(crate) width: u32,
    pub(crate) description: &'a str,
    source: Option<FieldRef<'a>>,
}

/// One register of an array, or a register itself.
pub(crate) struct Element {
    /// Place in the array, from 0.
    pub(crate) number: u64,
    pub(crate) path: String,
    pub(crate) address: u64,
}

impl<'a> Catalog<'a> {
    /// The chip's names; without a chip those that `facts` carry.
    pub(crate) fn of(index: &'a Index, facts: &'a Facts) -> Self {
        Self::of_chip(index).unwrap_or_else(|| Self::of_facts(facts))
    }

    /// The chip's names. `None`: the index has no SVD.
    pub(crate) fn of_chip(index: &'a Index) -> Option<Self> {
        let chip = index.chip()?;
        let mut peripherals = Vec::new();
        let mut registers = Vec::new();
        for (at, peripheral) in chip.peripherals().enumerate() {
            let first = registers.len();
            registers.extend(peripheral.registers().map(|register| Register::of(register, at)));
            let blocks = peripheral.address_blocks();
            peripherals.push(Peripheral {
                name: peripheral.name(),
                description: peripheral.description(),
                group: peripheral.group(),
                base_address: peripheral.base_address(),
                blocks: blocks.map(|b| b.start..b.start.saturating_add(b.size)).collect(),
                registers: first..registers.len(),
            });
        }
        Some(Self::with(peripherals, registers, Some(chip)))
    }

    fn of_facts(facts: &'a Facts) -> Self {
        let mut peripherals: Vec<Peripheral<'a>> = Vec::new();
        let mut registers: Vec<Register<'a>> = Vec::new();
        let mut known: Vec<&bundle::RegisterFact> = facts.registers.iter().collect();
        known.sort_by(|a, b| {
            (peripheral_of(&a.path), a.address).cmp(&(peripheral_of(&b.path), b.address))
        });
        for fact in known {
            let name = peripheral_of(&fact.path);
            if peripherals.last().is_none_or(|last| last.name != name) {
                peripherals.push(Peripheral {
                    name,
                    description: "",
                    group: None,
                    base_address: fact.address,
                    blocks: Vec::new(),
                    registers: registers.len()..registers.len(),
                });
            }
            let at = peripherals.len() - 1;
            registers.push(Register::of_fact(fact, at));
            peripherals[at].registers.end = registers.len();
        }
        Self::with(peripherals, registers, None)
    }

    fn with(
        peripherals: Vec<Peripheral<'a>>,
        registers: Vec<Register<'a>>,
        chip: Option<&'a Chip>,
    ) -> Self {
        let mut by_address: Vec<usize> = (0..registers.len()).collect();
        by_address.sort_by_key(|&at| registers[at].address);
        Self { peripherals, registers, by_address, chip }
    }

    /// The chip underneath, if the names come from one.
    pub(crate) fn chip(&self) -> Option<&'a Chip> {
        self.chip
    }

    /// Registers of the peripheral at this position.
    pub(crate) fn registers_of(&self, peripheral: usize) -> &[Register<'a>] {
        &self.registers[self.peripherals[peripheral].registers.clone()]
    }

    /// Position of the peripheral that owns the byte at `address`: by its address blocks, otherwise
    /// by the registers around it.
    pub(crate) fn peripheral_of_address(&self, address: u64) -> Option<usize> {
        let owner = |peripheral: &Peripheral<'_>| {
            peripheral.blocks.iter().any(|block| block.contains(&address))
        };
        self.register_at(address)
            .map(|at| self.registers[at].peripheral)
            .or_else(|| self.peripherals.iter().position(owner))
    }

    /// Position of the first register, in SVD order, that an access to the byte at `address`
    /// reaches, through an alias too.
    pub(crate) fn register_at(&self, address: u64) -> Option<usize> {
        if let Some(chip) = self.chip {
            let found = chip.resolve(address).first()?.register;
            return self.position(&found);
        }
        let end = self.by_address.partition_point(|&at| self.registers[at].address <= address);
        let near = &self.by_address[end.saturating_sub(4)..end];
        near.iter().copied().find(|&at| {
            let register = &self.registers[at];
            address - register.address < u64::from(register.size_bits.div_ceil(8))
        })
    }

    /// Positions of all registers that an access to the byte at `address` reaches, through an alias
    /// too: peripherals may share their addresses.
    pub(crate) fn reached(&self, address: u64) -> Vec<usize> {
        match self.chip {
            Some(chip) => {
                let found = chip.resolve(address).into_iter();
                found.filter_map(|found| self.position(&found.register)).collect()
            }
            None => self.register_at(address).into_iter().collect(),
        }
    }

    /// Where a register of the chip, or the array it is an element of, stands in `registers`.
    pub(crate) fn position(&self, register: &RegisterRef<'_>) -> Option<usize> {
        let same = |at: &usize| {
            let known = self.registers[*at].source.as_ref();
            known.is_some_and(|known| known.index() == register.index())
        };
        // Registers are laid out as the chip's are, unless peripherals share them.
        Some(register.index() as usize)
            .filter(|at| *at < self.registers.len() && same(at))
            .or_else(|| (0..self.registers.len()).find(same))
    }

    /// The peripheral that is spelled most like `name`.
    pub(crate) fn nearest_peripheral(&self, name: &str) -> Option<&'a str> {
        words::nearest(name, self.peripherals.iter().map(|peripheral| peripheral.name))
    }
}

impl<'a> Register<'a> {
    fn of(register: RegisterRef<'a>, peripheral: usize) -> Self {
        let access = register.access();
        let first = register.element(0).unwrap_or(register);
        Self {
            peripheral,
            path: first.path(),
            address: first.address(),
            size_bits: register.size_bits(),
            count: register.count(),
            reset_value: register.reset_value(),
            description: register.description(),
            can_read: access.is_none_or(Access::can_read),
            can_write: access.is_none_or(Access::can_write)
                || register.fields().any(|field| field.access().is_none_or(Access::can_write)),
            fields: register.fields().map(Field::of).collect(),
            source: Some(register),
        }
    }

    fn of_fact(fact: &'a bundle::RegisterFact, peripheral: usize) -> Self {
        let field = |field: &'a bundle::FieldFact| Field {
            name: &field.name,
            lsb: field.lsb,
            width: field.width,
            description: "",
            source: None,
        };
        Self {
            peripheral,
            path: fact.path.clone(),
            address: fact.address,
            size_bits: 32,
            count: 1,
            reset_value: fact.reset_value,
            description: "",
            can_read: true,
            can_write: true,
            fields: fact.fields.iter().map(field).collect(),
            source: None,
        }
    }

    /// True if it can be read at its address: false for a CSR, whose address is a number of another
    /// space.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.source.is_none_or(|register| register.space() == Space::Memory)
    }

    /// The path below the peripheral; of an array, of its first element.
    pub(crate) fn name(&self) -> &str {
        self.path.split_once('.').map_or("", |(_, name)| name)
    }

    /// Each element of an array; the register itself if it is none.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Element> + '_ {
        let whole = self.source.filter(|_| self.count > 1);
        let alone = whole.is_none().then(|| Element {
            number: 0,
            path: self.path.clone(),
            address: self.address,
        });
        let elements = whole.into_iter().flat_map(|register| register.elements());
        let numbered = (0..).zip(elements).map(|(number, element)| Element {
            number,
            path: element.path(),
            address: element.address(),
        });
        alone.into_iter().chain(numbered)
    }

    /// Whether what is written to it clears or sets bits, here or elsewhere, as to an interrupt
    /// flag clear register.
    pub(crate) fn is_clearing(&self) -> bool {
        let declared = self.source.is_some_and(|register| {
            let of_field = |field: FieldRef<'_>| field.modified_write_values().is_some();
            register.modified_write_values().is_some() || register.fields().any(of_field)
        });
        let name = self.name();
        declared || ["ICR", "FCR", "CLR", "CLEAR"].iter().any(|end| name.ends_with(end))
    }

    /// What reading it changes, in SVD spelling: its own `readAction`, or that of a field.
    pub(crate) fn read_effect(&self) -> Option<&'static str> {
        let register = self.source?;
        let of_fields = || register.fields().find_map(|field| field.read_action());
        register.read_action().or_else(of_fields).map(|action| action.as_str())
    }
}

impl<'a> Field<'a> {
    fn of(field: FieldRef<'a>) -> Self {
        Self {
            name: field.name(),
            lsb: field.lsb(),
            width: field.width(),
            description: field.description(),
            source: Some(field),
        }
    }

    /// Its bits in a register's value, right-aligned.
    pub(crate) fn extract(&self, value: u64) -> u64 {
        extract(value, self.lsb, self.width)
    }

    /// Named values, those for reading and for writing together.
    pub(crate) fn enums(&self) -> impl Iterator<Item = EnumValueRef<'a>> + use<'a> {
        self.source.into_iter().flat_map(|field| field.enums())
    }

    /// `[hi:lo]`, or `[n]` for a single bit.
    pub(crate) fn bits(&self) -> String {
        bits(self.lsb, self.width)
    }
}

/// `[hi:lo]`, or `[n]` for a single bit.
pub(crate) fn bits(lsb: u32, width: u32) -> String {
    match width {
        0 | 1 => format!("[{lsb}]"),
        _ => format!("[{}:{lsb}]", lsb + width - 1),
    }
}

/// Bits `lsb..lsb + width` of `value`, right-aligned.
pub(crate) fn extract(value: u64, lsb: u32, width: u32) -> u64 {
    let mask = u64::MAX.checked_shr(64u32.saturating_sub(width)).unwrap_or(0);
    value.checked_shr(lsb).unwrap_or(0) & mask
}

/// A value as it is printed: hexadecimal, padded to its size.
pub(crate) fn hex(value: u64, size_bits: u32) -> String {
    let digits = (size_bits.div_ceil(4) as usize).clamp(1, 16);
    format!("0x{value:0digits$x}")
}

fn peripheral_of(path: &str) -> &str {
    path.split_once('.').map_or(path, |(peripheral, _)| peripheral)
}
