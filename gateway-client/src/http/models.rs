//! An endpoint's model list.

use serde::Deserialize;
use serde_json::Value;

use crate::endpoint::{Dialect, Endpoint};
use crate::error::ClientError;
use crate::refusal;
use crate::transport::{ModelEntry, ModelList};

/// Reads the body of `/models`; `server` is the header of that name.
pub(super) fn parse_models(
    endpoint: &Endpoint,
    body: &str,
    server: Option<String>,
) -> Result<ModelList, ClientError> {
    let models = match endpoint.dialect() {
        Dialect::OpenAi => serde_json::from_str(body).map(WireModels::into_entries),
        Dialect::Anthropic => serde_json::from_str(body).map(AnthropicModels::into_entries),
    };
    let models = models.map_err(|_| ClientError::BadEvent {
        host: endpoint.host(),
        what: "an answer that is no model list".to_owned(),
        excerpt: refusal::excerpt(endpoint, body),
    })?;
    Ok(ModelList { models, server })
}

/// `{"data":[{"type":"model","id":…}],"has_more":false}`
///
/// Source: Anthropic API reference, "List Models".
#[derive(Deserialize)]
struct AnthropicModels {
    data: Vec<AnthropicModel>,
    #[serde(rename = "has_more")]
    _has_more: bool,
}

#[derive(Deserialize)]
struct AnthropicModel {
    id: String,
}

impl AnthropicModels {
    fn into_entries(self) -> Vec<ModelEntry> {
        let entry = |AnthropicModel { id }| ModelEntry { id, owned_by: None, context_tokens: None };
        self.data.into_iter().map(entry).collect()
    }
}

/// `{"object":"list","data":[{"id":…}]}`; Ollama without models sends
/// `"data": null`.
#[derive(Deserialize)]
struct WireModels {
    #[serde(rename = "object")]
    _object: ListTag,
    data: Option<Vec<WireModel>>,
}

impl WireModels {
    fn into_entries(self) -> Vec<ModelEntry> {
        self.data.unwrap_or_default().into_iter().map(WireModel::into_entry).collect()
    }
}

/// The word that tells a model list from any other JSON.
#[derive(Deserialize)]
enum ListTag {
    #[serde(rename = "list")]
    List,
}

#[derive(Deserialize)]
struct WireModel {
    id: String,
    owned_by: Option<String>,
    /// llama.cpp: `{"n_ctx": 4096, …}`.
    #[serde(default)]
    meta: Value,
    /// vLLM.
    #[serde(default)]
    max_model_len: Value,
    /// OpenRouter.
    #[serde(default)]
    context_length: Value,
}

impl WireModel {
    fn into_entry(self) -> ModelEntry {
        let windows = [&self.meta["n_ctx"], &self.max_model_len, &self.context_length];
        let context_tokens = windows.into_iter().find_map(Value::as_u64);
        ModelEntry { id: self.id, owned_by: self.owned_by, context_tokens }
    }
}
