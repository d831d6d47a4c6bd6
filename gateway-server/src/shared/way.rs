//! The way to Redis: in the clear, or by TLS with what this machine trusts, as
//! towards endpoints.

use std::sync::Arc;

use gateway::shared::Lost;
use gateway_client::Secret;
use gateway_client::tls::system_tls;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::redis::{BOUND, lost};

/// Where Redis is, and how it is spoken to.
pub(super) struct Way {
    client: redis::Client,
    tls: Option<Tls>,
}

struct Tls {
    connector: TlsConnector,
    /// Whom the certificate has to be of.
    name: ServerName<'static>,
    address: (String, u16),
}

impl Way {
    /// The way to `url`. Connects to nobody yet.
    ///
    /// # Errors
    /// [`Lost`]: the address makes no sense, or no certificates can be had.
    pub(super) fn to(url: &Secret) -> Result<Self, Lost> {
        let url = url.expose();
        let clear = without_tls(url);
        // The address holds a password: it is not repeated.
        let client = redis::Client::open(clear.as_deref().unwrap_or(url));
        let client = client.map_err(|error| lost(&error))?;
        let tls = clear.map(|_| Tls::to(client.get_connection_info().addr())).transpose()?;
        Ok(Self { client, tls })
    }

    /// A connection that is ready for calls.
    pub(super) async fn open(&self) -> Result<MultiplexedConnection, Lost> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(BOUND))
            .set_response_timeout(Some(BOUND));
        let Some(tls) = &self.tls else {
            let link = self.client.get_multiplexed_async_connection_with_config(&config).await;
            return link.map_err(|error| lost(&error));
        };
        let failed = |error: std::io::Error| Lost(format!("TLS: {error}"));
        let stream = TcpStream::connect(&tls.address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let stream = tls.connector.connect(tls.name.clone(), stream).await.map_err(failed)?;
        let settings = self.client.get_connection_info().redis_settings();
        let made = MultiplexedConnection::new_with_config(settings, stream, config).await;
        let (link, driver) = made.map_err(|error| lost(&error))?;
        // Ends with the connection's last handle, or with the connection.
        tokio::spawn(driver);
        Ok(link)
    }
}

impl Tls {
    fn to(address: &ConnectionAddr) -> Result<Self, Lost> {
        let ConnectionAddr::Tcp(host, port) = address else {
            return Err(Lost("TLS takes a host".to_owned()));
        };
        let name = ServerName::try_from(host.clone());
        let name = name.map_err(|_| Lost("no certificate can be of such a host".to_owned()))?;
        let mut config = system_tls().map_err(|error| Lost(format!("TLS: {error}")))?;
        config.alpn_protocols.clear();
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self { connector, name, address: (host.clone(), *port) })
    }
}

/// The address without TLS, if it is one with. A `#insecure` after it, for which other
/// clients ask no certificate, changes nothing.
///
/// Source: IANA, "Uniform Resource Identifier (URI) Schemes", `rediss`.
fn without_tls(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let is_tls = ["rediss", "valkeys"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    is_tls.then(|| format!("redis://{rest}"))
}
