//! Text that a board sent, raw as it came and cut into lines.

use std::sync::Arc;

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
    /// Set on RTT channels: what is known of bytes that never came.
    pub capture: Option<RttCapture>,
}

/// What the ring buffer of an RTT channel showed of itself. The target counts nothing that it drops,
/// so this is all there is to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RttCapture {
    /// What the firmware does with text that does not fit.
    pub when_full: WhenFull,
    /// Bytes that the buffer can hold.
    pub capacity: u64,
    /// Most bytes that were found waiting.
    pub fullest: u64,
    /// More than this never waited, also not while nobody looked.
    pub never_above: u64,
}

/// Modes of an RTT channel. Source: SEGGER UM08001, "RTT", SEGGER_RTT_MODE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenFull {
    /// What does not fit is dropped whole.
    Skip,
    /// What does not fit is cut off.
    Trim,
    /// The firmware waits.
    Wait,
}

impl RttCapture {
    /// Length of the longest message of which it is proved that none was dropped. `None`: nothing is
    /// proved.
    pub fn certainly_kept(&self) -> Option<u64> {
        match self.when_full {
            WhenFull::Wait => Some(u64::MAX),
            WhenFull::Skip | WhenFull::Trim => {
                self.capacity.checked_sub(self.never_above).filter(|free| *free > 0)
            }
        }
    }

    /// What the buffer proves, in a sentence.
    pub fn says(&self) -> String {
        let Self { when_full, capacity, fullest, never_above } = *self;
        match (when_full, self.certainly_kept()) {
            (WhenFull::Wait, _) => {
                "the firmware waits while its buffer is full, so it dropped nothing".to_owned()
            }
            (_, Some(length)) => format!(
                "never more than {never_above} of {capacity} bytes waited, so nothing of up to {length} bytes was dropped"
            ),
            (_, None) => format!(
                "up to {fullest} of {capacity} bytes were found waiting: the target does not tell whether something did not fit and was dropped"
            ),
        }
    }
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
    /// A stimulus port of the ITM, through the trace pin.
    Itm,
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
    #[serde(skip_serializing_if = "Option::is_none", with = "shared")]
    pub level: Option<Arc<str>>,
    /// Module that holds the statement, with its crate.
    #[serde(skip_serializing_if = "Option::is_none", with = "shared")]
    pub module: Option<Arc<str>>,
    /// Source file as the debug information names it.
    #[serde(skip_serializing_if = "Option::is_none", with = "shared")]
    pub file: Option<Arc<str>>,
    /// Line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The statement's format string.
    #[serde(skip_serializing_if = "Option::is_none", with = "shared")]
    pub format: Option<Arc<str>>,
    /// Its arguments, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<LogValue>,
    /// The target's own time, as it formats it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_time: Option<String>,
}

/// Texts that many records have in common.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        text: &Option<Arc<str>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_deref().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Arc<str>>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(Arc::from))
    }
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
