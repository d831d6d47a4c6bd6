//! One ask's way: what the ladder decides, carried out one step at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use gateway_client::{
    Answered, ChatRequest, ClientError, EventStream, Failed, Observed, Prompt, StreamEvent, Usage,
};

use super::booked::{Booked, estimate};
use super::{Ask, Shared};
use crate::clock::Moment;
use crate::event::{AskError, Event, WaitReason};
use crate::ladder::{GiveUp, Ladder, Step};
use crate::outcome::{Attempt, Outcome, as_ms, chain};
use crate::policy::{Need, tags};
use crate::table::Route;

/// How often an ask looks whether another has ended.
const BUSY_POLL: Duration = Duration::from_millis(100);

/// One ask under way.
pub(super) struct Run {
    shared: Arc<Shared>,
    prompt: Prompt,
    /// Of the prompt, and of the answer at most; for the limits.
    tokens: (u64, u64),
    ladder: Ladder,
    due: VecDeque<Result<Event, AskError>>,
    attempts: Vec<Attempt>,
    /// How long the request was held back since the last attempt.
    held: Duration,
    loading_told: Vec<String>,
    wait_told: bool,
    phase: Phase,
}

enum Phase {
    Choosing,
    Waiting(Moment),
    Reading(Box<Reading>),
    Over,
}

struct Reading {
    rung: usize,
    events: EventStream,
    sent: Moment,
    committed: bool,
    partial: String,
    booked: Booked,
    usage: Option<Usage>,
    /// What the endpoint said of its limits.
    observed: Observed,
}

impl Run {
    pub(super) fn new(shared: Arc<Shared>, ask: Ask) -> Self {
        let configured = Duration::from_millis(shared.table.timeouts().deadline_ms);
        let now = shared.clock.now();
        let deadline = now.after(ask.deadline.unwrap_or(configured));
        let permits = |route: &Route| shared.consent.permits(shared.endpoint(route));
        let tokens = estimate(&ask.prompt);
        let mut ladder =
            Ladder::new(shared.routes(&ask), deadline, permits).fitted(&shared.table, tokens);
        tags::keep_to(&mut ladder, &shared.table, &Need::new(deadline));
        shared.sort(&mut ladder, tokens.0, now);
        let mut run = Self {
            shared,
            prompt: ask.prompt,
            tokens,
            ladder,
            due: VecDeque::new(),
            attempts: Vec::new(),
            held: Duration::ZERO,
            loading_told: Vec::new(),
            wait_told: false,
            phase: Phase::Choosing,
        };
        for rung in run.ladder.without_consent() {
            run.tell(rung, Outcome::NoConsent, Duration::ZERO, None);
        }
        run
    }

    pub(super) async fn next(&mut self) -> Option<Result<Event, AskError>> {
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
        // Its room is taken under the lock it was found under.
        let (step, booked) = {
            let mut ledger = self.shared.ledger();
            let step = self.ladder.next(&ledger, now);
            let place = match &step {
                Step::Try { rung } => self.ladder.route(*rung).deployment,
                _ => None,
            };
            (step, place.map(|place| ledger.reserve(place, self.tokens, now)))
        };
        let booked = Booked::new(&self.shared, booked);
        self.phase = Phase::Choosing;
        match step {
            Step::Skip { rung, left } => {
                let outcome = Outcome::SkippedCooldown { left_ms: as_ms(left) };
                self.tell(rung, outcome, Duration::ZERO, None);
            }
            Step::Try { rung } => self.attempt(rung, now, booked).await,
            Step::Wait { rung, until, reason } => {
                let Route { endpoint, model, .. } = self.ladder.route(rung).clone();
                let wait_ms = as_ms(until.since(now));
                let again_and_again = matches!(reason, WaitReason::Loading | WaitReason::Busy);
                let told = again_and_again && std::mem::replace(&mut self.wait_told, true);
                if !told {
                    self.due.push_back(Ok(Event::Wait { endpoint, model, wait_ms, reason }));
                }
                // Who has too much under way may be done any time: nobody tells.
                let busy = reason == WaitReason::Busy;
                self.phase =
                    Phase::Waiting(if busy { until.min(now.after(BUSY_POLL)) } else { until });
            }
            Step::GiveUp(why) => {
                let error = self.given_up(why, now);
                self.end(Err(error));
            }
        }
    }

    async fn attempt(&mut self, rung: usize, now: Moment, mut booked: Booked) {
        let route = self.ladder.route(rung);
        let endpoint = self.shared.endpoint(route);
        let deadlines = self.shared.deadlines(route, self.ladder.deadline().since(now));
        let request = ChatRequest { model: route.model.clone(), prompt: self.prompt.clone() };
        match self.shared.transport.chat(endpoint, &request, deadlines).await {
            Ok(Answered { events, observed }) => {
                self.phase = Phase::Reading(Box::new(Reading {
                    rung,
                    events,
                    sent: now,
                    committed: false,
                    partial: String::new(),
                    booked,
                    usage: None,
                    observed,
                }));
            }
            Err(Failed { error, observed }) => {
                booked.failed(&Outcome::from_error(&error), &observed);
                self.failed(rung, now, &error);
            }
        }
    }

    async fn read(&mut self, mut reading: Box<Reading>) {
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
                reading.usage = Some(usage);
                self.due.push_back(Ok(Event::Usage(usage)));
            }
            Some(Ok(StreamEvent::Finish(finish_reason))) => {
                self.commit(&mut reading);
                reading.booked.settle(reading.usage.as_ref());
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
        reading.booked.began(&reading.observed);
        let now = self.shared.clock.now();
        self.ladder.record(&mut self.shared.ledger(), reading.rung, &Outcome::Ok, now);
        self.tell(reading.rung, Outcome::Ok, now.since(reading.sent), None);
    }

    fn broken(&mut self, mut reading: Box<Reading>, error: ClientError) {
        if !reading.committed {
            reading.booked.failed(&Outcome::from_error(&error), &reading.observed);
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
