//! Endpoints that are reached through a proxy.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use gateway_client::{ClientError, Deadlines, Endpoint, HttpTransport, Proxy, Secret, Transport};
use scripted_provider::{Provider, Reply, Setup, TunnelProxy};

use crate::{PATIENT, ask, text_of};

/// Of `ada` and `p@ss`.
const BASIC: &str = "Basic YWRhOnBAc3M=";

/// Of `ada` and `wrong-word`.
const WRONG: &str = "Basic YWRhOndyb25nLXdvcmQ=";

fn proxy_to(provider: &Provider, authorization: Option<&str>) -> TunnelProxy {
    let address = SocketAddr::from(([127, 0, 0, 1], provider.port()));
    TunnelProxy::start(address, authorization).unwrap()
}

/// An endpoint whose name nobody but the proxy could make anything of.
fn through(url: &str, proxy: &TunnelProxy, authorization: Option<&str>) -> Endpoint {
    let proxy = Proxy::new(proxy.address().to_string(), authorization.map(Secret::new));
    Endpoint::parse("far", url, None).unwrap().with_proxy(Some(proxy))
}

#[tokio::test]
async fn all_that_an_endpoint_is_asked_goes_through_its_proxy() {
    let setup = Setup { embed: Some(|text| vec![text.len() as f32]), ..Setup::default() };
    let provider = Provider::start_with(setup, [Reply::answer("It divides.")]).unwrap();
    let proxy = proxy_to(&provider, Some(BASIC));
    let endpoint = through("http://models.invalid:8080", &proxy, Some(BASIC));
    let (events, error) = ask(&endpoint, PATIENT).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text_of(&events), "It divides.");
    let (transport, patient) = (HttpTransport::default(), PATIENT.first_event);
    let list = transport.fetch_models(&endpoint, patient).await.unwrap();
    assert_eq!(list.models[0].id, "scripted");
    let vectors = transport.embed(&endpoint, None, &["abc".to_owned()], patient).await.unwrap();
    assert_eq!(vectors, [[3.0]]);
    // By `http` it is asked to pass the request on.
    assert_eq!(proxy.asked(), ["http://models.invalid:8080"; 3]);
    for request in provider.requests() {
        assert_eq!(request.header("host"), Some("models.invalid:8080"));
        assert_eq!(request.header("proxy-authorization"), None, "that is for the proxy alone");
    }
}

#[tokio::test]
async fn what_is_encrypted_goes_through_a_tunnel() {
    let provider = Provider::start([Reply::answer("in the clear")]).unwrap();
    let proxy = proxy_to(&provider, Some(BASIC));
    let (_, error) = ask(&through("https://models.invalid", &proxy, Some(BASIC)), PATIENT).await;
    // The tunnel stands, and at its end is nobody who speaks TLS.
    assert!(matches!(error, Some(ClientError::Connect { .. })), "{error:?}");
    assert_eq!(proxy.asked(), ["models.invalid:443"]);
    assert!(provider.posts().is_empty(), "nothing is said before the endpoint is known");
}

#[tokio::test]
async fn a_proxy_that_says_no_is_a_connection_that_failed_and_gives_nothing_away() {
    let provider = Provider::start([Reply::answer("never")]).unwrap();
    let proxy = proxy_to(&provider, Some(BASIC));
    for url in ["http://models.invalid:8080", "https://models.invalid"] {
        let endpoint = through(url, &proxy, Some(WRONG));
        let error = ask(&endpoint, PATIENT).await.1.unwrap();
        let ClientError::Connect { host, source } = &error else { panic!("{error:?}") };
        assert!(host.starts_with("models.invalid"), "{host}");
        let mut told = format!("{error} {error:?} {endpoint:?} {source}");
        let mut cause = source.source();
        while let Some(deeper) = cause {
            told += &format!(" {deeper}");
            cause = deeper.source();
        }
        assert!(told.contains("407") || told.contains("authorization required"), "{told}");
        assert!(!told.contains("wrong-word") && !told.contains("YWRhOndyb25n"), "{told}");
    }
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn a_page_of_the_proxy_does_not_repeat_what_it_was_told() {
    let page = format!("denied: Proxy-Authorization: {BASIC} of ada");
    let provider = Provider::start([Reply::body(502, "text/html", &page)]).unwrap();
    let proxy = proxy_to(&provider, Some(BASIC));
    let endpoint = through("http://models.invalid:8080", &proxy, Some(BASIC));
    let error = ask(&endpoint, PATIENT).await.1.unwrap();
    assert!(matches!(&error, ClientError::Status { code: 502, .. }), "{error:?}");
    assert!(error.to_string().contains("denied: Proxy-Authorization: Basic [redacted]"), "{error}");
}

/// Alone it only shows that there is no such host.
#[tokio::test]
async fn whoever_names_no_proxy_is_asked_directly() {
    let soon = Deadlines { first_event: Duration::from_secs(5), ..PATIENT };
    let endpoint = Endpoint::parse("far", "http://models.invalid:8080", None).unwrap();
    assert!(ask(&endpoint, soon).await.1.is_some());
}

/// What the environment says of proxies is for the program to read.
#[test]
fn the_environment_is_not_asked_for_proxies() {
    let provider = Provider::start([Reply::answer("through the back door")]).unwrap();
    let proxy = proxy_to(&provider, None);
    let address = format!("http://{}", proxy.address());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "proxies::whoever_names_no_proxy_is_asked_directly"])
        .envs(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].map(|name| (name, &address)))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && report.contains(" 1 passed"), "{report}");
    assert_eq!(proxy.asked(), [""; 0]);
}
