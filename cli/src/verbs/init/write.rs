//! The text of a `silk.toml`: a fresh one, or an existing one brought up to date.

use std::io::Write;
use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use super::shown_origin;
use crate::config::file;
use crate::exit::{Exit, Failure};
use crate::project::{Key, Look};

/// The text of `path`, if there is such a file.
///
/// # Errors
/// Usage, if it cannot be read or is not a valid `silk.toml`: then nothing may be lost with it.
pub(super) fn load(path: &Path) -> Result<Option<String>, Failure> {
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read `{}`", path.display())).caused_by(&error)
    })?;
    file::parse(path, &text)?;
    Ok(Some(text))
}

/// A new file: what was chosen, and the rest as comments beside it.
pub(super) fn fresh(found: &Look) -> String {
    let mut text =
        String::from("# Written by `silk init` from what this project says. Yours to edit.\n");
    let mut open = "";
    for key in Key::ALL {
        let (table, name) = key.parts();
        let chosen = chosen(found, key);
        if chosen.is_none() && found.others(key).next().is_none() {
            continue;
        }
        if open != table {
            text.push_str(&format!("\n[{table}]\n"));
            open = table;
        }
        if let Some((value, origin)) = chosen {
            text.push_str(&format!("{name} = {value}  # {origin}\n"));
        }
        for other in found.others(key) {
            let value = Value::from(other.value.as_str());
            text.push_str(&format!("# {name} = {value}  # {}\n", shown_origin(other)));
        }
    }
    text
}

/// `existing` with the chosen values in their places. All else stays as it is.
pub(super) fn updated(existing: &str, found: &Look) -> Result<String, Failure> {
    let mut document: DocumentMut = existing.parse().map_err(|error: toml_edit::TomlError| {
        Failure::new(Exit::Usage, "silk.toml cannot be edited").caused_by(&error)
    })?;
    for key in Key::ALL {
        let Some((mut value, origin)) = chosen(found, key) else { continue };
        let (table, name) = key.parts();
        let item = document.entry(table).or_insert_with(|| Item::Table(Table::new()));
        // A comment inside `chip = { name = "…" }` would swallow the rest of the line.
        let has_lines = item.is_table();
        let Some(table) = item.as_table_like_mut() else { continue };
        if table.get(name).is_some_and(|old| strings(old) == values(found, key)) {
            continue;
        }
        if has_lines {
            value.decor_mut().set_suffix(format!("  # {origin}"));
        }
        table.insert(name, Item::Value(value));
    }
    Ok(document.to_string())
}

/// What `existing` says otherwise: one line for each key.
pub(super) fn differences(existing: &str, found: &Look) -> Vec<String> {
    let document: DocumentMut = existing.parse().unwrap_or_default();
    let differing = Key::ALL.into_iter().filter_map(|key| {
        let found = values(found, key);
        let (table, name) = key.parts();
        let there = document.get(table).and_then(|table| table.get(name));
        let there = there.map(strings).unwrap_or_default();
        if found.is_empty() || found == there {
            return None;
        }
        let shown = |values: &[String]| match values {
            [] => "nothing".to_owned(),
            values => values.join(", "),
        };
        Some(format!("{}: {} in the file, {} found", key.path(), shown(&there), shown(&found)))
    });
    differing.collect()
}

/// Writes `text` in full or not at all: a temporary file beside it takes its place.
pub(super) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // A link stays a link; what it points to is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let temporary = path.with_extension(format!("toml.{}", std::process::id()));
    let written = std::fs::File::create_new(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// The value for `key`, a list if several were given, and where it comes from.
fn chosen(found: &Look, key: Key) -> Option<(Value, String)> {
    let origin = shown_origin(found.chosen(key).next()?);
    let values = values(found, key);
    let value = match values.as_slice() {
        [one] => Value::from(one.as_str()),
        several => Value::Array(several.iter().collect::<Array>()),
    };
    Some((value, origin))
}

fn values(found: &Look, key: Key) -> Vec<String> {
    found.chosen(key).map(|finding| finding.value.clone()).collect()
}

/// A string, or a list of them.
fn strings(item: &Item) -> Vec<String> {
    match item.as_array() {
        Some(list) => list.iter().filter_map(|entry| Some(entry.as_str()?.to_owned())).collect(),
        None => item.as_str().map(str::to_owned).into_iter().collect(),
    }
}
