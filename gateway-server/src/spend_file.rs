//! What was spent, kept in a file, so that budgets hold over a restart where no
//! Redis keeps it.
//!
//! A line of JSON for what one user spent on one task of one project since the
//! line before, and the day it was spent on. Lines are only ever added; what is
//! older than budgets look back is left out, and the rest summed up, when the
//! file is opened and each time it has grown long. The sums take the file's
//! place at once (a rename), so that there is no moment without one.
//!
//! A line that cannot be read costs itself and nothing else. What a process was
//! told reaches the system with each line: killing it loses at most what was
//! spent since ([`KEEP`]). Nothing in it was said by a client or a model.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use gateway::Task;
use gateway::policy::{BUDGET_DAYS, Spent};
use serde::{Deserialize, Serialize};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::Notice;
use crate::app::App;

/// How often what was spent is written down.
pub(crate) const KEEP: Duration = Duration::from_millis(250);

/// Longer lines are none of ours: names are bounded far below that.
const LINE_BYTES: u64 = 4 * 1024;

/// What is added before the file is summed up anew, beside as much as the sums
/// themselves take.
const GROWTH: u64 = 1024 * 1024;

const DAY: Duration = Duration::from_secs(86_400);

/// A file with what was spent; one process has it at a time.
#[derive(Debug)]
pub struct SpendFile {
    path: PathBuf,
    /// What was in it when it was opened, with how many days ago that was.
    found: Vec<(u64, Spent)>,
    skipped: usize,
    inner: Mutex<Inner>,
    /// Held for as long as this lives.
    _lock: File,
}

#[derive(Debug)]
struct Inner {
    file: File,
    len: u64,
    /// It is summed up anew once it is this long.
    most: u64,
    /// The last write failed, perhaps in the middle of a line that could not be
    /// taken back.
    torn: bool,
}

/// Why a file cannot keep what is spent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpendFileError {
    /// Another process keeps its own there.
    #[error("keep what is spent in `{}`: another gateway does", .path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// It could not be read or written.
    #[error("keep what is spent in `{}`", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// One line.
#[derive(Serialize, Deserialize)]
struct Line {
    /// Days since 1970, by UTC.
    day: u64,
    #[serde(flatten)]
    spent: Spent,
}

/// Sums by day, user, project and task.
type Sums = BTreeMap<(u64, String, String, Option<Task>), Spent>;

impl SpendFile {
    /// Opens the file at `path`, which need not exist; its folder must. `wall` is
    /// now, by the calendar.
    ///
    /// # Errors
    /// See [`SpendFileError`].
    pub fn open(path: &Path, wall: SystemTime) -> Result<Self, SpendFileError> {
        let failed = |source| SpendFileError::Io { path: path.to_owned(), source };
        let lock = File::create(beside(path, "lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SpendFileError::Taken { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let today = day(wall);
        let (sums, skipped) = read(path, today).map_err(failed)?;
        let inner = write(path, &sums).map_err(failed)?;
        let found = sums.into_iter().map(|((day, ..), spent)| (today - day, spent)).collect();
        Ok(Self { path: path.to_owned(), found, skipped, inner: Mutex::new(inner), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lines that could not be read when it was opened.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// What it held when it was opened, with how many days ago that was.
    pub(crate) fn found(&self) -> &[(u64, Spent)] {
        &self.found
    }

    /// Adds what was spent since the last call.
    pub(crate) fn add(&self, rows: &[Spent], wall: SystemTime) -> io::Result<()> {
        let today = day(wall);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = Vec::new();
        if inner.torn {
            text.push(b'\n');
        }
        for row in rows {
            put(&mut text, today, row)?;
        }
        if let Err(error) = inner.file.write_all(&text) {
            // What is given again must not stand there in part.
            let len = inner.len;
            inner.torn = inner.file.set_len(len).is_err();
            return Err(error);
        }
        inner.torn = false;
        inner.len += text.len() as u64;
        // All is written: that it is not summed up now costs room only.
        if inner.len > inner.most
            && let Ok((sums, _)) = read(&self.path, today)
            && let Ok(shorter) = write(&self.path, &sums)
        {
            *inner = shorter;
        }
        Ok(())
    }
}

/// Writes down what is spent, beside whatever else goes on.
pub(crate) struct Keeper {
    app: Arc<App>,
    file: Arc<SpendFile>,
    running: JoinHandle<()>,
}

impl Keeper {
    pub(crate) fn start(app: &Arc<App>, file: &Arc<SpendFile>) -> Self {
        let (app, file) = (Arc::clone(app), Arc::clone(file));
        let running = tokio::spawn(keep(Arc::clone(&app), Arc::clone(&file)));
        Self { app, file, running }
    }

    /// Writes what is left.
    pub(crate) async fn stop(self) {
        self.running.abort();
        // Until it is gone it may be writing.
        let _ = self.running.await;
        let rows = self.app.with_policy(|policy, _| policy.take_fresh_spend());
        let (file, wall) = (self.file, (self.app.options.wall)());
        if let Ok(Err((_, error))) = spawn_blocking(move || written(&file, rows, wall)).await {
            tell(&self.app, &error);
        }
    }
}

/// For ever.
async fn keep(app: Arc<App>, file: Arc<SpendFile>) {
    let mut failed = false;
    loop {
        tokio::time::sleep(KEEP).await;
        let rows = app.with_policy(|policy, _| policy.take_fresh_spend());
        if rows.is_empty() {
            continue;
        }
        let (to, wall) = (Arc::clone(&file), (app.options.wall)());
        match spawn_blocking(move || written(&to, rows, wall)).await {
            Ok(Ok(())) => failed = false,
            Ok(Err((rows, error))) => {
                app.with_policy(|policy, _| policy.give_back_fresh_spend(&rows));
                if !std::mem::replace(&mut failed, true) {
                    tell(&app, &error);
                }
            }
            // It panicked: what it was to write is lost, the next is not.
            Err(_) => {}
        }
    }
}

fn written(
    file: &SpendFile,
    rows: Vec<Spent>,
    wall: SystemTime,
) -> Result<(), (Vec<Spent>, io::Error)> {
    if rows.is_empty() {
        return Ok(());
    }
    file.add(&rows, wall).map_err(|error| (rows, error))
}

fn tell(app: &App, error: &io::Error) {
    if let Some(notices) = &app.options.notices {
        notices(&Notice::SpendNotKept(error.to_string()));
    }
}

/// Reads what is there, and how many lines cannot be. What is too old is left out.
fn read(path: &Path, today: u64) -> io::Result<(Sums, usize)> {
    let (mut sums, mut skipped) = (Sums::new(), 0);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((sums, 0)),
        Err(error) => return Err(error),
    };
    let mut file = BufReader::new(file);
    loop {
        let mut line = Vec::new();
        if (&mut file).take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok((sums, skipped));
        }
        if line.len() as u64 == LINE_BYTES && line.last() != Some(&b'\n') {
            file.skip_until(b'\n')?;
        }
        match serde_json::from_slice::<Line>(&line) {
            Ok(line) => add(&mut sums, line, today),
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(_) => skipped += 1,
        }
    }
}

fn add(sums: &mut Sums, Line { day, spent }: Line, today: u64) {
    // Of a day to come, if the clock was wrong: it was spent by now.
    let day = day.min(today);
    if today - day >= BUDGET_DAYS {
        return;
    }
    let key = (day, spent.user.clone(), spent.project.clone(), spent.task);
    match sums.get_mut(&key) {
        Some(sum) => sum.add(&spent),
        None => drop(sums.insert(key, spent)),
    }
}

/// Puts a file with `sums` in the place of the one at `path`.
fn write(path: &Path, sums: &Sums) -> io::Result<Inner> {
    let mut text = Vec::new();
    for ((day, ..), spent) in sums {
        put(&mut text, *day, spent)?;
    }
    let new = beside(path, "new");
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true);
    private(&mut options);
    let mut file = options.open(&new)?;
    file.write_all(&text)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    let file = OpenOptions::new().append(true).open(path)?;
    let len = text.len() as u64;
    Ok(Inner { file, len, most: 2 * len + GROWTH, torn: false })
}

fn put(text: &mut Vec<u8>, day: u64, spent: &Spent) -> io::Result<()> {
    serde_json::to_writer(&mut *text, &Line { day, spent: spent.clone() })?;
    text.push(b'\n');
    Ok(())
}

/// Who spent what is nobody else's business.
#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn day(wall: SystemTime) -> u64 {
    wall.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / DAY.as_secs())
}
