//! How much each register and field is worth for a question.
//!
//! Three things are added up: the question's words in names and descriptions (rare words count
//! more), the peripheral it is about (by name, by kind, by what the firmware uses), and the part
//! a register plays in such a peripheral. Twins (peripherals or registers of one layout) are
//! stood for by one of them.

use std::collections::BTreeMap;

use bundle::Facts;
use svd_index::Index;

use super::code::Heard;
use super::matching::{Library, Matcher, Terms, TextId};
use super::question::Question;
use super::roles;
use super::twins;
use super::vocabulary;
use crate::catalog::{Catalog, Register};
use crate::words;

/// Registers by worth, best first; only those that are worth something.
pub(crate) struct Ranking {
    pub(crate) registers: Vec<Ranked>,
    /// Lines for functions and variables that are called as the question speaks, best first.
    pub(crate) names: Vec<String>,
    /// What was asked, as it was understood.
    pub(crate) question: Question,
}

/// One register's worth.
#[derive(Debug)]
pub(crate) struct Ranked {
    /// Position in the catalog.
    pub(crate) register: usize,
    /// Path and address to print, of the element that is meant where it is an array.
    pub(crate) path: String,
    pub(crate) address: u64,
    /// Comparable within one ranking only.
    pub(crate) worth: f32,
    /// Worth of each field, in the register's order.
    pub(crate) fields: Vec<f32>,
    /// How many registers it stands for, itself included.
    pub(crate) stands_for: u64,
}

/// Words in the register's own name or description count this much, those in its peripheral's
/// are counted once for all of its registers, see [`Peripheral`].
const IN_NAME: f32 = 2.2;
const IN_DESCRIPTION: f32 = 1.5;
const IN_FIELD_NAME: f32 = 1.2;
const IN_FIELD_DESCRIPTION: f32 = 0.8;
const IN_ENUM: f32 = 0.35;
/// The second-best field adds this share of its score, the third the square of it, and so on.
const NEXT_FIELD: f32 = 0.45;

/// How much it counts that code touches a register, and that code of a function does which is
/// called as the question speaks.
const TOUCHED: f32 = 0.2;
const HEARD: f32 = 0.8;

/// Ranks everything for `question`.
pub(crate) fn rank(catalog: &Catalog<'_>, index: &Index, facts: &Facts, question: &str) -> Ranking {
    let question = Question::understand(question, catalog.chip(), index.firmwares());
    let heard = Heard::of(index.firmwares(), &question);
    let used = Used::of(catalog, index, facts, &question, &heard);
    let peripherals = peripheral_strengths(catalog, &question, &used);
    let twins = twins::find(catalog, &peripherals, &used.registers);
    let lexical = lexical_scores(catalog, &question, &twins, &peripherals);
    let gates = roles::clock_gates(catalog, &peripherals, &twins);

    let kinds: Vec<String> = catalog.peripherals.iter().map(|p| letters(p.name)).collect();
    let top = lexical.iter().map(|scored| scored.register).fold(0.0, f32::max).max(1.0);
    let mut ranked: Vec<Ranked> = (0..catalog.registers.len())
        .filter(|&at| twins.stands[at] > 0)
        .filter_map(|at| {
            let register = &catalog.registers[at];
            let scored = &lexical[at];
            let about = peripherals[register.peripheral];
            let role = match about > 0.0 {
                true => roles::of(register, &kinds[register.peripheral], &question.roles),
                false => 0.0,
            };
            let mut worth = scored.register / top * (0.35 + about) + 0.35 * about * role;
            let mut fields = scored.fields.clone();
            for gate in gates.iter().filter(|gate| gate.register == at) {
                worth += gate.worth;
                fields[gate.field] += gate.worth * 2.0;
            }
            worth += used.worth(at, about);
            (worth > 0.02).then(|| Ranked {
                register: at,
                path: register.path.clone(),
                address: register.address,
                worth,
                fields,
                stands_for: twins.stands[at],
            })
        })
        .collect();
    name_elements(catalog, &question, facts, &mut ranked);
    ranked.sort_by(|a, b| b.worth.total_cmp(&a.worth).then(a.address.cmp(&b.address)));
    Ranking { registers: ranked, names: heard.lines(), question }
}

/// The letters that a peripheral's name starts with, lower-case: `uart` of `UART0`.
fn letters(name: &str) -> String {
    name.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase()
}

/// What the firmware, the board and the question point at directly.
struct Used {
    /// Positions of registers, with how much that counts.
    registers: BTreeMap<usize, f32>,
}

impl Used {
    fn of(
        catalog: &Catalog<'_>,
        index: &Index,
        facts: &Facts,
        question: &Question,
        heard: &Heard<'_>,
    ) -> Self {
        let mut registers: BTreeMap<usize, f32> = BTreeMap::new();
        let mut raise = |at: usize, to: f32| {
            let known = registers.entry(at).or_default();
            *known = known.max(to);
        };
        for firmware in index.firmwares() {
            for access in firmware.accesses() {
                let to = if heard.has(access.function) { HEARD } else { TOUCHED };
                catalog.reached(access.address).into_iter().for_each(|at| raise(at, to));
            }
            for function in &question.functions {
                for access in firmware.accesses_in(function) {
                    catalog.reached(access.address).into_iter().for_each(|at| raise(at, 1.8));
                }
            }
        }
        // Few are named: laying out all names to find them would take longer.
        let mut by_name = |path: &str, to: f32| {
            let is_it = |register: &Register<'_>| register.path.eq_ignore_ascii_case(path);
            let position = catalog.registers.iter().position(is_it);
            let element = || catalog.position(&catalog.chip()?.register(path)?);
            if let Some(at) = position.or_else(element) {
                raise(at, to);
            }
        };
        for path in &question.registers {
            by_name(path, 3.0);
        }
        for finding in &facts.findings {
            by_name(&finding.register, 2.0);
        }
        Self { registers }
    }

    /// Worth that being used adds: little by itself, more in a peripheral that is asked about.
    fn worth(&self, register: usize, about: f32) -> f32 {
        match self.registers.get(&register) {
            Some(&named) if named >= 1.0 => named,
            Some(&touched) => touched * (0.2 + about),
            None => 0.0,
        }
    }
}

/// How much the question is about each peripheral, 0 to about 1.2.
fn peripheral_strengths(catalog: &Catalog<'_>, question: &Question, used: &Used) -> Vec<f32> {
    let matcher = Matcher::new(question);
    let mut strengths: Vec<f32> = catalog
        .peripherals
        .iter()
        .map(|peripheral| {
            let by_name = name_strength(peripheral.name, question)
                .max(peripheral.group.map_or(0.0, |group| 0.9 * name_strength(group, question)));
            let by_group = peripheral.group.map_or(0.0, |group| kind_strength(group, question));
            let by_kind = kind_strength(peripheral.name, question).max(0.9 * by_group);
            let by_words = 0.25 * matcher.share(peripheral.description);
            by_name.max(by_kind) + by_words
        })
        .collect();
    for (&at, &worth) in &used.registers {
        let strength = &mut strengths[catalog.registers[at].peripheral];
        // A named register makes its peripheral the subject; use by the firmware only hints.
        *strength = if worth >= 1.0 { strength.max(0.7) } else { *strength * 1.03 + 0.01 };
    }
    for strength in &mut strengths {
        *strength = strength.min(1.3);
    }
    strengths
}

/// Whether one of the question's words is this name, or its name without the instance.
fn name_strength(name: &str, question: &Question) -> f32 {
    let lower = name.to_lowercase();
    let kind = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    let said = |text: &str| question.plain.iter().any(|word| word == text);
    if said(&lower) && (lower.len() > 1) {
        return 1.1;
    }
    // "port A" is GPIOA, PORTA or PA.
    let port = question.plain.windows(2).any(|pair| {
        (pair[0] == "port" || pair[0] == "gpio")
            && pair[1].len() == 1
            && ["gpio", "port", "p"].iter().any(|start| lower == format!("{start}{}", pair[1]))
    });
    if port {
        return 1.1;
    }
    let compound = lower.split('_').any(|part| part.len() > 2 && said(part));
    match () {
        () if kind.len() > 1 && said(kind) => 0.8,
        () if compound => 0.6,
        () => 0.0,
    }
}

fn kind_strength(name: &str, question: &Question) -> f32 {
    let upper = name.to_ascii_uppercase();
    question
        .kinds
        .iter()
        .filter_map(|(start, strength)| {
            let rest = vocabulary::names(start, &upper)?;
            Some(strength * if vocabulary::is_instance(rest) { 0.7 } else { 0.45 })
        })
        .fold(0.0, f32::max)
}

/// What the question's words give one register.
pub(super) struct Scored {
    pub(super) register: f32,
    pub(super) fields: Vec<f32>,
}

fn lexical_scores(
    catalog: &Catalog<'_>,
    question: &Question,
    twins: &twins::Twins,
    peripherals: &[f32],
) -> Vec<Scored> {
    let mut matcher = Matcher::new(question);
    let mut library = Library::default();
    let mut reads = Vec::with_capacity(catalog.registers.len());
    for (register, &stands) in catalog.registers.iter().zip(&twins.stands) {
        reads.push((stands > 0).then(|| Read::of(register, &matcher, &mut library)));
    }
    for read in reads.iter().flatten() {
        matcher.count(read.texts().map(|text| library.terms(text)));
    }
    matcher.weigh();
    let scores = catalog.registers.iter().zip(&reads).map(|(register, read)| match read {
        Some(read) => {
            let about = peripherals[register.peripheral];
            score(register, read, question, &matcher, &mut library, about)
        }
        None => Scored { register: 0.0, fields: Vec::new() },
    });
    scores.collect()
}

/// The texts of a register.
struct Read {
    name: TextId,
    description: TextId,
    /// Each field's name and description.
    fields: Vec<[TextId; 2]>,
}

impl Read {
    fn of<'t>(register: &'t Register<'t>, matcher: &Matcher, library: &mut Library<'t>) -> Self {
        let mut read = |text| library.read(text, matcher);
        Self {
            name: read(register.name()),
            description: read(register.description),
            fields: register
                .fields
                .iter()
                .map(|f| [f.name, f.description].map(&mut read))
                .collect(),
        }
    }

    fn texts(&self) -> impl Iterator<Item = TextId> {
        [self.name, self.description].into_iter().chain(self.fields.iter().flatten().copied())
    }
}

fn score<'t>(
    register: &'t Register<'t>,
    read: &Read,
    question: &Question,
    matcher: &Matcher,
    library: &mut Library<'t>,
    about: f32,
) -> Scored {
    let mut own = matcher.best_of(&[
        (library.terms(read.name), IN_NAME),
        (library.terms(read.description), IN_DESCRIPTION),
    ]);
    if question.plain.iter().any(|word| word.eq_ignore_ascii_case(register.name())) {
        own += 2.0 * IN_NAME * matcher.heaviest();
    }
    // What a value is called says little by itself.
    let with_enums = about > 0.0 || own > 0.0 || !question.numbers.is_empty();
    let mut fields = Vec::with_capacity(register.fields.len());
    for (field, &[name, description]) in register.fields.iter().zip(&read.fields) {
        let mut enums = Terms::new();
        let mut number = 0.0;
        for value in field.enums().take_while(|_| with_enums) {
            for text in [value.name, value.description] {
                let text_id = library.read(text, matcher);
                enums.extend(library.terms(text_id));
                let said = |wanted: &u64| words::numbers(text).contains(wanted);
                if question.numbers.iter().any(said) {
                    number = IN_FIELD_NAME * matcher.heaviest();
                }
            }
        }
        let texts = [
            (library.terms(name), IN_FIELD_NAME),
            (library.terms(description), IN_FIELD_DESCRIPTION),
            (&enums, IN_ENUM),
        ];
        fields.push(matcher.best_of(&texts) + number);
    }
    let mut sorted = fields.clone();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let mut share = 1.0;
    for field in sorted.iter().take(4) {
        own += field * share;
        share *= NEXT_FIELD;
    }
    // A register with very many fields meets some words by chance.
    let crowd = 1.0 + 0.008 * register.fields.len() as f32;
    Scored { register: own / crowd, fields }
}

/// Prints the element of an array that the question or a finding names, or else the only one that the
/// firmware writes, not the first.
fn name_elements(catalog: &Catalog<'_>, question: &Question, facts: &Facts, ranked: &mut [Ranked]) {
    let Some(chip) = catalog.chip() else { return };
    let mut written: Vec<&String> = facts.writes.iter().map(|write| &write.register).collect();
    written.dedup();
    let of_array = |path: &&String| path.ends_with(']');
    let stem = |path: &str| path.rsplit_once('[').map(|(stem, _)| stem.to_owned());
    let alone =
        |path: &&String| written.iter().filter(|other| stem(other) == stem(path)).count() == 1;
    let written: Vec<&String> = written.iter().copied().filter(of_array).filter(alone).collect();
    let findings = facts.findings.iter().map(|finding| &finding.register);
    // The last to name an element has the word.
    for path in written.into_iter().chain(findings).chain(&question.registers) {
        let Some(element) = chip.register(path) else { continue };
        let Some(at) = catalog.position(&element) else { continue };
        if let Some(found) = ranked.iter_mut().find(|ranked| ranked.register == at)
            && !element.is_array()
        {
            (found.path, found.address) = (element.path(), element.address());
        }
    }
}
