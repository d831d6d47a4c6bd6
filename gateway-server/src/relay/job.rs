//! One request and its place in the policy, from being let in to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::Moment;
use gateway::config::Class;
use gateway::policy::{Need, Observed, Refusal, RequestId, Reservation, Shape, Step, Try};
use gateway::table::Deployment;
use gateway_client::ClientError;
use hyper::header::HeaderValue;

use crate::access::{Access, End};
use crate::app::App;
use crate::face::Refused;
use crate::keys::User;
use crate::request::Request;
use crate::shared::Held;
use crate::trace::{Parent, Trace};
use crate::wire::Usage;

/// What a client's headers say besides the request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hints {
    pub(crate) task: Option<gateway::Task>,
    pub(crate) project: Option<String>,
    pub(crate) deadline: Option<Duration>,
    /// The answer before did not hold: one tier up.
    pub(crate) escalate: bool,
    pub(crate) class: Option<Class>,
    /// Tags to route by, where that is wanted.
    pub(crate) tags: Vec<String>,
    /// What the client calls itself, where requests go by tags.
    pub(crate) user_agent: Option<String>,
    /// The trace that the request is part of, where traces are kept.
    pub(crate) parent: Option<Parent>,
}

/// A request under way. Dropping it frees whatever it still holds.
pub(crate) struct Job {
    pub(crate) app: Arc<App>,
    pub(crate) request: Request,
    pub(crate) attempts: u32,
    /// Somebody other than the first choice answers, or another tier.
    pub(crate) degraded: bool,
    /// There was no room for the answer.
    pub(super) no_room: bool,
    /// The last thing that went wrong, for the client if nothing else helps.
    pub(crate) last: Option<ClientError>,
    pub(crate) access: Access,
    id: RequestId,
    begun: Instant,
    /// Room that other replicas do not have meanwhile.
    held: Option<Held>,
    /// The same, of its user's.
    held_of_user: Option<Held>,
    /// What is kept of its way for a collector, if that is wanted.
    trace: Option<Box<Trace>>,
}

impl Job {
    /// Lets `request` in.
    pub(crate) fn admit(
        app: &Arc<App>,
        request: Request,
        user: &User,
        hints: &Hints,
    ) -> Result<Self, Refused> {
        let begun = Instant::now();
        let mut access = Access::new(&request, user);
        let tracer = app.tracer.as_ref();
        let trace = tracer.and_then(|tracer| tracer.begin(&request, hints.parent.as_ref()));
        let admitted = app.with_policy(|policy, now| {
            let deadline = now.after(hints.deadline.unwrap_or(app.options.deadline));
            policy.admit(&need(&request, user, hints, deadline), now)
        });
        match admitted {
            Ok(id) => Ok(Self {
                app: Arc::clone(app),
                request,
                attempts: 0,
                degraded: false,
                no_room: false,
                last: None,
                access,
                id,
                begun,
                held: None,
                held_of_user: None,
                trace,
            }),
            Err(refusal) => {
                let refused = refusal_for(&refusal, None, app);
                access.refuse(refused.status);
                app.tell(&mut access, trace, begun);
                Err(refused)
            }
        }
    }

    /// Whom to ask next, once there is somebody.
    pub(crate) async fn next(
        &mut self,
        fits: impl Fn(&Deployment) -> bool,
    ) -> Result<Try, Refused> {
        loop {
            let (step, notify) = self.app.next(self.id, &fits);
            match step {
                Step::Try(next) if !self.claim(&next).await => {}
                Step::Try(next) => {
                    self.attempts += 1;
                    self.degraded |= next.degraded;
                    if let (Some(tracer), Some(trace)) = (&self.app.tracer, &mut self.trace) {
                        tracer.attempt(trace, &next);
                    }
                    return Ok(next);
                }
                Step::GiveUp(refusal) => {
                    return Err(refusal_for(&refusal, self.last.as_ref(), &self.app));
                }
                Step::Wait { until, .. } => {
                    let notify = notify.expect("whoever waits has something to be woken by");
                    self.app.wait(until, &notify).await;
                }
            }
        }
    }

    /// Takes the room for `next` in what replicas share. False: others have it,
    /// and the request is back where it was.
    async fn claim(&mut self, next: &Try) -> bool {
        let Some(shared) = &self.app.shared else { return true };
        let (of_user, claim) = self.app.with_policy(|policy, _| {
            (policy.claim_of_user(next.reservation), policy.claim(next.reservation))
        });
        if let Some(of_user) = of_user {
            match shared.reserve(of_user).await {
                Some(Err(wait)) => {
                    self.app.with_policy(|policy, now| {
                        policy.user_full(next.reservation, wait, now);
                    });
                    return false;
                }
                held => self.held_of_user = held.and_then(Result::ok),
            }
        }
        let Some(claim) = claim else { return true };
        match shared.reserve(claim).await {
            Some(Err(wait)) => {
                self.app.with_policy(|policy, now| policy.full(next.reservation, wait, now));
                false
            }
            Some(Ok(held)) => {
                self.held = Some(held);
                true
            }
            None => true,
        }
    }

    /// Gives back what was claimed. `tokens`: as in the policy's ledger.
    fn unclaim(&mut self, tokens: Option<u64>, counted: bool) {
        if let (Some(shared), Some(held)) = (&self.app.shared, self.held.take()) {
            shared.settle(held, tokens, counted);
        }
    }

    /// The same for its user.
    fn unclaim_of_user(&mut self, tokens: Option<u64>) {
        if let (Some(shared), Some(held)) = (&self.app.shared, self.held_of_user.take()) {
            shared.settle(held, tokens, true);
        }
    }

    /// Tells other replicas how long an endpoint is to be left alone.
    fn tell_others(&self, deployment: &Deployment) {
        let Some(shared) = &self.app.shared else { return };
        let wait = self.app.with_policy(|policy, now| policy.left_alone(deployment, now));
        if let Some(wait) = wait {
            shared.leave_alone(deployment.name(), wait);
        }
    }

    /// An attempt came to nothing.
    pub(crate) fn failed(&mut self, next: &Try, error: ClientError, observed: &Observed) {
        let outcome = gateway::Outcome::from_error(&error);
        self.app.metrics.attempt(&next.deployment, outcome_word(&outcome));
        if let Some(trace) = &mut self.trace {
            trace.end(outcome_word(&outcome), Some(&error));
        }
        self.app
            .with_policy(|policy, now| policy.record(next.reservation, &outcome, observed, now));
        // What may be working on it still has had its tokens.
        let tokens = !matches!(outcome, gateway::Outcome::Timeout { connecting: false });
        self.unclaim(tokens.then_some(0), outcome.was_sent());
        self.tell_others(&next.deployment);
        self.last = Some(error);
    }

    /// The answer has begun.
    pub(crate) fn answered(&mut self, next: &Try, observed: &Observed) {
        self.app.metrics.attempt(&next.deployment, "ok");
        self.app.with_policy(|policy, now| {
            policy.record(next.reservation, &gateway::Outcome::Ok, observed, now);
        });
        let took = self.begun.elapsed();
        self.access.served(&next.deployment, took);
        self.app.metrics.first_event(took);
        if let Some(trace) = &mut self.trace {
            trace.began_to_answer();
        }
    }

    /// An answer that had begun broke off.
    pub(crate) fn broken(&mut self, reservation: Reservation, deployment: &Deployment) {
        self.app.metrics.attempt(deployment, "broken_stream");
        if let Some(trace) = &mut self.trace {
            trace.end("broken_stream", None);
        }
        self.app.with_policy(|policy, now| policy.broken(reservation, None, now));
        self.unclaim(None, true);
        self.unclaim_of_user(None);
        self.tell_others(deployment);
    }

    /// The answer is over, and so is the request.
    pub(crate) fn settle(&mut self, reservation: Reservation, usage: Usage) {
        let spent = self
            .app
            .with_policy(|policy, now| policy.settle(reservation, usage.told().as_ref(), now));
        let tokens = usage.told().map(|usage| usage.input_tokens + usage.output_tokens);
        self.unclaim(tokens, true);
        self.unclaim_of_user(tokens);
        if let Some(trace) = &mut self.trace {
            trace.whole((usage.input, usage.output));
        }
        self.access.settle(usage, spent);
        self.app.metrics.settled(usage, spent);
    }

    /// What the endpoint that is asked now is told of the trace.
    pub(super) fn trace_header(&self) -> Option<HeaderValue> {
        self.trace.as_ref().and_then(|trace| trace.header())
    }

    /// How it ended, for the log.
    pub(crate) fn end(&mut self, end: End) {
        self.access.end = end;
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.app.finish(self.id);
        self.unclaim(None, true);
        self.unclaim_of_user(None);
        self.access.attempts = self.attempts;
        let begun = self.begun;
        let mut access = std::mem::take(&mut self.access);
        self.app.tell(&mut access, self.trace.take(), begun);
    }
}

/// What `request` needs, as far as routing is concerned.
pub(crate) fn need<'a>(
    request: &'a Request,
    user: &'a User,
    hints: &'a Hints,
    deadline: Moment,
) -> Need<'a> {
    Need {
        user: &user.name,
        session: request.session.as_deref(),
        project: hints.project.as_deref().unwrap_or_default(),
        class: hints.class.map_or(user.class, |class| class.max(user.class)),
        model: request.model.as_deref(),
        task: hints.task,
        tags: &hints.tags,
        user_agent: hints.user_agent.as_deref(),
        shape: Shape {
            fim: request.fim,
            tools: request.tools,
            whole: !request.stream,
            prompt_tokens: request.prompt_tokens,
            max_output_tokens: request.max_output_tokens,
        },
        prefix_hash: request.prefix_hash(),
        escalate: hints.escalate,
        deadline,
    }
}

/// The word of an outcome in metrics.
fn outcome_word(outcome: &gateway::Outcome) -> &'static str {
    use gateway::Outcome as O;
    match outcome {
        O::Ok => "ok",
        O::RateLimited { .. } => "rate_limited",
        O::ServerError { .. } => "server_error",
        O::ConnectError => "connect_error",
        O::Timeout { .. } => "timeout",
        O::Loading { .. } => "loading",
        O::Unauthorized => "unauthorized",
        O::ContextTooLong => "context_too_long",
        O::Rejected { .. } => "rejected",
        _ => "bad_response",
    }
}

/// What a refusal of the policy means to the client. `last` is what the last
/// endpoint said.
pub(crate) fn refusal_for(refusal: &Refusal, last: Option<&ClientError>, app: &App) -> Refused {
    let wait = |until: &gateway::Moment| until.since(app.now());
    match refusal {
        Refusal::UnknownModel { model, nearest } => unknown(model, nearest),
        Refusal::NoModel { wait_until } => no_model(last, wait_until.as_ref().map(wait)),
        Refusal::ContextTooLong { tokens, most } => Refused::new(
            400,
            "context_length_exceeded",
            match most {
                Some(most) => format!("the request has about {tokens} tokens; at most {most} fit"),
                None => format!("the request of about {tokens} tokens fits no model"),
            },
        ),
        Refusal::QueueFull { wait_until } => Refused {
            retry_after: Some(wait(wait_until)),
            ..Refused::new(503, "queue_full", "too many requests wait already; ask again later")
        },
        Refusal::OverBudget => {
            Refused::new(429, "over_budget", "the budget of this key is used up")
        }
        Refusal::NotAllowed { model } => Refused::new(
            403,
            "model_not_allowed",
            format!("your key may not ask `{}`", short(model)),
        ),
        Refusal::TagsSuitNobody { tags } if tags.is_empty() => {
            Refused::new(403, "tags_not_served", refusal.to_string())
        }
        Refusal::TagsSuitNobody { tags } => {
            let tags: Vec<String> = tags.iter().map(|tag| short(tag)).collect();
            let message = format!("no endpoint of the model has the tags {}", tags.join(", "));
            Refused::new(403, "tags_not_served", message)
        }
        Refusal::CredentialsRefused { .. } => credentials_refused(),
        Refusal::Superseded => {
            Refused::new(499, "superseded", "a newer completion of the same session was asked for")
        }
        _ => Refused::new(500, "gateway_error", "the request was lost in the gateway"),
    }
}

fn credentials_refused() -> Refused {
    let message = "an endpoint refused the gateway's own credentials; tell who runs it";
    Refused::new(502, "upstream_credentials", message)
}

fn unknown(model: &str, nearest: &[String]) -> Refused {
    let near = match nearest {
        [] => String::new(),
        near => format!("; near it: {}", near.join(", ")),
    };
    let message = format!("no model is called `{}`{near}; /v1/models lists all", short(model));
    Refused::new(404, "model_not_found", message)
}

/// Nobody could answer: what the endpoint said if that is the client's doing,
/// else when to ask again.
fn no_model(last: Option<&ClientError>, wait: Option<Duration>) -> Refused {
    match last {
        Some(ClientError::ContextTooLong { message, .. }) => {
            return Refused::new(400, "context_length_exceeded", message.clone());
        }
        Some(ClientError::Status { code, message, .. })
            if (400..500).contains(code) && !matches!(code, 408 | 429) =>
        {
            return Refused::new(*code, "upstream_rejected", message.clone());
        }
        Some(ClientError::Unauthorized { .. }) => return credentials_refused(),
        _ => {}
    }
    let is_limit = matches!(last, Some(ClientError::Status { code: 429, .. }));
    let (status, code) = if is_limit { (429, "rate_limited") } else { (503, "no_model") };
    let message = match wait {
        Some(wait) => format!("nobody can serve this now; ask again in {} s", whole_seconds(wait)),
        None => "nobody can serve this now".to_owned(),
    };
    Refused {
        retry_after: wait.or(Some(Duration::from_secs(1))),
        ..Refused::new(status, code, message)
    }
}

/// Rounded up, and at least one: a wait must not end early.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// A name of a client's, bounded.
fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}
