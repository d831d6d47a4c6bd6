//! Who stands in for whom: from a model's name to the deployments that serve
//! it, in ranks. Within a rank the strategy decides, and only there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::deployment::Deployment;
use super::error::ConfigError;
use super::{Route, Routes};
use crate::config::{RoutingConfig, Tier};

/// Every name that clients may ask for, with its ladder.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    named: BTreeMap<String, Routes>,
    /// Groups with a `*` in their name, as it stands there.
    patterns: Vec<String>,
}

impl Groups {
    /// Lays out the ladders.
    pub(super) fn new(
        deployments: &[Arc<Deployment>],
        routing: &RoutingConfig,
    ) -> Result<Self, ConfigError> {
        let names: BTreeSet<&str> = deployments.iter().map(|d| d.group.as_str()).collect();
        check_names(&names, routing)?;
        let mut groups = Self::default();
        for name in &names {
            groups.named.insert((*name).to_owned(), ladder(name, deployments, routing).into());
        }
        let is_pattern = |name: &&&str| name.contains('*');
        groups.patterns = names.iter().filter(is_pattern).map(|name| (*name).to_owned()).collect();
        // The longest says the most about what is meant.
        groups.patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.len()));
        for (alias, model) in &routing.aliases {
            if let (Some(routes), false) = (groups.named.get(model), names.contains(alias.as_str()))
            {
                groups.named.insert(alias.clone(), Arc::clone(routes));
            }
        }
        Ok(groups)
    }

    /// The ladder of a model; `None`: nobody serves it.
    pub(super) fn ladder(&self, name: &str) -> Option<Routes> {
        if let Some(routes) = self.named.get(name) {
            return Some(Arc::clone(routes));
        }
        let (pattern, rest) =
            self.patterns.iter().find_map(|pattern| Some((pattern, star(pattern, name)?)))?;
        let named = self.named.get(pattern)?.iter().cloned();
        let filled = named.map(|route| Route { model: route.model.replace('*', rest), ..route });
        Some(filled.collect())
    }

    /// Names that can be asked for, patterns as they stand.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }
}

/// What the `*` of `pattern` is in `name`.
fn star<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let (before, after) = pattern.split_once('*')?;
    name.strip_prefix(before)?.strip_suffix(after)
}

/// What ranks a deployment: how far its group stands in, its order, its region.
type Key = (usize, u32, usize);

/// The group's own deployments, then those of its fallbacks, then theirs.
fn ladder(name: &str, deployments: &[Arc<Deployment>], routing: &RoutingConfig) -> Vec<Route> {
    let mut keyed: Vec<(Key, bool, &Arc<Deployment>)> = Vec::new();
    let mut add = |group: &str, depth: usize, for_long: bool| {
        for deployment in deployments.iter().filter(|d| d.group == group && d.in_residency) {
            let (order, region) = deployment.rank_key(routing);
            let key = (depth, order, region);
            keyed.push((key, for_long, deployment));
        }
    };
    let chain = chain(name, routing);
    for (depth, group) in chain.iter().enumerate() {
        add(group, depth, false);
    }
    let long = routing.context_window_fallbacks.get(name).into_iter().flatten();
    for (place, group) in long.filter(|group| !chain.contains(group)).enumerate() {
        add(group, chain.len() + place, true);
    }
    keyed.sort_by_key(|(key, ..)| *key);
    let mut rank = 0;
    let mut routes: Vec<Route> = Vec::with_capacity(keyed.len());
    for (place, (key, for_long, deployment)) in keyed.iter().enumerate() {
        if place > 0 && keyed[place - 1].0 != *key {
            rank += 1;
        }
        routes.push(Route { rank, for_long: *for_long, ..Route::to(deployment, Tier::Medium) });
    }
    routes
}

/// A group, its fallbacks, and theirs, each once.
fn chain(name: &str, routing: &RoutingConfig) -> Vec<String> {
    let mut chain = vec![name.to_owned()];
    let mut next = 0;
    while let Some(group) = chain.get(next).cloned() {
        let own = routing.fallbacks.get(&group);
        let default = (next == 0).then_some(&routing.default_fallbacks);
        for fallback in own.or(default).into_iter().flatten() {
            let model = routing.aliases.get(fallback).unwrap_or(fallback);
            if !chain.contains(model) {
                chain.push(model.clone());
            }
        }
        next += 1;
    }
    chain
}

fn check_names(names: &BTreeSet<&str>, routing: &RoutingConfig) -> Result<(), ConfigError> {
    for (alias, model) in &routing.aliases {
        if !names.contains(model.as_str()) {
            let (alias, model) = (alias.clone(), model.clone());
            return Err(ConfigError::UnknownAlias { alias, model });
        }
    }
    let is_known = |name: &String| {
        names.contains(name.as_str())
            || routing.aliases.contains_key(name)
            || names.iter().any(|pattern| star(pattern, name).is_some())
    };
    let lists = routing.fallbacks.iter().chain(&routing.context_window_fallbacks);
    let default = ("*".to_owned(), routing.default_fallbacks.clone());
    let with_default = lists.chain(std::iter::once((&default.0, &default.1)));
    for (from, to) in with_default {
        let from_is_known = from == "*" || is_known(from);
        let missing =
            (!from_is_known).then_some(from).or_else(|| to.iter().find(|to| !is_known(to)));
        if let Some(missing) = missing.cloned() {
            let to = to.first().cloned().unwrap_or_default();
            return Err(ConfigError::UnknownFallback { from: from.clone(), to, missing });
        }
    }
    Ok(())
}
