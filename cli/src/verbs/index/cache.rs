//! `silk index list` and `gc`: the folder of index files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use svd_index::Chip;
use svd_index::store::{Cache, Dispensable, Entry, Kind};

use crate::args::GcArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::VERSION;
use crate::session::Session;
use crate::ui::{CARE, QUIET, STRONG, printable};

/// A line of `silk index list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    version: u32,
    file: &'a Path,
    kind: &'static str,
    content: &'a str,
    /// Null where it is not known any more.
    source: Option<&'a Path>,
    /// All files that are known to have this content.
    sources: &'a [PathBuf],
    /// None of them is there any more.
    source_gone: bool,
    /// Null for firmware, and where the file cannot be read by this version.
    device: Option<String>,
    size_bytes: u64,
    /// Since it was built; null where the clock went back.
    age_s: Option<u64>,
    /// Since it was opened, to the hour; null where the clock went back.
    unused_s: Option<u64>,
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
    let cache = cache(session);
    let entries = entries(&cache)?;
    let total: u64 = entries.iter().map(|entry| entry.size).sum();
    for entry in &entries {
        let listed = Listed {
            version: VERSION,
            file: &entry.path,
            kind: entry.kind.name(),
            content: &entry.content,
            source: entry.sources.first().map(PathBuf::as_path),
            sources: &entry.sources,
            source_gone: entry.is_source_gone(),
            device: device(entry),
            size_bytes: entry.size,
            age_s: seconds_since(entry.built),
            unused_s: seconds_since(entry.used),
        };
        if session.ui.json {
            session.ui.json_line(&listed)?;
        } else {
            list_line(&mut session.ui.out, &listed)?;
        }
    }
    totals(session, cache.folder(), entries.len(), total, None)
}

fn list_line(out: &mut impl Write, listed: &Listed<'_>) -> Result<(), Failure> {
    let Listed { kind, content, size_bytes, .. } = listed;
    let age = listed.age_s.map_or_else(|| "in the future".to_owned(), age_text);
    let device = match &listed.device {
        Some(device) => printable(device),
        None if *kind == "svd" => "of another version, or damaged".to_owned(),
        None if *kind == "words" => "words of a chip".to_owned(),
        None if *kind == "uses" => "register use of firmware".to_owned(),
        None if *kind == "types" => "types of firmware".to_owned(),
        None => "firmware".to_owned(),
    };
    let source = match listed.source {
        Some(path) if listed.source_gone => {
            format!("{CARE}gone:{CARE:#} {}", printable(&path.display().to_string()))
        }
        Some(path) => printable(&path.display().to_string()),
        None => format!("{QUIET}content {}…{QUIET:#}", &content[..12]),
    };
    let size = mib(*size_bytes);
    writeln!(out, "{kind}  {size:>9}  {age:>12}  {STRONG}{device}{STRONG:#}  {source}")?;
    Ok(())
}

/// `silk index gc`
pub(super) fn gc(session: &mut Session, args: &GcArgs) -> Outcome {
    let cache = cache(session);
    let entries = entries(&cache)?;
    let bound = args.max_size.saturating_mul(1 << 20);
    let (mut files, mut kept) = (entries.len(), entries.iter().map(|entry| entry.size).sum());
    let mut freed = 0;
    for (entry, reason) in Cache::dispensable(&entries, bound) {
        if !args.dry_run && !remove(&cache, entry)? {
            continue;
        }
        (files, kept, freed) = (files - 1, kept - entry.size, freed + entry.size);
        let event = if args.dry_run { "would_remove" } else { "removed" };
        let reason = reason_text(reason);
        if session.ui.json {
            let (file, size_bytes) = (entry.path.as_path(), entry.size);
            session.ui.json_line(&Removed { version: VERSION, event, file, size_bytes, reason })?;
        } else {
            let verb = if args.dry_run { "would remove" } else { "removed" };
            let (file, size) = (entry.path.display(), mib(entry.size));
            writeln!(session.ui.out, "{verb} {file}  {size}  {CARE}{reason}{CARE:#}")?;
        }
    }
    if !args.dry_run {
        cache.tidy();
    }
    totals(session, cache.folder(), files, kept, Some(freed))
}

fn reason_text(reason: Dispensable) -> &'static str {
    match reason {
        Dispensable::Superseded => "superseded by a newer version's",
        Dispensable::SourceGone => "its source is gone",
        Dispensable::BeyondBound => "beyond the size bound",
    }
}

fn remove(cache: &Cache, entry: &Entry) -> Result<bool, Failure> {
    cache.remove(entry).map_err(|error| {
        let what = format!("failed to remove `{}`", entry.path.display());
        Failure::new(Exit::Usage, what).caused_by(&error)
    })
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

fn cache(session: &Session) -> Cache {
    Cache::at(&session.config.folders.cache.join("index"))
}

fn entries(cache: &Cache) -> Result<Vec<Entry>, Failure> {
    cache.entries().map_err(|error| {
        let what = format!("failed to read `{}`", cache.folder().display());
        Failure::new(Exit::Usage, what).caused_by(&error)
    })
}

/// The chip's name.
fn device(entry: &Entry) -> Option<String> {
    if entry.kind != Kind::Svd {
        return None;
    }
    let chip = Chip::from_index(&std::fs::read(&entry.path).ok()?).ok()?;
    Some(chip.device().name.to_owned())
}

fn seconds_since(time: SystemTime) -> Option<u64> {
    SystemTime::now().duration_since(time).ok().map(|age| age.as_secs())
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
