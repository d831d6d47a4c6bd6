//! What clients ask through: paths, and the form in which a no is told.

use std::time::Duration;

use gateway_client::Dialect;
use serde_json::{Value, json};

/// One of the ways to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// OpenAI's `/v1/chat/completions`.
    Chat,
    /// OpenAI's `/v1/completions`, which editors use to fill in the middle.
    Completions,
    /// OpenAI's `/v1/embeddings`.
    Embeddings,
    /// Anthropic's `/v1/messages`.
    Messages,
}

impl Face {
    /// The face at `path`, with or without `/v1` before it.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path.strip_prefix("/v1").unwrap_or(path) {
            "/chat/completions" => Some(Self::Chat),
            "/completions" => Some(Self::Completions),
            "/embeddings" => Some(Self::Embeddings),
            "/messages" => Some(Self::Messages),
            _ => None,
        }
    }

    /// Where the same is asked below an endpoint's base address.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
            Self::Messages => "/messages",
        }
    }

    /// The dialect its clients speak.
    pub(crate) const fn dialect(self) -> Dialect {
        match self {
            Self::Messages => Dialect::Anthropic,
            _ => Dialect::OpenAi,
        }
    }

    /// The word in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Messages => "messages",
        }
    }
}

/// Why a request is not answered, for its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    /// A word for programs: OpenAI's `code`.
    pub(crate) code: &'static str,
    /// For people. Names no key, no address and no other user.
    pub(crate) message: String,
    /// When to ask again.
    pub(crate) retry_after: Option<Duration>,
}

impl Refused {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// The client sent something that cannot be served.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", message)
    }

    /// The error object in the dialect of the client.
    pub(crate) fn body(&self, dialect: Dialect) -> Value {
        match dialect {
            Dialect::Anthropic => json!({
                "type": "error",
                "error": { "type": self.anthropic_type(), "message": self.message },
            }),
            _ => json!({
                "error": {
                    "message": self.message,
                    "type": self.openai_type(),
                    "param": null,
                    "code": self.code,
                },
            }),
        }
    }

    /// The error as an event in a stream that has begun. No mark of an end
    /// follows it: the answer is not whole.
    pub(crate) fn event(&self, dialect: Dialect) -> String {
        let body = self.body(dialect);
        match dialect {
            Dialect::Anthropic => format!("event: error\ndata: {body}\n\n"),
            _ => format!("data: {body}\n\n"),
        }
    }

    /// Source: OpenAI API reference, "Error codes".
    const fn openai_type(&self) -> &'static str {
        match self.status {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            400..500 => "invalid_request_error",
            _ => "server_error",
        }
    }

    /// Source: Anthropic API reference, "Errors".
    const fn anthropic_type(&self) -> &'static str {
        match self.status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            400..500 => "invalid_request_error",
            503 | 529 => "overloaded_error",
            _ => "api_error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_face() {
        let cases = [
            ("/v1/chat/completions", Some(Face::Chat)),
            ("/chat/completions", Some(Face::Chat)),
            ("/v1/completions", Some(Face::Completions)),
            ("/v1/embeddings", Some(Face::Embeddings)),
            ("/v1/messages", Some(Face::Messages)),
            ("/v1/messages/count_tokens", None),
            ("/v1", None),
        ];
        for (path, expected) in cases {
            assert_eq!(Face::at(path), expected, "{path}");
        }
    }

    #[test]
    fn an_error_is_told_in_the_form_of_the_face() {
        let refused = Refused::new(429, "rate_limited", "wait");
        assert_eq!(refused.body(Dialect::OpenAi)["error"]["type"], "rate_limit_error");
        let anthropic = refused.body(Dialect::Anthropic);
        assert_eq!(
            (&anthropic["type"], &anthropic["error"]["type"]),
            (&json!("error"), &json!("rate_limit_error"))
        );
        assert!(refused.event(Dialect::Anthropic).starts_with("event: error\ndata: {"));
    }
}
