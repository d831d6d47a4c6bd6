//! A key is seen by its endpoint and by nobody else.

use gateway_client::{ClientError, Endpoint, Secret};
use scripted_provider::{Provider, Reply, Setup};

use crate::{PATIENT, ask};

const KEY: &str = "sk-test-0123456789abcdef";

fn with_key(url: &str, key: &str) -> Endpoint {
    Endpoint::parse("scripted", url, Some(Secret::new(key))).unwrap()
}

fn assert_silent(what: &str) {
    assert!(!what.contains("0123456789abcdef"), "{what}");
}

#[test]
fn printing_a_key_prints_none() {
    let endpoint = with_key("https://api.example.com", &format!("{KEY}\n"));
    assert_silent(&format!("{endpoint:?}"));
    let key = endpoint.key().unwrap();
    assert_eq!(key.expose(), KEY);
    assert_silent(&format!("{key} {key:?} {key:#?} {}", serde_json::to_string(key).unwrap()));
}

#[tokio::test]
async fn the_right_key_is_sent_and_the_wrong_one_is_not_repeated() {
    let setup = Setup { key: Some(KEY.to_owned()), ..Setup::default() };
    let provider = Provider::start_with(setup, [Reply::answer("fine")]).unwrap();
    let (_, error) = ask(&with_key(&provider.url(), KEY), PATIENT).await;
    assert!(error.is_none(), "{error:?}");

    let wrong = "sk-wrong-0123456789abcdef";
    let (_, error) = ask(&with_key(&provider.url(), wrong), PATIENT).await;
    let error = error.unwrap();
    assert!(matches!(error, ClientError::Unauthorized { code: 401, .. }), "{error:?}");
    assert!(error.to_string().contains("Incorrect API key"), "{error}");
    assert_silent(&format!("{error} {error:?}"));
}

#[tokio::test]
async fn keys_are_masked_in_whatever_comes_back() {
    let repeated = format!("proxy saw 'Authorization: Bearer {KEY}'");
    let replies = [
        Reply::error(500, &repeated),
        Reply::body(502, "text/html", &repeated),
        Reply::body(200, "text/html", &repeated),
        Reply::events([repeated.clone()]),
        Reply::body(307, "text/plain", "").header("location", &format!("http://e.com/?k={KEY}")),
    ];
    for reply in replies {
        let provider = Provider::start([reply]).unwrap();
        let (_, error) = ask(&with_key(&provider.url(), KEY), PATIENT).await;
        let error = error.expect("none of these is an answer");
        assert_silent(&format!("{error} {error:?}"));
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_hold_is_not_sent() {
    let provider = Provider::start([Reply::answer("fine")]).unwrap();
    let (_, error) =
        ask(&with_key(&provider.url(), "sk-0123456789abcdef\nX-Evil: 1"), PATIENT).await;
    let error = error.unwrap();
    assert!(matches!(error, ClientError::UnsendableKey { .. }), "{error:?}");
    assert_silent(&format!("{error} {error:?}"));
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn no_key_means_no_header() {
    let provider = Provider::start([Reply::answer("fine")]).unwrap();
    ask(&crate::endpoint(&provider.url()), PATIENT).await;
    assert_eq!(provider.chats()[0].header("authorization"), None);
}
