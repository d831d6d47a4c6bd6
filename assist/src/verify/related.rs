//! What a sentence says of its names in another order than name, verb, number: "set bit 13 (UE) in
//! USART1_CR1", "at 0x40011000 there is USART1", "CR1 is read-only".
//!
//! It is read once more as a whole. What was judged already stays; a number that nothing was said of
//! is given to the name that it stands by, if nothing between them parts them.

use std::ops::Range;

use super::bits::{claim_bits, name_said_of};
use super::claim::{Claim, ClaimKind, Verdict};
use super::judge::{Judge, Judged, Reading};
use super::known::Named;
use super::layout;
use super::lex::Token;
use super::mention::{Mention, Of, between, complete, overlaps};
use super::names::is_name;
use super::number::{Said, What, numbers};
use super::{choice, lines, unknown, values};

/// Words that end what is said of a name.
const PARTING: &[&str] = &[
    "after",
    "although",
    "and",
    "because",
    "before",
    "but",
    "else",
    "except",
    "if",
    "instead",
    "like",
    "neither",
    "nor",
    "not",
    "or",
    "otherwise",
    "plus",
    "than",
    "then",
    "though",
    "unless",
    "unlike",
    "until",
    "versus",
    "vs",
    "when",
    "whereas",
    "while",
    "without",
];

/// Most tokens between a number and what it is said of.
const REACH: usize = 12;

/// Most bytes before a number that opens its sentence: "At 0x40008000, TIMER0 begins".
const OPENING: usize = 8;

/// Adds the claims that the sentence makes as a whole.
pub(super) fn claims(judge: &Judge<'_>, reading: &mut Reading<'_>) {
    if !judge.known.has_chip() || reading.segment.in_code {
        return;
    }
    let mentions = complete(judge, reading);
    for said in numbers(reading) {
        let whole = Whole { judge, mentions: &mentions, said: &said };
        whole.judge(reading);
    }
    unknown::claims(judge, reading, &mentions);
    choice::claims(judge, reading, &mentions);
    lines::claims(judge, reading);
}

/// One number in its sentence.
struct Whole<'w, 'a> {
    judge: &'w Judge<'a>,
    mentions: &'w [Mention],
    said: &'w Said,
}

impl Whole<'_, '_> {
    fn judge(&self, reading: &mut Reading<'_>) {
        if self.is_judged(reading) {
            return;
        }
        let before = reading.claims.len();
        self.judge_as_said(reading);
        if reading.claims.len() > before {
            // What the number is by itself matters no more.
            let offset = reading.segment.offset;
            let own = self.said.span.start + offset..self.said.span.end + offset;
            let told = reading.claims.split_off(before);
            reading.claims.retain(|claim| match claim.kind {
                ClaimKind::Address | ClaimKind::Value if claim.span == own => false,
                ClaimKind::Value => {
                    let is_open = claim.verdict == Verdict::Unknown || self.is_in_its_peripheral();
                    !(is_open && overlaps(&claim.span, &own))
                }
                _ => true,
            });
            reading.claims.extend(told);
        }
    }

    fn judge_as_said(&self, reading: &mut Reading<'_>) {
        match self.said.what {
            What::Bits(low, high) => self.bits(reading, low, high),
            What::Width(width) => self.width(reading, width),
            What::Offset(offset) => self.offset(reading, offset),
            What::Address(address) => self.address(reading, address),
            What::Reset(value) => self.reset(reading, value),
            What::Access(read, write) => self.access(reading, read, write),
        }
    }

    /// Whether something was found out of this number that is more than where an address points.
    fn is_judged(&self, reading: &Reading<'_>) -> bool {
        let offset = reading.segment.offset;
        let span = self.said.span.start + offset..self.said.span.end + offset;
        let kind = |claim: &Claim| match claim.kind {
            ClaimKind::Address => claim.span.len() > self.said.span.len(),
            ClaimKind::Register | ClaimKind::Field => false,
            ClaimKind::Value => {
                claim.verdict != Verdict::Unknown
                    && claim.span.len() > self.said.span.len()
                    && !self.is_in_its_peripheral()
            }
            _ => true,
        };
        reading.claims.iter().any(|claim| overlaps(&claim.span, &span) && kind(claim))
    }

    /// `LPCOMP.RESULT: 0x40013400`: no value that the register holds, but a place beside it.
    fn is_in_its_peripheral(&self) -> bool {
        const PAGE: u32 = 12;
        let What::Address(address) = self.said.what else { return false };
        let there = self.judge.known.catalog.peripheral_of_address(address);
        self.mentions.iter().any(|mention| match &mention.of {
            Of::Register(named) => {
                let peripheral = self.judge.known.register(named.at).peripheral;
                there == Some(peripheral) || address >> PAGE == named.address >> PAGE
            }
            _ => false,
        })
    }

    /// The nearest name that `wanted` takes, with nothing between that parts them.
    fn nearest<T>(
        &self,
        reading: &Reading<'_>,
        wanted: impl Fn(&Of) -> Option<T>,
    ) -> Option<(T, Range<usize>)> {
        let mut near: Vec<(usize, T, &Mention)> = Vec::new();
        for mention in self.mentions {
            let Some(of) = wanted(&mention.of) else { continue };
            let gap = between(&reading.tokens, &mention.span, &self.said.span);
            let parts = |(at, token): (usize, &Token)| {
                let word = token.word().map(str::to_ascii_lowercase);
                // That of a statement in backticks parts nothing.
                let ends = token.is(";") && !gap.get(at + 1).is_some_and(|next| next.is("`"));
                // "(base 0x40010000), USART2 is another".
                let closes = token.is(")")
                    && gap.get(at + 1).is_some_and(|next| next.is(","))
                    && self.said.span.end <= token.span.start;
                ends || closes || word.is_some_and(|word| PARTING.contains(&word.as_str()))
            };
            if gap.len() <= REACH && !gap.iter().enumerate().any(parts) {
                near.push((gap.len(), of, mention));
            }
        }
        let (_, of, mention) = near.into_iter().min_by_key(|(gap, ..)| *gap)?;
        let span =
            mention.span.start.min(self.said.span.start)..mention.span.end.max(self.said.span.end);
        Some((of, span))
    }

    fn bits(&self, reading: &mut Reading<'_>, low: u64, high: u64) {
        let field = |of: &Of| match of {
            Of::Field(place) => Some(*place),
            _ => None,
        };
        let Some((place, span)) = self.nearest(reading, field) else { return };
        if self.is_of_another(reading) || self.is_of_unknown(reading) {
            return;
        }
        let offset = reading.segment.offset;
        let told = |span: &Range<usize>| {
            let span = span.start + offset..span.end + offset;
            reading.claims.iter().any(|claim| {
                matches!(claim.kind, ClaimKind::Bits | ClaimKind::Mask)
                    && overlaps(&claim.span, &span)
            })
        };
        let is_its_own = |mention: &Mention| matches!(mention.of, Of::Field(of) if of == place);
        let own = self.mentions.iter().filter(|mention| is_its_own(mention));
        // Another field of the sentence that has just these bits may be what they are said of.
        let fits_other = self.mentions.iter().any(|mention| match mention.of {
            Of::Field(other) if other != place => {
                let field = self.judge.known.field(other);
                (u64::from(field.lsb), u64::from(field.lsb + field.width - 1)) == (low, high)
            }
            _ => false,
        });
        if own.clone().any(|mention| told(&mention.span)) || fits_other {
            return;
        }
        claim_bits(self.judge, reading, place, (low, high), span);
    }

    /// "STOPS is bit 5" where nothing is known of that name: said of it, whatever it is.
    fn is_of_unknown(&self, reading: &Reading<'_>) -> bool {
        let tokens = &reading.tokens;
        let own = tokens.iter().take_while(|token| token.span.start < self.said.span.start).count();
        let is_bit =
            |token: &&Token| token.word().is_some_and(|word| matches!(word, "bit" | "bits"));
        let bit = tokens[..own].iter().rev().take(2).position(|token| is_bit(&token));
        let Some(name) = bit.and_then(|back| name_said_of(&tokens[..own - 1 - back])) else {
            return false;
        };
        !self.mentions.iter().any(|mention| overlaps(&mention.span, &name.span))
    }

    fn width(&self, reading: &mut Reading<'_>, width: u64) {
        let field = |of: &Of| match of {
            Of::Field(place) => Some(*place),
            _ => None,
        };
        let Some((place, span)) = self.nearest(reading, field) else { return };
        let field = self.judge.known.field(place);
        let why = format!("{}{} has {} bits", field.name, field.bits(), field.width);
        let judged = match u64::from(field.width) == width {
            true => Judged::ok(why),
            false => Judged::wrong(why, Some(field.width.to_string())),
        };
        reading.claim(ClaimKind::Bits, span, judged);
    }

    fn register(&self, reading: &Reading<'_>) -> Option<(Named, Range<usize>)> {
        let register = |of: &Of| match of {
            Of::Register(named) => Some(named.clone()),
            _ => None,
        };
        self.nearest(reading, register)
    }

    /// The register that a number is said of: near it, or the subject of a line that names none.
    fn register_or_subject(&self, reading: &Reading<'_>) -> Option<(Named, Range<usize>)> {
        let found = self.register(reading);
        let subject = || {
            let alone = self.mentions.is_empty()
                && self.judge.is_headed
                && reading.segment.text.trim().len() < 60;
            Some((self.judge.register.clone().filter(|_| alone)?, self.said.span.clone()))
        };
        found.or_else(subject)
    }

    fn offset(&self, reading: &mut Reading<'_>, offset: u64) {
        let Some((named, span)) = self.register(reading) else { return };
        // "CSR at offset 0, DIV at 4": of CSR, though nothing is known of it.
        let is_first = span.start == self.said.span.start;
        if is_first && self.follows_another(reading) {
            return;
        }
        layout::claim_offset(self.judge, reading, &named, offset, span);
    }

    fn address(&self, reading: &mut Reading<'_>, address: u64) {
        let place = |of: &Of| match of {
            Of::Register(_) | Of::Peripheral(_) => Some(of.clone()),
            Of::Field(_) => None,
        };
        let Some((of, span)) = self.nearest(reading, place) else { return };
        if self.is_placed_otherwise(reading, &span) {
            return;
        }
        match of {
            Of::Register(named) if self.is_address(reading) && self.may_be_at(&named, address) => {
                values::claim_address(self.judge, reading, &named, address, span);
            }
            Of::Peripheral(at) if self.is_address(reading) => {
                let between: Vec<&Token> = reading
                    .tokens
                    .iter()
                    .filter(|token| span.start < token.span.start && token.span.end < span.end)
                    .filter(|token| !token.is("`"))
                    .collect();
                let whole = self.says(reading, layout::BASE_WORDS) || says_all_of_it(&between);
                layout::claim_base(self.judge, reading, at, (address, whole), span);
            }
            _ => {}
        }
    }

    /// Whether a name of which nothing is known stands shortly before the number.
    fn follows_another(&self, reading: &Reading<'_>) -> bool {
        const NEAR: usize = 5;
        let before = reading.tokens.iter().rev();
        let before = before.skip_while(|token| token.span.end > self.said.span.start).take(NEAR);
        let mut names = before.filter(|token| token.word().is_some_and(is_name));
        names.any(|token| !self.mentions.iter().any(|m| overlaps(&m.span, &token.span)))
    }

    /// "USART2 off APB1 at 0x40000000", "on the bus at": said of what stands between.
    fn is_placed_otherwise(&self, reading: &Reading<'_>, span: &Range<usize>) -> bool {
        let inside = reading.tokens.iter().filter(|token| overlaps(&token.span, span));
        let is_first = span.start == self.said.span.start;
        let mut clause = span.start;
        if let Some(comma) = inside.clone().rfind(|token| token.is(",")) {
            // "at 0x40000000, TIMER0 as well" goes on to another; "at 0x40008000, TIMER0 begins".
            if is_first && self.said.span.start > OPENING {
                return true;
            }
            clause = comma.span.end;
        }
        let words = inside.filter(|token| clause <= token.span.start);
        let words =
            words.filter(|token| !self.mentions.iter().any(|m| overlaps(&m.span, &token.span)));
        let mut words = words.filter_map(Token::word);
        words.any(|word| match is_first {
            true => is_name(word) && word.len() > 2,
            false => !layout::is_plain(word),
        })
    }

    /// Whether there is anything of the chip about there: `VERSION (0x3230312a)` is a value.
    fn may_be_at(&self, named: &Named, address: u64) -> bool {
        const REGION: u32 = 24;
        let catalog = &self.judge.known.catalog;
        address >> REGION == named.address >> REGION
            || catalog.peripheral_of_address(address).is_some()
    }

    /// Whether the sentence speaks of where things are, and not of what they hold.
    fn is_address(&self, reading: &Reading<'_>) -> bool {
        const PLACING: &[&str] = &[
            "address", "addr", "at", "base", "begins", "found", "is", "located", "lives", "mapped",
            "placed", "resides", "sits", "start", "starts",
        ];
        const HOLDING: &[&str] = &[
            "contains", "hold", "holds", "reads", "reset", "set", "store", "stores", "value",
            "write", "writes", "written", "end", "ends", "from", "range", "mask", "offset",
        ];
        let bare = reading.tokens.len() < 16;
        (self.says(reading, PLACING) || bare) && !self.says(reading, HOLDING)
    }

    /// Whether one of these words is in the sentence.
    fn says(&self, reading: &Reading<'_>, wanted: &[&str]) -> bool {
        let mut words = reading.tokens.iter().filter_map(Token::word).map(str::to_ascii_lowercase);
        words.any(|word| wanted.contains(&word.as_str()))
    }

    /// "bits 29:28 of the result": said of something that is no part of the chip.
    fn is_of_another(&self, reading: &Reading<'_>) -> bool {
        let after = reading.tokens.iter().skip_while(|token| token.span.start < self.said.span.end);
        let mut after = after.filter(|token| !["`", ")", "]"].iter().any(|sign| token.is(sign)));
        let is_of = after.next().and_then(Token::word).is_some_and(|word| word == "of");
        let skipped = ["the", "this", "that", "its", "same", "register", "control"];
        let next = after.find(|token| token.word().is_none_or(|word| !skipped.contains(&word)));
        let is_named = |token: &Token| {
            self.mentions.iter().any(|mention| overlaps(&mention.span, &token.span))
        };
        is_of && next.is_some_and(|token| token.word().is_some() && !is_named(token))
    }

    fn reset(&self, reading: &mut Reading<'_>, value: u64) {
        let Some((named, span)) = self.register_or_subject(reading) else { return };
        let fields = self.mentions.iter().any(|mention| matches!(mention.of, Of::Field(_)));
        if !fields {
            values::claim_reset(self.judge, reading, &named, value, span);
        }
    }

    fn access(&self, reading: &mut Reading<'_>, read: bool, write: bool) {
        let register = |of: &Of| match of {
            Of::Register(named) => Some(Some(named.clone())),
            _ => Some(None),
        };
        let Some((Some(named), span)) = self.nearest(reading, register) else { return };
        if span.start == self.said.span.start || self.mentions.len() > 2 {
            return;
        }
        let Some(truth) = self.judge.known.access(&named) else { return };
        let why = format!("{} is {}", named.path, truth.as_str());
        let judged = match (truth.can_read(), truth.can_write()) == (read, write) {
            true => Judged::ok(why),
            false => Judged::wrong(why, Some(truth.as_str().to_owned())),
        };
        reading.claim(ClaimKind::Register, span, judged);
    }
}

/// "TIM2 is at 0x40000000", "TIM2 (0x40000000)": the words between them say where all of it is.
fn says_all_of_it(between: &[&Token]) -> bool {
    match between {
        [open] => open.is("("),
        [is, at] => is.word() == Some("is") && at.word() == Some("at"),
        _ => false,
    }
}
