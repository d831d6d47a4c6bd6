//! Why a request would go where it would: nothing is sent or reserved.

use std::sync::Arc;

use serde::Serialize;

use super::need::{Because, Need, choose};
use super::step::Refusal;
use super::{Policy, estimate, not_allowed, order, running, tags};
use crate::clock::Moment;
use crate::config::{Task, Tier};
use crate::limits::Free;
use crate::outcome::{Outcome, as_ms};
use crate::table::Deployment;

/// The way a request would go.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// What decided which models are asked.
    pub because: Because,
    /// The task, if one is known.
    pub task: Option<Task>,
    /// The tier; `None`: a model was named.
    pub tier: Option<Tier>,
    /// Tokens of the request, and of its answer at most.
    pub tokens: (u64, u64),
    /// Everybody who could be asked, in order.
    pub candidates: Vec<Candidate>,
}

/// One who could be asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// The endpoint's name.
    pub endpoint: String,
    /// What clients call the model.
    pub group: String,
    /// What the endpoint calls it.
    pub model: String,
    /// Of which tier it would serve.
    pub tier: Option<Tier>,
    /// Where it stands.
    pub region: Option<String>,
    /// True for the one that would be asked first.
    pub first: bool,
    /// Why it stands where it does, or is passed over; in words.
    pub why: Vec<String>,
    /// What the request costs there at most, in US dollars; `None`: no price
    /// is known.
    pub dollars: Option<f64>,
}

impl Policy {
    /// The way `need` would go at `now`, were it admitted.
    ///
    /// # Errors
    /// [`Refusal`], if no model can be meant.
    pub fn explain(&self, need: &Need<'_>, now: Moment) -> Result<Explanation, Refusal> {
        let choice = choose(self.table(), need)?;
        let tokens = estimate(need);
        let mut ladder = running::ladder(self.table(), &choice, need, tokens);
        let mut lots = self.lots.clone();
        order::sort(&mut ladder, need, (self.table(), &self.ledger), &mut lots, now);
        let too_long = ladder.rungs().any(|(_, why)| why == Some(&Outcome::ContextTooLong));
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut free: Vec<bool> = Vec::new();
        for (route, why) in ladder.rungs() {
            let Some(place) = route.deployment else { continue };
            let deployment = &self.table().deployments()[place];
            let mut reasons = Vec::new();
            let endpoint = deployment.endpoint_index;
            let room = self.ledger.free(endpoint, route.deployment, tokens, now);
            let mut is_free = why.is_none();
            match why {
                None => {}
                Some(Outcome::ContextTooLong) => reasons
                    .push(format!("passed over: a request of {} tokens is too long", tokens.0)),
                Some(_) => reasons.push(tags::why(need.tags).to_owned()),
            }
            if route.for_long && !too_long {
                is_free = false;
                reasons.push("passed over: only for requests too long for the others".to_owned());
            }
            if let Some(word) = room_words(room, now) {
                is_free = false;
                reasons.push(word);
            }
            if self.ledger.is_suspect(endpoint, now) {
                reasons.push("failed lately: asked after the others".to_owned());
            }
            reasons.push(self.standing(route.rank, route.tier, choice.tier, deployment));
            free.push(is_free);
            candidates.push(Candidate {
                endpoint: deployment.name().to_owned(),
                group: deployment.group.clone(),
                model: route.model.clone(),
                tier: choice.tier.map(|_| route.tier),
                region: deployment.region.clone(),
                first: false,
                why: reasons,
                dollars: deployment
                    .facts
                    .price
                    .is_known()
                    .then(|| deployment.facts.price.of(tokens.0, 0, tokens.1)),
            });
        }
        if let Some(first) = free.iter().position(|free| *free) {
            candidates[first].first = true;
        }
        candidates.extend(self.fenced_out(&choice.routes));
        let (because, task, tier) = (choice.because, choice.task, choice.tier);
        Ok(Explanation { because, task, tier, tokens, candidates })
    }

    /// Whom `need` would be sent to at `now`, with the endpoint's name for the
    /// model; `None`: nobody could serve it. Nothing is sent or reserved.
    ///
    /// # Errors
    /// [`Refusal`], if no model can be meant, or the user may not ask for it.
    pub fn would_go_to(
        &self,
        need: &Need<'_>,
        now: Moment,
    ) -> Result<Option<(Arc<Deployment>, String)>, Refusal> {
        let choice = choose(self.table(), need)?;
        let users = &self.table().config().server.users;
        let allowed = users.iter().find(|user| user.name == need.user).map(|user| &user.models);
        if let Some(refusal) = not_allowed(allowed.map_or(&[], Vec::as_slice), need, &choice) {
            return Err(refusal);
        }
        let mut ladder = running::ladder(self.table(), &choice, need, estimate(need));
        let mut lots = self.lots.clone();
        order::sort(&mut ladder, need, (self.table(), &self.ledger), &mut lots, now);
        let open = ladder.rungs().find(|(route, why)| why.is_none() && !route.for_long);
        Ok(open.and_then(|(route, _)| {
            let deployment = &self.table().deployments()[route.deployment?];
            Some((Arc::clone(deployment), route.model.clone()))
        }))
    }

    /// What puts a deployment at its rank.
    fn standing(
        &self,
        rank: u32,
        tier: Tier,
        asked: Option<Tier>,
        deployment: &Deployment,
    ) -> String {
        let mut words = vec![format!("rank {}", rank + 1)];
        match asked {
            Some(asked) if asked == tier => words.push(format!("tier {tier} as wanted")),
            Some(asked) => words.push(format!("tier {tier} stands in for {asked}")),
            None => {}
        }
        if deployment.order() > 0 {
            words.push(format!("order {}", deployment.order()));
        }
        if let Some(region) = &deployment.region
            && !self.table().config().routing.regions.is_empty()
        {
            words.push(format!("region {region}"));
        }
        words.join(", ")
    }

    /// Deployments of the same models that the residency keeps out.
    fn fenced_out(&self, routes: &[crate::table::Route]) -> Vec<Candidate> {
        let deployments = self.table().deployments();
        let meant: Vec<&str> = routes
            .iter()
            .filter_map(|route| Some(deployments[route.deployment?].group.as_str()))
            .collect();
        let barred =
            deployments.iter().filter(|d| !d.in_residency && meant.contains(&d.group.as_str()));
        let candidate = |deployment: &Arc<Deployment>| Candidate {
            endpoint: deployment.name().to_owned(),
            group: deployment.group.clone(),
            model: deployment.model.clone(),
            tier: None,
            region: deployment.region.clone(),
            first: false,
            why: vec!["passed over: outside the regions that may be used".to_owned()],
            dollars: None,
        };
        barred.map(candidate).collect()
    }
}

fn room_words(room: Free, now: Moment) -> Option<String> {
    match room {
        Free::Now => None,
        Free::At(until) => {
            Some(format!("waits {} ms yet: its limit or cooldown", as_ms(until.since(now))))
        }
        Free::WhenSettled => Some("waits for requests under way to end".to_owned()),
        Free::Never => Some("passed over: larger than its tokens per minute".to_owned()),
    }
}
