//! Who may answer: endpoints of `silk.toml`, of the environment, and engines on this machine.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gateway::config::Proxies;
use gateway::discover::DISCOVERY_DEADLINE;
use gateway::table::with_way;
use gateway::{
    Ask, ConfigError, Consent, Cooldown, EndpointConfig, EngineKind, Gateway, GatewayConfig,
    ModelRef, Models, Place, Task, discover, fetch_missing_models,
};
use gateway_client::{Endpoint, HttpOptions, HttpTransport, Message, Prompt, Secret, Transport};

use crate::args::ModelArgs;
use crate::config::Folders;
use crate::consent;
use crate::exit::{Exit, Failure};
use crate::session::Session;

/// Where to look for engines, as `llama.cpp:8080,ollama:11434`; empty looks nowhere.
const PLACES_VARIABLE: &str = "SILK_LOCAL_ENGINES";

/// File in the cache folder: endpoints that asked to be left alone, and until when.
const COOLDOWNS: &str = "cooldowns.json";

/// Address that a key without an address belongs to.
const OPENAI_URL: &str = "https://api.openai.com/v1";

/// Upper bound of an answer, in tokens: room for a cause, its evidence and a fix.
const ANSWER_TOKENS: u32 = 700;

/// Low, since an answer is to be checked, not enjoyed.
const TEMPERATURE: f32 = 0.2;

/// What a question needs to be answered.
pub(crate) struct Gathered {
    pub(crate) gateway: Gateway,
    /// Things to tell the user, such as an endpoint that did not answer.
    pub(crate) notes: Vec<String>,
}

/// Gathers every endpoint. `look` also asks engines on this machine what they serve; without it
/// nothing at all is contacted.
pub(crate) async fn gather(
    session: &Session,
    args: &ModelArgs,
    look: bool,
) -> Result<Gathered, Failure> {
    let mut config = session.config.gateway.value.clone();
    let mut notes = Vec::new();
    let transport: Arc<dyn Transport> =
        Arc::new(HttpTransport::new(HttpOptions { connect_timeout: config.timeouts.connect() }));
    resolve_keys(&mut config, &mut notes);
    config.endpoints.extend(environment_endpoint(args)?);
    config.server.proxies = Proxies::of(|name| std::env::var(name).ok());
    drop_unreachable(&mut config, &mut notes);
    if look {
        for (name, error) in
            fetch_missing_models(&mut config, transport.as_ref(), DISCOVERY_DEADLINE).await
        {
            notes.push(format!("endpoint `{name}` does not say what it serves: {error}"));
        }
        add_local_engines(&mut config, transport.as_ref()).await?;
    }
    drop_modelless(&mut config, args, &mut notes);
    let consent = Consent {
        allow_remote: args.allow_remote || session.config.allow_remote.value,
        origins: consent::recorded(&session.config.folders).into_iter().collect::<BTreeSet<_>>(),
    };
    // Only the layered setting counts, not what one of the files said on the way.
    config.allow_remote = false;
    let gateway = Gateway::new(config, consent, transport).map_err(|error| {
        Failure::new(Exit::Usage, "the gateway's settings make no sense")
            .caused_by(&error)
            .hint("`silk config` shows where they come from")
    })?;
    gateway.restore_cooldowns(&load_cooldowns(&session.config.folders));
    Ok(Gathered { gateway, notes })
}

/// Keeps what endpoints said about being left alone, for the next run.
///
/// A cache that cannot be written costs the next run one request, so nothing is said.
pub(crate) fn save_cooldowns(folders: &Folders, gateway: &Gateway) {
    let path = folders.cache.join(COOLDOWNS);
    let cooldowns = gateway.cooldowns();
    if cooldowns.is_empty() && !path.exists() {
        return;
    }
    let Ok(text) = serde_json::to_vec(&cooldowns) else { return };
    let _ = std::fs::create_dir_all(&folders.cache).and_then(|()| std::fs::write(&path, text));
}

/// What an earlier run kept; nothing if the file is missing or damaged.
fn load_cooldowns(folders: &Folders) -> Vec<Cooldown> {
    let text = std::fs::read(folders.cache.join(COOLDOWNS)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The question as it will be asked.
pub(crate) fn ask_of(prompt: &assist::Prompt, args: &ModelArgs) -> Ask {
    let messages = vec![Message::system(&prompt.system), Message::user(&prompt.user)];
    let prompt = Prompt {
        max_tokens: Some(ANSWER_TOKENS),
        temperature: Some(TEMPERATURE),
        ..Prompt::new(messages)
    };
    Ask {
        model: args.model.as_deref().map(ModelRef::from),
        deadline: Some(Duration::from_secs(args.deadline)),
        ..Ask::new(Task::Debug, prompt)
    }
}

/// Fills in keys whose variable an endpoint names.
fn resolve_keys(config: &mut GatewayConfig, notes: &mut Vec<String>) {
    for endpoint in &mut config.endpoints {
        let Some(name) = &endpoint.api_key_env else { continue };
        match std::env::var(name) {
            Ok(key) => endpoint.api_key = Some(Secret::new(key)),
            Err(_) => notes.push(format!("endpoint `{}`: {name} is not set", endpoint.name)),
        }
    }
}

/// A proxy of the environment that cannot be used costs only the endpoints it would lead to.
fn drop_unreachable(config: &mut GatewayConfig, notes: &mut Vec<String>) {
    let around = config.clone();
    config.endpoints.retain(|entry| {
        let Ok(endpoint) = Endpoint::parse(&entry.name, &entry.url, None) else { return true };
        match with_way(&around, entry, endpoint) {
            Err(error @ ConfigError::Proxy { .. }) if entry.proxy.is_none() => {
                notes.push(format!("endpoint `{}` is left out: failed to {error}", entry.name));
                false
            }
            _ => true,
        }
    });
}

/// The endpoint of `OPENAI_BASE_URL`, `OPENAI_API_KEY` and `OPENAI_MODEL`.
fn environment_endpoint(args: &ModelArgs) -> Result<Option<EndpointConfig>, Failure> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let (url, key) = (variable("OPENAI_BASE_URL"), variable("OPENAI_API_KEY"));
    if url.is_none() && key.is_none() {
        return Ok(None);
    }
    let url = url.unwrap_or_else(|| OPENAI_URL.to_owned());
    Endpoint::parse("openai", &url, None).map_err(|error| {
        Failure::new(Exit::Usage, "OPENAI_BASE_URL cannot be used").caused_by(&error)
    })?;
    let model = args.model.clone().or_else(|| variable("OPENAI_MODEL"));
    Ok(Some(EndpointConfig {
        name: "openai".to_owned(),
        url,
        api_key: key.map(Secret::new),
        models: model.as_deref().map(Models::from).unwrap_or_default(),
        ..EndpointConfig::default()
    }))
}

/// Adds engines found on loopback, last: what was configured comes first.
async fn add_local_engines(
    config: &mut GatewayConfig,
    transport: &dyn Transport,
) -> Result<(), Failure> {
    for engine in discover(transport, &places()?, DISCOVERY_DEADLINE).await {
        let Some(mut endpoint) = engine.to_endpoint() else { continue };
        let origin = |url: &str| Endpoint::parse("", url, None).map(|known| known.origin()).ok();
        if config.endpoints.iter().any(|known| origin(&known.url) == origin(&endpoint.url)) {
            continue;
        }
        while config.endpoints.iter().any(|known| known.name == endpoint.name) {
            endpoint.name.push_str(" (found)");
        }
        config.endpoints.push(endpoint);
    }
    Ok(())
}

/// Ports that are looked at.
pub(crate) fn places() -> Result<Vec<Place>, Failure> {
    let Ok(list) = std::env::var(PLACES_VARIABLE) else { return Ok(Place::DEFAULTS.to_vec()) };
    let parse = |entry: &str| {
        let (name, port) = entry.split_once(':')?;
        let kind = match name {
            "llama.cpp" => EngineKind::LlamaCpp,
            "ollama" => EngineKind::Ollama,
            _ => return None,
        };
        Some(Place { kind, port: port.parse().ok()? })
    };
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            parse(entry).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("{PLACES_VARIABLE} has `{entry}`"))
                    .hint("write it as llama.cpp:8080,ollama:11434")
            })
        })
        .collect()
}

/// An endpoint that names no model costs only itself.
fn drop_modelless(config: &mut GatewayConfig, args: &ModelArgs, notes: &mut Vec<String>) {
    if args.model.is_some() {
        for endpoint in config.endpoints.iter_mut().filter(|e| e.models.is_empty()) {
            endpoint.models = Models::from(args.model.as_deref().unwrap_or_default());
        }
    }
    config.endpoints.retain(|endpoint| {
        if endpoint.models.is_empty() {
            let name = &endpoint.name;
            notes.push(format!(
                "endpoint `{name}` is left out: it names no model (--model, OPENAI_MODEL, or `models` in silk.toml)"
            ));
        }
        !endpoint.models.is_empty()
    });
}
