//! Text out of a board's UART: kept with times from its first byte on, and on a pseudo-terminal.
//!
//! QEMU's own pseudo-terminal drops what is sent before somebody opens it. Here QEMU talks to a
//! socket; a thread keeps every byte and mirrors it to a pseudo-terminal whose other end stays
//! open, so that a terminal program that comes late still reads what came before it.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use crate::BenchError;

/// A piece of text as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialChunk {
    /// Time since the bench was started.
    pub at: Duration,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What a UART has sent. Clones show the same text; it outlives the board.
#[derive(Debug, Clone)]
pub struct SerialText {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    path: PathBuf,
    started: Instant,
    kept: Mutex<Kept>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Kept {
    chunks: VecDeque<SerialChunk>,
    bytes: usize,
    forgotten: u64,
}

/// Bytes kept; beyond that the oldest go.
const KEEP: usize = 4 << 20;

impl SerialText {
    /// Text of a UART that somebody else reads, and who does [`SerialText::push`]es it.
    pub fn new(name: &str, path: PathBuf) -> SerialText {
        let (kept, arrived) = (Mutex::default(), Condvar::new());
        let (name, started) = (name.to_owned(), Instant::now());
        SerialText { shared: Arc::new(Shared { name, path, started, kept, arrived }) }
    }

    /// Name of the UART, such as `UART0`.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What a program opens for the same line. Of a bench in this process: the pseudo-terminal that
    /// carries the text and takes input, as long as the board lives.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// All text so far, with times.
    pub fn chunks(&self) -> Vec<SerialChunk> {
        self.kept().chunks.iter().cloned().collect()
    }

    /// Text from byte `position` on, and the position after it.
    ///
    /// A position inside a chunk gives the rest of that chunk. Text that was forgotten meanwhile
    /// is missing: see [`SerialText::forgotten`].
    pub fn chunks_from(&self, position: u64) -> (Vec<SerialChunk>, u64) {
        let kept = self.kept();
        let end = kept.forgotten + kept.bytes as u64;
        let mut missing = end.saturating_sub(position) as usize;
        let mut chunks = Vec::new();
        for chunk in kept.chunks.iter().rev() {
            if missing == 0 {
                break;
            }
            let take = missing.min(chunk.bytes.len());
            let bytes = chunk.bytes[chunk.bytes.len() - take..].to_vec();
            chunks.push(SerialChunk { at: chunk.at, bytes });
            missing -= take;
        }
        chunks.reverse();
        (chunks, end)
    }

    /// The position after the last byte.
    pub fn end(&self) -> u64 {
        let kept = self.kept();
        kept.forgotten + kept.bytes as u64
    }

    /// Waits until there is text after byte `position`, for no longer than `limit`.
    pub(crate) fn wait_past(&self, position: u64, limit: Duration) {
        let kept = self.kept();
        if kept.forgotten + kept.bytes as u64 <= position {
            drop(self.shared.arrived.wait_timeout(kept, limit));
        }
    }

    /// All text so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.kept().chunks.iter().flat_map(|chunk| chunk.bytes.iter().copied()).collect()
    }

    /// Bytes that had to be forgotten to bound memory. 0 unless a board sends megabytes.
    pub fn forgotten(&self) -> u64 {
        self.kept().forgotten
    }

    /// Waits until `found` is true of all text so far. False: `limit` passed first.
    pub fn wait(&self, limit: Duration, mut found: impl FnMut(&[u8]) -> bool) -> bool {
        let give_up = Instant::now() + limit;
        loop {
            // Taken before the look, so that nothing can arrive between look and wait.
            let seen = self.kept();
            let bytes: Vec<u8> = seen.chunks.iter().flat_map(|c| c.bytes.iter().copied()).collect();
            if found(&bytes) {
                return true;
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            drop(self.shared.arrived.wait_timeout(seen, left));
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what has just come.
    pub fn push(&self, bytes: &[u8]) {
        let at = self.shared.started.elapsed();
        let mut kept = self.kept();
        kept.bytes += bytes.len();
        kept.chunks.push_back(SerialChunk { at, bytes: bytes.to_vec() });
        while kept.bytes > KEEP {
            let oldest = kept.chunks.pop_front().map_or(0, |chunk| chunk.bytes.len());
            kept.bytes -= oldest;
            kept.forgotten += oldest as u64;
        }
        self.shared.arrived.notify_all();
    }
}

/// The host's end of a UART.
pub(crate) struct SerialPort {
    text: SerialText,
    master: Arc<PtyMaster>,
    /// Held open so that the pseudo-terminal keeps text while nobody else has it open.
    _terminal: File,
    pump: Option<Pump>,
}

impl SerialPort {
    pub(crate) fn open(name: &str) -> Result<SerialPort, BenchError> {
        let (master, terminal, path) =
            open_terminal().map_err(|source| BenchError::Channel { channel: "serial", source })?;
        let text = SerialText::new(name, path);
        Ok(SerialPort { text, master: Arc::new(master), _terminal: terminal, pump: None })
    }

    pub(crate) fn text(&self) -> &SerialText {
        &self.text
    }

    /// Sends `bytes` to the board, as somebody at the other end of the cable would.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        let broken = |source| BenchError::Channel { channel: "serial", source };
        match &mut self.pump {
            Some(pump) => pump.uart.write_all(bytes).map_err(broken),
            None => Err(broken(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Takes text from `uart` from now on; what was connected before is let go.
    pub(crate) fn connect(&mut self, uart: UnixStream) -> Result<(), BenchError> {
        self.pump = None;
        let broken = |source| BenchError::Channel { channel: "serial", source };
        let handle = uart.try_clone().map_err(broken)?;
        let (text, master) = (self.text.clone(), Arc::clone(&self.master));
        let thread = thread::Builder::new()
            .name("vbench-serial".to_owned())
            .spawn(move || pump(&uart, &master, &text))
            .map_err(broken)?;
        self.pump = Some(Pump { uart: handle, thread: Some(thread) });
        Ok(())
    }
}

struct Pump {
    uart: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Pump {
    fn drop(&mut self) {
        let _ = self.uart.shutdown(std::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A pseudo-terminal in raw mode: bytes go through as they are, nothing is echoed.
fn open_terminal() -> io::Result<(PtyMaster, File, PathBuf)> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let master = posix_openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let path = PathBuf::from(ptsname_r(&master)?);
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(&path)?;
    let mut settings = tcgetattr(&terminal)?;
    cfmakeraw(&mut settings);
    tcsetattr(&terminal, SetArg::TCSANOW, &settings)?;
    Ok((master, terminal, path))
}

/// Carries bytes both ways until QEMU closes its end or we close ours.
fn pump(mut uart: &UnixStream, mut master: &PtyMaster, text: &SerialText) {
    let mut buffer = [0; 4096];
    loop {
        let mut ready = [
            PollFd::new(uart.as_fd(), PollFlags::POLLIN),
            PollFd::new(master.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(_) => return,
        }
        let [from_uart, from_terminal] = ready.map(|fd| fd.any().unwrap_or(false));
        if from_uart {
            match uart.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => {
                    text.push(&buffer[..count]);
                    // Full means that nobody reads the terminal; the text itself is kept.
                    let _ = master.write(&buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
        if from_terminal
            && let Ok(count) = master.read(&mut buffer)
            && uart.write_all(&buffer[..count]).is_err()
        {
            return;
        }
    }
}
