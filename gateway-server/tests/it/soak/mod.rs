//! Hundreds of requests a second against endpoints that fail at random: none may
//! be lost, none may hear anything twice, and nothing may leak.
//!
//! A few seconds of it by default; `SILK_SOAK_SECONDS` says how many.

mod upstream;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::{Gateway, Response};
use upstream::{Dice, TEXT, Upstream};

const CLIENTS: u64 = 40;

/// Between two requests of one client.
const PAUSE: Duration = Duration::from_millis(80);

/// Whoever waits longer has lost its request.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// The whole answer, each word once.
    Whole,
    /// An error before the first word.
    Refused,
    /// A part of the answer, and an error that says that it is one.
    Broken,
    /// None of these.
    Lost,
}

type Sender = Client<HttpConnector, Full<Bytes>>;

/// How long, and whether somebody asked for it.
fn seconds() -> u64 {
    let told = std::env::var("SILK_SOAK_SECONDS").ok();
    told.map_or(3, |text| text.parse().expect("SILK_SOAK_SECONDS is a number"))
}

#[test]
fn no_request_is_lost_among_random_faults() {
    let run = Duration::from_secs(seconds());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let upstreams: Vec<Upstream> = (1..=4).map(|seed| Upstream::start(&runtime, seed)).collect();
    let gateway = Gateway::start(&config(&upstreams));
    let url = format!("http://{}/v1/chat/completions", gateway.address);
    let fates: Arc<Mutex<BTreeMap<Fate, u64>>> = Arc::default();
    let end = Instant::now() + run;
    let clients: Vec<_> = (1..=CLIENTS)
        .map(|seed| {
            let (url, fates) = (url.clone(), Arc::clone(&fates));
            runtime.spawn(async move { client(&url, seed, end, &fates).await })
        })
        .collect();
    // By then whatever is kept for good is there.
    std::thread::sleep(run / 3);
    let before = resident_kib();
    for client in clients {
        runtime.block_on(client).unwrap();
    }
    let after = resident_kib();
    let fates = fates.lock().unwrap().clone();
    let all: u64 = fates.values().sum();
    let faults: u64 = upstreams.iter().map(Upstream::faults).sum();
    eprintln!(
        "soak: {all} requests in {} s, {} a second, {faults} faults: {fates:?}; resident {before} KiB after a third, {after} KiB at the end",
        run.as_secs(),
        all / run.as_secs().max(1),
    );
    assert_eq!(fates.get(&Fate::Lost), None, "lost requests");
    assert!(fates.get(&Fate::Whole).is_some_and(|whole| whole * 100 >= all * 95), "{fates:?}");
    let status = gateway.get("/status").json();
    assert_eq!((&status["requests"], &status["waiting"]), (&json!(0), &json!([0, 0, 0])));
    assert!(after < before + before / 4 + 16 * 1024, "it grew from {before} to {after} KiB");
}

async fn client(url: &str, seed: u64, end: Instant, fates: &Mutex<BTreeMap<Fate, u64>>) {
    let sender: Sender = Client::builder(TokioExecutor::new()).build_http();
    let mut dice = Dice::new(seed);
    while Instant::now() < end {
        let stream = dice.roll(2) == 0;
        let asked = tokio::time::timeout(PATIENCE, ask(&sender, url, stream)).await;
        let fate = asked.ok().flatten().map_or(Fate::Lost, |response| fate(&response, stream));
        *fates.lock().unwrap().entry(fate).or_default() += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// `None`: the connection ended before the response did.
async fn ask(sender: &Sender, url: &str, stream: bool) -> Option<Response> {
    let body = crate::chat_body("m", stream).to_string();
    let request = Request::post(url).body(Full::from(body)).unwrap();
    let (head, body) = sender.request(request).await.ok()?.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    let body = String::from_utf8(body.to_vec()).ok()?;
    Some(Response { status: head.status.as_u16(), head: String::new(), body })
}

fn fate(response: &Response, stream: bool) -> Fate {
    if response.status != 200 {
        let error: Value = serde_json::from_str(&response.body).unwrap_or_default();
        return if error["error"]["message"].is_string() { Fate::Refused } else { Fate::Lost };
    }
    if !stream {
        let answer: Value = serde_json::from_str(&response.body).unwrap_or_default();
        let is_whole = answer["choices"][0]["message"]["content"] == TEXT;
        return if is_whole { Fate::Whole } else { Fate::Lost };
    }
    let text = response.text();
    let is_done = response.body.trim_end().ends_with("data: [DONE]");
    let is_error = response.events().iter().any(|data| data.starts_with("{\"error\""));
    match (is_done, is_error) {
        (true, false) if text == TEXT => Fate::Whole,
        (false, true) if TEXT.starts_with(&text) => Fate::Broken,
        _ => Fate::Lost,
    }
}

fn config(upstreams: &[Upstream]) -> String {
    let entry = |upstream: &Upstream| {
        format!(
            "  - model_name: m\n    litellm_params: {{ model: openai/m, api_base: \"{}\", api_key: k, timeout: 0.5, stream_timeout: 0.3 }}\n    model_info: {{ supports_assistant_prefill: true }}\n",
            upstream.url()
        )
    };
    let list: String = upstreams.iter().map(entry).collect();
    format!(
        "model_list:\n{list}router_settings: {{ num_retries: 6, allowed_fails: 100, cooldown_time: 1 }}\n"
    )
}

/// Of this process: gateway, endpoints and clients together.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
