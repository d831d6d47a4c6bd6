//! A run for machines and for those who read it later: JUnit, Markdown, annotations of a workflow.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::keep::board_name;
use super::verdict::{Attempt, Class};
use super::{Outcome, Tally};
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::verbs::check::github_annotation;
use crate::verbs::crash;

/// Lines of each log that go into the JUnit report.
const LOG_LINES: usize = 200;

/// Writes a JUnit report, as nextest has it: a suite for each target, reruns inside their test.
pub(super) fn junit<'o, 'p: 'o>(
    path: &Path,
    outcomes: impl Iterator<Item = &'o Outcome<'p>>,
    took: Duration,
) -> Result<(), Failure> {
    let mut report = Report::new("silk hil");
    report.set_time(took);
    let mut suites: Vec<(&str, TestSuite)> = Vec::new();
    for outcome in outcomes {
        let target = outcome.firmware.target.name.as_str();
        let at = suites.iter().position(|(name, _)| *name == target).unwrap_or_else(|| {
            suites.push((target, TestSuite::new(target)));
            suites.len() - 1
        });
        suites[at].1.add_test_case(case(target, outcome));
    }
    report.add_test_suites(suites.into_iter().map(|(_, suite)| suite));
    let write = || -> Result<(), Box<dyn std::error::Error>> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        report.serialize(std::fs::File::create(path)?)?;
        Ok(())
    };
    write().map_err(|error| {
        Failure::new(Exit::Usage, format!("failed to write the report `{}`", path.display()))
            .caused_by(error.as_ref())
    })
}

fn case(target: &str, outcome: &Outcome<'_>) -> TestCase {
    let mut status = match outcome.class {
        Class::Pass | Class::Flaky => TestCaseStatus::success(),
        Class::Skipped => TestCaseStatus::skipped(),
        class => TestCaseStatus::non_success(kind(class)),
    };
    if !outcome.message.is_empty() {
        status.set_message(outcome.message.clone());
    }
    if outcome.class.is_bad() {
        status.set_type(outcome.class.label());
        status.set_description(outcome.attempts.last().map(describe).unwrap_or_default());
    }
    let earlier = outcome.attempts.len().saturating_sub(1);
    for attempt in outcome.attempts.iter().take(earlier) {
        let mut rerun = TestRerun::new(kind(attempt.class));
        rerun.set_time(attempt.took).set_message(attempt.message.clone());
        rerun.set_type(attempt.class.label()).set_description(describe(attempt));
        status.add_rerun(rerun);
    }
    let own = outcome.job.name.strip_prefix(target).and_then(|name| name.strip_prefix("::"));
    let mut case = TestCase::new(own.unwrap_or(&outcome.job.name), status);
    case.set_classname(target).set_time(outcome.took());
    let mut property = |name: &str, value: String| {
        case.add_property((name, value.as_str()));
    };
    property("verdict", outcome.class.label().to_ascii_lowercase());
    if let Some(board) = &outcome.board {
        property("board", board_name(board));
        property("chip", board.chip.clone());
    }
    if let Some(path) = outcome.attempts.last().and_then(|attempt| attempt.bundle.as_ref()) {
        property("bundle", path.display().to_string());
    }
    if let Some(attempt) = outcome.attempts.last() {
        case.set_system_out(logs(attempt));
    }
    case
}

fn kind(class: Class) -> NonSuccessKind {
    match class.is_bench() {
        true => NonSuccessKind::Error,
        false => NonSuccessKind::Failure,
    }
}

/// Message, fault and call chain, without colours.
fn describe(attempt: &Attempt) -> String {
    let mut text = Vec::new();
    if let Some(found) = &attempt.crash {
        // Writing to memory does not fail.
        let _ = crash::show(&mut anstream::StripStream::new(&mut text), found);
    }
    format!("{}\n{}", attempt.message, String::from_utf8_lossy(&text))
}

fn logs(attempt: &Attempt) -> String {
    let mut text = String::new();
    for log in &attempt.logs {
        let skipped = log.records.len().saturating_sub(LOG_LINES);
        for record in &log.records[skipped..] {
            let seconds = record.at_ms as f64 / 1000.0;
            let level = record.level().unwrap_or("");
            let _ = writeln!(text, "{seconds:9.3} {} {level} {}", log.channel, record.text);
        }
    }
    text
}

/// Writes a summary in Markdown to `path`, and to the step's own in a GitHub workflow.
pub(super) fn markdown(
    path: Option<&Path>,
    outcomes: &[Outcome<'_>],
    tally: &Tally,
) -> Result<(), Failure> {
    let step = std::env::var_os("GITHUB_STEP_SUMMARY").map(std::path::PathBuf::from);
    let text = markdown_text(outcomes, tally);
    let failed = |path: &Path, error: std::io::Error| {
        Failure::new(Exit::Usage, format!("failed to write the summary `{}`", path.display()))
            .caused_by(&error)
    };
    if let Some(path) = path {
        std::fs::write(path, &text).map_err(|error| failed(path, error))?;
    }
    if let Some(path) = &step {
        let append = std::fs::OpenOptions::new().create(true).append(true).open(path);
        append
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| failed(path, error))?;
    }
    Ok(())
}

fn markdown_text(outcomes: &[Outcome<'_>], tally: &Tally) -> String {
    let mut text = format!("### Hardware tests: {}\n", tally.sentence());
    let bad: Vec<_> =
        outcomes.iter().filter(|outcome| !matches!(outcome.class, Class::Pass)).collect();
    if bad.is_empty() {
        return text;
    }
    text.push_str("\n| verdict | test | board | why |\n|---|---|---|---|\n");
    for outcome in bad {
        let board = outcome.board.as_deref().map(board_name).unwrap_or_default();
        let cell = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} |",
            outcome.class.label(),
            outcome.job.name,
            cell(&board),
            cell(&outcome.message)
        );
    }
    text
}

/// In a GitHub workflow, an annotation for each test that went wrong, at its line.
pub(super) fn annotations(session: &mut Session, outcomes: &[Outcome<'_>]) -> Result<(), Failure> {
    if session.ui.json || std::env::var_os("GITHUB_ACTIONS").is_none() {
        return Ok(());
    }
    for outcome in outcomes.iter().filter(|outcome| outcome.class.is_bad()) {
        let found = outcome.attempts.last().and_then(|attempt| attempt.crash.as_ref());
        let frame = found.and_then(crash::culprit);
        let place = frame.and_then(|frame| Some((frame.file.as_deref()?, frame.line?)));
        let text = format!("{} {}: {}", outcome.class.label(), outcome.job.name, outcome.message);
        writeln!(session.ui.out, "{}", github_annotation(place, &text))?;
    }
    Ok(())
}
