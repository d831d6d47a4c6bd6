//! The server: one thread for each connection, one request on each.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::reply::{Content, End, Reply};

/// How often a waiting reply looks whether the client is still there.
const GLANCE: Duration = Duration::from_millis(10);

/// The longest request body that is taken.
const BODY_BYTES: u64 = 64 * 1024 * 1024;

/// What a provider is like, besides its replies.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What `/v1/models` lists.
    pub models: Vec<String>,
    /// In place of that list.
    pub models_reply: Option<Reply>,
    /// The only key taken; anything else gets a 401 that repeats the wrong key,
    /// and uses up no reply.
    pub key: Option<String>,
    /// Makes a vector of each text that `/v1/embeddings` is asked for, instead of a reply.
    pub embed: Option<fn(&str) -> Vec<f32>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { models: vec!["scripted".to_owned()], models_reply: None, key: None, embed: None }
    }
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Request {
    /// When it was read.
    pub at: Instant,
    /// `POST`.
    pub method: String,
    /// `/v1/chat/completions`.
    pub path: String,
    /// With names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// As text.
    pub body: String,
    /// When the client was seen to have hung up before the reply was over.
    pub client_left: Option<Instant>,
}

impl Request {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, or null.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// A running provider; it stops when dropped.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    setup: Setup,
    script: Mutex<VecDeque<Reply>>,
    requests: Mutex<Vec<Request>>,
    stopping: AtomicBool,
}

impl Provider {
    /// A provider with these replies on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> io::Result<Self> {
        Self::start_with(Setup::default(), replies)
    }

    /// The same, with models and key of the caller's.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start_with(setup: Setup, replies: impl IntoIterator<Item = Reply>) -> io::Result<Self> {
        Self::listen(0, setup, replies)
    }

    /// The same on `port`, where another one was that has stopped.
    ///
    /// # Errors
    /// The port cannot be had.
    pub fn start_at(port: u16, replies: impl IntoIterator<Item = Reply>) -> io::Result<Self> {
        Self::listen(port, Setup::default(), replies)
    }

    fn listen(
        port: u16,
        setup: Setup,
        replies: impl IntoIterator<Item = Reply>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            setup,
            script: Mutex::new(replies.into_iter().collect()),
            requests: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let accepting = thread::spawn(move || accept(&listener, &serving));
        Ok(Self { address, shared, accepting: Some(accepting) })
    }

    /// The base address: `http://127.0.0.1:PORT/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Goes on with these replies in place of those that are left.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        *lock(&self.shared.script) = replies.into_iter().collect();
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// Every request but those for the list of models and for health.
    pub fn posts(&self) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.method == "POST");
        requests
    }

    /// The chat requests so far.
    pub fn chats(&self) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.path.ends_with("/chat/completions"));
        requests
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepting thread; if nobody listens any more, it is gone.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        if let Ok(connection) = connection {
            let shared = Arc::clone(shared);
            // A connection that fails is the client's doing, and shows there.
            thread::spawn(move || serve(connection, &shared));
        }
    }
}

fn serve(connection: TcpStream, shared: &Shared) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let request = read_request(&mut BufReader::new(connection.try_clone()?))?;
    let reply = choose_reply(shared, &request);
    let is_anthropic = request.path == "/v1/messages";
    let index = {
        let mut requests = lock(&shared.requests);
        requests.push(request);
        requests.len() - 1
    };
    let mut sending = Sending { connection, shared };
    match sending.send(&reply, is_anthropic) {
        Ok(true) => {}
        Ok(false) | Err(_) => lock(&shared.requests)[index].client_left = Some(Instant::now()),
    }
    Ok(())
}

fn choose_reply(shared: &Shared, request: &Request) -> Reply {
    let setup = &shared.setup;
    let given = request.header("authorization").unwrap_or_default();
    match &setup.key {
        Some(key) if given != format!("Bearer {key}") => {
            let message = format!("Incorrect API key provided: {given}");
            return Reply::error(401, &message);
        }
        _ => {}
    }
    if let (Some(embed), "/v1/embeddings") = (setup.embed, request.path.as_str()) {
        return vectors(&request.json()["input"], embed);
    }
    match request.path.as_str() {
        "/v1/chat/completions"
        | "/v1/completions"
        | "/v1/embeddings"
        | "/v1/messages"
        | "/v1/messages/count_tokens"
        | "/v1/traces" => {
            let mut script = lock(&shared.script);
            let next = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
            next.unwrap_or_else(|| Reply::error(500, "the script is empty"))
        }
        "/v1/models" => setup.models_reply.clone().unwrap_or_else(|| list(&setup.models)),
        "/health" => Reply::body(200, "application/json", r#"{"status":"ok"}"#),
        _ => Reply::error(404, "no such path"),
    }
}

/// Anthropic says the type of an event before its data too.
fn event_line(event: &str, is_anthropic: bool) -> String {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    match event["type"].as_str() {
        Some(kind) if is_anthropic => format!("event: {kind}\n"),
        _ => String::new(),
    }
}

fn list(models: &[String]) -> Reply {
    let model = |id: &String| json!({ "id": id, "object": "model", "owned_by": "scripted" });
    let data: Vec<Value> = models.iter().map(model).collect();
    let body = json!({ "object": "list", "data": data });
    Reply::body(200, "application/json", &body.to_string())
}

/// In the opposite order, which clients must put right.
fn vectors(texts: &Value, embed: fn(&str) -> Vec<f32>) -> Reply {
    let texts = texts.as_array().into_iter().flatten().filter_map(Value::as_str);
    let item = |(index, text)| json!({ "index": index, "embedding": embed(text) });
    let mut data: Vec<Value> = texts.enumerate().map(item).collect();
    data.reverse();
    Reply::body(200, "application/json", &json!({ "object": "list", "data": data }).to_string())
}

/// A reply on its way. Each step gives false if the client has left.
struct Sending<'a> {
    connection: TcpStream,
    shared: &'a Shared,
}

impl Sending<'_> {
    fn send(&mut self, reply: &Reply, is_anthropic: bool) -> io::Result<bool> {
        if !self.pause(Some(reply.delay))? {
            return Ok(false);
        }
        match &reply.content {
            Content::Hang => self.pause(None),
            Content::Body { content_type, text } => {
                let length = format!("content-length: {}\r\n", text.len());
                self.send_head(reply, content_type, &length)?;
                self.connection.write_all(text.as_bytes())?;
                Ok(true)
            }
            Content::Events { events, gap, end } => {
                self.send_head(reply, "text/event-stream", "transfer-encoding: chunked\r\n")?;
                for event in events {
                    if !self.pause(Some(*gap))? {
                        return Ok(false);
                    }
                    let data = format!("{}data: {event}\n\n", event_line(event, is_anthropic));
                    write!(self.connection, "{:x}\r\n{data}\r\n", data.len())?;
                }
                self.send_end(*end)
            }
        }
    }

    fn send_head(&mut self, reply: &Reply, content_type: &str, framing: &str) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", reply.status);
        head += &format!("content-type: {content_type}\r\nconnection: close\r\n{framing}");
        for (name, value) in &reply.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        self.connection.write_all(head.as_bytes())
    }

    fn send_end(&mut self, end: End) -> io::Result<bool> {
        match end {
            End::Clean => self.connection.write_all(b"0\r\n\r\n").map(|()| true),
            End::Cut => Ok(true),
            End::Stall => self.pause(None),
        }
    }

    /// Waits (`None`: for ever), and gives false as soon as the client leaves.
    fn pause(&mut self, wait: Option<Duration>) -> io::Result<bool> {
        let started = Instant::now();
        while wait.is_none_or(|wait| started.elapsed() < wait) {
            if self.shared.stopping.load(Ordering::SeqCst) {
                return Ok(true);
            }
            let left = wait.map_or(GLANCE, |wait| wait.saturating_sub(started.elapsed()));
            self.connection.set_read_timeout(Some(left.clamp(Duration::from_millis(1), GLANCE)))?;
            match self.connection.read(&mut [0; 64]) {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(e)
                    if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }
}

fn read_request(stream: &mut impl BufRead) -> io::Result<Request> {
    let first = read_line(stream)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        at: Instant::now(),
        method,
        path,
        headers,
        body: String::new(),
        client_left: None,
    };
    let length = request.header("content-length").and_then(|length| length.parse().ok());
    let length: u64 = length.unwrap_or(0);
    stream.take(length.min(BODY_BYTES)).read_to_string(&mut request.body)?;
    request.at = Instant::now();
    Ok(request)
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.take(64 * 1024).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
