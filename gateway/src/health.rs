//! How an endpoint has been doing: failures, and the one probe after a cooldown.

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
