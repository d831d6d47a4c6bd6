//! `silk ask` against a scripted provider: what the gateway does about faults, what consent
//! means, and what never leaves the machine.

use std::time::{Duration, Instant};

use scripted_provider::{Provider, Reply};
use serde_json::Value;

use crate::silk::{Run, Silk, faulty};

const ANSWER: &str = "UART0.BAUDRATE holds 0x0001C200, which is wrong.\n\
                      Write `NRF_UART0->BAUDRATE = 0x01D7E000;` in uart_init.\n\
                      Do not touch UART0.BAUDRAET.\n";

fn ask(silk: &Silk, more: &[&str]) -> Run {
    let question = ["ask", "Why does the UART print garbage?", "--json"];
    let faulty = faulty();
    silk.run([&question[..], &faulty.each_ref().map(|s| &**s), more].concat())
}

/// A home whose silk.toml names these endpoints, in order.
pub(crate) fn with_endpoints(endpoints: &[(&str, &str)]) -> Silk {
    let silk = Silk::new();
    let mut text = String::new();
    for (name, url) in endpoints {
        text += &format!("[[gateway.endpoints]]\nname = {name:?}\nurl = {url:?}\nmodels = \"m\"\n");
    }
    silk.write("silk.toml", text);
    silk
}

pub(crate) fn events<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn the_events_come_in_their_order_and_claims_are_judged() {
    let provider = Provider::start([Reply::answer(ANSWER)]).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let run = ask(&silk, &["--no-repair"]);
    // One claim is wrong, so the exit says so.
    let run = run.expect(100);
    let lines = run.json();
    let kinds: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"evidence"));
    assert_eq!(kinds[1], "attempt");
    assert_eq!(kinds.last(), Some(&"done"));

    let text: String =
        events(&lines, "delta").iter().map(|d| d["text"].as_str().unwrap()).collect();
    assert_eq!(text, ANSWER);
    let usage = events(&lines, "usage");
    assert_eq!(usage[0]["input_tokens"], 11);
    let verdict = |text: &str| {
        let claims = events(&lines, "claim");
        let claim = claims.iter().find(|claim| claim["text"].as_str().unwrap().contains(text));
        claim.map(|claim| claim["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(verdict("UART0.BAUDRATE").as_deref(), Some("ok"), "{}", run.stdout);
    assert_eq!(verdict("0x01D7E000").as_deref(), Some("ok"), "{}", run.stdout);
    assert_eq!(verdict("BAUDRAET").as_deref(), Some("wrong"), "{}", run.stdout);
    let evidence = events(&lines, "evidence")[0];
    assert!(evidence["registers"].as_array().unwrap().contains(&"UART0.BAUDRATE".into()));
    assert!(evidence["tokens"].as_u64() <= evidence["budget"].as_u64());
}

/// [`ANSWER`] with its wrong claim put right.
const REPAIRED: &str = "UART0.BAUDRATE holds 0x0001C200, which is wrong.\n\
                        Write `NRF_UART0->BAUDRATE = 0x01D7E000;` in uart_init.\n";

#[test]
fn an_answer_with_a_wrong_claim_is_sent_back_and_the_second_is_judged() {
    let provider = Provider::start([Reply::answer(ANSWER), Reply::answer(REPAIRED)]).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let run = ask(&silk, &[]).expect(0);
    let lines = run.json();
    let [repair] = events(&lines, "repair")[..] else { panic!("{}", run.stdout) };
    let wrong = repair["wrong"].as_array().unwrap();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0]["text"].as_str().unwrap().contains("BAUDRAET"));
    let [done] = events(&lines, "done")[..] else { panic!("{}", run.stdout) };
    assert_eq!(done["claims"]["wrong"], 0);
    let facts: Vec<&str> =
        done["facts"].as_array().unwrap().iter().map(|fact| fact.as_str().unwrap()).collect();
    let names = |start: &str| facts.iter().any(|fact| fact.trim_start().starts_with(start));
    assert!(names("UART0.BAUDRATE 0x40002524"), "{facts:?}");
    assert!(names("uart_init uart.c:29 writes 0x0001c200"), "{facts:?}");
    assert!(!names("UART0.CONFIG"), "the answer does not name it: {facts:?}");

    let [_, second] = &provider.chats()[..] else { panic!("two requests are made") };
    let second = second.json();
    let messages = second["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages.iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!(messages[2]["content"], ANSWER);
    let told = messages[3]["content"].as_str().unwrap();
    assert!(told.contains("BAUDRAET") && told.contains("right is `UART0.BAUDRATE`"), "{told}");
}

#[test]
fn an_answer_is_sent_back_once_and_no_more() {
    let replies = [Reply::answer(ANSWER), Reply::answer(ANSWER), Reply::answer(REPAIRED)];
    let provider = Provider::start(replies).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let run = ask(&silk, &[]).expect(100);
    let lines = run.json();
    assert_eq!(events(&lines, "repair").len(), 1);
    assert_eq!(events(&lines, "done")[0]["claims"]["wrong"], 1);
    assert_eq!(provider.chats().len(), 2);
}

#[test]
fn an_answer_is_not_sent_back_where_nobody_wants_it() {
    let provider = Provider::start([Reply::answer(ANSWER), Reply::answer(REPAIRED)]).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let run = ask(&silk, &["--no-repair"]).expect(100);
    assert!(events(&run.json(), "repair").is_empty());
    assert_eq!(provider.chats().len(), 1);
}

#[test]
fn without_a_second_answer_the_first_one_stands() {
    let replies = [Reply::answer(ANSWER), Reply::error(401, "no more")];
    let provider = Provider::start(replies).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let run = ask(&silk, &[]).expect(100);
    let lines = run.json();
    assert_eq!(events(&lines, "repair_failed").len(), 1, "{}", run.stdout);
    assert_eq!(lines.last().unwrap()["event"], "done");
    assert_eq!(lines.last().unwrap()["claims"]["wrong"], 1);
}

#[test]
fn a_rate_limited_endpoint_is_left_alone_and_the_second_answers_at_once() {
    let limited = Provider::start([
        Reply::error(429, "slow down").header("retry-after", "3"),
        Reply::answer("too early"),
    ])
    .unwrap();
    let healthy = Provider::start([Reply::answer("It is the baud rate.")]).unwrap();
    let silk = with_endpoints(&[("first", &limited.url()), ("second", &healthy.url())]);
    let run = ask(&silk, &[]).expect(0);
    let lines = run.json();
    let attempts = events(&lines, "attempt");
    assert_eq!(attempts[0]["endpoint"], "first");
    assert_eq!(attempts[0]["outcome"], "rate_limited");
    assert_eq!(attempts[0]["retry_after_ms"], 3000);
    assert_eq!(attempts[1]["endpoint"], "second");
    assert_eq!(attempts[1]["outcome"], "ok");
    assert_eq!(attempts[1]["wait_ms"], 0);
    let (limited, healthy) = (limited.chats(), healthy.chats());
    assert_eq!((limited.len(), healthy.len()), (1, 1));
    let between = healthy[0].at - limited[0].at;
    assert!(between < Duration::from_secs(3), "nobody waited for the limit: {between:?}");
}

#[test]
fn the_next_run_still_leaves_a_limited_endpoint_alone() {
    let limited = Provider::start([
        Reply::error(429, "slow down").header("retry-after", "600"),
        Reply::answer("too early"),
    ])
    .unwrap();
    let healthy = Provider::start([Reply::answer("It is the baud rate.")]).unwrap();
    let silk = with_endpoints(&[("first", &limited.url()), ("second", &healthy.url())]);
    ask(&silk, &[]).expect(0);
    let run = ask(&silk, &[]).expect(0);
    let lines = run.json();
    let first = events(&lines, "attempt")[0];
    assert_eq!(first["endpoint"], "first");
    assert_eq!(first["outcome"], "skipped_cooldown");
    assert_eq!(limited.chats().len(), 1);
    assert_eq!(healthy.chats().len(), 2);
}

#[test]
fn a_single_limited_endpoint_is_waited_for() {
    let provider = Provider::start([
        Reply::error(429, "slow down").header("retry-after", "1"),
        Reply::answer("It is the baud rate."),
    ])
    .unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    ask(&silk, &[]).expect(0);
    let chats = provider.chats();
    assert!(chats[1].at - chats[0].at >= Duration::from_secs(1), "Retry-After is kept");
}

#[test]
fn no_model_at_all_says_how_to_get_one() {
    let run = ask(&Silk::new(), &[]).expect(108);
    assert!(run.stderr.contains("hint: start a local engine"), "{}", run.stderr);
    assert_eq!(events(&run.json(), "error")[0]["exit"], 108);
}

#[test]
fn an_unreachable_host_is_exit_108_with_its_attempt() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let silk = with_endpoints(&[("gone", &format!("http://127.0.0.1:{port}"))]);
    let run = ask(&silk, &["--deadline", "5"]).expect(108);
    assert!(run.stderr.contains("tried: gone, m: connect error"), "{}", run.stderr);
}

#[test]
fn a_refused_key_is_exit_109_and_is_never_shown() {
    let provider =
        Provider::start([Reply::error(401, "bad key sk-very-secret-0123456789")]).unwrap();
    let silk = Silk::new()
        .with("OPENAI_BASE_URL", provider.url())
        .with("OPENAI_API_KEY", "sk-very-secret-0123456789")
        .with("OPENAI_MODEL", "m");
    let run = ask(&silk, &[]).expect(109);
    assert!(run.stderr.contains("refuses the credentials"), "{}", run.stderr);
    assert_eq!(
        provider.chats()[0].header("authorization"),
        Some("Bearer sk-very-secret-0123456789")
    );
    assert!(!run.stderr.contains("very-secret"), "{}", run.stderr);
    assert!(!run.stdout.contains("very-secret"), "{}", run.stdout);
}

#[test]
fn a_remote_endpoint_is_not_contacted_without_a_yes() {
    // The name resolves nowhere; it is not even looked up.
    let silk = with_endpoints(&[("far", "https://model.invalid/v1")]);
    let run = ask(&silk, &[]).expect(108);
    assert!(
        run.stderr.contains("no consent to send anything to `https://model.invalid`"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("--allow-remote"), "{}", run.stderr);
    let run = ask(&silk, &["--allow-remote", "--deadline", "5"]).expect(108);
    assert!(run.stderr.contains("connect error"), "{}", run.stderr);
}

#[test]
fn a_project_that_says_no_overrules_a_user_who_says_yes() {
    let silk = with_endpoints(&[("far", "https://model.invalid/v1")]);
    let text = std::fs::read_to_string(silk.home.path().join("silk.toml")).unwrap();
    silk.write(".config/silk/config.toml", "[gateway]\nallow_remote = true\n");
    silk.write("silk.toml", format!("[gateway]\nallow_remote = false\n{text}"));
    let run = ask(&silk, &[]).expect(108);
    assert!(run.stderr.contains("no consent"), "{}", run.stderr);
}

#[test]
fn a_dry_run_shows_what_is_sent_and_sends_nothing() {
    let provider = Provider::start([Reply::answer(ANSWER)]).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let dry = ask(&silk, &["--dry-run"]).expect(0);
    assert!(provider.requests().is_empty(), "{:?}", provider.requests());
    ask(&silk, &[]).expect(100);
    let sent = provider.chats()[0].json();
    assert_eq!(dry.json()[0]["body"], sent, "what is shown is what is sent");
}

#[test]
fn a_secret_in_the_question_is_masked() {
    let provider = Provider::start([Reply::answer("It is the baud rate.")]).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let question = "Why garbage? My key is sk-abcdefghijklmnopqrstuvwxyz012345";
    let faulty = faulty();
    let arguments = [&["ask", question, "--json"][..], &faulty.each_ref().map(|s| &**s)].concat();
    silk.run(arguments).expect(0);
    assert!(!provider.chats()[0].body.contains("abcdefghijklmnop"));
}

#[test]
fn a_stream_that_is_cut_is_never_a_clean_end() {
    let provider = Provider::start([Reply::answer(ANSWER).cut_after(4)]).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let run = ask(&silk, &[]).expect(108);
    let lines = run.json();
    assert!(events(&lines, "done").is_empty());
    assert_eq!(lines.last().unwrap()["event"], "error");
    assert!(run.stderr.contains("incomplete"), "{}", run.stderr);
}

#[test]
fn ctrl_c_in_mid_stream_gives_a_partial_report_and_hangs_up() {
    let slow = Reply::answer(ANSWER).gap(Duration::from_millis(150));
    let provider = Provider::start([slow]).unwrap();
    let silk = with_endpoints(&[("only", &provider.url())]);
    let child = silk
        .command()
        .args(["ask", "Why does the UART print garbage?", "--json"])
        .args(faulty())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while provider.chats().is_empty() {
        assert!(Instant::now() < until, "the request never came");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let run = Run::of(child.wait_with_output().unwrap()).expect(130);
    let lines = run.json();
    assert!(!events(&lines, "delta").is_empty());
    assert_eq!(lines.last().unwrap()["event"], "cancelled");
    let until = Instant::now() + Duration::from_secs(5);
    while provider.chats()[0].client_left.is_none() {
        assert!(Instant::now() < until, "the connection was left open");
        std::thread::sleep(Duration::from_millis(20));
    }
}
