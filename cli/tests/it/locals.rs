//! Arguments and local variables of a crash, held against what gdb says of the same core file.

use std::path::Path;

use serde_json::Value;

use crate::parts;
use crate::silk::{Run, Silk};

fn firmware(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/crashes");
    folder.canonicalize().unwrap().join(name).to_str().unwrap().to_owned()
}

/// Runs `elf` until it crashes, and gives the frames of its bundle; `fault.core` is its core file.
fn crashed(silk: &Silk, elf: &str) -> Vec<Value> {
    let project = format!(
        "[[target]]\nname = 'crash'\nelf = '{elf}'\nvirtual = 'microbit'\n\
         [[test]]\nname = 'runs'\ntarget = 'crash'\nkind = 'image'\n\
         expect = [{{ message = 'never' }}]\n"
    );
    silk.write("hil.toml", project);
    silk.run(["hil", "run"]).expect(100);
    let bundle = "target/silk-hil/crash.runs.silk";
    let bundle = match silk.home.path().join(bundle).is_file() {
        true => bundle,
        false => "target/silk-hil/crash__runs.silk",
    };
    silk.run(["explain", bundle, "--core", "fault.core"]).expect(0);
    let explained = silk.run(["explain", bundle, "--json"]).expect(0).json();
    explained[0]["facts"]["crash"]["backtraces"][0]["frames"].as_array().unwrap().clone()
}

fn of<'v>(frames: &'v [Value], function: &str) -> &'v Value {
    let mut frames = frames.iter();
    frames.find(|frame| frame["function"] == function).unwrap_or_else(|| panic!("{function}"))
}

fn local<'v>(frame: &'v Value, name: &str) -> &'v Value {
    let mut locals = frame["locals"].as_array().unwrap().iter();
    locals.find(|local| local["name"] == name).unwrap_or_else(|| panic!("{name}: {frame}"))
}

/// What gdb says of a variable that is nowhere.
const GONE: &str = "<optimized out>";

/// A number, an enumerator, a pointer or a reason, as gdb writes it. `None`: it is of several values,
/// or text.
fn as_gdb_writes(value: &Value) -> Option<String> {
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    match value["kind"].as_str()? {
        // gdb writes characters that are none in octal.
        "plain" => text("text")
            .filter(|text| !text.starts_with('"'))
            .map(|text| text.split(" '").next().unwrap().to_owned()),
        "pointer" => {
            let address = text("address")?;
            Some(format!("{:#x}", u64::from_str_radix(address.trim_start_matches("0x"), 16).ok()?))
        }
        "missing" if value["why"] == "optimised out" => Some(GONE.to_owned()),
        _ => None,
    }
}

/// What gdb says: of each frame's variable that was asked for, a text.
fn ask_gdb(silk: &Silk, elf: &str, wanted: &[(usize, String)]) -> Vec<String> {
    let mut script = String::from("set width 0\nset print symbol off\n");
    script += "set backtrace past-main on\nset backtrace past-entry on\n";
    for (frame, name) in wanted {
        script += &format!("frame {frame}\necho \\n@@\noutput {name}\necho \\n@@\\n\n");
    }
    let script = silk.write("ask.gdb", script);
    let mut gdb = std::process::Command::new("gdb-multiarch");
    gdb.current_dir(silk.home.path()).args(["-nx", "-batch", "-ex", "set confirm off"]);
    gdb.args([elf, "fault.core", "-x"]).arg(&script);
    let seen = Run::of(gdb.output().unwrap());
    let answers: Vec<String> =
        seen.stdout.split("\n@@").skip(1).step_by(2).map(|text| plain(text.trim())).collect();
    assert_eq!(answers.len(), wanted.len(), "{}\n{}", seen.stdout, seen.stderr);
    answers
}

/// Without the type before a pointer and the character behind a number.
fn plain(text: &str) -> String {
    let text =
        text.strip_prefix('(').and_then(|rest| rest.split_once(") ")).map_or(text, |of| of.1);
    match text.split_once(" '").or_else(|| text.split_once(" \"")) {
        Some((number, _)) => number.to_owned(),
        None => text.to_owned(),
    }
}

#[test]
fn locals_are_what_gdb_says_they_are() {
    if !parts::has_qemu() || !parts::has("gdb-multiarch", "reads core files") {
        return;
    }
    for (name, at_least) in [("crash-O0.elf", 18), ("crash-O2.elf", 7)] {
        let silk = Silk::new();
        let elf = firmware(name);
        let frames = crashed(&silk, &elf);
        let mut wanted = Vec::new();
        let mut ours = Vec::new();
        let mut number = 0;
        for (at, frame) in frames.iter().enumerate() {
            // gdb counts the exception as a frame; what was inlined there shares its address.
            let is_exception =
                frame["kind"] == "interrupted" && frames[at - 1]["pc"] != frame["pc"];
            number += usize::from(is_exception);
            let Some(locals) = frame["locals"].as_array() else { continue };
            for local in locals {
                if let Some(text) = as_gdb_writes(&local["value"]) {
                    let text_of = |value: &Value| value.as_str().unwrap().to_owned();
                    wanted.push((at + number, text_of(&local["name"])));
                    ours.push(text);
                }
            }
        }
        let theirs = ask_gdb(&silk, &elf, &wanted);
        let mut stated = 0;
        for ((asked, ours), theirs) in wanted.iter().zip(&ours).zip(&theirs) {
            // gdb goes on where a variable's place is a register as it was at the call, and is wrong
            // with optimisation: `scale` is 40 to it, while `offset`, -9 times that, is 27.
            if ours != GONE || name == "crash-O0.elf" {
                assert_eq!(ours, theirs, "{name}: {asked:?}");
                stated += usize::from(ours != GONE);
            }
        }
        assert!(stated >= at_least, "{name}: {stated} of {frames:#?}");
    }
}

#[test]
fn a_structure_is_told_member_by_member() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let frames = crashed(&silk, &firmware("crash-O0.elf"));
    let sensor = local(of(&frames, "main"), "sensor");
    assert_eq!(sensor["type"], "sensor");
    let members = sensor["value"]["members"].as_array().unwrap();
    let member = |name: &str| {
        let mut members = members.iter();
        &members.find(|member| member["name"] == name).unwrap()["value"]
    };
    assert_eq!(member("name")["text"], "\"left\"");
    let y = &member("at")["elements"][1]["members"][1];
    assert_eq!((y["name"].as_str(), y["value"]["text"].as_str()), (Some("y"), Some("-400")));
    for (name, expected) in [("colour", "BLUE"), ("ready", "1"), ("errors", "19"), ("offset", "-9")]
    {
        assert_eq!(member(name)["text"], expected, "{name}");
    }
    assert_eq!(member("raw")["elements"].as_array().unwrap().len(), 4);
    let gain = local(of(&frames, "measure"), "gain");
    assert_eq!((&gain["argument"], gain["type"].as_str()), (&Value::Bool(true), Some("int8_t")));
    let shown = silk.run(["explain", "fault.core", "--elf", &firmware("crash-O0.elf")]).expect(0);
    assert!(shown.stdout.contains("wide: uint64_t = 1234605616436508552"), "{}", shown.stdout);
}

#[test]
fn memory_that_was_not_saved_is_said_to_be_missing() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let elf = firmware("crash-O0.elf");
    crashed(&silk, &elf);
    let core = std::fs::read(silk.home.path().join("fault.core")).unwrap();
    let mut snapshot = bundle::read_core_file(&core).unwrap();
    // Variables and stack are in RAM; the counter that is static as well.
    let stack = snapshot.cores[0].registers.iter().find(|register| register.name == "SP");
    let stack = stack.unwrap().value.unwrap();
    for range in &mut snapshot.memory {
        let from = usize::try_from(stack - range.address).unwrap();
        range.bytes.drain(..from);
        range.address = stack;
    }
    silk.write("cut.core", bundle::write_core_file(&snapshot).unwrap());
    let explained = silk.run(["explain", "cut.core", "--elf", &elf, "--json"]).expect(0).json();
    let frames = explained[0]["crash"]["backtraces"][0]["frames"].as_array().unwrap();
    let calls = local(of(frames, "measure"), "calls");
    assert_eq!(calls["value"]["why"], "not in the bundle", "{calls}");
    let gain = local(of(frames, "measure"), "gain");
    assert!(gain["value"]["text"].as_str().unwrap().starts_with("-3"), "{gain}");
}
