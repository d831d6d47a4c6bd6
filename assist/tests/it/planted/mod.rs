//! How many planted errors are found, and how many true statements are accused.
//!
//! ```text
//! cargo test --release -p assist planted -- --nocapture
//! ```
//!
//! prints the tables. Statements about chips are made from their descriptions, by the chip's own
//! names and numbers and by nothing of the checker; each is then spoilt in one place. The drivers
//! are our own. `SILK_TEST_SVDS` may name a folder with further SVDs; without it the example's
//! chip is the only one.

mod driver;
mod phrase;
mod score;
mod statement;

use std::path::{Path, PathBuf};

use assist::check::{Checker, Headers};
use score::{Rng, Table};
use svd_index::{Index, Sources};

use crate::support::example;

/// Statements made about one chip.
const STATEMENTS: usize = 1500;

/// Chips of the folder that are taken: every so many.
const CHIPS: usize = 12;

fn chips() -> Vec<PathBuf> {
    let mut chips = vec![example("nrf51.svd")];
    let Some(folder) = std::env::var_os("SILK_TEST_SVDS") else {
        println!("SILK_TEST_SVDS is not set: the example's chip alone");
        return chips;
    };
    let mut others = svds_below(folder.as_ref());
    others.sort();
    let step = (others.len() / CHIPS).max(1);
    chips.extend(others.into_iter().step_by(step).take(CHIPS));
    chips
}

fn svds_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(svds_below(&path));
        } else if path.extension().is_some_and(|end| end == "svd" || end == "xml") {
            found.push(path);
        }
    }
    found
}

fn open(svd: PathBuf, elf: Option<PathBuf>) -> Index {
    let cache = tempfile::tempdir().unwrap();
    let sources = Sources { svds: vec![svd.into()], elfs: elf.into_iter().collect() };
    Index::open(&sources, cache.path()).unwrap().index
}

#[test]
fn planted_errors_in_statements_are_found() {
    plant("statements", |facts, rng| facts.make(rng));
}

#[test]
fn planted_errors_in_what_people_write_are_found() {
    plant("as people write", phrase::make);
}

/// Plants errors in what `make` says about every chip; prints the table and holds it to the aims.
fn plant(
    title: &str,
    make: impl for<'a> Fn(&statement::Facts<'a>, &mut Rng) -> Option<score::Plant>,
) {
    let mut table = Table::default();
    for svd in chips() {
        let name = svd.file_stem().unwrap().to_string_lossy().into_owned();
        let index = open(svd, None);
        let checker = Checker::new(&index, None);
        let mut rng = Rng::new(&name);
        let facts = statement::Facts::of(index.chip().unwrap());
        let mut made = 0;
        for _ in 0..STATEMENTS * 4 {
            let Some(plant) = make(&facts, &mut rng) else { continue };
            table.judge(&checker, &plant, &name);
            made += 1;
            if made == STATEMENTS {
                break;
            }
        }
    }
    table.print(title);
    table.holds();
}

#[test]
fn planted_errors_in_drivers_are_found() {
    let mut table = Table::default();
    let index = open(example("nrf51.svd"), Some(example("faulty.elf")));
    let checker = Checker::new(&index, None);
    let mut rng = Rng::new("drivers");
    for plant in driver::plants(&index, &mut rng) {
        table.judge(&checker, &plant, "nrf51");
    }
    table.print("drivers");
    table.holds();
}

#[test]
fn planted_errors_leave_our_own_drivers_and_prose_alone() {
    let index = open(example("nrf51.svd"), Some(example("faulty.elf")));
    let checker = Checker::new(&index, None);
    let (mut claims, mut accused) = (0, Vec::new());
    for (name, text, language) in driver::files() {
        for remark in checker.check(&text, language, &Headers::default()) {
            claims += 1;
            if remark.claim.verdict == assist::Verdict::Wrong && !driver::is_the_bug(&remark.claim)
            {
                accused.push(format!("{name}:{}: {:?}", remark.line, remark.claim));
            }
        }
    }
    println!("untouched: {claims} claims, {} accused", accused.len());
    assert!(claims > 100, "{claims}");
    assert!(accused.is_empty(), "{accused:#?}");
}
