//! The client against a scripted provider on loopback.
#![allow(clippy::unwrap_used)]

mod answers;
mod anthropic;
mod embeddings;
mod endpoints;
mod failures;
mod proxies;
mod secrets;
mod wire;

use std::time::Duration;

use futures::StreamExt;
use gateway_client::{
    ChatRequest, ClientError, Deadlines, Endpoint, HttpTransport, Message, Prompt, StreamEvent,
    Transport,
};

/// Long enough for a loaded machine; a test that waits it out has failed.
const PATIENT: Deadlines =
    Deadlines { first_event: Duration::from_secs(20), idle: Duration::from_secs(20) };

fn endpoint(url: &str) -> Endpoint {
    Endpoint::parse("scripted", url, None).unwrap()
}

fn request() -> ChatRequest {
    let messages = vec![Message::system("Be brief."), Message::user("Why is the output garbled?")];
    ChatRequest { model: "scripted".into(), prompt: Prompt::new(messages) }
}

/// All that comes back, and the error that ended it.
async fn ask(endpoint: &Endpoint, deadlines: Deadlines) -> (Vec<StreamEvent>, Option<ClientError>) {
    let transport = HttpTransport::default();
    let mut stream = match transport.chat(endpoint, &request(), deadlines).await {
        Ok(answered) => answered.events,
        Err(failed) => return (Vec::new(), Some(failed.error)),
    };
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing follows an error");
                return (events, Some(error));
            }
        }
    }
    (events, None)
}

fn text_of(events: &[StreamEvent]) -> String {
    let delta = |event: &StreamEvent| match event {
        StreamEvent::Delta(text) => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(delta).collect()
}
