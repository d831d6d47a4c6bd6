//! One file of C, C++ or Rust, read for what it says of the chip.

use std::cell::OnceCell;
use std::ops::Range;

use super::ast::{Expr, Node};
use super::define::Definitions;
use super::eval::Names;
use super::names::{ChipNames, Header, Suffix};
use super::place::{Instance, Place, Target};
use super::token::Tokens;
use super::value::Write;
use crate::verify::judge::Judged;
use crate::verify::known::Named;
use crate::verify::names::{CORE_WHY, is_name};
use crate::verify::vocabulary::{CORE_PERIPHERALS, OF_THE_CORE};
use crate::verify::{Claim, ClaimKind};
use crate::words;

/// What is known while a file is read.
pub(super) struct Reader<'r, 't, 'a> {
    pub(super) names: &'r ChipNames<'r, 'a>,
    pub(super) definitions: &'r Definitions<'t>,
    pub(super) tokens: &'r Tokens<'t>,
    pub(super) text: &'t str,
    pub(super) rust: bool,
    /// Whether nearly all names of headers in the file are the description's; see
    /// [`Reader::is_described`].
    pub(super) described: OnceCell<bool>,
    pub(super) claims: Vec<Claim>,
}

impl Names for Reader<'_, '_, '_> {
    fn value_of(&self, name: &str) -> Option<u64> {
        match self.definitions.variables.contains_key(name) {
            true => None,
            false => self.names.value_of(name),
        }
    }
}

/// Functions and macros of common code that write a register: its name, which argument is the
/// register, which the value, and what is done with it.
const WRITERS: &[(&str, usize, usize, &str)] = &[
    ("SET_BIT", 0, 1, "|"),
    ("CLEAR_BIT", 0, 1, "&~"),
    ("WRITE_REG", 0, 1, ""),
    ("READ_BIT", 0, 1, "?"),
    ("MODIFY_REG", 0, 1, "&~"),
    ("ATOMIC_SET_BIT", 0, 1, "|"),
    ("ATOMIC_CLEAR_BIT", 0, 1, "&~"),
    ("hw_set_bits", 0, 1, "|"),
    ("hw_clear_bits", 0, 1, "&~"),
    ("hw_xor_bits", 0, 1, "^"),
    ("REG_WRITE", 0, 1, ""),
    ("REG_SET_BIT", 0, 1, "|"),
    ("REG_CLR_BIT", 0, 1, "&~"),
    ("modifyreg32", 0, 2, "|"),
    ("putreg32", 1, 0, ""),
    ("sys_write32", 1, 0, ""),
    ("writel", 1, 0, ""),
    ("mmio_write_32", 0, 1, ""),
];

impl<'t> Reader<'_, 't, '_> {
    /// Adds a claim about these bytes of the file.
    pub(super) fn claim(&mut self, kind: ClaimKind, span: Range<usize>, judged: Judged) {
        let text = self.text[span.clone()].to_owned();
        let Judged { verdict, why, expected } = judged;
        self.claims.push(Claim { text, kind, verdict, why, expected, span });
    }

    /// Reads an expression for its claims.
    pub(super) fn visit(&mut self, node: &Node<'t>) {
        match &node.expr {
            Expr::Assign { op, to, value } => {
                self.visit(to);
                if let Place::Register(target) = self.place(to, 0) {
                    let span = to.start..value.end;
                    self.write(&Write { target: &target, op, value, span });
                }
                self.visit(value);
            }
            Expr::Call { of, args } => self.visit_call(node, of, args),
            Expr::Binary { op: "&", left, right } => {
                self.test(left, right);
                self.test(right, left);
                node.each_child(|child| self.visit(child));
            }
            Expr::Member { .. } | Expr::Index { .. } => {
                self.say_place(node);
                self.visit_inside(node);
            }
            Expr::Unary { op: "*", of } => {
                self.say_address(node);
                self.visit(of);
            }
            Expr::Name(name) => self.say_name(name, node),
            _ => node.each_child(|child| self.visit(child)),
        }
    }

    /// The parts of a chain that are expressions by themselves: indices and arguments.
    pub(super) fn visit_inside(&mut self, node: &Node<'t>) {
        match &node.expr {
            Expr::Member { of, .. } => match &of.expr {
                Expr::Name(_) => {}
                Expr::Member { .. } | Expr::Index { .. } => self.visit_inside(of),
                _ => self.visit(of),
            },
            Expr::Index { of, at } => {
                self.visit_inside(of);
                self.visit(at);
            }
            Expr::Name(_) => {}
            _ => self.visit(node),
        }
    }

    fn visit_call(&mut self, node: &Node<'t>, of: &Node<'t>, args: &[Node<'t>]) {
        if self.rust {
            return self.visit_rust_call(node, of, args);
        }
        if let Some(name) = of.name() {
            let writer = WRITERS.iter().find(|(known, ..)| *known == name);
            if let Some((_, register, value, op)) = writer
                && let (Some(register), Some(value)) = (args.get(*register), args.get(*value))
            {
                let place = match self.place(register, 0) {
                    Place::Register(target) => Place::Register(target),
                    _ => self.at_address(self.evaluator().value(register)),
                };
                if let Place::Register(target) = place {
                    let span = node.start..node.end;
                    self.write(&Write { target: &target, op, value, span });
                }
            } else if let Place::Register(target) = self.place(node, 0) {
                self.say_register(node.start..node.end, &target);
            }
        } else {
            self.visit(of);
        }
        args.iter().for_each(|arg| self.visit(arg));
    }

    /// `USART2->SR & (1 << 5)`: the bits are of that register.
    fn test(&mut self, register: &Node<'t>, value: &Node<'t>) {
        if let Place::Register(target) = self.place(register, 0) {
            let span = register.start.min(value.start)..register.end.max(value.end);
            let inverted = matches!(value.expr, Expr::Unary { op: "~", .. });
            let op = if inverted { "&" } else { "?" };
            self.write(&Write { target: &target, op, value, span });
        }
    }

    /// A chain such as `USART2->CR1`.
    fn say_place(&mut self, node: &Node<'t>) {
        match self.place(node, 0) {
            Place::Register(target) => match (&node.expr, target.field) {
                (Expr::Member { of, name }, Some(field)) => {
                    self.say_place(of);
                    let why =
                        self.names.known.register(target.registers[0].at).fields[field].bits();
                    let path = &target.registers[0].path;
                    let judged = Judged::ok(format!("{path}.{name}{why}"));
                    self.claim(ClaimKind::Field, node.tail(name), judged);
                }
                _ => self.say_register(node.start..node.end, &target),
            },
            // A path in Rust names many things that are no registers.
            Place::Missing { .. } if self.rust => {}
            Place::Missing { instance, name } => {
                let judged = self.missing(&instance, &name, node.start);
                self.claim(ClaimKind::Register, node.start..node.end, judged);
            }
            Place::None => self.say_unknown(node),
            Place::Peripheral(_) | Place::Part { .. } => {}
        }
    }

    pub(super) fn say_register(&mut self, span: Range<usize>, target: &Target) {
        let named = &target.registers[0];
        let why = match target.registers.len() {
            1 => format!("{} at {:#010x}", named.path, named.address),
            _ => format!("{} and its like in other instances", named.path),
        };
        self.claim(ClaimKind::Register, span, Judged::ok(why));
    }

    /// `USART9->CR1` on a chip without one; a field that a register does not have.
    fn say_unknown(&mut self, node: &Node<'t>) {
        let Expr::Member { of, name } = &node.expr else { return };
        let Some(head) = of.name() else { return };
        let defined = self.definitions.constants.contains_key(head)
            || self.definitions.variables.contains_key(head);
        if defined || !is_name(head) || !is_name(name) {
            return;
        }
        let numbered = head.ends_with(|c: char| c.is_ascii_digit());
        let family = self.names.family(head.trim_end_matches(|c: char| c.is_ascii_digit()));
        let with = self.names.registers(family, name);
        if numbered && family.len() > 1 && !with.is_empty() {
            let nearest = self.names.known.catalog.nearest_peripheral(head);
            let expected = nearest.map(|nearest| format!("{nearest}.{name}"));
            let why = format!("the chip has no peripheral {head}");
            let judged = match self.tokens.is_conditional(node.start) {
                true => Judged::unknown(why),
                false => Judged::wrong(why, expected),
            };
            self.claim(ClaimKind::Register, node.start..node.end, judged);
        } else if let Some(near) = self.slip_of_peripheral(head, name) {
            let why = format!("the chip has no peripheral {head}");
            let expected = Some(format!("{near}.{name}"));
            self.claim(ClaimKind::Register, node.start..node.end, Judged::wrong(why, expected));
        }
    }

    /// The peripheral that `head` is a slip of: one with a register of this name.
    fn slip_of_peripheral(&self, head: &str, register: &str) -> Option<&str> {
        let catalog = &self.names.known.catalog;
        let with = |(at, _): &(usize, &crate::catalog::Peripheral<'_>)| {
            !self.names.registers(&[*at], register).is_empty()
        };
        let bare = head.strip_prefix("NRF_").unwrap_or(head);
        let close = catalog.peripherals.iter().enumerate().filter(|(_, peripheral)| {
            strsim::damerau_levenshtein(bare, peripheral.name) == 1 && bare.len() > 3
        });
        let found = close.clone().find(with).map(|(_, peripheral)| peripheral.name);
        found.filter(|_| bare.len() > 3)
    }

    /// What is right where a peripheral has no such register.
    pub(super) fn missing(&self, instance: &Instance, name: &str, at: usize) -> Judged {
        let known = self.names.known;
        let peripheral = instance.peripherals[0];
        let own = known.catalog.peripherals[peripheral].name;
        let bare = name.split('[').next().unwrap_or(name);
        if CORE_PERIPHERALS.contains(&own.to_ascii_uppercase().as_str())
            || OF_THE_CORE.contains(&bare)
        {
            return Judged::unknown(CORE_WHY);
        }
        let elements = bare != name;
        if elements && let Some(count) = self.elements_of(peripheral, bare) {
            let why = format!("{own}.{bare} has {count} elements, from 0");
            return Judged::wrong(why, Some(format!("{own}.{bare}[{}]", count - 1)));
        }
        if elements && known.starts_in(peripheral, bare) {
            return Judged::unknown(format!(
                "{own} has registers whose names start so, but no {name}"
            ));
        }
        if let Some(other) = self.by_header_habit(peripheral, bare) {
            return Judged::unknown(format!("{own} has {other}, which headers may call {bare}"));
        }
        let why = format!("{own} has no register {name}");
        let expected = self.nearest_register(peripheral, bare);
        // A driver for many chips asks for those registers where it knows that they are there;
        // headers in small letters have structures of their own making.
        let own_way = !is_name(bare) && expected.is_none() && !self.rust;
        let names = known.catalog.registers_of(peripheral).iter().map(|register| register.name());
        let slip = words::slip(bare, names).is_some();
        if (self.tokens.is_conditional(at) && !slip) || own_way {
            return Judged::unknown(why);
        }
        Judged::wrong(why, expected)
    }

    /// The register that `name` is a slip of, in this peripheral; its canonical path.
    pub(super) fn nearest_register(&self, peripheral: usize, name: &str) -> Option<String> {
        self.names.known.nearest_register(peripheral, name)
    }

    fn elements_of(&self, peripheral: usize, name: &str) -> Option<u64> {
        let found = self.names.registers(&[peripheral], &format!("{name}[0]"));
        let count = self.names.known.register(found.first()?.at).count;
        (count > 1).then_some(count)
    }

    /// Headers add an `R` or a number to names that a manual has without.
    fn by_header_habit(&self, peripheral: usize, name: &str) -> Option<String> {
        let forms = [
            name.strip_suffix('R').unwrap_or("").to_owned(),
            format!("{name}1"),
            name.strip_suffix('1').unwrap_or("").to_owned(),
        ];
        let exact = forms.iter().filter(|form| form.len() > 1).find_map(|form| {
            self.names.known.in_peripheral(peripheral, form).map(|named| named.path.clone())
        });
        // `CCMR1` for CCMR1_Output and CCMR1_Input.
        exact.or_else(|| {
            let registers = self.names.known.catalog.registers_of(peripheral).iter();
            let starts = |own: &str| {
                own.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
                    && own[name.len()..].starts_with('_')
            };
            registers.clone().find(|register| starts(register.name())).map(|r| r.path.clone())
        })
    }

    /// `*(volatile uint32_t *)0x40023830`.
    fn say_address(&mut self, node: &Node<'t>) {
        let Expr::Unary { of, .. } = &node.expr else { return };
        let Some(address) = self.pointer(of) else { return };
        let span = node.start..node.end;
        if address < 0x4000_0000 {
            let there = self.names.register_at(address);
            self.say_comment_address(span, address, there.as_ref());
            return;
        }
        if let Some(named) = self.names.register_at(address) {
            let why = format!("{} is at {address:#010x}", named.path);
            self.claim(ClaimKind::Address, span.clone(), Judged::ok(why));
            self.say_comment_address(span, address, Some(&named));
        } else {
            if let Some(why) = self.names.known.meaning_of_address(address) {
                self.claim(ClaimKind::Address, span.clone(), Judged::unknown(why));
            }
            self.say_comment_address(span, address, None);
        }
    }

    /// `/* RCC_AHB1ENR */` beside an address: it is that register's.
    fn say_comment_address(&mut self, span: Range<usize>, address: u64, there: Option<&Named>) {
        let Some(comment) = self.tokens.comment_after(self.text, span.end) else { return };
        for word in comment.text.split(|c: char| !(c.is_ascii_alphanumeric() || "_.->".contains(c)))
        {
            let Some(said) = self.register_in_words(word) else { continue };
            if said.iter().all(|said| said.address != address) {
                let right = format!("{:#010x}", said[0].address);
                let there = there.map_or("no register", |named| &named.path);
                let why = format!("{} is at {right}; there is {there}", said[0].path);
                self.claim(ClaimKind::Address, span.clone(), Judged::wrong(why, Some(right)));
            }
            return;
        }
    }

    fn register_in_words(&self, word: &str) -> Option<Vec<Named>> {
        let spelled = word.trim_matches('.').replace("->", ".");
        if let Some((peripheral, register)) = spelled.split_once('.') {
            let at = self.names.peripheral(peripheral)?;
            let found = self.names.registers(&[at], register);
            return Some(found).filter(|found| !found.is_empty());
        }
        match self.names.header(&spelled).as_deref() {
            Some(Header::Register { registers, suffix: Suffix::None }) => Some(registers.clone()),
            _ => None,
        }
    }
}
