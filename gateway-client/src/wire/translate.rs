//! Requests and whole answers of one dialect, written in the other.
//!
//! What the other dialect has no word for is left out: `top_k`, `thinking`,
//! `cache_control` towards OpenAI; `seed`, `logprobs`, `response_format` towards
//! Anthropic. Source: both API references, "Create chat completion" and
//! "Create a message".

mod to_anthropic;
mod to_openai;

pub use to_anthropic::{answer as answer_to_anthropic, request as request_to_anthropic};
pub use to_openai::{answer as answer_to_openai, request as request_to_openai};

use serde_json::Value;

/// Why a request cannot be put in the other dialect, in words for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Untranslatable(pub String);

/// The text of a `content` that is a string or a list of parts.
fn plain_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// Copies members that have the same name and meaning in both dialects.
fn copy(from: &Value, to: &mut Value, names: &[&str]) {
    for name in names {
        if let Some(value) = from.get(name).filter(|value| !value.is_null()) {
            to[*name] = value.clone();
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
