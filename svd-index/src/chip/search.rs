//! Finds registers by words, ranked.
//!
//! The score is BM25 over one document per register: the words of its path, its description, its
//! fields and their values, and its peripheral, each kind with its own weight (see
//! [`super::words`]).

use std::sync::Arc;

use super::words::{self, POSTINGS, PostingRecord, TERMS, TermRecord};
use super::{Chip, RegisterRef};
use crate::store::{File, Kind, Records, write_atomically};

impl Chip {
    /// Registers whose names and descriptions have `words`, best first, with their score
    /// (comparable within one chip only). An array comes once, as a whole.
    ///
    /// The first search of a chip builds the word index, if none lies beside the chip's: that
    /// takes about as long as reading the SVD.
    pub fn search(&self, words: &str, limit: usize) -> Vec<(RegisterRef<'_>, f32)> {
        let index = self.words.get_or_init(|| self.open_words());
        let mut asked: Vec<String> = Vec::new();
        for_each_token(words, &mut |token| {
            if !asked.iter().any(|word| word == token) {
                asked.push(token.to_owned());
            }
        });
        let mut scores = vec![0.0; self.register_table().len()];
        let mut found = Vec::new();
        for posting in asked.iter().flat_map(|word| postings(index, word)) {
            let Some(score) = scores.get_mut(posting.register as usize) else {
                continue;
            };
            if *score == 0.0 {
                found.push(posting.register);
            }
            *score += posting.score;
        }
        best(found, &scores, limit)
            .into_iter()
            .filter_map(|(index, score)| Some((self.whole_register(index)?, score)))
            .collect()
    }

    /// The word index beside the chip's own, written if it is not there. One that cannot be
    /// written lives in memory.
    fn open_words(&self) -> File {
        let path = self.file.path().and_then(|path| {
            let name = path.file_name()?.to_str()?;
            Some(path.with_file_name(name.replacen("-svd", "-words", 1)))
        });
        let open = || {
            File::open(path.as_deref()?, Kind::Words, words::SCHEMA, Some(self.file.source())).ok()
        };
        let file = open().unwrap_or_else(|| {
            let bytes = words::build(&self.file);
            let written = path.as_deref().map(|path| write_atomically(path, &bytes));
            let opened = if matches!(written, Some(Ok(()))) { open() } else { None };
            opened.unwrap_or_else(|| {
                File::from_bytes(&bytes, Kind::Words, words::SCHEMA)
                    .expect("bytes just built are sound")
            })
        });
        let chip = Arc::clone(&self.file);
        file.with_rebuild(move || {
            let bytes = words::build(&chip);
            (!chip.is_damaged()).then_some(bytes)
        })
    }
}

/// The registers that have `word`.
fn postings<'w>(index: &'w File, word: &str) -> &'w [PostingRecord] {
    let terms: Records<'_, TermRecord> = index.records(TERMS);
    let hash = words::hash(word);
    let mut place = near(terms, hash);
    // Of two words with one hash, which nobody has seen, both are looked at.
    while let Some(term) = terms.get(place).filter(|term| term.hash == hash) {
        if index.text(term.text) == word {
            return index.records(POSTINGS).slice(term.postings.range());
        }
        place += 1;
    }
    &[]
}

/// The index of the first of `terms` whose hash is not below `hash`.
///
/// Hashes spread evenly, so it is where its size says, give or take a few: one or two blocks of
/// the file are touched where a binary search would touch one at each step.
fn near(terms: Records<'_, TermRecord>, hash: u64) -> usize {
    let guess = ((u128::from(hash) * terms.len() as u128) >> 64) as usize;
    let is_before = |place: usize| terms.get(place).is_some_and(|term| term.hash < hash);
    let (mut low, mut high) = (guess, guess);
    let mut step = 8;
    while low > 0 && !is_before(low - 1) {
        low = low.saturating_sub(step);
        step *= 2;
    }
    step = 8;
    while high < terms.len() && is_before(high) {
        high = (high + step).min(terms.len());
        step *= 2;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// The `limit` of `found` with the highest scores, best first, equal ones in SVD order.
fn best(found: Vec<u32>, scores: &[f32], limit: usize) -> Vec<(u32, f32)> {
    let mut ranked: Vec<(u32, f32)> =
        found.into_iter().map(|register| (register, scores[register as usize])).collect();
    let best_first = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if ranked.len() > limit && limit > 0 {
        ranked.select_nth_unstable_by(limit - 1, best_first);
    }
    ranked.truncate(limit);
    ranked.sort_unstable_by(best_first);
    ranked
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
