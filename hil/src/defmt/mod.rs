//! defmt: log frames whose words are in the ELF and whose arguments are on the wire.
//!
//! ```text
//! bytes off RTT ─▶ Stream (frames, rzCOBS) ─▶ Table (ELF: index ─▶ format) ─▶ LogRecord
//!                                                  └ typed arguments are kept, not only text
//! ```
//!
//! The format strings are parsed by defmt's own `defmt-parser`. Its `defmt-decoder` is not used: it
//! keeps the arguments to itself, and makes serde_json carry numbers as strings everywhere.
//!
//! Source: the defmt book, "Design & impl notes" (interned strings, wire format).

mod decode;
mod locations;
mod render;
mod stream;

use std::sync::Arc;

use defmt_parser::{Fragment, Parameter, ParserMode, Type};
use object::{Object, ObjectSymbol};
use serde::Deserialize;

pub use stream::DefmtStream;

/// Wire format that this module reads.
const VERSION: &str = "4";

/// Why a firmware's defmt table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DefmtError {
    /// Not a readable ELF file.
    #[error("read the firmware as an ELF file")]
    Elf(#[from] object::Error),
    /// The firmware speaks another version of the wire format.
    #[error("decode defmt version {found}: version {VERSION} is known")]
    Version {
        /// The firmware's version.
        found: String,
    },
    /// The firmware uses another encoding.
    #[error("decode defmt encoding `{found}`: `rzcobs` and `raw` are known")]
    Encoding {
        /// The firmware's encoding.
        found: String,
    },
}

/// How frames are told apart on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Rzcobs,
    Raw,
}

/// The words of one firmware's frames.
#[derive(Debug)]
pub struct DefmtTable {
    /// By index.
    entries: Vec<Option<Entry>>,
    timestamp: Option<Format>,
    encoding: Encoding,
}

/// An interned string.
#[derive(Debug)]
struct Entry {
    /// Set on log statements; `println` has none.
    level: Option<Arc<str>>,
    is_statement: bool,
    format: Format,
    /// Cases of an enum, if it is one.
    cases: Vec<Format>,
    place: locations::Place,
}

/// A format string and its parts.
#[derive(Debug, Clone)]
struct Format {
    text: Arc<str>,
    fragments: Vec<Fragment<'static>>,
    /// What is sent for it, in order.
    arguments: Vec<Type>,
}

impl Format {
    fn parse(text: &str) -> Option<Self> {
        let fragments = defmt_parser::parse(text, ParserMode::ForwardsCompatible).ok()?;
        let fragments: Vec<Fragment<'static>> = fragments
            .into_iter()
            .map(|fragment| match fragment {
                Fragment::Literal(literal) => Fragment::Literal(literal.into_owned().into()),
                Fragment::Parameter(parameter) => Fragment::Parameter(parameter),
            })
            .collect();
        let arguments = arguments(&fragments);
        Some(Self { text: text.into(), fragments, arguments })
    }
}

/// What is sent for a format: each argument once, by index. Bit fields of one argument are sent
/// together, as one field that holds them all.
fn arguments(fragments: &[Fragment<'_>]) -> Vec<Type> {
    let mut found: Vec<Parameter> = Vec::new();
    for fragment in fragments {
        let Fragment::Parameter(parameter) = fragment else { continue };
        let same = found.iter_mut().find(|known| known.index == parameter.index);
        match (same, &parameter.ty) {
            (None, _) => found.push(parameter.clone()),
            (Some(known), Type::BitField(range)) => {
                if let Type::BitField(whole) = &mut known.ty {
                    *whole = whole.start.min(range.start)..whole.end.max(range.end);
                }
            }
            (Some(_), _) => {}
        }
    }
    found.sort_by_key(|parameter| parameter.index);
    found.into_iter().map(|parameter| parameter.ty).collect()
}

/// The name of a symbol in `.defmt`.
#[derive(Deserialize)]
struct Symbol {
    tag: String,
    data: String,
    #[serde(default)]
    crate_name: Option<String>,
}

impl DefmtTable {
    /// Reads the table of a firmware. `None`: it has none, and logs otherwise or not at all.
    ///
    /// A symbol that cannot be understood costs the frames that use it.
    ///
    /// # Errors
    /// [`DefmtError`].
    pub fn of_elf(bytes: &[u8]) -> Result<Option<Self>, DefmtError> {
        let file = object::File::parse(bytes)?;
        let names = || file.symbols().filter_map(|symbol| symbol.name().ok());
        let says = |what: &str| {
            names().find_map(|name| Some(name.trim_matches('"').strip_prefix(what)?.to_owned()))
        };
        let Some(version) = says("_defmt_version_ = ") else { return Ok(None) };
        if version != VERSION {
            return Err(DefmtError::Version { found: version });
        }
        let encoding = match says("_defmt_encoding_ = ").as_deref() {
            Some("rzcobs") | None => Encoding::Rzcobs,
            Some("raw") => Encoding::Raw,
            Some(other) => return Err(DefmtError::Encoding { found: other.to_owned() }),
        };
        let mut table = Self { entries: Vec::new(), timestamp: None, encoding };
        let mut places = locations::read(&file);
        for symbol in file.symbols() {
            let Ok(name) = symbol.name() else { continue };
            let Ok(parsed) = serde_json::from_str::<Symbol>(name) else { continue };
            let Ok(index) = u16::try_from(symbol.address()) else { continue };
            let mut place = places.remove(name).unwrap_or_default();
            if place.module.is_none() {
                place.module = parsed.crate_name.as_deref().map(Arc::from);
            }
            table.add(index, &parsed, place);
        }
        Ok(Some(table))
    }

    fn add(&mut self, index: u16, symbol: &Symbol, place: locations::Place) {
        let Some(format) = Format::parse(&symbol.data) else { return };
        let level = match symbol.tag.as_str() {
            "defmt_timestamp" => {
                self.timestamp = Some(format);
                return;
            }
            "defmt_trace" => Some("trace".into()),
            "defmt_debug" => Some("debug".into()),
            "defmt_info" => Some("info".into()),
            "defmt_warn" => Some("warn".into()),
            "defmt_error" => Some("error".into()),
            tag if !tag.starts_with("defmt_") => return,
            _ => None,
        };
        let cases = match symbol.data.contains('|') {
            true => symbol.data.split('|').filter_map(Format::parse).collect(),
            false => Vec::new(),
        };
        let is_statement = level.is_some() || symbol.tag == "defmt_println";
        let index = usize::from(index);
        if index >= self.entries.len() {
            self.entries.resize_with(index + 1, || None);
        }
        self.entries[index] = Some(Entry { level, is_statement, format, cases, place });
    }

    fn entry(&self, index: u16) -> Option<&Entry> {
        self.entries.get(usize::from(index))?.as_ref()
    }
}
