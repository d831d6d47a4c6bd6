//! Text that a board sent, raw as it came and cut into lines.

use serde::{Deserialize, Serialize};

/// One source of text.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Milliseconds since the board was opened.
    pub at_ms: u64,
    /// The line without its end. Bytes that are not UTF-8 became U+FFFD.
    pub text: String,
    /// What a structured log says besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Box<LogDetail>>,
}

impl LogRecord {
    /// A line of plain text.
    pub fn plain(at_ms: u64, text: impl Into<String>) -> Self {
        Self { at_ms, text: text.into(), detail: None }
    }

    /// The level, if the log has levels.
    pub fn level(&self) -> Option<&str> {
        self.detail.as_ref()?.level.as_deref()
    }

    /// The module, if the log tells it.
    pub fn module(&self) -> Option<&str> {
        self.detail.as_ref()?.module.as_deref()
    }
}

/// What a structured log, such as defmt, says of a line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogDetail {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Module that holds the statement, with its crate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Source file as the debug information names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The statement's format string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Its arguments, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<LogValue>,
    /// The target's own time, as it formats it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_time: Option<String>,
}

/// An argument of a log statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LogValue {
    /// A truth value.
    Bool(bool),
    /// A number that is not negative.
    Unsigned(u64),
    /// A number that may be negative.
    Signed(i64),
    /// A floating-point number, neither infinite nor NaN.
    Float(f64),
    /// Several values.
    List(Vec<LogValue>),
    /// Text, and whatever is shown as text only.
    Text(String),
}
