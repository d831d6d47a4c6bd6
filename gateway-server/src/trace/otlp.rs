//! Traces in the JSON of OTLP, with the attributes that OpenTelemetry has for
//! models.
//!
//! Source: OpenTelemetry Protocol 1.9, "JSON Protobuf Encoding"; OpenTelemetry
//! Semantic Conventions 1.41 (status: development), "Generative client AI spans"
//! and "Embeddings", `gen_ai.*`; stable: `server.*`, `error.type`, `http.*`.

use std::time::{Duration, SystemTime};

use gateway::config::TracingConfig;
use gateway::table::Deployment;
use gateway_client::Dialect;
use serde_json::{Value, json};

use super::{AttemptSpan, SERVICE, Trace};
use crate::access::End;
use crate::face::Face;

/// `Span.SpanKind`
const SERVER: u8 = 2;
const CLIENT: u8 = 3;

/// `Status.StatusCode`
const ERROR: u8 = 2;

/// The body of a post.
pub(super) fn body(config: &TracingConfig, traces: &[Trace]) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let service = config.service_name.as_deref().unwrap_or(SERVICE);
    let mut resource = Attributes::default();
    resource.text("service.name", service);
    resource.text("service.version", version);
    for (name, value) in &config.resource {
        resource.text(name, value);
    }
    let spans: Vec<Value> = traces.iter().flat_map(spans).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource.0 },
        "scopeSpans": [{ "scope": { "name": "silk.gateway", "version": version }, "spans": spans }],
    }] })
}

/// How many spans there are of `trace`.
pub(super) fn count(trace: &Trace) -> u64 {
    1 + trace.attempts.len() as u64
}

/// The word for whoever runs `deployment`.
pub(super) fn provider(deployment: &Deployment) -> &'static str {
    match deployment.provider.as_deref() {
        Some("deepseek") => "deepseek",
        Some("mistral" | "codestral") => "mistral_ai",
        Some("groq") => "groq",
        Some("xai") => "x_ai",
        Some("perplexity") => "perplexity",
        Some("gemini") => "gcp.gemini",
        _ => dialect(deployment.endpoint.dialect()),
    }
}

/// Whose form a request has, where nothing more is known.
fn dialect(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => "anthropic",
        _ => "openai",
    }
}

fn operation(face: Face) -> &'static str {
    match face {
        Face::Chat | Face::Messages => "chat",
        Face::Completions => "text_completion",
        Face::Embeddings => "embeddings",
    }
}

fn spans(trace: &Trace) -> Vec<Value> {
    let mut spans = vec![request(trace)];
    spans.extend(trace.attempts.iter().map(|attempt| self::attempt(trace, attempt)));
    spans
}

/// The span of the request itself, as this gateway served it.
fn request(trace: &Trace) -> Value {
    let access = &trace.access;
    let mut attributes = Attributes::default();
    attributes.text("gen_ai.operation.name", operation(trace.face));
    attributes.text("gen_ai.provider.name", dialect(trace.face.dialect()));
    attributes.text("gen_ai.request.model", &access.model);
    attributes.flag("gen_ai.request.stream", access.stream);
    attributes.number("gen_ai.request.max_tokens", trace.max_output_tokens);
    if let Some(answered) = trace.attempts.iter().rfind(|attempt| attempt.first.is_some()) {
        attributes.text("gen_ai.response.model", &answered.model);
        attributes.text("silk.gateway.served_by", &answered.name);
    }
    attributes
        .seconds("gen_ai.response.time_to_first_chunk", trace.first.filter(|_| access.stream));
    attributes.usage((access.input_tokens, access.output_tokens));
    attributes.text("http.request.method", "POST");
    attributes.text("http.route", &format!("/v1{}", trace.face.path()));
    attributes.number("http.response.status_code", Some(access.status.into()));
    attributes.text("user.name", &access.user);
    attributes.number("silk.gateway.attempts", Some(trace.attempts.len() as u64));
    attributes.flag("silk.gateway.degraded", trace.degraded);
    if access.spent_usd > 0.0 {
        attributes.0.push(json!({
            "key": "silk.gateway.spent_usd", "value": { "doubleValue": access.spent_usd },
        }));
    }
    let status = access.status.to_string();
    let error = match access.end {
        End::Whole => None,
        End::Broken => Some("broken_stream"),
        End::ClientGone => Some("client_gone"),
        End::Refused => Some(status.as_str()),
    };
    let is_ours = matches!(access.end, End::Broken) || access.status >= 500;
    let mut span = span(trace, trace.span, (Duration::ZERO, trace.took));
    span["name"] = format!("{} {}", operation(trace.face), access.model).into();
    span["kind"] = SERVER.into();
    if let Some(parent) = &trace.parent {
        span["parentSpanId"] = format!("{:016x}", parent.span).into();
        span["traceState"] = parent.state.as_str().into();
    }
    close(span, attributes, error, is_ours)
}

/// The span of one attempt, as a client of the endpoint.
fn attempt(trace: &Trace, attempt: &AttemptSpan) -> Value {
    let (ended, outcome) = attempt.ended.unwrap_or((trace.took, "cancelled"));
    let mut attributes = Attributes::default();
    attributes.text("gen_ai.operation.name", operation(trace.face));
    attributes.text("gen_ai.provider.name", attempt.provider);
    attributes.text("gen_ai.request.model", &attempt.model);
    attributes.flag("gen_ai.request.stream", trace.access.stream);
    attributes.number("gen_ai.request.max_tokens", trace.max_output_tokens);
    attributes.usage(attempt.tokens);
    let waited = attempt.first.map(|first| first.saturating_sub(attempt.began));
    attributes
        .seconds("gen_ai.response.time_to_first_chunk", waited.filter(|_| trace.access.stream));
    attributes.text("server.address", &attempt.host);
    attributes.number("server.port", Some(attempt.port.into()));
    attributes.number("http.response.status_code", attempt.status.map(u64::from));
    attributes.text("silk.gateway.deployment", &attempt.name);
    attributes.text("silk.gateway.outcome", outcome);
    if let Some(region) = &attempt.region {
        attributes.text("silk.gateway.region", region);
    }
    let mut span = span(trace, attempt.span, (attempt.began, ended));
    span["name"] = format!("{} {}", operation(trace.face), attempt.model).into();
    span["kind"] = CLIENT.into();
    span["parentSpanId"] = format!("{:016x}", trace.span).into();
    let error = (outcome != "ok").then_some(outcome);
    close(span, attributes, error, outcome != "cancelled")
}

fn span(trace: &Trace, id: u64, (began, ended): (Duration, Duration)) -> Value {
    let at = |since: Duration| {
        let at = (trace.began_at + since).duration_since(SystemTime::UNIX_EPOCH);
        at.map_or(0, |at| at.as_nanos()).to_string()
    };
    json!({
        "traceId": format!("{:032x}", trace.id),
        "spanId": format!("{id:016x}"),
        "startTimeUnixNano": at(began),
        "endTimeUnixNano": at(ended),
        // Trace Context's flags: sampled.
        "flags": 1,
    })
}

fn close(mut span: Value, mut attributes: Attributes, error: Option<&str>, told: bool) -> Value {
    if let Some(error) = error {
        attributes.text("error.type", error);
        if told {
            span["status"] = json!({ "code": ERROR });
        }
    }
    span["attributes"] = attributes.0.into();
    span
}

/// `KeyValue`s. Whole numbers are texts, as they are 64 bits wide.
#[derive(Default)]
struct Attributes(Vec<Value>);

impl Attributes {
    fn text(&mut self, key: &str, value: &str) {
        self.0.push(json!({ "key": key, "value": { "stringValue": value } }));
    }

    fn flag(&mut self, key: &str, value: bool) {
        self.0.push(json!({ "key": key, "value": { "boolValue": value } }));
    }

    fn number(&mut self, key: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.0.push(json!({ "key": key, "value": { "intValue": value.to_string() } }));
        }
    }

    fn seconds(&mut self, key: &str, value: Option<Duration>) {
        if let Some(value) = value {
            self.0.push(json!({ "key": key, "value": { "doubleValue": value.as_secs_f64() } }));
        }
    }

    /// Tokens of prompt and answer; none of either: not told.
    fn usage(&mut self, (input, output): (u64, u64)) {
        if input + output > 0 {
            self.number("gen_ai.usage.input_tokens", Some(input));
            self.number("gen_ai.usage.output_tokens", Some(output));
        }
    }
}
