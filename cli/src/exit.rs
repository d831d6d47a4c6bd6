//! Exit codes, and the error that carries one to the terminal.
//!
//! A [`Failure`] names the thing that failed, says what was searched and found, and gives the
//! next step. Libraries report; here is where advice and codes are added.

use std::fmt;

/// Every way in which `silk` ends. The numbers are a promise: scripts depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All went well. Skipped tests count as well.
    Ok = 0,
    /// A fault of `silk` itself.
    Internal = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// Nothing matched what was asked for.
    NothingFound = 4,
    /// A claim is wrong, or a test failed.
    Wrong = 100,
    /// No board, QEMU or bench where one was required.
    NoBoard = 103,
    /// Somebody else uses the board.
    BoardLocked = 104,
    /// The probe, the flash or the bench failed.
    Bench = 105,
    /// The time for the whole run was over.
    GlobalTimeout = 106,
    /// Tests passed only when they were run again, and that is to count as failure.
    FlakyOnly = 107,
    /// No model could serve.
    NoModel = 108,
    /// An endpoint refused the credentials.
    Credentials = 109,
    /// Cancelled by Ctrl-C.
    Interrupted = 130,
    /// Cancelled by SIGTERM.
    Terminated = 143,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a verb gives back.
pub(crate) type Outcome = Result<Exit, Failure>;

/// An error on its way to the terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The code to end with.
    pub(crate) exit: Exit,
    /// What failed, and what was searched and found: one line each.
    lines: Vec<String>,
    /// What to do next.
    hints: Vec<String>,
    /// Nobody is there to read it: a closed pipe is a clean end.
    silent: bool,
}

impl Failure {
    /// Starts a failure with its first line.
    pub(crate) fn new(exit: Exit, what: impl fmt::Display) -> Self {
        Self { exit, lines: vec![what.to_string()], hints: Vec::new(), silent: false }
    }

    /// Starts a failure with a library error, whose words read after "failed to", and its causes.
    pub(crate) fn to(exit: Exit, error: &dyn std::error::Error) -> Self {
        let failure = Self::new(exit, format!("failed to {error}"));
        match error.source() {
            Some(cause) => failure.caused_by(cause),
            None => failure,
        }
    }

    /// Adds a line such as `searched: …`.
    pub(crate) fn detail(mut self, line: impl fmt::Display) -> Self {
        self.lines.push(line.to_string());
        self
    }

    /// Adds a next step.
    pub(crate) fn hint(mut self, line: impl fmt::Display) -> Self {
        self.hints.push(line.to_string());
        self
    }

    /// Adds an error's own words and those of its causes.
    pub(crate) fn caused_by(mut self, error: &dyn std::error::Error) -> Self {
        self.lines.extend(chain(error));
        self
    }

    /// True if there is nothing to print.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// The first line alone, for a JSON event.
    pub(crate) fn message(&self) -> &str {
        &self.lines[0]
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: {}", self.lines[0])?;
        for line in &self.lines[1..] {
            write!(out, "\n  {}", line.replace('\n', "\n  "))?;
        }
        for hint in &self.hints {
            write!(out, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// An error and its causes, one line each, outermost first, without repetitions.
fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut lines = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let line = error.to_string();
        if !lines.iter().any(|earlier: &String| earlier.contains(&line)) {
            lines.push(line);
        }
        next = error.source();
    }
    lines
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self { silent: true, ..Self::new(Exit::Ok, "") };
        }
        Self::new(Exit::Internal, "output or a file broke off").caused_by(&error)
    }
}
