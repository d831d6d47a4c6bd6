//! How models stand in for each other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Who of several equals is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The order of the configuration.
    #[default]
    Ordered,
    /// By lot, weighted.
    Shuffle,
    /// Who has the fewest requests under way.
    LeastBusy,
    /// Who has used the least of this minute's limits.
    Usage,
    /// Who begins its answers soonest.
    Latency,
    /// Who costs least.
    Cost,
}

/// Which deployments suit a request that has tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagFiltering {
    /// Those that carry one of its tags.
    Any,
    /// Those that carry all of them.
    All,
}

/// `[gateway.routing]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoutingConfig {
    /// Who of several equals is asked first.
    pub strategy: Strategy,
    /// Other names of models.
    pub aliases: BTreeMap<String, String>,
    /// Models that stand in for one whose deployments all cannot serve.
    pub fallbacks: BTreeMap<String, Vec<String>>,
    /// Models that stand in for one whose window is too small.
    pub context_window_fallbacks: BTreeMap<String, Vec<String>>,
    /// Models that stand in for any that has no fallbacks of its own.
    pub default_fallbacks: Vec<String>,
    /// How often one request is tried again where it failed with 5xx, after a
    /// wait and with nobody else left; 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Failures in a minute that are borne, each a reason to ask equals first,
    /// before a deployment is left alone for `cooldown_ms`; 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_fails: Option<u32>,
    /// How long it is left alone; then one request finds out whether it is
    /// back. 5000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown_ms: Option<u64>,
    /// Regions, the preferred first; endpoints of others come after them. With
    /// [`Strategy::Latency`] they decide among those as fast as the fastest only.
    pub regions: Vec<String>,
    /// The only regions that may be used; endpoints of others, and remote ones
    /// that name none, never are. Empty: any.
    pub residency: Vec<String>,
    /// Requests go by their tags to deployments that carry them; left out: tags
    /// are words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_filtering: Option<TagFiltering>,
    /// The only hosts that are ever contacted, this machine aside. Left out:
    /// those of the endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
}
