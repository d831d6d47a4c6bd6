//! Limits that are known: nobody is refused, nobody waits longer than needed,
//! and all wait alike. Minutes pass in seconds, for the gateway's clock alone.

use std::thread::scope;
use std::time::{Duration, Instant};

use gateway_server::Options;
use scripted_provider::{Provider, Reply};
use serde_json::json;

use crate::Gateway;

/// How many times faster than ours the gateway's clock runs. The two seconds in which a request is
/// taken to arrive are still 400 ms then, for a machine that is busy.
const PACE: u32 = 5;

/// What the gateway takes for a minute: a little more than one.
const MINUTE: Duration = gateway::limits::window::MINUTE;

/// Two endpoints of one model, each of `rpm`, and these users.
fn config(providers: &[Provider; 2], rpm: usize, users: &[&str]) -> String {
    let mut toml = "[gateway]\nallow_remote = true\n".to_owned();
    for (place, provider) in providers.iter().enumerate() {
        toml += &format!(
            "[[gateway.endpoints]]\nname = \"e{place}\"\nurl = \"{}\"\nmodels = \"m\"\nfacts = {{ limits = {{ rpm = {rpm} }} }}\n",
            provider.url()
        );
    }
    for user in users {
        toml += &format!("[[gateway.server.users]]\nname = \"{user}\"\nkey = \"key-{user}\"\n");
    }
    toml
}

/// One answered request: who asked, how it went, and for how long it waited by
/// the gateway's clock.
struct Asked {
    user: String,
    status: u16,
    took: Duration,
}

/// Asks so many times for each user, all at a time.
fn ask(gateway: &Gateway, loads: &[(&str, usize)], deadline: Duration) -> Vec<Asked> {
    let begun = Instant::now();
    let most = loads.iter().map(|(_, count)| *count).max().unwrap();
    // In turn, so that nobody's crowd is there first.
    let turns = (0..most).flat_map(|turn| {
        loads.iter().filter(move |(_, count)| turn < *count).map(|(user, _)| *user)
    });
    scope(|scope| {
        let ask = |user: &str| {
            let message = json!({ "role": "user", "content": user });
            let body = json!({ "model": "m", "messages": [message] }).to_string();
            let (key, deadline) = (format!("Bearer key-{user}"), deadline.as_millis().to_string());
            let headers =
                [("authorization", key.as_str()), ("x-gateway-deadline-ms", deadline.as_str())];
            let status = gateway.send("POST", "/v1/chat/completions", &headers, &body).status;
            Asked { user: user.to_owned(), status, took: begun.elapsed() * PACE }
        };
        let asks: Vec<_> = turns.map(|user| scope.spawn(move || ask(user))).collect();
        asks.into_iter().map(|ask| ask.join().unwrap()).collect()
    })
}

/// The most requests that came to `provider` in any minute of the gateway's.
fn most_in_a_minute(provider: &Provider) -> usize {
    let mut times: Vec<Instant> = provider.posts().iter().map(|request| request.at).collect();
    times.sort_unstable();
    let minute = Duration::from_secs(60) / PACE;
    let before = |end: Instant| times.partition_point(|at| *at < end);
    let counts = times.iter().enumerate().map(|(place, from)| before(*from + minute) - place);
    counts.max().unwrap_or(0)
}

fn providers() -> [Provider; 2] {
    [(); 2].map(|()| Provider::start([Reply::whole("Yes.")]).unwrap())
}

fn gateway(config: &str) -> Gateway {
    Gateway::start_with(config, Options { pace: PACE, ..Options::default() })
}

#[test]
fn more_than_the_limit_waits_and_nobody_is_refused() {
    let providers = providers();
    let gateway = gateway(&config(&providers, 60, &["ada"]));
    let asked = ask(&gateway, &[("ada", 150)], Duration::from_secs(300));
    assert!(asked.iter().all(|asked| asked.status == 200));
    let most = providers.each_ref().map(most_in_a_minute);
    let sent = providers.each_ref().map(|provider| provider.posts().len());
    let mut took: Vec<Duration> = asked.iter().map(|asked| asked.took).collect();
    took.sort_unstable();
    let longest = took[149];
    eprintln!(
        "150 requests, none refused; sent {sent:?}, at most {most:?} in a minute of 60; the 120th after {:.2} s, the last after {:.2} s, {:.1} % over the least possible",
        took[119].as_secs_f64(),
        longest.as_secs_f64(),
        (longest.as_secs_f64() / MINUTE.as_secs_f64() - 1.0) * 100.0,
    );
    assert!(most.iter().all(|most| *most <= 60), "{most:?}");
    assert_eq!(sent.iter().sum::<usize>(), 150);
    assert!(took[119] < MINUTE, "what fits into the minute does not wait");
    // A generous bound: the machine may be busy with other things.
    assert!(took[120] >= MINUTE && longest < MINUTE * 3 / 2, "{longest:?}");
}

#[test]
fn users_of_unequal_load_have_equal_shares() {
    let providers = providers();
    let gateway = gateway(&config(&providers, 30, &["ada", "bob", "cy"]));
    let loads = [("ada", 90), ("bob", 60), ("cy", 45)];
    let asked = ask(&gateway, &loads, Duration::from_secs(100));
    // The first minute's room goes to whoever comes; the second's is shared.
    let second = |user: &str| {
        let shared = |asked: &&Asked| asked.user == user && asked.took >= MINUTE;
        asked.iter().filter(|asked| asked.status == 200).filter(shared).count()
    };
    let shares = loads.map(|(user, _)| second(user));
    eprintln!("shares of the second minute's 60, by loads of 90, 60 and 45: {shares:?}");
    assert_eq!(shares.iter().sum::<usize>(), 60);
    assert!(shares.iter().all(|share| (18..=22).contains(share)), "{shares:?}");
    let most = providers.each_ref().map(most_in_a_minute);
    assert!(most.iter().all(|most| *most <= 30), "{most:?}");
}
