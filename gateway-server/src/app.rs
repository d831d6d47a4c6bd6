//! What all requests share: the policy behind its lock, connections, counters.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use gateway::policy::{Policy, RequestId, Step};
use gateway::shared::SharedState;
use gateway::table::Deployment;
use gateway::{Clock, ConfigError, GatewayConfig, Moment, Table, TokioClock};
use hyper::header::HeaderMap;
use tokio::sync::Notify;

use crate::access::Access;
use crate::face::Refused;
use crate::keys::{Keys, User};
use crate::metrics::Metrics;
use crate::room::Room;
use crate::shared::{RedisState, Shared};
use crate::tls::Tls;
use crate::trace::{Trace, Tracer};
use crate::upstream::Upstreams;
use crate::{Options, StartError};

/// The gateway's server, without its sockets.
pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) upstreams: Upstreams,
    pub(crate) metrics: Metrics,
    pub(crate) room: Arc<Room>,
    /// What is shared with other replicas; set for good at the start.
    pub(crate) shared: Option<Arc<Shared>>,
    /// Follows requests; `None`: nobody wants to know. Set for good at the start.
    pub(crate) tracer: Option<Arc<Tracer>>,
    keys: RwLock<Arc<Keys>>,
    /// `None`: clients speak plain HTTP.
    tls: RwLock<Option<Tls>>,
    clock: TokioClock,
    desk: Mutex<Desk>,
    begun: Instant,
    /// Some user's limits are in tokens, so that every answer's must be known.
    users_count: AtomicBool,
    /// Requests go by their tags.
    by_tags: AtomicBool,
}

/// The policy, and who waits for it.
struct Desk {
    policy: Policy,
    waiting: HashMap<RequestId, Arc<Notify>>,
    woken: Vec<RequestId>,
}

impl App {
    pub(crate) fn new(config: GatewayConfig, options: Options) -> Result<Self, StartError> {
        let keys = Keys::new(&config.server);
        let users_count = users_count(&config);
        let by_tags = config.routing.tag_filtering.is_some();
        let table = Arc::new(Table::new(config)?);
        let pace = options.pace;
        let upstreams = Upstreams::new().map_err(StartError::Tls)?;
        let tracer = Tracer::new(&table.config().server.tracing)?;
        let redis = table.config().server.redis.as_ref().map(RedisState::new).transpose()?;
        let shared = redis.map(|redis| {
            let state: Arc<dyn SharedState> = Arc::new(redis);
            Arc::new(Shared::new(state, options.notices.clone()))
        });
        // Where several do equally well, restarts should not all begin alike.
        let seed = u64::from(std::process::id());
        let mut policy = Policy::new(table, seed);
        let clock = TokioClock::paced(pace);
        let spend = options.spend.as_ref().filter(|_| shared.is_none());
        if let Some(spend) = spend {
            for (days_ago, row) in spend.found() {
                policy.restore_spend_of(row, *days_ago, clock.now());
            }
            policy.keep_fresh_spend();
        }
        Ok(Self {
            room: Room::new(options.bodies_bytes),
            options,
            upstreams,
            metrics: Metrics::default(),
            shared,
            tracer,
            keys: RwLock::new(Arc::new(keys)),
            tls: RwLock::default(),
            clock,
            desk: Mutex::new(Desk { policy, waiting: HashMap::new(), woken: Vec::new() }),
            begun: Instant::now(),
            users_count: AtomicBool::new(users_count),
            by_tags: AtomicBool::new(by_tags),
        })
    }

    /// Goes on with another configuration; what is under way is not touched.
    pub(crate) fn reload(&self, config: GatewayConfig) -> Result<(), ConfigError> {
        let keys = Keys::new(&config.server);
        let users_count = users_count(&config);
        let by_tags = config.routing.tag_filtering.is_some();
        let table = Arc::new(Table::new(config)?);
        self.users_count.store(users_count, Relaxed);
        self.by_tags.store(by_tags, Relaxed);
        self.with_policy(|policy, now| policy.reload(table, now));
        // Whoever listens by the word of its keys goes on needing them.
        if !keys.is_open() || self.keys().is_open() {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        }
        self.metrics.reloads.fetch_add(1, Relaxed);
        Ok(())
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(crate) fn up_for(&self) -> Duration {
        self.begun.elapsed()
    }

    /// True if the tokens of an answer of `deployment` must be known.
    pub(crate) fn counts_tokens(&self, deployment: &Deployment) -> bool {
        let facts = &deployment.facts;
        let limited = facts.limits.tpm.is_some() || facts.price.is_known();
        limited || self.users_count.load(Relaxed)
    }

    /// True if requests go by their tags.
    pub(crate) fn routes_by_tags(&self) -> bool {
        self.by_tags.load(Relaxed)
    }

    pub(crate) fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn tls(&self) -> Option<Tls> {
        self.tls.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_tls(&self, tls: Tls) {
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = Some(tls);
    }

    /// Whose key `headers` hold, if it is good today.
    pub(crate) fn user(&self, headers: &HeaderMap) -> Result<Arc<User>, Refused> {
        let user = self.keys().user(headers, (self.options.wall)());
        user.inspect_err(|refused| self.metrics.refused_key(refused.code))
    }

    /// Does something with the policy, and wakes whoever may go on after it.
    pub(crate) fn with_policy<R>(&self, act: impl FnOnce(&mut Policy, Moment) -> R) -> R {
        self.at_desk(|desk, now| act(&mut desk.policy, now))
    }

    /// What `id` is to do, with what it is woken by if that is to wait. Both
    /// under one lock: nobody can wake it in between and not be heard.
    pub(crate) fn next(
        &self,
        id: RequestId,
        fits: impl Fn(&Deployment) -> bool,
    ) -> (Step, Option<Arc<Notify>>) {
        self.at_desk(|desk, now| {
            let step = desk.policy.next_where(id, now, fits);
            let waits = matches!(step, Step::Wait { .. });
            let notify = waits.then(|| Arc::clone(desk.waiting.entry(id).or_default()));
            (step, notify)
        })
    }

    /// The request has ended, whatever it still held is free.
    pub(crate) fn finish(&self, id: RequestId) {
        self.at_desk(|desk, now| {
            desk.policy.finish(id, now);
            desk.waiting.remove(&id);
        });
    }

    fn at_desk<R>(&self, act: impl FnOnce(&mut Desk, Moment) -> R) -> R {
        let now = self.clock.now();
        let mut desk = self.desk();
        let result = act(&mut desk, now);
        let Desk { policy, waiting, woken } = &mut *desk;
        policy.wake(now, woken);
        for id in woken.drain(..) {
            if let Some(notify) = waiting.get(&id) {
                notify.notify_one();
            }
        }
        result
    }

    /// Waits for `until` or to be woken. Whoever's time has come also looks
    /// whether others may go on.
    pub(crate) async fn wait(&self, until: Moment, notify: &Notify) {
        let until = self.desk().policy.next_wake().map_or(until, |next| next.min(until));
        tokio::select! {
            () = notify.notified() => {}
            () = self.clock.sleep_until(until) => self.with_policy(|_, _| ()),
        }
    }

    /// Takes note of a request that is over.
    pub(crate) fn tell(&self, access: &mut Access, trace: Option<Box<Trace>>, begun: Instant) {
        access.close(begun.elapsed());
        self.metrics.request(access);
        if let (Some(tracer), Some(trace)) = (&self.tracer, trace) {
            tracer.finish(trace, access);
        }
        if let Some(log) = &self.options.access_log {
            log(access);
        }
    }

    /// A panic elsewhere leaves notes about endpoints, each whole by itself.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn users_count(config: &GatewayConfig) -> bool {
    config.server.users.iter().any(|user| user.tpm.is_some() || user.budget.is_some())
}
