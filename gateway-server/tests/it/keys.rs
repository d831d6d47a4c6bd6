//! Who may ask, and what of others nobody sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use gateway_server::Options;
use scripted_provider::{Provider, Reply};
use serde_json::Value;

use crate::{Gateway, chat_body, ladder};

const MASTER: &str = "sk-master";

fn start(provider: &Provider) -> Gateway {
    start_with(provider, Options::default())
}

fn start_with(provider: &Provider, options: Options) -> Gateway {
    let toml = format!(
        r#"
        [gateway.server]
        master_key = "{MASTER}"

        [[gateway.server.users]]
        name = "ada"
        key = "sk-ada"
        models = ["m0"]

        [[gateway.server.users]]
        name = "bob"
        key = "sk-bob"
        expires = 2027-01-31

        [[gateway.endpoints]]
        name = "one"
        url = "{}"
        api_key = "sk-upstream"
        models = ["m0", "m1"]
        "#,
        provider.url()
    );
    Gateway::start_with(&toml, options)
}

fn ask(gateway: &Gateway, header: (&str, &str), model: &str) -> (u16, Value) {
    let body = chat_body(model, false).to_string();
    let response = gateway.send("POST", "/v1/chat/completions", &[header], &body);
    (response.status, response.json())
}

#[test]
fn a_key_opens_in_either_form_and_a_wrong_one_does_not() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let gateway = start(&provider);
    for (header, expected) in [
        (("authorization", "Bearer sk-master"), 200),
        (("authorization", "bearer sk-ada"), 200),
        (("x-api-key", "sk-ada"), 200),
        (("authorization", "Bearer sk-adaa"), 401),
        (("authorization", "Basic sk-ada"), 401),
        (("authorization", "sk-ada"), 401),
        (("x-api-key", ""), 401),
        (("x-other", "sk-ada"), 401),
    ] {
        let (status, body) = ask(&gateway, header, "m0");
        assert_eq!(status, expected, "{header:?}: {body}");
        assert!(!body.to_string().contains("sk-"), "no key is repeated: {body}");
    }
    assert_eq!(provider.posts().len(), 3, "nothing is sent for a wrong key");
}

/// 2027-01-31T23:59:59Z, by `date -u -d 2027-01-31T23:59:59Z +%s`.
const LAST_SECOND: u64 = 1_801_439_999;

#[test]
fn an_expired_key_is_refused_in_the_form_of_each_face() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let seconds = Arc::new(AtomicU64::new(LAST_SECOND));
    let told = Arc::clone(&seconds);
    let wall = move || SystemTime::UNIX_EPOCH + Duration::from_secs(told.load(Ordering::Relaxed));
    let gateway = start_with(&provider, Options { wall: Arc::new(wall), ..Options::default() });
    let bob = ("authorization", "Bearer sk-bob");
    assert_eq!(ask(&gateway, bob, "m0").0, 200, "its last second");
    seconds.store(LAST_SECOND + 1, Ordering::Relaxed);
    let (status, body) = ask(&gateway, bob, "m0");
    let error = &body["error"];
    assert_eq!((status, error["code"].as_str()), (401, Some("expired_api_key")), "{body}");
    assert_eq!(error["type"], "authentication_error");
    assert!(error["message"].as_str().unwrap().contains("good until 2027-01-31;"), "{body}");
    let body = r#"{"model":"m0","max_tokens":9,"messages":[{"role":"user","content":"q"}]}"#;
    let messages = gateway.send("POST", "/v1/messages", &[("x-api-key", "sk-bob")], body);
    let told = messages.json();
    assert_eq!((messages.status, &told["type"]), (401, &"error".into()), "{told}");
    assert_eq!(told["error"]["type"], "authentication_error", "{told}");
    assert_eq!(gateway.send("GET", "/v1/models", &[bob], "").status, 401);
    // Others go on, and whoever does not hold the key learns nothing of it.
    assert_eq!(ask(&gateway, ("authorization", "Bearer sk-ada"), "m0").0, 200);
    let (_, unknown) = ask(&gateway, ("authorization", "Bearer sk-bobb"), "m0");
    assert_eq!(unknown["error"]["code"], "invalid_api_key");
    assert_eq!(provider.posts().len(), 2, "nothing is sent for an expired key");
}

#[test]
fn a_user_sees_its_models_and_nothing_of_others() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let gateway = start(&provider);
    let ada = ("authorization", "Bearer sk-ada");
    assert_eq!(ask(&gateway, ada, "m1").0, 403);
    for path in ["/metrics", "/status"] {
        assert_eq!(gateway.send("GET", path, &[ada], "").status, 403, "{path}");
        assert_eq!(gateway.get(path).status, 401, "{path}");
        let master = ("x-api-key", MASTER);
        assert_eq!(gateway.send("GET", path, &[master], "").status, 200, "{path}");
    }
    assert_eq!(gateway.get("/health").status, 200);
}

#[test]
fn an_unknown_model_is_told_with_names_like_it() {
    let provider = Provider::start([]).unwrap();
    let gateway = Gateway::start(&ladder(&[&provider]).replace("m0", "qwen-coder"));
    let response = gateway.chat("qwen-codr", false);
    let error = &response.json()["error"];
    assert_eq!((response.status, error["code"].as_str()), (404, Some("model_not_found")));
    assert!(error["message"].as_str().unwrap().contains("near it: qwen-coder"), "{error}");
}

#[test]
fn the_gateways_own_keys_are_in_no_answer() {
    let leaky = Reply::error(401, "Incorrect API key provided: sk-upstream");
    let provider = Provider::start([leaky]).unwrap();
    let gateway = start(&provider);
    let (status, body) = ask(&gateway, ("x-api-key", MASTER), "m0");
    assert_eq!(status, 502, "{body}");
    assert!(!body.to_string().contains("sk-upstream"), "{body}");
}

#[test]
fn who_is_turned_away_who_waits_and_who_spends_is_counted() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let gateway = start(&provider);
    let wrong = ("x-api-key", "sk-wrong");
    assert_eq!((ask(&gateway, wrong, "m0").0, ask(&gateway, wrong, "m0").0), (401, 401));
    assert_eq!(gateway.get("/v1/models").status, 401);
    assert_eq!(ask(&gateway, ("x-api-key", "sk-ada"), "m0").0, 200);
    let master = [("x-api-key", MASTER)];
    let metrics = gateway.send("GET", "/metrics", &master, "").body;
    for line in [
        "silk_gateway_refused_keys_total{code=\"invalid_api_key\"} 2",
        "silk_gateway_refused_keys_total{code=\"missing_api_key\"} 1",
        "silk_gateway_waiting_requests{class=\"interactive\"} 0",
        "silk_gateway_user_answers_total{user=\"ada\"} 1",
        "silk_gateway_user_input_tokens_total{user=\"ada\"} 11",
        "silk_gateway_project_answers_total{project=\"\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
    let status = gateway.send("GET", "/status", &master, "").json();
    assert_eq!(status["turned_away"]["keys"]["invalid_api_key"], 2);
}
