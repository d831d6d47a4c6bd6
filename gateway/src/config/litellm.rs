//! LiteLLM's `config.yaml`, as it is: its keys, and what they mean here.
//!
//! Keys as documented by LiteLLM ("All settings", docs.litellm.ai, read in
//! November 2026). What is not listed here is ignored and said so.

use std::collections::BTreeMap;

use gateway_client::Secret;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::providers::{self, Provider};
use super::{
    EndpointConfig, Facts, GatewayConfig, Limits, Models, Part, Price, RedisParts, RoutingConfig,
    ServerConfig, Strategy, TagFiltering,
};

/// Words before the name of a variable that holds a value.
const FROM_ENVIRONMENT: &str = "os.environ/";

/// The file.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) model_list: Vec<Entry>,
    #[serde(default)]
    router_settings: RouterSettings,
    #[serde(default)]
    litellm_settings: LiteLlmSettings,
    #[serde(default)]
    general_settings: GeneralSettings,
    /// Filled by LiteLLM into the environment of its own process.
    #[serde(default, rename = "environment_variables")]
    _environment_variables: Option<IgnoredAny>,
}

/// `model_list[]`
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) model_name: String,
    pub(super) litellm_params: Params,
    #[serde(default)]
    model_info: Info,
}

/// `model_list[].litellm_params`
#[derive(Debug, Deserialize)]
pub(super) struct Params {
    pub(super) model: String,
    #[serde(default, alias = "base_url")]
    api_base: Option<String>,
    #[serde(default)]
    api_key: Option<Secret>,
    #[serde(default)]
    custom_llm_provider: Option<String>,
    #[serde(default)]
    rpm: Option<u64>,
    #[serde(default)]
    tpm: Option<u64>,
    #[serde(default)]
    weight: Option<u32>,
    #[serde(default)]
    order: Option<u32>,
    #[serde(default, deserialize_with = "seconds")]
    timeout: Option<f64>,
    #[serde(default, deserialize_with = "seconds")]
    stream_timeout: Option<f64>,
    #[serde(default)]
    max_parallel_requests: Option<u64>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    tag_regex: Vec<String>,
    #[serde(default)]
    region_name: Option<String>,
    #[serde(default)]
    input_cost_per_token: Option<f64>,
    #[serde(default)]
    output_cost_per_token: Option<f64>,
}

/// `model_list[].model_info`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    #[serde(rename = "mode")]
    _mode: Option<IgnoredAny>,
    #[serde(rename = "base_model")]
    _base_model: Option<IgnoredAny>,
    max_tokens: Option<u64>,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    input_cost_per_token: Option<f64>,
    output_cost_per_token: Option<f64>,
    cache_read_input_token_cost: Option<f64>,
    supports_assistant_prefill: Option<bool>,
}

/// `router_settings`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RouterSettings {
    routing_strategy: Option<String>,
    num_retries: Option<u32>,
    #[serde(deserialize_with = "seconds")]
    timeout: Option<f64>,
    #[serde(deserialize_with = "seconds")]
    stream_timeout: Option<f64>,
    allowed_fails: Option<u32>,
    #[serde(deserialize_with = "seconds")]
    cooldown_time: Option<f64>,
    fallbacks: Vec<BTreeMap<String, Vec<String>>>,
    context_window_fallbacks: Vec<BTreeMap<String, Vec<String>>>,
    default_fallbacks: Vec<String>,
    model_group_alias: BTreeMap<String, Alias>,
    enable_tag_filtering: Option<bool>,
    tag_filtering_match_any: Option<bool>,
    redis_url: Option<Secret>,
    redis_host: Option<Secret>,
    redis_port: Option<Port>,
    redis_password: Option<Secret>,
}

/// `router_settings.redis_port`: a number, or a text that is one or names a variable.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Text(Secret),
}

/// `litellm_settings`: the parts that may stand here as well as above.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LiteLlmSettings {
    num_retries: Option<u32>,
    #[serde(deserialize_with = "seconds")]
    request_timeout: Option<f64>,
    fallbacks: Vec<BTreeMap<String, Vec<String>>>,
    context_window_fallbacks: Vec<BTreeMap<String, Vec<String>>>,
    default_fallbacks: Vec<String>,
    allowed_fails: Option<u32>,
    // Parameters that a backend does not know are always passed on as they
    // are; nothing is called back.
    #[serde(rename = "drop_params")]
    _drop_params: Option<IgnoredAny>,
    #[serde(rename = "set_verbose")]
    _set_verbose: Option<IgnoredAny>,
    #[serde(rename = "telemetry")]
    _telemetry: Option<IgnoredAny>,
}

/// `general_settings`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GeneralSettings {
    master_key: Option<Secret>,
}

/// A value of `model_group_alias`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Alias {
    Name(String),
    Entry {
        model: String,
        #[serde(default, rename = "hidden")]
        _hidden: Option<IgnoredAny>,
    },
}

/// Something that cannot be taken over, and where it stands.
pub(super) struct Wrong {
    pub(super) path: Vec<String>,
    pub(super) text: String,
}

impl File {
    /// What it means here, and what to say about it.
    pub(super) fn into_config(self) -> Result<(GatewayConfig, Vec<Wrong>), Wrong> {
        let mut notes = Vec::new();
        let mut endpoints: Vec<EndpointConfig> = Vec::with_capacity(self.model_list.len());
        for (index, entry) in self.model_list.into_iter().enumerate() {
            let seen = endpoints.iter().filter(|known| known.models.contains(&entry.model_name));
            let number = seen.count() + 1;
            endpoints.push(endpoint(index, number, entry)?);
        }
        let (router, lite) = (self.router_settings, self.litellm_settings);
        let strategy = strategy(router.routing_strategy.as_deref(), &mut notes);
        let alias = |(name, alias)| match alias {
            Alias::Name(model) | Alias::Entry { model, .. } => (name, model),
        };
        let both = |one: Vec<BTreeMap<String, Vec<String>>>, other: Vec<_>| {
            one.into_iter().chain(other).flatten().collect::<BTreeMap<_, _>>()
        };
        let by_tags = router.enable_tag_filtering.unwrap_or(false);
        let mut routing = RoutingConfig {
            strategy,
            tag_filtering: by_tags.then_some(match router.tag_filtering_match_any {
                Some(false) => TagFiltering::All,
                _ => TagFiltering::Any,
            }),
            aliases: router.model_group_alias.into_iter().map(alias).collect(),
            fallbacks: both(lite.fallbacks, router.fallbacks),
            context_window_fallbacks: both(
                lite.context_window_fallbacks,
                router.context_window_fallbacks,
            ),
            default_fallbacks: lite.default_fallbacks,
            retries: router.num_retries.or(lite.num_retries),
            allowed_fails: router.allowed_fails.or(lite.allowed_fails),
            cooldown_ms: router.cooldown_time.map(as_ms),
            ..RoutingConfig::default()
        };
        if !router.default_fallbacks.is_empty() {
            routing.default_fallbacks = router.default_fallbacks;
        }
        // LiteLLM's way to write the fallbacks of every model.
        if let Some(all) = routing.fallbacks.remove("*") {
            routing.default_fallbacks = all;
        }
        let (whole, stream) = (router.timeout.or(lite.request_timeout), router.stream_timeout);
        for endpoint in &mut endpoints {
            let facts = &mut endpoint.facts;
            facts.timeout_ms = facts.timeout_ms.or(whole.map(as_ms));
            facts.idle_ms = facts.idle_ms.or(stream.map(as_ms));
        }
        let (master_key, master_key_env) = secret(self.general_settings.master_key);
        let (redis, redis_env) = secret(router.redis_url);
        let redis_parts = router.redis_host.map(|host| RedisParts {
            host: part(host),
            port: router.redis_port.map(|port| match port {
                Port::Number(port) => Part::Value(Secret::new(port.to_string())),
                Port::Text(port) => part(port),
            }),
            password: router.redis_password.map(part),
        });
        let keys = ServerConfig { master_key, master_key_env, ..ServerConfig::default() };
        let server = ServerConfig { redis, redis_env, redis_parts, ..keys };
        // A gateway's own file is a list of those to be asked.
        let allow_remote = true;
        Ok((
            GatewayConfig { endpoints, routing, server, allow_remote, ..Default::default() },
            notes,
        ))
    }
}

fn endpoint(index: usize, number: usize, entry: Entry) -> Result<EndpointConfig, Wrong> {
    let Entry { model_name, litellm_params: params, model_info: info } = entry;
    let path = |key: &str| {
        ["model_list", &index.to_string(), "litellm_params", key].map(str::to_owned).to_vec()
    };
    let (prefix, model) = match (&params.custom_llm_provider, params.model.split_once('/')) {
        (Some(provider), _) => (provider.as_str(), params.model.as_str()),
        (None, Some((prefix, model))) if providers::find(prefix).is_some() => (prefix, model),
        // `azure/…`, or the name of a model at nobody knows where: not at OpenAI's.
        (None, Some((prefix, model)))
            if params.api_base.is_none() || providers::is_foreign(prefix) =>
        {
            (prefix, model)
        }
        // Without a provider's word LiteLLM takes it for OpenAI's.
        (None, _) => ("openai", params.model.as_str()),
    };
    let Some(provider) = providers::find(prefix) else {
        let text = format!(
            "the provider `{prefix}` is not known here; with `openai/` before the model's name and its `api_base`, whatever speaks OpenAI's protocol can be asked"
        );
        return Err(Wrong { path: path("model"), text });
    };
    let Provider { protocol, url, key_variable, local_prefill, .. } = *provider;
    let api_base = params.api_base.clone();
    let address = match (&api_base, url) {
        (Some(base), _) => base.clone(),
        (None, Some(url)) => url.to_owned(),
        (None, None) => {
            let text = format!("`api_base` is missing: `{prefix}` has no address of its own");
            return Err(Wrong { path: path("model"), text });
        }
    };
    let (api_key, api_key_env) = secret(params.api_key);
    let default_key = (api_key.is_none() && api_key_env.is_none() && api_base.is_none())
        .then_some(key_variable)
        .flatten();
    let url_env = address.strip_prefix(FROM_ENVIRONMENT).map(str::to_owned);
    let million = |price: Option<f64>| price.map(|price| price * 1e6);
    let facts = Facts {
        limits: Limits {
            rpm: params.rpm,
            tpm: params.tpm,
            concurrency: params.max_parallel_requests,
        },
        price: Price {
            input: million(info.input_cost_per_token.or(params.input_cost_per_token)),
            cached_input: million(info.cache_read_input_token_cost),
            output: million(info.output_cost_per_token.or(params.output_cost_per_token)),
        },
        max_input_tokens: info.max_input_tokens,
        max_output_tokens: info.max_output_tokens.or(info.max_tokens),
        weight: params.weight.or_else(|| params.rpm.and_then(|rpm| u32::try_from(rpm).ok())),
        order: params.order,
        timeout_ms: params.timeout.map(as_ms),
        idle_ms: params.stream_timeout.map(as_ms),
        prefill: info.supports_assistant_prefill.or(local_prefill),
    };
    let name = if number == 1 { model_name.clone() } else { format!("{model_name} #{number}") };
    Ok(EndpointConfig {
        name,
        url: address,
        url_env,
        api_key,
        api_key_env: api_key_env.or_else(|| default_key.map(str::to_owned)),
        provider: Some(prefix.to_owned()),
        region: params.region_name,
        upstream: BTreeMap::from([(model_name.clone(), model.to_owned())]),
        models: Models::Any(vec![model_name]),
        protocol,
        facts,
        tags: params.tags,
        tag_regex: params.tag_regex,
        ..EndpointConfig::default()
    })
}

/// A secret, or the variable that holds it.
fn secret(value: Option<Secret>) -> (Option<Secret>, Option<String>) {
    let Some(value) = value else { return (None, None) };
    match value.expose().strip_prefix(FROM_ENVIRONMENT) {
        Some(variable) => (None, Some(variable.to_owned())),
        None => (Some(value), None),
    }
}

fn part(value: Secret) -> Part {
    match value.expose().strip_prefix(FROM_ENVIRONMENT) {
        Some(variable) => Part::Variable(variable.to_owned()),
        None => Part::Value(value),
    }
}

fn strategy(word: Option<&str>, notes: &mut Vec<Wrong>) -> Strategy {
    match word {
        None | Some("simple-shuffle") => Strategy::Shuffle,
        Some("least-busy") => Strategy::LeastBusy,
        Some("usage-based-routing" | "usage-based-routing-v2") => Strategy::Usage,
        Some("latency-based-routing") => Strategy::Latency,
        Some("cost-based-routing") => Strategy::Cost,
        Some(other) => {
            let path = vec!["router_settings".to_owned(), "routing_strategy".to_owned()];
            let text = format!("`{other}` is not known; `simple-shuffle` is used");
            notes.push(Wrong { path, text });
            Strategy::Shuffle
        }
    }
}

/// Seconds: a number, or a text that is one.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
    }
    let written = Option::<Written>::deserialize(deserializer)?;
    let wrong = || serde::de::Error::custom("a time is a number of seconds");
    let number = match written {
        None => return Ok(None),
        Some(Written::Number(number)) => number,
        Some(Written::Text(text)) => text.trim().parse().map_err(|_| wrong())?,
    };
    if number.is_finite() && number >= 0.0 { Ok(Some(number)) } else { Err(wrong()) }
}

/// Whole milliseconds; a time that is given is never none at all.
fn as_ms(seconds: f64) -> u64 {
    (seconds * 1e3).ceil().max(1.0) as u64
}
