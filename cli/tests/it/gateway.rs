//! `silk gateway check` and `explain`: configurations in either form, and the wrong ones.

use crate::silk::Silk;

const LITELLM: &str = r#"
model_list:
  - model_name: gpt
    litellm_params: { model: openai/gpt-5, api_key: os.environ/GPT_KEY, rpm: 60, order: 1 }
    model_info: { max_input_tokens: 1000, input_cost_per_token: 0.00000125, output_cost_per_token: 0.00001 }
  - model_name: gpt
    litellm_params: { model: hosted_vllm/qwen, api_base: "http://127.0.0.1:1/v1", order: 2, colour: red }
  - model_name: claude
    litellm_params: { model: anthropic/claude-opus, api_key: sk-literal }
router_settings:
  fallbacks: [{ gpt: [claude] }]
"#;

const TIERS: &str = r#"
[[gateway.endpoints]]
name = "small-one"
url = "http://127.0.0.1:1"
models = { small = "tiny" }
[[gateway.endpoints]]
name = "large-one"
url = "http://127.0.0.1:2"
models = { large = "huge" }
"#;

#[test]
fn litellms_file_is_shown_as_what_it_amounts_to() {
    let silk = Silk::new().with("GPT_KEY", "sk-from-the-environment");
    let file = silk.write("config.yaml", LITELLM);
    let run =
        silk.run(["gateway", "check", "--json", "--config", file.to_str().unwrap()]).expect(0);
    let lines = run.json();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["upstream"], "gpt-5");
    assert_eq!(lines[0]["origin"], "https://api.openai.com");
    assert_eq!(lines[0]["limits"]["rpm"], 60);
    assert_eq!(lines[0]["key"], "set");
    assert_eq!(lines[0]["fallbacks"], serde_json::json!(["claude"]));
    assert_eq!(lines[1]["key"], "none");
    assert!(run.stderr.contains("config.yaml:7: unknown option"), "{}", run.stderr);
    assert!(run.stderr.contains("colour"), "{}", run.stderr);
    let text = silk.run(["gateway", "check", "--config", file.to_str().unwrap()]).expect(0);
    assert!(text.stdout.contains("then claude"), "{}", text.stdout);
    for output in [&run.stdout, &run.stderr, &text.stdout, &text.stderr] {
        assert!(!output.contains("sk-"), "{output}");
    }
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let silk = Silk::new();
    let file = silk.write("config.yaml", LITELLM);
    let run =
        silk.run(["gateway", "check", "--json", "--config", file.to_str().unwrap()]).expect(0);
    assert_eq!(run.json()[0]["key"], "missing GPT_KEY");
    assert!(run.stderr.contains("GPT_KEY is not set"), "{}", run.stderr);
}

#[test]
fn nonsense_is_refused_with_file_and_line() {
    let silk = Silk::new();
    let cases = [
        (
            "a.yaml",
            "model_list:\n- model_name: m\n  litellm_params: { model: nobody/m, custom_llm_provider: nobody }\n",
            "a.yaml:3",
        ),
        (
            "b.yaml",
            "model_list:\n- model_name: m\n  litellm_params: { model: openai/m, rpm: 0 }\n",
            "b.yaml:2",
        ),
        (
            "c.toml",
            "[gateway.routing]\nresidency = ['eu']\n[[gateway.endpoints]]\nname = 'a'\nurl = 'http://x.example'\nmodels = 'm'\n",
            "c.toml:2",
        ),
        ("d.toml", "[gateway]\nallow_remote = 7\n", "d.toml:2"),
        (
            "e.toml",
            "[[gateway.server.users]]\nname = 'u'\nkey = 'k'\nexpires = 'soon'\n",
            "e.toml:4: `soon` is no date",
        ),
    ];
    for (name, text, place) in cases {
        let file = silk.write(name, text);
        let run = silk.run(["gateway", "check", "--config", file.to_str().unwrap()]).expect(2);
        assert!(run.stderr.contains(place), "{}", run.stderr);
    }
    silk.run(["gateway", "check", "--config", "missing.yaml"]).expect(2);
}

#[test]
fn a_key_that_has_expired_is_told_with_its_line() {
    let silk = Silk::new();
    let user = |name: &str, expires: &str| {
        format!(
            "[[gateway.server.users]]\nname = '{name}'\nkey = 'sk-{name}'\nexpires = {expires}\n"
        )
    };
    let text = format!("{}{}{TIERS}", user("old", "2020-02-29"), user("young", "2999-12-31"));
    let file = silk.write("keys.toml", text);
    let run = silk.run(["gateway", "check", "--config", file.to_str().unwrap()]).expect(0);
    let told = "keys.toml:1: the key of `old` was good until 2020-02-29 and is refused";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    assert!(!run.stderr.contains("young") && !run.stderr.contains("sk-old"), "{}", run.stderr);
}

#[test]
fn the_projects_own_settings_are_checked_without_a_file_of_their_own() {
    let silk = Silk::new();
    silk.write("silk.toml", TIERS);
    let lines = silk.run(["gateway", "check", "--json"]).expect(0).json();
    let endpoints: Vec<_> = lines.iter().map(|line| line["endpoint"].as_str().unwrap()).collect();
    assert_eq!(endpoints, ["small-one", "large-one"]);
    let none = Silk::new().run(["gateway", "check"]).expect(0);
    assert!(none.stderr.contains("names no endpoints"), "{}", none.stderr);
}

#[test]
fn tags_are_shown_and_where_they_lead() {
    let silk = Silk::new();
    let endpoint = |tag: &str| {
        format!(
            "  - model_name: gpt\n    litellm_params: {{ model: openai/gpt, api_key: k, tags: [{tag}] }}\n"
        )
    };
    let list = format!("model_list:\n{}{}", endpoint("free"), endpoint("paid"));
    let on =
        silk.write("on.yaml", format!("{list}router_settings: {{ enable_tag_filtering: true }}\n"));
    let off = silk.write("off.yaml", list);
    let run = |verb: &str, file: &std::path::Path, more: &[&str]| {
        silk.run([&["gateway", verb, "--config", file.to_str().unwrap()][..], more].concat())
    };
    let lines = run("check", &on, &["--json"]).expect(0).json();
    assert_eq!((&lines[0]["tags"][0], &lines[1]["tags"][0]), (&"free".into(), &"paid".into()));
    let text = run("check", &on, &[]).expect(0).stdout;
    assert!(text.contains("tags free,") && text.contains("one of their tags"), "{text}");
    assert!(!run("check", &off, &[]).expect(0).stdout.contains("one of their tags"));
    let asked = ["--model", "gpt", "--tag", "paid"];
    let text = run("explain", &on, &asked).expect(0).stdout;
    assert!(text.contains("→ gpt #2") && text.contains("its tags are not those"), "{text}");
    let ignored = run("explain", &off, &asked).expect(0);
    assert!(ignored.stderr.contains("tags are not heeded"), "{}", ignored.stderr);
    run("explain", &on, &["--model", "gpt", "--tag", "eu"]).expect(108);
    let text = run("explain", &on, &["--model", "gpt", "--tag", "!free"]).expect(0).stdout;
    assert!(text.contains("→ gpt #2"), "{text}");
}

#[test]
fn clients_are_shown_and_where_they_lead() {
    let silk = Silk::new();
    let yaml = |pattern: &str| {
        format!(
            "model_list:\n  - model_name: gpt\n    litellm_params:\n      model: openai/gpt\n      api_key: k\n      tag_regex:\n        - '{pattern}'\n  - model_name: gpt\n    litellm_params: {{ model: openai/gpt, api_key: k, tags: [default] }}\nrouter_settings: {{ enable_tag_filtering: true }}\n"
        )
    };
    let run = |pattern: &str, words: &[&str]| {
        let file = silk.write("gateway.yaml", yaml(pattern));
        silk.run([&["gateway"], words, &["--config", file.to_str().unwrap()]].concat())
    };
    let text = run("^User-Agent: coder", &["check"]).expect(0).stdout;
    assert!(text.contains("clients ^User-Agent: coder"), "{text}");
    let asked = ["explain", "--model", "gpt", "--user-agent"];
    let text = run("^User-Agent: coder", &[&asked[..], &["coder/2"]].concat()).expect(0).stdout;
    assert!(text.contains("→ gpt "), "{text}");
    let text = run("^User-Agent: coder", &[&asked[..], &["curl"]].concat()).expect(0).stdout;
    assert!(text.contains("→ gpt #2"), "{text}");
    let refused = run("(?!curl)", &["check"]).expect(2).stderr;
    assert!(refused.contains("gateway.yaml:7") && refused.contains("look-around"), "{refused}");
}

#[test]
fn explain_says_where_a_request_would_go_and_why() {
    let silk = Silk::new();
    let file = silk.write("gateway.toml", TIERS);
    let explain = |arguments: &[&str]| {
        let base = ["gateway", "explain", "--config", file.to_str().unwrap()];
        silk.run([&base[..], arguments].concat())
    };
    for (arguments, because, first) in [
        (&["--task", "commit", "--json"][..], "task", "small-one"),
        (&["--task", "architect", "--json"], "task", "large-one"),
        (&["--fim", "--json"], "fim", "small-one"),
        (&["--fim", "--escalate", "--json"], "fim", "large-one"),
        (&["--tokens", "20000", "--json"], "long", "large-one"),
        (&["--model", "tiny", "--tokens", "20000", "--json"], "model", "small-one"),
        (&["--model", "large", "--json"], "tier", "large-one"),
    ] {
        let line = explain(arguments).expect(0).json().remove(0);
        assert_eq!(line["because"], because, "{arguments:?}");
        let candidates = line["candidates"].as_array().unwrap();
        assert_eq!(candidates[0]["endpoint"], first, "{arguments:?}");
        assert_eq!(candidates[0]["first"], true, "{arguments:?}");
    }
    let text = explain(&["--task", "debug"]).expect(0).stdout;
    assert!(text.contains("tier large: the task is debug"), "{text}");
    assert!(text.contains("→ large-one"), "{text}");
    let unknown = explain(&["--model", "huuge"]).expect(4);
    assert!(unknown.stderr.contains("did you mean `huge`?"), "{}", unknown.stderr);
    explain(&["--task", "cook"]).expect(2);
}
