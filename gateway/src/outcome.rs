//! How one attempt went, in the words of events, and what a client's error
//! means in them.

use std::error::Error;
use std::time::Duration;

use gateway_client::{ClientError, DeadlineKind};
use serde::{Deserialize, Serialize};

/// One try of one model at one endpoint, or why it was not tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The endpoint's name.
    pub endpoint: String,
    /// The model asked for.
    pub model: String,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long the gateway held the request back before this attempt, in
    /// milliseconds: for a rate limit, a loading model, or between retries.
    pub wait_ms: u64,
    /// From sending the request to knowing the outcome, in milliseconds; for
    /// `ok`, to the first piece of the answer.
    pub took_ms: u64,
    /// What went wrong in words, for people; keys and addresses are masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The answer began.
    Ok,
    /// HTTP 429.
    RateLimited {
        /// What the endpoint asked for; `None`: it did not say.
        retry_after_ms: Option<u64>,
    },
    /// HTTP 5xx, 408, or the connection lost before the answer began (then
    /// `status` is `None`).
    ServerError {
        /// The status.
        status: Option<u16>,
        /// What the endpoint asked for; `None`: it did not say.
        retry_after_ms: Option<u64>,
    },
    /// No connection.
    ConnectError,
    /// A deadline passed before the answer began.
    Timeout {
        /// True if not even a connection stood by then.
        connecting: bool,
    },
    /// The engine is up, its model still loading. Told once per ask.
    Loading {
        /// What the endpoint asked for; `None`: it did not say.
        retry_after_ms: Option<u64>,
    },
    /// HTTP 401 or 403, or a key that cannot be sent.
    Unauthorized,
    /// The request does not fit this model's context window.
    ContextTooLong,
    /// Any other HTTP status that says no: asking again will not help.
    Rejected {
        /// The status.
        status: u16,
    },
    /// What came back is not the protocol: wrong JSON, a web page.
    BadResponse,
    /// The HTTP client could not be set up for it (no certificates, …).
    Unusable,
    /// Not tried: a wait that the endpoint asked for earlier is not over.
    SkippedCooldown {
        /// How much of it is left, in milliseconds.
        left_ms: u64,
    },
    /// Not tried: the endpoint is not on this machine, and nobody said yes.
    NoConsent,
}

impl Outcome {
    /// True if the request may have reached the endpoint, so that its limits
    /// may have counted it.
    pub const fn was_sent(&self) -> bool {
        !matches!(
            self,
            Self::ConnectError
                | Self::Timeout { connecting: true }
                | Self::Unusable
                | Self::NoConsent
                | Self::SkippedCooldown { .. }
        )
    }

    /// What an error before the first piece of an answer means.
    pub fn from_error(error: &ClientError) -> Self {
        match error {
            ClientError::Connect { .. } => Self::ConnectError,
            ClientError::Timeout { kind, .. } => {
                Self::Timeout { connecting: *kind == DeadlineKind::Connect }
            }
            ClientError::Status { code, retry_after, .. } => of_status(*code, *retry_after),
            ClientError::Loading { retry_after, .. } => {
                Self::Loading { retry_after_ms: retry_after.map(as_ms) }
            }
            ClientError::Unauthorized { .. } | ClientError::UnsendableKey { .. } => {
                Self::Unauthorized
            }
            ClientError::ContextTooLong { .. } => Self::ContextTooLong,
            ClientError::BrokenStream { .. } => {
                Self::ServerError { status: None, retry_after_ms: None }
            }
            ClientError::Setup { .. } => Self::Unusable,
            // `BadEvent`, and whatever the client learns to tell apart later.
            _ => Self::BadResponse,
        }
    }
}

fn of_status(code: u16, retry_after: Option<Duration>) -> Outcome {
    let retry_after_ms = retry_after.map(as_ms);
    match code {
        429 => Outcome::RateLimited { retry_after_ms },
        408 | 500.. => Outcome::ServerError { status: Some(code), retry_after_ms },
        _ => Outcome::Rejected { status: code },
    }
}

/// Whole milliseconds, rounded up: a wait must not end early.
pub fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// `error` and its causes on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}
