//! Why a configuration makes no sense, and where in it.

use gateway_client::EndpointError;

use crate::config::Tier;

/// Why a configuration makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An address that cannot be used.
    #[error("{source}")]
    Endpoint {
        /// The endpoint's place in the list, from 0.
        index: usize,
        /// What is wrong with it.
        source: EndpointError,
    },
    /// An endpoint without a name.
    #[error("use endpoint number {number} of the configuration: it has no name")]
    Nameless {
        /// Its place in the list, from 1.
        number: usize,
    },
    /// Two endpoints of one name.
    #[error("tell endpoints apart: two are called `{name}`")]
    DuplicateName {
        /// The name.
        name: String,
        /// The second's place in the list, from 0.
        index: usize,
    },
    /// An endpoint that names no model.
    #[error("use endpoint `{endpoint}`: it names no model")]
    NoModels {
        /// The endpoint's name.
        endpoint: String,
        /// Its place in the list, from 0.
        index: usize,
    },
    /// A tier refers to a model that no endpoint lists.
    #[error("find model `{model}` of tier {tier}: {}", who_lists(endpoint.as_deref()))]
    UnknownModel {
        /// The tier.
        tier: Tier,
        /// The model.
        model: String,
        /// The endpoint the tier wants it from, if it says.
        endpoint: Option<String>,
    },
    /// A limit, weight or price that nothing can be done with.
    #[error("use `{key}` of endpoint `{endpoint}`: {why}")]
    Value {
        /// The endpoint's name.
        endpoint: String,
        /// Its place in the list, from 0.
        index: usize,
        /// The value's key.
        key: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A pattern that is no regular expression, or one of a kind that is not known here.
    #[error("use the pattern `{pattern}` of endpoint `{endpoint}`: {why}")]
    Pattern {
        /// The endpoint's name.
        endpoint: String,
        /// Its place in the list, from 0.
        index: usize,
        /// The pattern's place among the endpoint's, from 0.
        place: usize,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A fallback of or to a model that no endpoint lists.
    #[error("fall back from `{from}` to `{to}`: no endpoint lists `{missing}`")]
    UnknownFallback {
        /// The model that has it.
        from: String,
        /// The model that stands in.
        to: String,
        /// The one of them that is unknown.
        missing: String,
    },
    /// An alias of a model that no endpoint lists.
    #[error("find what `{alias}` stands for: no endpoint lists `{model}`")]
    UnknownAlias {
        /// The alias.
        alias: String,
        /// What it is to stand for.
        model: String,
    },
    /// An endpoint at a host that is not among those that may be contacted.
    #[error("use endpoint `{endpoint}`: `{host}` is not among the hosts that may be contacted")]
    OutsideHosts {
        /// The endpoint's name.
        endpoint: String,
        /// Its place in the list, from 0.
        index: usize,
        /// The host.
        host: String,
    },
    /// A Redis at a host that is not among those that may be contacted.
    #[error(
        "share state through Redis at `{host}`: it is not among the hosts that may be contacted"
    )]
    RedisOutsideHosts {
        /// The host.
        host: String,
    },
    /// A proxy that cannot be used.
    #[error("use the proxy to endpoint `{endpoint}`: {why}")]
    Proxy {
        /// The endpoint's name.
        endpoint: String,
        /// Its place in the list, from 0.
        index: usize,
        /// What is wrong; holds no address, which may have a password.
        why: &'static str,
    },
    /// A collector of spans whose address cannot be used.
    #[error("send spans of requests")]
    Tracing {
        /// What is wrong with it.
        source: EndpointError,
    },
    /// A collector of spans at a host that is not among those that may be contacted.
    #[error("send spans to `{host}`: it is not among the hosts that may be contacted")]
    TracingOutsideHosts {
        /// The host.
        host: String,
    },
    /// No endpoint is in a region that may be used.
    #[error("keep to the regions {}: no endpoint is in any of them", .regions.join(", "))]
    NobodyInResidency {
        /// The regions.
        regions: Vec<String>,
    },
    /// A user that cannot be told apart, or has nothing to be known by.
    #[error("know user `{name}`: {why}")]
    User {
        /// The name; may be empty.
        name: String,
        /// Its place in the list, from 0.
        index: usize,
        /// What is wrong.
        why: &'static str,
    },
}

/// Where in a configuration something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// An endpoint, by its place in the list, from 0.
    Endpoint(usize),
    /// A pattern, by its endpoint's place and its own, from 0.
    Pattern(usize, usize),
    /// The models of a tier.
    Tier(Tier),
    /// The fallbacks of a model; of none: those of every model.
    Fallbacks(String),
    /// An alias.
    Alias(String),
    /// A user, by its place in the list, from 0.
    User(usize),
    /// The regions that may be used.
    Residency,
    /// The state that replicas share.
    Redis,
    /// Where spans are sent.
    Tracing,
}

impl ConfigError {
    /// Where the configuration says what makes no sense.
    pub fn place(&self) -> Place {
        match self {
            Self::Endpoint { index, .. }
            | Self::DuplicateName { index, .. }
            | Self::NoModels { index, .. }
            | Self::Value { index, .. }
            | Self::Proxy { index, .. }
            | Self::OutsideHosts { index, .. } => Place::Endpoint(*index),
            Self::Pattern { index, place, .. } => Place::Pattern(*index, *place),
            Self::Nameless { number } => Place::Endpoint(number.saturating_sub(1)),
            Self::UnknownModel { tier, .. } => Place::Tier(*tier),
            Self::UnknownFallback { from, .. } => Place::Fallbacks(from.clone()),
            Self::UnknownAlias { alias, .. } => Place::Alias(alias.clone()),
            Self::NobodyInResidency { .. } => Place::Residency,
            Self::RedisOutsideHosts { .. } => Place::Redis,
            Self::Tracing { .. } | Self::TracingOutsideHosts { .. } => Place::Tracing,
            Self::User { index, .. } => Place::User(*index),
        }
    }
}

fn who_lists(endpoint: Option<&str>) -> String {
    match endpoint {
        Some(endpoint) => format!("endpoint `{endpoint}` does not exist or does not list it"),
        None => "no endpoint lists it".to_owned(),
    }
}
