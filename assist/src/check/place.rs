//! Which register an expression stands for: `USART2->CR1`, `TIM2->CCR[1]`, `RCC_CR`,
//! `*(volatile uint32_t *)0x40023800`, `USART_CR1(USART2)`.

use super::ast::{Expr, Node};
use super::eval::Evaluator;
use super::names::{Header, Suffix};
use super::reader::Reader;
use crate::verify::known::Named;
use crate::verify::vocabulary::CORE_PERIPHERALS;

/// What an expression stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing of the chip.
    None,
    Peripheral(Instance),
    /// A register; of several instances where only the kind is known.
    Register(Target),
    /// A name below a peripheral that is no register by itself: a cluster, an array.
    Part {
        instance: Instance,
        name: String,
    },
    /// A peripheral's member that the chip does not have.
    Missing {
        instance: Instance,
        name: String,
    },
}

/// One peripheral, or several of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Instance {
    pub(super) peripherals: Vec<usize>,
    /// Position of the structure that the code lays over it.
    pub(super) layout: Option<usize>,
    /// Where that starts.
    pub(super) base: Option<u64>,
    /// Bytes from there: inside a member that is a structure.
    inside: u64,
}

/// A register that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Never empty; the first speaks for all.
    pub(super) registers: Vec<Named>,
    pub(super) field: Option<usize>,
    pub(super) instance: Instance,
    /// Which element of an array is not known.
    pub(super) any_element: bool,
}

/// Macros of common code that take an address and are the register there.
const BY_ADDRESS: &[&str] = &[
    "MMIO32",
    "MMIO16",
    "MMIO8",
    "REG32",
    "REG16",
    "REG8",
    "REG",
    "HWREG",
    "HWREGH",
    "HWREGB",
    "_REG32",
    "_MMIO_DWORD",
    "_SFR_MEM32",
    "M32",
    "mmio32",
    "VREG32",
    "HW_REG",
    "PERIPH_REG",
    "SYSREG",
    "getreg32",
    "sys_read32",
    "readl",
    "raw_readl",
    "__raw_readl",
    "mmio_read_32",
    "REG_READ",
    "READ_PERI_REG",
];

/// Members that are the register itself, seen another way.
const SELF: &[&str] =
    &["reg", "REG", "bit", "bits", "B", "R", "U", "w", "W", "val", "all", "word", "raw"];

/// Deepest chain of macros and variables that stand for one another.
const DEEPEST: usize = 12;

impl<'t> Reader<'_, 't, '_> {
    /// What `node` stands for. Says nothing.
    pub(super) fn place(&self, node: &Node<'t>, depth: usize) -> Place {
        if depth > DEEPEST {
            return Place::None;
        }
        match &node.expr {
            Expr::Name(name) => self.place_of_name(name, depth),
            Expr::Member { of, name } => match self.place(of, depth) {
                Place::None if self.rust => self.rust_peripheral(name),
                Place::None => self.of_core(of, name),
                within => self.member(within, name),
            },
            Expr::Index { of, at } => {
                let index = self.evaluator().value(at);
                self.element(self.place(of, depth), index)
            }
            Expr::Unary { op: "*", of } => match self.place(of, depth) {
                // `(*USART2).CR1`, but `*USART2` alone is no register.
                Place::Peripheral(instance)
                    if instance.layout.is_some()
                        || self.rust
                        || depth > 0
                        || instance.base.is_none() =>
                {
                    Place::Peripheral(instance)
                }
                Place::Peripheral(instance) => self.at_address(instance.base),
                Place::None => self.at_address(self.pointer(of)),
                place => place,
            },
            Expr::Unary { op: "&", of } => self.place(of, depth),
            Expr::Cast { ty, pointer: true, of } => self.laid_over(ty, self.evaluator().value(of)),
            Expr::Call { of, args } => self.place_of_call(of, args, depth),
            Expr::Block(parts) if self.rust && parts.len() == 1 => self.place(&parts[0], depth),
            _ => Place::None,
        }
    }

    pub(super) fn evaluator(&self) -> Evaluator<'_, 't> {
        Evaluator::new(&self.definitions.constants, self.names)
    }

    fn place_of_name(&self, name: &'t str, depth: usize) -> Place {
        if let Some(constant) = self.definitions.constants.get(name) {
            return match &constant.body {
                Some(body) if constant.params.is_none() => {
                    let place = self.place(body, depth + 1);
                    self.or_by_name(place, name)
                }
                _ => Place::None,
            };
        }
        if let Some(variable) = self.definitions.variables.get(name) {
            let layout = self.definitions.struct_names.get(variable.ty).copied();
            if variable.declared == 1
                && variable.assigned == 1
                && let Some(value) = &variable.value
                && let Place::Peripheral(instance) = self.place(value, depth + 1)
            {
                let layout = layout.or(instance.layout);
                return Place::Peripheral(Instance { layout, ..instance });
            }
            let peripherals =
                if variable.ty.is_empty() { Vec::new() } else { self.names.of_type(variable.ty) };
            return match peripherals.is_empty() {
                true => Place::None,
                false => Place::Peripheral(Instance { peripherals, layout, ..Instance::default() }),
            };
        }
        if let Some(peripheral) = self.names.peripheral(name) {
            return self.instance(peripheral);
        }
        if self.rust {
            return self.rust_peripheral(name);
        }
        match self.names.header(name).as_deref() {
            Some(Header::Register { registers, suffix: Suffix::None }) => {
                register(registers.clone(), Instance::default())
            }
            _ => Place::None,
        }
    }

    /// A macro for a peripheral whose type no file tells: `#define USART2 ((X *) USART2_BASE)`.
    fn or_by_name(&self, place: Place, name: &str) -> Place {
        match (place, self.names.peripheral(name)) {
            (Place::None, Some(peripheral)) => self.instance(peripheral),
            (Place::Peripheral(known), Some(peripheral)) if known.peripherals.is_empty() => {
                let Place::Peripheral(own) = self.instance(peripheral) else { return Place::None };
                Place::Peripheral(Instance { layout: known.layout, ..own })
            }
            (place, _) => place,
        }
    }

    pub(super) fn instance(&self, peripheral: usize) -> Place {
        let base = self.names.known.catalog.peripherals[peripheral].base_address;
        let peripherals = vec![peripheral];
        Place::Peripheral(Instance { peripherals, base: Some(base), layout: None, inside: 0 })
    }

    /// A pointer to a type, at an address.
    fn laid_over(&self, ty: &str, address: Option<u64>) -> Place {
        let layout = self.definitions.struct_names.get(ty).copied();
        let Some(address) = address else {
            let peripherals = self.names.of_type(ty);
            return match peripherals.is_empty() && layout.is_none() {
                true => Place::None,
                false => Place::Peripheral(Instance { peripherals, layout, ..Instance::default() }),
            };
        };
        let at_base = |p: &crate::catalog::Peripheral<'_>| p.base_address == address;
        let known = self.names.known.catalog.peripherals.iter().position(at_base);
        let by_address = || self.names.known.catalog.peripheral_of_address(address);
        let peripheral = known.or_else(|| layout.and_then(|_| by_address()));
        let scalar = layout.is_none() && self.names.of_type(ty).is_empty() && is_number(ty);
        if scalar {
            return Place::None;
        }
        let peripherals: Vec<usize> = peripheral.into_iter().collect();
        Place::Peripheral(Instance { peripherals, layout, base: Some(address), inside: 0 })
    }

    /// The address that an expression points to, if it is a constant one.
    pub(super) fn pointer(&self, node: &Node<'t>) -> Option<u64> {
        match &node.expr {
            Expr::Cast { pointer: true, of, .. } => self.evaluator().value(of),
            Expr::Name(name) => {
                let constant = self.definitions.constants.get(name)?;
                match &constant.body.as_ref()?.expr {
                    Expr::Cast { pointer: true, of, .. } => self.evaluator().value(of),
                    _ => None,
                }
            }
            Expr::Binary { .. } => None,
            _ => None,
        }
    }

    /// The address of what `*(volatile uint32_t *)0x…` or `MMIO32(0x…)` stands for.
    pub(super) fn address_of(&self, node: &Node<'t>) -> Option<u64> {
        match &node.expr {
            Expr::Unary { op: "*", of } => self.pointer(of),
            Expr::Call { of, args } if BY_ADDRESS.contains(&of.name()?) => {
                self.evaluator().value(args.first()?)
            }
            _ => None,
        }
    }

    pub(super) fn at_address(&self, address: Option<u64>) -> Place {
        let named = address.and_then(|address| self.names.register_at(address));
        named.map_or(Place::None, |named| register(vec![named], Instance::default()))
    }

    /// `SysTick->CTRL`, where the vendor calls it `STK`.
    fn of_core(&self, of: &Node<'t>, name: &str) -> Place {
        let Some(head) = of.name() else { return Place::None };
        let core = CORE_PERIPHERALS.contains(&head.to_ascii_uppercase().as_str());
        let own = self.definitions.variables.contains_key(head);
        let named = (core && !own).then(|| self.names.by_path(&format!("{head}.{name}"))).flatten();
        named.map_or(Place::None, |named| register(vec![named], Instance::default()))
    }

    /// `within.name`.
    fn member(&self, within: Place, name: &str) -> Place {
        match within {
            Place::Peripheral(instance) => self.member_of(instance, "", name),
            Place::Part { instance, name: part } => self.member_of(instance, &part, name),
            Place::Register(target) if target.field.is_none() => {
                if SELF.contains(&name) {
                    return Place::Register(target);
                }
                let field = self.names.known.field_of(target.registers[0].at, name);
                match field {
                    Some(field) => Place::Register(Target { field: Some(field), ..target }),
                    None => Place::None,
                }
            }
            Place::Register(_) | Place::Missing { .. } | Place::None => Place::None,
        }
    }

    fn member_of(&self, instance: Instance, part: &str, name: &str) -> Place {
        let joined = if part.is_empty() { name.to_owned() } else { format!("{part}.{name}") };
        let mut laid = None;
        if let Some(layout) = instance.layout {
            let members = &self.definitions.structs[layout].members;
            let Some(member) = members.iter().find(|member| member.name == name) else {
                // A structure that the file lays over a peripheral must have what is used.
                return match instance.peripherals.is_empty() || members.is_empty() {
                    true => Place::None,
                    false => Place::Missing { instance, name: joined },
                };
            };
            laid = member.offset.map(|offset| offset + instance.inside);
            if let (Some(inside), Some(inner)) = (laid, member.of) {
                let layout = Some(inner);
                let instance = Instance { layout, inside, ..instance };
                return Place::Part { instance, name: joined };
            }
        }
        let by_name = self.names.registers(&instance.peripherals, &joined);
        if !by_name.is_empty() {
            return register(by_name, instance);
        }
        if let (Some(offset), Some(base)) = (laid, instance.base) {
            return match self.names.register_at(base + offset) {
                Some(named) => register(vec![named], instance),
                None => Place::None,
            };
        }
        if instance.layout.is_some() || instance.peripherals.is_empty() {
            return Place::None;
        }
        if self.starts_part(&instance, &joined) {
            return Place::Part { instance, name: joined };
        }
        Place::Missing { instance, name: joined }
    }

    /// Whether registers of the peripheral have names that go on after this one.
    fn starts_part(&self, instance: &Instance, name: &str) -> bool {
        let starts = [format!("{name}."), format!("{name}[")];
        instance.peripherals.iter().any(|&peripheral| {
            self.names.known.catalog.registers_of(peripheral).iter().any(|register| {
                let own = register.name();
                starts.iter().any(|start| {
                    own.get(..start.len()).is_some_and(|s| s.eq_ignore_ascii_case(start))
                })
            })
        })
    }

    /// `within[index]`.
    pub(super) fn element(&self, within: Place, index: Option<u64>) -> Place {
        let (instance, name) = match within {
            Place::Register(target) if target.instance.peripherals.is_empty() => {
                return Place::Register(Target { any_element: true, ..target });
            }
            Place::Register(target) => {
                let first = &target.registers[0].path;
                let name = first.split_once('.').map_or("", |(_, name)| name);
                let name = name.strip_suffix("[0]").unwrap_or(name).to_owned();
                let Some(_) = index else {
                    return Place::Register(Target { any_element: true, ..target });
                };
                (target.instance, name)
            }
            Place::Part { instance, name } | Place::Missing { instance, name } => (instance, name),
            place => return place,
        };
        let number = index.unwrap_or(0);
        let joined = format!("{name}[{number}]");
        let found = self.names.registers(&instance.peripherals, &joined);
        if !found.is_empty() {
            let any_element = index.is_none();
            return Place::Register(Target {
                registers: found,
                field: None,
                instance,
                any_element,
            });
        }
        // Where another element of a structure's array lies is told by its name alone.
        let base = instance.base.filter(|_| instance.layout.is_none() || index == Some(0));
        let instance = Instance { base, ..instance };
        if instance.layout.is_some() || self.starts_part(&instance, &joined) {
            return Place::Part { instance, name: joined };
        }
        match instance.layout {
            Some(_) => Place::None,
            None => Place::Missing { instance, name: joined },
        }
    }

    fn place_of_call(&self, of: &Node<'t>, args: &[Node<'t>], depth: usize) -> Place {
        let Some(name) = of.name() else {
            // `usart2.cr1()`, `USART2::ptr()`: the call is its own subject.
            return if self.rust { self.rust_call(of, args, depth) } else { Place::None };
        };
        if BY_ADDRESS.contains(&name) && args.len() == 1 {
            return self.at_address(self.evaluator().value(&args[0]));
        }
        if let Some(constant) = self.definitions.constants.get(name) {
            return self.place_of_macro(constant, args);
        }
        let Some(header) = self.names.header(name) else { return Place::None };
        let (Header::Register { registers, .. }, [of]) = (&*header, args) else {
            return Place::None;
        };
        let Place::Peripheral(instance) = self.place(of, depth + 1) else { return Place::None };
        let here: Vec<Named> = registers
            .iter()
            .filter(|named| instance.peripherals.contains(&self.names.register(named).peripheral))
            .cloned()
            .collect();
        if here.is_empty() { Place::None } else { register(here, instance) }
    }

    /// `#define USART_CR1(base) MMIO32((base) + 0x0C)`, called.
    fn place_of_macro(&self, constant: &super::eval::Constant<'t>, args: &[Node<'t>]) -> Place {
        let (Some(params), Some(body)) = (&constant.params, &constant.body) else {
            return Place::None;
        };
        let address = match &body.expr {
            Expr::Call { of, args } if args.len() == 1 => {
                of.name().filter(|name| BY_ADDRESS.contains(name)).map(|_| &args[0])
            }
            Expr::Unary { op: "*", of } => match &of.expr {
                Expr::Cast { pointer: true, of, .. } => Some(&**of),
                _ => None,
            },
            _ => None,
        };
        let Some(address) = address.filter(|_| params.len() == args.len()) else {
            return Place::None;
        };
        let values = args.iter().map(|arg| match self.place(arg, 1) {
            Place::Peripheral(instance) => instance.base,
            _ => self.evaluator().value(arg),
        });
        let bound = params.iter().copied().zip(values).collect();
        self.at_address(self.evaluator().value_with(address, bound))
    }
}

/// A register in these places.
fn register(registers: Vec<Named>, instance: Instance) -> Place {
    Place::Register(Target { registers, field: None, instance, any_element: false })
}

/// A type that is a number, not a structure.
fn is_number(ty: &str) -> bool {
    ty.ends_with("_t")
        || matches!(
            ty,
            "u8" | "u16"
                | "u32"
                | "u64"
                | "int"
                | "unsigned"
                | "long"
                | "char"
                | "short"
                | "void"
                | "usize"
        )
        || (!ty.is_empty() && !ty.contains(|c: char| c.is_ascii_lowercase()))
}
