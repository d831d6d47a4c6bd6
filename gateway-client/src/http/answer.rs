//! Reading an answer: server-sent events under deadlines, or one JSON object.

use std::time::Instant;

use eventsource_stream::{EventStreamError, Eventsource};
use futures::stream::{self, BoxStream, StreamExt};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;

use super::call::{ANSWER_BYTES, Call, REFUSAL_TIME, text};
use crate::decode::Decoder;
use crate::error::{Cause, ClientError, DeadlineKind};
use crate::event::StreamEvent;
use crate::refusal;
use crate::transport::{Deadlines, EventStream};

/// An answer that is being read.
struct Reading {
    call: Call,
    events: BoxStream<'static, Result<String, EventStreamError<Cause>>>,
    decoder: Decoder,
    deadlines: Deadlines,
    sent: Instant,
    failed: bool,
}

/// The events of an accepted request that was sent at `sent`.
pub(super) async fn read_answer(
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
