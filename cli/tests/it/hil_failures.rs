//! `silk hil` when things go wrong that no firmware is to blame for: probes, other people, signals.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::hil::elf;
use crate::parts;
use crate::proxy::{Fault, Line};
use crate::serving::Served;
use crate::silk::{Run, Silk, example};

/// A run under way, whose JSON lines are read as they come.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: Vec<Value>,
}

impl Running {
    fn start(silk: &Silk, arguments: &[&str]) -> Self {
        let mut command = silk.command();
        command.args(["hil", "run", "--json", "--junit", "report.xml"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, seen: Vec::new() }
    }

    /// Reads on until an event of this kind about a test with this name.
    fn wait_for(&mut self, event: &str, test: &str) {
        loop {
            let line =
                self.lines.next().unwrap_or_else(|| panic!("{event} {test}: {:?}", self.seen));
            let value: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let is_it = value["event"] == event && value["test"].as_str().unwrap().ends_with(test);
            self.seen.push(value);
            if is_it {
                return;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Reads to the end; gives the exit code and the tests that are over.
    fn end(mut self) -> (Option<i32>, Vec<Value>) {
        let rest = self.lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        self.seen.extend(rest);
        let is_over = |event: &Value| event["event"] == "test-finished";
        (self.child.wait().unwrap().code(), self.seen.into_iter().filter(is_over).collect())
    }
}

fn report(silk: &Silk) -> String {
    std::fs::read_to_string(silk.home.path().join("report.xml")).unwrap()
}

#[track_caller]
fn assert_verdict(tests: &[Value], name: &str, verdict: &str, words: &str) {
    let test = tests.iter().find(|test| test["test"].as_str().unwrap().ends_with(name)).unwrap();
    assert_eq!(test["verdict"], verdict, "{test}");
    assert!(test["message"].as_str().unwrap().contains(words), "{test}");
}

const HANGS_AND_PASSES: [&str; 3] = ["--exact", "tests::hangs", "tests::passes"];

/// A served micro:bit behind a line that can go wrong.
fn on_a_line(silk: &Silk) -> Option<(Served, Line)> {
    let served = Served::start(silk, &["serve", "microbit"])?;
    let line = Line::to(served.address);
    Some((served, line))
}

#[test]
fn a_probe_that_fails_mid_flash_is_the_benchs_and_the_next_test_runs() {
    let silk = Silk::new();
    let Some((served, line)) = on_a_line(&silk) else { return };
    let (probe, direct) = (format!("tcp:{}", line.address), format!("tcp:{}", served.address));
    let firmware = elf();
    let before = line.packets();
    silk.run(["flash", "--probe", &probe, "--elf", &firmware]).expect(0);
    let whole = line.packets() - before;
    for (fault, words) in [
        (Fault::Unplug, "the connection is lost"),
        (Fault::Garbage, "understand the probe"),
        (Fault::Refuse, "FAULT"),
        (Fault::Busy, "WAIT"),
    ] {
        silk.run(["erase", "--all", "--probe", &direct]).expect(0);
        line.fault(fault, whole / 2);
        let elf = elf();
        let run = Running::start(
            &silk,
            &[&[elf.as_str(), "--probe", &probe], &HANGS_AND_PASSES[..]].concat(),
        );
        let (code, tests) = run.end();
        assert_eq!(code, Some(105), "{fault:?}: {tests:?}");
        assert_verdict(&tests, "tests::hangs", "infra", "contents are not known now");
        assert_verdict(&tests, "tests::hangs", "infra", words);
        assert_verdict(&tests, "tests::passes", "pass", "");
        let report = report(&silk);
        assert!(report.contains(r#"tests="2" skipped="0" failures="0" errors="1""#), "{report}");
    }
}

#[test]
fn a_probe_that_fails_mid_test_is_no_verdict_on_the_firmware() {
    let silk = Silk::new();
    let Some((_served, line)) = on_a_line(&silk) else { return };
    let probe = format!("tcp:{}", line.address);
    for (fault, words) in
        [(Fault::Unplug, "the connection is lost"), (Fault::Garbage, "understand the probe")]
    {
        let elf = elf();
        let mut run = Running::start(
            &silk,
            &[&[elf.as_str(), "--probe", &probe], &HANGS_AND_PASSES[..]].concat(),
        );
        // It says this and then nothing for a second.
        run.wait_for("log", "tests::hangs");
        line.fault(fault, 0);
        let (code, tests) = run.end();
        assert_eq!(code, Some(105), "{fault:?}: {tests:?}");
        assert_verdict(&tests, "tests::hangs", "infra", words);
        assert_verdict(&tests, "tests::passes", "pass", "");
        let report = report(&silk);
        assert!(report.contains("board ready, revision 7"), "what it said is kept: {report}");
    }
}

#[test]
fn a_probe_that_comes_back_is_found_again_and_makes_no_test_flaky() {
    let silk = Silk::new();
    let Some((_served, line)) = on_a_line(&silk) else { return };
    line.fault(Fault::Unplug, 150);
    let (elf, probe) = (elf(), format!("tcp:{}", line.address));
    let again = ["--probe", &probe, "--retries", "1", "--exact", "tests::passes"];
    let (code, tests) = Running::start(&silk, &[&[elf.as_str()], &again[..]].concat()).end();
    assert_eq!(code, Some(0), "{tests:?}");
    assert_verdict(&tests, "tests::passes", "pass", "passed at attempt 2; before, the bench: ");
    assert_eq!(tests[0]["attempts"][0]["verdict"], "infra");
    assert!(report(&silk).contains("<flakyError"), "{}", report(&silk));
}

#[test]
fn a_probe_that_stalls_for_good_ends_the_run_and_no_test_is_missing_in_the_report() {
    let silk = Silk::new();
    let Some((_served, line)) = on_a_line(&silk) else { return };
    line.fault(Fault::Stall, 150);
    silk.write("hil.toml", "[profile.default]\nattach-timeout = '3s'\n");
    let (elf, probe) = (elf(), format!("tcp:{}", line.address));
    let (code, tests) =
        Running::start(&silk, &[&elf, "--probe", &probe, "pass", "panics_as"]).end();
    assert_eq!(code, Some(105), "{tests:?}");
    assert_verdict(&tests, "tests::panics_as_it_should", "infra", "hear from the probe");
    assert_eq!(tests.len(), 2, "a board that fails twice in a row is given up: {tests:?}");
    let report = report(&silk);
    assert!(report.contains(r#"tests="3" skipped="1" failures="0" errors="2""#), "{report}");
    assert!(report.contains("no board for it was left"), "{report}");
}

/// A firmware that ticks for ever, and tests that wait for what it never says.
fn endless(silk: &Silk, virtual_board: bool) {
    let target = if virtual_board { "virtual = 'microbit'" } else { "chip = 'nRF51822_xxAA'" };
    let firmware = example("faulty.elf");
    silk.write(
        "hil.toml",
        format!(
            "[[target]]\nname = 'uart'\nelf = '{firmware}'\n{target}\n\
             [[test]]\nname = 'boots'\ntarget = 'uart'\nkind = 'image'\n\
             expect = [{{ message = 'boot ok' }}]\n\
             [[test]]\nname = 'sings'\ntarget = 'uart'\nkind = 'image'\ntimeout = '60s'\n\
             expect = [{{ message = 'la la' }}]\n\
             [[test]]\nname = 'waits'\ntarget = 'uart'\nkind = 'script'\n\
             command = ['sh', '-c', 'echo $$ > script.pid; exec sleep 60']\n\
             [[test]]\nname = 'last'\ntarget = 'uart'\nkind = 'script'\ncommand = ['true']\n"
        ),
    );
}

/// Ends a run by SIGTERM once it is `ready`; gives the tests that are over by then.
fn terminated(silk: &Silk, filter: &str, ready: impl FnOnce(&mut Running)) -> Vec<Value> {
    let mut run = Running::start(silk, &["-E", filter]);
    ready(&mut run);
    run.signal(Signal::SIGTERM);
    let (code, tests) = run.end();
    assert_eq!(code, Some(143), "{tests:?}");
    let report = report(silk);
    assert!(report.contains(r#"failures="0" errors="0""#), "{report}");
    assert!(report.contains("not run: cancelled before"), "{report}");
    tests
}

#[test]
fn sigterm_in_a_test_leaves_it_without_a_verdict_and_reports_the_rest() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    endless(&silk, true);
    let filter = "test(=boots) | test(=sings) | test(=last)";
    let tests = terminated(&silk, filter, |run| run.wait_for("log", "sings"));
    assert_eq!(tests.len(), 2, "{tests:?}");
    assert_verdict(&tests, "boots", "pass", "");
    assert_verdict(&tests, "sings", "skipped", "cancelled while it ran");

    let mut script = 0;
    let tests = terminated(&silk, "test(=waits) | test(=last)", |_| script = script_pid(&silk));
    assert_eq!(tests.len(), 1, "{tests:?}");
    assert_verdict(&tests, "waits", "skipped", "cancelled while it ran");
    assert!(!is_alive(script));
}

#[test]
fn ctrl_c_while_flashing_waits_for_the_flash_and_names_its_state() {
    let silk = Silk::new();
    let Some((served, line)) = on_a_line(&silk) else { return };
    line.fault(Fault::Slow(2), 0);
    let (elf, probe) = (elf(), format!("tcp:{}", line.address));
    let run = Running::start(
        &silk,
        &[&[elf.as_str(), "--probe", &probe], &HANGS_AND_PASSES[..]].concat(),
    );
    wait_until("it flashes", || line.packets() >= 150);
    run.signal(Signal::SIGINT);
    let (code, tests) = run.end();
    assert_eq!(code, Some(130), "{tests:?}");
    assert_verdict(&tests, "hangs", "skipped", "the flash holds the firmware, verified");
    assert!(report(&silk).contains("not run: cancelled before"), "{}", report(&silk));
    line.fault(Fault::None, 0);
    let direct = format!("tcp:{}", served.address);
    let flash = ["flash", "--probe", &direct, "--elf", &elf, "--json"];
    let after = silk.run(flash).expect(0).json();
    assert_eq!(after[0]["unchanged"], true, "whole, as it said");
}

#[test]
fn a_runner_that_is_killed_leaves_no_qemu_no_script_and_no_lock() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    endless(&silk, true);
    let mut run = Running::start(&silk, &["-E", "test(=waits)"]);
    let script = script_pid(&silk);
    let mut left = children(run.child.id());
    assert!(left.len() >= 2 && left.contains(&script), "QEMU and the script: {left:?}");
    run.signal(Signal::SIGKILL);
    run.child.wait().unwrap();
    wait_until("all it started is gone", || {
        left.retain(|pid| is_alive(*pid));
        left.is_empty()
    });
}

#[test]
fn two_runners_for_one_board_take_turns_or_are_told_who_has_it() {
    let silk = Silk::new().with("USER", "ada");
    let Some(served) = Served::start(&silk, &["serve", "microbit"]) else { return };
    endless(&silk, false);
    let probe = format!("tcp:{}", served.address);
    let bench = format!("[[board]]\nname = 'desk'\nchip = 'nRF51822_xxAA'\nprobe = '{probe}'\n");
    let bench = silk.write("bench.toml", bench);
    let silk = silk.with("SILK_BENCH", bench.display());
    let mut first = Running::start(&silk, &["-E", "test(=waits)"]);
    script_pid(&silk);
    let second = |more: &[&str]| {
        let own = ["hil", "run", "-E", "test(=last)", "--junit", "second.xml", "--json"];
        silk.run([&own[..], more].concat())
    };
    let junit = || std::fs::read_to_string(silk.home.path().join("second.xml")).unwrap();

    let refused = second(&[]).expect(104);
    let holder = format!("ada holds it with process {} (silk hil run)", first.child.id());
    assert!(refused.stderr.contains(&holder), "{}", refused.stderr);
    assert!(junit().contains(r#"tests="1" skipped="0" failures="0" errors="1""#), "{}", junit());
    assert!(junit().contains("ada holds it"), "{}", junit());
    // By the probe's own name it is the same board.
    second(&["--probe", &probe]).expect(104);
    second(&["--wait", "0.5"]).expect(104);

    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| second(&["--wait", "60"]));
        first.signal(Signal::SIGKILL);
        first.child.wait().unwrap();
        waiting.join().unwrap()
    });
    let waited: Run = waiting.expect(0);
    let tests: Vec<Value> = waited.json();
    assert!(tests.iter().any(|event| event["verdict"] == "pass"), "{}", waited.stdout);
    assert!(junit().contains(r#"tests="1" skipped="0" failures="0" errors="0""#), "{}", junit());
    let who = silk.run(["bench", "who", "--json"]).expect(0).json();
    assert!(who[0]["holder"].is_null(), "no lock is left: {who:?}");
}

#[test]
fn no_verb_uses_a_board_that_somebody_else_has() {
    let silk = Silk::new().with("USER", "ada");
    let elf = example("faulty.elf");
    let Some(served) = Served::start(&silk, &["start", "microbit", "--elf", &elf]) else { return };
    let line = Line::to(served.address);
    let probe = format!("tcp:{}", line.address);
    let bench = format!("[[board]]\nname = 'desk'\nchip = 'nRF51822_xxAA'\nprobe = '{probe}'\n");
    let bench = silk.write("bench.toml", bench);
    let silk = silk.with("SILK_BENCH", bench.display());
    let hold = |command: &[&str]| {
        let lock = ["bench", "lock", "desk", "--why", "scope attached", "--"];
        silk.command().args(lock).args(command).stdout(Stdio::piped()).spawn().unwrap()
    };
    let mut holder = hold(&["sleep", "60"]);
    let who = || silk.run(["bench", "who", "--json"]).expect(0).json()[0]["holder"].clone();
    wait_until("the board is held", || !who().is_null());
    let held = format!("ada holds it with process {} (scope attached)", holder.id());
    let svd = example("nrf51.svd");
    let on = |verb: &[&str], probe: &str| {
        silk.run([verb, &["--probe", probe, "--elf", &elf, "--svd", &svd]].concat())
    };
    for verb in [
        &["flash"][..],
        &["erase", "--all"],
        &["reset"],
        &["halt"],
        &["run"],
        &["read", "UART0.BAUDRATE"],
        &["write", "0x20003000=1"],
        &["snap"],
        &["log"],
        &["hil", "run", &elf],
    ] {
        let refused = on(verb, &probe).expect(104);
        assert!(refused.stderr.contains(&held), "{verb:?}: {}", refused.stderr);
        assert!(refused.stderr.contains("--wait"), "{verb:?}: {}", refused.stderr);
    }
    let read = ["read", "0x20000000", "--wait", "0.3"];
    on(&read, &probe.replace("127.0.0.1", "localhost")).expect(104);
    assert!(line.take_sent().is_empty(), "nothing went to the board");
    // A virtual board of its own is nobody else's.
    on(&["run", "--for", "0.1"], "virtual:microbit").expect(0);

    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| on(&["read", "0x20000000", "--wait", "60"], &probe));
        kill(Pid::from_raw(holder.id() as i32), Signal::SIGKILL).unwrap();
        holder.wait().unwrap();
        waiting.join().unwrap()
    });
    waited.expect(0);
    // What runs while the board is held for it has the board.
    let inside = hold(&[env!("CARGO_BIN_EXE_silk"), "read", "0x20000000", "--json"]);
    let inside = Run::of(inside.wait_with_output().unwrap()).expect(0);
    assert_eq!(inside.json()[0]["board"]["selector"], probe, "{}", inside.stdout);
    assert!(who().is_null(), "no lock is left");
}

/// The process id of the script of [`endless`], once it runs.
fn script_pid(silk: &Silk) -> u32 {
    let path = silk.home.path().join("script.pid");
    let mut pid = None;
    wait_until("the script runs", || {
        pid = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        pid.is_some()
    });
    std::fs::remove_file(path).unwrap();
    pid.unwrap()
}

#[track_caller]
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(30), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Processes that `parent` started and that have not ended.
fn children(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|(_, of)| of == parent) && is_alive(*pid)).collect()
}

fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| !matches!(state.as_str(), "Z" | "X"))
}

/// State and parent of a process.
fn stat(pid: u32) -> Option<(String, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit(") ").next()?.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}
