//! What a project's own files say of its chip, register map, firmware and probe.
//!
//! Each kind of file has one reader, pure from text to [`Said`], so that a file nobody expected
//! costs at most itself. [`look`] walks a folder, runs the readers in order of precedence and
//! chooses ([`choose`]):
//!
//! 1. what was given as a flag,
//! 2. what `cargo run` and `cargo embed` flash (`.cargo/config.toml`, `Embed.toml`),
//! 3. what the editor debugs (`.vscode/`),
//! 4. what the vendor's tools were told (`*.ioc`, `platformio.ini`, a Zephyr build, Cargo features),
//! 5. files that were found and fit, such as an ELF that a build left or an installed pack's SVD.
//!
//! Of what was only found, nothing is chosen unless there is exactly one.

mod agreement;
mod boards;
mod cargo;
mod chip;
mod choose;
mod cubemx;
mod elf;
mod embed;
mod jsonc;
mod linker;
mod look;
mod paths;
mod platformio;
mod svd;
pub(crate) mod tree;
mod vscode;
mod zephyr;

use std::path::PathBuf;

pub(crate) use agreement::agreement;
pub(crate) use chip::fits as svd_fits_chip;
pub(crate) use look::{Look, Surroundings, look};

/// A setting that can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// `chip.name`
    Chip,
    /// `chip.svd`
    Svd,
    /// `firmware.elf`
    Elf,
    /// `board.probe`
    Probe,
}

impl Key {
    /// Every key, in the order of `silk.toml`.
    pub(crate) const ALL: [Self; 4] = [Self::Chip, Self::Svd, Self::Elf, Self::Probe];

    /// Table and key in `silk.toml`.
    pub(crate) fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Chip => ("chip", "name"),
            Self::Svd => ("chip", "svd"),
            Self::Elf => ("firmware", "elf"),
            Self::Probe => ("board", "probe"),
        }
    }

    /// `chip.name`
    pub(crate) fn path(self) -> String {
        let (table, key) = self.parts();
        format!("{table}.{key}")
    }
}

/// How far a finding can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    /// Given outright, by a flag. All of them are chosen, and nothing else.
    Given,
    /// Somebody named it for a tool that does the same job.
    Named,
    /// A file that is there and of the right kind; chosen if it is the only one of its group.
    Found,
    /// Worth showing, never chosen.
    Hint,
}

/// What one file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) key: Key,
    pub(crate) value: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) strength: Strength,
    /// What a reader of the file would not see at once; may be empty.
    pub(crate) why: String,
}

impl Said {
    fn named(key: Key, value: impl Into<String>, line: usize) -> Self {
        let (value, why) = (value.into(), String::new());
        Self { key, value, line, strength: Strength::Named, why }
    }

    fn hint(key: Key, value: impl Into<String>, line: usize, why: impl Into<String>) -> Self {
        Self { strength: Strength::Hint, why: why.into(), ..Self::named(key, value, line) }
    }

    fn because(self, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..self }
    }
}

/// A value for a setting, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) key: Key,
    /// As it goes into `silk.toml`: paths are relative to the project where they lie in it.
    pub(crate) value: String,
    /// The file that says so, relative to the project; none for flags and probes.
    pub(crate) file: Option<PathBuf>,
    /// Line in it, from 1; none if the file itself is the finding.
    pub(crate) line: Option<usize>,
    pub(crate) strength: Strength,
    pub(crate) why: String,
    /// It goes into `silk.toml`; the others are shown beside it.
    pub(crate) chosen: bool,
}

impl Finding {
    /// `.cargo/config.toml:2`, with the reason if there is one.
    pub(crate) fn origin(&self) -> String {
        let place = match (&self.file, self.line) {
            // A file that is itself what was found need not be told twice.
            (Some(file), None) if file.as_os_str() == self.value.as_str() => String::new(),
            (Some(file), Some(line)) => format!("{}:{line}", file.display()),
            (Some(file), None) => file.display().to_string(),
            (None, _) => String::new(),
        };
        match (place.is_empty(), self.why.is_empty()) {
            (true, _) => self.why.clone(),
            (false, true) => place,
            (false, false) => format!("{place}, {}", self.why),
        }
    }
}

/// Line, from 1, of the byte at `offset`.
fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
