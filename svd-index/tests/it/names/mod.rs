//! Spellings that engineers write, chip by chip, and what each of them means.
//!
//! Every table is held against a small SVD of our own in `tests/fixtures/` (names, addresses and
//! bits as the manual named in its head has them; no vendor's text) and, where a folder of real
//! SVDs is given in `SILK_TEST_SVDS`, against the vendor's files too.

mod esp32c3;
mod gd32vf103;
mod nordic;
mod nxp;
mod rp2040;
mod samd51;
mod stm32;

use std::path::{Path, PathBuf};

use svd_index::{Chip, Query, RegisterRef};

/// A chip and the spellings for it.
pub(super) struct Table {
    /// Our SVD, from the crate's folder.
    fixture: &'static str,
    /// File names of the vendor's SVDs of the same part or a near one.
    real: &'static [&'static str],
    /// What is written, and what it means: see [`meant`].
    means: &'static [(&'static str, &'static str)],
    /// What means nothing on this chip.
    nothing: &'static [&'static str],
}

const TABLES: [&Table; 11] = [
    &stm32::F4,
    &stm32::F1,
    &stm32::F4_CORE,
    &nordic::NRF51,
    &nordic::NRF52840,
    &rp2040::RP2040,
    &nxp::K64,
    &nxp::IMXRT1062,
    &samd51::SAMD51,
    &esp32c3::ESP32C3,
    &gd32vf103::GD32VF103,
];

#[test]
fn every_spelling_means_the_one_register_or_field() {
    let mut wrong = Vec::new();
    for table in TABLES {
        check(table, &fixture(table.fixture), table.fixture, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_spelling_means_the_same_on_the_vendors_files() {
    let must = std::env::var_os("SILK_REQUIRE_PARTS").is_some_and(|value| value == "1");
    let Some(folder) = std::env::var_os("SILK_TEST_SVDS").map(PathBuf::from) else {
        assert!(!must, "SILK_TEST_SVDS names no folder of SVDs");
        println!("skipped: SILK_TEST_SVDS names no folder of SVDs");
        return;
    };
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for table in TABLES {
        for real in table.real {
            let Some(bytes) = read_below(&folder, real) else {
                println!("skipped: {real} is not in {}", folder.display());
                continue;
            };
            let (chip, _) = Chip::from_svd(&bytes).expect("it is an SVD");
            check(table, &chip, real, &mut wrong);
            seen += 1;
        }
    }
    assert!(seen > 0 || !must, "{} has none of the files", folder.display());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_tables_are_large_enough() {
    let mut spellings: Vec<&str> =
        TABLES.iter().flat_map(|table| table.means).map(|(spelling, _)| *spelling).collect();
    let nothing: usize = TABLES.iter().map(|table| table.nothing.len()).sum();
    spellings.sort_unstable();
    spellings.dedup();
    assert!(spellings.len() >= 200, "{} different spellings", spellings.len());
    assert!(nothing >= 50, "{nothing} that mean nothing");
}

/// The file of this name in `folder` or in a folder in it.
fn read_below(folder: &Path, name: &str) -> Option<Vec<u8>> {
    let inner = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path().join(name));
    std::iter::once(folder.join(name)).chain(inner).find_map(|path| std::fs::read(path).ok())
}

fn fixture(path: &str) -> Chip {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let bytes = std::fs::read(&path).expect("the fixture is in the repository");
    let (chip, warnings) = Chip::from_svd(&bytes).expect("it is an SVD");
    let ours = path.starts_with(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        && !path.ends_with("nrf51.svd");
    assert!(!ours || warnings.is_empty(), "{}: {warnings:?}", path.display());
    chip
}

fn check(table: &Table, chip: &Chip, file: &str, wrong: &mut Vec<String>) {
    for (spelling, meaning) in table.means {
        let (found, expected) = (found(chip, spelling), meant(chip, meaning));
        if expected.is_empty() {
            wrong.push(format!("{file}: there is no {meaning}"));
        } else if found != expected {
            wrong.push(format!("{file}: {spelling}\n  is     {meaning}\n  found  {}", cut(&found)));
        }
    }
    for spelling in table.nothing {
        let found = found(chip, spelling);
        if !found.is_empty() {
            wrong.push(format!("{file}: {spelling}\n  is     nothing\n  found  {}", cut(&found)));
        }
    }
}

fn cut(found: &[String]) -> String {
    let shown = found.iter().take(4).map(String::as_str).collect::<Vec<_>>().join(", ");
    format!("{} ({shown})", found.len())
}

/// Paths that a query finds, sorted; none for what is no query.
fn found(chip: &Chip, spelling: &str) -> Vec<String> {
    let query = Query::parse(spelling);
    let hits = query.iter().flat_map(|query| chip.find_hits(query));
    let mut paths: Vec<String> = hits.map(|hit| hit.path()).collect();
    paths.sort_unstable();
    paths
}

/// The paths of all registers or fields that `meaning` stands for, sorted.
///
/// `USART2.BRR` and `USART2.BRR.DIV_Mantissa` are themselves. A macro that names no instance means
/// the field of all: `*` is any run of characters but `.`, so that `USART*.CR1.UE` is that field of
/// every USART. `a | b` are both.
fn meant(chip: &Chip, meaning: &str) -> Vec<String> {
    let parts: Vec<&str> = meaning.split(" | ").collect();
    let mut paths = Vec::new();
    for register in chip.registers() {
        let wholes = std::iter::once(register);
        let elements = register.elements().filter(|_| register.is_array());
        for register in wholes.chain(elements) {
            paths.extend(paths_of(&register).filter(|path| parts.iter().any(|p| fits(p, path))));
        }
    }
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn paths_of(register: &RegisterRef<'_>) -> impl Iterator<Item = String> {
    let path = register.path();
    let fields: Vec<String> =
        register.fields().map(|field| format!("{path}.{}", field.name())).collect();
    std::iter::once(path).chain(fields)
}

/// Whether `path` is what `pattern` says; `*` is any run of characters but `.`.
fn fits(pattern: &str, path: &str) -> bool {
    match (pattern.split_at_checked(1), path.split_at_checked(1)) {
        (None, _) => path.is_empty(),
        (Some(("*", rest)), more) => {
            fits(rest, path) || more.is_some_and(|(c, after)| c != "." && fits(pattern, after))
        }
        (Some((a, pattern)), Some((b, path))) => a == b && fits(pattern, path),
        (Some(_), None) => false,
    }
}
