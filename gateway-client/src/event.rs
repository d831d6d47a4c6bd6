//! What comes back from an endpoint while it answers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wire::Finish;

/// One step of an answer.
///
/// A whole answer is any number of `Delta`, `Reasoning` and `ToolCall`, then at
/// most one `Usage`, then one `Finish`, then the end of the stream. A stream
/// that ends without `Finish` ended with an error before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamEvent {
    /// The next piece of the answer's text; never empty.
    Delta(String),
    /// The next piece of what a reasoning model thinks aloud: not the answer.
    Reasoning(String),
    /// The next piece of a tool call.
    ToolCall(ToolCallDelta),
    /// What the request cost, if the endpoint says so.
    Usage(Usage),
    /// Why the answer ends.
    Finish(FinishReason),
}

/// A piece of a tool call: the first of an `index` carries id and name, the
/// others more of the arguments' JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCallDelta {
    /// Which of the answer's calls this belongs to, from 0.
    #[serde(default)]
    pub index: u32,
    /// The call's id, in its first piece.
    pub id: Option<String>,
    /// The tool's name, in its first piece.
    pub name: Option<String>,
    /// More of the arguments.
    pub arguments: String,
}

/// Tokens as the endpoint counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
    /// Tokens of the request that were served from the endpoint's prefix
    /// cache; `None`: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input_tokens: Option<u64>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model was done.
    Stop,
    /// The token bound or the context window was reached: the text is cut.
    Length,
    /// The model wants tools called.
    ToolCalls,
    /// The provider withheld the rest.
    ContentFilter,
    /// Another word than these, as the endpoint wrote it.
    Other(String),
}

impl FinishReason {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for FinishReason {
    fn from(word: &str) -> Self {
        match word {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "tool_calls" | "function_call" => Self::ToolCalls,
            "content_filter" => Self::ContentFilter,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl From<Finish> for FinishReason {
    fn from(finish: Finish) -> Self {
        Self::from(finish.openai())
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FinishReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FinishReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self::from(word.as_str()))
    }
}
