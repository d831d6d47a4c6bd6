//! Where prose says that things are: the bits of a field, its mask, a register's offset, a
//! peripheral's base, an interrupt's number.

use std::ops::Range;

use super::claim::{Claim, ClaimKind};
use super::judge::{Judge, Judged, Reading};
use super::known::Named;
use super::lex::Token;
use crate::catalog::{Field, bits, hex};

/// Most tokens between a name and what is said of it.
const REACH: usize = 8;

/// Words that may stand between a name and the place it is said to have.
const PLAIN: &[&str] = &[
    "a",
    "an",
    "and",
    "are",
    "at",
    "bitmask",
    "field",
    "flag",
    "has",
    "have",
    "in",
    "into",
    "is",
    "its",
    "lies",
    "lives",
    "located",
    "of",
    "occupies",
    "on",
    "register",
    "s",
    "sits",
    "spans",
    "starts",
    "the",
    "uses",
    "value",
    "with",
    "bit",
    "bits",
    "mask",
    "offset",
    "base",
    "address",
    "irq",
    "irqn",
    "interrupt",
    "number",
    "line",
    "vector",
    "peripheral",
    "block",
    "begins",
    "mapped",
    "memory",
    "resides",
    "found",
    "placed",
];

/// What was said between a name and a number.
struct Said {
    /// The words, in small letters.
    words: Vec<String>,
    /// The token that is the number.
    place: usize,
    value: u64,
    bracket: bool,
}

impl Said {
    fn has(&self, wanted: &[&str]) -> bool {
        self.words.iter().any(|word| wanted.contains(&word.as_str()))
    }
}

/// The number that follows token `at`, and the words before it.
fn said_after(tokens: &[Token], at: usize) -> Option<Said> {
    let mut words = Vec::new();
    let mut bracket = false;
    for (place, token) in tokens.iter().enumerate().skip(at).take(REACH) {
        if let Some(value) = token.number() {
            return Some(Said { words, place, value, bracket });
        }
        if let Some(word) = token.word() {
            let word = word.to_ascii_lowercase();
            if !PLAIN.contains(&word.as_str()) {
                return None;
            }
            words.push(word);
        } else if token.is("[") {
            bracket = true;
        } else if !["`", "(", ")", "=", ":", "@", "+", "/"].iter().any(|sign| token.is(sign))
            && !matches!(token.kind, super::lex::Kind::Other('\'' | '’'))
            && !token.is("*")
        {
            return None;
        }
    }
    None
}

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
fn range_at(tokens: &[Token], at: usize, first: u64) -> (u64, u64, usize) {
    let sign = |at: usize| {
        tokens.get(at).is_some_and(|token| [":", "-", "."].iter().any(|sign| token.is(sign)))
            || tokens.get(at).is_some_and(|token| {
                matches!(token.kind, super::lex::Kind::Other('–'))
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
    let opened = BETWEEN.iter().any(|sign| before.is(sign))
        || matches!(before.kind, super::lex::Kind::Other('–' | '—'));
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
    let mut words = tokens.iter().rev().filter(|token| !token.is("`"));
    words.next().is_some_and(|link| link.is("=") || link.word() == Some("is"))
        && words.next().and_then(Token::word).is_some_and(super::names::is_name)
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

/// The judgement on a field's bits.
fn claim_bits(
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
    } else {
        let why = format!("the field is {right}");
        reading.claim(ClaimKind::Bits, span, Judged::wrong(why, Some(right)));
    }
}

fn mask(field: &Field<'_>) -> u64 {
    let ones = u64::MAX.checked_shr(64u32.saturating_sub(field.width)).unwrap_or(0);
    ones.checked_shl(field.lsb).unwrap_or(0)
}

/// "is at offset 0x524", "(offset 0x524)": judges it. Gives the token after it.
pub(super) fn register_offset(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    named: &Named,
    at: usize,
    start: usize,
) -> Option<usize> {
    let said = said_after(&reading.tokens, at)?;
    if !said.has(&["offset"]) || said.has(&["bit", "bits", "mask"]) {
        return None;
    }
    let peripheral = judge.known.register(named.at).peripheral;
    let base = judge.known.catalog.peripherals[peripheral].base_address;
    let offset = named.address.wrapping_sub(base);
    let why = format!("{} is at offset {offset:#x}", named.path);
    let judged = match said.value == offset {
        true => Judged::ok(why),
        false if said.value == named.address => Judged::ok(why),
        false => Judged::wrong(why, Some(format!("{offset:#04x}"))),
    };
    let end = reading.tokens[said.place].span.end;
    reading.claim(ClaimKind::Offset, start..end, judged);
    Some(said.place + 1)
}

/// How prose calls an interrupt.
const INTERRUPT_WORDS: &[&str] = &["interrupt", "irq", "irqn", "vector"];

/// "UART0 is at 0x40002000", "UART0 (base 0x40002000)", "the UART0 interrupt is number 2", "the
/// interrupt of UART0 is 2". Gives the token to go on from.
pub(super) fn after_peripheral(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    peripheral: usize,
    at: usize,
    name: Range<usize>,
) -> usize {
    let Some(said) = said_after(&reading.tokens, at) else { return at };
    let known = &judge.known.catalog.peripherals[peripheral];
    let span = name.start..reading.tokens[said.place].span.end;
    if said.has(INTERRUPT_WORDS) || is_interrupt_of(reading, span.start) {
        let written = &reading.segment.text[name];
        return match interrupt(judge, reading, written, said.value, span) {
            true => said.place + 1,
            false => at,
        };
    }
    let says_base =
        said.has(&["base", "starts", "begins"]) || preceded_by(reading, span.start, &["base"]);
    let is_address = said.value >= 0x1000_0000;
    let elsewhere = judge.known.catalog.peripheral_of_address(said.value) != Some(peripheral);
    if !is_address || said.has(&["offset", "bit", "bits", "mask", "value", "register"]) {
        return at;
    }
    let why = format!("{} is at {:#010x}", known.name, known.base_address);
    if said.value == known.base_address {
        reading.claim(ClaimKind::Base, span, Judged::ok(why));
    } else if says_base || elsewhere {
        let expected = Some(format!("{:#010x}", known.base_address));
        reading.claim(ClaimKind::Base, span, Judged::wrong(why, expected));
    } else {
        return at;
    }
    said.place + 1
}

/// Whether one of these words stands shortly before byte `start`, whatever names are between.
fn preceded_by(reading: &Reading<'_>, start: usize, wanted: &[&str]) -> bool {
    const NEAR: usize = 8;
    let own = reading.tokens.iter().position(|token| token.span.start >= start).unwrap_or(0);
    let before = reading.tokens[own.saturating_sub(NEAR)..own].iter().filter_map(Token::word);
    before.map(str::to_ascii_lowercase).any(|word| wanted.contains(&word.as_str()))
}

/// Whether the words before byte `start` are "interrupt of", "IRQ number for the" or the like.
fn is_interrupt_of(reading: &Reading<'_>, start: usize) -> bool {
    let own = reading.tokens.iter().position(|token| token.span.start >= start).unwrap_or(0);
    let before = reading.tokens[..own].iter().rev().map_while(Token::word);
    let mut before = before.map(str::to_ascii_lowercase).filter(|word| word != "the").peekable();
    if !before.next().is_some_and(|word| ["of", "for"].contains(&word.as_str())) {
        return false;
    }
    before.next_if(|word| word == "number");
    before.next().is_some_and(|word| INTERRUPT_WORDS.contains(&word.as_str()))
}

/// Judges an interrupt's number. False if the chip has none of that name, and the peripheral of
/// that name has not just one.
pub(super) fn interrupt(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    name: &str,
    number: u64,
    span: Range<usize>,
) -> bool {
    let Some(chip) = judge.known.catalog.chip() else { return false };
    let bare = ["_IRQn", "_IRQ", "_IRQHandler"].iter().find_map(|end| name.strip_suffix(end));
    let bare = bare.unwrap_or(name);
    let numbers = |is_it: &dyn Fn(&svd_index::InterruptRef<'_>) -> bool| -> Vec<u32> {
        chip.interrupts().filter(is_it).map(|known| known.number).collect()
    };
    let mut of_name = numbers(&|known| known.name.eq_ignore_ascii_case(bare));
    if of_name.is_empty() {
        of_name = numbers(&|known| known.peripheral.eq_ignore_ascii_case(bare));
        of_name.dedup();
        of_name.truncate(if of_name.len() == 1 { 1 } else { 0 });
    }
    let Some(first) = of_name.first() else { return false };
    let why = format!("{bare} is interrupt {first}");
    let judged = match of_name.iter().any(|known| u64::from(*known) == number) {
        true => Judged::ok(why),
        false => Judged::wrong(why, Some(first.to_string())),
    };
    reading.claim(ClaimKind::Interrupt, span, judged);
    true
}

/// `USART2_IRQn`, and "EXTI0 has interrupt number 6": a word that names an interrupt by its ending,
/// or is said to be one.
pub(super) fn interrupt_word(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    word: &str,
    span: Range<usize>,
    at: usize,
) -> Option<usize> {
    let chip = judge.known.catalog.chip()?;
    let Some(stem) = ["_IRQHandler", "_IRQn"].iter().find_map(|end| word.strip_suffix(end)) else {
        let said = said_after(&reading.tokens, at).filter(|said| said.has(INTERRUPT_WORDS))?;
        let is_one = chip.interrupts().any(|known| known.name == word);
        let whole = span.start..reading.tokens[said.place].span.end;
        let is_told = is_one && interrupt(judge, reading, word, said.value, whole);
        return is_told.then_some(said.place + 1);
    };
    if let Some(said) = said_after(&reading.tokens, at).filter(|said| said.value < 1024) {
        let whole = span.start..reading.tokens[said.place].span.end;
        if interrupt(judge, reading, word, said.value, whole) {
            return Some(said.place + 1);
        }
    }
    let names = || chip.interrupts().map(|known| known.name);
    if let Some(known) = chip.interrupts().find(|known| known.name.eq_ignore_ascii_case(stem)) {
        let why = format!("interrupt {}", known.number);
        reading.claim(ClaimKind::Interrupt, span, Judged::ok(why));
        return Some(at);
    }
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let alike = names().filter(|name| digits(name) == digits(stem));
    let near = crate::words::nearest(stem, alike)?;
    let end = &word[stem.len()..];
    let why = format!("the chip has no interrupt {stem}");
    reading.claim(ClaimKind::Interrupt, span, Judged::wrong(why, Some(format!("{near}{end}"))));
    Some(at)
}
