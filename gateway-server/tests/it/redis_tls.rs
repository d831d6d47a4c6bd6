//! A Redis that is spoken to by TLS, a real one.

use std::process::Command;
use std::time::Duration;

use gateway::shared::SharedState;
use gateway_client::Secret;
use gateway_server::RedisState;
use scripted_provider::{Provider, Reply};

use crate::replicas::Redis;
use crate::tls::Made;
use crate::{Gateway, wait_until};

/// Set where this test runs again, in a process that trusts the authority.
const TRUSTED: &str = "SILK_TEST_TRUSTED_REDIS";

const PASSWORD: &str = "a-word-of-its-own";

#[test]
fn redis_is_reached_by_tls_if_its_certificate_is_trusted() {
    if let Ok(url) = std::env::var(TRUSTED) {
        return two_gateways_share(&url);
    }
    let Some(made) = Made::new() else { return };
    let file = |name: &str| made.path(name).display().to_string();
    let redis = Redis::start_with(|port| {
        let port = port.to_string();
        let (cert, key, ca) = (file("cert.pem"), file("key.pem"), file("ca.pem"));
        let settings: [[&str; 2]; 7] = [
            ["--port", "0"],
            ["--tls-port", &port],
            ["--tls-cert-file", &cert],
            ["--tls-key-file", &key],
            ["--tls-ca-cert-file", &ca],
            ["--tls-auth-clients", "no"],
            ["--requirepass", PASSWORD],
        ];
        settings.concat().into_iter().map(str::to_owned).collect()
    });
    let Some(redis) = redis else { return };
    let url = |scheme: &str, after: &str| {
        format!("{scheme}://:{PASSWORD}@127.0.0.1:{}{after}", redis.port)
    };
    // A stranger's word is not taken, whatever the address says.
    for (scheme, after) in [("rediss", ""), ("rediss", "/#insecure"), ("valkeys", "/0")] {
        let error = look(&url(scheme, after)).unwrap_err();
        assert!(error.contains("UnknownIssuer"), "{scheme} {after}: {error}");
    }
    let error = look(&url("redis", "")).unwrap_err();
    assert!(!error.contains(PASSWORD), "{error}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "redis_tls::redis_is_reached_by_tls_if_its_certificate_is_trusted"])
        .env(TRUSTED, url("rediss", ""))
        .env("SSL_CERT_FILE", made.path("ca.pem"))
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && report.contains(" 1 passed"), "{report}");
}

/// What comes of one connection and one call.
fn look(url: &str) -> Result<(), String> {
    let state = RedisState::with(&Secret::new(url), "test:", Duration::from_secs(60)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(state.left_alone()).map(drop).map_err(|lost| lost.0)
}

fn two_gateways_share(url: &str) {
    look(url).unwrap();
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let config = format!(
        "[gateway]\nallow_remote = true\n[gateway.server]\nredis = \"{url}\"\n[[gateway.endpoints]]\nname = \"a\"\nurl = \"{}\"\nmodels = \"m\"\nfacts = {{ limits = {{ rpm = 3 }} }}\n",
        provider.url()
    );
    let (one, two) = (Gateway::start(&config), Gateway::start(&config));
    for gateway in [&one, &two] {
        wait_until("both have reached it", || {
            gateway.get("/status").json()["shared"]["reached"] == true
        });
    }
    let body = crate::chat_body("m", false).to_string();
    let deadline = [("x-gateway-deadline-ms", "500")];
    let ask =
        |gateway: &Gateway| gateway.send("POST", "/v1/chat/completions", &deadline, &body).status;
    let statuses = [&one, &two, &one, &two].map(ask);
    assert_eq!((statuses, provider.posts().len()), ([200, 200, 200, 503], 3));
    let standing = two.get("/status").json()["shared"].clone();
    assert_eq!((&standing["losses"], &standing["unshared_requests"]), (&0.into(), &0.into()));
}
