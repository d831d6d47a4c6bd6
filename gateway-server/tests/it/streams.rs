//! Streams: passed on as they came, and gone on with elsewhere when they break.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use scripted_provider::{Provider, Reply};
use serde_json::{Value, json};

use crate::{Gateway, chat_body, ladder};

const ANSWER: &str = "The divider is computed from the wrong clock. ";

/// What the first provider does, with a healthy second one: the client gets the
/// whole answer, once, from so many requests to each.
#[track_caller]
fn check(broken: Reply, second: Reply, calls: (usize, usize)) -> crate::Response {
    let first = Provider::start([broken]).unwrap();
    let second = Provider::start([second]).unwrap();
    let gateway = Gateway::start(&ladder(&[&first, &second]));
    let response = gateway.chat("m0", true);
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(response.text(), ANSWER, "{}", response.body);
    assert_eq!(response.events().last(), Some(&"[DONE]"), "{}", response.body);
    let stops = response.events().iter().filter(|data| data.contains("\"stop\"")).count();
    assert_eq!(stops, 1, "{}", response.body);
    assert_eq!((first.posts().len(), second.posts().len()), calls);
    response
}

#[test]
fn a_stream_is_passed_on_as_it_came() {
    let provider = Provider::start([Reply::answer(ANSWER)]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let response = gateway.chat("m0", true);
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert_eq!(response.header("x-gateway-attempts"), Some("1"));
    assert_eq!(response.header("x-gateway-model"), Some("up-m0"));
    assert_eq!(response.header("x-gateway-degraded"), Some("false"));
    assert_eq!(response.text(), ANSWER);
    // Usage is left out: nobody asked for it here.
    assert!(!response.body.contains("usage"), "{}", response.body);
    assert_eq!(response.events().last(), Some(&"[DONE]"));
    let sent = provider.posts()[0].json();
    assert_eq!(sent, chat_body("up-m0", true));
    assert_eq!(provider.posts()[0].header("authorization"), Some("Bearer sk-upstream"));
}

#[test]
fn usage_is_told_to_who_asks() {
    let provider = Provider::start([Reply::answer(ANSWER)]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let mut body = chat_body("m0", true);
    body["stream_options"] = json!({ "include_usage": true });
    let response = gateway.post("/v1/chat/completions", &body);
    assert!(response.body.contains("\"prompt_tokens\":11"), "{}", response.body);
}

#[test]
fn what_breaks_before_the_first_word_is_tried_elsewhere() {
    let whole = || Reply::answer(ANSWER);
    for broken in [
        Reply::error(429, "slow down").header("retry-after", "3"),
        Reply::error(500, "oops"),
        Reply::body(200, "text/html", "<html>"),
        Reply::body(200, "application/json", "{}"),
        whole().cut_after(0),
        whole().end_after(0),
        whole().stall_after(0),
        Reply::hang(),
        Reply::events([r#"{"error":{"message":"overloaded","code":529}}"#.to_owned()]),
    ] {
        check(broken, whole(), (1, 1));
    }
}

#[test]
fn what_breaks_after_the_first_word_goes_on_elsewhere_with_no_text_twice() {
    let whole = || Reply::answer(ANSWER);
    for events in 1..6 {
        // Repeating what it was given, as llama.cpp does.
        check(whole().cut_after(events), whole(), (1, 1));
        check(whole().end_after(events), whole(), (1, 1));
    }
    check(whole().stall_after(4), whole(), (1, 1));
    // Going on right after it.
    check(whole().cut_after(4), Reply::answer("computed from the wrong clock. "), (1, 1));
}

#[test]
fn who_goes_on_is_given_the_start_of_the_turn() {
    let first = Provider::start([Reply::answer(ANSWER).cut_after(4)]).unwrap();
    let second = Provider::start([Reply::answer(ANSWER)]).unwrap();
    let gateway = Gateway::start(&ladder(&[&first, &second]));
    assert_eq!(gateway.chat("m0", true).text(), ANSWER);
    let sent = second.posts()[0].json();
    let turn = json!({ "role": "assistant", "content": "The divider is" });
    assert_eq!(sent["messages"][1], turn, "{sent}");
}

#[test]
fn a_broken_event_costs_itself_only() {
    let text = |text: &str| {
        json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }).to_string()
    };
    let end = json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }).to_string();
    let broken = r#"{"id":"x","choices":[{"#.to_owned();
    let events = [text("The divider "), broken, text("is computed from the wrong clock. "), end];
    let events = events.into_iter().chain(["[DONE]".to_owned()]);
    check(Reply::events(events), Reply::error(500, "not to be asked"), (1, 0));
}

#[test]
fn a_stream_that_only_lacks_its_end_gets_one() {
    let whole = Reply::answer(ANSWER);
    let events = ANSWER.split_inclusive(' ').count() + 2;
    check(whole.cut_after(events), Reply::error(500, "not to be asked"), (1, 0));
}

#[test]
fn an_answer_that_nobody_can_go_on_with_ends_in_an_error_and_no_end() {
    let provider = Provider::start([Reply::answer(ANSWER).cut_after(4)]).unwrap();
    let dead = Provider::start([Reply::error(500, "down")]).unwrap();
    for providers in [vec![&provider], vec![&provider, &dead]] {
        let gateway = Gateway::start(&ladder(&providers));
        let response = gateway.chat("m0", true);
        let last: Value = serde_json::from_str(response.events().last().unwrap()).unwrap();
        assert_eq!(last["error"]["code"], "stream_broken", "{}", response.body);
        assert!(!response.body.contains("[DONE]"), "{}", response.body);
    }
}

#[test]
fn a_tool_call_is_never_gone_on_with() {
    let calls = Reply::calls("I look. ", &[("reg", r#"{"name":"BRR"}"#)]);
    let first = Provider::start([calls.cut_after(2)]).unwrap();
    let second = Provider::start([Reply::answer(ANSWER)]).unwrap();
    let gateway = Gateway::start(&ladder(&[&first, &second]));
    let response = gateway.chat("m0", true);
    assert!(response.body.contains("stream_broken"), "{}", response.body);
    assert!(second.posts().is_empty());
}

#[test]
fn the_endpoint_learns_at_once_that_the_client_has_gone() {
    let slow = Reply::answer(&ANSWER.repeat(50)).gap(Duration::from_millis(50));
    let provider = Provider::start([slow]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]));
    let mut socket = gateway.connect();
    let body = chat_body("m0", true).to_string();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n";
    write!(socket, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut some = [0; 256];
    assert!(socket.read(&mut some).unwrap() > 0);
    drop(socket);
    let begun = Instant::now();
    while provider.posts()[0].client_left.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the request goes on without a client");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_legacy_completion_goes_on_from_its_own_prompt() {
    let piece = |text: &str| json!({ "choices": [{ "index": 0, "text": text }] }).to_string();
    let end =
        json!({ "choices": [{ "index": 0, "text": "", "finish_reason": "stop" }] }).to_string();
    let events = || [piece("int "), piece("x "), piece("= 1;"), end.clone(), "[DONE]".to_owned()];
    let first = Provider::start([Reply::events(events()).cut_after(2)]).unwrap();
    let rest = [piece("= 1;"), end.clone(), "[DONE]".to_owned()];
    let second = Provider::start([Reply::events(rest)]).unwrap();
    let gateway = Gateway::start(&ladder(&[&first, &second]));
    let body = json!({ "model": "m0", "stream": true, "prompt": "// x", "suffix": "return x;" });
    let response = gateway.post("/v1/completions", &body);
    assert_eq!(response.text(), "int x = 1;", "{}", response.body);
    assert_eq!(second.posts()[0].json()["prompt"], "// xint x");
    assert_eq!(second.posts()[0].json()["suffix"], "return x;");
}
