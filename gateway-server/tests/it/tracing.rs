//! Spans of requests, as a collector on this machine gets them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gateway_server::{Notice, Options};
use scripted_provider::{Provider, Reply};
use serde_json::Value;

use crate::{Gateway, chat_body};

const CLIENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Takes whatever comes, as a collector does.
fn collector() -> Provider {
    Provider::start([Reply::body(200, "application/json", "{}")]).unwrap()
}

fn config(collector: &Provider, more: &str, endpoints: &[(&str, &Provider)]) -> String {
    let base = collector.url().trim_end_matches("/v1").to_owned();
    let mut toml = format!(
        "[gateway]\nallow_remote = true\n[gateway.routing]\nfallbacks = {{ m = [\"n\"] }}\n[gateway.server.tracing]\nendpoint = \"{base}\"\ndelay_ms = 10\nheaders = {{ x-collector-key = \"sk-collector\" }}\n{more}\n"
    );
    for (model, provider) in endpoints {
        toml += &format!(
            "[[gateway.endpoints]]\nname = \"at-{model}\"\nurl = \"{}\"\nmodels = \"{model}\"\napi_key = \"sk-upstream\"\nupstream = {{ {model} = \"up-{model}\" }}\n",
            provider.url()
        );
    }
    toml
}

/// The posts to `collector`, once there are spans of `count` requests.
fn spans(collector: &Provider, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let spans: Vec<Value> = collector.posts().iter().flat_map(spans_of).collect();
        if spans.iter().filter(|span| span["kind"] == 2).count() >= count {
            return spans;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "they never came: {spans:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn spans_of(post: &scripted_provider::Request) -> Vec<Value> {
    assert_eq!(post.path, "/v1/traces");
    assert_eq!(post.header("x-collector-key"), Some("sk-collector"));
    let scope = &post.json()["resourceSpans"][0]["scopeSpans"][0];
    scope["spans"].as_array().unwrap_or_else(|| panic!("{}", post.body)).clone()
}

/// The attributes of a span, each as the text it is written with.
fn attributes(span: &Value) -> BTreeMap<String, String> {
    let one = |pair: &Value| {
        let value = pair["value"].as_object().unwrap().values().next().unwrap();
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (pair["key"].as_str().unwrap().to_owned(), text)
    };
    span["attributes"].as_array().unwrap().iter().map(one).collect()
}

fn nanos(span: &Value, name: &str) -> u64 {
    span[name].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_request_and_each_of_its_attempts_is_a_span_of_the_clients_trace() {
    let down = Provider::start([Reply::error(500, "sorry")]).unwrap();
    let up = Provider::start([Reply::answer("It divides the clock.")]).unwrap();
    let collector = collector();
    let gateway = Gateway::start(&config(&collector, "", &[("m", &down), ("n", &up)]));
    let mut body = chat_body("m", true);
    body["max_tokens"] = 7.into();
    body["stream_options"] = serde_json::json!({ "include_usage": true });
    let headers = [("traceparent", CLIENT), ("tracestate", "vendor=1")];
    let response = gateway.send("POST", "/v1/chat/completions", &headers, &body.to_string());
    assert_eq!(response.text(), "It divides the clock.");

    let spans = spans(&collector, 1);
    let [request, failed, answered] = spans.as_slice() else { panic!("{spans:?}") };
    for span in &spans {
        assert_eq!(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
        assert!(nanos(span, "startTimeUnixNano") <= nanos(span, "endTimeUnixNano"), "{span}");
    }
    assert_eq!(request["parentSpanId"], "b7ad6b7169203331");
    assert_eq!((&request["name"], &request["traceState"]), (&"chat m".into(), &"vendor=1".into()));
    assert_eq!(request["status"], Value::Null);
    let of_request = attributes(request);
    for (key, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "m"),
        ("gen_ai.request.stream", "true"),
        ("gen_ai.request.max_tokens", "7"),
        ("gen_ai.response.model", "up-n"),
        ("gen_ai.usage.input_tokens", "11"),
        ("gen_ai.usage.output_tokens", "4"),
        ("http.response.status_code", "200"),
        ("http.route", "/v1/chat/completions"),
        ("silk.gateway.attempts", "2"),
        ("silk.gateway.degraded", "true"),
    ] {
        assert_eq!(of_request.get(key).map(String::as_str), Some(value), "{key}");
    }
    for (span, outcome, provider, model) in
        [(failed, "server_error", &down, "up-m"), (answered, "ok", &up, "up-n")]
    {
        assert_eq!((&span["kind"], &span["parentSpanId"]), (&3.into(), &request["spanId"]));
        let found = attributes(span);
        assert_eq!(found["silk.gateway.outcome"], outcome);
        assert_eq!(found["gen_ai.request.model"], model);
        assert_eq!(found["server.address"], "127.0.0.1");
        assert_eq!(found["server.port"], provider.port().to_string());
        assert_eq!(span["status"]["code"] == 2, outcome != "ok");
        // The endpoint goes on with the trace below its own attempt.
        let told = provider.posts()[0].header("traceparent").unwrap().to_owned();
        let id = span["spanId"].as_str().unwrap();
        assert_eq!(told, format!("00-0af7651916cd43dd8448eb211c80319c-{id}-01"));
    }
    assert_eq!(attributes(failed)["error.type"], "server_error");
    assert_eq!(attributes(failed)["http.response.status_code"], "500");

    let posts = collector.posts();
    let all: String = posts.iter().map(|post| post.body.as_str()).collect();
    for secret in ["garbled", "divides", "sk-upstream", "sk-collector"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[test]
fn what_went_wrong_is_told_and_who_was_left_out_is_not_followed() {
    let provider = Provider::start([Reply::answer("It divides the clock.").cut_after(3)]).unwrap();
    let collector = collector();
    let gateway = Gateway::start(&config(&collector, "", &[("m", &provider), ("n", &provider)]));
    assert_eq!(gateway.chat("nobody", false).status, 404);
    // The client does not keep this one.
    let unkept = [("traceparent", &CLIENT.replace("-01", "-00")[..])];
    let body = chat_body("nobody", false).to_string();
    gateway.send("POST", "/v1/chat/completions", &unkept, &body);
    gateway.chat("m", true);
    let spans = spans(&collector, 2);
    let requests: Vec<_> = spans.iter().filter(|span| span["kind"] == 2).collect();
    assert_eq!(requests.len(), 2, "{spans:?}");
    assert_eq!(attributes(requests[0])["error.type"], "404");
    assert_eq!(requests[0]["parentSpanId"], Value::Null);
    let broken = attributes(requests[1]);
    assert_eq!(
        (&broken["error.type"][..], &requests[1]["status"]["code"]),
        ("broken_stream", &2.into())
    );
    let attempts = spans.iter().filter(|span| span["kind"] == 3).map(attributes);
    assert!(attempts.clone().any(|found| found["silk.gateway.outcome"] == "broken_stream"));
    let begun = Instant::now();
    while gateway.get("/metrics").body.contains("silk_gateway_spans_sent_total 0") {
        assert!(begun.elapsed() < Duration::from_secs(30), "no span counts as sent");
    }
    assert!(gateway.get("/metrics").body.contains("silk_gateway_traces_dropped_total 0"));
}

#[test]
fn what_is_left_at_the_end_is_sent_and_a_part_is_drawn() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let collector = collector();
    let long = config(&collector, "sample = 0.5", &[("m", &provider), ("n", &provider)]);
    let gateway = Gateway::start(&long.replace("delay_ms = 10", "delay_ms = 600000"));
    for _ in 0..200 {
        assert_eq!(gateway.chat("m", false).status, 200);
    }
    assert_eq!(collector.posts().len(), 0);
    gateway.end();
    let spans: Vec<Value> = collector.posts().iter().flat_map(spans_of).collect();
    let kept = spans.iter().filter(|span| span["kind"] == 2).count();
    // Five standard deviations of 200 fair coins are 35.
    assert!((65..=135).contains(&kept), "{kept} of 200");
}

#[test]
fn a_collector_that_is_gone_costs_no_request_anything_and_is_told_once() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let refusing = Provider::start([Reply::error(400, "not with me")]).unwrap();
    let notices = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&notices);
    let options = Options {
        notices: Some(Arc::new(move |notice: &Notice| heard.lock().unwrap().push(notice.clone()))),
        ..Options::default()
    };
    let config = config(&refusing, "", &[("m", &provider), ("n", &provider)]);
    let gateway = Gateway::start_with(&config, options);
    let begun = Instant::now();
    let dropped = || {
        assert_eq!(gateway.chat("m", false).status, 200);
        let metrics = gateway.get("/metrics").body;
        let line =
            metrics.lines().find_map(|l| l.strip_prefix("silk_gateway_traces_dropped_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    while dropped() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing was ever dropped");
    }
    let notices = notices.lock().unwrap();
    assert!(matches!(&notices[..], [Notice::SpansLost(why)] if why.contains("400")), "{notices:?}");
}
