//! Sending a request to an endpoint, by hyper, with connections kept alive.
//!
//! The rules of `gateway-client` hold here too: `localhost` is never looked up,
//! redirects are not followed, and what goes to this machine is not encrypted
//! with certificates of elsewhere.

use std::future::Future;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use gateway_client::{ClientError, DeadlineKind, Endpoint, Failed, Observed, Proxy};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use crate::face::Face;

/// Engines close idle connections after seconds (llama.cpp: 5).
const LOCAL_IDLE: Duration = Duration::from_secs(3);

/// Providers keep theirs for a minute and more.
const REMOTE_IDLE: Duration = Duration::from_secs(30);

/// Bound on TCP connecting.
const CONNECT: Duration = Duration::from_secs(5);

/// The most that is read of a refusal's body, and how long it may take once its
/// head is there: others wait to be asked.
const REFUSAL_BYTES: usize = 64 * 1024;
const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// The most that is read of one whole answer.
pub(crate) const ANSWER_BYTES: usize = 64 * 1024 * 1024;

type Tcp = HttpConnector<Resolver>;
type Pool = Client<HttpsConnector<Tcp>, Full<Bytes>>;
type ProxiedPool = Client<HttpsConnector<Tunnel<Tcp>>, Full<Bytes>>;

/// Connections to every endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Upstreams {
    local: Pool,
    remote: Pool,
    /// Those that go through a proxy; few, as each is somewhere in a configuration.
    proxied: Arc<Mutex<Vec<(Proxy, ProxiedPool)>>>,
    tls: rustls::ClientConfig,
}

impl Upstreams {
    /// No connection yet.
    ///
    /// # Errors
    /// No certificates can be had.
    pub(crate) fn new() -> Result<Self, gateway_client::error::Cause> {
        let local = pool(gateway_client::tls::no_tls()?, LOCAL_IDLE);
        // Without certificates everything on this machine still works.
        let tls = gateway_client::tls::system_tls().or_else(|_| gateway_client::tls::no_tls())?;
        let remote = pool(tls.clone(), REMOTE_IDLE);
        Ok(Self { local, remote, proxied: Arc::default(), tls })
    }

    /// Gets what lies at `path` below the endpoint's base address, whole.
    pub(crate) async fn get(&self, endpoint: &Endpoint, path: &str) -> Result<Bytes, ClientError> {
        let mut request = request(endpoint, path, Bytes::new())?;
        *request.method_mut() = hyper::Method::GET;
        let response = self.send(endpoint, request).await.map_err(|failed| failed.error)?.0;
        read(response.into_body(), ANSWER_BYTES).await.map_err(|error| match error {
            Unread::TooLong | Unread::NoRoom => ClientError::BadEvent {
                host: endpoint.host(),
                what: "its answer is too long".to_owned(),
                excerpt: String::new(),
            },
            Unread::Broken(error) => ClientError::BrokenStream {
                host: endpoint.host(),
                message: String::new(),
                source: Some(error.into()),
            },
        })
    }

    /// Posts `body`, and gives the response if the endpoint says yes. `trace` is
    /// the `traceparent` it is told, if any.
    pub(crate) async fn post(
        &self,
        endpoint: &Endpoint,
        face: Face,
        body: Bytes,
        trace: Option<HeaderValue>,
    ) -> Result<(Response<Incoming>, Observed), Failed> {
        let mut request = request(endpoint, face.path(), body)?;
        if let Some(trace) = trace {
            request.headers_mut().insert("traceparent", trace);
        }
        self.send(endpoint, request).await
    }

    /// The same, to `path` below the endpoint's base address, with more headers.
    pub(crate) async fn post_to(
        &self,
        endpoint: &Endpoint,
        path: &str,
        body: Bytes,
        headers: &HeaderMap,
    ) -> Result<(Response<Incoming>, Observed), Failed> {
        let mut request = request(endpoint, path, body)?;
        request.headers_mut().extend(headers.clone());
        self.send(endpoint, request).await
    }

    async fn send(
        &self,
        endpoint: &Endpoint,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Observed), Failed> {
        let is_plain = endpoint.is_local() && !endpoint.is_tls();
        let pool = if is_plain { &self.local } else { &self.remote };
        let sent = match endpoint.proxy() {
            None => pool.request(request).await,
            Some(proxy) => self.through(proxy)?.request(request).await,
        };
        let response = sent.map_err(|error| lost(endpoint, error))?;
        if response.status().is_success() {
            let observed = Observed::in_headers(response.headers(), SystemTime::now());
            return Ok((response, observed));
        }
        Err(refused(endpoint, response).await)
    }
}

impl Upstreams {
    /// Connections through `proxy`, by tunnels.
    fn through(&self, proxy: &Proxy) -> Result<ProxiedPool, ClientError> {
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pool)) = proxied.iter().find(|(known, _)| known == proxy) {
            return Ok(pool.clone());
        }
        let setup = |source: gateway_client::error::Cause| ClientError::Setup { source };
        let uri = Uri::try_from(proxy.url()).map_err(|error| setup(error.into()))?;
        let mut tunnel = Tunnel::new(uri, tcp());
        if let Some(authorization) = proxy.authorization() {
            let value = HeaderValue::try_from(authorization.expose());
            tunnel = tunnel.with_auth(value.map_err(|error| setup(error.into()))?);
        }
        let pool = client(self.tls.clone(), tunnel, REMOTE_IDLE);
        proxied.push((proxy.clone(), pool.clone()));
        Ok(pool)
    }
}

fn pool(tls: rustls::ClientConfig, idle: Duration) -> Pool {
    client(tls, tcp(), idle)
}

fn tcp() -> Tcp {
    let mut tcp = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(Duration::from_secs(60)));
    tcp
}

fn client<C>(
    mut tls: rustls::ClientConfig,
    way: C,
    idle: Duration,
) -> Client<HttpsConnector<C>, Full<Bytes>>
where
    HttpsConnector<C>: Connect + Clone,
{
    tls.alpn_protocols.clear();
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(idle)
        .pool_timer(TokioTimer::new())
        .build(connector.wrap_connector(way))
}

fn request(
    endpoint: &Endpoint,
    path: &str,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, ClientError> {
    let url = endpoint.join(path);
    let uri = Uri::try_from(url.as_str()).map_err(|_| ClientError::BadEvent {
        host: endpoint.host(),
        what: "its address is no URI".to_owned(),
        excerpt: String::new(),
    })?;
    let mut request = Request::post(uri).body(Full::new(body)).expect("a POST with a URI");
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
        .insert(USER_AGENT, HeaderValue::from_static(concat!("silk/", env!("CARGO_PKG_VERSION"))));
    headers.extend(gateway_client::headers(endpoint)?);
    Ok(request)
}

async fn refused(endpoint: &Endpoint, response: Response<Incoming>) -> Failed {
    let (code, headers) = (response.status().as_u16(), response.headers().clone());
    // The status stands even if its body never comes.
    let body = tokio::time::timeout(REFUSAL_TIME, read(response.into_body(), REFUSAL_BYTES)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    gateway_client::refused(endpoint, code, &headers, &body, SystemTime::now())
}

/// Why a whole body could not be read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// Longer than the bound.
    TooLong,
    /// Bodies take all the room there is for them.
    NoRoom,
    /// The connection broke.
    Broken(hyper::Error),
}

/// Reads a whole body of at most `most` bytes.
pub(crate) async fn read(body: Incoming, most: usize) -> Result<Bytes, Unread> {
    read_into(body, most, |_| true).await
}

/// The same, where `grow` has room for each piece, or nothing more is read.
pub(crate) async fn read_into(
    mut body: Incoming,
    most: usize,
    mut grow: impl FnMut(usize) -> bool,
) -> Result<Bytes, Unread> {
    let mut whole: Option<Bytes> = None;
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Unread::Broken)?.into_data() else { continue };
        if whole.as_ref().map_or(joined.len(), Bytes::len) + data.len() > most {
            return Err(Unread::TooLong);
        }
        if !grow(data.len()) {
            return Err(Unread::NoRoom);
        }
        match whole.take() {
            // One piece, as most bodies come in, is not copied.
            None if joined.is_empty() => whole = Some(data),
            first => {
                joined.extend_from_slice(&first.unwrap_or_default());
                joined.extend_from_slice(&data);
            }
        }
    }
    Ok(whole.unwrap_or_else(|| joined.freeze()))
}

/// What a request that got no response means.
fn lost(endpoint: &Endpoint, error: Error) -> ClientError {
    let host = endpoint.host();
    if error.is_connect() {
        return ClientError::Connect { host, source: error.into() };
    }
    ClientError::BrokenStream { host, message: String::new(), source: Some(error.into()) }
}

/// A deadline that passed at `endpoint`.
pub(crate) fn overdue(endpoint: &Endpoint, kind: DeadlineKind, after: Duration) -> ClientError {
    ClientError::Timeout { host: endpoint.host(), kind, after }
}

/// Looks names up, save `localhost`, which is this machine by definition.
#[derive(Debug, Clone)]
struct Resolver(GaiResolver);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        if name.as_str() == "localhost" {
            let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
            return Box::pin(async move { Ok(vec![v4, v6].into_iter()) });
        }
        let found = self.0.call(name);
        Box::pin(async move { Ok(found.await?.collect::<Vec<_>>().into_iter()) })
    }
}
