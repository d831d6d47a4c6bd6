//! `silk context`: the evidence for a question, within a budget.

use std::io::Write;

use assist::LeftOut;
use serde::Serialize;

use crate::args::ContextArgs;
use crate::exit::{Exit, Outcome};
use crate::json;
use crate::session::Session;
use crate::verbs::evidence::{self, budget};

#[derive(Serialize)]
struct ContextJson<'a> {
    version: u32,
    tokens: usize,
    budget: usize,
    registers: &'a [String],
    fields: &'a [String],
    text: &'a str,
    left_out: serde_json::Value,
}

/// Prints the evidence as it would be sent. Its size goes to stderr.
pub(crate) fn run(session: &mut Session, args: &ContextArgs) -> Outcome {
    let known = evidence::open(session, args.evidence.bundle.as_deref())?;
    let context = known.prepare(&args.question, budget(session, &args.evidence))?.context;
    if session.ui.json {
        session.ui.json_line(&ContextJson {
            version: json::VERSION,
            tokens: context.tokens,
            budget: context.budget,
            registers: &context.registers,
            fields: &context.fields,
            text: &context.text,
            left_out: left_out_json(&context.left_out),
        })?;
    } else {
        writeln!(session.ui.out, "{}", context.text.trim_end())?;
        let (tokens, budget) = (context.tokens, context.budget);
        session.ui.note(format!(
            "{tokens} of {budget} tokens; left out: {}",
            left_out(&context.left_out)
        ));
    }
    Ok(if context.text.is_empty() { Exit::NothingFound } else { Exit::Ok })
}

fn counts(left: &LeftOut) -> [(usize, &'static str); 6] {
    [
        (left.findings, "findings"),
        (left.registers, "registers"),
        (left.fields, "fields"),
        (left.writes, "writes"),
        (left.names, "names"),
        (left.log_lines, "log lines"),
    ]
}

/// `{"registers": 3, …, "log_lines": 0}`
pub(crate) fn left_out_json(left: &LeftOut) -> serde_json::Value {
    counts(left).into_iter().map(|(count, what)| (what.replace(' ', "_"), count)).collect()
}

/// `3 registers, 12 fields`, or `nothing`.
pub(crate) fn left_out(left: &LeftOut) -> String {
    let told: Vec<String> = counts(left)
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
}
