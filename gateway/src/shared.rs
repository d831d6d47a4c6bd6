//! What several gateways know together, so that their limits and budgets are
//! one.
//!
//! Each replica decides by its own [`Policy`](crate::Policy), whose ledger is
//! the estimate; before it sends, it claims the room in what all share. A
//! claim that is refused puts the request back, and nobody here asks that
//! deployment before there is room. If the shared state is lost, each goes on
//! by its own estimate and says so.
//!
//! ```text
//! next ─▶ Try ─▶ claim ─▶ reserve (shared) ─┬▶ Granted ─▶ send ─▶ … ─▶ settle (shared)
//!   ▲                                       ├▶ Full ─▶ policy.full ─┐
//!   │                                       └▶ Lost ─▶ send anyway  │
//!   └───────────────────────────────────────────────────────────────┘
//! ```

use std::time::Duration;

use futures::future::BoxFuture;

use crate::config::Limits;
use crate::policy::Spent;

/// Room for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The deployment, by endpoint and model, or the user: the same in every
    /// replica that has the same configuration. Holds no key.
    pub key: String,
    /// Its limits.
    pub limits: Limits,
    /// Tokens of the request and of its answer at most.
    pub tokens: u64,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// There was room, and it is taken.
    Granted {
        /// For [`SharedState::settle`].
        ticket: u64,
    },
    /// There will be room after this.
    Full {
        /// How long to wait before asking again.
        wait: Duration,
    },
}

/// The shared state cannot be reached, or gave nonsense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reach the state that replicas share: {0}")]
pub struct Lost(pub String);

/// What replicas share. Each call is atomic: of two claims for the last room,
/// one is granted.
///
/// A room whose ticket is never settled, since its replica died, is taken back
/// after the minute; a place of `concurrency` after the longest time that a
/// request may take.
pub trait SharedState: Send + Sync {
    /// Takes the room that `claim` names, if it is there.
    fn reserve(&self, claim: Claim) -> BoxFuture<'static, Result<Claimed, Lost>>;

    /// Gives a place of `concurrency` back, and corrects the tokens; `None`:
    /// the estimate stands. `counted` is false if nothing was sent.
    fn settle(
        &self,
        claim: Claim,
        ticket: u64,
        tokens: Option<u64>,
        counted: bool,
    ) -> BoxFuture<'static, Result<(), Lost>>;

    /// An endpoint asks to be left alone for `wait`; the later end holds.
    fn leave_alone(&self, endpoint: String, wait: Duration)
    -> BoxFuture<'static, Result<(), Lost>>;

    /// Who asks to be left alone, and for how long yet.
    fn left_alone(&self) -> BoxFuture<'static, Result<Vec<(String, Duration)>, Lost>>;

    /// Adds what was spent since the last call; gives back what all spent.
    ///
    /// After an error the next call must be given the same rows again: what
    /// was counted then is not counted twice.
    fn add_spend(&self, more: Vec<Spent>) -> BoxFuture<'static, Result<Vec<Spent>, Lost>>;
}
