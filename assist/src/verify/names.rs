//! Which register, field or enumerated value a name in an answer means.

use super::bare::bare;
use super::bits;
use super::claim::ClaimKind;
use super::judge::{Judge, Judged, Reading};
use super::known::{self, Named};
use super::lex::Chain;
use super::mention::Of;
use super::vocabulary::{CORE_PERIPHERALS, LEADS, OF_THE_CORE, ORDINARY};
use crate::context::is_kind_of_peripheral;
use crate::words;

/// What a name means.
pub(super) enum Meaning {
    /// A register, or a field of it.
    Register(Named, Option<usize>),
    /// A peripheral alone; its part of the chain.
    Peripheral(usize, usize),
    /// An enumerated value of the field at (register, field); its part of the chain.
    Enum((usize, usize), usize),
    /// Something that was read up to this token.
    Read(usize),
    /// Something that needs no further reading.
    Other,
    /// Nothing of the chip.
    Nothing,
}

/// Why nothing is said of them.
pub(crate) const CORE_WHY: &str = "a part of the Arm core, which this description does not cover";

/// Reads the chain; adds the claims that it makes by itself.
pub(super) fn resolve(
    judge: &mut Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    at: usize,
) -> Meaning {
    let lead = chain.parts.len() > 1 && LEADS.contains(&chain.parts[0].as_str());
    let first = usize::from(lead && judge.known.peripheral(&chain.parts[0]).is_none());
    let name = chain.parts[first].clone();
    if let Some(peripheral) = judge.known.peripheral(&name) {
        return in_peripheral(judge, reading, chain, first, peripheral);
    }
    if let Some(meaning) = joined(judge, reading, chain, first) {
        return meaning;
    }
    if chain.parts.len() > first + 1 {
        if let Some(meaning) = from_register(judge, reading, chain, first) {
            return meaning;
        }
        return no_peripheral(judge, reading, chain, first);
    }
    bare(judge, reading, chain, at)
}

/// `UART0`, `UART0.BAUDRATE`, `NRF_UART0->BAUDRATE`, `uart0.baudrate.baudrate`.
fn in_peripheral(
    judge: &mut Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    first: usize,
    peripheral: usize,
) -> Meaning {
    judge.mention_peripheral(peripheral);
    let own = judge.known.catalog.peripherals[peripheral].name;
    let spelled = &chain.parts[first];
    let exact = is_name(spelled);
    if chain.parts.len() == first + 1 {
        // "can" is no peripheral.
        if exact || reading.is_code(&chain.spans[first]) {
            reading.mention(Of::Peripheral(peripheral), chain.span_to(first));
        }
        let has_number = own.ends_with(|c: char| c.is_ascii_digit());
        if exact && (has_number || reading.is_code(&chain.spans[first])) {
            let base = judge.known.catalog.peripherals[peripheral].base_address;
            let why = format!("peripheral at {base:#010x}");
            reading.claim(ClaimKind::Register, chain.span_to(first), Judged::ok(why));
            return Meaning::Peripheral(peripheral, first);
        }
        // "FLASH starts at 0x08000000" speaks of the memory.
        if exact && !ORDINARY.contains(&spelled.as_str()) {
            return Meaning::Peripheral(peripheral, first);
        }
        return Meaning::Other;
    }
    // Clusters: the longest name that fits is the register.
    let found = (first + 1..chain.parts.len()).rev().find_map(|last| {
        let name = chain.parts[first + 1..=last].join(".");
        Some((judge.known.in_peripheral(peripheral, &name)?.clone(), last))
    });
    let Some((named, last)) = found.or_else(|| bit_of_register(judge, peripheral, chain, first))
    else {
        if exact && is_name(&chain.parts[first + 1]) {
            no_register(judge, reading, chain, first, peripheral);
        }
        return Meaning::Other;
    };
    claim_register(reading, chain, first, last, &named);
    of_register(judge, reading, chain, last, named)
}

/// `USART1->CR1[13]`: a bit of a register that is no array.
fn bit_of_register(
    judge: &Judge<'_>,
    peripheral: usize,
    chain: &Chain,
    first: usize,
) -> Option<(Named, usize)> {
    let (name, _) = chain.parts[first + 1].split_once('[')?;
    let named = judge.known.in_peripheral(peripheral, name)?.clone();
    (chain.parts.len() == first + 2).then_some((named, first + 1))
}

/// `UART0.BAUD`: a peripheral of the chip, and no register of it.
fn no_register(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    first: usize,
    peripheral: usize,
) {
    let own = judge.known.catalog.peripherals[peripheral].name;
    let part = &chain.parts[first + 1];
    let bare = part.split('[').next().unwrap_or(part);
    let judged = if !judge.known.has_chip() {
        Judged::unknown(format!("the bundle names no register {part}, and no SVD is loaded"))
    } else if CORE_PERIPHERALS.contains(&own.to_ascii_uppercase().as_str())
        || OF_THE_CORE.contains(&bare)
    {
        Judged::unknown(CORE_WHY)
    } else if bare != part && judge.known.starts_in(peripheral, bare) {
        Judged::unknown(format!("{own} has registers whose names start so, but no {part}"))
    } else {
        let expected = judge.known.nearest_register(peripheral, part);
        Judged::wrong(format!("{own} has no register {part}"), expected)
    };
    reading.claim(ClaimKind::Register, chain.span_to(first + 1), judged);
}

pub(super) fn claim_register(
    reading: &mut Reading<'_>,
    chain: &Chain,
    first: usize,
    last: usize,
    named: &Named,
) {
    let why = format!("{} at {:#010x}", named.path, named.address);
    let span = chain.spans[first].start..chain.spans[last].end;
    reading.mention(Of::Register(named.clone()), span.clone());
    reading.claim(ClaimKind::Register, span, Judged::ok(why));
}

/// The parts after a register: a field, and an enumerated value of it.
fn of_register(
    judge: &mut Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    last: usize,
    named: Named,
) -> Meaning {
    let Some(part) = chain.parts.get(last + 1) else { return Meaning::Register(named, None) };
    let Some(field) = judge.known.field_of(named.at, part) else {
        let register = judge.known.register(named.at);
        // Register descriptions without fields know nothing to be wrong about.
        if is_name(part) && !register.fields.is_empty() && judge.known.has_chip() {
            let names = register.fields.iter().map(|field| field.name);
            let expected = words::nearest(part, names).map(str::to_owned);
            let why = format!("{} has no field {part}", named.path);
            reading.claim(ClaimKind::Field, chain.span_to(last + 1), Judged::wrong(why, expected));
        }
        return Meaning::Register(named, None);
    };
    let known = &judge.known.register(named.at).fields[field];
    let why = format!("{}.{}{}", named.path, known.name, known.bits());
    let span = chain.spans[last + 1].clone();
    reading.mention(Of::Field((named.at, field)), span.clone());
    reading.claim(ClaimKind::Field, span, Judged::ok(why));
    bits::after_field(judge, reading, (named.at, field), chain.end, chain.spans[last + 1].clone());
    if chain
        .parts
        .get(last + 2)
        .is_some_and(|name| judge.known.enum_of((named.at, field), name).is_some())
    {
        let place = (named.at, field);
        judge.mention(named);
        return Meaning::Enum(place, last + 2);
    }
    Meaning::Register(named, Some(field))
}

/// Most words of a header's name: every way to divide them is tried.
const MOST_WORDS: usize = 24;

/// `UART_BAUDRATE_BAUDRATE_Msk`, `RCC_CFGR`: names of headers, joined by `_`.
fn joined(
    judge: &mut Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    first: usize,
) -> Option<Meaning> {
    let word = &chain.parts[first];
    if !word.contains('_') || !judge.known.has_chip() {
        return None;
    }
    if word.matches('_').count() >= MOST_WORDS {
        return None;
    }
    for (cut, _) in word.trim_start_matches('_').match_indices('_') {
        let lead = word.len() - word.trim_start_matches('_').len();
        let (head, tail) = (&word[lead..lead + cut], &word[lead + cut + 1..]);
        let parts: Vec<&str> = tail.split('_').filter(|part| !part.is_empty()).collect();
        let whole = judge.known.peripheral(head);
        let Some(peripheral) = whole.or_else(|| of_kind(judge, head)) else { continue };
        let registers = (1..=parts.len()).rev();
        let found = registers.clone().find_map(|end| {
            let name = parts[..end].join("_");
            let in_it = |name| judge.known.in_peripheral(peripheral, name);
            // `USART1_CR1[13]`: that bit of it.
            let indexed = || name.strip_suffix(']').and_then(|name| in_it(name.split_once('[')?.0));
            Some((in_it(&name).or_else(indexed)?.clone(), end))
        });
        let Some((mut named, end)) = found else { continue };
        named.any_instance = whole.is_none();
        let rest = &parts[end..];
        return joined_rest(judge, reading, chain, first, named.clone(), rest)
            .or_else(|| joined_slip(judge, reading, chain, first, &named, rest));
    }
    None
}

/// `USART2_CR1_PARTIY`: a word that would be a header's name with one letter set right.
fn joined_slip(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    first: usize,
    named: &Named,
    rest: &[&str],
) -> Option<Meaning> {
    let (stem, tail) = match rest {
        [stem @ .., tail @ ("Msk" | "Pos")] => (stem.join("_"), format!("_{tail}")),
        _ => (rest.join("_"), String::new()),
    };
    let fields = judge.known.register(named.at).fields.iter().map(|field| field.name);
    let near = words::slip(&stem, fields).filter(|_| stem.len() > 5 || !tail.is_empty())?;
    let word = &chain.parts[first];
    let head = &word[..word.len() - stem.len() - tail.len()];
    let why = format!("{} has no field {stem}", named.path);
    let judged = Judged::wrong(why, Some(format!("{head}{near}{tail}")));
    reading.claim(ClaimKind::Field, chain.spans[first].clone(), judged);
    Some(Meaning::Other)
}

/// The peripheral of a kind that was spoken of last, otherwise the first.
fn of_kind(judge: &Judge<'_>, head: &str) -> Option<usize> {
    let is = |at: &usize| {
        known::kind(judge.known.catalog.peripherals[*at].name).eq_ignore_ascii_case(head)
    };
    let spoken_of = judge.subjects().find(is);
    spoken_of.or_else(|| (head.len() > 1).then(|| judge.known.family(head))?)
}

/// What stands after the register in a header's name: a field, then `Msk`, `Pos` or a value.
fn joined_rest(
    judge: &mut Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    first: usize,
    named: Named,
    rest: &[&str],
) -> Option<Meaning> {
    let span = chain.spans[first].clone();
    judge.mention_peripheral(judge.known.register(named.at).peripheral);
    if rest.is_empty() {
        let why = format!("{} at {:#010x}", named.path, named.address);
        reading.mention(Of::Register(named.clone()), span.clone());
        reading.claim(ClaimKind::Register, span, Judged::ok(why));
        return Some(of_register(judge, reading, chain, first, named));
    }
    let found = (1..=rest.len())
        .rev()
        .find_map(|end| Some((judge.known.field_of(named.at, &rest[..end].join("_"))?, end)));
    let (field, end) = found?;
    let place = (named.at, field);
    let known = judge.known.field(place);
    let tail = rest[end..].join("_");
    match tail.as_str() {
        "" | "Msk" | "Pos" | "MSK" | "POS" | "MASK" | "SHIFT" => {
            let why = format!("{}.{}{}", named.path, known.name, known.bits());
            reading.mention(Of::Field(place), span.clone());
            reading.claim(ClaimKind::Field, span.clone(), Judged::ok(why));
            if tail.is_empty() {
                bits::after_field(judge, reading, place, chain.end, span);
            }
            Some(Meaning::Register(named, Some(field)))
        }
        name => {
            let known = known.enums().find(|value| value.name.eq_ignore_ascii_case(name))?;
            let value = known.value.map_or(String::new(), |value| format!(" is {value:#x}"));
            let why = format!("{}{value}", known.name);
            reading.claim(ClaimKind::Enum, span, Judged::ok(why));
            Some(Meaning::Other)
        }
    }
}

/// `BAUDRATE.BAUDRATE`: a register of the peripheral in question, and its field.
fn from_register(
    judge: &mut Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    first: usize,
) -> Option<Meaning> {
    let name = &chain.parts[first];
    let has_field =
        |named: &Named| judge.known.field_of(named.at, &chain.parts[first + 1]).is_some();
    let of_subject = judge
        .subjects()
        .filter_map(|subject| judge.known.in_peripheral(subject, name).cloned())
        .find(has_field);
    let named = of_subject.or_else(|| only(judge.known.named(name)).filter(has_field))?;
    if !is_name(name) {
        return None;
    }
    claim_register(reading, chain, first, first, &named);
    Some(of_register(judge, reading, chain, first, named))
}

/// `USART1->BRR` on a chip that has no USART1.
fn no_peripheral(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    first: usize,
) -> Meaning {
    let (name, part) = (&chain.parts[first], &chain.parts[first + 1]);
    let is_pair = is_name(name) && is_name(part) && judge.known.has_chip();
    let family = judge.known.family(name);
    if !is_pair || !(family.is_some() || is_kind_of_peripheral(name)) {
        return Meaning::Nothing;
    }
    if CORE_PERIPHERALS.contains(&name.as_str()) {
        let span = chain.span_to(first + 1);
        reading.claim(ClaimKind::Register, span, Judged::unknown(CORE_WHY));
        return Meaning::Other;
    }
    let nearest = judge.known.catalog.nearest_peripheral(name);
    let instance = nearest.and_then(|nearest| judge.known.peripheral(nearest)).or(family);
    let expected = instance.map(|peripheral| {
        let known = judge.known.in_peripheral(peripheral, part);
        let own = judge.known.catalog.peripherals[peripheral].name;
        known.map_or(own.to_owned(), |known| known.path.clone())
    });
    let why = format!("the chip has no peripheral {name}");
    reading.claim(ClaimKind::Register, chain.span_to(first + 1), Judged::wrong(why, expected));
    Meaning::Other
}

pub(super) fn in_subject(judge: &Judge<'_>, name: &str) -> Option<Named> {
    judge.subjects().find_map(|subject| judge.known.in_peripheral(subject, name).cloned())
}

pub(super) fn only(named: &[Named]) -> Option<Named> {
    match named {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// Whether a word is spelled as names of a chip are: capitals, digits, `_`, an index.
pub(crate) fn is_name(word: &str) -> bool {
    let name = word.split('[').next().unwrap_or(word);
    name.contains(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
