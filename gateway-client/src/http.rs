//! The real [`Transport`]: HTTP by reqwest, server-sent events by
//! eventsource-stream.
//!
//! Three rules are kept here because nobody above could keep them: traffic to
//! this machine never takes a proxy and never asks DNS; redirects are not
//! followed, so a key goes to no host but the one it was given for; and a
//! stream ends cleanly only after a finish reason.
//!
//! A proxy is taken where the endpoint names one, and nowhere else: what the
//! environment says of proxies is read by the program. By `https` it is asked
//! for a tunnel, by `http` to pass the request on (RFC 9112, 3.2.2).

mod answer;
mod call;
mod embeddings;
mod models;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures::future::BoxFuture;
use reqwest::header::{HeaderValue, SERVER};
use reqwest::{Client, ClientBuilder};

use crate::chat::ChatRequest;
use crate::endpoint::Endpoint;
use crate::error::{Cause, ClientError, DeadlineKind};
use crate::limits::Observed;
use crate::proxy::Proxy;
use crate::tls;
use crate::transport::{Answered, Deadlines, Failed, ModelList, Transport};
use answer::read_answer;
use call::{ANSWER_BYTES, Call, text};
use models::parse_models;

/// How long an idle connection on this machine is kept.
const LOOPBACK_IDLE: Duration = Duration::from_secs(3);

/// Settings of an [`HttpTransport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpOptions {
    /// Bound on TCP and TLS connecting.
    pub connect_timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5) }
    }
}

/// Talks to endpoints over HTTP. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    options: HttpOptions,
    clients: Arc<[OnceLock<Client>; 3]>,
    /// Those that go through a proxy of their own.
    proxied: Arc<Mutex<Vec<(Proxy, Client)>>>,
}

/// Kinds of route, each with a client of its own that is made when first used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Loopback,
    LoopbackTls,
    Remote,
}

impl HttpTransport {
    /// A transport with these settings. Touches nothing yet.
    pub fn new(options: HttpOptions) -> Self {
        Self { options, clients: Arc::default(), proxied: Arc::default() }
    }

    /// Asks `endpoint` for the vectors of `texts`, within `deadline`: one for each, in their order,
    /// all of one length. Without `model` the engine takes the one it has.
    ///
    /// # Errors
    /// As [`Transport::chat`]; [`ClientError::BadEvent`] where a vector is missing.
    pub fn embed(
        &self,
        endpoint: &Endpoint,
        model: Option<&str>,
        texts: &[String],
        deadline: Duration,
    ) -> BoxFuture<'static, Result<Vec<Vec<f32>>, ClientError>> {
        let client = self.client(endpoint);
        let (body, count) = (embeddings::body(model, texts), texts.len());
        let call = Call { endpoint: endpoint.clone(), options: self.options };
        Box::pin(async move {
            let post = client?
                .post(call.endpoint.join("/embeddings"))
                .headers(call.headers("application/json")?)
                .json(&body);
            let whole = (DeadlineKind::FirstEvent, deadline);
            call.in_time(whole, async {
                let response = call.send(post).await.map_err(|failed| failed.error)?;
                let body = call.read_body(response, ANSWER_BYTES).await?;
                embeddings::parse(&call.endpoint, &body, count)
            })
            .await?
        })
    }

    fn client(&self, endpoint: &Endpoint) -> Result<Client, ClientError> {
        if let Some(proxy) = endpoint.proxy() {
            return self.client_through(proxy);
        }
        let route = match (endpoint.is_local(), endpoint.is_tls()) {
            (true, false) => Route::Loopback,
            (true, true) => Route::LoopbackTls,
            (false, _) => Route::Remote,
        };
        let slot = &self.clients[route as usize];
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let client =
            build_client(route, self.options).map_err(|source| ClientError::Setup { source })?;
        Ok(slot.get_or_init(|| client).clone())
    }

    fn client_through(&self, proxy: &Proxy) -> Result<Client, ClientError> {
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = proxied.iter().find(|(known, _)| known == proxy) {
            return Ok(client.clone());
        }
        let client = build_proxied(proxy, self.options);
        let client = client.map_err(|source| ClientError::Setup { source })?;
        proxied.push((proxy.clone(), client.clone()));
        Ok(client)
    }
}

impl Default for HttpTransport {
    fn default() -> Self {
        Self::new(HttpOptions::default())
    }
}

impl Transport for HttpTransport {
    fn chat(
        &self,
        endpoint: &Endpoint,
        request: &ChatRequest,
        deadlines: Deadlines,
    ) -> BoxFuture<'static, Result<Answered, Failed>> {
        let client = self.client(endpoint);
        let body = request.to_json(endpoint);
        let call = Call { endpoint: endpoint.clone(), options: self.options };
        Box::pin(async move {
            let sent = Instant::now();
            let post = client?
                .post(call.endpoint.chat_url())
                .headers(call.headers("text/event-stream")?)
                .json(&body);
            let first_event = (DeadlineKind::FirstEvent, deadlines.first_event);
            let response = call.in_time(first_event, call.send(post)).await??;
            let observed = Observed::in_headers(response.headers(), SystemTime::now());
            let events = read_answer(call, response, deadlines, sent).await;
            let events = events.map_err(|error| Failed { error, observed })?;
            Ok(Answered { events, observed })
        })
    }

    fn fetch_models(
        &self,
        endpoint: &Endpoint,
        deadline: Duration,
    ) -> BoxFuture<'static, Result<ModelList, ClientError>> {
        let client = self.client(endpoint);
        let call = Call { endpoint: endpoint.clone(), options: self.options };
        Box::pin(async move {
            let get =
                client?.get(call.endpoint.models_url()).headers(call.headers("application/json")?);
            let whole = (DeadlineKind::FirstEvent, deadline);
            call.in_time(whole, async {
                let response = call.send(get).await.map_err(|failed| failed.error)?;
                let server = text(response.headers(), SERVER.as_str());
                let body = call.read_body(response, ANSWER_BYTES).await?;
                parse_models(&call.endpoint, &body, server)
            })
            .await?
        })
    }
}

fn builder(tls: rustls::ClientConfig, options: HttpOptions) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("silkscreen/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(options.connect_timeout)
        .tcp_nodelay(true)
}

fn build_proxied(proxy: &Proxy, options: HttpOptions) -> Result<Client, Cause> {
    let mut way = reqwest::Proxy::all(proxy.url())?;
    if let Some(authorization) = proxy.authorization() {
        let mut value = HeaderValue::try_from(authorization.expose())?;
        value.set_sensitive(true);
        way = way.custom_http_auth(value);
    }
    Ok(builder(tls::system_tls()?, options).proxy(way).build()?)
}

fn build_client(route: Route, options: HttpOptions) -> Result<Client, Cause> {
    let tls = match route {
        Route::Loopback => tls::no_tls()?,
        Route::LoopbackTls | Route::Remote => tls::system_tls()?,
    };
    let mut builder = builder(tls, options).no_proxy();
    if route != Route::Remote {
        // Engines close idle connections after seconds (llama.cpp: 5); a new
        // one costs nothing here, and a stale one a failed attempt.
        builder = builder.pool_idle_timeout(LOOPBACK_IDLE);
        let loopback = [
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ];
        builder = builder.resolve_to_addrs("localhost", &loopback);
    }
    Ok(builder.build()?)
}
