//! What is asked: messages, tools, and the JSON they become.
//!
//! Source: OpenAI API reference, "Create chat completion". Fields left out of
//! a [`Prompt`] are left out of the request, so that an endpoint's own
//! defaults hold.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::endpoint::{Dialect, Endpoint};
use crate::wire::translate::request_to_anthropic;

/// Who speaks a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Standing instructions.
    System,
    /// The person who asks.
    User,
    /// The model.
    Assistant,
    /// What a tool gave back.
    Tool,
}

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; empty for an assistant turn that only calls tools.
    #[serde(default)]
    pub content: String,
    /// Calls the assistant made in this turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The call that a [`Role::Tool`] message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl Message {
    /// Standing instructions.
    pub fn system(content: impl Into<String>) -> Self {
        Self::new(Role::System, content)
    }

    /// A question or statement of the person who asks.
    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }

    /// What the model said before.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// The result of the tool call `call_id`.
    pub fn tool(call_id: impl Into<String>, content: impl Into<String>) -> Self {
        Self { tool_call_id: Some(call_id.into()), ..Self::new(Role::Tool, content) }
    }

    fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None }
    }
}

/// A tool the model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// The name it is called by.
    pub name: String,
    /// When to use it, for the model to read.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Value,
}

/// A whole tool call, as it stands in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WireToolCall", into = "WireToolCall")]
pub struct ToolCall {
    /// The model's name for this call; its result refers to it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments, as the JSON text the model wrote: not checked here.
    pub arguments: String,
}

/// Everything a request says, save which model is to answer it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prompt {
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// Tools on offer; empty: none.
    pub tools: Vec<Tool>,
    /// Upper bound of the answer, in tokens.
    pub max_tokens: Option<u32>,
    /// Sampling temperature, 0 to 2.
    pub temperature: Option<f32>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Makes sampling repeatable where the engine supports it.
    pub seed: Option<u64>,
}

impl Prompt {
    /// A prompt of these messages and nothing else.
    pub fn new(messages: Vec<Message>) -> Self {
        Self { messages, ..Self::default() }
    }
}

/// A prompt and the model that is to answer it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// The model's name as the endpoint knows it.
    pub model: String,
    /// What is asked.
    pub prompt: Prompt,
}

impl ChatRequest {
    /// The body that is posted to `endpoint`, exactly, in its dialect.
    ///
    /// Always streams and always asks for usage. The bound on the answer is
    /// `max_tokens`, which every engine knows, and `max_completion_tokens` at
    /// OpenAI itself, whose newer models refuse the former.
    pub fn to_json(&self, endpoint: &Endpoint) -> Value {
        let prompt = &self.prompt;
        let mut body = json!({
            "model": self.model,
            "messages": prompt.messages,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        if !prompt.tools.is_empty() {
            body["tools"] = prompt.tools.iter().map(wire_tool).collect();
        }
        if let Some(max_tokens) = prompt.max_tokens {
            let field = if endpoint.is_openai() { "max_completion_tokens" } else { "max_tokens" };
            body[field] = max_tokens.into();
        }
        if let Some(temperature) = prompt.temperature {
            body["temperature"] = shortest(temperature);
        }
        if !prompt.stop.is_empty() {
            body["stop"] = json!(prompt.stop);
        }
        if let Some(seed) = prompt.seed {
            body["seed"] = seed.into();
        }
        match endpoint.dialect() {
            Dialect::OpenAi => body,
            Dialect::Anthropic => request_to_anthropic(&body, &self.model)
                .expect("roles and texts are all that a prompt has, and both dialects know them"),
        }
    }
}

/// `0.2` as 0.2, where widening to `f64` would print 0.20000000298023224.
fn shortest(value: f32) -> Value {
    value.to_string().parse::<f64>().ok().map_or(Value::Null, Value::from)
}

fn wire_tool(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    })
}

#[derive(Serialize, Deserialize)]
struct WireToolCall {
    id: String,
    #[serde(rename = "type", default = "function")]
    kind: String,
    function: WireFunctionCall,
}

#[derive(Serialize, Deserialize)]
struct WireFunctionCall {
    name: String,
    #[serde(default)]
    arguments: String,
}

fn function() -> String {
    "function".to_owned()
}

impl From<WireToolCall> for ToolCall {
    fn from(wire: WireToolCall) -> Self {
        Self { id: wire.id, name: wire.function.name, arguments: wire.function.arguments }
    }
}

impl From<ToolCall> for WireToolCall {
    fn from(call: ToolCall) -> Self {
        let function_call = WireFunctionCall { name: call.name, arguments: call.arguments };
        Self { id: call.id, kind: function(), function: function_call }
    }
}
