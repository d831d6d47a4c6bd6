//! An answer on its way to the terminal, or to JSON lines.

use std::io::Write;

use assist::{Claim, Prepared, Verdict};
use bundle::Finding;
use gateway::{Attempt, Event, Outcome as Tried, Route, Tier};
use gateway_client::{FinishReason, Tool};
use serde::Serialize;
use serde_json::{Value, json};

use crate::exit::{Exit, Failure, Outcome};
use crate::json::VERSION;
use crate::session::Session;
use crate::ui::{BAD, CARE, GOOD, QUIET, Ui, printable};
use crate::verbs::ask::toolbox::{Outcome as Called, Told};
use crate::verbs::context::left_out_json;

/// Lines of evidence that are repeated under an answer; `--json` has all.
const MOST_FACTS: usize = 12;

/// Shows the events of one ask.
pub(crate) struct Show<'a> {
    ui: &'a mut Ui,
    /// Claims that wait for the end of the line they stand on.
    waiting: Vec<Claim>,
    /// Whether the cursor stands behind text.
    mid_line: bool,
}

/// Why an answer ended, and whose it is.
pub(crate) struct End {
    pub(crate) finish_reason: FinishReason,
    pub(crate) endpoint: String,
    pub(crate) model: String,
    pub(crate) tier: Tier,
}

impl<'a> Show<'a> {
    /// Shows on the session's terminal.
    pub(crate) fn new(session: &'a mut Session) -> Self {
        Self { ui: &mut session.ui, waiting: Vec::new(), mid_line: false }
    }

    /// What the question rests on.
    pub(super) fn evidence(&mut self, prepared: &Prepared, tools: &[Tool]) -> Result<(), Failure> {
        let context = &prepared.context;
        let tool_tokens = assist::tokens::count(&serde_json::to_string(tools).unwrap_or_default());
        let findings: &[Finding] = &prepared.facts.findings;
        if self.ui.json {
            return self.event_json(json!({
                "event": "evidence",
                "tokens": context.tokens,
                "budget": context.budget,
                "prompt_tokens": prepared.prompt.tokens(),
                "tools": tools.iter().map(|tool| &tool.name).collect::<Vec<_>>(),
                "registers": context.registers,
                "fields": context.fields,
                "findings": findings,
                "left_out": left_out_json(&context.left_out),
            }));
        }
        let (tokens, registers) = (context.tokens, context.registers.len());
        let prompt = prepared.prompt.tokens();
        let with_tools = match tools.len() {
            0 => String::new(),
            count => format!(", {count} tools {tool_tokens} more"),
        };
        self.ui.note(format!(
            "evidence: {registers} registers, {tokens} of {} tokens; the whole prompt has {prompt}{with_tools}",
            context.budget
        ));
        Ok(())
    }

    /// Who is asked first: a small engine may read a long prompt for minutes before it says a word.
    pub(crate) fn asking(&self, first: Option<&Route>) {
        if let (Some(route), false) = (first, self.ui.json) {
            self.ui.note(format!("asking {}, {}", route.endpoint, short(&route.model)));
        }
    }

    /// Everything but text and the end.
    pub(crate) fn event(&mut self, event: &Event) -> Result<(), Failure> {
        if self.ui.json {
            return self.event_json(serde_json::to_value(event).map_err(std::io::Error::from)?);
        }
        match event {
            Event::Attempt(attempt) => self.attempt(attempt),
            Event::Wait { endpoint, wait_ms, .. } => {
                let seconds = *wait_ms as f64 / 1000.0;
                self.ui.note(format!("waiting {seconds:.1} s for {endpoint}"));
            }
            Event::Usage(usage) => {
                self.end_line()?;
                let (input, output) = (usage.input_tokens, usage.output_tokens);
                self.ui.note(format!("{input} tokens read, {output} written"));
            }
            // What a model thinks aloud is not its answer.
            _ => {}
        }
        Ok(())
    }

    fn attempt(&self, attempt: &Attempt) {
        let Attempt { endpoint, model, .. } = attempt;
        if attempt.outcome == Tried::Ok {
            self.ui.note(format!("{endpoint} answers, {}", short(model)));
        } else {
            let outcome = words(&attempt.outcome);
            self.ui.warn(format!("{endpoint}, {}: {outcome}", short(model)));
        }
    }

    /// The next piece of the answer; a line end only at its end.
    pub(crate) fn delta(&mut self, text: &str) -> Result<(), Failure> {
        if self.ui.json {
            return self.event_json(json!({ "event": "delta", "text": text }));
        }
        write!(self.ui.out, "{}", printable(text))?;
        self.ui.out.flush()?;
        self.mid_line = !text.ends_with('\n');
        Ok(())
    }

    /// Claims that became known.
    pub(crate) fn claims(&mut self, claims: &[Claim]) -> Result<(), Failure> {
        for claim in claims {
            if self.ui.json {
                self.event_json(claim_json(claim))?;
            } else {
                self.waiting.push(claim.clone());
            }
        }
        if !self.mid_line {
            self.flush_claims()?;
        }
        Ok(())
    }

    fn flush_claims(&mut self) -> Result<(), Failure> {
        for claim in std::mem::take(&mut self.waiting) {
            let (mood, mark) = match claim.verdict {
                Verdict::Ok => (GOOD, '✔'),
                Verdict::Wrong => (BAD, '✘'),
                Verdict::Unknown => (CARE, '?'),
            };
            let (text, why) = (printable(&claim.text), printable(&claim.why));
            write!(self.ui.out, "    {mood}{mark}{mood:#} {text}  {QUIET}{why}{QUIET:#}")?;
            if let Some(expected) = &claim.expected {
                write!(self.ui.out, "  {GOOD}→ {}{GOOD:#}", printable(expected))?;
            }
            writeln!(self.ui.out)?;
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Failure> {
        if self.mid_line {
            writeln!(self.ui.out)?;
            self.mid_line = false;
        }
        self.flush_claims()
    }

    /// The answer is sent back, for these claims.
    pub(crate) fn repairing(&mut self, wrong: &[&Claim]) -> Result<(), Failure> {
        if self.ui.json {
            let told: Vec<Value> = wrong
                .iter()
                .map(|claim| json!({"text": claim.text, "why": claim.why, "expected": claim.expected}))
                .collect();
            return self.event_json(json!({ "event": "repair", "wrong": told }));
        }
        self.end_line()?;
        let (count, are) = (wrong.len(), if wrong.len() == 1 { "claim is" } else { "claims are" });
        self.ui.note(format!("{count} {are} wrong; the answer is sent back once"));
        writeln!(self.ui.out)?;
        Ok(())
    }

    /// What the model looked up.
    pub(super) fn told(&mut self, told: &[Told]) -> Result<(), Failure> {
        for Told { name, arguments, outcome, text } in told {
            let tokens = assist::tokens::count(text);
            if self.ui.json {
                self.event_json(json!({
                    "event": "tool",
                    "name": name,
                    "arguments": arguments,
                    "outcome": outcome.as_str(),
                    "tokens": tokens,
                    "text": text,
                }))?;
                continue;
            }
            self.end_line()?;
            let (name, asked) = (printable(name), printable(&first_words(&arguments.to_string())));
            let came = match outcome {
                Called::Answered => format!("{tokens} tokens"),
                Called::Failed | Called::Unknown | Called::Refused => {
                    printable(text.lines().next().unwrap_or_default())
                }
                Called::Repeated | Called::Late => outcome.as_str().to_owned(),
            };
            self.ui.note(format!("looks up {name} {asked}: {came}"));
        }
        Ok(())
    }

    /// Who answers takes no tools: asked again without.
    pub(super) fn without_tools(&mut self, why: &str) -> Result<(), Failure> {
        let message = format!("failed to {why}");
        if self.ui.json {
            return self.event_json(json!({ "event": "without_tools", "message": message }));
        }
        self.ui.note(format!("{}; asked again without tools", printable(&message)));
        Ok(())
    }

    /// The second answer did not come: the first stands, with its verdicts.
    pub(crate) fn not_repaired(&mut self, failure: &Failure) -> Result<(), Failure> {
        if self.ui.json {
            let message = failure.message();
            return self.event_json(json!({ "event": "repair_failed", "message": message }));
        }
        self.end_line()?;
        self.ui.warn(format!("no second answer: {}; the first one stands", failure.message()));
        Ok(())
    }

    /// The answer is whole: its claims, and the evidence it rests on.
    pub(crate) fn done(
        &mut self,
        end: &End,
        claims: &[Claim],
        facts: &[&str],
    ) -> Result<(), Failure> {
        let count = |verdict| claims.iter().filter(|claim| claim.verdict == verdict).count();
        let [ok, wrong, unknown] = [Verdict::Ok, Verdict::Wrong, Verdict::Unknown].map(count);
        if self.ui.json {
            return self.event_json(json!({
                "event": "done",
                "finish_reason": end.finish_reason.as_str(),
                "endpoint": end.endpoint,
                "model": end.model,
                "tier": end.tier.as_str(),
                "claims": { "ok": ok, "wrong": wrong, "unknown": unknown },
                "facts": facts,
            }));
        }
        self.end_line()?;
        if end.finish_reason.as_str() == "length" {
            self.ui.warn("the answer was cut at its length limit");
        }
        if !facts.is_empty() {
            writeln!(self.ui.out, "\n{QUIET}It rests on:{QUIET:#}")?;
            for fact in facts.iter().take(MOST_FACTS) {
                writeln!(self.ui.out, "  {QUIET}{}{QUIET:#}", printable(fact))?;
            }
            if facts.len() > MOST_FACTS {
                let more = facts.len() - MOST_FACTS;
                writeln!(self.ui.out, "  {QUIET}and {more} lines more{QUIET:#}")?;
            }
        }
        writeln!(
            self.ui.out,
            "\n{} claims checked: {GOOD}{ok} ✔{GOOD:#}  {BAD}{wrong} ✘{BAD:#}  {CARE}{unknown} ?{CARE:#}",
            ok + wrong + unknown
        )?;
        Ok(())
    }

    /// The user ended it.
    pub(crate) fn cancelled(&mut self) -> Result<(), Failure> {
        if self.ui.json {
            return self.event_json(json!({ "event": "cancelled" }));
        }
        self.end_line()?;
        self.ui.warn("cancelled; the answer above is not complete");
        Ok(())
    }

    /// There is no answer, or not all of one. The failure itself goes to stderr as always.
    pub(crate) fn failed(&mut self, failure: &Failure) -> Result<(), Failure> {
        if self.ui.json {
            let (message, exit) = (failure.message(), failure.exit as u8);
            return self.event_json(json!({ "event": "error", "message": message, "exit": exit }));
        }
        self.end_line()
    }

    fn event_json(&mut self, mut event: Value) -> Result<(), Failure> {
        event["version"] = VERSION.into();
        self.ui.json_line(&event)
    }
}

/// Arguments for a person: those of a lookup are short.
fn first_words(text: &str) -> String {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A model's name for a person: llama.cpp names its models by their whole path.
fn short(model: &str) -> String {
    printable(model.rsplit('/').next().filter(|name| name.ends_with(".gguf")).unwrap_or(model))
}

/// How an attempt went, in the words of its JSON: `rate limited`, `connect error`.
pub(super) fn words(outcome: &Tried) -> String {
    let outcome = serde_json::to_value(outcome).unwrap_or_default();
    outcome["outcome"].as_str().unwrap_or("failed").replace('_', " ")
}

fn claim_json(claim: &Claim) -> Value {
    json!({
        "event": "claim",
        "text": claim.text,
        "kind": claim.kind.as_str(),
        "verdict": claim.verdict.as_str(),
        "why": claim.why,
        "expected": claim.expected,
        "span": [claim.span.start, claim.span.end],
    })
}

/// Prints a request that is not sent.
pub(super) fn request(session: &mut Session, url: Option<&str>, body: &Value) -> Outcome {
    #[derive(Serialize)]
    struct DryRun<'a> {
        version: u32,
        event: &'static str,
        url: Option<&'a str>,
        body: &'a Value,
    }
    if session.ui.json {
        session.ui.json_line(&DryRun { version: VERSION, event: "dry_run", url, body })?;
        return Ok(Exit::Ok);
    }
    let out = &mut session.ui.out;
    writeln!(out, "{QUIET}POST{QUIET:#} {}", url.unwrap_or("(an engine on this machine)"))?;
    for message in body["messages"].as_array().into_iter().flatten() {
        let role = message["role"].as_str().unwrap_or_default();
        let content = message["content"].as_str().unwrap_or_default();
        writeln!(out, "\n{QUIET}── {role} ──{QUIET:#}\n{}", printable(content))?;
    }
    let mut settings = body.clone();
    settings["messages"] = "as above".into();
    if let Some(tools) = body["tools"].as_array() {
        writeln!(out, "\n{QUIET}── tools ──{QUIET:#}")?;
        for tool in tools.iter().map(|tool| &tool["function"]) {
            writeln!(
                out,
                "{}: {}",
                tool["name"].as_str().unwrap_or_default(),
                tool["description"]
            )?;
            writeln!(out, "  {QUIET}{}{QUIET:#}", tool["parameters"])?;
        }
        settings["tools"] = "as above".into();
    }
    writeln!(out, "\n{QUIET}── settings ──{QUIET:#}\n{settings}")?;
    Ok(Exit::Ok)
}
