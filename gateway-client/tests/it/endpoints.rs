//! Addresses: what they mean, and which of them are this machine.

use std::process::Command;

use gateway_client::{Endpoint, EndpointError, Secret};

#[test]
fn only_loopback_is_local() {
    let local = [
        "http://localhost:8080",
        "http://LOCALHOST/v1",
        "https://localhost",
        "http://127.0.0.1:8080",
        "http://127.255.255.254",
        "http://127.1:8080",
        "http://0x7f000001",
        "http://[::1]:11434/v1",
    ];
    let remote = [
        "http://localhost.evil.com",
        "http://localhost.:8080",
        "http://evil.localhost",
        "http://127.0.0.1.evil.com",
        "http://0.0.0.0:8080",
        "http://[::]:8080",
        "http://[::ffff:127.0.0.1]",
        "http://128.0.0.1",
        "http://192.168.1.5:8000",
        "https://api.openai.com/v1",
    ];
    for address in local {
        assert!(Endpoint::parse("e", address, None).unwrap().is_local(), "{address}");
    }
    for address in remote {
        assert!(!Endpoint::parse("e", address, None).unwrap().is_local(), "{address}");
    }
}

#[test]
fn addresses_that_mislead_or_leak_are_refused() {
    let refused = |address: &str| Endpoint::parse("e", address, None).unwrap_err();
    let is_user_info = |error: &EndpointError| matches!(error, EndpointError::UserInfo { .. });
    assert!(is_user_info(&refused("http://127.0.0.1@evil.com")));
    assert!(is_user_info(&refused("http://localhost:8080@evil.com/v1")));
    assert!(is_user_info(&refused("https://:sk-secret@api.example.com")));
    assert!(matches!(refused("https://e.com/v1?key=sk-secret"), EndpointError::Query { .. }));
    assert!(matches!(refused("https://e.com/#x"), EndpointError::Query { .. }));
    assert!(matches!(refused("localhost:8080"), EndpointError::Scheme { .. }));
    assert!(matches!(refused("file:///etc/passwd"), EndpointError::Scheme { .. }));
    assert!(matches!(refused("127.0.0.1:8080"), EndpointError::Parse { .. }));
    assert!(matches!(refused(""), EndpointError::Parse { .. }));
    for address in ["https://u:sk-secret@e.com", "https://e.com?key=sk-secret"] {
        let error = refused(address);
        assert!(!format!("{error} {error:?}").contains("sk-secret"));
    }
}

#[test]
fn the_chat_address_follows_from_any_common_form() {
    let check = |address: &str, expected: &str| {
        let endpoint = Endpoint::parse("e", address, None).unwrap();
        assert_eq!(endpoint.chat_url().as_str(), expected);
    };
    check("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/chat/completions");
    check("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1/chat/completions");
    check("http://[::1]:1/v1/", "http://[::1]:1/v1/chat/completions");
    check("https://e.com/api/v1/chat/completions", "https://e.com/api/v1/chat/completions");
    check(" https://e.com/openai ", "https://e.com/openai/chat/completions");
}

#[test]
fn an_empty_key_is_no_key() {
    let endpoint = Endpoint::parse("e", "http://127.0.0.1", Some(Secret::new(" \n"))).unwrap();
    assert_eq!(endpoint.key(), None);
    assert_eq!(endpoint.origin(), "http://127.0.0.1");
}

/// The answers' tests again, in a process whose proxy is a dead port.
#[test]
fn loopback_takes_no_proxy() {
    let dead = "http://127.0.0.1:9";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["answers::", "wire::what_is_shown_is_what_is_sent"])
        .envs(["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"].map(|name| (name, dead)))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !report.contains(" 0 passed"), "{report}");
}
