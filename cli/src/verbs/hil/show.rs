//! A run on the terminal, in nextest's manner, and as JSON lines.

use std::io::Write;
use std::time::Duration;

use bundle::LogRecord;
use hil::Said;
use serde::Serialize;

use super::keep::board_name;
use super::verdict::Class;
use super::{Outcome, Tally};
use crate::exit::Failure;
use crate::json;
use crate::session::Session;
use crate::ui::{BAD, CARE, GOOD, QUIET, STRONG, printable};
use crate::verbs::crash;

/// Lines of each log that are shown of a test that went wrong.
const LOG_LINES: usize = 20;

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event<'a> {
    RunStarted {
        version: u32,
        tests: usize,
        filtered: usize,
        profile: &'a str,
        boards: Vec<&'a str>,
    },
    TestStarted {
        version: u32,
        test: &'a str,
        board: &'a str,
    },
    TestSlow {
        version: u32,
        test: &'a str,
        board: &'a str,
        after_ms: u64,
    },
    Log {
        version: u32,
        test: &'a str,
        channel: &'a str,
        #[serde(flatten)]
        record: &'a LogRecord,
    },
    TestFinished {
        version: u32,
        test: &'a str,
        verdict: Class,
        message: &'a str,
        took_ms: u64,
        attempts: Vec<AttemptJson<'a>>,
        board: Option<&'a bundle::BoardId>,
    },
    RunFinished {
        version: u32,
        #[serde(flatten)]
        tally: &'a Tally,
        took_ms: u64,
    },
}

#[derive(Serialize)]
struct AttemptJson<'a> {
    verdict: Class,
    message: &'a str,
    took_ms: u64,
    bundle: Option<String>,
    crash: Option<&'a bundle::Crash>,
}

pub(super) fn started(
    session: &mut Session,
    tests: usize,
    filtered: usize,
    profile: &str,
    boards: &[&str],
) -> Result<(), Failure> {
    if session.ui.json {
        let boards = boards.to_vec();
        return session.ui.json_line(&Event::RunStarted {
            version: json::VERSION,
            tests,
            filtered,
            profile,
            boards,
        });
    }
    let plural = if tests == 1 { "" } else { "s" };
    let on = if boards.is_empty() { String::new() } else { format!(" on {}", boards.join(", ")) };
    let left_out = if filtered == 0 { String::new() } else { format!(" ({filtered} left out)") };
    writeln!(
        session.ui.out,
        "{GOOD}{:>12}{GOOD:#} {tests} test{plural}{}{left_out}",
        "Starting",
        printable(&on)
    )?;
    Ok(())
}

pub(super) fn test_started(session: &mut Session, test: &str, board: &str) -> Result<(), Failure> {
    if session.ui.json {
        return session.ui.json_line(&Event::TestStarted { version: json::VERSION, test, board });
    }
    Ok(())
}

/// A test that has been running for so long already.
pub(super) fn slow(
    session: &mut Session,
    test: &str,
    board: &str,
    after: Duration,
) -> Result<(), Failure> {
    if session.ui.json {
        let (version, after_ms) = (json::VERSION, ms(after));
        return session.ui.json_line(&Event::TestSlow { version, test, board, after_ms });
    }
    let took = format!("[>{:>7.3}s]", after.as_secs_f64());
    let (name, board) = (printable(test), printable(board));
    writeln!(
        session.ui.out,
        "{CARE}{:>12}{CARE:#} {took} {STRONG}{name}{STRONG:#}  {QUIET}{board}{QUIET:#}",
        "SLOW"
    )?;
    Ok(())
}

pub(super) fn said(
    session: &mut Session,
    test: &str,
    said: &Said,
    to_terminal: bool,
) -> Result<(), Failure> {
    let (channel, record) = (said.channel.as_str(), &said.record);
    if session.ui.json {
        return session.ui.json_line(&Event::Log { version: json::VERSION, test, channel, record });
    }
    if to_terminal {
        line(&mut session.ui.out, channel, record)?;
    }
    Ok(())
}

/// One line of a log.
pub(crate) fn line(out: &mut impl Write, channel: &str, record: &LogRecord) -> std::io::Result<()> {
    let seconds = record.at_ms as f64 / 1000.0;
    let level = record.level().unwrap_or("");
    let mood = match level {
        "error" => BAD,
        "warn" => CARE,
        _ => QUIET,
    };
    write!(out, "{QUIET}{seconds:9.3} {channel:6} │{QUIET:#} ")?;
    if !level.is_empty() {
        write!(out, "{mood}{level:5}{mood:#} ")?;
    }
    write!(out, "{}", printable(&record.text))?;
    if let Some(detail) = &record.detail
        && let (Some(file), Some(line)) = (&detail.file, detail.line)
    {
        write!(out, "  {QUIET}{}:{line}{QUIET:#}", printable(file))?;
    }
    writeln!(out)
}

pub(super) fn finished(session: &mut Session, outcome: &Outcome<'_>) -> Result<(), Failure> {
    if session.ui.json {
        let attempts = outcome.attempts.iter().map(|attempt| AttemptJson {
            verdict: attempt.class,
            message: &attempt.message,
            took_ms: ms(attempt.took),
            bundle: attempt.bundle.as_ref().map(|path| path.display().to_string()),
            crash: attempt.crash.as_ref(),
        });
        return session.ui.json_line(&Event::TestFinished {
            version: json::VERSION,
            test: &outcome.job.name,
            verdict: outcome.class,
            message: &outcome.message,
            took_ms: ms(outcome.took()),
            attempts: attempts.collect(),
            board: outcome.board.as_deref(),
        });
    }
    let mood = match outcome.class {
        Class::Pass => GOOD,
        Class::Flaky | Class::Skipped => CARE,
        _ => BAD,
    };
    let (label, name) = (outcome.class.label(), printable(&outcome.job.name));
    let took = format!("[{:>8.3}s]", outcome.took().as_secs_f64());
    let took = if outcome.class == Class::Skipped { " ".repeat(11) } else { took };
    writeln!(session.ui.out, "{mood}{label:>12}{mood:#} {took} {STRONG}{name}{STRONG:#}")?;
    if !outcome.message.is_empty() {
        writeln!(session.ui.out, "{:>24} {}", "", printable(&outcome.message))?;
    }
    Ok(())
}

/// Everything about the tests that went wrong, at the end where it is looked for.
pub(super) fn details(session: &mut Session, outcomes: &[Outcome<'_>]) -> Result<(), Failure> {
    if session.ui.json {
        return Ok(());
    }
    let out = &mut session.ui.out;
    for outcome in outcomes.iter().filter(|outcome| outcome.class.is_bad()) {
        let Some(attempt) = outcome.attempts.last() else { continue };
        let name = printable(&outcome.job.name);
        let board = outcome.board.as_deref().map(board_name).unwrap_or_default();
        writeln!(
            out,
            "\n{BAD}{:>12}{BAD:#} {STRONG}{name}{STRONG:#}  {QUIET}{}{QUIET:#}",
            outcome.class.label(),
            printable(&board)
        )?;
        writeln!(out, "{}", printable(&outcome.message))?;
        if let Some(found) = &attempt.crash {
            crash::show(out, found)?;
        }
        for log in &attempt.logs {
            let skipped = log.records.len().saturating_sub(LOG_LINES);
            if skipped > 0 {
                writeln!(
                    out,
                    "{QUIET}… {skipped} earlier lines of {}{QUIET:#}",
                    printable(&log.channel)
                )?;
            }
            for record in &log.records[skipped..] {
                line(out, &printable(&log.channel), record)?;
            }
        }
        if let Some(path) = &attempt.bundle {
            writeln!(out, "{QUIET}bundle:{QUIET:#} {}", printable(&path.display().to_string()))?;
        }
    }
    Ok(())
}

pub(super) fn summary(session: &mut Session, tally: &Tally, took: Duration) -> Result<(), Failure> {
    if session.ui.json {
        return session.ui.json_line(&Event::RunFinished {
            version: json::VERSION,
            tally,
            took_ms: ms(took),
        });
    }
    let mood = if tally.bad() == 0 { GOOD } else { BAD };
    writeln!(session.ui.out, "{QUIET}{:>12}{QUIET:#}", "────────────")?;
    writeln!(
        session.ui.out,
        "{mood}{:>12}{mood:#} [{:>8.3}s] {}",
        "Summary",
        took.as_secs_f64(),
        tally.sentence()
    )?;
    Ok(())
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
