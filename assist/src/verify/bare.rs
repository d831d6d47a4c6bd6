//! What a single word of an answer means: the subject so far decides whose register, field or value
//! it is.

use super::bits;
use super::claim::ClaimKind;
use super::judge::{Judge, Judged, Reading};
use super::layout;
use super::lex::Chain;
use super::mention::Of;
use super::names::{CORE_WHY, Meaning, claim_register, in_subject, is_name, only};
use super::vocabulary::{OF_THE_CORE, ORDINARY};
use crate::words;

/// A single word.
pub(super) fn bare(
    judge: &mut Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    at: usize,
) -> Meaning {
    let word = chain.parts[0].clone();
    let span = chain.spans[0].clone();
    if let Some(meaning) = bare_enum(judge, reading, chain) {
        return meaning;
    }
    if let Some(end) = layout::interrupt_word(judge, reading, &word, span.clone(), chain.end) {
        return Meaning::Read(end);
    }
    if let Some(place) = mixed_field(judge, reading, &word, &span).filter(|_| !chain.called) {
        let path = judge.known.register(place.0).path.clone();
        claim_field(judge, reading, (&path, place), chain.end, span);
        return Meaning::Other;
    }
    if chain.called || !is_name(&word) || word.len() < 2 {
        return Meaning::Nothing;
    }
    if let Some((place, length)) = flag_with_bit(judge, &word) {
        let path = judge.known.register(place.0).path.clone();
        let own = span.start..span.start + length;
        claim_field(judge, reading, (&path, place), chain.end - INDEX_TOKENS, own);
        return Meaning::Other;
    }
    let said_register =
        reading.followed_by(chain.end, &["register"]) || reading.preceded_by(at, &["register"]);
    let opens = reading.tokens.get(chain.end).is_some_and(|token| token.is("("));
    let said_field = reading.followed_by(chain.end, &["field", "bit", "bits", "bitfield"])
        || opens && reading.followed_by(chain.end + 1, &["bit", "bits"])
        || reading.preceded_by(at, &["field", "bit"])
        || bits::bits_before(&reading.tokens, &span).is_some();
    let code = reading.is_code(&span);
    let clear = code || said_register || said_field || !ORDINARY.contains(&word.as_str());
    let field = judge
        .register
        .as_ref()
        .and_then(|register| Some((register.clone(), judge.known.field_of(register.at, &word)?)));
    let register = in_subject(judge, &word).or_else(|| only(judge.known.named(&word)));
    if let Some((named, place)) = field.filter(|_| clear && (said_field || register.is_none())) {
        claim_field(judge, reading, (&named.path, (named.at, place)), chain.end, span);
        return Meaning::Register(named, Some(place));
    }
    if let Some(named) = register.filter(|_| clear || in_subject(judge, &word).is_some()) {
        claim_register(reading, chain, 0, 0, &named);
        return Meaning::Register(named, None);
    }
    if let Some(place) = field_of_subject(judge, &word).filter(|_| clear) {
        let path = judge.known.register(place.0).path.clone();
        claim_field(judge, reading, (&path, place), chain.end, span);
        return Meaning::Other;
    }
    unknown_bare(judge, reading, chain, said_register)
}

/// `DIV_Mantissa`: in code font, spelled just as fields are that all have the same bits.
fn mixed_field(
    judge: &Judge<'_>,
    reading: &Reading<'_>,
    word: &str,
    span: &std::ops::Range<usize>,
) -> Option<(usize, usize)> {
    if !is_mixed(word) || !word.contains('_') || !reading.is_code(span) {
        return None;
    }
    let places = judge.known.fields_named(word);
    let bits = |place: &(usize, usize)| {
        let field = judge.known.field(*place);
        (field.name == word).then_some((field.lsb, field.width))
    };
    let first = places.first()?;
    let same = places.iter().all(|place| bits(place).is_some() && bits(place) == bits(first));
    same.then_some(*first)
}

/// `[16]`.
const INDEX_TOKENS: usize = 3;

/// `HSEON[16]`: a field of one bit in the register in question, with the bit's number; and the
/// length of its name.
fn flag_with_bit(judge: &Judge<'_>, word: &str) -> Option<((usize, usize), usize)> {
    let (name, _) = word.split_once('[').filter(|(_, index)| *index != "0]")?;
    let register = judge.register.as_ref()?;
    let place = (register.at, judge.known.field_of(register.at, name)?);
    (judge.known.field(place).width == 1).then_some((place, name.len()))
}

/// Says that a field of the register at `path` is there, and judges what follows it.
fn claim_field(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    (path, place): (&str, (usize, usize)),
    end: usize,
    span: std::ops::Range<usize>,
) {
    let known = judge.known.field(place);
    let why = format!("{path}.{}{}", known.name, known.bits());
    reading.mention(Of::Field(place), span.clone());
    reading.claim(ClaimKind::Field, span.clone(), Judged::ok(why));
    bits::after_field(judge, reading, place, end, span);
}

/// A word that is said to be a register, and is none.
fn unknown_bare(
    judge: &Judge<'_>,
    reading: &mut Reading<'_>,
    chain: &Chain,
    said_register: bool,
) -> Meaning {
    let word = &chain.parts[0];
    let span = chain.spans[0].clone();
    let several = !judge.known.named(word).is_empty() || !judge.known.fields_named(word).is_empty();
    let is_other = several
        || judge.known.has_symbol(word)
        || judge.known.family(word).is_some()
        || ORDINARY.contains(&word.as_str());
    if !said_register || is_other {
        return Meaning::Nothing;
    }
    if OF_THE_CORE.contains(&word.as_str()) {
        reading.claim(ClaimKind::Register, span, Judged::unknown(CORE_WHY));
        return Meaning::Other;
    }
    // `RCC_APB3ENR` is said of RCC, whatever was spoken of before.
    let stem = word.trim_end_matches('_');
    let prefixed = stem.match_indices('_').rev().find_map(|(at, _)| {
        judge.known.peripheral(&stem[..at]).map(|peripheral| (peripheral, &stem[at + 1..]))
    });
    let of_subject = || Some((judge.subjects().next()?, word.as_str()));
    let owned = prefixed.or_else(of_subject).filter(|_| judge.known.has_chip());
    let Some((peripheral, name)) = owned else {
        let why = "no register of this name is known";
        reading.claim(ClaimKind::Register, span, Judged::unknown(why));
        return Meaning::Other;
    };
    let own = judge.known.catalog.peripherals[peripheral].name;
    let judged = match judge.known.nearest_register(peripheral, name) {
        Some(expected) => Judged::wrong(format!("{own} has no register {name}"), Some(expected)),
        None => Judged::unknown(format!("no register of this name in {own}, nor elsewhere")),
    };
    reading.claim(ClaimKind::Register, span, judged);
    Meaning::Other
}

/// `Baud115200`: a name of a value in the field in question, or of one field alone.
fn bare_enum(judge: &mut Judge<'_>, reading: &mut Reading<'_>, chain: &Chain) -> Option<Meaning> {
    let word = &chain.parts[0];
    let distinct =
        word.len() >= 4 && (is_mixed(word) || word.contains(|c: char| c.is_ascii_digit()));
    if !distinct {
        return None;
    }
    let places = judge.known.enums_named(word);
    let here = judge
        .register
        .as_ref()
        .and_then(|register| places.iter().find(|place| place.0 == register.at));
    let subjects: Vec<usize> = judge.subjects().collect();
    let near = || {
        let of =
            |place: &&(usize, usize)| subjects.contains(&judge.known.register(place.0).peripheral);
        places.iter().find(of)
    };
    let digits = word.contains(|c: char| c.is_ascii_digit());
    if let Some(&place) = here.or_else(near).or(places.first().filter(|_| digits)) {
        let value = judge.known.enum_of(place, word)?;
        let field = judge.known.field(place);
        let number = value.value.map_or(String::new(), |value| format!(" = {value:#010x}"));
        let why = format!("{}.{}: {word}{number}", judge.known.register(place.0).path, field.name);
        reading.claim(ClaimKind::Enum, chain.spans[0].clone(), Judged::ok(why));
        return Some(Meaning::Enum(place, 0));
    }
    wrong_enum(judge, reading, chain)
}

/// `Baud115201`: spelled as the values of the field in question are, and none of them.
fn wrong_enum(judge: &Judge<'_>, reading: &mut Reading<'_>, chain: &Chain) -> Option<Meaning> {
    let word = &chain.parts[0];
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if letters.len() < 3 || letters.len() == word.len() || !is_mixed(letters) {
        return None;
    }
    let register = judge.register.as_ref()?;
    let fields = &judge.known.register(register.at).fields;
    let alike: Vec<&str> = fields
        .iter()
        .flat_map(|field| field.enums())
        .map(|value| value.name)
        .filter(|name| name.trim_end_matches(|c: char| c.is_ascii_digit()) == letters)
        .collect();
    if alike.len() < 3 {
        return None;
    }
    let expected = words::nearest(word, alike.into_iter()).map(str::to_owned);
    let why = format!("{} has no value {word}", register.path);
    reading.claim(ClaimKind::Enum, chain.spans[0].clone(), Judged::wrong(why, expected));
    Some(Meaning::Other)
}

fn field_of_subject(judge: &Judge<'_>, name: &str) -> Option<(usize, usize)> {
    let places = judge.known.fields_named(name);
    let of = |subject: usize| {
        let here = |place: &&(usize, usize)| judge.known.register(place.0).peripheral == subject;
        places.iter().find(here).copied()
    };
    judge.subjects().find_map(of)
}

/// Capitals and small letters in one word.
fn is_mixed(word: &str) -> bool {
    let lower = word.contains(|c: char| c.is_ascii_lowercase());
    lower && word.contains(|c: char| c.is_ascii_uppercase())
}
