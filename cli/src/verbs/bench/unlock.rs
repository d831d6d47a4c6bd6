//! `silk bench unlock`: a lock lasts as long as its process, so whoever wants it open ends that process,
//! and says so.

use std::time::{Duration, Instant};

use hil::BoardLock;

use super::shared::{end_process, folder, known};
use crate::args::BenchUnlockArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::session::Session;
use crate::verbs::hil::bench_file;

/// How long the holder may take to end: it may be flashing.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// Ends the process that holds a board, if that was asked for; else says which one it is.
pub(super) fn run(session: &mut Session, args: &BenchUnlockArgs) -> Outcome {
    let bench = bench_file(session)?;
    let board = known(&bench, &args.board)?.name.clone();
    let locks = folder(session);
    let Some(holder) = BoardLock::holder(&locks, &board) else {
        session.ui.note(format!("{board} is free"));
        return Ok(Exit::Ok);
    };
    let user = holder.user.as_deref().unwrap_or("somebody");
    let (pid, why) = (holder.pid, &holder.why);
    let said = format!("{user} holds {board} with process {pid} ({why})");
    if !args.force {
        return Err(Failure::new(Exit::BoardLocked, said)
            .hint(format!("ask {user}; `silk bench unlock {board} --force` ends that process")));
    }
    if !holder.has_open(&BoardLock::file(&locks, &board)) {
        return Err(Failure::new(Exit::BoardLocked, said)
            .detail(format!(
                "process {pid} cannot be seen to have the lock open, so it is left alone"
            ))
            .hint("whoever started it can end it"));
    }
    end_process(pid).map_err(|error| {
        Failure::new(Exit::BoardLocked, format!("process {pid} cannot be told to end"))
            .caused_by(&error)
    })?;
    session.ui.note(format!("{said}; it was told to end"));
    let given_up = Instant::now() + PATIENCE;
    while BoardLock::holder(&locks, &board).is_some_and(|now| now == holder) {
        if Instant::now() >= given_up {
            let seconds = PATIENCE.as_secs();
            return Err(Failure::new(Exit::BoardLocked, format!("{said}, {seconds} s after")));
        }
        std::thread::sleep(POLL);
    }
    session.ui.note(format!("{board} is free"));
    Ok(Exit::Ok)
}
