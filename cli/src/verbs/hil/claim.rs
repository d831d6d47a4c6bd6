//! Taking the boards of a run, which others may have.
//!
//! A run goes on with the boards that are free if these can run all its tests. Else it waits, and
//! holds none meanwhile: of two runs that wait for each other's boards one would wait in vain.

use std::time::{Duration, Instant};

use bundle::BoardId;
use hil::{BoardLock, LockError};

use super::seat::Seat;
use super::select::Job;
use crate::audit::{self, Action};
use crate::exit::Failure;
use crate::session::Session;
use crate::verbs::bench;

/// How often a run looks whether boards are free by now.
const POLL: Duration = Duration::from_millis(200);

/// Takes what the tests `needed` can be run on, and gives the seats that are ours. Waits
/// for `wait`, or not at all.
///
/// # Errors
/// The lock that could not be had in that time.
pub(super) fn take(
    session: &Session,
    seats: Vec<Seat>,
    needed: &[&Job],
    wait: Option<Duration>,
) -> Result<(Vec<Seat>, Vec<BoardLock>), LockError> {
    let give_up = Instant::now() + wait.unwrap_or_default();
    let mut has_said = false;
    loop {
        let mut tried = Tried::of(session, &seats);
        match tried.missing(&seats, needed) {
            None => {
                let kept = seats.into_iter().zip(&tried.held).filter(|(_, held)| held.is_none());
                let kept: Vec<Seat> = kept.map(|(seat, _)| seat).collect();
                for error in tried.held.iter().flatten() {
                    session.ui.note(format!("going on without it: failed to {error}"));
                }
                return Ok((kept, tried.locks));
            }
            Some(error) if Instant::now() >= give_up => return Err(error),
            Some(error) => {
                if !has_said {
                    let seconds = wait.unwrap_or_default().as_secs();
                    session.ui.note(format!("failed to {error}; waiting up to {seconds} s"));
                }
                has_said = true;
                drop(tried);
                std::thread::sleep(POLL);
            }
        }
    }
}

/// One look at all locks.
struct Tried {
    locks: Vec<BoardLock>,
    /// For each seat, why it is not ours.
    held: Vec<Option<LockError>>,
}

impl Tried {
    fn of(session: &Session, seats: &[Seat]) -> Self {
        let mut tried = Self { locks: Vec::new(), held: Vec::new() };
        for seat in seats {
            let lock = seat.lock.as_ref().map(|name| bench::take(session, name, "silk hil run"));
            tried.held.push(match lock.transpose() {
                Ok(lock) => {
                    tried.locks.extend(lock);
                    None
                }
                Err(error) => Some(error),
            });
        }
        tried
    }

    /// Why some test of `needed` has no seat, if one has none.
    fn missing(&mut self, seats: &[Seat], needed: &[&Job]) -> Option<LockError> {
        let fitting = |job: &Job| -> Vec<usize> {
            (0..seats.len()).filter(|at| seats[*at].fits(job)).collect()
        };
        let is_out = |seats: &Vec<usize>| seats.iter().all(|at| self.held[*at].is_some());
        let without = needed.iter().map(|job| fitting(job)).find(is_out)?;
        self.held[*without.first()?].take()
    }
}

/// Notes in the audit log that the real ones of these boards are written to.
pub(super) fn log(session: &Session, seats: &[Seat]) -> Result<(), Failure> {
    for seat in seats.iter().filter(|seat| seat.lock.is_some()) {
        let board = BoardId {
            selector: seat.selector.to_string(),
            chip: seat.chip.clone().unwrap_or_default(),
            virtual_board: None,
        };
        audit::record(&session.config.folders, Action::Flash, &board, Some("silk hil run"))?;
    }
    Ok(())
}
