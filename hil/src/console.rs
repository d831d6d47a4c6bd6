//! A board's UART as this machine reaches it: a serial device, or raw bytes over TCP.
//!
//! A thread keeps what comes, so that nothing is lost while the debugger is busy. A line that breaks is
//! opened again as soon as it is there: an adapter that enumerates anew is gone for a moment, and has the
//! same name afterwards only through a link (`/dev/serial/by-id/…`). Each loss is told, for what the
//! board says meanwhile nobody hears.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use vbench::SerialText;

use crate::HilError;

/// Where a UART is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleAddress {
    /// A serial device of this machine. While it is open, no other program has it.
    Device {
        /// Its path; better a link that stays than a number that changes.
        path: PathBuf,
        /// Bits per second, 8N1.
        baud: u32,
    },
    /// Raw bytes at `HOST:PORT`, as a terminal server or a served bench sends them.
    Tcp(String),
}

/// Why a text is no [`ConsoleAddress`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{text}` as a serial line: expected `/dev/DEVICE[@BAUD]` or `tcp:HOST:PORT`")]
pub struct ConsoleAddressError {
    /// The text.
    pub text: String,
}

/// Bits per second of a device that says nothing of it.
const BAUD: u32 = 115_200;

impl FromStr for ConsoleAddress {
    type Err = ConsoleAddressError;

    fn from_str(text: &str) -> Result<ConsoleAddress, ConsoleAddressError> {
        let malformed = || ConsoleAddressError { text: text.to_owned() };
        let network = ["tcp:", "socket://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        if let Some(address) = network {
            let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
            let complete = !host.is_empty() && port.parse::<u16>().is_ok();
            return complete.then(|| ConsoleAddress::Tcp(address.to_owned())).ok_or_else(malformed);
        }
        let (path, baud) = match text.rsplit_once('@') {
            Some((path, baud)) => (path, baud.parse().ok().filter(|baud| *baud > 0)),
            None => (text, Some(BAUD)),
        };
        match baud {
            Some(baud) if path.contains('/') => {
                Ok(ConsoleAddress::Device { path: PathBuf::from(path), baud })
            }
            _ => Err(malformed()),
        }
    }
}

impl fmt::Display for ConsoleAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConsoleAddress::Device { path, .. } => write!(f, "{}", path.display()),
            ConsoleAddress::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

impl ConsoleAddress {
    /// The same as a program on this machine opens it: a device's path, or pyserial's `socket://`.
    pub fn for_programs(&self) -> PathBuf {
        match self {
            ConsoleAddress::Device { path, .. } => path.clone(),
            ConsoleAddress::Tcp(address) => PathBuf::from(format!("socket://{address}")),
        }
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            ConsoleAddress::Device { path, baud } => {
                let port = serialport::new(path.to_string_lossy(), *baud).timeout(LOOK);
                Ok(Box::new(port.open_native().map_err(io::Error::from)?))
            }
            ConsoleAddress::Tcp(address) => Ok(Box::new(connect(address)?)),
        }
    }
}

/// How long the network may take to connect.
const CONNECT: Duration = Duration::from_secs(2);

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(LOOK))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// How often the thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// How often a line that broke is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// What happened to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleNote {
    /// It broke; what is sent now is lost.
    Lost {
        /// What the system said.
        why: String,
    },
    /// It is there again.
    Back,
}

/// What happened to a line since the last look. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ConsoleNotes(Arc<Mutex<Vec<ConsoleNote>>>);

impl ConsoleNotes {
    /// Takes what there is to tell, in its order.
    pub fn take(&self) -> Vec<ConsoleNote> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, note: ConsoleNote) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }
}

/// A line that is listened to. Dropping it closes it.
#[derive(Debug)]
pub struct Console {
    address: ConsoleAddress,
    text: SerialText,
    notes: ConsoleNotes,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Console {
    /// Opens a line and begins to listen. `name` is what its log is called.
    ///
    /// # Errors
    /// [`HilError::Console`] if it cannot be opened now.
    pub fn open(name: &str, address: &ConsoleAddress) -> Result<Console, HilError> {
        let failed = |source| HilError::Console { address: address.to_string(), source };
        let line = address.open().map_err(failed)?;
        let text = SerialText::new(name, address.for_programs());
        let (notes, ended) = (ConsoleNotes::default(), Arc::new(AtomicBool::new(false)));
        let listener = Listening {
            address: address.clone(),
            text: text.clone(),
            notes: notes.clone(),
            ended: ended.clone(),
        };
        let thread = thread::Builder::new()
            .name("hil-console".to_owned())
            .spawn(move || listener.follow(line))
            .map_err(failed)?;
        Ok(Console { address: address.clone(), text, notes, ended, thread: Some(thread) })
    }

    /// Where it is.
    pub fn address(&self) -> &ConsoleAddress {
        &self.address
    }

    /// What was heard.
    pub fn text(&self) -> SerialText {
        self.text.clone()
    }

    /// What happened to the line.
    pub fn notes(&self) -> ConsoleNotes {
        self.notes.clone()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Listening {
    address: ConsoleAddress,
    text: SerialText,
    notes: ConsoleNotes,
    ended: Arc<AtomicBool>,
}

impl Listening {
    fn follow(self, mut line: Box<dyn Read + Send>) {
        let mut buffer = [0; 4096];
        while !self.is_over() {
            let why = match line.read(&mut buffer) {
                Ok(0) => "it was closed".to_owned(),
                Ok(count) => {
                    self.text.push(&buffer[..count]);
                    continue;
                }
                Err(error) if waits(&error) => continue,
                Err(error) => error.to_string(),
            };
            self.notes.push(ConsoleNote::Lost { why });
            // Closed first: a device that is still held open comes back under another name.
            line = Box::new(io::empty());
            while !self.is_over() {
                thread::sleep(AGAIN);
                if let Ok(again) = self.address.open() {
                    line = again;
                    self.notes.push(ConsoleNote::Back);
                    break;
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
}

fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_people_write_them() {
        let device = |path: &str, baud| ConsoleAddress::Device { path: path.into(), baud };
        let tcp = |address: &str| ConsoleAddress::Tcp(address.to_owned());
        for (text, expected) in [
            ("/dev/ttyACM0", device("/dev/ttyACM0", 115_200)),
            ("/dev/ttyACM0@9600", device("/dev/ttyACM0", 9600)),
            ("tcp:bench:2000", tcp("bench:2000")),
            ("socket://[::1]:2000", tcp("[::1]:2000")),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for bad in
            ["", "COM", "/dev/ttyACM0@", "/dev/ttyACM0@fast", "/dev/x@0", "tcp:bench", "tcp::1"]
        {
            let error = bad.parse::<ConsoleAddress>().unwrap_err();
            assert!(error.to_string().contains("tcp:HOST:PORT"), "{bad}: {error}");
        }
    }
}
