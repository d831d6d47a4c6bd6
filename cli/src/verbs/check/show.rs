//! Claims on a terminal with the lines they stand on, as JSON lines, as annotations.

use std::io::{self, Write};

use assist::Verdict;
use serde::Serialize;
use serde_json::json;

use super::{Excuse, Found, Place, Tally};
use crate::exit::Failure;
use crate::json::VERSION;
use crate::session::Session;
use crate::ui::{BAD, CARE, QUIET, STRONG, printable};

/// Columns that a tab takes.
const TAB: &str = "    ";

/// A claim as `--json` promises it.
#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    text: &'a str,
    kind: &'a str,
    verdict: &'a str,
    why: &'a str,
    expected: Option<&'a str>,
    /// `comment` or `baseline` if a wrong claim is excused.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<&'a str>,
    /// What the comment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Of a claim about the firmware, the ELF, where several are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    elf: Option<&'a str>,
}

/// One line for each claim, and the summary.
pub(super) fn json(session: &mut Session, found: &[Found], tally: Tally) -> Result<(), Failure> {
    for found in found {
        let excuse = found.excuse.as_ref().filter(|_| found.verdict == Verdict::Wrong);
        session.ui.json_line(&Line {
            version: VERSION,
            file: &found.file,
            line: found.place.map(|place| place.line),
            column: found.place.and_then(|place| Some(place.columns?.start)),
            text: &found.text,
            kind: found.kind,
            verdict: found.verdict.as_str(),
            why: &found.why,
            expected: found.expected.as_deref(),
            allowed: excuse.map(|excuse| match excuse {
                Excuse::Comment(_) => "comment",
                Excuse::Baseline => "baseline",
            }),
            reason: excuse.and_then(|excuse| match excuse {
                Excuse::Comment(allowed) => Some(allowed.reason.as_str()),
                Excuse::Baseline => None,
            }),
            elf: found.elf.as_deref(),
        })?;
    }
    let Tally { ok, wrong, unknown, excused } = tally;
    let summary = json!({ "ok": ok, "wrong": wrong, "unknown": unknown, "allowed": excused });
    session.ui.json_line(&json!({ "version": VERSION, "summary": summary }))
}

/// Wrong claims with their lines; all that is not right, if `all`.
pub(super) fn full(
    session: &mut Session,
    found: &[Found],
    tally: Tally,
    all: bool,
) -> Result<(), Failure> {
    let shown = |found: &&Found| found.counts() || (all && found.verdict != Verdict::Ok);
    for found in found.iter().filter(shown) {
        excerpt(&mut session.ui.out, found)?;
    }
    let Tally { ok, wrong, unknown, excused } = tally;
    let allowed =
        if excused > 0 { format!(", {excused} wrong and allowed") } else { String::new() };
    let note = format!("{ok} claims hold, {wrong} are wrong, {unknown} are not known{allowed}");
    session.ui.note(note);
    Ok(())
}

/// One claim in the look of a compiler's diagnostics.
fn excerpt(out: &mut impl Write, found: &Found) -> io::Result<()> {
    let (style, word) = match found.verdict {
        Verdict::Wrong if found.counts() => (BAD, "wrong"),
        Verdict::Wrong => (QUIET, "allowed"),
        _ => (CARE, "unknown"),
    };
    let why = printable(&found.why);
    writeln!(out, "{style}{word}[{}]{style:#}{STRONG}: {why}{STRONG:#}", found.kind)?;
    let file = printable(&found.file);
    let Some(place) = found.place else {
        writeln!(out, " {QUIET}-->{QUIET:#} {file}: {}", printable(&found.text))?;
        expected(out, found, "  = ")?;
        return writeln!(out);
    };
    let margin = " ".repeat(place.line.to_string().len());
    let column = place.columns.map_or(String::new(), |columns| format!(":{}", columns.start));
    writeln!(out, "{margin}{QUIET}-->{QUIET:#} {file}:{}{column}", place.line)?;
    let text = found.source.as_deref().and_then(|text| text.lines().nth(place.line as usize - 1));
    let Some(text) = text else {
        writeln!(out, "{margin} {QUIET}={QUIET:#} {}", printable(&found.text))?;
        expected(out, found, &format!("{margin} = "))?;
        return writeln!(out);
    };
    let text = text.trim_end();
    let (start, end) = columns(place, text);
    let (before, marked) = (drawn(&text[..start]), drawn(&text[start..end]));
    writeln!(out, "{margin} {QUIET}|{QUIET:#}")?;
    writeln!(out, "{QUIET}{} |{QUIET:#} {}", place.line, drawn(text))?;
    let blank = " ".repeat(before.chars().count());
    let carets = "^".repeat(marked.chars().count().max(1));
    let right =
        found.expected.as_deref().map_or(String::new(), |right| format!(" {}", printable(right)));
    writeln!(out, "{margin} {QUIET}|{QUIET:#} {blank}{style}{carets}{right}{style:#}")?;
    if found.kind == "elf" {
        writeln!(out, "{margin} {QUIET}={QUIET:#} {}", printable(&found.text))?;
    }
    writeln!(out)
}

fn expected(out: &mut impl Write, found: &Found, margin: &str) -> io::Result<()> {
    match &found.expected {
        Some(expected) => writeln!(out, "{QUIET}{margin}{QUIET:#}right: {}", printable(expected)),
        None => Ok(()),
    }
}

/// The bytes of `text` that a place marks: to the end of the line if it goes on below.
fn columns(place: Place, text: &str) -> (usize, usize) {
    let Some(columns) = place.columns else {
        let start = text.len() - text.trim_start().len();
        return (start, text.len());
    };
    let boundary = |at: u32| {
        let at = (at as usize).saturating_sub(1).min(text.len());
        (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
    };
    let start = boundary(columns.start);
    let end = if columns.end_line > place.line { text.len() } else { boundary(columns.end) };
    (start, end.max(start))
}

/// A line as it is drawn: no control characters, tabs as blanks.
fn drawn(text: &str) -> String {
    printable(text).replace('\t', TAB)
}

/// Annotations of a GitHub workflow. Source: GitHub Docs, "Workflow commands for GitHub Actions",
/// Setting an error message; actions/toolkit, packages/core, for what is escaped.
pub(super) fn github(session: &mut Session, found: &[Found]) -> Result<(), Failure> {
    for found in found.iter().filter(|found| found.counts()) {
        let mut line = format!("::error file={}", property(&found.file));
        if let Some(place) = found.place {
            line += &format!(",line={}", place.line);
            if let Some(columns) = place.columns {
                // An annotation over several lines has no columns.
                line += &match columns.end_line == place.line {
                    true => format!(",col={},endColumn={}", columns.start, columns.end),
                    false => format!(",endLine={}", columns.end_line),
                };
            }
        }
        let right =
            found.expected.as_ref().map_or(String::new(), |right| format!("; right: {right}"));
        let message = format!("{}: {}{right}", found.text, found.why);
        let title = format!("silk: wrong {}", found.kind);
        line += &format!(",title={}::{}", property(&title), data(&message));
        writeln!(session.ui.out, "{}", printable(&line))?;
    }
    Ok(())
}

/// An annotation of an error, at a place if one is known.
pub(crate) fn github_annotation(place: Option<(&str, u32)>, text: &str) -> String {
    match place {
        Some((file, line)) => {
            format!("::error file={},line={line}::{}", property(file), data(text))
        }
        None => format!("::error::{}", data(text)),
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
