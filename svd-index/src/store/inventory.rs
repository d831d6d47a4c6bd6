//! What a cache holds, and what of it may go.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::known::Known;
use super::{Cache, Kind, MAGIC};

/// A file that a writer left half done is removed once it is as old as this.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// How files under construction are called.
pub(super) const TEMPORARY_PREFIX: &str = ".silk-";

/// One index file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// What it was built from.
    pub kind: Kind,
    /// Version of its records.
    pub schema: u32,
    /// BLAKE3 of the content, in hexadecimal digits.
    pub content: String,
    /// Size in bytes.
    pub size: u64,
    /// When it was built.
    pub built: SystemTime,
    /// When it was last opened, to the hour.
    pub used: SystemTime,
    /// The sources that have this content, as far as known; first of several in no order.
    pub sources: Vec<PathBuf>,
}

/// Why an index file need not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispensable {
    /// A newer version has indexed the same content.
    Superseded,
    /// None of the files that it was built from is there any more.
    SourceGone,
    /// The cache is larger than it should be, and this was not used for longest.
    BeyondBound,
}

impl Cache {
    /// All index files, the one used last first. A folder that is not there has none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let files = match std::fs::read_dir(self.folder()) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut entries: Vec<Entry> =
            files.flatten().filter_map(|file| Entry::at(file.path())).collect();
        self.add_sources(&mut entries);
        entries.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.path.cmp(&b.path)));
        Ok(entries)
    }

    /// The entries that may go so that the others come to `bound` bytes, with the reason.
    ///
    /// `entries` are ordered as [`Cache::entries`] gives them.
    pub fn dispensable(entries: &[Entry], bound: u64) -> Vec<(&Entry, Dispensable)> {
        let mut kept = 0_u64;
        let judge = |entry| {
            if is_superseded(entry, entries) {
                return Some((entry, Dispensable::Superseded));
            }
            if entry.is_source_gone() {
                return Some((entry, Dispensable::SourceGone));
            }
            kept = kept.saturating_add(entry.size);
            (kept > bound).then_some((entry, Dispensable::BeyondBound))
        };
        entries.iter().filter_map(judge).collect()
    }

    /// Removes an index file; false if it is not the file any more that was listed.
    ///
    /// One step: who has the file mapped keeps its content, who opens it later builds it again.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn remove(&self, entry: &Entry) -> io::Result<bool> {
        match Entry::at(entry.path.clone()) {
            Some(now) if now.size == entry.size && now.built == entry.built => {}
            _ => return Ok(false),
        }
        match std::fs::remove_file(&entry.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forgets sources whose index is gone, and removes files that a writer left half done.
    pub fn tidy(&self) {
        let Ok(entries) = self.entries() else { return };
        let indexed: std::collections::HashSet<&str> =
            entries.iter().map(|entry| entry.content.as_str()).collect();
        for (path, known) in self.known() {
            if !indexed.contains(known.id().hex().as_str()) {
                // Another process may have been faster: either way it is gone.
                let _ = std::fs::remove_file(path);
            }
        }
        for folder in [self.folder().to_owned(), self.known_folder()] {
            for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let is_temporary = file.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX);
                let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
                let age = modified.and_then(|time| SystemTime::now().duration_since(time).ok());
                if is_temporary && age.is_some_and(|age| age > ABANDONED) {
                    let _ = std::fs::remove_file(file.path());
                }
            }
        }
    }

    /// Removes what was not used for longest until the rest comes to `bound` bytes. The file at
    /// `newest` stays. What cannot be removed stays too: this is housekeeping after a build.
    pub(super) fn keep_within(&self, bound: u64, newest: &Path) {
        let sizes = std::fs::read_dir(self.folder()).into_iter().flatten().flatten();
        let total: u64 = sizes.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        if total <= bound {
            return;
        }
        let entries = self.entries().unwrap_or_default();
        for (entry, _) in Self::dispensable(&entries, bound) {
            if entry.path != newest {
                let _ = self.remove(entry);
            }
        }
        self.tidy();
    }

    fn add_sources(&self, entries: &mut [Entry]) {
        let mut by_content: HashMap<String, Vec<(PathBuf, SystemTime)>> = HashMap::new();
        for (path, known) in self.known() {
            let used = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
            if let (Ok(used), Some(source)) = (used, known.source()) {
                by_content.entry(known.id().hex()).or_default().push((source.clone(), used));
            }
        }
        for entry in entries {
            for (source, used) in by_content.get(&entry.content).into_iter().flatten() {
                entry.sources.push(source.clone());
                entry.used = entry.used.max(*used);
            }
            entry.sources.sort();
            entry.sources.dedup();
        }
    }

    fn known(&self) -> Vec<(PathBuf, Known)> {
        let files = std::fs::read_dir(self.known_folder()).into_iter().flatten().flatten();
        files.filter_map(|file| Some((file.path(), Known::peek(&file.path())?))).collect()
    }
}

impl Entry {
    /// The index file at `path`; `None` unless name, type and first bytes say that it is one.
    fn at(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".idx")?;
        let (content, what) = name.split_once('-')?;
        let hexadecimal = content.bytes().all(|byte| byte.is_ascii_hexdigit());
        if content.len() != 64 || !hexadecimal {
            return None;
        }
        let (schema, kind) = [Kind::Svd, Kind::Elf, Kind::Words, Kind::Uses, Kind::Types]
            .into_iter()
            .find_map(|kind| Some((what.strip_prefix(kind.name())?.parse().ok()?, kind)))?;
        let content = content.to_owned();
        let metadata = std::fs::symlink_metadata(&path).ok().filter(|found| found.is_file())?;
        let mut first = [0; MAGIC.len()];
        std::fs::File::open(&path).ok()?.read_exact(&mut first).ok()?;
        let (size, built) = (metadata.len(), metadata.modified().ok()?);
        let sources = Vec::new();
        let entry = Self { path, kind, schema, content, size, built, used: built, sources };
        (first == MAGIC).then_some(entry)
    }

    /// True if it is known what it was built from, and none of that is there any more.
    pub fn is_source_gone(&self) -> bool {
        !self.sources.is_empty() && !self.sources.iter().any(|source| source.exists())
    }
}

/// True if a newer version of `silk` has indexed the same content.
fn is_superseded(entry: &Entry, entries: &[Entry]) -> bool {
    entries.iter().any(|other| {
        other.content == entry.content && other.kind == entry.kind && other.schema > entry.schema
    })
}
