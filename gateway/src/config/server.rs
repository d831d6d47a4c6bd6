//! Who may ask a gateway that serves others, and how much.

use gateway_client::Secret;
use serde::{Deserialize, Serialize};

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
    /// Who else may ask.
    pub users: Vec<UserConfig>,
    /// Requests that may wait at a time, of all users.
    pub queue: u32,
    /// Requests of one user that may wait at a time.
    pub queue_per_user: u32,
}

impl ServerConfig {
    const QUEUE: u32 = 1_000;
    const QUEUE_PER_USER: u32 = 200;
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            master_key: None,
            master_key_env: None,
            users: Vec::new(),
            queue: Self::QUEUE,
            queue_per_user: Self::QUEUE_PER_USER,
        }
    }
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
