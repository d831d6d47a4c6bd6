//! What can go wrong with one request, told apart as far as routing needs it.

use std::fmt;
use std::time::Duration;

/// The cause below a [`ClientError`], with addresses taken out.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Which bound was overrun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadlineKind {
    /// No connection came about.
    Connect,
    /// Connected, but the answer did not begin.
    FirstEvent,
    /// The answer began, then nothing more came.
    Idle,
}

impl fmt::Display for DeadlineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::FirstEvent => "no answer",
            Self::Idle => "nothing more",
        })
    }
}

/// Why an endpoint gave no answer, or not all of it.
///
/// Text from a response is bounded (500 characters) and has the endpoint's key
/// and anything shaped like a key masked. Addresses and keys never appear.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nothing listens there, the name is unknown, TLS was refused, …
    #[error("connect to {host}")]
    Connect {
        /// Host and port.
        host: String,
        /// What the network said.
        #[source]
        source: Cause,
    },
    /// A deadline passed.
    #[error("get an answer from {host}: {kind} within {} ms", after.as_millis())]
    Timeout {
        /// Host and port.
        host: String,
        /// Which one.
        kind: DeadlineKind,
        /// Its length.
        after: Duration,
    },
    /// An HTTP status that says no, other than those below.
    #[error("get an answer from {host}: HTTP {code}{}", colon(message))]
    Status {
        /// Host and port.
        host: String,
        /// The status.
        code: u16,
        /// How long the endpoint asks to be left alone.
        retry_after: Option<Duration>,
        /// What it gives as the reason; may be empty.
        message: String,
    },
    /// HTTP 503 "Loading model": the engine is up, its model not yet.
    #[error("get an answer from {host}: it is still loading its model")]
    Loading {
        /// Host and port.
        host: String,
        /// How long the endpoint asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// HTTP 401 or 403.
    #[error("get an answer from {host}: credentials refused (HTTP {code}{})", colon(message))]
    Unauthorized {
        /// Host and port.
        host: String,
        /// The status.
        code: u16,
        /// What it gives as the reason; may be empty.
        message: String,
    },
    /// The request does not fit the model's context window, and it said so.
    #[error("get an answer from {host}: the request is too long for the model{}", colon(message))]
    ContextTooLong {
        /// Host and port.
        host: String,
        /// The endpoint's words.
        message: String,
    },
    /// The key cannot stand in an HTTP header, so nothing was sent.
    #[error("send the key of endpoint `{endpoint}`: it holds characters that no HTTP header may")]
    UnsendableKey {
        /// The endpoint's name.
        endpoint: String,
    },
    /// The connection ended, or the endpoint reported an error, before the
    /// answer had a finish reason.
    #[error("read the whole answer from {host}: it broke off{}", colon(message))]
    BrokenStream {
        /// Host and port.
        host: String,
        /// What the endpoint said in the stream; empty: nothing.
        message: String,
        /// What the network said; `None`: a clean close in mid-answer.
        #[source]
        source: Option<Cause>,
    },
    /// An event or body that is not what the protocol promises.
    #[error("understand {host}: {what}, starting `{excerpt}`")]
    BadEvent {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        what: String,
        /// Its first 80 characters.
        excerpt: String,
    },
    /// The HTTP client could not be set up; nothing was sent.
    #[error("set up the HTTP client")]
    Setup {
        /// Why.
        #[source]
        source: Cause,
    },
}

fn colon(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
