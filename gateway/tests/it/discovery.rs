//! Engines on loopback, and what is none.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use gateway::{
    EndpointConfig, Engine, EngineKind, EngineState, GatewayConfig, Models, Place, discover,
    fetch_missing_models,
};
use gateway_client::HttpTransport;
use scripted_provider::{Provider, Reply, Setup};

use crate::endpoint;

const PATIENT: Duration = Duration::from_secs(20);

fn provider(models_reply: Reply) -> Provider {
    let setup = Setup { models_reply: Some(models_reply), ..Setup::default() };
    Provider::start_with(setup, []).unwrap()
}

fn json(status: u16, body: &str) -> Reply {
    Reply::body(status, "application/json", body)
}

async fn found(kind: EngineKind, models_reply: Reply) -> Option<Engine> {
    let provider = provider(models_reply);
    let place = Place { kind, port: provider.port() };
    discover(&HttpTransport::default(), &[place], PATIENT).await.pop()
}

#[tokio::test]
async fn engines_are_told_by_what_they_say() {
    let llama = r#"{"object":"list","data":[{"id":"/m.gguf","object":"model",
        "owned_by":"llamacpp","meta":{"n_ctx":4096}}]}"#;
    let engine = found(EngineKind::Ollama, json(200, llama)).await.unwrap();
    assert_eq!((engine.kind, engine.state), (EngineKind::LlamaCpp, EngineState::Ready));
    assert_eq!((engine.models, engine.context_tokens), (vec!["/m.gguf".to_owned()], Some(4_096)));

    let ollama = r#"{"object":"list","data":[
        {"id":"qwen:7b","owned_by":"library"},{"id":"b","owned_by":"library"}]}"#;
    let engine = found(EngineKind::LlamaCpp, json(200, ollama)).await.unwrap();
    assert_eq!((engine.kind, engine.models.len()), (EngineKind::Ollama, 2));

    let other = r#"{"object":"list","data":[{"id":"x"}]}"#;
    let engine = found(EngineKind::LlamaCpp, json(200, other)).await.unwrap();
    assert_eq!(engine.kind, EngineKind::OpenAiCompatible);
}

#[tokio::test]
async fn an_engine_without_models_is_found_but_cannot_be_asked() {
    let empty = json(200, r#"{"object":"list","data":null}"#);
    let engine = found(EngineKind::Ollama, empty).await.unwrap();
    assert_eq!((engine.kind, engine.to_endpoint()), (EngineKind::Ollama, None));
}

#[tokio::test]
async fn a_loading_engine_is_found_and_can_be_asked() {
    let engine = found(EngineKind::LlamaCpp, Reply::loading()).await.unwrap();
    assert_eq!(engine.state, EngineState::Loading);
    assert_eq!(engine.to_endpoint().unwrap().models, Models::from("default"));
}

#[tokio::test]
async fn what_else_listens_there_is_no_engine() {
    for reply in [
        Reply::body(200, "text/html", "<h1>It works</h1>"),
        json(200, r#"{"status":"ok"}"#),
        json(200, r#"{"object":"list","data":[{"name":"no id"}]}"#),
        json(200, r#"[{"id":"x"}]"#),
        Reply::error(404, "no such path"),
        Reply::error(401, "who are you"),
        Reply::body(503, "text/html", "Loading model"),
        Reply::body(302, "text/plain", "").header("location", "http://example.com/"),
    ] {
        assert_eq!(found(EngineKind::LlamaCpp, reply.clone()).await, None, "{reply:?}");
    }
}

#[tokio::test]
async fn silence_is_bounded_and_all_are_asked_at_once() {
    let (a, b) = (provider(Reply::hang()), provider(Reply::hang()));
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ports = [a.port(), b.port(), dead];
    let places = ports.map(|port| Place { kind: EngineKind::LlamaCpp, port });
    let started = Instant::now();
    let bound = Duration::from_millis(1_000);
    assert!(discover(&HttpTransport::default(), &places, bound).await.is_empty());
    assert!(started.elapsed() < Duration::from_millis(1_900), "{:?}", started.elapsed());
}

#[tokio::test]
async fn models_are_filled_in_for_this_machine_alone() {
    let provider = Provider::start([]).unwrap();
    let unnamed = |name: &str, url: &str| EndpointConfig {
        models: Models::default(),
        ..endpoint(name, url, "")
    };
    let mut config = GatewayConfig {
        endpoints: vec![
            unnamed("local", &provider.url()),
            unnamed("remote", "https://api.example.invalid"),
            endpoint("named", &provider.url(), "mine"),
            unnamed("dead", "http://127.0.0.1:9"),
        ],
        ..GatewayConfig::default()
    };
    let failures = fetch_missing_models(&mut config, &HttpTransport::default(), PATIENT).await;
    let models: Vec<_> = config.endpoints.iter().map(|endpoint| endpoint.models.clone()).collect();
    let expected = [Models::from("scripted"), Models::default(), "mine".into(), Models::default()];
    assert_eq!(models, expected);
    assert_eq!(failures.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["dead"]);
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_speaks_anthropics_protocol_lists_its_models_in_it() {
    let list = r#"{"data":[{"type":"model","id":"claude-x","display_name":"X","created_at":"2026-01-01T00:00:00Z"}],"has_more":false,"first_id":"claude-x","last_id":"claude-x"}"#;
    let provider = provider(json(200, list));
    let key = Some("sk-own".into());
    let protocol = gateway::config::Protocol::Anthropic;
    let unnamed = EndpointConfig {
        models: Models::default(),
        api_key: key,
        protocol,
        ..endpoint("local", &provider.url(), "")
    };
    let mut config = GatewayConfig { endpoints: vec![unnamed], ..GatewayConfig::default() };
    let failures = fetch_missing_models(&mut config, &HttpTransport::default(), PATIENT).await;
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(config.endpoints[0].models, Models::from("claude-x"));
    let request = &provider.requests()[0];
    assert_eq!(request.header("x-api-key"), Some("sk-own"));
    assert!(
        request.header("anthropic-version").is_some() && request.header("authorization").is_none()
    );
}
