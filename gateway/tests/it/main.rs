//! The gateway: its rules with a made-up clock, its driver over a transport of
//! the tests' own, and the whole over loopback.
#![allow(clippy::unwrap_used)]

mod config;
mod consent;
mod discovery;
mod driver;
mod events;
mod expiry;
mod fake;
mod files;
mod in_process;
mod ladder;
mod limits;
mod loopback;
mod policy;
mod regions;
mod replicas;
mod simulation;
mod tags;

use std::time::Duration;

use futures::StreamExt;
use gateway::{AskError, AskStream, Attempt, EndpointConfig, Event, Models, Outcome};
use gateway_client::{Message, Prompt};

fn prompt() -> Prompt {
    Prompt::new(vec![Message::user("Why is the output garbled?")])
}

fn endpoint(name: &str, url: &str, model: &str) -> EndpointConfig {
    EndpointConfig {
        name: name.to_owned(),
        url: url.to_owned(),
        models: Models::from(model),
        ..EndpointConfig::default()
    }
}

/// All that an ask told, taken apart.
#[derive(Debug, Default)]
struct Told {
    attempts: Vec<Attempt>,
    waits_ms: Vec<u64>,
    text: String,
    last: Option<Event>,
    error: Option<AskError>,
}

impl Told {
    async fn by(mut events: AskStream) -> Self {
        let mut told = Self::default();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => told.note(event),
                Err(error) => {
                    assert!(events.next().await.is_none(), "nothing follows an error");
                    told.error = Some(error);
                }
            }
        }
        told
    }

    fn note(&mut self, event: Event) {
        match &event {
            Event::Attempt(attempt) => self.attempts.push(attempt.clone()),
            Event::Wait { wait_ms, .. } => self.waits_ms.push(*wait_ms),
            Event::Delta { text } => self.text.push_str(text),
            _ => {}
        }
        self.last = Some(event);
    }

    /// Endpoint and outcome of each attempt.
    fn way(&self) -> Vec<(&str, &Outcome)> {
        self.attempts.iter().map(|attempt| (attempt.endpoint.as_str(), &attempt.outcome)).collect()
    }

    fn served_by(&self) -> Option<&str> {
        match &self.last {
            Some(Event::Done { endpoint, .. }) => Some(endpoint),
            _ => None,
        }
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
