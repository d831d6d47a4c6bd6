//! What a text costs a model, so that evidence can be held to a hard limit.
//!
//! Counts are those of the `o200k_base` vocabulary. Other models cut text differently, by some
//! tenths more or less; one vocabulary keeps figures comparable.

use std::fmt;

/// Counts the `o200k_base` tokens of `text`.
///
/// The first call in a process loads the vocabulary, which takes some tens of milliseconds.
pub fn count(text: &str) -> usize {
    if text.is_empty() { 0 } else { bpe_openai::o200k_base().count(text) }
}

/// Begins to load the vocabulary, so that it is there when the first text is counted.
pub fn preload() {
    let _runs_on = std::thread::Builder::new().spawn(|| count(" "));
}

/// The most `o200k_base` tokens that a piece of evidence may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenBudget(usize);

impl TokenBudget {
    /// A budget of `tokens`. Zero allows no text at all.
    pub const fn new(tokens: usize) -> Self {
        Self(tokens)
    }

    /// The limit as a number.
    pub const fn tokens(self) -> usize {
        self.0
    }
}

impl Default for TokenBudget {
    /// 2000: what issue-sized questions were found to need several times over.
    fn default() -> Self {
        Self(2000)
    }
}

impl fmt::Display for TokenBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the evidence would have cost had everything been sent: the whole of each source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Baseline {
    /// One entry per source, in the order given.
    pub sources: Vec<SourceCost>,
}

/// One source's cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCost {
    /// What it is called, such as `nrf51.svd` or `symbols`.
    pub name: String,
    /// Tokens of its whole text.
    pub tokens: usize,
}

impl Baseline {
    /// Counts each of `sources`, given as name and whole text.
    pub fn of<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let cost =
            |(name, text): (&str, &str)| SourceCost { name: name.to_owned(), tokens: count(text) };
        Self { sources: sources.into_iter().map(cost).collect() }
    }

    /// Tokens of all sources together.
    pub fn total(&self) -> usize {
        self.sources.iter().map(|source| source.tokens).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_o200k_base() {
        // Taken from OpenAI's tokenizer: "hello world" is two tokens, " world" one.
        assert_eq!(count(""), 0);
        assert_eq!(count("hello world"), 2);
        assert_eq!(count("0x40002524"), 5);
    }

    #[test]
    fn a_baseline_adds_up() {
        let baseline = Baseline::of([("a.c", "hello world"), ("b.c", "")]);
        assert_eq!(baseline.sources[0].tokens, 2);
        assert_eq!(baseline.total(), 2);
    }
}
