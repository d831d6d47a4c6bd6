//! Everything an answer can be held against, by name.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use bundle::{Bundle, Facts};
use svd_index::elf::Firmware;
use svd_index::{Access, EnumValueRef, Index};

use crate::catalog::{Catalog, Element, Field, Register};
use crate::words;

/// A register that an answer can mean: one of the catalog, and which element if it is an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Position in the catalog.
    pub(crate) at: usize,
    pub(crate) path: String,
    pub(crate) address: u64,
    /// Named by its peripheral's kind (`USART_BRR`), so every instance is meant as well.
    pub(crate) any_instance: bool,
}

/// The chip, the firmware and the board, ready to be asked.
pub(crate) struct Known<'a> {
    pub(crate) catalog: Catalog<'a>,
    firmwares: &'a [Firmware],
    /// Peripherals by upper-case name.
    peripherals: HashMap<String, usize>,
    /// Registers by upper-case name below the peripheral, array elements by their own name.
    registers: HashMap<String, Vec<Named>>,
    /// Fields by upper-case name.
    fields: HashMap<String, Vec<(usize, usize)>>,
    /// Fields by the names of their enumerated values.
    enums: HashMap<&'a str, Vec<(usize, usize)>>,
    /// What the board showed, by path.
    held: HashMap<String, u64>,
    facts: Facts,
    /// Names that the firmware gives to functions and variables.
    symbols: HashSet<&'a str>,
    /// Lines that have code, by base name of their file; made when first asked for.
    lines: OnceLock<HashMap<String, BTreeMap<u32, String>>>,
}

/// Elements of an array that have names of their own here.
const MOST_ELEMENTS: usize = 64;

/// Code bytes looked at for lines, so that a huge firmware does not stall an answer.
const MOST_CODE: u64 = 4 << 20;

impl<'a> Known<'a> {
    pub(crate) fn new(index: &'a Index, bundle: Option<&'a Bundle>) -> Self {
        static NO_FACTS: Facts =
            Facts { registers: Vec::new(), writes: Vec::new(), findings: Vec::new(), crash: None };
        let carried = bundle.map_or(&NO_FACTS, |bundle| &bundle.facts);
        let facts = crate::evidence::facts(index, bundle);
        let catalog = Catalog::of(index, carried);
        let mut known = Self {
            firmwares: index.firmwares(),
            peripherals: HashMap::new(),
            registers: HashMap::new(),
            fields: HashMap::new(),
            enums: HashMap::new(),
            held: facts.registers.iter().map(|fact| (fact.path.clone(), fact.value)).collect(),
            facts,
            symbols: HashSet::new(),
            lines: OnceLock::new(),
            catalog,
        };
        known.take_names();
        known.take_symbols();
        known
    }

    fn take_names(&mut self) {
        for (at, peripheral) in self.catalog.peripherals.iter().enumerate() {
            self.peripherals.entry(peripheral.name.to_ascii_uppercase()).or_insert(at);
        }
        for (at, register) in self.catalog.registers.iter().enumerate() {
            for element in register.elements().take(MOST_ELEMENTS) {
                let name = below(&element.path).to_ascii_uppercase();
                let Element { path, address, .. } = element;
                let named = Named { at, path, address, any_instance: false };
                if let Some(whole) = name.strip_suffix("[0]") {
                    self.registers.entry(whole.to_owned()).or_default().push(named.clone());
                }
                self.registers.entry(name).or_default().push(named);
            }
            for (place, field) in register.fields.iter().enumerate() {
                self.fields.entry(field.name.to_ascii_uppercase()).or_default().push((at, place));
                for value in field.enums() {
                    self.enums.entry(value.name).or_default().push((at, place));
                }
            }
        }
    }

    fn take_symbols(&mut self) {
        for firmware in self.firmwares {
            self.symbols.extend(firmware.symbols().map(|symbol| symbol.name));
            for function in firmware.functions() {
                self.symbols.insert(function.name);
                self.symbols.extend(function.name.rsplit("::").next());
            }
        }
    }

    /// Whether a chip's description is there: without one, a name that is not known may exist.
    pub(crate) fn has_chip(&self) -> bool {
        self.catalog.chip().is_some()
    }

    pub(crate) fn register(&self, at: usize) -> &Register<'a> {
        &self.catalog.registers[at]
    }

    pub(crate) fn field(&self, (register, field): (usize, usize)) -> &Field<'a> {
        &self.catalog.registers[register].fields[field]
    }

    /// The peripheral of this name, vendor header's prefixes and suffixes passed over.
    pub(crate) fn peripheral(&self, name: &str) -> Option<usize> {
        let upper = name.to_ascii_uppercase();
        let bare = upper.strip_prefix("NRF_").unwrap_or(&upper);
        let bare = bare.strip_suffix("_BASE").unwrap_or(bare);
        let bare = ["_S", "_NS"].iter().find_map(|end| bare.strip_suffix(end)).unwrap_or(bare);
        [upper.as_str(), bare].into_iter().find_map(|name| self.peripherals.get(name)).copied()
    }

    /// A peripheral whose name without its number is this: `UART` for `UART0`.
    pub(crate) fn family(&self, name: &str) -> Option<usize> {
        let wanted = kind(name);
        let peripherals = self.catalog.peripherals.iter();
        peripherals.clone().position(|p| kind(p.name).eq_ignore_ascii_case(wanted)).or_else(|| {
            peripherals
                .clone()
                .position(|p| p.group.is_some_and(|group| kind(group).eq_ignore_ascii_case(wanted)))
        })
    }

    /// Registers of this name below their peripheral, in any peripheral.
    pub(crate) fn named(&self, name: &str) -> &[Named] {
        self.registers.get(&name.to_ascii_uppercase()).map_or(&[], Vec::as_slice)
    }

    /// The register of this name in one peripheral.
    pub(crate) fn in_peripheral(&self, peripheral: usize, name: &str) -> Option<&Named> {
        let here = |named: &&Named| self.register(named.at).peripheral == peripheral;
        self.named(name).iter().find(here)
    }

    /// Whether a register that was named by its kind stands at `address` in another instance.
    pub(crate) fn is_instance(&self, named: &Named, address: u64) -> bool {
        let own = self.register(named.at);
        named.any_instance
            && self.catalog.register_at(address).is_some_and(|at| {
                let other = self.register(at);
                let kinds = [own, other].map(|r| kind(self.catalog.peripherals[r.peripheral].name));
                other.name() == own.name() && other.address == address && kinds[0] == kinds[1]
            })
    }

    /// Whether there is a register at `address`.
    pub(crate) fn is_at_register(&self, address: u64) -> bool {
        self.catalog.chip().is_some_and(|chip| !chip.registers_at(address).is_empty())
    }

    /// Whether a peripheral has an array of this name, or registers whose names start so: headers
    /// make an array of `AFRL` and `AFRH`.
    pub(crate) fn starts_in(&self, peripheral: usize, name: &str) -> bool {
        let start = name.to_ascii_uppercase();
        let registers = self.catalog.registers_of(peripheral).iter();
        registers.map(Register::name).any(|known| known.to_ascii_uppercase().starts_with(&start))
    }

    /// The register name in a peripheral that is spelled most like `name`.
    pub(crate) fn nearest_register(&self, peripheral: usize, name: &str) -> Option<String> {
        let registers = self.catalog.registers_of(peripheral);
        let names = || registers.iter().map(|register| register.name());
        // BAUD for BAUDRATE is no slip of four letters, but it is clear.
        let upper = name.to_ascii_uppercase();
        let starts: Vec<&str> = names()
            .filter(|known| {
                let known = known.to_ascii_uppercase();
                upper.len() >= 3 && (known.starts_with(&upper) || upper.starts_with(&known))
            })
            .collect();
        let nearest = words::nearest(name, names()).or(match starts.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        let peripheral = self.catalog.peripherals[peripheral].name;
        nearest.map(|register| format!("{peripheral}.{register}"))
    }

    /// How a register may be used, where the description says so and its fields do not differ.
    pub(crate) fn access(&self, named: &Named) -> Option<Access> {
        let chip = self.catalog.chip()?;
        let register =
            chip.registers_at(named.address).into_iter().find(|r| r.path() == named.path)?;
        let access = register.access()?;
        let plain = matches!(access, Access::ReadOnly | Access::WriteOnly | Access::ReadWrite);
        let same = register.fields().all(|field| field.access().is_none_or(|own| own == access));
        (plain && same).then_some(access)
    }

    /// The field of this name in a register, in any case.
    pub(crate) fn field_of(&self, register: usize, name: &str) -> Option<usize> {
        let fields = &self.register(register).fields;
        fields
            .iter()
            .position(|field| field.name == name)
            .or_else(|| fields.iter().position(|field| field.name.eq_ignore_ascii_case(name)))
    }

    /// Fields of this name anywhere.
    pub(crate) fn fields_named(&self, name: &str) -> &[(usize, usize)] {
        self.fields.get(&name.to_ascii_uppercase()).map_or(&[], Vec::as_slice)
    }

    /// Fields with an enumerated value of this name, spelled just so.
    pub(crate) fn enums_named(&self, name: &str) -> &[(usize, usize)] {
        self.enums.get(name).map_or(&[], Vec::as_slice)
    }

    /// The enumerated value of this name in a field.
    pub(crate) fn enum_of(&self, place: (usize, usize), name: &str) -> Option<EnumValueRef<'a>> {
        self.field(place).enums().find(|value| value.name == name)
    }

    /// What the board showed in a register.
    pub(crate) fn held(&self, path: &str) -> Option<u64> {
        self.held.get(path).copied()
    }

    /// Findings that a register with this value would give.
    pub(crate) fn objections(&self, named: &Named, value: u64) -> Vec<bundle::Finding> {
        let Some(chip) = self.catalog.chip() else { return Vec::new() };
        let whole = |register: &svd_index::RegisterRef<'_>| register.path() == named.path;
        match chip.registers_at(named.address).into_iter().find(whole) {
            Some(register) => crate::triage::of_value(chip, register, value),
            None => Vec::new(),
        }
    }

    /// The name of a value: of one field, or of a register's only field that has names.
    pub(crate) fn named_value(
        &self,
        named: &Named,
        field: Option<usize>,
        value: u64,
    ) -> Option<&'a str> {
        let register = self.register(named.at);
        let with_names = |field: &&Field<'a>| field.enums().next().is_some();
        let (field, raw) = match field {
            Some(field) => (&register.fields[field], value),
            None => {
                let mut fields = register.fields.iter().filter(with_names);
                let (field, None) = (fields.next()?, fields.next()) else { return None };
                (field, field.extract(value))
            }
        };
        field.enums().find(|known| known.matches(raw)).map(|known| known.name)
    }

    /// What stands at an address: a register, a place in a peripheral, a function or variable.
    pub(crate) fn meaning_of_address(&self, address: u64) -> Option<String> {
        if let Some(at) = self.catalog.register_at(address) {
            let element = self.register(at).elements().take(MOST_ELEMENTS);
            let path = element.take_while(|e| e.address <= address).last();
            return Some(path.map_or_else(|| self.register(at).path.clone(), |e| e.path));
        }
        if let Some(peripheral) = self.catalog.peripheral_of_address(address) {
            return Some(format!("in {}", self.catalog.peripherals[peripheral].name));
        }
        let symbol = self.firmwares.iter().find_map(|firmware| firmware.symbol_at(address & !1));
        if let Some((symbol, offset)) = symbol {
            let offset = if offset == 0 { String::new() } else { format!("+{offset:#x}") };
            return Some(format!("{}{offset}", symbol.name));
        }
        let section = self.firmwares.iter().flat_map(|f| f.sections()).find(|section| {
            section.allocated
                && section.address <= address
                && address - section.address < section.size
        })?;
        Some(format!("in section {}", section.name))
    }

    /// A value that is known from somewhere: the subject's names, the board, the firmware.
    pub(crate) fn meaning_of_value(&self, subject: Option<&Named>, value: u64) -> Option<String> {
        if let Some(named) = subject
            && let Some(name) = self.named_value(named, None, value)
        {
            return Some(format!("{name} of {}", named.path));
        }
        let subject = subject.map(|named| named.path.as_str());
        if let Some((path, _)) = self
            .held
            .iter()
            .filter(|(path, held)| **held == value && Some(path.as_str()) == subject)
            .min()
        {
            return Some(format!("the board held it in {path}"));
        }
        let write =
            self.facts.writes.iter().find(|write| {
                write.value == Some(value) && Some(write.register.as_str()) == subject
            })?;
        Some(format!("the firmware writes it to {}", write.register))
    }

    /// Facts of bundle and firmware.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// All images: what is true in one of them is true.
    pub(crate) fn firmwares(&self) -> &'a [Firmware] {
        self.firmwares
    }

    /// Whether the firmware has a function or variable of this name.
    pub(crate) fn has_symbol(&self, name: &str) -> bool {
        self.symbols.contains(name)
    }

    /// The firmware's name that is spelled most like `name`.
    pub(crate) fn nearest_symbol(&self, name: &str) -> Option<&'a str> {
        words::nearest(name, self.symbols.iter().copied())
    }

    /// Lines with code and their functions, by base name of the file.
    pub(crate) fn lines(&self) -> &HashMap<String, BTreeMap<u32, String>> {
        self.lines.get_or_init(|| lines_with_code(self.firmwares))
    }
}

fn lines_with_code(firmwares: &[Firmware]) -> HashMap<String, BTreeMap<u32, String>> {
    let mut lines: HashMap<String, BTreeMap<u32, String>> = HashMap::new();
    let mut room = MOST_CODE;
    let functions = firmwares.iter().flat_map(|f| f.functions().map(move |function| (f, function)));
    for (firmware, function) in functions {
        let size = function.size.min(room);
        room -= size;
        let mut add = |file: &str, line: u32| {
            let of_file = lines.entry(base_name(file).to_owned()).or_default();
            of_file.entry(line).or_insert_with(|| function.name.to_owned());
        };
        if let (Some(file), Some(line)) = (function.file, function.line) {
            add(file, line);
        }
        // Instructions of the processors at hand start at even addresses.
        for address in (function.address..function.address + size).step_by(2) {
            if let Some(at) = firmware.line_at(address) {
                add(at.file, at.line);
            }
        }
    }
    lines
}

/// The last part of a path.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// A peripheral's name without its number.
pub(crate) fn kind(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// The name below the peripheral.
fn below(path: &str) -> &str {
    path.split_once('.').map_or("", |(_, name)| name)
}
