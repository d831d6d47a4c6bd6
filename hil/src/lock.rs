//! Boards that several people and programs share: one holder at a time, with a name.
//!
//! A lock is a lock of the system on a file, so it ends with its holder however that ends. The
//! file also says who holds it; what stands in a file that nobody has locked means nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Who holds a board, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id on this machine.
    pub pid: u32,
    /// The user's name, if it is known.
    pub user: Option<String>,
    /// What for, such as `silk hil run`.
    pub why: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub since_unix_ms: u64,
}

/// Why a board could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody has it.
    #[error("lock {board}: {}", Held(holder.as_ref()))]
    Held {
        /// The board.
        board: String,
        /// Who has it, unless they did not say.
        holder: Option<Holder>,
    },
    /// The folder for locks cannot be used.
    #[error("lock {board}: {} cannot be written", path.display())]
    File {
        /// The board.
        board: String,
        /// The lock's file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl Holder {
    /// Whether the process is the one that has the lock's file open: a number alone may be another's by
    /// now, or of another container. Always false where there is no `/proc`.
    pub fn has_open(&self, lock: &Path) -> bool {
        let Ok(lock) = lock.canonicalize() else { return false };
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid)).into_iter().flatten();
        let mut targets = open.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.any(|target| target == lock)
    }
}

/// Whether the process started this one, or started who did. Source: proc(5), `/proc/pid/stat`, ppid.
fn is_ancestor(pid: u32) -> bool {
    let parent = |of: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{of}/stat")).ok()?;
        // The name in parentheses may hold anything, spaces and parentheses too.
        stat.rsplit(") ").next()?.split(' ').nth(1)?.parse::<u32>().ok()
    };
    let mut above = std::iter::successors(parent(std::process::id()), |of| parent(*of));
    pid != 0 && above.any(|ancestor| ancestor == pid)
}

struct Held<'a>(Option<&'a Holder>);

impl std::fmt::Display for Held<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(holder) = self.0 else { return write!(f, "another program holds it") };
        let user = holder.user.as_deref().unwrap_or("somebody");
        write!(f, "{user} holds it with process {} ({})", holder.pid, holder.why)
    }
}

/// A board that is ours until this is dropped.
#[derive(Debug)]
pub struct BoardLock {
    /// `None`: a process that started us holds the lock, for us among others.
    file: Option<File>,
}

impl BoardLock {
    /// Takes a board, or says who has it. `folder` is the same for all who share boards.
    ///
    /// Where the holder is a process that started this one, the board is taken as given: a command that
    /// is run while a board is held for it uses that board.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(folder: &Path, board: &str, holder: &Holder) -> Result<Self, LockError> {
        let path = file_of(folder, board);
        let failed = |source| {
            let (board, path) = (board.to_owned(), path.clone());
            LockError::File { board, path, source }
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let open =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read(&mut file);
                if holder
                    .as_ref()
                    .is_some_and(|holder| is_ancestor(holder.pid) && holder.has_open(&path))
                {
                    return Ok(Self { file: None });
                }
                return Err(LockError::Held { board: board.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let note = serde_json::to_vec(holder).unwrap_or_default();
        file.set_len(0).and_then(|()| file.write_all(&note)).map_err(failed)?;
        Ok(Self { file: Some(file) })
    }

    /// The file that a board's lock is on.
    pub fn file(folder: &Path, board: &str) -> PathBuf {
        file_of(folder, board)
    }

    /// Who holds a board now. `None`: nobody.
    pub fn holder(folder: &Path, board: &str) -> Option<Holder> {
        let mut file = File::open(file_of(folder, board)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(read(&mut file).unwrap_or(Holder {
                pid: 0,
                user: None,
                why: "it does not say".to_owned(),
                since_unix_ms: 0,
            })),
            _ => None,
        }
    }
}

impl Drop for BoardLock {
    fn drop(&mut self) {
        // The lock itself goes when the file is closed.
        let _ = self.file.as_ref().map(|file| file.set_len(0));
    }
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Names of boards and selectors of probes, as names of files.
fn file_of(folder: &Path, board: &str) -> PathBuf {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '.' };
    folder.join(format!("{}.lock", board.chars().map(safe).collect::<String>()))
}
