//! The word index that [`Chip::search`](super::Chip::search) reads: its records, and how it is
//! built.
//!
//! Most questions name a register, so it is built by the first search and lies in a file of its
//! own beside the chip's index, made from nothing but that. A word counts in a register by where
//! it stands: its own name most, then its description, the architecture's name for it, its fields
//! and their values, and its peripheral. All of the score that does not depend on the question is
//! worked out here.
//!
//! Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
//! 2009, section 3 (BM25F as weighted term frequencies).

use std::collections::HashMap;

use bytemuck::{Pod, Zeroable};

use super::records::{self as rec, Span};
use super::search::for_each_token;
use crate::store::{File, Kind, Records, SectionId, StrRef, Writer};

/// Version of these records. They hold positions in the chip's index, so they change with it.
pub(super) const SCHEMA: u32 = rec::SCHEMA;

pub(super) const TERMS: SectionId = SectionId(16);
pub(super) const POSTINGS: SectionId = SectionId(17);

/// A word and the registers that have it; by hash.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct TermRecord {
    /// See [`hash`].
    pub(super) hash: u64,
    pub(super) text: StrRef,
    pub(super) postings: Span,
}

/// By register.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct PostingRecord {
    pub(super) register: u32,
    /// What the word adds to the register's score where it is asked for.
    pub(super) score: f32,
}

const NAME: f32 = 3.0;
const ALIAS: f32 = 1.5;
const DESCRIPTION: f32 = 1.5;
const PERIPHERAL_NAME: f32 = 2.0;
const PERIPHERAL_DESCRIPTION: f32 = 0.7;
const FIELD_NAME: f32 = 1.0;
const FIELD_DESCRIPTION: f32 = 0.6;
const ENUM_NAME: f32 = 0.4;
const ENUM_DESCRIPTION: f32 = 0.2;

const K1: f32 = 1.2;
const B: f32 = 0.5;

/// The bytes of the word index of the chip whose index is `chip`.
pub(super) fn build(chip: &File) -> Vec<u8> {
    let mut collected = Collected::default();
    collected.registers(chip);
    let mut writer = Writer::new(Kind::Words, SCHEMA, *chip.source());
    let (terms, postings) = collected.scored(&mut writer);
    writer.section(TERMS, &terms).section(POSTINGS, &postings);
    writer.finish()
}

/// A number for a word, spread evenly over 64 bits and the same on every machine.
///
/// Source: Fowler, Noll and Vo, FNV-1a, 64 bits; mixed once more, since its high bits, by which
/// terms are sorted, hardly depend on a short word's last letters (the mix is `fmix64` of
/// MurmurHash3).
pub(super) fn hash(word: &str) -> u64 {
    let fnv = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (fnv ^ fnv >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ mixed >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ mixed >> 33
}

/// Words by number with their weights, each once, in the order in which they were met.
type Bag = Vec<(u32, f32)>;

/// Looked up for every word of every text, so hashed fast; never iterated.
type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// What stands in the registers, before it is scored.
#[derive(Default)]
struct Collected {
    tokens: Tokens,
    /// Word, register, weight; by register.
    weights: Vec<(u32, u32, f32)>,
    /// Weight of all words of each register.
    lengths: Vec<f32>,
}

impl Collected {
    fn registers(&mut self, chip: &File) {
        let fields: Records<'_, rec::FieldRecord> = chip.records(rec::FIELDS);
        let enums: Records<'_, rec::EnumRecord> = chip.records(rec::ENUMS);
        let peripherals = self.peripheral_bags(chip);
        let mut aliases: Map<u32, Vec<StrRef>> = Map::default();
        for alias in chip.records::<rec::AliasRecord>(rec::ALIASES) {
            aliases.entry(alias.register).or_default().push(alias.name);
        }
        let mut field_bags: Map<Span, Bag> = Map::default();
        let mut sum = Sum::default();
        for (index, register) in
            chip.records::<rec::RegisterRecord>(rec::REGISTERS).iter().enumerate()
        {
            if let Some(bag) = peripherals.get(register.peripheral as usize) {
                sum.add_bag(bag);
            }
            for (text, weight) in [
                (register.name, NAME),
                (register.display_name, NAME),
                (register.description, DESCRIPTION),
            ] {
                self.tokens.add(chip, text, weight, &mut sum);
            }
            for &alias in aliases.get(&(index as u32)).into_iter().flatten() {
                self.tokens.add(chip, alias, ALIAS, &mut sum);
            }
            let bag = field_bags.entry(register.fields).or_insert_with(|| {
                let fields = fields.slice(register.fields.range());
                self.tokens.field_bag(chip, fields, enums)
            });
            sum.add_bag(bag);
            let bag = sum.take();
            self.lengths.push(bag.iter().map(|(_, weight)| weight).sum());
            let index = index as u32;
            self.weights.extend(bag.into_iter().map(|(term, weight)| (term, index, weight)));
        }
    }

    fn peripheral_bags(&mut self, chip: &File) -> Vec<Bag> {
        let mut sum = Sum::default();
        let peripherals: Records<'_, rec::PeripheralRecord> = chip.records(rec::PERIPHERALS);
        let bag_of = |peripheral: &rec::PeripheralRecord| {
            for (text, weight) in [
                (peripheral.name, PERIPHERAL_NAME),
                (peripheral.group, PERIPHERAL_NAME),
                (peripheral.description, PERIPHERAL_DESCRIPTION),
            ] {
                self.tokens.add(chip, text, weight, &mut sum);
            }
            sum.take()
        };
        peripherals.iter().map(bag_of).collect()
    }

    /// The terms by hash, and the postings of each by register.
    fn scored(self, writer: &mut Writer) -> (Vec<TermRecord>, Vec<PostingRecord>) {
        let documents = self.lengths.len();
        let mean = (self.lengths.iter().sum::<f32>() / documents.max(1) as f32).max(1.0);
        let mut having = vec![0_u32; self.tokens.texts.len()];
        for &(term, _, _) in &self.weights {
            having[term as usize] += 1;
        }
        let mut order: Vec<(u64, u32)> =
            (0..).zip(&self.tokens.texts).map(|(term, text)| (hash(text), term)).collect();
        order.sort_unstable();
        let mut next = vec![0_u32; order.len()];
        let mut first = 0;
        let mut terms = Vec::with_capacity(order.len());
        for (hash, term) in order {
            let term = term as usize;
            next[term] = first;
            let postings = Span { first, count: having[term] };
            terms.push(TermRecord { hash, text: writer.text(&self.tokens.texts[term]), postings });
            first += having[term];
        }
        let mut postings = vec![PostingRecord::default(); self.weights.len()];
        for &(term, register, weight) in &self.weights {
            let having = having[term as usize] as f32;
            let rarity = (1.0 + (documents as f32 - having + 0.5) / (having + 0.5)).ln();
            let norm = K1 * (1.0 - B + B * self.lengths[register as usize] / mean);
            let score = rarity * weight * (K1 + 1.0) / (weight + norm);
            let place = &mut next[term as usize];
            postings[*place as usize] = PostingRecord { register, score };
            *place += 1;
        }
        (terms, postings)
    }
}

/// Adds up the weights of equal words.
#[derive(Default)]
struct Sum {
    /// By word; zero where it is not in the sum.
    weights: Vec<f32>,
    words: Vec<u32>,
}

impl Sum {
    fn add(&mut self, word: u32, weight: f32) {
        let place = word as usize;
        if place >= self.weights.len() {
            self.weights.resize(2 * place + 1, 0.0);
        }
        if self.weights[place] == 0.0 {
            self.words.push(word);
        }
        self.weights[place] += weight;
    }

    fn add_bag(&mut self, bag: &Bag) {
        for &(word, weight) in bag {
            self.add(word, weight);
        }
    }

    /// The sum, which then is empty.
    fn take(&mut self) -> Bag {
        let weights = &mut self.weights;
        self.words
            .drain(..)
            .map(|word| (word, std::mem::take(&mut weights[word as usize])))
            .collect()
    }
}

/// Numbers for words, and which words each text has.
#[derive(Default)]
struct Tokens {
    numbers: Map<String, u32>,
    texts: Vec<String>,
    /// Where the words of a text stand in `words`.
    of_text: Map<StrRef, Span>,
    words: Vec<u32>,
    of_fields: Sum,
}

impl Tokens {
    fn add(&mut self, chip: &File, text: StrRef, weight: f32, sum: &mut Sum) {
        if text.is_empty() {
            return;
        }
        let words = match self.of_text.get(&text) {
            Some(&words) => words,
            None => {
                let words = self.tokenise(chip.text(text));
                self.of_text.insert(text, words);
                words
            }
        };
        for &word in &self.words[words.range()] {
            sum.add(word, weight);
        }
    }

    fn field_bag(
        &mut self,
        chip: &File,
        fields: &[rec::FieldRecord],
        enums: Records<'_, rec::EnumRecord>,
    ) -> Bag {
        let mut sum = std::mem::take(&mut self.of_fields);
        for field in fields {
            self.add(chip, field.name, FIELD_NAME, &mut sum);
            self.add(chip, field.description, FIELD_DESCRIPTION, &mut sum);
            let values = Span { first: field.first_enum, count: field.enum_count };
            for value in enums.slice(values.range()) {
                self.add(chip, value.name, ENUM_NAME, &mut sum);
                self.add(chip, value.description, ENUM_DESCRIPTION, &mut sum);
            }
        }
        let bag = sum.take();
        self.of_fields = sum;
        bag
    }

    fn tokenise(&mut self, text: &str) -> Span {
        let first = self.words.len();
        let Self { numbers, texts, words, .. } = self;
        for_each_token(text, &mut |token| {
            let number = match numbers.get(token) {
                Some(&number) => number,
                None => {
                    let number = texts.len() as u32;
                    numbers.insert(token.to_owned(), number);
                    texts.push(token.to_owned());
                    number
                }
            };
            words.push(number);
        });
        Span { first: first as u32, count: (self.words.len() - first) as u32 }
    }
}
