//! `silk size`: what takes flash and RAM, and what grew between two builds.

mod change;
mod json;
mod memory;
mod show;
mod stack;

use std::io::Write;
use std::path::{Path, PathBuf};

use svd_index::elf::Firmware;
use svd_index::elf::size::{By, Row, RowKind, Sizes};
use svd_index::{Index, Sources};

use crate::args::{SizeArgs, SizeBy};
use crate::exit::{Exit, Failure, Outcome};
use crate::session::{Session, check_whole, need_firmware};
use crate::ui::{CARE, printable};
use memory::Memories;

use super::images::{Image, images};

/// Rows of each table, unless one asks for more.
const SHOWN: usize = 15;

/// `silk size`
pub(crate) fn run(session: &mut Session, args: &SizeArgs) -> Outcome {
    let (old, new) = sources(args)?;
    if args.stack {
        return stack::run(session, args, new);
    }
    let memories = memory::find(session, args.memory.as_deref())?;
    let paths = new.unwrap_or_else(|| session.config.elfs.value.clone());
    let index = open(session, &paths)?;
    need_firmware(&index, &session.config)?;
    if let Some(old) = old {
        return change::run(session, args, &old, (&paths, &index), &memories);
    }
    for (path, firmware) in paths.iter().zip(index.firmwares()) {
        measure(session, args, path, firmware, &memories)?;
        check_whole(&index)?;
    }
    overlaps(session, &index)?;
    if memories.told_by.is_none() && !session.ui.json {
        session.ui.note(
            "how much memory the chip has is not known; `--chip NAME` or `--memory FILE` (a linker script) tells",
        );
    }
    Ok(Exit::Ok)
}

/// Tells of several images that want the same flash.
fn overlaps(session: &mut Session, index: &Index) -> Result<(), Failure> {
    let images = images(index);
    for overlap in index.overlaps() {
        let [first, second] = overlap.images.map(|position| &images[position]);
        if session.ui.json {
            session.ui.json_line(&json::Shared::of(&overlap, [first, second]))?;
            continue;
        }
        let name = |image: &Image<'_>| printable(image.label().unwrap_or_default());
        let out = &mut session.ui.out;
        writeln!(
            out,
            "{CARE}{} and {} program the same {} bytes, from {:#010x} on: flashing one destroys the other{CARE:#}",
            name(first),
            name(second),
            show::grouped(overlap.bytes),
            overlap.range.start,
        )?;
    }
    Ok(())
}

/// The ELF to compare with, and those to measure where the command line names them.
fn sources(args: &SizeArgs) -> Result<(Option<PathBuf>, Option<Vec<PathBuf>>), Failure> {
    match (args.elfs.as_slice(), &args.diff) {
        ([], old) => Ok((old.clone(), None)),
        ([new], old) => Ok((old.clone(), Some(vec![new.clone()]))),
        ([old, new], None) => Ok((Some(old.clone()), Some(vec![new.clone()]))),
        _ => Err(Failure::new(Exit::Usage, "three ELF files are named, two can be compared")
            .hint("`silk size OLD NEW`, or `silk size NEW --diff OLD`")),
    }
}

fn open(session: &Session, elfs: &[PathBuf]) -> Result<Index, Failure> {
    session.open(&Sources { svds: Vec::new(), elfs: elfs.to_vec() })
}

fn measure(
    session: &mut Session,
    args: &SizeArgs,
    path: &Path,
    firmware: &Firmware,
    memories: &Memories,
) -> Result<(), Failure> {
    let sizes = firmware.sizes(&memories.regions);
    if sizes.blocks().is_empty() {
        return Err(Failure::new(Exit::NothingFound, "nothing in this ELF takes memory")
            .detail(format!("searched: sections and segments of {}", path.display())));
    }
    let tables: Vec<(By, Vec<Row>)> =
        chosen(args, &sizes).into_iter().map(|by| (by, sizes.rows(by))).collect();
    let limit = limit(args, session.ui.json);
    if session.ui.json {
        for (by, rows) in &tables {
            for row in rows.iter().take(limit) {
                session.ui.json_line(&json::Line::of(path, *by, row))?;
            }
        }
        return session.ui.json_line(&json::Last::of(path, &sizes, memories));
    }
    let out = &mut session.ui.out;
    show::head(out, path, &sizes, memories)?;
    for (by, rows) in &tables {
        show::table(out, *by, rows, limit)?;
    }
    Ok(())
}

/// What was asked for, or the view that answers most questions.
fn chosen(args: &SizeArgs, sizes: &Sizes<'_>) -> Vec<By> {
    if args.by.is_empty() {
        let has_crates = sizes.rows(By::Crate).iter().any(|row| row.kind == RowKind::Crate);
        return vec![By::Section, if has_crates { By::Crate } else { By::File }, By::Symbol];
    }
    let by = |by: &SizeBy| match by {
        SizeBy::Crate => By::Crate,
        SizeBy::File => By::File,
        SizeBy::Symbol => By::Symbol,
        SizeBy::Section => By::Section,
    };
    args.by.iter().map(by).collect()
}

fn limit(args: &SizeArgs, is_json: bool) -> usize {
    match args.top {
        Some(top) => top,
        None if args.all || is_json => usize::MAX,
        None => SHOWN,
    }
}
