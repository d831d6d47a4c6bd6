//! Time as the gateway sees it, so that tests can make it up.

use std::time::{Duration, Instant, SystemTime};

use futures::future::BoxFuture;

/// A point in time, counted from when its [`Clock`] was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(Duration);

impl Moment {
    /// A moment that does not come.
    pub const NEVER: Self = Self(Duration::MAX);

    /// The moment `since_start` after the clock was made.
    pub const fn at(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// This moment and `wait`; at the end of time it stays there.
    #[must_use]
    pub const fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }

    /// How long ago `earlier` was; zero if it is still to come.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Tells the time and waits for it.
pub trait Clock: Send + Sync {
    /// Now; never goes back.
    fn now(&self) -> Moment;

    /// What calendars and clocks on the wall say, for people to read.
    fn wall(&self) -> SystemTime;

    /// Resolves once `until` has come.
    fn sleep_until(&self, until: Moment) -> BoxFuture<'static, ()>;
}

/// The machine's clock, waiting by tokio's timer.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    start: Instant,
    pace: u32,
}

impl TokioClock {
    /// One that runs `pace` times as fast, at least once: for rehearsals of
    /// what takes minutes.
    pub fn paced(pace: u32) -> Self {
        Self { start: Instant::now(), pace: pace.max(1) }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::paced(1)
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Moment {
        Moment::at(self.start.elapsed() * self.pace)
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep_until(&self, until: Moment) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(until.since(self.now()) / self.pace))
    }
}
