//! Answers that come whole.

use std::time::Duration;

use gateway_client::{FinishReason, StreamEvent, ToolCallDelta, Usage};
use scripted_provider::{Provider, Reply};

use crate::{PATIENT, ask, endpoint, text_of};

async fn whole(reply: Reply) -> Vec<StreamEvent> {
    let provider = Provider::start([reply]).unwrap();
    let (events, error) = ask(&endpoint(&provider.url()), PATIENT).await;
    assert!(error.is_none(), "{error:?}");
    events
}

fn events(data: &[&str]) -> Reply {
    Reply::events(data.iter().map(|data| (*data).to_owned()))
}

#[tokio::test]
async fn text_then_usage_then_finish() {
    let events = whole(Reply::answer("It is the baud rate.")).await;
    assert_eq!(text_of(&events), "It is the baud rate.");
    let usage = Usage { input_tokens: 11, output_tokens: 5, cached_input_tokens: None };
    let end = [StreamEvent::Usage(usage), StreamEvent::Finish(FinishReason::Stop)];
    assert_eq!(events[events.len() - 2..], end);
}

#[tokio::test]
async fn paced_events_arrive_one_by_one() {
    let events = whole(Reply::answer("a b c").gap(Duration::from_millis(5))).await;
    let deltas = events.iter().filter(|event| matches!(event, StreamEvent::Delta(_)));
    assert_eq!(deltas.count(), 3);
}

#[tokio::test]
async fn usage_that_is_not_told_is_absent() {
    let events = whole(events(&[
        r#"{"choices":[{"index":0,"delta":{"content":"yes"},"finish_reason":"length"}]}"#,
        "[DONE]",
    ]))
    .await;
    let expected = [StreamEvent::Delta("yes".into()), StreamEvent::Finish(FinishReason::Length)];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn usage_in_every_chunk_is_told_once_with_the_last_count() {
    let events = whole(events(&[
        r#"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
        r#"{"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}}"#,
    ]))
    .await;
    let usage = Usage { input_tokens: 3, output_tokens: 2, cached_input_tokens: Some(1) };
    assert_eq!(events[2..], [StreamEvent::Usage(usage), StreamEvent::Finish(FinishReason::Stop)]);
}

#[tokio::test]
async fn thoughts_are_told_apart_from_the_answer() {
    let events = whole(events(&[
        r#"{"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}"#,
        r#"{"choices":[{"delta":{"reasoning":"so","reasoning_content":"so"}}]}"#,
        r#"{"choices":[{"delta":{"content":"42"},"finish_reason":"stop"}]}"#,
    ]))
    .await;
    let thoughts = ["hm", "so"].map(|text| StreamEvent::Reasoning(text.into()));
    assert_eq!(events[..2], thoughts);
    assert_eq!(text_of(&events), "42");
}

#[tokio::test]
async fn tool_calls_come_in_pieces() {
    let events = whole(events(&[
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"reg","arguments":""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":1}"}}]},"finish_reason":"tool_calls"}]}"#,
        "[DONE]",
    ]))
    .await;
    let first = ToolCallDelta {
        index: 0,
        id: Some("c1".into()),
        name: Some("reg".into()),
        arguments: String::new(),
    };
    let second = ToolCallDelta { index: 0, id: None, name: None, arguments: r#"{"q":1}"#.into() };
    let expected = [
        StreamEvent::ToolCall(first),
        StreamEvent::ToolCall(second),
        StreamEvent::Finish(FinishReason::ToolCalls),
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn an_engine_that_cannot_stream_is_understood() {
    let body = r#"{"object":"chat.completion","choices":[{"index":0,
        "message":{"role":"assistant","content":"whole"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    let events = whole(Reply::body(200, "application/json; charset=utf-8", body)).await;
    assert_eq!(text_of(&events), "whole");
    assert_eq!(events.last(), Some(&StreamEvent::Finish(FinishReason::Stop)));
}

#[tokio::test]
async fn a_finish_without_done_is_a_clean_end() {
    let finished = r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
    for reply in [events(&[finished]), events(&[finished]).cut_after(1)] {
        assert_eq!(whole(reply).await.len(), 2);
    }
}

#[tokio::test]
async fn characters_of_many_bytes_and_line_ends_survive() {
    let events = whole(events(&[
        "{\"choices\":[{\"delta\":{\"content\":\"\\u00b5s \u{2192} \u{1f980}\\r\\n\"},\"finish_reason\":\"stop\"}]}",
    ]))
    .await;
    assert_eq!(text_of(&events), "\u{b5}s \u{2192} \u{1f980}\r\n");
}
