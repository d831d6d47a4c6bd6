//! Corrects a wrong SVD without touching it: patches in the YAML of svdtools, which stm32-rs and
//! many vendor crates already use.
//!
//! Each rule means what it means to svdtools. Where svdtools stops at a rule that matches nothing
//! or cannot be followed, that rule alone is left out, with a warning that names its file and
//! line. So are the rules that are not supported: `_array`, `_cluster`, `_expand_array`,
//! `_expand_cluster`, and `_copy` from another file.
//!
//! Source: svdtools 0.5.0, README, "Device and Peripheral YAML Format".

mod block;
mod device;
mod field;
mod include;
mod register;
mod spec;
mod values;
mod yaml;

use std::path::{Path, PathBuf};

use bumpalo::Bump;

use super::tree::Device;
use crate::chip::records as rec;
use crate::store::{Stamped, Writer};
use yaml::{Key, Node};

pub(super) use yaml::Place;

/// No patch comes near this.
const MAX_FILE: u64 = 16 << 20;

/// Files that one patch includes, directly and not; stm32-rs has a few dozen.
const MAX_FILES: usize = 1000;

/// Warnings of one patch; more are counted.
const MAX_WARNINGS: usize = 200;

/// A patch and all that it includes, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The patch itself first.
    files: Vec<PatchFile>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct PatchFile {
    path: PathBuf,
    text: String,
}

/// Why a patch cannot be applied at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// A file is missing, or may not be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// The patch, or what it includes.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is larger than any patch, or there are too many.
    #[error("`{}` {what}", path.display())]
    TooLarge {
        /// The patch, or what it includes.
        path: PathBuf,
        /// Which bound it breaks.
        what: String,
    },
    /// It is not YAML.
    #[error("`{}` is not valid YAML: line {line}: {why}", path.display())]
    NotYaml {
        /// The patch, or what it includes.
        path: PathBuf,
        /// From 1.
        line: u32,
        /// What the reader says.
        why: String,
    },
}

/// A rule that was not followed.
#[derive(Debug)]
pub(super) struct PatchWarning {
    pub(super) place: Place,
    /// The element that it is about.
    pub(super) path: String,
    pub(super) what: String,
    pub(super) assumed: String,
}

impl Patch {
    /// Reads the patch at `path` and what it includes.
    ///
    /// # Errors
    /// A file is missing or no YAML.
    pub fn load(path: &Path) -> Result<Self, PatchError> {
        Self::load_stamped(path).map(|(patch, _)| patch)
    }

    pub(crate) fn load_stamped(path: &Path) -> Result<(Self, Vec<Stamped>), PatchError> {
        let (mut files, mut stamps) = (Vec::<PatchFile>::new(), Vec::new());
        let mut open = vec![path.to_owned()];
        while let Some(path) = open.pop() {
            if files.iter().any(|file| file.path == path) {
                continue;
            }
            if files.len() >= MAX_FILES {
                let what = format!("is one more than the {MAX_FILES} files a patch may have");
                return Err(PatchError::TooLarge { path, what });
            }
            let read = |source| PatchError::Read { path: path.clone(), source };
            if std::fs::metadata(&path).map_err(read)?.len() > MAX_FILE {
                let what = format!("is larger than {MAX_FILE} bytes, which no patch is");
                return Err(PatchError::TooLarge { path, what });
            }
            let (bytes, stamp) = Stamped::read(&path, MAX_FILE).map_err(read)?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let root = parse(&path, &text, 0)?;
            let mut included = include::paths(&path, &root);
            included.reverse();
            open.extend(included);
            files.push(PatchFile { path, text });
            stamps.push(stamp);
        }
        Ok((Self { files }, stamps))
    }

    /// As [`Patch::load`], from text that includes nothing.
    ///
    /// # Errors
    /// It is no YAML.
    pub fn from_text(path: &Path, text: &str) -> Result<Self, PatchError> {
        parse(path, text, 0)?;
        Ok(Self { files: vec![PatchFile { path: path.to_owned(), text: text.to_owned() }] })
    }

    /// The files, the patch itself first.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// Adds to `content` what tells this patch from others: warnings name its files too.
    pub(super) fn hash_into(&self, content: &mut Vec<u8>) {
        for file in &self.files {
            let path = file.path.as_os_str().as_encoded_bytes();
            for part in [path, file.text.as_bytes()] {
                content.extend((part.len() as u64).to_le_bytes());
                content.extend(part);
            }
        }
        content.extend(u64::MAX.to_le_bytes());
    }
}

fn parse(path: &Path, text: &str, file: u32) -> Result<Node, PatchError> {
    yaml::parse(text, file).map_err(|yaml::Broken { line, why }| PatchError::NotYaml {
        path: path.into(),
        line,
        why,
    })
}

/// Applies `patches`, one after the other.
pub(super) fn apply<'a>(
    device: &mut Device<'a>,
    patches: &[Patch],
    memory: &'a Bump,
) -> Vec<PatchWarning> {
    let mut patcher = Patcher { memory, warnings: Vec::new(), suppressed: 0 };
    let mut first = 0;
    for patch in patches {
        let mut parsed = Vec::with_capacity(patch.files.len());
        for (number, file) in patch.files.iter().enumerate() {
            let root = parse(&file.path, &file.text, first + number as u32);
            parsed.push((file.path.as_path(), root.expect("it was parsed when it was loaded")));
        }
        if let Some(root) = include::merged(&parsed, &mut patcher) {
            patcher.device(device, &root);
        }
        first += patch.files.len() as u32;
    }
    patcher.finish()
}

/// Stores which files patched what, and which rules were not followed; nothing without patches.
pub(super) fn write(
    writer: &mut Writer,
    patched: &[rec::PatchedRecord],
    patches: &[Patch],
    oddities: &[PatchWarning],
) {
    if patches.is_empty() {
        return;
    }
    let paths = patches.iter().flat_map(Patch::paths);
    let files: Vec<_> =
        paths.map(|path| rec::PatchRecord { path: writer.text(&path.to_string_lossy()) }).collect();
    let warnings: Vec<_> = oddities
        .iter()
        .map(|odd| rec::PatchWarningRecord {
            path: writer.text(&odd.path),
            what: writer.text(&odd.what),
            assumed: writer.text(&odd.assumed),
            file: odd.place.file,
            line: odd.place.line,
        })
        .collect();
    writer
        .section(rec::PATCHES, &files)
        .section(rec::PATCHED, patched)
        .section(rec::PATCH_WARNINGS, &warnings);
}

/// Follows rules and collects what is odd about them.
struct Patcher<'a> {
    /// Where texts and fields live that the tree refers to.
    memory: &'a Bump,
    warnings: Vec<PatchWarning>,
    suppressed: usize,
}

impl Patcher<'_> {
    fn warn(&mut self, place: Place, path: &str, what: impl Into<String>) {
        self.warn_assuming(place, path, what.into(), "the rule is left out");
    }

    fn warn_assuming(&mut self, place: Place, path: &str, what: String, assumed: &str) {
        if self.warnings.len() >= MAX_WARNINGS {
            self.suppressed += 1;
            return;
        }
        let (path, assumed) = (path.to_owned(), assumed.to_owned());
        self.warnings.push(PatchWarning { place, path, what, assumed });
    }

    /// Of a rule that is for nothing; `present` are the names it could be for.
    fn warn_unmatched<'n>(
        &mut self,
        place: Place,
        path: &str,
        what: &str,
        present: impl Iterator<Item = &'n str>,
    ) {
        let mut names: Vec<&str> = present.take(MAX_PRESENT + 1).collect();
        let more = if names.len() > MAX_PRESENT { ", …" } else { "" };
        names.truncate(MAX_PRESENT);
        let there = match names.is_empty() {
            true => "there is none at all".to_owned(),
            false => format!("there are {}{more}", names.join(", ")),
        };
        self.warn(place, path, format!("no {what}; {there}"));
    }

    fn unsupported(&mut self, key: &Key, path: &str) {
        let what = format!("`{}` is not supported here", key.text);
        self.warn(key.place, path, what);
    }

    fn finish(mut self) -> Vec<PatchWarning> {
        if self.suppressed > 0 {
            let what = format!("{} more rules of patches were left out", self.suppressed);
            self.warnings.push(PatchWarning {
                place: Place::default(),
                path: String::new(),
                what,
                assumed: "not listed".into(),
            });
        }
        self.warnings
    }
}

/// Names listed in a warning.
const MAX_PRESENT: usize = 12;

/// `P.R`, or `R` where there is nothing around.
fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
