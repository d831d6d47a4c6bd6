//! What a request is told to do next.

use std::sync::Arc;

use crate::clock::Moment;
use crate::config::Tier;
use crate::event::WaitReason;
use crate::table::{Bounds, Deployment};

/// A request that was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

/// An attempt's place in the ledger. Every one must be given back, by
/// [`record`](super::Policy::record) with a failure, by
/// [`settle`](super::Policy::settle), or with its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reservation(pub(super) u64);

/// What to do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send it there; the room for it is reserved.
    Try(Try),
    /// Nothing before `until`, unless [`wake`](super::Policy::wake) names it.
    Wait {
        /// When to ask again at the latest.
        until: Moment,
        /// What for.
        reason: WaitReason,
    },
    /// There is nothing left to do. The request is gone.
    GiveUp(Refusal),
}

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Try {
    /// Where to.
    pub deployment: Arc<Deployment>,
    /// What the endpoint calls the model.
    pub model: String,
    /// For the calls that say what came of it.
    pub reservation: Reservation,
    /// How long it may take.
    pub bounds: Bounds,
    /// True if another model, or one of a lower tier, stands in.
    pub degraded: bool,
    /// Its tier, where the request was routed by one.
    pub tier: Option<Tier>,
    /// Its number among the request's attempts, from 1.
    pub attempt: u32,
}

/// Why a request is not served.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No endpoint serves such a model.
    #[error("no endpoint serves the model `{model}`{}", did_you_mean(.nearest))]
    UnknownModel {
        /// As asked for.
        model: String,
        /// Known names that are like it, the likest first.
        nearest: Vec<String>,
    },
    /// The user may not ask for it.
    #[error("the model `{model}` is not among those this key may ask for")]
    NotAllowed {
        /// As asked for; empty: none that may be asked for fits.
        model: String,
    },
    /// No deployment that may be asked is meant for the request's tags, or its
    /// client.
    #[error("{}", suits_nobody(.tags))]
    TagsSuitNobody {
        /// As asked with; empty: the client is one that no pattern is for.
        tags: Vec<String>,
    },
    /// Nobody can serve in time.
    #[error("no model can serve within the deadline")]
    NoModel {
        /// When asking again makes sense; `None`: nothing will change by itself.
        wait_until: Option<Moment>,
    },
    /// The key of an endpoint was refused, and nobody else could serve.
    #[error("endpoint `{endpoint}` refuses its credentials, and nobody else can serve")]
    CredentialsRefused {
        /// Its name.
        endpoint: String,
    },
    /// Longer than the window of anybody who may be asked.
    #[error("the request of about {tokens} tokens is too long for every model it may go to{}", most_words(*.most))]
    ContextTooLong {
        /// The request's, as estimated.
        tokens: u64,
        /// The longest that fits, where that is known.
        most: Option<u64>,
    },
    /// A newer request of the same editor took its place.
    #[error("a newer request of the same session took its place")]
    Superseded,
    /// Too many wait already.
    #[error("too many requests are waiting")]
    QueueFull {
        /// When asking again makes sense.
        wait_until: Moment,
    },
    /// The user has had what it may have.
    #[error("the budget of this key is used up")]
    OverBudget,
    /// It is not known here: finished, or never admitted.
    #[error("the request is not known to the gateway any more")]
    Gone,
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        names => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("; did you mean {}?", names.join(" or "))
        }
    }
}

fn suits_nobody(tags: &[String]) -> String {
    if tags.is_empty() {
        return "no endpoint of the model is for clients like this one".to_owned();
    }
    let tags: Vec<String> = tags.iter().map(|tag| format!("`{tag}`")).collect();
    format!("no endpoint of the model has the tags {}", tags.join(", "))
}

fn most_words(most: Option<u64>) -> String {
    most.map_or_else(String::new, |most| format!("; the longest takes {most}"))
}
