//! From the chunks on the wire to [`StreamEvent`]s. No I/O: text in, events or
//! one error out.
//!
//! Source: OpenAI API reference, "The chat completion chunk object". Engines
//! differ in what they leave out, so nearly everything is optional here.
//! Anthropic's events are read by [`wire::anthropic`](crate::wire::anthropic).

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::endpoint::{Dialect, Endpoint};
use crate::error::{Cause, ClientError};
use crate::event::{FinishReason, StreamEvent, ToolCallDelta, Usage};
use crate::refusal;
use crate::wire::anthropic::{self, Position};
use crate::wire::{Piece, Wrong, openai::Identity, translate};

/// Collects one answer. Usage and finish reason are held back to the end, since
/// engines send them in either order and some repeat the usage in every chunk.
pub(crate) struct Decoder {
    endpoint: Endpoint,
    ready: VecDeque<StreamEvent>,
    begun: bool,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    ended: bool,
    /// Of Anthropic's streams alone.
    message: Message,
}

/// How far one of Anthropic's messages has come.
#[derive(Default)]
struct Message {
    identity: Option<Identity>,
    position: Position,
    usage: crate::wire::Usage,
}

impl Decoder {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            ready: VecDeque::new(),
            begun: false,
            usage: None,
            finish: None,
            ended: false,
            message: Message::default(),
        }
    }

    /// The next event that is due.
    pub(crate) fn pop(&mut self) -> Option<StreamEvent> {
        self.ready.pop_front()
    }

    /// True once any part of the answer has been seen.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// True once nothing more is to be read.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Takes the data of one server-sent event, in the endpoint's dialect.
    pub(crate) fn push(&mut self, data: &str) -> Result<(), ClientError> {
        match self.endpoint.dialect() {
            Dialect::OpenAi => self.push_chunk(data),
            Dialect::Anthropic => self.push_part(data),
        }
    }

    /// A chunk, or `[DONE]`.
    fn push_chunk(&mut self, data: &str) -> Result<(), ClientError> {
        match data.trim() {
            "[DONE]" => return self.end(String::new(), None),
            // Some proxies keep connections open with events of nothing.
            "" => return Ok(()),
            _ => {}
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|error| {
            self.bad_event(&format!("an event that is no chunk ({error})"), data)
        })?;
        if let Some(error) = chunk.error.as_ref().filter(|error| !error.is_null()) {
            return Err(self.reported(error));
        }
        // vLLM's errors are the chunk itself.
        if chunk.object.as_deref() == Some("error") {
            let error = serde_json::from_str(data).unwrap_or_default();
            return Err(self.reported(&error));
        }
        self.usage = chunk.usage.as_ref().and_then(usage_of).or(self.usage);
        // Only one answer is asked for.
        if let Some(choice) = chunk.choices.into_iter().flatten().find(|choice| choice.index == 0) {
            self.push_choice(choice);
        }
        Ok(())
    }

    /// Takes a whole answer sent as one JSON object, as engines that know no
    /// streaming do.
    pub(crate) fn push_whole(&mut self, body: &str) -> Result<(), ClientError> {
        match self.endpoint.dialect() {
            Dialect::OpenAi => self.push_chunk(body)?,
            Dialect::Anthropic => {
                let wrong = |wrong| self.wrong(wrong, body);
                anthropic::check_answer(body.as_bytes()).map_err(wrong)?;
                let answer = serde_json::from_str(body).unwrap_or_default();
                self.push_chunk(&translate::answer_to_openai(&answer, 0).to_string())?;
            }
        }
        if !self.begun && self.finish.is_none() {
            return Err(self.bad_event("JSON that is no answer", body));
        }
        self.end(String::new(), None)
    }

    /// Nothing more will come. Fine after a finish reason, and only then.
    pub(crate) fn end(
        &mut self,
        message: String,
        source: Option<Cause>,
    ) -> Result<(), ClientError> {
        let Some(finish) = self.finish.take() else {
            return Err(ClientError::BrokenStream { host: self.endpoint.host(), message, source });
        };
        self.ready.extend(self.usage.take().map(StreamEvent::Usage));
        self.ready.push_back(StreamEvent::Finish(finish));
        self.ended = true;
        Ok(())
    }

    /// True if a finish reason was seen, so that a lost connection loses nothing.
    pub(crate) fn is_complete(&self) -> bool {
        self.finish.is_some()
    }

    pub(crate) fn bad_event(&self, what: &str, data: &str) -> ClientError {
        ClientError::BadEvent {
            host: self.endpoint.host(),
            what: what.to_owned(),
            excerpt: refusal::excerpt(&self.endpoint, data),
        }
    }

    /// A part of one of Anthropic's messages.
    fn push_part(&mut self, data: &str) -> Result<(), ClientError> {
        let (before, mut is_over) = (self.ready.len(), false);
        let Self { ready, finish, message, .. } = self;
        let Message { identity, position, usage } = message;
        let call = |index, id, name, arguments| {
            StreamEvent::ToolCall(ToolCallDelta { index, id, name, arguments })
        };
        let each = |piece: Piece<'_>| match piece {
            Piece::Text(text) => ready.push_back(StreamEvent::Delta(text.into_owned())),
            Piece::Reasoning(text) => ready.push_back(StreamEvent::Reasoning(text.into_owned())),
            Piece::Tool { index, id, name } => {
                let (id, name) = (Some(id.into_owned()), Some(name.into_owned()));
                ready.push_back(call(index, id, name, String::new()));
            }
            Piece::Arguments { index, json } => {
                ready.push_back(call(index, None, None, json.into_owned()));
            }
            Piece::Finish(why) => *finish = Some(why.into()),
            Piece::Usage(newer) => usage.update(newer),
            Piece::Done => is_over = true,
        };
        let read = anthropic::read_event(data.as_bytes(), identity, position, each);
        self.begun |= self.ready.len() > before;
        self.usage = self.message.usage.told();
        read.map_err(|wrong| self.wrong(wrong, data))?;
        if is_over { self.end(String::new(), None) } else { Ok(()) }
    }

    fn wrong(&self, wrong: Wrong, data: &str) -> ClientError {
        match wrong {
            Wrong::Malformed => self.bad_event("an event that is none of Anthropic's", data),
            Wrong::Error { code, message } => {
                self.reported(&json!({ "message": message, "code": code }))
            }
        }
    }

    fn push_choice(&mut self, choice: Choice) {
        let before = self.ready.len();
        let delta = choice.delta.or(choice.message).unwrap_or_default();
        for reasoning in [delta.reasoning_content, delta.reasoning] {
            if let Some(text) = reasoning.filter(|text| !text.is_empty()) {
                self.ready.push_back(StreamEvent::Reasoning(text));
                break;
            }
        }
        // A refusal is the model's answer, in a member of its own.
        for text in [delta.content, delta.refusal].into_iter().flatten() {
            if !text.is_empty() {
                self.ready.push_back(StreamEvent::Delta(text));
            }
        }
        let calls = delta.tool_calls.into_iter().flatten().zip(0..);
        self.ready.extend(calls.map(|(call, place)| StreamEvent::ToolCall(call.into_delta(place))));
        self.begun |= self.ready.len() > before;
        // `error` is OpenRouter's word for an upstream that died: no finish.
        let finish = choice.finish_reason.filter(|word| !word.is_empty() && word != "error");
        if let Some(word) = finish {
            self.finish = Some(FinishReason::from(word.as_str()));
        }
    }

    /// An error in the place of a chunk. Before the answer has begun it is the
    /// refusal it would have been as a status.
    fn reported(&self, error: &Value) -> ClientError {
        let code = error.get("code").and_then(Value::as_u64);
        let code = code.and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 400);
        match code {
            Some(code) if !self.begun => {
                refusal::refusal(&self.endpoint, code, None, &error.to_string())
            }
            _ => {
                let message = refusal::message_in(error).unwrap_or_else(|| error.to_string());
                ClientError::BrokenStream {
                    host: self.endpoint.host(),
                    message: refusal::clean(&self.endpoint, &message),
                    source: None,
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Chunk {
    object: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    delta: Option<WireDelta>,
    message: Option<WireDelta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct WireDelta {
    content: Option<String>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<WireToolCallDelta>>,
}

#[derive(Deserialize)]
struct WireToolCallDelta {
    index: Option<u32>,
    id: Option<String>,
    function: Option<WireFunctionDelta>,
}

#[derive(Deserialize, Default)]
struct WireFunctionDelta {
    name: Option<String>,
    arguments: Option<String>,
}

impl WireToolCallDelta {
    /// `place` stands in for the index, which whole answers leave out.
    fn into_delta(self, place: u32) -> ToolCallDelta {
        let function = self.function.unwrap_or_default();
        ToolCallDelta {
            index: self.index.unwrap_or(place),
            id: self.id,
            name: function.name,
            arguments: function.arguments.unwrap_or_default(),
        }
    }
}

/// Both counts or none: half a usage, or an odd one, is no reason to lose the
/// answer it came with.
fn usage_of(usage: &Value) -> Option<Usage> {
    Some(Usage {
        input_tokens: usage.get("prompt_tokens")?.as_u64()?,
        output_tokens: usage.get("completion_tokens")?.as_u64()?,
        cached_input_tokens: usage
            .pointer("/prompt_tokens_details/cached_tokens")
            .and_then(Value::as_u64),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn decoder() -> Decoder {
        Decoder::new(Endpoint::parse("e", "http://127.0.0.1", None).unwrap())
    }

    const FINISH: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;

    /// What is left of the usage after an answer with this one.
    fn usage(usage: &str) -> Option<Usage> {
        let mut decoder = decoder();
        decoder.push(&format!(r#"{{"choices":[],"usage":{usage}}}"#)).unwrap();
        decoder.push(FINISH).unwrap();
        decoder.push("[DONE]").unwrap();
        match decoder.pop() {
            Some(StreamEvent::Usage(usage)) => Some(usage),
            other => {
                assert_eq!(other, Some(StreamEvent::Finish(FinishReason::Stop)));
                None
            }
        }
    }

    #[test]
    fn a_usage_is_told_whole_or_not_at_all() {
        let whole = |input_tokens, output_tokens, cached_input_tokens| {
            Some(Usage { input_tokens, output_tokens, cached_input_tokens })
        };
        let (plain, cached) = (
            r#"{"prompt_tokens":3,"completion_tokens":4}"#,
            r#"{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2}}"#,
        );
        assert_eq!(usage(plain), whole(3, 4, None));
        assert_eq!(usage(cached), whole(3, 4, Some(2)));
        for odd in [
            "null",
            "{}",
            "7",
            r#"{"prompt_tokens":3}"#,
            r#"{"prompt_tokens":-1,"completion_tokens":1}"#,
        ] {
            assert_eq!(usage(odd), None, "{odd}");
        }
    }

    #[test]
    fn events_of_nothing_pass() {
        for nothing in [
            "",
            " ",
            "{}",
            r#"{"choices":null}"#,
            r#"{"choices":[]}"#,
            r#"{"type":"ping"}"#,
            r#"{"choices":[{"delta":{"role":"assistant","content":null}}],"error":null}"#,
        ] {
            let mut decoder = decoder();
            decoder.push(nothing).unwrap();
            assert!(!decoder.has_begun() && decoder.pop().is_none(), "{nothing}");
        }
    }

    #[test]
    fn events_of_another_shape_are_refused_without_panic() {
        for wrong in [
            "null",
            "[]",
            "7",
            "\"x\"",
            "{",
            r#"{"choices":[null]}"#,
            r#"{"choices":{}}"#,
            r#"{"choices":[{"delta":{"content":7}}]}"#,
            &"[".repeat(100_000),
        ] {
            let error = decoder().push(wrong).unwrap_err();
            assert!(matches!(error, ClientError::BadEvent { .. }), "{error:?}");
        }
    }

    #[test]
    fn an_error_in_place_of_a_chunk_is_the_error_it_names() {
        let refused = |data: &str| decoder().push(data).unwrap_err();
        assert!(matches!(
            refused(r#"{"object":"error","message":"maximum context length is 9","code":400}"#),
            ClientError::ContextTooLong { .. }
        ));
        assert!(matches!(
            refused(r#"{"error":{"message":"Loading model","code":503}}"#),
            ClientError::Loading { .. }
        ));
        let ClientError::BrokenStream { message, .. } = refused(r#"{"error":"boom"}"#) else {
            panic!("an error without a code is a stream that broke off")
        };
        assert_eq!(message, "boom");
    }
}
