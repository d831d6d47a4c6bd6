//! The firmware's side of evidence: which code touches a register, and functions and variables
//! that are called as the question speaks.

use std::collections::HashMap;

use bundle::{Facts, WriteFact};
use svd_index::Index;
use svd_index::elf::{AccessKind, Firmware, FunctionRef, SymbolKind, SymbolRef};

use super::question::Question;
use super::render;
use crate::catalog::Catalog;
use crate::words;

/// Functions and variables that are told of.
const MOST_FUNCTIONS: usize = 6;
const MOST_VARIABLES: usize = 4;

/// Shares of the best one's score below which a name only happens to share a word.
const LEAST_SHARE: f32 = 0.6;

/// A word of the file's name counts this much, one of the function's own name 1.
const IN_FILE: f32 = 0.5;

/// What the code does with registers, by position in the catalog.
#[derive(Default)]
pub(super) struct Code {
    writes: HashMap<usize, Vec<Write>>,
    /// Places, each once.
    reads: HashMap<usize, Vec<String>>,
}

/// A write, and which element of an array it is to.
struct Write {
    fact: WriteFact,
    element: Option<String>,
}

impl Code {
    /// The writes of `facts`, and the reads of the firmware in `index`. What is at an address that
    /// several peripherals share counts for each of them.
    pub(super) fn of(catalog: &Catalog<'_>, index: &Index, facts: &Facts) -> Self {
        let mut code = Self::default();
        let mut known: HashMap<&str, Vec<usize>> = HashMap::new();
        for fact in &facts.writes {
            let path = fact.register.as_str();
            for &at in known.entry(path).or_insert_with(|| positions(catalog, path)).iter() {
                let is_element = catalog.registers[at].count > 1;
                let element = is_element.then(|| fact.register.clone());
                code.writes.entry(at).or_default().push(Write { fact: fact.clone(), element });
            }
        }
        let firmwares = catalog.chip().map_or(&[][..], |_| index.firmwares());
        let accesses = firmwares.iter().flat_map(Firmware::accesses);
        for access in accesses.filter(|access| access.kind == AccessKind::Read) {
            let place = render::place(access.function, access.file, access.line, access.pc);
            for at in catalog.reached(access.address) {
                let places = code.reads.entry(at).or_default();
                if !places.contains(&place) {
                    places.push(place.clone());
                }
            }
        }
        code
    }

    /// Lines for the writes of a register and then for its reads, each once.
    pub(super) fn lines(&self, register: usize, size_bits: u32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for Write { fact, element } in self.writes.get(&register).into_iter().flatten() {
            let line = render::write(fact, element.as_deref(), size_bits);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let reads = self.reads.get(&register).into_iter().flatten();
        lines.extend(reads.map(|place| format!("  {place} reads")));
        lines
    }
}

/// Where registers with this path, and those that share its address, stand in the catalog.
fn positions(catalog: &Catalog<'_>, path: &str) -> Vec<usize> {
    let by_path = || catalog.registers.iter().position(|register| register.path == path);
    let Some(chip) = catalog.chip() else { return by_path().into_iter().collect() };
    match chip.register(path) {
        Some(register) => catalog.reached(register.address()),
        None => by_path().into_iter().collect(),
    }
}

/// Functions and variables whose names have words of the question, best first.
pub(super) struct Heard<'f> {
    pub(super) functions: Vec<FunctionRef<'f>>,
    variables: Vec<SymbolRef<'f>>,
}

impl<'f> Heard<'f> {
    pub(super) fn of(firmwares: &'f [Firmware], question: &Question) -> Self {
        let functions = firmwares.iter().flat_map(Firmware::functions);
        let functions = best(functions.collect(), question, MOST_FUNCTIONS, |function| {
            (function.name, function.file)
        });
        let objects = firmwares.iter().flat_map(Firmware::symbols);
        let objects = objects.filter(|symbol| symbol.kind == SymbolKind::Object && symbol.size > 0);
        let variables =
            best(objects.collect(), question, MOST_VARIABLES, |symbol| (symbol.name, None));
        Self { functions, variables }
    }

    /// Whether code is of one of the functions.
    pub(super) fn has(&self, function: Option<&str>) -> bool {
        function.is_some_and(|name| self.functions.iter().any(|heard| heard.name == name))
    }

    /// A line for each.
    pub(super) fn lines(&self) -> Vec<String> {
        let functions = self.functions.iter().map(|function| {
            let place =
                render::place(Some(function.name), function.file, function.line, function.address);
            format!("function {place}")
        });
        let variables = self.variables.iter().map(|variable| {
            format!("variable {} {:#010x} {} bytes", variable.name, variable.address, variable.size)
        });
        functions.chain(variables).collect()
    }
}

/// The `most` of `all` whose names share the rarest words with the question.
fn best<T: Copy>(
    all: Vec<T>,
    question: &Question,
    most: usize,
    names: impl Fn(&T) -> (&str, Option<&str>),
) -> Vec<T> {
    let asked = |text: &str| -> Vec<String> {
        let last = text.rsplit("::").next().unwrap_or(text);
        let stems = words::split(last).into_iter().map(|word| words::stem(&word));
        let mut stems: Vec<String> = stems.filter(|stem| question.says(stem)).collect();
        stems.sort();
        stems.dedup();
        stems
    };
    let mut frequency: HashMap<String, f32> = HashMap::new();
    let mut heard: Vec<(T, Vec<(String, f32)>)> = Vec::new();
    for one in &all {
        let (name, file) = names(one);
        let mut stems: Vec<(String, f32)> =
            asked(name).into_iter().map(|stem| (stem, 1.0)).collect();
        for stem in file.map(|file| asked(render::base_name(file))).unwrap_or_default() {
            if stems.iter().all(|(known, _)| *known != stem) {
                stems.push((stem, IN_FILE));
            }
        }
        if stems.is_empty() {
            continue;
        }
        for (stem, _) in &stems {
            *frequency.entry(stem.clone()).or_default() += 1.0;
        }
        heard.push((*one, stems));
    }
    let total = all.len() as f32;
    let rarity = |stem: &String| (1.0 + total / frequency[stem]).ln();
    let mut scored: Vec<(f32, T)> = heard
        .into_iter()
        .map(|(one, stems)| (stems.iter().map(|(stem, worth)| worth * rarity(stem)).sum(), one))
        .collect();
    // The sort is stable: of equals the first by address comes first.
    scored.sort_by(|a: &(f32, T), b| b.0.total_cmp(&a.0));
    let least = scored.first().map_or(0.0, |(best, _)| best * LEAST_SHARE);
    scored.retain(|(score, _)| *score >= least);
    scored.into_iter().take(most).map(|(_, one)| one).collect()
}
