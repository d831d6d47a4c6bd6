//! An answer that broke in the middle goes on at another endpoint: the text so
//! far is given as the start of the assistant's turn (prefill), and what comes
//! back is cleared of what the client has already.

use bytes::Bytes;
use gateway::policy::Try;
use gateway::table::Deployment;
use gateway_client::Dialect;
use serde_json::{Value, json};

use super::attempt::{Source, serves, translated};
use super::job::Job;
use super::reader::Reader;
use crate::face::{Face, Refused};
use crate::request::Request;

/// A request and its answer, between two endpoints.
pub(super) struct Resumed {
    pub(super) job: Job,
    pub(super) reader: Box<Reader>,
    /// The new source with its first bytes for the client, or why there is none.
    pub(super) result: Result<(Source, Vec<u8>), Refused>,
}

/// Looks for somebody who goes on with the answer of `reader`.
pub(super) async fn resume(mut job: Job, mut reader: Box<Reader>) -> Resumed {
    let result = find(&mut job, &mut reader).await;
    Resumed { job, reader, result }
}

async fn find(job: &mut Job, reader: &mut Reader) -> Result<(Source, Vec<u8>), Refused> {
    if !reader.can_go_on() {
        return Err(broke_off());
    }
    let prefix = reader.prefix();
    let face = job.request.face;
    loop {
        let fits = |deployment: &Deployment| {
            serves(face, deployment) && (prefix.is_empty() || can_prefill(face, deployment))
        };
        let next = job.next(fits).await.map_err(|_| broke_off())?;
        let dialect = next.deployment.endpoint.dialect();
        let body = body(&job.request, &next, &prefix).map_err(|_| broke_off())?;
        reader.go_on(dialect);
        let mut out = Vec::new();
        match job.begin(&next, body, reader, &mut out, |reader| reader.begun).await {
            Ok((source, observed)) => {
                job.answered(&next, &observed);
                job.app.metrics.resumed();
                return Ok((source, out));
            }
            Err(failed) => job.failed(&next, failed.error, &failed.observed),
        }
    }
}

fn broke_off() -> Refused {
    let message = "the answer broke off, and no other endpoint could go on with it";
    Refused::new(502, "stream_broken", message)
}

/// True if `deployment` goes on with an assistant's turn that is begun.
///
/// As configured (`supports_assistant_prefill`), else: completions always, as
/// they only ever go on; OpenAI's own service and Azure not, they answer anew;
/// Anthropic's not, whose newer models refuse it; any other server (llama.cpp,
/// vLLM, Ollama, Mistral, DeepSeek) does.
fn can_prefill(face: Face, deployment: &Deployment) -> bool {
    if let Some(configured) = deployment.facts.prefill {
        return configured;
    }
    if face == Face::Completions {
        return true;
    }
    let endpoint = &deployment.endpoint;
    let is_azure = endpoint.host().ends_with(".azure.com");
    endpoint.dialect() == Dialect::OpenAi && !endpoint.is_openai() && !is_azure
}

/// `request` with the answer so far as the start of the assistant's turn.
fn body(request: &Request, next: &Try, prefix: &str) -> Result<Bytes, Refused> {
    let mut value: Value = serde_json::from_slice(&request.body)
        .map_err(|error| Refused::invalid(error.to_string()))?;
    let deployment = &next.deployment;
    value["model"] = next.model.clone().into();
    if !prefix.is_empty() {
        begin_turn(request.face, &mut value, prefix)?;
        shorten(&mut value, prefix);
    }
    let dialect = deployment.endpoint.dialect();
    if request.face.dialect() != dialect {
        return translated(&value, dialect, &next.model);
    }
    if !prefix.is_empty() && request.face == Face::Chat {
        mark_for(deployment.provider.as_deref().unwrap_or_default(), &mut value);
    }
    Ok(Bytes::from(value.to_string()))
}

fn begin_turn(face: Face, value: &mut Value, prefix: &str) -> Result<(), Refused> {
    if face == Face::Completions {
        let prompt = value["prompt"].as_str().ok_or_else(broke_off)?;
        value["prompt"] = format!("{prompt}{prefix}").into();
        return Ok(());
    }
    let messages = value["messages"].as_array_mut().ok_or_else(broke_off)?;
    // The client began the turn itself: its words and those since are one.
    if let Some(last) = messages.last_mut().filter(|last| last["role"] == "assistant") {
        let begun = last["content"].as_str().ok_or_else(broke_off)?;
        last["content"] = format!("{begun}{prefix}").into();
    } else {
        messages.push(json!({ "role": "assistant", "content": prefix }));
    }
    Ok(())
}

/// Bytes of text that stand for one token of an answer, about.
const BYTES_PER_TOKEN: usize = 4;

/// What was said counts against the bound on the answer.
fn shorten(value: &mut Value, prefix: &str) {
    let said = (prefix.len() / BYTES_PER_TOKEN) as u64;
    for name in ["max_tokens", "max_completion_tokens"] {
        if let Some(most) = value[name].as_u64() {
            value[name] = most.saturating_sub(said).max(1).into();
        }
    }
}

/// What some providers need to be told besides.
///
/// Source: vLLM, "OpenAI-compatible server", extra parameters of the chat API;
/// Mistral API, "prefix"; DeepSeek API, "Chat prefix completion".
fn mark_for(provider: &str, value: &mut Value) {
    match provider {
        "vllm" | "hosted_vllm" => {
            value["continue_final_message"] = json!(true);
            value["add_generation_prompt"] = json!(false);
        }
        "mistral" | "deepseek" => {
            if let Some(last) = value["messages"].as_array_mut().and_then(|list| list.last_mut()) {
                last["prefix"] = json!(true);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(face: Face, body: Value) -> Option<Value> {
        let mut value = body;
        begin_turn(face, &mut value, "So far").ok().map(|()| value)
    }

    #[test]
    fn the_answer_so_far_begins_the_turn() {
        let asked = json!({ "messages": [{ "role": "user", "content": "q" }] });
        let value = begun(Face::Chat, asked).unwrap_or_default();
        assert_eq!(value["messages"][1], json!({ "role": "assistant", "content": "So far" }));
        let own = json!({ "messages": [{ "role": "assistant", "content": "I say: " }] });
        let value = begun(Face::Chat, own).unwrap_or_default();
        assert_eq!(value["messages"][0]["content"], "I say: So far");
        let value = begun(Face::Completions, json!({ "prompt": "int x" })).unwrap_or_default();
        assert_eq!(value["prompt"], "int xSo far");
        assert_eq!(begun(Face::Completions, json!({ "prompt": [1, 2] })), None);
    }

    #[test]
    fn what_was_said_counts_against_the_bound() {
        let mut value = json!({ "max_tokens": 10, "max_completion_tokens": 1 });
        shorten(&mut value, "twelve bytes");
        assert_eq!(value, json!({ "max_tokens": 7, "max_completion_tokens": 1 }));
    }
}
