//! Names in a sentence that are said to be of the chip, and are none of its names: `TTE` in "set the
//! TTE bit in USART1_CR1", `CRR1` in "the CRR1 register of USART1".

use std::ops::Range;

use super::claim::{ClaimKind, Verdict};
use super::judge::{Judge, Judged, Reading};
use super::mention::{Mention, Of, overlaps};
use super::names::is_name;
use crate::words;

/// Adds a claim for each.
pub(super) fn claims(judge: &Judge<'_>, reading: &mut Reading<'_>, mentions: &[Mention]) {
    for at in 0..reading.tokens.len() {
        let token = &reading.tokens[at];
        let Some(word) = token.word().filter(|word| is_name(word) && word.len() > 2) else {
            continue;
        };
        let (word, span) = (word.to_owned(), token.span.clone());
        let offset = reading.segment.offset;
        let whole = span.start + offset..span.end + offset;
        let touched = mentions.iter().any(|mention| overlaps(&mention.span, &span))
            || reading
                .claims
                .iter()
                .any(|claim| claim.verdict != Verdict::Unknown && overlaps(&claim.span, &whole))
            || judge.known.peripheral(&word).is_some()
            || judge.known.has_symbol(&word);
        if touched {
            continue;
        }
        let word = Word { word, span, at };
        if let Some((kind, judged)) = word.judge(judge, reading, mentions) {
            reading.claims.retain(|claim| !overlaps(&claim.span, &whole));
            reading.claim(kind, word.span, judged);
        }
    }
}

/// A word that is spelled as names are.
struct Word {
    word: String,
    /// Bytes of the segment.
    span: Range<usize>,
    /// Its token.
    at: usize,
}

impl Word {
    fn judge(
        &self,
        judge: &Judge<'_>,
        reading: &Reading<'_>,
        mentions: &[Mention],
    ) -> Option<(ClaimKind, Judged)> {
        let says = |words: &[&str]| {
            reading.followed_by(self.at + 1, words) || reading.preceded_by(self.at, words)
        };
        let code = reading.is_code(&self.span);
        let said_field = says(&["bit", "field", "flag", "bitfield", "bits"]);
        if (said_field || code)
            && let Some(found) = self.field(judge, mentions)
        {
            return Some(found);
        }
        let said_register = says(&["register", "registers"]);
        if said_register && let Some(found) = self.register(judge, mentions) {
            return Some(found);
        }
        if said_register || code { self.joined(judge) } else { None }
    }

    /// A field that the only register of the sentence has not.
    fn field(&self, judge: &Judge<'_>, mentions: &[Mention]) -> Option<(ClaimKind, Judged)> {
        let mut registers = mentions.iter().filter_map(|mention| match &mention.of {
            Of::Register(named) => Some(named),
            _ => None,
        });
        let (named, None) = (registers.next()?, registers.next()) else { return None };
        let names = || judge.known.register(named.at).fields.iter().map(|field| field.name);
        // `USART1_CR1_TTE`, as headers write it.
        let word = self.word.as_str();
        let tail = named.path.replace('.', "_");
        let stem = word.strip_prefix(tail.as_str()).and_then(|rest| rest.strip_prefix('_'));
        let near = match stem {
            Some(stem) => words::nearest(stem, names())?,
            None => words::nearest(word, names())?,
        };
        if stem.is_some_and(|stem| near.eq_ignore_ascii_case(stem)) {
            return None;
        }
        let elsewhere = !judge.known.enums_named(word).is_empty()
            || !judge.known.fields_named(word).is_empty()
            || !judge.known.named(word).is_empty();
        (!elsewhere).then(|| {
            let why = format!("{} has no field {}", named.path, stem.unwrap_or(word));
            (ClaimKind::Field, Judged::wrong(why, Some(near.to_owned())))
        })
    }

    /// A register that the only peripheral of the sentence has not.
    fn register(&self, judge: &Judge<'_>, mentions: &[Mention]) -> Option<(ClaimKind, Judged)> {
        let mut peripherals = mentions.iter().filter_map(|mention| match mention.of {
            Of::Peripheral(at) => Some(at),
            _ => None,
        });
        let (peripheral, None) = (peripherals.next()?, peripherals.next()) else { return None };
        let near = judge.known.nearest_register(peripheral, &self.word)?;
        Some((ClaimKind::Register, no_register(judge, peripheral, &self.word, near)))
    }

    /// `SIM_RREPRC2`: a header's name of a register with one letter set right.
    fn joined(&self, judge: &Judge<'_>) -> Option<(ClaimKind, Judged)> {
        self.word.match_indices('_').find_map(|(cut, _)| {
            let peripheral = judge.known.peripheral(&self.word[..cut])?;
            let rest = &self.word[cut + 1..];
            // Where names of registers begin with their peripheral's, either may be written.
            let names = || judge.known.catalog.registers_of(peripheral).iter().map(|r| r.name());
            let near = [rest, self.word.as_str()]
                .into_iter()
                .find_map(|name| words::slip(name, names()).filter(|_| name.len() > 3))?;
            let own = judge.known.catalog.peripherals[peripheral].name;
            let near = format!("{own}.{near}");
            Some((ClaimKind::Register, no_register(judge, peripheral, rest, near)))
        })
    }
}

fn no_register(judge: &Judge<'_>, peripheral: usize, name: &str, near: String) -> Judged {
    let own = judge.known.catalog.peripherals[peripheral].name;
    Judged::wrong(format!("{own} has no register {name}"), Some(near))
}
