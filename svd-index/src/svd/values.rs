//! Numbers as SVD writes them.
//!
//! Source: CMSIS-SVD schema 1.3.10, types `scaledNonNegativeInteger` and
//! `enumeratedValueDataType`.

/// Reads `42`, `0x2A`, `0X2a`, `#101010`, `0b101010`, with the schema's scale letter
/// (`4k`, `1M`) on decimal and hexadecimal numbers.
pub(super) fn number(text: &str) -> Option<u64> {
    plain(text.as_bytes()).or_else(|| any_number(text))
}

/// Reads decimal digits, few enough to fit, as most numbers are written.
fn plain(digits: &[u8]) -> Option<u64> {
    if !(1..=19).contains(&digits.len()) {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| 10 * number + u64::from(digit - b'0'))
    })
}

fn any_number(text: &str) -> Option<u64> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Some((value, mask)) = binary(text) {
        return (mask == u64::MAX).then_some(value);
    }
    let (text, scale) = match text.char_indices().next_back()? {
        (end, 'k' | 'K') => (&text[..end], 1 << 10),
        (end, 'm' | 'M') => (&text[..end], 1 << 20),
        (end, 'g' | 'G') => (&text[..end], 1 << 30),
        (end, 't' | 'T') => (&text[..end], 1 << 40),
        _ => (text, 1_u64),
    };
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let value = match hexadecimal {
        Some(digits) => digits_of(digits, 16)?,
        None => digits_of(text, 10)?,
    };
    value.checked_mul(scale)
}

/// As [`number`], for what must fit 32 bits.
pub(super) fn number_u32(text: &str) -> Option<u32> {
    number(text)?.try_into().ok()
}

/// Reads an enumerated value: a number, or a binary one with `x` for bits that do not matter.
/// Gives the value and the bits that do.
pub(super) fn masked_number(text: &str) -> Option<(u64, u64)> {
    let text = text.trim();
    binary(text).or_else(|| number(text).map(|value| (value, u64::MAX)))
}

/// Reads `true`, `false`, `1`, `0`, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        "1" => Some(true),
        "0" => Some(false),
        word if word.eq_ignore_ascii_case("true") => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Reads `[7:4]`, also without brackets or with blanks: highest bit, lowest bit.
pub(super) fn bit_range(text: &str) -> Option<(u32, u32)> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let (msb, lsb) = inner.split_once(':')?;
    Some((number_u32(msb)?, number_u32(lsb)?))
}

fn binary(text: &str) -> Option<(u64, u64)> {
    let digits = text
        .strip_prefix('#')
        .or_else(|| text.strip_prefix("0b"))
        .or_else(|| text.strip_prefix("0B"))?;
    let significant = digits.trim_start_matches('0');
    if digits.is_empty() || significant.len() > 64 {
        return None;
    }
    let (mut value, mut mask) = (0_u64, u64::MAX);
    for digit in significant.bytes() {
        value <<= 1;
        mask = mask << 1 | 1;
        match digit {
            b'0' => {}
            b'1' => value |= 1,
            b'x' | b'X' => mask &= !1,
            _ => return None,
        }
    }
    Some((value, mask))
}

fn digits_of(text: &str, radix: u32) -> Option<u64> {
    let starts_well = text.bytes().next()?.is_ascii_hexdigit();
    starts_well.then(|| u64::from_str_radix(text, radix).ok())?
}
