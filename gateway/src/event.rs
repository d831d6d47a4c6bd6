//! What an ask tells its caller, as it happens, and how it can fail.

use std::time::{Duration, SystemTime};

use gateway_client::{ClientError, FinishReason, ToolCallDelta, Usage};
use serde::Serialize;

use crate::config::Tier;
use crate::outcome::Attempt;

/// One step of an ask.
///
/// Attempts come before what they led to: failed ones, then one `ok`, then the
/// answer. After `Done` nothing follows. An ask without `Done` ends with an
/// [`AskError`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// An endpoint was tried, or passed over.
    Attempt(Attempt),
    /// Nobody can serve just now; the ask goes on by itself.
    Wait {
        /// Who will be asked next.
        endpoint: String,
        /// Which model.
        model: String,
        /// In how many milliseconds; for a loading model, which is asked again
        /// and again but told of once, until it is asked next.
        wait_ms: u64,
        /// What is being waited for.
        reason: WaitReason,
    },
    /// The next piece of the answer's text.
    Delta {
        /// Never empty.
        text: String,
    },
    /// The next piece of what a reasoning model thinks aloud: not the answer,
    /// and possibly of an attempt that fails yet.
    Reasoning {
        /// Never empty.
        text: String,
    },
    /// The next piece of a tool call.
    ToolCall(ToolCallDelta),
    /// What the answer cost. Absent if the endpoint does not say.
    Usage(Usage),
    /// The answer is whole.
    Done {
        /// Why it ended; `length` means the text is cut.
        finish_reason: FinishReason,
        /// Who served it.
        endpoint: String,
        /// Which model.
        model: String,
        /// Of which tier: not always the one asked for.
        tier: Tier,
    },
}

/// What an ask waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitReason {
    /// The end of a rate limit.
    RateLimited,
    /// A model to be loaded.
    Loading,
    /// A failing server to recover.
    ServerError,
    /// Requests that are under way to end.
    Busy,
}

/// Why an ask got no answer, or not all of it. Each but the last lists every
/// attempt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// Everybody was tried; nobody could serve within the deadline.
    #[error("{}", no_model(*wait, attempts))]
    NoModel {
        /// When asking again makes sense; `None`: nothing will change by itself.
        wait_until: Option<SystemTime>,
        /// The same, as the time from now.
        wait: Option<Duration>,
        /// What was tried.
        attempts: Vec<Attempt>,
    },
    /// An endpoint refused the key, and nobody else could serve.
    #[error("get an answer: endpoint `{endpoint}` refuses the credentials")]
    CredentialsRefused {
        /// The first that did.
        endpoint: String,
        /// What was tried.
        attempts: Vec<Attempt>,
    },
    /// Only endpoints off this machine are left, and nobody said yes to them.
    #[error("get an answer: no consent to send anything to {}", quoted(origins))]
    ConsentNeeded {
        /// Names of the endpoints that were passed over.
        endpoints: Vec<String>,
        /// Their scheme, host and port, as [`Consent::origins`] takes them.
        ///
        /// [`Consent::origins`]: crate::Consent::origins
        origins: Vec<String>,
        /// What was tried.
        attempts: Vec<Attempt>,
    },
    /// The request is longer than any model's context window.
    #[error("get an answer: the request is too long for the context window of `{model}`")]
    ContextTooLong {
        /// The endpoint that said so last.
        endpoint: String,
        /// Its model.
        model: String,
        /// What was tried.
        attempts: Vec<Attempt>,
    },
    /// The answer broke off after its beginning.
    #[error("read the whole answer of `{model}` from endpoint `{endpoint}`")]
    StreamBroken {
        /// Who broke off.
        endpoint: String,
        /// Which model.
        model: String,
        /// The text that had arrived; all of it was passed on as `Delta`s.
        partial: String,
        /// What happened.
        #[source]
        source: ClientError,
    },
}

impl AskError {
    /// What was tried, in order; empty for [`AskError::StreamBroken`], whose
    /// attempts were all passed on as events.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::NoModel { attempts, .. }
            | Self::CredentialsRefused { attempts, .. }
            | Self::ConsentNeeded { attempts, .. }
            | Self::ContextTooLong { attempts, .. } => attempts,
            Self::StreamBroken { .. } => &[],
        }
    }
}

fn no_model(wait: Option<Duration>, attempts: &[Attempt]) -> String {
    match (wait, attempts) {
        (_, []) => "get an answer: no endpoint is configured, and no local engine was found".into(),
        (None, _) => "get an answer: no model could serve".into(),
        (Some(wait), _) => {
            let seconds = wait.as_millis().div_ceil(1_000);
            format!("get an answer in time: no model can serve for another {seconds} s")
        }
    }
}

fn quoted(origins: &[String]) -> String {
    origins.iter().map(|origin| format!("`{origin}`")).collect::<Vec<_>>().join(", ")
}
