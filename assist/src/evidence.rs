//! Everything that happens between a question and a model, in one call.

use bundle::{Bundle, Facts};
use svd_index::Index;

use crate::context::Context;
use crate::prompt::Prompt;
use crate::tokens::TokenBudget;
use crate::{naming, triage};

/// What [`prepare`] made of a question.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Names, writes and findings, whether they fit the budget or not.
    pub facts: Facts,
    /// The evidence that fits.
    pub context: Context,
    /// What a model is to be sent.
    pub prompt: Prompt,
}

/// Names what the board showed, looks for findings, selects evidence for `question` within
/// `budget`, and writes the prompt.
///
/// Every source may be missing. With no chip in `index` the names come from the facts inside
/// the bundle; with no bundle there are no live values, and findings rest on what the firmware
/// writes. The budget bounds the evidence; the prompt adds its rules and the question.
pub fn prepare(
    index: &Index,
    bundle: Option<&Bundle>,
    question: &str,
    budget: TokenBudget,
) -> Prepared {
    let facts = facts(index, bundle);
    let context = Context::select(index, bundle, &facts, question, budget);
    let prompt = Prompt::new(question, &context);
    Prepared { facts, context, prompt }
}

/// Facts derived again where the chip is known, otherwise those that the bundle carries.
pub(crate) fn facts(index: &Index, bundle: Option<&Bundle>) -> Facts {
    let mut facts = match bundle {
        Some(bundle) if index.chip().is_none() => return bundle.facts.clone(),
        Some(bundle) => naming::name_snapshot(index, &bundle.snapshot),
        None => Facts { writes: naming::firmware_writes(index), ..Facts::default() },
    };
    facts.findings = triage::triage(index, bundle);
    facts
}
