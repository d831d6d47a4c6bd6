//! Tasks of a firmware that keeps them as FreeRTOS does, one of which crashes: `crashes/tasks.c`.

use std::path::Path;

use serde_json::Value;

use crate::parts;
use crate::silk::{Silk, example};

const BOARDS: [&str; 2] = ["microbit", "netduinoplus2"];
const BUNDLE: &str = "target/silk-hil/tasks.runs.silk";

/// Where a control block of `tasks.c` has the address of the next item.
const NEXT_ITEM: u64 = 48;

fn firmware(board: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/crashes");
    let elf = folder.canonicalize().unwrap().join(format!("tasks-{board}.elf"));
    elf.to_str().unwrap().to_owned()
}

/// Runs the firmware until it crashes; gives what its bundle says of the crash.
fn crashed(silk: &Silk, board: &str) -> Value {
    let elf = firmware(board);
    let project = format!(
        "[[target]]\nname = 'tasks'\nelf = '{elf}'\nvirtual = '{board}'\n\
         [[test]]\nname = 'runs'\ntarget = 'tasks'\nkind = 'image'\n\
         expect = [{{ message = 'never' }}]\n"
    );
    silk.write("hil.toml", project);
    silk.run(["hil", "run"]).expect(100);
    silk.run(["explain", BUNDLE, "--core", "fault.core"]).expect(0);
    silk.run(["explain", BUNDLE, "--json"]).expect(0).json()[0]["facts"]["crash"].clone()
}

/// Name, state and priority of each task, and the functions of its call chain.
fn told(crash: &Value) -> Vec<(String, String, u64, Vec<String>)> {
    let tasks = crash["tasks"]["tasks"].as_array().unwrap_or_else(|| panic!("{crash:#}"));
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let functions = |task: &Value| match task["backtrace"]["frames"].as_array() {
        Some(frames) => frames.iter().map(|frame| text(&frame["function"])).collect(),
        None => Vec::new(),
    };
    tasks
        .iter()
        .map(|task| {
            let priority = task["priority"].as_u64().unwrap();
            (text(&task["name"]), text(&task["state"]), priority, functions(task))
        })
        .collect()
}

/// What there is when `crasher` has crashed.
fn expected() -> Vec<(String, String, u64, Vec<String>)> {
    let tasks: [(&str, &str, u64, &[&str]); 7] = [
        ("crasher", "running", 1, &[]),
        ("leaver", "deleted", 4, &["give_way", "go_to", "leaver"]),
        ("sleeper", "blocked", 3, &["give_way", "go_to", "wait_for", "sleeper"]),
        ("receiver", "blocked", 3, &["give_way", "go_to", "receive", "receiver"]),
        ("pauser", "suspended", 2, &["give_way", "go_to", "pauser"]),
        ("counter", "ready", 1, &["give_way", "go_to", "counter"]),
        // It was never its turn.
        ("idle", "ready", 0, &["pauser"]),
    ];
    tasks
        .into_iter()
        .map(|(name, state, priority, chain)| {
            let chain = chain.iter().map(|function| (*function).to_owned()).collect();
            (name.to_owned(), state.to_owned(), priority, chain)
        })
        .collect()
}

fn address(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[test]
fn each_task_is_told_with_its_state_stack_and_call_chain() {
    if !parts::has_qemu() {
        return;
    }
    for board in BOARDS {
        let silk = Silk::new();
        let crash = crashed(&silk, board);
        assert_eq!(told(&crash), expected(), "{board}");
        assert_eq!(crash["tasks"]["warning"], Value::Null, "{board}");
        let chain = &crash["backtraces"][0];
        assert_eq!(chain["thread"]["name"], "crasher", "{board}");
        let outermost = chain["frames"].as_array().unwrap().last().unwrap();
        assert_eq!(outermost["function"], "crasher", "{board}");
        for task in crash["tasks"]["tasks"].as_array().unwrap() {
            let stack = &task["stack"];
            let (base, unused) = (address(&stack["base"]), stack["never_used"].as_u64().unwrap());
            // 96 words, of which the saved registers and few frames are in use.
            assert!((100..360).contains(&unused), "{board}: {task:#}");
            if task["state"] != "running" {
                let left = address(&stack["pointer"]);
                assert!((base + unused..base + 384).contains(&left), "{board}: {task:#}");
                assert_eq!(task["backtrace"]["end"], "start of the task", "{board}");
            }
        }
        let sleeper = &crash["tasks"]["tasks"][2]["backtrace"]["frames"][3];
        assert_eq!(sleeper["file"], "tasks.c", "{board}");
        let ticks = &sleeper["locals"][0];
        assert_eq!(
            (ticks["name"].as_str(), ticks["argument"].as_bool()),
            (Some("ticks"), Some(true))
        );
        assert_eq!(ticks["value"]["text"], "250", "{board}: {sleeper:#}");
        let shown = silk.run(["explain", BUNDLE]).expect(0).stdout;
        assert!(shown.contains("call chain of task crasher"), "{shown}");
        assert!(shown.contains("blocked, priority 3, stack from 0x"), "{shown}");
    }
}

#[test]
fn a_core_file_has_the_tasks_too_and_a_damaged_list_costs_only_its_own() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let crash = crashed(&silk, "microbit");
    let elf = firmware("microbit");
    let explain = |file: &str| {
        let explained = silk.run(["explain", file, "--elf", &elf, "--json"]).expect(0).json();
        explained[0]["crash"].clone()
    };
    assert_eq!(told(&explain("fault.core")), expected());

    let core = std::fs::read(silk.home.path().join("fault.core")).unwrap();
    let mut snapshot = bundle::read_core_file(&core).unwrap();
    let at = address(&crash["tasks"]["tasks"][2]["handle"]) + NEXT_ITEM;
    for range in &mut snapshot.memory {
        let offset = usize::try_from(at - range.address).unwrap();
        range.bytes[offset] ^= 0x40;
    }
    silk.write("damaged.core", bundle::write_core_file(&snapshot).unwrap());
    let damaged = explain("damaged.core");
    let mut left = expected();
    left.remove(2);
    assert_eq!(told(&damaged), left);
    let warning = damaged["tasks"]["warning"].as_str().unwrap();
    assert!(warning.starts_with("xDelayedTaskList1 "), "{warning}");
    let shown = silk.run(["explain", "damaged.core", "--elf", &elf]).expect(0).stdout;
    assert!(shown.contains("tasks of FreeRTOS not known whole: xDelayedTaskList1 "), "{shown}");
}

#[test]
fn a_snapshot_of_a_halted_core_has_the_ram_that_tasks_need() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let (svd, elf) = (example("nrf51.svd"), firmware("microbit"));
    let snap = |file: &str, more: &[&str]| {
        let sources = ["--probe", "virtual:microbit", "--svd", &svd, "--elf", &elf];
        silk.run([&["snap", "UART0", "-o", file], &sources[..], more].concat()).expect(0);
        silk.run(["explain", file, "--json"]).expect(0).json()[0].clone()
    };
    let halted = snap("halted.silk", &["--halt"]);
    assert_eq!(told(&halted["facts"]["crash"]), expected());
    let bundle = bundle::Bundle::load(&silk.home.path().join("halted.silk")).unwrap();
    let bytes: usize = bundle.snapshot.memory.iter().map(|range| range.bytes.len()).sum();
    assert!((1000..8_000).contains(&bytes), "{bytes} bytes of 16 KiB");

    let running = snap("running.silk", &[]);
    assert_eq!(running["facts"]["crash"], Value::Null);
}
