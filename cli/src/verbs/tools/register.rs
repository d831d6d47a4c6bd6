//! `register`: registers by name, pattern or address; a value taken apart or put together.
//!
//! One register comes with its fields, in as much detail as the answer's tokens allow. Several
//! come as a list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use svd_index::{Alias, Chip, EnumValueRef, FieldRef, Hit, RegisterRef, parse_number};

use super::known::Known;
use super::page::{Cut, Line, List, cost};
use super::quote::{name, prose, quoted};
use super::{Found, Tool, few_names};
use crate::exit::{Exit, Failure};
use crate::json::{self, hex};
use crate::render;
use crate::verbs::lookup::encode::{Assignments, encode};
use crate::verbs::lookup::{self, find_hits};

/// Registers that a word search brings where a query names none.
const DESCRIBED: usize = 20;

/// Registers that are shown with their fields.
const WITH_FIELDS: usize = 3;

pub(super) struct Register;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Name as in the manual, C or Rust, pattern or address: UART0.CONFIG, USART*.CR1, 0x40002524
    query: String,
    /// Number to decode
    value: Option<String>,
    /// Fields to encode over reset: HWFC=Enabled PARITY=7
    set: Option<String>,
}

/// A register, or a field of one where the query names it.
#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    path: String,
    address: String,
    size_bits: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<String>,
    /// What reading or writing does besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    side_effects: Vec<String>,
    /// How the address asked for reaches it, if it is not its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    /// The value that was decoded, or made.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Bits of the fields that were set.
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<String>,
    /// Bits of the value that belong to no field.
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "is_zero")]
    fields_left_out: usize,
}

#[derive(Serialize, JsonSchema)]
struct Field {
    name: String,
    /// `[hi:lo]`
    bits: String,
    /// Where it is not the register's.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    side_effects: Vec<String>,
    /// What it holds in the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
    /// The enumerated value that this is, or that it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    means: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    /// Enumerated values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    values_left_out: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// How much is told.
#[derive(Clone, Copy)]
struct Detail {
    /// Characters of the register's description, of a field's, and of an enumerated value's.
    description: usize,
    field: usize,
    value: usize,
    /// Enumerated values of a field.
    values: usize,
}

/// From the most to the least.
const DETAILS: [Detail; 5] = [
    Detail { description: 300, field: 200, value: 80, values: 64 },
    Detail { description: 200, field: 120, value: 0, values: 32 },
    Detail { description: 120, field: 80, value: 0, values: 8 },
    Detail { description: 80, field: 40, value: 0, values: 0 },
    Detail { description: 80, field: 0, value: 0, values: 0 },
];

/// What is asked of a register.
struct Asked<'a> {
    register: RegisterRef<'a>,
    /// The field that the query names.
    field: Option<FieldRef<'a>>,
    alias: Option<Alias>,
    value: Option<u64>,
    mask: Option<u64>,
}

impl Tool for Register {
    const NAME: &'static str = "register";
    const DESCRIPTION: &'static str = "A register's address, access, reset, side effects, fields and enumerated values, or a list \
         of registers. Decodes `value`; makes the value that `set` asks for.";
    type Arguments = Arguments;
    type Found = Shown;

    fn find(known: &Known, arguments: Arguments, cut: Cut) -> Found<Shown> {
        let chip = known.chip()?;
        let Arguments { query, value, set } = arguments;
        few_names(&query)?;
        if let Some(set) = set {
            return made(chip, &query, &set, cut);
        }
        let found = find_hits(chip, &query, DESCRIBED)?;
        let value = match value {
            Some(text) => Some(parse_number(&text).ok_or_else(|| no_number(&text))?),
            None => found.value,
        };
        if let (Some(value), [hit]) = (value, found.hits.as_slice()) {
            must_fit(&hit.register, value)?;
        }
        let count = found.hits.len();
        let whole = count <= WITH_FIELDS;
        if value.is_some() && !whole {
            let what = format!("`{query}` is {count} registers: a value is of one");
            return Err(Failure::new(Exit::Usage, what).hint("without a value they are listed"));
        }
        let list = List::of(&found.hits, cut, |&Hit { register, field }| {
            let asked = Asked { register, field, alias: found.alias, value, mask: None };
            if whole { asked.whole(cut.share(count.min(WITH_FIELDS))) } else { asked.head() }
        });
        Ok(match count {
            0..=WITH_FIELDS => list,
            _ => list.noting("several match: the path of one shows its fields"),
        })
    }
}

/// The value that sets fields of one register.
fn made(chip: &Chip, query: &str, set: &str, cut: Cut) -> Found<Shown> {
    let register = lookup::one(chip, query)?;
    let assignments = Assignments::parse(&format!("{query} {set}")).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("cannot understand `{set}` as fields to set"))
            .hint("write FIELD=NUMBER or FIELD=NAME, separated by spaces")
    })?;
    let encoding = encode(&register, &assignments)?;
    let (value, mask) = (Some(encoding.value), Some(encoding.mask));
    let asked = Asked { register, field: None, alias: None, value, mask };
    let mut list = List::one(asked.whole(cut.share(1)));
    list.notes = encoding.cautions(register.size_bits());
    Ok(list)
}

fn no_number(text: &str) -> Failure {
    Failure::new(Exit::Usage, format!("`{text}` is no number"))
        .hint("write 115200, 0x1C200 or 0b101; `set` takes names")
}

fn must_fit(register: &RegisterRef<'_>, value: u64) -> Result<(), Failure> {
    let size = register.size_bits();
    if value & !(u64::MAX >> (64 - size.clamp(1, 64))) == 0 {
        return Ok(());
    }
    let path = name(&register.path());
    let what = format!("{value:#x} does not fit `{path}`, which has {size} bits");
    Err(Failure::new(Exit::Usage, what).hint("check the register and the value"))
}

impl Asked<'_> {
    /// With fields, in as much detail as `tokens` allow.
    fn whole(&self, tokens: usize) -> Shown {
        let mut shown = self.head();
        for detail in DETAILS {
            shown = self.with_fields(detail);
            if cost(&shown) <= tokens {
                return shown;
            }
        }
        // The last resort: as many fields as fit.
        let mut fields = std::mem::take(&mut shown.fields);
        let all = fields.len();
        shown.fields_left_out = all;
        let mut left = tokens.saturating_sub(cost(&shown));
        fields.retain(|field| {
            let tokens = field.cost();
            let fits = tokens <= left;
            left = if fits { left - tokens } else { 0 };
            fits
        });
        shown.fields_left_out = all - fields.len();
        shown.fields = fields;
        shown
    }

    fn with_fields(&self, detail: Detail) -> Shown {
        let wanted =
            |field: &FieldRef<'_>| self.field.is_none_or(|named| named.name() == field.name());
        let fields = self.register.fields().filter(wanted);
        Shown {
            description: prose(self.register.description(), detail.description),
            fields: fields.map(|field| Field::of(&field, self.value, detail)).collect(),
            ..self.head()
        }
    }

    /// Without fields.
    fn head(&self) -> Shown {
        const DESCRIPTION: usize = 80;
        let register = &self.register;
        let size = register.size_bits();
        let path = match (&self.field, self.value) {
            (Some(field), None) => field.path(),
            _ => register.path(),
        };
        let written = register.modified_write_values().and_then(render::writing);
        let reading = register.has_read_side_effect().then_some("reading changes the hardware");
        let reserved = self.value.map(|value| value & register.reserved_mask());
        Shown {
            path: name(&path),
            address: json::address(register),
            size_bits: size,
            access: register.access().map(|access| access.as_str()),
            reset: register.reset_value().map(|reset| hex(reset, size)),
            side_effects: [written, reading].into_iter().flatten().map(str::to_owned).collect(),
            alias: self.alias.map(|alias| format!("{alias}: {}", alias.effect())),
            description: prose(register.description(), DESCRIPTION),
            value: self.value.map(|value| hex(value, size)),
            mask: self.mask.map(|mask| hex(mask, size)),
            reserved: reserved.filter(|bits| *bits != 0).map(|bits| hex(bits, size)),
            fields: Vec::new(),
            fields_left_out: 0,
        }
    }
}

impl Field {
    fn of(field: &FieldRef<'_>, value: Option<u64>, detail: Detail) -> Self {
        let register = field.register();
        let access = field.access().filter(|access| Some(*access) != register.access());
        let written = field.modified_write_values();
        let written = written.filter(|values| Some(*values) != register.modified_write_values());
        let written = written.and_then(render::writing).map(str::to_owned);
        let reading = field.read_action().map(|action| format!("reading does: {action}"));
        let (raw, means) = match value {
            Some(value) => meaning(field, value),
            None => (None, None),
        };
        // Of a value that has a name the others do not matter.
        let is_named = raw.is_some() && means.as_deref() != Some(NONE);
        let all = if is_named { 0 } else { field.enums().count() };
        let values = field.enums().take(all.min(detail.values));
        let values: Vec<String> =
            values.map(|named| enumerated(&named, field.width(), detail.value)).collect();
        Self {
            name: name(field.name()),
            bits: render::bits(field),
            access: access.map(|access| access.as_str()),
            reset: render::reset_of(field).map(|reset| format!("{reset:#x}")),
            side_effects: [written, reading].into_iter().flatten().collect(),
            raw,
            means,
            description: prose(field.description(), detail.field),
            values_left_out: all - values.len(),
            values,
        }
    }

    /// Tokens of it within an answer.
    fn cost(&self) -> usize {
        let json = serde_json::to_string(self).unwrap_or_default();
        assist::tokens::count(&json) + assist::tokens::count(&self.line()) + 2
    }
}

/// Stands where a value is not enumerated though others are.
const NONE: &str = "none of its enumerated values";

fn meaning(field: &FieldRef<'_>, value: u64) -> (Option<String>, Option<String>) {
    let read = field.decode(value);
    let has_values = field.enums_for(field.usage_when_decoded()).next().is_some();
    let means = match read.decoded {
        Some(named) => Some(name(named.name)),
        None => has_values.then(|| NONE.to_owned()),
    };
    (Some(format!("{:#x}", read.raw)), means)
}

/// `0x7 Included "With parity"`
fn enumerated(named: &EnumValueRef<'_>, width: u32, description: usize) -> String {
    let value = match named.value {
        Some(value) => render::enum_digits(value, named.mask, width),
        None => "other".to_owned(),
    };
    let description = match description {
        0 => String::new(),
        most => quoted(&prose(named.description, most)),
    };
    format!("{value} {}{description}", name(named.name))
}

impl Line for Shown {
    fn line(&self) -> String {
        let mut text = format!("{} {} {} bit", self.path, self.address, self.size_bits);
        let facts = [
            self.access.map(str::to_owned),
            self.reset.as_ref().map(|reset| format!("reset {reset}")),
            (!self.side_effects.is_empty()).then(|| self.side_effects.join(", ")),
            self.alias.as_ref().map(|alias| format!("through its {alias}")),
            self.value.as_ref().map(|value| format!("value {value}")),
            self.mask.as_ref().map(|mask| format!("mask {mask}")),
            self.reserved.as_ref().map(|bits| format!("bits outside every field: {bits}")),
        ];
        for fact in facts.into_iter().flatten() {
            text.push_str(", ");
            text.push_str(&fact);
        }
        text.push_str(&quoted(&self.description));
        for field in &self.fields {
            text.push('\n');
            text.push_str(&field.line());
        }
        if self.fields_left_out > 0 {
            let more = self.fields_left_out;
            text.push_str(&format!("\n {more} more fields: REGISTER.FIELD shows one"));
        }
        text
    }
}

impl Field {
    fn line(&self) -> String {
        let mut text = format!(" {} {}", self.bits, self.name);
        if let Some(raw) = &self.raw {
            text.push_str(&format!(" = {raw}"));
        }
        if let Some(means) = &self.means {
            text.push_str(&format!(" {means}"));
        }
        let reset = self.reset.as_ref().filter(|reset| *reset != "0x0");
        let reset = reset.map(|reset| format!("reset {reset}"));
        let access = self.access.map(str::to_owned);
        for fact in access.into_iter().chain(reset).chain(self.side_effects.iter().cloned()) {
            text.push_str(&format!(", {fact}"));
        }
        text.push_str(&quoted(&self.description));
        for value in &self.values {
            text.push_str(&format!("\n  {value}"));
        }
        if self.values_left_out > 0 {
            text.push_str(&format!("\n  {} more values", self.values_left_out));
        }
        text
    }
}
