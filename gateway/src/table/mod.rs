//! The configuration, checked and turned into ladders: for each tier, who can
//! be asked for what, in order.

mod deployment;
mod error;
mod groups;
mod patterns;
mod proxy;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gateway_client::Endpoint;
use serde::Serialize;

use crate::config::{EndpointConfig, GatewayConfig, ModelRef, Task, Tier, Timeouts};
use crate::health::Rules;
use groups::Groups;

pub use deployment::{Bounds, Deployment};
pub use error::{ConfigError, Place};
pub use patterns::Patterns;

/// Failures in a minute that are borne where the configuration does not say.
const ALLOWED_FAILS: u32 = 3;

/// A ladder as the table keeps it, shared by all that climb it.
pub type Routes = Arc<[Route]>;

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
    /// Its place in [`Table::deployments`]; `None`: a model that the endpoint
    /// does not list.
    #[serde(skip)]
    pub deployment: Option<usize>,
    /// Routes of one rank are equals; lower ranks come first.
    #[serde(skip)]
    pub rank: u32,
    /// Only for a request that is too long for others.
    #[serde(skip)]
    pub for_long: bool,
}

impl Route {
    fn to(deployment: &Deployment, tier: Tier) -> Self {
        Self {
            endpoint_index: deployment.endpoint_index,
            endpoint: deployment.name().to_owned(),
            model: deployment.model.clone(),
            tier,
            deployment: Some(deployment.index),
            rank: 0,
            for_long: false,
        }
    }
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Table {
    config: GatewayConfig,
    endpoints: Vec<Endpoint>,
    deployments: Vec<Arc<Deployment>>,
    groups: Groups,
    /// The ladders that begin at each tier, small first.
    by_tier: [Routes; 3],
}

impl Table {
    /// Checks `config`. No endpoints at all is fine: every ask then says so.
    ///
    /// # Errors
    /// The first [`ConfigError`] in the order of the configuration.
    pub fn new(config: GatewayConfig) -> Result<Self, ConfigError> {
        let endpoints = parse_endpoints(&config)?;
        check_redis(&config)?;
        check_tracing(&config)?;
        let deployments = deployments(&config, &endpoints)?;
        if !deployments.is_empty() && !deployments.iter().any(|d| d.in_residency) {
            let regions = config.routing.residency.clone();
            return Err(ConfigError::NobodyInResidency { regions });
        }
        let groups = Groups::new(&deployments, &config.routing)?;
        check_users(&config)?;
        let by_tier = std::array::from_fn(|_| Routes::from([]));
        let mut table = Self { config, endpoints, deployments, groups, by_tier };
        for (tier, refs) in &table.config.tiers {
            if let Some(wanted) = refs.iter().find(|wanted| table.listing(wanted).is_empty()) {
                let ModelRef { model, endpoint } = wanted.clone();
                return Err(ConfigError::UnknownModel { tier: *tier, model, endpoint });
            }
        }
        table.by_tier =
            [Tier::Small, Tier::Medium, Tier::Large].map(|tier| Routes::from(table.climb(tier)));
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

    /// All that it was made of, keys included.
    pub fn config(&self) -> &GatewayConfig {
        &self.config
    }

    /// Every model at every endpoint, in the order of the configuration, those
    /// outside the residency included.
    pub fn deployments(&self) -> &[Arc<Deployment>] {
        &self.deployments
    }

    /// The models that clients may ask for by name, aliases included.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.groups.names()
    }

    /// Whom to ask for the model that clients call `name`, best first; `None`:
    /// nobody serves it.
    pub fn ladder(&self, name: &str) -> Option<Routes> {
        self.groups.ladder(name)
    }

    /// Whom to ask for a model of `tier`, best first.
    pub fn ladder_of_tier(&self, tier: Tier) -> Routes {
        Arc::clone(&self.by_tier[tier as usize])
    }

    /// When somebody who keeps failing is left alone.
    pub fn rules(&self) -> Rules {
        let routing = &self.config.routing;
        let default = Rules::default();
        Rules {
            allowed_fails: routing.allowed_fails.or(Some(ALLOWED_FAILS)),
            cooldown: routing.cooldown_ms.map_or(default.cooldown, Duration::from_millis),
        }
    }

    /// The place of the deployment that is `other` in another table.
    pub(crate) fn same_deployment(&self, other: &Deployment) -> Option<usize> {
        let same = |own: &Arc<Deployment>| {
            own.name() == other.name()
                && own.endpoint.origin() == other.endpoint.origin()
                && own.group == other.group
        };
        self.deployments.iter().position(same)
    }

    /// Whom to ask for `task`, best first: the task's tier, then the others
    /// of its ladder. Each model at each endpoint stands once.
    pub fn routes(&self, task: Task) -> Vec<Route> {
        self.ladder_of_tier(self.config.tier_of(task)).to_vec()
    }

    /// The ladder that begins at `tier`, ranked by tier, order and region.
    fn climb(&self, tier: Tier) -> Vec<Route> {
        let mut keyed: Vec<((usize, u32, usize), Route)> = Vec::new();
        for (depth, tier) in tier.ladder().into_iter().enumerate() {
            for (endpoint_index, model) in self.of_tier(tier) {
                let Some(deployment) = self.deployment_of(endpoint_index, &model) else { continue };
                let known = |(_, r): &(_, Route)| r.deployment == Some(deployment.index);
                if deployment.in_residency && !keyed.iter().any(known) {
                    let (order, region) = deployment.rank_key(&self.config.routing);
                    let key = (depth, order, region);
                    keyed.push((key, Route::to(deployment, tier)));
                }
            }
        }
        keyed.sort_by_key(|(key, _)| *key);
        let keys: Vec<_> = keyed.iter().map(|(key, _)| *key).collect();
        let rank = |key| keys.iter().filter(|other| **other < key).count();
        let ranked = keyed.into_iter().map(|(key, route)| {
            let rank = u32::try_from(rank(key)).unwrap_or(u32::MAX);
            Route { rank, ..route }
        });
        ranked.collect()
    }

    fn deployment_of(&self, endpoint_index: usize, group: &str) -> Option<&Arc<Deployment>> {
        let same = |d: &&Arc<Deployment>| d.endpoint_index == endpoint_index && d.group == group;
        self.deployments.iter().find(same)
    }

    /// Whom to ask for a model that the caller names: those who list it and its
    /// fallbacks, aliases heeded, or else, since a list need not be complete,
    /// everybody. Where the caller names the endpoint too, that and no other.
    pub fn routes_to(&self, wanted: &ModelRef, task: Task) -> Vec<Route> {
        let tier = self.config.tier_of(task);
        if wanted.endpoint.is_none()
            && let Some(routes) = self.ladder(&wanted.model)
        {
            return routes.iter().map(|route| Route { tier, ..route.clone() }).collect();
        }
        let mut places = self.listing(wanted);
        if places.is_empty() {
            let named = |index: &usize| {
                let name = self.endpoints[*index].name();
                wanted.endpoint.as_deref().is_none_or(|endpoint| endpoint == name)
            };
            places = (0..self.endpoints.len()).filter(named).collect();
        }
        let barred = |index: &usize| {
            self.deployments.iter().any(|d| d.endpoint_index == *index && !d.in_residency)
        };
        places.retain(|index| !barred(index));
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
        if let Some(deployment) = self.deployment_of(endpoint_index, &model) {
            return Route::to(deployment, tier);
        }
        let endpoint = self.endpoints[endpoint_index].name().to_owned();
        let (deployment, rank, for_long) = (None, 0, false);
        Route { endpoint_index, endpoint, model, tier, deployment, rank, for_long }
    }
}

fn parse_endpoints(config: &GatewayConfig) -> Result<Vec<Endpoint>, ConfigError> {
    let mut endpoints: Vec<Endpoint> = Vec::with_capacity(config.endpoints.len());
    for (index, entry) in config.endpoints.iter().enumerate() {
        let endpoint = parse_endpoint(index, entry)?;
        if endpoints.iter().any(|other| other.name() == endpoint.name()) {
            let name = endpoint.name().to_owned();
            return Err(ConfigError::DuplicateName { name, index });
        }
        endpoints.push(fenced(config, (index, entry), endpoint)?);
    }
    Ok(endpoints)
}

/// `endpoint` of `entry` with the proxy that leads to it, as `config` and what it
/// was told of the environment say: for whoever asks it without a [`Table`].
///
/// # Errors
/// [`ConfigError::OutsideHosts`] and [`ConfigError::Proxy`].
pub fn with_way(
    config: &GatewayConfig,
    entry: &EndpointConfig,
    endpoint: Endpoint,
) -> Result<Endpoint, ConfigError> {
    let index = config.endpoints.iter().position(|other| other.name == entry.name);
    fenced(config, (index.unwrap_or_default(), entry), endpoint)
}

fn fenced(
    config: &GatewayConfig,
    place: (usize, &EndpointConfig),
    endpoint: Endpoint,
) -> Result<Endpoint, ConfigError> {
    if let Some(host) = host_outside(config, &endpoint) {
        let endpoint = endpoint.name().to_owned();
        return Err(ConfigError::OutsideHosts { endpoint, index: place.0, host });
    }
    let proxy = proxy::proxy_to(config, place, &endpoint)?;
    Ok(endpoint.with_proxy(proxy))
}

/// The host of `endpoint`, if it is not among those that may be contacted.
fn host_outside(config: &GatewayConfig, endpoint: &Endpoint) -> Option<String> {
    let hosts = config.routing.hosts.as_ref().filter(|_| !endpoint.is_local())?;
    let host = endpoint.host();
    let bare = host.rsplit_once(':').map_or(host.as_str(), |(bare, _)| bare);
    let is_listed = hosts.iter().any(|allowed| *allowed == host || allowed == bare);
    (!is_listed).then_some(host)
}

/// Spans go to no other host either.
fn check_tracing(config: &GatewayConfig) -> Result<(), ConfigError> {
    let Some(address) = config.server.tracing.address() else { return Ok(()) };
    let collector = Endpoint::parse("tracing", &address, None)
        .map_err(|source| ConfigError::Tracing { source })?;
    match host_outside(config, &collector) {
        Some(host) => Err(ConfigError::TracingOutsideHosts { host }),
        None => Ok(()),
    }
}

/// No host but those listed is contacted, Redis' neither.
fn check_redis(config: &GatewayConfig) -> Result<(), ConfigError> {
    let (Some(hosts), Some(redis)) = (&config.routing.hosts, &config.server.redis) else {
        return Ok(());
    };
    let Some(host) = redis_host(redis.expose()) else { return Ok(()) };
    let is_local = matches!(host, "localhost" | "::1") || host.starts_with("127.");
    match is_local || hosts.iter().any(|allowed| allowed == host) {
        true => Ok(()),
        false => Err(ConfigError::RedisOutsideHosts { host: host.to_owned() }),
    }
}

/// The host of `redis://[[user]:password@]host[:port][/database]`; `None`: a
/// socket's path, which is on this machine.
fn redis_host(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.starts_with("redis") && !scheme.starts_with("valkey") || scheme.contains("unix") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    match place.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next(),
        None => place.split(':').next(),
    }
}

fn parse_endpoint(index: usize, config: &EndpointConfig) -> Result<Endpoint, ConfigError> {
    if config.name.trim().is_empty() {
        return Err(ConfigError::Nameless { number: index + 1 });
    }
    let endpoint = Endpoint::parse(&config.name, &config.url, config.api_key.clone())
        .map_err(|source| ConfigError::Endpoint { index, source })?;
    if config.models.is_empty() {
        return Err(ConfigError::NoModels { endpoint: config.name.clone(), index });
    }
    Ok(endpoint.with_dialect(config.protocol.dialect()))
}

fn deployments(
    config: &GatewayConfig,
    endpoints: &[Endpoint],
) -> Result<Vec<Arc<Deployment>>, ConfigError> {
    let mut deployments = Vec::new();
    for (endpoint_index, entry) in config.endpoints.iter().enumerate() {
        for group in entry.models.all() {
            let place = (deployments.len(), endpoint_index);
            let known = (entry, &config.routing, &config.timeouts);
            let endpoint = &endpoints[endpoint_index];
            deployments.push(Arc::new(Deployment::of(place, endpoint, group, known)?));
        }
    }
    Ok(deployments)
}

fn check_users(config: &GatewayConfig) -> Result<(), ConfigError> {
    let mut names = BTreeSet::new();
    for (index, user) in config.server.users.iter().enumerate() {
        let why = if user.name.trim().is_empty() {
            "it has no name"
        } else if !names.insert(&user.name) {
            "there are two of this name"
        } else if user.key.is_none() && user.key_env.is_none() {
            "it has neither `key` nor `key_env`"
        } else if user.share == Some(0) || user.rpm == Some(0) || user.tpm == Some(0) {
            "with a share, rpm or tpm of 0 it could never ask"
        } else {
            continue;
        };
        return Err(ConfigError::User { name: user.name.clone(), index, why });
    }
    Ok(())
}
