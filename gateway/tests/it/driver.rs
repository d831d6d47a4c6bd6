//! The driver over a transport that plays a script, with a clock that jumps.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use gateway::config::{Facts, Limits, Price, RoutingConfig, Strategy};
use gateway::{
    Ask, AskError, Consent, Cooldown, EndpointConfig, Event, Gateway, GatewayConfig, Models,
    Outcome, Task, Tier,
};
use gateway_client::{ClientError, DeadlineKind, FinishReason, StreamEvent};

use crate::fake::{FakeClock, FakeTransport, answers, breaks_after, fails, says};
use crate::{Told, endpoint, prompt, seconds};

struct Bench {
    gateway: Gateway,
    transport: Arc<FakeTransport>,
    clock: Arc<FakeClock>,
}

impl Bench {
    /// Endpoints `a`, `b`, …, each local, each with a model of its own.
    fn new(set_up: impl FnOnce(FakeTransport) -> FakeTransport, names: &[&str]) -> Self {
        let local = |name: &&str| endpoint(name, "http://127.0.0.1:1", &format!("model-{name}"));
        Self::with(set_up, names.iter().map(local).collect())
    }

    fn with(
        set_up: impl FnOnce(FakeTransport) -> FakeTransport,
        endpoints: Vec<EndpointConfig>,
    ) -> Self {
        Self::configured(set_up, GatewayConfig { endpoints, ..GatewayConfig::default() })
    }

    fn configured(
        set_up: impl FnOnce(FakeTransport) -> FakeTransport,
        config: GatewayConfig,
    ) -> Self {
        let clock = Arc::new(FakeClock::default());
        let transport = Arc::new(set_up(FakeTransport::new(Arc::clone(&clock))));
        let gateway = Gateway::with_clock(
            config,
            Consent::default(),
            Arc::clone(&transport) as _,
            Arc::clone(&clock) as _,
        );
        Self { gateway: gateway.unwrap(), transport, clock }
    }

    async fn ask(&self) -> Told {
        Told::by(self.gateway.ask(Ask::new(Task::Debug, prompt()))).await
    }

    async fn ask_within(&self, deadline: Duration) -> Told {
        let ask = Ask { deadline: Some(deadline), ..Ask::new(Task::Debug, prompt()) };
        Told::by(self.gateway.ask(ask)).await
    }

    /// `second:endpoint` of each request.
    fn asked(&self) -> String {
        let asked = self.transport.asked();
        let words: Vec<_> = asked.iter().map(|(at, name, _)| format!("{at}:{name}")).collect();
        words.join(" ")
    }
}

#[tokio::test]
async fn an_answer_is_told_in_order() {
    let bench = Bench::new(|t| t.script("a", vec![answers("yes")]), &["a"]);
    let told = bench.ask().await;
    assert_eq!(told.way(), [("a", &Outcome::Ok)]);
    assert_eq!(told.text, "yes");
    let done = Event::Done {
        finish_reason: FinishReason::Stop,
        endpoint: "a".into(),
        model: "model-a".into(),
        tier: Tier::Large,
    };
    assert_eq!(told.last, Some(done));
}

#[tokio::test]
async fn a_429_goes_to_the_second_and_the_first_is_left_alone_for_three_seconds() {
    let bench = Bench::new(
        |t| {
            let limited = says(429, Some(seconds(3)));
            t.script("a", vec![limited, answers("a")]).script("b", vec![answers("b")])
        },
        &["a", "b"],
    );
    let told = bench.ask().await;
    let limited = Outcome::RateLimited { retry_after_ms: Some(3_000) };
    assert_eq!(told.way(), [("a", &limited), ("b", &Outcome::Ok)]);
    assert_eq!((told.text.as_str(), told.waits_ms.len()), ("b", 0));

    bench.clock.pass(seconds(2));
    let told = bench.ask().await;
    let skipped = Outcome::SkippedCooldown { left_ms: 1_000 };
    assert_eq!(told.way(), [("a", &skipped), ("b", &Outcome::Ok)]);

    bench.clock.pass(seconds(1));
    assert_eq!(bench.ask().await.served_by(), Some("a"));
    assert_eq!(bench.asked(), "0:a 0:b 2:b 3:a");
}

#[tokio::test]
async fn a_wait_outlives_the_process_and_damage_to_it_does_no_harm() {
    let scripts = |t: FakeTransport| {
        t.script("a", vec![says(429, Some(seconds(3)))]).script("b", vec![answers("b")])
    };
    let bench = Bench::new(scripts, &["a", "b"]);
    assert_eq!(bench.gateway.cooldowns(), []);
    bench.ask().await;
    let kept = bench.gateway.cooldowns();
    let expected = Cooldown {
        endpoint: "a".into(),
        origin: "http://127.0.0.1:1".into(),
        until_unix_ms: 3_000,
    };
    assert_eq!(kept, [expected]);

    let cooldown = kept[0].clone();
    let with = |change: fn(&mut Cooldown)| {
        let mut changed = cooldown.clone();
        change(&mut changed);
        changed
    };
    for (kept, is_kept) in [
        (cooldown.clone(), true),
        (with(|c| c.endpoint = "z".into()), false),
        (with(|c| c.origin = "http://127.0.0.1:2".into()), false),
        (with(|c| c.until_unix_ms = 0), false),
        (with(|c| c.until_unix_ms = 1_999), false),
        (with(|c| c.until_unix_ms = u64::MAX), false),
    ] {
        let later = Bench::new(|t| scripts(t).script("a", vec![answers("a")]), &["a", "b"]);
        later.clock.pass(seconds(2));
        later.gateway.restore_cooldowns(std::slice::from_ref(&kept));
        let told = later.ask().await;
        assert_eq!(told.served_by(), Some(if is_kept { "b" } else { "a" }), "{kept:?}");
        let skipped = Outcome::SkippedCooldown { left_ms: 1_000 };
        assert_eq!(told.way()[0].1 == &skipped, is_kept);
    }
}

#[tokio::test]
async fn the_only_endpoint_is_waited_for() {
    let limited = || says(429, Some(seconds(1)));
    let bench = Bench::new(|t| t.script("a", vec![limited(), limited(), answers("a")]), &["a"]);
    let told = bench.ask().await;
    assert_eq!(bench.asked(), "0:a 1:a 2:a");
    assert_eq!(told.waits_ms, [1_000, 1_000]);
    let held: Vec<u64> = told.attempts.iter().map(|attempt| attempt.wait_ms).collect();
    assert_eq!((told.served_by(), held), (Some("a"), vec![0, 1_000, 1_000]));
}

#[tokio::test]
async fn beyond_the_deadline_the_caller_is_told_when() {
    let bench = Bench::new(|t| t.script("a", vec![says(429, Some(seconds(600)))]), &["a"]);
    bench.clock.pass(seconds(5));
    let told = bench.ask_within(seconds(10)).await;
    let Some(AskError::NoModel { wait_until, wait, attempts }) = told.error else {
        panic!("{:?}", told.error)
    };
    assert_eq!(wait, Some(seconds(600)));
    assert_eq!(wait_until, Some(SystemTime::UNIX_EPOCH + seconds(605)));
    assert_eq!(attempts, told.attempts);
    assert_eq!(bench.asked(), "5:a");
}

#[tokio::test]
async fn a_loading_model_is_told_once_and_waited_for() {
    let loading = || fails(|host| ClientError::Loading { host, retry_after: None });
    let mut plays: Vec<_> = (0..40).map(|_| loading()).collect();
    plays.push(answers("a"));
    let bench = Bench::new(|t| t.script("a", plays), &["a"]);
    let told = bench.ask().await;
    let loading = Outcome::Loading { retry_after_ms: None };
    assert_eq!(told.way(), [("a", &loading), ("a", &Outcome::Ok)]);
    assert_eq!(told.waits_ms, [250]);
    assert_eq!(told.attempts[1].wait_ms, 10_000, "all of the wait is told with the answer");
}

#[tokio::test]
async fn a_model_that_never_loads_ends_at_the_deadline() {
    let loading = fails(|host| ClientError::Loading { host, retry_after: None });
    let bench = Bench::new(|t| t.script("a", vec![loading]), &["a"]);
    let told = bench.ask_within(seconds(5)).await;
    assert!(matches!(told.error, Some(AskError::NoModel { wait_until: Some(_), .. })));
}

#[tokio::test]
async fn an_attempt_gets_no_more_time_than_the_ask_has() {
    let bench = Bench::new(|t| t.script("a", vec![answers("a")]), &["a"]);
    bench.ask_within(seconds(7)).await;
    bench.ask_within(seconds(3_600)).await;
    let first_event: Vec<_> = bench.transport.deadlines().iter().map(|d| d.first_event).collect();
    assert_eq!(first_event, [seconds(7), seconds(300)]);
}

#[tokio::test]
async fn refused_credentials_are_told_when_nobody_else_serves() {
    let refused =
        || fails(|host| ClientError::Unauthorized { host, code: 401, message: String::new() });
    let bench =
        Bench::new(|t| t.script("a", vec![refused()]).script("b", vec![answers("b")]), &["a", "b"]);
    assert_eq!(bench.ask().await.served_by(), Some("b"));

    let dead = fails(|host| ClientError::Connect { host, source: "refused".into() });
    let bench = Bench::new(|t| t.script("a", vec![refused()]).script("b", vec![dead]), &["a", "b"]);
    let told = bench.ask().await;
    assert_eq!(told.way(), [("a", &Outcome::Unauthorized), ("b", &Outcome::ConnectError)]);
    assert!(
        matches!(told.error, Some(AskError::CredentialsRefused { endpoint, .. }) if endpoint == "a")
    );
}

#[tokio::test]
async fn before_the_first_piece_a_broken_answer_is_tried_elsewhere() {
    let thinks = vec![StreamEvent::Reasoning("hm".into())];
    for pieces in [vec![], thinks] {
        let bench = Bench::new(
            |t| t.script("a", vec![breaks_after(pieces)]).script("b", vec![answers("b")]),
            &["a", "b"],
        );
        let told = bench.ask().await;
        let lost = Outcome::ServerError { status: None, retry_after_ms: None };
        assert_eq!(told.way(), [("a", &lost), ("b", &Outcome::Ok)]);
        assert_eq!(told.text, "b");
    }
}

#[tokio::test]
async fn after_the_first_piece_a_broken_answer_is_told_with_its_text() {
    let pieces = ["It is ", "the "].map(|text| StreamEvent::Delta(text.into())).to_vec();
    let bench = Bench::new(
        |t| t.script("a", vec![breaks_after(pieces)]).script("b", vec![answers("b")]),
        &["a", "b"],
    );
    let told = bench.ask().await;
    let Some(AskError::StreamBroken { endpoint, model, partial, .. }) = &told.error else {
        panic!("{:?}", told.error)
    };
    assert_eq!((endpoint.as_str(), model.as_str()), ("a", "model-a"));
    assert_eq!((partial.as_str(), told.text.as_str()), ("It is the ", "It is the "));
    assert_eq!(told.served_by(), None);
    // The next ask goes to the other first.
    assert_eq!(bench.ask().await.served_by(), Some("b"));
}

#[tokio::test]
async fn a_transport_that_just_ends_is_no_clean_end() {
    let silent = Box::new(|| Ok(vec![Ok(StreamEvent::Delta("half".into()))]));
    let bench = Bench::new(|t| t.script("a", vec![silent]), &["a"]);
    let told = bench.ask().await;
    assert!(matches!(told.error, Some(AskError::StreamBroken { .. })), "{:?}", told.error);
}

#[tokio::test]
async fn a_request_too_long_for_one_model_goes_to_another() {
    let too_long =
        || fails(|host| ClientError::ContextTooLong { host, message: "8192 at most".into() });
    let bench = Bench::new(
        |t| t.script("a", vec![too_long()]).script("b", vec![answers("b")]),
        &["a", "b"],
    );
    assert_eq!(bench.ask().await.served_by(), Some("b"));
    let bench = Bench::new(|t| t.script("a", vec![too_long()]), &["a"]);
    assert!(matches!(bench.ask().await.error, Some(AskError::ContextTooLong { .. })));
}

#[tokio::test]
async fn another_tier_serves_where_the_first_cannot() {
    let mut one = endpoint("a", "http://127.0.0.1:1", "");
    let by_tier = [(Tier::Large, vec!["big".to_owned()]), (Tier::Small, vec!["tiny".to_owned()])];
    one.models = Models::ByTier(by_tier.into());
    let slow = fails(|host| ClientError::Timeout {
        host,
        kind: DeadlineKind::FirstEvent,
        after: seconds(60),
    });
    let bench = Bench::with(|t| t.script("a", vec![slow, answers("ok")]), vec![one]);
    let told = bench.ask().await;
    assert!(matches!(told.last, Some(Event::Done { tier: Tier::Small, .. })), "{:?}", told.last);
    let models: Vec<_> = bench.transport.asked().into_iter().map(|(_, _, model)| model).collect();
    assert_eq!(models, ["big", "tiny"]);
}

#[tokio::test]
async fn with_nobody_to_ask_it_says_so() {
    let bench = Bench::new(|t| t, &[]);
    let error = bench.ask().await.error.unwrap();
    assert!(error.to_string().contains("no endpoint is configured"), "{error}");
}

#[tokio::test]
async fn nothing_is_sent_before_the_stream_is_polled() {
    let bench = Bench::new(|t| t.script("a", vec![answers("a")]), &["a"]);
    drop(bench.gateway.ask(Ask::new(Task::Debug, prompt())));
    assert_eq!(bench.asked(), "");
}

/// A local endpoint with these limits.
fn limited(name: &str, limits: Limits) -> EndpointConfig {
    let facts = Facts { limits, ..Facts::default() };
    EndpointConfig { facts, ..endpoint(name, "http://127.0.0.1:1", &format!("model-{name}")) }
}

#[tokio::test]
async fn a_limit_that_is_known_is_kept_before_anybody_refuses() {
    let bench = Bench::with(
        |transport| transport.script("a", vec![answers("A")]).script("b", vec![answers("B")]),
        ["a", "b"].map(|name| limited(name, Limits { rpm: Some(2), ..Limits::default() })).to_vec(),
    );
    for _ in 0..5 {
        assert!(bench.ask().await.error.is_none());
    }
    // Four at once, the fifth when the first has left the minute.
    assert_eq!(bench.asked(), "0:a 0:a 0:b 0:b 60:a");
}

#[tokio::test]
async fn an_ask_that_nobody_reads_any_more_makes_room_for_the_next() {
    let bench = Bench::with(
        |transport| transport.script("a", vec![answers("A")]),
        vec![limited("a", Limits { concurrency: Some(1), ..Limits::default() })],
    );
    let mut first = bench.gateway.ask(Ask::new(Task::Debug, prompt()));
    first.next().await.unwrap().unwrap();
    let waits = bench.ask_within(seconds(2)).await;
    assert!(matches!(waits.error, Some(AskError::NoModel { .. })), "{waits:?}");
    assert_eq!(waits.waits_ms.len(), 1, "told once: {waits:?}");
    drop(first);
    assert!(bench.ask().await.error.is_none());
}

/// Two local endpoints of one model, the second of which costs less.
fn priced(strategy: Strategy) -> Bench {
    let at = |name: &str, dollars: f64| {
        let price = Price { input: Some(dollars), ..Price::default() };
        let facts = Facts { price, ..Facts::default() };
        EndpointConfig { facts, ..endpoint(name, "http://127.0.0.1:1", "m") }
    };
    let routing = RoutingConfig { strategy, ..RoutingConfig::default() };
    let endpoints = vec![at("a", 2.0), at("b", 1.0)];
    Bench::configured(
        |transport| transport.script("a", vec![answers("A")]).script("b", vec![answers("B")]),
        GatewayConfig { endpoints, routing, ..GatewayConfig::default() },
    )
}

#[tokio::test]
async fn equals_are_asked_by_the_configured_strategy() {
    let ordered = priced(Strategy::Ordered);
    ordered.ask().await;
    assert_eq!(ordered.asked(), "0:a");
    let cheapest = priced(Strategy::Cost);
    cheapest.ask().await;
    assert_eq!(cheapest.asked(), "0:b");
    let shuffled = priced(Strategy::Shuffle);
    for _ in 0..40 {
        shuffled.ask().await;
    }
    let asked = shuffled.asked();
    assert!(asked.contains(":a") && asked.contains(":b"), "{asked}");
}
