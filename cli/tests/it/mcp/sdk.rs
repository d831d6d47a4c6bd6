//! The official SDK for Python as the client: it knows the protocol better than we do.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{flags, questions};
use crate::parts;
use crate::silk::{Silk, example};

/// A Python that has the SDK.
const PYTHON: &str = "SILK_TEST_PYTHON";

/// The Python with the SDK, if there is one.
fn python() -> Option<String> {
    let python = std::env::var(PYTHON).ok();
    let has_sdk = |python: &String| {
        let mut import = Command::new(python);
        import.args(["-c", "import mcp"]).stderr(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    };
    let found = python.filter(has_sdk);
    if found.is_none() {
        parts::skipped("no SILK_TEST_PYTHON with the MCP SDK (see .ci/mcp.txt)");
    }
    found
}

/// Makes `calls` in a session that begins as `mode` says.
fn ask(python: &str, mode: &str, flags: &[String], calls: &Value) -> Value {
    let silk = Silk::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp_client.py");
    let mut command = Command::new(python);
    command.args([script, mode, env!("CARGO_BIN_EXE_silk"), "mcp"]).args(flags);
    command.env("HOME", silk.home.path()).current_dir(silk.home.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(calls.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{mode}: {said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn the_official_sdk_calls_every_tool_and_finds_each_answer_as_promised() {
    let Some(python) = python() else { return };
    let questions = questions();
    let calls: Vec<Value> = questions.iter().map(|(tool, given, _)| json!([tool, given])).collect();
    // The newest protocol begins without a handshake; the SDK's handshake takes the last with one.
    for (mode, version) in [("auto", "2026-07-28"), ("handshake", "2025-11-25")] {
        let told = ask(&python, mode, &flags(), &json!(calls));
        assert_eq!(told["version"], version, "{mode}");
        assert_eq!(told["server"], "silk", "{mode}");
        let asked: std::collections::BTreeSet<&str> =
            questions.iter().map(|(tool, ..)| *tool).collect();
        assert_eq!(told["tools"], json!(asked), "{mode}");
        let answers = told["answers"].as_array().unwrap();
        assert_eq!(answers.len(), questions.len(), "{mode}");
        for ((tool, given, words), answer) in questions.iter().zip(answers) {
            assert_eq!(answer["is_error"], false, "{mode} {tool} {given}: {answer}");
            assert_eq!(answer["arguments_fit"], true, "{mode} {tool} {given}");
            let text = answer["text"].as_str().unwrap();
            for word in *words {
                assert!(text.contains(word), "{mode} {tool} {given} says {word:?}:\n{text}");
            }
            assert!(answer["structured"]["found"].is_array(), "{mode} {tool}: {answer}");
        }
    }
}

#[test]
fn the_official_sdk_is_told_of_mistakes() {
    let Some(python) = python() else { return };
    let calls = json!([
        ["registr", {"query": "UART0"}],
        ["register", {"qeury": "UART0"}],
        ["register", {"query": "UART0.BAUDRTE"}],
        ["register", {"query": "UART0.BAUDRATE"}],
    ]);
    let told = ask(&python, "auto", &flags(), &calls);
    let answers = told["answers"].as_array().unwrap();
    assert!(answers[0]["refused"].as_str().unwrap().contains("Did you mean register?"));
    assert_eq!([&answers[1]["is_error"], &answers[1]["arguments_fit"]], [true, false]);
    assert_eq!([&answers[2]["is_error"], &answers[2]["arguments_fit"]], [true, true]);
    assert_eq!(answers[3]["is_error"], false);
}

#[test]
fn the_official_sdk_asks_about_the_drivers_whose_accesses_are_known() {
    let Some(python) = python() else { return };
    let drivers = example("../register-use/nrf51.elf");
    let flags = ["--svd".into(), example("nrf51.svd"), "--elf".into(), drivers];
    let calls = json!([["uses", {}], ["uses", {"register": "UART0.TXD"}], ["findings", {}]]);
    let told = ask(&python, "handshake", &flags, &calls);
    let answers = told["answers"].as_array().unwrap();
    assert!(answers.iter().all(|answer| answer["is_error"] == false), "{answers:?}");
    let [all, one] = [0, 1].map(|n| &answers[n]["structured"]);
    assert!(all["total"].as_u64().unwrap() > 20, "{all}");
    assert!(all["next"].is_u64(), "{all}");
    for access in one["found"].as_array().unwrap() {
        assert_eq!(access["register"], "UART0.TXD", "{access}");
        assert_eq!(access["op"], "write", "{access}");
        assert!(access["line"].as_str().unwrap().contains(".c:"), "{access}");
    }
    assert!(!one["found"].as_array().unwrap().is_empty(), "{one}");
}
