//! `silk hil` on the virtual micro:bit: one image with a test of each kind.

use std::path::Path;

use serde_json::Value;

use crate::parts;
use crate::silk::{Run, Silk};

pub(crate) fn elf() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hil-tests");
    folder.canonicalize().unwrap().join("hil-tests.elf").to_str().unwrap().to_owned()
}

const ON_MICROBIT: [&str; 2] = ["--probe", "virtual:microbit"];

fn run(silk: &Silk, arguments: &[&str]) -> Run {
    let elf = elf();
    silk.run([&["hil", "run", &elf], &ON_MICROBIT[..], arguments].concat())
}

/// The finished tests of a run with `--json`.
fn finished(run: &Run) -> Vec<Value> {
    run.json().into_iter().filter(|event| event["event"] == "test-finished").collect()
}

#[test]
fn each_kind_of_end_has_its_verdict_and_each_bad_one_a_bundle() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let run = run(&silk, &["--json", "--junit", "report.xml"]).expect(100);
    let tests = finished(&run);
    let verdict = |name: &str| {
        let name = format!("hil-tests::tests::{name}");
        tests.iter().find(|test| test["test"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    for (name, expected, message) in [
        ("passes", "pass", ""),
        ("passes_after_a_fault", "pass", ""),
        ("panics_as_it_should", "pass", ""),
        ("fails", "fail", "it returned Err(\"bytes are missing\")"),
        ("panics", "fail", "src/main.rs:56"),
        ("faults", "fault", "read of 4 bytes at 0x30000000"),
        ("hangs", "timeout", "no end within 1.0 s"),
        ("is_ignored", "skipped", "ignored"),
    ] {
        let test = verdict(name);
        assert_eq!(test["verdict"], expected, "{name}: {test}");
        let said = test["message"].as_str().unwrap();
        assert!(said.contains(message), "{name}: {said}");
    }
    assert_eq!(tests.len(), 8);
    for (name, line) in [("panics", 56), ("faults", 28), ("hangs", 69)] {
        let bundle = verdict(name)["attempts"][0]["bundle"].as_str().unwrap().to_owned();
        let explained = silk.run(["explain", &bundle]).expect(0).stdout;
        let place = format!("src/main.rs:{line}");
        assert!(explained.contains(&place), "{name}: {explained}");
    }
    let report = std::fs::read_to_string(silk.home.path().join("report.xml")).unwrap();
    assert!(report.contains(r#"tests="8" skipped="1" failures="4" errors="0""#), "{report}");
    assert!(report.contains(r#"name="tests::faults" classname="hil-tests""#), "{report}");
}

#[test]
fn cargo_may_use_it_as_a_runner() {
    let silk = Silk::new();
    let elf = elf();
    let listed = silk.run(["hil", "run", &elf, "--list", "passes"]).expect(0);
    let expected = "hil-tests::tests::passes: test\nhil-tests::tests::passes_after_a_fault: test\n";
    assert_eq!(listed.stdout, expected);
    let one = silk.run(["hil", "run", &elf, "--list", "--exact", "tests::passes"]).expect(0);
    assert_eq!(one.stdout, "hil-tests::tests::passes: test\n");
    if !parts::has_qemu() {
        return;
    }
    let run = run(&silk, &["--exact", "tests::passes", "--nocapture"]).expect(0);
    assert!(run.stdout.contains("12 of 12 bytes sent"), "{}", run.stdout);
    assert!(run.stdout.contains("1 run: 1 passed"), "{}", run.stdout);
}

#[test]
fn without_a_board_tests_are_skipped_and_say_why() {
    let silk = Silk::new();
    let elf = elf();
    let run = silk.run(["hil", "run", &elf, "passes"]).expect(0);
    assert!(run.stdout.contains("no board on the bench"), "{}", run.stdout);
    silk.run(["hil", "run", &elf, "passes", "--require-board"]).expect(103);
    let none = silk.run(["hil", "run", &elf, "no_such_test"]).expect(4);
    assert!(none.stderr.contains("no test is selected"), "{}", none.stderr);
}

#[test]
fn a_project_file_names_targets_tests_and_expectations() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let uart = crate::silk::example("faulty.elf");
    let elf = elf();
    silk.write(
        "hil.toml",
        format!(
            "[profile.default]\ntimeout = '5s'\njunit = 'report.xml'\n\
             [[target]]\nname = 'uart'\nelf = '{uart}'\nvirtual = 'microbit'\n\
             [[target]]\nname = 'unit'\nelf = '{elf}'\nvirtual = 'microbit'\n\
             [[test]]\nname = 'boots'\ntarget = 'uart'\nkind = 'image'\n\
             expect = [{{ message = 'boot ok', within = '2s' }}, {{ regex = '^tick [0-9]+$' }}]\n\
             [[test]]\nname = 'sings'\ntarget = 'uart'\nkind = 'image'\ntimeout = '1s'\n\
             expect = [{{ message = 'la la' }}]\n\
             [[test]]\nname = 'answers'\ntarget = 'uart'\nkind = 'script'\n\
             command = ['sh', '-c', 'test -e \"$SILK_SERIAL\"']\n\
             [[test]]\nname = 'unit'\ntarget = 'unit'\nkind = 'embedded-test'\n"
        ),
    );
    let run =
        silk.run(["hil", "run", "--json", "-E", "target(uart) | test(=tests::passes)"]).expect(100);
    let verdicts: Vec<(String, String)> = finished(&run)
        .iter()
        .map(|test| {
            let text = |key: &str| test[key].as_str().unwrap().to_owned();
            (text("test"), text("verdict"))
        })
        .collect();
    let expected = [
        ("uart::boots", "pass"),
        ("uart::sings", "fail"),
        ("uart::answers", "pass"),
        ("unit::tests::passes", "pass"),
    ];
    let expected = expected.map(|(test, verdict)| (test.to_owned(), verdict.to_owned()));
    assert_eq!(verdicts, expected);
    let sings = &finished(&run)[1];
    assert!(
        sings["message"].as_str().unwrap().contains("message `la la`: did not come"),
        "{sings}"
    );
    assert!(silk.home.path().join("report.xml").is_file());
}

#[test]
fn a_profile_overrides_settings_for_the_tests_of_a_filter() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let elf = elf();
    let file = |overrides: &str| {
        format!(
            "[profile.default]\nretries = 0\n\
             [[profile.default.overrides]]\nfilter = 'test(fails)'\nretries = 2\ntimeout = '9s'\n\
             {overrides}\
             [[target]]\nname = 'unit'\nelf = '{elf}'\nvirtual = 'microbit'\n\
             [[test]]\nname = 'unit'\ntarget = 'unit'\nkind = 'embedded-test'\n"
        )
    };
    let ci = "[profile.ci]\n\
        [[profile.ci.overrides]]\nfilter = 'test(=tests::fails) & target(unit)'\nretries = 1\n\
        [[profile.ci.overrides]]\nfilter = 'test(after_a_fault)'\npriority = 5\n\
        [[profile.ci.overrides]]\nfilter = 'test(=tests::panics)'\nboard = 'desk-1'\n";
    silk.write("hil.toml", file(ci));
    let filter =
        "test(=tests::fails) | test(=tests::passes) | test(after_a_fault) | test(=tests::panics)";
    let run = |profile: &str, more: &[&str]| {
        let own = ["hil", "run", "--json", "--profile", profile, "-E", filter];
        finished(&silk.run([&own[..], more].concat()).expect(100))
    };
    let named = |tests: &[Value], name: &str| {
        tests.iter().find(|test| test["test"].as_str().unwrap().ends_with(name)).unwrap().clone()
    };
    let attempts = |tests: &[Value]| named(tests, "::fails")["attempts"].as_array().unwrap().len();
    assert_eq!(attempts(&run("default", &[])), 3);
    let tests = run("ci", &[]);
    assert_eq!(attempts(&tests), 2, "the profile's own comes before the default's");
    let panics = named(&tests, "::panics");
    assert_eq!(panics["verdict"], "skipped", "{panics}");
    assert!(panics["message"].as_str().unwrap().contains("the board desk-1"), "{panics}");
    let first = tests.iter().find(|test| test["verdict"] != "skipped").unwrap();
    assert!(first["test"].as_str().unwrap().ends_with("after_a_fault"), "{tests:?}");
    assert_eq!(attempts(&run("ci", &["--retries", "0"])), 1, "the command line comes first");

    let list = ["hil", "list", "--profile", "ci", "-E", "test(=tests::fails)"];
    let listed = silk.run([&list[..], &["--json"]].concat()).expect(0).json();
    assert_eq!((&listed[0]["retries"], &listed[0]["timeout_ms"]), (&1.into(), &9000.into()));
    assert_eq!(listed[0]["overrides"][1]["filter"], "test(fails)", "{listed:?}");
    let shown = silk.run([&list[..], &["--settings"]].concat()).expect(0);
    assert!(shown.stdout.contains("override of default: test(fails)"), "{}", shown.stdout);

    let slow =
        "[profile.ci]\n[[profile.ci.overrides]]\nfilter = 'test(hangs)'\nslow-timeout = '200ms'\n";
    silk.write("hil.toml", file(slow));
    let hangs = ["hil", "run", "--profile", "ci", "--exact", "tests::hangs"];
    let told = silk.run(hangs).expect(100);
    let line = told.stdout.lines().find(|line| line.contains("SLOW")).unwrap_or_default();
    assert!(line.contains("[>  0.200s] unit::tests::hangs"), "{}", told.stdout);
    assert!(!told.stderr.contains("Running"), "a bar is for terminals: {}", told.stderr);
    let events = silk.run([&hangs[..], &["--json"]].concat()).expect(100).json();
    assert!(events.iter().any(|event| event["event"] == "test-slow" && event["after_ms"] == 400));

    silk.write("hil.toml", file("[[profile.ci.overrides]]\nfilter = 'tests(x)'\n"));
    let refused = silk.run(["hil", "list"]).expect(2);
    assert!(refused.stderr.contains("line 8"), "{}", refused.stderr);
    assert!(refused.stderr.contains("selects no tests"), "{}", refused.stderr);
}

#[test]
fn a_cancelled_run_reports_what_it_has() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let elf = elf();
    let mut command = silk.command();
    command.args(["hil", "run", &elf, "--junit", "report.xml", "--json"]).args(ON_MICROBIT);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The test that hangs takes a second; by then others are over.
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    lines
        .find(|line| {
            line.as_ref()
                .unwrap()
                .contains(r#""test-started","version":1,"test":"hil-tests::tests::hangs"#)
        })
        .unwrap()
        .unwrap();
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let summary: Value = serde_json::from_str(rest.last().unwrap()).unwrap();
    assert_eq!(summary["event"], "run-finished", "{rest:?}");
    assert!(summary["not_run"].as_u64().unwrap() > 0, "{summary}");
    let report = std::fs::read_to_string(silk.home.path().join("report.xml")).unwrap();
    assert!(report.contains("tests::faults"), "{report}");
}

#[test]
fn gdb_opens_the_core_file_of_a_bundle_and_sees_the_same_calls() {
    if !parts::has_qemu() || !parts::has("gdb-multiarch", "reads core files") {
        return;
    }
    let silk = Silk::new();
    run(&silk, &["faults"]).expect(100);
    let bundle = "target/silk-hil/hil-tests.tests.faults.silk";
    silk.run(["explain", bundle, "--core", "fault.core"]).expect(0);
    let explained = silk.run(["explain", "fault.core", "--elf", &elf(), "--json"]).expect(0).json();
    let frames = explained[0]["crash"]["backtraces"][0]["frames"].as_array().unwrap().clone();
    let mut gdb = std::process::Command::new("gdb-multiarch");
    gdb.current_dir(silk.home.path()).args(["-nx", "-batch", "-ex", "bt", &elf(), "fault.core"]);
    let seen = Run::of(gdb.output().unwrap());
    let mut rest = seen.stdout.as_str();
    for name in ["read_nowhere", "faults", "__embedded_test_start"] {
        let ours = |frame: &Value| frame["function"].as_str().is_some_and(|f| f.ends_with(name));
        assert!(frames.iter().any(ours), "{name}: {frames:?}");
        let at = rest.find(name).unwrap_or_else(|| panic!("{name}: {}", seen.stdout));
        rest = &rest[at..];
    }
}

#[test]
fn two_bundles_differ_field_by_field() {
    let silk = Silk::new();
    let bundle = crate::silk::example;
    let differ = silk
        .run(["diff", &bundle("faulty.silk"), &bundle("fixed.silk"), "--json"])
        .expect(0)
        .json();
    let baud = differ.iter().find(|line| line["register"] == "UART0.BAUDRATE").unwrap();
    assert_eq!(baud["before"], "0x0001c200");
    assert_eq!(baud["after"], "0x01d7e000");
    assert_eq!(baud["fields"][0]["field"], "BAUDRATE");
    let same = silk.run(["diff", &bundle("faulty.silk"), &bundle("faulty.silk")]).expect(0);
    assert_eq!(same.stdout, "no register differs\n");
}

#[test]
fn a_recorded_log_replays_to_the_same_lines() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let uart = crate::silk::example("faulty.elf");
    let live = ["log", "--for", "1", "--record", "log.silk", "--json", "--elf", &uart];
    let live = silk.run([&live[..], &ON_MICROBIT].concat()).expect(0).json();
    assert_eq!(live[0]["text"], "uart-baud: boot ok");
    assert_eq!(live[0]["channel"], "uart0");
    let again = silk.run(["log", "--replay", "log.silk", "--json"]).expect(0).json();
    assert_eq!(live, again);
    let ticks = silk.run(["log", "--replay", "log.silk", "--json", "--grep", "^tick"]).expect(0);
    assert_eq!(ticks.json().len(), live.len() - 1);
    let levels = silk.run(["log", "--replay", "log.silk", "--level", "info"]).expect(0);
    assert_eq!(levels.stdout, "", "a UART has no levels");
}

#[test]
fn a_board_of_the_bench_has_one_holder_who_is_named() {
    let silk = Silk::new().with("USER", "ada");
    let bench = "[[board]]\nname = 'desk'\nchip = 'nRF51822_xxAA'\nprobe = '1366:1015:1'\n";
    let bench = silk.write("bench.toml", bench);
    let silk = silk.with("SILK_BENCH", bench.display());
    let free = silk.run(["bench", "who"]).expect(0);
    assert!(free.stdout.contains("free"), "{}", free.stdout);
    let mut holding = silk.command();
    holding.args(["bench", "lock", "desk", "--why", "scope attached", "--", "sleep", "3"]);
    let mut holding = holding.spawn().unwrap();
    let who = || silk.run(["bench", "who", "--json"]).expect(0).json()[0]["holder"].clone();
    let mut holder = who();
    for _ in 0..100 {
        if holder["user"] == "ada" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        holder = who();
    }
    assert_eq!(holder["why"], "scope attached", "{holder}");
    let refused = silk.run(["hil", "run", &elf(), "passes"]).expect(104);
    assert!(refused.stderr.contains("ada holds it"), "{}", refused.stderr);
    let kept = silk.run(["bench", "unlock", "desk"]).expect(104);
    assert!(kept.stderr.contains("ada holds desk"), "{}", kept.stderr);
    assert!(kept.stderr.contains("--force"), "{}", kept.stderr);
    assert!(holding.try_wait().unwrap().is_none(), "naming the holder ends nobody");
    silk.run(["bench", "unlock", "desk", "--force"]).expect(0);
    holding.wait().unwrap();
    assert!(who().is_null());
    silk.run(["bench", "unlock", "desk", "--force"]).expect(0);
    silk.run(["bench", "unlock", "nowhere"]).expect(2);
    // The lock ends with its holder, however that ends.
    let mut holding = silk.command();
    holding.args(["bench", "lock", "desk", "--", "sleep", "3"]);
    let mut holding = holding.spawn().unwrap();
    while who().is_null() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    holding.kill().unwrap();
    holding.wait().unwrap();
    assert!(who().is_null());
}
