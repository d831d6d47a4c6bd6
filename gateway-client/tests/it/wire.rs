//! What is sent, to the letter.

use gateway_client::{ChatRequest, Endpoint, Message, Prompt, Tool, ToolCall};
use scripted_provider::{Provider, Reply};
use serde_json::json;

use crate::{PATIENT, ask, endpoint, request};

#[tokio::test]
async fn what_is_shown_is_what_is_sent() {
    let provider = Provider::start([Reply::answer("fine")]).unwrap();
    let target = endpoint(&provider.url());
    ask(&target, PATIENT).await;
    let chat = &provider.chats()[0];
    assert_eq!(chat.json(), request().to_json(&target));
    assert_eq!((chat.method.as_str(), chat.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(chat.header("content-type"), Some("application/json"));
}

#[test]
fn a_plain_prompt_says_no_more_than_it_must() {
    let expected = json!({
        "model": "scripted",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Why is the output garbled?" },
        ],
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    assert_eq!(request().to_json(&endpoint("http://127.0.0.1")), expected);
}

#[test]
fn every_setting_has_its_place() {
    let call = ToolCall { id: "c1".into(), name: "reg".into(), arguments: "{}".into() };
    let mut calling = Message::assistant("");
    calling.tool_calls.push(call);
    let prompt = Prompt {
        messages: vec![calling, Message::tool("c1", "0x1C200")],
        tools: vec![Tool {
            name: "reg".into(),
            description: "Reads the index.".into(),
            parameters: json!({ "type": "object" }),
        }],
        max_tokens: Some(64),
        temperature: Some(0.2),
        stop: vec!["END".into()],
        seed: Some(7),
    };
    let request = ChatRequest { model: "m".into(), prompt };
    let expected = json!({
        "model": "m",
        "messages": [
            { "role": "assistant", "content": "", "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "reg", "arguments": "{}" } },
            ]},
            { "role": "tool", "content": "0x1C200", "tool_call_id": "c1" },
        ],
        "stream": true,
        "stream_options": { "include_usage": true },
        "tools": [{ "type": "function", "function": {
            "name": "reg", "description": "Reads the index.", "parameters": { "type": "object" },
        }}],
        "max_tokens": 64,
        "temperature": 0.2,
        "stop": ["END"],
        "seed": 7,
    });
    assert_eq!(request.to_json(&endpoint("http://127.0.0.1")), expected);

    let openai = Endpoint::parse("openai", "https://api.openai.com/v1", None).unwrap();
    let body = request.to_json(&openai);
    assert_eq!((&body["max_completion_tokens"], body.get("max_tokens")), (&json!(64), None));
}

#[test]
fn a_conversation_reads_back_as_it_was_written() {
    let mut message = Message::assistant("looking");
    message.tool_calls.push(ToolCall {
        id: "c1".into(),
        name: "reg".into(),
        arguments: r#"{"q":"UART0"}"#.into(),
    });
    let text = serde_json::to_string(&message).unwrap();
    assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
}
