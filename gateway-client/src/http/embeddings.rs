//! Embeddings: each of several texts as a vector.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::error::ClientError;
use crate::refusal;

/// What is posted to `/embeddings`.
pub(super) fn body(model: Option<&str>, texts: &[String]) -> Value {
    let mut body = json!({ "input": texts, "encoding_format": "float" });
    if let Some(model) = model {
        body["model"] = model.into();
    }
    body
}

/// Reads the answer to `count` texts: their vectors, in the texts' order and all of one length.
pub(super) fn parse(
    endpoint: &Endpoint,
    body: &str,
    count: usize,
) -> Result<Vec<Vec<f32>>, ClientError> {
    let no_vectors = |what: String| ClientError::BadEvent {
        host: endpoint.host(),
        what,
        excerpt: refusal::excerpt(endpoint, body),
    };
    let answer: Answer = serde_json::from_str(body)
        .map_err(|_| no_vectors("an answer that is no list of embeddings".to_owned()))?;
    let mut vectors = vec![Vec::new(); count];
    for Item { index, embedding } in answer.data {
        if let Some(vector) = vectors.get_mut(index) {
            *vector = embedding;
        }
    }
    let length = vectors.first().map_or(0, Vec::len);
    match vectors.iter().all(|vector| vector.len() == length && length > 0) {
        true => Ok(vectors),
        false => Err(no_vectors(format!("not a vector for each of {count} texts"))),
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}
