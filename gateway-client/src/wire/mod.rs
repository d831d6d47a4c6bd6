//! The two dialects on the wire, and what is common to them.
//!
//! [`openai`] and [`anthropic`] say what an event of a stream means as [`Piece`]s,
//! which borrow from it; [`translate`] writes whole requests and answers of one
//! dialect in the other. The gateway's server passes on the bytes themselves,
//! with this light parsing beside.

pub mod anthropic;
pub mod openai;
pub mod translate;

use std::borrow::Cow;

use serde::Deserialize;

/// What one event of a stream says, in the order it says it.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece<'a> {
    /// Text of the answer.
    Text(Cow<'a, str>),
    /// Text of the model's reasoning.
    Reasoning(Cow<'a, str>),
    /// A tool call begins; `index` counts tool calls from 0.
    Tool {
        /// Which of the answer's calls it is, from 0.
        index: u32,
        /// What its result refers to.
        id: Cow<'a, str>,
        /// The tool.
        name: Cow<'a, str>,
    },
    /// More of a tool call's arguments, as JSON text.
    Arguments {
        /// Which of the answer's calls they are of, from 0.
        index: u32,
        /// What to add to those that came before.
        json: Cow<'a, str>,
    },
    /// Why the answer ended.
    Finish(Finish),
    /// Tokens so far; fields not told are zero.
    Usage(Usage),
    /// The stream's own mark of its end.
    Done,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model was done, or met a stop sequence.
    Stop,
    /// The bound on tokens was reached.
    Length,
    /// It calls tools.
    ToolCalls,
    /// The provider withheld the rest.
    Filtered,
}

impl Finish {
    /// OpenAI's word; an unknown one counts as an ordinary stop.
    pub fn from_openai(word: &str) -> Self {
        match word {
            "length" => Self::Length,
            "tool_calls" | "function_call" => Self::ToolCalls,
            "content_filter" => Self::Filtered,
            _ => Self::Stop,
        }
    }

    /// Anthropic's word; an unknown one counts as an ordinary stop.
    pub fn from_anthropic(word: &str) -> Self {
        match word {
            "max_tokens" | "model_context_window_exceeded" => Self::Length,
            "tool_use" => Self::ToolCalls,
            "refusal" => Self::Filtered,
            _ => Self::Stop,
        }
    }

    /// OpenAI's word.
    pub const fn openai(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::Filtered => "content_filter",
        }
    }

    /// Anthropic's word.
    pub const fn anthropic(self) -> &'static str {
        match self {
            Self::Stop => "end_turn",
            Self::Length => "max_tokens",
            Self::ToolCalls => "tool_use",
            Self::Filtered => "refusal",
        }
    }
}

/// Tokens of one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt.
    pub input: u64,
    /// Of the answer.
    pub output: u64,
}

impl Usage {
    /// Takes over what `newer` tells: Anthropic tells the prompt's tokens at the
    /// start and the answer's at the end.
    pub fn update(&mut self, newer: Self) {
        self.input = self.input.max(newer.input);
        self.output = self.output.max(newer.output);
    }

    /// As the policy settles it. `None`: the endpoint told nothing.
    pub fn told(self) -> Option<crate::Usage> {
        let (input_tokens, output_tokens) = (self.input, self.output);
        let usage = crate::Usage { input_tokens, output_tokens, cached_input_tokens: None };
        (self != Self::default()).then_some(usage)
    }
}

/// Why an event cannot be passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// Not what the protocol promises: dropped, and counted.
    Malformed,
    /// The endpoint reports an error in place of the rest.
    Error {
        /// The status it would have been.
        code: Option<u16>,
        /// Its words; may be empty.
        message: String,
    },
}

/// Text that borrows from the event unless it holds escapes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);
