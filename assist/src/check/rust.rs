//! Rust drivers: `p.UART0.baudrate.write(|w| w.baudrate().baud115200())`, as svd2rust, chiptool
//! and embedded-hal crates have it.
//!
//! These crates make names of their own out of the chip's: snake case, an underscore behind
//! keywords, one method for an array of fields.

use std::ops::Range;

use super::ast::{Expr, Node};
use super::place::{Place, Target};
use super::reader::Reader;
use super::value::Write;
use crate::catalog::{Field, hex};
use crate::verify::ClaimKind;
use crate::verify::judge::Judged;
use crate::words;

/// Methods that do something with a register.
const DOES: &[&str] =
    &["read", "write", "modify", "reset", "write_with_zero", "write_value", "set", "get", "as_ptr"];

/// What stands before a peripheral in Rust.
const POINTERS: &[&str] =
    &["ptr", "PTR", "steal", "regs", "as_ptr", "borrow", "borrow_mut", "deref"];

impl<'t> Reader<'_, 't, '_> {
    /// `dp.USART2`, `pac::USART2`: a peripheral behind something that is none.
    pub(super) fn rust_peripheral(&self, name: &str) -> Place {
        match self.names.known.peripheral(name) {
            Some(peripheral) if self.is_spelled(peripheral, name) => self.instance(peripheral),
            _ => Place::None,
        }
    }

    /// Spelled as the chip has it, or in small letters.
    fn is_spelled(&self, peripheral: usize, name: &str) -> bool {
        let own = self.names.known.catalog.peripherals[peripheral].name;
        own == name || own.to_ascii_lowercase() == name
    }

    /// The place of `of(args)`, where `of` is no plain name.
    pub(super) fn rust_call(&self, of: &Node<'t>, args: &[Node<'t>], depth: usize) -> Place {
        let Expr::Member { of: within, name } = &of.expr else { return Place::None };
        if POINTERS.contains(name)
            && let Place::Peripheral(instance) = self.place(within, depth)
        {
            return Place::Peripheral(instance);
        }
        match args {
            [] => self.place(of, depth),
            [index] => {
                let index = self.evaluator().value(index);
                match (self.place(of, depth), index) {
                    (Place::None, _) | (_, None) => Place::None,
                    (place, index) => self.element(place, index),
                }
            }
            _ => Place::None,
        }
    }

    pub(super) fn visit_rust_call(&mut self, node: &Node<'t>, of: &Node<'t>, args: &[Node<'t>]) {
        if let Expr::Member { of: register, name } = &of.expr {
            if DOES.contains(name) && self.does(register, name, args) {
                return;
            }
            if self.read_field(register, name) {
                return args.iter().for_each(|arg| self.visit(arg));
            }
            if matches!(*name, "write_volatile" | "write")
                && let [value] = args
                && let Place::Register(target) = self.at_address(self.pointer(register))
            {
                self.say_register(node.start..node.end, &target);
                self.write(&Write { target: &target, op: "", value, span: node.start..node.end });
                return;
            }
            let called = matches!(*name, "write_volatile" | "write").then_some(args);
            if let Some([to, value]) = called
                && let Place::Register(target) = self.at_address(self.pointer(to))
            {
                self.say_register(to.start..to.end, &target);
                self.write(&Write { target: &target, op: "", value, span: node.start..node.end });
                return;
            }
        }
        // The method itself is no name of the chip.
        match &of.expr {
            Expr::Name(_) => {}
            Expr::Member { of: inner, .. } => self.visit(inner),
            _ => self.visit(of),
        }
        args.iter().for_each(|arg| self.visit(arg));
    }

    /// `register.write(|w| …)`. False if no register stands there.
    fn does(&mut self, register: &Node<'t>, method: &str, args: &[Node<'t>]) -> bool {
        let closure = args.iter().any(|arg| matches!(arg.expr, Expr::Closure { .. }));
        let span = register.start..register.end;
        match self.place(register, 0) {
            Place::Register(target) if target.field.is_none() => {
                self.say_register(span, &target);
                for arg in args {
                    match &arg.expr {
                        Expr::Closure { params, body } => {
                            let writer = params.last().copied().unwrap_or("");
                            self.closure(&target, params, writer, body, method == "modify");
                        }
                        _ if matches!(method, "write" | "write_value" | "set") => {
                            let span = register.start..arg.end;
                            self.write(&Write { target: &target, op: "", value: arg, span });
                        }
                        _ => self.visit(arg),
                    }
                }
                true
            }
            Place::Missing { instance, name } if closure || matches!(method, "read" | "reset") => {
                let peripheral = instance.peripherals[0];
                let own = self.names.known.catalog.peripherals[peripheral].name;
                let near = self.nearest_register(peripheral, &name);
                let why = format!("{own} has no register {name}");
                let conditional = self.tokens.is_conditional(register.start);
                let judged = match near {
                    _ if conditional => Judged::unknown(why),
                    Some(near) => Judged::wrong(why, Some(near)),
                    None if closure => Judged::wrong(why, None),
                    None => return false,
                };
                self.claim(ClaimKind::Register, span, judged);
                args.iter().for_each(|arg| self.visit(arg));
                true
            }
            _ => false,
        }
    }

    /// Reads the body of `|r, w| …` for the fields of `target`.
    fn closure(
        &mut self,
        target: &Target,
        params: &[&'t str],
        writer: &str,
        body: &Node<'t>,
        modify: bool,
    ) {
        if let Expr::Call { of, args } = &body.expr
            && let Expr::Member { of: before, name } = &of.expr
        {
            if let Some(field) = self.field_call(before) {
                let known = root(before).is_some_and(|root| params.contains(&root));
                if known && self.is_field_access(before, params) {
                    self.say_field_value(target, field, (name, of), args, body);
                    return self.closure_rest(target, params, writer, before, modify);
                }
            }
            if root(before).is_some_and(|root| params.contains(&root)) {
                if *name == "bits" && before.name() == Some(writer) {
                    if let [value] = &args[..] {
                        let span = before.start..body.end;
                        let op = if modify { "|" } else { "" };
                        self.write(&Write { target, op, value, span });
                    }
                } else if is_builder(before, params) {
                    self.say_field(target, name, of, args);
                }
                args.iter().for_each(|arg| self.visit(arg));
                return self.closure(target, params, writer, before, modify);
            }
        }
        let mut children = Vec::new();
        body.each_child(|child| children.push(child));
        for child in children {
            self.closure(target, params, writer, child, modify);
        }
    }

    /// What stands before `.field().value()` in a closure's chain.
    fn closure_rest(
        &mut self,
        target: &Target,
        params: &[&'t str],
        writer: &str,
        field_call: &Node<'t>,
        modify: bool,
    ) {
        if let Expr::Call { of, .. } = &field_call.expr
            && let Expr::Member { of: before, .. } = &of.expr
        {
            self.closure(target, params, writer, before, modify);
        }
    }

    /// `w.ue()`: the name of the field.
    fn field_call(&self, node: &Node<'t>) -> Option<(&'t str, Range<usize>)> {
        let Expr::Call { of, .. } = &node.expr else { return None };
        let Expr::Member { name, .. } = &of.expr else { return None };
        Some((name, of.tail(name)))
    }

    /// Whether `node` is `w.field()`, with a builder before it: `w.a().set_bit().b()`.
    fn is_field_access(&self, node: &Node<'t>, params: &[&'t str]) -> bool {
        let Expr::Call { of, .. } = &node.expr else { return false };
        let Expr::Member { of: before, .. } = &of.expr else { return false };
        is_builder(before, params)
    }

    /// `w.field().method(args)`.
    fn say_field_value(
        &mut self,
        target: &Target,
        (field, span): (&'t str, Range<usize>),
        (method, of): (&'t str, &Node<'t>),
        args: &[Node<'t>],
        whole: &Node<'t>,
    ) {
        let Some(place) = self.claim_field(target, field, span.clone()) else { return };
        let register = self.names.known.register(target.registers[0].at);
        let field = &register.fields[place];
        match method {
            "set_bit" | "clear_bit" | "bit" | "bit_is_set" | "bit_is_clear" | "modify"
            | "variant" | "reset" | "field" => {}
            "bits" | "set" => {
                if let [value] = args
                    && let Some(number) = self.evaluator().value(value)
                {
                    let target = Target { field: Some(place), ..target.clone() };
                    let write =
                        Write { target: &target, op: "", value, span: span.start..whole.end };
                    let (width, name) = (field.width, field.name);
                    if number >> width.min(63) != 0 && width < 64 {
                        let why = format!("{name} has {width} bits");
                        let judged = Judged::wrong(why, None);
                        self.claim(ClaimKind::Value, write.span.clone(), judged);
                    } else {
                        self.write(&write);
                    }
                }
            }
            _ if args.is_empty() => self.say_variant(field, method, of),
            _ => {}
        }
        args.iter().for_each(|arg| self.visit(arg));
    }

    /// `.baud115200()`, `.is_enabled()`
    fn say_variant(&mut self, field: &Field<'_>, method: &'t str, of: &Node<'t>) {
        let wanted = method.strip_prefix("is_").unwrap_or(method);
        let values: Vec<(String, u64)> =
            field.enums().map(|value| (snake(value.name), value.value.unwrap_or(0))).collect();
        if values.is_empty() {
            return;
        }
        let span = of.tail(method);
        let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
        if let Some((_, value)) = values.iter().find(|(name, _)| plain(name) == plain(wanted)) {
            let why = format!("{} = {}", field.name, hex(*value, field.width));
            return self.claim(ClaimKind::Enum, span, Judged::ok(why));
        }
        let names = || values.iter().map(|(name, _)| name.as_str());
        let near = words::nearest(wanted, names());
        let why = format!("{} has no value {wanted}", field.name);
        let judged = match near {
            Some(near) => {
                let is = if wanted.len() < method.len() { "is_" } else { "" };
                Judged::wrong(why, Some(format!("{is}{near}")))
            }
            // Crates name values that the description does not.
            None => Judged::unknown(why),
        };
        self.claim(ClaimKind::Enum, span, judged);
    }

    /// `w.set_ue(true)`, `r.rxne()`.
    fn say_field(&mut self, target: &Target, name: &'t str, of: &Node<'t>, args: &[Node<'t>]) {
        if matches!(name, "bits" | "set" | "reset" | "clone" | "into" | "unwrap" | "expect") {
            return;
        }
        let (name, span) = match name.strip_prefix("set_") {
            Some(field) => (field, of.end - field.len()..of.end),
            None => (name, of.tail(name)),
        };
        let place = self.claim_field(target, name, span.clone());
        if let (Some(place), [value]) = (place, args)
            && let Some(number) = self.evaluator().value(value)
        {
            let field = &self.names.known.register(target.registers[0].at).fields[place];
            if field.width < 64 && number >> field.width != 0 {
                let why = format!("{} has {} bits", field.name, field.width);
                self.claim(ClaimKind::Value, span.start..value.end, Judged::wrong(why, None));
            }
        }
    }

    /// The field that a method's name means; says so.
    fn claim_field(&mut self, target: &Target, name: &str, span: Range<usize>) -> Option<usize> {
        let found = target.registers.iter().find_map(|named| {
            let register = self.names.known.register(named.at);
            field_of(&register.fields, name)
        });
        let named = &target.registers[0];
        let register = self.names.known.register(named.at);
        if let Some(place) = found {
            if let Some(field) = register.fields.get(place) {
                let why = format!("{}.{}{}", named.path, field.name, field.bits());
                self.claim(ClaimKind::Field, span, Judged::ok(why));
            }
            return Some(place).filter(|place| *place < register.fields.len());
        }
        if register.fields.is_empty() {
            return None;
        }
        let names: Vec<String> = register.fields.iter().map(|field| snake(field.name)).collect();
        let near = words::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        let why = format!("{} has no field {name}", named.path);
        let judged = match self.tokens.is_conditional(span.start) {
            true => Judged::unknown(why),
            false => Judged::wrong(why, near),
        };
        self.claim(ClaimKind::Field, span, judged);
        None
    }

    /// `register.read().field()`; true if it is one.
    fn read_field(&mut self, register: &Node<'t>, name: &'t str) -> bool {
        let field_of_read = |node: &Node<'t>| -> Option<Target> {
            let Expr::Call { of, args } = &node.expr else { return None };
            let Expr::Member { of: register, name: "read" } = &of.expr else { return None };
            match self.place(register, 0) {
                Place::Register(target) if args.is_empty() => Some(target),
                _ => None,
            }
        };
        if let Some(target) = field_of_read(register) {
            self.visit(register);
            if !matches!(name, "bits" | "0") {
                let end = register.end;
                let own = self.text[end..].find(name).map_or(end, |at| end + at);
                self.claim_field(&target, name, own..own + name.len());
            }
            return true;
        }
        // `.read().field().is_value()`
        if let Expr::Call { of, .. } = &register.expr
            && let Expr::Member { of: read, name: field } = &of.expr
            && *field != "bits"
            && let Some(target) = field_of_read(read)
        {
            self.visit(read);
            let span = of.tail(field);
            if let Some(place) = self.claim_field(&target, field, span) {
                let known = self.names.known.register(target.registers[0].at);
                let end = register.end;
                let own = self.text[end..].find(name).map_or(end, |at| end + at);
                let access = Node { expr: Expr::Literal, start: own, end: own + name.len() };
                if name.starts_with("is_") {
                    self.say_variant(&known.fields[place], name, &access);
                }
            }
            return true;
        }
        false
    }
}

/// The name at the start of a chain.
fn root<'t>(node: &Node<'t>) -> Option<&'t str> {
    let mut node = node;
    loop {
        node = match &node.expr {
            Expr::Name(name) => return Some(name),
            Expr::Member { of, .. } | Expr::Call { of, .. } | Expr::Index { of, .. } => of,
            Expr::Unary { of, .. } => of,
            _ => return None,
        };
    }
}

/// Whether a field's name may follow: after `w`, `w.a().set_bit()`, `w.set_a(1)`.
fn is_builder(node: &Node<'_>, params: &[&str]) -> bool {
    match &node.expr {
        Expr::Name(name) => params.contains(name),
        Expr::Call { of, .. } => match &of.expr {
            Expr::Member { of, name } => match &of.expr {
                // `w.a()` is a field, what follows is its value.
                Expr::Name(param) => params.contains(param) && matches!(*name, "bits" | "reset"),
                _ => matches!(&of.expr, Expr::Call { .. }) && is_chain(of, params),
            },
            _ => false,
        },
        _ => false,
    }
}

/// Whether calls lead from a closure's parameter to here, field and value by turns.
fn is_chain(node: &Node<'_>, params: &[&str]) -> bool {
    let Expr::Call { of, .. } = &node.expr else { return false };
    let Expr::Member { of: before, .. } = &of.expr else { return false };
    match &before.expr {
        Expr::Name(name) => params.contains(name),
        _ => is_builder(before, params),
    }
}

fn field_of(fields: &[Field<'_>], name: &str) -> Option<usize> {
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let wanted = plain(name);
    let equal = fields.iter().position(|field| plain(field.name) == wanted);
    // One method for MODER0 to MODER15.
    equal.or_else(|| {
        fields.iter().position(|field| {
            plain(field.name)
                .strip_prefix(&wanted)
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        })
    })
}

/// A name as svd2rust spells it in methods.
fn snake(name: &str) -> String {
    if name.contains('_') || !name.contains(|c: char| c.is_ascii_lowercase()) {
        return name.to_ascii_lowercase();
    }
    words::split(name).join("_")
}
