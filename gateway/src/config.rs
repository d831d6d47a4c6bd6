//! The `[gateway]` table of `silk.toml`, as plain data.
//!
//! ```toml
//! [gateway]
//! allow_remote = false
//!
//! [[gateway.endpoints]]
//! name = "bench-pc"
//! url = "http://127.0.0.1:8080"
//! models = "qwen2.5-coder-1.5b"
//!
//! [[gateway.endpoints]]
//! name = "openai"
//! url = "https://api.openai.com/v1"
//! api_key_env = "OPENAI_API_KEY"
//! models = { small = "gpt-5-nano", large = ["gpt-5", "gpt-5-mini"] }
//!
//! [gateway.tasks]
//! docs = "small"
//! ```
//!
//! One endpoint with one model is enough: it then serves every task.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use gateway_client::Secret;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// How large a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Answers while one types.
    Small,
    /// Writes and explains code.
    Medium,
    /// Reasons about a system.
    Large,
}

impl Tier {
    /// This tier, then those to fall back to: up before down, since a better
    /// answer than asked for costs money and a worse one costs trust.
    pub const fn ladder(self) -> [Self; 3] {
        match self {
            Self::Small => [Self::Small, Self::Medium, Self::Large],
            Self::Medium => [Self::Medium, Self::Large, Self::Small],
            Self::Large => [Self::Large, Self::Medium, Self::Small],
        }
    }

    /// The word in configuration and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the model is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// Complete code while it is typed.
    Autocomplete,
    /// Write documentation.
    Docs,
    /// Change code that works.
    Refactor,
    /// Explain code, a register or a crash.
    Explain,
    /// Find out why something misbehaves.
    Debug,
    /// Design or judge a system.
    Architecture,
}

impl Task {
    /// The tier where configuration does not say otherwise.
    pub const fn default_tier(self) -> Tier {
        match self {
            Self::Autocomplete => Tier::Small,
            Self::Docs | Self::Refactor | Self::Explain => Tier::Medium,
            Self::Debug | Self::Architecture => Tier::Large,
        }
    }
}

/// Everything the gateway is told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GatewayConfig {
    /// Who can be asked, in order of preference.
    pub endpoints: Vec<EndpointConfig>,
    /// The models of a tier, in order of preference. A tier that is not here
    /// takes what the endpoints themselves list for it.
    pub tiers: BTreeMap<Tier, Vec<ModelRef>>,
    /// Tiers of tasks, where they differ from [`Task::default_tier`].
    pub tasks: BTreeMap<Task, Tier>,
    /// Bounds on waiting.
    pub timeouts: Timeouts,
    /// A recorded yes to sending prompts to any endpoint listed here.
    pub allow_remote: bool,
}

impl GatewayConfig {
    /// The tier that serves `task`.
    pub fn tier_of(&self, task: Task) -> Tier {
        self.tasks.get(&task).copied().unwrap_or_else(|| task.default_tier())
    }
}

/// One server that answers chat requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointConfig {
    /// What it is called in events; must be unique and not empty.
    pub name: String,
    /// The base address: `http://127.0.0.1:8080`, `https://api.openai.com/v1`.
    pub url: String,
    /// The key itself. Better left out of files: see `api_key_env`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Secret>,
    /// The environment variable that holds the key. The program looks it up
    /// and fills in `api_key`; this library never reads the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Who runs it, for people to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Where it stands, for people to read; routing by region is to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What it serves.
    pub models: Models,
}

/// The models of an endpoint: one name, a list, or lists by tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Models {
    /// For any tier, in order of preference.
    Any(Vec<String>),
    /// By tier, each in order of preference.
    ByTier(BTreeMap<Tier, Vec<String>>),
}

impl Default for Models {
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

impl From<&str> for Models {
    fn from(model: &str) -> Self {
        Self::Any(vec![model.to_owned()])
    }
}

impl Models {
    /// Those meant for `tier`.
    pub fn of_tier(&self, tier: Tier) -> &[String] {
        match self {
            Self::Any(models) => models,
            Self::ByTier(tiers) => tiers.get(&tier).map_or(&[], Vec::as_slice),
        }
    }

    /// True if `model` is among them, whatever the tier.
    pub fn contains(&self, model: &str) -> bool {
        match self {
            Self::Any(models) => models.iter().any(|name| name == model),
            Self::ByTier(tiers) => tiers.values().flatten().any(|name| name == model),
        }
    }

    /// True if no model is named.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Any(models) => models.is_empty(),
            Self::ByTier(tiers) => tiers.values().all(Vec::is_empty),
        }
    }
}

/// A model of a tier: by name, at any endpoint that lists it, or at one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRef {
    /// The model's name.
    pub model: String,
    /// Only there, if given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

impl From<&str> for ModelRef {
    fn from(model: &str) -> Self {
        Self { model: model.to_owned(), endpoint: None }
    }
}

/// Bounds on waiting, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    /// Until a connection stands. Handed to the transport by the program.
    pub connect_ms: u64,
    /// Until the answer begins, at an endpoint on this machine: a small engine
    /// without a GPU reads a long prompt for minutes.
    pub local_first_token_ms: u64,
    /// Until the answer begins, elsewhere.
    pub first_token_ms: u64,
    /// Between two pieces of an answer that has begun.
    pub idle_ms: u64,
    /// How long an ask looks for somebody to begin the answer, waits for rate
    /// limits and loading models included, where the ask gives no deadline.
    pub deadline_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            local_first_token_ms: 300_000,
            first_token_ms: 60_000,
            idle_ms: 60_000,
            deadline_ms: 300_000,
        }
    }
}

impl Timeouts {
    /// [`connect_ms`](Self::connect_ms) as a duration.
    pub const fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }
}

impl<'de> Deserialize<'de> for Models {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ModelsVisitor;

        impl<'de> Visitor<'de> for ModelsVisitor {
            type Value = Models;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model name, a list of them, or lists under small, medium, large")
            }

            fn visit_str<E>(self, model: &str) -> Result<Models, E> {
                Ok(Models::from(model))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Models, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Models::Any)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Models, A::Error> {
                let tiers = BTreeMap::<Tier, Names>::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Models::ByTier(tiers.into_iter().map(|(tier, names)| (tier, names.0)).collect()))
            }
        }

        deserializer.deserialize_any(ModelsVisitor)
    }
}

/// One name or a list of them.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamesVisitor;

        impl<'de> Visitor<'de> for NamesVisitor {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model name or a list of them")
            }

            fn visit_str<E>(self, model: &str) -> Result<Names, E> {
                Ok(Names(vec![model.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Names, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Names)
            }
        }

        deserializer.deserialize_any(NamesVisitor)
    }
}

impl<'de> Deserialize<'de> for ModelRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RefVisitor;

        #[derive(Deserialize)]
        struct Fields {
            model: String,
            endpoint: Option<String>,
        }

        impl<'de> Visitor<'de> for RefVisitor {
            type Value = ModelRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model name, or { model = …, endpoint = … }")
            }

            fn visit_str<E>(self, model: &str) -> Result<ModelRef, E> {
                Ok(ModelRef::from(model))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelRef, A::Error> {
                let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ModelRef { model: fields.model, endpoint: fields.endpoint })
            }
        }

        deserializer.deserialize_any(RefVisitor)
    }
}
