//! Endpoints that speak Anthropic's protocol.

use gateway_client::{
    ChatRequest, ClientError, Dialect, Endpoint, FinishReason, HttpTransport, Message, Prompt,
    StreamEvent, Tool, ToolCall, ToolCallDelta, Transport, Usage,
};
use scripted_provider::{Provider, Reply};
use serde_json::json;

use crate::{PATIENT, ask, text_of};

fn endpoint(provider: &Provider) -> Endpoint {
    let key = Some("sk-ant-0123456789".into());
    let endpoint = Endpoint::parse("claude", &provider.url(), key).unwrap();
    endpoint.with_dialect(Dialect::Anthropic)
}

#[tokio::test]
async fn a_message_is_asked_for_and_read_in_its_own_form() {
    let provider = Provider::start([Reply::message("It divides the clock.")]).unwrap();
    let (events, error) = ask(&endpoint(&provider), PATIENT).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text_of(&events), "It divides the clock.");
    let usage = Usage { input_tokens: 11, output_tokens: 4, cached_input_tokens: None };
    let end = [StreamEvent::Usage(usage), StreamEvent::Finish(FinishReason::Stop)];
    assert_eq!(events[events.len() - 2..], end);
    let asked = provider.posts().remove(0);
    assert_eq!(asked.path, "/v1/messages");
    assert_eq!(asked.header("x-api-key"), Some("sk-ant-0123456789"));
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(asked.header("anthropic-version"), Some("2023-06-01"));
    let body = asked.json();
    let text = |text: &str| json!([{ "type": "text", "text": text }]);
    assert_eq!(body["system"], "Be brief.");
    let turn = json!({ "role": "user", "content": text("Why is the output garbled?") });
    assert_eq!((&body["messages"], &body["stream"]), (&json!([turn]), &json!(true)));
    assert!(body["max_tokens"].is_u64(), "Anthropic demands a bound: {body}");
    assert!(body.get("stream_options").is_none(), "{body}");
}

#[tokio::test]
async fn tools_are_offered_called_and_answered() {
    let block = json!({ "type": "tool_use", "id": "t1", "name": "reg", "input": {} });
    let part = |json: &str| {
        let delta = json!({ "type": "input_json_delta", "partial_json": json });
        json!({ "type": "content_block_delta", "index": 0, "delta": delta })
    };
    let message = json!({ "id": "m", "model": "s", "usage": { "input_tokens": 5 } });
    let events = [
        json!({ "type": "message_start", "message": message }),
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
        part("{\"name\":"),
        part("\"BRR\"}"),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "ping" }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 3 } }),
        json!({ "type": "message_stop" }),
    ];
    let reply = Reply::events(events.iter().map(ToString::to_string));
    let provider = Provider::start([reply]).unwrap();
    let call =
        ToolCall { id: "t0".into(), name: "reg".into(), arguments: r#"{"name":"CR"}"#.into() };
    let turn = Message { tool_calls: vec![call], ..Message::assistant("I look.") };
    let messages = vec![Message::user("q"), turn, Message::tool("t0", "CR = 1")];
    let parameters = json!({ "type": "object" });
    let tool = Tool { name: "reg".into(), description: "Looks up".into(), parameters };
    let prompt = Prompt { tools: vec![tool], ..Prompt::new(messages) };
    let request = ChatRequest { model: "s".into(), prompt };
    let transport = HttpTransport::default();
    let answered = transport.chat(&endpoint(&provider), &request, PATIENT).await.unwrap();
    let events: Vec<_> = futures::StreamExt::collect(answered.events).await;
    let events: Vec<StreamEvent> = events.into_iter().map(Result::unwrap).collect();
    let piece = |id: Option<&str>, name: Option<&str>, arguments: &str| {
        StreamEvent::ToolCall(ToolCallDelta {
            index: 0,
            id: id.map(str::to_owned),
            name: name.map(str::to_owned),
            arguments: arguments.to_owned(),
        })
    };
    let usage = Usage { input_tokens: 5, output_tokens: 3, cached_input_tokens: None };
    let expected = [
        piece(Some("t1"), Some("reg"), ""),
        piece(None, None, "{\"name\":"),
        piece(None, None, "\"BRR\"}"),
        StreamEvent::Usage(usage),
        StreamEvent::Finish(FinishReason::ToolCalls),
    ];
    assert_eq!(events, expected);
    let body = provider.posts()[0].json();
    assert_eq!(body["tools"][0]["input_schema"], json!({ "type": "object" }));
    assert_eq!(body["messages"][1]["content"][1]["input"], json!({ "name": "CR" }));
    assert_eq!(body["messages"][2]["content"][0]["type"], "tool_result");
}

#[tokio::test]
async fn an_answer_in_one_piece_is_read_too() {
    let body = json!({
        "id": "m", "type": "message", "role": "assistant", "model": "s",
        "content": [{ "type": "text", "text": "Yes." }], "stop_reason": "max_tokens",
        "usage": { "input_tokens": 7, "output_tokens": 1 },
    });
    let provider =
        Provider::start([Reply::body(200, "application/json", &body.to_string())]).unwrap();
    let (events, error) = ask(&endpoint(&provider), PATIENT).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text_of(&events), "Yes.");
    assert_eq!(events.last(), Some(&StreamEvent::Finish(FinishReason::Length)));
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    let nonsense = Reply::events(["{\"type\":".to_owned()]);
    let cases = [
        (Reply::events([overloaded.to_owned()]), "Status"),
        (Reply::message("It divides the clock.").cut_after(4), "BrokenStream"),
        (Reply::message("It divides the clock.").end_after(4), "BrokenStream"),
        (nonsense, "BadEvent"),
        (Reply::error(401, "no"), "Unauthorized"),
        (Reply::body(200, "application/json", "{}"), "BadEvent"),
    ];
    for (reply, expected) in cases {
        let provider = Provider::start([reply]).unwrap();
        let error = ask(&endpoint(&provider), PATIENT).await.1.expect(expected);
        assert!(format!("{error:?}").starts_with(expected), "{expected}: {error:?}");
        if let ClientError::Status { code, .. } = error {
            assert_eq!(code, 529);
        }
    }
}
