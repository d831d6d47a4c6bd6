//! Who may ask: keys by their digest, so that looking one up takes the same time
//! whatever was sent, and no key lies in memory twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use blake3::Hash;
use gateway::config::{Class, Expiry, ServerConfig};
use hyper::header::{AUTHORIZATION, HeaderMap};

use crate::face::Refused;

/// Whose request it is.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) class: Class,
    /// May see what concerns others: metrics, status.
    pub(crate) master: bool,
    /// Until when the key is good; `None`: for ever.
    expires: Option<Expiry>,
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
            let (name, class, expires) = (user.name.clone(), user.class, user.expires);
            let entry = User { name, class, master: false, expires };
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
        let class = Class::Interactive;
        User { name: "master".to_owned(), class, master: true, expires: None }
    }

    /// True if nobody needs a key.
    pub(crate) fn is_open(&self) -> bool {
        !self.needed
    }

    /// Whose key these headers hold: OpenAI's `Authorization: Bearer`, or
    /// Anthropic's `x-api-key`. `wall` is now, by the calendar.
    pub(crate) fn user(&self, headers: &HeaderMap, wall: SystemTime) -> Result<Arc<User>, Refused> {
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
        let user = known.cloned().ok_or_else(refused)?;
        match user.expires.filter(|expiry| expiry.is_over(wall)) {
            Some(expiry) => {
                let message = format!(
                    "this key was good until {expiry}; ask who runs the gateway for another"
                );
                Err(Refused::new(401, "expired_api_key", message))
            }
            None => Ok(user),
        }
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
        let refused =
            named.user(&HeaderMap::new(), SystemTime::UNIX_EPOCH).map(|user| user.name.clone());
        assert_eq!(refused.map_err(|refused| refused.status), Err(401));
    }
}
