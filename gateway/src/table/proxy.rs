//! Which proxy leads to an endpoint: its own, else what the environment says.

use gateway_client::{Endpoint, Proxy, Secret};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::error::ConfigError;
use crate::config::{EndpointConfig, GatewayConfig};

/// The proxy to `endpoint`, which stands at `index` as `entry`; `None`: none.
pub(super) fn proxy_to(
    config: &GatewayConfig,
    (index, entry): (usize, &EndpointConfig),
    endpoint: &Endpoint,
) -> Result<Option<Proxy>, ConfigError> {
    if endpoint.is_local() {
        return Ok(None);
    }
    let wrong = |why| ConfigError::Proxy { endpoint: entry.name.clone(), index, why };
    let address = endpoint.base().parse().map_err(|_| wrong("the endpoint has no address"))?;
    let found = match &entry.proxy {
        Some(own) => {
            let own = Matcher::builder().all(own.expose()).build().intercept(&address);
            Some(own.ok_or_else(|| wrong("it is no address of a proxy"))?)
        }
        None => from_environment(config).intercept(&address),
    };
    let Some(found) = found else { return Ok(None) };
    let proxy = proxy(&found).map_err(wrong)?;
    let way = Endpoint::parse(&entry.name, &proxy.url(), None);
    let way = way.map_err(|source| ConfigError::Endpoint { index, source })?;
    match super::host_outside(config, &way) {
        Some(host) => Err(ConfigError::OutsideHosts { endpoint: entry.name.clone(), index, host }),
        None => Ok(Some(proxy)),
    }
}

fn from_environment(config: &GatewayConfig) -> Matcher {
    let proxies = &config.server.proxies;
    let text = |secret: &Option<Secret>| {
        secret.as_ref().map(|secret| secret.expose().to_owned()).unwrap_or_default()
    };
    Matcher::builder()
        .http(text(&proxies.http))
        .https(text(&proxies.https))
        .no(proxies.no.clone().unwrap_or_default())
        .build()
}

/// Only what can be asked for a tunnel in plain HTTP.
fn proxy(found: &Intercept) -> Result<Proxy, &'static str> {
    let uri = found.uri();
    let host = uri.host().filter(|_| uri.scheme_str() == Some("http"));
    let host = host.ok_or("only proxies at http:// are known")?;
    let port = uri.port_u16().unwrap_or(80);
    let authorization = match found.basic_auth() {
        Some(value) => {
            let text = value.to_str().map_err(|_| "its password cannot stand in a header")?;
            Some(Secret::new(text))
        }
        None => None,
    };
    Ok(Proxy::new(format!("{host}:{port}"), authorization))
}
