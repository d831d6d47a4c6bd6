//! Each bench runs and gives numbers. How large they are is for a person to judge, never a test.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use serde_json::Value;

/// The lines that a bench prints for the example's SVD: its file, then the summary.
fn run(args: &[&str]) -> (Value, Value) {
    let svd = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/uart-baud/nrf51.svd");
    let mut command = Command::new(env!("CARGO_BIN_EXE_benches"));
    let output = command.args(args).args(["--runs", "1", "--json", svd]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let (row, summary) = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(row["file"], "nrf51.svd");
    assert!(lines.next().is_none());
    (row, summary["summary"].clone())
}

fn assert_positive(object: &Value, keys: &[&str]) {
    for key in keys {
        assert!(object[key].as_f64().is_some_and(|number| number > 0.0), "{key} in {object}");
    }
}

#[test]
fn reading_is_measured() {
    let (row, summary) = run(&["svd", "--no-python"]);
    assert_positive(
        &row,
        &[
            "quick_xml_ms",
            "ours_ms",
            "words_ms",
            "svd_parser_ms",
            "svd_parser_expand_ms",
            "over_quick_xml",
            "mb_per_s",
        ],
    );
    assert_positive(&summary, &["over_quick_xml", "faster_than_svd_parser_expand"]);
}

#[test]
fn an_interpreter_that_is_not_there_is_told() {
    let (row, summary) = run(&["svd", "--python", "/nowhere/python3"]);
    assert!(row["pyocd_ms"].is_null());
    let skipped = summary["skipped"].to_string();
    assert!(skipped.contains("pyocd: /nowhere/python3 does not start"), "{skipped}");
}

#[test]
fn firmware_is_measured() {
    let elf = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/uart-baud/faulty.elf");
    let mut command = Command::new(env!("CARGO_BIN_EXE_benches"));
    let output = command.args(["elf", "--runs", "1", "--json", elf]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [row, summary] = lines.as_slice() else { panic!("{lines:?}") };
    assert_positive(
        row,
        &[
            "bytes",
            "code_bytes",
            "entries",
            "rows",
            "entries_ms",
            "rows_ms",
            "ours_ms",
            "types_ms",
            "full_ms",
            "uses_ms",
            "open_and_address_us",
            "addr2line_ms",
            "probe_rs_debug_ms",
            "over_entries",
            "full_over_entries",
        ],
    );
    assert_positive(
        &summary["summary"],
        &["over_entries", "full_over_entries", "worst_open_and_address_us"],
    );
    assert_eq!(summary["summary"]["skipped"].as_array().map(Vec::len), Some(0));
}

#[test]
fn opening_is_measured() {
    let (row, summary) = run(&["open"]);
    assert_positive(&row, &["registers", "open_us", "open_and_address_us", "open_and_name_us"]);
    assert_positive(&summary, &["words_built_ms", "words_cold_us", "words_warm_us"]);
}

#[test]
fn decoding_defmt_is_measured() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hil-tests");
    let (elf, raw) = (format!("{folder}/hil-tests.elf"), format!("{folder}/passes.defmt"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_benches"));
    command.args(["defmt", &elf, &raw, "--frames", "1000", "--runs", "1", "--json"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Three frames, so often that there are a thousand or more.
    assert_eq!(summary["frames"], 1002);
    assert_positive(&summary, &["ours_mframes"]);
    assert!(summary["over_bare"].is_null(), "there was no peer");
    let no_table = Command::new(env!("CARGO_BIN_EXE_benches")).args(["defmt", &raw, &raw]).output();
    let said = String::from_utf8(no_table.unwrap().stderr).unwrap();
    assert!(said.contains("holds no defmt"), "{said}");
}
