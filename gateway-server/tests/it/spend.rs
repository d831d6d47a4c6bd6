//! What is spent outlives the process, by a file.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_server::{Options, SpendFile, SpendFileError};
use scripted_provider::{Provider, Reply};
use serde_json::Value;

use crate::{Gateway, chat_body, wait_until};

const DAY: Duration = Duration::from_secs(86_400);

/// Some day.
fn day(number: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + DAY * (20_000 + number)
}

/// A gateway whose user `ada` may spend 0.0025 dollars; each answer costs 0.001.
fn gateway(provider: &Provider, path: &Path, wall: SystemTime) -> Gateway {
    let toml = format!(
        "[gateway]\n[gateway.server]\nmaster_key = \"sk-master\"\n[[gateway.server.users]]\nname = \"ada\"\nkey = \"sk-ada\"\nbudget = 0.0025\n[[gateway.endpoints]]\nname = \"a\"\nurl = \"{}\"\nmodels = \"m\"\nfacts = {{ price = {{ output = 500.0 }} }}\n",
        provider.url()
    );
    let spend = Some(Arc::new(SpendFile::open(path, wall).unwrap()));
    Gateway::start_with(
        &toml,
        Options { spend, wall: Arc::new(move || wall), ..Options::default() },
    )
}

fn ask(gateway: &Gateway) -> u16 {
    let headers = [("x-api-key", "sk-ada"), ("x-gateway-project", "board")];
    let body = chat_body("m", false).to_string();
    gateway.send("POST", "/v1/chat/completions", &headers, &body).status
}

fn spent(gateway: &Gateway) -> Value {
    let master = [("x-api-key", "sk-master")];
    gateway.send("GET", "/status", &master, "").json()["spent"].clone()
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap().lines().count()
}

#[test]
fn a_budget_holds_over_a_restart_and_for_its_days_only() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spend.jsonl");
    let first = gateway(&provider, &path, day(0));
    assert_eq!((ask(&first), ask(&first)), (200, 200));
    first.end();
    let next = gateway(&provider, &path, day(29));
    assert_eq!(spent(&next)[0]["requests"], 2);
    assert_eq!(spent(&next)[0]["project"], "board");
    assert_eq!((ask(&next), ask(&next)), (200, 429), "the third is on another day");
    next.end();
    assert_eq!(lines(&path), 2, "a day each");
    // What was spent first is too long ago by now.
    let later = gateway(&provider, &path, day(30));
    assert_eq!((lines(&path), &spent(&later)[0]["requests"]), (1, &1.into()));
    assert_eq!((ask(&later), ask(&later), ask(&later)), (200, 200, 429));
}

#[test]
fn what_is_spent_is_written_down_while_it_runs_and_one_process_has_the_file() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spend.jsonl");
    let gateway = gateway(&provider, &path, day(0));
    assert_eq!(ask(&gateway), 200);
    wait_until("it is written down", || lines(&path) == 1);
    let taken = SpendFile::open(&path, day(0));
    assert!(matches!(taken, Err(SpendFileError::Taken { .. })), "{taken:?}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("sk-") && !text.contains("garbled"), "{text}");
}

#[test]
fn a_line_that_cannot_be_read_costs_itself_only() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spend.jsonl");
    let good = |dollars: &str| {
        format!(
            r#"{{"day":20000,"user":"ada","project":"board","requests":1,"dollars":{dollars}}}"#
        )
    };
    let long = "x".repeat(100_000);
    let text = [
        good("0.001"),
        "{}".to_owned(),
        String::new(),
        r#"{"day":20000,"user":"ada","requests":-1}"#.to_owned(),
        "\u{0}\u{1}".to_owned(),
        long,
        good("-5.0"),
        good("0.001"),
        good("0.001")[..30].to_owned(),
    ];
    std::fs::write(&path, text.join("\n")).unwrap();
    let file = SpendFile::open(&path, day(0)).unwrap();
    assert_eq!(file.skipped(), 5);
    drop(file);
    let gateway = gateway(&provider, &path, day(0));
    assert_eq!(spent(&gateway)[0]["requests"], 3, "a price below nothing gives nothing back");
    assert_eq!((ask(&gateway), ask(&gateway)), (200, 429));
}

#[test]
fn the_file_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spend.jsonl");
    let line = r#"{"day":20000,"user":"ada","project":"board","requests":1,"dollars":0.5}"#;
    std::fs::write(&path, format!("{line}\n").repeat(10_000)).unwrap();
    let file = SpendFile::open(&path, day(3)).unwrap();
    assert_eq!((file.skipped(), lines(&path)), (0, 1));
    assert!(std::fs::read_to_string(&path).unwrap().contains("\"dollars\":5000"));
    let missing = SpendFile::open(&folder.path().join("no/such/folder"), day(0));
    assert!(matches!(missing, Err(SpendFileError::Io { .. })));
}
