//! An image with one test of each kind, run on virtual boards: a Cortex-M0 and a Cortex-M4.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bundle::{CallKind, ReadPlan};
use hil::{Autopsy, Board, Deadlines, End, Listener, RunOptions, Said, TestImage, autopsy};

use crate::parts;

const MICROBIT: (&str, &str) = ("virtual:microbit", "hil-tests.elf");
const CORTEX_M4: (&str, &str) = ("virtual:netduinoplus2", "hil-tests-stm32f405.elf");

fn elf(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hil-tests").join(name)
}

fn image(name: &str) -> TestImage {
    TestImage::load(&elf(name)).unwrap()
}

/// A board that holds its image, unless it cannot be had here.
fn flashed((board, name): (&str, &str)) -> Option<(Board, TestImage)> {
    let selector = board.parse().unwrap();
    if !parts::can_run(&selector) {
        return None;
    }
    let mut board = Board::open(&selector, None, &Deadlines::default()).unwrap();
    board.flash(&elf(name), &mut |_| ()).unwrap();
    Some((board, image(name)))
}

/// Runs one test; gives its end and what was said.
fn run(board: &mut Board, image: &TestImage, name: &str) -> (End, Vec<Said>) {
    let test = image.tests.iter().find(|test| test.name == name).unwrap();
    let limit = test.timeout.unwrap_or(Duration::from_secs(10));
    let options = RunOptions { test: Some(test.clone()), limit, ..RunOptions::default() };
    let mut said = Vec::new();
    let mut listener = Listener::new(image.defmt.as_ref(), |line| {
        said.push(line.clone());
        true
    });
    let end = board.run_until_end(image, &options, &mut listener).unwrap();
    assert_eq!(listener.malformed(), 0);
    drop(listener);
    (end, said)
}

fn look(board: &mut Board, image: &TestImage) -> Autopsy {
    let mut plan = ReadPlan::default();
    board.plan_autopsy(&mut plan).unwrap();
    autopsy(&board.snapshot(&plan).unwrap(), image.image.as_ref())
}

#[test]
fn tests_are_listed_without_a_board() {
    let image = image(MICROBIT.1);
    assert!(image.is_test_image);
    assert_eq!(image.warnings, [""; 0]);
    let listed: Vec<(&str, bool, bool, Option<u64>)> = image
        .tests
        .iter()
        .map(|test| {
            let timeout = test.timeout.map(|timeout| timeout.as_secs());
            (test.name.as_str(), test.ignored, test.should_panic, timeout)
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("tests::fails", false, false, None),
            ("tests::faults", false, false, None),
            ("tests::hangs", false, false, Some(1)),
            ("tests::is_ignored", true, false, None),
            ("tests::panics", false, false, None),
            ("tests::panics_as_it_should", false, true, None),
            ("tests::passes", false, false, None),
            ("tests::passes_after_a_fault", false, false, None),
        ]
    );
}

fn check_ends(target: (&str, &str)) {
    let Some((mut board, image)) = flashed(target) else { return };
    let aborted = End::Failure { status: Some(134) };
    for (name, expected) in [
        ("passes", End::Success),
        ("fails", aborted.clone()),
        ("faults", End::Fault),
        ("panics", aborted.clone()),
        ("panics_as_it_should", aborted),
        ("hangs", End::Deadline),
        ("passes_after_a_fault", End::Success),
    ] {
        let (end, _) = run(&mut board, &image, &format!("tests::{name}"));
        assert_eq!(end, expected, "{name}");
    }
}

#[test]
fn each_test_ends_as_it_is_written() {
    check_ends(MICROBIT);
}

#[test]
fn each_test_ends_as_it_is_written_on_a_cortex_m4() {
    check_ends(CORTEX_M4);
}

fn check_defmt(target: (&str, &str)) {
    let Some((mut board, image)) = flashed(target) else { return };
    let (_, said) = run(&mut board, &image, "tests::passes");
    let texts: Vec<&str> = said.iter().map(|said| said.record.text.as_str()).collect();
    assert_eq!(
        texts,
        ["board ready, revision 7", "12 of 12 bytes sent", "Test exited with () or Ok(..)"]
    );
    let detail = said[1].record.detail.as_ref().unwrap();
    assert_eq!(said[1].channel, "defmt");
    assert_eq!(detail.level.as_deref(), Some("debug"));
    assert_eq!(detail.format.as_deref(), Some("{=u32} of {=u32} bytes sent"));
    assert_eq!(detail.args, [bundle::LogValue::Unsigned(12), bundle::LogValue::Unsigned(12)]);
    assert_eq!(detail.module.as_deref(), Some("hil_tests::tests::passes"));
    assert_eq!((detail.file.as_deref(), detail.line), (Some("src/main.rs"), Some(43)));
    let (_, said) = run(&mut board, &image, "tests::panics");
    let last = &said.last().unwrap().record;
    assert_eq!(last.level(), Some("error"));
    assert_eq!(last.text, "panicked at src/main.rs:56:9");
}

#[test]
fn defmt_keeps_levels_places_and_arguments() {
    check_defmt(MICROBIT);
}

#[test]
fn defmt_keeps_levels_places_and_arguments_on_a_cortex_m4() {
    check_defmt(CORTEX_M4);
}

#[test]
fn a_fault_is_explained_by_what_a_cortex_m0_leaves() {
    let Some((mut board, image)) = flashed(MICROBIT) else { return };
    run(&mut board, &image, "tests::faults");
    let found = look(&mut board, &image);
    let fault = found.fault.unwrap();
    assert_eq!(fault.exception, "HardFault");
    let at = fault.address.unwrap();
    assert_eq!((at.address, at.access.as_deref()), (0x3000_0000, Some("read of 4 bytes")));
    assert!(fault.doubts.is_empty(), "{:?}", fault.doubts);
    let chain = &found.backtraces[0];
    assert_eq!(chain.frames[0].kind, CallKind::Stopped);
    assert_eq!(chain.frames[1].kind, CallKind::Interrupted);
    assert_eq!(Some(chain.frames[1].pc), fault.instruction);
    assert!(chain.frames.len() >= 4, "{chain:#x?}");
    assert_eq!(chain.end, "start of the program");
}

#[test]
fn a_cortex_m4_says_itself_what_it_could_not_read() {
    let Some((mut board, image)) = flashed(CORTEX_M4) else { return };
    run(&mut board, &image, "tests::faults");
    let found = look(&mut board, &image);
    let fault = found.fault.unwrap();
    let bits: Vec<&str> = fault.causes.iter().map(|cause| cause.bit.as_str()).collect();
    assert_eq!((fault.exception.as_str(), bits), ("HardFault", vec!["CFSR.PRECISERR"]));
    let at = fault.address.unwrap();
    assert_eq!((at.address, at.access.as_deref()), (0x3000_0000, Some("read of 4 bytes")));
    let chain = &found.backtraces[0];
    assert_eq!(Some(chain.frames[1].pc), fault.instruction);
    assert_eq!(chain.end, "start of the program");
}
