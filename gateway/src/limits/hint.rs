//! What an endpoint says it will still take.
//!
//! `remaining` counts down with each request until the next answer brings a
//! new figure. How it grows back depends on how the endpoint counts: a bucket
//! refills evenly, and then `reset` is the time to *full*, in proportion to
//! what is missing; a window jumps at `reset`. The figures of one answer tell
//! which it is; in doubt it jumps, which waits longer but is not refused.

use std::time::Duration;

use super::Left;
use crate::clock::Moment;

/// How far a bucket's own figures may be off its even rate, in parts of it.
const EVENLY: f64 = 0.2;

/// How long what an endpoint gives lasts where it has not said so lately.
const PERIOD: Duration = Duration::from_secs(60);

/// The periods that limits are given for: a minute, a day.
const PERIODS_S: [f64; 2] = [60.0, 86_400.0];

/// What is left of one limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hint {
    left: f64,
    /// When `left` was true.
    at: Moment,
    reset_at: Moment,
    limit: Option<u64>,
    /// What comes back each second; `None`: all at once, at `reset_at`.
    per_second: Option<f64>,
    /// Nothing can be told from it any more from then on.
    stale_at: Moment,
}

impl Hint {
    /// What an answer said at `now`, less what is under way that it may not
    /// have counted. `None`: too little to go by.
    pub fn new(said: &Left, under_way: u64, now: Moment) -> Option<Self> {
        let (remaining, reset) = (said.remaining?, said.reset?);
        Some(Self {
            left: remaining.saturating_sub(under_way) as f64,
            at: now,
            reset_at: now.after(reset),
            limit: said.limit,
            per_second: said.limit.and_then(|limit| refill(limit, remaining, reset)),
            stale_at: now.after(reset.max(PERIOD)),
        })
    }

    /// Takes note of `amount` being sent at `now`.
    pub fn take(&mut self, amount: u64, now: Moment) {
        if now >= self.stale_at {
            return;
        }
        self.left = (self.available(now) - amount as f64).max(0.0);
        if now >= self.reset_at {
            self.reset_at = now.after(PERIOD);
        }
        self.at = now;
    }

    /// When `amount` may be sent; `None`: at once.
    pub fn free_at(&self, amount: u64, now: Moment) -> Option<Moment> {
        // More than the limit is never there: all of it must do.
        let amount = self.limit.map_or(amount, |limit| amount.min(limit)) as f64;
        let missing = amount - self.available(now);
        if missing <= 0.0 {
            return None;
        }
        let Some(rate) = self.per_second else { return Some(self.reset_at) };
        let wait = Duration::try_from_secs_f64(missing / rate).unwrap_or(PERIOD);
        Some(now.after(wait).min(self.reset_at.max(now)))
    }

    /// What is left at `now`, as far as is known.
    pub fn left(&self, now: Moment) -> Option<u64> {
        let left = self.available(now);
        left.is_finite().then_some(left as u64)
    }

    fn available(&self, now: Moment) -> f64 {
        let limit = self.limit.map_or(f64::INFINITY, |limit| limit as f64);
        if now >= self.stale_at {
            return f64::INFINITY;
        }
        if now >= self.reset_at {
            return limit;
        }
        let grown = self.per_second.unwrap_or_default() * now.since(self.at).as_secs_f64();
        (self.left + grown).min(limit)
    }
}

/// The rate of a bucket whose figures these are; `None`: they are a window's.
fn refill(limit: u64, remaining: u64, reset: Duration) -> Option<f64> {
    let missing = limit.checked_sub(remaining).filter(|missing| *missing > 0)? as f64;
    let seconds = reset.as_secs_f64();
    let even = |period: &f64| {
        let expected = missing / limit as f64 * period;
        (seconds - expected).abs() <= EVENLY * expected
    };
    // At nothing left both ways to count give the same figures: it jumps.
    let is_bucket = remaining > 0 && seconds > 0.0 && PERIODS_S.iter().any(even);
    is_bucket.then(|| missing / seconds)
}
