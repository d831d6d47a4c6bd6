//! Anthropic's face, and Anthropic's endpoints behind OpenAI's.

use scripted_provider::{Provider, Reply};
use serde_json::{Value, json};

use crate::{Gateway, Response, ladder};

const ANSWER: &str = "The divider is wrong. ";

/// A gateway to endpoints, each with its LiteLLM provider word.
fn start(providers: &[(&str, &Provider)]) -> Gateway {
    let list: Vec<&Provider> = providers.iter().map(|(_, provider)| *provider).collect();
    let mut yaml = ladder(&list);
    for (place, (word, _)) in providers.iter().enumerate() {
        yaml = yaml.replace(&format!("openai/up-m{place}"), &format!("{word}/up-m{place}"));
    }
    Gateway::start(&yaml)
}

fn message(gateway: &Gateway, stream: bool) -> Response {
    let turn = json!({ "role": "user", "content": "Why?" });
    let body = json!({
        "model": "m0", "max_tokens": 50, "stream": stream, "system": "Be brief.", "messages": [turn],
    });
    gateway.post("/v1/messages", &body)
}

/// The types of an Anthropic stream's events, runs of the same taken together.
fn types(response: &Response) -> Vec<String> {
    let of = |data: &&str| {
        let event: Value = serde_json::from_str(data).unwrap();
        event["type"].as_str().unwrap().to_owned()
    };
    let mut types: Vec<String> = response.events().iter().map(of).collect();
    types.dedup();
    types
}

const WHOLE: [&str; 6] = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
];

#[test]
fn anthropics_clients_are_answered_by_openais_endpoints() {
    let provider = Provider::start([Reply::answer(ANSWER), Reply::whole("Yes.")]).unwrap();
    let gateway = start(&[("openai", &provider)]);
    let stream = message(&gateway, true);
    assert_eq!(
        (types(&stream), stream.text().as_str()),
        (WHOLE.map(str::to_owned).to_vec(), ANSWER)
    );
    assert!(stream.body.contains("\"output_tokens\":4"), "{}", stream.body);
    let sent = provider.posts()[0].json();
    assert_eq!(sent["messages"][0], json!({ "role": "system", "content": "Be brief." }));
    let whole = message(&gateway, false).json();
    assert_eq!(whole["content"], json!([{ "type": "text", "text": "Yes." }]));
    assert_eq!(
        (&whole["stop_reason"], &whole["usage"]["input_tokens"]),
        (&json!("end_turn"), &json!(11))
    );
}

#[test]
fn tool_calls_cross_over() {
    let provider =
        Provider::start([Reply::calls("I look.", &[("reg", r#"{"name":"BRR"}"#)])]).unwrap();
    let gateway = start(&[("openai", &provider)]);
    let stream = message(&gateway, true);
    let events: Vec<Value> =
        stream.events().iter().map(|d| serde_json::from_str(d).unwrap()).collect();
    let start = events.iter().find(|e| e["content_block"]["type"] == "tool_use").unwrap();
    assert_eq!((&start["index"], &start["content_block"]["name"]), (&json!(1), &json!("reg")));
    let parts = events.iter().filter_map(|e| e["delta"]["partial_json"].as_str());
    assert_eq!(parts.collect::<String>(), r#"{"name":"BRR"}"#);
    assert!(stream.body.contains("\"stop_reason\":\"tool_use\""), "{}", stream.body);
}

#[test]
fn openais_clients_are_answered_by_anthropics_endpoints() {
    let provider = Provider::start([Reply::message(ANSWER)]).unwrap();
    let gateway = start(&[("anthropic", &provider)]);
    let stream = gateway.chat("m0", true);
    assert_eq!(stream.text(), ANSWER, "{}", stream.body);
    assert_eq!(stream.events().last(), Some(&"[DONE]"));
    let sent = &provider.posts()[0];
    assert_eq!(
        (sent.path.as_str(), sent.header("x-api-key")),
        ("/v1/messages", Some("sk-upstream"))
    );
    assert_eq!(sent.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(
        (&sent.json()["model"], &sent.json()["max_tokens"]),
        (&json!("up-m0"), &json!(4096))
    );
}

#[test]
fn the_same_dialect_is_passed_on_as_it_came() {
    let provider = Provider::start([Reply::message(ANSWER)]).unwrap();
    let gateway = start(&[("anthropic", &provider)]);
    let stream = message(&gateway, true);
    assert_eq!(
        (types(&stream), stream.text().as_str()),
        (WHOLE.map(str::to_owned).to_vec(), ANSWER)
    );
    assert!(stream.body.starts_with("event: message_start\ndata: "), "{}", stream.body);
    assert!(stream.body.contains("msg_1"));
}

#[test]
fn a_message_goes_on_at_an_endpoint_of_the_other_dialect() {
    let first = Provider::start([Reply::message(ANSWER).cut_after(4)]).unwrap();
    let second = Provider::start([Reply::answer(ANSWER)]).unwrap();
    let gateway = start(&[("anthropic", &first), ("openai", &second)]);
    let stream = message(&gateway, true);
    assert_eq!(
        (types(&stream), stream.text().as_str()),
        (WHOLE.map(str::to_owned).to_vec(), ANSWER)
    );
    assert_eq!(second.posts()[0].json()["messages"][2]["content"], "The divider");
}

#[test]
fn errors_have_anthropics_form() {
    let provider = Provider::start([Reply::answer(ANSWER).cut_after(3)]).unwrap();
    let gateway = start(&[("openai", &provider)]);
    let broken = message(&gateway, true);
    assert_eq!(types(&broken).last().unwrap(), "error", "{}", broken.body);
    let unknown = gateway.post("/v1/messages", &json!({ "model": "x", "messages": [] }));
    assert_eq!(
        (unknown.status, unknown.json()["error"]["type"].as_str()),
        (404, Some("not_found_error"))
    );
}

#[test]
fn tokens_are_counted_by_the_endpoint_or_estimated() {
    let counted = Reply::body(200, "application/json", r#"{"input_tokens":42}"#);
    let claude = Provider::start([counted, Reply::error(529, "busy")]).unwrap();
    let other = Provider::start([]).unwrap();
    let gateway = start(&[("anthropic", &claude), ("openai", &other)]);
    let turn = json!({ "role": "user", "content": "Why is the output garbled?" });
    let count = |model: &str| {
        let body = json!({ "model": model, "messages": [turn] });
        gateway.post("/v1/messages/count_tokens", &body)
    };
    let told = count("m0");
    assert_eq!((told.status, told.json()), (200, json!({ "input_tokens": 42 })));
    assert_eq!(told.header("x-gateway-estimated"), None);
    let asked = &claude.posts()[0];
    assert_eq!(
        (asked.path.as_str(), &asked.json()["model"]),
        ("/v1/messages/count_tokens", &json!("up-m0"))
    );
    // One that cannot count just now, and one of the other dialect.
    for model in ["m0", "m1"] {
        let told = count(model);
        assert_eq!(told.header("x-gateway-estimated"), Some("true"), "{model}");
        assert!((5..60).contains(&told.json()["input_tokens"].as_u64().unwrap()), "{}", told.body);
    }
    assert!(other.posts().is_empty());
    let unknown = count("nobody");
    assert_eq!((unknown.status, &unknown.json()["type"]), (404, &json!("error")));
    assert_eq!(gateway.get("/v1/messages/count_tokens").status, 405);
    assert_eq!(gateway.get("/status").json()["requests"], 0, "nothing is left over");
}
