//! `context`: the evidence for a question, within the answer's tokens.

use assist::TokenBudget;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::known::Known;
use super::page::{self, Cut, Line, List};
use super::quote::block;
use super::{Found, Tool};
use crate::exit::{Exit, Failure};
use crate::verbs::context::left_out;

/// Tokens of an answer around the evidence, which stands in it twice: braces, keys, escaped line
/// ends, what was left out.
const AROUND: usize = 80;

pub(super) struct Context;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// e.g. Why does USART2 print garbage?
    question: String,
}

/// Evidence for a question.
#[derive(Serialize, JsonSchema)]
pub(super) struct Evidence {
    /// Findings begin with `!`; each register stands on a line with its address, fields and, if
    /// known, value and writes.
    evidence: String,
    /// What matched and did not fit.
    left_out: String,
}

impl Tool for Context {
    const NAME: &'static str = "context";
    const DESCRIPTION: &'static str = "Evidence for a question about this firmware: findings, registers, fields, values, the code \
         that writes them, logs. Call it first; a larger max_tokens gives more.";
    const MOST_TEXT: usize = 8000;
    /// The evidence stands in both forms, and few clients show their model both: each is within
    /// what other tools' answers cost.
    const TOKENS: usize = 2 * page::TOKENS;
    type Arguments = Arguments;
    type Found = Evidence;

    fn find(known: &Known, Arguments { question }: Arguments, cut: Cut) -> Found<Evidence> {
        if known.bundle.is_none() {
            known.chip()?;
        }
        let doubts = known.follow_code();
        let select = |tokens| {
            let budget = TokenBudget::new(tokens);
            assist::prepare(&known.index, known.bundle.as_ref(), &question, budget).context
        };
        // Lines end in two characters within JSON, so the second form costs a little more.
        let tokens = cut.tokens.saturating_sub(AROUND) * 10 / 21;
        let context = select(tokens);
        if context.text.is_empty() {
            return Err(Failure::new(Exit::NothingFound, "nothing was found for this question")
                .hint("name a peripheral, register, symptom or function"));
        }
        let evidence = block(context.text.trim_end());
        let mut list = List::one(Evidence { evidence, left_out: left_out(&context.left_out) });
        list.notes.extend_from_slice(doubts);
        Ok(list)
    }
}

impl Line for Evidence {
    fn line(&self) -> String {
        let Self { evidence, left_out } = self;
        format!("<evidence>\n{evidence}\n</evidence>\nleft out: {left_out}")
    }
}
