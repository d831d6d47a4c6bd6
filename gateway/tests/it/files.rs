//! Configurations as files: LiteLLM's YAML and our TOML, and what is said of
//! the odd and the wrong in them.

use std::time::Duration;

use gateway::config::file::{Form, Loaded, read};
use gateway::config::{Protocol, Strategy, Tier};
use gateway::table::Table;

/// Every key that is understood, in one file.
const LITELLM: &str = r#"
model_list:
  - model_name: gpt
    litellm_params:
      model: openai/gpt-5
      api_key: os.environ/OPENAI_KEY_ONE
      rpm: 60
      tpm: 30000
      weight: 3
      order: 1
      timeout: 20
      stream_timeout: 2.5
      max_parallel_requests: 4
      tags: [free]
      tag_regex: ['^User-Agent: claude-code\/']
      region_name: eu
    model_info:
      max_input_tokens: 128000
      max_output_tokens: 4096
      input_cost_per_token: 0.00000125
      output_cost_per_token: 0.00001
      supports_assistant_prefill: false
  - model_name: gpt
    litellm_params: { model: hosted_vllm/qwen, api_base: "http://127.0.0.1:8000/v1", order: 2 }
  - model_name: claude
    litellm_params: { model: anthropic/claude-opus, api_key: sk-literal-key }
router_settings:
  routing_strategy: least-busy
  num_retries: 1
  timeout: 30
  allowed_fails: 2
  cooldown_time: 7
  fallbacks: [{ gpt: [claude] }]
  context_window_fallbacks: [{ claude: [gpt] }]
  default_fallbacks: [gpt]
  model_group_alias: { gpt-4: gpt, hidden: { model: claude, hidden: true } }
general_settings:
  master_key: sk-master
"#;

fn loaded(text: &str) -> Loaded {
    read(text).unwrap_or_else(|broken| panic!("{broken:?}"))
}

fn names(table: &Table, model: &str) -> Vec<String> {
    let ladder = table.ladder(model).unwrap();
    ladder.iter().map(|route| route.endpoint.clone()).collect()
}

#[test]
fn litellms_keys_mean_here_what_they_mean_there() {
    let Loaded { config, form, notes, .. } = loaded(LITELLM);
    assert_eq!((form, notes.len()), (Form::LiteLlm, 0), "{notes:?}");
    let table = Table::new(config).unwrap();
    let [first, second, claude] = table.deployments() else { panic!("three deployments") };
    assert_eq!((first.name(), first.group.as_str(), first.model.as_str()), ("gpt", "gpt", "gpt-5"));
    assert_eq!(first.endpoint.base(), "https://api.openai.com/v1");
    assert_eq!((first.facts.limits.rpm, first.facts.limits.tpm), (Some(60), Some(30_000)));
    assert_eq!((first.facts.limits.concurrency, first.weight()), (Some(4), 3));
    assert_eq!(first.bounds.whole, Duration::from_secs(20));
    assert_eq!(first.bounds.first_event, Duration::from_millis(2_500));
    assert_eq!(first.bounds.idle, Duration::from_millis(2_500));
    assert_eq!((first.provider.as_deref(), first.region.as_deref()), (Some("openai"), Some("eu")));
    assert!(first.patterns.find("User-Agent: claude-code/1.2"));
    assert_eq!(first.facts.max_input_tokens, Some(128_000));
    assert_eq!(first.facts.prefill, Some(false));
    assert!((first.facts.price.of(1_000_000, 0, 100_000) - 2.25).abs() < 1e-9);
    assert_eq!((second.name(), second.model.as_str()), ("gpt #2", "qwen"));
    assert_eq!(second.bounds.whole, Duration::from_secs(30));
    assert_eq!(claude.endpoint.base(), "https://api.anthropic.com/v1");
    assert_eq!(table.config().endpoints[2].protocol, Protocol::Anthropic);
    let routing = &table.config().routing;
    assert_eq!((routing.strategy, routing.retries), (Strategy::LeastBusy, Some(1)));
    assert_eq!((routing.allowed_fails, routing.cooldown_ms), (Some(2), Some(7_000)));
    assert_eq!(names(&table, "gpt"), ["gpt", "gpt #2", "claude"]);
    assert_eq!(names(&table, "gpt-4"), names(&table, "gpt"));
    assert_eq!(names(&table, "hidden"), names(&table, "claude"));
    assert_eq!(names(&table, "claude"), ["claude", "gpt", "gpt #2"]);
    assert!(table.ladder("other").is_none());
}

#[test]
fn keys_come_from_where_the_file_says_and_are_never_printed() {
    let mut config = loaded(LITELLM).config;
    let missing = config.fill_from(|_| None);
    let missing: Vec<_> = missing.iter().map(|m| (m.owner.as_str(), m.variable.as_str())).collect();
    assert_eq!(missing, [("gpt", "OPENAI_KEY_ONE")]);
    assert!(config.fill_from(|name| Some(format!("sk-value-of-{name}"))).is_empty());
    let key = config.endpoints[0].api_key.as_ref().unwrap();
    assert_eq!(key.expose(), "sk-value-of-OPENAI_KEY_ONE");
    assert_eq!(config.server.master_key.as_ref().unwrap().expose(), "sk-master");
    let printed = format!("{config:?}{}", serde_json::to_string(&config).unwrap());
    for secret in ["sk-value", "sk-literal-key", "sk-master"] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

#[test]
fn unknown_keys_are_told_with_their_lines() {
    let text = "model_list:\n  - model_name: m\n    litellm_params:\n      model: openai/m\n      api_base: http://127.0.0.1:1\n      api_version: '2024'\n    tpm: 3\nrouter_settings:\n  cache_responses: localhost\n  routing_strategy: fastest\nextra: 1\n";
    let notes = loaded(text).notes;
    let told: Vec<_> = notes.iter().map(|note| (note.line, note.text.as_str())).collect();
    assert_eq!(
        told,
        [
            (Some(6), "unknown option `model_list.0.litellm_params.api_version` is ignored"),
            (Some(7), "unknown option `model_list.0.tpm` is ignored"),
            (Some(9), "unknown option `router_settings.cache_responses` is ignored"),
            (Some(10), "`fastest` is not known; `simple-shuffle` is used"),
            (Some(11), "unknown option `extra` is ignored"),
        ]
    );
    let toml = "[gateway]\nallow_remote = true\nspeed = 9\n[chip]\nname = \"x\"\n[[gateway.endpoints]]\nname = \"a\"\nurl = \"http://127.0.0.1:1\"\nmodels = \"m\"\nrpm = 3\n";
    let Loaded { form, notes, .. } = loaded(toml);
    let told: Vec<_> = notes.iter().map(|note| (note.line, note.text.as_str())).collect();
    assert_eq!(form, Form::Toml);
    assert_eq!(
        told,
        [
            (Some(3), "unknown option `gateway.speed` is ignored"),
            (Some(10), "unknown option `gateway.endpoints.0.rpm` is ignored"),
        ]
    );
}

/// One model, with this in place of its parameters.
fn one(params: &str) -> String {
    format!("model_list:\n- model_name: m\n  litellm_params: {{ {params} }}\n")
}

#[test]
fn what_cannot_be_read_is_refused_with_its_line() {
    let cases = [
        ("", None, "model_list"),
        ("model_list: 7\n", Some(1), "sequence"),
        ("# c\nmodel_list:\n- model_name: m\n", Some(3), "litellm_params"),
        ("model_list:\n\t- x\n", Some(2), ""),
        ("[gateway]\nallow_remote = 7\n", Some(2), "boolean"),
        ("[gateway\n", Some(1), ""),
        ("[chip]\nname = 'x'\n", None, "gateway"),
        (&one("model: openai/m, rpm: many"), Some(3), ""),
        (&one("model: bedrock/m, custom_llm_provider: bedrock"), Some(3), "`bedrock` is not known"),
        (&one("model: bedrock/m"), Some(3), "`bedrock` is not known"),
        (&one("model: somebody/m"), Some(3), "`somebody` is not known"),
        (&one("model: azure/m, api_base: 'https://a.example'"), Some(3), "`azure` is not known"),
        (&one("model: hosted_vllm/m"), Some(3), "`api_base` is missing"),
    ];
    for (text, line, words) in cases {
        let broken = read(text).expect_err(text);
        assert!(broken.text.contains(words), "{text}: {broken:?}");
        assert!(line.is_none() || broken.line == line, "{text}: {broken:?}");
        assert!(!broken.text.contains('\n'), "{broken:?}");
    }
}

#[test]
fn nonsense_is_refused_with_its_line() {
    let base = one("model: openai/m, api_base: 'http://127.0.0.1:1'");
    let cases = [
        (one("model: openai/m, api_base: 'localhost:1'"), 2),
        (one("model: openai/m, rpm: 0"), 2),
        (one("model: openai/m, input_cost_per_token: -1"), 2),
        (one("model: openai/m, tag_regex: [a, '(']"), 3),
        (one("model: openai/m\n    , tag_regex:\n        [a,\n         'b{,',\n c]"), 6),
        (format!("{base}router_settings:\n  fallbacks:\n    - x: [m]\n"), 6),
        (format!("{base}litellm_settings:\n  fallbacks:\n    - m: [m]\n    - m: [y]\n"), 6),
        (format!("{base}router_settings:\n  default_fallbacks: [y]\n"), 5),
        (format!("{base}router_settings:\n  model_group_alias:\n    a: y\n"), 6),
    ];
    for (text, line) in cases {
        let loaded = loaded(&text);
        let error = Table::new(loaded.config.clone()).expect_err(&text);
        assert_eq!(loaded.line_of(&error.place()), Some(line), "{text}: {error}");
    }
    let endpoint = "[[gateway.endpoints]]\nname = 'a'\nurl = 'http://h.example'\nmodels = 'm'\nregion = 'eu'\n";
    let cases = [
        (format!("{endpoint}{endpoint}"), 6),
        (format!("{endpoint}tag_regex = [\n  'a',\n  '(?=b)',\n]\n"), 8),
        (format!("{endpoint}[gateway.tiers]\nsmall = ['x']\n"), 7),
        (format!("{endpoint}[gateway.routing]\nresidency = ['us']\n"), 7),
        (format!("{endpoint}[gateway.routing]\nhosts = ['other.example']\n"), 1),
        (
            "[gateway.server]\nredis = 'redis://:a@b@far.example:1/2'\n[gateway.routing]\nhosts = []\n".to_owned(),
            2,
        ),
        (format!("{endpoint}[gateway.routing.fallbacks]\nm = ['x']\n"), 7),
        (format!("{endpoint}[[gateway.server.users]]\nname = 'u'\n"), 6),
    ];
    for (text, line) in cases {
        let loaded = loaded(&text);
        let error = Table::new(loaded.config.clone()).expect_err(&text);
        assert_eq!(loaded.line_of(&error.place()), Some(line), "{text}: {error}");
    }
}

#[test]
fn our_own_file_has_tiers_regions_and_fences() {
    let text = r#"
        [gateway.routing]
        regions = ["eu-2", "eu-1"]
        residency = ["eu-1", "eu-2"]
        [gateway.tasks]
        commit = "medium"
        [gateway.server]
        users = [{ name = "ada", key_env = "ADA", class = "batch", share = 2 }]
        [[gateway.endpoints]]
        name = "one"
        url = "https://one.example/v1"
        region = "eu-1"
        models = { medium = "m" }
        [[gateway.endpoints]]
        name = "two"
        url = "https://two.example/v1"
        region = "eu-2"
        models = { medium = "m", large = "l" }
        model_facts.l = { limits = { rpm = 5 } }
        facts = { limits = { rpm = 50 } }
        [[gateway.endpoints]]
        name = "far"
        url = "https://far.example/v1"
        region = "us"
        models = "m"
        [[gateway.endpoints]]
        name = "nowhere"
        url = "https://nowhere.example/v1"
        models = "m"
        [[gateway.endpoints]]
        name = "here"
        url = "http://127.0.0.1:8080"
        models = "m"
    "#;
    let table = Table::new(loaded(text).config).unwrap();
    assert_eq!(names(&table, "m"), ["two", "here", "one"]);
    let way = |tier| {
        let routes = table.ladder_of_tier(tier);
        routes.iter().map(|r| format!("{}@{}", r.model, r.endpoint)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(way(Tier::Medium), "m@two m@here m@one l@two");
    assert_eq!(way(Tier::Large), "l@two m@here m@two m@one");
    let rpm = |index: usize| table.deployments()[index].facts.limits.rpm;
    assert_eq!((rpm(0), rpm(1), rpm(2)), (None, Some(50), Some(5)));
}

#[test]
fn a_pattern_serves_whatever_fits_it() {
    let text = "model_list:\n- model_name: 'openai/*'\n  litellm_params: { model: 'openai/*', api_base: 'http://127.0.0.1:1' }\n- model_name: 'openai/own'\n  litellm_params: { model: openai/mine, api_base: 'http://127.0.0.1:2' }\n";
    let table = Table::new(loaded(text).config).unwrap();
    let model = |name: &str| table.ladder(name).map(|ladder| ladder[0].model.clone());
    assert_eq!(model("openai/gpt-5").as_deref(), Some("gpt-5"));
    assert_eq!(model("openai/own").as_deref(), Some("mine"));
    assert_eq!(model("gpt-5"), None);
}

#[test]
fn the_redis_that_replicas_share_is_found_in_both_forms() {
    let base = "model_list:\n- model_name: m\n  litellm_params: { model: openai/m, api_base: 'http://127.0.0.1:1' }\nrouter_settings:\n";
    let look_up = |name: &str| match name {
        "REDIS_HOST" => Some("redis.example".to_owned()),
        "REDIS_PASSWORD" => Some("p@ss/w:d".to_owned()),
        _ => None,
    };
    for (settings, address) in [
        ("redis_host: redis.example", Some("redis://redis.example:6379")),
        (
            "redis_host: os.environ/REDIS_HOST\n  redis_port: 6380\n  redis_password: os.environ/REDIS_PASSWORD",
            Some("redis://:p%40ss%2Fw%3Ad@redis.example:6380"),
        ),
        ("redis_host: h\n  redis_port: '1'", Some("redis://h:1")),
        ("redis_host: h\n  redis_password: os.environ/NO_SUCH", None),
        ("redis_url: redis://h:1/2", Some("redis://h:1/2")),
    ] {
        let mut read = loaded(&format!("{base}  {settings}\n"));
        assert_eq!(read.notes, [], "{settings}");
        let missing = read.config.fill_from(look_up);
        assert_eq!(missing.is_empty(), address.is_some(), "{settings}: {missing:?}");
        let found = read.config.server.redis.as_ref().map(|redis| redis.expose());
        assert_eq!(found, address, "{settings}");
    }
    let mut read = loaded("[gateway.server]\nredis_env = 'REDIS_HOST'\n");
    assert_eq!(read.config.fill_from(look_up), []);
    assert_eq!(read.config.server.redis.unwrap().expose(), "redis.example");
}

#[test]
fn the_standard_variables_say_where_spans_go() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example:4318/"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=sk%2Fone, bad"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_BSP_SCHEDULE_DELAY", "250"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=named,deployment.environment.name=lab"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
    ];
    let look_up = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name)?;
        Some(found.1.to_owned())
    };
    let mut tracing = gateway::config::TracingConfig::default();
    assert_eq!(tracing.address(), None);
    let odd = tracing.fill_from(look_up);
    assert_eq!(tracing.address().as_deref(), Some("https://otel.example:4318/v1/traces"));
    assert_eq!(tracing.headers["x-key"].expose(), "sk/one");
    assert_eq!(tracing.service_name.as_deref(), Some("named"));
    assert_eq!(tracing.resource["deployment.environment.name"], "lab");
    assert_eq!((tracing.sample, tracing.parent_based), (Some(0.25), Some(true)));
    assert_eq!((tracing.delay_ms, tracing.timeout_ms), (Some(250), None));
    let words = odd.join("\n");
    for what in ["HEADERS holds an entry", "spans are sent as http/json", "TIMEOUT is no number"] {
        assert!(words.contains(what), "{words}");
    }
    assert!(!words.contains("bad"), "no value is repeated: {words}");
    // What the variables name goes before the file, and one of them turns it off.
    let off = |name: &str| (name == "OTEL_SDK_DISABLED").then(|| "true".to_owned());
    assert_eq!(tracing.fill_from(off), Vec::<String>::new());
    assert_eq!(tracing.address(), None);
}

#[test]
fn spans_leave_no_air_gap() {
    let file = |collector: &str| {
        let text = format!(
            "[gateway.routing]\nhosts = [\"otel.example\"]\n[gateway.server.tracing]\nendpoint = \"{collector}\"\n"
        );
        let loaded = read(&text).unwrap();
        let error = Table::new(loaded.config.clone()).err()?;
        Some((loaded.line_of(&error.place()), error.to_string()))
    };
    assert_eq!(file("http://127.0.0.1:4318"), None);
    assert_eq!(file("https://otel.example:4318"), None);
    let (line, words) = file("https://elsewhere.example").unwrap();
    assert!(line.is_some() && words.contains("`elsewhere.example`"), "{line:?} {words}");
}
