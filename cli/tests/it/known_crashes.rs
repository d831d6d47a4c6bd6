//! Crashes whose answers others have written down. Run by hand, for their data is not ours to keep:
//!
//! ```text
//! SILK_TEST_DATA=FOLDER cargo test --release -p silkscreen --test it -- known_crashes --nocapture
//! ```
//!
//! FOLDER has what is there of `probe-rs/` and `esp-coredump/`, working trees of these projects.
//! Without it these tests do nothing.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::silk::Silk;

/// A folder below the one with known answers, or `None` after saying that it is left out.
fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SILK_TEST_DATA").map(|folder| PathBuf::from(folder).join(name));
    let found = folder.filter(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("skipped: no {name} in SILK_TEST_DATA");
    }
    found
}

/// One row: what was asked, and what was wrong with the answer, if anything was.
struct Table {
    rows: Vec<(String, Option<String>)>,
}

impl Table {
    fn row(&mut self, name: &str, wrong: Option<String>) {
        self.rows.push((name.to_owned(), wrong));
    }

    /// Prints it and fails if an answer is wrong.
    fn done(self, what: &str) {
        for (name, wrong) in &self.rows {
            println!("{:5} {name} {}", wrong.is_none(), wrong.as_deref().unwrap_or(""));
        }
        let right = self.rows.iter().filter(|(_, wrong)| wrong.is_none()).count();
        println!("{what}: {right} of {} right", self.rows.len());
        assert_eq!(right, self.rows.len(), "{what}");
        assert!(right > 0, "{what}: there are none");
    }
}

fn explain(silk: &Silk, core: &Path, elf: Option<&Path>) -> Result<Value, String> {
    let mut command = silk.command();
    command.arg("explain").arg(core).arg("--json");
    if let Some(elf) = elf {
        command.arg("--elf").arg(elf);
    }
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    match stdout.lines().next() {
        Some(line) if output.status.success() => Ok(serde_json::from_str(line).unwrap()),
        _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// The last part of a function's path, without type arguments. What the runtime crates call one
/// function in the source and another in the symbol table has one name here, and so have closures.
fn short(name: &str) -> String {
    let name = name.split(" : ").next().unwrap_or_default();
    let mut plain = String::new();
    let mut depth = 0;
    for c in name.chars() {
        match c {
            '<' => depth += 1,
            '>' if depth > 0 => depth -= 1,
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    let last = plain.trim().trim_end_matches(':').rsplit("::").next().unwrap_or_default();
    let last = last.trim_end_matches("_trampoline").trim_start_matches("__cortex_m_rt_");
    let last = last.trim_start_matches("__risc_v_rt_").trim_start_matches('_');
    match last {
        "xtensa_lx_rt_main" => "main",
        "rust_begin_unwind" => "panic_handler",
        _ if last.contains("closure") || last.contains("async_fn") => "{closure}",
        last => last,
    }
    .to_owned()
}

/// Frames of probe-rs's that are no functions: an exception, and the reset that is outermost.
fn is_mark(name: &str) -> bool {
    let first = name.split([' ', '<']).next().unwrap_or_default();
    let marks = ["HardFault", "UsageFault", "BusFault", "MemManage", "SVC", "SysTick", "PendSV"];
    let is_outermost = matches!(name, "Reset" | "ESP32Reset");
    (marks.contains(&first) && name.split(' ').count() > 1)
        || is_outermost
        || name == "SVC"
        || name.starts_with("<unknown function")
}

/// The same name twice in a row is a function and what was inlined of it, or a trampoline.
fn without_repeats(names: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        if kept.last() != Some(&name) {
            kept.push(name);
        }
    }
    kept
}

#[test]
fn probe_rs_snapshots_name_the_frames_that_we_find() {
    let Some(folder) = data("probe-rs") else { return };
    let silk = Silk::new();
    let mut table = Table { rows: Vec::new() };
    let pairs = folder.join("probe-rs-debug/tests/debug-unwind-tests");
    let mut cores: Vec<PathBuf> =
        std::fs::read_dir(&pairs).unwrap().map(|entry| entry.unwrap().path()).collect();
    cores.sort();
    for core in cores {
        let file = core.file_name().unwrap().to_str().unwrap();
        let Some(name) =
            file.strip_suffix("_coredump.elf").or_else(|| file.strip_suffix(".coredump"))
        else {
            continue;
        };
        let elf = pairs.join(format!("{name}.elf"));
        if std::fs::metadata(&elf).map_or(0, |elf| elf.len()) == 0 {
            println!("      {name}: its firmware is not there");
            continue;
        }
        let snapshot = format!("probe_rs_debug__debug_info__test__{name}.snap");
        let snapshot = folder.join("probe-rs-debug/src/snapshots").join(snapshot);
        let snapshot = std::fs::read_to_string(snapshot).unwrap();
        let expected = snapshot.lines().filter_map(|line| line.strip_prefix("- function_name: "));
        let expected = expected.map(|name| name.trim_matches('"'));
        let expected: Vec<String> = expected.filter(|name| !is_mark(name)).map(short).collect();
        let found = explain(&silk, &core, Some(&elf)).map(|found| {
            let chains = found["crash"]["backtraces"].as_array().cloned().unwrap_or_default();
            let frames = chains.iter().flat_map(|chain| chain["frames"].as_array().unwrap());
            let names = frames.map(|frame| frame["function"].as_str().unwrap_or("?"));
            // A handler without debug information has a name in the symbol table only.
            let handlers = ["SVCall"];
            let names = names.filter(|name| !is_mark(name) && !handlers.contains(name));
            names.map(short).collect::<Vec<_>>()
        });
        let wrong = match found.map(without_repeats) {
            Err(why) => Some(why),
            Ok(found) if found == without_repeats(expected.clone()) => None,
            Ok(found) => Some(format!("\n        {found:?}\n        {expected:?}")),
        };
        table.row(name, wrong);
    }
    table.done("frames of probe-rs's snapshots");
}

#[test]
fn esp_coredump_names_the_task_that_we_say_crashed() {
    let Some(folder) = data("esp-coredump") else { return };
    let silk = Silk::new();
    let mut table = Table { rows: Vec::new() };
    for chip in ["esp32", "esp32c3", "esp32c6", "esp32p4"] {
        let tests = folder.join("tests");
        let text = std::fs::read_to_string(tests.join(chip).join("coredump.b64")).unwrap();
        let raw: Vec<u8> = text.lines().flat_map(base64).collect();
        let at = raw.windows(4).position(|four| four == b"\x7fELF").unwrap();
        let core = silk.write(&format!("{chip}.core"), &raw[at..]);
        let elf = tests.join("test_apps/built_apps").join(format!("{chip}.elf"));
        let expected = std::fs::read_to_string(tests.join(chip).join("expected_output")).unwrap();
        let wrong = explain(&silk, &core, Some(&elf)).and_then(|found| crashed(&found, &expected));
        table.row(chip, wrong.err());
    }
    table.done("crashed tasks of esp-coredump's texts");
}

/// Holds handle, name, innermost function and registers of the crashed task against the text.
fn crashed(found: &Value, expected: &str) -> Result<(), String> {
    let line = expected.lines().find(|line| line.starts_with("Crashed task handle: ")).unwrap();
    let after = |what: &str| line.split(what).nth(1).unwrap();
    let handle = after("handle: ").split(',').next().unwrap();
    let name = after("name: '").split('\'').next().unwrap();
    let core = &found["snapshot"]["cores"][0];
    let thread = &core["thread"];
    let is_it = thread["handle"] == handle && thread["name"] == name && thread["crashed"] == true;
    if !is_it {
        return Err(format!("{thread} is not {handle} {name}"));
    }
    let frame = &found["crash"]["backtraces"][0]["frames"][0];
    let innermost = expected.lines().find_map(|line| line.strip_prefix("#0")).unwrap().trim();
    let function = frame["function"].as_str().unwrap_or("?");
    if !innermost.split([' ', '(']).any(|word| word == function) {
        return Err(format!("{function} is not in {innermost}"));
    }
    let pc = expected.lines().find_map(|line| line.strip_prefix("pc ")).unwrap();
    let pc = pc.split_whitespace().next().unwrap();
    match frame["pc"] == pc {
        true => Ok(()),
        false => Err(format!("{} is not {pc}", frame["pc"])),
    }
}

/// One line, with padding.
fn base64(line: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = line.trim().bytes().filter(|c| *c != b'=').collect();
    let mut bytes = Vec::new();
    for four in digits.chunks(4) {
        let word = four.iter().fold(0, |word, c| word << 6 | digit(*c)) << (6 * (4 - four.len()));
        bytes.extend(&word.to_be_bytes()[1..four.len()]);
    }
    bytes
}
