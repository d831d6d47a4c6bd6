//! The JSON of events: others read it.

use gateway::{Attempt, Event, Outcome, Tier, WaitReason};
use gateway_client::{FinishReason, Usage};
use serde_json::{Value, json};

fn attempt(outcome: Outcome) -> Attempt {
    let (endpoint, model) = ("a".to_owned(), "m".to_owned());
    Attempt { endpoint, model, outcome, wait_ms: 0, took_ms: 7, detail: None }
}

#[test]
fn every_event_has_its_json() {
    let check = |event: Event, expected: Value| {
        assert_eq!(serde_json::to_value(event).unwrap(), expected);
    };
    check(
        Event::Attempt(attempt(Outcome::RateLimited { retry_after_ms: Some(3_000) })),
        json!({ "event": "attempt", "endpoint": "a", "model": "m", "outcome": "rate_limited",
            "retry_after_ms": 3_000, "wait_ms": 0, "took_ms": 7 }),
    );
    check(
        Event::Attempt(attempt(Outcome::SkippedCooldown { left_ms: 5 })),
        json!({ "event": "attempt", "endpoint": "a", "model": "m", "outcome": "skipped_cooldown",
            "left_ms": 5, "wait_ms": 0, "took_ms": 7 }),
    );
    check(
        Event::Wait {
            endpoint: "a".into(),
            model: "m".into(),
            wait_ms: 3,
            reason: WaitReason::Loading,
        },
        json!({ "event": "wait", "endpoint": "a", "model": "m", "wait_ms": 3, "reason": "loading" }),
    );
    check(Event::Delta { text: "x".into() }, json!({ "event": "delta", "text": "x" }));
    let usage = Usage { input_tokens: 1, output_tokens: 2, cached_input_tokens: None };
    check(Event::Usage(usage), json!({ "event": "usage", "input_tokens": 1, "output_tokens": 2 }));
    check(
        Event::Done {
            finish_reason: FinishReason::Other("odd".into()),
            endpoint: "a".into(),
            model: "m".into(),
            tier: Tier::Small,
        },
        json!({ "event": "done", "finish_reason": "odd", "endpoint": "a", "model": "m",
            "tier": "small" }),
    );
}

#[test]
fn outcomes_have_one_word_each() {
    let word = |outcome: Outcome| {
        serde_json::to_value(attempt(outcome)).unwrap()["outcome"].as_str().unwrap().to_owned()
    };
    let (ms, status) = (None, None);
    let words = [
        (Outcome::Ok, "ok"),
        (Outcome::ServerError { status, retry_after_ms: ms }, "server_error"),
        (Outcome::ConnectError, "connect_error"),
        (Outcome::Timeout { connecting: false }, "timeout"),
        (Outcome::Loading { retry_after_ms: ms }, "loading"),
        (Outcome::Unauthorized, "unauthorized"),
        (Outcome::ContextTooLong, "context_too_long"),
        (Outcome::Rejected { status: 404 }, "rejected"),
        (Outcome::BadResponse, "bad_response"),
        (Outcome::Unusable, "unusable"),
        (Outcome::NoConsent, "no_consent"),
    ];
    for (outcome, expected) in words {
        assert_eq!(word(outcome), expected);
    }
}
