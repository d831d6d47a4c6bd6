//! Sending finished traces to the collector, in batches, beside whatever else
//! goes on: a collector that is slow or gone costs no request anything.
//!
//! Source: OpenTelemetry Protocol 1.9, "OTLP/HTTP Response" (which failures are
//! tried again) and "OTLP/HTTP Throttling".

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gateway_client::ClientError;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;

use super::{Trace, Tracer, otlp};
use crate::upstream::Upstreams;
use crate::{Notice, Notices};

/// Traces of one post at most.
const BATCH: usize = 256;

/// How long traces are gathered, and how long a post may take.
const DELAY: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often a batch is sent, and the wait before the second time; it doubles.
const TRIES: u32 = 4;
const WAIT: Duration = Duration::from_secs(1);

/// What is left when the server stops is sent within this, or not at all.
const FAREWELL: Duration = Duration::from_secs(3);

impl Tracer {
    /// Sends what finishes, until told to stop. `None`: somebody does already.
    pub(crate) fn start(
        self: &Arc<Self>,
        upstreams: &Upstreams,
        notices: Option<Notices>,
    ) -> Option<JoinHandle<()>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waiting.take()?;
        let sender = Sender {
            tracer: Arc::clone(self),
            upstreams: upstreams.clone(),
            notices,
            is_lost: false,
        };
        Some(tokio::spawn(sender.run(waiting)))
    }

    /// Sends what is left, within a bound.
    pub(crate) async fn stop(&self, sending: JoinHandle<()>) {
        self.stop.notify_one();
        let aborting = sending.abort_handle();
        if tokio::time::timeout(FAREWELL, sending).await.is_err() {
            aborting.abort();
        }
    }
}

struct Sender {
    tracer: Arc<Tracer>,
    upstreams: Upstreams,
    notices: Option<Notices>,
    /// The last batch was lost; said once.
    is_lost: bool,
}

impl Sender {
    async fn run(mut self, mut waiting: Receiver<Trace>) {
        let delay = self.tracer.config.delay_ms.map_or(DELAY, Duration::from_millis);
        let tracer = Arc::clone(&self.tracer);
        loop {
            let mut batch = Vec::new();
            let is_over = tokio::select! {
                _ = gather(&mut waiting, &mut batch, delay) => false,
                () = tracer.stop.notified() => true,
            };
            if is_over {
                while let Ok(trace) = waiting.try_recv() {
                    batch.push(trace);
                }
            }
            for some in batch.chunks(BATCH) {
                self.send(some, if is_over { 1 } else { TRIES }).await;
            }
            if is_over {
                return;
            }
        }
    }

    async fn send(&mut self, batch: &[Trace], tries: u32) {
        let body = Bytes::from(otlp::body(&self.tracer.config, batch).to_string());
        let spans = batch.iter().map(otlp::count).sum();
        let mut wait = WAIT;
        for number in 1..=tries {
            match self.post(body.clone()).await {
                Ok(()) => {
                    self.tracer.sent.fetch_add(spans, Relaxed);
                    self.is_lost = false;
                    return;
                }
                Err(error) => match asks_again(&error).filter(|_| number < tries) {
                    Some(asked) => tokio::time::sleep(asked.unwrap_or(wait)).await,
                    None => return self.lose(batch.len() as u64, &error),
                },
            }
            wait *= 2;
        }
    }

    async fn post(&self, body: Bytes) -> Result<(), ClientError> {
        let Tracer { collector, config, headers, .. } = &*self.tracer;
        let after = config.timeout_ms.map_or(TIMEOUT, Duration::from_millis);
        let post = self.upstreams.post_to(collector, "", body, headers);
        match tokio::time::timeout(after, post).await {
            Ok(answered) => answered.map(drop).map_err(|failed| failed.error),
            Err(_) => {
                let kind = gateway_client::DeadlineKind::FirstEvent;
                Err(crate::upstream::overdue(collector, kind, after))
            }
        }
    }

    fn lose(&mut self, traces: u64, error: &ClientError) {
        self.tracer.dropped.fetch_add(traces, Relaxed);
        if !std::mem::replace(&mut self.is_lost, true)
            && let Some(notices) = &self.notices
        {
            notices(&Notice::SpansLost(error.to_string()));
        }
    }
}

/// Waits for a first trace, then gathers what comes within `delay`.
async fn gather(waiting: &mut Receiver<Trace>, batch: &mut Vec<Trace>, delay: Duration) {
    let Some(first) = waiting.recv().await else { return std::future::pending().await };
    batch.push(first);
    let more = async {
        while batch.len() < BATCH {
            match waiting.recv().await {
                Some(trace) => batch.push(trace),
                None => return,
            }
        }
    };
    // What was gathered by then leaves.
    let _ = tokio::time::timeout(delay, more).await;
}

/// Whether a post is worth another try, and after how long if the collector says.
fn asks_again(error: &ClientError) -> Option<Option<Duration>> {
    match error {
        ClientError::Status { code: 429 | 502..=504, retry_after, .. }
        | ClientError::Loading { retry_after, .. } => Some(*retry_after),
        ClientError::Connect { .. }
        | ClientError::Timeout { .. }
        | ClientError::BrokenStream { .. } => Some(None),
        _ => None,
    }
}
