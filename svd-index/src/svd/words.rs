//! Builds the word index that [`crate::Chip::search`] reads.
//!
//! A word counts in a register by where it stands: its own name most, then its description, the
//! architecture's name for it, its fields and their values, and its peripheral.

use std::collections::HashMap;

use super::layout::Tables;
use crate::chip::records as rec;
use crate::chip::search::for_each_token;
use crate::store::{StrRef, Writer};

const NAME: f32 = 3.0;
const ALIAS: f32 = 1.5;
const DESCRIPTION: f32 = 1.5;
const PERIPHERAL_NAME: f32 = 2.0;
const PERIPHERAL_DESCRIPTION: f32 = 0.7;
const FIELD_NAME: f32 = 1.0;
const FIELD_DESCRIPTION: f32 = 0.6;
const ENUM_NAME: f32 = 0.4;
const ENUM_DESCRIPTION: f32 = 0.2;

/// The tables of the word index.
pub(super) struct Words {
    pub(super) terms: Vec<rec::TermRecord>,
    pub(super) postings: Vec<rec::PostingRecord>,
    /// Weight of all words of each register, then the mean.
    pub(super) lengths: Vec<f32>,
}

type Bag = Vec<(u32, f32)>;

/// Looked up for every word of every text, so hashed fast; never iterated.
type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

pub(super) fn index(tables: &Tables, writer: &mut Writer) -> Words {
    let mut tokens = Tokens::default();
    let mut field_bags: Map<rec::Span, Bag> = Map::default();
    let mut aliases: Map<u32, Vec<StrRef>> = Map::default();
    for alias in &tables.aliases {
        aliases.entry(alias.register).or_default().push(alias.name);
    }
    let mut lengths = Vec::with_capacity(tables.registers.len() + 1);
    let mut by_term: Vec<Vec<rec::PostingRecord>> = Vec::new();
    let peripheral_bags: Vec<Bag> = tables
        .peripherals
        .iter()
        .map(|peripheral| {
            let mut bag = Bag::new();
            tokens.add(writer, peripheral.name, PERIPHERAL_NAME, &mut bag);
            tokens.add(writer, peripheral.group, PERIPHERAL_NAME, &mut bag);
            let description = peripheral.description;
            tokens.add(writer, description, PERIPHERAL_DESCRIPTION, &mut bag);
            bag
        })
        .collect();
    for (index, register) in tables.registers.iter().enumerate() {
        let mut bag = peripheral_bags[register.peripheral as usize].clone();
        tokens.add(writer, register.name, NAME, &mut bag);
        tokens.add(writer, register.display_name, NAME, &mut bag);
        tokens.add(writer, register.description, DESCRIPTION, &mut bag);
        for &alias in aliases.get(&(index as u32)).into_iter().flatten() {
            tokens.add(writer, alias, ALIAS, &mut bag);
        }
        let fields = field_bags
            .entry(register.fields)
            .or_insert_with(|| field_bag(tables, writer, &mut tokens, register.fields));
        bag.extend_from_slice(fields);
        merge(&mut bag);
        lengths.push(bag.iter().map(|(_, weight)| weight).sum());
        by_term.resize_with(tokens.texts.len(), Vec::new);
        for &(term, weight) in &bag {
            by_term[term as usize].push(rec::PostingRecord { register: index as u32, weight });
        }
    }
    let mean = lengths.iter().sum::<f32>() / lengths.len().max(1) as f32;
    lengths.push(mean);
    sorted(tokens, by_term, lengths, writer)
}

fn field_bag(tables: &Tables, writer: &Writer, tokens: &mut Tokens, fields: rec::Span) -> Bag {
    let mut bag = Bag::new();
    for field in &tables.fields[fields.range()] {
        tokens.add(writer, field.name, FIELD_NAME, &mut bag);
        tokens.add(writer, field.description, FIELD_DESCRIPTION, &mut bag);
        let first = field.first_enum as usize;
        for value in &tables.enums[first..first + field.enum_count as usize] {
            tokens.add(writer, value.name, ENUM_NAME, &mut bag);
            tokens.add(writer, value.description, ENUM_DESCRIPTION, &mut bag);
        }
    }
    merge(&mut bag);
    bag
}

fn sorted(
    tokens: Tokens,
    by_term: Vec<Vec<rec::PostingRecord>>,
    lengths: Vec<f32>,
    writer: &mut Writer,
) -> Words {
    let mut order: Vec<(String, Vec<rec::PostingRecord>)> =
        tokens.texts.into_iter().zip(by_term).collect();
    order.sort_by(|a, b| a.0.cmp(&b.0));
    let mut words = Words { terms: Vec::with_capacity(order.len()), postings: Vec::new(), lengths };
    for (text, postings) in order {
        let first = words.postings.len();
        words.postings.extend(postings);
        words.terms.push(rec::TermRecord {
            text: writer.text(&text),
            postings: super::layout::span(first, words.postings.len()),
        });
    }
    words
}

/// Adds up equal terms.
fn merge(bag: &mut Bag) {
    bag.sort_unstable_by_key(|&(term, _)| term);
    bag.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
}

/// Numbers for words, and which words each text has.
#[derive(Default)]
struct Tokens {
    numbers: Map<String, u32>,
    texts: Vec<String>,
    of_text: Map<StrRef, Vec<u32>>,
}

impl Tokens {
    fn add(&mut self, writer: &Writer, text: StrRef, weight: f32, bag: &mut Bag) {
        if text.is_empty() {
            return;
        }
        if !self.of_text.contains_key(&text) {
            let tokens = self.tokenise(writer.text_at(text));
            self.of_text.insert(text, tokens);
        }
        bag.extend(self.of_text[&text].iter().map(|&token| (token, weight)));
    }

    fn tokenise(&mut self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        for_each_token(text, &mut |token| {
            let number = match self.numbers.get(token) {
                Some(&number) => number,
                None => {
                    let number = self.texts.len() as u32;
                    self.numbers.insert(token.to_owned(), number);
                    self.texts.push(token.to_owned());
                    number
                }
            };
            tokens.push(number);
        });
        tokens
    }
}
