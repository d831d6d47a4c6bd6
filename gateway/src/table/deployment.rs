//! One model at one endpoint, with all that is known of it beforehand.

use std::time::Duration;

use gateway_client::Endpoint;

use super::error::ConfigError;
use super::patterns::Patterns;
use crate::config::{EndpointConfig, Facts, RoutingConfig, Strategy, Timeouts};

/// The longest that one attempt may take where the configuration bounds none
/// of its parts.
const WHOLE: Duration = Duration::from_secs(600);

/// Bounds of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Until the answer begins, where it comes as a stream.
    pub first_event: Duration,
    /// Between two events of it.
    pub idle: Duration,
    /// Until the answer is there, where it comes in one piece.
    pub whole: Duration,
}

/// One model at one endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// Its place in [`Table::deployments`](super::Table::deployments).
    pub index: usize,
    /// Its endpoint's place in [`Table::endpoints`](super::Table::endpoints).
    pub endpoint_index: usize,
    /// Its endpoint.
    pub endpoint: Endpoint,
    /// What clients call the model; deployments of one name stand in for each
    /// other. May hold a `*` for any text.
    pub group: String,
    /// What the endpoint calls it; a `*` is what the group's stood for.
    pub model: String,
    /// Who runs the endpoint.
    pub provider: Option<String>,
    /// Where it stands.
    pub region: Option<String>,
    /// Limits, prices, windows.
    pub facts: Facts,
    /// Bounds of one attempt.
    pub bounds: Bounds,
    /// Words to choose by.
    pub tags: Vec<String>,
    /// Clients that it is kept for.
    pub patterns: Patterns,
    /// False if it stands outside the regions that may be used.
    pub in_residency: bool,
    /// Its region's place among the preferred ones.
    pub(crate) region_rank: usize,
}

impl Deployment {
    /// The endpoint's name: unique where each endpoint has one model.
    pub fn name(&self) -> &str {
        self.endpoint.name()
    }

    /// Where it is asked first among equals; lower is sooner.
    pub fn order(&self) -> u32 {
        self.facts.order.unwrap_or_default()
    }

    /// What ranks it among deployments of one model: its order, then its region,
    /// unless what is measured goes before that.
    pub(super) fn rank_key(&self, routing: &RoutingConfig) -> (u32, usize) {
        let is_measured = routing.strategy == Strategy::Latency;
        (self.order(), if is_measured { 0 } else { self.region_rank })
    }

    /// Its share among equals.
    pub fn weight(&self) -> u32 {
        self.facts.weight.unwrap_or(1)
    }

    pub(super) fn of(
        place: (usize, usize),
        endpoint: &Endpoint,
        group: &str,
        (config, routing, timeouts): (&EndpointConfig, &RoutingConfig, &Timeouts),
    ) -> Result<Self, ConfigError> {
        let (index, endpoint_index) = place;
        let facts = match config.model_facts.get(group) {
            Some(own) => own.or(&config.facts),
            None => config.facts.clone(),
        };
        check_values(&config.name, endpoint_index, &facts)?;
        let region = config.region.clone();
        let is_among = |regions: &[String]| {
            region.as_ref().and_then(|region| regions.iter().position(|other| other == region))
        };
        // What says where it stands stands there, even if a tunnel on this machine
        // leads to it.
        let in_residency = routing.residency.is_empty()
            || is_among(&routing.residency).is_some()
            || (endpoint.is_local() && region.is_none());
        let anywhere = endpoint.is_local() && region.is_none();
        let region_rank =
            if anywhere { 0 } else { is_among(&routing.regions).unwrap_or(routing.regions.len()) };
        Ok(Self {
            index,
            endpoint_index,
            endpoint: endpoint.clone(),
            group: group.to_owned(),
            model: config.upstream.get(group).cloned().unwrap_or_else(|| group.to_owned()),
            provider: config.provider.clone(),
            region,
            bounds: bounds(endpoint, &facts, timeouts),
            facts,
            tags: config.tags.clone(),
            patterns: Patterns::of(endpoint_index, config)?,
            in_residency,
            region_rank,
        })
    }
}

fn bounds(endpoint: &Endpoint, facts: &Facts, timeouts: &Timeouts) -> Bounds {
    let default_ms = match endpoint.is_local() {
        true => timeouts.local_first_token_ms,
        false => timeouts.first_token_ms,
    };
    let first_ms = facts.timeout_ms.unwrap_or(default_ms);
    let idle_ms = facts.idle_ms.unwrap_or(timeouts.idle_ms);
    // A bound on the stream's gaps bounds the gap before it too, if one is given.
    let first_of_stream = facts.idle_ms.map_or(first_ms, |idle| first_ms.min(idle));
    Bounds {
        first_event: Duration::from_millis(first_of_stream),
        idle: Duration::from_millis(idle_ms),
        whole: facts.timeout_ms.map_or(WHOLE, Duration::from_millis),
    }
}

fn check_values(endpoint: &str, index: usize, facts: &Facts) -> Result<(), ConfigError> {
    let wrong = |key, why| ConfigError::Value { endpoint: endpoint.to_owned(), index, key, why };
    let never = "with 0 nothing would ever be sent there";
    let counts = [
        ("rpm", facts.limits.rpm),
        ("tpm", facts.limits.tpm),
        ("concurrency", facts.limits.concurrency),
        ("max_input_tokens", facts.max_input_tokens),
        ("timeout_ms", facts.timeout_ms),
        ("idle_ms", facts.idle_ms),
    ];
    if let Some((key, _)) = counts.into_iter().find(|(_, value)| *value == Some(0)) {
        return Err(wrong(key, never));
    }
    let prices = [facts.price.input, facts.price.cached_input, facts.price.output];
    let is_price = |price: &f64| price.is_finite() && *price >= 0.0;
    if !prices.iter().flatten().all(is_price) {
        return Err(wrong("price", "a price is a number of dollars, 0 or more"));
    }
    Ok(())
}
