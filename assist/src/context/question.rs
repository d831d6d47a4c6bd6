//! What a question is about: names, numbers, kinds of peripherals, symptoms, words.

use std::collections::BTreeMap;

use svd_index::elf::Firmware;
use svd_index::{Chip, Query};

use super::vocabulary::{Class, Heard, Role, SYMPTOMS, classes};
use crate::words;

/// A question, understood.
#[derive(Debug, Default)]
pub(crate) struct Question {
    /// Word stems to look for, each with how much it counts (the question's own: 1).
    pub(crate) terms: BTreeMap<String, f32>,
    /// Starts of peripheral names that the question's words mean, with how much they count.
    pub(crate) kinds: BTreeMap<&'static str, f32>,
    /// Parts that registers play which the question is about, with how much they count.
    pub(crate) roles: BTreeMap<Role, f32>,
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

/// How much a word counts that a topic of the kind of peripheral stands for.
const TOPIC_WEIGHT: f32 = 0.55;

/// How much a symptom speaks of a kind of peripheral, beside words that name the kind.
const SYMPTOM_KIND: f32 = 0.5;

impl Question {
    /// Understands `text` by the names of `chip` and `firmwares`, where there are any.
    pub(crate) fn understand(text: &str, chip: Option<&Chip>, firmwares: &[Firmware]) -> Self {
        let mut question = Self::default();
        for word in text.split(|c: char| c.is_whitespace() || "\"'`,;?!".contains(c)) {
            let word = word.trim_matches(|c: char| matches!(c, '.' | ':' | '(' | '{' | '/'));
            question.take_name(word, chip, firmwares);
        }
        question.take_words(text);
        let heard = Heard::of(text);
        question.plain = heard.words().to_vec();
        question.take_meaning(&heard);
        question
    }

    /// Whether a word with this stem stands in the question itself.
    pub(crate) fn says(&self, stem: &str) -> bool {
        stem.len() > 2 && self.terms.get(stem).is_some_and(|weight| *weight >= 1.0)
    }

    /// Takes a word that is spelled like a register, an address, a number or a function.
    fn take_name(&mut self, word: &str, chip: Option<&Chip>, firmwares: &[Firmware]) {
        if let Some(number) = words::parse_number(word) {
            if number >= LEAST_NUMBER && !self.numbers.contains(&number) {
                self.numbers.push(number);
            }
        } else if word.len() > 2 {
            for firmware in firmwares {
                self.take_function(word.trim_end_matches("()"), firmware);
            }
        }
        let Some(chip) = chip.filter(|_| word.len() > 2 && is_path(word)) else { return };
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
        for word in words::split(text) {
            if !words::is_stop(&word) && word.len() > 1 {
                self.terms.insert(words::stem(&word), 1.0);
            }
        }
    }

    /// Adds what the words stand for.
    fn take_meaning(&mut self, heard: &Heard) {
        for class in classes() {
            let spoken_of = heard.says(class.says);
            if spoken_of {
                for peripheral in class.names() {
                    raise(self.kinds.entry(peripheral).or_default(), 1.0);
                }
            }
            if spoken_of || is_named(class, heard) {
                for topic in class.topics.iter().filter(|topic| heard.says(topic.says)) {
                    self.add(topic.roles, topic.words, TOPIC_WEIGHT);
                }
            }
        }
        for symptom in SYMPTOMS.iter().filter(|symptom| heard.says(symptom.says)) {
            for peripheral in symptom.peripherals.split_whitespace() {
                raise(self.kinds.entry(peripheral).or_default(), SYMPTOM_KIND);
            }
            self.add(symptom.roles, symptom.words, SYMPTOM_WEIGHT);
        }
    }

    fn add(&mut self, roles: &[Role], words: &str, weight: f32) {
        for &role in roles {
            raise(self.roles.entry(role).or_default(), 1.0);
        }
        for word in words.split_whitespace() {
            raise(self.terms.entry(words::stem(word)).or_default(), weight);
        }
    }
}

/// Whether a word is spelled like the path of a register, or its address. `i.MX`, `e.g.` and `3.3`
/// have a point, but nothing that a peripheral is called before it.
fn is_path(word: &str) -> bool {
    let names_any = |(before, _): (&str, &str)| {
        before.len() > 1 && before.starts_with(|c: char| !c.is_ascii_digit())
    };
    ["->", "_", "::", "0x"].iter().any(|mark| word.contains(mark))
        || word.split_once('.').is_some_and(names_any)
}

/// Whether a peripheral of the class is called by its name: `TIM3`, `SPI2`.
fn is_named(class: &Class, heard: &Heard) -> bool {
    heard.words().iter().any(|word| {
        let kind = word.trim_end_matches(|c: char| c.is_ascii_digit());
        kind.len() > 2 && class.names().any(|name| name.eq_ignore_ascii_case(kind))
    })
}

fn raise(weight: &mut f32, to: f32) {
    *weight = weight.max(to);
}
