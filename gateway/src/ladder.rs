//! One ask's way through the endpoints: whom to try now, what to wait for,
//! when to give up. No sockets, no clock: time comes in, decisions go out.
//!
//! The order is the table's; an endpoint that failed lately moves behind its
//! equals that did not. While anybody can be tried now, nobody is waited for. What
//! failed is tried again only where that can help:
//!
//! | outcome | in this ask |
//! |---|---|
//! | 429 | again after its wait |
//! | loading | again after a quarter second, as often as it takes |
//! | 5xx, lost before the answer | again after 0.5 s and 2 s, then no more |
//! | no connection, 401, 403 | nothing more at this endpoint |
//! | timeout, too long, rejected, not the protocol | not this model here again |
//!
//! What a limit known beforehand would refuse is not sent: it waits for its
//! room as it would for the end of a 429.

use std::time::Duration;

use crate::clock::Moment;
use crate::event::WaitReason;
use crate::ledger::Ledger;
use crate::limits::Free;
use crate::outcome::Outcome;
use crate::table::{Route, Routes, Table};

/// How often a loading engine is asked.
const LOADING_POLL: Duration = Duration::from_millis(250);

/// Waits before a failing server is tried again; then it is given up.
const SERVER_ERROR_WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// The way of one ask.
#[derive(Debug, Clone)]
pub struct Ladder {
    routes: Routes,
    /// One for each route, in the order in which they are to be tried.
    rungs: Vec<Rung>,
    deadline: Moment,
    tokens: (u64, u64),
    server_error_waits: usize,
}

#[derive(Debug, Clone)]
struct Rung {
    /// Its route's place among the routes.
    place: usize,
    not_before: Option<Moment>,
    server_errors: usize,
    /// What its last attempt showed.
    last: Option<Outcome>,
    /// True if this ask will not try it again.
    out: bool,
    /// True once the caller knows that it is being left alone.
    skip_told: bool,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Tell the caller that this rung is passed over, for so long yet.
    Skip {
        /// Its place.
        rung: usize,
        /// What is left of the wait.
        left: Duration,
    },
    /// Try this rung.
    Try {
        /// Its place.
        rung: usize,
    },
    /// Nobody can be tried before then.
    Wait {
        /// Who can be tried then.
        rung: usize,
        /// When.
        until: Moment,
        /// What for.
        reason: WaitReason,
    },
    /// Nothing is left to do within the deadline.
    GiveUp(GiveUp),
}

/// Why an ask ends without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GiveUp {
    /// Nobody could serve; `wait_until` says when somebody might.
    NoModel {
        /// `None`: nothing will change by itself.
        wait_until: Option<Moment>,
    },
    /// Only endpoints without consent are left.
    ConsentNeeded {
        /// Places of one rung for each of them.
        rungs: Vec<usize>,
    },
    /// Refused, and nobody else could serve.
    CredentialsRefused {
        /// The place of the first.
        rung: usize,
    },
    /// Too long for every model that could be asked.
    ContextTooLong {
        /// The place of the last.
        rung: usize,
    },
}

impl Ladder {
    /// A way over `routes`, to be finished by `deadline`. Those that
    /// `permits` refuses are never tried.
    pub fn new(
        routes: impl Into<Routes>,
        deadline: Moment,
        permits: impl Fn(&Route) -> bool,
    ) -> Self {
        let routes = routes.into();
        let rung = |place: usize| {
            let permitted = permits(&routes[place]);
            Rung {
                place,
                not_before: None,
                server_errors: 0,
                last: (!permitted).then_some(Outcome::NoConsent),
                out: !permitted,
                skip_told: false,
            }
        };
        let rungs = (0..routes.len()).map(rung).collect();
        let server_error_waits = SERVER_ERROR_WAITS.len();
        Self { routes, rungs, deadline, tokens: (0, 0), server_error_waits }
    }

    /// The same for a request of `input` tokens with an answer of at most
    /// `output`, for the limits.
    #[must_use]
    pub fn of_tokens(mut self, input: u64, output: u64) -> Self {
        self.tokens = (input, output);
        self
    }

    /// The same with a failing server tried again as often as `table` says
    /// (never more than twice), and without those that the request is too long
    /// for.
    #[must_use]
    pub(crate) fn fitted(self, table: &Table, (input, output): (u64, u64)) -> Self {
        let mut ladder = self.of_tokens(input, output);
        if let Some(retries) = table.config().routing.retries {
            ladder.server_error_waits = (retries as usize).min(SERVER_ERROR_WAITS.len());
        }
        ladder.exclude(|route| {
            let facts = &table.deployments()[route.deployment?].facts;
            let most = facts.max_input_tokens.into_iter().chain(facts.limits.tpm).min();
            most.is_some_and(|most| input > most).then_some(Outcome::ContextTooLong)
        });
        ladder
    }

    /// Puts the rungs of each rank in the order of `key`, the least first;
    /// before anything was tried.
    pub fn sort_by_key<K: PartialOrd>(&mut self, key: impl Fn(&Route) -> K) {
        let mut keyed: Vec<(u32, K, Rung)> = Vec::with_capacity(self.rungs.len());
        for rung in self.rungs.drain(..) {
            let route = &self.routes[rung.place];
            keyed.push((route.rank, key(route), rung));
        }
        keyed.sort_by(|(rank, key, _), (other_rank, other_key, _)| {
            let keys = key.partial_cmp(other_key).unwrap_or(std::cmp::Ordering::Equal);
            rank.cmp(other_rank).then(keys)
        });
        self.rungs.extend(keyed.into_iter().map(|(.., rung)| rung));
    }

    /// Rungs that `why` gives an outcome for are not tried, as if they had
    /// shown it.
    pub fn exclude(&mut self, why: impl Fn(&Route) -> Option<Outcome>) {
        for rung in &mut self.rungs {
            if let Some(outcome) = why(&self.routes[rung.place]).filter(|_| !rung.out) {
                rung.last = Some(outcome);
                rung.out = true;
            }
        }
    }

    /// Every rung, in the order in which they are to be tried, with why it is
    /// not.
    pub fn rungs(&self) -> impl Iterator<Item = (&Route, Option<&Outcome>)> {
        self.rungs.iter().map(|rung| {
            let why = rung.last.as_ref().filter(|_| rung.out);
            (&self.routes[rung.place], why)
        })
    }

    /// The ladder's routes move to the places of another table's.
    pub(crate) fn replace_routes(&mut self, routes: Routes) {
        self.routes = routes;
    }

    /// True if nothing was tried or excluded: it is then as free as any other
    /// of the same routes.
    pub(crate) fn is_untouched(&self) -> bool {
        self.rungs.iter().all(|rung| rung.last.is_none() && rung.not_before.is_none())
    }

    /// The routes it was made of.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The rung at this place.
    pub fn route(&self, rung: usize) -> &Route {
        &self.routes[self.rungs[rung].place]
    }

    fn endpoint_of(&self, rung: usize) -> usize {
        self.route(rung).endpoint_index
    }

    /// When the ask has to be under way.
    pub fn deadline(&self) -> Moment {
        self.deadline
    }

    /// One rung of each endpoint that may not be asked.
    pub fn without_consent(&self) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for (place, rung) in self.rungs.iter().enumerate() {
            let seen = |other: &usize| self.endpoint_of(*other) == self.endpoint_of(place);
            if rung.last == Some(Outcome::NoConsent) && !found.iter().any(seen) {
                found.push(place);
            }
        }
        found
    }

    /// What to do at `now`.
    pub fn next(&mut self, ledger: &Ledger, now: Moment) -> Step {
        if now >= self.deadline {
            return self.give_up(ledger, now);
        }
        let chosen = self.choose(ledger, now);
        let before = chosen.unwrap_or(self.rungs.len());
        if let Some(skip) = self.next_skip(ledger, now, before) {
            return skip;
        }
        match (chosen, self.soonest(ledger, now)) {
            (Some(rung), _) => Step::Try { rung },
            // Who has too much under way may be done any time.
            (None, Some((rung, Moment::NEVER))) => {
                Step::Wait { rung, until: self.deadline, reason: WaitReason::Busy }
            }
            (None, Some((rung, until))) if until < self.deadline => {
                Step::Wait { rung, until, reason: self.wait_reason(rung) }
            }
            _ => self.give_up(ledger, now),
        }
    }

    /// Takes note of how an attempt at `rung` went, here and in `ledger`.
    pub fn record(&mut self, ledger: &mut Ledger, rung: usize, outcome: &Outcome, now: Moment) {
        let endpoint = self.endpoint_of(rung);
        ledger.record(endpoint, outcome, now);
        let waits = &SERVER_ERROR_WAITS[..self.server_error_waits];
        let tried = &mut self.rungs[rung];
        tried.last = Some(outcome.clone());
        // The attempt itself says why the endpoint is left alone now.
        tried.skip_told = true;
        match outcome {
            Outcome::Ok | Outcome::RateLimited { .. } => {}
            Outcome::Loading { .. } => tried.not_before = Some(now.after(LOADING_POLL)),
            Outcome::ServerError { .. } => {
                match waits.get(tried.server_errors) {
                    Some(wait) => tried.not_before = Some(now.after(*wait)),
                    None => tried.out = true,
                }
                tried.server_errors += 1;
            }
            Outcome::ConnectError
            | Outcome::Unauthorized
            | Outcome::Unusable
            | Outcome::Timeout { connecting: true } => {
                self.at(endpoint).for_each(|r| r.out = true);
            }
            _ => tried.out = true,
        }
        if matches!(outcome, Outcome::RateLimited { .. } | Outcome::Loading { .. }) {
            self.at(endpoint).for_each(|r| r.skip_told = true);
        }
    }

    /// Takes note that the answer from `rung` broke off: not there again. An
    /// answer may flow past the deadline for its beginning; whoever goes on with
    /// it is then looked for until `until`.
    pub fn broke_off(&mut self, rung: usize, until: Moment) {
        self.rungs[rung].out = true;
        self.deadline = self.deadline.max(until);
    }

    fn at(&mut self, endpoint: usize) -> impl Iterator<Item = &mut Rung> {
        let routes = &self.routes;
        self.rungs.iter_mut().filter(move |r| routes[r.place].endpoint_index == endpoint)
    }

    /// The first rung that can be tried now; of equals, those of suspect
    /// endpoints last. A doubt is no reason to take another model.
    fn choose(&self, ledger: &Ledger, now: Moment) -> Option<usize> {
        let is_free = |rung: &usize| self.free_at(*rung, ledger, now).is_none_or(|at| at <= now);
        let mut free = self.open().filter(is_free);
        let first = free.next()?;
        let suspect = |rung: usize| ledger.is_suspect(self.endpoint_of(rung), now);
        let equal = |rung: &usize| self.route(*rung).rank == self.route(first).rank;
        if suspect(first) {
            return free.take_while(equal).find(|rung| !suspect(*rung)).or(Some(first));
        }
        Some(first)
    }

    fn open(&self) -> impl Iterator<Item = usize> {
        let too_long = self.rungs.iter().any(|r| r.last == Some(Outcome::ContextTooLong));
        let is_open =
            move |rung: &Rung| !rung.out && (too_long || !self.routes[rung.place].for_long);
        let rungs = self.rungs.iter().enumerate();
        rungs.filter(move |(_, rung)| is_open(rung)).map(|(place, _)| place)
    }

    /// When a rung can be tried; `None`: at once. [`Moment::NEVER`]: nobody
    /// knows.
    fn free_at(&self, rung: usize, ledger: &Ledger, now: Moment) -> Option<Moment> {
        let route = self.route(rung);
        let free = ledger.free(route.endpoint_index, route.deployment, self.tokens, now);
        self.rungs[rung].not_before.max(match free {
            Free::Now => None,
            Free::At(at) => Some(at),
            Free::WhenSettled | Free::Never => Some(Moment::NEVER),
        })
    }

    fn soonest(&self, ledger: &Ledger, now: Moment) -> Option<(usize, Moment)> {
        let times = self.open().map(|rung| (rung, self.free_at(rung, ledger, now).unwrap_or(now)));
        times.min_by_key(|(_, at)| *at)
    }

    /// A rung before `before` that an earlier ask's rate limit closes, if the
    /// caller has not been told of it.
    fn next_skip(&mut self, ledger: &Ledger, now: Moment, before: usize) -> Option<Step> {
        for place in 0..before {
            let (rung, endpoint) = (&self.rungs[place], self.endpoint_of(place));
            if rung.out || rung.skip_told {
                continue;
            }
            if let Some(until) = ledger.not_before(endpoint, now) {
                // Whatever else stands at this endpoint is left alone alike.
                self.at(endpoint).for_each(|r| r.skip_told = true);
                return Some(Step::Skip { rung: place, left: until.since(now) });
            }
        }
        None
    }

    fn wait_reason(&self, rung: usize) -> WaitReason {
        match self.rungs[rung].last {
            Some(Outcome::Loading { .. }) => WaitReason::Loading,
            Some(Outcome::ServerError { .. }) => WaitReason::ServerError,
            _ => WaitReason::RateLimited,
        }
    }

    /// What the caller can do most about comes first.
    fn give_up(&self, ledger: &Ledger, now: Moment) -> Step {
        let last = |wanted: &Outcome| {
            self.rungs.iter().position(|rung| rung.last.as_ref() == Some(wanted))
        };
        Step::GiveUp(if let Some((_, until)) = self.soonest(ledger, now) {
            GiveUp::NoModel { wait_until: Some(until).filter(|until| *until != Moment::NEVER) }
        } else if last(&Outcome::NoConsent).is_some() {
            GiveUp::ConsentNeeded { rungs: self.without_consent() }
        } else if let Some(rung) = last(&Outcome::Unauthorized) {
            GiveUp::CredentialsRefused { rung }
        } else if let Some(rung) = last(&Outcome::ContextTooLong) {
            GiveUp::ContextTooLong { rung }
        } else {
            GiveUp::NoModel { wait_until: None }
        })
    }
}
