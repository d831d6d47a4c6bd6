//! Who may ask a gateway that serves others, and how much.

use std::time::{Duration, SystemTime};

use gateway_client::Secret;
use serde::{Deserialize, Serialize};

use super::{Expiry, Proxies, TracingConfig};

/// How urgent a request is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A person waits for it.
    #[default]
    Interactive,
    /// A program waits for it that a person may look at.
    Agent,
    /// Nobody waits.
    Batch,
}

impl Class {
    /// Each of them, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Agent, Self::Batch];

    /// Its part of what is served while all of them wait, out of 16.
    pub(crate) const fn share(self) -> u32 {
        match self {
            Self::Interactive => 12,
            Self::Agent => 3,
            Self::Batch => 1,
        }
    }
}

/// What concerns `silk gateway serve` alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerConfig {
    /// The key that may do everything; better left out of files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key: Option<Secret>,
    /// The environment variable that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key_env: Option<String>,
    /// The Redis that replicas share: `redis://:PASSWORD@HOST:PORT/DATABASE`, by TLS
    /// `rediss://`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<Secret>,
    /// The environment variable that holds its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis_env: Option<String>,
    /// The same, as LiteLLM's files have it.
    #[serde(skip)]
    pub redis_parts: Option<RedisParts>,
    /// Who else may ask.
    pub users: Vec<UserConfig>,
    /// Requests that may wait at a time, of all users.
    pub queue: u32,
    /// Requests of one user that may wait at a time.
    pub queue_per_user: u32,
    /// Proxies to endpoints that name none; the program looks them up.
    #[serde(skip)]
    pub proxies: Proxies,
    /// Where spans of requests are sent.
    pub tracing: TracingConfig,
}

impl ServerConfig {
    const QUEUE: u32 = 1_000;
    const QUEUE_PER_USER: u32 = 200;

    /// Users whose key is not good any more `within` from `wall`, in the order
    /// of the configuration.
    pub fn expiring(
        &self,
        wall: SystemTime,
        within: Duration,
    ) -> impl Iterator<Item = Expiring<'_>> {
        let then = wall.checked_add(within).unwrap_or(wall);
        self.users.iter().enumerate().filter_map(move |(index, user)| {
            let expiry = user.expires.filter(|expiry| expiry.is_over(then))?;
            let left = expiry.end().duration_since(wall).ok().filter(|left| !left.is_zero());
            Some(Expiring { index, user: &user.name, expiry, left })
        })
    }
}

/// A key that is not good any more, or soon will not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiring<'a> {
    /// Its user's place in the list, from 0.
    pub index: usize,
    /// Its user's name.
    pub user: &'a str,
    /// Until when it is good.
    pub expiry: Expiry,
    /// How long it is good yet; `None`: it is not.
    pub left: Option<Duration>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            master_key: None,
            master_key_env: None,
            redis: None,
            redis_env: None,
            redis_parts: None,
            users: Vec::new(),
            queue: Self::QUEUE,
            queue_per_user: Self::QUEUE_PER_USER,
            proxies: Proxies::default(),
            tracing: TracingConfig::default(),
        }
    }
}

/// Where a Redis is, part by part; each a value, or a variable that holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct RedisParts {
    /// `redis.example`
    pub host: Part,
    /// 6379 if left out.
    pub port: Option<Part>,
    /// None if left out.
    pub password: Option<Part>,
}

/// A value of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// As it stands there.
    Value(Secret),
    /// The environment variable that holds it.
    Variable(String),
}

impl RedisParts {
    /// The address, given what `find` says of variables; `None`: one is missing.
    pub(crate) fn address(
        &self,
        mut find: impl FnMut(&Option<String>) -> Option<String>,
    ) -> Option<Secret> {
        let mut text = |part: &Part| match part {
            Part::Value(value) => Some(value.expose().to_owned()),
            Part::Variable(variable) => find(&Some(variable.clone())),
        };
        let host = text(&self.host)?;
        let port = self.port.as_ref().map_or(Some("6379".to_owned()), &mut text)?;
        let password = match &self.password {
            Some(part) => format!(":{}@", percent_encoded(&text(part)?)),
            None => String::new(),
        };
        Some(Secret::new(format!("redis://{password}{host}:{port}")))
    }
}

/// Source: RFC 3986, 2.1 and 2.3.
fn percent_encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// One who may ask.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserConfig {
    /// The name in the spend ledger; must be unique and not empty.
    pub name: String,
    /// The key; better left out of files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
    /// The environment variable that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// Until when the key is good; for ever if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Expiry>,
    /// How urgent the user's requests are where they do not say.
    pub class: Class,
    /// The user's part among those who wait; 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<u32>,
    /// Requests in any minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Tokens in any minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// US dollars in any 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
    /// The only models that may be asked for; empty: any.
    pub models: Vec<String>,
}
