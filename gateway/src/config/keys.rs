//! Values that the environment holds: the program looks them up, this library
//! never does.

use gateway_client::Secret;

use super::GatewayConfig;

/// A variable that is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Who needs it: an endpoint's or a user's name, or `master key`.
    pub owner: String,
    /// The variable.
    pub variable: String,
}

impl GatewayConfig {
    /// Fills in keys and addresses whose variable is named. Gives back those
    /// that are not set or are empty.
    pub fn fill_from(&mut self, look_up: impl Fn(&str) -> Option<String>) -> Vec<Missing> {
        let mut missing = Vec::new();
        let mut find = |owner: &str, variable: &Option<String>| {
            let variable = variable.as_deref()?;
            let found = look_up(variable).filter(|value| !value.trim().is_empty());
            if found.is_none() {
                let (owner, variable) = (owner.to_owned(), variable.to_owned());
                missing.push(Missing { owner, variable });
            }
            found
        };
        for endpoint in &mut self.endpoints {
            if let Some(url) = find(&endpoint.name, &endpoint.url_env) {
                endpoint.url = url;
            }
            if let Some(key) = find(&endpoint.name, &endpoint.api_key_env) {
                endpoint.api_key = Some(Secret::new(key));
            }
        }
        for user in &mut self.server.users {
            if let Some(key) = find(&user.name, &user.key_env) {
                user.key = Some(Secret::new(key));
            }
        }
        let server = &mut self.server;
        if let Some(address) = find("redis", &server.redis_env) {
            server.redis = Some(Secret::new(address));
        }
        if let Some(parts) = &server.redis_parts {
            server.redis =
                parts.address(|variable| find("redis", variable)).or(server.redis.take());
        }
        if let Some(key) = find("master key", &self.server.master_key_env) {
            self.server.master_key = Some(Secret::new(key));
        }
        missing
    }
}
