//! What a sentence names: peripherals, registers and fields with their places, in any order.

use std::ops::Range;

use super::judge::{Judge, Reading};
use super::known::Named;
use super::lex::{self, Token};
use super::names::is_name;

/// A name in a sentence, and what it stands for.
#[derive(Debug, Clone)]
pub(super) struct Mention {
    pub(super) of: Of,
    /// Bytes of the segment.
    pub(super) span: Range<usize>,
}

/// What is named.
#[derive(Debug, Clone)]
pub(super) enum Of {
    Peripheral(usize),
    Register(Named),
    /// Positions of register and field.
    Field((usize, usize)),
}

/// What the sentence has been found to name so far, and the words that become clear by it: a field
/// before its register, a register before its peripheral. In their order.
pub(super) fn complete(judge: &Judge<'_>, reading: &Reading<'_>) -> Vec<Mention> {
    let mut found = reading.mentions.clone();
    late(judge, reading, &mut found, &late_register);
    late(judge, reading, &mut found, &late_field);
    let both = also_fields(judge, reading, &found);
    found.extend(both);
    found.sort_by_key(|mention| (mention.span.start, mention.span.end));
    with_owners(judge, reading, found)
}

/// "the SR register of SPI2" is one name: that register of that peripheral.
fn with_owners(judge: &Judge<'_>, reading: &Reading<'_>, found: Vec<Mention>) -> Vec<Mention> {
    let mut joined: Vec<Mention> = Vec::with_capacity(found.len());
    for mention in found {
        let owned = joined.last().and_then(|last| owned_by(judge, reading, last, &mention));
        match (owned, joined.last_mut()) {
            (Some(register), Some(last)) => *last = register,
            _ => joined.push(mention),
        }
    }
    joined
}

fn owned_by(
    judge: &Judge<'_>,
    reading: &Reading<'_>,
    register: &Mention,
    owner: &Mention,
) -> Option<Mention> {
    let (Of::Register(named), Of::Peripheral(at)) = (&register.of, &owner.of) else { return None };
    let words =
        between(&reading.tokens, &register.span, &owner.span).iter().filter(|token| !token.is("`"));
    let words: Vec<&str> = words.map(|token| token.word().unwrap_or_default()).collect();
    let is_of = matches!(
        words[..],
        ["of" | "in"]
            | ["register", "of" | "in"]
            | ["of" | "in", "the"]
            | ["register", "of", "the"]
    );
    let own = judge.known.register(named.at).name();
    let in_owner = judge.known.in_peripheral(*at, own).filter(|_| is_of)?;
    let of = Of::Register(in_owner.clone());
    Some(Mention { of, span: register.span.start..owner.span.end })
}

/// `I2C2` in "bit 17 of GCR_RST1 (`I2C2`)": names of other things that are fields of a register in
/// the sentence, too.
fn also_fields(judge: &Judge<'_>, reading: &Reading<'_>, found: &[Mention]) -> Vec<Mention> {
    let word = |mention: &Mention| {
        let word = &reading.segment.text[mention.span.clone()];
        word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(word)
    };
    let field = |mention: &Mention| {
        let word = word(mention).filter(|_| !matches!(mention.of, Of::Field(_)))?;
        found.iter().filter(|other| other.span != mention.span).find_map(|other| match &other.of {
            Of::Register(named) => {
                let field = judge.known.field_of(named.at, word)?;
                let of = Of::Field((named.at, field));
                Some(Mention { of, span: mention.span.clone() })
            }
            _ => None,
        })
    };
    found.iter().filter_map(field).collect()
}

type Late = dyn Fn(&Judge<'_>, &[Mention], &str) -> Option<Of>;

/// Adds the words that mean something to `means`.
fn late(judge: &Judge<'_>, reading: &Reading<'_>, found: &mut Vec<Mention>, means: &Late) {
    let mut at = 0;
    while let Some(token) = reading.tokens.get(at) {
        let Some(chain) = lex::chain(&reading.tokens, at) else {
            at += 1;
            continue;
        };
        at = chain.end;
        let covered = found.iter().any(|mention| overlaps(&mention.span, &token.span));
        let word = chain.parts[0].split('[').next().unwrap_or_default();
        let span = chain.spans[0].start..chain.spans[0].start + word.len();
        let spelled = is_name(word) || reading.is_code(&span);
        if covered || chain.parts.len() > 1 || word.len() < 2 || !spelled {
            continue;
        }
        if let Some(of) = means(judge, found, word) {
            found.push(Mention { of, span });
        }
    }
}

/// `CR1` in "the CR1 register of USART1".
fn late_register(judge: &Judge<'_>, found: &[Mention], word: &str) -> Option<Of> {
    found.iter().find_map(|mention| match mention.of {
        Of::Peripheral(at) => judge.known.in_peripheral(at, word).cloned().map(Of::Register),
        _ => None,
    })
}

/// `UE` in "UE is bit 13 of USART1_CR1": of a register in the sentence, otherwise of the subject.
fn late_field(judge: &Judge<'_>, found: &[Mention], word: &str) -> Option<Of> {
    let of = |register: usize| Some(Of::Field((register, judge.known.field_of(register, word)?)));
    let here = found.iter().find_map(|mention| match &mention.of {
        Of::Register(named) => of(named.at),
        _ => None,
    });
    let names_register = found.iter().any(|mention| matches!(mention.of, Of::Register(_)));
    let subject = || judge.register.as_ref().filter(|_| !names_register);
    here.or_else(|| of(subject()?.at))
}

pub(super) fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// The tokens between two places in a sentence.
pub(super) fn between<'t>(tokens: &'t [Token], a: &Range<usize>, b: &Range<usize>) -> &'t [Token] {
    let gap = a.end.min(b.end)..a.start.max(b.start);
    let first = tokens.partition_point(|token| token.span.start < gap.start);
    let last = tokens.partition_point(|token| token.span.end <= gap.end);
    &tokens[first..last.max(first)]
}
