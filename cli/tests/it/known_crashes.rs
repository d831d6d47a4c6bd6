//! Crashes whose answers others have written down. Run by hand, for their data is not ours to keep:
//!
//! ```text
//! SILK_TEST_DATA=FOLDER cargo test --release -p silkscreen --test it -- known_crashes --nocapture
//! ```
//!
//! FOLDER has what is there of `probe-rs/`, `esp-coredump/` and `humility/`, working trees of these
//! projects.
//! Without it these tests do nothing.

use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
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
        let raw: Vec<u8> =
            text.lines().flat_map(|line| BASE64_STANDARD.decode(line.trim()).unwrap()).collect();
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

#[test]
fn hubris_cores_hold_the_registers_that_humility_prints() {
    let Some(folder) = data("humility") else { return };
    let silk = Silk::new();
    let mut table = Table { rows: Vec::new() };
    let answers = folder.join("humility-bin/tests/cmd");
    for name in ["v6", "new-compiler", "new-sensors", "inheritance.0"] {
        let printed = answers.join("registers").join(format!("registers.{name}.stdout"));
        let printed = std::fs::read_to_string(printed).unwrap();
        let core = answers.join("cores").join(format!("hubris.core.{name}"));
        let wrong = explain(&silk, &core, None).and_then(|found| same_registers(&found, &printed));
        table.row(name, wrong.err());
    }
    table.done("registers of humility's cores");
}

/// Holds each `R0 = 0x… <- …` against the core's register of that name.
fn same_registers(found: &Value, printed: &str) -> Result<(), String> {
    let registers = found["snapshot"]["cores"][0]["registers"].as_array().unwrap();
    let value = |name: &str| {
        let register = registers.iter().find(|register| register["name"] == name)?;
        hex(register["value"].as_str()?)
    };
    // Armv7-M's MRS reads these four as bytes of one word.
    let special = || {
        let parts = ["CONTROL", "FAULTMASK", "BASEPRI", "PRIMASK"].into_iter();
        parts.fold(0, |word, name| word << 8 | value(name).unwrap_or(0))
    };
    let wanted: Vec<(&str, u64)> = printed
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(" = ")?;
            Some((name.trim(), hex(rest.split(' ').next()?)?))
        })
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric()))
        .collect();
    let is_wrong = |&&(name, wanted): &&(&str, u64)| match name {
        "PSR" => value("xPSR") != Some(wanted),
        "SPR" => special() != wanted,
        name => value(name) != Some(wanted),
    };
    let wrong: Vec<_> = wanted.iter().filter(is_wrong).collect();
    match wanted.len() >= 17 && wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("of {} registers: {wrong:x?}", wanted.len())),
    }
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}
