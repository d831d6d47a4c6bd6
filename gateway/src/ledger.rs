//! What is known of each endpoint and deployment, across asks: whom to leave
//! alone until when, who has been failing, and how much each has had of its
//! limits.
//!
//! A wait that an endpoint asked for is a floor for everybody. A failure is
//! only a reason to ask others first: the endpoint may be back any time, and
//! asking is the only way to know. Where configuration bounds the failures,
//! the endpoint is left alone after them, and then one request finds out.

use std::time::Duration;

use crate::clock::Moment;
use crate::config::Limits;
use crate::health::{Health, Rules};
use crate::latency::Latency;
use crate::limits::meter::Entry;
use crate::limits::{Free, Meter, Observed};
use crate::outcome::Outcome;
use crate::table::Table;

/// The first wait after a 429 that does not say how long; doubled for each
/// further one in a row, and the least wait from the second on.
const RATE_LIMIT_STEP: Duration = Duration::from_millis(500);

/// The longest wait the gateway makes up by itself.
const RATE_LIMIT_MOST: Duration = Duration::from_secs(16);

/// The state of every endpoint and deployment, by their places in the table.
#[derive(Debug, Clone)]
pub struct Ledger {
    accounts: Vec<Account>,
    deployments: Vec<Record>,
    rules: Rules,
    serial: u64,
}

#[derive(Debug, Clone, Default)]
struct Account {
    not_before: Option<Moment>,
    limits_in_a_row: u32,
    health: Health,
}

/// What is known of one deployment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    endpoint: usize,
    pub(crate) meter: Meter,
    /// Until answers that come as a stream begin.
    pub(crate) first: Latency,
    /// Until answers in one piece are there.
    pub(crate) whole: Latency,
}

impl Record {
    /// How soon answers come, those in one piece or the others.
    pub(crate) fn latency(&self, whole: bool) -> &Latency {
        if whole { &self.whole } else { &self.first }
    }

    fn latency_mut(&mut self, whole: bool) -> &mut Latency {
        if whole { &mut self.whole } else { &mut self.first }
    }
}

/// One attempt's entry in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booking {
    /// Which deployment it is with.
    pub deployment: usize,
    serial: u64,
    entry: Entry,
    sent: Moment,
    input: u64,
    whole: bool,
}

impl Booking {
    /// The same for an answer in one piece, whose time says how long it is and
    /// not how soon it begins.
    #[must_use]
    pub const fn of_whole_answer(self, whole: bool) -> Self {
        Self { whole, ..self }
    }

    /// The same entry in a ledger that was carried over to another table.
    pub(crate) const fn moved_to(self, deployment: usize) -> Self {
        Self { deployment, ..self }
    }
}

impl Ledger {
    /// A clean sheet for this many endpoints, without limits.
    pub fn new(endpoints: usize) -> Self {
        let accounts = vec![Account::default(); endpoints];
        Self { accounts, deployments: Vec::new(), rules: Rules::default(), serial: 0 }
    }

    /// A clean sheet for the endpoints and deployments of `table`.
    pub fn of(table: &Table) -> Self {
        let record = |limits: Limits, endpoint| Record {
            endpoint,
            meter: Meter::new(limits),
            ..Record::default()
        };
        let deployments = table.deployments().iter();
        Self {
            deployments: deployments.map(|d| record(d.facts.limits, d.endpoint_index)).collect(),
            rules: table.rules(),
            ..Self::new(table.endpoints().len())
        }
    }

    /// The same knowledge for another table: what is of the same name at the
    /// same origin keeps its account. Entries of deployments that are gone
    /// must not be used with it.
    #[must_use]
    pub fn carried_over(&self, from: &Table, to: &Table) -> Self {
        let mut ledger = Self { serial: self.serial, ..Self::of(to) };
        for (new, endpoint) in to.endpoints().iter().enumerate() {
            let same = |old: &gateway_client::Endpoint| {
                old.name() == endpoint.name() && old.origin() == endpoint.origin()
            };
            if let Some(old) = from.endpoints().iter().position(same) {
                ledger.accounts[new] = self.accounts[old].clone();
            }
        }
        for new in to.deployments() {
            if let Some(old) = from.same_deployment(new) {
                let record = &mut ledger.deployments[new.index];
                let limits = *record.meter.limits();
                *record = Record { endpoint: new.endpoint_index, ..self.deployments[old].clone() };
                record.meter.set_limits(limits);
            }
        }
        ledger
    }

    /// When `endpoint` may be asked again; `None`: at once.
    pub fn not_before(&self, endpoint: usize, now: Moment) -> Option<Moment> {
        let account = &self.accounts[endpoint];
        account.not_before.max(account.health.closed_until(now)).filter(|until| *until > now)
    }

    /// True if `endpoint` failed lately, so that others are asked first.
    pub fn is_suspect(&self, endpoint: usize, now: Moment) -> bool {
        self.accounts[endpoint].health.is_suspect(now)
    }

    /// Whether a request of `input` tokens with an answer of at most `output`
    /// may be sent to a deployment; `None`: to one of `endpoint` that has no
    /// account of its own.
    pub fn free(
        &self,
        endpoint: usize,
        deployment: Option<usize>,
        (input, output): (u64, u64),
        now: Moment,
    ) -> Free {
        let closed = self.not_before(endpoint, now).map_or(Free::Now, Free::At);
        let probed = match self.accounts[endpoint].health.is_probed() {
            true => Free::WhenSettled,
            false => Free::Now,
        };
        let meter = deployment.and_then(|deployment| self.deployments.get(deployment));
        let limits = meter.map_or(Free::Now, |record| record.meter.free(input, output, now));
        closed.and(probed).and(limits)
    }

    /// Enters an attempt that is being sent to `deployment`.
    pub fn reserve(
        &mut self,
        deployment: usize,
        (input, output): (u64, u64),
        now: Moment,
    ) -> Booking {
        self.serial += 1;
        let serial = self.serial;
        let record = &mut self.deployments[deployment];
        let entry = record.meter.reserve(serial, input, output, now);
        self.accounts[record.endpoint].health.sent(serial);
        Booking { deployment, serial, entry, sent: now, input, whole: false }
    }

    /// Takes note of what an attempt at `endpoint` showed.
    pub fn record(&mut self, endpoint: usize, outcome: &Outcome, now: Moment) {
        let account = &mut self.accounts[endpoint];
        match outcome {
            // A wait that another attempt was told of meanwhile still holds.
            Outcome::Ok => {
                account.limits_in_a_row = 0;
                account.health.succeeded();
            }
            Outcome::RateLimited { retry_after_ms } => {
                let wait = rate_limit_wait(account.limits_in_a_row, *retry_after_ms);
                account.limits_in_a_row = account.limits_in_a_row.saturating_add(1);
                account.leave_alone(now.after(wait));
            }
            Outcome::ServerError { retry_after_ms, .. } => {
                account.health.failed(&self.rules, now);
                if let Some(wait) = retry_after_ms {
                    account.leave_alone(now.after(Duration::from_millis(*wait)));
                }
            }
            Outcome::Loading { retry_after_ms: Some(wait) } => {
                account.leave_alone(now.after(Duration::from_millis(*wait)));
            }
            Outcome::ConnectError | Outcome::Timeout { .. } | Outcome::BadResponse => {
                account.health.failed(&self.rules, now);
            }
            _ => {}
        }
    }

    /// The booked attempt's answer began: it has arrived, and took so long.
    pub fn began(&mut self, booking: &mut Booking, observed: &Observed, now: Moment) {
        let record = &mut self.deployments[booking.deployment];
        record.meter.arrived(&mut booking.entry, now);
        record.meter.observe_all(observed, now);
        let (took, sent) = (now.since(booking.sent), self.serial);
        record.latency_mut(booking.whole).saw(took, booking.input, now, sent);
        self.accounts[record.endpoint].health.ended(booking.serial);
    }

    /// The booked attempt came to nothing before its answer began.
    pub fn failed(
        &mut self,
        mut booking: Booking,
        outcome: &Outcome,
        observed: &Observed,
        now: Moment,
    ) {
        let record = &mut self.deployments[booking.deployment];
        let sent = outcome.was_sent();
        // What may be working on it still has had its tokens.
        if matches!(outcome, Outcome::Timeout { connecting: false }) {
            record.meter.settle(booking.entry, None, now);
            let (waited, sent) = (now.since(booking.sent), self.serial);
            record.latency_mut(booking.whole).late(waited, now, sent);
        } else {
            if sent {
                record.meter.arrived(&mut booking.entry, now);
            }
            record.meter.void(booking.entry, sent, now);
        }
        record.meter.observe(observed, now);
        self.accounts[record.endpoint].health.ended(booking.serial);
    }

    /// The booked attempt's answer has ended, and cost so many tokens; `None`:
    /// not known, the estimate stands.
    pub fn settle(&mut self, booking: Booking, tokens: Option<u64>, now: Moment) {
        let record = &mut self.deployments[booking.deployment];
        record.meter.settle(booking.entry, tokens, now);
        self.accounts[record.endpoint].health.ended(booking.serial);
    }

    /// The room that the booked attempt took is not there: those who share the
    /// limits have it until `until`. Nothing was sent.
    pub(crate) fn full(&mut self, booking: Booking, until: Moment, now: Moment) {
        self.unsent(booking, now);
        self.deployments[booking.deployment].meter.full_until(until);
    }

    /// The booked attempt was not sent after all.
    pub(crate) fn unsent(&mut self, booking: Booking, now: Moment) {
        let record = &mut self.deployments[booking.deployment];
        record.meter.void(booking.entry, false, now);
        self.accounts[record.endpoint].health.ended(booking.serial);
    }

    /// Takes note of a wait that became known some other way.
    pub fn leave_alone(&mut self, endpoint: usize, until: Moment) {
        self.accounts[endpoint].leave_alone(until);
    }

    /// Takes note of an answer of `endpoint` that broke off.
    pub fn record_broken_stream(&mut self, endpoint: usize, now: Moment) {
        self.accounts[endpoint].health.failed(&self.rules, now);
    }

    /// Attempts entered so far, at whomever.
    pub(crate) fn sent(&self) -> u64 {
        self.serial
    }

    /// What is known of a deployment.
    pub(crate) fn deployment(&self, deployment: usize) -> &Record {
        &self.deployments[deployment]
    }
}

impl Account {
    /// Two asks may hear different waits; the later end holds.
    fn leave_alone(&mut self, until: Moment) {
        self.not_before = self.not_before.max(Some(until));
    }
}

/// What was asked for, but no busy loop on an endpoint that says "0" each time.
fn rate_limit_wait(limits_in_a_row: u32, retry_after_ms: Option<u64>) -> Duration {
    let doubled = 2_u32.checked_pow(limits_in_a_row).unwrap_or(u32::MAX);
    let own = RATE_LIMIT_STEP.saturating_mul(doubled).min(RATE_LIMIT_MOST);
    match retry_after_ms.map(Duration::from_millis) {
        None => own,
        Some(wait) if limits_in_a_row == 0 => wait,
        Some(wait) => wait.max(RATE_LIMIT_STEP),
    }
}
