//! Counting a message's tokens before it is sent: by the endpoint it would go to,
//! if that speaks Anthropic's protocol, else by the estimate that limits go by.
//!
//! Source: Anthropic API reference, "Count tokens in a Message".

use std::time::Duration;

use gateway_client::Dialect;
use hyper::header::HeaderMap;
use serde::Deserialize;

use crate::app::App;
use crate::face::Refused;
use crate::keys::User;
use crate::relay::{Hints, need, refusal_for};
use crate::request::Request;
use crate::upstream::read;

/// Below an endpoint's base address, and below ours.
const PATH: &str = "/messages/count_tokens";

/// How long an endpoint may take to count.
const BOUND: Duration = Duration::from_secs(10);

/// The most that is read of what it says.
const ANSWER_BYTES: usize = 64 * 1024;

/// Tokens of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) tokens: u64,
    /// Nobody counted them.
    pub(crate) estimated: bool,
}

/// What an endpoint says.
#[derive(Deserialize)]
struct Counted {
    input_tokens: u64,
}

/// True if tokens are counted at `path`.
pub(crate) fn is_at(path: &str) -> bool {
    path.strip_prefix("/v1").unwrap_or(path) == PATH
}

/// Counts the tokens of `request`. It takes no room in any limit: endpoints have
/// one of its own for it.
pub(crate) async fn count(
    app: &App,
    request: &Request,
    user: &User,
    hints: &Hints,
) -> Result<Count, Refused> {
    let place = app.with_policy(|policy, now| {
        policy.would_go_to(&need(request, user, hints, now.after(BOUND)), now)
    });
    let place = place.map_err(|refusal| refusal_for(&refusal, None, app))?;
    let estimate = Count { tokens: request.prompt_tokens, estimated: true };
    let Some((deployment, model)) = place else { return Ok(estimate) };
    let endpoint = &deployment.endpoint;
    if endpoint.dialect() != Dialect::Anthropic {
        return Ok(estimate);
    }
    let body = request.body_for(&model)?;
    let asked = async {
        let (response, _) =
            app.upstreams.post_to(endpoint, PATH, body, &HeaderMap::new()).await.ok()?;
        let body = read(response.into_body(), ANSWER_BYTES).await.ok()?;
        serde_json::from_slice::<Counted>(&body).ok()
    };
    // Whoever cannot count now may well answer: the estimate has to do.
    let counted = tokio::time::timeout(BOUND, asked).await.ok().flatten();
    Ok(counted
        .map_or(estimate, |Counted { input_tokens: tokens }| Count { tokens, estimated: false }))
}
