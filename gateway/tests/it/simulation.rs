//! Whole days in virtual time: endpoints that refuse what is too much, users
//! that ask for more than there is, and everything else that may go wrong.

use std::collections::{BTreeMap, VecDeque};

use gateway::config::Class;
use gateway::policy::{Need, Observed, Policy, RequestId, Shape, Step, Try};
use gateway::{Outcome, Task};
use gateway_client::Usage;

use crate::limits::Lots;
use crate::policy::{at, policy};

/// An endpoint of at most so many requests in any minute.
struct Upstream {
    rpm: usize,
    arrived: VecDeque<u64>,
    refused: usize,
}

impl Upstream {
    fn new(rpm: usize) -> Self {
        Self { rpm, arrived: VecDeque::new(), refused: 0 }
    }

    /// A request arrives; false: it is refused.
    fn takes(&mut self, ms: u64) -> bool {
        while self.arrived.front().is_some_and(|first| first + 60_000 <= ms) {
            self.arrived.pop_front();
        }
        let room = self.arrived.len() < self.rpm;
        self.refused += usize::from(!room);
        if room {
            self.arrived.push_back(ms);
        }
        room
    }
}

/// What happens next, by its time.
#[derive(Debug)]
enum Event {
    Asks { user: &'static str, class: Class, tokens: u64 },
    Arrives(RequestId, Try),
    Answered(RequestId, Try, bool),
    Ended(RequestId, Try),
    Leaves(RequestId),
    Timer,
}

/// The policy between clients and endpoints, with time made up.
struct World {
    policy: Policy,
    upstreams: Vec<Upstream>,
    events: BTreeMap<(u64, u64), Event>,
    count: u64,
    lots: Lots,
    deadline_ms: u64,
    /// How long an answer takes.
    serves_ms: u64,
    /// Of a hundred requests, those that fail, break off, and whose client goes.
    trouble: u64,
    users: BTreeMap<RequestId, (&'static str, Class, u64)>,
    /// Who was served, when it asked and when its answer began.
    served: Vec<(&'static str, Class, u64, u64)>,
    given_up: usize,
    asked: usize,
}

impl World {
    fn new(toml: &str, upstreams: Vec<Upstream>) -> Self {
        Self {
            policy: policy(toml),
            upstreams,
            events: BTreeMap::new(),
            count: 0,
            lots: Lots(1),
            deadline_ms: 600_000,
            serves_ms: 400,
            trouble: 0,
            users: BTreeMap::new(),
            served: Vec::new(),
            given_up: 0,
            asked: 0,
        }
    }

    fn at(&mut self, ms: u64, event: Event) {
        self.count += 1;
        self.events.insert((ms, self.count), event);
    }

    /// Runs until nothing is left to happen, or `until`.
    fn run(&mut self, until: u64) {
        while let Some(((ms, _), event)) = self.events.pop_first() {
            if ms > until {
                return;
            }
            self.happens(ms, event);
            let mut woken = Vec::new();
            self.policy.wake(at(ms), &mut woken);
            for id in woken {
                self.step(ms, id);
            }
            if let Some(next) = self.policy.next_wake() {
                let next = u64::try_from(next.since(at(0)).as_nanos().div_ceil(1_000_000)).unwrap();
                let known = self.events.range((next, 0)..(next, u64::MAX));
                if next > ms && !known.map(|(_, e)| e).any(|e| matches!(e, Event::Timer)) {
                    self.at(next, Event::Timer);
                }
            }
        }
    }

    fn happens(&mut self, ms: u64, event: Event) {
        match event {
            Event::Asks { user, class, tokens } => {
                self.asked += 1;
                let shape = Shape {
                    prompt_tokens: tokens,
                    max_output_tokens: Some(tokens),
                    ..Shape::default()
                };
                let deadline = at(ms + self.deadline_ms);
                let need =
                    Need { user, class, shape, task: Some(Task::Edit), ..Need::new(deadline) };
                match self.policy.admit(&need, at(ms)) {
                    Ok(id) => {
                        self.users.insert(id, (user, class, ms));
                        self.step(ms, id);
                        if self.lots.below(100) < self.trouble / 4 {
                            let after = self.lots.below(5_000);
                            self.at(ms + after, Event::Leaves(id));
                        }
                    }
                    Err(_) => self.given_up += 1,
                }
            }
            Event::Arrives(id, attempt) => {
                let taken = self.upstreams[attempt.deployment.index].takes(ms);
                let back = ms + 1 + self.lots.below(30);
                self.at(back, Event::Answered(id, attempt, taken));
            }
            Event::Answered(id, attempt, taken) => self.answered(ms, id, attempt, taken),
            Event::Ended(id, attempt) => {
                if self.lots.below(100) < self.trouble / 4 {
                    self.policy.broken(attempt.reservation, None, at(ms));
                    return self.step(ms, id);
                }
                let usage =
                    Usage { input_tokens: 10, output_tokens: 10, cached_input_tokens: None };
                self.policy.settle(attempt.reservation, Some(&usage), at(ms));
                self.policy.finish(id, at(ms));
                self.users.remove(&id);
            }
            Event::Leaves(id) => {
                self.policy.finish(id, at(ms));
                self.users.remove(&id);
            }
            Event::Timer => {}
        }
    }

    fn answered(&mut self, ms: u64, id: RequestId, attempt: Try, taken: bool) {
        let outcome = match (taken, self.lots.below(100) < self.trouble) {
            (false, _) => {
                Outcome::RateLimited { retry_after_ms: Some(1_000 + self.lots.below(3_000)) }
            }
            (true, true) => match self.lots.below(4) {
                0 => Outcome::ServerError { status: Some(500), retry_after_ms: None },
                1 => Outcome::ConnectError,
                2 => Outcome::Timeout { connecting: false },
                _ => Outcome::RateLimited { retry_after_ms: None },
            },
            (true, false) => Outcome::Ok,
        };
        self.policy.record(attempt.reservation, &outcome, &Observed::none(), at(ms));
        if outcome == Outcome::ConnectError {
            // It never arrived.
            self.upstreams[attempt.deployment.index].arrived.pop_back();
        }
        if outcome != Outcome::Ok {
            return self.step(ms, id);
        }
        if let Some((user, class, asked)) = self.users.get(&id) {
            self.served.push((user, *class, *asked, ms));
        }
        let ends = ms + self.serves_ms;
        self.at(ends, Event::Ended(id, attempt));
    }

    fn step(&mut self, ms: u64, id: RequestId) {
        match self.policy.next(id, at(ms)) {
            Step::Try(attempt) => {
                let arrives = ms + 1 + self.lots.below(20);
                self.at(arrives, Event::Arrives(id, attempt));
            }
            Step::Wait { .. } => {}
            Step::GiveUp(_) => self.given_up += usize::from(self.users.remove(&id).is_some()),
        }
    }
}

const SIXTY_EACH: &str = r#"
    [[endpoints]]
    name = "a"
    url = "http://127.0.0.1:1"
    models = "m"
    facts = { limits = { rpm = 60 } }
    [[endpoints]]
    name = "b"
    url = "http://127.0.0.1:2"
    models = "m"
    facts = { limits = { rpm = 60 } }
"#;

#[test]
fn two_endpoints_of_sixty_serve_a_hundred_and_fifty_without_a_refusal_in_the_least_time() {
    for strategy in ["ordered", "shuffle", "least-busy", "usage", "latency"] {
        let toml = format!("{SIXTY_EACH}\n[routing]\nstrategy = '{strategy}'");
        let mut world = World::new(&toml, vec![Upstream::new(60), Upstream::new(60)]);
        for _ in 0..150 {
            world.at(0, Event::Asks { user: "one", class: Class::Interactive, tokens: 10 });
        }
        world.run(u64::MAX);
        assert_eq!((world.served.len(), world.given_up), (150, 0), "{strategy}");
        assert!(world.upstreams.iter().all(|upstream| upstream.refused == 0), "{strategy}");
        // 120 at once, and the rest as soon as the first minute is over.
        let (last, optimum) = (world.served.iter().map(|(.., ms)| *ms).max().unwrap(), 60_000);
        assert!(last <= optimum * 110 / 100, "{strategy}: {last} ms");
        println!("{strategy}: last of 150 after {last} ms, optimum {optimum}");
    }
}

#[test]
fn three_users_with_unequal_load_get_equal_shares() {
    // Each endpoint serves one request a second; in five minutes 600 get
    // through, and each user asks for more than its third of them.
    let mut world = World::new(SIXTY_EACH, vec![Upstream::new(60), Upstream::new(60)]);
    for (user, every_ms) in [("light", 1_200), ("busy", 300), ("greedy", 75)] {
        for n in 0..300_000 / every_ms {
            world.at(n * every_ms, Event::Asks { user, class: Class::Interactive, tokens: 100 });
        }
    }
    // The greedy one's 4,000 must be let wait.
    world.deadline_ms = 100_000;
    world.run(300_000);
    // Without the first minute, in which there is room before there is a queue.
    let count = |user: &str| {
        world.served.iter().filter(|(u, .., ms)| *u == user && *ms > 60_000).count() as f64
    };
    let shares = ["light", "busy", "greedy"].map(count);
    let mean = shares.iter().sum::<f64>() / 3.0;
    println!("served: {shares:?}");
    assert!(shares.iter().all(|share| (share - mean).abs() <= mean * 0.1), "{shares:?}");
    assert!(world.upstreams.iter().all(|upstream| upstream.refused == 0));
}

#[test]
fn no_class_starves_and_the_urgent_go_first() {
    let toml = "[[endpoints]]\nname = 'a'\nurl = 'http://127.0.0.1:1'\nmodels = 'm'\nfacts = { limits = { concurrency = 4 } }\n[server]\nqueue = 100000\nqueue_per_user = 100000";
    let mut world = World::new(toml, vec![Upstream::new(usize::MAX)]);
    world.deadline_ms = 3_600_000;
    // Ten a second are served; thirty a second are asked for.
    for n in 0..3_000 {
        for (user, class) in [("p", Class::Interactive), ("q", Class::Agent), ("r", Class::Batch)] {
            world.at(n * 100, Event::Asks { user, class, tokens: 10 });
        }
    }
    world.run(300_000);
    let served = |class| world.served.iter().filter(|(_, c, ..)| *c == class).count() as f64;
    let all = world.served.len() as f64;
    let [urgent, agent, batch] = Class::ALL.map(|class| served(class) / all);
    println!("of {all}: interactive {urgent:.3}, agent {agent:.3}, batch {batch:.3}");
    assert!((urgent - 12.0 / 16.0).abs() < 0.02 && (agent - 3.0 / 16.0).abs() < 0.02);
    assert!((batch - 1.0 / 16.0).abs() < 0.01);
    // Never long without one of the batch.
    let times: Vec<u64> =
        world.served.iter().filter(|(_, c, ..)| *c == Class::Batch).map(|(.., ms)| *ms).collect();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest < 4_000, "{longest} ms without one");
}

/// Random trouble of every kind: everything ends, nothing is left behind, and
/// no endpoint is sent more than it takes.
#[test]
fn whatever_happens_every_request_ends_and_nothing_is_left_behind() {
    for seed in 1..40 {
        let concurrency = "[[endpoints]]\nname = 'c'\nurl = 'http://127.0.0.1:3'\nmodels = 'm'\nfacts = { limits = { concurrency = 2, tpm = 4000 } }\n";
        let routing = "[routing]\nstrategy = 'shuffle'\nallowed_fails = 2\ncooldown_ms = 3000\n";
        let toml = format!("{SIXTY_EACH}{concurrency}{routing}");
        let mut world =
            World::new(&toml, vec![Upstream::new(60), Upstream::new(60), Upstream::new(1_000_000)]);
        (world.lots, world.trouble, world.deadline_ms) = (Lots(seed), 8 + seed, 90_000);
        for n in 0..600 {
            let class = Class::ALL[world.lots.below(3) as usize];
            let user = ["x", "y", "z", ""][world.lots.below(4) as usize];
            let tokens = world.lots.below(1_000);
            let ms = n * 100 + world.lots.below(300);
            world.at(ms, Event::Asks { user, class, tokens });
        }
        world.run(u64::MAX);
        let status = world.policy.status(at(10_000_000));
        assert_eq!(world.asked, 600);
        assert_eq!((status.requests, status.waiting), (0, [0; 3]), "seed {seed}");
        assert!(status.deployments.iter().all(|d| d.under_way == 0), "seed {seed}: {status:?}");
        assert!(world.users.is_empty(), "seed {seed}");
        assert!(world.upstreams.iter().all(|upstream| upstream.refused == 0), "seed {seed}");
        assert!(world.served.len() > 150, "seed {seed}: {}", world.served.len());
    }
}
