//! One answer: as much of what was found as its tokens allow, and what was left out.
//!
//! A client shows its model the text, or the structured content, or both; some count both. So the
//! limit holds for both together.

use assist::tokens::count;
use schemars::JsonSchema;
use serde::Serialize;

/// Tokens of an answer if nobody says otherwise; both forms together.
pub(super) const TOKENS: usize = 1400;
/// What may be asked for.
pub(super) const FEWEST: usize = 200;
pub(super) const MOST: usize = 20_000;

/// Most that a page could hold of the shortest things.
pub(super) const LONGEST: usize = 1000;

/// Tokens around what was found: braces, keys, the line that says how to go on.
const AROUND: usize = 60;

/// Which part of what was found is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// How many come before it.
    pub(super) offset: usize,
    /// Tokens that the answer may cost.
    pub(super) tokens: usize,
}

impl Cut {
    /// Tokens that one of `count` things may cost.
    pub(super) fn share(self, count: usize) -> usize {
        self.tokens.saturating_sub(AROUND) / count.max(1)
    }
}

/// What stands in an answer's text for a thing that was found. May be several lines.
pub(super) trait Line {
    fn line(&self) -> String;
}

/// What a tool found, from the offset on.
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    /// All of them, those before the offset included.
    pub(super) total: usize,
    /// What to know about them.
    pub(super) notes: Vec<String>,
}

impl<T> List<T> {
    /// Makes a list of the wanted part of `all`, of which each is shown by `show`.
    pub(super) fn of<S>(all: &[S], cut: Cut, show: impl FnMut(&S) -> T) -> Self {
        let items = all.iter().skip(cut.offset).take(LONGEST).map(show).collect();
        Self { items, total: all.len(), notes: Vec::new() }
    }

    /// A single thing, which is cut to its size by who made it.
    pub(super) fn one(item: T) -> Self {
        Self { items: vec![item], total: 1, notes: Vec::new() }
    }

    /// Adds a note.
    pub(super) fn noting(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// The structured content of an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Page<T> {
    found: Vec<T>,
    /// How many there are, those on other pages included.
    total: usize,
    /// The `offset` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
    /// What to know about what was found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// An answer in both forms.
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) structured: serde_json::Value,
}

impl<T: Serialize + Line> Page<T> {
    /// Takes as many of `list` as fit, one at least.
    pub(super) fn fill(list: List<T>, cut: Cut) -> Self {
        let List { items, total, notes } = list;
        let noted: usize = notes.iter().map(|note| 2 * (count(note) + 4)).sum();
        let mut left = cut.tokens.saturating_sub(AROUND + noted);
        let mut found = Vec::new();
        for item in items {
            let cost = cost(&item);
            if cost > left && !found.is_empty() {
                break;
            }
            left = left.saturating_sub(cost);
            found.push(item);
        }
        let end = cut.offset.saturating_add(found.len());
        Self { found, total, next: (end < total).then_some(end), notes }
    }

    /// Both forms.
    pub(super) fn answer(&self) -> Result<Answer, serde_json::Error> {
        let mut text: Vec<String> = self.notes.iter().map(|note| format!("note: {note}")).collect();
        text.extend(self.found.iter().map(Line::line));
        if let Some(next) = self.next {
            let more = self.total - next;
            text.push(format!("{more} more: offset={next}"));
        }
        Ok(Answer { text: text.join("\n"), structured: serde_json::to_value(self)? })
    }
}

/// Tokens of a thing in both forms.
pub(super) fn cost<T: Serialize + Line>(item: &T) -> usize {
    let json = serde_json::to_string(item).unwrap_or_default();
    count(&json) + count(&item.line()) + 2
}
