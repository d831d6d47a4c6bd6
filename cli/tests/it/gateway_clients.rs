//! The official SDKs of OpenAI and Anthropic, unchanged, against `silk gateway serve`
//! as a program with keys.

use std::process::Command;

use scripted_provider::{Provider, Reply};
use serde_json::{Value, json};

use crate::gateway_process::Gateway;
use crate::parts;
use crate::silk::Silk;

/// A Python that has the SDKs.
const PYTHON: &str = "SILK_TEST_PYTHON";

/// What the SDKs in the script send.
const KEY: &str = "sk-client";

const SDKS: [&str; 2] = ["openai", "anthropic"];

/// The Python, if it has both SDKs. Where parts are required it must.
fn python() -> Option<String> {
    let imports = |python: &String| {
        let run = Command::new(python).args(["-c", "import openai, anthropic"]).output();
        run.is_ok_and(|output| output.status.success())
    };
    let python = std::env::var(PYTHON).ok().filter(imports);
    if python.is_none() {
        parts::skipped(&format!("no {PYTHON} with openai and anthropic (see .ci/clients.txt)"));
    }
    python
}

/// A gateway with `key` before a provider that says these.
fn serve(silk: &Silk, key: &str, replies: impl IntoIterator<Item = Reply>) -> (Provider, Gateway) {
    let provider = Provider::start(replies).unwrap();
    silk.write("config.yaml", format!(
        "model_list:\n  - model_name: m\n    litellm_params: {{ model: openai/up, api_base: \"{}\", api_key: k }}\ngeneral_settings:\n  master_key: {key}\n",
        provider.url()
    ));
    let gateway = Gateway::start(silk, "config.yaml", &[]);
    (provider, gateway)
}

/// What the SDK `sdk` gives for `what`.
fn ask(python: &str, gateway: &Gateway, sdk: &str, model: &str, what: &str) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../gateway-server/tests/clients.py");
    let output =
        Command::new(python).args([script, sdk, &gateway.url(), model, what]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&said).unwrap_or_else(|_| {
        panic!("{sdk} {what}: {said}{}", String::from_utf8_lossy(&output.stderr))
    })
}

#[test]
fn both_sdks_chat_stream_and_call_tools_through_the_program() {
    let Some(python) = python() else { return };
    let silk = Silk::new();
    for (sdk, stop, tools) in
        [("openai", "stop", "tool_calls"), ("anthropic", "end_turn", "tool_use")]
    {
        let calls = Reply::calls("I look.", &[("reg", r#"{"name":"BRR"}"#)]);
        let replies = [Reply::whole("It divides."), Reply::answer("It divides the clock."), calls];
        let (provider, gateway) = serve(&silk, KEY, replies);
        let chat = ask(&python, &gateway, sdk, "m", "chat");
        assert_eq!(chat, json!({ "text": "It divides.", "finish": stop }), "{sdk}");
        let stream = ask(&python, &gateway, sdk, "m", "stream");
        assert_eq!(stream["text"], "It divides the clock.", "{sdk}: {stream}");
        assert_eq!(stream["finish"], stop, "{sdk}: {stream}");
        let called = ask(&python, &gateway, sdk, "m", "tools");
        assert!(called["arguments"].as_str().unwrap().contains("BRR"), "{sdk}: {called}");
        assert_eq!(called["finish"], tools, "{sdk}: {called}");
        // The client's key stays here, the endpoint's own goes there.
        for post in provider.posts() {
            assert_eq!(post.header("authorization"), Some("Bearer k"), "{sdk}");
            assert_eq!(post.header("x-api-key"), None, "{sdk}");
        }
    }
}

#[test]
fn embeddings_and_counts_come_through_the_program() {
    let Some(python) = python() else { return };
    let item = |index: usize, vector: [f64; 2]| json!({ "object": "embedding", "index": index, "embedding": vector });
    let data = [item(0, [1.0, 0.0]), item(1, [1.0, 0.0]), item(2, [0.0, 1.0])];
    let usage = json!({ "prompt_tokens": 9, "total_tokens": 9 });
    let body = json!({ "object": "list", "data": data, "model": "e", "usage": usage });
    let silk = Silk::new();
    let reply = Reply::body(200, "application/json", &body.to_string());
    let (_provider, gateway) = serve(&silk, KEY, [reply]);
    let got = ask(&python, &gateway, "openai", "m", "embed");
    assert_eq!(got, json!({ "numbers": [2, 2, 2], "like": [1.0, 0.0] }));
    let counted = ask(&python, &gateway, "anthropic", "m", "count");
    assert!(counted["tokens"].as_u64().is_some_and(|tokens| tokens > 4), "{counted}");
}

#[test]
fn both_sdks_know_the_programs_errors_for_what_they_are() {
    let Some(python) = python() else { return };
    let silk = Silk::new();
    for sdk in SDKS {
        let broken = Reply::answer("It divides the clock.").cut_after(3);
        let (_provider, gateway) = serve(&silk, KEY, [broken]);
        let unknown = ask(&python, &gateway, sdk, "nobody", "chat");
        assert_eq!(unknown["error"], "NotFoundError", "{sdk}: {unknown}");
        let cut = ask(&python, &gateway, sdk, "m", "stream");
        assert!(cut["message"].as_str().is_some_and(|m| m.contains("broke off")), "{sdk}: {cut}");
        let (_provider, other) = serve(&silk, "sk-another", [Reply::whole("Yes.")]);
        let refused = ask(&python, &other, sdk, "m", "chat");
        assert_eq!(refused["error"], "AuthenticationError", "{sdk}: {refused}");
        let invalid = Reply::error(400, "temperature is out of range");
        let (_provider, gateway) = serve(&silk, KEY, [invalid]);
        let invalid = ask(&python, &gateway, sdk, "m", "chat");
        assert_eq!(invalid["error"], "BadRequestError", "{sdk}: {invalid}");
    }
}
