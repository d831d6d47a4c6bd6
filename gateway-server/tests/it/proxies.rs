//! Endpoints that are reached through a proxy.

use std::net::SocketAddr;

use gateway::config::{Proxies, file};
use gateway_client::Secret;
use gateway_server::{Options, Server, StartError};
use scripted_provider::{Provider, Reply, TunnelProxy};

use crate::Gateway;

/// Of `ada` and `p@ss`.
const BASIC: &str = "Basic YWRhOnBAc3M=";

fn address(provider: &Provider) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], provider.port()))
}

/// A name that nobody but the proxy could make anything of.
fn config(more: &str) -> String {
    format!(
        "[gateway]\nallow_remote = true\n{more}\n[[gateway.endpoints]]\nname = \"far\"\nurl = \"http://models.invalid:8080/v1\"\nmodels = \"m\"\n"
    )
}

#[test]
fn an_endpoint_is_reached_through_its_proxy_which_looks_its_name_up() {
    let provider = Provider::start([Reply::whole("Yes."), Reply::answer("It divides.")]).unwrap();
    let proxy = TunnelProxy::start(address(&provider), Some(BASIC)).unwrap();
    let own = format!("proxy = \"http://ada:p%40ss@{}\"\n", proxy.address());
    let gateway = Gateway::start(&(config("") + &own));
    assert_eq!(gateway.chat("m", false).status, 200);
    assert_eq!(gateway.chat("m", true).text(), "It divides.");
    assert!(proxy.asked().iter().all(|name| name == "models.invalid:8080"), "{:?}", proxy.asked());
    for post in provider.posts() {
        assert_eq!(post.header("proxy-authorization"), None, "that is between us and the proxy");
    }
}

#[test]
fn a_proxy_that_says_no_is_a_connection_that_failed_and_gives_nothing_away() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let proxy = TunnelProxy::start(address(&provider), Some(BASIC)).unwrap();
    let own = format!("proxy = \"http://ada:wrong-word@{}\"\n", proxy.address());
    let text = config("[gateway.timeouts]\n") + &own;
    let gateway = Gateway::start(&text);
    let body = crate::chat_body("m", false).to_string();
    let deadline = [("x-gateway-deadline-ms", "500")];
    let refused = gateway.send("POST", "/v1/chat/completions", &deadline, &body);
    assert_eq!((refused.status, provider.posts().len()), (503, 0), "{}", refused.body);
    let metrics = gateway.get("/metrics").body;
    assert!(metrics.contains("outcome=\"connect_error\""), "{metrics}");
    for text in [refused.body, metrics, gateway.get("/status").body] {
        assert!(!text.contains("wrong-word") && !text.contains("d3Jvbmct"), "{text}");
    }
    let config = file::read(&text).unwrap().config;
    assert!(!format!("{config:?}").contains("wrong-word"));
}

#[test]
fn proxies_of_the_environment_lead_to_whom_they_are_for() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let proxy = TunnelProxy::start(address(&provider), None).unwrap();
    let through = |no: Option<&str>| {
        let mut config = file::read(&config("")).unwrap().config;
        let variables = [("HTTP_PROXY", format!("http://{}", proxy.address()))];
        let look_up = |name: &str| match (name, no) {
            ("no_proxy", Some(no)) => Some(no.to_owned()),
            _ => variables.iter().find(|(known, _)| *known == name).map(|(_, v)| v.clone()),
        };
        config.server.proxies = Proxies::of(look_up);
        let table = gateway::Table::new(config).unwrap();
        table.endpoints()[0].proxy().cloned()
    };
    let found = through(None).unwrap();
    assert_eq!((found.url(), found.authorization()), (format!("http://{}", proxy.address()), None));
    assert_eq!(through(Some("elsewhere.example, .invalid")), None);
    assert!(through(Some("elsewhere.example")).is_some());
}

#[test]
fn a_proxy_leaves_no_air_gap_and_another_kind_is_refused() {
    let refused = |more: &str, proxy: &str| {
        let mut config = file::read(&config(more)).unwrap().config;
        config.endpoints[0].proxy = Some(Secret::new(proxy));
        match Server::new(config, Options::default()) {
            Err(StartError::Config(error)) => Some(error.to_string()),
            Err(error) => panic!("{error}"),
            Ok(_) => None,
        }
    };
    let fence = "[gateway.routing]\nhosts = [\"models.invalid\"]";
    let told = refused(fence, "http://u:secret@proxy.example:3128").unwrap();
    assert!(told.contains("`proxy.example:3128` is not among"), "{told}");
    assert_eq!(refused(fence, "http://127.0.0.1:3128"), None);
    let both = "[gateway.routing]\nhosts = [\"models.invalid\", \"proxy.example\"]";
    assert_eq!(refused(both, "http://u:secret@proxy.example:3128"), None);
    for proxy in ["socks5://u:secret@proxy.example:1080", "https://u:secret@proxy.example", ""] {
        let told = refused("", proxy).unwrap();
        assert!(told.contains("proxy to endpoint `far`") && !told.contains("secret"), "{told}");
    }
}
