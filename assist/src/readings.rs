//! What a snapshot says of registers, ready to be asked by name, by address and by bit.
//!
//! Only values that may be judged are here: those that were read, whose register an emulator does
//! not leave unmodelled, and whose read changes nothing. So whoever asks here cannot rest on a
//! value that means nothing.

use std::collections::HashMap;

use bundle::{BitsFact, Fidelity, Snapshot};
use svd_index::{Chip, EnumUsage, FieldRef, RegisterRef, Space};

use crate::catalog::{bits, extract};
use crate::naming;

/// The values of one snapshot.
pub(crate) struct Readings<'a> {
    /// By address; registers that share one stand beside each other, in SVD order.
    all: Vec<Reading<'a>>,
    by_path: HashMap<String, usize>,
}

/// One register's value.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) register: RegisterRef<'a>,
    pub(crate) value: u64,
    /// Whether the hardware, or a model of it, had a say in the value. If not, it is what the
    /// firmware wrote: good for settings, not for flags.
    pub(crate) is_status: bool,
}

/// Some bits of a reading.
#[derive(Clone, Copy)]
pub(crate) struct Bits<'a> {
    pub(crate) reading: Reading<'a>,
    pub(crate) lsb: u32,
    pub(crate) width: u32,
    field: Option<FieldRef<'a>>,
}

impl<'a> Readings<'a> {
    pub(crate) fn of(chip: &'a Chip, snapshot: &Snapshot) -> Self {
        let mut all = Vec::new();
        for read in snapshot.registers.iter().filter(|read| naming::says_something(read)) {
            let Some(value) = read.value() else { continue };
            let here: Vec<RegisterRef<'_>> = chip
                .registers_at(read.address)
                .into_iter()
                .filter(|register| register.address() == read.address)
                .filter(|register| register.space() == Space::Memory)
                .collect();
            if here.iter().any(changes_when_read) {
                continue;
            }
            let is_status = read.fidelity.is_none_or(|how| how == Fidelity::Modelled);
            let here = here.into_iter().filter(|register| register.size_bits() == read.size_bits);
            all.extend(here.map(|register| Reading { register, value, is_status }));
        }
        all.sort_by_key(|reading| reading.register.address());
        let paths = all.iter().enumerate().map(|(at, known)| (known.register.path(), at));
        let by_path = paths.collect();
        Self { all, by_path }
    }

    /// Every reading, by address.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Reading<'a>> + '_ {
        self.all.iter().copied()
    }

    /// The register with this canonical path.
    pub(crate) fn at_path(&self, path: &str) -> Option<Reading<'a>> {
        self.by_path.get(path).map(|&at| self.all[at])
    }

    /// The same, if its value is more than what was written.
    pub(crate) fn status(&self, path: &str) -> Option<Reading<'a>> {
        self.at_path(path).filter(|reading| reading.is_status)
    }

    /// The word of the core's own memory at `address`, whatever the vendor calls it; `None` where
    /// the value is only what was written.
    pub(crate) fn core_word(&self, address: u64) -> Option<Reading<'a>> {
        let at = self.all.partition_point(|known| known.register.address() < address);
        let here = self.all[at..].iter().take_while(|known| known.register.address() == address);
        here.copied().find(|known| known.register.size_bits() == 32 && known.is_status)
    }
}

fn changes_when_read(register: &RegisterRef<'_>) -> bool {
    register.has_read_side_effect() || register.fields().any(|f| f.read_action().is_some())
}

impl<'a> Reading<'a> {
    /// The field with this name.
    pub(crate) fn field(self, name: &str) -> Option<Bits<'a>> {
        let field = self.register.field(name)?;
        let (lsb, width) = (field.lsb(), field.width());
        Some(Bits { reading: self, lsb, width, field: Some(field) })
    }

    /// The first of these fields that the register has.
    pub(crate) fn any_field(self, names: &[&str]) -> Option<Bits<'a>> {
        names.iter().find_map(|name| self.field(name))
    }

    /// Bits by position, as the manual gives them; descriptions split and merge fields.
    pub(crate) fn bits(self, lsb: u32, width: u32) -> Bits<'a> {
        let same = |field: &FieldRef<'_>| field.lsb() == lsb && field.width() == width;
        Bits { reading: self, lsb, width, field: self.register.fields().find(same) }
    }

    /// All of it.
    pub(crate) fn whole(self) -> Bits<'a> {
        self.bits(0, self.register.size_bits())
    }
}

impl Bits<'_> {
    /// The bits, right-aligned.
    pub(crate) fn raw(&self) -> u64 {
        extract(self.reading.value, self.lsb, self.width)
    }

    /// True if any of them is 1.
    pub(crate) fn is_set(&self) -> bool {
        self.raw() != 0
    }

    /// `USART2.SR.ORE`, `RCC.CFGR[3:2]`, or the register's path if it is all of it.
    pub(crate) fn path(&self) -> String {
        let register = self.reading.register.path();
        match &self.field {
            Some(field) => format!("{register}.{}", field.name()),
            None if self.is_whole() => register,
            None => format!("{register}{}", bits(self.lsb, self.width)),
        }
    }

    /// Line of the SVD that describes them.
    pub(crate) fn line(&self) -> u32 {
        self.field.map_or_else(|| self.reading.register.line(), |field| field.line())
    }

    /// What a finding keeps of them.
    pub(crate) fn fact(&self) -> BitsFact {
        let raw = self.raw();
        let field = match &self.field {
            Some(field) => field.name().to_owned(),
            None if self.is_whole() => String::new(),
            None => bits(self.lsb, self.width),
        };
        let named = self.field.and_then(|field| field.named(raw, EnumUsage::Read));
        BitsFact {
            register: self.reading.register.path(),
            address: Some(self.reading.register.address()),
            value: self.reading.value,
            field,
            raw,
            decoded: named.map(|value| value.name.to_owned()),
        }
    }

    fn is_whole(&self) -> bool {
        self.lsb == 0 && self.width >= self.reading.register.size_bits()
    }
}
