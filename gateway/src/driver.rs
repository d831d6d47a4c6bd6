//! Carries out what the ladder decides: attempts over a [`Transport`], as a
//! stream of [`Event`]s.
//!
//! Until the first piece of an answer everything may be tried elsewhere; with
//! it the attempt is committed, and what breaks afterwards is told as
//! [`AskError::StreamBroken`], never hidden behind a clean end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use gateway_client::{
    ChatRequest, ClientError, Deadlines, Endpoint, EventStream, Prompt, StreamEvent, Transport,
};

use crate::clock::{Clock, Moment, TokioClock};
use crate::config::{GatewayConfig, ModelRef, Task};
use crate::consent::Consent;
use crate::cooldown::Cooldown;
use crate::event::{AskError, Event, WaitReason};
use crate::ladder::{GiveUp, Ladder, Step};
use crate::ledger::Ledger;
use crate::outcome::{Attempt, Outcome, as_ms, chain};
use crate::table::{ConfigError, Route, Table};

/// The events of one ask. Dropping it ends the request that is under way;
/// polling it after its end gives `None` again.
pub type AskStream = BoxStream<'static, Result<Event, AskError>>;

/// Something to be answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// What it is about: decides the tier.
    pub task: Task,
    /// The prompt.
    pub prompt: Prompt,
    /// Only this model, whatever the task.
    pub model: Option<ModelRef>,
    /// How long to look for somebody who begins the answer; `None`: as
    /// configured. An answer that has begun may take as long as it flows.
    pub deadline: Option<Duration>,
}

impl Ask {
    /// An ask with the configured tier and deadline.
    pub fn new(task: Task, prompt: Prompt) -> Self {
        Self { task, prompt, model: None, deadline: None }
    }
}

/// The gateway, in process. Cheap to clone; clones share what is known of the
/// endpoints.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
}

struct Shared {
    table: Table,
    consent: Consent,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    ledger: Mutex<Ledger>,
}

impl Gateway {
    /// A gateway over these endpoints. Touches none of them yet.
    ///
    /// `allow_remote` of the configuration counts as consent to all.
    ///
    /// # Errors
    /// A configuration that makes no sense.
    pub fn new(
        config: GatewayConfig,
        consent: Consent,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, ConfigError> {
        Self::with_clock(config, consent, transport, Arc::new(TokioClock::default()))
    }

    /// The same, with a clock of the caller's.
    ///
    /// # Errors
    /// A configuration that makes no sense.
    pub fn with_clock(
        config: GatewayConfig,
        mut consent: Consent,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        consent.allow_remote |= config.allow_remote;
        let table = Table::new(config)?;
        let ledger = Mutex::new(Ledger::of(&table));
        Ok(Self { shared: Arc::new(Shared { table, consent, transport, clock, ledger }) })
    }

    /// Answers `ask`. Nothing happens until the stream is polled.
    pub fn ask(&self, ask: Ask) -> AskStream {
        let run = Run::new(Arc::clone(&self.shared), ask);
        let events =
            stream::unfold(run, |mut run| async { run.next().await.map(|event| (event, run)) });
        events.fuse().boxed()
    }

    /// Whom `ask` would be tried with, best first, those without consent
    /// included: for showing, sends nothing.
    pub fn routes(&self, ask: &Ask) -> Vec<Route> {
        self.shared.routes(ask)
    }

    /// The endpoint of a route.
    pub fn endpoint(&self, route: &Route) -> &Endpoint {
        self.shared.endpoint(route)
    }

    /// True if `route` may be used.
    pub fn permits(&self, route: &Route) -> bool {
        self.shared.consent.permits(self.endpoint(route))
    }

    /// Who asked to be left alone, and until when: to be kept for the next
    /// process. Empty: nobody.
    pub fn cooldowns(&self) -> Vec<Cooldown> {
        let (now, wall) = (self.shared.clock.now(), self.shared.clock.wall());
        let ledger = self.shared.ledger();
        let kept = self.endpoints().iter().enumerate().filter_map(|(index, endpoint)| {
            let left = ledger.not_before(index, now)?.since(now);
            Some(Cooldown::new(endpoint.name(), endpoint.origin(), wall.checked_add(left)?))
        });
        kept.collect()
    }

    /// Takes over what an earlier process kept. Entries that are over, lie more
    /// than a day ahead, or are of endpoints not known here are dropped.
    pub fn restore_cooldowns(&self, kept: &[Cooldown]) {
        let (now, wall) = (self.shared.clock.now(), self.shared.clock.wall());
        let mut ledger = self.shared.ledger();
        for (index, endpoint) in self.endpoints().iter().enumerate() {
            let same =
                |c: &&Cooldown| c.endpoint == endpoint.name() && c.origin == endpoint.origin();
            for left in kept.iter().filter(same).filter_map(|cooldown| cooldown.left(wall)) {
                ledger.leave_alone(index, now.after(left));
            }
        }
    }

    /// Every endpoint, in the order of the configuration.
    pub fn endpoints(&self) -> &[Endpoint] {
        self.shared.table.endpoints()
    }
}

impl Shared {
    fn routes(&self, ask: &Ask) -> Vec<Route> {
        match &ask.model {
            Some(wanted) => self.table.routes_to(wanted, ask.task),
            None => self.table.routes(ask.task),
        }
    }

    fn endpoint(&self, route: &Route) -> &Endpoint {
        &self.table.endpoints()[route.endpoint_index]
    }

    /// A panic elsewhere leaves notes about endpoints, each whole by itself.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn deadlines(&self, endpoint: &Endpoint, left: Duration) -> Deadlines {
        let timeouts = self.table.timeouts();
        let first_ms = if endpoint.is_local() {
            timeouts.local_first_token_ms
        } else {
            timeouts.first_token_ms
        };
        Deadlines {
            first_event: Duration::from_millis(first_ms).min(left),
            idle: Duration::from_millis(timeouts.idle_ms),
        }
    }
}

/// One ask under way.
struct Run {
    shared: Arc<Shared>,
    prompt: Prompt,
    ladder: Ladder,
    due: VecDeque<Result<Event, AskError>>,
    attempts: Vec<Attempt>,
    /// How long the request was held back since the last attempt.
    held: Duration,
    loading_told: Vec<String>,
    loading_wait_told: bool,
    phase: Phase,
}

enum Phase {
    Choosing,
    Waiting(Moment),
    Reading(Reading),
    Over,
}

struct Reading {
    rung: usize,
    events: EventStream,
    sent: Moment,
    committed: bool,
    partial: String,
}

impl Run {
    fn new(shared: Arc<Shared>, ask: Ask) -> Self {
        let configured = Duration::from_millis(shared.table.timeouts().deadline_ms);
        let deadline = shared.clock.now().after(ask.deadline.unwrap_or(configured));
        let permits = |route: &Route| shared.consent.permits(shared.endpoint(route));
        let ladder = Ladder::new(shared.routes(&ask), deadline, permits);
        let mut run = Self {
            shared,
            prompt: ask.prompt,
            ladder,
            due: VecDeque::new(),
            attempts: Vec::new(),
            held: Duration::ZERO,
            loading_told: Vec::new(),
            loading_wait_told: false,
            phase: Phase::Choosing,
        };
        for rung in run.ladder.without_consent() {
            run.tell(rung, Outcome::NoConsent, Duration::ZERO, None);
        }
        run
    }

    async fn next(&mut self) -> Option<Result<Event, AskError>> {
        loop {
            if let Some(event) = self.due.pop_front() {
                return Some(event);
            }
            match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Over => return None,
                Phase::Choosing => self.choose().await,
                Phase::Waiting(until) => {
                    let from = self.shared.clock.now();
                    self.shared.clock.sleep_until(until).await;
                    self.held += self.shared.clock.now().since(from);
                    self.phase = Phase::Choosing;
                }
                Phase::Reading(reading) => self.read(reading).await,
            }
        }
    }

    async fn choose(&mut self) {
        let now = self.shared.clock.now();
        let step = self.ladder.next(&self.shared.ledger(), now);
        self.phase = Phase::Choosing;
        match step {
            Step::Skip { rung, left } => {
                let outcome = Outcome::SkippedCooldown { left_ms: as_ms(left) };
                self.tell(rung, outcome, Duration::ZERO, None);
            }
            Step::Try { rung } => self.attempt(rung, now).await,
            Step::Wait { rung, until, reason } => {
                let Route { endpoint, model, .. } = self.ladder.route(rung).clone();
                let wait_ms = as_ms(until.since(now));
                let told = reason == WaitReason::Loading
                    && std::mem::replace(&mut self.loading_wait_told, true);
                if !told {
                    self.due.push_back(Ok(Event::Wait { endpoint, model, wait_ms, reason }));
                }
                self.phase = Phase::Waiting(until);
            }
            Step::GiveUp(why) => {
                let error = self.given_up(why, now);
                self.end(Err(error));
            }
        }
    }

    async fn attempt(&mut self, rung: usize, now: Moment) {
        let route = self.ladder.route(rung);
        let endpoint = self.shared.endpoint(route);
        let deadlines = self.shared.deadlines(endpoint, self.ladder.deadline().since(now));
        let request = ChatRequest { model: route.model.clone(), prompt: self.prompt.clone() };
        match self.shared.transport.chat(endpoint, &request, deadlines).await {
            Ok(events) => {
                let (committed, partial) = (false, String::new());
                self.phase =
                    Phase::Reading(Reading { rung, events, sent: now, committed, partial });
            }
            Err(error) => self.failed(rung, now, &error),
        }
    }

    async fn read(&mut self, mut reading: Reading) {
        match reading.events.next().await {
            Some(Ok(StreamEvent::Reasoning(text))) => {
                self.due.push_back(Ok(Event::Reasoning { text }));
            }
            Some(Ok(StreamEvent::Delta(text))) => {
                self.commit(&mut reading);
                reading.partial.push_str(&text);
                self.due.push_back(Ok(Event::Delta { text }));
            }
            Some(Ok(StreamEvent::ToolCall(call))) => {
                self.commit(&mut reading);
                self.due.push_back(Ok(Event::ToolCall(call)));
            }
            Some(Ok(StreamEvent::Usage(usage))) => {
                self.commit(&mut reading);
                self.due.push_back(Ok(Event::Usage(usage)));
            }
            Some(Ok(StreamEvent::Finish(finish_reason))) => {
                self.commit(&mut reading);
                let Route { endpoint, model, tier, .. } = self.ladder.route(reading.rung).clone();
                return self.end(Ok(Event::Done { finish_reason, endpoint, model, tier }));
            }
            // An event this gateway does not know carries nothing it could pass on.
            Some(Ok(_)) => {}
            Some(Err(error)) => return self.broken(reading, error),
            None => {
                let host = self.shared.endpoint(self.ladder.route(reading.rung)).host();
                let message = "the transport ended it without a finish reason".to_owned();
                let error = ClientError::BrokenStream { host, message, source: None };
                return self.broken(reading, error);
            }
        }
        self.phase = Phase::Reading(reading);
    }

    /// From here on the answer comes from this attempt or not at all.
    fn commit(&mut self, reading: &mut Reading) {
        if reading.committed {
            return;
        }
        reading.committed = true;
        let now = self.shared.clock.now();
        self.ladder.record(&mut self.shared.ledger(), reading.rung, &Outcome::Ok, now);
        self.tell(reading.rung, Outcome::Ok, now.since(reading.sent), None);
    }

    fn broken(&mut self, reading: Reading, error: ClientError) {
        if !reading.committed {
            return self.failed(reading.rung, reading.sent, &error);
        }
        let Route { endpoint_index, endpoint, model, .. } = self.ladder.route(reading.rung).clone();
        let now = self.shared.clock.now();
        self.shared.ledger().record_broken_stream(endpoint_index, now);
        let partial = reading.partial;
        self.end(Err(AskError::StreamBroken { endpoint, model, partial, source: error }));
    }

    /// An attempt came to nothing: on to the next.
    fn failed(&mut self, rung: usize, sent: Moment, error: &ClientError) {
        let now = self.shared.clock.now();
        let outcome = Outcome::from_error(error);
        self.ladder.record(&mut self.shared.ledger(), rung, &outcome, now);
        self.tell(rung, outcome, now.since(sent), Some(chain(error)));
        self.phase = Phase::Choosing;
    }

    /// Passes an attempt on, and keeps it for the error there may be.
    fn tell(&mut self, rung: usize, outcome: Outcome, took: Duration, detail: Option<String>) {
        let Route { endpoint, model, .. } = self.ladder.route(rung).clone();
        // A model that loads for a minute is asked a hundred times: told once.
        if matches!(outcome, Outcome::Loading { .. }) {
            if self.loading_told.contains(&endpoint) {
                return;
            }
            self.loading_told.push(endpoint.clone());
        }
        let tried = !matches!(outcome, Outcome::SkippedCooldown { .. } | Outcome::NoConsent);
        let held = if tried { std::mem::take(&mut self.held) } else { Duration::ZERO };
        let (wait_ms, took_ms) = (as_ms(held), as_ms(took));
        let attempt = Attempt { endpoint, model, outcome, wait_ms, took_ms, detail };
        self.attempts.push(attempt.clone());
        self.due.push_back(Ok(Event::Attempt(attempt)));
    }

    fn given_up(&mut self, why: GiveUp, now: Moment) -> AskError {
        let attempts = std::mem::take(&mut self.attempts);
        match why {
            GiveUp::NoModel { wait_until } => {
                let wait = wait_until.map(|until| until.since(now));
                let wall = self.shared.clock.wall();
                let wait_until = wait.and_then(|wait| wall.checked_add(wait));
                AskError::NoModel { wait_until, wait, attempts }
            }
            GiveUp::ConsentNeeded { rungs } => {
                let routes = || rungs.iter().map(|rung| self.ladder.route(*rung));
                let endpoints = routes().map(|route| route.endpoint.clone()).collect();
                let origins = routes().map(|route| self.shared.endpoint(route).origin()).collect();
                AskError::ConsentNeeded { endpoints, origins, attempts }
            }
            GiveUp::CredentialsRefused { rung } => {
                let endpoint = self.ladder.route(rung).endpoint.clone();
                AskError::CredentialsRefused { endpoint, attempts }
            }
            GiveUp::ContextTooLong { rung } => {
                let Route { endpoint, model, .. } = self.ladder.route(rung).clone();
                AskError::ContextTooLong { endpoint, model, attempts }
            }
        }
    }

    fn end(&mut self, last: Result<Event, AskError>) {
        self.due.push_back(last);
        self.phase = Phase::Over;
    }
}
