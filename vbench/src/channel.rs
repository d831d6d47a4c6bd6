//! A socket to QEMU that is read up to a mark, within a deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::BenchError;

/// One end of a socket pair whose other end QEMU inherited.
pub(crate) struct Channel {
    name: &'static str,
    stream: UnixStream,
    limit: Duration,
    /// What was read and not yet taken.
    pending: Vec<u8>,
    /// Bytes of `pending` that are known to hold no mark.
    scanned: usize,
}

impl Channel {
    /// `limit` bounds every single wait for an answer.
    pub(crate) fn new(
        name: &'static str,
        stream: UnixStream,
        limit: Duration,
    ) -> Result<Channel, BenchError> {
        let broken = |source| BenchError::Channel { channel: name, source };
        stream.set_write_timeout(Some(limit)).map_err(broken)?;
        Ok(Channel { name, stream, limit, pending: Vec::new(), scanned: 0 })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        self.stream.write_all(bytes).map_err(|source| self.broken(source))
    }

    /// Everything up to and including `mark`, waiting for it as long as the limit allows.
    pub(crate) fn take_until(&mut self, mark: u8) -> Result<Vec<u8>, BenchError> {
        let give_up = Instant::now() + self.limit;
        loop {
            if let Some(taken) = self.take_ready(mark) {
                return Ok(taken);
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.fill(Some(left))? {
                return Err(self.deadline());
            }
        }
    }

    /// The same if it has arrived already, without waiting.
    pub(crate) fn poll_until(&mut self, mark: u8) -> Result<Option<Vec<u8>>, BenchError> {
        loop {
            if let Some(taken) = self.take_ready(mark) {
                return Ok(Some(taken));
            }
            if !self.fill(None)? {
                return Ok(None);
            }
        }
    }

    /// Exactly `count` bytes, waiting for them as long as the limit allows.
    pub(crate) fn take(&mut self, count: usize) -> Result<Vec<u8>, BenchError> {
        let give_up = Instant::now() + self.limit;
        while self.pending.len() < count {
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.fill(Some(left))? {
                return Err(self.deadline());
            }
        }
        self.scanned = 0;
        Ok(self.pending.drain(..count).collect())
    }

    pub(crate) fn protocol(&self, answer: impl Into<String>) -> BenchError {
        BenchError::Protocol { channel: self.name, answer: answer.into() }
    }

    fn take_ready(&mut self, mark: u8) -> Option<Vec<u8>> {
        let found = self.pending[self.scanned..].iter().position(|&byte| byte == mark);
        match found {
            Some(at) => {
                let end = self.scanned + at + 1;
                self.scanned = 0;
                Some(self.pending.drain(..end).collect())
            }
            None => {
                self.scanned = self.pending.len();
                None
            }
        }
    }

    /// Reads what there is, waiting up to `wait` (`None`: not at all). False: nothing came.
    fn fill(&mut self, wait: Option<Duration>) -> Result<bool, BenchError> {
        let mut chunk = [0; 16 * 1024];
        let read = match wait {
            Some(wait) => {
                self.stream.set_read_timeout(Some(wait)).and_then(|()| self.stream.read(&mut chunk))
            }
            None => self.stream.set_nonblocking(true).and_then(|()| {
                let read = self.stream.read(&mut chunk);
                self.stream.set_nonblocking(false).and(read)
            }),
        };
        match read {
            Ok(0) => Err(self.broken(ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                self.pending.extend_from_slice(&chunk[..count]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(self.broken(error)),
        }
    }

    fn broken(&self, source: io::Error) -> BenchError {
        match source.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => self.deadline(),
            _ => BenchError::Channel { channel: self.name, source },
        }
    }

    fn deadline(&self) -> BenchError {
        BenchError::Deadline {
            what: format!("hear from QEMU over {}", self.name),
            limit: self.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(limit_ms: u64) -> (Channel, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("socket pair");
        let channel = Channel::new("test", ours, Duration::from_millis(limit_ms));
        (channel.expect("channel"), theirs)
    }

    #[test]
    fn cuts_at_marks_however_the_bytes_arrive() {
        let (mut channel, mut theirs) = pair(1000);
        assert!(channel.poll_until(b'\n').expect("open").is_none());
        theirs.write_all(b"one\ntw").expect("write");
        assert_eq!(channel.take_until(b'\n').expect("line"), b"one\n");
        assert!(channel.poll_until(b'\n').expect("open").is_none());
        theirs.write_all(b"o\n#ab").expect("write");
        assert_eq!(channel.take_until(b'\n').expect("line"), b"two\n");
        assert_eq!(channel.take(3).expect("bytes"), b"#ab");
    }

    #[test]
    fn a_silent_peer_costs_the_limit_and_a_closed_one_nothing() {
        let (mut channel, theirs) = pair(20);
        let silent = channel.take_until(b'\n').expect_err("nothing was sent");
        assert!(matches!(silent, BenchError::Deadline { .. }), "{silent}");
        drop(theirs);
        let closed = channel.take_until(b'\n').expect_err("closed");
        assert!(matches!(closed, BenchError::Channel { .. }), "{closed}");
    }
}
