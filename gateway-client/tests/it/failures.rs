//! Everything an endpoint can do wrong, and the error it becomes.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::join_all;
use gateway_client::{ClientError, DeadlineKind, Deadlines, HttpTransport, StreamEvent, Transport};
use scripted_provider::{Provider, Reply, Setup};

use crate::{PATIENT, ask, endpoint, request, text_of};

const HASTY: Deadlines =
    Deadlines { first_event: Duration::from_secs(1), idle: Duration::from_secs(1) };

async fn failing(reply: Reply, deadlines: Deadlines) -> (String, ClientError) {
    let provider = Provider::start([reply]).unwrap();
    let (events, error) = ask(&endpoint(&provider.url()), deadlines).await;
    (text_of(&events), error.expect("the reply is no whole answer"))
}

#[tokio::test]
async fn a_rate_limit_says_how_long() {
    let limited = |header: &str, value: &str| Reply::error(429, "slow").header(header, value);
    for (reply, expected_ms) in [
        (limited("Retry-After", "3"), Some(3_000)),
        (limited("retry-after-ms", "250"), Some(250)),
        (limited("x-other", "3"), None),
        (
            limited("Retry-After", "Sun, 22 Nov 2026 12:00:07 GMT")
                .header("Date", "Sun, 22 Nov 2026 12:00:00 GMT"),
            Some(7_000),
        ),
    ] {
        let (_, error) = failing(reply, PATIENT).await;
        let ClientError::Status { code: 429, retry_after, message, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(retry_after.map(|wait| wait.as_millis()), expected_ms);
        assert_eq!(message, "slow");
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    type Check = fn(&ClientError) -> bool;
    let cases: [(Reply, Check); 8] = [
        (Reply::error(500, "oops"), |e| matches!(e, ClientError::Status { code: 500, .. })),
        (Reply::loading(), |e| matches!(e, ClientError::Loading { .. })),
        (Reply::error(503, "busy"), |e| matches!(e, ClientError::Status { code: 503, .. })),
        (Reply::body(503, "text/html", "<p>Loading model</p>"), |e| {
            matches!(e, ClientError::Status { code: 503, .. })
        }),
        (Reply::error(401, "no"), |e| matches!(e, ClientError::Unauthorized { code: 401, .. })),
        (Reply::error(403, "no"), |e| matches!(e, ClientError::Unauthorized { code: 403, .. })),
        (Reply::error(400, "This model's maximum context length is 8192 tokens"), |e| {
            matches!(e, ClientError::ContextTooLong { .. })
        }),
        (
            Reply::body(
                400,
                "application/json",
                r#"{"error":{"code":400,"message":"too big",
                "type":"exceed_context_size_error"}}"#,
            ),
            |e| matches!(e, ClientError::ContextTooLong { .. }),
        ),
    ];
    for (reply, is_expected) in cases {
        let (_, error) = failing(reply.clone(), PATIENT).await;
        assert!(is_expected(&error), "{reply:?} became {error:?}");
    }
}

#[tokio::test]
async fn a_long_refusal_is_cut() {
    let (_, error) = failing(Reply::error(500, &"long ".repeat(10_000)), PATIENT).await;
    assert!(error.to_string().chars().count() < 700, "{error}");
}

#[tokio::test]
async fn nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (_, error) = ask(&endpoint(&format!("http://127.0.0.1:{port}")), PATIENT).await;
    assert!(matches!(error, Some(ClientError::Connect { .. })), "{error:?}");
}

#[tokio::test]
async fn tls_with_somebody_who_speaks_none_is_no_connection() {
    let provider = Provider::start([Reply::answer("plain")]).unwrap();
    let address = provider.url().replace("http:", "https:");
    let (_, error) = ask(&endpoint(&address), PATIENT).await;
    // `Setup`: this machine has no certificates installed at all.
    let expected =
        |e: &ClientError| matches!(e, ClientError::Connect { .. } | ClientError::Setup { .. });
    assert!(error.as_ref().is_some_and(expected), "{error:?}");
    assert!(provider.chats().is_empty());
}

#[tokio::test]
async fn silence_before_the_answer_is_bounded() {
    let replies = [
        Reply::hang(),
        Reply::answer("late").delay(Duration::from_secs(60)),
        Reply::answer("never").stall_after(0),
        // The role alone is no answer yet.
        Reply::answer("never").stall_after(1),
    ];
    let started = Instant::now();
    for (text, error) in join_all(replies.map(|reply| failing(reply, HASTY))).await {
        let ClientError::Timeout { kind: DeadlineKind::FirstEvent, after, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!((text.as_str(), after), ("", HASTY.first_event));
    }
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn silence_in_the_answer_is_bounded() {
    let (text, error) = failing(Reply::answer("one two three").stall_after(3), HASTY).await;
    assert_eq!(text, "one two ");
    assert!(matches!(error, ClientError::Timeout { kind: DeadlineKind::Idle, .. }), "{error:?}");
}

#[tokio::test]
async fn a_cut_answer_is_never_a_clean_end() {
    let reply = || Reply::answer("one two three");
    for (reply, expected) in [
        (reply().cut_after(0), ""),
        (reply().cut_after(3), "one two "),
        (reply().end_after(0), ""),
        (reply().end_after(3), "one two "),
        (Reply::events(["[DONE]".to_owned()]), ""),
    ] {
        let (text, error) = failing(reply.clone(), PATIENT).await;
        assert_eq!(text, expected);
        assert!(matches!(error, ClientError::BrokenStream { .. }), "{reply:?} became {error:?}");
    }
}

#[tokio::test]
async fn an_error_in_the_stream_keeps_its_words() {
    let error = r#"{"error":{"code":429,"message":"upstream is full"}}"#;
    let (_, early) = failing(Reply::events([error.to_owned()]), PATIENT).await;
    assert!(matches!(early, ClientError::Status { code: 429, .. }), "{early:?}");

    let (text, late) =
        failing(Reply::answer("one two three").replace_event(2, error), PATIENT).await;
    assert_eq!(text, "one ");
    let ClientError::BrokenStream { message, .. } = &late else { panic!("{late:?}") };
    assert_eq!(message, "upstream is full");
}

#[tokio::test]
async fn what_is_not_the_protocol_is_shown_in_part() {
    let html = "<html>router login</html>";
    for (reply, excerpt) in [
        (Reply::answer("one two").replace_event(1, "{not json"), "{not json"),
        (Reply::body(200, "text/html", html), html),
        (Reply::body(200, "application/json", r#"{"status":"ok"}"#), r#"{"status":"ok"}"#),
    ] {
        let (_, error) = failing(reply, PATIENT).await;
        let ClientError::BadEvent { excerpt: shown, .. } = &error else { panic!("{error:?}") };
        assert_eq!(shown, excerpt);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Provider::start([Reply::answer("stolen")]).unwrap();
    let location = format!("{}/chat/completions", elsewhere.url());
    for status in [301, 302, 307, 308] {
        let reply = Reply::body(status, "text/plain", "").header("location", &location);
        let (_, error) = failing(reply, PATIENT).await;
        assert!(matches!(error, ClientError::Status { code, .. } if code == status), "{error:?}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn dropping_the_answer_ends_the_request() {
    let paced = Reply::answer(&"word ".repeat(1_000)).gap(Duration::from_millis(20));
    let provider = Provider::start([paced]).unwrap();
    let target = endpoint(&provider.url());
    let transport = HttpTransport::default();
    let mut stream = transport.chat(&target, &request(), PATIENT).await.unwrap().events;
    assert!(matches!(stream.next().await, Some(Ok(StreamEvent::Delta(_)))));
    drop(stream);
    assert!(client_left(&provider).await);
}

#[tokio::test]
async fn dropping_the_request_before_the_answer_ends_it_too() {
    let provider = Provider::start([Reply::hang()]).unwrap();
    let target = endpoint(&provider.url());
    let transport = HttpTransport::default();
    let asking = transport.chat(&target, &request(), PATIENT);
    let hurried = tokio::time::timeout(Duration::from_millis(300), asking).await;
    assert!(hurried.is_err(), "nothing answers");
    assert!(client_left(&provider).await);
}

async fn client_left(provider: &Provider) -> bool {
    for _ in 0..500 {
        if provider.chats().iter().any(|chat| chat.client_left.is_some()) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn what_lists_no_models_is_no_engine() {
    let deadline = Duration::from_secs(20);
    for body in [r#"{"status":"ok"}"#, "<html></html>", r#"{"object":"user","data":[]}"#, "[]"] {
        let reply = Reply::body(200, "application/json", body);
        let setup = Setup { models_reply: Some(reply), ..Setup::default() };
        let provider = Provider::start_with(setup, []).unwrap();
        let list =
            HttpTransport::default().fetch_models(&endpoint(&provider.url()), deadline).await;
        assert!(matches!(list, Err(ClientError::BadEvent { .. })), "{body} became {list:?}");
    }
    let empty = Reply::body(200, "application/json", r#"{"object":"list","data":null}"#);
    let setup = Setup { models_reply: Some(empty), ..Setup::default() };
    let provider = Provider::start_with(setup, []).unwrap();
    let list = HttpTransport::default().fetch_models(&endpoint(&provider.url()), deadline).await;
    assert!(list.unwrap().models.is_empty());
}
