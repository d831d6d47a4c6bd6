//! The official clients, unchanged: against scripted endpoints, and against a
//! real, small model. These judge the plumbing, not the model.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use scripted_provider::{Provider, Reply};
use serde_json::{Value, json};

use crate::{Gateway, Response, ladder};

/// A Python that has the SDKs, the engine and the model.
const PYTHON: &str = "SILK_TEST_PYTHON";

/// The Python, if it has what these tests need. Where parts are required it
/// must.
pub(crate) fn python(packages: &str) -> Option<String> {
    let import = |python: &String| {
        let status = Command::new(python).args(["-c", &format!("import {packages}")]).output();
        status.is_ok_and(|output| output.status.success())
    };
    let python = std::env::var(PYTHON).ok().filter(import);
    if python.is_none() {
        let why = format!("no {PYTHON} with {packages} (see .ci/clients.txt and .ci/model.txt)");
        assert!(
            std::env::var_os("SILK_REQUIRE_PARTS").is_none(),
            "a required part is missing: {why}"
        );
        eprintln!("skipped: {why}");
    }
    python
}

/// What the SDK `sdk` gives for `what`.
fn ask(python: &str, gateway: &Gateway, sdk: &str, model: &str, what: &str) -> Value {
    let base = format!("http://{}", gateway.address);
    ask_by(Command::new(python), &base, sdk, model, what)
}

/// The same by a Python whose environment is set already, at the address `base`.
pub(crate) fn ask_by(mut python: Command, base: &str, sdk: &str, model: &str, what: &str) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients.py");
    let output = python.args([script, sdk, base, model, what]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&said).unwrap_or_else(|_| {
        panic!("{sdk} {what}: {said}{}", String::from_utf8_lossy(&output.stderr))
    })
}

#[test]
fn both_sdks_chat_stream_and_call_tools() {
    let Some(python) = python("openai, anthropic") else { return };
    let calls = || Reply::calls("I look.", &[("reg", r#"{"name":"BRR"}"#)]);
    for (sdk, stop, tools) in
        [("openai", "stop", "tool_calls"), ("anthropic", "end_turn", "tool_use")]
    {
        let replies =
            [Reply::whole("It divides."), Reply::answer("It divides the clock."), calls()];
        let provider = Provider::start(replies).unwrap();
        let gateway = Gateway::start(&ladder(&[&provider]));
        let chat = ask(&python, &gateway, sdk, "m0", "chat");
        assert_eq!(chat, json!({ "text": "It divides.", "finish": stop }), "{sdk}");
        let stream = ask(&python, &gateway, sdk, "m0", "stream");
        assert_eq!(
            (&stream["text"], &stream["finish"]),
            (&json!("It divides the clock."), &json!(stop))
        );
        let called = ask(&python, &gateway, sdk, "m0", "tools");
        assert!(called["arguments"].as_str().unwrap().contains("BRR"), "{sdk}: {called}");
        assert_eq!((&called["text"], &called["finish"]), (&json!("I look."), &json!(tools)));
    }
}

#[test]
fn anthropics_sdk_counts_tokens() {
    let Some(python) = python("anthropic") else { return };
    let provider = Provider::start([]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let counted = ask(&python, &gateway, "anthropic", "m0", "count");
    assert!(
        counted["tokens"].as_u64().is_some_and(|tokens| (5..100).contains(&tokens)),
        "{counted}"
    );
    let unknown = ask(&python, &gateway, "anthropic", "nobody", "count");
    assert_eq!(unknown["error"], "NotFoundError", "{unknown}");
}

#[test]
fn both_sdks_are_told_what_went_wrong() {
    let Some(python) = python("openai, anthropic") else { return };
    for sdk in ["openai", "anthropic"] {
        let broken = Reply::answer("It divides the clock.").cut_after(3);
        let provider = Provider::start([broken]).unwrap();
        let gateway = Gateway::start(&ladder(&[&provider]));
        let unknown = ask(&python, &gateway, sdk, "nobody", "chat");
        assert_eq!(unknown["error"], "NotFoundError", "{sdk}: {unknown}");
        let cut = ask(&python, &gateway, sdk, "m0", "stream");
        assert!(cut["message"].as_str().is_some_and(|m| m.contains("broke off")), "{sdk}: {cut}");
    }
}

#[test]
fn a_cut_stream_reaches_the_sdks_whole() {
    let Some(python) = python("openai, anthropic") else { return };
    for sdk in ["openai", "anthropic"] {
        let whole = || Reply::answer("It divides the clock.");
        let first = Provider::start([whole().cut_after(3)]).unwrap();
        let second = Provider::start([whole()]).unwrap();
        let gateway = Gateway::start(&ladder(&[&first, &second]));
        assert_eq!(ask(&python, &gateway, sdk, "m0", "stream")["text"], "It divides the clock.");
    }
}

/// llama.cpp's server with a small model; ends when dropped.
struct Engine {
    child: Child,
    port: u16,
}

impl Engine {
    /// Starts the engine and waits until it answers.
    fn start(python: &str) -> Self {
        Self::start_with(python, &[])
    }

    fn start_with(python: &str, flags: &[&str]) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/tests/serve_model.py");
        let mut child = Command::new(python)
            .args([script, &port.to_string()])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let ready = out.lines().map_while(Result::ok).any(|line| line.starts_with("ready"));
        assert!(ready, "the engine ended before it was ready");
        Self { child, port }
    }

    fn end(&mut self) {
        // It is gone already if it crashed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

/// Two engines of the same model, the second a fallback of the first.
fn engines(first: &Engine, second: &Engine) -> String {
    let entry = |name: &str, engine: &Engine| {
        let base = format!("http://127.0.0.1:{}/v1", engine.port);
        format!(
            "  - model_name: {name}\n    litellm_params: {{ model: openai/smollm2, api_base: \"{base}\", api_key: none }}\n"
        )
    };
    let list = entry("one", first) + &entry("two", second);
    format!("model_list:\n{list}router_settings:\n  fallbacks: [{{ one: [two] }}]\n")
}

#[test]
fn a_real_model_serves_both_sdks_and_outlives_its_engine() {
    let Some(python) = python("openai, anthropic, xllamacpp") else { return };
    let (mut first, second) = (Engine::start(&python), Engine::start(&python));
    let gateway = Gateway::start(&engines(&first, &second));
    for sdk in ["openai", "anthropic"] {
        for what in ["chat", "stream"] {
            let answer = ask(&python, &gateway, sdk, "one", what);
            assert!(answer["text"].as_str().is_some_and(|text| text.len() > 20), "{sdk}: {answer}");
        }
    }
    // A long answer, whose engine is killed once it has begun.
    let turn = json!({ "role": "user", "content": "Count from one to two hundred in words." });
    let body = json!({
        "model": "one", "stream": true, "max_tokens": 60, "temperature": 0, "messages": [turn],
    });
    let undisturbed = json!({ "model": "two", "stream": true, "max_tokens": 60, "temperature": 0, "messages": body["messages"] });
    let undisturbed = gateway.post("/v1/chat/completions", &undisturbed).text();
    let body = body.to_string();
    let mut socket = gateway.connect();
    let head = "POST /v1/chat/completions HTTP/1.0\r\n";
    write!(socket, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut stream = Vec::new();
    while stream.windows(10).filter(|part| part == b"\"content\":").count() < 8 {
        let mut some = [0; 512];
        let read = socket.read(&mut some).unwrap();
        assert!(read > 0, "it ended early: {}", String::from_utf8_lossy(&stream));
        stream.extend_from_slice(&some[..read]);
    }
    first.end();
    socket.read_to_end(&mut stream).unwrap();
    let stream = String::from_utf8(stream).unwrap();
    assert!(stream.trim_end().ends_with("data: [DONE]"), "{stream}");
    assert!(
        stream.contains("\"finish_reason\":\"length\"")
            || stream.contains("\"finish_reason\":\"stop\"")
    );
    assert!(!stream.contains("\"error\""), "{stream}");
    let whole = Response { status: 200, head: String::new(), body: stream };
    check_said_once(&whole.text(), &undisturbed);
    let metrics = gateway.get("/metrics").body;
    assert!(metrics.contains("silk_gateway_resumed_streams_total 1"), "{metrics}");
}

/// Without chance in it the model says the same again, so that `text` goes as
/// `undisturbed` goes. Should two engines disagree on a word after all, what comes
/// then must not be what was said already.
fn check_said_once(text: &str, undisturbed: &str) {
    const WORDS_BYTES: usize = 12;
    let pairs = text.char_indices().zip(undisturbed.chars());
    let same = pairs.take_while(|((_, one), other)| one == other).count();
    let common = text.char_indices().nth(same).map_or(text.len(), |(place, _)| place);
    eprintln!("{} bytes of {} as undisturbed", common, text.len());
    assert!(common > WORDS_BYTES, "it begins otherwise: {text} / {undisturbed}");
    let (before, after) = text.split_at(common);
    let again = |from: usize| {
        before.get(from..).is_some_and(|said| said.len() >= WORDS_BYTES && after.starts_with(said))
    };
    let start = before.get(..WORDS_BYTES).unwrap_or(before);
    assert!(!after.trim_start().starts_with(start), "it began anew: {text}");
    assert!(!(0..before.len()).any(again), "it repeated itself: {text}");
}

#[test]
fn embeddings_come_from_an_engine_of_their_own() {
    let Some(python) = python("openai, xllamacpp") else { return };
    let (chats, embeds) = (Engine::start(&python), Engine::start_with(&python, &["embeddings"]));
    let gateway = Gateway::start(&engines(&chats, &embeds));
    let got = ask(&python, &gateway, "openai", "two", "embed");
    let numbers: Vec<u64> =
        got["numbers"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    assert!(numbers.len() == 3 && numbers[0] > 100, "{got}");
    assert!(numbers.iter().all(|count| *count == numbers[0]), "{got}");
    let like: Vec<f64> = got["like"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert!(like[0] > 0.999 && like[1] < like[0], "the same text is likest: {got}");
}
