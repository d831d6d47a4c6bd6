//! Who may ask: keys by their digest, so that looking one up takes the same time
//! whatever was sent, and no key lies in memory twice.

use std::collections::HashMap;
use std::sync::Arc;

use blake3::Hash;
use gateway::config::{Class, ServerConfig};
use hyper::header::{AUTHORIZATION, HeaderMap};

use crate::face::Refused;

/// Whose request it is.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) class: Class,
    /// May see what concerns others: metrics, status.
    pub(crate) master: bool,
}

/// Every key that is taken.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    by_digest: HashMap<Hash, Arc<User>>,
    /// A key is named somewhere, even if it could not be had: then nobody gets
    /// in without one.
    needed: bool,
}

impl Keys {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        let mut by_digest = HashMap::new();
        for user in &config.users {
            let Some(key) = &user.key else { continue };
            let entry = User { name: user.name.clone(), class: user.class, master: false };
            by_digest.insert(blake3::hash(key.expose().as_bytes()), Arc::new(entry));
        }
        if let Some(key) = &config.master_key {
            by_digest.insert(blake3::hash(key.expose().as_bytes()), Arc::new(Self::master()));
        }
        let needed = !config.users.is_empty()
            || config.master_key.is_some()
            || config.master_key_env.is_some();
        Self { by_digest, needed }
    }

    fn master() -> User {
        User { name: "master".to_owned(), class: Class::Interactive, master: true }
    }

    /// True if nobody needs a key.
    pub(crate) fn is_open(&self) -> bool {
        !self.needed
    }

    /// Whose key these headers hold: OpenAI's `Authorization: Bearer`, or
    /// Anthropic's `x-api-key`.
    pub(crate) fn user(&self, headers: &HeaderMap) -> Result<Arc<User>, Refused> {
        if self.is_open() {
            let local = User { name: "local".to_owned(), ..Self::master() };
            return Ok(Arc::new(local));
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text(AUTHORIZATION.as_str()).and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        });
        let Some(key) = bearer.or_else(|| text("x-api-key")) else {
            let message = "send your key as `Authorization: Bearer KEY` or `x-api-key: KEY`";
            return Err(Refused::new(401, "missing_api_key", message));
        };
        let known = self.by_digest.get(&blake3::hash(key.as_bytes()));
        let refused = || Refused::new(401, "invalid_api_key", "this key is not known here");
        known.cloned().ok_or_else(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_named_and_missing_opens_nothing() {
        assert!(Keys::new(&ServerConfig::default()).is_open());
        let master_key_env = Some("NOT_SET".to_owned());
        let named = Keys::new(&ServerConfig { master_key_env, ..ServerConfig::default() });
        assert!(!named.is_open());
        let refused = named.user(&HeaderMap::new()).map(|user| user.name.clone());
        assert_eq!(refused.map_err(|refused| refused.status), Err(401));
    }
}
