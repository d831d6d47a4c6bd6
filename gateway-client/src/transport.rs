//! The seam between deciding whom to ask and asking.
//!
//! `gateway` knows only [`Transport`], so its rules are tested without a
//! socket, and a transport of another kind (a remote gateway, a recording)
//! slots in.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::chat::ChatRequest;
use crate::endpoint::Endpoint;
use crate::error::ClientError;
use crate::event::StreamEvent;
use crate::limits::Observed;

/// An answer as it arrives. Ends after [`StreamEvent::Finish`] or the first
/// error. Dropping it ends the request.
pub type EventStream = BoxStream<'static, Result<StreamEvent, ClientError>>;

/// Bounds of one request. The bound on connecting is the transport's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// From sending the request to the first event of the answer. The engine
    /// reads the whole prompt in this time, so local engines need minutes.
    pub first_event: Duration,
    /// Between two events of an answer that has begun.
    pub idle: Duration,
}

/// One entry of an endpoint's model list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelEntry {
    /// The name to ask for.
    pub id: String,
    /// Who the endpoint says owns it; `llamacpp` or `library` (Ollama) tell
    /// engines apart.
    pub owned_by: Option<String>,
    /// The context window in tokens, prompt and answer together, where the
    /// endpoint says (llama.cpp, vLLM, OpenRouter).
    pub context_tokens: Option<u64>,
}

/// What an endpoint says it serves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelList {
    /// In the endpoint's order; empty: an engine with no model installed.
    pub models: Vec<ModelEntry>,
    /// The `Server` header, if there was one.
    pub server: Option<String>,
}

/// An answer that has begun.
pub struct Answered {
    /// What comes of it.
    pub events: EventStream,
    /// What the endpoint said of its limits.
    pub observed: Observed,
}

/// An attempt that came to nothing.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: ClientError,
    /// What the endpoint said of its limits.
    pub observed: Observed,
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self { error, observed: Observed::none() }
    }
}

/// Carries requests to endpoints.
///
/// The futures own what they need, so that dropping one, at any time, ends its
/// request.
pub trait Transport: Send + Sync {
    /// Posts `request` to `endpoint`; resolves once the answer has begun or it
    /// is known that it will not.
    fn chat(
        &self,
        endpoint: &Endpoint,
        request: &ChatRequest,
        deadlines: Deadlines,
    ) -> BoxFuture<'static, Result<Answered, Failed>>;

    /// Asks `endpoint` what it serves, within `deadline`. A body that is not a
    /// model list is [`ClientError::BadEvent`]: whatever listens there is not
    /// an LLM engine.
    fn fetch_models(
        &self,
        endpoint: &Endpoint,
        deadline: Duration,
    ) -> BoxFuture<'static, Result<ModelList, ClientError>>;
}
