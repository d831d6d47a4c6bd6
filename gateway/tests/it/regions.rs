//! Regions: the fastest is asked, as measured, and none beyond the fence.

use gateway::policy::{Need, Observed, Policy, Shape};
use gateway::{Moment, Outcome};

use crate::policy::{at, policy, tried};

const THREE: &str = r#"
    [routing]
    strategy = "latency"
    residency = ["eu-1", "eu-2", "eu-3"]
    [[endpoints]]
    name = "a"
    url = "http://127.0.0.1:1"
    region = "eu-1"
    models = "m"
    [[endpoints]]
    name = "b"
    url = "http://127.0.0.1:2"
    region = "eu-2"
    models = "m"
    [[endpoints]]
    name = "c"
    url = "http://127.0.0.1:3"
    region = "eu-3"
    models = "m"
    [[endpoints]]
    name = "tunnel"
    url = "http://127.0.0.1:4"
    region = "us"
    models = "m"
    [[endpoints]]
    name = "nowhere"
    url = "http://127.0.0.1:5"
    models = "other"
"#;

/// A need for the model of all but one.
fn need(ms: u64) -> Need<'static> {
    Need { model: Some("m"), ..crate::policy::need(ms) }
}

/// How long answers of `a`, `b` and `c` take, in milliseconds.
type Takes = [u64; 3];

/// Sends one request at `ms` and gives who answered it.
fn send(policy: &mut Policy, need: Need<'_>, ms: u64, takes: Takes) -> String {
    let id = policy.admit(&Need { deadline: at(ms + 60_000), ..need }, at(ms)).unwrap();
    let attempt = tried(policy.next(id, at(ms)));
    let name = attempt.deployment.name().to_owned();
    let took = takes["abc".find(&name).unwrap()];
    policy.record(attempt.reservation, &Outcome::Ok, &Observed::none(), at(ms + took));
    policy.settle(attempt.reservation, None, at(ms + took));
    policy.finish(id, at(ms + took));
    name
}

/// Sends one each second of these, and gives how many each answered.
fn send_all(policy: &mut Policy, seconds: std::ops::Range<u64>, takes: Takes) -> [usize; 3] {
    let asked: String = seconds.map(|s| send(policy, need(0), s * 1_000, takes)).collect();
    ["a", "b", "c"].map(|name| asked.matches(name).count())
}

#[test]
fn the_fastest_is_asked_and_the_others_now_and_then() {
    let mut policy = policy(THREE);
    assert_eq!(send_all(&mut policy, 0..3, [300, 100, 900]), [1, 1, 1], "each is measured once");
    assert_eq!(send_all(&mut policy, 3..30, [300, 100, 900]), [0, 27, 0]);
    // In half an hour each of the others is measured anew about every half minute.
    let [a, b, c] = send_all(&mut policy, 30..1_830, [300, 100, 900]);
    assert!((50..=60).contains(&a) && (50..=60).contains(&c), "{a} {b} {c}");
}

#[test]
fn what_became_slow_is_left_and_what_recovered_is_found_again() {
    let mut policy = policy(THREE);
    send_all(&mut policy, 0..10, [100, 300, 900]);
    let [a, b, c] = send_all(&mut policy, 10..30, [5_000, 300, 900]);
    assert!(a <= 2 && b >= 18 && c == 0, "{a} {b} {c}");
    let [a, b, _] = send_all(&mut policy, 30..90, [100, 300, 900]);
    assert!(a >= 25, "it is back: {a} {b}");
    assert_eq!(send_all(&mut policy, 90..100, [100, 300, 900])[1], 0);
}

#[test]
fn silence_counts_as_slowness() {
    let mut policy = policy(THREE);
    send_all(&mut policy, 0..10, [100, 300, 900]);
    let id = policy.admit(&need(10_000), at(10_000)).unwrap();
    let attempt = tried(policy.next(id, at(10_000)));
    assert_eq!(attempt.deployment.name(), "a");
    let silent = Outcome::Timeout { connecting: false };
    policy.record(attempt.reservation, &silent, &Observed::none(), at(40_000));
    policy.finish(id, at(40_000));
    let status = policy.status(at(40_000));
    assert_eq!(status.deployments[0].first_token_ms, Some(30_000), "what was known is old");
}

#[test]
fn a_warm_cache_is_preferred_among_those_as_fast_only() {
    let mut policy = policy(THREE);
    let takes = [100, 115, 900];
    send_all(&mut policy, 0..3, takes);
    let mut asked = |prefix: u64, second: u64| {
        let need = Need { prefix_hash: Some(prefix), ..need(0) };
        send(&mut policy, need, second * 1_000, takes)
    };
    let names: Vec<String> = (0..20).map(|prefix| asked(prefix, 4)).collect();
    assert!(names.contains(&"a".to_owned()) && names.contains(&"b".to_owned()), "{names:?}");
    assert!(!names.contains(&"c".to_owned()), "{names:?}");
    let again: Vec<String> = (0..20).map(|prefix| asked(prefix, 5)).collect();
    assert_eq!(names, again, "the same start goes to the same deployment");
}

#[test]
fn answers_in_one_piece_are_measured_apart() {
    let mut policy = policy(THREE);
    send_all(&mut policy, 0..3, [100, 300, 900]);
    let shape = Shape { whole: true, ..Shape::default() };
    let whole = Need { shape, ..need(0) };
    // A long answer of the fastest says nothing of how soon its streams begin.
    for second in 3..6 {
        send(&mut policy, whole, second * 1_000, [20_000, 20_000, 20_000]);
    }
    assert_eq!(send_all(&mut policy, 26..30, [100, 300, 900]), [4, 0, 0]);
    let status = policy.status(at(30_000));
    assert_eq!(status.deployments[0].whole_ms, Some(20_000));
}

#[test]
fn many_at_a_time_do_not_all_find_out_at_once() {
    let mut policy = policy(THREE);
    send_all(&mut policy, 0..20, [100, 300, 900]);
    // Long after, with enough sent meanwhile: one each measures the others anew.
    let names: Vec<String> = (0..12)
        .map(|_| {
            let id = policy.admit(&need(60_000), at(60_000)).unwrap();
            tried(policy.next(id, at(60_000))).deployment.name().to_owned()
        })
        .collect();
    let count = |name: &str| names.iter().filter(|other| *other == name).count();
    assert_eq!((count("a"), count("b"), count("c")), (10, 1, 1), "{names:?}");
}

#[test]
fn preferred_regions_decide_among_those_as_fast_only() {
    let preferring = THREE.replace("residency =", "regions = [\"eu-3\", \"eu-2\"]\nresidency =");
    let mut first = policy(&preferring);
    send_all(&mut first, 0..3, [100, 110, 115]);
    assert_eq!(send_all(&mut first, 3..20, [100, 110, 115]), [0, 0, 17], "all are as fast");
    let mut slow = policy(&preferring);
    send_all(&mut slow, 0..3, [100, 110, 900]);
    assert_eq!(send_all(&mut slow, 3..20, [100, 110, 900]), [0, 17, 0], "the next preferred");
    // Without measuring they are an order.
    let mut ordered = policy(&preferring.replace("\"latency\"", "\"ordered\""));
    assert_eq!(send_all(&mut ordered, 0..5, [100, 110, 900]), [0, 0, 5]);
}

#[test]
fn an_order_that_is_pinned_goes_before_what_is_measured() {
    let pinned = THREE.replace("name = \"a\"", "name = \"a\"\nfacts = { order = 1 }");
    let mut policy = policy(&pinned);
    let [a, b, c] = send_all(&mut policy, 0..30, [10, 300, 900]);
    assert!(a == 0 && b >= 27 && c <= 3, "{a} {b} {c}");
}

#[test]
fn nothing_leaves_the_fence_by_whatever_way() {
    let mut policy = policy(THREE);
    let table = std::sync::Arc::clone(policy.table());
    let fenced: Vec<_> = table.deployments().iter().map(|d| d.in_residency).collect();
    assert_eq!(fenced, [true, true, true, false, true], "a tunnel stands where it leads");
    let failure = Outcome::ServerError { status: Some(500), retry_after_ms: None };
    let id = policy.admit(&need(0), Moment::default()).unwrap();
    let mut ms = 0;
    while let gateway::policy::Step::Try(attempt) = policy.next(id, at(ms)) {
        assert_ne!(attempt.deployment.name(), "tunnel");
        policy.record(attempt.reservation, &failure, &Observed::none(), at(ms));
        ms += 1;
    }
    let explained = policy.explain(&need(0), at(0)).unwrap();
    let tunnel = explained.candidates.iter().find(|c| c.endpoint == "tunnel").unwrap();
    assert!(tunnel.why[0].contains("outside the regions"), "{tunnel:?}");
}
