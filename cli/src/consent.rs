//! Whether a host that is not this machine may be sent anything.
//!
//! Finding a key in the environment is not a yes. A yes is `allow_remote = true`, the flag
//! `--allow-remote`, or an answer given once on a terminal and remembered for that origin.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use crate::config::Folders;
use crate::exit::{Exit, Failure};
use crate::ui;

/// File in the state folder: one origin (`https://api.openai.com`) a line.
const FILE: &str = "consents";

/// Origins that were said yes to, here or in an earlier run.
pub(crate) fn recorded(folders: &Folders) -> Vec<String> {
    let text = std::fs::read_to_string(path(folders)).unwrap_or_default();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Asks on the terminal whether `origin` may be sent `tokens` tokens of evidence, and remembers
/// a yes. False where nobody can be asked.
pub(crate) fn ask(folders: &Folders, origin: &str, tokens: usize) -> Result<bool, Failure> {
    if !ui::can_ask() {
        return Ok(false);
    }
    anstream::eprintln!(
        "{origin} is not this machine. The question and {tokens} tokens of evidence (register \
         names and values, lines of the firmware, board text) would go there."
    );
    anstream::eprint!("Send them, now and in future? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(false);
    }
    remember(folders, origin).map_err(|error| {
        Failure::new(
            Exit::Internal,
            format!("cannot remember the yes in {}", folders.state.display()),
        )
        .caused_by(&error)
        .hint("make that folder writable, or use --allow-remote")
    })?;
    Ok(true)
}

fn remember(folders: &Folders, origin: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(&folders.state)?;
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path(folders))?;
    writeln!(file, "{origin}")
}

fn path(folders: &Folders) -> PathBuf {
    folders.state.join(FILE)
}
