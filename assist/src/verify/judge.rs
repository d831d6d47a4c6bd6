//! Statements of one segment, and the verdict on each.
//!
//! A segment is read from left to right. What is named last stays the subject: a field, a value
//! or an address that follows is taken to be of that register.

use std::ops::Range;
use std::sync::Arc;

use bundle::Bundle;
use svd_index::Index;

use super::claim::{Claim, ClaimKind, Verdict};
use super::known::{Known, Named};
use super::lex::{self, Chain, Token};
use super::mention::{Mention, Of};
use super::segment::Segment;
use super::tables::Table;
use super::{blocks, code, layout, names, related, values};

/// Judges segments, and remembers what they were about.
pub(super) struct Judge<'a> {
    pub(super) known: Arc<Known<'a>>,
    /// Peripherals that were named, the last one last.
    peripherals: Vec<usize>,
    /// The register that was named last.
    pub(super) register: Option<Named>,
    /// Whether it was named in a heading or the like: a short line that speaks of it alone.
    pub(super) is_headed: bool,
    /// The last hint before a block of code: whether it shows what is, or what should be.
    pub(super) before_code: values::Hint,
    table: Table,
}

/// Most words of a heading.
const HEADING: usize = 4;

/// One segment being read.
pub(super) struct Reading<'s> {
    pub(super) segment: &'s Segment,
    pub(super) tokens: Vec<Token>,
    pub(super) claims: Vec<Claim>,
    /// What was named so far.
    pub(super) mentions: Vec<Mention>,
}

impl Reading<'_> {
    /// Adds a claim about these bytes of the segment.
    pub(super) fn claim(&mut self, kind: ClaimKind, span: Range<usize>, judged: Judged) {
        let text = self.segment.text[span.clone()].to_owned();
        let span = self.segment.offset + span.start..self.segment.offset + span.end;
        let Judged { verdict, why, expected } = judged;
        self.claims.push(Claim { text, kind, verdict, why, expected, span });
    }

    /// Notes what a name at these bytes of the segment stands for.
    pub(super) fn mention(&mut self, of: Of, span: Range<usize>) {
        self.mentions.push(Mention { of, span });
    }

    /// Whether the bytes stand in backticks or in a block of code.
    pub(super) fn is_code(&self, span: &Range<usize>) -> bool {
        let before = &self.segment.text[..span.start];
        self.segment.in_code || before.matches('`').count() % 2 == 1
    }

    /// Whether the word after token `at` is one of these.
    pub(super) fn followed_by(&self, at: usize, wanted: &[&str]) -> bool {
        let next = self.tokens[at.min(self.tokens.len())..].iter().find(|token| !token.is("`"));
        next.and_then(Token::word)
            .is_some_and(|word| wanted.iter().any(|w| w.eq_ignore_ascii_case(word)))
    }

    /// Whether the word before token `at` is one of these.
    pub(super) fn preceded_by(&self, at: usize, wanted: &[&str]) -> bool {
        let before = self.tokens[..at].iter().rev().find(|token| !token.is("`"));
        before
            .and_then(Token::word)
            .is_some_and(|word| wanted.iter().any(|w| w.eq_ignore_ascii_case(word)))
    }
}

/// A verdict and what it rests on.
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    pub(crate) why: String,
    pub(crate) expected: Option<String>,
}

impl Judged {
    pub(crate) fn ok(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, why: why.into(), expected: None }
    }

    pub(crate) fn wrong(why: impl Into<String>, expected: Option<String>) -> Self {
        Self { verdict: Verdict::Wrong, why: why.into(), expected }
    }

    pub(crate) fn unknown(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, why: why.into(), expected: None }
    }
}

impl<'a> Judge<'a> {
    pub(super) fn new(index: &'a Index, bundle: Option<&'a Bundle>) -> Self {
        Self::with(Arc::new(Known::new(index, bundle)))
    }

    pub(super) fn with(known: Arc<Known<'a>>) -> Self {
        Self {
            known,
            peripherals: Vec::new(),
            register: None,
            is_headed: false,
            before_code: values::Hint::None,
            table: Table::default(),
        }
    }

    /// Claims of one segment, in its order.
    pub(super) fn judge_next(&mut self, segment: &Segment) -> Vec<Claim> {
        let cells = self.table.row(segment);
        let mut claims = self.judge(segment);
        for cell in cells {
            let told = cell.claims(self, segment);
            if !told.is_empty() {
                claims.retain(|claim| !cell.explains(claim, segment));
            }
            claims.extend(told);
        }
        claims.sort_by_key(|claim| (claim.span.start, claim.span.end));
        claims
    }

    /// Claims of a sentence or line by itself.
    pub(super) fn judge(&mut self, segment: &Segment) -> Vec<Claim> {
        let tokens = lex::tokens(&segment.text);
        let mut reading = Reading { segment, tokens, claims: Vec::new(), mentions: Vec::new() };
        let mut at = 0;
        while at < reading.tokens.len() {
            at = self.step(&mut reading, at).max(at + 1);
        }
        related::claims(self, &mut reading);
        if let Some(last) = reading.mentions.last() {
            let words = reading.tokens.iter().filter(|token| token.word().is_some()).count();
            let is_short = words <= HEADING;
            self.is_headed = is_short && matches!(last.of, Of::Register(_));
        }
        if !segment.in_code {
            self.before_code = values::last_hint(&reading.tokens, self.before_code);
        }
        let mut claims = reading.claims;
        if segment.in_code && self.before_code != values::Hint::Present {
            let more = blocks::claims(&self.known, segment, &claims);
            claims.extend(more);
        }
        claims.sort_by_key(|claim| (claim.span.start, claim.span.end));
        claims
    }

    /// Reads what starts at token `at`; gives the token after it.
    fn step(&mut self, reading: &mut Reading<'_>, at: usize) -> usize {
        if let Some(end) = code::file_and_line(&self.known, reading, at) {
            return end;
        }
        let Some(chain) = lex::chain(&reading.tokens, at) else {
            return values::number(self, reading, at);
        };
        match names::resolve(self, reading, &chain, at) {
            names::Meaning::Register(named, field) => {
                self.mention(named.clone());
                values::after_register(self, reading, &named, field, chain.end)
            }
            names::Meaning::Enum(place, part) => {
                values::after_enum(self, reading, place, &chain, part)
            }
            names::Meaning::Peripheral(peripheral, part) => {
                let name = chain.spans[part].clone();
                layout::after_peripheral(self, reading, peripheral, chain.end, name)
            }
            names::Meaning::Read(end) => end,
            names::Meaning::Other => chain.end,
            names::Meaning::Nothing if code::member(&self.known, reading, &chain) => chain.end,
            names::Meaning::Nothing => {
                code::symbol(&self.known, reading, &chain);
                after_unknown(&chain, at)
            }
        }
    }

    /// Makes a register, and its peripheral, the subject.
    pub(super) fn mention(&mut self, named: Named) {
        let peripheral = self.known.register(named.at).peripheral;
        self.mention_peripheral(peripheral);
        self.register = Some(named);
    }

    /// Makes a peripheral the subject; the register is kept if it belongs to it.
    pub(super) fn mention_peripheral(&mut self, peripheral: usize) {
        self.peripherals.retain(|known| *known != peripheral);
        self.peripherals.push(peripheral);
    }

    /// Peripherals that were named, the last one first.
    pub(super) fn subjects(&self) -> impl Iterator<Item = usize> + '_ {
        self.peripherals.iter().rev().copied()
    }
}

/// A chain that means nothing as a whole may hold something in its tail: `dev.UART0.ENABLE`.
fn after_unknown(chain: &Chain, at: usize) -> usize {
    if chain.parts.len() > 2 { at + 2 } else { chain.end }
}
