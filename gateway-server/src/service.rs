//! From an HTTP request to its response: path, key, body, answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gateway::config::Class;
use gateway::policy::Try;
use gateway_client::Dialect;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::access::End;
use crate::app::App;
use crate::face::{Face, Refused};
use crate::keys::User;
use crate::relay::{Answer, Hints, Job, Relay, whole_seconds};
use crate::room::Share;
use crate::trace::Parent;
use crate::upstream::{Unread, read_into};
use crate::{count, request, status, tags};

/// A response's body: all there is, or a stream.
pub(crate) enum Out {
    Whole(Option<Bytes>),
    /// The same, with the room it takes.
    Answer {
        bytes: Option<Bytes>,
        _share: Share,
    },
    Stream(Box<Relay>),
}

impl Body for Out {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(bytes) | Self::Answer { bytes, .. } => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Stream(relay) => Pin::new(&mut **relay).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) | Self::Answer { bytes, .. } => bytes.is_none(),
            Self::Stream(relay) => relay.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) | Self::Answer { bytes, .. } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// Answers one request. Never fails: what goes wrong is told in the response.
pub(crate) async fn respond(app: Arc<App>, request: Request<Incoming>) -> Response<Out> {
    if count::is_at(request.uri().path()) {
        let counted = count_tokens(&app, request).await;
        return counted.unwrap_or_else(|refused| refuse(&refused, Dialect::Anthropic));
    }
    let face = Face::at(request.uri().path());
    let dialect = match face {
        Some(face) => face.dialect(),
        // Both dialects list models at one path; their clients tell themselves apart.
        None if request.headers().contains_key("anthropic-version") => Dialect::Anthropic,
        None => Dialect::OpenAi,
    };
    let answered = match face {
        Some(face) => ask(&app, face, request).await,
        None => look(&app, &request),
    };
    answered.unwrap_or_else(|refused| refuse(&refused, dialect))
}

async fn ask(
    app: &Arc<App>,
    face: Face,
    request: Request<Incoming>,
) -> Result<Response<Out>, Refused> {
    let (user, hints, request) = receive(app, face, request).await?;
    let stream = request.stream;
    let mut job = Job::admit(app, request, &user, &hints)?;
    let (answer, next) = match job.answer().await {
        Ok(answered) => answered,
        Err(refused) => {
            job.access.refuse(refused.status);
            job.end(End::Refused);
            return Err(refused);
        }
    };
    let mut response = Response::new(Out::Whole(None));
    let kind = if stream { "text/event-stream" } else { "application/json" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    sign(response.headers_mut(), &job, &next);
    *response.body_mut() = match answer {
        Answer::Plain(body, share) => Out::Answer { bytes: Some(body), _share: share },
        Answer::Stream { source, reader, first } => {
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            Out::Stream(Box::new(Relay::new(job, reader, source, first)))
        }
    };
    Ok(response)
}

/// Who asks, what was said beside, and the request itself.
async fn receive(
    app: &Arc<App>,
    face: Face,
    request: Request<Incoming>,
) -> Result<(Arc<User>, Hints, request::Request), Refused> {
    if request.method() != Method::POST {
        return Err(Refused::new(405, "method_not_allowed", "ask with POST"));
    }
    let user = app.user(request.headers())?;
    let mut hints = hints(request.headers())?;
    if app.tracer.is_some() {
        hints.parent = Parent::of(request.headers());
    }
    let by_tags = app.routes_by_tags();
    if by_tags {
        hints.tags = tags::in_headers(request.headers());
        hints.user_agent = tags::user_agent(request.headers());
    }
    let (mut body, share) = body(app, request).await?;
    if by_tags {
        body = tags::take(body, &mut hints.tags)?;
    }
    Ok((user, hints, request::Request::read(face, (body, share))?))
}

/// Anthropic's `/v1/messages/count_tokens`.
async fn count_tokens(
    app: &Arc<App>,
    request: Request<Incoming>,
) -> Result<Response<Out>, Refused> {
    let (user, hints, request) = receive(app, Face::Messages, request).await?;
    let count = count::count(app, &request, &user, &hints).await?;
    let mut response = json_response(StatusCode::OK, &json!({ "input_tokens": count.tokens }));
    if count.estimated {
        let name = HeaderName::from_static("x-gateway-estimated");
        response.headers_mut().insert(name, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Says who answered, and how it came to that.
fn sign(headers: &mut HeaderMap, job: &Job, next: &Try) {
    let mut put = |name: &'static str, text: &str| {
        // A name that no header can hold is not told.
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-gateway-served-by", next.deployment.name());
    put("x-gateway-model", &next.model);
    if let Some(tier) = next.tier {
        put("x-gateway-tier", tier.as_str());
    }
    put("x-gateway-attempts", &job.attempts.to_string());
    put("x-gateway-degraded", if job.degraded { "true" } else { "false" });
}

async fn body(app: &App, request: Request<Incoming>) -> Result<(Bytes, Share), Refused> {
    let most = app.options.body_bytes;
    let too_large = || {
        let message = format!("the request is longer than the {most} bytes that are taken");
        Refused::new(413, "request_too_large", message)
    };
    let told = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if told.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > most as u64)
    {
        return Err(too_large());
    }
    let mut share = app.room.share();
    let body = read_into(request.into_body(), most, |bytes| share.grow(bytes));
    match tokio::time::timeout(app.options.body_time, body).await {
        Ok(Ok(body)) => Ok((body, share)),
        Ok(Err(Unread::NoRoom)) => Err(app.room.refusal()),
        Ok(Err(Unread::TooLong)) => Err(too_large()),
        Ok(Err(Unread::Broken(_))) => Err(Refused::invalid("the request's body broke off")),
        Err(_) => {
            Err(Refused::new(408, "request_timeout", "the request's body did not come in time"))
        }
    }
}

/// What a client's headers say of how to route.
fn hints(headers: &HeaderMap) -> Result<Hints, Refused> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let word = |name: &str| text(name).map(|text| Value::from(text.trim().to_ascii_lowercase()));
    let parsed = |name: &str, error: serde_json::Error| {
        Refused::invalid(format!("the header `{name}` cannot be used: {error}"))
    };
    let task = word("x-gateway-task").map(serde_json::from_value).transpose();
    let class = word("x-gateway-class").map(serde_json::from_value::<Class>).transpose();
    let deadline = text("x-gateway-deadline-ms").map(str::parse::<u64>).transpose();
    let deadline = deadline.map_err(|_| Refused::invalid("`x-gateway-deadline-ms` is a number"))?;
    Ok(Hints {
        task: task.map_err(|error| parsed("x-gateway-task", error))?,
        class: class.map_err(|error| parsed("x-gateway-class", error))?,
        project: text("x-gateway-project").map(|text| text.chars().take(80).collect()),
        deadline: deadline.map(Duration::from_millis),
        escalate: text("x-gateway-escalate") == Some("true"),
        tags: Vec::new(),
        user_agent: None,
        parent: None,
    })
}

/// Everything that only looks.
fn look(app: &App, request: &Request<Incoming>) -> Result<Response<Out>, Refused> {
    let path = request.uri().path();
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let known = matches!(path, "/health" | "/models" | "/metrics" | "/status");
    if !known {
        let message = "nothing is served at this path; see /v1/models and /health";
        return Err(Refused::new(404, "not_found", message));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Refused::new(405, "method_not_allowed", "look with GET"));
    }
    if path == "/health" {
        return Ok(json_response(StatusCode::OK, &json!({ "status": "ok" })));
    }
    let user = app.user(request.headers())?;
    match path {
        "/metrics" => {
            need_master(&user)?;
            let text = app.metrics.render(app);
            let mut response = Response::new(Out::Whole(Some(text.into())));
            let kind = HeaderValue::from_static("text/plain; version=0.0.4");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            Ok(response)
        }
        "/status" => {
            need_master(&user)?;
            Ok(json_response(StatusCode::OK, &status::status(app)))
        }
        _ => Ok(json_response(StatusCode::OK, &models(app))),
    }
}

/// Metrics and status tell of everybody.
fn need_master(user: &User) -> Result<(), Refused> {
    match user.master {
        true => Ok(()),
        false => Err(Refused::new(403, "master_key_needed", "this takes the master key")),
    }
}

/// The list in a form that both dialects' clients can read.
fn models(app: &App) -> Value {
    let names: Vec<String> =
        app.with_policy(|policy, _| policy.table().models().map(str::to_owned).collect());
    let model = |name: &String| {
        json!({
            "id": name, "object": "model", "created": 0, "owned_by": "silk",
            "type": "model", "display_name": name, "created_at": "1970-01-01T00:00:00Z",
        })
    };
    let data: Vec<Value> = names.iter().map(model).collect();
    json!({
        "object": "list", "data": data,
        "has_more": false, "first_id": names.first(), "last_id": names.last(),
    })
}

fn refuse(refused: &Refused, dialect: Dialect) -> Response<Out> {
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = json_response(status, &refused.body(dialect));
    if let Some(wait) = refused.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    response
}

fn json_response(status: StatusCode, body: &Value) -> Response<Out> {
    let mut response = Response::new(Out::Whole(Some(body.to_string().into())));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
