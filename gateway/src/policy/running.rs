//! Requests under way: their turns, and what came of their attempts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gateway_client::Usage;

use super::need::{Choice, Need, counted};
use super::queue::Turn;
use super::step::{Refusal, RequestId, Reservation, Step, Try};
use super::{Attempt, Observed, Policy, Request, State, tags, ticket};
use crate::clock::Moment;
use crate::config::Limits;
use crate::event::WaitReason;
use crate::ladder::{self, GiveUp, Ladder};
use crate::limits::Free;
use crate::outcome::{Outcome, as_ms};
use crate::table::{Deployment, Route, Table};

/// How long whoever finds the queue full is to stay away, at least.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How long somebody is looked for who goes on with an answer that broke off.
const GO_ON: Duration = Duration::from_secs(60);

impl Policy {
    /// Takes note of how an attempt went. With `Ok` its answer has begun;
    /// whatever else is said, the attempt is over, and the request may ask for
    /// its [`next`](Policy::next) step.
    pub fn record(
        &mut self,
        reservation: Reservation,
        outcome: &Outcome,
        observed: &Observed,
        now: Moment,
    ) {
        let Some(attempt) = self.attempts.get_mut(&reservation.0) else { return };
        let outcome = &with_body(outcome, observed);
        let (id, rung) = (attempt.request, attempt.rung);
        let is_ok = *outcome == Outcome::Ok;
        match attempt.booking.as_mut() {
            Some(booking) if is_ok => self.ledger.began(booking, observed, now),
            Some(booking) => self.ledger.failed(*booking, outcome, observed, now),
            None => {}
        }
        let known = attempt.booking.is_some();
        if !is_ok {
            self.attempts.remove(&reservation.0);
        }
        let Some(request) = self.requests.get_mut(&id) else { return };
        if !is_ok {
            request.held = None;
        }
        if known {
            request.ladder.record(&mut self.ledger, rung, outcome, now);
        }
    }

    /// The answer broke off after its beginning. The attempt is over; another
    /// may go on with the answer.
    pub fn broken(&mut self, reservation: Reservation, usage: Option<&Usage>, now: Moment) {
        let Some(attempt) = self.attempts.get(&reservation.0) else { return };
        let (id, rung) = (attempt.request, attempt.rung);
        if let Some(booking) = &attempt.booking {
            let endpoint = self.table.deployments()[booking.deployment].endpoint_index;
            self.ledger.record_broken_stream(endpoint, now);
        }
        if let Some(request) = self.requests.get_mut(&id) {
            request.ladder.broke_off(rung, now.after(GO_ON));
        }
        self.settle(reservation, usage, now);
    }

    /// The answer has ended. `usage` is what it cost; `None`: not told, and
    /// the estimate stands. Gives back the price in US dollars.
    pub fn settle(&mut self, reservation: Reservation, usage: Option<&Usage>, now: Moment) -> f64 {
        let Some(attempt) = self.attempts.remove(&reservation.0) else { return 0.0 };
        if let Some(booking) = attempt.booking {
            self.ledger.settle(booking, usage.map(counted), now);
        }
        let Some(mut request) = self.requests.remove(&attempt.request) else { return 0.0 };
        request.held = None;
        let mut dollars = 0.0;
        if let Some(usage) = usage {
            let Usage { input_tokens, output_tokens, cached_input_tokens } = *usage;
            let cached = cached_input_tokens.unwrap_or_default();
            dollars = attempt.deployment.facts.price.of(input_tokens, cached, output_tokens);
            let purse = (request.user, request.project, request.task);
            self.spend.add(purse, usage, dollars, now);
        }
        self.settle_quota(&request, usage, now);
        request.quota = None;
        self.requests.insert(attempt.request, request);
        dollars
    }

    /// Lets everybody go who can, in the order due to them.
    pub(super) fn serve(&mut self, now: Moment) {
        if self.queue.is_empty() {
            self.next_wake = None;
            return;
        }
        let mut queue = std::mem::take(&mut self.queue);
        let shares: HashMap<usize, u32> =
            self.quotas.iter().map(|(user, quota)| (*user, quota.share)).collect();
        self.next_wake = queue.serve(
            now,
            |user| shares.get(&user).copied().unwrap_or(1),
            |ticket| {
                let id = RequestId(ticket.id);
                match self.go(id, now) {
                    Some(until) => Turn::Blocked(until),
                    None => self.turn_of(id),
                }
            },
        );
        self.queue = queue;
    }

    /// Tries to let `id` go. Gives back until when it waits; `None`: it need
    /// not wait any more.
    pub(super) fn go(&mut self, id: RequestId, now: Moment) -> Option<Moment> {
        let request = self.requests.get_mut(&id.0)?;
        if !matches!(request.state, State::Idle | State::Waiting { .. }) {
            return None;
        }
        let deadline = request.ladder.deadline();
        if request.quota.is_none()
            && let Some(quota) = self.quotas.get(&request.user)
        {
            let (input, output) = request.tokens;
            match quota.meter.free(input, output, now) {
                Free::Now => {}
                Free::At(until) if until < deadline => {
                    return self.waits(id, until, WaitReason::RateLimited);
                }
                Free::At(until) => return self.refuse(id, no_model(Some(until))),
                Free::WhenSettled => return self.waits(id, Moment::NEVER, WaitReason::Busy),
                Free::Never => return self.refuse(id, no_model(None)),
            }
        }
        let step = loop {
            match request.ladder.next(&self.ledger, now) {
                ladder::Step::Skip { .. } => {}
                step => break step,
            }
        };
        match step {
            ladder::Step::Try { rung } => self.grant(id, rung, now),
            ladder::Step::Wait { reason: WaitReason::Busy, .. } => {
                return self.waits(id, Moment::NEVER, WaitReason::Busy);
            }
            ladder::Step::Wait { until, reason, .. } => return self.waits(id, until, reason),
            ladder::Step::GiveUp(why) => {
                let refusal = refusal(why, request, &self.table);
                return self.refuse(id, refusal);
            }
            // Told to nobody here: the way of an attempt is in the answers.
            ladder::Step::Skip { .. } => {}
        }
        None
    }

    /// What `id` is told, given its state.
    pub(super) fn told(&mut self, id: RequestId) -> Step {
        let Some(request) = self.requests.get_mut(&id.0) else {
            return Step::GiveUp(Refusal::Gone);
        };
        if !matches!(request.state, State::Waiting { .. }) {
            // It knows now; to be woken for it would be one time too many.
            self.woken.retain(|woken| *woken != id);
        }
        match std::mem::replace(&mut request.state, State::Idle) {
            State::Granted(granted) => Step::Try(*granted),
            State::Refused(refusal) => {
                if let Some(request) = self.requests.remove(&id.0) {
                    self.forget_newest(id.0, &request);
                }
                Step::GiveUp(refusal)
            }
            State::Waiting { until, reason } => {
                request.state = State::Waiting { until, reason };
                let until = until.min(request.ladder.deadline());
                Step::Wait { until, reason }
            }
            State::Idle => Step::GiveUp(Refusal::Gone),
        }
    }

    pub(super) fn enqueue(&mut self, id: RequestId, until: Moment, reason: WaitReason) {
        if let Some(request) = self.requests.get_mut(&id.0) {
            request.state = State::Waiting { until, reason };
            let has_quota = self.quotas.contains_key(&request.user);
            self.queue.push(ticket(id.0, request, has_quota));
        }
    }

    /// A request that has just come, and has to wait where enough do already, is
    /// refused. One that can go need not fear the queue.
    pub(super) fn refuse_if_crowded(&mut self, id: RequestId, now: Moment) {
        let Some(request) = self.requests.get(&id.0) else { return };
        let server = &self.table.config().server;
        let is_crowded = self.queue.len() > server.queue as usize
            || self.queue.of_user(request.user) > server.queue_per_user as usize;
        if is_crowded && matches!(request.state, State::Waiting { .. }) {
            self.queue.remove(&ticket(id.0, request, false));
            let soon = now.after(ASK_AGAIN);
            let wait_until = self.next_wake.unwrap_or(soon).max(soon);
            self.refuse(id, Refusal::QueueFull { wait_until });
        }
    }

    fn turn_of(&mut self, id: RequestId) -> Turn {
        self.woken.push(id);
        match self.requests.get(&id.0).map(|request| &request.state) {
            Some(State::Granted(_)) => Turn::Taken,
            _ => Turn::Gone,
        }
    }

    fn waits(&mut self, id: RequestId, until: Moment, reason: WaitReason) -> Option<Moment> {
        let request = self.requests.get_mut(&id.0)?;
        if matches!(request.state, State::Waiting { .. }) {
            request.state = State::Waiting { until, reason };
        } else {
            self.enqueue(id, until, reason);
            let next = self.requests.get(&id.0).map(|r| until.min(r.ladder.deadline()));
            self.next_wake = [self.next_wake, next].into_iter().flatten().min();
        }
        Some(until)
    }

    fn refuse(&mut self, id: RequestId, refusal: Refusal) -> Option<Moment> {
        if let Some(request) = self.requests.get_mut(&id.0) {
            request.state = State::Refused(refusal);
        }
        None
    }

    fn grant(&mut self, id: RequestId, rung: usize, now: Moment) {
        let Some(request) = self.requests.get_mut(&id.0) else { return };
        let route = request.ladder.route(rung);
        // Every route of a table's ladder has its deployment.
        let Some(place) = route.deployment else { return };
        let deployment = Arc::clone(&self.table.deployments()[place]);
        let booking = self.ledger.reserve(place, request.tokens, now);
        let booking = booking.of_whole_answer(request.whole);
        self.last_id += 1;
        let reservation = Reservation(self.last_id);
        if request.quota.is_none()
            && let Some(quota) = self.quotas.get_mut(&request.user)
            && *quota.meter.limits() != Limits::default()
        {
            let (input, output) = request.tokens;
            request.quota = Some(quota.meter.reserve(self.last_id, input, output, now));
        }
        request.attempts += 1;
        request.held = Some(reservation.0);
        let lower = request.tier.is_some_and(|asked| route.tier < asked);
        let other = request.tier.is_none() && deployment.group != request.group;
        let mut bounds = deployment.bounds;
        let left = request.ladder.deadline().since(now);
        // A late answer is sought elsewhere only where there is an elsewhere.
        let others = request.ladder.rungs().filter(|(_, why)| why.is_none()).count() > 1;
        let learned = self.ledger.deployment(place).first.bound(request.tokens.0);
        if let Some(learned) = learned.filter(|_| others) {
            bounds.first_event = bounds.first_event.min(learned);
        }
        bounds.first_event = bounds.first_event.min(left);
        bounds.whole = bounds.whole.max(bounds.first_event);
        request.state = State::Granted(Box::new(Try {
            model: route.model.clone(),
            reservation,
            bounds,
            degraded: lower || other,
            tier: request.tier.map(|_| route.tier),
            attempt: request.attempts,
            deployment: Arc::clone(&deployment),
        }));
        let attempt = Attempt { request: id.0, rung, booking: Some(booking), deployment };
        self.attempts.insert(reservation.0, attempt);
    }
}

/// The ladder of a new request, without what it is too long for.
pub(super) fn ladder(
    table: &Table,
    choice: &Choice,
    need: &Need<'_>,
    tokens: (u64, u64),
) -> Ladder {
    let ladder = Ladder::new(Arc::clone(&choice.routes), need.deadline, |_| true);
    let mut ladder = ladder.fitted(table, tokens);
    tags::keep_to(&mut ladder, table, need);
    ladder
}

/// Moves the routes of `ladder` to where `moved` says that their deployments
/// are in `table`.
pub(super) fn move_ladder(
    ladder: &mut Ladder,
    table: &Table,
    moved: impl Fn(usize) -> Option<usize>,
) {
    let route = |route: &Route| {
        let deployment = route.deployment.and_then(&moved);
        let endpoint = deployment.map(|place| table.deployments()[place].endpoint_index);
        Route { deployment, endpoint_index: endpoint.unwrap_or_default(), ..route.clone() }
    };
    ladder.replace_routes(ladder.routes().iter().map(route).collect());
    ladder.exclude(|route| route.deployment.is_none().then_some(Outcome::Unusable));
}

fn with_body(outcome: &Outcome, observed: &Observed) -> Outcome {
    match (outcome, observed.in_body) {
        (Outcome::RateLimited { retry_after_ms: None }, Some(wait)) => {
            Outcome::RateLimited { retry_after_ms: Some(as_ms(wait)) }
        }
        (outcome, _) => outcome.clone(),
    }
}

fn no_model(wait_until: Option<Moment>) -> Refusal {
    Refusal::NoModel { wait_until }
}

fn refusal(why: GiveUp, request: &Request, table: &Table) -> Refusal {
    match why {
        GiveUp::NoModel { wait_until } => no_model(wait_until),
        // The server asks for consent before it starts.
        GiveUp::ConsentNeeded { .. } => no_model(None),
        GiveUp::CredentialsRefused { rung } => {
            Refusal::CredentialsRefused { endpoint: request.ladder.route(rung).endpoint.clone() }
        }
        GiveUp::ContextTooLong { .. } => {
            let of = |route: &Route| {
                let deployment: &Arc<Deployment> = &table.deployments()[route.deployment?];
                deployment.facts.max_input_tokens
            };
            let most = request.ladder.routes().iter().filter_map(of).max();
            Refusal::ContextTooLong { tokens: request.tokens.0, most }
        }
    }
}
