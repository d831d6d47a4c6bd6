//! Serial text cut into lines with times, as it arrives.

use bundle::LogRecord;
use vbench::{SerialChunk, SerialText};

/// The lines of a board's UART, each given once.
#[derive(Debug)]
pub struct SerialLines {
    text: SerialText,
    channel: String,
    /// Bytes of the text that were taken so far, those already forgotten included.
    position: u64,
    splitter: Splitter,
}

impl SerialLines {
    /// Begins with the text that was sent before.
    pub fn new(text: SerialText) -> Self {
        let channel = text.name().to_ascii_lowercase();
        Self { text, channel, position: 0, splitter: Splitter::default() }
    }

    /// Begins with the text that is sent from now on.
    pub(crate) fn new_from_now(text: SerialText) -> Self {
        let mut lines = Self::new(text);
        lines.position = lines.text.chunks_from(0).1;
        lines
    }

    /// Bytes that came since the last call, not cut into lines.
    pub(crate) fn next_bytes(&mut self) -> Vec<u8> {
        let (chunks, position) = self.text.chunks_from(self.position);
        self.position = position;
        chunks.into_iter().flat_map(|chunk| chunk.bytes).collect()
    }

    /// Name of the source, such as `uart0`.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// Lines that became whole since the last call.
    pub fn next_lines(&mut self) -> Vec<LogRecord> {
        let (chunks, position) = self.text.chunks_from(self.position);
        self.position = position;
        chunks.iter().flat_map(|chunk| self.splitter.push(chunk)).collect()
    }

    /// The text after the last line end, if there is any.
    pub fn rest(&mut self) -> Option<LogRecord> {
        self.splitter.rest()
    }
}

/// Cuts chunks into lines. A line has the time of its first byte.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    line: Option<(u64, Vec<u8>)>,
}

impl Splitter {
    /// The lines that end in `chunk`.
    pub(crate) fn push(&mut self, chunk: &SerialChunk) -> Vec<LogRecord> {
        let at_ms = u64::try_from(chunk.at.as_millis()).unwrap_or(u64::MAX);
        self.cut(at_ms, &chunk.bytes)
    }

    /// The lines that end in `bytes`, which came at `at_ms`.
    pub(crate) fn cut(&mut self, at_ms: u64, bytes: &[u8]) -> Vec<LogRecord> {
        let mut records = Vec::new();
        for &byte in bytes {
            let (_, bytes) = self.line.get_or_insert_with(|| (at_ms, Vec::new()));
            if byte != b'\n' {
                bytes.push(byte);
            } else {
                records.extend(self.rest());
            }
        }
        records
    }

    /// What stands after the last line end.
    pub(crate) fn rest(&mut self) -> Option<LogRecord> {
        let (at_ms, bytes) = self.line.take()?;
        let text = String::from_utf8_lossy(&bytes);
        Some(LogRecord::plain(at_ms, text.trim_end_matches('\r')))
    }
}
