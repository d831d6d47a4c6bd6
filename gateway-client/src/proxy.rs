//! The way to an endpoint through somebody else's machine.

use crate::secret::Secret;

/// An HTTP proxy that is asked for a tunnel (`CONNECT`) to an endpoint: what goes
/// through it by TLS it cannot read, and it looks the endpoint's name up.
///
/// Source: RFC 9110, 9.3.6 (CONNECT) and 11.7.2 (Proxy-Authorization).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    authority: String,
    authorization: Option<Secret>,
}

impl Proxy {
    /// The proxy at `authority`, a host and a port. `authorization` is the whole
    /// value of that header, if it wants one.
    pub fn new(authority: impl Into<String>, authorization: Option<Secret>) -> Self {
        Self { authority: authority.into(), authorization }
    }

    /// Its address, without what it wants to be told.
    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// The value of `Proxy-Authorization`.
    pub fn authorization(&self) -> Option<&Secret> {
        self.authorization.as_ref()
    }
}
