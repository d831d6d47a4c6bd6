//! `check`: what code or prose says of the chip, held against the truth.

use assist::Verdict;
use assist::check::{Checker, Headers, Language, Remark};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::known::Known;
use super::page::{Cut, Line, List};
use super::quote::{name, prose, quoted};
use super::{Found, Tool};

/// Characters of a claim's words and of the reason for its verdict.
const WORDS: usize = 120;
const WHY: usize = 240;

pub(super) struct Check;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    text: String,
    /// Prose with blocks of code if left out
    language: Option<Written>,
}

/// What the text is written in.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Written {
    C,
    Rust,
    Markdown,
}

/// A claim and whether it holds.
#[derive(Serialize, JsonSchema)]
pub(super) struct Claim {
    line: u32,
    column: u32,
    /// The words of the text.
    text: String,
    /// What they are about, such as `register`, `bits` or `value`.
    kind: &'static str,
    /// `ok`, `wrong` or `unknown`.
    verdict: &'static str,
    why: String,
    /// What is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    /// A comment in the text allows it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allowed: bool,
}

impl Tool for Check {
    const NAME: &'static str = "check";
    const DESCRIPTION: &'static str = "Checks register, field, bit, mask, address, value, symbol and line claims in code or prose \
         against the chip and firmware. Wrong ones first, with what is right.";
    /// About 6,000 lines.
    const MOST_TEXT: usize = 256 << 10;
    type Arguments = Arguments;
    type Found = Claim;

    fn find(known: &Known, Arguments { text, language }: Arguments, cut: Cut) -> Found<Claim> {
        known.chip()?;
        let language = match language {
            Some(Written::C) => Language::C,
            Some(Written::Rust) => Language::Rust,
            Some(Written::Markdown) | None => Language::Markdown,
        };
        let checker = Checker::new(&known.index, known.bundle.as_ref());
        let mut remarks = checker.check(&text, language, &Headers::default());
        let count = |verdict| remarks.iter().filter(|one| one.claim.verdict == verdict).count();
        let [wrong, unknown, ok] = [Verdict::Wrong, Verdict::Unknown, Verdict::Ok].map(count);
        let tally = format!("{wrong} wrong, {unknown} not known, {ok} ok");
        // The sort is stable: within a verdict they stay in the order of the text.
        remarks.sort_by_key(|remark| match remark.claim.verdict {
            Verdict::Wrong => 0,
            Verdict::Unknown => 1,
            Verdict::Ok => 2,
        });
        Ok(List::of(&remarks, cut, Claim::of).noting(tally))
    }
}

impl Claim {
    fn of(remark: &Remark) -> Self {
        let claim = &remark.claim;
        Self {
            line: remark.line,
            column: remark.column,
            text: prose(&claim.text, WORDS),
            kind: claim.kind.as_str(),
            verdict: claim.verdict.as_str(),
            why: prose(&claim.why, WHY),
            expected: claim.expected.as_deref().map(name),
            allowed: remark.allowed.is_some(),
        }
    }
}

impl Line for Claim {
    fn line(&self) -> String {
        let Self { line, column, text, kind, verdict, why, expected, allowed } = self;
        let expected = expected.as_ref().map(|expected| format!("; right is {expected}"));
        let expected = expected.unwrap_or_default();
        let allowed = if *allowed { " (allowed by a comment)" } else { "" };
        format!("{line}:{column} {verdict} {kind}{}  {why}{expected}{allowed}", quoted(text))
    }
}
