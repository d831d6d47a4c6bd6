//! Several regions, rehearsed over real sockets with delays put in: who is asked,
//! counted where the requests arrive.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use gateway_server::Options;
use scripted_provider::{Provider, Reply};

use crate::{Gateway, chat_body};

/// How many times faster than ours the gateway's clock runs: what was measured
/// is old after three seconds of ours.
const PACE: u32 = 10;

/// So many of the last answers are looked at, and so many of them from one region
/// say that the traffic is there. Each of the two others is measured anew once in
/// 17 requests at most.
const LAST: usize = 16;
const SETTLED: usize = LAST - 2;

/// A machine that is busy may need so long for one step of the rehearsal.
const PATIENCE: Duration = Duration::from_secs(90);

/// The regions inside the fence, in the order of the table.
const REGIONS: [&str; 3] = ["eu-west", "eu-north", "eu-south"];

fn answer(delay_ms: u64) -> [Reply; 1] {
    [Reply::answer("It divides the clock.").delay(Duration::from_millis(delay_ms))]
}

fn config(inside: &[Provider; 3], outside: &Provider) -> String {
    let mut toml = format!(
        "[gateway]\nallow_remote = true\n[gateway.routing]\nstrategy = \"latency\"\nresidency = {REGIONS:?}\n"
    );
    let outside = std::iter::once(("us-east", outside));
    for (region, provider) in REGIONS.into_iter().zip(inside).chain(outside) {
        toml += &format!(
            "[[gateway.endpoints]]\nname = \"{region}\"\nregion = \"{region}\"\nurl = \"{}\"\nmodels = \"m\"\n",
            provider.url()
        );
    }
    toml
}

/// Asks until the traffic is at `region`, and gives how many answers came from
/// each region on the way.
fn settle(gateway: &Gateway, region: &str, what: &str) -> [usize; 3] {
    let begun = Instant::now();
    let (mut counts, mut last) = ([0; 3], VecDeque::new());
    while last.iter().filter(|by| *by == region).count() < SETTLED {
        let response = gateway.chat("m", true);
        assert_eq!((response.status, response.text().as_str()), (200, "It divides the clock."));
        let by = response.header("x-gateway-served-by").unwrap();
        counts[REGIONS.iter().position(|region| *region == by).unwrap()] += 1;
        last.push_back(by.to_owned());
        if last.len() > LAST {
            last.pop_front();
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not at {region} yet: {counts:?}");
    }
    eprintln!("| {what} | {region} | {} | {} | {} |", counts[0], counts[1], counts[2]);
    counts
}

#[test]
fn traffic_follows_the_fastest_region_inside_the_fence() {
    let [west, north, south] = [40, 200, 400].map(|ms| Provider::start(answer(ms)).unwrap());
    let outside = Provider::start(answer(0)).unwrap();
    let inside = [west, north, south];
    let config = config(&inside, &outside);
    let [west, north, south] = inside;
    let gateway = Gateway::start_with(&config, Options { pace: PACE, ..Options::default() });
    eprintln!(
        "| step | traffic settles at | eu-west | eu-north | eu-south |\n|---|---|---|---|---|"
    );

    let counts = settle(&gateway, "eu-west", "40, 200 and 400 ms");
    assert!(counts[1] >= 1 && counts[2] >= 1, "each was measured: {counts:?}");
    assert!(counts[1] + counts[2] < SETTLED, "{counts:?}");

    west.script(answer(1_000));
    let counts = settle(&gateway, "eu-north", "eu-west slows to 1,000 ms");
    assert!(counts[0] < SETTLED, "it moves before long: {counts:?}");

    let port = north.port();
    let before = north.posts().len();
    drop(north);
    settle(&gateway, "eu-south", "eu-north is killed");

    let north = Provider::start_at(port, answer(200)).unwrap();
    settle(&gateway, "eu-north", "eu-north is back");

    west.script(answer(40));
    settle(&gateway, "eu-west", "eu-west recovers to 40 ms");

    // Nobody is left inside: a plain no, and nothing goes out.
    let sums = [west.posts().len(), before + north.posts().len(), south.posts().len()];
    drop((west, north, south));
    let deadline = [("x-gateway-deadline-ms", "3000")];
    let body = chat_body("m", true).to_string();
    let refused = gateway.send("POST", "/v1/chat/completions", &deadline, &body);
    assert_eq!(refused.status, 503, "{}", refused.body);
    eprintln!("requests in all: {sums:?}, outside the fence {}", outside.requests().len());
    assert_eq!(outside.requests().len(), 0, "nothing ever leaves the fence");
}
