//! Words of a question found in names and descriptions.

use std::cell::RefCell;
use std::collections::HashMap;

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
    /// What the question gives each term.
    asked: Vec<f32>,
    /// Texts' owners that have each term.
    frequency: Vec<u32>,
    counted: u32,
    weights: Vec<f32>,
    /// Terms of the words met so far: descriptions repeat the same few thousand words.
    met: RefCell<HashMap<String, Vec<usize>>>,
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
        let asked: Vec<f32> = question.terms.values().copied().collect();
        Self {
            terms,
            starts,
            frequency: vec![0; asked.len()],
            counted: 0,
            weights: asked.clone(),
            asked,
            met: RefCell::default(),
        }
    }

    /// Counts one owner of `texts` for each term that is in them.
    pub(super) fn count<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        let mut seen = vec![false; self.asked.len()];
        for text in texts {
            self.each(text, |term| seen[term] = true);
        }
        for (frequency, seen) in self.frequency.iter_mut().zip(seen) {
            *frequency += u32::from(seen);
        }
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
    pub(super) fn best_of(&self, texts: &[(&str, f32)]) -> f32 {
        let mut best = vec![0.0f32; self.asked.len()];
        for (text, weight) in texts {
            self.each(text, |term| best[term] = best[term].max(*weight));
        }
        best.iter().zip(&self.weights).map(|(place, weight)| place * weight).sum()
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
