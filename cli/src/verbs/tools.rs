//! The tools that a model may call: what each is called, takes and gives. One module for each
//! family. `silk mcp` offers them to other programs' models, `silk ask` to its own.
//!
//! A tool is another skin over the library call that its verb makes; it only reads. What SVD, ELF
//! and bundle say goes out through [`quote`], as much as its tokens allow through [`page`].
//! Names and descriptions are short, since every conversation of every client pays for them.
//! `offset` and `max_tokens` belong to all tools and are taken off before a tool sees its
//! arguments.

mod address;
mod board;
mod check;
mod context;
mod known;
mod layout;
mod page;
pub(super) mod quote;
mod register;
mod search;
mod symbol;
mod uses;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(super) use known::Known;
pub(super) use page::Answer;

use crate::exit::{Exit, Failure};
use page::{Cut, FEWEST, Line, List, MOST, Page};

/// A JSON object, as arguments and schemas are.
pub(super) type JsonObject = serde_json::Map<String, Value>;

/// Bytes of text that most tools take. A name is shorter, and what is like a long one takes long
/// to find.
const MOST_TEXT: usize = 300;

/// Names that the braces of a query may stand for. Each one that is none is compared with all.
const MOST_NAMES: usize = 16;

/// The arguments of all tools: where the answer begins, and what bounds it.
const START: &str = "offset";
pub(super) const SIZE: &str = "max_tokens";

/// One tool.
trait Tool {
    const NAME: &'static str;
    const DESCRIPTION: &'static str;
    /// Bytes of text in all arguments together.
    const MOST_TEXT: usize = MOST_TEXT;
    /// Tokens of an answer if nobody says otherwise; both forms together.
    const TOKENS: usize = page::TOKENS;
    type Arguments: DeserializeOwned + JsonSchema;
    type Found: Serialize + JsonSchema + Line;

    /// Finds what is asked for.
    fn find(known: &Known, arguments: Self::Arguments, cut: Cut) -> Found<Self::Found>;
}

/// What a tool found, or why not, with the next step.
type Found<T> = Result<List<T>, Failure>;

/// A tool as it is offered and called.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// Schema of its arguments.
    pub(super) input: JsonObject,
    /// Schema of its structured answer.
    pub(super) output: fn() -> JsonObject,
    /// Calls it. The caution, if any, comes first in the answer.
    pub(super) call: fn(&Known, Option<String>, JsonObject) -> Result<Answer, Failure>,
}

/// All tools; those that ask a bundle only if there is one.
pub(super) fn all(with_bundle: bool) -> Vec<Entry> {
    let mut entries = vec![
        entry::<search::Search>(),
        entry::<register::Register>(),
        entry::<address::Address>(),
        entry::<symbol::Symbol>(),
        entry::<layout::Type>(),
        entry::<uses::Uses>(),
        entry::<check::Check>(),
        entry::<context::Context>(),
        entry::<board::Findings>(),
    ];
    if with_bundle {
        entries.extend([entry::<board::Values>(), entry::<board::Logs>()]);
    }
    entries
}

fn entry<T: Tool>() -> Entry {
    Entry {
        name: T::NAME,
        description: T::DESCRIPTION,
        input: input::<T>(),
        output: || schema::<Page<T::Found>>(SchemaSettings::draft2020_12().for_serialize()),
        call: call::<T>,
    }
}

fn call<T: Tool>(
    known: &Known,
    caution: Option<String>,
    mut given: JsonObject,
) -> Result<Answer, Failure> {
    let cut = cut::<T>(&mut given)?;
    let size: usize = given.values().map(text_size).sum();
    if size > T::MOST_TEXT {
        let what = format!("{size} bytes of arguments, {} takes {}", T::NAME, T::MOST_TEXT);
        return Err(Failure::new(Exit::Usage, what).hint("give the part in question"));
    }
    let arguments =
        serde_json::from_value(Value::Object(given)).map_err(|error| misunderstood::<T>(&error))?;
    let mut list = T::find(known, arguments, cut)?;
    known.check_whole()?;
    list.notes.splice(0..0, caution);
    if list.items.is_empty() && cut.offset > 0 {
        let what = format!("offset {} is behind the last of {}", cut.offset, list.total);
        return Err(Failure::new(Exit::Usage, what).hint("begin again without an offset"));
    }
    let page = Page::fill(list, cut);
    page.answer().map_err(|error| Failure::new(Exit::Internal, "no answer").caused_by(&error))
}

fn misunderstood<T: Tool>(error: &serde_json::Error) -> Failure {
    let input = input::<T>();
    let names = input.get("properties").and_then(Value::as_object);
    let names = names.into_iter().flatten().map(|(name, _)| name.as_str());
    let own = names.filter(|name| ![START, SIZE].contains(name));
    let names: Vec<&str> = own.collect();
    Failure::new(Exit::Usage, format!("cannot understand the arguments of {}", T::NAME))
        .detail(quote::name(&error.to_string()))
        .hint(format!("it takes {}", names.join(", ")))
}

/// Takes the arguments of all tools off those of one.
fn cut<T: Tool>(given: &mut JsonObject) -> Result<Cut, Failure> {
    let mut number = |name: &str, usual: usize| match given.remove(name) {
        None | Some(Value::Null) => Ok(usual),
        Some(value) => {
            let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
            number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("`{name}` takes a whole number"))
                    .hint("leave it out for the first page at its usual size")
            })
        }
    };
    let (offset, tokens) = (number(START, 0)?, number(SIZE, T::TOKENS)?);
    Ok(Cut { offset, tokens: tokens.clamp(FEWEST, MOST) })
}

/// Refuses a query whose braces stand for more names than can be looked up while a client waits.
fn few_names(query: &str) -> Result<(), Failure> {
    let groups = query.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default());
    let names = groups.map(|group| group.matches(',').count() + 1);
    let names = names.fold(1usize, usize::saturating_mul);
    if names <= MOST_NAMES {
        return Ok(());
    }
    let what = format!("the braces stand for {names} names, {MOST_NAMES} are looked up at once");
    Err(Failure::new(Exit::Usage, what).hint("use a pattern with `*`, or several calls"))
}

/// Bytes of all strings in a value.
fn text_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| 1 + text_size(value)).sum(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() + text_size(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// The schema of a tool's arguments, with those of all tools.
fn input<T: Tool>() -> JsonObject {
    let mut schema = schema::<T::Arguments>(SchemaSettings::draft2020_12());
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        for property in properties.values_mut() {
            without_null(property);
        }
        let size = format!("Size of the answer, {}", T::TOKENS);
        for (name, description) in [(START, "`next` of the answer before"), (SIZE, &*size)] {
            let property = json!({"type": "integer", "description": description});
            properties.insert(name.to_owned(), property);
        }
    }
    schema
}

/// A schema without what costs tokens and says nothing to a reader.
fn schema<T: JsonSchema>(settings: SchemaSettings) -> JsonObject {
    let mut schema: Schema = settings.into_generator().into_root_schema_for::<T>();
    bare(&mut schema);
    schema.remove("description");
    match schema.to_value() {
        Value::Object(object) => object,
        other => unreachable!("the schema of a structure is an object, not {other}"),
    }
}

fn bare(schema: &mut Schema) {
    for key in ["$schema", "title", "format", "minimum", "default"] {
        schema.remove(key);
    }
    schemars::transform::transform_subschemas(&mut bare, schema);
}

/// An argument that may be left out need not be given as null.
fn without_null(property: &mut Value) {
    if let Some(Value::Array(values)) = property.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(types) = property.get_mut("type") else { return };
    if let Value::Array(several) = types {
        several.retain(|one| one != "null");
        if let [one] = several.as_slice() {
            *types = one.clone();
        }
    }
}
