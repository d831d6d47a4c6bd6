//! Attempts, one after the other, until an answer begins.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use gateway::policy::{Observed, Reservation, Try};
use gateway::table::{Bounds, Deployment};
use gateway_client::{ClientError, DeadlineKind, Dialect, Failed};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use serde_json::Value;

use super::job::Job;
use super::reader::Reader;
use crate::access::End;
use crate::face::{Face, Refused};
use crate::room::Share;
use crate::splice;
use crate::upstream::{ANSWER_BYTES, Unread, overdue, read_into};
use crate::wire::{Usage, Wrong, anthropic, openai, translate};

/// An answer, or the start of one.
pub(crate) enum Answer {
    /// All of it, and the room it takes.
    Plain(Bytes, Share),
    /// A stream that has begun, with what the client is to get of it so far.
    Stream { source: Source, reader: Box<Reader>, first: Vec<u8> },
}

/// Where an answer's stream comes from.
pub(crate) struct Source {
    pub(crate) incoming: Incoming,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) reservation: Reservation,
    pub(crate) bounds: Bounds,
}

impl Job {
    /// Asks until somebody answers. Gives who did.
    pub(crate) async fn answer(&mut self) -> Result<(Answer, Try), Refused> {
        let face = self.request.face;
        loop {
            let next = self.next(|deployment| serves(face, deployment)).await?;
            let body = body(self, &next)?;
            let attempt = match self.request.stream {
                true => self.stream(&next, body).await,
                false => self.plain(&next, body).await,
            };
            match attempt {
                Ok(answer) => return Ok((answer, next)),
                // The endpoint did its part; another would find no room either.
                Err(_) if self.no_room => {
                    self.settle(next.reservation, Usage::default());
                    return Err(self.app.room.refusal());
                }
                Err(failed) => self.failed(&next, failed.error, &failed.observed),
            }
        }
    }

    async fn plain(&mut self, next: &Try, body: Bytes) -> Result<Answer, Failed> {
        let endpoint = &next.deployment.endpoint;
        let face = upstream_face(self.request.face, endpoint.dialect());
        let (app, trace) = (Arc::clone(&self.app), self.trace_header());
        let (mut share, mut no_room) = (app.room.share(), false);
        let whole = async {
            let (response, observed) = app.upstreams.post(endpoint, face, body, trace).await?;
            let grow = |bytes| share.grow(bytes);
            let body = read_into(response.into_body(), ANSWER_BYTES, grow).await;
            no_room = matches!(body, Err(Unread::NoRoom));
            Ok::<_, Failed>((body.map_err(|error| unread(next, error))?, observed))
        };
        let after = next.bounds.whole;
        let whole = tokio::time::timeout(after, whole).await;
        self.no_room = no_room;
        let (body, observed) =
            whole.map_err(|_| overdue(endpoint, DeadlineKind::FirstEvent, after))??;
        let checked = match endpoint.dialect() {
            Dialect::Anthropic => anthropic::check_answer(&body),
            _ => openai::check_answer(&body),
        };
        let usage = checked.map_err(|wrong| error_of(next, wrong))?;
        let body = in_dialect(self.request.face, endpoint.dialect(), body);
        self.answered(next, &observed);
        self.settle(next.reservation, usage);
        self.end(End::Whole);
        Ok(Answer::Plain(body, share))
    }

    async fn stream(&mut self, next: &Try, body: Bytes) -> Result<Answer, Failed> {
        let dialect = next.deployment.endpoint.dialect();
        let mut reader = Reader::new(self.request.face, dialect, self.request.wants_usage);
        let mut first = Vec::new();
        reader.told.beyond = self.request.several;
        let heard = |reader: &Reader| reader.heard;
        let (source, observed) = self.begin(next, body, &mut reader, &mut first, heard).await?;
        self.answered(next, &observed);
        Ok(Answer::Stream { source, reader: Box::new(reader), first })
    }

    /// Opens a stream and reads it until `enough`, within the bound on the first
    /// event. Nothing of it reaches the client before.
    pub(super) async fn begin(
        &self,
        next: &Try,
        body: Bytes,
        reader: &mut Reader,
        out: &mut Vec<u8>,
        enough: impl Fn(&Reader) -> bool,
    ) -> Result<(Source, Observed), Failed> {
        let endpoint = &next.deployment.endpoint;
        let face = upstream_face(self.request.face, endpoint.dialect());
        let begin = async {
            let trace = self.trace_header();
            let (response, observed) = self.app.upstreams.post(endpoint, face, body, trace).await?;
            let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
                return Err(bad(next, "it sent no event stream").into());
            }
            let mut incoming = response.into_body();
            while !enough(reader) {
                match incoming.frame().await {
                    Some(Ok(frame)) => {
                        let Ok(data) = frame.into_data() else { continue };
                        reader.feed(&data, out).map_err(|wrong| error_of(next, wrong))?;
                    }
                    Some(Err(error)) => return Err(broken(next, Some(error)).into()),
                    None => {
                        reader.end(out).map_err(|wrong| error_of(next, wrong))?;
                        break;
                    }
                }
            }
            let (deployment, reservation) = (Arc::clone(&next.deployment), next.reservation);
            let source = Source { incoming, deployment, reservation, bounds: next.bounds };
            Ok::<_, Failed>((source, observed))
        };
        let after = next.bounds.first_event;
        let begun = tokio::time::timeout(after, begin).await;
        begun.map_err(|_| overdue(endpoint, DeadlineKind::FirstEvent, after))?
    }
}

/// True if `deployment` can be asked in this way at all: Anthropic has neither
/// completions nor embeddings.
pub(crate) fn serves(face: Face, deployment: &Deployment) -> bool {
    let is_chat = matches!(face, Face::Chat | Face::Messages);
    is_chat || deployment.endpoint.dialect() != Dialect::Anthropic
}

/// The path at an endpoint of `dialect` that answers `face`.
fn upstream_face(face: Face, dialect: Dialect) -> Face {
    match (face, dialect) {
        (Face::Chat, Dialect::Anthropic) => Face::Messages,
        (Face::Messages, Dialect::OpenAi) => Face::Chat,
        (face, _) => face,
    }
}

/// The body that is sent: as it came, save the model's name and what settling
/// needs, unless the endpoint speaks the other dialect.
fn body(job: &Job, next: &Try) -> Result<Bytes, Refused> {
    let (request, deployment) = (&job.request, &*next.deployment);
    let dialect = deployment.endpoint.dialect();
    if request.face.dialect() != dialect {
        let value: Value = serde_json::from_slice(&request.body)
            .map_err(|error| Refused::invalid(error.to_string()))?;
        return translated(&value, dialect, &next.model);
    }
    let body = request.body_for(&next.model)?;
    let is_stream = request.stream && request.face != Face::Messages;
    if !is_stream || request.wants_usage || !job.app.counts_tokens(deployment) {
        return Ok(body);
    }
    let asked = splice::with_member(&body, "stream_options", r#"{"include_usage":true}"#);
    Ok(asked.map_or(body, Bytes::from))
}

/// A request in the dialect of an endpoint.
pub(super) fn translated(request: &Value, to: Dialect, model: &str) -> Result<Bytes, Refused> {
    let translated = match to {
        Dialect::Anthropic => translate::request_to_anthropic(request, model),
        _ => translate::request_to_openai(request, model),
    };
    let body = translated.map_err(|error| Refused::invalid(error.0))?;
    Ok(Bytes::from(body.to_string()))
}

/// A whole answer in the dialect of the client.
fn in_dialect(face: Face, from: Dialect, body: Bytes) -> Bytes {
    if face.dialect() == from {
        return body;
    }
    let Ok(value) = serde_json::from_slice::<Value>(&body) else { return body };
    let answer = match from {
        Dialect::Anthropic => translate::answer_to_openai(&value, unix_seconds()),
        _ => translate::answer_to_anthropic(&value),
    };
    Bytes::from(answer.to_string())
}

fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn unread(next: &Try, error: Unread) -> ClientError {
    match error {
        Unread::TooLong => bad(next, "its answer is too long"),
        Unread::NoRoom => bad(next, "there is no room for its answer"),
        Unread::Broken(error) => broken(next, Some(error)),
    }
}

pub(super) fn broken(next: &Try, error: Option<hyper::Error>) -> ClientError {
    let host = next.deployment.endpoint.host();
    ClientError::BrokenStream { host, message: String::new(), source: error.map(Into::into) }
}

fn bad(next: &Try, what: &str) -> ClientError {
    let host = next.deployment.endpoint.host();
    ClientError::BadEvent { host, what: what.to_owned(), excerpt: String::new() }
}

/// What an answer that is none means.
pub(super) fn error_of(next: &Try, wrong: Wrong) -> ClientError {
    let endpoint = &next.deployment.endpoint;
    match wrong {
        Wrong::Malformed => bad(next, "its answer is not what the protocol promises"),
        Wrong::Error { code: Some(code), message } => {
            let message = gateway_client::clean(endpoint, &message);
            ClientError::Status { host: endpoint.host(), code, retry_after: None, message }
        }
        Wrong::Error { code: None, message } => {
            let message = gateway_client::clean(endpoint, &message);
            ClientError::BrokenStream { host: endpoint.host(), message, source: None }
        }
    }
}
