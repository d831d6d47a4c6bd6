//! How many of the registers that an answer needs are in the evidence, over questions on chips of
//! several vendors.
//!
//! Chips other than the example's come from `SILK_TEST_SVDS`, a folder with SVDs anywhere in it.
//! `SILK_RECALL_MISSES=1` prints what was missed.

mod questions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assist::{Context, TokenBudget};
use bundle::Facts;
use svd_index::{Index, Sources};

use crate::support::{example, index};
use questions::{Asked, FETCHED, OWN, UNSEEN};

/// Needed registers in the evidence, of all that are needed.
#[derive(Default)]
struct Recall {
    found: usize,
    needed: usize,
    times: Vec<Duration>,
}

impl Recall {
    fn share(&self) -> f64 {
        self.found as f64 / self.needed as f64
    }

    fn ask(&mut self, index: &Index, asked: &Asked, budget: usize) {
        let started = Instant::now();
        let facts = Facts::default();
        let budget_of = TokenBudget::new(budget);
        let context = Context::select(index, None, &facts, asked.question, budget_of);
        self.times.push(started.elapsed());
        let listed: Vec<String> =
            context.registers.iter().map(|path| pattern(index, path)).collect();
        let missed: Vec<&&str> =
            asked.needs.iter().filter(|path| !listed.contains(&pattern(index, path))).collect();
        self.needed += asked.needs.len();
        self.found += asked.needs.len() - missed.len();
        if !missed.is_empty() && std::env::var_os("SILK_RECALL_MISSES").is_some() {
            println!("{budget} {}: {}: {missed:?}", asked.chip, asked.question);
        }
    }

    fn print(&mut self, name: &str, budget: usize) {
        self.times.sort();
        let (median, slowest) =
            (self.times[self.times.len() / 2], self.times[self.times.len() - 1]);
        let (found, needed, share) = (self.found, self.needed, self.share());
        println!(
            "{name} at {budget}: {found} of {needed} ({share:.2}), median {median:.1?}, slowest {slowest:.1?}"
        );
    }
}

/// What tells a register from others, but not from its siblings, of which one stands for all: its
/// name, those of its fields, without digits, and the first letters of its peripheral's.
fn pattern(index: &Index, path: &str) -> String {
    let register = index.chip().unwrap().register(path).unwrap();
    let path = register.path();
    let (peripheral, name) = path.split_once('.').unwrap();
    let names = std::iter::once(name).chain(register.fields().map(|field| field.name()));
    let names: Vec<String> =
        names.map(|name| name.replace(|c: char| c.is_ascii_digit(), "")).collect();
    let kind: String = peripheral.chars().filter(|c| !c.is_ascii_digit()).take(4).collect();
    format!("{kind}.{}", names.join(" "))
}

#[test]
fn a_name_in_every_question_is_one_of_the_chip() {
    let mut chips = fetched(&std::env::var_os("SILK_TEST_SVDS").map(PathBuf::from));
    chips.insert("nrf51".into(), example("nrf51.svd"));
    for asked in OWN.iter().chain(FETCHED).chain(UNSEEN) {
        let Some(svd) = chips.get(asked.chip) else { continue };
        let index = open(svd);
        let chip = index.chip().unwrap();
        for path in asked.needs {
            assert!(chip.register(path).is_some(), "{}: {path}", asked.chip);
        }
    }
}

#[test]
fn the_registers_that_an_answer_needs_are_in_the_evidence() {
    let index = index("");
    for (budget, least) in [(1000, 0.85), (2000, 0.92)] {
        let mut recall = Recall::default();
        OWN.iter().for_each(|asked| recall.ask(&index, asked, budget));
        recall.print("nrf51", budget);
        assert!(recall.share() >= least, "{}", recall.share());
    }
}

#[test]
fn the_registers_that_an_answer_needs_are_in_the_evidence_whoever_made_the_chip() {
    let Some(folder) = std::env::var_os("SILK_TEST_SVDS").map(PathBuf::from) else {
        assert!(std::env::var_os("SILK_REQUIRE_PARTS").is_none(), "SILK_TEST_SVDS names no folder");
        println!("skipped: SILK_TEST_SVDS names no folder of SVDs");
        return;
    };
    let chips = fetched(&Some(folder));
    measure("fetched", FETCHED, &chips, [0.93, 0.95]);
    measure("unseen", UNSEEN, &chips, [0.9, 0.93]);
}

/// Asks all of `asked`, which must reach the recall of `least` at 1000 and at 2000 tokens.
fn measure(name: &str, asked: &[Asked], chips: &BTreeMap<String, PathBuf>, least: [f64; 2]) {
    let mut recalls = [1000, 2000].map(|budget| (budget, Recall::default()));
    let mut indexes: BTreeMap<&str, Index> = BTreeMap::new();
    for asked in asked {
        let Some(svd) = chips.get(asked.chip) else { continue };
        let index = indexes.entry(asked.chip).or_insert_with(|| open(svd));
        for (budget, recall) in &mut recalls {
            recall.ask(index, asked, *budget);
        }
    }
    for ((budget, recall), least) in recalls.iter_mut().zip(least) {
        assert!(recall.needed > 0, "SILK_TEST_SVDS has none of the chips");
        recall.print(name, *budget);
        assert!(recall.share() >= least, "{}", recall.share());
    }
}

/// SVDs in a folder and those beneath it, by name without ending.
fn fetched(folder: &Option<PathBuf>) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut left: Vec<PathBuf> = folder.iter().cloned().collect();
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if let Some(stem) = path.file_stem() {
                found.insert(stem.to_string_lossy().into_owned(), path);
            }
        }
    }
    found
}

fn open(svd: &Path) -> Index {
    let cache = tempfile::tempdir().unwrap();
    let sources = Sources { svds: vec![svd.to_owned().into()], elfs: vec![] };
    Index::open(&sources, cache.path()).unwrap().index
}
