//! Where a request goes, and whether that is this machine.
//!
//! Consent rests on [`Endpoint::is_local`], so it is decided from the parsed
//! URL alone, by the same parser that the HTTP client uses, and narrowly: what
//! merely looks like loopback is remote.

use url::{Host, Url};

use crate::proxy::Proxy;
use crate::secret::Secret;

/// The protocol an endpoint speaks.
///
/// [`HttpTransport`](crate::HttpTransport) speaks the first only; the
/// gateway's server speaks both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Dialect {
    /// OpenAI's `/v1/chat/completions`, as llama.cpp, Ollama, vLLM and most
    /// providers serve it.
    #[default]
    OpenAi,
    /// Anthropic's `/v1/messages`.
    Anthropic,
}

/// A server that answers chat requests, with the key it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    name: String,
    base: Url,
    key: Option<Secret>,
    dialect: Dialect,
    proxy: Option<Proxy>,
}

/// Why an address was not taken as an endpoint.
///
/// None of these repeats the address: it may hold a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not a URL at all.
    #[error("parse the address of endpoint `{name}`")]
    Parse {
        /// The endpoint's name.
        name: String,
        /// What the URL parser objects to.
        #[source]
        source: url::ParseError,
    },
    /// Another scheme than `http` and `https`; `localhost:8080` without one
    /// reads as the scheme `localhost`.
    #[error(
        "use scheme `{scheme}` of endpoint `{name}`: the address must start with http:// or https://"
    )]
    Scheme {
        /// The endpoint's name.
        name: String,
        /// The scheme found.
        scheme: String,
    },
    /// `user:password@` before the host.
    #[error(
        "use the address of endpoint `{name}`: it holds a user name or password; keys belong in `api_key_env`"
    )]
    UserInfo {
        /// The endpoint's name.
        name: String,
    },
    /// `?query` or `#fragment` after the path.
    #[error("use the address of endpoint `{name}`: it has a query or fragment after the path")]
    Query {
        /// The endpoint's name.
        name: String,
    },
}

impl Endpoint {
    /// Reads `address` as the base under which `/chat/completions` lies.
    ///
    /// `http://127.0.0.1:8080` without a path means `…/v1`; a path that is
    /// given is kept; a trailing `/chat/completions` or `/messages` is dropped,
    /// since people paste that too. An empty key counts as none.
    ///
    /// # Errors
    /// [`EndpointError`], which never repeats the address.
    pub fn parse(
        name: impl Into<String>,
        address: &str,
        key: Option<Secret>,
    ) -> Result<Self, EndpointError> {
        let name = name.into();
        let mut base = match Url::parse(address.trim()) {
            Ok(base) => base,
            Err(source) => return Err(EndpointError::Parse { name, source }),
        };
        if !matches!(base.scheme(), "http" | "https") {
            let scheme = base.scheme().to_owned();
            return Err(EndpointError::Scheme { name, scheme });
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(EndpointError::UserInfo { name });
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(EndpointError::Query { name });
        }
        let path = base_path(base.path());
        base.set_path(&path);
        let key = key.filter(|key| !key.is_empty());
        Ok(Self { name, base, key, dialect: Dialect::OpenAi, proxy: None })
    }

    /// The same endpoint, spoken to in `dialect`.
    #[must_use]
    pub fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// The same endpoint, asked through `proxy` unless it is on this machine.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Option<Proxy>) -> Self {
        self.proxy = proxy.filter(|_| !self.is_local());
        self
    }

    /// The proxy that leads to it; `None`: it is asked directly.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// The name it goes by in configuration and events.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key, if it wants one.
    pub fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    /// The protocol it speaks.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The base address, without a trailing slash: `http://127.0.0.1:8080/v1`.
    pub fn base(&self) -> &str {
        self.base.as_str()
    }

    /// Scheme, host and port, as consent is recorded: `https://api.openai.com`.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Host and, where it is not the scheme's own, port.
    pub fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The host alone, as it is looked up, and the port.
    pub fn address(&self) -> (String, u16) {
        let host = self.base.host_str().unwrap_or_default().to_owned();
        (host, self.base.port_or_known_default().unwrap_or_default())
    }

    /// True if requests stay on this machine: `localhost`, 127.0.0.0/8 or `::1`.
    ///
    /// Exactly these. `localhost.evil.com`, `localhost.`, `0.0.0.0` and
    /// IPv4-mapped addresses count as remote. The name `localhost` is never
    /// looked up: [`HttpTransport`](crate::HttpTransport) pins it to loopback.
    pub fn is_local(&self) -> bool {
        match self.base.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Where chat requests are posted.
    pub fn chat_url(&self) -> Url {
        self.join(match self.dialect {
            Dialect::Anthropic => "/messages",
            Dialect::OpenAi => "/chat/completions",
        })
    }

    /// Where the served models are listed.
    pub fn models_url(&self) -> Url {
        self.join("/models")
    }

    /// True for OpenAI's own service, which takes `max_completion_tokens` only.
    pub fn is_openai(&self) -> bool {
        self.base.host_str() == Some("api.openai.com")
    }

    /// True if it is asked by `https`.
    pub fn is_tls(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Where `suffix` lies under the base: `/embeddings`, `/messages`.
    pub fn join(&self, suffix: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{suffix}", self.base.path().trim_end_matches('/')));
        url
    }
}

fn base_path(path: &str) -> String {
    let path = path.trim_end_matches('/');
    let pasted = ["/chat/completions", "/messages"].iter().find_map(|end| path.strip_suffix(end));
    let path = pasted.unwrap_or(path);
    if path.is_empty() { "/v1".to_owned() } else { path.to_owned() }
}
