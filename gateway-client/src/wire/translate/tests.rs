//! Tables of requests and answers in both dialects, and there and back.

use serde_json::json;

use super::*;

/// A conversation that uses everything both dialects have a word for.
fn conversation() -> Value {
    json!({
        "model": "m", "max_tokens": 50, "system": "Be brief.", "temperature": 0.5, "stream": true,
        "stop_sequences": ["END"],
        "tools": [{ "name": "reg", "description": "Look up", "input_schema": { "type": "object" } }],
        "tool_choice": { "type": "any" },
        "messages": [
            { "role": "user", "content": [{ "type": "text", "text": "What is BRR?" }] },
            { "role": "assistant", "content": [
                { "type": "text", "text": "I look." },
                { "type": "tool_use", "id": "t1", "name": "reg", "input": { "name": "BRR" } },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "content": "0x683" },
                { "type": "text", "text": "So?" },
            ] },
        ],
    })
}

#[test]
fn a_conversation_survives_there_and_back() {
    let there = request_to_openai(&conversation(), "m").unwrap_or_default();
    assert_eq!(there["stream_options"]["include_usage"], true);
    assert_eq!(there["tool_choice"], "required");
    let roles: Vec<_> = list(&there["messages"]).iter().map(|m| m["role"].as_str()).collect();
    let expected = ["system", "user", "assistant", "tool", "user"].map(Some);
    assert_eq!(roles, expected);
    let back = request_to_anthropic(&there, "m").unwrap_or_default();
    assert_eq!(back, conversation());
}

#[test]
fn each_part_of_a_request_is_translated() {
    let base = |part: Value| {
        let mut request = json!({ "model": "m", "messages": [{ "role": "user", "content": "q" }] });
        part.as_object().into_iter().flatten().for_each(|(k, v)| request[k] = v.clone());
        request_to_anthropic(&request, "up").unwrap_or_default()
    };
    assert_eq!(base(json!({}))["max_tokens"], 4096);
    assert_eq!(base(json!({ "max_completion_tokens": 9 }))["max_tokens"], 9);
    assert_eq!(base(json!({ "temperature": 1.7 }))["temperature"], 1.0);
    assert_eq!(base(json!({ "stop": "x" }))["stop_sequences"], json!(["x"]));
    assert_eq!(base(json!({ "user": "u" }))["metadata"]["user_id"], "u");
    assert_eq!(base(json!({}))["model"], "up");
    let image = json!({ "messages": [{ "role": "user", "content": [
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==" } },
    ] }] });
    let source = &base(image)["messages"][0]["content"][0]["source"];
    assert_eq!(*source, json!({ "type": "base64", "media_type": "image/png", "data": "AA==" }));
}

#[test]
fn what_has_no_word_is_refused_by_name() {
    let check = |request: Value, word: &str| {
        let error = request_to_anthropic(&request, "m").expect_err(word);
        assert!(error.0.contains(word), "{error}");
    };
    check(json!({ "messages": 3 }), "messages");
    check(json!({ "messages": [], "n": 2 }), "`n`");
    check(json!({ "messages": [{ "role": "robot", "content": "x" }] }), "robot");
    let audio = json!([{ "type": "input_audio" }]);
    check(json!({ "messages": [{ "role": "user", "content": audio }] }), "input_audio");
    let document = json!({ "messages": [{ "role": "user", "content": [{ "type": "document" }] }] });
    let error = request_to_openai(&document, "m").expect_err("a document");
    assert!(error.0.contains("document"), "{error}");
}

#[test]
fn a_whole_answer_survives_there_and_back() {
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [
            { "type": "text", "text": "I look." },
            { "type": "tool_use", "id": "t1", "name": "reg", "input": { "name": "BRR" } },
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": { "input_tokens": 7, "output_tokens": 3 },
    });
    let there = answer_to_openai(&answer, 5);
    assert_eq!(there["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(there["usage"]["total_tokens"], 10);
    assert_eq!(answer_to_anthropic(&there), answer);
}
