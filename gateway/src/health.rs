//! How a deployment has been doing: failures, the one probe after a cooldown,
//! and how soon its answers begin.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;

/// How long a failure counts against somebody.
pub const SUSPECT: Duration = Duration::from_secs(30);

/// The time in which [`Rules::allowed_fails`] are counted.
const FAILS_WITHIN: Duration = Duration::from_secs(60);

/// When somebody who keeps failing is left alone altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Failures in a minute that are borne; `None`: any number.
    pub allowed_fails: Option<u32>,
    /// How long it is left alone then.
    pub cooldown: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self { allowed_fails: None, cooldown: Duration::from_secs(5) }
    }
}

/// The record of one endpoint.
#[derive(Debug, Clone, Default)]
pub struct Health {
    suspect_until: Option<Moment>,
    fails: VecDeque<Moment>,
    closed_until: Option<Moment>,
    /// Failed last, and nothing has come of it since.
    unproven: bool,
    /// The request that finds out whether it is back.
    probe: Option<u64>,
}

impl Health {
    /// True if it failed lately, or a probe is finding out whether it is back:
    /// others are asked first.
    pub fn is_suspect(&self, now: Moment) -> bool {
        self.suspect_until.is_some_and(|until| until > now) || self.probe.is_some()
    }

    /// Until when it is left alone after too many failures; `None`: it is not.
    pub fn closed_until(&self, now: Moment) -> Option<Moment> {
        self.closed_until.filter(|until| *until > now)
    }

    /// True if one request is finding out whether it is back, and no other may.
    pub fn is_probed(&self) -> bool {
        self.closed_until.is_some() && self.probe.is_some()
    }

    /// Request `serial` is being sent there.
    pub fn sent(&mut self, serial: u64) {
        if self.unproven && self.probe.is_none() {
            self.probe = Some(serial);
        }
    }

    /// Request `serial` has ended one way or another.
    pub fn ended(&mut self, serial: u64) {
        if self.probe == Some(serial) {
            self.probe = None;
        }
    }

    /// An answer began.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// An attempt failed by no fault of the request's.
    pub fn failed(&mut self, rules: &Rules, now: Moment) {
        self.suspect_until = Some(now.after(SUSPECT));
        let was_probe = std::mem::replace(&mut self.unproven, true) && self.closed_until.is_some();
        let Some(allowed) = rules.allowed_fails else { return };
        self.fails.push_back(now);
        while self.fails.front().is_some_and(|at| at.after(FAILS_WITHIN) <= now) {
            self.fails.pop_front();
        }
        if was_probe || self.fails.len() > allowed as usize {
            self.fails.clear();
            self.closed_until = Some(now.after(rules.cooldown));
        }
    }
}

/// Answers that are remembered.
const REMEMBERED: usize = 64;

/// Answers to have seen before a bound is drawn from them.
const ENOUGH: usize = 16;

/// The bound is this many times what nearly all answers took.
const SLACK: u32 = 4;

/// No bound is drawn below this: the machine itself may be busy.
const LEAST: Duration = Duration::from_secs(2);

/// The weight of the latest answer in the mean.
const LATEST: f64 = 0.2;

/// How soon the answers of one deployment begin.
#[derive(Debug, Clone, Default)]
pub struct Latency {
    /// The last of them: how long it took, and the tokens of the request.
    seen: VecDeque<(Duration, u64)>,
    mean_s: Option<f64>,
    /// See [`Latency::bound`]; kept, since sorting takes time.
    high: Option<(Duration, u64)>,
}

impl Latency {
    /// An answer to a request of `tokens` began after `took`.
    pub fn saw(&mut self, took: Duration, tokens: u64) {
        let seconds = took.as_secs_f64();
        self.mean_s = Some(self.mean_s.map_or(seconds, |mean| mean + LATEST * (seconds - mean)));
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back((took, tokens));
        if self.seen.len() >= ENOUGH {
            let mut times: Vec<Duration> = self.seen.iter().map(|(took, _)| *took).collect();
            times.sort_unstable();
            let high = times[times.len() * 95 / 100];
            let most = self.seen.iter().map(|(_, tokens)| *tokens).max().unwrap_or_default();
            self.high = Some((high, most));
        }
    }

    /// The mean, the latest counting most; `None`: no answer yet.
    pub fn mean(&self) -> Option<Duration> {
        self.mean_s.map(Duration::from_secs_f64)
    }

    /// When an answer to a request of `tokens` is so late that it is better
    /// sought elsewhere. `None`: too little is known.
    ///
    /// Four times what 95 of 100 answers took; longer in proportion for a
    /// request that is longer than any seen, since engines read it first.
    pub fn bound(&self, tokens: u64) -> Option<Duration> {
        let (high, most) = self.high?;
        let longer = (tokens as f64 / most.max(1) as f64).max(1.0);
        let bound = (high * SLACK).as_secs_f64() * longer;
        Some(Duration::try_from_secs_f64(bound).unwrap_or(Duration::MAX).max(LEAST))
    }
}
