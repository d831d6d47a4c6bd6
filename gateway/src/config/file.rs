//! A gateway's configuration as text: LiteLLM's YAML or our TOML, told apart by
//! what stands in it.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::litellm::{self, Wrong};
use super::yaml::Lines;
use super::{GatewayConfig, Tier};
use crate::table::Place;

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// LiteLLM's `config.yaml`.
    LiteLlm,
    /// A `silk.toml`, or a file with its `[gateway]` table.
    Toml,
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it says; keys that the environment holds are not filled in yet.
    pub config: GatewayConfig,
    /// Which form it had.
    pub form: Form,
    /// What is odd about it but not wrong.
    pub notes: Vec<Note>,
    text: String,
}

/// Something to be told about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// From 1; `None`: about the whole.
    pub line: Option<usize>,
    /// What.
    pub text: String,
}

/// A key that stands in a file and means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey {
    /// From 1; `None`: unknown.
    pub line: Option<usize>,
    /// The keys from the top to it.
    pub path: Vec<String>,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("understand the gateway's configuration: {text}")]
pub struct Broken {
    /// From 1; `None`: unknown, or about the whole.
    pub line: Option<usize>,
    /// What is wrong, on one line.
    pub text: String,
}

/// Our own file; other tables of a `silk.toml` are none of the gateway's.
#[derive(Deserialize)]
struct OwnFile {
    gateway: GatewayConfig,
}

/// Reads a configuration. Nothing is looked up in the environment.
///
/// # Errors
/// [`Broken`], with the line where it is known.
pub fn read(text: &str) -> Result<Loaded, Broken> {
    match form(text) {
        Form::LiteLlm => read_yaml(text),
        Form::Toml => read_toml(text),
    }
}

/// YAML has a `key:` where TOML has a `[table]` or `key =`: the first line
/// that is neither blank nor a comment tells.
fn form(text: &str) -> Form {
    let mut lines = text.lines().map(|line| line.trim_start_matches('\u{feff}').trim());
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let key = first.split(['=', ':', '{']).next().unwrap_or_default();
    let is_toml = first.starts_with('[') || first[key.len()..].starts_with('=');
    if is_toml { Form::Toml } else { Form::LiteLlm }
}

fn read_yaml(text: &str) -> Result<Loaded, Broken> {
    let lines = Lines::of(text);
    let line_of = |path: &[String]| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        (1..=path.len()).rev().find_map(|length| lines.line(&path[..length]))
    };
    let mut unknown = Vec::new();
    let document = yaml_serde::Deserializer::from_str(text);
    let file: Result<litellm::File, _> =
        serde_ignored::deserialize(document, |path| unknown.push(segments(&path)));
    let file = file.map_err(|error| {
        let line = error.location().map(|place| place.line());
        Broken { line, text: first_line(&error.to_string()) }
    })?;
    let note = |wrong: Wrong| Note { line: line_of(&wrong.path), text: wrong.text };
    let unknown = unknown.into_iter().map(|path| UnknownKey { line: line_of(&path), path });
    let mut notes: Vec<Note> = unknown.map(|key| key.note()).collect();
    let (config, odd) = file.into_config().map_err(|wrong| {
        let Note { line, text } = note(wrong);
        Broken { line, text }
    })?;
    notes.extend(odd.into_iter().map(note));
    notes.sort_by_key(|note| note.line);
    Ok(Loaded { config, form: Form::LiteLlm, notes, text: text.to_owned() })
}

fn read_toml(text: &str) -> Result<Loaded, Broken> {
    let wrong = |error: toml::de::Error| {
        let line = error.span().map(|span| line_at(text, span.start));
        Broken { line, text: first_line(error.message()) }
    };
    let (file, unknown): (OwnFile, _) = parse_toml(text).map_err(wrong)?;
    // `[chip]` and its like are the rest of a `silk.toml`.
    let ours = unknown.into_iter().filter(|key| key.path.first().is_some_and(|k| k == "gateway"));
    let mut notes: Vec<Note> = ours.map(|key| key.note()).collect();
    notes.sort_by_key(|note| note.line);
    Ok(Loaded { config: file.gateway, form: Form::Toml, notes, text: text.to_owned() })
}

/// Reads TOML of any form, with the keys in it that nobody knows.
///
/// # Errors
/// It is no TOML, or a value has the wrong type.
pub fn parse_toml<T: DeserializeOwned>(
    text: &str,
) -> Result<(T, Vec<UnknownKey>), toml::de::Error> {
    let document = toml::de::Deserializer::parse(text)?;
    let mut unknown = Vec::new();
    let value = serde_ignored::deserialize(document, |path| unknown.push(segments(&path)))?;
    let located = |path: Vec<String>| UnknownKey { line: toml_line(text, &path), path };
    Ok((value, unknown.into_iter().map(located).collect()))
}

impl UnknownKey {
    /// What is said of it.
    pub fn note(&self) -> Note {
        let text = format!("unknown option `{}` is ignored", self.path.join("."));
        Note { line: self.line, text }
    }
}

impl Loaded {
    /// The line, from 1, on which `place` stands.
    pub fn line_of(&self, place: &Place) -> Option<usize> {
        let paths = paths(place, self.form);
        match self.form {
            Form::LiteLlm => {
                let lines = Lines::of(&self.text);
                paths.iter().find_map(|path| {
                    lines.line(&path.iter().map(String::as_str).collect::<Vec<_>>())
                })
            }
            Form::Toml => paths.iter().find_map(|path| toml_line(&self.text, path)),
        }
    }
}

/// Where `place` may stand, the likeliest first.
fn paths(place: &Place, form: Form) -> Vec<Vec<String>> {
    let way = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let ours = |keys: &[&str]| vec![way(&[&["gateway"], keys].concat())];
    match (place, form) {
        (Place::Endpoint(index), Form::LiteLlm) => vec![way(&["model_list", &index.to_string()])],
        (Place::Endpoint(index), Form::Toml) => ours(&["endpoints", &index.to_string()]),
        (Place::Pattern(index, place), Form::LiteLlm) => {
            let (index, place) = (index.to_string(), place.to_string());
            vec![way(&["model_list", &index, "litellm_params", "tag_regex", &place])]
        }
        (Place::Pattern(index, place), Form::Toml) => {
            ours(&["endpoints", &index.to_string(), "tag_regex", &place.to_string()])
        }
        (Place::Tier(tier), _) => ours(&["tiers", Tier::as_str(*tier)]),
        (Place::Alias(alias), Form::LiteLlm) => {
            vec![way(&["router_settings", "model_group_alias", alias])]
        }
        (Place::Alias(alias), Form::Toml) => ours(&["routing", "aliases", alias]),
        (Place::Fallbacks(model), Form::LiteLlm) => {
            let mut ways = Vec::new();
            for settings in ["router_settings", "litellm_settings"] {
                for kind in ["fallbacks", "context_window_fallbacks"] {
                    let items =
                        (0..64).map(|item| way(&[settings, kind, &item.to_string(), model]));
                    ways.extend(items);
                }
                ways.push(way(&[settings, "default_fallbacks"]));
            }
            ways
        }
        (Place::Fallbacks(model), Form::Toml) => [
            ours(&["routing", "fallbacks", model]),
            ours(&["routing", "context_window_fallbacks", model]),
            ours(&["routing", "default_fallbacks"]),
        ]
        .concat(),
        (Place::User(index), _) => ours(&["server", "users", &index.to_string()]),
        (Place::Residency, _) => ours(&["routing", "residency"]),
        (Place::Redis, _) => ours(&["server", "redis"]),
        (Place::Tracing, _) => ours(&["server", "tracing"]),
    }
}

/// The line, from 1, on which a key of TOML, or an item of a list, stands.
fn toml_line(text: &str, path: &[String]) -> Option<usize> {
    let document = toml_edit::Document::parse(text).ok()?;
    let (last, parents) = path.split_last()?;
    let mut item = document.as_item();
    for parent in parents {
        item = match parent.parse::<usize>() {
            Ok(index) if !item.is_table_like() => item.get(index)?,
            _ => item.get(parent.as_str())?,
        };
    }
    let span = match (item.as_table_like(), last.parse::<usize>()) {
        (Some(table), _) => {
            let (key, value) = table.get_key_value(last)?;
            key.span().or_else(|| value.span())
        }
        (None, Ok(index)) => match item.as_array_of_tables() {
            Some(tables) => tables.get(index)?.span(),
            None => item.get(index)?.span(),
        },
        (None, Err(_)) => None,
    };
    span.map(|span| line_at(text, span.start))
}

/// The keys from the top to an ignored one. Options and newtypes on the way
/// have no key.
fn segments(path: &serde_ignored::Path<'_>) -> Vec<String> {
    use serde_ignored::Path as P;
    match path {
        P::Root => Vec::new(),
        P::Map { parent, key } => [segments(parent), vec![key.clone()]].concat(),
        P::Seq { parent, index } => [segments(parent), vec![index.to_string()]].concat(),
        P::Some { parent } | P::NewtypeStruct { parent } | P::NewtypeVariant { parent } => {
            segments(parent)
        }
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end().to_owned()
}
