//! What replicas share, in Redis or Valkey: one script for each operation, so
//! that each is atomic, and by Redis' own clock, so that replicas need not agree
//! on the time.
//!
//! Every call is bounded. A call that fails drops the connection; until
//! [`SharedState::left_alone`], which is called again and again, has made
//! another, all fail at once and cost nobody any time.
//!
//! Keys, all under `silk:{gateway}:`:
//!
//! | key | what |
//! |---|---|
//! | `uses:`, `sizes:`, `places:` and a deployment | tickets of the last minute, their tokens, those under way |
//! | `alone` | endpoints by when they may be asked again |
//! | `spend:` and a day since 1970 | sums by user, project and task |
//! | `serial:` and a replica | the last batch of spend that was taken from it |
//!
//! Nothing is kept that a client sent or an endpoint answered, and no key.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use gateway::limits::meter::ARRIVES_WITHIN;
use gateway::limits::window::MINUTE;
use gateway::outcome::as_ms;
use gateway::policy::Spent;
use gateway::shared::{Claim, Claimed, Lost, SharedState};
use gateway_client::Secret;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Script, ScriptInvocation};

use super::way::Way;

/// The longest a call may take, and making a connection.
pub(super) const BOUND: Duration = Duration::from_millis(250);

/// The longest a request is taken to be under way: then its place is taken back.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Spend is summed over the days that budgets are for.
const SPEND_DAYS: u32 = 30;

/// What precedes every key. The braces keep all of them on one node.
const PREFIX: &str = "silk:{gateway}:";

/// State in a Redis that all replicas reach.
pub struct RedisState {
    inner: Arc<Inner>,
}

struct Inner {
    way: Way,
    prefix: String,
    /// This replica among all, and since its start.
    replica: String,
    window: Duration,
    tickets: AtomicU64,
    batches: AtomicU64,
    link: Mutex<Option<MultiplexedConnection>>,
    scripts: Scripts,
}

struct Scripts {
    reserve: Script,
    settle: Script,
    leave_alone: Script,
    left_alone: Script,
    add_spend: Script,
}

impl RedisState {
    /// State at `url` (`redis[s]://[[user]:password@]host[:port][/database]`).
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// [`Lost`]: the address makes no sense, or TLS cannot be set up.
    pub fn new(url: &Secret) -> Result<Self, Lost> {
        Self::with(url, PREFIX, MINUTE)
    }

    /// The same under other keys, and with another length of the minute: for
    /// rehearsals.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with(url: &Secret, prefix: &str, window: Duration) -> Result<Self, Lost> {
        let drawn = RandomState::new().hash_one(std::process::id());
        let inner = Inner {
            way: Way::to(url)?,
            prefix: prefix.to_owned(),
            replica: format!("{drawn:016x}"),
            window,
            tickets: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            link: Mutex::new(None),
            scripts: Scripts {
                reserve: Script::new(include_str!("lua/reserve.lua")),
                settle: Script::new(include_str!("lua/settle.lua")),
                leave_alone: Script::new(include_str!("lua/leave_alone.lua")),
                left_alone: Script::new(include_str!("lua/left_alone.lua")),
                add_spend: Script::new(include_str!("lua/add_spend.lua")),
            },
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    /// Runs a call over the connection there is.
    async fn call<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, Lost> {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut link = link.ok_or_else(|| Lost("there is no connection".to_owned()))?;
        let answer = async { call.invoke_async(&mut link).await.map_err(|error| lost(&error)) };
        let result = bounded(answer).await;
        if result.is_err() {
            *self.link.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        result
    }

    /// Makes a connection if there is none.
    async fn connect(&self) -> Result<(), Lost> {
        if self.link.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ok(());
        }
        let link = bounded(self.way.open()).await?;
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
        Ok(())
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The keys of a deployment.
    fn keys(&self, claim: &Claim) -> [String; 3] {
        ["uses", "sizes", "places"].map(|kind| self.key(&format!("{kind}:{}", claim.key)))
    }

    fn ticket(&self, number: u64) -> String {
        format!("{}-{number}", self.replica)
    }

    async fn reserve(&self, claim: &Claim) -> Result<Claimed, Lost> {
        let ticket = self.tickets.fetch_add(1, Relaxed) + 1;
        let limits = &claim.limits;
        let bound =
            |most: Option<u64>| most.map_or(-1, |most| i64::try_from(most).unwrap_or(i64::MAX));
        let [uses, sizes, places] = self.keys(claim);
        let mut call = self.scripts.reserve.key(uses);
        call.key(sizes).key(places).arg(self.ticket(ticket)).arg(claim.tokens);
        call.arg(bound(limits.rpm)).arg(bound(limits.tpm)).arg(bound(limits.concurrency));
        call.arg(as_ms(self.window)).arg(as_ms(ARRIVES_WITHIN.min(self.window)));
        call.arg(as_ms(LONGEST));
        Ok(match self.call::<u64>(&call).await? {
            0 => Claimed::Granted { ticket },
            wait => Claimed::Full { wait: Duration::from_millis(wait) },
        })
    }

    async fn add_spend(&self, more: &[Spent]) -> Result<Vec<Spent>, Lost> {
        let batch = self.batches.load(Relaxed) + 1;
        let mut call = self.scripts.add_spend.key(self.key("spend:"));
        call.key(self.key(&format!("serial:{}", self.replica))).arg(batch).arg(SPEND_DAYS);
        for row in more {
            let owner = serde_json::to_string(&(&row.user, &row.project, row.task));
            call.arg(owner.map_err(|error| Lost(error.to_string()))?);
            call.arg(row.requests).arg(row.input_tokens).arg(row.output_tokens);
            call.arg(format!("{:.9}", row.dollars));
        }
        let rows: Vec<String> = self.call(&call).await?;
        // Counted now: the same number again would not be.
        self.batches.store(batch, Relaxed);
        rows.chunks_exact(5).map(spent).collect()
    }
}

impl SharedState for RedisState {
    fn reserve(&self, claim: Claim) -> BoxFuture<'static, Result<Claimed, Lost>> {
        let inner = Arc::clone(&self.inner);
        async move { inner.reserve(&claim).await }.boxed()
    }

    fn settle(
        &self,
        claim: Claim,
        ticket: u64,
        tokens: Option<u64>,
        counted: bool,
    ) -> BoxFuture<'static, Result<(), Lost>> {
        let inner = Arc::clone(&self.inner);
        async move {
            let [uses, sizes, places] = inner.keys(&claim);
            let mut call = inner.scripts.settle.key(uses);
            call.key(sizes).key(places).arg(inner.ticket(ticket));
            call.arg(tokens.map_or(-1, |tokens| i64::try_from(tokens).unwrap_or(i64::MAX)));
            call.arg(u8::from(counted));
            inner.call::<u64>(&call).await.map(drop)
        }
        .boxed()
    }

    fn leave_alone(
        &self,
        endpoint: String,
        wait: Duration,
    ) -> BoxFuture<'static, Result<(), Lost>> {
        let inner = Arc::clone(&self.inner);
        async move {
            let mut call = inner.scripts.leave_alone.key(inner.key("alone"));
            call.arg(endpoint).arg(as_ms(wait).max(1));
            inner.call::<u64>(&call).await.map(drop)
        }
        .boxed()
    }

    /// Also makes the connection, if there is none.
    fn left_alone(&self) -> BoxFuture<'static, Result<Vec<(String, Duration)>, Lost>> {
        let inner = Arc::clone(&self.inner);
        async move {
            inner.connect().await?;
            let mut call = inner.scripts.left_alone.prepare_invoke();
            call.key(inner.key("alone"));
            let rows: Vec<(String, u64)> = inner.call(&call).await?;
            Ok(rows
                .into_iter()
                .map(|(endpoint, ms)| (endpoint, Duration::from_millis(ms)))
                .collect())
        }
        .boxed()
    }

    fn add_spend(&self, more: Vec<Spent>) -> BoxFuture<'static, Result<Vec<Spent>, Lost>> {
        let inner = Arc::clone(&self.inner);
        async move { inner.add_spend(&more).await }.boxed()
    }
}

/// Whoever is not answered in time has lost it.
async fn bounded<T>(call: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
    let result = tokio::time::timeout(BOUND, call).await;
    result.map_err(|_| Lost(format!("no answer within {} ms", BOUND.as_millis())))?
}

/// What went wrong, by its kind and code: a message could repeat the address.
pub(super) fn lost(error: &redis::RedisError) -> Lost {
    let code = error.code().map(|code| format!(" ({code})")).unwrap_or_default();
    Lost(format!("{:?}{code}", error.kind()))
}

fn spent(row: &[String]) -> Result<Spent, Lost> {
    let wrong = || Lost("it holds spend that is not of ours".to_owned());
    let (user, project, task) = serde_json::from_str(&row[0]).map_err(|_| wrong())?;
    let number = |text: &String| text.parse::<f64>().map_err(|_| wrong());
    // Whole numbers, and far below 2^53.
    let whole = |text: &String| Ok::<_, Lost>(number(text)? as u64);
    Ok(Spent {
        user,
        project,
        task,
        requests: whole(&row[1])?,
        input_tokens: whole(&row[2])?,
        output_tokens: whole(&row[3])?,
        dollars: number(&row[4])?,
    })
}
