//! Evidence for one question, within a hard limit of tokens.

mod code;
mod fields;
mod logs;
mod matching;
mod pick;
mod plain;
mod question;
mod rank;
mod render;
mod roles;
mod twins;
mod vocabulary;

pub(crate) use vocabulary::is_kind_of_peripheral;

pub use plain::{Method, document};

use bundle::{Bundle, Facts};
use svd_index::Index;

use crate::catalog::Catalog;
use crate::tokens::TokenBudget;

/// Evidence as it is sent, and what it names.
///
/// In `text` each listed register has one line that starts with its path and absolute address;
/// each listed field stands on that line as `NAME[hi:lo]` or `NAME[n]`, and fields that are not
/// listed count as `+N`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The evidence.
    pub text: String,
    /// `o200k_base` tokens of `text`; never more than `budget`.
    pub tokens: usize,
    /// The limit that was given.
    pub budget: usize,
    /// Canonical paths of the registers in `text`, in its order.
    pub registers: Vec<String>,
    /// The same, the one that is most likely to matter first.
    pub likely: Vec<String>,
    /// Canonical paths of the fields in `text`, in its order.
    pub fields: Vec<String>,
    /// What was found for the question and did not fit.
    pub left_out: LeftOut,
}

/// Counts of what matched the question but is not in the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Findings.
    pub findings: usize,
    /// Registers that matched the question.
    pub registers: usize,
    /// Fields of the listed registers.
    pub fields: usize,
    /// Reads and writes of the listed registers by the firmware.
    pub writes: usize,
    /// Functions and variables that are called as the question speaks.
    pub names: usize,
    /// Lines of the board's logs.
    pub log_lines: usize,
}

impl Context {
    /// No evidence at all.
    pub fn none() -> Self {
        Self {
            text: String::new(),
            tokens: 0,
            budget: 0,
            registers: Vec::new(),
            likely: Vec::new(),
            fields: Vec::new(),
            left_out: LeftOut::default(),
        }
    }

    /// The lines of the evidence that `answer` rests on: of each register that it names, the line
    /// and those beneath, and the findings about it.
    pub fn rests_on(&self, answer: &str) -> Vec<&str> {
        let names = |path: &str| {
            let name = path.rsplit('.').next().unwrap_or(path);
            has_word(answer, path) || (name.len() > 2 && has_word(answer, name))
        };
        let mut is_named = false;
        self.text
            .lines()
            .filter(|line| {
                if let Some(finding) = line.strip_prefix("! ") {
                    return self
                        .registers
                        .iter()
                        .any(|path| names(path) && has_word(finding, path));
                }
                if !line.starts_with(' ') {
                    let path = line.split(' ').next().unwrap_or_default();
                    is_named = self.registers.iter().any(|known| known == path) && names(path);
                }
                is_named
            })
            .collect()
    }

    /// The lines of what tools gave that `answer` rests on: those that begin with the path of a
    /// register that it names.
    pub fn rests_on_told<'t>(told: &'t [String], answer: &str) -> Vec<&'t str> {
        let mut lines: Vec<&str> = Vec::new();
        for line in told.iter().flat_map(|text| text.lines()) {
            let path = line.split(' ').next().unwrap_or_default();
            let is_named = path.contains('.') && has_word(answer, path);
            if is_named && !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines
    }

    /// Selects evidence for `question`.
    ///
    /// `facts` are those of `bundle`, or of the firmware alone where there is no bundle; their
    /// findings come first in the text. The same input gives the same text.
    pub fn select(
        index: &Index,
        bundle: Option<&Bundle>,
        facts: &Facts,
        question: &str,
        budget: TokenBudget,
    ) -> Self {
        let catalog = Catalog::of(index, facts);
        let ranking = rank::rank(&catalog, index, facts, question);
        let code = code::Code::of(&catalog, index, facts);
        pick::fill(&catalog, &ranking, &code, bundle, facts, budget)
    }
}

/// Whether `text` has `word` with nothing around it that would make it part of a longer name.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        let after = &text[at + word.len()..];
        !is_part(text[..at].chars().next_back()) && !is_part(after.chars().next())
    })
}
