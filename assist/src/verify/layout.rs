//! Where prose says that things are: a register's offset, a peripheral's base, an interrupt's
//! number. The places of fields are in [`bits`](super::bits).

use std::ops::Range;

use super::claim::ClaimKind;
use super::judge::{Judge, Judged, Reading};
use super::known::Named;
use super::lex::Token;

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
    "start",
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
    "timer",
    "controller",
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

/// Whether a word takes nothing from what is said of a name before it.
pub(super) fn is_plain(word: &str) -> bool {
    const MORE: &[&str] =
        &["actually", "be", "can", "only", "registers", "still", "there", "to", "whose"];
    let lower = word.to_ascii_lowercase();
    [PLAIN, MORE].iter().any(|words| words.contains(&lower.as_str()))
}

/// What was said between a name and a number.
pub(super) struct Said {
    /// The words, in small letters.
    pub(super) words: Vec<String>,
    /// The token that is the number.
    pub(super) place: usize,
    pub(super) value: u64,
    pub(super) bracket: bool,
    /// "is" or `=` between the last word and the number.
    linked: bool,
}

impl Said {
    /// "bit is 0", `bit = 1`: what a bit holds, not where it is.
    pub(super) fn is_state(&self) -> bool {
        let last = self.words.iter().rev().find(|word| *word != "is");
        self.linked && self.value <= 1 && last.is_some_and(|word| word == "bit")
    }

    pub(super) fn has(&self, wanted: &[&str]) -> bool {
        self.words.iter().any(|word| wanted.contains(&word.as_str()))
    }
}

/// The number that follows token `at`, and the words before it.
pub(super) fn said_after(tokens: &[Token], at: usize) -> Option<Said> {
    let mut words = Vec::new();
    let (mut bracket, mut linked, mut place) = (false, false, at);
    while place < tokens.len().min(at + REACH) {
        let token = &tokens[place];
        if is_width(&tokens[place..]) {
            place += 3;
            continue;
        }
        if let Some(value) = token.number() {
            return Some(Said { words, place, value, bracket, linked });
        }
        if let Some(word) = token.word() {
            let word = word.to_ascii_lowercase();
            if !PLAIN.contains(&word.as_str()) {
                return None;
            }
            linked = word == "is";
            words.push(word);
        } else if token.is("[") {
            bracket = true;
        } else if !["`", "(", ")", "=", ":", "@", "+", "/"].iter().any(|sign| token.is(sign))
            && !matches!(token.kind, super::lex::Kind::Other('\'' | '’'))
            && !token.is("*")
        {
            return None;
        }
        linked |= token.is("=");
        place += 1;
    }
    None
}

/// Whether tokens start with "32-bit", as in "is a 32-bit timer at".
fn is_width(tokens: &[Token]) -> bool {
    matches!(tokens, [number, dash, bit, ..]
        if number.number().is_some() && dash.is("-") && bit.word() == Some("bit"))
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
    let end = reading.tokens[said.place].span.end;
    claim_offset(judge, reading, named, said.value, start..end);
    Some(said.place + 1)
}

/// The judgement on a register's offset.
pub(super) fn claim_offset(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    named: &Named,
    value: u64,
    span: Range<usize>,
) {
    let peripheral = judge.known.register(named.at).peripheral;
    let base = judge.known.catalog.peripherals[peripheral].base_address;
    let offset = named.address.wrapping_sub(base);
    let why = format!("{} is at offset {offset:#x}", named.path);
    let judged = match value == offset || value == named.address {
        true => Judged::ok(why),
        false => Judged::wrong(why, Some(format!("{offset:#04x}"))),
    };
    reading.claim(ClaimKind::Offset, span, judged);
}

/// The judgement on where a peripheral starts. Unless the words are of all of it (`whole`), the
/// address of a register in it may be said of that.
pub(super) fn claim_base(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    peripheral: usize,
    (address, whole): (u64, bool),
    span: Range<usize>,
) {
    let known = &judge.known.catalog.peripherals[peripheral];
    let why = format!("{} is at {:#010x}", known.name, known.base_address);
    if address == known.base_address {
        reading.claim(ClaimKind::Base, span, Judged::ok(why));
    } else if whole || !is_in(judge, peripheral, address) {
        let expected = Some(format!("{:#010x}", known.base_address));
        reading.claim(ClaimKind::Base, span, Judged::wrong(why, expected));
    }
}

/// Words that say where all of a peripheral is, not a place in it.
pub(super) const BASE_WORDS: &[&str] =
    &["base", "begins", "lives", "located", "mapped", "resides", "sits", "start", "starts"];

/// Whether a register of the peripheral is at this address.
fn is_in(judge: &Judge<'_>, peripheral: usize, address: u64) -> bool {
    let is_inside = judge.known.catalog.peripheral_of_address(address) == Some(peripheral);
    is_inside && judge.known.is_at_register(address)
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
    let says_base = said.has(BASE_WORDS) || preceded_by(reading, span.start, &["base"]);
    let is_address = said.value >= 0x1000_0000;
    let elsewhere = !is_in(judge, peripheral, said.value);
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
pub(super) fn preceded_by(reading: &Reading<'_>, start: usize, wanted: &[&str]) -> bool {
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
    let mut of_name = numbers(&|known| known.name.eq_ignore_ascii_case(name));
    if of_name.is_empty() {
        of_name = numbers(&|known| known.name.eq_ignore_ascii_case(bare));
    }
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
    // `ADCx_IRQn` stands for several.
    if stem.ends_with('x') {
        return None;
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
