//! The tools that an answering model may call, and what holds it within bounds: rounds, calls,
//! tokens and time. Whatever a model asks for, nothing is written and no path is opened: the tools
//! only read what the person configured.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assist::{Prompt, tokens};
use gateway_client::{Tool, ToolCall};
use serde_json::{Map, Value};

use super::calls::MOST_ARGUMENTS;
use crate::exit::Failure;
use crate::ui::printable;
use crate::verbs::tools::{self, Entry, JsonObject, Known};

/// Turns of a model that may call tools.
const ROUNDS: usize = 6;

/// Calls of one turn, and of a whole conversation.
const AT_A_TIME: usize = 4;
const CALLS: usize = 12;

/// Tokens that one answer, and all of them together, may cost.
const TOKENS: usize = 700;
const ALL_TOKENS: usize = 4000;

/// Less is left than any answer costs.
const LEAST_TOKENS: usize = 150;

/// Turns in a row that bring nothing new before a model is taken at its word.
const FRUITLESS: usize = 2;

/// Time that a call may take.
const LONGEST: Duration = Duration::from_secs(20);

/// Characters of an error, which may quote what was asked.
const LONGEST_ERROR: usize = 600;

/// Tools that are not offered: what they tell stands in the evidence already.
const IN_EVIDENCE: [&str; 2] = ["context", "findings"];

/// Tools, and what is left of their use.
pub(super) struct Toolbox {
    known: Arc<Known>,
    entries: Vec<Entry>,
    asked: HashSet<String>,
    rounds: usize,
    calls: usize,
    tokens: usize,
    fruitless: usize,
    until: Instant,
}

/// What came of a call.
pub(super) struct Told {
    pub(super) name: String,
    /// As they are kept; `{}` where they were none.
    pub(super) arguments: Value,
    pub(super) outcome: Outcome,
    /// What the tool says, or why not.
    pub(super) text: String,
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered,
    /// The tool says why it has no answer.
    Failed,
    /// There is no such tool.
    Unknown,
    /// The same was asked before.
    Repeated,
    /// It was not run: more or other arguments than any tool takes, or one call too many.
    Refused,
    /// It took too long.
    Late,
}

impl Outcome {
    /// The word for it in JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Repeated => "repeated",
            Self::Refused => "refused",
            Self::Late => "late",
        }
    }
}

impl Toolbox {
    /// All tools that tell more than the evidence does, until `until`.
    pub(super) fn new(known: Arc<Known>, until: Instant) -> Self {
        let mut entries = tools::all(known.bundle.is_some());
        let has_firmware = known.index.firmware().is_some();
        let has_chip = known.index.chip().is_some();
        let needs_firmware = |name: &str| ["symbol", "type", "uses"].contains(&name);
        let needs_chip = |name: &str| ["search", "register", "check", "uses"].contains(&name);
        entries.retain(|entry| {
            !IN_EVIDENCE.contains(&entry.name)
                && (has_firmware || !needs_firmware(entry.name))
                && (has_chip || !needs_chip(entry.name))
        });
        Self {
            known,
            entries,
            asked: HashSet::new(),
            rounds: ROUNDS,
            calls: CALLS,
            tokens: ALL_TOKENS,
            fruitless: 0,
            until,
        }
    }

    /// Offers nothing any more.
    pub(super) fn close(&mut self) {
        self.rounds = 0;
    }

    /// What the next turn may call; nothing once a bound is reached.
    pub(super) fn offered(&self) -> Vec<Tool> {
        let is_over = self.rounds == 0
            || self.calls == 0
            || self.tokens < LEAST_TOKENS
            || self.fruitless >= FRUITLESS
            || Instant::now() >= self.until;
        if is_over { Vec::new() } else { self.entries.iter().map(offer).collect() }
    }

    /// Carries out the calls of one turn, one after the other.
    pub(super) async fn answer(&mut self, calls: &[ToolCall]) -> Vec<Told> {
        self.rounds = self.rounds.saturating_sub(1);
        let mut told = Vec::new();
        for (number, call) in calls.iter().enumerate() {
            told.push(match number {
                0..AT_A_TIME if self.calls > 0 => self.answer_one(call).await,
                _ => Told::refused(call, "too many calls at once: call it again if it is needed"),
            });
        }
        let is_new = told.iter().any(|told| told.outcome == Outcome::Answered);
        self.fruitless = if is_new { 0 } else { self.fruitless + 1 };
        told
    }

    async fn answer_one(&mut self, call: &ToolCall) -> Told {
        self.calls -= 1;
        let mut arguments = match arguments(&call.arguments) {
            Ok(arguments) => arguments,
            Err(why) => return Told::refused(call, why),
        };
        // How much comes back is not the model's to say.
        arguments.remove(tools::SIZE);
        let Some(entry) = self.entries.iter().find(|entry| entry.name == call.name) else {
            let names: Vec<&str> = self.entries.iter().map(|entry| entry.name).collect();
            let text = format!("there is no such tool; there are {}", names.join(", "));
            return Told::of(call, arguments, Outcome::Unknown, text);
        };
        if !self.asked.insert(format!("{} {}", entry.name, Value::from(arguments.clone()))) {
            let text = "this was asked before; the answer stands above".to_owned();
            return Told::of(call, arguments, Outcome::Repeated, text);
        }
        let (outcome, text) = self.run(entry.call, arguments.clone()).await;
        let text = within(&text, self.tokens.min(TOKENS));
        self.tokens = self.tokens.saturating_sub(tokens::count(&text));
        if outcome == Outcome::Late {
            self.close();
        }
        Told::of(call, arguments, outcome, text)
    }

    async fn run(
        &self,
        call: fn(&Known, Option<String>, JsonObject) -> Result<tools::Answer, Failure>,
        mut arguments: JsonObject,
    ) -> (Outcome, String) {
        // A page counts its text and its structured form; only the text is sent.
        let both = 2 * self.tokens.min(TOKENS);
        arguments.insert(tools::SIZE.to_owned(), both.into());
        let known = Arc::clone(&self.known);
        let work = tokio::task::spawn_blocking(move || call(&known, None, arguments));
        let left = self.until.saturating_duration_since(Instant::now()).min(LONGEST);
        match tokio::time::timeout(left, work).await {
            Ok(Ok(Ok(answer))) => (Outcome::Answered, answer.text),
            Ok(Ok(Err(failure))) => (Outcome::Failed, told(&failure)),
            // A panic was told on standard error.
            Ok(Err(_)) => (Outcome::Failed, "a fault of silk itself".to_owned()),
            Err(_) => (Outcome::Late, "no answer in time".to_owned()),
        }
    }
}

impl Told {
    fn of(call: &ToolCall, arguments: JsonObject, outcome: Outcome, text: String) -> Self {
        Self { name: call.name.clone(), arguments: arguments.into(), outcome, text }
    }

    fn refused(call: &ToolCall, why: &str) -> Self {
        Self::of(call, Map::new(), Outcome::Refused, why.to_owned())
    }

    /// What the model is sent.
    pub(super) fn message(&self) -> String {
        Prompt::tool_answer(&self.text)
    }
}

/// A tool as a model is told of it, without the argument that is not its own to choose.
fn offer(entry: &Entry) -> Tool {
    let mut parameters = entry.input.clone();
    if let Some(properties) = parameters.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove(tools::SIZE);
    }
    let (name, description) = (entry.name.to_owned(), entry.description.to_owned());
    Tool { name, description, parameters: parameters.into() }
}

/// Arguments as a JSON object. None at all are an empty one.
fn arguments(text: &str) -> Result<JsonObject, &'static str> {
    if text.len() > MOST_ARGUMENTS {
        return Err("the arguments are too long");
    }
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        _ => Err("the arguments are no JSON object"),
    }
}

/// An error as the model reads it.
fn told(failure: &Failure) -> String {
    printable(&failure.to_string()).chars().take(LONGEST_ERROR).collect()
}

/// Whole lines of `text` within `most` tokens.
fn within(text: &str, most: usize) -> String {
    const MORE: &str = "(cut here)";
    if tokens::count(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut left = most.saturating_sub(tokens::count(MORE) + 1);
    for line in text.split_inclusive('\n') {
        let cost = tokens::count(line);
        if cost > left {
            break;
        }
        left -= cost;
        kept.push_str(line);
    }
    kept + MORE
}
