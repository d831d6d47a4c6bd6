//! Answers in one piece, and who is asked for them.

use scripted_provider::{Provider, Reply};
use serde_json::json;

use crate::{Gateway, chat_body, ladder};

#[test]
fn an_answer_is_passed_on_byte_by_byte() {
    let odd = r#"{ "choices" : [ {"index":0, "message":{"role":"assistant","content":"é"} , "finish_reason":"stop"} ], "x":1.50 }"#;
    let provider = Provider::start([Reply::body(200, "application/json", odd)]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let response = gateway.chat("m0", false);
    assert_eq!((response.status, response.body.as_str()), (200, odd));
    assert_eq!(response.header("content-type"), Some("application/json"));
}

#[test]
fn a_body_is_sent_byte_by_byte_save_the_model() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let body = r#"{ "messages":[{"role":"user","content":"\u00e9 \"model\":\"m0\""}], "model" : "m0" , "t":1.50}"#;
    let response = gateway.send("POST", "/v1/chat/completions", &[], body);
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(
        provider.posts()[0].body,
        body.replace("\"model\" : \"m0\"", "\"model\" : \"up-m0\"")
    );
}

#[test]
fn a_failure_is_tried_elsewhere_once_each() {
    for broken in [
        Reply::error(429, "slow down").header("retry-after", "3"),
        Reply::error(500, "oops"),
        Reply::error(401, "your key sk-upstream is wrong"),
        Reply::body(200, "text/html", "<html>"),
        Reply::body(200, "application/json", r#"{"choices":[]}"#),
    ] {
        let first = Provider::start([broken]).unwrap();
        let second = Provider::start([Reply::whole("Yes.")]).unwrap();
        let gateway = Gateway::start(&ladder(&[&first, &second]));
        let response = gateway.chat("m0", false);
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(response.json()["choices"][0]["message"]["content"], "Yes.");
        assert_eq!(response.header("x-gateway-attempts"), Some("2"));
        assert_eq!(response.header("x-gateway-degraded"), Some("true"));
        assert_eq!((first.posts().len(), second.posts().len()), (1, 1));
    }
}

#[test]
fn a_limit_is_waited_for_where_nobody_else_can_serve() {
    let limited = || Reply::error(429, "slow down").header("retry-after", "1");
    let provider = Provider::start([limited(), limited(), Reply::whole("Yes.")]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let response = gateway.chat("m0", false);
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(provider.posts().len(), 3);
    let times: Vec<_> = provider.posts().iter().map(|request| request.at).collect();
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] >= std::time::Duration::from_millis(990))
    );
}

#[test]
fn what_cannot_be_waited_for_is_told_with_a_time() {
    let limited = Reply::error(429, "slow down").header("retry-after", "120");
    let provider = Provider::start([limited]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let headers = [("x-gateway-deadline-ms", "500")];
    let body = chat_body("m0", false).to_string();
    let response = gateway.send("POST", "/v1/chat/completions", &headers, &body);
    assert_eq!(response.status, 429, "{}", response.body);
    let seconds: u64 = response.header("retry-after").unwrap().parse().unwrap();
    assert!((100..=121).contains(&seconds), "{seconds}");
    assert_eq!(response.json()["error"]["type"], "rate_limit_error");
}

#[test]
fn what_the_endpoint_says_of_a_bad_request_reaches_the_client() {
    let provider = Provider::start([Reply::error(400, "temperature must be below 2")]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let response = gateway.chat("m0", false);
    assert_eq!(response.status, 400, "{}", response.body);
    assert_eq!(response.json()["error"]["message"], "temperature must be below 2");
}

#[test]
fn a_changed_configuration_counts_from_the_next_request_on() {
    let old = Provider::start([Reply::whole("old")]).unwrap();
    let new = Provider::start([Reply::whole("new")]).unwrap();
    let gateway = Gateway::start(&ladder(&[&old]));
    let said = |gateway: &Gateway| {
        gateway.chat("m0", false).json()["choices"][0]["message"]["content"].clone()
    };
    assert_eq!(said(&gateway), "old");
    let config = gateway::config::file::read(&ladder(&[&new])).unwrap().config;
    gateway.server.reload(config).unwrap();
    assert_eq!(said(&gateway), "new");
    assert_eq!(gateway.post("/v1/chat/completions", &json!({ "model": "m0" })).status, 200);
}
