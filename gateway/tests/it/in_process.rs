//! What a gateway in process shares with one that serves: limits that answers
//! tell of, fallbacks and aliases, both dialects.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway::config::Proxies;
use gateway::{Ask, Consent, Gateway, GatewayConfig, ModelRef, Outcome, Task};
use gateway_client::HttpTransport;
use scripted_provider::{Provider, Reply, TunnelProxy};

use crate::{Told, prompt};

fn provider(replies: impl IntoIterator<Item = Reply>) -> Provider {
    Provider::start(replies).unwrap()
}

fn gateway(toml: &str, providers: &[&Provider]) -> Gateway {
    let mut toml = toml.to_owned();
    for (place, provider) in providers.iter().enumerate() {
        toml = toml.replace(&format!("URL{place}"), &provider.url());
    }
    let config: GatewayConfig = toml::from_str(&toml).unwrap();
    Gateway::new(config, Consent::default(), Arc::new(HttpTransport::default())).unwrap()
}

async fn told(gateway: &Gateway, model: Option<ModelRef>) -> Told {
    Told::by(gateway.ask(Ask { model, ..Ask::new(Task::Debug, prompt()) })).await
}

const EQUALS: &str = "
    [[endpoints]]
    name = 'first'
    url = 'URL0'
    models = 'm'
    [[endpoints]]
    name = 'second'
    url = 'URL1'
    models = 'm'
";

#[tokio::test]
async fn an_endpoint_that_has_nothing_left_is_not_asked_to_refuse() {
    let spent = Reply::answer("from the first")
        .header("x-ratelimit-limit-requests", "60")
        .header("x-ratelimit-remaining-requests", "0")
        .header("x-ratelimit-reset-requests", "45s");
    let (first, second) = (provider([spent]), provider([Reply::answer("from the second")]));
    let gateway = gateway(EQUALS, &[&first, &second]);
    assert_eq!(told(&gateway, None).await.text, "from the first");
    for _ in 0..3 {
        assert_eq!(told(&gateway, None).await.text, "from the second");
    }
    assert_eq!((first.chats().len(), second.chats().len()), (1, 3));
}

#[tokio::test]
async fn a_wait_told_in_words_is_kept() {
    let limited = Reply::error(429, "Rate limit reached. Please try again in 0.6s.");
    let only = provider([limited, Reply::answer("at last")]);
    let toml = EQUALS.split("[[endpoints]]").nth(1).unwrap();
    let gateway = gateway(&format!("[[endpoints]]{toml}"), &[&only]);
    let told = told(&gateway, None).await;
    assert_eq!(told.text, "at last");
    assert_eq!(told.attempts[0].outcome, Outcome::RateLimited { retry_after_ms: Some(600) });
    let chats = only.chats();
    assert!(chats[1].at - chats[0].at >= Duration::from_millis(600));
}

const NAMED: &str = "
    [routing]
    aliases = { gpt = 'big' }
    fallbacks = { big = ['little'] }
    retries = 0
    [[endpoints]]
    name = 'first'
    url = 'URL0'
    models = 'big'
    [[endpoints]]
    name = 'second'
    url = 'URL1'
    models = 'little'
    protocol = 'anthropic'
    upstream = { little = 'claude-little' }
";

#[tokio::test]
async fn a_named_model_has_its_aliases_and_fallbacks_in_either_dialect() {
    let (first, second) =
        (provider([Reply::error(500, "oops")]), provider([Reply::message("Yes.")]));
    let gateway = gateway(NAMED, &[&first, &second]);
    let answered = told(&gateway, Some("gpt".into())).await;
    assert_eq!((answered.text.as_str(), answered.served_by()), ("Yes.", Some("second")));
    assert_eq!(first.chats()[0].json()["model"], "big");
    let asked = &second.posts()[0];
    assert_eq!(
        (asked.path.as_str(), &asked.json()["model"]),
        ("/v1/messages", &"claude-little".into())
    );
    // Where the endpoint is named too, that and no other.
    let only = ModelRef { model: "big".to_owned(), endpoint: Some("first".to_owned()) };
    assert!(told(&gateway, Some(only)).await.error.is_some());
    // Nor does the fallback fall back.
    assert_eq!(told(&gateway, Some("little".into())).await.text, "Yes.");
    assert_eq!((first.chats().len(), second.posts().len()), (2, 2));
}

/// What the environment says of proxies leads to endpoints that name none, as for a server.
#[tokio::test]
async fn proxies_of_the_environment_are_taken_by_the_rules_of_a_server() {
    let only = provider([Reply::answer("from afar")]);
    let leads_to = SocketAddr::from(([127, 0, 0, 1], only.port()));
    let proxy = TunnelProxy::start(leads_to, Some("Basic YWRhOnBAc3M=")).unwrap();
    let ask = async |variables: &[(&str, &str)]| {
        let toml = "allow_remote = true\n[[endpoints]]\nname = 'far'\nurl = 'http://models.invalid:8080/v1'\nmodels = 'm'\n";
        let mut config: GatewayConfig = toml::from_str(toml).unwrap();
        let set = |name: &str| variables.iter().find(|(known, _)| *known == name);
        config.server.proxies = Proxies::of(|name| set(name).map(|(_, value)| (*value).to_owned()));
        let transport = Arc::new(HttpTransport::default());
        let gateway = Gateway::new(config, Consent::default(), transport).unwrap();
        let deadline = Some(Duration::from_secs(20));
        Told::by(gateway.ask(Ask { deadline, ..Ask::new(Task::Debug, prompt()) })).await
    };
    let (own, address) = (format!("http://ada:p%40ss@{}", proxy.address()), proxy.address());
    assert_eq!(ask(&[("HTTP_PROXY", &own)]).await.text, "from afar");
    let asked = proxy.asked().len();
    assert_eq!(asked, 1);
    for not in [".invalid", "models.invalid", "*"] {
        let told = ask(&[("HTTP_PROXY", &own), ("no_proxy", not)]).await;
        assert!(told.error.is_some() && told.text.is_empty(), "{told:?}");
    }
    assert_eq!(proxy.asked().len(), asked, "NO_PROXY");
    let wrong = format!("http://ada:wrong-word@{address}");
    let told = ask(&[("http_proxy", &wrong), ("HTTP_PROXY", &own)]).await;
    assert_eq!(told.way(), [("far", &Outcome::ConnectError)]);
    let told = format!("{told:?}");
    assert!(!told.contains("wrong-word") && !told.contains("YWRhOndyb25n"), "{told}");
}
