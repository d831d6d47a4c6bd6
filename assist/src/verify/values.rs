//! What an answer says that a register, a field or an enumerated value is.

use std::ops::Range;

use super::claim::ClaimKind;
use super::judge::{Judge, Judged, Reading};
use super::known::Named;
use super::layout;
use super::lex::{Chain, Token};
use super::vocabulary::{BETWEEN, FIX, PRESENT};
use crate::catalog::{extract, hex};

/// Whether words speak of what is or of what should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    None,
    /// "currently", "writes", "instead of": the firmware or the board as it is.
    Present,
    /// "should", "change to", "fix": what somebody is told to do.
    Fix,
}

/// Most tokens between a register and what is said of it.
const REACH: usize = 9;

/// The hint that the last hinting word of a segment leaves, or `before` if there is none.
pub(super) fn last_hint(tokens: &[Token], before: Hint) -> Hint {
    let opens_code = tokens.iter().take(3).filter(|token| token.is("`")).count() == 3;
    if tokens.is_empty() || opens_code { before } else { hint_before(tokens, tokens.len()) }
}

fn hint_before(tokens: &[Token], at: usize) -> Hint {
    let of = |token: &Token| {
        let word = token.word()?.to_ascii_lowercase();
        if PRESENT.contains(&word.as_str()) {
            Some(Hint::Present)
        } else if FIX.contains(&word.as_str()) {
            Some(Hint::Fix)
        } else {
            None
        }
    };
    tokens[..at].iter().rev().find_map(of).unwrap_or(Hint::None)
}

/// What the words between a name and a number make of them.
#[derive(Debug, Default, Clone, Copy)]
struct Link {
    address: bool,
    reset: bool,
    /// "is", "holds": a statement of what is.
    present: bool,
    /// "should", "set to": a statement of what should be.
    fix: bool,
    /// `=` or `:`.
    equals: bool,
    /// Any word at all.
    any: bool,
}

/// Reads on after a register or field; judges what is said of it. Gives the token to go on from.
pub(super) fn after_register(
    judge: &mut Judge<'_>,
    reading: &mut Reading<'_>,
    named: &Named,
    field: Option<usize>,
    at: usize,
) -> usize {
    let start = reading
        .claims
        .last()
        .map_or(0, |claim| claim.span.start.saturating_sub(reading.segment.offset));
    before_register(judge, reading, named, field, start);
    let Some((link, place)) = link(&reading.tokens, at) else {
        let offset = match field {
            Some(_) => None,
            None => layout::register_offset(judge, reading, named, at, start),
        };
        return offset.unwrap_or(at);
    };
    let value = reading.tokens[place].number().expect("a link ends at a number");
    let span = start..reading.tokens[place].span.end;
    let said = Said { named, field, value, start };
    let link =
        Link { address: link.address || speaks_of(&reading.tokens, start, "address"), ..link };
    if link.reset || speaks_of(&reading.tokens, start, "reset") {
        say_reset(judge, reading, &said, span);
    } else if link.address || (!link.equals && !link.present && !link.fix) {
        if say_address(judge, reading, &said, span.clone(), link.address) {
            return after_address(judge, reading, &said, place + 1);
        }
        say_value(judge, reading, &said, link, span);
    } else {
        say_value(judge, reading, &said, link, span);
    }
    place + 1
}

/// Reads on after an address: "UART0.BAUDRATE (0x40002524) holds 0x1C200".
fn after_address(judge: &Judge<'_>, reading: &mut Reading<'_>, of: &Said<'_>, at: usize) -> usize {
    match link(&reading.tokens, at) {
        Some((link, place)) if link.equals || link.present || link.fix => {
            let value = reading.tokens[place].number().expect("a link ends at a number");
            let span = of.start..reading.tokens[place].span.end;
            say_value(judge, reading, &Said { value, ..*of }, link, span);
            place + 1
        }
        _ => at,
    }
}

/// A number that something is said to be.
struct Said<'n> {
    named: &'n Named,
    field: Option<usize>,
    value: u64,
    /// Byte of the segment at which the name starts.
    start: usize,
}

/// Finds the number that belongs to the name before token `at`.
fn link(tokens: &[Token], at: usize) -> Option<(Link, usize)> {
    let mut link = Link::default();
    let mut place = at;
    while place < tokens.len().min(at + REACH) {
        let token = &tokens[place];
        if token.number().is_some() {
            return (!is_expression(tokens, place)).then_some((link, place));
        }
        if let Some(word) = token.word() {
            let word = word.to_ascii_lowercase();
            if !BETWEEN.contains(&word.as_str()) {
                return None;
            }
            link.any = true;
            match word.as_str() {
                "at" | "address" | "addr" | "located" => link.address = true,
                "offset" => return None,
                "reset" | "resets" => link.reset = true,
                "should" | "must" | "be" | "needs" | "to" | "write" | "set" | "with" => {
                    link.fix = true;
                }
                "is" | "holds" | "contains" | "contained" | "held" | "reads" | "read"
                | "currently" | "now" | "was" | "shows" | "equals" | "still" | "has" => {
                    link.present = true;
                }
                _ => {}
            }
        } else if token.is("=") || token.is("==") || token.is(":") {
            link.equals = true;
        } else if token.is("@") {
            link.address = true;
        } else if token.is("[") {
            // The bits of a field: `[31:0]`.
            place += tokens[place..].iter().position(|token| token.is("]"))?;
        } else if !["`", "(", ")", ","].iter().any(|sign| token.is(sign)) && !token.is("*") {
            return None;
        }
        place += 1;
    }
    None
}

/// Whether the number at `place` is but a part of a value: `4 << 2`, `3.3`.
fn is_expression(tokens: &[Token], place: usize) -> bool {
    let next = |sign: &str| tokens.get(place + 1).is_some_and(|next| next.is(sign));
    let fraction = next(".")
        && tokens.get(place + 2).is_some_and(|digits| {
            digits.number().is_some() && digits.span.start == tokens[place + 1].span.end
        });
    fraction || ["<<", ">>", "|", "*", "+", "&", "/", "-"].into_iter().any(next)
}

/// Whether a word stands shortly before the byte at which a name starts: "the reset value of".
fn speaks_of(tokens: &[Token], start: usize, wanted: &str) -> bool {
    const NEAR: usize = 4;
    let own = tokens.iter().position(|token| token.span.start >= start).unwrap_or(0);
    tokens[own.saturating_sub(NEAR)..own]
        .iter()
        .filter_map(Token::word)
        .any(|word| word.eq_ignore_ascii_case(wanted))
}

/// `0x40002524 (UART0.BAUDRATE)`, "writes 115200 to BAUDRATE": a number before its register.
fn before_register(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    named: &Named,
    field: Option<usize>,
    start: usize,
) {
    let tokens = &reading.tokens;
    let Some(own) = tokens.iter().position(|token| token.span.start >= start) else { return };
    let plain = ["the", "register", "field", "into", "to", "in"];
    let mut at = own;
    let (mut into, mut opened) = (false, false);
    while at > 0 {
        let token = &tokens[at - 1];
        match token.word() {
            Some(word) if plain.contains(&word) => into |= matches!(word, "into" | "to" | "in"),
            Some(_) => return,
            None if token.is("(") => opened = true,
            None if token.is("`") => {}
            None => break,
        }
        at -= 1;
    }
    let Some(value) = at.checked_sub(1).and_then(|at| tokens[at].number()) else { return };
    // "bits 7:0 (SEL68)", "bit 9 in".
    let is_bits = at.checked_sub(2).map(|at| &tokens[at]).is_some_and(|before| {
        let is_range = before.is(":") && at > 2 && tokens[at - 3].number().is_some();
        is_range || before.word().is_some_and(|word| matches!(word, "bit" | "bits"))
    });
    if is_bits {
        return;
    }
    let said = Said { named, field, value, start: tokens[at - 1].span.start };
    let end = tokens[own].span.end;
    let span = said.start..end;
    if opened && !into {
        say_address(judge, reading, &said, span, false);
    } else if into {
        let link = Link { present: is_told(&reading.tokens, at - 1), any: true, ..Link::default() };
        say_value(judge, reading, &said, link, span);
    }
}

/// "the code writes", "sets", "wrote": someone tells what is done, not what to do.
fn is_told(tokens: &[Token], at: usize) -> bool {
    hint_before(tokens, at) == Hint::Present
}

/// The address of a register. False if the number does not read as an address at all.
fn say_address(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    said: &Said<'_>,
    span: Range<usize>,
    sure: bool,
) -> bool {
    let Said { named, value, .. } = *said;
    if value == named.address {
        let why = format!("{} is at {value:#010x}", named.path);
        reading.claim(ClaimKind::Address, span, Judged::ok(why));
        return true;
    }
    if judge.known.is_instance(named, value) {
        let why = format!("another instance of {} is at {value:#010x}", named.path);
        reading.claim(ClaimKind::Address, span, Judged::ok(why));
        return true;
    }
    let elsewhere = judge.known.catalog.peripheral_of_address(value).is_some();
    // "at 115200 baud" is no address, and small numbers are offsets.
    if !elsewhere && (!sure || value < 0x1000_0000) {
        return false;
    }
    let expected = Some(format!("{:#010x}", named.address));
    let why = format!("{} is at {:#010x}", named.path, named.address);
    reading.claim(ClaimKind::Address, span, Judged::wrong(why, expected));
    true
}

/// The judgement on where a register is.
pub(super) fn claim_address(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    named: &Named,
    value: u64,
    span: Range<usize>,
) {
    say_address(judge, reading, &Said { named, field: None, value, start: 0 }, span, true);
}

/// The judgement on a register's value after reset.
pub(super) fn claim_reset(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    named: &Named,
    value: u64,
    span: Range<usize>,
) {
    say_reset(judge, reading, &Said { named, field: None, value, start: 0 }, span);
}

fn say_reset(judge: &Judge<'_>, reading: &mut Reading<'_>, said: &Said<'_>, span: Range<usize>) {
    let register = judge.known.register(said.named.at);
    let Some(reset) = register.reset_value else {
        let why = format!("the description gives no reset value of {}", said.named.path);
        return reading.claim(ClaimKind::Reset, span, Judged::unknown(why));
    };
    let (reset, size) = bits_of(judge, said, reset);
    let right = hex(reset, size);
    let judged = if reset == said.value {
        Judged::ok(format!("it is {right} after reset"))
    } else {
        Judged::wrong(format!("it is {right} after reset"), Some(right))
    };
    reading.claim(ClaimKind::Reset, span, judged);
}

/// The part of a register's value that is spoken of, and its size in bits.
fn bits_of(judge: &Judge<'_>, said: &Said<'_>, value: u64) -> (u64, u32) {
    let register = judge.known.register(said.named.at);
    match said.field {
        Some(field) => {
            let field = &register.fields[field];
            (field.extract(value), field.width)
        }
        None => (value, register.size_bits),
    }
}

fn say_value(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    said: &Said<'_>,
    link: Link,
    span: Range<usize>,
) {
    let hint = match (link.present, link.fix) {
        (_, true) => Hint::Fix,
        (true, false) => Hint::Present,
        _ => hint_around(judge, reading, said),
    };
    let judged = match hint {
        Hint::Present => present(judge, said).or_else(|| unseen(judge, said)),
        Hint::Fix => prescribed(judge, said),
        // In a block of code nobody said what is shown: it is what to write.
        Hint::None if reading.segment.in_code => prescribed(judge, said),
        Hint::None => present(judge, said)
            .filter(|judged| judged.verdict == super::Verdict::Ok)
            .or_else(|| prescribed(judge, said)),
    };
    if let Some(judged) = judged {
        reading.claim(ClaimKind::Value, span, judged);
    }
}

/// What the words before a statement make of it; in a block of code also marks and comments.
fn hint_around(judge: &Judge<'_>, reading: &Reading<'_>, said: &Said<'_>) -> Hint {
    let text = &reading.segment.text;
    if !reading.segment.in_code {
        let own = reading.tokens.iter().position(|token| token.span.start >= said.start);
        return hint_before(&reading.tokens, own.unwrap_or(0));
    }
    let comment = ["//", "/*"].iter().filter_map(|mark| text.find(mark)).min();
    let hint = comment.map_or(Hint::None, |comment| {
        let words = &reading.tokens;
        let first = words.iter().position(|token| token.span.start > comment);
        hint_before(
            &words[first.unwrap_or(words.len())..],
            words.len() - first.unwrap_or(words.len()),
        )
    });
    match text.trim_start().chars().next() {
        Some('-') => Hint::Present,
        Some('+') => Hint::Fix,
        _ if hint != Hint::None => hint,
        _ => judge.before_code,
    }
}

/// Judges a statement of what is: by the board, then by the firmware's code.
fn present(judge: &Judge<'_>, said: &Said<'_>) -> Option<Judged> {
    let path = &said.named.path;
    let held = judge.known.held(path).map(|value| bits_of(judge, said, value));
    if let Some((held, _)) = held
        && held == said.value
    {
        return Some(Judged::ok(format!("read from the board: {path} held it")));
    }
    let writes = &judge.known.facts().writes;
    let writes_it = writes.iter().find(|write| {
        write.register == *path
            && write.value.is_some_and(|value| bits_of(judge, said, value).0 == said.value)
    });
    if let Some(write) = writes_it {
        let function = write.function.as_deref().unwrap_or("code");
        let place = match (&write.file, write.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            _ => format!("{:#x}", write.pc),
        };
        return Some(Judged::ok(format!("{function} writes it at {place}")));
    }
    let (held, size) = held?;
    let right = hex(held, size);
    Some(Judged::wrong(format!("the board held {right} in {path}"), Some(right)))
}

/// Nothing was read: what is stated may be so.
fn unseen(judge: &Judge<'_>, said: &Said<'_>) -> Option<Judged> {
    let path = &said.named.path;
    let judged = match judge.known.named_value(said.named, said.field, said.value) {
        Some(_) | None => Judged::unknown(format!("{path} was not read from a board")),
    };
    Some(judged)
}

/// Judges a value that is to be written: by the enumerated values. `None`: nothing to judge by.
fn prescribed(judge: &Judge<'_>, said: &Said<'_>) -> Option<Judged> {
    let register = judge.known.register(said.named.at);
    let (size, shift) = match said.field {
        Some(field) => (register.fields[field].width, register.fields[field].lsb),
        None => (register.size_bits, 0),
    };
    if extract(said.value, 0, size) != said.value {
        let why = format!("{} has {size} bits", said.named.path);
        return Some(Judged::wrong(why, None));
    }
    let whole = said.value.checked_shl(shift).unwrap_or(0);
    let finding = judge.known.objections(said.named, whole).into_iter().find(|finding| {
        said.field.is_none_or(|field| finding.field.as_deref() == Some(register.fields[field].name))
    });
    if let Some(finding) = finding {
        let field =
            finding.field.as_deref().and_then(|name| judge.known.field_of(said.named.at, name));
        let width = field.map_or(size, |field| register.fields[field].width);
        let expected = finding.meant.map(|meant| match &finding.meant_name {
            Some(name) => format!("{} ({name})", hex(meant, width)),
            None => hex(meant, width),
        });
        let field = finding.field.unwrap_or_default();
        let why = format!("it is none of the enumerated values of {}.{field}", said.named.path);
        return Some(Judged::wrong(why, expected));
    }
    let name = judge.known.named_value(said.named, said.field, said.value)?;
    Some(Judged::ok(format!("it is {name}")))
}

/// Reads on after the name of an enumerated value: `Baud115200 = 0x01D7E000`.
pub(super) fn after_enum(
    judge: &mut Judge<'_>,
    reading: &mut Reading<'_>,
    place: (usize, usize),
    chain: &Chain,
    part: usize,
) -> usize {
    let Some(value) = judge.known.enum_of(place, &chain.parts[part]) else { return chain.end };
    let (Some(right), name) = (value.value, value.name) else { return chain.end };
    let start = chain.spans[part].start;
    let width = judge.known.field(place).width;
    let judge_number = |said: u64| {
        let why = format!("{name} is {}", hex(right, width));
        match said == right {
            true => Judged::ok(why),
            false => Judged::wrong(why, Some(hex(right, width))),
        }
    };
    let own = reading.tokens.iter().position(|token| token.span.start >= start).unwrap_or(0);
    let before = reading.tokens[..own].iter().rev().filter(|token| !token.is("`")).take(3);
    let before: Vec<&Token> = before.collect();
    let is_line = |token: &&Token| {
        token.word().is_some_and(|word| ["irq", "interrupt"].contains(&&*word.to_ascii_lowercase()))
    };
    if let [sign, number, rest @ ..] = &before[..]
        && !rest.iter().any(is_line)
        && (sign.is("(") || sign.word() == Some("is"))
        && let Some(said) = number.number()
    {
        let span = number.span.start..chain.spans[part].end;
        reading.claim(ClaimKind::Enum, span, judge_number(said));
        return chain.end;
    }
    let mut at = chain.end;
    while let Some(token) = reading.tokens.get(at) {
        let said = token.number();
        if let Some(said) = said {
            let span = start..token.span.end;
            reading.claim(ClaimKind::Enum, span, judge_number(said));
            return at + 1;
        }
        let links = ["=", ":", "(", "`", "=="].iter().any(|sign| token.is(sign));
        let words = token.word().is_some_and(|word| {
            matches!(word, "is" | "has" | "the" | "value" | "encoded" | "as" | "equals")
        });
        if !(links || words) || at > chain.end + 5 {
            break;
        }
        at += 1;
    }
    chain.end
}

/// Judges a number that belongs to no name: an address, or a value that is known.
pub(super) fn number(judge: &Judge<'_>, reading: &mut Reading<'_>, at: usize) -> usize {
    let Some(value) = reading.tokens[at].number() else { return at + 1 };
    let span = reading.tokens[at].span.clone();
    let text = &reading.segment.text[span.clone()];
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    if !is_hex || value < 0x100 {
        return at + 1;
    }
    if let Some(why) = judge.known.meaning_of_address(value) {
        reading.claim(ClaimKind::Address, span, Judged::ok(why));
    } else if let Some(why) = judge.known.meaning_of_value(judge.register.as_ref(), value) {
        reading.claim(ClaimKind::Value, span, Judged::ok(why));
    } else if text.len() >= 10 && (0x1000_0000..0xE000_0000).contains(&value) {
        let why = "neither the chip's description nor the firmware has anything there";
        reading.claim(ClaimKind::Address, span, Judged::unknown(why));
    }
    at + 1
}
