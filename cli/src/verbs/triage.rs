//! `silk triage`: findings that need no model.

use std::io::Write;

use bundle::Finding;
use serde::Serialize;

use crate::args::TriageArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::render;
use crate::session::Session;
use crate::verbs::evidence::Sources;

#[derive(Serialize)]
struct FindingJson<'a> {
    version: u32,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// Prints the findings. Finding one is no failure: nobody claimed that there is none.
pub(crate) fn run(session: &mut Session, args: &TriageArgs) -> Outcome {
    let sources = Sources::open(session, args.bundle.as_deref())?;
    let findings = match &sources.bundle {
        // Without the SVD nothing can be proved again; what was proved stands in the bundle.
        Some(bundle) if sources.index.chip().is_none() => bundle.facts.findings.clone(),
        bundle => assist::triage(&sources.index, bundle.as_ref()),
    };
    show(session, &findings)?;
    if findings.is_empty() && !session.ui.json {
        let rules: Vec<_> = assist::RULES.iter().map(|rule| rule.name).collect();
        writeln!(session.ui.out, "no finding; rules checked: {}", rules.join(", "))?;
    }
    Ok(Exit::Ok)
}

/// Prints findings, as lines or as JSON.
pub(crate) fn show(session: &mut Session, findings: &[Finding]) -> Result<(), Failure> {
    for finding in findings {
        if session.ui.json {
            session.ui.json_line(&FindingJson { version: json::VERSION, finding })?;
        } else {
            render::finding(&mut session.ui.out, finding)?;
        }
    }
    Ok(())
}
