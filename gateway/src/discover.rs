//! Finds LLM engines that already run on this machine.
//!
//! Only loopback is touched: the addresses are made here, from a port. What
//! listens on a port is an engine only if it lists models as one does; many
//! things listen on 8080.

use std::time::Duration;

use futures::future::join_all;
use gateway_client::{ClientError, Endpoint, ModelList, Transport};
use serde::Serialize;

use crate::config::{EndpointConfig, GatewayConfig, Models};

/// Enough for an engine that is busy; nobody notices it at a start.
pub const DISCOVERY_DEADLINE: Duration = Duration::from_millis(400);

/// A port where an engine is looked for, on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What listens there by default.
    pub kind: EngineKind,
    /// The port.
    pub port: u16,
}

impl Place {
    /// Where engines listen unless told otherwise: llama.cpp's server on 8080,
    /// Ollama on 11434.
    pub const DEFAULTS: [Self; 2] = [
        Self { kind: EngineKind::LlamaCpp, port: 8080 },
        Self { kind: EngineKind::Ollama, port: 11434 },
    ];
}

/// Which engine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EngineKind {
    /// llama.cpp's server.
    LlamaCpp,
    /// Ollama.
    Ollama,
    /// Another that speaks the protocol.
    OpenAiCompatible,
}

impl EngineKind {
    /// Its name, for people and for endpoints.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LlamaCpp => "llama.cpp",
            Self::Ollama => "ollama",
            Self::OpenAiCompatible => "local",
        }
    }
}

/// Whether an engine can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineState {
    /// It lists models.
    Ready,
    /// It says that it is still loading its model.
    Loading,
}

/// An engine that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Engine {
    /// Which one.
    pub kind: EngineKind,
    /// Its base address: `http://127.0.0.1:8080/v1`.
    pub url: String,
    /// Whether it can serve.
    pub state: EngineState,
    /// What it serves; empty while loading, or if no model is installed.
    pub models: Vec<String>,
    /// The context window of the first model, in tokens, if it says.
    pub context_tokens: Option<u64>,
}

impl Engine {
    /// The engine as an endpoint, or `None` if it has no model installed.
    ///
    /// While it loads, its model's name is not known yet; llama.cpp serves the
    /// one it has under any name, so `default` is asked for.
    pub fn to_endpoint(&self) -> Option<EndpointConfig> {
        let models = match self.state {
            EngineState::Loading => Models::from("default"),
            EngineState::Ready => Models::Any(self.models.clone()),
        };
        let name = self.kind.as_str().to_owned();
        let provider = Some("this machine".to_owned());
        let endpoint =
            EndpointConfig { name, url: self.url.clone(), provider, models, ..Default::default() };
        (!endpoint.models.is_empty()).then_some(endpoint)
    }
}

/// Looks in all `places` at once, at most `deadline` long; found engines come
/// in the order of their places. Nothing found is an empty list, not an error.
pub async fn discover(
    transport: &dyn Transport,
    places: &[Place],
    deadline: Duration,
) -> Vec<Engine> {
    let looks = places.iter().map(|place| look(transport, *place, deadline));
    join_all(looks).await.into_iter().flatten().collect()
}

/// Fills in the models of endpoints on this machine that name none, from what
/// they list themselves. The others are left alone: what a remote endpoint
/// lists first need not be what anybody wants.
///
/// Gives back who could not be asked, and why.
pub async fn fetch_missing_models(
    config: &mut GatewayConfig,
    transport: &dyn Transport,
    deadline: Duration,
) -> Vec<(String, ClientError)> {
    let mut failures = Vec::new();
    for entry in config.endpoints.iter_mut().filter(|entry| entry.models.is_empty()) {
        // An address that cannot be parsed is told when the gateway is made.
        let Ok(endpoint) = Endpoint::parse(&entry.name, &entry.url, entry.api_key.clone()) else {
            continue;
        };
        let endpoint = endpoint.with_dialect(entry.protocol.dialect());
        if !endpoint.is_local() {
            continue;
        }
        match transport.fetch_models(&endpoint, deadline).await {
            Ok(list) => entry.models = Models::Any(ids(list)),
            Err(ClientError::Loading { .. }) => entry.models = Models::from("default"),
            Err(error) => failures.push((entry.name.clone(), error)),
        }
    }
    failures
}

async fn look(transport: &dyn Transport, place: Place, deadline: Duration) -> Option<Engine> {
    let url = format!("http://127.0.0.1:{}", place.port);
    let endpoint = Endpoint::parse(place.kind.as_str(), &url, None).ok()?;
    let url = endpoint.base().to_owned();
    match transport.fetch_models(&endpoint, deadline).await {
        Ok(list) => {
            let kind = recognise(&list, place.kind);
            let context_tokens = list.models.first().and_then(|model| model.context_tokens);
            let models = ids(list);
            Some(Engine { kind, url, state: EngineState::Ready, models, context_tokens })
        }
        Err(ClientError::Loading { .. }) => {
            let kind = EngineKind::LlamaCpp;
            let (state, models) = (EngineState::Loading, Vec::new());
            Some(Engine { kind, url, state, models, context_tokens: None })
        }
        Err(_) => None,
    }
}

/// By what the engine says of itself; by its port only if it lists no model to
/// tell by.
fn recognise(list: &ModelList, expected: EngineKind) -> EngineKind {
    let owned_by = |owner: &str| list.models.iter().any(|m| m.owned_by.as_deref() == Some(owner));
    if owned_by("llamacpp") || list.server.as_deref() == Some("llama.cpp") {
        EngineKind::LlamaCpp
    } else if owned_by("library") {
        EngineKind::Ollama
    } else if list.models.is_empty() {
        expected
    } else {
        EngineKind::OpenAiCompatible
    }
}

fn ids(list: ModelList) -> Vec<String> {
    list.models.into_iter().map(|model| model.id).collect()
}
