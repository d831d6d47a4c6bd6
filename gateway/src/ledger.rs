//! What is known of each endpoint, across asks: whom to leave alone until
//! when, and who has been failing.
//!
//! A wait that an endpoint asked for is a floor for everybody. A failure is
//! only a reason to ask others first: the endpoint may be back any time, and
//! asking is the only way to know.

use std::time::Duration;

use crate::clock::Moment;
use crate::outcome::Outcome;

/// How long a failure counts against an endpoint.
const SUSPECT: Duration = Duration::from_secs(30);

/// The first wait after a 429 that does not say how long; doubled for each
/// further one in a row, and the least wait from the second on.
const RATE_LIMIT_STEP: Duration = Duration::from_millis(500);

/// The longest wait the gateway makes up by itself.
const RATE_LIMIT_MOST: Duration = Duration::from_secs(16);

/// The state of every endpoint, by its place in the table.
#[derive(Debug, Clone)]
pub struct Ledger {
    accounts: Vec<Account>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Account {
    not_before: Option<Moment>,
    suspect_until: Option<Moment>,
    limits_in_a_row: u32,
}

impl Ledger {
    /// A clean sheet for this many endpoints.
    pub fn new(endpoints: usize) -> Self {
        Self { accounts: vec![Account::default(); endpoints] }
    }

    /// When `endpoint` may be asked again; `None`: at once.
    pub fn not_before(&self, endpoint: usize, now: Moment) -> Option<Moment> {
        self.accounts[endpoint].not_before.filter(|until| *until > now)
    }

    /// True if `endpoint` failed lately, so that others are asked first.
    pub fn is_suspect(&self, endpoint: usize, now: Moment) -> bool {
        self.accounts[endpoint].suspect_until.is_some_and(|until| until > now)
    }

    /// Takes note of what an attempt at `endpoint` showed.
    pub fn record(&mut self, endpoint: usize, outcome: &Outcome, now: Moment) {
        let account = &mut self.accounts[endpoint];
        match outcome {
            Outcome::Ok => *account = Account::default(),
            Outcome::RateLimited { retry_after_ms } => {
                let wait = rate_limit_wait(account.limits_in_a_row, *retry_after_ms);
                account.limits_in_a_row = account.limits_in_a_row.saturating_add(1);
                account.leave_alone(now.after(wait));
            }
            Outcome::ServerError { retry_after_ms, .. } => {
                account.suspect_until = Some(now.after(SUSPECT));
                if let Some(wait) = retry_after_ms {
                    account.leave_alone(now.after(Duration::from_millis(*wait)));
                }
            }
            Outcome::Loading { retry_after_ms: Some(wait) } => {
                account.leave_alone(now.after(Duration::from_millis(*wait)));
            }
            Outcome::ConnectError | Outcome::Timeout { .. } | Outcome::BadResponse => {
                account.suspect_until = Some(now.after(SUSPECT));
            }
            _ => {}
        }
    }

    /// Takes note of a wait that became known some other way.
    pub fn leave_alone(&mut self, endpoint: usize, until: Moment) {
        self.accounts[endpoint].leave_alone(until);
    }

    /// Takes note of an answer of `endpoint` that broke off.
    pub fn record_broken_stream(&mut self, endpoint: usize, now: Moment) {
        self.accounts[endpoint].suspect_until = Some(now.after(SUSPECT));
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
