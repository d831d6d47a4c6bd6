//! The terminal: stdout carries data, stderr carries talk, and colour carries no meaning.

use std::io::{IsTerminal, Stdout, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::args::{ColorWhen, Global};
use crate::exit::Failure;

/// Emphasis: a path, a name.
pub(crate) const STRONG: Style = Style::new().bold();
/// Secondary text.
pub(crate) const QUIET: Style = Style::new().dimmed();
/// A claim that holds.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// A claim that does not, and errors.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something to look at.
pub(crate) const CARE: Style = AnsiColor::Yellow.on_default();

/// Where a verb writes.
pub(crate) struct Ui {
    /// Data.
    pub(crate) out: AutoStream<Stdout>,
    /// Data goes out as JSON lines.
    pub(crate) json: bool,
}

impl Ui {
    /// Sets up both streams for the whole process.
    pub(crate) fn new(flags: &Global) -> Self {
        let choice = match flags.color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        };
        choice.write_global();
        Self { out: AutoStream::auto(std::io::stdout()), json: flags.json }
    }

    /// Writes one JSON object as a line, at once.
    pub(crate) fn json_line(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(object).map_err(std::io::Error::from)?;
        line.push(b'\n');
        self.out.write_all(&line)?;
        self.out.flush()?;
        Ok(())
    }

    /// Says something that is not data. May quote a file: see [`printable`].
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        anstream::eprintln!("{QUIET}note:{QUIET:#} {}", printable(&text.to_string()));
    }

    /// Says that something is odd but not fatal.
    pub(crate) fn warn(&self, text: impl std::fmt::Display) {
        anstream::eprintln!("{CARE}warning:{CARE:#} {}", printable(&text.to_string()));
    }
}

/// Whether a person can be asked.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Text from a board, an SVD or a model, made safe to print: control characters become visible,
/// so that it cannot move the cursor, recolour or retitle the terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => safe.push(c),
            '\r' => {}
            c if c.is_control() || is_bidi_control(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// Unicode's invisible direction marks, which can make text read as what it is not (UAX #9).
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
