//! An HTTP proxy that leads every tunnel to one place, whatever name it is asked
//! for: what gets there was looked up by nobody else.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

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

    /// What tunnels were asked for, each as host and port.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    mut client: TcpStream,
    target: SocketAddr,
    noted: &Mutex<Vec<String>>,
    wanted: Option<&str>,
) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?.take(16 * 1024));
    let (mut first, mut authorization) = (String::new(), None);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("proxy-authorization") {
            authorization = Some(value.to_owned());
        }
    }
    let mut words = first.split(' ');
    let (method, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if method != "CONNECT" {
        return client.write_all(b"HTTP/1.1 405 Only Tunnels\r\ncontent-length: 0\r\n\r\n");
    }
    noted.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
    if wanted.is_some() && wanted != authorization.as_deref() {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        return client.write_all(refusal.as_bytes());
    }
    let mut endpoint = TcpStream::connect(target)?;
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    let (mut from, mut to) = (client.try_clone()?, endpoint.try_clone()?);
    thread::spawn(move || {
        // Either side may hang up at any time.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    io::copy(&mut endpoint, &mut client)?;
    client.shutdown(Shutdown::Both)
}
