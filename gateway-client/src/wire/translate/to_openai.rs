//! Anthropic's form → OpenAI's.

use serde_json::{Value, json};

use super::{Untranslatable, copy, list, plain_text};
use crate::wire::Finish;

/// A request to `/v1/messages` as one to `/v1/chat/completions`.
pub fn request(from: &Value, model: &str) -> Result<Value, Untranslatable> {
    let mut messages = Vec::new();
    let system = plain_text(&from["system"]);
    if !system.is_empty() {
        messages.push(json!({ "role": "system", "content": system }));
    }
    let turns = from["messages"].as_array();
    for turn in turns.ok_or_else(|| Untranslatable("`messages` must be a list".into()))? {
        add_turn(&mut messages, turn)?;
    }
    let mut to = json!({ "model": model, "messages": messages });
    copy(from, &mut to, &["max_tokens", "temperature", "top_p", "stream"]);
    if from["stream"] == true {
        to["stream_options"] = json!({ "include_usage": true });
    }
    if let Some(stop) = from.get("stop_sequences") {
        to["stop"] = stop.clone();
    }
    if let Some(user) = from["metadata"].get("user_id") {
        to["user"] = user.clone();
    }
    let tools: Vec<Value> = list(&from["tools"]).iter().map(tool).collect();
    if !tools.is_empty() {
        to["tools"] = tools.into();
        add_choice(&mut to, &from["tool_choice"]);
    }
    Ok(to)
}

fn tool(from: &Value) -> Value {
    let mut function = json!({ "name": from["name"], "parameters": from["input_schema"] });
    copy(from, &mut function, &["description"]);
    json!({ "type": "function", "function": function })
}

fn add_choice(to: &mut Value, choice: &Value) {
    let word = match choice["type"].as_str() {
        Some("any") => json!("required"),
        Some("none") => json!("none"),
        Some("tool") => json!({ "type": "function", "function": { "name": choice["name"] } }),
        Some("auto") => json!("auto"),
        _ => return,
    };
    to["tool_choice"] = word;
    if choice["disable_parallel_tool_use"] == true {
        to["parallel_tool_calls"] = json!(false);
    }
}

/// One turn may become several messages: each tool result is one of its own.
fn add_turn(messages: &mut Vec<Value>, turn: &Value) -> Result<(), Untranslatable> {
    let role = turn["role"].as_str().unwrap_or_default();
    if !matches!(role, "user" | "assistant") {
        return Err(Untranslatable(format!(
            "`role` must be user or assistant, not {}",
            turn["role"]
        )));
    }
    let blocks = match &turn["content"] {
        Value::String(_) => {
            messages.push(json!({ "role": role, "content": turn["content"] }));
            return Ok(());
        }
        Value::Array(blocks) => blocks,
        _ => return Err(Untranslatable("`content` must be a string or a list of blocks".into())),
    };
    let (mut parts, mut calls) = (Vec::new(), Vec::new());
    for block in blocks {
        match block["type"].as_str().unwrap_or_default() {
            "text" => parts.push(json!({ "type": "text", "text": block["text"] })),
            "image" => parts.push(image(&block["source"])?),
            "tool_use" => {
                let function =
                    json!({ "name": block["name"], "arguments": block["input"].to_string() });
                calls.push(json!({ "id": block["id"], "type": "function", "function": function }));
            }
            "tool_result" => messages.push(json!({
                "role": "tool",
                "tool_call_id": block["tool_use_id"],
                "content": plain_text(&block["content"]),
            })),
            // What a model thought before is for that model only.
            "thinking" | "redacted_thinking" => {}
            other => {
                return Err(Untranslatable(format!("no endpoint here takes `{other}` blocks")));
            }
        }
    }
    if parts.is_empty() && calls.is_empty() {
        return Ok(());
    }
    let mut message = json!({ "role": role, "content": content(parts) });
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    messages.push(message);
    Ok(())
}

/// Text alone as a string, which every engine takes; with images as parts.
fn content(parts: Vec<Value>) -> Value {
    if parts.is_empty() {
        return Value::Null;
    }
    if parts.iter().all(|part| part["type"] == "text") {
        return plain_text(&Value::Array(parts)).into();
    }
    Value::Array(parts)
}

fn image(source: &Value) -> Result<Value, Untranslatable> {
    let url = match source["type"].as_str() {
        Some("base64") => {
            let (kind, data) = (source["media_type"].as_str(), source["data"].as_str());
            format!("data:{};base64,{}", kind.unwrap_or("image/png"), data.unwrap_or_default())
        }
        Some("url") => source["url"].as_str().unwrap_or_default().to_owned(),
        _ => {
            return Err(Untranslatable(
                "an image must be given as base64 or by its address".into(),
            ));
        }
    };
    Ok(json!({ "type": "image_url", "image_url": { "url": url } }))
}

/// A whole answer of `/v1/messages` as one of `/v1/chat/completions`.
pub fn answer(from: &Value, created: u64) -> Value {
    let (mut text, mut calls) = (String::new(), Vec::new());
    for block in list(&from["content"]) {
        match block["type"].as_str().unwrap_or_default() {
            "text" => text.push_str(block["text"].as_str().unwrap_or_default()),
            "tool_use" => {
                let function =
                    json!({ "name": block["name"], "arguments": block["input"].to_string() });
                calls.push(json!({ "id": block["id"], "type": "function", "function": function }));
            }
            _ => {}
        }
    }
    let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { text.into() };
    let mut message = json!({ "role": "assistant", "content": content });
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    let finish = Finish::from_anthropic(from["stop_reason"].as_str().unwrap_or_default());
    let count = |name: &str| from["usage"][name].as_u64().unwrap_or_default();
    let (input, output) = (count("input_tokens"), count("output_tokens"));
    json!({
        "id": from["id"], "object": "chat.completion", "created": created, "model": from["model"],
        "choices": [{ "index": 0, "message": message, "finish_reason": finish.openai() }],
        "usage": {
            "prompt_tokens": input,
            "completion_tokens": output,
            "total_tokens": input.saturating_add(output),
        },
    })
}
