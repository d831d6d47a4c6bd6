//! `silk triage`: findings that need no model.

use std::io::Write;

use assist::Rule;
use bundle::{Finding, Severity};
use serde::Serialize;

use crate::args::TriageArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::render;
use crate::session::Session;
use crate::ui::{QUIET, STRONG};
use crate::verbs::evidence;

#[derive(Serialize)]
struct FindingJson<'a> {
    version: u32,
    #[serde(flatten)]
    finding: &'a Finding,
}

#[derive(Serialize)]
struct RuleJson {
    version: u32,
    rule: &'static str,
    severity: Severity,
    reason: &'static str,
    rests_on: &'static str,
    silent: &'static str,
    source: &'static str,
}

/// Prints the findings. Finding one is no failure: nobody claimed that there is none.
pub(crate) fn run(session: &mut Session, args: &TriageArgs) -> Outcome {
    if args.rules {
        return list_rules(session);
    }
    let known = evidence::open(session, args.bundle.as_deref())?;
    let findings = match &known.bundle {
        // Without the SVD nothing can be proved again; what was proved stands in the bundle.
        Some(bundle) if known.index.chip().is_none() => bundle.facts.findings.clone(),
        bundle => assist::triage(&known.index, bundle.as_ref()),
    };
    show(session, &findings)?;
    if findings.is_empty() && !session.ui.json {
        let count = assist::rules().count();
        writeln!(
            session.ui.out,
            "no finding; {count} rules checked, `silk triage --rules` lists them"
        )?;
    }
    Ok(Exit::Ok)
}

fn list_rules(session: &mut Session) -> Outcome {
    for rule in assist::rules() {
        let Rule { name, reason, source, severity, rests_on, silent, .. } = *rule;
        if session.ui.json {
            let version = json::VERSION;
            let rule = name;
            let json = RuleJson { version, rule, severity, reason, rests_on, silent, source };
            session.ui.json_line(&json)?;
            continue;
        }
        let out = &mut session.ui.out;
        writeln!(out, "{STRONG}{name}{STRONG:#}  {}", severity.as_str())?;
        writeln!(out, "  {reason}")?;
        writeln!(out, "  rests on   {rests_on}")?;
        writeln!(out, "  not known  {silent}")?;
        writeln!(out, "  {QUIET}source     {source}{QUIET:#}")?;
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
