//! Counters, and their text for Prometheus.
//!
//! Source: Prometheus, "Exposition formats", text format 0.0.4.

mod spending;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::access::{Access, End};
use crate::app::App;
use crate::shared::Standing;
use crate::wire::Usage;
use gateway::table::Deployment;
use serde::Serialize;

/// Upper bounds of the histogram of the time to the first event, in seconds.
const BOUNDS: [f64; 10] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// What happened since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, u16, EndWord), u64>>,
    attempts: Mutex<BTreeMap<&'static str, BTreeMap<String, u64>>>,
    first: [AtomicU64; BOUNDS.len() + 1],
    first_micros: AtomicU64,
    input_tokens: AtomicU64,
    output_tokens: AtomicU64,
    spent_micro_usd: AtomicU64,
    resumed: AtomicU64,
    refused_keys: Mutex<BTreeMap<&'static str, u64>>,
    failed_handshakes: Mutex<BTreeMap<&'static str, u64>>,
    dropped_events: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) reloads: AtomicU64,
}

/// The word of an [`End`], which is what they are told apart and sorted by.
type EndWord = &'static str;

/// Clients that were sent away before they asked anything, by what was wrong.
#[derive(Debug, Serialize)]
pub(crate) struct TurnedAway {
    pub(crate) keys: BTreeMap<&'static str, u64>,
    pub(crate) handshakes: BTreeMap<&'static str, u64>,
}

impl Metrics {
    pub(crate) fn attempt(&self, deployment: &Deployment, outcome: &'static str) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_outcome = attempts.entry(outcome).or_default();
        match of_outcome.get_mut(deployment.name()) {
            Some(count) => *count += 1,
            None => drop(of_outcome.insert(deployment.name().to_owned(), 1)),
        }
    }

    pub(crate) fn first_event(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let slot = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.first[slot].fetch_add(1, Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.first_micros.fetch_add(micros, Relaxed);
    }

    pub(crate) fn settled(&self, usage: Usage, spent_usd: f64) {
        self.input_tokens.fetch_add(usage.input, Relaxed);
        self.output_tokens.fetch_add(usage.output, Relaxed);
        // Saturates; a negative price would be a fault of the configuration.
        self.spent_micro_usd.fetch_add((spent_usd * 1e6) as u64, Relaxed);
    }

    pub(crate) fn resumed(&self) {
        self.resumed.fetch_add(1, Relaxed);
    }

    /// A client without a good key was sent away; `code` says what was wrong.
    pub(crate) fn refused_key(&self, code: &'static str) {
        count(&self.refused_keys, code);
    }

    /// A client that was to speak TLS did not come so far.
    pub(crate) fn failed_handshake(&self, why: &'static str) {
        count(&self.failed_handshakes, why);
    }

    /// Clients that were sent away before they asked anything, for the status.
    pub(crate) fn turned_away(&self) -> TurnedAway {
        let all = |counts: &Mutex<BTreeMap<&'static str, u64>>| {
            counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        let keys = all(&self.refused_keys);
        TurnedAway { keys, handshakes: all(&self.failed_handshakes) }
    }

    pub(crate) fn request(&self, access: &Access) {
        self.dropped_events.fetch_add(u64::from(access.dropped_events), Relaxed);
        let end = match access.end {
            End::Whole => "whole",
            End::Refused => "refused",
            End::Broken => "broken",
            End::ClientGone => "client_gone",
        };
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((access.face, access.status, end)).or_default() += 1;
    }

    /// All of it as text.
    pub(crate) fn render(&self, app: &App) -> String {
        let shared = app.shared.as_ref().map(|shared| shared.standing());
        let mut text = String::new();
        self.render_requests(&mut text);
        self.render_first(&mut text);
        let dollars = self.spent_micro_usd.load(Relaxed) as f64 / 1e6;
        let plain = |counter: &AtomicU64| counter.load(Relaxed).to_string();
        for (name, kind, help, value) in [
            ("input_tokens_total", "counter", "Tokens of prompts.", plain(&self.input_tokens)),
            ("output_tokens_total", "counter", "Tokens of answers.", plain(&self.output_tokens)),
            ("spent_usd_total", "counter", "Spend in US dollars.", dollars.to_string()),
            (
                "resumed_streams_total",
                "counter",
                "Answers that went on elsewhere.",
                plain(&self.resumed),
            ),
            (
                "dropped_events_total",
                "counter",
                "Broken events left out.",
                plain(&self.dropped_events),
            ),
            ("reloads_total", "counter", "Configurations taken over.", plain(&self.reloads)),
            ("connections", "gauge", "Open connections of clients.", plain(&self.connections)),
        ] {
            head(&mut text, name, kind, help);
            line(&mut text, name, "", &value);
        }
        if let Some(shared) = &shared {
            render_shared(&mut text, shared);
        }
        let TurnedAway { keys, handshakes } = self.turned_away();
        render_counts(
            &mut text,
            ("refused_keys_total", "code", "Requests without a good key."),
            keys,
        );
        render_counts(
            &mut text,
            ("failed_handshakes_total", "why", "Clients that did not come to speak TLS."),
            handshakes,
        );
        let used = app.room.used();
        head(&mut text, "body_bytes", "gauge", "Memory that bodies under way take.");
        line(&mut text, "body_bytes", "", &used.to_string());
        let name = "no_room_total";
        head(&mut text, name, "counter", "Requests there was no room for.");
        line(&mut text, name, "", &app.room.refused().to_string());
        spending::render(&mut text, app);
        if let Some(tracer) = &app.tracer {
            for (name, help, counter) in [
                ("spans_sent_total", "Spans that the collector took.", &tracer.sent),
                ("traces_dropped_total", "Traces that it did not get.", &tracer.dropped),
            ] {
                head(&mut text, name, "counter", help);
                line(&mut text, name, "", &plain(counter));
            }
        }
        text
    }

    fn render_requests(&self, text: &mut String) {
        head(text, "requests_total", "counter", "Requests that are over.");
        for ((face, status, end), count) in
            &*self.requests.lock().unwrap_or_else(PoisonError::into_inner)
        {
            let labels = format!("face=\"{face}\",status=\"{status}\",end=\"{end}\"");
            line(text, "requests_total", &labels, &count.to_string());
        }
        head(text, "attempts_total", "counter", "Requests sent to endpoints, by outcome.");
        for (outcome, of_outcome) in &*self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
        {
            for (deployment, count) in of_outcome {
                let labels =
                    format!("deployment=\"{}\",outcome=\"{outcome}\"", escaped(deployment));
                line(text, "attempts_total", &labels, &count.to_string());
            }
        }
    }

    fn render_first(&self, text: &mut String) {
        let name = "first_event_seconds";
        head(text, name, "histogram", "From a request to the start of its answer.");
        let mut sum = 0;
        for (slot, count) in self.first.iter().enumerate() {
            sum += count.load(Relaxed);
            let bound = BOUNDS.get(slot).map_or("+Inf".to_owned(), f64::to_string);
            line(text, &format!("{name}_bucket"), &format!("le=\"{bound}\""), &sum.to_string());
        }
        let seconds = self.first_micros.load(Relaxed) as f64 / 1e6;
        line(text, &format!("{name}_sum"), "", &seconds.to_string());
        line(text, &format!("{name}_count"), "", &sum.to_string());
    }
}

/// One more of `word`.
fn count(counts: &Mutex<BTreeMap<&'static str, u64>>, word: &'static str) {
    *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(word).or_default() += 1;
}

fn render_counts(
    text: &mut String,
    (name, label, help): (&str, &str, &str),
    counts: BTreeMap<&'static str, u64>,
) {
    head(text, name, "counter", help);
    for (word, count) in counts {
        line(text, name, &format!("{label}=\"{word}\""), &count.to_string());
    }
}

fn render_shared(text: &mut String, shared: &Standing) {
    for (name, kind, help, value) in [
        ("shared_state_up", "gauge", "1 if what replicas share is reached.", shared.reached.into()),
        ("shared_state_losses_total", "counter", "How often it was lost.", shared.losses),
        (
            "unshared_requests_total",
            "counter",
            "Requests sent by this replica's estimate alone.",
            shared.unshared_requests,
        ),
    ] {
        head(text, name, kind, help);
        line(text, name, "", &value.to_string());
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "# HELP silk_gateway_{name} {help}\n# TYPE silk_gateway_{name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: &str) {
    let _ = match labels {
        "" => writeln!(text, "silk_gateway_{name} {value}"),
        labels => writeln!(text, "silk_gateway_{name}{{{labels}}} {value}"),
    };
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
