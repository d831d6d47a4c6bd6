//! Times a piece of work, and the middle one of several times.

use std::time::{Duration, Instant};

/// Runs `work` and says how long it took; what it gives is dropped outside of the time.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = std::hint::black_box(work());
    (start.elapsed(), result)
}

/// Times of one contender, one per run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Adds the time of one run.
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The median; of an even number of times the lower middle one. `None` without any.
    pub(crate) fn median(&self) -> Option<Duration> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len().saturating_sub(1) / 2).copied()
    }

    /// The median in milliseconds.
    pub(crate) fn median_ms(&self) -> Option<f64> {
        self.median().map(|time| time.as_secs_f64() * 1e3)
    }

    /// The median in microseconds.
    pub(crate) fn median_us(&self) -> Option<f64> {
        self.median().map(|time| time.as_secs_f64() * 1e6)
    }
}
