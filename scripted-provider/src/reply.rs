//! What a scripted provider does with one request.

use std::time::Duration;

use serde_json::{Value, json};

/// One reply, and how it goes wrong. Starts as one of the constructors, then
/// takes its faults one by one.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) delay: Duration,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Body { content_type: String, text: String },
    Events { events: Vec<String>, gap: Duration, end: End },
    Hang,
}

/// How a stream of events ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The body ends as HTTP wants it.
    Clean,
    /// The connection is closed in the middle of the body.
    Cut,
    /// Nothing more comes, the connection stays.
    Stall,
}

impl Reply {
    /// A streamed answer, one event for each word, then finish reason `stop`,
    /// usage (11 tokens in, one out for each word) and `[DONE]`.
    pub fn answer(text: &str) -> Self {
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        let delta = |delta: Value, finish: Option<&str>| {
            json!({
                "object": "chat.completion.chunk",
                "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
            })
        };
        let mut events = vec![delta(json!({ "role": "assistant", "content": null }), None)];
        events.extend(words.iter().map(|word| delta(json!({ "content": word }), None)));
        events.push(delta(json!({}), Some("stop")));
        events.push(json!({
            "object": "chat.completion.chunk",
            "choices": [],
            "usage": { "prompt_tokens": 11, "completion_tokens": words.len() },
        }));
        let mut events: Vec<String> = events.iter().map(Value::to_string).collect();
        events.push("[DONE]".to_owned());
        Self::events(events)
    }

    /// A streamed turn that says `text` and then calls tools, each a name and its arguments' JSON
    /// text, which comes in two pieces. Ends with finish reason `tool_calls`.
    pub fn calls(text: &str, calls: &[(&str, &str)]) -> Self {
        let chunk = |delta: Value, finish: Option<&str>| {
            let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
            json!({ "object": "chat.completion.chunk", "choices": [choice] }).to_string()
        };
        let mut events = Vec::new();
        if !text.is_empty() {
            events.push(chunk(json!({ "content": text }), None));
        }
        for (index, (name, arguments)) in calls.iter().enumerate() {
            let (head, rest) = arguments.split_at(arguments.floor_char_boundary(1));
            let function = json!({ "name": name, "arguments": head });
            let first = json!({ "index": index, "id": format!("c{index}"), "function": function });
            let next = json!({ "index": index, "function": { "arguments": rest } });
            for piece in [first, next] {
                events.push(chunk(json!({ "tool_calls": [piece] }), None));
            }
        }
        events.push(chunk(json!({}), Some("tool_calls")));
        events.push("[DONE]".to_owned());
        Self::events(events)
    }

    /// A streamed answer of Anthropic's, one event for each word (11 tokens in,
    /// one out for each word).
    pub fn message(text: &str) -> Self {
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        let start = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "scripted",
            "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": 11, "output_tokens": 1 },
        });
        let block = json!({ "type": "text", "text": "" });
        let mut events = vec![
            json!({ "type": "message_start", "message": start }),
            json!({ "type": "content_block_start", "index": 0, "content_block": block }),
        ];
        events.extend(words.iter().map(|word| {
            let delta = json!({ "type": "text_delta", "text": word });
            json!({ "type": "content_block_delta", "index": 0, "delta": delta })
        }));
        let delta = json!({ "stop_reason": "end_turn", "stop_sequence": null });
        let usage = json!({ "output_tokens": words.len() });
        events.extend([
            json!({ "type": "content_block_stop", "index": 0 }),
            json!({ "type": "message_delta", "delta": delta, "usage": usage }),
            json!({ "type": "message_stop" }),
        ]);
        Self::events(events.iter().map(Value::to_string))
    }

    /// A whole answer of `/v1/chat/completions`.
    pub fn whole(text: &str) -> Self {
        let message = json!({ "role": "assistant", "content": text });
        let body = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted",
            "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13 },
        });
        Self::body(200, "application/json", &body.to_string())
    }

    /// A stream of these events' data, verbatim, then a clean end.
    pub fn events(events: impl IntoIterator<Item = String>) -> Self {
        let events = events.into_iter().collect();
        Self::new(200, Content::Events { events, gap: Duration::ZERO, end: End::Clean })
    }

    /// A refusal in OpenAI's form.
    pub fn error(status: u16, message: &str) -> Self {
        let body = json!({ "error": { "message": message, "type": "scripted", "code": status } });
        Self::body(status, "application/json", &body.to_string())
    }

    /// What llama.cpp's server says before its model is loaded.
    pub fn loading() -> Self {
        Self::error(503, "Loading model")
    }

    /// Any status, any body.
    pub fn body(status: u16, content_type: &str, text: &str) -> Self {
        let (content_type, text) = (content_type.to_owned(), text.to_owned());
        Self::new(status, Content::Body { content_type, text })
    }

    /// Takes the request and never answers.
    pub fn hang() -> Self {
        Self::new(200, Content::Hang)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends nothing, not even a status, for so long.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits so long before each event.
    #[must_use]
    pub fn gap(mut self, between_events: Duration) -> Self {
        if let Content::Events { gap, .. } = &mut self.content {
            *gap = between_events;
        }
        self
    }

    /// Sends so many events, then closes the connection in mid-body.
    #[must_use]
    pub fn cut_after(self, events: usize) -> Self {
        self.stop_after(events, End::Cut)
    }

    /// Sends so many events, then nothing more.
    #[must_use]
    pub fn stall_after(self, events: usize) -> Self {
        self.stop_after(events, End::Stall)
    }

    /// Sends so many events, then ends as if that were all.
    #[must_use]
    pub fn end_after(self, events: usize) -> Self {
        self.stop_after(events, End::Clean)
    }

    /// Puts `data` in the place of the event at `index`, from 0.
    #[must_use]
    pub fn replace_event(mut self, index: usize, data: &str) -> Self {
        if let Content::Events { events, .. } = &mut self.content {
            events[index] = data.to_owned();
        }
        self
    }

    fn stop_after(mut self, count: usize, how: End) -> Self {
        if let Content::Events { events, end, .. } = &mut self.content {
            events.truncate(count);
            *end = how;
        }
        self
    }

    fn new(status: u16, content: Content) -> Self {
        Self { delay: Duration::ZERO, status, headers: Vec::new(), content }
    }
}
