//! Who could answer a question. Only this machine is contacted, unless there was a yes.

use std::time::Duration;

use futures::future::join_all;
use gateway::config::Proxies;
use gateway::discover::DISCOVERY_DEADLINE;
use gateway::table::with_way;
use gateway::{Consent, EndpointConfig, EngineState, GatewayConfig, discover};
use gateway_client::{
    ClientError, Endpoint, HttpOptions, HttpTransport, ModelList, Secret, Transport,
};

use super::Check;
use crate::consent;
use crate::exit::Failure;
use crate::session::Session;
use crate::verbs::{ask, model};

/// How long an endpoint elsewhere may take to say what it serves.
const REMOTE_DEADLINE: Duration = Duration::from_secs(5);

/// Address that a key without an address belongs to.
const OPENAI_URL: &str = "https://api.openai.com/v1";

/// Endpoints of the settings and the environment, then engines found on this machine.
pub(super) fn check(session: &Session) -> Vec<Check> {
    let runtime = match ask::runtime() {
        Ok(runtime) => runtime,
        Err(failure) => return vec![Check::warning("model", failure.message())],
    };
    runtime
        .block_on(gather(session))
        .unwrap_or_else(|failure: Failure| vec![Check::broken("model", failure.message())])
}

async fn gather(session: &Session) -> Result<Vec<Check>, Failure> {
    let options = HttpOptions { connect_timeout: REMOTE_DEADLINE };
    let transport = HttpTransport::new(options);
    let consent = Consent {
        allow_remote: session.config.allow_remote.value,
        origins: consent::recorded(&session.config.folders).into_iter().collect(),
    };
    let mut config = session.config.gateway.value.clone();
    config.endpoints.extend(environment());
    config.server.proxies = Proxies::of(|name| std::env::var(name).ok());
    let asked =
        config.endpoints.iter().map(|entry| ask_one(&transport, &consent, (&config, entry)));
    let mut checks: Vec<Check> = join_all(asked).await;
    for engine in discover(&transport, &model::places()?, DISCOVERY_DEADLINE).await {
        let (kind, url) = (engine.kind.as_str(), &engine.url);
        checks.push(match (engine.state, engine.models.as_slice()) {
            (EngineState::Loading, _) => {
                Check::ok("model", format!("{kind} at {url} is loading its model"))
            }
            (EngineState::Ready, []) => {
                Check::warning("model", format!("{kind} at {url} has no model installed"))
            }
            (EngineState::Ready, models) => {
                Check::ok("model", format!("{kind} at {url} serves {}", listed(models)))
            }
        });
    }
    if checks.is_empty() {
        checks.push(Check::missing("model", "no endpoint is configured and no local engine answers").hint(
            "only `silk ask` needs one: run llama.cpp's server or Ollama, or set OPENAI_BASE_URL, or add [[gateway.endpoints]] to silk.toml",
        ));
    }
    Ok(checks)
}

/// The endpoint that `OPENAI_BASE_URL` and `OPENAI_API_KEY` make.
fn environment() -> Option<EndpointConfig> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let (url, key) = (variable("OPENAI_BASE_URL"), variable("OPENAI_API_KEY"));
    if url.is_none() && key.is_none() {
        return None;
    }
    Some(EndpointConfig {
        name: "openai".to_owned(),
        url: url.unwrap_or_else(|| OPENAI_URL.to_owned()),
        api_key: key.map(Secret::new),
        ..EndpointConfig::default()
    })
}

async fn ask_one(
    transport: &HttpTransport,
    consent: &Consent,
    (around, config): (&GatewayConfig, &EndpointConfig),
) -> Check {
    let key = match (&config.api_key, &config.api_key_env) {
        (None, Some(name)) => std::env::var(name).ok().map(Secret::new),
        (key, _) => key.clone(),
    };
    let key_state = match (&key, &config.api_key_env) {
        (Some(_), _) => "key set".to_owned(),
        (None, Some(name)) => format!("{name} is not set"),
        (None, None) => "no key".to_owned(),
    };
    let endpoint = match Endpoint::parse(&config.name, &config.url, key) {
        Ok(endpoint) => endpoint,
        Err(error) => return Check::broken("model", format!("failed to {error}")),
    };
    let name = format!("endpoint `{}` at {}", config.name, endpoint.origin());
    if !consent.permits(&endpoint) {
        let detail = format!("{name}: not contacted, it needs a yes ({key_state})");
        return Check::warning("model", detail).hint(
            "`silk ask` asks once; or --allow-remote, or allow_remote = true under [gateway]",
        );
    }
    let endpoint = match with_way(around, config, endpoint) {
        Ok(endpoint) => endpoint,
        Err(error) => return Check::broken("model", format!("failed to {error}")),
    };
    let deadline = if endpoint.is_local() { DISCOVERY_DEADLINE } else { REMOTE_DEADLINE };
    let answer = transport.fetch_models(&endpoint, deadline).await;
    answered(&name, &key_state, answer)
}

fn answered(name: &str, key_state: &str, answer: Result<ModelList, ClientError>) -> Check {
    match answer {
        Ok(list) => {
            let models: Vec<String> = list.models.into_iter().map(|model| model.id).collect();
            Check::ok("model", format!("{name} serves {} ({key_state})", listed(&models)))
        }
        Err(ClientError::Loading { .. }) => {
            Check::ok("model", format!("{name} is loading its model"))
        }
        Err(error) => {
            let mut detail = format!("{name}: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(next) = cause {
                detail.push_str(&format!(": {next}"));
                cause = next.source();
            }
            Check::warning("model", format!("{detail} ({key_state})"))
                .hint("`silk ask` goes on to the next endpoint, if there is one")
        }
    }
}

/// The first few names, and how many more there are.
fn listed(models: &[String]) -> String {
    const SHOWN: usize = 3;
    match models {
        [] => "no model that it names".to_owned(),
        models if models.len() <= SHOWN => models.join(", "),
        models => format!("{} and {} more", models[..SHOWN].join(", "), models.len() - SHOWN),
    }
}
