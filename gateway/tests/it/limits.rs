//! Limits: what is sent, what waits, and what headers and bodies say.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use gateway::Moment;
use gateway::config::Limits;
use gateway::limits::meter::Entry;
use gateway::limits::window::MINUTE;
use gateway::limits::{Free, Left, Meter, Observed};

use crate::policy::at;

fn meter(rpm: Option<u64>, tpm: Option<u64>, concurrency: Option<u64>) -> Meter {
    Meter::new(Limits { rpm, tpm, concurrency })
}

fn wall() -> SystemTime {
    // 2026-11-23T14:00:00Z
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_442_400)
}

fn observed(headers: &[(&str, &str)]) -> Observed {
    let headers: HashMap<_, _> = headers.iter().copied().collect();
    Observed::from_headers(|name| headers.get(name).copied(), wall())
}

#[test]
fn a_minute_holds_what_it_may_and_no_more() {
    let mut meter = meter(Some(3), None, None);
    for serial in 1..=3 {
        assert_eq!(meter.free(1, 1, at(0)), Free::Now);
        let mut entry = meter.reserve(serial, 1, 1, at(0));
        meter.arrived(&mut entry, at(serial * 100));
        meter.settle(entry, None, at(5_000));
    }
    // The minute begins when the request has arrived, not when it was sent.
    let first_leaves = at(100).after(MINUTE);
    assert_eq!(meter.free(1, 1, at(5_000)), Free::At(first_leaves));
    assert_eq!(meter.free(1, 1, first_leaves), Free::Now);
    meter.reserve(4, 1, 1, first_leaves);
    assert_eq!(meter.free(1, 1, first_leaves), Free::At(at(200).after(MINUTE)));
}

#[test]
fn tokens_are_reserved_as_estimated_and_settled_as_used() {
    let mut meter = meter(None, Some(1_000), None);
    let entry = meter.reserve(1, 300, 600, at(0));
    assert!(matches!(meter.free(100, 50, at(0)), Free::At(_)));
    meter.settle(entry, Some(400), at(100));
    assert_eq!(meter.used(at(100)), (1, 400));
    assert_eq!(meter.free(100, 500, at(100)), Free::Now);
    assert!(matches!(meter.free(100, 501, at(100)), Free::At(_)));
    // A bound on the answer beyond the limit is no obstacle in an empty minute.
    assert!(matches!(meter.free(1_000, 100_000, at(100)), Free::At(_)));
    assert_eq!(meter.free(1_000, 100_000, at(70_000)), Free::Now);
    assert_eq!(meter.free(1_001, 0, at(70_000)), Free::Never);
}

#[test]
fn what_was_never_sent_costs_nothing_and_what_was_refused_no_tokens() {
    for (counted, expected) in [(false, (0, 0)), (true, (1, 0))] {
        let mut meter = meter(Some(10), Some(100), Some(1));
        let entry = meter.reserve(1, 40, 40, at(0));
        assert_eq!(meter.free(1, 1, at(0)), Free::WhenSettled);
        meter.void(entry, counted, at(10));
        assert_eq!((meter.used(at(10)), meter.under_way()), (expected, 0));
        // The same once it is long past the way.
        let entry = meter.reserve(2, 40, 40, at(20));
        let later = meter.reserve(3, 1, 1, at(10_000));
        meter.void(entry, counted, at(10_001));
        meter.void(later, false, at(10_002));
        let (requests, tokens) = meter.used(at(10_003));
        assert_eq!((requests, tokens), (expected.0 * 2, 0));
    }
}

#[test]
fn headers_of_each_kind_are_read() {
    let left = |limit: u64, remaining: u64, reset_ms: u64| {
        let reset = Some(Duration::from_millis(reset_ms));
        Some(Left { limit: Some(limit), remaining: Some(remaining), reset })
    };
    let openai = observed(&[
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-requests", "1s"),
        ("x-ratelimit-limit-tokens", "150000"),
        ("x-ratelimit-remaining-tokens", "149984"),
        ("x-ratelimit-reset-tokens", "6m0.5s"),
    ]);
    assert_eq!(
        (openai.requests, openai.tokens),
        (left(60, 59, 1_000), left(150_000, 149_984, 360_500))
    );
    let anthropic = observed(&[
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-11-23T14:00:30Z"),
        ("anthropic-ratelimit-tokens-limit", "1000"),
        ("anthropic-ratelimit-tokens-remaining", "900"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-23T15:00:05+01:00"),
        ("anthropic-ratelimit-input-tokens-limit", "500"),
        ("anthropic-ratelimit-input-tokens-remaining", "400"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-11-23T13:59:00.5Z"),
    ]);
    assert_eq!((anthropic.requests, anthropic.tokens), (left(50, 0, 30_000), left(500, 400, 0)));
    let openrouter = observed(&[
        ("x-ratelimit-limit", "20"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1795442412000"),
    ]);
    assert_eq!((openrouter.requests, openrouter.tokens), (left(20, 0, 12_000), None));
    assert_eq!(observed(&[("x-ratelimit-remaining-requests", "lots")]), Observed::none());
    assert_eq!(observed(&[]), Observed::none());
}

#[test]
fn bodies_name_waits_in_words_and_in_retry_info() {
    let cases: [(&str, Option<u64>); 12] = [
        (r#"{"error":{"message":"Try again in 0.6s.","type":"limit"}}"#, Some(600)),
        (
            r#"{"error":{"message":"Rate limit reached. Please try again in 1.5s. Visit"}}"#,
            Some(1_500),
        ),
        (r#"{"error":{"message":"Please try again in 20ms."}}"#, Some(20)),
        (r#"{"error":{"message":"Please try again in 6m0s."}}"#, Some(360_000)),
        (r#"{"message":"Please retry after 4 seconds"}"#, Some(4_000)),
        (r#"{"message":"try again in 2 minutes"}"#, Some(120_000)),
        (r#"{"error":{"details":[{"@type":"x"},{"retryDelay":"37s"}]}}"#, Some(37_000)),
        (r#"[{"error":{"details":[{"retryDelay":"1.25s"}]}}]"#, Some(1_250)),
        ("slow down, retry in 3s", Some(3_000)),
        ("try again in a while", None),
        ("try again in ", None),
        ("{}", None),
    ];
    for (body, expected) in cases {
        let wait = Observed::none().with_body(body.as_bytes()).in_body;
        assert_eq!(wait.map(|wait| wait.as_millis()), expected.map(u128::from), "{body}");
    }
}

#[test]
fn what_an_endpoint_says_is_left_is_not_overdrawn() {
    let said = |remaining: &str, reset: &str| {
        observed(&[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", remaining),
            ("x-ratelimit-reset-requests", reset),
        ])
    };
    // A window: nothing more until it jumps.
    let mut window = meter(None, None, None);
    window.observe(&said("2", "20s"), at(0));
    window.reserve(1, 1, 1, at(1));
    assert_eq!(window.free(1, 1, at(1)), Free::Now);
    window.reserve(2, 1, 1, at(2));
    assert_eq!(window.free(1, 1, at(3)), Free::At(at(20_000)));
    assert_eq!(window.free(1, 1, at(20_000)), Free::Now);
    // A bucket of one a second, 30 of 60 missing: half a minute to full.
    let mut bucket = meter(None, None, None);
    bucket.observe(&said("30", "30s"), at(0));
    for serial in 1..=30 {
        assert_eq!(bucket.free(1, 1, at(0)), Free::Now);
        bucket.reserve(serial, 1, 1, at(0));
    }
    assert_eq!(bucket.free(1, 1, at(0)), Free::At(at(1_000)));
    assert_eq!(bucket.left(at(5_000)).0, Some(5));
    // What was said a minute ago, or is not said any more, binds nobody.
    assert_eq!(bucket.free(1, 1, at(60_000)), Free::Now);
    bucket.observe(&said("0", "30s"), at(60_000));
    assert!(matches!(bucket.free(1, 1, at(60_001)), Free::At(_)));
    bucket.observe_all(&Observed::none(), at(60_002));
    assert_eq!(bucket.free(1, 1, at(60_002)), Free::Now);
    // What is on its way may not be counted in the figure yet.
    let mut busy = meter(None, None, None);
    busy.reserve(1, 1, 1, at(0));
    busy.observe(&said("1", "20s"), at(5));
    assert_eq!(busy.free(1, 1, at(5)), Free::At(at(20_005)));
}

/// Whatever is reserved, settled and voided in whatever order, no minute
/// holds more than the limit and nothing goes below zero.
#[test]
fn no_minute_is_ever_overdrawn() {
    let (rpm, tpm) = (20, 5_000);
    for seed in 1..200_u64 {
        let mut lots = Lots(seed);
        let mut meter = meter(Some(rpm), Some(tpm), Some(5));
        let mut open: Vec<Entry> = Vec::new();
        let mut sent: Vec<(Moment, u64)> = Vec::new();
        let (mut now, mut serial) = (0, 0);
        for _ in 0..400 {
            now += lots.below(900);
            let (input, output) = (lots.below(400), lots.below(300));
            if meter.free(input, output, at(now)) == Free::Now {
                serial += 1;
                open.push(meter.reserve(serial, input, output, at(now)));
                sent.push((at(now), input + output));
                assert!(open.len() <= 5);
            }
            if !open.is_empty() && lots.below(2) == 0 {
                let place = lots.below(open.len() as u64) as usize;
                let entry = open.swap_remove(place);
                // Never more than was reserved: what was sent bounds what was used.
                meter.settle(entry, None, at(now));
            }
            let minute: Vec<_> =
                sent.iter().filter(|(s, _)| at(now).since(*s).as_secs() < 60).collect();
            assert!(minute.len() as u64 <= rpm, "seed {seed}: {} requests", minute.len());
            let tokens: u64 = minute.iter().map(|(_, tokens)| tokens).sum();
            assert!(tokens <= tpm, "seed {seed}: {tokens} tokens");
            assert_eq!(meter.under_way(), open.len() as u64);
        }
    }
}

/// A generator for tests (splitmix64).
pub(crate) struct Lots(pub(crate) u64);

impl Lots {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
