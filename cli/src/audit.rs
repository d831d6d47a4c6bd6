//! A line for every action that changes a board, in the user's state folder.
//!
//! It answers "who reset my board at noon" weeks later. Reading is not logged.

use std::io::Write;

use serde::Serialize;

use crate::config::Folders;
use crate::exit::{Exit, Failure};

/// File in the state folder, one JSON object a line.
const FILE: &str = "audit.jsonl";

/// What is done to a board.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    Flash,
    Erase,
    Write,
    Reset,
    Halt,
    Run,
    /// Trace is switched on for `silk log --itm`, and off afterwards.
    Trace,
}

#[derive(Serialize)]
struct Entry<'a> {
    version: u32,
    at_unix_ms: u64,
    action: Action,
    board: &'a str,
    chip: &'a str,
    /// What was flashed.
    file: Option<&'a str>,
    /// What was erased or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'a str>,
}

/// Logs an action on a real board before it is done. Virtual boards are nobody's property.
///
/// # Errors
/// If the line cannot be written the action must not happen.
pub(crate) fn record(
    folders: &Folders,
    action: Action,
    board: &bundle::BoardId,
    detail: Option<&str>,
) -> Result<(), Failure> {
    if board.virtual_board.is_some() {
        return Ok(());
    }
    let entry = Entry {
        version: 1,
        at_unix_ms: unix_ms(),
        action,
        board: &board.selector,
        chip: &board.chip,
        file: detail.filter(|_| matches!(action, Action::Flash)),
        what: detail.filter(|_| matches!(action, Action::Erase | Action::Write)),
    };
    append(folders, &entry).map_err(|error| {
        Failure::new(
            Exit::Internal,
            format!("cannot log the action in {}", folders.state.display()),
        )
        .caused_by(&error)
        .hint("nothing was done to the board; make that folder writable")
    })
}

fn append(folders: &Folders, entry: &Entry<'_>) -> std::io::Result<()> {
    std::fs::create_dir_all(&folders.state)?;
    let path = folders.state.join(FILE);
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    std::fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(&line)
}

/// Milliseconds since the Unix epoch; 0 on a clock set before it.
pub(crate) fn unix_ms() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
