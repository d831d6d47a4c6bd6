//! Waits as plain data, so that they outlive the process.
//!
//! One `silk ask` after the other is one user to the endpoint that asked to be
//! left alone. The program keeps the list in a file of its own; a list that is
//! lost or out of date costs one refused request.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::outcome::as_ms;

/// The longest wait that is believed: a clock that was set, or a damaged file,
/// must not close an endpoint for good.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// An endpoint that asked to be left alone, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cooldown {
    /// The endpoint's name in the configuration.
    pub endpoint: String,
    /// Its scheme, host and port: another endpoint may bear the name by then.
    pub origin: String,
    /// When it may be asked again, in milliseconds since 1970 (UTC).
    pub until_unix_ms: u64,
}

impl Cooldown {
    pub(crate) fn new(endpoint: &str, origin: String, until: SystemTime) -> Self {
        let since_1970 = until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { endpoint: endpoint.to_owned(), origin, until_unix_ms: as_ms(since_1970) }
    }

    /// What is left of it at `now`; `None`: it is over, or cannot be right.
    pub(crate) fn left(&self, now: SystemTime) -> Option<Duration> {
        let until =
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(self.until_unix_ms))?;
        let left = until.duration_since(now).ok()?;
        (!left.is_zero() && left <= LONGEST).then_some(left)
    }
}
