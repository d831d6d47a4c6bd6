//! A recorded run is judged again without its board, to the same verdicts and the same report.

use serde_json::Value;

use crate::hil::elf;
use crate::parts;
use crate::silk::{Run, Silk, example};

/// A JUnit report without what no two runs have in common.
fn report(silk: &Silk, name: &str) -> String {
    let text = std::fs::read_to_string(silk.home.path().join(name)).unwrap();
    let varying = regex::Regex::new(r#" (time|timestamp|uuid)="[^"]*""#).unwrap();
    varying.replace_all(&text, "").into_owned()
}

fn verdicts(run: &Run) -> Vec<(Value, Value, Value)> {
    let finished = run.json().into_iter().filter(|event| event["event"] == "test-finished");
    finished
        .map(|test| (test["test"].clone(), test["verdict"].clone(), test["message"].clone()))
        .collect()
}

#[test]
fn recorded_tests_replay_to_the_same_verdicts_and_report() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let elf = elf();
    let recording = ["--record", "runs", "--junit", "live.xml", "--skip", "is_ignored", "--json"];
    let live = ["hil", "run", &elf, "--probe", "virtual:microbit"];
    let live = silk.run([&live[..], &recording].concat()).expect(100);
    assert_eq!(verdicts(&live).len(), 7);
    for verb in ["replay", "report"] {
        let again = ["hil", verb, "runs", "--junit", "again.xml", "--json"];
        let again = silk.run(again).expect(100);
        assert_eq!(verdicts(&again), verdicts(&live), "{verb}");
        assert_eq!(report(&silk, "again.xml"), report(&silk, "live.xml"), "{verb}");
    }
    // Each bundle of a test that went wrong is enough by itself.
    let one = silk.run(["hil", "replay", "runs/hil-tests.tests.faults.silk"]).expect(100);
    assert!(one.stdout.contains("read of 4 bytes at 0x30000000"), "{}", one.stdout);
}

#[test]
fn recorded_text_can_be_held_against_other_expectations() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let firmware = example("faulty.elf");
    let project = |sings: &str| {
        format!(
            "[[target]]\nname = 'uart'\nelf = '{firmware}'\nvirtual = 'microbit'\n\
             [[test]]\nname = 'boots'\ntarget = 'uart'\nkind = 'image'\n\
             expect = [{{ message = 'boot ok', within = '2s' }}, {{ regex = '^tick [0-9]+$' }}]\n\
             [[test]]\nname = 'sings'\ntarget = 'uart'\nkind = 'image'\ntimeout = '1s'\n\
             expect = [{{ message = '{sings}' }}]\n\
             [[test]]\nname = 'answers'\ntarget = 'uart'\nkind = 'script'\ncommand = ['true']\n"
        )
    };
    silk.write("hil.toml", project("la la"));
    let live = ["hil", "run", "--record", "runs", "--junit", "live.xml", "--json"];
    let live = silk.run(live).expect(100);
    silk.write("hil.toml", project("tick"));
    let again = silk.run(["hil", "replay", "runs", "--junit", "again.xml", "--json"]).expect(100);
    assert_eq!(verdicts(&again), verdicts(&live), "by the expectations of then");
    assert_eq!(report(&silk, "again.xml"), report(&silk, "live.xml"));
    let now = silk.run(["hil", "replay", "runs", "--project"]).expect(0);
    assert!(now.stderr.contains("uart::sings: FAIL when it ran, PASS now"), "{}", now.stderr);
}

#[test]
fn what_is_no_recording_of_a_test_is_said() {
    let silk = Silk::new();
    let none = silk.run(["hil", "replay", &example("faulty.silk")]).expect(2);
    assert!(none.stderr.contains("records no test"), "{}", none.stderr);
    std::fs::create_dir(silk.home.path().join("empty")).unwrap();
    let none = silk.run(["hil", "report", "empty"]).expect(4);
    assert!(none.stderr.contains("there is no recording"), "{}", none.stderr);
    silk.run(["hil", "replay", "nowhere.silk"]).expect(2);
}
