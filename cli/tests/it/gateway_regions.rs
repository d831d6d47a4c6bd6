//! Three regions, each a process of its own, one of which is killed (SIGKILL) in
//! the middle of an answer and comes back: `silk gateway serve` before three
//! others, each before an engine with a delay put in.

use std::collections::VecDeque;
use std::io::Read;
use std::time::{Duration, Instant};

use scripted_provider::{Provider, Reply};

use crate::gateway_process::{Gateway, text_of};
use crate::silk::Silk;

const KEY: &str = "sk-front";
const REGION_KEY: &str = "sk-region";
const TEXT: &str = "It divides the clock of the peripheral by the value that it holds.";

/// So many of the last answers are looked at, and so many of them from one region
/// say that the traffic is there.
const LAST: usize = 16;
const SETTLED: usize = LAST - 2;

/// A machine that is busy may need so long for one step.
const PATIENCE: Duration = Duration::from_secs(90);

/// With the time until an answer begins, in milliseconds. The one between the
/// others is killed.
const REGIONS: [(&str, u64); 3] = [("eu-west", 400), ("eu-north", 20), ("eu-south", 150)];

struct Region {
    name: &'static str,
    silk: Silk,
    engine: Provider,
    gateway: Option<Gateway>,
}

impl Region {
    fn start((name, delay_ms): (&'static str, u64)) -> Self {
        let reply = Reply::answer(TEXT).delay(Duration::from_millis(delay_ms));
        let engine = Provider::start([reply.gap(Duration::from_millis(4))]).unwrap();
        let silk = Silk::new();
        silk.write("region.yaml", format!(
            "model_list:\n  - model_name: m\n    litellm_params: {{ model: openai/up, api_base: \"{}\", api_key: k }}\ngeneral_settings:\n  master_key: {REGION_KEY}\n",
            engine.url()
        ));
        let gateway = Some(Gateway::start(&silk, "region.yaml", &[]));
        Self { name, silk, engine, gateway }
    }

    fn url(&self) -> String {
        self.gateway.as_ref().unwrap().url()
    }

    /// Gives the address where it was.
    fn kill(&mut self) -> String {
        self.gateway.take().unwrap().kill()
    }

    fn bring_back(&mut self, address: &str) {
        self.gateway = Some(Gateway::start_at(&self.silk, "region.yaml", address, &[]));
    }
}

fn config(regions: &[Region; 3], outside: &Provider) -> String {
    let names: Vec<&str> = regions.iter().map(|region| region.name).collect();
    let mut toml = format!(
        "[gateway]\nallow_remote = true\n[gateway.server]\nmaster_key = \"{KEY}\"\n[gateway.routing]\nstrategy = \"latency\"\ncooldown_ms = 500\nresidency = {names:?}\n"
    );
    let inside = regions.iter().map(|region| (region.name, region.url()));
    for (name, url) in inside.chain([("us-east", outside.url())]) {
        toml += &format!(
            "[[gateway.endpoints]]\nname = \"{name}\"\nregion = \"{name}\"\nurl = \"{url}\"\napi_key = \"{REGION_KEY}\"\nmodels = \"m\"\n"
        );
    }
    toml
}

/// Asks until the traffic is at `region`; every answer on the way is whole.
fn settle(front: &Gateway, region: &str, what: &str) {
    let (begun, mut last) = (Instant::now(), VecDeque::new());
    while last.iter().filter(|by| *by == region).count() < SETTLED {
        let answer = front.ask(KEY, "m");
        assert_eq!((answer.status, answer.text().as_str()), (200, TEXT), "{what}");
        last.push_back(answer.served_by().to_owned());
        if last.len() > LAST {
            last.pop_front();
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not at {region} yet: {last:?}");
    }
}

#[test]
fn a_region_that_is_killed_in_mid_answer_costs_nobody_a_word() {
    let mut regions = REGIONS.map(Region::start);
    let outside = Provider::start([Reply::answer("Outside.")]).unwrap();
    let silk = Silk::new();
    silk.write("front.toml", config(&regions, &outside));
    let front = Gateway::start(&silk, "front.toml", &[]);
    settle(&front, "eu-north", "20 ms is the fastest");

    let mut stream = front.begin(KEY, "m");
    let mut heard = Vec::new();
    while heard.windows(11).filter(|part| part == b"\"content\":\"").count() < 3 {
        let mut some = [0; 512];
        let count = stream.read(&mut some).unwrap();
        assert!(count > 0, "it ended early: {}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&some[..count]);
    }
    let address = regions[1].kill();
    stream.read_to_end(&mut heard).unwrap();
    let whole = text_of(std::str::from_utf8(&heard).unwrap());
    assert_eq!(whole, TEXT, "once, and whole");
    let metrics = front.get(KEY, "/metrics");
    assert!(metrics.contains("silk_gateway_resumed_streams_total 1"), "{metrics}");
    settle(&front, "eu-south", "eu-north is killed");

    regions[1].bring_back(&address);
    settle(&front, "eu-north", "eu-north is back");
    let asked = regions.each_ref().map(|region| region.engine.posts().len());
    eprintln!("requests in all: {asked:?}, outside the fence {}", outside.requests().len());
    assert_eq!(outside.requests().len(), 0, "nothing ever leaves the fence");
}
