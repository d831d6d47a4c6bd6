//! What a question is about: names, numbers, kinds of peripherals, symptoms, words.

use std::collections::BTreeMap;

use svd_index::elf::Firmware;
use svd_index::{Chip, Query};

use super::vocabulary::{Entry, KINDS, SYMPTOMS};
use crate::words;

/// A question, understood.
#[derive(Debug, Default)]
pub(crate) struct Question {
    /// Word stems to look for, each with how much it counts (the question's own: 1).
    pub(crate) terms: BTreeMap<String, f32>,
    /// Starts of peripheral names that the question's words mean, with how much they count.
    pub(crate) kinds: BTreeMap<&'static str, f32>,
    /// Words as they stand, lower-case: for names of peripherals and registers.
    pub(crate) plain: Vec<String>,
    /// Registers that are named, by canonical path.
    pub(crate) registers: Vec<String>,
    /// Fields that are named, by canonical path.
    pub(crate) fields: Vec<String>,
    /// Numbers that may be settings, such as 115200.
    pub(crate) numbers: Vec<u64>,
    /// Functions of the firmware that are named.
    pub(crate) functions: Vec<String>,
}

/// Numbers below this stand in too many names and descriptions to point anywhere.
const LEAST_NUMBER: u64 = 100;

/// A name that fits more registers than this names none of them.
const MOST_HITS: usize = 12;

/// How much a word counts that a symptom stands for, beside the question's own words.
const SYMPTOM_WEIGHT: f32 = 0.55;

/// How much a symptom speaks of a kind of peripheral, beside words that name the kind.
const SYMPTOM_KIND: f32 = 0.5;

impl Question {
    /// Understands `text` by the names of `chip` and `firmware`, where there are any.
    pub(crate) fn understand(text: &str, chip: Option<&Chip>, firmware: Option<&Firmware>) -> Self {
        let mut question = Self::default();
        for word in text.split(|c: char| c.is_whitespace() || "\"'`,;?!".contains(c)) {
            let word = word.trim_matches(|c: char| matches!(c, '.' | ':' | '(' | '{' | '/'));
            question.take_name(word, chip, firmware);
        }
        question.take_words(text);
        question.take_meaning();
        question
    }

    /// Takes a word that is spelled like a register, an address, a number or a function.
    fn take_name(&mut self, word: &str, chip: Option<&Chip>, firmware: Option<&Firmware>) {
        if let Some(number) = words::parse_number(word) {
            if number >= LEAST_NUMBER && !self.numbers.contains(&number) {
                self.numbers.push(number);
            }
        } else if let Some(firmware) = firmware
            && word.len() > 2
        {
            self.take_function(word.trim_end_matches("()"), firmware);
        }
        let joined = ["->", ".", "_", "::", "0x"].iter().any(|mark| word.contains(mark));
        let Some(chip) = chip.filter(|_| joined && word.len() > 2) else { return };
        let Ok(query) = Query::parse(word) else { return };
        let hits = chip.find_hits(&query);
        if hits.len() > MOST_HITS {
            return;
        }
        for hit in hits {
            self.registers.push(hit.register.path());
            self.fields.extend(hit.field.map(|field| field.path()));
        }
    }

    fn take_function(&mut self, word: &str, firmware: &Firmware) {
        let bare = |name: &str| name.rsplit("::").next().is_some_and(|last| last == word);
        let named = || firmware.functions().any(|function| bare(function.name));
        // A function that was inlined everywhere has no code of its own, but its accesses.
        let inlined = || word.contains('_') && !firmware.accesses_in(word).is_empty();
        if !self.functions.iter().any(|known| known == word) && (named() || inlined()) {
            self.functions.push(word.to_owned());
        }
    }

    fn take_words(&mut self, text: &str) {
        for raw in text.split(|c: char| !c.is_alphanumeric()) {
            self.plain.push(raw.to_lowercase());
        }
        self.plain.retain(|word| !word.is_empty());
        for word in words::split(text) {
            if !words::is_stop(&word) && word.len() > 1 {
                self.terms.insert(words::stem(&word), 1.0);
            }
        }
    }

    /// Adds what the words stand for.
    fn take_meaning(&mut self) {
        let stems: Vec<String> = self.plain.iter().map(|word| words::stem(word)).collect();
        for entry in KINDS.iter().filter(|entry| heard(entry, &stems)) {
            for &peripheral in entry.peripherals {
                raise(self.kinds.entry(peripheral).or_default(), 1.0);
            }
            self.add_words(entry);
        }
        for entry in SYMPTOMS.iter().filter(|entry| heard(entry, &stems)) {
            for &peripheral in entry.peripherals {
                raise(self.kinds.entry(peripheral).or_default(), SYMPTOM_KIND);
            }
            self.add_words(entry);
        }
    }

    fn add_words(&mut self, entry: &Entry) {
        for word in entry.words {
            raise(self.terms.entry(words::stem(word)).or_default(), SYMPTOM_WEIGHT);
        }
    }
}

fn raise(weight: &mut f32, to: f32) {
    *weight = weight.max(to);
}

/// Whether one of the entry's phrases stands in the question.
fn heard(entry: &Entry, stems: &[String]) -> bool {
    let stands = |phrase: &&str| {
        let phrase: Vec<&str> = phrase.split([' ', '\'']).collect();
        stems.windows(phrase.len()).any(|window| {
            window.iter().zip(&phrase).all(|(stem, word)| match word.strip_suffix('*') {
                Some(start) => stem.starts_with(start),
                None => *stem == words::stem(word),
            })
        })
    };
    entry.says.iter().any(stands)
}
