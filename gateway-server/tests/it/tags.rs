//! Requests that go by their tags.

use gateway::config::file;
use scripted_provider::{Provider, Reply};
use serde_json::{Value, json};

use crate::{Gateway, chat_body};

fn config(providers: &[(&Provider, &str)], filtering: bool) -> String {
    let mut yaml = "model_list:\n".to_owned();
    for (provider, tags) in providers {
        yaml += &format!(
            "  - model_name: m\n    litellm_params: {{ model: openai/m, api_base: \"{}\", tags: [{tags}] }}\n",
            provider.url()
        );
    }
    yaml + &format!("router_settings: {{ enable_tag_filtering: {filtering} }}\n")
}

fn ask(gateway: &Gateway, headers: &[(&str, &str)], more: &Value) -> (u16, String) {
    let mut body = chat_body("m", false);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = gateway.send("POST", "/v1/chat/completions", headers, &body.to_string());
    let told = answer.json();
    let text = told["choices"][0]["message"]["content"].as_str().or(told["error"]["code"].as_str());
    (answer.status, text.unwrap_or_default().to_owned())
}

#[test]
fn tags_of_header_and_body_choose_among_equals_and_go_no_further() {
    let [free, paid, default] =
        ["free", "paid", "default"].map(|word| Provider::start([Reply::whole(word)]).unwrap());
    let all = [(&free, "free"), (&paid, "paid, eu"), (&default, "default")];
    let gateway = Gateway::start(&config(&all, true));
    let answered = |word: &str| (200, word.to_owned());
    for _ in 0..3 {
        assert_eq!(ask(&gateway, &[("x-litellm-tags", "lab,free")], &json!({})), answered("free"));
        assert_eq!(ask(&gateway, &[], &json!({ "tags": ["eu"] })), answered("paid"));
        let both = json!({ "metadata": { "tags": ["paid"], "run": "7" } });
        assert_eq!(ask(&gateway, &[], &both), answered("paid"));
        assert_eq!(ask(&gateway, &[], &json!({})), answered("default"));
        assert_eq!(ask(&gateway, &[], &json!({ "tags": ["lab"] })), answered("default"));
    }
    let posts = paid.posts();
    assert_eq!(posts.len(), 6);
    for (place, post) in posts.iter().enumerate() {
        let (body, is_both) = (post.json(), place % 2 == 1);
        assert_eq!((post.header("x-litellm-tags"), &body["tags"]), (None, &Value::Null));
        assert_eq!(body.get("metadata"), is_both.then_some(&json!({ "run": "7" })));
    }
}

#[test]
fn a_client_goes_where_a_pattern_for_it_leads() {
    let [coders, others] =
        ["coders", "others"].map(|word| Provider::start([Reply::whole(word)]).unwrap());
    let yaml = config(
        &[(&coders, "], tag_regex: ['^User-Agent: coder\\/', é"), (&others, "default")],
        true,
    );
    let gateway = Gateway::start(&yaml);
    let ask_as = |agent: &str, tags: &str| {
        ask(&gateway, &[("User-Agent", agent), ("x-litellm-tags", tags)], &json!({})).1
    };
    assert_eq!(ask_as("coder/2", ""), "coders");
    assert_eq!(ask_as("my coder/2", ""), "others");
    assert_eq!(ask_as("caf\u{e9}", ""), "others");
    assert_eq!(ask_as("", ""), "others");
    assert_eq!(ask_as("coder/2", "!default"), "coders");
    assert_eq!(ask_as("curl", "!default"), "tags_not_served");
    assert_eq!(ask_as("coder/2", "&default"), "others");
    assert!(coders.posts()[0].header("user-agent").unwrap().starts_with("silk/"));
}

#[test]
fn tags_that_nobody_has_are_told_and_nothing_is_sent() {
    let free = Provider::start([Reply::whole("free")]).unwrap();
    let gateway = Gateway::start(&config(&[(&free, "free")], true));
    assert_eq!(ask(&gateway, &[], &json!({ "tags": ["eu"] })), (403, "tags_not_served".to_owned()));
    let many: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    assert_eq!(ask(&gateway, &[], &json!({ "tags": many })), (400, "invalid_request".to_owned()));
    assert!(free.posts().is_empty());
}

#[test]
fn tags_mean_nothing_until_they_are_to_and_a_reload_says_so() {
    let free = Provider::start([Reply::whole("free")]).unwrap();
    let off = config(&[(&free, "free")], false);
    let gateway = Gateway::start(&off);
    let tagged = json!({ "tags": ["eu"], "metadata": { "tags": "eu" } });
    assert_eq!(ask(&gateway, &[("x-litellm-tags", "eu")], &tagged), (200, "free".to_owned()));
    let sent = free.posts()[0].json();
    assert_eq!((&sent["tags"], &sent["metadata"]), (&tagged["tags"], &tagged["metadata"]));
    let on = file::read(&config(&[(&free, "free")], true)).unwrap().config;
    gateway.server.reload(on).unwrap();
    assert_eq!(ask(&gateway, &[], &tagged).0, 403);
}
