//! Where sources are that were compiled elsewhere: in CI, in a container, by whoever built the
//! compiler.

use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::exit::{Exit, Failure};

/// A folder as the debug information has it, and where it is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Moved {
    from: String,
    to: String,
}

impl Moved {
    /// # Errors
    /// Usage, if `from` is no folder.
    pub(crate) fn new(from: &str, to: &Path) -> Result<Self, Failure> {
        if from.is_empty() {
            return Err(Failure::new(Exit::Usage, "a source map replaces an empty path")
                .hint("name the start of the paths that `silk addr` shows, such as /build/fw"));
        }
        Ok(Self { from: from.to_owned(), to: tidy(to).display().to_string() })
    }

    /// Reads the `FROM=TO` of a flag.
    ///
    /// # Errors
    /// Usage, if it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        match text.split_once('=') {
            Some((from, to)) if !to.is_empty() => Self::new(from, Path::new(to)),
            _ => Err(Failure::new(Exit::Usage, format!("`{text}` maps no folder to another"))
                .hint("write it as --source-map /build/fw=/home/me/fw")),
        }
    }

    /// What to look for, and what to put there.
    pub(crate) fn pair(&self) -> (String, String) {
        (self.from.clone(), self.to.clone())
    }
}

/// The path without the `.` that a relative one leaves when it is joined.
fn tidy(path: &Path) -> PathBuf {
    let tidy: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    if tidy.as_os_str().is_empty() { PathBuf::from(".") } else { tidy }
}
