//! What several replicas know together: claims on the way of a request, and a
//! task that keeps up with the others.
//!
//! Without it, and while it is lost, each goes on by its own estimate: no
//! request ever fails for it.

mod redis;
mod way;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway::Task;
use gateway::policy::Spent;
use gateway::shared::{Claim, Claimed, Lost, SharedState};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::app::App;
use crate::{Notice, Notices};

pub use redis::RedisState;

/// How often a replica looks what the others were told.
const LOOK: Duration = Duration::from_millis(250);

/// Spend is told at each so many of these looks.
const LOOKS_PER_SPEND: u32 = 8;

/// The state that is shared, and how it stands with it.
pub(crate) struct Shared {
    state: Arc<dyn SharedState>,
    notices: Option<Notices>,
    /// It could not be reached the last time.
    lost: AtomicBool,
    why: Mutex<String>,
    losses: AtomicU64,
    unshared: AtomicU64,
    books: Mutex<Books>,
}

/// Room that was granted, to be given back.
#[derive(Debug)]
pub(crate) struct Held {
    claim: Claim,
    ticket: u64,
}

/// How it stands, for status and metrics.
#[derive(Debug, Serialize)]
pub(crate) struct Standing {
    /// False: each replica goes on by its own estimate.
    pub(crate) reached: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// How often it was lost.
    pub(crate) losses: u64,
    /// Requests that were sent by this replica's estimate alone.
    pub(crate) unshared_requests: u64,
}

/// Spend that was told, and heard of.
#[derive(Default)]
struct Books {
    /// Of this replica's own sums and what it took over, what all know.
    accounted: HashMap<Owner, Spent>,
    /// The sums of all, as last heard.
    heard: HashMap<Owner, Spent>,
    /// Told, and not known to have arrived: to be told again, unchanged.
    pending: Option<Vec<Spent>>,
}

type Owner = (String, String, Option<Task>);

impl Shared {
    pub(crate) fn new(state: Arc<dyn SharedState>, notices: Option<Notices>) -> Self {
        Self {
            state,
            notices,
            lost: AtomicBool::new(false),
            why: Mutex::default(),
            losses: AtomicU64::new(0),
            unshared: AtomicU64::new(0),
            books: Mutex::default(),
        }
    }

    /// Takes the room for a request. `None`: the state is lost, this replica's
    /// own estimate has to do.
    ///
    /// Whoever does not wait for the result gives the room back.
    pub(crate) async fn reserve(self: &Arc<Self>, claim: Claim) -> Option<Result<Held, Duration>> {
        let (tell, told) = oneshot::channel();
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let reserved = shared.state.reserve(claim.clone()).await;
            let result = shared.note(reserved).map(|claimed| match claimed {
                Claimed::Granted { ticket } => Ok(Held { claim, ticket }),
                Claimed::Full { wait } => Err(wait),
            });
            if let Err(Some(Ok(held))) = tell.send(result) {
                shared.settle(held, None, false);
            }
        });
        let result = told.await.ok().flatten();
        if result.is_none() {
            self.unshared.fetch_add(1, Relaxed);
        }
        result
    }

    /// Gives room back, beside whatever else goes on.
    pub(crate) fn settle(self: &Arc<Self>, held: Held, tokens: Option<u64>, counted: bool) {
        // A server that is being torn down gives nothing back; it expires.
        let Ok(runtime) = Handle::try_current() else { return };
        let shared = Arc::clone(self);
        runtime.spawn(async move {
            let settled = shared.state.settle(held.claim, held.ticket, tokens, counted).await;
            shared.note(settled);
        });
    }

    /// Tells the others that an endpoint asks to be left alone.
    pub(crate) fn leave_alone(self: &Arc<Self>, endpoint: &str, wait: Duration) {
        let (shared, endpoint) = (Arc::clone(self), endpoint.to_owned());
        tokio::spawn(async move {
            let told = shared.state.leave_alone(endpoint, wait).await;
            shared.note(told);
        });
    }

    /// Keeps up with the others, for ever.
    pub(crate) async fn keep_up(&self, app: &App) {
        for look in 0_u32.. {
            self.look(app).await;
            if look % LOOKS_PER_SPEND == 0 {
                self.tell_spend(app).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Looks once whom the others were asked to leave alone.
    pub(crate) async fn look(&self, app: &App) {
        let looked = self.state.left_alone().await;
        // Only this call makes connections: it alone says that all is well again.
        let is_back = looked.is_ok() && self.lost.swap(false, Relaxed);
        if is_back && let Some(notices) = &self.notices {
            notices(&Notice::SharedStateBack);
        }
        for (endpoint, wait) in self.note(looked).unwrap_or_default() {
            app.with_policy(|policy, now| policy.leave_alone(&endpoint, wait, now));
        }
    }

    /// Tells what was spent here, and takes over what was spent elsewhere.
    pub(crate) async fn tell_spend(&self, app: &App) {
        let more = {
            let mut books = self.books();
            match &books.pending {
                Some(pending) => pending.clone(),
                None => {
                    let more = books.close(app.with_policy(|policy, _| policy.spent()));
                    books.pending = Some(more.clone());
                    more
                }
            }
        };
        let told = self.state.add_spend(more.clone()).await;
        let Some(all) = self.note(told) else { return };
        let mut books = self.books();
        books.pending = None;
        let others = books.open(&more, all);
        if !others.is_empty() {
            app.with_policy(|policy, now| policy.restore_spend(&others, now));
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        let lost = self.lost.load(Relaxed);
        Standing {
            reached: !lost,
            error: lost.then(|| self.why.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            losses: self.losses.load(Relaxed),
            unshared_requests: self.unshared.load(Relaxed),
        }
    }

    /// Says once that the state is lost.
    fn note<T>(&self, result: Result<T, Lost>) -> Option<T> {
        let lost = match result {
            Ok(value) => return Some(value),
            Err(lost) => lost,
        };
        if !self.lost.swap(true, Relaxed) {
            self.losses.fetch_add(1, Relaxed);
            self.why.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&lost.0);
            if let Some(notices) = &self.notices {
                notices(&Notice::SharedStateLost(lost));
            }
        }
        None
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// What is in `sums` and was not told yet. It counts as told from here on.
    fn close(&mut self, sums: Vec<Spent>) -> Vec<Spent> {
        let mut more = Vec::new();
        for row in sums {
            let told = self.accounted.insert(owner(&row), row.clone()).unwrap_or_default();
            let fresh = beyond(&row, &told);
            if fresh.requests > 0 {
                more.push(fresh);
            }
        }
        more
    }

    /// What others spent since the last time, given that `more` was added
    /// meanwhile and `all` are the sums now.
    fn open(&mut self, more: &[Spent], all: Vec<Spent>) -> Vec<Spent> {
        let mut others = Vec::new();
        for row in all {
            let owner = owner(&row);
            let mut mine = self.heard.insert(owner.clone(), row.clone()).unwrap_or_default();
            for told in more.iter().filter(|told| self::owner(told) == owner) {
                mine.add(told);
            }
            let fresh = beyond(&row, &mine);
            if fresh.requests > 0 {
                let accounted = self.accounted.entry(owner).or_insert_with(|| Spent {
                    requests: 0,
                    input_tokens: 0,
                    output_tokens: 0,
                    dollars: 0.0,
                    ..row.clone()
                });
                accounted.add(&fresh);
                others.push(fresh);
            }
        }
        others
    }
}

fn owner(row: &Spent) -> Owner {
    (row.user.clone(), row.project.clone(), row.task)
}

/// What `row` has and `known` has not.
fn beyond(row: &Spent, known: &Spent) -> Spent {
    Spent {
        requests: row.requests.saturating_sub(known.requests),
        input_tokens: row.input_tokens.saturating_sub(known.input_tokens),
        output_tokens: row.output_tokens.saturating_sub(known.output_tokens),
        dollars: (row.dollars - known.dollars).max(0.0),
        ..row.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(user: &str, requests: u64, dollars: f64) -> Spent {
        Spent { user: user.to_owned(), requests, dollars, ..Spent::default() }
    }

    #[test]
    fn each_spend_is_told_once_and_that_of_others_heard_once() {
        let mut books = Books::default();
        assert_eq!(books.open(&[], vec![row("ada", 3, 3.0)]), [row("ada", 3, 3.0)]);
        // The policy now says 3 of others and 2 of its own.
        let more = books.close(vec![row("ada", 5, 5.0)]);
        assert_eq!(more, [row("ada", 2, 2.0)]);
        assert_eq!(books.open(&more, vec![row("ada", 6, 6.0)]), [row("ada", 1, 1.0)]);
        assert_eq!(books.close(vec![row("ada", 6, 6.0)]), []);
    }

    #[test]
    fn sums_that_were_lost_take_nothing_back() {
        let mut books = Books::default();
        let more = books.close(vec![row("ada", 5, 5.0)]);
        assert_eq!(books.open(&more, vec![row("ada", 5, 5.0)]), []);
        assert_eq!(books.open(&[], vec![]), []);
        let more = books.close(vec![row("ada", 6, 6.0)]);
        assert_eq!(books.open(&more, vec![row("ada", 1, 1.0)]), []);
        assert_eq!(books.open(&[], vec![row("ada", 3, 3.0)]), [row("ada", 2, 2.0)]);
    }
}
