//! Every rule: a board on which it fires, and boards on which it must not.
//!
//! The table is printed by
//! `cargo test --release -p assist --test it -- rules:: --nocapture`.

mod cases;
mod chips;
mod clocks;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use assist::{rules, triage};
use bundle::{
    BoardId, Bundle, CoreRegister, CoreState, CoreStatus, Facts, Fidelity, Finding, Kind, Manifest,
    ReadOutcome, RegisterRead, Snapshot,
};
use svd_index::Index;

use crate::support::{example, index, index_of, index_of_all, index_of_both};
use cases::CASES;

/// What a rule is tried with.
pub(super) struct Case {
    pub(super) rule: &'static str,
    pub(super) chip: &'static str,
    /// One of the examples' firmwares.
    pub(super) elf: Option<&'static str>,
    /// What a board shows on which the rule fires; see [`board`].
    pub(super) fires: &'static str,
    /// The same, and nothing is to be found by this rule.
    pub(super) silent: &'static [&'static str],
}

/// The chip of the demo, with its vendor's description.
pub(super) const NRF51: &str = "nrf51.svd";

impl Case {
    fn index(&self) -> Index {
        match (self.chip, self.elf) {
            (NRF51, elf) => index(elf.unwrap_or_default()),
            (chip, None) => index_of(&chips::svd(chip)),
            (chip, Some(elf)) => index_of_both(&chips::svd(chip), firmware(elf)),
        }
    }
}

fn firmware(name: &str) -> PathBuf {
    match name {
        "faulty.elf" => example(name),
        _ => Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/register-use").join(name),
    }
}

/// A real board that shows this: `PATH=VALUE` and `@ADDRESS=VALUE` for registers, `core:NAME=VALUE`
/// for those of the halted core (a value may be a symbol, or a symbol and an offset: `main+4`),
/// `locked-up`, `hse=HZ`, `hfxo=HZ`.
pub(super) fn board(index: &Index, shows: &str) -> Bundle {
    let mut manifest = Manifest::new(Kind::Snapshot);
    let mut registers = Vec::new();
    let mut core = Vec::new();
    let mut status = CoreStatus::Running;
    for said in shows.split_whitespace() {
        let (name, value) = said.split_once('=').unwrap_or((said, "0"));
        let value = number(index, value);
        if name == "locked-up" {
            status = CoreStatus::LockedUp;
        } else if name == "hse" {
            manifest.crystals.hse_hz = Some(value);
        } else if name == "hfxo" {
            manifest.crystals.hfxo_hz = Some(value);
        } else if let Some(name) = name.strip_prefix("core:") {
            status = CoreStatus::Halted { reason: "request".into() };
            core.push(CoreRegister { name: name.into(), value: Some(value) });
        } else {
            let address = match name.strip_prefix('@') {
                Some(address) => number(index, address),
                None => {
                    let register = index.chip().unwrap().register(name);
                    register.unwrap_or_else(|| panic!("no register {name}")).address()
                }
            };
            let outcome = ReadOutcome::Value { value };
            registers.push(RegisterRead { address, size_bits: 32, outcome, fidelity: None });
        }
    }
    let board = BoardId {
        selector: "0483:374b:0670FF49".into(),
        chip: "a chip".into(),
        virtual_board: None,
    };
    let cores = vec![CoreState { index: 0, status, registers: core, thread: None }];
    let snapshot =
        Snapshot { board, taken_at_unix_ms: 0, cores, registers, memory: vec![], logs: vec![] };
    Bundle { manifest, snapshot, facts: Facts::default(), run: None, elf: None }
}

fn number(index: &Index, text: &str) -> u64 {
    let (symbol, offset) = text.split_once('+').unwrap_or((text, "0"));
    let plain = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    plain(text).unwrap_or_else(|| {
        let symbols = index.firmware().unwrap().find_symbols(symbol);
        let symbol = symbols.into_iter().find(|known| known.name == symbol).unwrap();
        symbol.address + plain(offset).unwrap()
    })
}

/// What this rule says of a bundle.
fn said(rule: &str, index: &Index, bundle: &Bundle) -> Vec<Finding> {
    triage(index, Some(bundle)).into_iter().filter(|finding| finding.rule == rule).collect()
}

#[test]
fn each_rule_fires_where_it_should_and_nowhere_else() {
    let known: Vec<&str> = rules().map(|rule| rule.name).collect();
    let tried: BTreeSet<&str> = CASES.iter().map(|case| case.rule).collect();
    assert_eq!(known.iter().copied().collect::<BTreeSet<_>>(), tried, "rules and cases");
    assert_eq!(known.len(), tried.len(), "no name twice");
    let mut wrong = Vec::new();
    for case in CASES {
        let rule = rules().find(|rule| rule.name == case.rule).unwrap();
        let index = case.index();
        let findings = said(case.rule, &index, &board(&index, case.fires));
        if findings.is_empty() {
            wrong.push(format!("{} is silent at {}", case.rule, case.fires));
        }
        println!("{}  [{}]\n  {}", rule.name, rule.severity.as_str(), rule.reason);
        println!("  source  {}\n  rests   {}", rule.source, rule.rests_on);
        println!("  unknown {}\n  fires   {}", rule.silent, case.fires);
        for finding in &findings {
            assert_eq!(finding.severity, rule.severity);
            assert!(finding.sources.iter().any(|source| source.kind == "manual"));
            println!("          → {}", finding.summary);
        }
        for silent in case.silent {
            let findings = said(case.rule, &index, &board(&index, silent));
            if !findings.is_empty() {
                wrong.push(format!("{} fires at {silent}: {}", case.rule, findings[0].summary));
            }
            println!("  silent  {silent}");
        }
    }
    println!("{} rules, {} cases", known.len(), CASES.len());
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn of_several_images_the_one_that_runs_is_judged() {
    let (application, other) = (firmware("stm32f4.elf"), example("faulty.elf"));
    let found = |rule: &str, elfs: [&PathBuf; 2], shows: &str| {
        let svd = chips::svd(chips::STM32F407);
        let index = index_of_all(&svd, elfs.map(PathBuf::clone).to_vec());
        !said(rule, &index, &board(&index, shows)).is_empty()
    };
    // Only one of the two has code there.
    let stuck = "core:PC=Default_Handler core:xPSR=0x21000012";
    assert!(found("default-handler-running", [&application, &other], stuck));
    assert!(!found("default-handler-running", [&application, &application], stuck));
    // VTOR tells.
    let (spilt, vtor) = ("core:MSP=0x20000010", "@0xe000ed08=0x08000000");
    assert!(!found("stack-overflow", [&application, &other], spilt));
    assert!(found("stack-overflow", [&application, &other], &format!("{spilt} {vtor}")));
}

#[test]
fn every_rule_says_what_it_is() {
    for rule in rules() {
        let texts = [rule.reason, rule.source, rule.rests_on, rule.silent];
        assert!(texts.iter().all(|text| !text.is_empty()), "{}", rule.name);
        assert!(rule.reason.ends_with('.'), "{}: {}", rule.name, rule.reason);
        let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(rule.name.chars().all(is_id), "{}", rule.name);
    }
}

/// A board as `change` leaves its reads; what it changes proves nothing any more.
fn check_unknown(change: fn(&mut RegisterRead)) {
    for case in CASES {
        let index = case.index();
        let mut bundle = board(&index, case.fires);
        if bundle.snapshot.registers.is_empty() {
            continue;
        }
        bundle.snapshot.registers.iter_mut().for_each(change);
        let left = said(case.rule, &index, &bundle);
        let by_core = |finding: &Finding| finding.rests_on.iter().all(|on| on.address.is_none());
        assert!(left.iter().all(by_core), "{}: {left:#?}", case.rule);
    }
}

#[test]
fn no_rule_rests_on_a_register_that_is_not_modelled() {
    check_unknown(|read| read.fidelity = Some(Fidelity::NotModelled));
}

#[test]
fn no_rule_rests_on_a_register_that_was_not_read() {
    check_unknown(|read| read.outcome = ReadOutcome::Skipped { why: "on purpose".into() });
    check_unknown(|read| read.outcome = ReadOutcome::Failed { why: "bus fault".into() });
}

#[test]
fn what_only_stores_shows_no_flag() {
    let flags = ["uart-overrun", "fault-divide-by-zero", "reset-by-watchdog", "interrupt-masked"];
    for case in CASES.iter().filter(|case| flags.contains(&case.rule)) {
        let index = case.index();
        let mut bundle = board(&index, case.fires);
        let reads = &mut bundle.snapshot.registers;
        reads.iter_mut().for_each(|read| read.fidelity = Some(Fidelity::StoredOnly));
        assert_eq!(said(case.rule, &index, &bundle), [], "{}", case.rule);
    }
}

#[test]
fn what_was_seen_on_a_virtual_board_says_so() {
    let case = CASES.iter().find(|case| case.rule == "uart-overrun").unwrap();
    let index = case.index();
    let mut bundle = board(&index, case.fires);
    bundle.snapshot.board = crate::support::board(&[]).snapshot.board;
    let findings = said(case.rule, &index, &bundle);
    assert!(findings[0].summary.ends_with("(read from a virtual board)"), "{findings:#?}");
}

#[test]
fn the_worst_comes_first() {
    let index = index_of(&chips::svd(chips::STM32F407));
    let shows = "USART2.SR=0x4 RCC.CSR=0x20000000 @0xe000ed28=0x02000000 SPI1.SR=0x40";
    let findings = triage(&index, Some(&board(&index, shows)));
    let rules: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    let worst_first = ["spi-overrun", "fault-divide-by-zero", "uart-noise", "reset-by-watchdog"];
    assert_eq!(rules, worst_first, "errors by address, then warnings");
}
