//! What is known right now, for people and monitors to read.

use std::time::Duration;

use serde::Serialize;

use super::{Policy, Spent};
use crate::clock::Moment;
use crate::config::Class;
use crate::outcome::as_ms;
use crate::table::Deployment;

/// The state of the gateway.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Each model at each endpoint.
    pub deployments: Vec<DeploymentStatus>,
    /// Requests that wait, by class, the most urgent first.
    pub waiting: [usize; 3],
    /// Requests that are known: waiting, or under way.
    pub requests: usize,
    /// What was spent by whom, on what.
    pub spent: Vec<Spent>,
}

/// The state of one model at one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeploymentStatus {
    /// The endpoint's name.
    pub endpoint: String,
    /// What clients call the model.
    pub group: String,
    /// What the endpoint calls it.
    pub model: String,
    /// Where it stands.
    pub region: Option<String>,
    /// Requests under way.
    pub under_way: u64,
    /// Requests sent in the last minute.
    pub requests_used: u64,
    /// Requests that may be sent now, where that is bounded.
    pub requests_left: Option<u64>,
    /// Tokens that may be sent now, where that is bounded.
    pub tokens_left: Option<u64>,
    /// How long it is left alone yet; `None`: it is not.
    pub cooldown_ms: Option<u64>,
    /// True if it failed lately, so that others are asked first.
    pub suspect: bool,
    /// How soon streams begin, the latest counting most.
    pub first_token_ms: Option<u64>,
    /// How soon answers in one piece are there, the latest counting most.
    pub whole_ms: Option<u64>,
    /// The bound on that which was learnt; `None`: too little is known.
    pub learned_bound_ms: Option<u64>,
}

impl Policy {
    /// How long the endpoint of `deployment` is to be left alone yet; `None`:
    /// it may be asked.
    pub fn left_alone(&self, deployment: &Deployment, now: Moment) -> Option<Duration> {
        let place = self.table().same_deployment(deployment)?;
        let endpoint = self.table().deployments()[place].endpoint_index;
        Some(self.ledger.not_before(endpoint, now)?.since(now))
    }

    /// Requests that wait, by class, the most urgent first.
    pub fn waiting(&self) -> [usize; 3] {
        Class::ALL.map(|class| self.queue.of_class(class))
    }

    /// What is known at `now`.
    pub fn status(&self, now: Moment) -> Status {
        let deployments = self.table().deployments().iter().map(|deployment| {
            let record = self.ledger.deployment(deployment.index);
            let (requests_left, tokens_left) = record.meter.left(now);
            let endpoint = deployment.endpoint_index;
            let until = self.ledger.not_before(endpoint, now);
            DeploymentStatus {
                endpoint: deployment.name().to_owned(),
                group: deployment.group.clone(),
                model: deployment.model.clone(),
                region: deployment.region.clone(),
                under_way: record.meter.under_way(),
                requests_used: record.meter.used(now).0,
                requests_left,
                tokens_left,
                cooldown_ms: until.map(|until| as_ms(until.since(now))),
                suspect: self.ledger.is_suspect(endpoint, now),
                first_token_ms: record.first.mean().map(as_ms),
                whole_ms: record.whole.mean().map(as_ms),
                learned_bound_ms: record.first.bound(0).map(as_ms),
            }
        });
        Status {
            deployments: deployments.collect(),
            waiting: self.waiting(),
            requests: self.requests.len(),
            spent: self.spent(),
        }
    }
}
