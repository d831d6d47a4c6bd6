//! The gateway's decisions for many requests at a time: who is admitted, where
//! each goes, who waits for whom.
//!
//! No sockets, no clock, no lock: calls come in with the time and decisions go
//! out. A server keeps one behind a lock and calls, for each request:
//!
//! ```text
//! admit ─▶ next ─┬▶ Try ─▶ send ─▶ record ─┬▶ Ok ─▶ stream ─▶ settle ─▶ finish
//!           ▲    ├▶ Wait ─▶ (wake names it)│          └▶ broken ─▶ next: resume
//!           │    └▶ GiveUp                 └▶ failure: next
//!           └───────────────────────────────────┘
//! ```
//!
//! and `wake` after each of these, and at `next_wake`, to learn who may go on.

mod claims;
mod explain;
mod names;
mod need;
pub(crate) mod order;
mod queue;
mod running;
mod spend;
mod status;
mod step;
pub(crate) mod tags;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use gateway_client::Usage;

use crate::clock::Moment;
use crate::config::{Class, Limits, Task, Tier};
use crate::event::WaitReason;
use crate::ladder::Ladder;
use crate::ledger::{Booking, Ledger};
use crate::limits::Meter;
use crate::limits::meter::Entry;
use crate::outcome::Outcome;
use crate::table::{Deployment, Table};
use names::Names;
use order::Lots;
use queue::{Queue, Ticket};
use spend::Spend;

pub use crate::limits::Observed;
pub use explain::{Candidate, Explanation};
pub use need::{Because, Choice, Need, Shape, choose};
pub use spend::{BUDGET_DAYS, Spent};
pub use status::{DeploymentStatus, Status};
pub use step::{Refusal, RequestId, Reservation, Step, Try};

/// Tokens that an answer is taken to have where nothing bounds it.
const ANSWER_TOKENS: u64 = 1_000;

/// See the module's page.
#[derive(Debug, Clone)]
pub struct Policy {
    table: Arc<Table>,
    ledger: Ledger,
    queue: Queue,
    requests: HashMap<u64, Request>,
    attempts: HashMap<u64, Attempt>,
    users: Names,
    projects: Names,
    /// What is configured of users, by their numbers.
    quotas: HashMap<usize, Quota>,
    spend: Spend,
    /// The autocomplete of each editor that waits.
    newest: HashMap<(usize, String), u64>,
    woken: Vec<RequestId>,
    next_wake: Option<Moment>,
    lots: Lots,
    last_id: u64,
}

/// What a user may have.
#[derive(Debug, Clone, Default)]
struct Quota {
    share: u32,
    meter: Meter,
    budget: Option<f64>,
    models: Vec<String>,
}

/// One request.
#[derive(Debug, Clone)]
struct Request {
    user: usize,
    project: usize,
    task: Option<Task>,
    class: Class,
    session: Option<String>,
    ladder: Ladder,
    tokens: (u64, u64),
    /// Its answer comes in one piece.
    whole: bool,
    /// The model first asked for, by the name of its group.
    group: String,
    tier: Option<Tier>,
    state: State,
    attempts: u32,
    held: Option<u64>,
    /// Its entry in the user's meter.
    quota: Option<Entry>,
    /// The same for all that ask for the same model or tier.
    lane: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Idle,
    Waiting { until: Moment, reason: WaitReason },
    Granted(Box<Try>),
    Refused(Refusal),
}

/// An attempt under way.
#[derive(Debug, Clone)]
struct Attempt {
    request: u64,
    rung: usize,
    /// `None`: its deployment is gone from the configuration.
    booking: Option<Booking>,
    deployment: Arc<Deployment>,
}

impl Policy {
    /// A policy over `table`. `seed` draws the lots of weighted choices.
    pub fn new(table: Arc<Table>, seed: u64) -> Self {
        let mut policy = Self {
            ledger: Ledger::of(&table),
            table,
            queue: Queue::default(),
            requests: HashMap::new(),
            attempts: HashMap::new(),
            users: Names::default(),
            projects: Names::default(),
            quotas: HashMap::new(),
            spend: Spend::default(),
            newest: HashMap::new(),
            woken: Vec::new(),
            next_wake: None,
            lots: Lots::new(seed),
            last_id: 0,
        };
        policy.set_quotas();
        policy
    }

    /// The table it decides by.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Goes on with another table: what keeps its name keeps its account, and
    /// requests under way go on where they are. One whose endpoint is gone
    /// from the table is not tried there again.
    pub fn reload(&mut self, table: Arc<Table>, now: Moment) {
        let old = std::mem::replace(&mut self.table, table);
        self.ledger = self.ledger.carried_over(&old, &self.table);
        let moved = |deployment: usize| {
            let deployment = &old.deployments()[deployment];
            self.table.same_deployment(deployment).filter(|_| deployment.in_residency)
        };
        for attempt in self.attempts.values_mut() {
            attempt.booking = attempt
                .booking
                .and_then(|booking| Some(booking.moved_to(moved(booking.deployment)?)));
        }
        for request in self.requests.values_mut() {
            running::move_ladder(&mut request.ladder, &self.table, moved);
        }
        self.set_quotas();
        self.serve(now);
    }

    /// Takes a request in. Nothing is sent or reserved yet.
    ///
    /// # Errors
    /// [`Refusal`]: the model is unknown or not allowed, the budget is used up, or
    /// nobody carries the tags.
    pub fn admit(&mut self, need: &Need<'_>, now: Moment) -> Result<RequestId, Refusal> {
        let choice = choose(&self.table, need)?;
        let (user, project) = (self.users.number(need.user), self.projects.number(need.project));
        let quota = self.quotas.get(&user);
        let allowed = quota.map_or(&[][..], |quota| &quota.models);
        if let Some(refusal) = not_allowed(allowed, need, &choice) {
            return Err(refusal);
        }
        if quota.and_then(|q| q.budget).is_some_and(|most| self.spend.lately(user, now) >= most) {
            return Err(Refusal::OverBudget);
        }
        let tokens = estimate(need);
        let first = choice.routes.first().and_then(|route| route.deployment);
        let group = first.map(|first| self.table.deployments()[first].group.clone());
        let mut ladder = running::ladder(&self.table, &choice, need, tokens);
        let is_barred = |(_, why): (_, Option<&Outcome>)| why == Some(&Outcome::Unusable);
        let has_words = !need.tags.is_empty() || need.user_agent.is_some();
        if has_words && !choice.routes.is_empty() && ladder.rungs().all(is_barred) {
            return Err(Refusal::TagsSuitNobody { tags: need.tags.to_vec() });
        }
        if let Some(quota) = quota.filter(|q| !q.models.is_empty() && choice.tier.is_some()) {
            let allowed = |group: &String| quota.models.contains(group);
            let barred = |route: &crate::table::Route| {
                let deployment = &self.table.deployments()[route.deployment?];
                (!allowed(&deployment.group)).then_some(Outcome::Unusable)
            };
            ladder.exclude(barred);
        }
        order::sort(&mut ladder, need, (&self.table, &self.ledger), &mut self.lots, now);
        self.last_id += 1;
        let id = self.last_id;
        let request = Request {
            user,
            project,
            task: choice.task,
            class: need.class,
            session: need.session.map(str::to_owned),
            ladder,
            tokens,
            whole: need.shape.whole,
            group: group.unwrap_or_default(),
            tier: choice.tier,
            state: State::Idle,
            attempts: 0,
            held: None,
            quota: None,
            lane: lane(need, &choice),
        };
        self.supersede(&request, id);
        self.requests.insert(id, request);
        Ok(RequestId(id))
    }

    /// What request `id` is to do at `now`.
    pub fn next(&mut self, id: RequestId, now: Moment) -> Step {
        self.next_where(id, now, |_| true)
    }

    /// The same, at deployments that `allow` allows; the request does not go to
    /// others any more.
    pub fn next_where(
        &mut self,
        id: RequestId,
        now: Moment,
        allow: impl Fn(&Deployment) -> bool,
    ) -> Step {
        let Some(request) = self.requests.get_mut(&id.0) else {
            return Step::GiveUp(Refusal::Gone);
        };
        if request.held.is_some() && request.state == State::Idle {
            // One attempt at a time: this one has to end first.
            let until = request.ladder.deadline();
            return Step::Wait { until, reason: WaitReason::Busy };
        }
        let table = &self.table;
        request.ladder.exclude(|route| {
            let allowed = route.deployment.is_none_or(|place| allow(&table.deployments()[place]));
            (!allowed).then_some(Outcome::Unusable)
        });
        match request.state {
            State::Idle if request.attempts == 0 => {
                if self.queue.is_empty() {
                    self.go(id, now);
                } else {
                    self.enqueue(id, Moment::NEVER, WaitReason::Busy);
                    self.serve(now);
                }
                self.refuse_if_crowded(id, now);
            }
            State::Idle => {
                self.go(id, now);
            }
            State::Waiting { .. } => self.serve(now),
            State::Granted(_) | State::Refused(_) => {}
        }
        self.told(id)
    }

    /// The request has ended, or its client has gone: everything it holds is
    /// free. Once for each that was admitted; again does no harm.
    pub fn finish(&mut self, id: RequestId, now: Moment) {
        let Some(request) = self.requests.remove(&id.0) else { return };
        self.queue.remove(&ticket(id.0, &request, false));
        self.forget_newest(id.0, &request);
        if let Some(attempt) = request.held.and_then(|held| self.attempts.remove(&held))
            && let Some(booking) = attempt.booking
        {
            self.ledger.settle(booking, None, now);
        }
        self.settle_quota(&request, None, now);
    }

    /// Names those who may call [`next`](Self::next) again with another
    /// result. To be called after any of the other calls.
    pub fn wake(&mut self, now: Moment, woken: &mut Vec<RequestId>) {
        self.serve(now);
        woken.append(&mut self.woken);
    }

    /// When to call [`wake`](Self::wake) if nothing happens before; `None`:
    /// nobody waits.
    pub fn next_wake(&self) -> Option<Moment> {
        self.next_wake
    }

    /// Takes over what an earlier process spent, so that budgets hold. It
    /// counts as of now.
    pub fn restore_spend(&mut self, rows: &[Spent], now: Moment) {
        for row in rows {
            self.restore_spend_of(row, 0, now);
        }
    }

    /// The same for a row that was spent so many days ago.
    pub fn restore_spend_of(&mut self, row: &Spent, days_ago: u64, now: Moment) {
        let purse = (self.users.number(&row.user), self.projects.number(&row.project), row.task);
        self.spend.restore(purse, row, days_ago, now);
    }

    /// From here on what is spent is kept for [`take_fresh_spend`](Self::take_fresh_spend).
    pub fn keep_fresh_spend(&mut self) {
        self.spend.keep_fresh();
    }

    /// What was spent since the last call, without what was taken over.
    pub fn take_fresh_spend(&mut self) -> Vec<Spent> {
        self.spend.take_fresh(&self.users, &self.projects)
    }

    /// What was spent by whom, on what.
    pub fn spent(&self) -> Vec<Spent> {
        self.spend.rows(&self.users, &self.projects)
    }

    /// Takes back what was taken and could not be kept; it comes with the next.
    pub fn give_back_fresh_spend(&mut self, rows: &[Spent]) {
        for row in rows {
            let purse =
                (self.users.number(&row.user), self.projects.number(&row.project), row.task);
            self.spend.give_back(purse, row);
        }
    }

    fn set_quotas(&mut self) {
        let mut quotas = HashMap::new();
        for user in &self.table.config().server.users {
            let number = self.users.number(&user.name);
            let limits = Limits { rpm: user.rpm, tpm: user.tpm, concurrency: None };
            let mut meter = self.quotas.remove(&number).map(|q| q.meter).unwrap_or_default();
            meter.set_limits(limits);
            let (share, budget) = (user.share.unwrap_or(1), user.budget);
            quotas.insert(number, Quota { share, meter, budget, models: user.models.clone() });
        }
        self.quotas = quotas;
    }

    /// An autocomplete that still waits is stale once the next one is there.
    fn supersede(&mut self, newer: &Request, id: u64) {
        let (Some(Task::Autocomplete), Some(session)) = (newer.task, &newer.session) else {
            return;
        };
        let Some(older) = self.newest.insert((newer.user, session.clone()), id) else { return };
        let Some(request) = self.requests.get_mut(&older) else { return };
        if matches!(request.state, State::Waiting { .. }) {
            request.state = State::Refused(Refusal::Superseded);
            let ticket = ticket(older, request, false);
            self.queue.remove(&ticket);
            self.woken.push(RequestId(older));
        }
    }

    fn forget_newest(&mut self, id: u64, request: &Request) {
        if let (Some(Task::Autocomplete), Some(session)) = (request.task, &request.session) {
            let key = (request.user, session.clone());
            if self.newest.get(&key) == Some(&id) {
                self.newest.remove(&key);
            }
        }
    }

    fn settle_quota(&mut self, request: &Request, usage: Option<&Usage>, now: Moment) {
        if let (Some(entry), Some(quota)) = (request.quota, self.quotas.get_mut(&request.user)) {
            quota.meter.settle(entry, usage.map(need::counted), now);
        }
    }
}

/// Why a user who may ask for these models alone may not ask for this one.
fn not_allowed(allowed: &[String], need: &Need<'_>, choice: &Choice) -> Option<Refusal> {
    let named = need.model.filter(|_| choice.because == Because::Model && !allowed.is_empty())?;
    let is_barred = !allowed.iter().any(|model| model == named);
    is_barred.then(|| Refusal::NotAllowed { model: named.to_owned() })
}

fn lane(need: &Need<'_>, choice: &Choice) -> u64 {
    let mut hasher = DefaultHasher::new();
    match choice.tier {
        Some(tier) => tier.hash(&mut hasher),
        None => need.model.hash(&mut hasher),
    }
    hasher.finish()
}

/// Tokens of the request, and of its answer at most.
fn estimate(need: &Need<'_>) -> (u64, u64) {
    (need.shape.prompt_tokens, need.shape.max_output_tokens.unwrap_or(ANSWER_TOKENS))
}

fn ticket(id: u64, request: &Request, has_quota: bool) -> Ticket {
    let ladder = &request.ladder;
    // A ladder that was tried, and a user with limits, have waits of their own.
    let is_common = !has_quota && request.attempts == 0 && ladder.is_untouched();
    Ticket {
        id,
        user: request.user,
        class: request.class,
        tokens: request.tokens,
        deadline: ladder.deadline(),
        lane: is_common.then_some(request.lane),
    }
}
