//! An endpoint that mostly answers, and fails in every way it can think of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// What it says to everything.
pub(super) const TEXT: &str = "the divider of the baud rate is derived from a clock that is not the one that you believe to be on so the output is garbled";

/// Longer than any bound of the gateway's.
const TOO_LONG: Duration = Duration::from_secs(2);

/// Numbers that look drawn, the same for each seed: xorshift64.
///
/// Source: Marsaglia, "Xorshift RNGs", 2003.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What goes wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    RateLimited,
    ServerError,
    Page,
    Hangs,
    HangsUp,
    Cut,
    Stalls,
    EndsEarly,
    Garbage,
}

const FAULTS: [Fault; 9] = [
    Fault::RateLimited,
    Fault::ServerError,
    Fault::Page,
    Fault::Hangs,
    Fault::HangsUp,
    Fault::Cut,
    Fault::Stalls,
    Fault::EndsEarly,
    Fault::Garbage,
];

pub(super) struct Upstream {
    address: SocketAddr,
    faults: Arc<AtomicU64>,
}

impl Upstream {
    /// Serves until the runtime ends.
    pub(super) fn start(runtime: &Runtime, seed: u64) -> Self {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&faults);
        runtime.spawn(async move {
            for connection in 1.. {
                let Ok((socket, _)) = listener.accept().await else { return };
                let (dice, faults) = (Dice::new(seed << 32 | connection), Arc::clone(&counted));
                // A connection that fails is one more fault.
                tokio::spawn(async move { drop(serve(socket, dice, &faults).await) });
            }
        });
        Self { address, faults }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(super) fn faults(&self) -> u64 {
        self.faults.load(Relaxed)
    }
}

async fn serve(socket: TcpStream, mut dice: Dice, faults: &AtomicU64) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut socket = BufReader::new(socket);
    while let Some(request) = read(&mut socket).await? {
        let fault = (dice.roll(100) < 12).then(|| FAULTS[dice.roll(9) as usize]);
        faults.fetch_add(u64::from(fault.is_some()), Relaxed);
        let stream = request["stream"] == true;
        let goes_on = match (fault, stream) {
            (None | Some(Fault::Garbage), false) => plain(&mut socket).await?,
            (None | Some(Fault::Garbage | Fault::Cut | Fault::Stalls | Fault::EndsEarly), true) => {
                streamed(&mut socket, &request, fault, &mut dice).await?
            }
            (Some(fault), _) => fail(&mut socket, fault).await?,
        };
        if !goes_on {
            break;
        }
    }
    Ok(())
}

/// The next request's body; `None`: there is none.
async fn read(socket: &mut BufReader<TcpStream>) -> std::io::Result<Option<Value>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await?;
    Ok(Some(serde_json::from_slice(&body).unwrap()))
}

/// Sends a whole response. True: the connection goes on.
async fn send(
    socket: &mut BufReader<TcpStream>,
    status: &str,
    kind: &str,
    body: &str,
) -> std::io::Result<bool> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nretry-after-ms: 20\r\n");
    let response = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    socket.write_all(response.as_bytes()).await?;
    Ok(true)
}

async fn plain(socket: &mut BufReader<TcpStream>) -> std::io::Result<bool> {
    let message = json!({ "role": "assistant", "content": TEXT });
    let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
    let body = json!({ "object": "chat.completion", "choices": [choice] });
    send(socket, "200 OK", "application/json", &body.to_string()).await
}

async fn fail(socket: &mut BufReader<TcpStream>, fault: Fault) -> std::io::Result<bool> {
    let error = r#"{"error":{"message":"not now"}}"#;
    match fault {
        Fault::RateLimited => send(socket, "429 No", "application/json", error).await,
        Fault::ServerError => send(socket, "500 No", "application/json", error).await,
        Fault::Page => send(socket, "200 OK", "text/html", "<html>Sign in</html>").await,
        Fault::Hangs | Fault::Stalls => {
            tokio::time::sleep(TOO_LONG).await;
            Ok(false)
        }
        Fault::Cut | Fault::EndsEarly => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
            let part = format!("{head}content-length: 500\r\n\r\n{{\"choices\":");
            socket.write_all(part.as_bytes()).await?;
            Ok(false)
        }
        Fault::HangsUp | Fault::Garbage => Ok(false),
    }
}

/// A stream, word by word; where the turn was begun, it goes on or repeats it.
async fn streamed(
    socket: &mut BufReader<TcpStream>,
    request: &Value,
    fault: Option<Fault>,
    dice: &mut Dice,
) -> std::io::Result<bool> {
    let last = request["messages"].as_array().and_then(|messages| messages.last());
    let begun = last.filter(|last| last["role"] == "assistant");
    let begun = begun.and_then(|last| last["content"].as_str()).unwrap_or_default();
    // A begun turn is mostly gone on with, and now and then repeated.
    let rest = TEXT.strip_prefix(begun).filter(|_| dice.roll(4) > 0).unwrap_or(TEXT);
    let words: Vec<&str> = rest.split_inclusive(' ').collect();
    let stop = dice.roll(words.len() as u64 + 1) as usize;
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).await?;
    for (place, word) in words.iter().enumerate() {
        match fault.filter(|_| place == stop) {
            Some(Fault::Cut) => return Ok(false),
            Some(Fault::Stalls) => {
                tokio::time::sleep(TOO_LONG).await;
                return Ok(false);
            }
            Some(Fault::EndsEarly) => return chunk(socket, "").await.map(|()| true),
            Some(_) => chunk(socket, "data: {\"choices\":[{\"del\n\n").await?,
            None => {}
        }
        event(socket, json!({ "content": word }), None).await?;
    }
    event(socket, json!({}), Some("stop")).await?;
    chunk(socket, "data: [DONE]\n\n").await?;
    chunk(socket, "").await?;
    Ok(true)
}

async fn event(
    socket: &mut BufReader<TcpStream>,
    delta: Value,
    finish: Option<&str>,
) -> std::io::Result<()> {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
    let event = json!({ "id": "c", "object": "chat.completion.chunk", "choices": [choice] });
    chunk(socket, &format!("data: {event}\n\n")).await
}

/// A chunk of a body; an empty one is its end.
async fn chunk(socket: &mut BufReader<TcpStream>, data: &str) -> std::io::Result<()> {
    socket.write_all(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes()).await
}
