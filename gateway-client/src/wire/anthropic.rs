//! Anthropic's dialect: what a stream's event, an answer and an error mean.
//!
//! Source: Anthropic API reference, "Messages" and "Streaming messages".

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::openai::{Identity, wrong};
use super::{Finish, Piece, Text, Usage, Wrong};

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(default)]
    index: u32,
    #[serde(borrow, default)]
    message: Option<Start<'a>>,
    #[serde(borrow, default)]
    content_block: Option<Block<'a>>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    thinking: Option<Text<'a>>,
    #[serde(borrow, default)]
    partial_json: Option<Text<'a>>,
    #[serde(borrow, default)]
    stop_reason: Option<Text<'a>>,
}

#[derive(Deserialize, Clone, Copy)]
struct Tokens {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: u64,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let cached = [tokens.cache_creation_input_tokens, tokens.cache_read_input_tokens];
        let cached: u64 = cached.iter().flatten().sum();
        Self { input: tokens.input_tokens.saturating_add(cached), output: tokens.output_tokens }
    }
}

/// Which block of the message a stream is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Index of the block that is open, if one is.
    pub open: Option<u32>,
    /// Blocks begun so far.
    pub blocks: u32,
    /// Tool calls begun so far.
    pub tools: u32,
}

/// Gives what one event's data says to `each`, and keeps `position` and
/// `identity` up to date.
pub fn read_event<'a>(
    data: &'a [u8],
    identity: &mut Option<Identity>,
    position: &mut Position,
    mut each: impl FnMut(Piece<'a>),
) -> Result<(), Wrong> {
    let event: Event<'a> = serde_json::from_slice(data).map_err(|_| Wrong::Malformed)?;
    match event.kind.0.as_ref() {
        "message_start" => {
            let start = event.message.ok_or(Wrong::Malformed)?;
            let text = |text: Option<Text<'a>>| text.map(|t| t.0.into_owned()).unwrap_or_default();
            let (id, model) = (text(start.id), text(start.model));
            identity.get_or_insert(Identity { id, model, created: 0 });
            if let Some(usage) = start.usage {
                each(Piece::Usage(usage.into()));
            }
        }
        "content_block_start" => {
            let block = event.content_block.ok_or(Wrong::Malformed)?;
            position.open = Some(event.index);
            position.blocks = position.blocks.max(event.index.saturating_add(1));
            if block.kind.0 == "tool_use" {
                let index = position.tools;
                position.tools += 1;
                let id = block.id.map(|id| id.0).unwrap_or_default();
                let name = block.name.map(|name| name.0).unwrap_or_default();
                each(Piece::Tool { index, id, name });
            } else if let Some(text) = said(block.text) {
                each(Piece::Text(text));
            }
        }
        "content_block_delta" => {
            let delta = event.delta.ok_or(Wrong::Malformed)?;
            if let Some(text) = said(delta.thinking) {
                each(Piece::Reasoning(text));
            }
            if let Some(text) = said(delta.text) {
                each(Piece::Text(text));
            }
            if let Some(json) = said(delta.partial_json) {
                each(Piece::Arguments { index: position.tools.saturating_sub(1), json });
            }
        }
        "content_block_stop" => position.open = None,
        "message_delta" => {
            if let Some(usage) = event.usage {
                each(Piece::Usage(usage.into()));
            }
            if let Some(word) = event.delta.and_then(|delta| said(delta.stop_reason)) {
                each(Piece::Finish(Finish::from_anthropic(&word)));
            }
        }
        "message_stop" => each(Piece::Done),
        "error" => return Err(wrong(&event.error.unwrap_or_default())),
        // `ping`, and events yet to be invented.
        _ => {}
    }
    Ok(())
}

fn said(text: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    text.map(|text| text.0).filter(|text| !text.is_empty())
}

/// What is needed of a whole answer to know that it is one.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    content: Option<Vec<serde::de::IgnoredAny>>,
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
    answer.content.ok_or(Wrong::Malformed)?;
    Ok(answer.usage.map(Usage::from).unwrap_or_default())
}
