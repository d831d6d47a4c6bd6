//! Interrupt lines: "IRQ 37 is `USART1`", "`USART1` (IRQ 37) fires".

use std::ops::Range;

use super::claim::ClaimKind;
use super::judge::{Judge, Reading};
use super::layout;
use super::lex::Token;
use super::mention::{between, overlaps};
use super::names::is_name;

/// Most tokens between an interrupt's name and its number.
const REACH: usize = 5;

/// Adds what is said of numbers that follow "IRQ" or "interrupt".
pub(super) fn claims(judge: &Judge<'_>, reading: &mut Reading<'_>) {
    for at in 0..reading.tokens.len() {
        let Some(number) = reading.tokens[at].number().filter(|number| *number < 1024) else {
            continue;
        };
        let place = reading.tokens[at].span.clone();
        let says = |words: &[&str]| reading.preceded_by(at, words);
        let numbered = at > 0 && says(&["number", "no"]) && speaks(&reading.tokens[..at - 1]);
        if !(says(&["irq", "irqn"]) || numbered || says(&["interrupt"])) {
            continue;
        }
        let offset = reading.segment.offset;
        let there = place.start + offset..place.end + offset;
        let is_said = reading
            .claims
            .iter()
            .any(|claim| claim.kind == ClaimKind::Interrupt && overlaps(&claim.span, &there));
        if let Some((name, span)) = (!is_said).then(|| nearest(judge, reading, &place)).flatten() {
            let span = span.start.min(place.start)..span.end.max(place.end);
            layout::interrupt(judge, reading, &name, number, span);
        }
    }
}

/// "interrupt" before "number", or before "is number".
fn speaks(before: &[Token]) -> bool {
    let words = before.iter().rev().filter_map(Token::word).take(2);
    words.map(str::to_ascii_lowercase).any(|word| ["interrupt", "irq"].contains(&word.as_str()))
}

/// The name of an interrupt that stands nearest to its number, with nothing but small words between.
fn nearest(
    judge: &Judge<'_>,
    reading: &Reading<'_>,
    number: &Range<usize>,
) -> Option<(String, Range<usize>)> {
    let chip = judge.known.catalog.chip()?;
    let tokens = &reading.tokens;
    let own = tokens.partition_point(|token| token.span.start < number.start);
    let reached = own.saturating_sub(REACH + 1)..tokens.len().min(own + REACH + 2);
    let near = tokens[reached].iter().filter_map(|token| {
        let word = token.word()?;
        let spelled = is_name(word) || reading.is_code(&token.span);
        let gap = between(tokens, &token.span, number);
        let plain = spelled && gap.len() <= REACH && !gap.iter().any(parts);
        let is_one = plain && chip.interrupts().any(|known| known.name == word);
        is_one.then(|| (gap.len(), word.to_owned(), token.span.clone()))
    });
    let (_, name, span) = near.min_by_key(|(gap, ..)| *gap)?;
    Some((name, span))
}

fn parts(token: &Token) -> bool {
    let is_sign = token.is(";") || token.is(",") || token.is("|");
    is_sign || token.word().is_some_and(|word| matches!(word, "and" | "or" | "not" | "than"))
}
