//! Which number a field's named value has: "`UART0->CONFIG.PARITY` = 7 selects `Included`", "write 0
//! to `PARITY` for `Excluded`".

use super::claim::{ClaimKind, Verdict};
use super::judge::{Judge, Judged, Reading};
use super::lex::Token;
use super::mention::{Mention, Of, between, overlaps};
use crate::catalog::hex;

/// Most tokens between the value's name and its number.
const REACH: usize = 14;

/// Adds the claim of a sentence that has one field, one of its values' names and one number.
pub(super) fn claims(judge: &Judge<'_>, reading: &mut Reading<'_>, mentions: &[Mention]) {
    let mut fields = mentions.iter().filter_map(|mention| match mention.of {
        Of::Field(place) => Some((place, &mention.span)),
        _ => None,
    });
    let (Some((place, field_span)), None) = (fields.next(), fields.next()) else { return };
    let mut numbers = reading.tokens.iter().filter(|token| token.number().is_some());
    let (Some(number), None) = (numbers.next(), numbers.next()) else { return };
    let value = number.number().unwrap_or_default();
    let is_free = |token: &&Token| mentions.iter().all(|m| !overlaps(&m.span, &token.span));
    let named = |token: &&Token| {
        let word = token.word()?;
        let known = judge.known.enum_of(place, word)?;
        let written = known.name == word && reading.is_code(&token.span);
        (written && word.len() > 1).then_some((known, token.span.clone()))
    };
    let mut names = reading.tokens.iter().filter(is_free).filter_map(|token| named(&token));
    let (Some((known, name)), None) = (names.next(), names.next()) else { return };
    let Some(right) = known.value else { return };
    let parts = |token: &Token| {
        let word = token.word().map(str::to_ascii_lowercase);
        token.is(";")
            || word.is_some_and(|word| {
                ["not", "and", "or", "than", "instead", "bit", "bits", "but"].contains(&&*word)
            })
    };
    let width = judge.known.field(place).width;
    let fits = value.checked_shr(width).unwrap_or(0) == 0;
    let whole = name.start.min(number.span.start)..name.end.max(number.span.end);
    let spread = whole.start.min(field_span.start)..whole.end.max(field_span.end);
    let inside = reading
        .tokens
        .iter()
        .filter(|token| spread.start <= token.span.start && token.span.end <= spread.end);
    if !fits
        || inside.into_iter().any(parts)
        || between(&reading.tokens, &name, &number.span).len() > REACH
    {
        return;
    }
    let offset = reading.segment.offset;
    let number = number.span.start + offset..number.span.end + offset;
    let is_said =
        |kind: ClaimKind| matches!(kind, ClaimKind::Enum | ClaimKind::Bits | ClaimKind::Reset);
    if reading.claims.iter().any(|claim| {
        overlaps(&claim.span, &number) && (is_said(claim.kind) || claim.verdict == Verdict::Wrong)
    }) {
        return;
    }
    let why = format!("{} is {}", known.name, hex(right, width));
    let judged = match value == right {
        true => Judged::ok(why),
        false => Judged::wrong(why, Some(hex(right, width))),
    };
    reading.claim(ClaimKind::Enum, whole, judged);
}
