//! Boards that are ours while we use them: whoever opens one takes its lock first.
//!
//! A board is known by its name in `bench.toml`, else by what its probe is: two texts for one probe are
//! one board. A virtual board of one's own process is nobody else's and has no lock.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use hil::{Board, BoardLock, Deadlines, Holder, LockError, Selector, SelectorError};

use super::shared::folder;
use crate::args::LockArgs;
use crate::audit;
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::verbs::board;
use crate::verbs::hil::{BenchBoard, BenchFile, bench_file};

/// How often a wait looks whether the board is free by now.
const POLL: Duration = Duration::from_millis(200);

/// An open board that nobody else has.
#[derive(Debug)]
pub(crate) struct Taken {
    // Let go of before the lock.
    board: Board,
    _lock: Option<BoardLock>,
}

impl Deref for Taken {
    type Target = Board;

    fn deref(&self) -> &Board {
        &self.board
    }
}

impl DerefMut for Taken {
    fn deref_mut(&mut self) -> &mut Board {
        &mut self.board
    }
}

/// Takes and opens the board that the settings name. `why` is what others are told.
pub(crate) fn open(session: &Session, why: &str, args: &LockArgs) -> Result<Taken, Failure> {
    let config = &session.config;
    let selector = match &config.probe.value {
        Some(text) => parse(text)?,
        None => Selector::Only,
    };
    let wait = args.wait.map(board::seconds).transpose()?.unwrap_or_default();
    let bench = bench_file(session)?;
    let (known, name) = named(&bench, &selector);
    let lock = match name {
        Some(name) => {
            Some(wait_for(session, &name, why, wait).map_err(|error| lock_failure(&error))?)
        }
        None => None,
    };
    let board = Board::open(&selector, config.chip.value.as_deref(), &Deadlines::default());
    let mut board = board.map_err(board::failure)?;
    if let Some(console) = known.and_then(|known| known.console.as_ref()) {
        board.listen_to(SERIAL, console).map_err(board::failure)?;
    }
    if let Some(error) = board.deaf() {
        session.ui.warn(format!("the board's UART is not heard: failed to {error}"));
    }
    Ok(Taken { board, _lock: lock })
}

/// What the log of a serial line is called.
pub(crate) const SERIAL: &str = "serial";

/// A probe, as people write it.
pub(crate) fn parse(text: &str) -> Result<Selector, Failure> {
    text.parse().map_err(|error: SelectorError| {
        let failure = Failure::new(Exit::Usage, format!("`{text}` selects no probe"));
        let hint = match &error {
            SelectorError::Malformed { .. } => "`silk bench list` shows what can be selected",
            SelectorError::ProbeRsServe { .. } => {
                "run silk where the probe is (ssh HOST silk …), or serve a virtual board there: `silk bench serve BOARD --listen ADDRESS:PORT`, here --probe tcp:HOST:PORT"
            }
        };
        failure.caused_by(&error).hint(hint)
    })
}

/// The board of the bench behind a probe, by whichever words the bench names that, and the name under
/// which it is locked: the bench's, else what the probe is. No name: nobody else can have it.
pub(crate) fn named<'b>(
    bench: &'b BenchFile,
    selector: &Selector,
) -> (Option<&'b BenchBoard>, Option<String>) {
    if matches!(selector, Selector::Virtual(_)) {
        return (None, None);
    }
    // A probe that cannot be read as one is no board's; `silk bench check` says so.
    let read = |board: &'b BenchBoard| board.probe.parse().ok().map(|theirs| (board, theirs));
    let (boards, mut all): (Vec<&BenchBoard>, Vec<Selector>) =
        bench.boards.iter().filter_map(read).unzip();
    all.push(selector.clone());
    let mut identities = hil::identities(&all);
    let identity = identities.pop().flatten();
    let is_it =
        |at: &usize| all[*at] == *selector || (identity.is_some() && identities[*at] == identity);
    let known = (0..boards.len()).find(is_it).map(|at| boards[at]);
    (known, known.map(|board| board.name.clone()).or(identity))
}

/// Takes a board for this process, within `wait`.
fn wait_for(
    session: &Session,
    board: &str,
    why: &str,
    wait: Duration,
) -> Result<BoardLock, LockError> {
    let give_up = Instant::now() + wait;
    let mut has_said = false;
    loop {
        match take(session, board, why) {
            Err(error @ LockError::Held { .. }) if Instant::now() < give_up => {
                if !has_said {
                    let seconds = wait.as_secs_f64();
                    session.ui.note(format!("failed to {error}; waiting up to {seconds} s"));
                }
                has_said = true;
                std::thread::sleep(POLL);
            }
            taken => return taken,
        }
    }
}

/// Takes a board for this process, or says who has it.
pub(crate) fn take(session: &Session, board: &str, why: &str) -> Result<BoardLock, LockError> {
    let holder = Holder {
        pid: std::process::id(),
        user: std::env::var("USER").ok().filter(|user| !user.is_empty()),
        why: why.to_owned(),
        since_unix_ms: audit::unix_ms(),
    };
    BoardLock::take(&folder(session), board, &holder)
}

/// A board that somebody else has.
pub(crate) fn lock_failure(error: &LockError) -> Failure {
    Failure::to(Exit::BoardLocked, error).hint(
        "--wait SECONDS waits for it; `silk bench who` tells who has which board; the lock ends with its process",
    )
}
