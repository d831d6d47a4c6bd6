//! An HTTP proxy that leads everything to one place, whatever name it is asked
//! for: what gets there was looked up by nobody else.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The longest line of a head that is read.
const LINE_BYTES: u64 = 16 * 1024;

/// A running proxy. Its thread ends with the process.
#[derive(Debug)]
pub struct TunnelProxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TunnelProxy {
    /// Leads to `target`, whoever says `authorization`; `None`: anybody.
    ///
    /// # Errors
    /// No port can be had.
    pub fn start(target: SocketAddr, authorization: Option<&str>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let asked = Arc::default();
        let (noted, wanted) = (Arc::clone(&asked), authorization.map(str::to_owned));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (noted, wanted) = (Arc::clone(&noted), wanted.clone());
                // A tunnel that fails is the client's doing, and shows there.
                thread::spawn(move || serve(client, target, &noted, wanted.as_deref()));
            }
        });
        Ok(Self { address, asked })
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was asked for: tunnels as `host:port`, requests that are to be passed
    /// on as `http://host:port`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The head of a request, as it came.
struct Head {
    method: String,
    target: String,
    headers: Vec<String>,
}

fn serve(
    mut client: TcpStream,
    target: SocketAddr,
    noted: &Mutex<Vec<String>>,
    wanted: Option<&str>,
) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let head = Head::read(&mut reader)?;
    let (place, path) = head.split_target();
    noted.lock().unwrap_or_else(PoisonError::into_inner).push(place.to_owned());
    if wanted.is_some() && wanted != head.authorization() {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        client.write_all(refusal.as_bytes())?;
        client.shutdown(Shutdown::Write)?;
        // A socket closed on what was not read would take the refusal with it.
        return io::copy(&mut reader, &mut io::sink()).map(drop);
    }
    let mut endpoint = TcpStream::connect(target)?;
    match head.method.as_str() {
        "CONNECT" => client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?,
        _ => endpoint.write_all(head.passed_on(path).as_bytes())?,
    }
    let mut to = endpoint.try_clone()?;
    thread::spawn(move || {
        // Either side may hang up at any time.
        let _ = io::copy(&mut reader, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    io::copy(&mut endpoint, &mut client)?;
    client.shutdown(Shutdown::Both)
}

impl Head {
    fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        let first = read_line(reader)?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = Vec::new();
        loop {
            let line = read_line(reader)?;
            if line.is_empty() {
                return Ok(Self { method, target, headers });
            }
            headers.push(line);
        }
    }

    /// Who is asked for, and what there.
    fn split_target(&self) -> (&str, &str) {
        let scheme = self.target.find("://").map_or(0, |at| at + 3);
        let path = self.target[scheme..].find('/').map_or(self.target.len(), |at| scheme + at);
        self.target.split_at(path)
    }

    fn authorization(&self) -> Option<&str> {
        let values = self.headers.iter().filter_map(|line| line.split_once(": "));
        let mut own = values.filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"));
        own.next().map(|(_, value)| value)
    }

    /// The head for the endpoint: what concerns the proxy is not in it.
    fn passed_on(&self, path: &str) -> String {
        let is_ours = |line: &&String| !line.to_ascii_lowercase().starts_with("proxy-");
        let headers: String =
            self.headers.iter().filter(is_ours).map(|line| format!("{line}\r\n")).collect();
        format!("{} {path} HTTP/1.1\r\n{headers}\r\n", self.method)
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.take(LINE_BYTES).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
