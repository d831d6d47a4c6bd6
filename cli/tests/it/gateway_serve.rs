//! `silk gateway serve` and `status` as programs: what they print, take over and end with.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scripted_provider::{Provider, Reply};
use serde_json::Value;

use crate::silk::Silk;

const KEY: &str = "sk-master";

fn config(provider: &Provider, model: &str) -> String {
    format!(
        "model_list:\n  - model_name: {model}\n    litellm_params: {{ model: openai/up, api_base: \"{}\", api_key: k }}\ngeneral_settings:\n  master_key: {KEY}\n",
        provider.url()
    )
}

fn start(silk: &Silk) -> (Child, String) {
    let mut child = silk
        .command()
        .args(["gateway", "serve", "--config", "config.yaml", "--listen", "127.0.0.1:0", "--json"])
        .args(["--access-log", "access.jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let first: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&first["event"], &first["open"]), (&"serving".into(), &false.into()), "{line}");
    let url = first["url"].as_str().unwrap();
    (child, url.trim_start_matches("http://").trim_end_matches("/v1").to_owned())
}

/// The whole response to a question.
fn ask(address: &str, model: &str) -> String {
    let body =
        format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"secret words"}}]}}"#);
    let mut socket = TcpStream::connect(address).unwrap();
    let head = format!("POST /v1/chat/completions HTTP/1.0\r\nauthorization: Bearer {KEY}\r\n");
    write!(socket, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_gateway_serves_reloads_tells_its_status_and_ends() {
    let provider = Provider::start([Reply::whole("Yes.")]).unwrap();
    let silk = Silk::new().with("SILK_GATEWAY_KEY", KEY);
    silk.write("config.yaml", config(&provider, "old"));
    let (mut child, address) = start(&silk);
    assert!(ask(&address, "old").contains("Yes."));
    let url = format!("http://{address}");
    let status = silk.run(["gateway", "status", "--url", &url, "--json"]).expect(0).json();
    assert_eq!(status[0]["deployments"][0]["group"], "old");
    // A signal loads the changed file; one that makes no sense changes nothing.
    silk.write("config.yaml", config(&provider, "new"));
    kill(Pid::from_raw(child.id() as i32), Signal::SIGHUP).unwrap();
    let begun = Instant::now();
    while !ask(&address, "new").contains("Yes.") {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never took over the new file");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let log = std::fs::read_to_string(silk.home.path().join("access.jsonl")).unwrap();
    assert!(log.lines().count() >= 2 && log.contains("\"end\":\"whole\""), "{log}");
    assert!(!log.contains("secret") && !log.contains(KEY), "{log}");
    silk.run(["gateway", "status", "--url", &url]).expect(108);
}

#[test]
fn a_gateway_without_keys_stays_on_this_machine() {
    let provider = Provider::start([]).unwrap();
    let silk = Silk::new();
    silk.write("open.yaml", config(&provider, "m").split("general").next().unwrap());
    let serve = ["gateway", "serve", "--config", "open.yaml", "--listen", "0.0.0.0:0"];
    let refused = silk.run(serve).expect(2);
    assert!(refused.stderr.contains("hint: set general_settings.master_key"), "{}", refused.stderr);
    silk.run(["gateway", "serve", "--config", "nowhere.yaml"]).expect(2);
}
