//! Decisions for many requests at a time, with a made-up clock.

use std::sync::Arc;

use gateway::config::Class;
use gateway::policy::{Need, Observed, Policy, Refusal, RequestId, Shape, Step, Try};
use gateway::table::Table;
use gateway::{GatewayConfig, Moment, Outcome, Task, WaitReason};
use gateway_client::Usage;

pub(crate) fn at(ms: u64) -> Moment {
    Moment::at(std::time::Duration::from_millis(ms))
}

pub(crate) fn policy(toml: &str) -> Policy {
    let config: GatewayConfig = toml::from_str(toml).unwrap();
    Policy::new(Arc::new(Table::new(config).unwrap()), 7)
}

/// A need for anything within a minute of `ms`.
pub(crate) fn need(ms: u64) -> Need<'static> {
    Need::new(at(ms + 60_000))
}

#[track_caller]
pub(crate) fn tried(step: Step) -> Try {
    match step {
        Step::Try(attempt) => attempt,
        other => panic!("not to be tried: {other:?}"),
    }
}

#[track_caller]
fn refused(step: Step) -> Refusal {
    match step {
        Step::GiveUp(refusal) => refusal,
        other => panic!("not given up: {other:?}"),
    }
}

pub(crate) fn woken(policy: &mut Policy, ms: u64) -> Vec<RequestId> {
    let mut woken = Vec::new();
    policy.wake(at(ms), &mut woken);
    woken
}

const USAGE: Usage = Usage { input_tokens: 100, output_tokens: 50, cached_input_tokens: None };

const TWO: &str = r#"
    [[endpoints]]
    name = "a"
    url = "http://127.0.0.1:1"
    models = "m"
    [[endpoints]]
    name = "b"
    url = "http://127.0.0.1:2"
    models = "m"
"#;

const ONE_AT_A_TIME: &str = r#"
    [[endpoints]]
    name = "a"
    url = "http://127.0.0.1:1"
    models = "m"
    facts = { limits = { concurrency = 1 }, price = { input = 10.0, output = 20.0 } }
"#;

#[test]
fn a_request_goes_its_whole_way() {
    let mut policy = policy(ONE_AT_A_TIME);
    let need = Need { user: "ada", project: "fw", task: Some(Task::Debug), ..need(0) };
    let id = policy.admit(&need, at(0)).unwrap();
    let first = tried(policy.next(id, at(0)));
    assert_eq!((first.deployment.name(), first.model.as_str(), first.attempt), ("a", "m", 1));
    policy.record(first.reservation, &Outcome::Ok, &Observed::none(), at(10));
    assert_eq!(policy.status(at(10)).deployments[0].under_way, 1);
    let dollars = policy.settle(first.reservation, Some(&USAGE), at(20));
    assert!((dollars - 0.002).abs() < 1e-12, "{dollars}");
    policy.finish(id, at(20));
    let status = policy.status(at(20));
    assert_eq!((status.requests, status.deployments[0].under_way), (0, 0));
    let spent = &status.spent[0];
    assert_eq!((spent.user.as_str(), spent.project.as_str()), ("ada", "fw"));
    assert_eq!((spent.requests, spent.input_tokens, spent.output_tokens), (1, 100, 50));
}

#[test]
fn a_failure_goes_to_the_next_at_once_and_a_broken_stream_to_another() {
    let mut policy = policy(TWO);
    let id = policy.admit(&need(0), at(0)).unwrap();
    let first = tried(policy.next(id, at(0)));
    let limited = Outcome::RateLimited { retry_after_ms: Some(3_000) };
    policy.record(first.reservation, &limited, &Observed::none(), at(1));
    let second = tried(policy.next(id, at(1)));
    assert_eq!((first.deployment.name(), second.deployment.name()), ("a", "b"));
    policy.record(second.reservation, &Outcome::Ok, &Observed::none(), at(2));
    policy.broken(second.reservation, None, at(5));
    // The other is limited until 3001, and goes on then.
    assert!(matches!(policy.next(id, at(5)), Step::Wait { until, .. } if until == at(3_001)));
    assert_eq!(policy.next_wake(), Some(at(3_001)));
    assert_eq!(woken(&mut policy, 3_001), [id]);
    assert_eq!(tried(policy.next(id, at(3_001))).deployment.name(), "a");
}

const WITH_FALLBACK: &str = r#"
    [[endpoints]]
    name = "a"
    url = "http://127.0.0.1:1"
    models = "m"
    [[endpoints]]
    name = "b"
    url = "http://127.0.0.1:2"
    models = "other"
    [routing]
    fallbacks = { m = ["other"] }
    allowed_fails = 2
    cooldown_ms = 5000
"#;

/// Where a request for `m` is sent at `ms`; it then ends with `outcome`.
fn sends(policy: &mut Policy, ms: u64, outcome: &Outcome) -> String {
    let id = policy.admit(&Need { model: Some("m"), ..need(ms) }, at(ms)).unwrap();
    let attempt = tried(policy.next(id, at(ms)));
    policy.record(attempt.reservation, outcome, &Observed::none(), at(ms));
    policy.settle(attempt.reservation, None, at(ms));
    policy.finish(id, at(ms));
    attempt.deployment.name().to_owned()
}

#[test]
fn another_model_stands_in_for_a_closed_one_and_not_for_a_doubted_one() {
    let mut policy = policy(WITH_FALLBACK);
    let failure = Outcome::ServerError { status: Some(500), retry_after_ms: None };
    for ms in [0, 1, 2] {
        assert_eq!(sends(&mut policy, ms, &failure), "a");
    }
    for ms in [3, 5_001] {
        assert_eq!(sends(&mut policy, ms, &Outcome::Ok), "b");
    }
    // One finds out; the others do not wait for it.
    let probe = policy.admit(&Need { model: Some("m"), ..need(5_002) }, at(5_002)).unwrap();
    let probe = tried(policy.next(probe, at(5_002)));
    assert_eq!(probe.deployment.name(), "a");
    assert_eq!(sends(&mut policy, 5_003, &Outcome::Ok), "b");
    // It fails: closed again at once.
    policy.record(probe.reservation, &failure, &Observed::none(), at(5_100));
    assert_eq!(sends(&mut policy, 5_101, &Outcome::Ok), "b");
    assert_eq!(sends(&mut policy, 10_100, &Outcome::Ok), "a");
    assert_eq!(sends(&mut policy, 10_101, &Outcome::Ok), "a");
}

#[test]
fn an_endpoint_that_stopped_answering_is_given_up_sooner_than_configured() {
    let mut policy = policy(WITH_FALLBACK);
    let mut bound = |ms: u64, tokens: u64| {
        let shape = Shape { prompt_tokens: tokens, ..Shape::default() };
        let id = policy.admit(&Need { model: Some("m"), shape, ..need(ms) }, at(ms)).unwrap();
        let attempt = tried(policy.next(id, at(ms)));
        policy.record(attempt.reservation, &Outcome::Ok, &Observed::none(), at(ms + 800));
        policy.settle(attempt.reservation, None, at(ms + 900));
        policy.finish(id, at(ms + 900));
        attempt.bounds.first_event.as_millis()
    };
    // Until enough is known, the request's own deadline.
    assert!((0..16).all(|n| bound(n * 1_000, 100) == 60_000));
    assert_eq!(bound(20_000, 100), 3_200);
    assert_eq!(bound(21_000, 200), 6_400);
}

#[test]
fn who_waits_for_room_is_woken_when_there_is_some() {
    let mut policy = policy(ONE_AT_A_TIME);
    let ids = [0, 1, 2].map(|_| policy.admit(&need(0), at(0)).unwrap());
    let first = tried(policy.next(ids[0], at(0)));
    for id in &ids[1..] {
        let Step::Wait { reason, .. } = policy.next(*id, at(0)) else { panic!("there is room") };
        assert_eq!(reason, WaitReason::Busy);
    }
    assert_eq!(woken(&mut policy, 1), []);
    policy.settle(first.reservation, None, at(2));
    policy.finish(ids[0], at(2));
    assert_eq!(woken(&mut policy, 2), [ids[1]]);
    // Its client goes before it hears of it: the next has the room.
    policy.finish(ids[1], at(3));
    assert_eq!(woken(&mut policy, 3), [ids[2]]);
    tried(policy.next(ids[2], at(3)));
}

#[test]
fn who_was_told_to_go_is_not_woken_for_it_and_goes_once() {
    let two = "[[endpoints]]\nname = 'x'\nurl = 'http://127.0.0.1:3'\nmodels = 'n'\n";
    let mut policy = policy(&format!("{ONE_AT_A_TIME}{two}"));
    let of = |model| Need { model: Some(model), ..need(0) };
    let held = policy.admit(&of("m"), at(0)).unwrap();
    tried(policy.next(held, at(0)));
    let waits = policy.admit(&of("m"), at(0)).unwrap();
    assert!(matches!(policy.next(waits, at(0)), Step::Wait { .. }));
    // It passes the one that waits for another model, through the queue.
    let goes = policy.admit(&of("n"), at(0)).unwrap();
    tried(policy.next(goes, at(0)));
    assert_eq!(woken(&mut policy, 0), []);
    assert!(matches!(policy.next(goes, at(0)), Step::Wait { .. }));
    assert_eq!(policy.status(at(0)).deployments[1].under_way, 1);
}

#[test]
fn a_wait_ends_with_the_deadline() {
    let mut policy = policy(ONE_AT_A_TIME);
    let (held, late) =
        (policy.admit(&need(0), at(0)).unwrap(), policy.admit(&need(0), at(0)).unwrap());
    tried(policy.next(held, at(0)));
    assert!(matches!(policy.next(late, at(0)), Step::Wait { until, .. } if until == at(60_000)));
    assert_eq!(policy.next_wake(), Some(at(60_000)));
    assert_eq!(woken(&mut policy, 60_000), [late]);
    assert_eq!(refused(policy.next(late, at(60_000))), Refusal::NoModel { wait_until: None });
    assert_eq!(refused(policy.next(late, at(60_000))), Refusal::Gone);
}

#[test]
fn a_stale_autocomplete_makes_way_for_the_newer_one() {
    let mut policy = policy(ONE_AT_A_TIME);
    let typed =
        Need { user: "ada", session: Some("editor"), task: Some(Task::Autocomplete), ..need(0) };
    let held = policy.admit(&typed, at(0)).unwrap();
    tried(policy.next(held, at(0)));
    let stale = policy.admit(&typed, at(1)).unwrap();
    assert!(matches!(policy.next(stale, at(1)), Step::Wait { .. }));
    let other = policy.admit(&Need { session: Some("other"), ..typed }, at(1)).unwrap();
    assert!(matches!(policy.next(other, at(1)), Step::Wait { .. }));
    let newer = policy.admit(&typed, at(2)).unwrap();
    assert!(matches!(policy.next(newer, at(2)), Step::Wait { .. }));
    assert_eq!(woken(&mut policy, 2), [stale]);
    assert_eq!(refused(policy.next(stale, at(2))), Refusal::Superseded);
    policy.finish(held, at(3));
    assert_eq!(woken(&mut policy, 3), [other]);
}

#[test]
fn an_unknown_model_is_refused_with_names_that_are_like_it() {
    let mut policy = policy(
        "[[endpoints]]\nname = 'a'\nurl = 'http://127.0.0.1:1'\nmodels = ['qwen-coder', 'llama']",
    );
    let refusal = policy.admit(&Need { model: Some("qwen-codr"), ..need(0) }, at(0)).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "no endpoint serves the model `qwen-codr`; did you mean `qwen-coder`?"
    );
}

#[test]
fn too_long_goes_where_it_fits_or_says_what_would() {
    let small_and_large = r#"
        [[endpoints]]
        name = "small"
        url = "http://127.0.0.1:1"
        models = "m"
        facts = { max_input_tokens = 1000 }
        [[endpoints]]
        name = "large"
        url = "http://127.0.0.1:2"
        models = "xl"
        facts = { max_input_tokens = 9000 }
        [routing.context_window_fallbacks]
        m = ["xl"]
    "#;
    let mut policy = policy(small_and_large);
    let mut goes = |tokens: u64| {
        let shape = Shape { prompt_tokens: tokens, ..Shape::default() };
        let id = policy.admit(&Need { model: Some("m"), shape, ..need(0) }, at(0)).unwrap();
        policy.next(id, at(0))
    };
    let fits = tried(goes(1_000));
    assert_eq!((fits.deployment.name(), fits.degraded), ("small", false));
    let moved = tried(goes(1_001));
    assert_eq!((moved.deployment.name(), moved.degraded), ("large", true));
    assert_eq!(refused(goes(9_001)), Refusal::ContextTooLong { tokens: 9_001, most: Some(9_000) });
}

#[test]
fn a_full_queue_refuses_and_others_users_are_not_shut_out() {
    let mut policy = policy(&format!("{ONE_AT_A_TIME}\n[server]\nqueue = 3\nqueue_per_user = 2"));
    let mut ask = |user: &'static str| {
        let id = policy.admit(&Need { user, ..need(0) }, at(0)).unwrap();
        policy.next(id, at(0))
    };
    // The first goes, two wait, and no more of this user may.
    tried(ask("greedy"));
    assert!((0..2).all(|_| matches!(ask("greedy"), Step::Wait { .. })));
    assert!(matches!(ask("greedy"), Step::GiveUp(Refusal::QueueFull { .. })));
    assert!(matches!(ask("other"), Step::Wait { .. }));
    assert!(matches!(ask("third"), Step::GiveUp(Refusal::QueueFull { .. })));
    assert_eq!(policy.status(at(0)).requests, 4, "who is refused leaves nothing behind");
}

#[test]
fn a_full_queue_lets_pass_who_need_not_wait() {
    let free = "[[endpoints]]\nname = 'free'\nurl = 'http://127.0.0.1:3'\nmodels = 'n'\n";
    let mut policy = policy(&format!("{ONE_AT_A_TIME}{free}\n[server]\nqueue = 1"));
    let mut ask = |model: &'static str| {
        let id = policy.admit(&Need { model: Some(model), ..need(0) }, at(0)).unwrap();
        policy.next(id, at(0))
    };
    tried(ask("m"));
    assert!(matches!(ask("m"), Step::Wait { .. }));
    assert!(matches!(ask("m"), Step::GiveUp(Refusal::QueueFull { .. })));
    assert_eq!(tried(ask("n")).deployment.name(), "free");
    assert_eq!(policy.status(at(0)).waiting, [1, 0, 0]);
}

#[test]
fn users_keep_to_their_models_quotas_and_budgets() {
    let users = r#"
        [[server.users]]
        name = "poor"
        key = "k1"
        budget = 0.001
        [[server.users]]
        name = "slow"
        key = "k2"
        rpm = 1
        [[server.users]]
        name = "narrow"
        key = "k3"
        models = ["other"]
    "#;
    let mut policy = policy(&format!("{ONE_AT_A_TIME}{users}"));
    let mut serve = |user: &'static str, ms: u64| {
        let id = policy.admit(&Need { user, model: Some("m"), ..need(ms) }, at(ms))?;
        let step = policy.next(id, at(ms));
        if let Step::Try(attempt) = &step {
            policy.settle(attempt.reservation, Some(&USAGE), at(ms));
        }
        policy.finish(id, at(ms));
        Ok(step)
    };
    assert!(matches!(serve("poor", 0), Ok(Step::Try(_))));
    assert_eq!(serve("poor", 1), Err(Refusal::OverBudget));
    assert!(matches!(serve("slow", 1_000), Ok(Step::Try(_))));
    assert!(matches!(serve("slow", 2_000), Ok(Step::Wait { reason: WaitReason::RateLimited, .. })));
    assert_eq!(serve("narrow", 0), Err(Refusal::NotAllowed { model: "m".into() }));
}

#[test]
fn what_is_reloaded_keeps_its_account() {
    let mut policy = policy(ONE_AT_A_TIME);
    let (held, waits) =
        (policy.admit(&need(0), at(0)).unwrap(), policy.admit(&need(0), at(0)).unwrap());
    let attempt = tried(policy.next(held, at(0)));
    policy.next(waits, at(0));
    let table = |toml: &str| Arc::new(Table::new(toml::from_str(toml).unwrap()).unwrap());
    // Another endpoint comes first now; the limit of the old one still holds.
    let first = "[[endpoints]]\nname = 'new'\nurl = 'http://127.0.0.1:9'\nmodels = 'n'\n";
    policy.reload(table(&format!("{first}{ONE_AT_A_TIME}")), at(1));
    assert_eq!(policy.status(at(1)).deployments[1].under_way, 1);
    assert_eq!(woken(&mut policy, 1), []);
    policy.settle(attempt.reservation, None, at(2));
    assert_eq!(woken(&mut policy, 2), [waits]);
    assert_eq!(tried(policy.next(waits, at(2))).deployment.name(), "a");
    // All of it gone: what is under way ends in peace, what waits is told.
    let last = policy.admit(&Need { model: Some("m"), ..need(2) }, at(2)).unwrap();
    policy.next(last, at(2));
    policy.reload(table(first), at(3));
    assert_eq!(woken(&mut policy, 3), [last]);
    assert_eq!(refused(policy.next(last, at(3))), Refusal::NoModel { wait_until: None });
    policy.finish(waits, at(4));
    policy.finish(held, at(4));
    assert_eq!(policy.status(at(4)).requests, 0);
}

#[test]
fn classes_have_words() {
    for (class, word) in Class::ALL.into_iter().zip(["interactive", "agent", "batch"]) {
        assert_eq!(serde_json::to_value(class).unwrap(), word);
    }
}
