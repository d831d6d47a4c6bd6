//! One `silk.toml`: its keys, and warnings for those nobody knows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::exit::{Exit, Failure};

/// The keys of a `silk.toml`. Every one may be left out.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FileConfig {
    #[serde(default)]
    pub(crate) chip: ChipTable,
    #[serde(default)]
    pub(crate) firmware: FirmwareTable,
    #[serde(default)]
    pub(crate) board: BoardTable,
    #[serde(default)]
    pub(crate) gateway: gateway::GatewayConfig,
    /// `gateway.allow_remote` as it stands in the file: a later `false` must be able to win.
    #[serde(skip)]
    pub(crate) allow_remote: Option<bool>,
    #[serde(default)]
    pub(crate) budget: BudgetTable,
}

/// `[chip]`
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ChipTable {
    pub(crate) name: Option<String>,
    pub(crate) svd: Option<OneOrMany>,
    pub(crate) patches: Option<OneOrMany>,
    pub(crate) memory: Option<PathBuf>,
}

/// `[firmware]`
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FirmwareTable {
    pub(crate) elf: Option<OneOrMany>,
    /// Folders as the debug information has them, and where they are.
    #[serde(default, rename = "source-map")]
    pub(crate) source_map: BTreeMap<String, PathBuf>,
}

/// `[board]`: the probe, and what the chip cannot tell about the board.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct BoardTable {
    pub(crate) probe: Option<String>,
    pub(crate) hse_hz: Option<u64>,
    pub(crate) hfxo_hz: Option<u64>,
}

/// `[budget]`
#[derive(Debug, Default, Deserialize)]
pub(crate) struct BudgetTable {
    pub(crate) tokens: Option<usize>,
}

/// A path, or a list of paths.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

impl OneOrMany {
    /// The paths, those that are relative taken from `folder`.
    pub(crate) fn under(&self, folder: &Path) -> Vec<PathBuf> {
        match self {
            Self::One(path) => vec![folder.join(path)],
            Self::Many(paths) => paths.iter().map(|path| folder.join(path)).collect(),
        }
    }
}

/// Reads one file. The strings are warnings about keys that nobody knows.
///
/// # Errors
/// Usage, with line and column, if the file is not TOML or a value has the wrong type.
pub(crate) fn load(path: &Path) -> Result<(FileConfig, Vec<String>), Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read `{}`", path.display())).caused_by(&error)
    })?;
    parse(path, &text)
}

/// As [`load`], from text.
pub(crate) fn parse(path: &Path, text: &str) -> Result<(FileConfig, Vec<String>), Failure> {
    let (mut config, warnings): (FileConfig, _) = read_toml(path, text)?;
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    config.allow_remote = table
        .get("gateway")
        .and_then(|gateway| gateway.get("allow_remote"))
        .and_then(toml::Value::as_bool);
    Ok((config, warnings))
}

/// A TOML file of any form. The strings are warnings about keys that nobody knows.
///
/// # Errors
/// Usage, with line and column, if the file is not TOML or a value has the wrong type.
pub(crate) fn read_toml<T: serde::de::DeserializeOwned>(
    path: &Path,
    text: &str,
) -> Result<(T, Vec<String>), Failure> {
    let wrong = |error: toml::de::Error| {
        Failure::new(Exit::Usage, format!("`{}` is not a valid configuration", path.display()))
            .detail(error.to_string().trim_end())
    };
    let mut unknown = Vec::new();
    let value: T = serde_ignored::deserialize(
        toml::de::Deserializer::parse(text).map_err(wrong)?,
        |key: serde_ignored::Path<'_>| unknown.push(segments(&key)),
    )
    .map_err(wrong)?;
    let warnings = unknown
        .iter()
        .map(|key| {
            let place = match line_of(text, key) {
                Some(line) => format!("{}:{line}", path.display()),
                None => path.display().to_string(),
            };
            format!("{place}: unknown option `{}` is ignored", key.join("."))
        })
        .collect();
    Ok((value, warnings))
}

/// The keys from the top to an ignored one. Options and newtypes on the way have no key.
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

/// Line, from 1, on which a key stands.
fn line_of(text: &str, key: &[String]) -> Option<usize> {
    let document = toml_edit::Document::parse(text).ok()?;
    let (last, parents) = key.split_last()?;
    let mut item = document.as_item();
    for parent in parents {
        item = match parent.parse::<usize>() {
            Ok(index) if !item.is_table_like() => item.get(index)?,
            _ => item.get(parent.as_str())?,
        };
    }
    let table = item.as_table_like()?;
    let (key, value) = table.get_key_value(last)?;
    let start = key.span().or_else(|| value.span())?.start;
    Some(text[..start].bytes().filter(|byte| *byte == b'\n').count() + 1)
}
