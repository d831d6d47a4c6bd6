//! Finds registers by words, ranked.
//!
//! The score is BM25 over one document per register: the words of its path, its description, its
//! fields and their values, and its peripheral, each kind with its own weight.
//!
//! Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
//! 2009, section 3 (BM25F as weighted term frequencies).

use std::collections::HashMap;

use super::records::{LENGTHS, POSTINGS, PostingRecord, TERMS, TermRecord};
use super::{Chip, RegisterRef};

const K1: f32 = 1.2;
const B: f32 = 0.5;

impl Chip {
    /// Registers whose names and descriptions have `words`, best first, with their score
    /// (comparable within one chip only). An array comes once, as a whole.
    pub fn search(&self, words: &str, limit: usize) -> Vec<(RegisterRef<'_>, f32)> {
        let mut scores: HashMap<u32, f32> = HashMap::new();
        let mut terms = Vec::new();
        for_each_token(words, &mut |token| {
            if !terms.iter().any(|term| term == token) {
                terms.push(token.to_owned());
            }
        });
        for term in &terms {
            self.add_scores(term, &mut scores);
        }
        let mut ranked: Vec<(u32, f32)> = scores.into_iter().collect();
        let best_first = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if ranked.len() > limit && limit > 0 {
            ranked.select_nth_unstable_by(limit - 1, best_first);
        }
        ranked.truncate(limit);
        ranked.sort_by(best_first);
        ranked
            .into_iter()
            .filter_map(|(index, score)| Some((self.whole_register(index)?, score)))
            .collect()
    }

    fn add_scores(&self, term: &str, scores: &mut HashMap<u32, f32>) {
        let terms = self.table::<TermRecord>(TERMS);
        let place = terms.partition_point(|record| self.text(record.text) < term);
        let Some(record) = terms.get(place).filter(|record| self.text(record.text) == term) else {
            return;
        };
        let lengths = self.table::<f32>(LENGTHS);
        // The last length is the mean of all.
        let documents = lengths.len().saturating_sub(1);
        let mean = lengths.get(documents).copied().unwrap_or(1.0).max(1.0);
        let postings = self.table::<PostingRecord>(POSTINGS).slice(record.postings.range());
        let having = postings.len() as f32;
        let rarity = (1.0 + (documents as f32 - having + 0.5) / (having + 0.5)).ln();
        for posting in postings {
            let length = lengths.get(posting.register as usize).copied().unwrap_or(mean);
            let norm = K1 * (1.0 - B + B * length / mean);
            let weight = posting.weight;
            *scores.entry(posting.register).or_default() +=
                rarity * weight * (K1 + 1.0) / (weight + norm);
        }
    }
}

/// Calls `each` with every token of `text`: lower-case words and numbers. An identifier gives its
/// parts and itself as a whole: `PIN_CNF` gives `pin`, `cnf` and `pin_cnf`.
pub(crate) fn for_each_token(text: &str, each: &mut dyn FnMut(&str)) {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut lower = String::new();
    for word in text.split(|character| !is_word(character)) {
        let word = word.trim_matches('_');
        if word.is_empty() {
            continue;
        }
        let mut parts = 0;
        for_each_part(word, &mut |part| {
            parts += 1;
            lower_into(part, &mut lower);
            if keep(&lower) {
                each(&lower);
            }
        });
        if parts > 1 {
            lower_into(word, &mut lower);
            each(&lower);
        }
    }
}

fn lower_into(text: &str, lower: &mut String) {
    lower.clear();
    lower.push_str(text);
    if lower.is_ascii() {
        lower.make_ascii_lowercase();
    } else {
        *lower = lower.to_lowercase();
    }
    // A plural finds its singular: "interrupts", "buffers".
    if lower.len() > 4 && lower.ends_with('s') && !lower.ends_with("ss") && !lower.ends_with("us") {
        lower.pop();
    }
}

/// Splits at `_`, and where a lower-case letter meets a capital or a letter a digit.
fn for_each_part(word: &str, each: &mut dyn FnMut(&str)) {
    let mut start = 0;
    let mut last = None;
    for (place, character) in word.char_indices() {
        let cut = match last {
            Some(last) if character == '_' || last == '_' => true,
            Some(last) => {
                let case = char::is_lowercase(last) && character.is_uppercase();
                case || last.is_ascii_digit() != character.is_ascii_digit()
            }
            None => false,
        };
        if cut {
            emit(&word[start..place], each);
            start = place;
        }
        last = Some(character);
    }
    emit(&word[start..], each);
}

fn emit(part: &str, each: &mut dyn FnMut(&str)) {
    if !part.is_empty() && part != "_" {
        each(part);
    }
}

/// Words so common in data sheets, or so short, that they tell nothing.
fn keep(token: &str) -> bool {
    const EMPTY: [&str; 24] = [
        "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "is", "it", "not",
        "of", "on", "or", "the", "this", "that", "to", "when", "with", "will",
    ];
    !EMPTY.contains(&token)
}
