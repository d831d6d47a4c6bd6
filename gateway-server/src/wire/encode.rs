//! Writes pieces as a stream of the client's own dialect.
//!
//! Used where bytes cannot be passed on as they came: the endpoint speaks the
//! other dialect, or the answer goes on at another endpoint in mid-sentence.

use serde_json::{Value, json};

use super::anthropic::Position;
use super::openai::{DONE, Identity};
use super::{Finish, Piece, Usage};
use crate::face::Face;

/// A stream that is being written.
#[derive(Debug)]
pub(crate) struct Encoder {
    face: Face,
    identity: Identity,
    /// An OpenAI client is told usage only if it asked.
    wants_usage: bool,
    usage: Usage,
    finish: Option<Finish>,
    started: bool,
    open: Option<Open>,
    blocks: u32,
}

/// The content block that is open at an Anthropic client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Tool,
    /// One that was begun as bytes, so that its kind is that of what came last.
    Passed,
}

impl Encoder {
    /// A stream from its start.
    pub(crate) fn new(face: Face, identity: Identity, wants_usage: bool) -> Self {
        Self {
            face,
            identity,
            wants_usage,
            usage: Usage::default(),
            finish: None,
            started: false,
            open: None,
            blocks: 0,
        }
    }

    /// The rest of a stream whose start was passed on as bytes.
    pub(crate) fn going_on(mut self, position: Position) -> Self {
        self.started = true;
        self.blocks = position.blocks;
        self.open = position.open.map(|_| Open::Passed);
        self
    }

    /// Writes one piece.
    pub(crate) fn write(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Usage(usage) => return self.usage.update(*usage),
            Piece::Finish(finish) => return self.finish = Some(*finish),
            Piece::Done => return,
            _ => {}
        }
        self.start(out);
        match self.face {
            Face::Messages => self.write_messages(piece, out),
            _ => self.write_chunk(piece, out),
        }
    }

    /// Writes the end: why it ended, usage, and the dialect's own mark.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        let finish = self.finish.unwrap_or(Finish::Stop);
        if self.face == Face::Messages {
            self.close_block(out);
            let delta = json!({ "stop_reason": finish.anthropic(), "stop_sequence": null });
            let usage =
                json!({ "input_tokens": self.usage.input, "output_tokens": self.usage.output });
            event(out, "message_delta", json!({ "delta": delta, "usage": usage }));
            event(out, "message_stop", json!({}));
            return;
        }
        self.chunk(out, json!({}), Some(finish));
        if self.wants_usage {
            let Usage { input, output } = self.usage;
            let mut chunk = self.frame(json!([]));
            chunk["usage"] = json!({
                "prompt_tokens": input,
                "completion_tokens": output,
                "total_tokens": input.saturating_add(output),
            });
            data(out, &chunk);
        }
        out.extend_from_slice(DONE);
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        match self.face {
            Face::Messages => {
                let message = json!({
                    "id": self.identity.id, "type": "message", "role": "assistant",
                    "model": self.identity.model, "content": [],
                    "stop_reason": null, "stop_sequence": null,
                    "usage": { "input_tokens": self.usage.input, "output_tokens": 0 },
                });
                event(out, "message_start", json!({ "message": message }));
            }
            Face::Chat => self.chunk(out, json!({ "role": "assistant", "content": "" }), None),
            _ => {}
        }
    }

    fn write_chunk(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        let delta = match piece {
            Piece::Text(text) if self.face == Face::Completions => {
                let choice =
                    json!([{ "index": 0, "text": text, "logprobs": null, "finish_reason": null }]);
                return data(out, &self.frame(choice));
            }
            Piece::Text(text) => json!({ "content": text }),
            Piece::Reasoning(text) => json!({ "reasoning_content": text }),
            Piece::Tool { index, id, name } => {
                let function = json!({ "name": name, "arguments": "" });
                json!({ "tool_calls": [{ "index": index, "id": id, "type": "function", "function": function }] })
            }
            Piece::Arguments { index, json } => {
                json!({ "tool_calls": [{ "index": index, "function": { "arguments": json } }] })
            }
            Piece::Finish(_) | Piece::Usage(_) | Piece::Done => return,
        };
        self.chunk(out, delta, None);
    }

    fn chunk(&self, out: &mut Vec<u8>, delta: Value, finish: Option<Finish>) {
        let finish = finish.map(Finish::openai);
        let choice = match self.face {
            Face::Completions => {
                json!({ "index": 0, "text": "", "logprobs": null, "finish_reason": finish })
            }
            _ => json!({ "index": 0, "delta": delta, "finish_reason": finish }),
        };
        data(out, &self.frame(json!([choice])));
    }

    fn frame(&self, choices: Value) -> Value {
        let object = match self.face {
            Face::Completions => "text_completion",
            _ => "chat.completion.chunk",
        };
        let Identity { id, model, created } = &self.identity;
        json!({ "id": id, "object": object, "created": created, "model": model, "choices": choices })
    }

    fn write_messages(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Text(text) => {
                self.open_block(out, Open::Text, || json!({ "type": "text", "text": "" }));
                self.delta(out, json!({ "type": "text_delta", "text": text }));
            }
            Piece::Reasoning(text) => {
                let block = || json!({ "type": "thinking", "thinking": "", "signature": "" });
                self.open_block(out, Open::Thinking, block);
                self.delta(out, json!({ "type": "thinking_delta", "thinking": text }));
            }
            Piece::Tool { id, name, .. } => {
                self.close_block(out);
                let block = || json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
                self.open_block(out, Open::Tool, block);
            }
            Piece::Arguments { json: text, .. } => {
                self.delta(out, json!({ "type": "input_json_delta", "partial_json": text }));
            }
            Piece::Finish(_) | Piece::Usage(_) | Piece::Done => {}
        }
    }

    /// Opens a block of that kind unless one is open already.
    fn open_block(&mut self, out: &mut Vec<u8>, kind: Open, block: impl FnOnce() -> Value) {
        if self.open == Some(kind) || (self.open == Some(Open::Passed) && kind == Open::Text) {
            return;
        }
        self.close_block(out);
        let body = json!({ "index": self.blocks, "content_block": block() });
        event(out, "content_block_start", body);
        self.blocks += 1;
        self.open = Some(kind);
    }

    fn close_block(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            event(out, "content_block_stop", json!({ "index": self.blocks.saturating_sub(1) }));
        }
    }

    fn delta(&self, out: &mut Vec<u8>, delta: Value) {
        let index = self.blocks.saturating_sub(1);
        event(out, "content_block_delta", json!({ "index": index, "delta": delta }));
    }
}

/// An event of Anthropic's, whose type stands in its data as well.
fn event(out: &mut Vec<u8>, name: &str, mut body: Value) {
    body["type"] = name.into();
    out.extend_from_slice(format!("event: {name}\n").as_bytes());
    data(out, &body);
}

fn data(out: &mut Vec<u8>, body: &Value) {
    out.extend_from_slice(format!("data: {body}\n\n").as_bytes());
}
