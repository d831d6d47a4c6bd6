//! The numbers of a sentence, and what the words beside them make of each: bits, a width, an offset,
//! an address, a reset value; and words for how a register may be used.

use std::ops::Range;

use super::bits::range_at;
use super::judge::Reading;
use super::lex::{Kind, Token};

/// A number, or a word in its place, with its meaning.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) what: What,
    /// Bytes of the segment.
    pub(super) span: Range<usize>,
}

/// What is said.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// Lowest and highest bit.
    Bits(u64, u64),
    /// So many bits.
    Width(u64),
    Offset(u64),
    Address(u64),
    Reset(u64),
    /// Whether it can be read, and written.
    Access(bool, bool),
}

/// Addresses below are offsets, lengths or values.
const LOWEST_ADDRESS: u64 = 0x1000_0000;

/// All of a sentence.
pub(super) fn numbers(reading: &Reading<'_>) -> Vec<Said> {
    let tokens = &reading.tokens;
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (said, end) = match tokens[at].word() {
            Some(_) => (access(tokens, at), at + 3),
            None => number(reading, at),
        };
        match said {
            Some(said) => {
                at = end.max(at + 1);
                found.push(said);
            }
            None => at += 1,
        }
    }
    found
}

/// The number at a token, and the token after it.
fn number(reading: &Reading<'_>, at: usize) -> (Option<Said>, usize) {
    let tokens = &reading.tokens;
    let Some(value) = tokens[at].number() else { return (None, at + 1) };
    let from_to = |first: usize, last: usize| tokens[first].span.start..tokens[last].span.end;
    let (low, high, last) = range_at(tokens, at, value);
    // `1 << 13` is that bit.
    if value == 1
        && tokens.get(at + 1).is_some_and(|shift| shift.is("<<"))
        && let Some(bit) = tokens.get(at + 2).and_then(Token::number)
    {
        let said = Said { what: What::Bits(bit, bit), span: from_to(at, at + 2) };
        return (Some(said), at + 3);
    }
    let next = |place: usize| tokens.get(place);
    let bits_word = |place: usize| {
        next(place).and_then(Token::word).is_some_and(|word| matches!(word, "bit" | "bits"))
    };
    // "3 bits wide", "a 3-bit field", "a width of 3 bits".
    let dash = next(at + 1).is_some_and(|token| token.is("-"));
    let says_wide = bits_word(at + 1)
        && (reading.followed_by(at + 2, &["wide", "long", "in"])
            && next(at + 2).and_then(Token::word) != Some("in")
            || words_before(tokens, at, 2).eq(["of", "width"]));
    if says_wide || dash && bits_word(at + 2) && reading.followed_by(at + 3, &["field", "bitfield"])
    {
        return (Some(Said { what: What::Width(value), span: from_to(at, at + 1) }), at + 3);
    }
    if dash && bits_word(at + 2) || bits_word(at + 1) {
        return (None, at + 1);
    }
    let mut open = at;
    while open > 0 && ["[", "`", "("].iter().any(|sign| tokens[open - 1].is(sign)) {
        open -= 1;
    }
    let mut before = words_before(tokens, open, 2);
    let first = before.next().unwrap_or_default();
    let second = before.next().unwrap_or_default();
    let is_bit = |word: &str| matches!(word, "bit" | "bits" | "bit's");
    let adjacent = open > 0 && tokens[open - 1].word().is_some();
    if adjacent
        && (is_bit(&first)
            || matches!(first.as_str(), "number" | "position" | "no" | "positions")
                && is_bit(&second))
        && high < 64
    {
        return (Some(Said { what: What::Bits(low, high), span: from_to(at, last) }), last + 1);
    }
    // `USART1_CR1[13]`: the name stands right before it.
    let indexed = at > 1
        && tokens[at - 1].is("[")
        && tokens[at - 2].span.end == tokens[at - 1].span.start
        && tokens[at - 2].word().is_some()
        && next(last + 1).is_some_and(|close| close.is("]"));
    // `IC_CON[5]=1` is of what it holds.
    let holds = next(last + 2).is_some_and(|sign| sign.is("=") || sign.is("=="));
    if indexed && high < 64 && !holds {
        return (
            Some(Said { what: What::Bits(low, high), span: from_to(at - 1, last + 1) }),
            last + 2,
        );
    }
    let text = &reading.segment.text[tokens[at].span.clone()];
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let span = tokens[at].span.clone();
    let bytes_from = next(at + 1).and_then(Token::word) == Some("bytes")
        && reading.followed_by(at + 2, &["from", "after", "above", "past", "into"]);
    let what = if words_before(tokens, at, 3).any(|word| word == "offset")
        || bytes_from
        || is_offset_of(tokens, at)
    {
        What::Offset(value)
    } else if is_hex && says_reset(tokens, at) {
        What::Reset(value)
    } else if is_hex && value >= LOWEST_ADDRESS && !is_mask(value, next(at + 1)) {
        What::Address(value)
    } else {
        return (None, at + 1);
    };
    (Some(Said { what, span }), at + 1)
}

/// "the offset of USART1_CR1 is 0x0c".
fn is_offset_of(tokens: &[Token], at: usize) -> bool {
    const NEAR: usize = 12;
    let words: Vec<String> = words_before(tokens, at, NEAR).collect();
    let is_told = words.first().is_some_and(|word| word == "is");
    is_told && words.windows(2).any(|pair| pair == ["of", "offset"])
}

/// `0xffffffff [31:0]`: a mask, as generated headers write it.
fn is_mask(value: u64, next: Option<&Token>) -> bool {
    let low_bits = value & 0xffff;
    (value >= 0xf000_0000 && matches!(low_bits, 0 | 0xff00..=0xffff))
        || next.is_some_and(|sign| sign.is("["))
}

/// "reset value", "after reset", "out of reset", "resets to" somewhere beside the number.
fn says_reset(tokens: &[Token], at: usize) -> bool {
    const NEAR: usize = 10;
    let near = &tokens[at.saturating_sub(NEAR)..tokens.len().min(at + 4)];
    near.iter().filter_map(Token::word).any(|word| matches!(word, "reset" | "resets" | "Reset"))
}

/// "read-only", "write only", "read/write" at a token.
fn access(tokens: &[Token], at: usize) -> Option<Said> {
    let word = |at: usize| tokens.get(at).and_then(Token::word).map(str::to_ascii_lowercase);
    let joined = tokens.get(at + 1).is_some_and(|sign| sign.is("-") || sign.is("/"));
    let (first, second) = (word(at)?, word(at + 2).filter(|_| joined)?);
    let what = match (first.as_str(), second.as_str()) {
        ("read", "only") => What::Access(true, false),
        ("write", "only") => What::Access(false, true),
        ("read", "write") => What::Access(true, true),
        _ => return None,
    };
    Some(Said { what, span: tokens[at].span.start..tokens[at + 2].span.end })
}

/// Words before a token, the last first, in small letters; signs between are passed over.
fn words_before(tokens: &[Token], at: usize, most: usize) -> impl Iterator<Item = String> + '_ {
    tokens[..at]
        .iter()
        .rev()
        .take_while(|token| !matches!(token.kind, Kind::Number(_)))
        .filter_map(Token::word)
        .take(most)
        .map(str::to_ascii_lowercase)
}
