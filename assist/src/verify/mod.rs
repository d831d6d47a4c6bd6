//! The check of an answer: every register, field, value, address, function and line that it
//! names, held against the chip, the firmware and the board.
//!
//! ```text
//! delta ─▶ segments (whole sentences and lines) ─▶ tokens ─▶ statements ─▶ Claim
//! ```
//!
//! A claim is made only of what is clearly one. Where the evidence does not decide, the verdict
//! is [`Verdict::Unknown`]: to accuse a right answer costs more trust than to pass over a wrong
//! one.

mod bare;
mod bits;
mod blocks;
mod choice;
mod claim;
mod code;
pub(crate) mod judge;
pub(crate) mod known;
mod layout;
mod lex;
mod lines;
mod mention;
pub(crate) mod names;
mod number;
mod related;
mod segment;
mod tables;
mod unknown;
mod values;
pub(crate) mod vocabulary;

use std::collections::BTreeSet;
use std::sync::Arc;

use bundle::Bundle;
use svd_index::Index;

pub use claim::{Claim, ClaimKind, Verdict};

use judge::Judge;
use known::Known;
use segment::Segments;

/// The claims of prose, each place by itself.
pub(crate) fn prose_claims(known: Arc<Known<'_>>, text: &str) -> Vec<Claim> {
    let mut judge = Judge::with(known);
    let mut segments = Segments::default();
    segments.push(text);
    let mut claims = Vec::new();
    while let Some(segment) = segments.next_complete() {
        claims.extend(judge.judge_next(&segment));
    }
    claims.extend(segments.rest().map(|segment| judge.judge_next(&segment)).unwrap_or_default());
    claims
}

/// Checks one answer while it streams.
///
/// Claims come once a sentence or line is complete. However the answer is cut into deltas, the
/// claims of all [`feed`](Self::feed)s and of [`finish`](Self::finish) are the same.
pub struct Verifier<'a> {
    judge: Judge<'a>,
    segments: Segments,
    said: BTreeSet<(ClaimKind, Verdict, String)>,
}

impl<'a> Verifier<'a> {
    /// A verifier for one answer. Values are held against `bundle`, if there is one.
    pub fn new(index: &'a Index, bundle: Option<&'a Bundle>) -> Self {
        Self {
            judge: Judge::new(index, bundle),
            segments: Segments::default(),
            said: BTreeSet::new(),
        }
    }

    /// Takes the next piece of the answer; gives the claims that became complete with it.
    pub fn feed(&mut self, delta: &str) -> Vec<Claim> {
        self.segments.push(delta);
        let mut claims = Vec::new();
        while let Some(segment) = self.segments.next_complete() {
            claims.extend(self.judge.judge_next(&segment));
        }
        self.once(claims)
    }

    /// Takes what is left as a last sentence.
    pub fn finish(&mut self) -> Vec<Claim> {
        let claims = match self.segments.rest() {
            Some(segment) => self.judge.judge_next(&segment),
            None => Vec::new(),
        };
        self.once(claims)
    }

    /// Checks a whole answer.
    pub fn check(index: &'a Index, bundle: Option<&'a Bundle>, answer: &str) -> Vec<Claim> {
        let mut verifier = Self::new(index, bundle);
        let mut claims = verifier.feed(answer);
        claims.extend(verifier.finish());
        claims
    }

    fn once(&mut self, claims: Vec<Claim>) -> Vec<Claim> {
        let mut fresh = claims;
        fresh.retain(|claim| self.said.insert((claim.kind, claim.verdict, claim.text.clone())));
        fresh
    }
}
