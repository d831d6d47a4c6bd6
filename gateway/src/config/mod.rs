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

mod expiry;
mod facts;
pub mod file;
mod keys;
mod litellm;
mod models;
mod providers;
mod proxies;
mod routing;
mod server;
mod task;
mod tracing;
mod yaml;

use std::collections::BTreeMap;
use std::time::Duration;

use gateway_client::Secret;
use serde::{Deserialize, Serialize};

pub use expiry::{Expiry, NoDate};
pub use facts::{Facts, Limits, Price, Protocol};
pub use keys::Missing;
pub use models::{ModelRef, Models};
pub use proxies::Proxies;
pub use routing::{RoutingConfig, Strategy, TagFiltering};
pub use server::{Class, Expiring, Part, RedisParts, ServerConfig, UserConfig};
pub use task::{Task, Tier};
pub use tracing::TracingConfig;

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
    /// How models stand in for each other.
    pub routing: RoutingConfig,
    /// What concerns a gateway that serves others.
    pub server: ServerConfig,
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
    /// The environment variable that holds the address, in place of `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_env: Option<String>,
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
    /// Where it stands: see [`RoutingConfig::regions`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The HTTP proxy that leads to it: `http://[USER:PASSWORD@]HOST:PORT`. Nothing
    /// on this machine is asked through one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Secret>,
    /// What it serves.
    pub models: Models,
    /// The protocol in which it is asked.
    pub protocol: Protocol,
    /// The names it knows models by, where they differ from those in `models`.
    pub upstream: BTreeMap<String, String>,
    /// What is known of each of its models.
    pub facts: Facts,
    /// What is known of one of them.
    pub model_facts: BTreeMap<String, Facts>,
    /// Words for people and programs to choose by; see [`RoutingConfig::tag_filtering`].
    pub tags: Vec<String>,
    /// Regular expressions, heeded as tags are: each is searched in
    /// `User-Agent: VALUE` of a request, and who has one that is found is asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tag_regex: Vec<String>,
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
