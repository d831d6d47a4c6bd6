//! `silk eval --ask`: what a model makes of the evidence. Each question is asked from nothing, from
//! a dump of the peripherals that it names, and from what `silk ask` would send, without tools and
//! without a second try; counted is whether the answer names a register that the fix touched, and
//! how many of the registers and fields it names do not exist.

use std::io::Write;
use std::time::Instant;

use assist::{Claim, ClaimKind, Context, Prompt, Verdict, Verifier};
use futures::StreamExt;
use gateway::{Ask, AskError, Event, Gateway};
use serde::Serialize;
use svd_index::Index;

use super::{EvalMethod, Question, choose, each_question, way};
use crate::args::{EvalArgs, ModelArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::{self, Deferred};
use crate::json::VERSION;
use crate::session::{Session, need_chip};
use crate::verbs::ask::{failure, runtime};
use crate::verbs::model;

/// What a question is asked from.
const METHODS: [Option<EvalMethod>; 3] = [None, Some(EvalMethod::Dump), Some(EvalMethod::Silk)];

/// An answer, and what was counted of it.
#[derive(Serialize)]
struct AnswerJson<'a> {
    version: u32,
    id: &'a str,
    method: &'static str,
    budget: usize,
    /// Tokens of rules, evidence and question.
    prompt_tokens: usize,
    names_needed: bool,
    /// Registers and fields that it names and that there are.
    names: usize,
    /// Those that there are not.
    invented: Vec<&'a str>,
    answer: &'a str,
}

/// What was counted of the answers of one method at one budget.
#[derive(Default, Clone, Copy)]
struct Tally {
    answers: usize,
    name_needed: usize,
    names: usize,
    invented: usize,
    prompt_tokens: usize,
}

/// Asks, and prints an answer a line, or a table of all.
pub(super) fn run(session: &mut Session, args: &EvalArgs) -> Outcome {
    let _deferred = Deferred::begin();
    let runtime = runtime()?;
    let model = ModelArgs {
        allow_remote: args.allow_remote,
        model: args.model.clone(),
        no_repair: true,
        no_tools: true,
        deadline: args.deadline,
    };
    let gathered = runtime.block_on(model::gather(session, &model, true))?;
    gathered.notes.iter().for_each(|note| session.ui.note(note));
    let gateway = gathered.gateway;
    let mut tallies = vec![[Tally::default(); METHODS.len()]; args.budgets.len()];
    let started = Instant::now();
    let mut asked = 0;
    let counted = each_question(session, args, |session, index, question| {
        for (&budget, tallies) in args.budgets.iter().zip(&mut tallies) {
            for (method, tally) in METHODS.into_iter().zip(tallies) {
                let asking = Asking { gateway: &gateway, model: &model, args, index, question };
                let prompt = asking.prompt(method, budget);
                let answer = match runtime.block_on(asking.ask(&prompt)) {
                    Ok(Answered::Whole(answer)) => answer,
                    Ok(Answered::Cancelled(exit)) => return Ok(exit),
                    // Hours of answers are not lost for one that did not come.
                    Err(failure) if asked > 0 => {
                        let method = name(method);
                        session.ui.warn(format!("{}, {method}: left out: {failure}", question.id));
                        continue;
                    }
                    Err(failure) => return Err(failure),
                };
                asking.count(session, (method, budget), &prompt, &answer, tally)?;
                asked += 1;
                let seconds = started.elapsed().as_secs();
                session.ui.note(format!("{asked} answers, {seconds} s: {}", question.id));
            }
        }
        Ok(Exit::Ok)
    })?;
    model::save_cooldowns(&session.config.folders, &gateway);
    if args.table {
        print_table(session, args, &tallies)?;
    }
    Ok(counted.ended)
}

enum Answered {
    Whole(String),
    Cancelled(Exit),
}

/// One question on its way.
struct Asking<'a> {
    gateway: &'a Gateway,
    model: &'a ModelArgs,
    args: &'a EvalArgs,
    index: &'a Index,
    question: &'a Question,
}

impl Asking<'_> {
    fn prompt(&self, method: Option<EvalMethod>, budget: usize) -> Prompt {
        let question = &self.question.question;
        let context = match method {
            Some(method) => choose(self.index, &way(method, &[]), question, budget),
            None => Context::none(),
        };
        Prompt::new(question, &context)
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Answered, Failure> {
        let mut ask: Ask = model::ask_of(prompt, self.model);
        ask.prompt.max_tokens = Some(self.args.answer_tokens);
        // The same answer each time, as far as the engine keeps to it.
        (ask.prompt.temperature, ask.prompt.seed) = (Some(0.0), Some(1));
        let mut events = self.gateway.ask(ask);
        let mut answer = String::new();
        loop {
            let event: Option<Result<Event, AskError>> = tokio::select! {
                event = events.next() => event,
                exit = interrupt::arrived() => return Ok(Answered::Cancelled(exit)),
            };
            match event {
                Some(Ok(Event::Delta { text })) => answer.push_str(&text),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(failure(error)),
                None => return Ok(Answered::Whole(answer)),
            }
        }
    }

    fn count(
        &self,
        session: &mut Session,
        (method, budget): (Option<EvalMethod>, usize),
        prompt: &Prompt,
        answer: &str,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let chip = need_chip(self.index, &session.config)?;
        let claims = Verifier::check(self.index, None, answer);
        let is_name = |claim: &&Claim| matches!(claim.kind, ClaimKind::Register | ClaimKind::Field);
        let of = |verdict| claims.iter().filter(is_name).filter(move |c| c.verdict == verdict);
        let real: Vec<&str> = of(Verdict::Ok).map(|claim| claim.text.as_str()).collect();
        let invented: Vec<&str> = of(Verdict::Wrong).map(|claim| claim.text.as_str()).collect();
        let names_needed = self.question.gold.is_named(chip, answer, &real);
        let prompt_tokens = prompt.tokens();
        tally.answers += 1;
        tally.name_needed += usize::from(names_needed);
        tally.names += real.len() + invented.len();
        tally.invented += invented.len();
        tally.prompt_tokens += prompt_tokens;
        if self.args.table {
            return Ok(());
        }
        session.ui.json_line(&AnswerJson {
            version: VERSION,
            id: &self.question.id,
            method: name(method),
            budget,
            prompt_tokens,
            names_needed,
            names: real.len(),
            invented,
            answer,
        })
    }
}

fn name(method: Option<EvalMethod>) -> &'static str {
    method.map_or("none", super::name)
}

/// A Markdown table: a row for each budget and method.
fn print_table(
    session: &mut Session,
    args: &EvalArgs,
    tallies: &[[Tally; METHODS.len()]],
) -> Result<(), Failure> {
    let out = &mut session.ui.out;
    writeln!(
        out,
        "| evidence | answers that name a needed register | names, of them invented | prompt tokens, mean |"
    )?;
    writeln!(out, "|---|---|---|---|")?;
    for (budget, tallies) in args.budgets.iter().zip(tallies) {
        for (method, tally) in METHODS.into_iter().zip(tallies) {
            let Tally { answers, name_needed, names, invented, prompt_tokens } = *tally;
            let share = |part: usize, of: usize| match of {
                0 => "-".to_owned(),
                of => format!("{:.1} %", 100.0 * part as f64 / of as f64),
            };
            writeln!(
                out,
                "| {}, {budget} tokens | {name_needed} of {answers}, {} | {names}, {} | {} |",
                name(method),
                share(name_needed, answers),
                share(invented, names),
                prompt_tokens / answers.max(1),
            )?;
        }
    }
    Ok(())
}
