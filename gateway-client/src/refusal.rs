//! What a response that is not an answer means.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::error::ClientError;
use crate::limits::Observed;
use crate::retry_after::{RetryHeaders, parse_retry_after};
use crate::secret::{REDACTED, Secret};
use crate::transport::Failed;

/// How much of a refusal's text is kept, in characters.
const MESSAGE_CHARS: usize = 500;

/// How much of a body that cannot be understood is shown, in characters.
const EXCERPT_CHARS: usize = 80;

/// What a response with a status other than success means that came at `wall`.
///
/// `body` is as much of its body as could be read; the status stands even if
/// none could. A wait is taken from the headers, else from the body.
pub fn refused(
    endpoint: &Endpoint,
    code: u16,
    headers: &HeaderMap,
    body: &[u8],
    wall: SystemTime,
) -> Failed {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let observed = Observed::in_headers(headers, wall).with_body(body);
    let retry = RetryHeaders {
        retry_after_ms: text("retry-after-ms"),
        retry_after: text(RETRY_AFTER.as_str()),
        date: text(DATE.as_str()),
    };
    let retry_after = parse_retry_after(retry, wall).or(observed.in_body);
    let error = match (code, text(LOCATION.as_str())) {
        (300..=399, Some(location)) => {
            let message = format!("redirects elsewhere, which is not followed: {location}");
            let message = clean(endpoint, &message);
            ClientError::Status { host: endpoint.host(), code, retry_after, message }
        }
        _ => refusal(endpoint, code, retry_after, &String::from_utf8_lossy(body)),
    };
    Failed { error, observed }
}

/// Turns a status other than success, with its body, into the error it means.
pub(crate) fn refusal(
    endpoint: &Endpoint,
    code: u16,
    retry_after: Option<Duration>,
    body: &str,
) -> ClientError {
    let host = endpoint.host();
    let json = serde_json::from_str::<Value>(body).ok();
    let message = match &json {
        Some(json) => message_in(json).unwrap_or_default(),
        None => first_line(body),
    };
    let message = clean(endpoint, &message);
    match code {
        401 | 403 => ClientError::Unauthorized { host, code, message },
        // The words alone could be a web page's; an engine says them in JSON.
        503 if json.is_some() && message.to_ascii_lowercase().contains("loading model") => {
            ClientError::Loading { host, retry_after }
        }
        400..=499 if is_too_long(json.as_ref(), &message) => {
            ClientError::ContextTooLong { host, message }
        }
        _ => ClientError::Status { host, code, retry_after, message },
    }
}

/// The error an endpoint reports in place of an event, as the `error` member.
pub(crate) fn message_in(json: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let error = json.get("error").filter(|error| !error.is_null()).unwrap_or(json);
    text(error)
        .or_else(|| error.get("message").and_then(text))
        .or_else(|| error.get("detail").and_then(text))
}

/// `text` on one line, bounded, with keys masked.
pub fn clean(endpoint: &Endpoint, text: &str) -> String {
    let key = endpoint.key().cloned();
    // `Basic` and then what is to be kept: pages of a proxy may repeat it.
    let authorization = endpoint.proxy().and_then(|proxy| proxy.authorization());
    let word = authorization.and_then(|value| value.expose().split(' ').next_back());
    let secrets = [key, word.map(Secret::new)].into_iter().flatten();
    let text = secrets.fold(text.to_owned(), |text, secret| secret.mask(&text));
    let words: Vec<&str> = text.split_whitespace().map(mask_key_like).collect();
    shorten(&words.join(" "), MESSAGE_CHARS)
}

/// The start of a body that cannot be understood, with keys masked.
pub(crate) fn excerpt(endpoint: &Endpoint, body: &str) -> String {
    shorten(&clean(endpoint, body), EXCERPT_CHARS)
}

/// OpenAI names the code, llama.cpp the type; others only say it.
fn is_too_long(json: Option<&Value>, message: &str) -> bool {
    let error = json.map(|json| json.get("error").unwrap_or(json));
    let word = |key: &str| error.and_then(|error| error.get(key)).and_then(Value::as_str);
    let message = message.to_ascii_lowercase();
    word("code") == Some("context_length_exceeded")
        || word("type") == Some("exceed_context_size_error")
        || message.contains("maximum context length")
        || message.contains("exceeds the available context size")
}

/// Providers repeat a part of the key they refuse; parts are no use to anybody.
fn mask_key_like(word: &str) -> &str {
    let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    if bare.starts_with("sk-") { REDACTED } else { word }
}

/// A proxy's page is named by its first words, not repeated.
fn first_line(body: &str) -> String {
    body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}

fn shorten(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
