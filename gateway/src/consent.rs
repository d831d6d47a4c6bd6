//! Whether a prompt may leave this machine.

use std::collections::BTreeSet;

use gateway_client::Endpoint;

/// What the user has said yes to. By default: nothing.
///
/// A key found in the environment is not a yes; only an answer to a question,
/// `allow_remote = true` or a flag is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// Yes to every configured endpoint.
    pub allow_remote: bool,
    /// Yes to these alone, as [`Endpoint::origin`] writes them:
    /// `https://api.openai.com`. Scheme, host and port must all match.
    pub origins: BTreeSet<String>,
}

impl Consent {
    /// Yes to every configured endpoint.
    pub fn all() -> Self {
        Self { allow_remote: true, ..Self::default() }
    }

    /// True if `endpoint` is on this machine or was said yes to.
    pub fn permits(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_local() || self.allow_remote || self.origins.contains(&endpoint.origin())
    }
}
