//! Two gateways over one state: a stand-in for it that lives in this process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use gateway::Moment;
use gateway::limits::meter::Entry;
use gateway::limits::{Free, Meter};
use gateway::policy::{Need, Policy, RequestId, Spent, Step};
use gateway::shared::{Claim, Claimed, Lost, SharedState};

use crate::policy::{at, policy};

#[derive(Default)]
struct Joint {
    now: Moment,
    serial: u64,
    meters: HashMap<String, Meter>,
    entries: HashMap<u64, Entry>,
    alone: HashMap<String, Moment>,
    spent: Vec<Spent>,
    lost: bool,
}

/// All in one lock, as Redis runs a script.
#[derive(Default)]
struct InProcess(Arc<Mutex<Joint>>);

impl InProcess {
    fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Joint) -> T,
    ) -> BoxFuture<'static, Result<T, Lost>> {
        let mut joint = self.0.lock().unwrap();
        let result = if joint.lost { Err(Lost("gone".into())) } else { Ok(work(&mut joint)) };
        async { result }.boxed()
    }
}

impl SharedState for InProcess {
    fn reserve(&self, claim: Claim) -> BoxFuture<'static, Result<Claimed, Lost>> {
        self.with(move |joint| {
            let now = joint.now;
            let meter = joint.meters.entry(claim.key).or_insert_with(|| Meter::new(claim.limits));
            match meter.free(claim.tokens, 0, now) {
                Free::Now => {
                    joint.serial += 1;
                    let mut entry = meter.reserve(joint.serial, claim.tokens, 0, now);
                    meter.arrived(&mut entry, now);
                    joint.entries.insert(joint.serial, entry);
                    Claimed::Granted { ticket: joint.serial }
                }
                Free::At(until) => Claimed::Full { wait: until.since(now) },
                _ => Claimed::Full { wait: Duration::from_millis(50) },
            }
        })
    }

    fn settle(
        &self,
        claim: Claim,
        ticket: u64,
        tokens: Option<u64>,
        counted: bool,
    ) -> BoxFuture<'static, Result<(), Lost>> {
        self.with(move |joint| {
            let (now, entry) = (joint.now, joint.entries.remove(&ticket));
            if let (Some(meter), Some(entry)) = (joint.meters.get_mut(&claim.key), entry) {
                match counted {
                    true => meter.settle(entry, tokens, now),
                    false => meter.void(entry, false, now),
                }
            }
        })
    }

    fn leave_alone(
        &self,
        endpoint: String,
        wait: Duration,
    ) -> BoxFuture<'static, Result<(), Lost>> {
        self.with(move |joint| {
            let until = joint.now.after(wait);
            joint.alone.insert(endpoint, until);
        })
    }

    fn left_alone(&self) -> BoxFuture<'static, Result<Vec<(String, Duration)>, Lost>> {
        self.with(|joint| {
            let left = |(name, until): (&String, &Moment)| (name.clone(), until.since(joint.now));
            joint.alone.iter().map(left).collect()
        })
    }

    fn add_spend(&self, more: Vec<Spent>) -> BoxFuture<'static, Result<Vec<Spent>, Lost>> {
        self.with(move |joint| {
            joint.spent.extend(more);
            joint.spent.clone()
        })
    }
}

const SIXTY: &str = "[[endpoints]]\nname = 'a'\nurl = 'http://127.0.0.1:1'\nmodels = 'm'\nfacts = { limits = { rpm = 60 } }";

/// One replica and those who wait there.
struct Replica {
    policy: Policy,
    ready: VecDeque<RequestId>,
}

/// Sends what replica and state let through at `ms`; how many.
async fn sends(replica: &mut Replica, state: &InProcess, ms: u64) -> usize {
    state.0.lock().unwrap().now = at(ms);
    let (mut sent, mut woken) = (0, Vec::new());
    replica.policy.wake(at(ms), &mut woken);
    replica.ready.extend(woken);
    while let Some(id) = replica.ready.pop_front() {
        let Step::Try(attempt) = replica.policy.next(id, at(ms)) else { continue };
        let claim = replica.policy.claim(attempt.reservation).expect("it has limits");
        match state.reserve(claim.clone()).await {
            Ok(Claimed::Full { wait }) => {
                replica.policy.full(attempt.reservation, wait, at(ms));
                replica.ready.push_back(id);
                continue;
            }
            Ok(Claimed::Granted { ticket }) => {
                state.settle(claim, ticket, Some(2), true).await.unwrap();
            }
            Err(Lost(_)) => {}
        }
        sent += 1;
        replica.policy.settle(attempt.reservation, None, at(ms));
        replica.policy.finish(id, at(ms));
    }
    sent
}

fn replica(asks: usize) -> Replica {
    let mut policy = policy(SIXTY);
    let need = Need::new(at(600_000));
    let ready = (0..asks).map(|_| policy.admit(&need, at(0)).unwrap()).collect();
    Replica { policy, ready }
}

#[tokio::test]
async fn two_replicas_keep_one_limit() {
    let state = InProcess::default();
    let (mut one, mut two) = (replica(70), replica(70));
    let mut sent: VecDeque<(u64, usize)> = VecDeque::new();
    let mut all = 0;
    for ms in (0..200_000).step_by(50) {
        let now = sends(&mut one, &state, ms).await + sends(&mut two, &state, ms).await;
        sent.push_back((ms, now));
        sent.retain(|(then, _)| then + 60_000 > ms);
        let minute: usize = sent.iter().map(|(_, count)| count).sum();
        assert!(minute <= 60, "{minute} in the minute before {ms}");
        all += now;
    }
    assert_eq!(all, 140);
}

const USER: &str = "[[endpoints]]\nname = 'a'\nurl = 'http://127.0.0.1:1'\nmodels = 'm'\n[[server.users]]\nname = 'ada'\nkey = 'k'\nrpm = 10\ntpm = 100000";

#[tokio::test]
async fn a_user_has_one_limit_at_all_replicas() {
    let state = InProcess::default();
    let mut replicas = [policy(USER), policy(USER)];
    let mut sent = 0;
    for turn in 0..30 {
        let policy = &mut replicas[turn % 2];
        let need = Need { user: "ada", ..Need::new(at(1_000)) };
        let id = policy.admit(&need, at(0)).unwrap();
        let Step::Try(attempt) = policy.next(id, at(0)) else { continue };
        assert_eq!(policy.claim(attempt.reservation), None, "the endpoint has no limits");
        let claim = policy.claim_of_user(attempt.reservation).unwrap();
        assert_eq!(claim.key, "user:ada");
        match state.reserve(claim).await.unwrap() {
            Claimed::Granted { .. } => sent += 1,
            Claimed::Full { wait } => {
                policy.user_full(attempt.reservation, wait, at(0));
                // It is back where it was, and would wait beyond its deadline.
                assert!(matches!(policy.next(id, at(0)), Step::GiveUp(_)));
                continue;
            }
        }
        // A second attempt of the same request takes no more room.
        let failure = gateway::Outcome::ServerError { status: Some(500), retry_after_ms: None };
        let observed = gateway::policy::Observed::none();
        policy.record(attempt.reservation, &failure, &observed, at(0));
        let Step::Wait { .. } = policy.next(id, at(0)) else { panic!("it waits for the endpoint") };
        let mut woken = Vec::new();
        policy.wake(at(500), &mut woken);
        let Step::Try(again) = policy.next(id, at(500)) else { panic!("it is tried again") };
        assert_eq!(policy.claim_of_user(again.reservation), None);
        policy.record(again.reservation, &gateway::Outcome::Ok, &observed, at(500));
        policy.settle(again.reservation, None, at(500));
        policy.finish(id, at(500));
    }
    assert_eq!(sent, 10);
    for policy in replicas {
        assert_eq!(policy.status(at(500)).deployments[0].under_way, 0);
    }
}

#[tokio::test]
async fn without_the_state_each_goes_on_by_its_own_estimate() {
    let state = InProcess::default();
    state.0.lock().unwrap().lost = true;
    let (mut one, mut two) = (replica(61), replica(10));
    assert_eq!(sends(&mut one, &state, 0).await, 60);
    assert_eq!(sends(&mut two, &state, 0).await, 10);
    state.0.lock().unwrap().lost = false;
    assert_eq!(sends(&mut one, &state, 70_000).await, 1);
}

#[tokio::test]
async fn what_one_is_told_the_others_keep_to() {
    let state = InProcess::default();
    state.leave_alone("a".to_owned(), Duration::from_secs(3)).await.unwrap();
    let mut other = policy(SIXTY);
    for (endpoint, wait) in state.left_alone().await.unwrap() {
        other.leave_alone(&endpoint, wait, at(0));
    }
    let id = other.admit(&Need::new(at(60_000)), at(0)).unwrap();
    assert!(matches!(other.next(id, at(0)), Step::Wait { until, .. } if until == at(3_000)));
    let spent = Spent { user: "ada".into(), dollars: 1.0, ..Spent::default() };
    assert_eq!(state.add_spend(vec![spent.clone()]).await.unwrap(), [spent]);
}
