//! What is going on, as JSON: for `silk gateway status`.

use std::time::Duration;

use gateway_client::{ClientError, DeadlineKind, Endpoint};
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::metrics::TurnedAway;
use crate::shared::Standing;
use crate::upstream::{Upstreams, overdue};

/// The status of the server: uptime, and all that the policy knows.
pub(crate) fn status(app: &App) -> Value {
    #[derive(Serialize)]
    struct Status<T> {
        version: u32,
        up_s: u64,
        /// What is shared with other replicas; left out where nothing is.
        #[serde(skip_serializing_if = "Option::is_none")]
        shared: Option<Standing>,
        /// Clients that were sent away before they asked anything.
        turned_away: TurnedAway,
        /// Memory that bodies under way take.
        body_bytes: usize,
        #[serde(flatten)]
        policy: T,
    }
    let policy = app.with_policy(|policy, now| policy.status(now));
    let shared = app.shared.as_ref().map(|shared| shared.standing());
    let up_s = app.up_for().as_secs();
    let (turned_away, body_bytes) = (app.metrics.turned_away(), app.room.used());
    let status = Status { version: 1, up_s, shared, turned_away, body_bytes, policy };
    serde_json::to_value(status).unwrap_or_else(|error| json!({ "error": error.to_string() }))
}

/// Asks a running gateway what is going on. `gateway` is its address with the
/// master key, if it has one.
///
/// # Errors
/// It cannot be reached in time, refuses the key, or is no gateway of ours.
pub async fn fetch_status(gateway: &Endpoint, deadline: Duration) -> Result<Value, ClientError> {
    let upstreams = Upstreams::new().map_err(|source| ClientError::Setup { source })?;
    let got = tokio::time::timeout(deadline, upstreams.get(gateway, "/status")).await;
    let body = got.map_err(|_| overdue(gateway, DeadlineKind::FirstEvent, deadline))??;
    let status: Option<Value> = serde_json::from_slice(&body).ok();
    status.filter(|status| status.get("deployments").is_some()).ok_or_else(|| {
        ClientError::BadEvent {
            host: gateway.host(),
            what: "what it tells is not the status of a gateway".to_owned(),
            excerpt: String::new(),
        }
    })
}
