//! The `[gateway]` table: what is read, what it means, what is refused.

use gateway::table::Table;
use gateway::{ConfigError, GatewayConfig, ModelRef, Task, Tier};

fn parse(toml: &str) -> GatewayConfig {
    toml::from_str(toml).unwrap()
}

fn table(toml: &str) -> Table {
    Table::new(parse(toml)).unwrap()
}

/// `model@endpoint` of each route, in order.
fn ladder(table: &Table, task: Task) -> String {
    let routes = table.routes(task);
    let names: Vec<_> = routes.iter().map(|r| format!("{}@{}", r.model, r.endpoint)).collect();
    names.join(" ")
}

const ONE: &str = r#"
    [[endpoints]]
    name = "bench"
    url = "http://127.0.0.1:8080"
    models = "qwen"
"#;

const TIERED: &str = r#"
    [[endpoints]]
    name = "a"
    url = "https://a.example/v1"
    models = { small = "s", large = ["l", "l2"] }

    [[endpoints]]
    name = "b"
    url = "https://b.example/v1"
    models = ["m", "l"]

    [tasks]
    docs = "small"
"#;

#[test]
fn one_endpoint_with_one_model_serves_every_task() {
    let table = table(ONE);
    for task in [Task::Autocomplete, Task::Docs, Task::Explain, Task::Debug, Task::Architecture] {
        assert_eq!(ladder(&table, task), "qwen@bench");
    }
    assert_eq!(table.routes(Task::Debug)[0].tier, Tier::Large);
}

#[test]
fn tasks_choose_tiers_and_tiers_fall_back() {
    let table = table(TIERED);
    assert_eq!(ladder(&table, Task::Autocomplete), "s@a m@b l@b l@a l2@a");
    assert_eq!(ladder(&table, Task::Docs), ladder(&table, Task::Autocomplete));
    assert_eq!(ladder(&table, Task::Refactor), "m@b l@b l@a l2@a s@a");
    assert_eq!(ladder(&table, Task::Debug), "l@a l2@a m@b l@b s@a");
}

#[test]
fn a_tier_can_list_models_at_any_endpoint_or_at_one() {
    let tiers = r#"
        [tiers]
        large = ["l", { model = "m", endpoint = "b" }]
    "#;
    let table = table(&format!("{TIERED}{tiers}"));
    assert_eq!(ladder(&table, Task::Debug), "l@a l@b m@b s@a");
}

#[test]
fn a_named_model_is_asked_where_it_is_listed_or_else_everywhere() {
    let table = table(TIERED);
    let places = |wanted: ModelRef| {
        let routes = table.routes_to(&wanted, Task::Debug);
        routes.iter().map(|route| route.endpoint.clone()).collect::<Vec<_>>().join(" ")
    };
    let at = |endpoint: &str| ModelRef { endpoint: Some(endpoint.into()), ..ModelRef::from("l") };
    assert_eq!(places("l".into()), "a b");
    assert_eq!(places("l2".into()), "a");
    assert_eq!(places("new".into()), "a b");
    assert_eq!(places(at("b")), "b");
    assert_eq!(places(at("c")), "");
}

#[test]
fn nonsense_is_refused_by_name() {
    let refused = |toml: &str| Table::new(parse(toml)).unwrap_err();
    let endpoint = |name: &str, url: &str, models: &str| {
        format!("[[endpoints]]\nname = {name:?}\nurl = {url:?}\nmodels = {models}\n")
    };
    let good = endpoint("a", "http://127.0.0.1", "'m'");
    assert!(matches!(
        refused(&format!("{good}{good}")),
        ConfigError::DuplicateName { name, .. } if name == "a"
    ));
    assert!(matches!(
        refused(&endpoint(" ", "http://127.0.0.1", "'m'")),
        ConfigError::Nameless { number: 1 }
    ));
    assert!(matches!(
        refused(&endpoint("a", "http://127.0.0.1", "[]")),
        ConfigError::NoModels { endpoint, .. } if endpoint == "a"
    ));
    assert!(matches!(
        refused(&endpoint("a", "127.0.0.1:8080", "'m'")),
        ConfigError::Endpoint { .. }
    ));
    for large in ["['other']", "[{ model = 'm', endpoint = 'b' }]"] {
        let error = refused(&format!("{good}[tiers]\nlarge = {large}"));
        assert!(matches!(error, ConfigError::UnknownModel { tier: Tier::Large, .. }), "{error}");
    }
}

#[test]
fn wrong_shapes_are_told_in_words() {
    let error = |toml: &str| toml::from_str::<GatewayConfig>(toml).unwrap_err().to_string();
    let models = error("[[endpoints]]\nmodels = 7");
    assert!(models.contains("a model name, a list of them, or lists under"), "{models}");
    let tier = error("[tasks]\ndocs = \"huge\"");
    assert!(tier.contains("small"), "{tier}");
}

#[test]
fn a_printed_configuration_holds_no_key() {
    let mut config = parse(ONE);
    config.endpoints[0].api_key = Some("sk-0123456789".into());
    let printed = format!("{}{config:?}", toml::to_string(&config).unwrap());
    assert!(!printed.contains("0123456789"), "{printed}");
    assert!(printed.contains("[redacted]"), "{printed}");
}

#[test]
fn what_is_printed_reads_back_the_same() {
    let config = parse(&format!("{TIERED}[timeouts]\nidle_ms = 5\n[tiers]\nsmall = ['s']"));
    let printed = toml::to_string(&config).unwrap();
    assert_eq!(parse(&printed), config);
}
