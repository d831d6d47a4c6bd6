//! `silk check`: what files and the firmware say of the chip, held against the truth.

mod baseline;
mod files;
mod sarif;
mod show;

pub(crate) use show::github_annotation;

use std::path::Path;
use std::rc::Rc;

use assist::Verdict;
use assist::check::{Allowed, Checker, Language, Remark, Use, check_firmware};
use svd_index::Index;

use self::baseline::Baseline;
use self::files::Files;
use super::images::{Image, images};
use crate::args::{CheckArgs, CheckFormat};
use crate::exit::{Exit, Failure, Outcome};
use crate::session::{Session, check_whole, need_chip};

/// One claim, of a file or of the firmware.
struct Found {
    /// As it was named; of the firmware, as the debug information has it.
    file: String,
    /// The file's text, where it can be read.
    source: Option<Rc<str>>,
    place: Option<Place>,
    text: String,
    kind: &'static str,
    verdict: Verdict,
    why: String,
    expected: Option<String>,
    excuse: Option<Excuse>,
    /// Of a claim about the firmware, the ELF, where several are given.
    elf: Option<String>,
}

/// Where a claim stands; 1-based, columns in bytes of UTF-8.
#[derive(Clone, Copy)]
struct Place {
    line: u32,
    /// `None`: the whole line.
    columns: Option<Columns>,
}

/// From a column to the one after the last.
#[derive(Clone, Copy)]
struct Columns {
    start: u32,
    end_line: u32,
    end: u32,
}

/// Why a wrong claim does not count.
enum Excuse {
    /// A comment beside it.
    Comment(Allowed),
    /// It was there before.
    Baseline,
}

impl Found {
    fn of(file: &str, source: &Rc<str>, remark: Remark) -> Self {
        let Remark { claim, line, column, end_line, end_column, allowed } = remark;
        let columns = Some(Columns { start: column, end_line, end: end_column });
        Self {
            file: file.to_owned(),
            source: Some(Rc::clone(source)),
            place: Some(Place { line, columns }),
            text: claim.text,
            kind: claim.kind.as_str(),
            verdict: claim.verdict,
            why: claim.why,
            expected: claim.expected,
            excuse: allowed.map(Excuse::Comment),
            elf: None,
        }
    }

    fn of_use(found: Use, images: &[Image<'_>]) -> Self {
        let image = images.iter().find(|image| image.firmware.path() == found.elf.as_deref());
        let label = image.and_then(Image::label).map(|label| format!(" of {label}"));
        let file = found.file.as_deref().map(from_here);
        let source = found.file.as_deref().and_then(|file| std::fs::read_to_string(file).ok());
        let end = |start| Columns { start, end_line: found.line.unwrap_or(0), end: start + 1 };
        let place = found.line.map(|line| Place { line, columns: found.column.map(end) });
        let function = found
            .function
            .map(|name| format!(" (in {name}{})", label.as_deref().unwrap_or_default()));
        let function = function.or_else(|| label.map(|label| format!(" ({})", label.trim_start())));
        let unplaced = || found.elf.map_or_else(String::new, |elf| elf.display().to_string());
        Self {
            file: file.unwrap_or_else(unplaced),
            source: source.map(Rc::from),
            place,
            text: found.text,
            kind: "elf",
            verdict: found.verdict,
            why: found.why + &function.unwrap_or_default(),
            expected: found.expected,
            excuse: None,
            elf: image.and_then(|image| image.elf.clone()),
        }
    }

    /// Wrong, and nothing excuses it.
    fn counts(&self) -> bool {
        self.verdict == Verdict::Wrong && self.excuse.is_none()
    }
}

/// How many claims came out how.
#[derive(Default, Clone, Copy)]
struct Tally {
    ok: usize,
    wrong: usize,
    unknown: usize,
    excused: usize,
}

impl Tally {
    fn of(found: &[Found]) -> Self {
        let count = |is: fn(&Found) -> bool| found.iter().filter(|found| is(found)).count();
        Self {
            ok: count(|found| found.verdict == Verdict::Ok),
            wrong: count(Found::counts),
            unknown: count(|found| found.verdict == Verdict::Unknown),
            excused: count(|found| found.verdict == Verdict::Wrong && !found.counts()),
        }
    }
}

/// A path as it would be named on this command line: below the working folder from there on.
fn from_here(path: &str) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| Path::new(path).strip_prefix(here).ok());
    below.map_or_else(|| path.to_owned(), |below| below.display().to_string())
}

/// Checks files, and the firmware if there is one.
pub(crate) fn run(session: &mut Session, args: &CheckArgs) -> Outcome {
    let index = session.index()?;
    need_chip(&index, &session.config)?;
    session.follow_code(&index);
    let files = Files::read(args)?;
    for skipped in &files.unread {
        session.ui.note(skipped);
    }
    let no_firmware = index.firmware().is_none();
    if files.read.is_empty() && no_firmware {
        return Err(Failure::new(Exit::NothingFound, "there is nothing to check")
            .detail("searched: files that end in .c, .h, .cpp, .rs, .md and the like")
            .hint("name a file or a folder, or a firmware with `--elf FILE`"));
    }
    let mut found = of_files(&index, &files);
    found.extend(of_firmware(&index));
    check_whole(&index)?;
    if let Some(path) = &args.write_baseline {
        let written = Baseline::of(&found).write(path)?;
        session.ui.note(format!("{written} wrong claims written to {}", path.display()));
        return Ok(Exit::Ok);
    }
    if let Some(path) = &args.baseline {
        Baseline::load(path)?.excuse(&mut found);
    }
    let tally = Tally::of(&found);
    match args.format {
        _ if session.ui.json => show::json(session, &found, tally)?,
        CheckFormat::Full => show::full(session, &found, tally, args.all)?,
        CheckFormat::Github => show::github(session, &found)?,
        CheckFormat::Sarif => sarif::write(session, &found, args.all)?,
    }
    Ok(if tally.wrong > 0 { Exit::Wrong } else { Exit::Ok })
}

fn of_files(index: &Index, files: &Files) -> Vec<Found> {
    let checker = Checker::new(index, None);
    let texts: Vec<&str> = files.headers.iter().map(|header| &*header.text).collect();
    let headers = checker.headers(&texts);
    let none = checker.headers(&[]);
    let mut found = Vec::new();
    for file in &files.read {
        let headers = if file.language == Language::C { &headers } else { &none };
        let remarks = checker.check(&file.text, file.language, headers);
        found.extend(remarks.into_iter().map(|remark| Found::of(&file.name, &file.text, remark)));
    }
    found
}

fn of_firmware(index: &Index) -> Vec<Found> {
    let images = images(index);
    check_firmware(index).into_iter().map(|found| Found::of_use(found, &images)).collect()
}
