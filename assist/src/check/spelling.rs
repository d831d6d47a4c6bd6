//! Names by themselves, as headers spell them: `USART_CR1_UE_Msk`.

use std::collections::HashSet;
use std::ops::Range;

use super::ast::Node;
use super::names::{Header, Suffix};
use super::reader::Reader;
use super::token::Token;
use crate::catalog::bits;
use crate::verify::ClaimKind;
use crate::verify::judge::Judged;
use crate::verify::known::Named;
use crate::verify::names::is_name;
use crate::words;

/// So many different names of a header tell whose names they are, and one in so many may differ.
const LEAST_KNOWN: usize = 4;
const MOST_UNKNOWN: usize = 4;

impl<'t> Reader<'_, 't, '_> {
    /// A name by itself: a header's, or a peripheral's.
    pub(super) fn say_name(&mut self, name: &'t str, node: &Node<'t>) {
        if self.definitions.variables.contains_key(name) {
            return;
        }
        let span = node.start..node.end;
        let Some(header) = self.names.header(name) else {
            let known = is_name(name).then(|| self.names.peripheral(name)).flatten();
            if let Some(at) = known.filter(|_| name.ends_with(|c: char| c.is_ascii_digit())) {
                let base = self.names.known.catalog.peripherals[at].base_address;
                let why = format!("peripheral at {base:#010x}");
                self.claim(ClaimKind::Register, span, Judged::ok(why));
            }
            return;
        };
        let defined = self.definitions.constants.contains_key(name);
        match &*header {
            Header::Register { registers, suffix: Suffix::None } => {
                let path = &registers[0].path;
                self.claim(ClaimKind::Register, span, Judged::ok(path.clone()));
            }
            Header::Register { .. } => {}
            Header::Field { places, .. } => {
                let field = self.names.field(&places[0]);
                let why =
                    format!("{}.{}{}", places[0].0.path, field.name, bits(field.lsb, field.width));
                self.claim(ClaimKind::Field, span, Judged::ok(why));
            }
            Header::Value { places, name, value } => {
                let why = format!("{}: {name} is {value:#x}", places[0].0.path);
                self.claim(ClaimKind::Enum, span, Judged::ok(why));
            }
            Header::Unknown { registers, rest } if !defined => {
                self.say_slip(span, registers, rest);
            }
            Header::Unknown { .. } => {}
        }
    }

    /// `UART_CONFIG_PARTY_Msk`: the register is there, the field is not, and one is spelled alike.
    /// Headers have names of their own, so nothing is said where none is, and nobody is accused
    /// unless it is clearly a slip.
    fn say_slip(&mut self, span: Range<usize>, registers: &[Named], rest: &str) {
        if self.tokens.is_conditional(span.start) {
            return;
        }
        let register = self.names.known.register(registers[0].at);
        let tail = rest.rsplit_once('_').filter(|(_, tail)| {
            matches!(*tail, "Msk" | "Pos" | "MASK" | "SHIFT" | "BITS" | "LSB" | "MSB")
        });
        let (stem, tail) = tail.map_or((rest, ""), |(stem, tail)| (stem, tail));
        let fields = || register.fields.iter().map(|field| field.name);
        let head = &self.text[span.start..span.end - rest.len()];
        let whole = |near: &str| match tail {
            "" => format!("{head}{near}"),
            tail => format!("{head}{near}_{tail}"),
        };
        // Short names that differ in a letter are mostly two names, unless the header's names are
        // the description's, as CMSIS's are.
        let is_described = matches!(tail, "Msk" | "Pos") || self.is_described();
        let slip = words::slip(stem, fields())
            .or_else(|| words::doubled(stem, fields()).filter(|_| is_described))
            .filter(|_| is_described || stem.len() > 5);
        let slip = slip.map(whole);
        let slip = slip.or_else(|| Some(format!("{head}{}", self.slip_of_value(registers, rest)?)));
        let why = format!("{} has no field or value {rest}", registers[0].path);
        let judged = match (slip, words::nearest(stem, fields())) {
            (Some(expected), _) => Judged::wrong(why, Some(expected)),
            (None, Some(near)) => Judged::unknown(format!("{why}; the nearest is {}", whole(near))),
            (None, None) => return,
        };
        self.claim(ClaimKind::Field, span, judged);
    }

    /// Whether nearly all names of a header that this file uses and does not define are the
    /// description's: then one that is not is no name of that header either.
    pub(super) fn is_described(&self) -> bool {
        *self.described.get_or_init(|| self.counts_described())
    }

    fn counts_described(&self) -> bool {
        let (mut known, mut unknown) = (HashSet::new(), HashSet::new());
        for name in self.tokens.code.iter().filter_map(Token::name) {
            if self.definitions.constants.contains_key(name) {
                continue;
            }
            match self.names.header(name).as_deref() {
                Some(Header::Field { .. } | Header::Value { .. }) => known.insert(name),
                Some(Header::Unknown { .. }) => unknown.insert(name),
                _ => continue,
            };
        }
        known.len() >= LEAST_KNOWN && unknown.len() * MOST_UNKNOWN <= known.len()
    }

    fn slip_of_value(&self, registers: &[Named], rest: &str) -> Option<String> {
        let register = self.names.known.register(registers[0].at);
        register.fields.iter().find_map(|field| {
            let stem = rest.get(..field.name.len())?;
            let value = rest.get(field.name.len() + 1..)?;
            stem.eq_ignore_ascii_case(field.name).then_some(())?;
            let names = field.enums().map(|value| value.name);
            words::slip(value, names).map(|near| format!("{}_{near}", field.name))
        })
    }
}
