//! Where claims stand, as people and tools count: lines and columns; and which of them a comment
//! allows.

use crate::verify::{Claim, Verdict};

/// A claim and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What is claimed; its span is in bytes of the whole text.
    pub claim: Claim,
    /// 1-based.
    pub line: u32,
    /// 1-based, in bytes of UTF-8.
    pub column: u32,
    /// Line of the last byte.
    pub end_line: u32,
    /// Column after the last byte.
    pub end_column: u32,
    /// The comment that allows it, if it is wrong and one does.
    pub allowed: Option<Allowed>,
}

/// A comment `silk: allow(kind, …) reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// 1-based line of the comment.
    pub line: u32,
    /// Why, in the words of the comment; may be empty.
    pub reason: String,
}

/// Gives claims their places. They come back in their order.
pub(super) fn remarks(text: &str, claims: Vec<Claim>) -> Vec<Remark> {
    let lines = Lines::of(text);
    let allowances = allowances(text);
    let place = |claim: Claim| {
        let (line, column) = lines.place(claim.span.start);
        let (end_line, end_column) = lines.place(claim.span.end);
        let allowed = match claim.verdict {
            Verdict::Wrong => allowances.find(line, claim.kind.as_str()),
            Verdict::Ok | Verdict::Unknown => None,
        };
        Remark { claim, line, column, end_line, end_column, allowed }
    };
    claims.into_iter().map(place).collect()
}

/// The first byte of each line.
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { starts: std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect() }
    }

    fn place(&self, byte: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= byte);
        let column = byte - self.starts[line - 1] + 1;
        (count(line), count(column))
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The comments of a text that allow something, in its order.
#[derive(Default)]
struct Allowances {
    of_file: Vec<Allowance>,
    /// With the line each is about; those never go back.
    of_lines: Vec<(u32, Allowance)>,
}

struct Allowance {
    /// Kinds; empty for all.
    kinds: Vec<String>,
    allowed: Allowed,
}

impl Allowances {
    /// The first comment that covers a claim.
    fn find(&self, line: u32, kind: &str) -> Option<Allowed> {
        let from = self.of_lines.partition_point(|(own, _)| *own < line);
        let here = self.of_lines[from..].iter().take_while(|(own, _)| *own == line);
        let mut all = self.of_file.iter().chain(here.map(|(_, allowance)| allowance));
        all.find(|allowance| allowance.covers(kind)).map(|allowance| allowance.allowed.clone())
    }
}

impl Allowance {
    fn covers(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|own| own == kind || own == "all")
    }
}

/// Finds `silk: allow(…)` and `silk: allow-file(…)`. They stand in comments, of whatever language;
/// nothing else that people write reads so.
fn allowances(text: &str) -> Allowances {
    const MARK: &str = "silk: allow";
    let mut found = Allowances::default();
    if !text.contains(MARK) {
        return found;
    }
    for (line, content) in (1u32..).zip(text.lines()) {
        let Some(at) = content.find(MARK) else { continue };
        let rest = &content[at + MARK.len()..];
        let (file, rest) = match rest.strip_prefix("-file") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (kinds, rest) = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((kinds, rest)) => (kinds, rest),
            None => ("", rest),
        };
        let kinds = kinds.split(',').map(str::trim).filter(|kind| !kind.is_empty());
        let reason = rest.trim().trim_end_matches("*/").trim_end_matches("-->").trim();
        // Alone on its line, it speaks of the next one.
        let before = content[..at].trim();
        let alone = ["//", "/*", "<!--", "#", "*", "///", "//!"].contains(&before);
        let about = if alone { line + 1 } else { line };
        let allowance = Allowance {
            kinds: kinds.map(str::to_owned).collect(),
            allowed: Allowed { line, reason: reason.to_owned() },
        };
        match file {
            true => found.of_file.push(allowance),
            false => found.of_lines.push((about, allowance)),
        }
    }
    found
}
