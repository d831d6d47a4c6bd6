//! Several gateways over one Redis, a real one.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use gateway::config::Limits;
use gateway::policy::Spent;
use gateway::shared::{Claim, Claimed, SharedState};
use gateway_client::Secret;
use gateway_server::{Notice, Options, RedisState};
use scripted_provider::{Provider, Reply};

use crate::{Gateway, chat_body, wait_until};

/// Debian's `redis-server` on a free port, without files; ends when dropped.
pub(crate) struct Redis {
    child: Child,
    pub(crate) port: u16,
}

impl Redis {
    /// `None`: it is not installed. Where parts are required it must be.
    fn start() -> Option<Self> {
        Self::start_with(|port| vec!["--port".to_owned(), port.to_string()])
    }

    /// The same, with these arguments for the port.
    pub(crate) fn start_with(more: impl Fn(u16) -> Vec<String>) -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let redis = Self::listen(port, &more(port));
        if redis.is_none() {
            let why = "no redis-server is installed";
            assert!(std::env::var_os("SILK_REQUIRE_PARTS").is_none(), "required: {why}");
            eprintln!("skipped: {why}");
        }
        redis
    }

    fn start_at(port: u16) -> Option<Self> {
        Self::listen(port, &["--port".to_owned(), port.to_string()])
    }

    fn listen(port: u16, more: &[String]) -> Option<Self> {
        let child = Command::new("redis-server")
            .args(more)
            .args(["--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir", "/"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let redis = Self { child, port };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "Redis does not listen");
            sleep(Duration::from_millis(10));
        }
        Some(redis)
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It is gone already if the test killed it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A configuration with one deployment, as a replica of others has it.
fn config(provider: &Provider, redis: &Redis, limits: &str) -> String {
    format!(
        "[gateway]\nallow_remote = true\n[gateway.server]\nredis = \"{}\"\n[[gateway.endpoints]]\nname = \"a\"\nurl = \"{}\"\nmodels = \"m\"\nfacts = {{ limits = {{ {limits} }} }}\n",
        redis.url(),
        provider.url()
    )
}

/// What a replica says of the state that is shared.
fn standing(gateway: &Gateway) -> serde_json::Value {
    gateway.get("/status").json()["shared"].clone()
}

/// The statuses of `count` requests at each of `gateways`, all at a time.
fn ask_all(gateways: &[&Gateway], count: usize, deadline_ms: &str) -> Vec<u16> {
    let body = chat_body("m", false).to_string();
    let headers = [("x-gateway-deadline-ms", deadline_ms)];
    scope(|scope| {
        let ask = |gateway: &'_ Gateway| {
            gateway.send("POST", "/v1/chat/completions", &headers, &body).status
        };
        let asks: Vec<_> = gateways
            .iter()
            .flat_map(|gateway| (0..count).map(move |_| *gateway))
            .map(|gateway| scope.spawn(move || ask(gateway)))
            .collect();
        asks.into_iter().map(|ask| ask.join().unwrap()).collect()
    })
}

#[test]
fn two_gateways_keep_one_limit() {
    let Some(redis) = Redis::start() else { return };
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let config = config(&provider, &redis, "rpm = 60");
    let (one, two) = (Gateway::start(&config), Gateway::start(&config));
    let statuses = ask_all(&[&one, &two], 50, "2000");
    let served = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!((served, provider.posts().len()), (60, 60), "of the minute's 60");
    // Who waits longer than it may is told so, by the gateway.
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    for gateway in [&one, &two] {
        assert_eq!(standing(gateway)["reached"], true);
        assert!(gateway.get("/metrics").body.contains("silk_gateway_shared_state_up 1"));
    }
}

#[test]
fn a_user_has_one_limit_at_two_gateways() {
    let Some(redis) = Redis::start() else { return };
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let users = "[[gateway.server.users]]\nname = \"ada\"\nkey = \"sk-ada\"\nrpm = 20\n[[gateway.server.users]]\nname = \"bob\"\nkey = \"sk-bob\"\n";
    let config = format!("{}{users}", config(&provider, &redis, "rpm = 1000"));
    let gateways = [Gateway::start(&config), Gateway::start(&config)];
    let body = chat_body("m", false).to_string();
    let ask = |turn: usize, key: &str| {
        let headers = [("x-api-key", key), ("x-gateway-deadline-ms", "500")];
        gateways[turn % 2].send("POST", "/v1/chat/completions", &headers, &body).status
    };
    let statuses: Vec<u16> = (0..30).map(|turn| ask(turn, "sk-ada")).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 20, "{statuses:?}");
    assert!(statuses[20..].iter().all(|status| *status == 503), "{statuses:?}");
    assert_eq!((ask(0, "sk-bob"), ask(1, "sk-bob")), (200, 200), "others have theirs");
    assert_eq!(provider.posts().len(), 22);
}

#[test]
fn what_runs_at_a_time_is_bounded_over_all() {
    const TAKES: Duration = Duration::from_millis(30);
    let Some(redis) = Redis::start() else { return };
    let slow = Reply::whole("Yes.").delay(TAKES);
    let provider = Provider::start([slow]).unwrap();
    let config = config(&provider, &redis, "concurrency = 3");
    let (one, two) = (Gateway::start(&config), Gateway::start(&config));
    assert_eq!(ask_all(&[&one, &two], 12, "60000"), [200; 24]);
    let mut times: Vec<_> = provider.posts().iter().map(|request| request.at).collect();
    times.sort_unstable();
    // A fourth begins when one of the three before it has had its answer.
    assert!(times.windows(4).all(|four| four[3] - four[0] >= TAKES), "{times:?}");
}

#[test]
fn a_lost_redis_fails_no_request_and_is_found_again() {
    let Some(mut redis) = Redis::start() else { return };
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let notices = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&notices);
    let options = Options {
        notices: Some(Arc::new(move |notice: &Notice| heard.lock().unwrap().push(notice.clone()))),
        ..Options::default()
    };
    let gateway = Gateway::start_with(&config(&provider, &redis, "rpm = 1000"), options);
    let mut asked = 0;
    let mut ask = || {
        asked += 1;
        assert_eq!(gateway.chat("m", false).status, 200, "request {asked}");
    };
    ask();
    redis.child.kill().unwrap();
    redis.child.wait().unwrap();
    wait_until("the loss is noticed", || {
        ask();
        standing(&gateway)["reached"] == false
    });
    ask();
    let lost = standing(&gateway);
    assert!(lost["unshared_requests"].as_u64().unwrap() >= 1, "{lost}");
    assert!(gateway.get("/metrics").body.contains("silk_gateway_shared_state_up 0"));
    let port = redis.port;
    drop(redis);
    let _redis = Redis::start_at(port).unwrap();
    wait_until("it is found again", || {
        ask();
        standing(&gateway)["reached"] == true
    });
    let before = standing(&gateway)["unshared_requests"].clone();
    ask();
    assert_eq!(standing(&gateway)["unshared_requests"], before);
    assert_eq!(provider.posts().len(), asked);
    let notices = notices.lock().unwrap();
    assert!(matches!(notices[..], [Notice::SharedStateLost(_), Notice::SharedStateBack]));
}

#[test]
fn an_endpoint_that_asks_one_for_peace_has_it_from_all() {
    let Some(redis) = Redis::start() else { return };
    let limited = Reply::error(429, "slow down").header("retry-after", "20");
    let provider = Provider::start([limited, Reply::whole("Yes.")]).unwrap();
    let config = config(&provider, &redis, "rpm = 60");
    let (one, two) = (Gateway::start(&config), Gateway::start(&config));
    assert_eq!(ask_all(&[&one], 1, "500"), [429]);
    wait_until("the other has heard of it", || {
        two.get("/status").json()["deployments"][0]["cooldown_ms"].as_u64().is_some()
    });
    assert_eq!(ask_all(&[&two], 1, "500"), [503]);
    assert_eq!(provider.posts().len(), 1);
}

fn state(redis: &Redis, window: Duration) -> RedisState {
    RedisState::with(&Secret::new(redis.url()), "test:", window).unwrap()
}

fn claim(limits: Limits, tokens: u64) -> Claim {
    Claim { key: "a".to_owned(), limits, tokens }
}

#[test]
fn room_is_taken_given_back_and_there_again_after_the_minute() {
    let Some(redis) = Redis::start() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let minute = Duration::from_millis(600);
    let (one, two) = (state(&redis, minute), state(&redis, minute));
    runtime.block_on(async {
        for state in [&one, &two] {
            assert!(state.reserve(claim(Limits::default(), 1)).await.is_err(), "not connected yet");
            assert_eq!(state.left_alone().await.unwrap(), []);
        }
        let limits = Limits { rpm: Some(3), tpm: Some(100), concurrency: None };
        let take = |state: &RedisState, tokens| state.reserve(claim(limits, tokens));
        let ticket = |claimed| match claimed {
            Claimed::Granted { ticket } => ticket,
            Claimed::Full { wait } => panic!("full for {wait:?}"),
        };
        let first = ticket(take(&one, 60).await.unwrap());
        assert!(matches!(take(&two, 60).await.unwrap(), Claimed::Full { .. }), "tokens");
        one.settle(claim(limits, 60), first, Some(10), true).await.unwrap();
        let second = ticket(take(&two, 60).await.unwrap());
        let third = ticket(take(&one, 1).await.unwrap());
        assert!(matches!(take(&two, 1).await.unwrap(), Claimed::Full { .. }), "requests");
        // What was never sent leaves no trace.
        one.settle(claim(limits, 1), third, None, false).await.unwrap();
        let third = ticket(take(&two, 1).await.unwrap());
        two.settle(claim(limits, 60), second, Some(60), true).await.unwrap();
        two.settle(claim(limits, 1), third, None, true).await.unwrap();
        let Claimed::Full { wait } = take(&one, 1).await.unwrap() else { panic!("a fourth") };
        assert!(wait <= minute, "{wait:?}");
        tokio::time::sleep(wait).await;
        ticket(take(&one, 1).await.unwrap());
    });
}

#[test]
fn spend_is_summed_once_for_each_batch() {
    let Some(redis) = Redis::start() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let minute = Duration::from_secs(60);
    let (one, two) = (state(&redis, minute), state(&redis, minute));
    let row = |requests: u64, dollars| Spent {
        user: "ada \"x\" {y}".to_owned(),
        task: Some(gateway::Task::Debug),
        requests,
        input_tokens: 11 * requests,
        output_tokens: requests,
        dollars,
        ..Spent::default()
    };
    runtime.block_on(async {
        one.left_alone().await.unwrap();
        two.left_alone().await.unwrap();
        assert_eq!(one.add_spend(vec![row(2, 0.5)]).await.unwrap(), [row(2, 0.5)]);
        assert_eq!(two.add_spend(vec![row(1, 0.25)]).await.unwrap(), [row(3, 0.75)]);
        assert_eq!(one.add_spend(vec![]).await.unwrap(), [row(3, 0.75)]);
        one.leave_alone("b".to_owned(), Duration::from_secs(5)).await.unwrap();
        two.leave_alone("b".to_owned(), Duration::from_secs(1)).await.unwrap();
        let alone = one.left_alone().await.unwrap();
        assert!(matches!(&alone[..], [(name, wait)] if name == "b" && wait.as_secs() >= 3));
    });
}
