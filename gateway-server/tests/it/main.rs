//! The server over real sockets, with scripted providers behind it.
#![allow(clippy::unwrap_used)]

mod bounds;
mod clients;
mod faces;
mod keys;
mod limits;
mod messages;
mod proxies;
mod redis_tls;
mod regions;
mod replicas;
mod soak;
mod spend;
mod streams;
mod tags;
mod tls;
mod tracing;
mod whole;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use gateway::config::file;
use gateway_server::{Options, Server};
use scripted_provider::Provider;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A gateway that serves until it is dropped.
struct Gateway {
    server: Server,
    address: SocketAddr,
    /// Ends the server when told, or with the runtime.
    stop: oneshot::Sender<()>,
    serving: JoinHandle<usize>,
    runtime: Runtime,
}

/// A response, read to its end.
struct Response {
    status: u16,
    head: String,
    body: String,
}

impl Response {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The data of each event.
    fn events(&self) -> Vec<&str> {
        self.body.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
    }

    /// The text of a stream of either dialect, put together.
    fn text(&self) -> String {
        let piece = |data: &&str| {
            let event: Value = serde_json::from_str(data).unwrap_or_default();
            let openai = event["choices"][0]["delta"]["content"].as_str();
            let legacy = event["choices"][0]["text"].as_str();
            openai.or(legacy).or(event["delta"]["text"].as_str()).unwrap_or_default().to_owned()
        };
        self.events().iter().map(piece).collect()
    }
}

impl Gateway {
    fn start(yaml: &str) -> Self {
        Self::start_with(yaml, Options::default())
    }

    fn start_with(yaml: &str, options: Options) -> Self {
        let config = file::read(yaml).unwrap().config;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let server = Server::new(config, options).unwrap();
        let listener =
            runtime.block_on(server.listen("127.0.0.1:0".parse().unwrap(), false)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = server.clone();
        let serving = runtime
            .spawn(async move { serving.serve(listener, async { drop(stopped.await) }).await });
        Self { server, address, stop, serving, runtime }
    }

    /// Lets it come to its end in order.
    fn end(mut self) {
        drop(self.stop);
        self.runtime.block_on(&mut self.serving).unwrap();
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        socket
    }

    /// Sends a request as it stands and reads what comes to its end. HTTP/1.0,
    /// so that a body is not cut into chunks.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = format!("{method} {path} HTTP/1.0\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        let mut socket = self.connect();
        socket.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
        read_response(socket)
    }

    fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, &[("content-type", "application/json")], &body.to_string())
    }

    /// Asks `model` through OpenAI's face.
    fn chat(&self, model: &str, stream: bool) -> Response {
        self.post("/v1/chat/completions", &chat_body(model, stream))
    }

    fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], "")
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn read_response(mut socket: TcpStream) -> Response {
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    Response { status, head: head.to_owned(), body: body.to_owned() }
}

fn chat_body(model: &str, stream: bool) -> Value {
    json!({
        "model": model, "stream": stream,
        "messages": [{ "role": "user", "content": "Why is the output garbled?" }],
    })
}

/// LiteLLM's configuration: a group for each provider, the later ones fallbacks
/// of the first.
fn ladder(providers: &[&Provider]) -> String {
    let names: Vec<String> = (0..providers.len()).map(|place| format!("m{place}")).collect();
    let mut yaml = "model_list:\n".to_owned();
    for (name, provider) in names.iter().zip(providers) {
        yaml += &format!(
            "  - model_name: {name}\n    litellm_params: {{ model: openai/up-{name}, api_base: \"{}\", api_key: sk-upstream, timeout: 5, stream_timeout: 2 }}\n",
            provider.url()
        );
    }
    if let [first, rest @ ..] = names.as_slice()
        && !rest.is_empty()
    {
        yaml += &format!("router_settings:\n  fallbacks: [{{ {first}: [{}] }}]\n", rest.join(", "));
    }
    yaml
}
