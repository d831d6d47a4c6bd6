//! Where spans of requests are sent, in the words of OpenTelemetry.
//!
//! Source: OpenTelemetry Specification 1.48, "OpenTelemetry Protocol Exporter" and
//! "Environment Variable Specification".

use std::collections::BTreeMap;

use gateway_client::Secret;
use serde::{Deserialize, Serialize};

/// `[gateway.server.tracing]`: nothing is sent where no endpoint is named.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TracingConfig {
    /// The base address of a collector that takes OTLP over HTTP
    /// (`http://127.0.0.1:4318`): spans are posted to `/v1/traces` below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The whole address that spans are posted to, in place of `endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traces_endpoint: Option<String>,
    /// Headers of every post, such as the collector's key.
    pub headers: BTreeMap<String, Secret>,
    /// What this gateway is called; `silk-gateway`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// What else is said of it: `deployment.environment.name` and the like.
    pub resource: BTreeMap<String, String>,
    /// The part of traces that is kept, 0 to 1; 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<f64>,
    /// A trace that a client began is kept if and only if the client keeps it; true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_based: Option<bool>,
    /// How long spans are gathered before they are sent, in milliseconds; 5000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// How long a post may take, in milliseconds; 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl TracingConfig {
    /// The address that spans are posted to; `None`: they are not made.
    pub fn address(&self) -> Option<String> {
        let given = |address: &&String| !address.trim().is_empty();
        if let Some(whole) = self.traces_endpoint.as_ref().filter(given) {
            return Some(whole.trim().to_owned());
        }
        let base = self.endpoint.as_ref().filter(given)?;
        Some(format!("{}/v1/traces", base.trim().trim_end_matches('/')))
    }

    /// Takes over the standard variables (`OTEL_EXPORTER_OTLP_ENDPOINT` and the
    /// like), which go before what stands here. Gives back what cannot be used
    /// of them, in words that hold no value: it may be a key.
    pub fn fill_from(&mut self, look_up: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let look_up = |name: &str| look_up(name).filter(|value| !value.trim().is_empty());
        let is = |name: &str, word: &str| {
            look_up(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word))
        };
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            (self.endpoint, self.traces_endpoint) = (None, None);
            return Vec::new();
        }
        let mut odd = Vec::new();
        let either = |name: &str| {
            look_up(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"))
                .or_else(|| look_up(&format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        let whole = look_up("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        if let Some(base) = look_up("OTEL_EXPORTER_OTLP_ENDPOINT") {
            (self.endpoint, self.traces_endpoint) = (Some(base), None);
        }
        self.traces_endpoint = whole.or(self.traces_endpoint.take());
        if either("PROTOCOL").is_some_and(|protocol| protocol.trim() != "http/json") {
            odd.push("OTEL_EXPORTER_OTLP_PROTOCOL: spans are sent as http/json".to_owned());
        }
        for (name, value) in pairs(either("HEADERS"), "OTEL_EXPORTER_OTLP_HEADERS", &mut odd) {
            self.headers.insert(name, Secret::new(value));
        }
        let resource = look_up("OTEL_RESOURCE_ATTRIBUTES");
        self.resource.extend(pairs(resource, "OTEL_RESOURCE_ATTRIBUTES", &mut odd));
        let named = self.resource.remove("service.name");
        self.service_name = look_up("OTEL_SERVICE_NAME").or(named).or(self.service_name.take());
        let mut number = |value: Option<String>, name: &str| {
            let value = value?;
            let number = value.trim().parse::<u64>().ok();
            if number.is_none() {
                odd.push(format!("{name} is no number of milliseconds"));
            }
            number
        };
        let timeout = number(either("TIMEOUT"), "OTEL_EXPORTER_OTLP_TIMEOUT");
        let delay = number(look_up("OTEL_BSP_SCHEDULE_DELAY"), "OTEL_BSP_SCHEDULE_DELAY");
        (self.timeout_ms, self.delay_ms) = (timeout.or(self.timeout_ms), delay.or(self.delay_ms));
        if let Some(sampler) = look_up("OTEL_TRACES_SAMPLER") {
            let argument = look_up("OTEL_TRACES_SAMPLER_ARG");
            odd.extend(self.take_sampler(sampler.trim(), argument.as_deref()));
        }
        odd
    }

    fn take_sampler(&mut self, sampler: &str, argument: Option<&str>) -> Option<String> {
        let (parent_based, kind) = match sampler.strip_prefix("parentbased_") {
            Some(kind) => (true, kind),
            None => (false, sampler),
        };
        let part = argument.map_or(Some(1.0), |part| part.trim().parse().ok());
        let sample = match kind {
            "always_on" => Some(1.0),
            "always_off" => Some(0.0),
            "traceidratio" => part.filter(|part| (0.0..=1.0).contains(part)),
            _ => return Some("OTEL_TRACES_SAMPLER names no sampler known here".to_owned()),
        };
        if sample.is_none() {
            return Some("OTEL_TRACES_SAMPLER_ARG is no part of 1".to_owned());
        }
        (self.sample, self.parent_based) = (sample, Some(parent_based));
        None
    }
}

/// `name=value,name=value`, values percent-encoded. What is no pair is left out
/// and said so.
///
/// Source: W3C Baggage, 3.2.1, as the specification refers to it.
fn pairs(list: Option<String>, variable: &str, odd: &mut Vec<String>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for pair in list.iter().flat_map(|list| list.split(',')) {
        match pair.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                pairs.push((name.trim().to_owned(), percent_decoded(value.trim())));
            }
            _ if pair.trim().is_empty() => {}
            _ => odd.push(format!("{variable} holds an entry that is no `name=value`")),
        }
    }
    pairs
}

/// Source: RFC 3986, 2.1. What is no escape stands for itself.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        let digits = bytes.get(place + 1..place + 3).filter(|_| bytes[place] == b'%');
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(bytes[place]));
        place += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
