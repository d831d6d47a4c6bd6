//! Text that a board sent, raw as it came and cut into lines.

use serde::{Deserialize, Serialize};

/// One source of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Name of the source, such as `uart0` or `rtt:0`. Letters, digits, `-`, `_`, `:` only
    /// survive in a file name.
    pub channel: String,
    /// How the text travelled.
    pub kind: LogKind,
    /// Bytes exactly as they came.
    pub raw: Vec<u8>,
    /// The same, as lines with times.
    pub records: Vec<LogRecord>,
}

/// How a log travelled from the target to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogKind {
    /// A UART, through a serial port or a pseudo-terminal.
    Serial,
    /// An RTT up channel.
    Rtt,
    /// Semihosting calls.
    Semihosting,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Milliseconds since the board was opened.
    pub at_ms: u64,
    /// The line without its end. Bytes that are not UTF-8 became U+FFFD.
    pub text: String,
}
