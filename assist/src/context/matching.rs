//! Words of a question found in names and descriptions.

use std::cell::RefCell;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use foldhash::HashMap;

use super::question::Question;
use crate::words;

/// Least length at which a word of the question may be the start of a word in a name: `baud` is
/// in `baudrate`, `sp` is not in `speed`.
const LEAST_START: usize = 4;

/// Counts and weighs the question's terms.
pub(super) struct Matcher {
    terms: HashMap<String, usize>,
    /// Terms long enough to be the start of another word.
    starts: Vec<(String, usize)>,
    heads: Heads,
    /// What the question gives each term.
    asked: Vec<f32>,
    /// Texts' owners that have each term.
    frequency: Vec<u32>,
    counted: u32,
    weights: Vec<f32>,
    /// Terms of the words met so far: descriptions repeat the same few thousand words.
    met: RefCell<HashMap<String, Vec<usize>>>,
    best: RefCell<Best>,
}

/// Positions of terms that a text has, in its order; few texts have any.
pub(super) type Terms = Vec<u16>;

/// Texts that were read. An index keeps equal texts once, and descriptions repeat: a text is known
/// again by where it lies.
#[derive(Default)]
pub(super) struct Library<'t> {
    known: std::collections::HashMap<Lying<'t>, TextId, BuildHasherDefault<ByAddress>>,
    terms: Vec<Terms>,
}

/// A text of a library.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextId(Option<u32>);

impl<'t> Library<'t> {
    /// Reads a text for the terms of `matcher`, always the same one.
    pub(super) fn read(&mut self, text: &'t str, matcher: &Matcher) -> TextId {
        if let Some(&known) = self.known.get(&Lying(text)) {
            return known;
        }
        let mut terms = Terms::new();
        matcher.each(text, |term| terms.push(term as u16));
        let number = self.terms.len() as u32;
        let id = TextId((!terms.is_empty()).then_some(number));
        if !terms.is_empty() {
            self.terms.push(terms);
        }
        self.known.insert(Lying(text), id);
        id
    }

    /// The terms in a text.
    pub(super) fn terms(&self, text: TextId) -> &[u16] {
        text.0.map_or(&[], |number| &self.terms[number as usize])
    }
}

#[derive(Clone, Copy)]
struct Lying<'t>(&'t str);

impl PartialEq for Lying<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Lying<'_> {}

impl Hash for Lying<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.0.as_ptr() as usize);
    }
}

/// Spreads addresses over a table; nobody chooses them.
#[derive(Default)]
struct ByAddress(u64);

impl Hasher for ByAddress {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_usize(usize::from(byte)));
    }

    fn write_usize(&mut self, address: usize) {
        // The golden ratio's bits, Knuth, The Art of Computer Programming 3, 6.4.
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(26);
    }
}

/// The first two letters of the terms, which most words do not have. A stem keeps them.
struct Heads(Vec<bool>);

impl Heads {
    fn of<'t>(terms: impl Iterator<Item = &'t String>) -> Self {
        let mut heads = vec![false; 1 << 16];
        for term in terms {
            heads[Self::place(term)] = true;
        }
        Self(heads)
    }

    fn may_start(&self, word: &str) -> bool {
        self.0[Self::place(word)]
    }

    fn place(word: &str) -> usize {
        let bytes = word.as_bytes();
        let letter = |at: usize| bytes.get(at).map_or(0, |&byte| usize::from(byte));
        letter(0) << 8 | letter(1)
    }
}

/// A number for each term, of which few are not 0.
#[derive(Default)]
struct Best {
    of: Vec<f32>,
    touched: Vec<u16>,
}

impl Best {
    fn raise(&mut self, term: u16, to: f32) {
        let best = &mut self.of[usize::from(term)];
        if *best == 0.0 {
            self.touched.push(term);
        }
        *best = best.max(to);
    }

    fn each(&self, mut give: impl FnMut(u16, f32)) {
        self.touched.iter().for_each(|&term| give(term, self.of[usize::from(term)]));
    }

    fn clear(&mut self) {
        for term in self.touched.drain(..) {
            self.of[usize::from(term)] = 0.0;
        }
    }
}

impl Matcher {
    pub(super) fn new(question: &Question) -> Self {
        let terms: HashMap<String, usize> =
            question.terms.keys().cloned().zip(0..question.terms.len()).collect();
        let mut starts: Vec<(String, usize)> = terms
            .iter()
            .filter(|(term, _)| term.len() >= LEAST_START)
            .map(|(term, &at)| (term.clone(), at))
            .collect();
        starts.sort();
        let heads = Heads::of(terms.keys());
        let asked: Vec<f32> = question.terms.values().copied().collect();
        let terms_count = asked.len();
        Self {
            terms,
            starts,
            heads,
            frequency: vec![0; asked.len()],
            counted: 0,
            weights: asked.clone(),
            asked,
            met: RefCell::default(),
            best: RefCell::new(Best { of: vec![0.0; terms_count], touched: Vec::new() }),
        }
    }

    /// Counts one owner for each term that is in any of its texts.
    pub(super) fn count<'t>(&mut self, texts: impl Iterator<Item = &'t [u16]>) {
        let mut seen = std::mem::take(self.best.get_mut());
        for &term in texts.flatten() {
            seen.raise(term, 1.0);
        }
        seen.each(|term, _| self.frequency[usize::from(term)] += 1);
        seen.clear();
        self.best.replace(seen);
        self.counted += 1;
    }

    /// Turns counts into weights: a term in one of a thousand registers says more than one in
    /// every second.
    pub(super) fn weigh(&mut self) {
        let total = self.counted as f32;
        for (at, weight) in self.weights.iter_mut().enumerate() {
            let frequency = self.frequency[at] as f32;
            let rarity = (1.0 + (total - frequency + 0.5) / (frequency + 0.5)).ln();
            *weight = self.asked[at] * rarity;
        }
    }

    /// The weight of the heaviest term.
    pub(super) fn heaviest(&self) -> f32 {
        self.weights.iter().copied().fold(0.0, f32::max)
    }

    /// Sum over the terms of what the best of the `texts` gives each. More texts with a term add
    /// nothing: a description that repeats a word says it once.
    pub(super) fn best_of(&self, texts: &[(&[u16], f32)]) -> f32 {
        let mut best = self.best.borrow_mut();
        for (terms, weight) in texts {
            terms.iter().for_each(|&term| best.raise(term, *weight));
        }
        let mut sum = 0.0;
        best.each(|term, place| sum += place * self.weights[usize::from(term)]);
        best.clear();
        sum
    }

    /// Share of the words of `text` that the question asks for, 0 to 1.
    pub(super) fn share(&self, text: &str) -> f32 {
        let mut found = 0;
        self.each(text, |_| found += 1);
        let all = words::split(text).iter().filter(|word| !words::is_stop(word)).count();
        (found as f32 / all.max(2) as f32).min(1.0)
    }

    fn each(&self, text: &str, mut found: impl FnMut(usize)) {
        words::each(text, |word| {
            if !self.heads.may_start(word) {
                return;
            }
            let mut met = self.met.borrow_mut();
            if let Some(terms) = met.get(word) {
                return terms.iter().for_each(|&term| found(term));
            }
            let terms = self.terms_of(word);
            terms.iter().for_each(|&term| found(term));
            met.insert(word.to_owned(), terms);
        });
    }

    /// The question's terms that a word is, or starts with.
    fn terms_of(&self, word: &str) -> Vec<usize> {
        if let Some(&term) = self.terms.get(&words::stem(word)) {
            return vec![term];
        }
        let starts = self.starts.iter().filter(|(start, _)| word.starts_with(start.as_str()));
        starts.map(|&(_, term)| term).collect()
    }
}
