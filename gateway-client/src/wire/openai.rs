//! OpenAI's dialect: what a chunk, an answer and an error mean.
//!
//! Source: OpenAI API reference, "Chat completion chunk object", "Completions"
//! (legacy, with `text`), "Errors".

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Finish, Piece, Text, Usage, Wrong};

/// The end of every stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default = "none")]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
    #[serde(default)]
    created: Option<u64>,
}

fn none<'a>() -> Option<Vec<Choice<'a>>> {
    None
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    /// Of the legacy completions.
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Text<'a>>,
    /// DeepSeek, vLLM, llama.cpp.
    #[serde(borrow, default)]
    reasoning_content: Option<Text<'a>>,
    /// OpenRouter.
    #[serde(borrow, default)]
    reasoning: Option<Text<'a>>,
    #[serde(borrow, default)]
    refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<ToolDelta<'a>>>,
    /// The form before tools.
    #[serde(default)]
    function_call: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ToolDelta<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    function: Option<FunctionDelta<'a>>,
}

#[derive(Deserialize)]
struct FunctionDelta<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    arguments: Option<Text<'a>>,
}

#[derive(Deserialize, Clone, Copy)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        Self { input: tokens.prompt_tokens, output: tokens.completion_tokens }
    }
}

/// Who a stream says it is: what later chunks must repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The answer's.
    pub id: String,
    /// The model, as the endpoint calls it.
    pub model: String,
    /// When, in seconds since 1970; 0: not told.
    pub created: u64,
}

/// What a chunk is besides its pieces.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
pub struct Kind {
    /// It tells usage and nothing else.
    pub only_usage: bool,
    /// It speaks of a second answer (`n` above 1).
    pub several: bool,
}

/// Gives what one event's data says to `each`. `identity` is filled in from the
/// first chunk that has one.
pub fn read_event<'a>(
    data: &'a [u8],
    identity: &mut Option<Identity>,
    mut each: impl FnMut(Piece<'a>),
) -> Result<Kind, Wrong> {
    if data.trim_ascii() == b"[DONE]" {
        each(Piece::Done);
        return Ok(Kind::default());
    }
    let chunk: Chunk<'a> = serde_json::from_slice(data).map_err(|_| Wrong::Malformed)?;
    if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
        return Err(wrong(&error));
    }
    // Something that is JSON but no chunk: `{"detail":…}`, a bare `{}`.
    let Some(choices) = chunk.choices else {
        return match chunk.usage {
            Some(usage) => {
                each(Piece::Usage(usage.into()));
                Ok(Kind { only_usage: true, several: false })
            }
            None => Err(Wrong::Malformed),
        };
    };
    if identity.is_none() {
        let text =
            |text: Option<Text<'a>>| text.map(|text| text.0.into_owned()).unwrap_or_default();
        let (id, model) = (text(chunk.id), text(chunk.model));
        *identity = Some(Identity { id, model, created: chunk.created.unwrap_or_default() });
    }
    let kind = Kind {
        only_usage: choices.is_empty() && chunk.usage.is_some(),
        several: choices.iter().any(|choice| choice.index > 0),
    };
    for choice in choices {
        read_choice(choice, &mut each);
    }
    if let Some(usage) = chunk.usage {
        each(Piece::Usage(usage.into()));
    }
    Ok(kind)
}

fn read_choice<'a>(choice: Choice<'a>, each: &mut impl FnMut(Piece<'a>)) {
    if let Some(text) = said(choice.text) {
        each(Piece::Text(text));
    }
    if let Some(delta) = choice.delta {
        if let Some(text) = said(delta.reasoning_content.or(delta.reasoning)) {
            each(Piece::Reasoning(text));
        }
        if let Some(text) = said(delta.content.or(delta.refusal)) {
            each(Piece::Text(text));
        }
        for call in delta.tool_calls.into_iter().flatten() {
            read_call(call, each);
        }
        if delta.function_call.is_some() {
            each(Piece::Arguments { index: 0, json: Cow::Borrowed("") });
        }
    }
    if let Some(word) = said(choice.finish_reason) {
        each(Piece::Finish(Finish::from_openai(&word)));
    }
}

fn read_call<'a>(call: ToolDelta<'a>, each: &mut impl FnMut(Piece<'a>)) {
    let index = call.index;
    let (name, arguments) = match call.function {
        Some(function) => (said(function.name), said(function.arguments)),
        None => (None, None),
    };
    let id = said(call.id);
    if let Some(name) = name {
        let id = id.unwrap_or_else(|| Cow::Owned(format!("call_{index}")));
        each(Piece::Tool { index, id, name });
    }
    if let Some(json) = arguments {
        each(Piece::Arguments { index, json });
    }
}

/// Text that says something.
fn said(text: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    text.map(|text| text.0).filter(|text| !text.is_empty())
}

/// What an endpoint's error object in a stream means.
pub fn wrong(error: &Value) -> Wrong {
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let code = ["code", "status"].iter().find_map(|key| number(error.get(key)?));
    let code =
        code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
    let word = error.get("type").and_then(Value::as_str).unwrap_or_default();
    let code = code.or(match word {
        "rate_limit_error" | "rate_limit_exceeded" => Some(429),
        "overloaded_error" => Some(529),
        _ => None,
    });
    let message = error.as_str().or_else(|| error.get("message").and_then(Value::as_str));
    Wrong::Error { code, message: message.unwrap_or_default().to_owned() }
}

/// What is needed of a whole answer to know that it is one.
#[derive(Deserialize)]
struct Answer {
    /// Chat and completions.
    #[serde(default)]
    choices: Option<Vec<IgnoredAny>>,
    /// Embeddings.
    #[serde(default)]
    data: Option<IgnoredAny>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
}

/// Holds a whole answer against the protocol and gives its usage.
pub fn check_answer(body: &[u8]) -> Result<Usage, Wrong> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| Wrong::Malformed)?;
    if let Some(error) = answer.error.filter(|error| !error.is_null()) {
        return Err(wrong(&error));
    }
    if answer.data.is_none() && answer.choices.is_none_or(|choices| choices.is_empty()) {
        return Err(Wrong::Malformed);
    }
    Ok(answer.usage.map(Usage::from).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn pieces(data: &str) -> Result<Vec<Piece<'_>>, Wrong> {
        let mut pieces = Vec::new();
        read_event(data.as_bytes(), &mut None, |piece| pieces.push(piece)).map(|_| pieces)
    }

    #[test]
    fn a_chunk_is_read_into_its_pieces() {
        let text = |text: &'static str| Piece::Text(Cow::Borrowed(text));
        let cases = [
            (r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#, vec![]),
            (r#"{"choices":[{"delta":{"content":"a\"b"}}]}"#, vec![text("a\"b")]),
            (r#"{"choices":[{"text":"x = 1;","index":0}]}"#, vec![text("x = 1;")]),
            (
                r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
                vec![Piece::Finish(Finish::Length)],
            ),
            (
                r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#,
                vec![Piece::Usage(Usage { input: 7, output: 3 })],
            ),
            (
                r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c","function":{"name":"reg","arguments":"{"}}]}}]}"#,
                vec![
                    Piece::Tool { index: 1, id: "c".into(), name: "reg".into() },
                    Piece::Arguments { index: 1, json: "{".into() },
                ],
            ),
            ("[DONE]", vec![Piece::Done]),
        ];
        for (data, expected) in cases {
            assert_eq!(pieces(data).unwrap(), expected, "{data}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_told_apart() {
        assert_eq!(pieces(r#"{"id":"x","choices":[{"#), Err(Wrong::Malformed));
        assert_eq!(pieces("<html>"), Err(Wrong::Malformed));
        assert_eq!(pieces("{}"), Err(Wrong::Malformed));
        let limited = r#"{"error":{"message":"slow down","type":"rate_limit_error"}}"#;
        let expected = Wrong::Error { code: Some(429), message: "slow down".into() };
        assert_eq!(pieces(limited), Err(expected));
    }

    #[test]
    fn a_whole_answer_is_held_against_the_protocol() {
        let good =
            br#"{"choices":[{"message":{}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
        assert_eq!(check_answer(good), Ok(Usage { input: 1, output: 2 }));
        assert_eq!(check_answer(br#"{"data":[{}]}"#), Ok(Usage::default()));
        assert_eq!(check_answer(b"<html>"), Err(Wrong::Malformed));
        assert_eq!(check_answer(br#"{"choices":[]}"#), Err(Wrong::Malformed));
    }
}
