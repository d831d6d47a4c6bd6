//! One `silk.toml`: its keys, and warnings for those nobody knows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gateway::config::file::{Note, UnknownKey, parse_toml};
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
    let (value, unknown) = parse_toml(text).map_err(wrong)?;
    let warning = |key: &UnknownKey| {
        let Note { line, text } = key.note();
        match line {
            Some(line) => format!("{}:{line}: {text}", path.display()),
            None => format!("{}: {text}", path.display()),
        }
    };
    Ok((value, unknown.iter().map(warning).collect()))
}
