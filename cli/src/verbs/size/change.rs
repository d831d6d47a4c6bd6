//! What grew, shrank, came and went between two builds.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use svd_index::Index;
use svd_index::elf::size::{By, Bytes, Change, compare};

use super::memory::Memories;
use super::{chosen, json, limit, open, show};
use crate::args::SizeArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::VERSION;
use crate::session::{Session, check_whole};
use crate::ui::{QUIET, STRONG, printable};

/// `silk size OLD NEW`
pub(super) fn run(
    session: &mut Session,
    args: &SizeArgs,
    old_path: &Path,
    (paths, index): (&[PathBuf], &Index),
    memories: &Memories,
) -> Outcome {
    let ([new_path], [new]) = (paths, index.firmwares()) else {
        let what = "several ELF files are configured, one can be compared with another";
        return Err(Failure::new(Exit::Usage, what).hint("name both: `silk size OLD NEW`"));
    };
    let old_index = open(session, &[old_path.to_owned()])?;
    let Some(old) = old_index.firmware() else {
        return Err(Failure::new(Exit::Internal, "an opened ELF is not in the index"));
    };
    let (old, new) = (old.sizes(&memories.regions), new.sizes(&memories.regions));
    let tables: Vec<(By, Vec<Change>)> = chosen(args, &new)
        .into_iter()
        .map(|by| (by, compare(&old.rows(by), &new.rows(by))))
        .collect();
    check_whole(index)?;
    check_whole(&old_index)?;
    let limit = limit(args, session.ui.json);
    let totals = (old.total(), new.total());
    if session.ui.json {
        for (by, changes) in &tables {
            for change in changes.iter().take(limit) {
                session.ui.json_line(&Line::of(*by, change))?;
            }
        }
        session.ui.json_line(&Last::of(old_path, new_path, totals))?;
        return Ok(Exit::Ok);
    }
    let out = &mut session.ui.out;
    head(out, old_path, new_path, totals)?;
    if tables.iter().all(|(_, changes)| changes.is_empty()) {
        writeln!(out, "nothing changed its size")?;
    }
    for (by, changes) in tables.iter().filter(|(_, changes)| !changes.is_empty()) {
        table(out, *by, changes, limit)?;
    }
    Ok(Exit::Ok)
}

fn head(
    out: &mut impl Write,
    old_path: &Path,
    new_path: &Path,
    (old, new): (Bytes, Bytes),
) -> io::Result<()> {
    let name = |path: &Path| printable(&path.display().to_string());
    writeln!(out, "{STRONG}{} → {}{STRONG:#}", name(old_path), name(new_path))?;
    for (memory, old, new) in [("flash", old.flash, new.flash), ("RAM  ", old.ram, new.ram)] {
        let (before, after) = (show::grouped(old), show::grouped(new));
        writeln!(out, "  {memory}  {before} → {after}  {}", signed(growth(old, new)))?;
    }
    Ok(())
}

fn table(out: &mut impl Write, by: By, changes: &[Change], limit: usize) -> io::Result<()> {
    writeln!(out, "\n{QUIET}      flash         RAM           {}{QUIET:#}", show::heading(by))?;
    for change in changes.iter().take(limit) {
        let (flash, ram) = change.growth();
        let row = change.row();
        let details = show::details(by, row);
        writeln!(
            out,
            "{:>11} {:>11}  {:<8}  {}{QUIET}{details}{QUIET:#}",
            signed(flash),
            signed(ram),
            state(change),
            printable(&row.name)
        )?;
    }
    if changes.len() > limit {
        let rest = changes.iter().skip(limit).map(Change::growth);
        let (flash, ram) = rest.fold((0_i64, 0_i64), |sum, growth| {
            (sum.0.saturating_add(growth.0), sum.1.saturating_add(growth.1))
        });
        let more = format!("{} more; --all shows them", changes.len() - limit);
        writeln!(out, "{:>11} {:>11}  {QUIET}{more}{QUIET:#}", signed(flash), signed(ram))?;
    }
    Ok(())
}

/// One word for what happened.
fn state(change: &Change) -> &'static str {
    let (flash, ram) = change.growth();
    match (&change.old, &change.new) {
        (None, _) => "came",
        (_, None) => "went",
        _ if flash >= 0 && ram >= 0 => "grew",
        _ if flash <= 0 && ram <= 0 => "shrank",
        _ => "changed",
    }
}

fn signed(bytes: i64) -> String {
    let size = show::grouped(bytes.unsigned_abs());
    match bytes {
        0 => "·".to_owned(),
        1.. => format!("+{size}"),
        _ => format!("-{size}"),
    }
}

fn growth(old: u64, new: u64) -> i64 {
    let size = i64::try_from(old.abs_diff(new)).unwrap_or(i64::MAX);
    if new < old { -size } else { size }
}

/// A change as JSON.
#[derive(Debug, Serialize)]
struct Line {
    version: u32,
    by: &'static str,
    name: String,
    kind: &'static str,
    /// `came`, `went`, `grew`, `shrank`, or `changed` where one memory grew and the other shrank.
    change: &'static str,
    /// Null for what came.
    old: Option<Size>,
    /// Null for what went.
    new: Option<Size>,
    section: Option<String>,
    file: Option<String>,
    #[serde(rename = "crate")]
    krate: Option<String>,
}

#[derive(Debug, Serialize)]
struct Size {
    flash_bytes: u64,
    ram_bytes: u64,
}

impl Size {
    fn of(bytes: Bytes) -> Self {
        Self { flash_bytes: bytes.flash, ram_bytes: bytes.ram }
    }
}

impl Line {
    fn of(by: By, change: &Change) -> Self {
        let row = change.row();
        Self {
            version: VERSION,
            by: json::by_name(by),
            name: row.name.clone(),
            kind: json::kind_name(row.kind),
            change: state(change),
            old: change.old.as_ref().map(|row| Size::of(row.bytes)),
            new: change.new.as_ref().map(|row| Size::of(row.bytes)),
            section: row.section.clone(),
            file: row.file.clone(),
            krate: row.krate.clone(),
        }
    }
}

/// The last line.
#[derive(Debug, Serialize)]
struct Last {
    version: u32,
    summary: Summary,
}

#[derive(Debug, Serialize)]
struct Summary {
    old_elf: String,
    new_elf: String,
    old: Size,
    new: Size,
}

impl Last {
    fn of(old_path: &Path, new_path: &Path, (old, new): (Bytes, Bytes)) -> Self {
        let summary = Summary {
            old_elf: old_path.display().to_string(),
            new_elf: new_path.display().to_string(),
            old: Size::of(old),
            new: Size::of(new),
        };
        Self { version: VERSION, summary }
    }
}
