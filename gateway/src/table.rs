//! The configuration, checked and turned into ladders: for each tier, who can
//! be asked for what, in order.

use gateway_client::{Endpoint, EndpointError};
use serde::Serialize;

use crate::config::{EndpointConfig, GatewayConfig, ModelRef, Task, Tier, Timeouts};

/// Why a configuration makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An address that cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
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
    },
    /// An endpoint that names no model.
    #[error("use endpoint `{endpoint}`: it names no model")]
    NoModels {
        /// The endpoint's name.
        endpoint: String,
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
}

fn who_lists(endpoint: Option<&str>) -> String {
    match endpoint {
        Some(endpoint) => format!("endpoint `{endpoint}` does not exist or does not list it"),
        None => "no endpoint lists it".to_owned(),
    }
}

/// One rung of a ladder: a model at an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The endpoint's place in [`Table::endpoints`].
    #[serde(skip)]
    pub endpoint_index: usize,
    /// The endpoint's name.
    pub endpoint: String,
    /// The model to ask for.
    pub model: String,
    /// The tier it was found in.
    pub tier: Tier,
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Table {
    config: GatewayConfig,
    endpoints: Vec<Endpoint>,
}

impl Table {
    /// Checks `config`. No endpoints at all is fine: every ask then says so.
    ///
    /// # Errors
    /// The first [`ConfigError`] in the order of the configuration.
    pub fn new(config: GatewayConfig) -> Result<Self, ConfigError> {
        let mut endpoints: Vec<Endpoint> = Vec::with_capacity(config.endpoints.len());
        for (number, endpoint) in (1..).zip(&config.endpoints) {
            let parsed = parse_endpoint(number, endpoint)?;
            if endpoints.iter().any(|other| other.name() == parsed.name()) {
                return Err(ConfigError::DuplicateName { name: parsed.name().to_owned() });
            }
            endpoints.push(parsed);
        }
        let table = Self { config, endpoints };
        for (tier, refs) in &table.config.tiers {
            if let Some(wanted) = refs.iter().find(|wanted| table.listing(wanted).is_empty()) {
                let ModelRef { model, endpoint } = wanted.clone();
                return Err(ConfigError::UnknownModel { tier: *tier, model, endpoint });
            }
        }
        Ok(table)
    }

    /// Who can be asked, in the order of the configuration.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Bounds on waiting.
    pub fn timeouts(&self) -> &Timeouts {
        &self.config.timeouts
    }

    /// Whom to ask for `task`, best first: the task's tier, then the others
    /// of its ladder. Each model at each endpoint stands once.
    pub fn routes(&self, task: Task) -> Vec<Route> {
        let mut routes: Vec<Route> = Vec::new();
        for tier in self.config.tier_of(task).ladder() {
            for (endpoint_index, model) in self.of_tier(tier) {
                let known = |r: &Route| r.endpoint_index == endpoint_index && r.model == model;
                if !routes.iter().any(known) {
                    routes.push(self.route(endpoint_index, model, tier));
                }
            }
        }
        routes
    }

    /// Whom to ask for a model that the caller names, and for no other: those
    /// who list it, or else, since a list need not be complete, everybody.
    pub fn routes_to(&self, wanted: &ModelRef, task: Task) -> Vec<Route> {
        let tier = self.config.tier_of(task);
        let mut places = self.listing(wanted);
        if places.is_empty() {
            let named = |index: &usize| {
                let name = self.endpoints[*index].name();
                wanted.endpoint.as_deref().is_none_or(|endpoint| endpoint == name)
            };
            places = (0..self.endpoints.len()).filter(named).collect();
        }
        places.into_iter().map(|index| self.route(index, wanted.model.clone(), tier)).collect()
    }

    fn of_tier(&self, tier: Tier) -> Vec<(usize, String)> {
        if let Some(refs) = self.config.tiers.get(&tier) {
            let places = |wanted: &ModelRef| {
                let model = wanted.model.clone();
                self.listing(wanted).into_iter().map(move |index| (index, model.clone()))
            };
            return refs.iter().flat_map(places).collect();
        }
        let endpoints = self.config.endpoints.iter().enumerate();
        endpoints
            .flat_map(|(index, endpoint)| {
                endpoint.models.of_tier(tier).iter().map(move |model| (index, model.clone()))
            })
            .collect()
    }

    /// The places of the endpoints that list `wanted`.
    fn listing(&self, wanted: &ModelRef) -> Vec<usize> {
        let lists = |endpoint: &EndpointConfig| {
            wanted.endpoint.as_ref().is_none_or(|name| *name == endpoint.name)
                && endpoint.models.contains(&wanted.model)
        };
        let endpoints = self.config.endpoints.iter().enumerate();
        endpoints.filter(|(_, endpoint)| lists(endpoint)).map(|(index, _)| index).collect()
    }

    fn route(&self, endpoint_index: usize, model: String, tier: Tier) -> Route {
        let endpoint = self.endpoints[endpoint_index].name().to_owned();
        Route { endpoint_index, endpoint, model, tier }
    }
}

fn parse_endpoint(number: usize, config: &EndpointConfig) -> Result<Endpoint, ConfigError> {
    if config.name.trim().is_empty() {
        return Err(ConfigError::Nameless { number });
    }
    let endpoint = Endpoint::parse(&config.name, &config.url, config.api_key.clone())?;
    if config.models.is_empty() {
        return Err(ConfigError::NoModels { endpoint: config.name.clone() });
    }
    Ok(endpoint)
}
