//! A client that speaks the protocol line by line, so that it can also speak it badly.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::silk::Silk;

/// Longer than this no answer takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server and the pipes to it.
pub(super) struct Client {
    child: Child,
    input: ChildStdin,
    /// Lines of its standard output.
    output: Receiver<String>,
    next: u64,
    /// Answers that came while another was waited for.
    early: HashMap<u64, Value>,
}

impl Client {
    /// Starts the server, and says nothing yet.
    pub(super) fn spawn(silk: &Silk, flags: impl IntoIterator<Item = String>) -> Self {
        let mut command = silk.command();
        command.arg("mcp").args(flags).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let read = BufReader::new(output).lines().map_while(Result::ok);
            // Ends when nobody listens any more, too.
            let _ = read.map(|line| sender.send(line)).take_while(Result::is_ok).count();
        });
        Self { child, input, output: lines, next: 1, early: HashMap::new() }
    }

    /// Starts the server and shakes hands.
    pub(super) fn start(silk: &Silk, flags: impl IntoIterator<Item = String>) -> Self {
        let mut client = Self::spawn(silk, flags);
        let hello = client.request(
            "initialize",
            &json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            }),
        );
        assert_eq!(hello["result"]["protocolVersion"], "2025-06-18", "{hello}");
        assert_eq!(hello["result"]["serverInfo"]["name"], "silk", "{hello}");
        client.notify("notifications/initialized", &json!({}));
        client
    }

    /// Writes a line as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.part(line);
        self.part("\n");
    }

    /// Writes what is no line yet.
    pub(super) fn part(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    pub(super) fn notify(&mut self, method: &str, params: &Value) {
        self.line(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string());
    }

    /// Sends a request, and gives its number.
    pub(super) fn send(&mut self, method: &str, params: &Value) -> u64 {
        let id = self.next;
        self.next += 1;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.line(&request.to_string());
        id
    }

    /// Waits for the answer to a request. Everything on standard output is a message.
    pub(super) fn answer(&mut self, id: u64) -> Value {
        loop {
            if let Some(answer) = self.early.remove(&id) {
                return answer;
            }
            let line = self.output.recv_timeout(PATIENCE).unwrap_or_default();
            let message: Value = serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("{error}: {line:?}\n{}", self.last_words()));
            assert_eq!(message["jsonrpc"], "2.0", "{line}");
            if let Some(id) = message["id"].as_u64() {
                self.early.insert(id, message);
            }
        }
    }

    /// Whether an answer came meanwhile.
    pub(super) fn was_answered(&self, id: u64) -> bool {
        self.early.contains_key(&id)
    }

    pub(super) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        self.answer(id)
    }

    /// Calls a tool, and gives its result.
    #[track_caller]
    pub(super) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let mut answer = self.request("tools/call", &params);
        assert!(answer["error"].is_null(), "{tool} {answer}");
        answer["result"].take()
    }

    pub(super) fn tools(&mut self) -> Vec<Value> {
        let mut answer = self.request("tools/list", &json!({}));
        match answer["result"]["tools"].take() {
            Value::Array(tools) => tools,
            other => panic!("{other}"),
        }
    }

    /// Closes its input. It ends by itself, well, and in time.
    pub(super) fn end(self) {
        let Self { mut child, input, output, .. } = self;
        drop(input);
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "it goes on without a client");
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(0));
        for line in output {
            let message: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(message["jsonrpc"], "2.0", "{line}");
        }
    }

    fn last_words(&mut self) -> String {
        let mut said = String::new();
        let _ = self.child.kill();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_string(&mut said);
        }
        said
    }
}

/// The text of a tool's result.
pub(super) fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {result}"))
}
