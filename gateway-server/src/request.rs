//! What is read of a request: as much as routing needs, the rest stays bytes.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::face::{Face, Refused};
use crate::room::Share;
use crate::splice;
use crate::wire::Text;

/// Bytes of JSON that stand for one token of a prompt, about: English prose and
/// C have four characters to a token, and JSON's own marks cost little.
const BYTES_PER_TOKEN: u64 = 4;

/// How much of a conversation's start decides where its cache may be warm.
const PREFIX_BYTES: usize = 1024;

#[derive(Deserialize)]
struct Light<'a> {
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(default)]
    max_completion_tokens: Option<u64>,
    #[serde(default)]
    n: Option<u32>,
    #[serde(default)]
    tools: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    suffix: Option<IgnoredAny>,
    #[serde(borrow, default)]
    user: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

/// A request, as far as it was read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) face: Face,
    /// As it came.
    pub(crate) body: Bytes,
    /// What the client calls the model; `None`: it leaves the choice to us.
    pub(crate) model: Option<String>,
    pub(crate) stream: bool,
    /// Whether the client asked to be told usage at the end of a stream.
    pub(crate) wants_usage: bool,
    pub(crate) max_output_tokens: Option<u64>,
    pub(crate) tools: bool,
    /// Fills in the middle: it has text after the gap.
    pub(crate) fim: bool,
    /// More than one answer was asked for.
    pub(crate) several: bool,
    /// An estimate, settled by what the endpoint counts.
    pub(crate) prompt_tokens: u64,
    /// What the client says of whom it asks for.
    pub(crate) session: Option<String>,
    /// The room its body takes.
    _share: Share,
}

impl Request {
    /// Reads `body`.
    pub(crate) fn read(face: Face, (body, share): (Bytes, Share)) -> Result<Self, Refused> {
        // A parser would take a list for the members in order.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Refused::invalid("the request is not a JSON object"));
        }
        let light: Light<'_> = serde_json::from_slice(&body).map_err(|error| {
            Refused::invalid(format!("the request is not a JSON object that can be read: {error}"))
        })?;
        let owned = |text: Option<Text<'_>>| text.map(|text| text.0.into_owned());
        let is_messages = face == Face::Messages;
        Ok(Self {
            face,
            model: owned(light.model),
            stream: light.stream.unwrap_or(false) && face != Face::Embeddings,
            wants_usage: is_messages
                || light.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
            max_output_tokens: light.max_completion_tokens.or(light.max_tokens),
            tools: light.tools.is_some_and(|tools| !tools.is_empty()),
            fim: light.suffix.is_some(),
            several: light.n.is_some_and(|n| n > 1),
            prompt_tokens: (body.len() as u64).div_ceil(BYTES_PER_TOKEN),
            session: owned(light.user),
            body,
            _share: share,
        })
    }

    /// The body with the model's name as the endpoint knows it.
    pub(crate) fn body_for(&self, model: &str) -> Result<Bytes, Refused> {
        if self.model.as_deref() == Some(model) {
            return Ok(self.body.clone());
        }
        // A parser saw the member and the search does not: its name holds
        // escapes, and there would be two.
        if self.model.is_some() && splice::member(&self.body, "model").is_none() {
            return Err(Refused::invalid("write the name `model` without escapes"));
        }
        let name = serde_json::Value::from(model).to_string();
        let body = splice::with_member(&self.body, "model", &name);
        body.map(Bytes::from).ok_or_else(|| Refused::invalid("the request is not a JSON object"))
    }

    /// What tells conversations apart whose start is the same: an endpoint that
    /// saw one has the other's start in its cache.
    pub(crate) fn prefix_hash(&self) -> Option<u64> {
        let name = if self.fim || self.face == Face::Completions { "prompt" } else { "messages" };
        let range = splice::member(&self.body, name)?;
        let mut hasher = DefaultHasher::new();
        if let Some(system) = splice::member(&self.body, "system") {
            let text = &self.body[system];
            text[..text.len().min(PREFIX_BYTES)].hash(&mut hasher);
        }
        let text = &self.body[range];
        text[..text.len().min(PREFIX_BYTES)].hash(&mut hasher);
        Some(hasher.finish())
    }

    /// The name the client used, for people.
    pub(crate) fn model_name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.model.as_deref().unwrap_or("auto"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(body: &str) -> Result<Request, Refused> {
        let share = crate::room::Room::new(0).share();
        Request::read(Face::Chat, (Bytes::copy_from_slice(body.as_bytes()), share))
    }

    #[test]
    fn what_routing_needs_is_read() {
        let request = read(
            r#"{"model":"m","stream":true,"max_tokens":5,"tools":[{}],"n":2,"stream_options":{"include_usage":true}}"#,
        )
        .unwrap();
        assert_eq!(request.model.as_deref(), Some("m"));
        assert!(request.stream && request.tools && request.several && request.wants_usage);
        assert_eq!((request.max_output_tokens, request.fim), (Some(5), false));
        assert!(read(r#"{"prompt":"a","suffix":"b"}"#).unwrap().fim);
        assert!(!read(r#"{"tools":[]}"#).unwrap().tools);
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_place() {
        for body in ["", "{", "[]", r#"{"stream":"yes"}"#, r#"{"model":"a","model":"b"}"#, "\u{0}"]
        {
            let refused = read(body).unwrap_err();
            assert_eq!(refused.status, 400, "{body}");
        }
        assert!(read("{\"model\":\n 3}").unwrap_err().message.contains("line 2"));
    }

    #[test]
    fn a_body_is_passed_on_as_it_came() {
        let body = r#"{ "model" : "m", "x":1.50 }"#;
        let request = read(body).unwrap();
        assert_eq!(request.body_for("m").unwrap(), body);
        assert_eq!(request.body_for("up").unwrap(), r#"{ "model" : "up", "x":1.50 }"#);
        let smuggled = read(r#"{"\u006dodel":"m"}"#).unwrap();
        assert_eq!(smuggled.body_for("up").unwrap_err().status, 400);
    }

    #[test]
    fn the_start_of_a_conversation_tells_it_from_others() {
        let hash = |text: &str| {
            read(&format!(r#"{{"messages":[{{"content":"{text}"}}],"max_tokens":{}}}"#, text.len()))
                .unwrap()
                .prefix_hash()
        };
        let start = "x".repeat(2 * PREFIX_BYTES);
        assert_eq!(hash(&format!("{start}a")), hash(&format!("{start}bc")));
        assert_ne!(hash("a"), hash("b"));
    }
}
