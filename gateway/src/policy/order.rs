//! Which of several equals is asked first.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::need::{Need, Shape};
use crate::clock::Moment;
use crate::config::Strategy;
use crate::ladder::Ladder;
use crate::ledger::Ledger;
use crate::table::{Deployment, Route, Table};

/// How many more requests than its least busy equal the deployment with a
/// warm prefix cache may have under way and still be preferred.
const WORTH_WAITING: u64 = 4;

/// Of measured equals those are as fast as the fastest that take at most this
/// many times as long, and [`NEAR`] more.
const AS_FAST: f64 = 1.25;

/// A difference that nobody notices.
const NEAR: Duration = Duration::from_millis(20);

/// Puts the equals on `ladder` in the order that the strategy and the
/// request's prefix ask for.
pub(crate) fn sort(
    ladder: &mut Ladder,
    need: &Need<'_>,
    (table, ledger): (&Table, &Ledger),
    lots: &mut Lots,
    now: Moment,
) {
    let strategy = table.config().routing.strategy;
    if ladder.routes().len() < 2 || strategy == Strategy::Ordered {
        return;
    }
    let busy = |route: &Route| {
        let record = route.deployment.map(|deployment| ledger.deployment(deployment));
        record.map_or(0, |record| record.meter.under_way())
    };
    let least_busy = ladder.routes().iter().map(busy).min().unwrap_or_default();
    let seed = lots.next();
    let speeds = (strategy == Strategy::Latency).then(|| Speeds::of(ladder, ledger, need, now));
    ladder.sort_by_key(|route| {
        let Some(deployment) = route.deployment.map(|place| &table.deployments()[place]) else {
            return (Speed::Fast, 0, 0, 0.0);
        };
        let speed = speeds.as_ref().map_or(Speed::Fast, |speeds| speeds.of_route(route));
        // Among those as fast as the fastest; otherwise it is in the rank already.
        let region = if speeds.is_some() { deployment.region_rank } else { 0 };
        match (speed, need.prefix_hash) {
            (Speed::Fast, Some(prefix)) if strategy != Strategy::Cost => {
                let is_crowded = busy(route) > least_busy + WORTH_WAITING;
                (speed, u8::from(is_crowded), region, lot(prefix, deployment))
            }
            _ => (speed, 0, region, key(strategy, deployment, need, ledger, seed, now)),
        }
    });
}

/// How soon one of several equals answers, the first to be asked first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Speed {
    /// Nobody knows, and nobody is finding out.
    ToBeMeasured,
    /// As fast as the fastest.
    Fast,
    /// In so many seconds.
    Slow(f64),
    /// The first request is finding out.
    BeingMeasured,
}

/// How soon each deployment on a ladder answers, beside its equals.
struct Speeds(Vec<(usize, Speed)>);

impl Speeds {
    fn of(ladder: &Ladder, ledger: &Ledger, need: &Need<'_>, now: Moment) -> Self {
        let record_of = |route: &Route| Some(ledger.deployment(route.deployment?));
        let mean_of = |route: &Route| record_of(route)?.latency(need.shape.whole).mean();
        let speed = |route: &Route| {
            let record = record_of(route)?;
            let latency = record.latency(need.shape.whole);
            let is_unknown = latency.is_unknown(now, ledger.sent());
            let equals = ladder.routes().iter().filter(|other| {
                other.rank == route.rank && !ledger.is_suspect(other.endpoint_index, now)
            });
            let fastest = equals.filter_map(mean_of).min().unwrap_or_default();
            Some(match latency.mean() {
                _ if is_unknown && record.meter.under_way() == 0 => Speed::ToBeMeasured,
                None => Speed::BeingMeasured,
                Some(mean) if mean <= fastest.mul_f64(AS_FAST) + NEAR => Speed::Fast,
                Some(mean) => Speed::Slow(mean.as_secs_f64()),
            })
        };
        let routes = ladder.routes().iter();
        Self(routes.filter_map(|route| Some((route.deployment?, speed(route)?))).collect())
    }

    fn of_route(&self, route: &Route) -> Speed {
        let known = self.0.iter().find(|(place, _)| Some(*place) == route.deployment);
        known.map_or(Speed::BeingMeasured, |(_, speed)| *speed)
    }
}

/// The strategy's own measure; the least goes first.
fn key(
    strategy: Strategy,
    deployment: &Deployment,
    need: &Need<'_>,
    ledger: &Ledger,
    seed: u64,
    now: Moment,
) -> f64 {
    let record = ledger.deployment(deployment.index);
    match strategy {
        Strategy::Ordered => 0.0,
        // Equally fast ones share the load.
        Strategy::Shuffle | Strategy::Latency => lot(seed, deployment),
        Strategy::LeastBusy => {
            record.meter.under_way() as f64 / f64::from(deployment.weight().max(1))
        }
        Strategy::Usage => {
            let (requests, tokens) = record.meter.used(now);
            let limits = record.meter.limits();
            let part = |used: u64, limit: Option<u64>| {
                limit.map_or(0.0, |limit| used as f64 / limit.max(1) as f64)
            };
            part(requests, limits.rpm).max(part(tokens, limits.tpm))
        }
        Strategy::Cost => {
            let Shape { prompt_tokens, .. } = need.shape;
            deployment.facts.price.of(prompt_tokens.max(1), 0, prompt_tokens.max(1))
        }
    }
}

/// A deployment's lot for `seed`: the same each time, and the least of several
/// with a chance by weight (an exponential race).
fn lot(seed: u64, deployment: &Deployment) -> f64 {
    let mut hasher = DefaultHasher::new();
    (seed, deployment.name(), &deployment.group).hash(&mut hasher);
    // 53 bits: as many as a fraction has. Never 0, whose logarithm is none.
    let fraction = ((hasher.finish() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    match deployment.weight() {
        0 => f64::INFINITY,
        weight => -fraction.ln() / f64::from(weight),
    }
}

/// A generator of lots (xorshift64*, Vigna 2016): not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Lots(u64);

impl Lots {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
