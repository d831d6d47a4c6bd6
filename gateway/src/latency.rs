//! How soon answers come, as measured by the requests there are: nobody is asked
//! for the sake of measuring.
//!
//! What was measured is good for half a minute. A deployment that is not asked
//! because it was slow would be slow for ever by that: once what is known of it
//! is old, and enough went elsewhere meanwhile, one request finds out anew.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;

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

/// How long what was measured tells anything.
const FRESH: Duration = Duration::from_secs(30);

/// Requests that go elsewhere, at least, for each that finds out anew.
const PASSED_OVER: u64 = 16;

/// How soon the answers of one deployment come.
#[derive(Debug, Clone, Default)]
pub struct Latency {
    /// The last of them: how long it took, and the tokens of the request.
    seen: VecDeque<(Duration, u64)>,
    mean_s: Option<f64>,
    /// When the last was measured, and how many requests were sent to anybody
    /// until then.
    last: Option<(Moment, u64)>,
    /// See [`Latency::bound`]; kept, since sorting takes time.
    high: Option<(Duration, u64)>,
}

impl Latency {
    /// An answer to a request of `tokens` came at `now`, after `took`. `sent`
    /// counts the requests that were sent to anybody so far.
    pub fn saw(&mut self, took: Duration, tokens: u64, now: Moment, sent: u64) {
        self.measured(took, now, sent);
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

    /// No answer had come at `now`, after `waited`: it would have taken longer.
    /// The bound stays as it is, else each that passes would widen it.
    pub fn late(&mut self, waited: Duration, now: Moment, sent: u64) {
        self.measured(waited, now, sent);
    }

    /// The mean, the latest counting most; `None`: no answer yet.
    pub fn mean(&self) -> Option<Duration> {
        self.mean_s.map(Duration::from_secs_f64)
    }

    /// True if a request should find out how soon answers come now.
    pub fn is_unknown(&self, now: Moment, sent: u64) -> bool {
        self.last.is_none_or(|(at, counted)| {
            now.since(at) >= FRESH && sent.saturating_sub(counted) >= PASSED_OVER
        })
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

    fn measured(&mut self, took: Duration, now: Moment, sent: u64) {
        let seconds = took.as_secs_f64();
        let fresh = self.last.is_some_and(|(at, _)| now.since(at) < FRESH);
        let known = self.mean_s.filter(|_| fresh);
        self.mean_s = Some(known.map_or(seconds, |mean| mean + LATEST * (seconds - mean)));
        self.last = Some((now, sent));
    }
}
