//! `silk bench check|lock|who`: boards that several people and programs share.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use hil::{Board, BoardLock, Deadlines, Holder, LockError, Selector};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;

use super::taken::{lock_failure, take};
use crate::args::BenchLockArgs;
use crate::audit;
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::{self, Deferred};
use crate::json;
use crate::session::Session;
use crate::ui::{BAD, CARE, GOOD, STRONG, printable};
use crate::verbs::hil::{BenchBoard, BenchFile, bench_file};

/// How often a lock that is held looks for Ctrl-C.
const POLL: Duration = Duration::from_millis(50);

/// What is known of one board of the bench.
#[derive(Serialize)]
struct Checked<'a> {
    version: u32,
    board: &'a str,
    chip: &'a str,
    probe: &'a str,
    usable: bool,
    state: String,
    attach_ms: Option<u64>,
    holder: Option<Holder>,
}

/// Attaches to every board of `bench.toml` in turn and lets go of it again. Nothing is halted,
/// reset or written.
pub(super) fn check(session: &mut Session) -> Outcome {
    let bench = bench_file(session)?;
    if bench.boards.is_empty() {
        return Err(Failure::new(Exit::NothingFound, "the bench has no boards")
            .detail(format!("searched: {}", session.config.folders.bench_file().display()))
            .hint(
                "list them in bench.toml: docs/hil.md; `silk bench list` shows what is plugged in",
            ));
    }
    let mut all_usable = true;
    for board in &bench.boards {
        let checked = look(session, board);
        all_usable &= checked.usable || board.quarantine.is_some();
        if session.ui.json {
            session.ui.json_line(&checked)?;
            continue;
        }
        let mood = if checked.usable { GOOD } else { BAD };
        let (name, state) = (printable(&board.name), printable(&checked.state));
        writeln!(
            session.ui.out,
            "{STRONG}{name:16}{STRONG:#} {mood}{state}{mood:#}  {}  {}",
            printable(&board.chip),
            printable(&board.probe)
        )?;
    }
    Ok(if all_usable { Exit::Ok } else { Exit::Bench })
}

fn look<'a>(session: &Session, board: &'a BenchBoard) -> Checked<'a> {
    let mut checked = Checked {
        version: json::VERSION,
        board: &board.name,
        chip: &board.chip,
        probe: &board.probe,
        usable: false,
        state: String::new(),
        attach_ms: None,
        holder: None,
    };
    if let Some(reason) = &board.quarantine {
        checked.state = format!("in quarantine: {reason}");
        return checked;
    }
    let lock = match take(session, &board.name, "silk bench check") {
        Ok(lock) => lock,
        Err(error) => {
            checked.state = format!("in use: failed to {error}");
            if let LockError::Held { holder, .. } = error {
                checked.holder = holder;
            }
            return checked;
        }
    };
    let started = Instant::now();
    let opened =
        board.probe.parse::<Selector>().map_err(|error| error.to_string()).and_then(|at| {
            Board::open(&at, Some(&board.chip), &Deadlines::default())
                .map_err(|error| error.to_string())
        });
    drop(lock);
    match opened {
        Ok(_) => {
            let took = started.elapsed().as_millis();
            checked.attach_ms = u64::try_from(took).ok();
            checked.usable = true;
            checked.state = format!("attached in {took} ms");
        }
        Err(why) => checked.state = format!("failed to {why}"),
    }
    checked
}

#[derive(Serialize)]
struct Who<'a> {
    version: u32,
    board: &'a str,
    holder: Option<Holder>,
}

/// Tells who holds which board of the bench.
pub(super) fn who(session: &mut Session) -> Outcome {
    let bench = bench_file(session)?;
    for board in &bench.boards {
        let holder = BoardLock::holder(&folder(session), &board.name);
        if session.ui.json {
            session.ui.json_line(&Who { version: json::VERSION, board: &board.name, holder })?;
            continue;
        }
        let name = printable(&board.name);
        match holder {
            None => writeln!(session.ui.out, "{STRONG}{name:16}{STRONG:#} {GOOD}free{GOOD:#}")?,
            Some(holder) => {
                let user = printable(holder.user.as_deref().unwrap_or("somebody"));
                let minutes = audit::unix_ms().saturating_sub(holder.since_unix_ms) / 60_000;
                let why = printable(&holder.why);
                writeln!(
                    session.ui.out,
                    "{STRONG}{name:16}{STRONG:#} {CARE}{user}{CARE:#} with process {} for {minutes} min: {why}",
                    holder.pid
                )?;
            }
        }
    }
    Ok(Exit::Ok)
}

/// Holds a board while a command runs, or until Ctrl-C.
pub(super) fn lock(session: &mut Session, args: &BenchLockArgs) -> Outcome {
    let bench = bench_file(session)?;
    let board = known(&bench, &args.board)?;
    let why = args.why.clone().unwrap_or_else(|| "silk bench lock".to_owned());
    let _lock = take(session, &board.name, &why).map_err(|error| lock_failure(&error))?;
    let Some((program, arguments)) = args.command.split_first() else {
        session.ui.note(format!("{} is yours until Ctrl-C", board.name));
        let _deferred = Deferred::begin();
        return loop {
            if let Some(exit) = interrupt::pending() {
                break Ok(exit);
            }
            std::thread::sleep(POLL);
        };
    };
    let mut command = Command::new(program);
    command.args(arguments).env("SILK_PROBE", &board.probe).env("SILK_CHIP", &board.chip);
    let status = while_locked(&mut command).map_err(|error| {
        Failure::new(Exit::Usage, format!("`{program}` cannot be started")).caused_by(&error)
    })?;
    if let Some(exit) = interrupt::pending() {
        return Ok(exit);
    }
    match (status.success(), status.code(), status.signal()) {
        (true, _, _) => Ok(Exit::Ok),
        (_, Some(code), _) => {
            Err(Failure::new(Exit::Wrong, format!("`{program}` ended with {code}")))
        }
        (_, None, signal) => Err(Failure::new(
            Exit::Wrong,
            format!("`{program}` was ended by signal {}", signal.unwrap_or(0)),
        )),
    }
}

/// Runs a command to its end, which comes before the lock's: it is told of a signal that comes to us,
/// and killed with us.
fn while_locked(command: &mut Command) -> std::io::Result<ExitStatus> {
    vbench::end_with_us(command);
    let _deferred = Deferred::begin();
    let mut child = command.spawn()?;
    let mut was_told = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if interrupt::pending().is_some() && !was_told {
            was_told = true;
            // One that cannot be told is waited for all the same.
            let _ = end_process(child.id());
        }
        std::thread::sleep(POLL);
    }
}

/// Tells a process to end.
pub(super) fn end_process(pid: u32) -> nix::Result<()> {
    // 0 would be all of our own group, and what is no number of a process is none.
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(nix::Error::ESRCH)?;
    kill(Pid::from_raw(pid), Signal::SIGTERM)
}

/// The board of that name.
pub(super) fn known<'b>(bench: &'b BenchFile, name: &str) -> Result<&'b BenchBoard, Failure> {
    bench.boards.iter().find(|board| board.name == name).ok_or_else(|| {
        let names: Vec<&str> = bench.boards.iter().map(|board| board.name.as_str()).collect();
        Failure::new(Exit::Usage, format!("the bench has no board `{name}`"))
            .detail(format!("found: {}", names.join(", ")))
    })
}

/// Where locks are.
pub(super) fn folder(session: &Session) -> PathBuf {
    session.config.folders.state.join("locks")
}
