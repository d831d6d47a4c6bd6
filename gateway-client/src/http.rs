//! The real [`Transport`]: HTTP by reqwest, server-sent events by
//! eventsource-stream.
//!
//! Three rules are kept here because nobody above could keep them: traffic to
//! this machine never takes a proxy and never asks DNS; redirects are not
//! followed, so a key goes to no host but the one it was given for; and a
//! stream ends cleanly only after a finish reason.

use std::future::Future;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use eventsource_stream::{EventStreamError, Eventsource};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
    SERVER,
};
use reqwest::{Client, Response};
use serde::Deserialize;
use serde_json::Value;

use crate::chat::ChatRequest;
use crate::decode::Decoder;
use crate::endpoint::Endpoint;
use crate::error::{Cause, ClientError, DeadlineKind};
use crate::event::StreamEvent;
use crate::refusal;
use crate::retry_after::{RetryHeaders, parse_retry_after};
use crate::tls;
use crate::transport::{Deadlines, EventStream, ModelEntry, ModelList, Transport};

/// The most that is read of a refusal's body.
const REFUSAL_BYTES: usize = 64 * 1024;

/// The most that is read of one answer, a model list included: far beyond any
/// model's window, near enough that a runaway server cannot fill the memory.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// How long the body of a refusal may take once its head is there.
const REFUSAL_TIME: Duration = Duration::from_secs(5);

/// How long an idle connection on this machine is kept.
const LOOPBACK_IDLE: Duration = Duration::from_secs(3);

/// Settings of an [`HttpTransport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpOptions {
    /// Bound on TCP and TLS connecting.
    pub connect_timeout: Duration,
    /// Take the system's proxy settings (`HTTPS_PROXY` and the like) for
    /// remote endpoints. Loopback never takes a proxy.
    pub system_proxy: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5), system_proxy: true }
    }
}

/// Talks to endpoints over HTTP. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    options: HttpOptions,
    clients: Arc<[OnceLock<Client>; 3]>,
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
        Self { options, clients: Arc::default() }
    }

    fn client(&self, endpoint: &Endpoint) -> Result<Client, ClientError> {
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
    ) -> BoxFuture<'static, Result<EventStream, ClientError>> {
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
            read_answer(call, response, deadlines, sent).await
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
                let response = call.send(get).await?;
                let server = text(response.headers(), SERVER.as_str());
                let body = call.read_body(response, ANSWER_BYTES).await?;
                call.parse_models(&body, server)
            })
            .await?
        })
    }
}

/// One request to one endpoint: what all its steps need to name it in errors.
struct Call {
    endpoint: Endpoint,
    options: HttpOptions,
}

impl Call {
    fn headers(&self, accept: &'static str) -> Result<HeaderMap, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if let Some(key) = self.endpoint.key() {
            let mut bearer =
                HeaderValue::try_from(format!("Bearer {}", key.expose())).map_err(|_| {
                    ClientError::UnsendableKey { endpoint: self.endpoint.name().to_owned() }
                })?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(headers)
    }

    /// Sends, and keeps only what was accepted.
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.lost(error))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(self.refused(response).await)
        }
    }

    async fn refused(&self, response: Response) -> ClientError {
        let code = response.status().as_u16();
        let headers = response.headers().clone();
        let [ms, after, date] = ["retry-after-ms", RETRY_AFTER.as_str(), DATE.as_str()]
            .map(|name| text(&headers, name));
        let retry = RetryHeaders {
            retry_after_ms: ms.as_deref(),
            retry_after: after.as_deref(),
            date: date.as_deref(),
        };
        let retry_after = parse_retry_after(retry, SystemTime::now());
        if let (300..=399, Some(location)) = (code, text(&headers, LOCATION.as_str())) {
            let message = format!("redirects elsewhere, which is not followed: {location}");
            let message = refusal::clean(&self.endpoint, &message);
            return ClientError::Status { host: self.endpoint.host(), code, retry_after, message };
        }
        // The status stands even if its body never comes.
        let body =
            tokio::time::timeout(REFUSAL_TIME, self.read_body(response, REFUSAL_BYTES)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        refusal::refusal(&self.endpoint, code, retry_after, &body)
    }

    /// The body as text, cut at `limit` bytes.
    async fn read_body(&self, response: Response, limit: usize) -> Result<String, ClientError> {
        let mut bytes = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| self.lost(error))?);
            if bytes.len() >= limit {
                bytes.truncate(limit);
                break;
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn parse_models(&self, body: &str, server: Option<String>) -> Result<ModelList, ClientError> {
        let list: WireModels = serde_json::from_str(body).map_err(|_| ClientError::BadEvent {
            host: self.endpoint.host(),
            what: "an answer that is no model list".to_owned(),
            excerpt: refusal::excerpt(&self.endpoint, body),
        })?;
        let models = list.data.unwrap_or_default().into_iter().map(WireModel::into_entry).collect();
        Ok(ModelList { models, server })
    }

    /// What a failed send or read means.
    fn lost(&self, error: reqwest::Error) -> ClientError {
        let host = self.endpoint.host();
        let error = error.without_url();
        if error.is_connect() && error.is_timeout() {
            let (kind, after) = (DeadlineKind::Connect, self.options.connect_timeout);
            ClientError::Timeout { host, kind, after }
        } else if error.is_connect() {
            ClientError::Connect { host, source: error.into() }
        } else {
            ClientError::BrokenStream { host, message: String::new(), source: Some(error.into()) }
        }
    }

    async fn in_time<F: Future>(
        &self,
        (kind, after): (DeadlineKind, Duration),
        work: F,
    ) -> Result<F::Output, ClientError> {
        let host = || self.endpoint.host();
        tokio::time::timeout(after, work).await.map_err(|_| ClientError::Timeout {
            host: host(),
            kind,
            after,
        })
    }
}

/// An answer that is being read.
struct Reading {
    call: Call,
    events: BoxStream<'static, Result<String, EventStreamError<Cause>>>,
    decoder: Decoder,
    deadlines: Deadlines,
    sent: Instant,
    failed: bool,
}

async fn read_answer(
    call: Call,
    response: Response,
    deadlines: Deadlines,
    sent: Instant,
) -> Result<EventStream, ClientError> {
    let mut decoder = Decoder::new(call.endpoint.clone());
    let kind = text(response.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/event-stream" | "text/plain" | "" => {
            let events = bounded(response).eventsource().map(|event| event.map(|e| e.data)).boxed();
            let reading = Reading { call, events, decoder, deadlines, sent, failed: false };
            let events = stream::unfold(reading, |mut reading| async {
                reading.next().await.map(|event| (event, reading))
            });
            Ok(events.fuse().boxed())
        }
        "application/json" => {
            let left = deadlines.first_event.saturating_sub(sent.elapsed());
            let body = call
                .in_time((DeadlineKind::FirstEvent, left), call.read_body(response, ANSWER_BYTES))
                .await??;
            decoder.push_whole(&body)?;
            let events: Vec<_> = std::iter::from_fn(|| decoder.pop()).map(Ok).collect();
            Ok(stream::iter(events).fuse().boxed())
        }
        other => {
            let what = format!("an answer of type `{}`", refusal::clean(&call.endpoint, other));
            let body =
                call.in_time((DeadlineKind::Idle, REFUSAL_TIME), call.read_body(response, 1024));
            let body = body.await.and_then(|body| body).unwrap_or_default();
            Err(decoder.bad_event(&what, &body))
        }
    }
}

impl Reading {
    async fn next(&mut self) -> Option<Result<StreamEvent, ClientError>> {
        loop {
            if let Some(event) = self.decoder.pop() {
                return Some(Ok(event));
            }
            if self.failed || self.decoder.has_ended() {
                return None;
            }
            if let Err(error) = self.read_event().await {
                self.failed = true;
                return Some(Err(error));
            }
        }
    }

    async fn read_event(&mut self) -> Result<(), ClientError> {
        let (kind, after, left) = if self.decoder.has_begun() {
            (DeadlineKind::Idle, self.deadlines.idle, self.deadlines.idle)
        } else {
            let after = self.deadlines.first_event;
            (DeadlineKind::FirstEvent, after, after.saturating_sub(self.sent.elapsed()))
        };
        let event = match tokio::time::timeout(left, self.events.next()).await {
            Ok(event) => event,
            // Some engines hold the connection open after the last chunk.
            Err(_) if self.decoder.is_complete() => None,
            Err(_) => {
                let host = self.call.endpoint.host();
                return Err(ClientError::Timeout { host, kind, after });
            }
        };
        match event {
            Some(Ok(data)) => self.decoder.push(&data),
            None => self.decoder.end(String::new(), None),
            Some(Err(EventStreamError::Transport(cause))) => {
                self.decoder.end(String::new(), Some(cause))
            }
            Some(Err(other)) => {
                Err(self.decoder.bad_event(&format!("its event stream ({other})"), ""))
            }
        }
    }
}

/// The body's bytes, with an error in place of what is beyond [`ANSWER_BYTES`].
fn bounded(
    response: Response,
) -> impl futures::Stream<Item = Result<impl AsRef<[u8]> + Send, Cause>> + Send {
    let mut left = ANSWER_BYTES;
    response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|error| Cause::from(error.without_url()))?;
        left = left.checked_sub(chunk.len()).ok_or_else(|| {
            Cause::from(format!("the answer is longer than {ANSWER_BYTES} bytes"))
        })?;
        Ok(chunk)
    })
}

fn build_client(route: Route, options: HttpOptions) -> Result<Client, Cause> {
    let tls = match route {
        Route::Loopback => tls::no_tls()?,
        Route::LoopbackTls | Route::Remote => tls::system_tls()?,
    };
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("silkscreen/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(options.connect_timeout)
        .tcp_nodelay(true);
    if route != Route::Remote || !options.system_proxy {
        builder = builder.no_proxy();
    }
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

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// `{"object":"list","data":[{"id":…}]}`; Ollama without models sends
/// `"data": null`.
#[derive(Deserialize)]
struct WireModels {
    #[serde(rename = "object")]
    _object: ListTag,
    data: Option<Vec<WireModel>>,
}

/// The word that tells a model list from any other JSON.
#[derive(Deserialize)]
enum ListTag {
    #[serde(rename = "list")]
    List,
}

#[derive(Deserialize)]
struct WireModel {
    id: String,
    owned_by: Option<String>,
    /// llama.cpp: `{"n_ctx": 4096, …}`.
    #[serde(default)]
    meta: Value,
    /// vLLM.
    #[serde(default)]
    max_model_len: Value,
    /// OpenRouter.
    #[serde(default)]
    context_length: Value,
}

impl WireModel {
    fn into_entry(self) -> ModelEntry {
        let windows = [&self.meta["n_ctx"], &self.max_model_len, &self.context_length];
        let context_tokens = windows.into_iter().find_map(Value::as_u64);
        ModelEntry { id: self.id, owned_by: self.owned_by, context_tokens }
    }
}
