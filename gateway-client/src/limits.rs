//! What an answer's headers and a refusal's body say about limits.

use std::time::{Duration, SystemTime};

use chrono::DateTime;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// The figures for one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Left {
    /// The limit itself.
    pub limit: Option<u64>,
    /// What is left of it.
    pub remaining: Option<u64>,
    /// Until it is whole again.
    pub reset: Option<Duration>,
}

/// What one answer said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observed {
    /// Of requests.
    pub requests: Option<Left>,
    /// Of tokens; where there are several limits, the one with the least left.
    pub tokens: Option<Left>,
    /// How long the body asks to wait.
    pub in_body: Option<Duration>,
}

impl Observed {
    /// Nothing was said.
    pub const fn none() -> Self {
        Self { requests: None, tokens: None, in_body: None }
    }

    /// What the headers of an answer say that came at `wall`.
    pub fn in_headers(headers: &HeaderMap, wall: SystemTime) -> Self {
        Self::from_headers(|name| headers.get(name)?.to_str().ok(), wall)
    }

    /// The same, with any way to look a header up.
    ///
    /// - OpenAI and those who follow it: `x-ratelimit-remaining-requests: 59`,
    ///   `x-ratelimit-reset-tokens: 6m0s` (OpenAI API reference, "Rate limits").
    /// - Anthropic: `anthropic-ratelimit-tokens-reset: 2026-11-23T14:00:00Z`
    ///   (Claude API reference, "Response headers").
    /// - OpenRouter: `x-ratelimit-remaining`, for requests.
    pub fn from_headers<'a>(get: impl Fn(&str) -> Option<&'a str>, wall: SystemTime) -> Self {
        let read = |limit: &str, remaining: &str, reset: &str| {
            let number = |name: &str| get(name).and_then(|text| text.trim().parse().ok());
            let reset = get(reset).and_then(|text| parse_reset(text, wall));
            let left = Left { limit: number(limit), remaining: number(remaining), reset };
            (left.remaining.is_some() || left.limit.is_some()).then_some(left)
        };
        let openai = |what: &str| {
            read(
                &format!("x-ratelimit-limit-{what}"),
                &format!("x-ratelimit-remaining-{what}"),
                &format!("x-ratelimit-reset-{what}"),
            )
        };
        let anthropic = |what: &str| {
            let name = |part| format!("anthropic-ratelimit-{what}-{part}");
            read(&name("limit"), &name("remaining"), &name("reset"))
        };
        // Most answers carry neither; one look each tells.
        if get("anthropic-ratelimit-requests-remaining").is_some()
            || get("anthropic-ratelimit-tokens-remaining").is_some()
            || get("anthropic-ratelimit-input-tokens-remaining").is_some()
        {
            let tokens = ["tokens", "input-tokens"].iter().filter_map(|what| anthropic(what));
            let tokens = tokens.min_by_key(|left| left.remaining);
            return Self { requests: anthropic("requests"), tokens, in_body: None };
        }
        let plain = || read("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset");
        Self {
            requests: openai("requests").or_else(plain),
            tokens: openai("tokens"),
            in_body: None,
        }
    }

    /// The same, with the wait that the body of a refusal names in words or as
    /// Google's `RetryInfo`.
    #[must_use]
    pub fn with_body(mut self, body: &[u8]) -> Self {
        self.in_body = wait_in_body(body);
        self
    }
}

/// The wait a refusal's body names: `"try again in 1.5s"`, or `retryDelay` of
/// `google.rpc.RetryInfo` (google/rpc/error_details.proto).
pub fn wait_in_body(body: &[u8]) -> Option<Duration> {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let json = json.as_ref().map(|json| json.get(0).unwrap_or(json));
    if let Some(delay) = json.and_then(retry_info) {
        return parse_duration(delay);
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(4_096)]).to_ascii_lowercase();
    let phrases = ["try again in ", "retry in ", "retry after ", "try again after "];
    let rest = phrases.iter().find_map(|phrase| Some(text.split_once(phrase)?.1))?;
    // The text of a member ends at its quote.
    let mut words = rest.split('"').next()?.split_whitespace();
    let first = words.next()?.trim_end_matches(['.', ',', '}', ')']);
    parse_duration(first).filter(|_| !first.ends_with(|c: char| c.is_ascii_digit())).or_else(|| {
        let number: f64 = first.parse().ok()?;
        let unit = words.next().unwrap_or("seconds");
        let seconds = match unit {
            unit if unit.starts_with("milli") || unit.starts_with("ms") => number / 1e3,
            unit if unit.starts_with("min") => number * 60.0,
            unit if unit.starts_with("hour") => number * 3_600.0,
            _ => number,
        };
        Duration::try_from_secs_f64(seconds).ok()
    })
}

fn retry_info(json: &Value) -> Option<&str> {
    let details = json.get("error")?.get("details")?.as_array()?;
    details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())
}

/// Until a limit is whole: a length (`6m0s`, `350ms`, `12`), seconds or
/// milliseconds since 1970, or a time of day (RFC 3339).
fn parse_reset(text: &str, wall: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if text.contains('T') {
        let until = SystemTime::from(DateTime::parse_from_rfc3339(text).ok()?);
        return Some(until.duration_since(wall).unwrap_or_default());
    }
    match text.parse::<f64>() {
        Ok(number) if number >= 1e9 => {
            let seconds = if number >= 1e12 { number / 1e3 } else { number };
            let since_1970 = Duration::try_from_secs_f64(seconds).ok()?;
            let until = SystemTime::UNIX_EPOCH.checked_add(since_1970)?;
            Some(until.duration_since(wall).unwrap_or_default())
        }
        _ => parse_duration(text),
    }
}

/// `1h2m3.5s`, `350ms`, or a bare number of seconds.
fn parse_duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let (mut rest, mut sum) = (text.trim(), 0.0);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let (unit, length) = [("ms", 1e-3), ("h", 3_600.0), ("m", 60.0), ("s", 1.0)]
            .into_iter()
            .find(|(unit, _)| rest[end..].starts_with(unit))?;
        sum += number * length;
        rest = &rest[end + unit.len()..];
    }
    Duration::try_from_secs_f64(sum).ok()
}
