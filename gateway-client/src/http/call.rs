//! One request to one endpoint: sending it, and what comes of a refusal.

use std::future::Future;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};

use super::HttpOptions;
use crate::endpoint::Endpoint;
use crate::error::{ClientError, DeadlineKind};
use crate::refusal;
use crate::transport::Failed;

/// The most that is read of a refusal's body.
const REFUSAL_BYTES: usize = 64 * 1024;

/// The most that is read of one answer, a model list included: far beyond any
/// model's window, near enough that a runaway server cannot fill the memory.
pub(super) const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// How long the body of a refusal may take once its head is there: others wait
/// to be asked, and the status says most of it.
pub(super) const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// One request to one endpoint: what all its steps need to name it in errors.
pub(super) struct Call {
    pub(super) endpoint: Endpoint,
    pub(super) options: HttpOptions,
}

impl Call {
    pub(super) fn headers(&self, accept: &'static str) -> Result<HeaderMap, ClientError> {
        let mut headers = crate::headers(&self.endpoint)?;
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        Ok(headers)
    }

    /// Sends, and keeps only what was accepted.
    pub(super) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Failed> {
        let response = request.send().await.map_err(|error| self.lost(error))?;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED if self.endpoint.proxy().is_some() => {
                // It never got to the endpoint, by whatever form the proxy was asked.
                let source = "the proxy to it refuses its credentials (HTTP 407)".into();
                Err(ClientError::Connect { host: self.endpoint.host(), source }.into())
            }
            _ => Err(self.refused(response).await),
        }
    }

    async fn refused(&self, response: Response) -> Failed {
        let (code, headers) = (response.status().as_u16(), response.headers().clone());
        // The status stands even if its body never comes.
        let body =
            tokio::time::timeout(REFUSAL_TIME, self.read_body(response, REFUSAL_BYTES)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        refusal::refused(&self.endpoint, code, &headers, body.as_bytes(), SystemTime::now())
    }

    /// The body as text, cut at `limit` bytes.
    pub(super) async fn read_body(
        &self,
        response: Response,
        limit: usize,
    ) -> Result<String, ClientError> {
        let mut bytes = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| self.lost(error))?);
            if bytes.len() >= limit {
                bytes.truncate(limit);
                break;
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What a failed send or read means.
    fn lost(&self, error: reqwest::Error) -> ClientError {
        let host = self.endpoint.host();
        let error = error.without_url();
        if error.is_connect() && error.is_timeout() {
            let (kind, after) = (DeadlineKind::Connect, self.options.connect_timeout);
            ClientError::Timeout { host, kind, after }
        } else if error.is_connect() {
            ClientError::Connect { host, source: error.into() }
        } else {
            ClientError::BrokenStream { host, message: String::new(), source: Some(error.into()) }
        }
    }

    pub(super) async fn in_time<F: Future>(
        &self,
        (kind, after): (DeadlineKind, Duration),
        work: F,
    ) -> Result<F::Output, ClientError> {
        let host = || self.endpoint.host();
        tokio::time::timeout(after, work).await.map_err(|_| ClientError::Timeout {
            host: host(),
            kind,
            after,
        })
    }
}

/// A header's value, if it is text.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
