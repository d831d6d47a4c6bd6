//! What is kept of a request once it is over: who, what, how long. Never what
//! was said.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::keys::User;
use crate::request::Request;
use crate::wire::Usage;
use gateway::table::Deployment;

/// How an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The client has all of it.
    Whole,
    /// The client was told no.
    Refused,
    /// It broke off, and the client was told so.
    Broken,
    /// The client went away.
    #[default]
    ClientGone,
}

/// One line of the access log.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Access {
    /// When the request was over, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// Whose key it came with.
    pub user: String,
    /// `chat`, `completions`, `embeddings` or `messages`.
    pub face: &'static str,
    /// What the client called the model.
    pub model: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The HTTP status.
    pub status: u16,
    /// How it ended.
    pub end: End,
    /// The deployment that answered last; `None`: none did.
    pub served_by: Option<String>,
    /// Requests sent to endpoints.
    pub attempts: u32,
    /// Broken events that were left out of a stream.
    pub dropped_events: u32,
    /// From the request to the start of the answer.
    pub first_ms: Option<u64>,
    /// From the request to the end.
    pub took_ms: u64,
    /// As the endpoint counted; 0: not told.
    pub input_tokens: u64,
    /// As the endpoint counted; 0: not told.
    pub output_tokens: u64,
    /// In US dollars, where prices are known.
    pub spent_usd: f64,
}

impl Access {
    pub(crate) fn new(request: &Request, user: &User) -> Self {
        let known = |c: char| !c.is_control();
        Self {
            user: user.name.clone(),
            face: request.face.as_str(),
            model: request.model_name().chars().filter(|c| known(*c)).take(80).collect(),
            stream: request.stream,
            status: 200,
            ..Self::default()
        }
    }

    pub(crate) fn refuse(&mut self, status: u16) {
        self.status = status;
        self.end = End::Refused;
    }

    pub(crate) fn served(&mut self, deployment: &Deployment, took: Duration) {
        self.served_by = Some(deployment.name().to_owned());
        self.first_ms.get_or_insert(as_ms(took));
    }

    pub(crate) fn settle(&mut self, usage: Usage, spent_usd: f64) {
        self.input_tokens += usage.input;
        self.output_tokens += usage.output;
        self.spent_usd += spent_usd;
    }

    pub(crate) fn close(&mut self, took: Duration) {
        self.took_ms = as_ms(took);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.at_unix_ms = now.map_or(0, as_ms);
    }
}

fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
