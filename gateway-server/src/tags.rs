//! The tags of a request, where requests go by them: in the header
//! `x-litellm-tags`, and in the body as `tags` or `metadata.tags`.
//!
//! Those of the body are for the gateway. They are taken out of it: OpenAI's API
//! refuses members that it does not know.
//!
//! Source: LiteLLM, "Tag Based Routing" (docs.litellm.ai, read in November 2026).

use bytes::Bytes;
use hyper::header::{HeaderMap, USER_AGENT};
use serde_json::Value;

use crate::face::Refused;
use crate::splice;

const HEADER: &str = "x-litellm-tags";

/// The most tags of one request: each is held against those of every deployment.
const MOST: usize = 64;

/// Those of the header, which has commas between them.
pub(crate) fn in_headers(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(HEADER).iter().filter_map(|value| value.to_str().ok());
    let tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// What the client calls itself; bytes beyond ASCII each stand for the character of
/// Latin-1, as LiteLLM reads headers.
pub(crate) fn user_agent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(USER_AGENT)?;
    (!value.is_empty()).then(|| value.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

/// Puts the tags of `body` to those there are, and gives it back without them. A
/// body that is no object of JSON comes back as it is: it is refused elsewhere.
///
/// # Errors
/// There are more than anybody could mean.
pub(crate) fn take(body: Bytes, tags: &mut Vec<String>) -> Result<Bytes, Refused> {
    let mut rest = body;
    if let Some(without) = taken(&rest, tags) {
        rest = without.into();
    }
    if let Some(place) = splice::member(&rest, "metadata")
        && let Some(metadata) = taken(&rest[place], tags)
    {
        let is_empty =
            metadata.iter().all(|byte| b"{}".contains(byte) || byte.is_ascii_whitespace());
        let without = match std::str::from_utf8(&metadata) {
            Ok(metadata) if !is_empty => splice::with_member(&rest, "metadata", metadata),
            _ => splice::without_member(&rest, "metadata"),
        };
        rest = without.map_or(rest, Bytes::from);
    }
    if tags.len() > MOST {
        return Err(Refused::invalid(format!("a request has at most {MOST} tags")));
    }
    Ok(rest)
}

/// `object` without its member `tags`, if those are tags.
fn taken(object: &[u8], tags: &mut Vec<String>) -> Option<Vec<u8>> {
    let value = serde_json::from_slice(&object[splice::member(object, "tags")?]).ok()?;
    match value {
        Value::String(tag) => tags.push(tag),
        Value::Array(all) => {
            let text = |tag: &Value| tag.as_str().map(str::to_owned);
            tags.extend(all.iter().filter_map(text));
        }
        _ => return None,
    }
    splice::without_member(object, "tags")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tags_of_a_body_are_taken_out_of_it() {
        let cases = [
            (r#"{"model":"m","tags":["free","eu"]}"#, r#"{"model":"m"}"#, "free eu"),
            (r#"{"tags":"free","model":"m"}"#, r#"{"model":"m"}"#, "free"),
            (r#"{"metadata":{"tags":["free"]},"model":"m"}"#, r#"{"model":"m"}"#, "free"),
            (
                r#"{"metadata":{"run":"7","tags":["free", 3]}, "tags":["eu"]}"#,
                r#"{"metadata":{"run":"7"}}"#,
                "eu free",
            ),
            (r#"{"messages":[{"tags":["no"]}]}"#, r#"{"messages":[{"tags":["no"]}]}"#, ""),
            (r#"{"tags":{"no":1},"metadata":"x"}"#, r#"{"tags":{"no":1},"metadata":"x"}"#, ""),
            ("[", "[", ""),
            (r#"{"tags":["#, r#"{"tags":["#, ""),
        ];
        for (body, rest, expected) in cases {
            let mut tags = Vec::new();
            let taken = take(Bytes::from_static(body.as_bytes()), &mut tags).unwrap();
            assert_eq!((taken.as_ref(), tags.join(" ").as_str()), (rest.as_bytes(), expected));
        }
        let many = format!(r#"{{"tags":[{}]}}"#, vec![r#""a""#; MOST + 1].join(","));
        assert_eq!(take(many.into(), &mut Vec::new()).unwrap_err().status, 400);
    }

    #[test]
    fn a_header_has_commas_between_tags() {
        let mut headers = HeaderMap::new();
        headers.append(HEADER, "free, eu ,,".parse().unwrap());
        headers.append(HEADER, "lab".parse().unwrap());
        assert_eq!(in_headers(&headers), ["free", "eu", "lab"]);
    }
}
