//! The other paths: embeddings, models, health, metrics, status.

use scripted_provider::{Provider, Reply};
use serde_json::json;

use crate::{Gateway, ladder};

#[test]
fn embeddings_are_passed_on() {
    let body =
        json!({ "object": "list", "data": [{ "index": 0, "embedding": [0.5] }], "model": "e" });
    let provider =
        Provider::start([Reply::body(200, "application/json", &body.to_string())]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let response = gateway.post("/v1/embeddings", &json!({ "model": "m0", "input": "x" }));
    assert_eq!((response.status, response.json()), (200, body));
    assert_eq!(provider.posts()[0].path, "/v1/embeddings");
}

#[test]
fn models_are_listed_as_clients_call_them() {
    let provider = Provider::start([]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider, &provider]));
    let list = gateway.get("/v1/models").json();
    let names: Vec<_> = list["data"].as_array().unwrap().iter().map(|m| &m["id"]).collect();
    assert_eq!(names, ["m0", "m1"]);
    assert_eq!(gateway.get("/health").json()["status"], "ok");
}

#[test]
fn what_happened_is_counted() {
    let first = Provider::start([Reply::error(500, "oops")]).unwrap();
    let second = Provider::start([Reply::answer("Yes. No.")]).unwrap();
    let gateway = Gateway::start(&ladder(&[&first, &second]));
    assert_eq!(gateway.chat("m0", true).text(), "Yes. No.");
    let text = gateway.get("/metrics").body;
    for line in [
        "silk_gateway_requests_total{face=\"chat\",status=\"200\",end=\"whole\"} 1",
        "outcome=\"server_error\"} 1",
        "outcome=\"ok\"} 1",
        "silk_gateway_first_event_seconds_count 1",
        "silk_gateway_output_tokens_total 2",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let status = gateway.get("/status").json();
    assert_eq!(status["version"], 1);
    assert_eq!(status["deployments"].as_array().unwrap().len(), 2, "{status}");
    assert_eq!(status["requests"], 0, "nothing is left over: {status}");
}

#[test]
fn other_paths_and_methods_are_refused_in_words() {
    let provider = Provider::start([]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let nowhere = gateway.get("/v2/x");
    assert_eq!((nowhere.status, &nowhere.json()["error"]["code"]), (404, &json!("not_found")));
    assert_eq!(gateway.get("/v1/chat/completions").status, 405);
    assert_eq!(gateway.post("/health", &json!({})).status, 405);
    let headers = [("anthropic-version", "2023-06-01")];
    let anthropic = gateway.send("GET", "/v1/x", &headers, "").json();
    assert_eq!(anthropic["error"]["type"], "not_found_error");
}
