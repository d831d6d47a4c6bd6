//! `silk eval`: the evidence that is chosen for each of a file's questions, for a scorer to
//! compare with what the answer needs.

mod answers;
mod embeddings;
mod recall;

use std::io::Write;
use std::time::{Duration, Instant};

use assist::context::Method;
use assist::{Context, TokenBudget, prepare};
use serde::{Deserialize, Serialize};
use svd_index::{Index, RegisterRef, Sources};

use crate::args::{EvalArgs, EvalMethod};
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::session::{Session, need_chip};
use embeddings::Embeddings;
use recall::{Gold, Recall};

/// What a line of the questions has to say.
#[derive(Deserialize)]
struct Question {
    id: String,
    question: String,
    svd: String,
    #[serde(flatten)]
    gold: Gold,
}

/// What was chosen for a question.
#[derive(Serialize)]
struct Prediction<'a> {
    version: u32,
    id: &'a str,
    registers: &'a [String],
    fields: &'a [String],
    tokens: usize,
    budget: usize,
    method: &'static str,
}

/// How evidence is chosen for one question.
enum Way<'r, 'c> {
    Silk,
    Plain(Method),
    /// In an order found before.
    Ranked(&'r [RegisterRef<'c>]),
}

/// Prints one line for each question and budget, or one table for all; how long choosing took goes
/// to stderr.
pub(crate) fn run(session: &mut Session, args: &EvalArgs) -> Outcome {
    if args.ask {
        return answers::run(session, args);
    }
    let mut embeddings = Embeddings::of(args)?;
    let mut methods = if args.table { EvalMethod::ALONE.to_vec() } else { vec![args.method] };
    methods.extend((args.table && embeddings.is_some()).then_some(EvalMethod::Embeddings));
    let mut times = Vec::new();
    // The first text that is counted loads the tokenizer's vocabulary.
    assist::tokens::count(" ");
    let mut recalls = vec![vec![Vec::new(); args.budgets.len()]; methods.len()];
    let counted = each_question(session, args, |session, index, question| {
        let chip = need_chip(index, &session.config)?;
        for (&method, recalls) in methods.iter().zip(&mut recalls) {
            let ranked = match &mut embeddings {
                Some(engine) if method == EvalMethod::Embeddings => {
                    let notice = engine.notice(chip, &question.svd);
                    notice.into_iter().for_each(|notice| session.ui.note(notice));
                    engine.rank(chip, &question.svd, &question.question)?
                }
                _ => Vec::new(),
            };
            let way = way(method, &ranked);
            for (&budget, recalls) in args.budgets.iter().zip(recalls) {
                let started = Instant::now();
                let context = choose(index, &way, &question.question, budget);
                if method == EvalMethod::Silk {
                    times.push((started.elapsed(), question.id.clone()));
                }
                if args.table {
                    recalls.push(question.gold.recall(chip, &context));
                } else {
                    session.ui.json_line(&Prediction::of(&question.id, method, &context))?;
                }
            }
        }
        Ok(Exit::Ok)
    })?;
    if args.table {
        print_table(session, args, &methods, &recalls)?;
    }
    session.ui.note(told(&counted, &mut times));
    Ok(Exit::Ok)
}

/// How many questions there were.
struct Counted {
    done: usize,
    left_out: usize,
    /// Why it ended before its end, if it did.
    ended: Exit,
}

/// Takes one question after the other, with its chip; those that cannot be taken are told and left
/// out. Ends early where `take` does not give [`Exit::Ok`].
fn each_question(
    session: &mut Session,
    args: &EvalArgs,
    mut take: impl FnMut(&mut Session, &Index, &Question) -> Outcome,
) -> Result<Counted, Failure> {
    let text = std::fs::read_to_string(&args.questions).map_err(|error| {
        Failure::new(Exit::Usage, format!("failed to read `{}`", args.questions.display()))
            .caused_by(&error)
    })?;
    let mut counted = Counted { done: 0, left_out: 0, ended: Exit::Ok };
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let question = serde_json::from_str::<Question>(line)
            .map_err(|error| Failure::new(Exit::Usage, format!("no question: {error}")));
        let opened = question.and_then(|question| Ok((open(session, args, &question)?, question)));
        match opened {
            Ok((index, question)) => {
                counted.ended = take(session, &index, &question)?;
                counted.done += 1;
            }
            Err(failure) => {
                let place = format!("{}:{}", args.questions.display(), number + 1);
                session.ui.warn(format!("{place}: left out: {failure}"));
                counted.left_out += 1;
            }
        }
        if counted.ended != Exit::Ok {
            break;
        }
    }
    if counted.done == 0 {
        return Err(Failure::new(Exit::NothingFound, "no question could be taken")
            .hint("--questions takes one JSON object a line: \"id\", \"question\", \"svd\""));
    }
    Ok(counted)
}

/// A Markdown table: a row for each method, a column for each budget.
fn print_table(
    session: &mut Session,
    args: &EvalArgs,
    methods: &[EvalMethod],
    recalls: &[Vec<Vec<Recall>>],
) -> Result<(), Failure> {
    let out = &mut session.ui.out;
    let heads: Vec<String> = args.budgets.iter().map(|budget| format!("{budget} tokens")).collect();
    writeln!(out, "| registers / fields | {} |", heads.join(" | "))?;
    writeln!(out, "|---{}|", "|---".repeat(heads.len()))?;
    for (method, recalls) in methods.iter().zip(recalls) {
        let share = |share: Option<f64>| share.map_or("-".into(), |share| format!("{share:.3}"));
        let cells: Vec<String> = recalls
            .iter()
            .map(|recalls| recall::mean(recalls))
            .map(|mean| format!("{} / {}", share(mean.registers), share(mean.fields)))
            .collect();
        writeln!(out, "| {} | {} |", name(*method), cells.join(" | "))?;
    }
    Ok(())
}

impl<'a> Prediction<'a> {
    fn of(id: &'a str, method: EvalMethod, context: &'a Context) -> Self {
        let Context { registers, fields, tokens, budget, .. } = context;
        let method = name(method);
        Self {
            version: json::VERSION,
            id,
            registers,
            fields,
            tokens: *tokens,
            budget: *budget,
            method,
        }
    }
}

fn open(session: &Session, args: &EvalArgs, question: &Question) -> Result<Index, Failure> {
    let path = args.svd_dir.join(&question.svd);
    let sources = Sources { svds: vec![path.into()], elfs: Vec::new() };
    let opened = Index::open(&sources, &session.config.folders.cache.join("index"))
        .map_err(crate::session::index_failure)?;
    need_chip(&opened.index, &session.config)?;
    Ok(opened.index)
}

fn way<'r, 'c>(method: EvalMethod, ranked: &'r [RegisterRef<'c>]) -> Way<'r, 'c> {
    match method {
        EvalMethod::Silk => Way::Silk,
        EvalMethod::Bm25 => Way::Plain(Method::Bm25),
        EvalMethod::Dump => Way::Plain(Method::Dump),
        EvalMethod::Embeddings => Way::Ranked(ranked),
    }
}

fn choose(index: &Index, way: &Way<'_, '_>, question: &str, budget: usize) -> Context {
    let budget = TokenBudget::new(budget);
    let chip = || index.chip().expect("it was made sure of when it was opened");
    match way {
        Way::Silk => prepare(index, None, question, budget).context,
        Way::Plain(method) => Context::plain(*method, chip(), question, budget),
        Way::Ranked(registers) => Context::whole(registers, budget),
    }
}

fn name(method: EvalMethod) -> &'static str {
    match method {
        EvalMethod::Silk => "silk",
        EvalMethod::Bm25 => "bm25",
        EvalMethod::Dump => "dump",
        EvalMethod::Embeddings => "embeddings",
    }
}

fn told(counted: &Counted, times: &mut [(Duration, String)]) -> String {
    let Counted { done, left_out, .. } = counted;
    times.sort_unstable();
    let missing = if *left_out == 0 { String::new() } else { format!(", {left_out} left out") };
    let (Some((median, _)), Some((worst, id))) = (times.get(times.len() / 2), times.last()) else {
        return format!("{done} questions{missing}");
    };
    let [median, worst] = [median, worst].map(|time| time.as_secs_f64() * 1e3);
    format!("{done} questions{missing}; choosing took {median:.1} ms, at most {worst:.1} ms ({id})")
}
