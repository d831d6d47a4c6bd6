//! What a request to an endpoint says of who asks, in either dialect.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::endpoint::{Dialect, Endpoint};
use crate::error::ClientError;

/// The version of Anthropic's API that is spoken.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// The key of `endpoint`, as its dialect sends it, and the version of the
/// dialect where it wants one.
///
/// # Errors
/// [`ClientError::UnsendableKey`].
///
/// Source: OpenAI API reference, "Authentication"; Anthropic API reference,
/// "Authentication" and "Versions".
pub fn headers(endpoint: &Endpoint) -> Result<HeaderMap, ClientError> {
    let mut headers = HeaderMap::new();
    let is_anthropic = endpoint.dialect() == Dialect::Anthropic;
    if is_anthropic {
        let version = HeaderValue::from_static(ANTHROPIC_VERSION);
        headers.insert(HeaderName::from_static("anthropic-version"), version);
    }
    if let Some(key) = endpoint.key() {
        let (name, text) = match is_anthropic {
            true => (HeaderName::from_static("x-api-key"), key.expose().to_owned()),
            false => (AUTHORIZATION, format!("Bearer {}", key.expose())),
        };
        let unsendable = |_| ClientError::UnsendableKey { endpoint: endpoint.name().to_owned() };
        let mut value = HeaderValue::try_from(text).map_err(unsendable)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
