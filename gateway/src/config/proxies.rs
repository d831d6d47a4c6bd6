//! Proxies as the environment names them, for endpoints that name none.

use gateway_client::Secret;

/// What `HTTPS_PROXY` and its like hold; the program looks them up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proxies {
    /// To endpoints with `http://`.
    pub http: Option<Secret>,
    /// To endpoints with `https://`.
    pub https: Option<Secret>,
    /// Hosts that are asked directly, as curl reads `NO_PROXY`.
    pub no: Option<String>,
}

impl Proxies {
    /// Takes over the variables, which are written in lower case or in capitals.
    pub fn of(look_up: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            let value = look_up(name).or_else(|| look_up(&name.to_ascii_uppercase()));
            value.filter(|value| !value.trim().is_empty())
        };
        let all = either("all_proxy");
        let secret = |name: &str| either(name).or_else(|| all.clone()).map(Secret::new);
        Self { http: secret("http_proxy"), https: secret("https_proxy"), no: either("no_proxy") }
    }
}
