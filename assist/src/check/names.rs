//! The chip's names as headers and drivers spell them: `USART_CR1_UE_Msk`, `NRF_UART0`,
//! `USART_TypeDef`, `uart0_hw`.
//!
//! A header's name says which kind of peripheral it is about, not which instance: it is true if
//! it is true of one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::eval::Names;
use crate::catalog::{Field, Register};
use crate::verify::known::{Known, Named};

/// Most names of headers whose meaning is kept; more than the headers of one chip have.
const MOST_HEADERS: usize = 1 << 15;

/// The chip, asked by the names of source code.
pub(super) struct ChipNames<'k, 'a> {
    pub(super) known: &'k Known<'a>,
    /// Peripherals by upper-case kind and group.
    families: HashMap<String, Vec<usize>>,
    headers: RefCell<HashMap<String, Option<Rc<Header<'a>>>>>,
}

/// What a header's name means.
#[derive(Debug, Clone)]
pub(super) enum Header<'a> {
    Register {
        registers: Vec<Named>,
        /// `OFFSET`, `ADDR`, …, or empty.
        suffix: Suffix,
    },
    Field {
        places: Vec<(Named, usize)>,
        suffix: Suffix,
    },
    /// An enumerated value.
    Value {
        places: Vec<(Named, usize)>,
        name: &'a str,
        value: u64,
    },
    /// A register, and something of it that the chip's description does not know.
    Unknown {
        registers: Vec<Named>,
        rest: String,
    },
}

/// What the last word of a header's name says of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suffix {
    None,
    Mask,
    Position,
    /// The highest bit.
    Top,
    Width,
    Offset,
    Address,
    Reset,
    /// One bit of a field, counted from its lowest.
    Bit(u32),
}

const SUFFIXES: &[(&str, Suffix)] = &[
    ("MSK", Suffix::Mask),
    ("MASK", Suffix::Mask),
    ("BITS", Suffix::Mask),
    ("M", Suffix::Mask),
    ("POS", Suffix::Position),
    ("SHIFT", Suffix::Position),
    ("LSB", Suffix::Position),
    ("BIT", Suffix::Position),
    ("OFFSET", Suffix::Offset),
    ("OFS", Suffix::Offset),
    ("OFF", Suffix::Offset),
    ("MSB", Suffix::Top),
    ("WIDTH", Suffix::Width),
    ("SIZE", Suffix::Width),
    ("ADDR", Suffix::Address),
    ("ADDRESS", Suffix::Address),
    ("RESET", Suffix::Reset),
    ("RESETVALUE", Suffix::Reset),
    ("RST", Suffix::Reset),
];

/// Ends of type names that stand after a peripheral's kind.
const TYPE_ENDS: &[&str] = &[
    "_GLOBALTYPEDEF",
    "_TYPEDEF",
    "_TYPE",
    "_REGISTERS",
    "_REGS",
    "_REG",
    "_HW_T",
    "_HW",
    "_T",
    "_MEMMAP",
    "_STRUCT",
    "_S",
    "REGS",
    "REGISTERS",
    "_BLOCK",
    "_PERIPH",
    "TYPE",
];
const TYPE_STARTS: &[&str] = &["NRF_", "LPC_", "MXC_", "STM32_", "STRUCT_", "_"];

impl<'k, 'a> ChipNames<'k, 'a> {
    pub(super) fn new(known: &'k Known<'a>) -> Self {
        let mut families: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, peripheral) in known.catalog.peripherals.iter().enumerate() {
            let kinds = [Some(kind(peripheral.name)), peripheral.group.map(kind), peripheral.group];
            for name in kinds.into_iter().flatten().filter(|name| !name.is_empty()) {
                let family = families.entry(name.to_ascii_uppercase()).or_default();
                if family.last() != Some(&at) {
                    family.push(at);
                }
            }
        }
        Self { known, families, headers: RefCell::default() }
    }

    /// The peripheral that a name in code stands for: `UART0`, `NRF_UART0`, `uart0_hw`.
    pub(super) fn peripheral(&self, name: &str) -> Option<usize> {
        let bare = name.strip_suffix("_hw").or_else(|| name.strip_suffix("_HW"));
        let capitals = !name.contains(|c: char| c.is_ascii_lowercase());
        bare.and_then(|bare| self.known.peripheral(bare))
            .or_else(|| self.known.peripheral(name).filter(|_| capitals || is_exact(self, name)))
    }

    /// Every peripheral of a kind: `UART`, `USART`, `GPIO`; also of the group of that name.
    pub(super) fn family(&self, name: &str) -> &[usize] {
        self.families.get(&name.to_ascii_uppercase()).map_or(&[], Vec::as_slice)
    }

    /// The peripherals that a type's name fits: `USART_TypeDef`, `NRF_UART_Type`, `uart_hw_t`.
    pub(super) fn of_type(&self, ty: &str) -> Vec<usize> {
        let upper = ty.to_ascii_uppercase();
        let bare = TYPE_STARTS.iter().find_map(|start| upper.strip_prefix(start)).unwrap_or(&upper);
        for end in TYPE_ENDS {
            let Some(name) = bare.strip_suffix(end).filter(|name| name.len() > 1) else { continue };
            if let Some(peripheral) = self.known.peripheral(name) {
                return vec![peripheral];
            }
            let family = self.family(name);
            if !family.is_empty() {
                return family.to_vec();
            }
        }
        Vec::new()
    }

    /// The registers of this name in these peripherals, headers' spellings allowed for.
    pub(super) fn registers(&self, peripherals: &[usize], name: &str) -> Vec<Named> {
        let each = |name: &str| -> Vec<Named> {
            let named = self.known.named(name).iter();
            let here =
                |named: &&Named| peripherals.contains(&self.known.register(named.at).peripheral);
            named.filter(here).cloned().collect()
        };
        let found = each(name);
        if !found.is_empty() {
            return found;
        }
        // `dr` for UARTDR, `CC[1]` for CC1, `UART_CR` for CR.
        let first = peripherals.first().map(|at| self.known.catalog.peripherals[*at].name);
        let own = first.map_or("", kind);
        let mut spellings = vec![format!("{own}{name}"), format!("{own}_{name}")];
        if let Some(rest) = strip_start(name, own) {
            spellings.push(rest.trim_start_matches('_').to_owned());
        }
        if let Some((array, index)) = name.split_once('[') {
            spellings.push(format!("{array}{}", index.trim_end_matches(']')));
        }
        spellings
            .iter()
            .map(|spelling| each(spelling))
            .find(|found| !found.is_empty())
            .or_else(|| {
                Some(self.behind_prefix(peripherals, name)).filter(|found| !found.is_empty())
            })
            .unwrap_or_else(|| self.aliased(peripherals, name))
    }

    /// `intr_mask` for IC_INTR_MASK: the one register whose name ends so, where all of the
    /// peripheral start with the same word.
    fn behind_prefix(&self, peripherals: &[usize], name: &str) -> Vec<Named> {
        let catalog = &self.known.catalog;
        let Some(&first) = peripherals.first() else { return Vec::new() };
        let mut registers = catalog.registers_of(first).iter().map(Register::name);
        let Some((prefix, _)) = registers.next().and_then(|name| name.split_once('_')) else {
            return Vec::new();
        };
        let shared = registers.filter(|own| own.starts_with(prefix)).count();
        if shared * 5 < catalog.registers_of(first).len() * 4 {
            return Vec::new();
        }
        let ending = format!("_{}", name.to_ascii_uppercase());
        let all = self.known.named(&format!("{prefix}{ending}")).iter();
        let here = |named: &&Named| peripherals.contains(&self.known.register(named.at).peripheral);
        let exact: Vec<Named> = all.filter(here).cloned().collect();
        if !exact.is_empty() {
            return exact;
        }
        let ends =
            |register: &&Register<'_>| register.name().to_ascii_uppercase().ends_with(&ending);
        let mut found = catalog.registers_of(first).iter().filter(ends);
        let (Some(only), None) = (found.next(), found.next()) else { return Vec::new() };
        self.known.named(only.name()).iter().filter(here).cloned().collect()
    }

    /// A core register by the architecture's name, where the vendor has another.
    fn aliased(&self, peripherals: &[usize], name: &str) -> Vec<Named> {
        let [peripheral] = peripherals else { return Vec::new() };
        let own = self.known.catalog.peripherals[*peripheral].name;
        self.by_path(&format!("{own}.{name}")).into_iter().collect()
    }

    /// The register that the index knows by this path, aliases included.
    pub(super) fn by_path(&self, path: &str) -> Option<Named> {
        let register = self.known.catalog.chip()?.register(path)?;
        let at = self.known.catalog.position(&register)?;
        let (path, address) = (register.path(), register.address());
        Some(Named { at, path, address, any_instance: false })
    }

    /// The register that starts at an address.
    pub(super) fn register_at(&self, address: u64) -> Option<Named> {
        let registers = self.known.catalog.chip()?.registers_at(address);
        let register = registers.iter().find(|r| r.address() == address)?;
        let at = self.known.catalog.position(register)?;
        Some(Named { at, path: register.path(), address, any_instance: false })
    }

    pub(super) fn register(&self, named: &Named) -> &Register<'a> {
        self.known.register(named.at)
    }

    pub(super) fn field(&self, place: &(Named, usize)) -> &Field<'a> {
        &self.known.register(place.0.at).fields[place.1]
    }

    /// What a header's name means; `None` if it is no such name.
    pub(super) fn header(&self, word: &str) -> Option<Rc<Header<'a>>> {
        if !word.contains('_') || !word.starts_with(|c: char| c.is_ascii_uppercase()) {
            return None;
        }
        if let Some(known) = self.headers.borrow().get(word) {
            return known.clone();
        }
        let found = self.read_header(word).map(Rc::new);
        let mut headers = self.headers.borrow_mut();
        if headers.len() >= MOST_HEADERS {
            headers.clear();
        }
        headers.insert(word.to_owned(), found.clone());
        found
    }

    fn read_header(&self, word: &str) -> Option<Header<'a>> {
        let parts: Vec<&str> = word.split('_').collect();
        if parts.len() > 12 || parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        let mut partial = None;
        for cut in 1..parts.len() {
            let head = parts[..cut].join("_");
            let peripherals = match self.known.peripheral(&head) {
                Some(peripheral) if !head.ends_with("BASE") => &[peripheral][..],
                _ => self.family(&head),
            };
            if peripherals.is_empty() {
                continue;
            }
            for end in (cut + 1..=parts.len()).rev() {
                let registers = self.registers_of_header(peripherals, &parts[cut..end]);
                if registers.is_empty() {
                    continue;
                }
                match self.rest(&registers, &parts[end..]) {
                    Some(found) => return Some(found),
                    None => {
                        let rest = parts[end..].join("_");
                        partial.get_or_insert(Header::Unknown { registers, rest });
                    }
                }
            }
        }
        partial
    }

    fn registers_of_header(&self, peripherals: &[usize], parts: &[&str]) -> Vec<Named> {
        let name = parts.join("_");
        let found = self
            .known
            .named(&name)
            .iter()
            .filter(|named| peripherals.contains(&self.known.register(named.at).peripheral));
        found.cloned().collect()
    }

    /// What stands after the register in a header's name.
    fn rest(&self, registers: &[Named], rest: &[&str]) -> Option<Header<'a>> {
        if rest.is_empty() {
            return Some(Header::Register { registers: registers.to_vec(), suffix: Suffix::None });
        }
        for end in (1..=rest.len()).rev() {
            let name = rest[..end].join("_");
            let places: Vec<(Named, usize)> = registers
                .iter()
                .filter_map(|named| Some((named.clone(), self.known.field_of(named.at, &name)?)))
                .collect();
            if places.is_empty() {
                continue;
            }
            let found = self.after_field(places, &rest[end..]);
            if found.is_some() {
                return found;
            }
        }
        if let [word] = rest
            && let Some(suffix) = suffix_of(word)
            && matches!(suffix, Suffix::Offset | Suffix::Address | Suffix::Reset)
        {
            return Some(Header::Register { registers: registers.to_vec(), suffix });
        }
        None
    }

    fn after_field(&self, places: Vec<(Named, usize)>, rest: &[&str]) -> Option<Header<'a>> {
        let tail = rest.join("_");
        if tail.is_empty() {
            return Some(Header::Field { places, suffix: Suffix::None });
        }
        let field = self.field(&places[0]);
        let value = places.iter().find_map(|place| {
            let value = self.field(place).enums().find(|v| v.name.eq_ignore_ascii_case(&tail))?;
            Some((value.name, value.value?))
        });
        if let Some((name, value)) = value {
            return Some(Header::Value { places, name, value });
        }
        if let Ok(bit) = tail.parse::<u32>() {
            let fits = field.width > 1 && bit < field.width;
            return fits.then_some(Header::Field { places, suffix: Suffix::Bit(bit) });
        }
        let suffix = suffix_of(&tail).filter(|s| !matches!(s, Suffix::Offset | Suffix::Address))?;
        Some(Header::Field { places, suffix })
    }
}

impl Names for ChipNames<'_, '_> {
    fn value_of(&self, name: &str) -> Option<u64> {
        if let Some(head) = name.strip_suffix("_BASE")
            && let Some(at) = self.known.peripheral(head)
        {
            return Some(self.known.catalog.peripherals[at].base_address);
        }
        match &*self.header(name)? {
            Header::Field { places, suffix } => {
                let field = self.field(&places[0]);
                let mask = mask(field);
                match suffix {
                    Suffix::None | Suffix::Mask => Some(mask),
                    Suffix::Position => Some(u64::from(field.lsb)),
                    Suffix::Bit(bit) => 1u64.checked_shl(field.lsb + bit),
                    _ => None,
                }
            }
            // Headers differ on whether a value is shifted to its place.
            Header::Value { places, value, .. } => {
                (self.field(&places[0]).lsb == 0).then_some(*value)
            }
            Header::Register { .. } | Header::Unknown { .. } => None,
        }
    }
}

/// The bits of a field in its register.
pub(super) fn mask(field: &Field<'_>) -> u64 {
    let ones = u64::MAX.checked_shr(64u32.saturating_sub(field.width)).unwrap_or(0);
    ones.checked_shl(field.lsb).unwrap_or(0)
}

/// A peripheral's name without its number or letter's digit: `UART` of `UART0`; `GPIO` of `GPIOA`.
pub(super) fn kind(name: &str) -> &str {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let port =
        bare.len() == 5 && bare.is_char_boundary(4) && bare[..4].eq_ignore_ascii_case("GPIO");
    if port { &bare[..4] } else { bare }
}

fn strip_start<'n>(name: &'n str, start: &str) -> Option<&'n str> {
    let fits = !start.is_empty() && name.get(..start.len())?.eq_ignore_ascii_case(start);
    fits.then(|| &name[start.len()..]).filter(|rest| !rest.is_empty())
}

fn suffix_of(word: &str) -> Option<Suffix> {
    let upper = word.to_ascii_uppercase();
    SUFFIXES.iter().find(|(known, _)| *known == upper).map(|(_, suffix)| *suffix)
}

/// Spelled just as the chip's description spells it.
fn is_exact(names: &ChipNames<'_, '_>, name: &str) -> bool {
    names.known.catalog.peripherals.iter().any(|peripheral| peripheral.name == name)
}
