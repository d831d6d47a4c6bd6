//! `silk index list` and `gc`: the folder of index files.
//!
//! Files are named by the content of their source (see [`svd_index::store`]), not by its path:
//! the path is told for the sources that this project's settings name.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use svd_index::Chip;
use svd_index::store::{FORMAT, Kind, SourceId};

use crate::args::GcArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::VERSION;
use crate::session::Session;
use crate::ui::{CARE, QUIET, STRONG, printable};

/// First bytes of every index file.
const MAGIC: &[u8] = b"SILKIDX\0";

/// One index file.
struct Entry {
    path: PathBuf,
    kind: Kind,
    schema: u32,
    /// BLAKE3 of the source, hexadecimal.
    source: String,
    size: u64,
    built: SystemTime,
}

/// A line of `silk index list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    version: u32,
    file: &'a Path,
    kind: &'static str,
    content: &'a str,
    /// Null where none of this project's sources has that content.
    source: Option<&'a Path>,
    /// Null for firmware, and where the file cannot be read by this version.
    device: Option<String>,
    size_bytes: u64,
    /// Since it was built; null where the clock went back.
    age_s: Option<u64>,
}

/// A line of `silk index gc --json`.
#[derive(Serialize)]
struct Removed<'a> {
    version: u32,
    event: &'static str,
    file: &'a Path,
    size_bytes: u64,
    reason: &'static str,
}

/// The last line of both.
#[derive(Serialize)]
struct Totals<'a> {
    version: u32,
    event: &'static str,
    folder: &'a Path,
    files: usize,
    size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    freed_bytes: Option<u64>,
}

/// `silk index list`
pub(super) fn list(session: &mut Session) -> Outcome {
    let folder = folder(session);
    let entries = entries(&folder)?;
    let sources = configured_sources(session);
    let total: u64 = entries.iter().map(|entry| entry.size).sum();
    for entry in &entries {
        let listed = Listed {
            version: VERSION,
            file: &entry.path,
            kind: kind_name(entry.kind),
            content: &entry.source,
            source: sources.get(&entry.source).map(PathBuf::as_path),
            device: device(entry),
            size_bytes: entry.size,
            age_s: age_s(entry),
        };
        if session.ui.json {
            session.ui.json_line(&listed)?;
        } else {
            list_line(&mut session.ui.out, &listed)?;
        }
    }
    totals(session, &folder, entries.len(), total, None)
}

fn list_line(out: &mut impl Write, listed: &Listed<'_>) -> Result<(), Failure> {
    let Listed { kind, content, size_bytes, .. } = listed;
    let age = listed.age_s.map_or_else(|| "in the future".to_owned(), age_text);
    let device = match &listed.device {
        Some(device) => printable(device),
        None if *kind == "svd" => "of another version, or damaged".to_owned(),
        None if *kind == "words" => "words of a chip".to_owned(),
        None => "firmware".to_owned(),
    };
    let source = match listed.source {
        Some(path) => printable(&path.display().to_string()),
        None => format!("{QUIET}content {}…{QUIET:#}", &content[..12]),
    };
    let size = mib(*size_bytes);
    writeln!(out, "{kind}  {size:>9}  {age:>12}  {STRONG}{device}{STRONG:#}  {source}")?;
    Ok(())
}

/// `silk index gc`
pub(super) fn gc(session: &mut Session, args: &GcArgs) -> Outcome {
    let folder = folder(session);
    let entries = entries(&folder)?;
    let bound = args.max_size.saturating_mul(1 << 20);
    let (mut files, mut kept, mut freed) = (0, 0, 0);
    for (entry, reason) in condemned(&entries, bound) {
        let Some(reason) = reason else {
            files += 1;
            kept += entry.size;
            continue;
        };
        if !args.dry_run && !remove(entry)? {
            continue;
        }
        freed += entry.size;
        let event = if args.dry_run { "would_remove" } else { "removed" };
        if session.ui.json {
            let (file, size_bytes) = (entry.path.as_path(), entry.size);
            session.ui.json_line(&Removed { version: VERSION, event, file, size_bytes, reason })?;
        } else {
            let verb = if args.dry_run { "would remove" } else { "removed" };
            let (file, size) = (entry.path.display(), mib(entry.size));
            writeln!(session.ui.out, "{verb} {file}  {size}  {CARE}{reason}{CARE:#}")?;
        }
    }
    totals(session, &folder, files, kept, Some(freed))
}

/// Each file, newest first, with the reason to remove it, if there is one.
fn condemned(entries: &[Entry], bound: u64) -> Vec<(&Entry, Option<&'static str>)> {
    let mut kept = 0_u64;
    let judge = |entry| {
        if is_superseded(entry, entries) {
            return (entry, Some("superseded by a newer version's"));
        }
        kept = kept.saturating_add(entry.size);
        (entry, (kept > bound).then_some("beyond the size bound"))
    };
    entries.iter().map(judge).collect()
}

/// True if a newer version of `silk` has indexed the same content.
fn is_superseded(entry: &Entry, entries: &[Entry]) -> bool {
    entries.iter().any(|other| {
        other.source == entry.source && other.kind == entry.kind && other.schema > entry.schema
    })
}

/// Removes an index file; false if it is not the file any more that was listed.
///
/// One step: who has the file mapped keeps its content, who opens it later builds it again.
fn remove(entry: &Entry) -> Result<bool, Failure> {
    match Entry::at(entry.path.clone()) {
        Some(now) if now.size == entry.size && now.built == entry.built => {}
        _ => return Ok(false),
    }
    match std::fs::remove_file(&entry.path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => {
            let what = format!("failed to remove `{}`", entry.path.display());
            Err(Failure::new(Exit::Usage, what).caused_by(&error))
        }
    }
}

fn totals(
    session: &mut Session,
    folder: &Path,
    files: usize,
    size_bytes: u64,
    freed_bytes: Option<u64>,
) -> Outcome {
    if session.ui.json {
        let (version, event) = (VERSION, "summary");
        let totals = Totals { version, event, folder, files, size_bytes, freed_bytes };
        session.ui.json_line(&totals)?;
        return Ok(Exit::Ok);
    }
    let (plural, size) = (if files == 1 { "" } else { "es" }, mib(size_bytes));
    let freed = freed_bytes.map(|bytes| format!(", {} freed", mib(bytes))).unwrap_or_default();
    writeln!(session.ui.out, "{files} index{plural}, {size}{freed}, in {}", folder.display())?;
    Ok(Exit::Ok)
}

fn folder(session: &Session) -> PathBuf {
    session.config.folders.cache.join("index").join(format!("v{FORMAT}"))
}

/// The index files in `folder`, newest first. A folder that is not there has none.
fn entries(folder: &Path) -> Result<Vec<Entry>, Failure> {
    let files = match std::fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            let what = format!("failed to read `{}`", folder.display());
            return Err(Failure::new(Exit::Usage, what).caused_by(&error));
        }
    };
    let mut entries: Vec<Entry> =
        files.flatten().filter_map(|file| Entry::at(file.path())).collect();
    entries.sort_by(|a, b| b.built.cmp(&a.built).then_with(|| a.path.cmp(&b.path)));
    Ok(entries)
}

impl Entry {
    /// The index file at `path`; `None` unless name, type and first bytes say that it is one.
    fn at(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".idx")?;
        let (source, what) = name.split_once('-')?;
        let hexadecimal = source.bytes().all(|byte| byte.is_ascii_hexdigit());
        if source.len() != 64 || !hexadecimal {
            return None;
        }
        let kinds = [("svd", Kind::Svd), ("elf", Kind::Elf), ("words", Kind::Words)];
        let (schema, kind) = kinds
            .iter()
            .find_map(|(name, kind)| Some((what.strip_prefix(name)?.parse().ok()?, *kind)))?;
        let source = source.to_owned();
        let metadata = std::fs::symlink_metadata(&path).ok().filter(|found| found.is_file())?;
        let mut first = [0; MAGIC.len()];
        std::fs::File::open(&path).ok()?.read_exact(&mut first).ok()?;
        let built = metadata.modified().ok()?;
        (first == MAGIC).then_some(Self { path, kind, schema, source, size: metadata.len(), built })
    }
}

/// Where this project's sources are, by their content.
fn configured_sources(session: &Session) -> HashMap<String, PathBuf> {
    let config = &session.config;
    let paths = config.svds.value.iter().chain(&config.elfs.value);
    let hashed = |path: &PathBuf| {
        let bytes = std::fs::read(path).ok()?;
        Some((SourceId::of(&bytes).hex(), path.clone()))
    };
    paths.filter_map(hashed).collect()
}

/// The chip's name.
fn device(entry: &Entry) -> Option<String> {
    if entry.kind != Kind::Svd {
        return None;
    }
    let chip = Chip::from_index(&std::fs::read(&entry.path).ok()?).ok()?;
    Some(chip.device().name.to_owned())
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Svd => "svd",
        Kind::Elf => "elf",
        Kind::Words => "words",
    }
}

fn age_s(entry: &Entry) -> Option<u64> {
    SystemTime::now().duration_since(entry.built).ok().map(|age| age.as_secs())
}

fn age_text(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
