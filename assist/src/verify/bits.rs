//! Where prose says that a field is: its bits, its mask.

use std::ops::Range;

use super::claim::{Claim, ClaimKind};
use super::judge::{Judge, Judged, Reading};
use super::layout::{Said, preceded_by, said_after};
use super::lex::{Kind, Token};
use super::names::is_name;
use crate::catalog::{Field, bits, hex};

/// Bits and mask that are said of a field, before or after its name at bytes `name`.
pub(super) fn after_field(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    place: (usize, usize),
    at: usize,
    name: Range<usize>,
) {
    let said = said_after(&reading.tokens, at);
    if let Some((low, high, start)) = bits_before(&reading.tokens, &name)
        && !(has_own_bits(said.as_ref()) || is_taken(reading, start..name.start))
    {
        claim_bits(judge, reading, place, (low, high), start..name.end);
        return;
    }
    let register = judge.known.register(place.0).path.rsplit('.').next().unwrap_or_default();
    if let Some((low, high, last)) = bits_of_register(&reading.tokens, at, register) {
        let end = reading.tokens[last].span.end;
        claim_bits(judge, reading, place, (low, high), name.start..end);
        return;
    }
    let Some(said) = said else { return };
    let end = reading.tokens[said.place].span.end;
    let mask_of = preceded_by(reading, name.start, &["mask", "bitmask"]);
    if said.has(&["mask", "bitmask"]) || (mask_of && !said.has(&["bit", "bits"])) {
        let field = judge.known.field(place);
        let size = judge.known.register(place.0).size_bits;
        let right = hex(mask(field), size);
        let why = format!("the mask of {}{} is {right}", field.name, field.bits());
        let judged = match said.value == mask(field) {
            true => Judged::ok(why),
            false => Judged::wrong(why, Some(right)),
        };
        reading.claim(ClaimKind::Mask, name.start..end, judged);
    } else if said.is_state() {
        // "the UE bit is 0".
    } else if said.has(&["bit", "bits"]) || said.bracket {
        let (low, high, last) = range_at(&reading.tokens, said.place, said.value);
        let close = reading.tokens.get(last + 1).is_some_and(|t| t.is(")") || t.is("]"));
        let end = reading.tokens[if close { last + 1 } else { last }].span.end;
        claim_bits(judge, reading, place, (low, high), name.start..end);
    }
}

/// "RE = bit 2", which may follow "UE is bit 13,". After "bit 13, UE and bit 2" comes another field.
fn has_own_bits(said: Option<&Said>) -> bool {
    said.is_some_and(|said| said.has(&["bit", "bits"]) && !said.has(&["and"]))
}

/// Whether bits that stand here were said of another field already: "UE is bit 13, RE is next".
fn is_taken(reading: &Reading<'_>, bits: Range<usize>) -> bool {
    let offset = reading.segment.offset;
    let is_over = |claim: &Claim| {
        claim.span.start < offset + bits.end && offset + bits.start < claim.span.end
    };
    reading.claims.iter().any(|claim| claim.kind == ClaimKind::Bits && is_over(claim))
}

/// `7:4`, `7-4`, `4..7` or one number at token `at`: lowest, highest, last token.
pub(super) fn range_at(tokens: &[Token], at: usize, first: u64) -> (u64, u64, usize) {
    let sign = |at: usize| {
        tokens.get(at).is_some_and(|token| [":", "-", "."].iter().any(|sign| token.is(sign)))
            || tokens.get(at).is_some_and(|token| {
                matches!(token.kind, Kind::Other('–'))
                    || matches!(token.word(), Some("to" | "through"))
            })
    };
    let mut next = at + 1;
    while next < at + 3 && sign(next) {
        next += 1;
    }
    match tokens.get(next).and_then(Token::number).filter(|_| next > at + 1) {
        Some(second) => (first.min(second), first.max(second), next),
        None => (first, first, at),
    }
}

/// Signs between bits and the name of the field that they are.
const BETWEEN: &[&str] = &["(", ",", ":", "=", "-"];

/// "bit 13 (UE)", "bits 7:4, DIV", "bit 17: USART2EN": the bits, and where the words start.
pub(super) fn bits_before(tokens: &[Token], name: &Range<usize>) -> Option<(u64, u64, usize)> {
    let mut at = tokens.iter().position(|token| token.span.start >= name.start)?;
    let skip = |at: &mut usize, signs: &[&str]| {
        while *at > 0 && signs.iter().any(|sign| tokens[*at - 1].is(sign)) {
            *at -= 1;
        }
    };
    skip(&mut at, &["`"]);
    let before = tokens.get(at.checked_sub(1)?)?;
    let opened =
        BETWEEN.iter().any(|sign| before.is(sign)) || matches!(before.kind, Kind::Other('–' | '—'));
    if !(opened || before.word() == Some("is")) {
        return None;
    }
    at -= 1;
    skip(&mut at, &["`", "]"]);
    at = before_register(tokens, at);
    let high = tokens.get(at.checked_sub(1)?)?.number()?;
    at -= 1;
    let mut low = high;
    if at >= 2
        && [":", "-"].iter().any(|sign| tokens[at - 1].is(sign))
        && let Some(first) = tokens[at - 2].number()
    {
        low = first;
        at -= 2;
    }
    skip(&mut at, &["[", "`"]);
    let word = tokens.get(at.checked_sub(1)?)?;
    let says = matches!(word.word(), Some("bit" | "bits" | "Bit" | "Bits"));
    let of_another = before.is(",") && is_said_of_a_name(&tokens[..at - 1]);
    (says && !of_another).then_some((low.min(high), low.max(high), word.span.start))
}

/// Whether tokens end with `ENABLE is` or the like, so that what follows is said of that name.
fn is_said_of_a_name(tokens: &[Token]) -> bool {
    name_said_of(tokens).is_some()
}

/// The name that tokens end with, and "is" behind it.
pub(super) fn name_said_of(tokens: &[Token]) -> Option<&Token> {
    let mut words = tokens.iter().rev().filter(|token| !token.is("`"));
    words.next().filter(|link| link.is("=") || link.word() == Some("is"))?;
    words.next().filter(|token| token.word().is_some_and(is_name))
}

/// "bit 12 in `USART2->CR1` (UE)": passes back over the register's name, if one stands before
/// token `at` behind "in" or "of".
fn before_register(tokens: &[Token], at: usize) -> usize {
    let mut place = at;
    while place > 0 && at - place < 8 {
        let token = &tokens[place - 1];
        match token.word() {
            Some("in" | "of") => {
                let number = place >= 2 && tokens[place - 2].number().is_some();
                return if number { place - 1 } else { at };
            }
            Some(_) => {}
            None if ["`", ".", "->", "::", "(", ")"].iter().any(|sign| token.is(sign)) => {}
            None => return at,
        }
        place -= 1;
    }
    at
}

/// "PPRE1 is RCC_CFGR[12:10]", "TXE flag (USART_SR[7])": bits of the field's register, and the last
/// token.
fn bits_of_register(tokens: &[Token], at: usize, register: &str) -> Option<(u64, u64, usize)> {
    const NEAR: usize = 8;
    let between = ["is", "are", "field", "flag", "in", "of"];
    let open = (at..tokens.len().min(at + NEAR)).find(|&place| tokens[place].is("["))?;
    let (named, before) = tokens[at..open].split_last()?;
    let is_it = |word: &str| {
        let rest = word.strip_suffix(register);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    let is_plain = |token: &Token| match token.word() {
        Some(word) => between.contains(&word) || is_name(word),
        None => ["`", "(", "=", ":", "->", "."].iter().any(|sign| token.is(sign)),
    };
    if !(named.word().is_some_and(is_it) && before.iter().all(is_plain)) {
        return None;
    }
    let (low, high, last) = range_at(tokens, open + 1, tokens.get(open + 1)?.number()?);
    tokens.get(last + 1).filter(|close| close.is("]"))?;
    Some((low, high, last + 1))
}

/// The judgement on a field's bits.
pub(super) fn claim_bits(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    place: (usize, usize),
    (low, high): (u64, u64),
    span: Range<usize>,
) {
    let field = judge.known.field(place);
    let (lsb, msb) = (u64::from(field.lsb), u64::from(field.lsb + field.width.max(1) - 1));
    let right = format!("{}{}", field.name, bits(field.lsb, field.width));
    if (low, high) == (lsb, msb) {
        reading.claim(ClaimKind::Bits, span, Judged::ok(right));
    } else if field.width > 1 && low == high && lsb <= low && high <= msb {
        // `DIV[3]` may speak of one bit of a field.
    } else if is_indexed(&reading.segment.text[span.clone()], field.name) && high <= msb - lsb {
        // `PLS[2:0]`, as ST writes it: counted from the field's own lowest bit.
    } else {
        let why = format!("the field is {right}");
        reading.claim(ClaimKind::Bits, span, Judged::wrong(why, Some(right)));
    }
}

/// `PLS[2:0]`: brackets right behind the field's name.
fn is_indexed(text: &str, name: &str) -> bool {
    let (upper, name) = (text.to_ascii_uppercase(), name.to_ascii_uppercase());
    upper.match_indices(&name).any(|(at, _)| upper[at + name.len()..].starts_with('['))
}

fn mask(field: &Field<'_>) -> u64 {
    let ones = u64::MAX.checked_shr(64u32.saturating_sub(field.width)).unwrap_or(0);
    ones.checked_shl(field.lsb).unwrap_or(0)
}
