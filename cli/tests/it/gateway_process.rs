//! `silk gateway serve` as a process that tests talk to, kill and bring back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::silk::Silk;

/// A gateway that serves until it is dropped.
pub(crate) struct Gateway {
    pub(crate) child: Child,
    /// Host and port.
    pub(crate) address: String,
}

/// A response, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    body: String,
}

impl Gateway {
    /// Starts one with this file in the home of `silk`, on a free port, and waits
    /// until it serves.
    pub(crate) fn start(silk: &Silk, config: &str, arguments: &[&str]) -> Self {
        Self::start_at(silk, config, "127.0.0.1:0", arguments)
    }

    /// The same at `listen`.
    pub(crate) fn start_at(silk: &Silk, config: &str, listen: &str, arguments: &[&str]) -> Self {
        let mut child = silk
            .command()
            .args(["gateway", "serve", "--config", config, "--listen", listen, "--json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let first: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!((&first["event"], &first["open"]), (&"serving".into(), &false.into()), "{line}");
        let url = first["url"].as_str().unwrap();
        let (_, address) = url.split_once("://").unwrap_or_else(|| panic!("{url}"));
        Self { child, address: address.trim_end_matches("/v1").to_owned() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it without a word, as a machine that fails does (SIGKILL).
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.address.clone()
    }

    /// Asks `model` with `key`, as a stream. Nothing of the answer is read yet.
    pub(crate) fn begin(&self, key: &str, model: &str) -> TcpStream {
        let turn = json!({ "role": "user", "content": "secret words" });
        let body = json!({ "model": model, "stream": true, "messages": [turn] }).to_string();
        self.send("POST /v1/chat/completions", key, &body)
    }

    /// The same, read to its end.
    pub(crate) fn ask(&self, key: &str, model: &str) -> Answer {
        read(self.begin(key, model))
    }

    /// What lies at `path`.
    pub(crate) fn get(&self, key: &str, path: &str) -> String {
        read(self.send(&format!("GET {path}"), key, "")).body
    }

    /// HTTP/1.0, so that a body is not cut into chunks.
    fn send(&self, line: &str, key: &str, body: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let length = body.len();
        let head = format!("{line} HTTP/1.0\r\nauthorization: Bearer {key}\r\n");
        write!(socket, "{head}content-length: {length}\r\n\r\n{body}").unwrap();
        socket
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It is gone already if the test ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a response to its end.
fn read(mut socket: TcpStream) -> Answer {
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

impl Answer {
    /// The text of a stream, put together.
    pub(crate) fn text(&self) -> String {
        text_of(&self.body)
    }

    /// The endpoint that answered.
    pub(crate) fn served_by(&self) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(name, _)| *name == "x-gateway-served-by").map_or("", |(_, value)| value)
    }
}

/// The text of the events in `stream`.
pub(crate) fn text_of(stream: &str) -> String {
    let events = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let piece = |data: &str| {
        let event: Value = serde_json::from_str(data).unwrap_or_default();
        event["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
    };
    events.map(piece).collect()
}
