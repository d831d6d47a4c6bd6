//! The whole gateway over HTTP, against scripted providers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::join_all;
use gateway::{Ask, AskError, Consent, Event, Gateway, GatewayConfig, Outcome, Task, Timeouts};
use gateway_client::HttpTransport;
use scripted_provider::{Provider, Reply, Setup};

use crate::{Told, endpoint, prompt, seconds};

fn gateway(providers: &[&Provider], timeouts: Timeouts) -> Gateway {
    let names = ["first", "second", "third"];
    let endpoints = names.iter().zip(providers).map(|(name, provider)| {
        let mut endpoint = endpoint(name, &provider.url(), "scripted");
        endpoint.api_key = Some("sk-right-0123456789".into());
        endpoint
    });
    let config =
        GatewayConfig { endpoints: endpoints.collect(), timeouts, ..GatewayConfig::default() };
    Gateway::new(config, Consent::default(), Arc::new(HttpTransport::default())).unwrap()
}

fn ask() -> Ask {
    Ask::new(Task::Debug, prompt())
}

async fn told(gateway: &Gateway) -> Told {
    Told::by(gateway.ask(ask())).await
}

fn provider(replies: impl IntoIterator<Item = Reply>) -> Provider {
    Provider::start(replies).unwrap()
}

#[tokio::test]
async fn a_429_costs_no_time_and_its_wait_is_kept() {
    let first = provider([
        Reply::error(429, "slow down").header("Retry-After", "3"),
        Reply::answer("from the first"),
    ]);
    let second = provider([Reply::answer("from the second")]);
    let gateway = gateway(&[&first, &second], Timeouts::default());

    let answered = told(&gateway).await;
    assert_eq!(answered.text, "from the second");
    let limited = Outcome::RateLimited { retry_after_ms: Some(3_000) };
    assert_eq!(answered.way(), [("first", &limited), ("second", &Outcome::Ok)]);
    let gap = second.chats()[0].at - first.chats()[0].at;
    assert!(gap < Duration::from_millis(500), "the switch took {gap:?}");

    // Asks keep coming; the first is left alone until its time is over.
    while first.chats().len() == 1 {
        assert!(first.chats()[0].at.elapsed() < seconds(20), "it is never asked again");
        let told = told(&gateway).await;
        let skipped = |outcome: &Outcome| matches!(outcome, Outcome::SkippedCooldown { .. });
        assert!(told.way()[0] == ("first", &Outcome::Ok) || skipped(told.way()[0].1));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let chats = first.chats();
    assert!(chats[1].at - chats[0].at >= seconds(3), "{:?}", chats[1].at - chats[0].at);
}

#[tokio::test]
async fn the_only_endpoint_is_asked_again_when_it_said() {
    let limited = || Reply::error(429, "slow down").header("retry-after-ms", "400");
    let only = provider([limited(), limited(), Reply::answer("at last")]);
    let answered = told(&gateway(&[&only], Timeouts::default())).await;
    assert_eq!(answered.text, "at last");
    let chats = only.chats();
    assert_eq!(chats.len(), 3);
    for pair in chats.windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_millis(400));
    }
}

#[tokio::test]
async fn whatever_the_first_does_the_second_answers() {
    let hasty = Timeouts { local_first_token_ms: 1_000, ..Timeouts::default() };
    let replies = [
        Reply::error(500, "oops"),
        Reply::error(503, "busy").header("retry-after", "9"),
        Reply::error(404, "no such model"),
        Reply::loading(),
        Reply::hang(),
        Reply::answer("late").delay(seconds(30)),
        Reply::answer("cut").cut_after(0),
        Reply::answer("cut").cut_after(1),
        Reply::answer("ended").end_after(1),
        Reply::answer("stalled").stall_after(1),
        Reply::body(200, "text/html", "<html>"),
        Reply::answer("broken").replace_event(1, "{"),
    ];
    let checks = replies.map(|reply| async move {
        let first = provider([reply.clone()]);
        let second = provider([Reply::answer("from the second")]);
        let answered = told(&gateway(&[&first, &second], hasty)).await;
        assert_eq!(answered.text, "from the second", "{reply:?} gave {:?}", answered.error);
        assert_eq!((first.chats().len(), second.chats().len()), (1, 1), "{reply:?}");
    });
    join_all(checks).await;
}

#[tokio::test]
async fn a_dead_endpoint_is_passed_over() {
    let dead = provider([]);
    let alive = provider([Reply::answer("alive")]);
    let gateway = gateway(&[&dead, &alive], Timeouts::default());
    drop(dead);
    let answered = told(&gateway).await;
    assert_eq!(answered.way(), [("first", &Outcome::ConnectError), ("second", &Outcome::Ok)]);
}

#[tokio::test]
async fn a_loading_engine_is_waited_for() {
    let engine = provider([Reply::loading(), Reply::loading(), Reply::answer("loaded")]);
    let answered = told(&gateway(&[&engine], Timeouts::default())).await;
    assert_eq!(answered.text, "loaded");
    assert_eq!(answered.way().len(), 2);
    assert!(answered.attempts[1].wait_ms >= 500);
}

#[tokio::test]
async fn a_wrong_key_is_told_and_kept_to_itself() {
    let setup = Setup { key: Some("sk-other".to_owned()), ..Setup::default() };
    let strict = Provider::start_with(setup, [Reply::answer("never")]).unwrap();
    let refused = told(&gateway(&[&strict], Timeouts::default())).await;
    let printed = format!("{refused:?} {}", refused.error.as_ref().unwrap());
    assert!(matches!(refused.error, Some(AskError::CredentialsRefused { .. })), "{printed}");
    assert!(!printed.contains("0123456789"), "{printed}");

    let open = provider([Reply::answer("open")]);
    let answered = told(&gateway(&[&strict, &open], Timeouts::default())).await;
    assert_eq!(answered.way(), [("first", &Outcome::Unauthorized), ("second", &Outcome::Ok)]);
}

#[tokio::test]
async fn a_cut_in_the_answer_is_told_and_nothing_comes_twice() {
    let hasty = Timeouts { idle_ms: 1_000, ..Timeouts::default() };
    let answer = || Reply::answer("one two three four");
    for reply in [
        answer().cut_after(3),
        answer().end_after(3),
        answer().stall_after(3),
        answer().replace_event(3, "{"),
    ] {
        let (first, second) = (provider([reply.clone()]), provider([Reply::answer("other")]));
        let broken = told(&gateway(&[&first, &second], hasty)).await;
        let Some(AskError::StreamBroken { partial, endpoint, .. }) = &broken.error else {
            panic!("{reply:?} gave {broken:?}")
        };
        assert_eq!((partial.as_str(), endpoint.as_str()), ("one two ", "first"));
        assert_eq!(broken.text, "one two ");
        assert!(second.chats().is_empty());
    }
}

#[tokio::test]
async fn dropping_the_ask_hangs_up() {
    let paced = Reply::answer(&"word ".repeat(1_000)).gap(Duration::from_millis(20));
    let slow = provider([paced]);
    let gateway = gateway(&[&slow], Timeouts::default());
    let mut events = gateway.ask(ask());
    while !matches!(events.next().await.unwrap().unwrap(), Event::Delta { .. }) {}
    drop(events);
    let dropped = Instant::now();
    while slow.chats()[0].client_left.is_none() {
        assert!(dropped.elapsed() < seconds(10), "the request goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whatever three providers do, every ask ends, with the whole text or with a
/// typed error, and what was told of the text is always its beginning.
#[tokio::test]
async fn no_answer_is_doubled_or_cut_in_silence() {
    const TEXT: &str = "one two three four five six";
    let answer = || Reply::answer(TEXT);
    let replies = [
        answer(),
        answer().cut_after(4),
        Reply::error(429, "slow down").header("retry-after-ms", "30"),
        answer().end_after(5),
        Reply::error(500, "oops"),
        answer().replace_event(3, "{"),
        Reply::loading(),
        answer().cut_after(1),
        answer().stall_after(6),
        Reply::hang(),
        answer().gap(Duration::from_millis(3)),
    ];
    let script = |stride: usize| {
        let order = (0..400).map(move |turn| turn * stride % 11);
        order.map(|index| replies[index].clone()).collect::<Vec<_>>()
    };
    let providers = [provider(script(1)), provider(script(3)), provider(script(7))];
    let hasty = Timeouts { local_first_token_ms: 150, idle_ms: 150, ..Timeouts::default() };
    let gateway = gateway(&providers.each_ref(), hasty);

    let asks = futures::stream::iter(0..120).map(|_| told(&gateway)).buffer_unordered(8);
    let (mut whole, mut broken) = (0, 0);
    for told in asks.collect::<Vec<_>>().await {
        match &told.error {
            None => {
                assert_eq!(told.text, TEXT);
                assert!(told.served_by().is_some());
                whole += 1;
            }
            Some(AskError::StreamBroken { partial, .. }) => {
                assert_eq!(partial, &told.text);
                assert!(TEXT.starts_with(partial.as_str()) && !partial.is_empty());
                broken += 1;
            }
            // All three may hang at once.
            Some(AskError::NoModel { .. }) => assert_eq!(told.text, ""),
            Some(other) => panic!("{other}: {:?}", told.attempts),
        }
    }
    assert!(whole > 10 && broken > 10, "{whole} whole, {broken} broken");
}

#[tokio::test]
async fn asks_at_once_share_what_is_known() {
    let first = provider([Reply::error(429, "slow down").header("Retry-After", "60")]);
    let second = provider([Reply::answer("from the second")]);
    let gateway = gateway(&[&first, &second], Timeouts::default());
    told(&gateway).await;
    let asks = (0..16).map(|_| {
        let gateway = gateway.clone();
        tokio::spawn(async move { told(&gateway).await.text })
    });
    for text in join_all(asks).await {
        assert_eq!(text.unwrap(), "from the second");
    }
    assert_eq!((first.chats().len(), second.chats().len()), (1, 17));
}
