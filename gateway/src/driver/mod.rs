//! Carries out what the ladder decides: attempts over a [`Transport`], as a
//! stream of [`Event`]s.
//!
//! Until the first piece of an answer everything may be tried elsewhere; with
//! it the attempt is committed, and what breaks afterwards is told as
//! [`AskError::StreamBroken`], never hidden behind a clean end.

mod booked;
mod run;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use gateway_client::{Deadlines, Endpoint, Prompt, Transport};

use crate::clock::{Clock, Moment, TokioClock};
use crate::config::{GatewayConfig, ModelRef, Task};
use crate::consent::Consent;
use crate::cooldown::Cooldown;
use crate::event::{AskError, Event};
use crate::ladder::Ladder;
use crate::ledger::Ledger;
use crate::policy::order::{self, Lots};
use crate::policy::{Need, Shape};
use crate::table::{ConfigError, Route, Table};
use run::Run;

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
    /// This model, or an alias of one, and its fallbacks, whatever the task.
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
    /// For the lots of weighted choices.
    lots: Mutex<Lots>,
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
        // Processes should not all begin alike.
        let since = clock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let lots = Mutex::new(Lots::new(u64::from(since.subsec_nanos())));
        Ok(Self { shared: Arc::new(Shared { table, consent, transport, clock, ledger, lots }) })
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

    /// Whom to ask of equals first, by the configured strategy.
    fn sort(&self, ladder: &mut Ladder, prompt_tokens: u64, now: Moment) {
        let shape = Shape { prompt_tokens, ..Shape::default() };
        let need = Need { shape, ..Need::new(ladder.deadline()) };
        let mut lots = self.lots.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        order::sort(ladder, &need, (&self.table, &self.ledger()), &mut lots, now);
    }

    fn endpoint(&self, route: &Route) -> &Endpoint {
        &self.table.endpoints()[route.endpoint_index]
    }

    /// A panic elsewhere leaves notes about endpoints, each whole by itself.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// How long one attempt at `route` may take, with `left` of the ask's own time.
    fn deadlines(&self, route: &Route, left: Duration) -> Deadlines {
        if let Some(place) = route.deployment {
            let bounds = self.table.deployments()[place].bounds;
            return Deadlines { first_event: bounds.first_event.min(left), idle: bounds.idle };
        }
        let timeouts = self.table.timeouts();
        let first_ms = match self.endpoint(route).is_local() {
            true => timeouts.local_first_token_ms,
            false => timeouts.first_token_ms,
        };
        Deadlines {
            first_event: Duration::from_millis(first_ms).min(left),
            idle: Duration::from_millis(timeouts.idle_ms),
        }
    }
}
