//! Nothing leaves this machine without a yes.

use std::sync::Arc;

use gateway::{Ask, AskError, Consent, Gateway, GatewayConfig, Outcome, Task};

use crate::fake::{FakeClock, FakeTransport, answers, says};
use crate::{Told, endpoint, prompt};

const REMOTE: &str = "https://api.example.com/v1";

/// What an ask of a local and a remote endpoint tells, and who was asked.
async fn ask(config: GatewayConfig, consent: Consent, local_works: bool) -> (Told, Vec<String>) {
    let clock = Arc::new(FakeClock::default());
    let local = if local_works { answers("local") } else { says(404, None) };
    let transport = FakeTransport::new(Arc::clone(&clock))
        .script("local", vec![local])
        .script("remote", vec![answers("remote")])
        .script("other", vec![answers("other")]);
    let transport = Arc::new(transport);
    let gateway = Gateway::with_clock(config, consent, Arc::clone(&transport) as _, clock).unwrap();
    let told = Told::by(gateway.ask(Ask::new(Task::Debug, prompt()))).await;
    (told, transport.asked().into_iter().map(|(_, endpoint, _)| endpoint).collect())
}

fn config() -> GatewayConfig {
    GatewayConfig {
        endpoints: vec![
            endpoint("remote", REMOTE, "m"),
            endpoint("other", "http://localhost.evil.com", "m"),
            endpoint("local", "http://localhost:8080", "m"),
        ],
        ..GatewayConfig::default()
    }
}

#[tokio::test]
async fn without_a_yes_only_this_machine_is_asked() {
    let (told, asked) = ask(config(), Consent::default(), true).await;
    assert_eq!(asked, ["local"]);
    let passed = &Outcome::NoConsent;
    assert_eq!(told.way(), [("remote", passed), ("other", passed), ("local", &Outcome::Ok)]);
}

#[tokio::test]
async fn with_nothing_else_left_consent_is_asked_for_by_name() {
    let (told, asked) = ask(config(), Consent::default(), false).await;
    assert_eq!(asked, ["local"]);
    let Some(AskError::ConsentNeeded { endpoints, origins, attempts }) = told.error else {
        panic!("{:?}", told.error)
    };
    assert_eq!(endpoints, ["remote", "other"]);
    assert_eq!(origins, ["https://api.example.com", "http://localhost.evil.com"]);
    assert_eq!(attempts.len(), 3);
}

#[tokio::test]
async fn a_yes_to_one_is_a_yes_to_no_other() {
    let yes_to =
        |origin: &str| Consent { origins: [origin.to_owned()].into(), ..Consent::default() };
    let (_, asked) = ask(config(), yes_to("https://api.example.com"), false).await;
    assert_eq!(asked, ["remote"]);
    for near in ["http://api.example.com", "https://api.example.com:8443", "https://example.com"] {
        let (_, asked) = ask(config(), yes_to(near), false).await;
        assert_eq!(asked, ["local"], "{near}");
    }
}

#[tokio::test]
async fn a_yes_to_all_and_one_in_the_configuration_are_the_same() {
    let (told, _) = ask(config(), Consent::all(), false).await;
    assert_eq!(told.served_by(), Some("remote"));
    let allowed = GatewayConfig { allow_remote: true, ..config() };
    let (told, _) = ask(allowed, Consent::default(), false).await;
    assert_eq!(told.served_by(), Some("remote"));
}
