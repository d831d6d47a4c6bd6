//! OpenAI's form → Anthropic's.

use serde_json::{Value, json};

use super::{Untranslatable, copy, list, plain_text};
use crate::wire::Finish;

/// The bound on an answer where the client gives none; Anthropic demands one.
const MAX_TOKENS: u64 = 4096;

/// A request to `/v1/chat/completions` as one to `/v1/messages`.
pub fn request(from: &Value, model: &str) -> Result<Value, Untranslatable> {
    if from["n"].as_u64().is_some_and(|n| n > 1) {
        return Err(Untranslatable(
            "this model gives one answer to a request: `n` must be 1".into(),
        ));
    }
    let (mut system, mut messages) = (Vec::new(), Vec::new());
    let turns = from["messages"].as_array();
    for turn in turns.ok_or_else(|| Untranslatable("`messages` must be a list".into()))? {
        match turn["role"].as_str().unwrap_or_default() {
            "system" | "developer" => system.push(plain_text(&turn["content"])),
            "user" => add(&mut messages, "user", user_blocks(&turn["content"])?),
            "assistant" => add(&mut messages, "assistant", assistant_blocks(turn)),
            "tool" => {
                let result = json!({
                    "type": "tool_result",
                    "tool_use_id": turn["tool_call_id"],
                    "content": plain_text(&turn["content"]),
                });
                add(&mut messages, "user", vec![result]);
            }
            other => return Err(Untranslatable(format!("`{other}` is not a role"))),
        }
    }
    let bound = ["max_completion_tokens", "max_tokens"].iter().find_map(|name| from[name].as_u64());
    let bound = bound.unwrap_or(MAX_TOKENS);
    let mut to = json!({ "model": model, "max_tokens": bound, "messages": messages });
    if !system.is_empty() {
        to["system"] = system.join("\n\n").into();
    }
    copy(from, &mut to, &["top_p", "stream"]);
    // OpenAI's scale ends at 2, Anthropic's at 1.
    if let Some(temperature) = from["temperature"].as_f64() {
        to["temperature"] = json!(temperature.min(1.0));
    }
    match &from["stop"] {
        Value::String(_) => to["stop_sequences"] = json!([from["stop"]]),
        Value::Array(_) => to["stop_sequences"] = from["stop"].clone(),
        _ => {}
    }
    if let Some(user) = from.get("user").filter(|user| user.is_string()) {
        to["metadata"] = json!({ "user_id": user });
    }
    let tools: Vec<Value> = list(&from["tools"]).iter().map(tool).collect();
    if !tools.is_empty() {
        to["tools"] = tools.into();
        add_choice(&mut to, from);
    }
    Ok(to)
}

/// Adds blocks, to the turn before if that is of the same role: roles take turns.
fn add(messages: &mut Vec<Value>, role: &str, blocks: Vec<Value>) {
    if blocks.is_empty() {
        return;
    }
    if let Some(last) = messages.last_mut().filter(|last| last["role"] == role)
        && let Some(content) = last["content"].as_array_mut()
    {
        return content.extend(blocks);
    }
    messages.push(json!({ "role": role, "content": blocks }));
}

fn user_blocks(content: &Value) -> Result<Vec<Value>, Untranslatable> {
    let Value::Array(parts) = content else {
        return Ok(text_block(&plain_text(content)).into_iter().collect());
    };
    let mut blocks = Vec::new();
    for part in parts {
        match part["type"].as_str().unwrap_or_default() {
            "text" => blocks.extend(text_block(part["text"].as_str().unwrap_or_default())),
            "image_url" => {
                blocks.push(image(part["image_url"]["url"].as_str().unwrap_or_default()))
            }
            other => {
                return Err(Untranslatable(format!("no endpoint here takes `{other}` parts")));
            }
        }
    }
    Ok(blocks)
}

fn assistant_blocks(turn: &Value) -> Vec<Value> {
    let mut blocks: Vec<Value> = text_block(&plain_text(&turn["content"])).into_iter().collect();
    for call in list(&turn["tool_calls"]) {
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
        let (id, name) = (&call["id"], &call["function"]["name"]);
        blocks.push(json!({ "type": "tool_use", "id": id, "name": name, "input": input }));
    }
    blocks
}

/// Anthropic refuses empty text.
fn text_block(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({ "type": "text", "text": text }))
}

fn image(url: &str) -> Value {
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    let source = match inline {
        Some((kind, data)) => json!({ "type": "base64", "media_type": kind, "data": data }),
        None => json!({ "type": "url", "url": url }),
    };
    json!({ "type": "image", "source": source })
}

fn tool(from: &Value) -> Value {
    let function = &from["function"];
    let schema = function.get("parameters").cloned().unwrap_or_else(|| json!({ "type": "object" }));
    let mut to = json!({ "name": function["name"], "input_schema": schema });
    copy(function, &mut to, &["description"]);
    to
}

fn add_choice(to: &mut Value, from: &Value) {
    let mut choice = match &from["tool_choice"] {
        Value::String(word) => match word.as_str() {
            "required" => json!({ "type": "any" }),
            "none" => json!({ "type": "none" }),
            _ => json!({ "type": "auto" }),
        },
        Value::Object(choice) => json!({ "type": "tool", "name": choice["function"]["name"] }),
        _ => json!({ "type": "auto" }),
    };
    let one_at_a_time = from["parallel_tool_calls"] == false;
    if one_at_a_time && choice["type"] != "none" {
        choice["disable_parallel_tool_use"] = json!(true);
    }
    if one_at_a_time || from["tool_choice"].is_string() || from["tool_choice"].is_object() {
        to["tool_choice"] = choice;
    }
}

/// A whole answer of `/v1/chat/completions` as one of `/v1/messages`.
pub fn answer(from: &Value) -> Value {
    let choice = &from["choices"][0];
    let content = assistant_blocks(&choice["message"]);
    let finish = Finish::from_openai(choice["finish_reason"].as_str().unwrap_or_default());
    let count = |name: &str| from["usage"][name].as_u64().unwrap_or_default();
    json!({
        "id": from["id"], "type": "message", "role": "assistant", "model": from["model"],
        "content": content, "stop_reason": finish.anthropic(), "stop_sequence": null,
        "usage": {
            "input_tokens": count("prompt_tokens"),
            "output_tokens": count("completion_tokens"),
        },
    })
}
