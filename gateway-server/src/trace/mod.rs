//! Spans of requests, for whoever follows them through several programs: one for
//! each request, below it one for each attempt at an endpoint.
//!
//! They hold names, numbers and times: no prompt, no answer, no key. Nothing is
//! made of them, and a request pays one comparison, where no collector is named.
//!
//! ```text
//! Tracer::begin ─▶ Trace ─ attempt, ended … ─▶ Trace::finish ─▶ export ─▶ collector
//!  (sampling)      (in its Job)                 (bounded queue)  (batches, OTLP/JSON)
//! ```

mod context;
mod export;
mod otlp;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use gateway::config::TracingConfig;
use gateway::policy::Try;
use gateway_client::{ClientError, Endpoint};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{Notify, mpsc};

use crate::StartError;
use crate::access::Access;
use crate::face::Face;
use crate::request::Request;

pub(crate) use context::Parent;

/// Traces that wait to be sent; more are dropped and counted.
const WAITING: usize = 2_048;

/// What the gateway is called where the configuration does not say.
const SERVICE: &str = "silk-gateway";

/// Makes traces, and sends them.
pub(crate) struct Tracer {
    config: TracingConfig,
    collector: Endpoint,
    /// What every post to the collector says beside its body.
    headers: HeaderMap,
    /// Numbers that nobody can guess, for the names of traces and spans.
    keys: [RandomState; 2],
    count: AtomicU64,
    finished: mpsc::Sender<Trace>,
    /// Taken by whoever sends them.
    waiting: Mutex<Option<mpsc::Receiver<Trace>>>,
    stop: Notify,
    pub(crate) sent: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

/// One request, as far as it is followed.
#[derive(Debug)]
pub(crate) struct Trace {
    id: u128,
    span: u64,
    parent: Option<Parent>,
    began_at: SystemTime,
    began: Instant,
    face: Face,
    max_output_tokens: Option<u64>,
    first: Option<Duration>,
    took: Duration,
    degraded: bool,
    attempts: Vec<AttemptSpan>,
    /// How it all ended, once it has.
    access: Access,
}

/// One attempt at an endpoint. Times are since the request began.
#[derive(Debug)]
struct AttemptSpan {
    span: u64,
    /// The deployment's own name.
    name: String,
    model: String,
    provider: &'static str,
    region: Option<String>,
    host: String,
    port: u16,
    began: Duration,
    first: Option<Duration>,
    /// When, and as what.
    ended: Option<(Duration, &'static str)>,
    status: Option<u16>,
    tokens: (u64, u64),
}

impl Tracer {
    /// `None`: no collector is named.
    pub(crate) fn new(config: &TracingConfig) -> Result<Option<Arc<Self>>, StartError> {
        let Some(address) = config.address() else { return Ok(None) };
        let wrong = |source| StartError::Config(gateway::ConfigError::Tracing { source });
        let collector = Endpoint::parse("tracing", &address, None).map_err(wrong)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let unusable = || StartError::TracingHeader { name: name.clone() };
            let key = HeaderName::try_from(name.as_str()).map_err(|_| unusable())?;
            let mut value = HeaderValue::try_from(value.expose()).map_err(|_| unusable())?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let (finished, waiting) = mpsc::channel(WAITING);
        Ok(Some(Arc::new(Self {
            config: config.clone(),
            collector,
            headers,
            keys: [RandomState::new(), RandomState::new()],
            count: AtomicU64::new(0),
            finished,
            waiting: Mutex::new(Some(waiting)),
            stop: Notify::new(),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        })))
    }

    /// Begins to follow a request; `None`: this one is left out.
    pub(crate) fn begin(&self, request: &Request, parent: Option<&Parent>) -> Option<Box<Trace>> {
        let id = parent.map_or_else(|| self.trace_id(), |parent| parent.trace);
        let followed = parent.filter(|_| self.config.parent_based.unwrap_or(true));
        let keep = followed.map_or_else(|| self.draws(id), |parent| parent.is_kept);
        keep.then(|| {
            Box::new(Trace {
                id,
                span: self.span_id(),
                parent: parent.cloned(),
                began_at: SystemTime::now(),
                began: Instant::now(),
                face: request.face,
                max_output_tokens: request.max_output_tokens,
                first: None,
                took: Duration::ZERO,
                degraded: false,
                attempts: Vec::new(),
                access: Access::default(),
            })
        })
    }

    /// An attempt of `trace` begins. Gives what it tells the endpoint.
    pub(crate) fn attempt(&self, trace: &mut Trace, next: &Try) {
        let (deployment, endpoint) = (&next.deployment, &next.deployment.endpoint);
        let (host, port) = endpoint.address();
        trace.degraded |= next.degraded;
        trace.attempts.push(AttemptSpan {
            span: self.span_id(),
            name: deployment.name().to_owned(),
            model: next.model.clone(),
            provider: otlp::provider(deployment),
            region: deployment.region.clone(),
            host,
            port,
            began: trace.began.elapsed(),
            first: None,
            ended: None,
            status: None,
            tokens: (0, 0),
        });
    }

    /// The request of `trace` is over, as `access` says.
    pub(crate) fn finish(&self, mut trace: Box<Trace>, access: &Access) {
        trace.end("cancelled", None);
        trace.took = trace.began.elapsed();
        trace.access = access.clone();
        if self.finished.try_send(*trace).is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// The part of traces that is drawn, by the lower 56 bits of their names, as
    /// other programs on the way draw by them too.
    ///
    /// Source: W3C Trace Context Level 2, 3.2.2.5 (`random` flag).
    fn draws(&self, id: u128) -> bool {
        const BITS: u32 = 56;
        let part = self.config.sample.unwrap_or(1.0);
        let lot = (id & ((1 << BITS) - 1)) as u64;
        (lot as f64) < part * (1_u64 << BITS) as f64
    }

    fn trace_id(&self) -> u128 {
        let number = self.count.fetch_add(1, Relaxed);
        let [high, low] = self.keys.each_ref().map(|key| key.hash_one(("trace", number)));
        (u128::from(high) << 64 | u128::from(low)).max(1)
    }

    fn span_id(&self) -> u64 {
        self.keys[0].hash_one(("span", self.count.fetch_add(1, Relaxed))).max(1)
    }
}

impl Trace {
    /// `traceparent` for the endpoint of the last attempt.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let span = self.attempts.last()?.span;
        HeaderValue::try_from(context::traceparent(self.id, span)).ok()
    }

    /// The answer of the last attempt has begun.
    pub(crate) fn began_to_answer(&mut self) {
        let now = self.began.elapsed();
        self.first.get_or_insert(now);
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.first = Some(now);
        }
    }

    /// The last attempt ended, unless it had.
    pub(crate) fn end(&mut self, outcome: &'static str, error: Option<&ClientError>) {
        let now = self.began.elapsed();
        let open = self.attempts.last_mut().filter(|attempt| attempt.ended.is_none());
        if let Some(attempt) = open {
            attempt.ended = Some((now, outcome));
            attempt.status = match error {
                Some(ClientError::Status { code, .. } | ClientError::Unauthorized { code, .. }) => {
                    Some(*code)
                }
                Some(ClientError::Loading { .. }) => Some(503),
                _ => None,
            };
        }
    }

    /// The last attempt gave a whole answer of so many tokens.
    pub(crate) fn whole(&mut self, tokens: (u64, u64)) {
        self.end("ok", None);
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.tokens = tokens;
        }
    }
}
