//! Tables in Markdown: `| CR1 | 0x0C |` under `| Register | Offset |` says what a sentence says.
//!
//! Each cell under a heading that is understood is read as the sentence that it stands for.

use std::ops::Range;

use super::claim::{Claim, ClaimKind, Verdict};
use super::judge::Judge;
use super::segment::Segment;

/// What the heading of a column says of the name in its row, as words before the value; and the
/// kind of claim that comes of it.
const COLUMNS: &[(&str, &str, &[ClaimKind])] = &[
    ("offset", "is at offset", &[ClaimKind::Offset]),
    ("reset", "resets to", &[ClaimKind::Reset]),
    ("base", "has the base address", &[ClaimKind::Base]),
    ("address", "is at", &[ClaimKind::Address, ClaimKind::Base]),
    ("mask", "has the mask", &[ClaimKind::Mask]),
    ("bit", "is bit", &[ClaimKind::Bits]),
    ("irq", "is interrupt number", &[ClaimKind::Interrupt]),
    ("interrupt", "is interrupt number", &[ClaimKind::Interrupt]),
];

/// The table that is being read: the headings of its columns, in small letters.
#[derive(Default)]
pub(super) struct Table {
    heads: Vec<String>,
}

impl Table {
    /// Takes a line of prose. Gives the cells to be judged: name and value with their words.
    pub(super) fn row(&mut self, segment: &Segment) -> Vec<Cell> {
        let text = &segment.text;
        if segment.in_code || !text.trim_start().starts_with('|') {
            self.heads.clear();
            return Vec::new();
        }
        let cells = cells(text);
        if self.heads.is_empty() {
            self.heads = cells.iter().map(|cell| text[cell.clone()].to_ascii_lowercase()).collect();
            return Vec::new();
        }
        let is_value = |cell: &Range<usize>| {
            text[cell.clone()].trim_matches('`').starts_with(|c: char| c.is_ascii_digit())
        };
        // The name may stand behind its number: `| 0x0C | CR1 |`.
        let is_name = |cell: &&Range<usize>| {
            text[(*cell).clone()].trim_matches('`').starts_with(|c: char| c.is_alphabetic())
        };
        let first_is_rule = cells.first().is_none_or(|cell| text[cell.clone()].starts_with('-'));
        let Some(name) = cells.iter().find(is_name).filter(|_| !first_is_rule) else {
            return Vec::new();
        };
        let of_interrupts =
            self.heads.iter().any(|head| ["interrupt", "irq", "vector"].contains(&head.as_str()));
        let told = self.heads.iter().zip(&cells).filter_map(|(head, value)| {
            let head = match head.as_str() {
                "number" | "no." | "#" if of_interrupts => "interrupt",
                head => head,
            };
            let (_, words, kinds) = COLUMNS.iter().find(|(column, ..)| head.contains(column))?;
            is_value(value).then(|| Cell {
                sentence: format!("{} {words} {}", &text[name.clone()], &text[value.clone()]),
                span: name.start.min(value.start)..name.end.max(value.end),
                value: value.clone(),
                kinds,
            })
        });
        told.collect()
    }
}

/// A cell as a sentence.
pub(super) struct Cell {
    sentence: String,
    /// Bytes of the row from the name to the value.
    span: Range<usize>,
    value: Range<usize>,
    kinds: &'static [ClaimKind],
}

impl Cell {
    /// What its sentence claims, at its place in the row.
    pub(super) fn claims(&self, judge: &mut Judge<'_>, row: &Segment) -> Vec<Claim> {
        let sentence = Segment { text: self.sentence.clone(), offset: 0, in_code: false };
        let claims = judge.judge(&sentence).into_iter();
        let placed = |claim: Claim| Claim {
            text: row.text[self.span.clone()].to_owned(),
            span: row.offset + self.span.start..row.offset + self.span.end,
            ..claim
        };
        claims.filter(|claim| self.kinds.contains(&claim.kind)).map(placed).collect()
    }

    /// Whether a claim of the row is about the value alone, which its heading says more of.
    pub(super) fn explains(&self, claim: &Claim, row: &Segment) -> bool {
        let value = row.offset + self.value.start..row.offset + self.value.end;
        claim.verdict == Verdict::Unknown
            && value.start <= claim.span.start
            && claim.span.end <= value.end
    }
}

/// The bytes of each cell, blanks around them left out.
fn cells(row: &str) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let mut start = row.find('|').map_or(row.len(), |at| at + 1);
    while let Some(length) = row[start..].find('|') {
        let cell = &row[start..start + length];
        let lead = cell.len() - cell.trim_start().len();
        cells.push(start + lead..start + lead.max(cell.trim_end().len()));
        start += length + 1;
    }
    cells
}
