//! The rules with a made-up clock: no transport, no driver.

use std::time::Duration;

use gateway::ladder::{GiveUp, Ladder, Step};
use gateway::ledger::Ledger;
use gateway::{Moment, Outcome, Route, Tier, WaitReason};

use crate::seconds;

fn at(ms: u64) -> Moment {
    Moment::at(Duration::from_millis(ms))
}

/// Routes to models of endpoints, by the endpoints' numbers.
fn routes(endpoints: &[usize]) -> Vec<Route> {
    let route = |(place, endpoint): (usize, &usize)| Route {
        endpoint_index: *endpoint,
        endpoint: format!("e{endpoint}"),
        model: format!("m{place}"),
        tier: Tier::Large,
        deployment: None,
        rank: 0,
        for_long: false,
    };
    endpoints.iter().enumerate().map(route).collect()
}

struct Game {
    ladder: Ladder,
    ledger: Ledger,
}

impl Game {
    /// One ask with a deadline of a minute, begun at zero.
    fn new(endpoints: &[usize]) -> Self {
        Self { ladder: ladder(endpoints), ledger: Ledger::new(4) }
    }

    fn next(&mut self, ms: u64) -> Step {
        self.ladder.next(&self.ledger, at(ms))
    }

    /// The next step must be to try `rung`; it then goes like this.
    fn plays(&mut self, ms: u64, rung: usize, outcome: &Outcome) {
        assert_eq!(self.next(ms), Step::Try { rung }, "at {ms} ms");
        self.ladder.record(&mut self.ledger, rung, outcome, at(ms));
    }

    fn another_ask(&mut self, endpoints: &[usize]) {
        self.ladder = ladder(endpoints);
    }
}

fn ladder(endpoints: &[usize]) -> Ladder {
    Ladder::new(routes(endpoints), Moment::at(seconds(60)), |_| true)
}

fn limited(ms: impl Into<Option<u64>>) -> Outcome {
    Outcome::RateLimited { retry_after_ms: ms.into() }
}

const SERVER_ERROR: Outcome = Outcome::ServerError { status: Some(500), retry_after_ms: None };
const LOADING: Outcome = Outcome::Loading { retry_after_ms: None };
const TIMEOUT: Outcome = Outcome::Timeout { connecting: false };

fn no_model(wait_until: impl Into<Option<u64>>) -> Step {
    Step::GiveUp(GiveUp::NoModel { wait_until: wait_until.into().map(at) })
}

#[test]
fn whatever_fails_the_next_is_tried_at_once() {
    let failures = [
        limited(3_000),
        limited(None),
        SERVER_ERROR,
        LOADING,
        TIMEOUT,
        Outcome::ConnectError,
        Outcome::Timeout { connecting: true },
        Outcome::Unauthorized,
        Outcome::Unusable,
        Outcome::ContextTooLong,
        Outcome::Rejected { status: 404 },
        Outcome::BadResponse,
    ];
    for failure in failures {
        let mut game = Game::new(&[0, 1]);
        game.plays(0, 0, &failure);
        game.plays(0, 1, &Outcome::Ok);
    }
}

#[test]
fn a_rate_limit_is_kept_across_asks_to_the_millisecond() {
    let mut game = Game::new(&[0, 1]);
    game.plays(0, 0, &limited(3_000));
    game.plays(0, 1, &Outcome::Ok);
    for ms in [1, 1_500, 2_999] {
        game.another_ask(&[0, 1]);
        let left = Duration::from_millis(3_000 - ms);
        assert_eq!(game.next(ms), Step::Skip { rung: 0, left });
        game.plays(ms, 1, &Outcome::Ok);
    }
    game.another_ask(&[0, 1]);
    game.plays(3_000, 0, &Outcome::Ok);
}

#[test]
fn the_longer_of_two_waits_holds() {
    let mut game = Game::new(&[0]);
    game.plays(0, 0, &limited(5_000));
    game.ledger.record(0, &limited(1_000), at(10));
    assert_eq!(game.ledger.not_before(0, at(10)), Some(at(5_000)));
}

#[test]
fn alone_it_is_waited_for_and_asked_again() {
    let mut game = Game::new(&[0]);
    game.plays(0, 0, &limited(1_000));
    let reason = WaitReason::RateLimited;
    assert_eq!(game.next(0), Step::Wait { rung: 0, until: at(1_000), reason });
    game.plays(1_000, 0, &limited(1_000));
    assert_eq!(game.next(1_000), Step::Wait { rung: 0, until: at(2_000), reason });
    game.plays(2_000, 0, &Outcome::Ok);
}

#[test]
fn a_wait_beyond_the_deadline_is_told_not_waited() {
    let mut game = Game::new(&[0, 1]);
    game.plays(0, 0, &limited(90_000));
    game.plays(0, 1, &limited(70_000));
    assert_eq!(game.next(0), no_model(70_000));
}

#[test]
fn a_limit_without_a_time_backs_off() {
    let mut game = Game::new(&[0]);
    let mut now = 0;
    for wait in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000] {
        game.plays(now, 0, &limited(None));
        let until = at(now + wait);
        assert_eq!(game.next(now), Step::Wait { rung: 0, until, reason: WaitReason::RateLimited });
        now += wait;
    }
}

#[test]
fn an_endpoint_that_says_zero_each_time_is_no_busy_loop() {
    let mut game = Game::new(&[0]);
    game.plays(0, 0, &limited(0));
    game.plays(0, 0, &limited(0));
    assert!(matches!(game.next(0), Step::Wait { until, .. } if until == at(500)));
}

#[test]
fn a_limit_closes_every_model_of_its_endpoint() {
    let mut game = Game::new(&[0, 0, 1]);
    game.plays(0, 0, &limited(3_000));
    game.plays(0, 2, &Outcome::Ok);
}

#[test]
fn a_loading_model_is_waited_for_as_long_as_it_takes() {
    let mut game = Game::new(&[0]);
    for round in 0..100 {
        let now = round * 250;
        game.plays(now, 0, &LOADING);
        let until = at(now + 250);
        assert_eq!(game.next(now), Step::Wait { rung: 0, until, reason: WaitReason::Loading });
    }
    game.plays(25_000, 0, &Outcome::Ok);
}

#[test]
fn a_failing_server_is_tried_three_times() {
    let mut game = Game::new(&[0]);
    game.plays(0, 0, &SERVER_ERROR);
    assert!(matches!(game.next(0), Step::Wait { until, .. } if until == at(500)));
    game.plays(500, 0, &SERVER_ERROR);
    assert!(matches!(game.next(500), Step::Wait { until, .. } if until == at(2_500)));
    game.plays(2_500, 0, &SERVER_ERROR);
    assert_eq!(game.next(2_500), no_model(None));
}

#[test]
fn a_failing_server_that_says_when_is_left_alone_until_then() {
    let mut game = Game::new(&[0]);
    let busy = Outcome::ServerError { status: Some(503), retry_after_ms: Some(7_000) };
    game.plays(0, 0, &busy);
    assert!(matches!(game.next(0), Step::Wait { until, .. } if until == at(7_000)));
}

#[test]
fn who_failed_lately_is_asked_last_and_not_never() {
    for failure in [SERVER_ERROR, TIMEOUT, Outcome::ConnectError, Outcome::BadResponse] {
        let mut game = Game::new(&[0, 1]);
        game.plays(0, 0, &failure);
        game.plays(0, 1, &Outcome::Ok);
        game.another_ask(&[0, 1]);
        game.plays(1_000, 1, &Outcome::BadResponse);
        game.plays(1_000, 0, &Outcome::Ok);
        // Having answered, it is trusted again.
        game.another_ask(&[0, 1]);
        assert_eq!(game.next(2_000), Step::Try { rung: 0 });
    }
}

#[test]
fn a_failure_is_forgotten_after_half_a_minute() {
    let mut game = Game::new(&[0, 1]);
    game.plays(0, 0, &TIMEOUT);
    game.another_ask(&[0, 1]);
    assert_eq!(game.next(29_999), Step::Try { rung: 1 });
    assert_eq!(game.next(30_000), Step::Try { rung: 0 });
}

#[test]
fn what_cannot_help_is_not_tried_again() {
    for (failure, whole_endpoint) in [
        (Outcome::ConnectError, true),
        (Outcome::Unauthorized, true),
        (Outcome::Timeout { connecting: true }, true),
        (TIMEOUT, false),
        (Outcome::Rejected { status: 404 }, false),
        (Outcome::ContextTooLong, false),
    ] {
        let mut game = Game::new(&[0, 0]);
        game.plays(0, 0, &failure);
        let next = game.next(0);
        assert_eq!(next != Step::Try { rung: 1 }, whole_endpoint, "{failure:?}: {next:?}");
    }
}

#[test]
fn giving_up_says_what_the_caller_can_do_most_about() {
    let given_up = |played: &[Outcome]| {
        let mut game = Game::new(&(0..played.len()).collect::<Vec<_>>());
        for (rung, outcome) in played.iter().enumerate() {
            game.plays(0, rung, outcome);
        }
        game.next(0)
    };
    let (refused, too_long, dead) =
        (Outcome::Unauthorized, Outcome::ContextTooLong, Outcome::ConnectError);
    assert_eq!(given_up(&[]), no_model(None));
    assert_eq!(given_up(&[dead.clone(), TIMEOUT]), no_model(None));
    assert_eq!(
        given_up(&[dead.clone(), too_long.clone(), refused.clone()]),
        Step::GiveUp(GiveUp::CredentialsRefused { rung: 2 })
    );
    assert_eq!(given_up(&[dead, too_long]), Step::GiveUp(GiveUp::ContextTooLong { rung: 1 }));
    assert_eq!(given_up(&[refused, limited(61_000)]), no_model(61_000));
}

#[test]
fn without_consent_nothing_is_tried() {
    let deadline = Moment::at(seconds(60));
    let mut ladder = Ladder::new(routes(&[0, 0, 1]), deadline, |_| false);
    let step = ladder.next(&Ledger::new(2), at(0));
    assert_eq!(step, Step::GiveUp(GiveUp::ConsentNeeded { rungs: vec![0, 2] }));
}

/// A small search by a counting generator: whatever endpoints do, each ask
/// ends, no cooldown is broken, and no endpoint is asked after the deadline.
#[test]
fn every_ask_ends_and_no_wait_is_broken() {
    let outcomes = [
        limited(700),
        limited(0),
        limited(None),
        SERVER_ERROR,
        LOADING,
        TIMEOUT,
        Outcome::ConnectError,
        Outcome::Unauthorized,
        Outcome::Rejected { status: 400 },
    ];
    for mut seed in 0..3_000_usize {
        let mut game = Game::new(&[0, 1, 1, 2]);
        let (mut now, mut steps) = (0, 0);
        loop {
            steps += 1;
            assert!(steps < 2_000, "an ask must end");
            match game.next(now) {
                Step::Try { rung } => {
                    let endpoint = game.ladder.route(rung).endpoint_index;
                    assert_eq!(game.ledger.not_before(endpoint, at(now)), None);
                    assert!(now < 60_000);
                    let outcome = &outcomes[seed % outcomes.len()];
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1) >> 3;
                    game.ladder.record(&mut game.ledger, rung, outcome, at(now));
                    now += 1;
                }
                Step::Wait { until, .. } => {
                    assert!(until > at(now) && until < at(60_000));
                    now = u64::try_from(until.since(at(0)).as_millis()).unwrap();
                }
                Step::Skip { .. } => {}
                Step::GiveUp(_) => break,
            }
        }
    }
}
