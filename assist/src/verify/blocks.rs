//! A line in a block of code: besides what is said of it as of prose, what a reader of code sees,
//! such as bits that are set and constants.

use std::sync::Arc;

use super::claim::Claim;
use super::known::Known;
use super::segment::Segment;
use crate::check::{Headers, code_claims};

/// What only Rust has, of what stands on one line.
const OF_RUST: &[&str] =
    &["|w|", "|_, w|", "|r, w|", ".read().", "let ", "unsafe ", " as *mut ", "const "];

/// Claims of one line of code, save those that `known_claims` overlap.
pub(super) fn claims(
    known: &Arc<Known<'_>>,
    segment: &Segment,
    known_claims: &[Claim],
) -> Vec<Claim> {
    let text = segment.text.as_str();
    // A line that a patch removes is no advice; the sign before one that it adds is no operator.
    let added = text.strip_prefix('+');
    if text.starts_with('-') || text.trim_start().starts_with("```") {
        return Vec::new();
    }
    let (line, shift) = added.map_or((text, 0), |line| (line, 1));
    let rust = OF_RUST.iter().any(|sign| line.contains(sign)) && !line.contains("#define");
    let start = segment.offset + shift;
    let moved = |claim: Claim| {
        let span = claim.span.start + start..claim.span.end + start;
        Claim { span, ..claim }
    };
    let found = code_claims(known, line, rust, &Headers::default()).into_iter().map(moved);
    let new = |claim: &Claim| {
        known_claims
            .iter()
            .all(|known| known.span.end <= claim.span.start || claim.span.end <= known.span.start)
    };
    found.filter(new).collect()
}
