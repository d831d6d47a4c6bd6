//! `silk doctor`: is everything here that `silk` needs, and does it fit together?
//!
//! Parts that one can do without (QEMU, a probe, a model) are told and are no failure. What is
//! configured and cannot be used is one.

mod machine;
mod models;
mod sources;
mod svds;

use std::io::Write;

use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::session::Session;
use crate::ui::{BAD, CARE, GOOD, QUIET, STRONG, printable};

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Missing,
    Warning,
}

/// One line of the report.
#[derive(Debug, Serialize)]
struct Check {
    version: u32,
    /// What was looked at: `svd`, `elf`, `qemu`, …
    check: &'static str,
    state: State,
    /// Something that was configured cannot be used.
    broken: bool,
    detail: String,
    /// What to do; null if nothing need be done.
    hint: Option<String>,
}

impl Check {
    fn new(check: &'static str, state: State, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { version: json::VERSION, check, state, broken: false, detail, hint: None }
    }

    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, State::Ok, detail)
    }

    fn warning(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, State::Warning, detail)
    }

    /// Not here, and not needed for everything.
    fn missing(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, State::Missing, detail)
    }

    /// Configured, and not usable.
    fn broken(check: &'static str, detail: impl Into<String>) -> Self {
        Self { broken: true, ..Self::new(check, State::Missing, detail) }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Runs every check and shows each as it ends.
pub(crate) fn run(session: &mut Session) -> Outcome {
    let mut broken = false;
    let groups: [fn(&Session) -> Vec<Check>; 4] =
        [configuration, sources::check, machine::check, models::check];
    for group in groups {
        for check in group(session) {
            broken |= check.broken;
            show(session, &check)?;
        }
    }
    Ok(if broken { Exit::Usage } else { Exit::Ok })
}

/// Where the settings come from, and what is odd about them.
fn configuration(session: &Session) -> Vec<Check> {
    let config = &session.config;
    let mut checks: Vec<Check> = config
        .warnings
        .iter()
        .map(|warning| Check::warning("config", warning).hint("`silk config` shows what is known"))
        .collect();
    if checks.is_empty() {
        let detail = match &config.project_file() {
            Some(path) => path.display().to_string(),
            None => "no silk.toml here; flags, environment and defaults count".to_owned(),
        };
        checks.push(Check::ok("config", detail));
    }
    checks
}

fn show(session: &mut Session, check: &Check) -> Result<(), Failure> {
    if session.ui.json {
        return session.ui.json_line(check);
    }
    let (style, sign) = match (check.state, check.broken) {
        (State::Ok, _) => (GOOD, '✔'),
        (State::Warning, _) => (CARE, '?'),
        (State::Missing, true) => (BAD, '✘'),
        (State::Missing, false) => (QUIET, '✘'),
    };
    let out = &mut session.ui.out;
    let detail = printable(&check.detail).replace('\n', " ");
    writeln!(out, "{style}{sign}{style:#} {STRONG}{:10}{STRONG:#} {detail}", check.check)?;
    if let Some(hint) = &check.hint {
        writeln!(out, "  {:10} {QUIET}hint: {}{QUIET:#}", "", printable(hint))?;
    }
    Ok(())
}
