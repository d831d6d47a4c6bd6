//! Finds a byte a few bytes away, where calling a vectorised search takes longer than searching.
//!
//! Eight bytes are looked at as one number. Of a number, `x - 0x01…01 & !x & 0x80…80` has the
//! high bit of its lowest zero byte set and of none below, so the lowest match is always right;
//! bits above it may be wrong and are not looked at.

const EACH: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = EACH << 7;

/// Past this many bytes the vectorised search has caught up.
const FAR: usize = 128;

/// Position of the first `<`.
pub(super) fn open_angle(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = word(bytes, at) {
        let found = equal(word, b'<');
        if found != 0 {
            return Some(at + position(found));
        }
        at += 8;
        if at >= FAR {
            break;
        }
    }
    memchr::memchr(b'<', &bytes[at..]).map(|len| at + len)
}

/// A text up to the next `<`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    pub(super) len: usize,
    /// It holds an `&`.
    pub(super) has_reference: bool,
    /// It holds a line break or a tab.
    pub(super) has_break: bool,
}

/// The text before the first `<`; `None` if there is none.
pub(super) fn text_run(bytes: &[u8]) -> Option<Run> {
    let (mut references, mut breaks) = (0, 0);
    let mut at = 0;
    while let Some(word) = word(bytes, at) {
        let found = equal(word, b'<');
        let before = below(found);
        references |= equal(word, b'&') & before;
        breaks |= less(word, b' ') & before;
        if found != 0 {
            return Some(Run {
                len: at + position(found),
                has_reference: references != 0,
                has_break: breaks != 0,
            });
        }
        at += 8;
    }
    let len = bytes[at..].iter().position(|&byte| byte == b'<')?;
    let rest = &bytes[at..at + len];
    Some(Run {
        len: at + len,
        has_reference: references != 0 || rest.contains(&b'&'),
        has_break: breaks != 0 || rest.iter().any(|&byte| byte < b' '),
    })
}

/// Length of what stands before the first `>`, if that is a name without prefix and no more.
pub(super) fn plain_name(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = word(bytes, at) {
        let found = equal(word, b'>');
        // Blanks, quotes and `/` are below `0`, and so are `-` and `.`, which no SVD element has.
        let others = less(word, b'0') | equal(word, b':') | equal(word, b'<');
        if others & below(found) != 0 {
            return None;
        }
        if found != 0 {
            return Some(at + position(found)).filter(|&len| len > 0);
        }
        at += 8;
    }
    None
}

/// Number of line breaks.
pub(super) fn line_breaks(bytes: &[u8]) -> usize {
    if bytes.len() > FAR {
        return memchr::memchr_iter(b'\n', bytes).count();
    }
    let (words, rest) = bytes.as_chunks::<8>();
    let in_words: u64 = words
        .iter()
        .map(|&word| {
            let word = u64::from_le_bytes(word) ^ (EACH * u64::from(b'\n'));
            // Exact for each byte: nothing is carried from one to the next.
            let other = ((word & !HIGH) + !HIGH) | word;
            let breaks = (!other & HIGH) >> 7;
            breaks.wrapping_mul(EACH) >> 56
        })
        .sum();
    in_words as usize + rest.iter().filter(|&&byte| byte == b'\n').count()
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let (word, _) = bytes.get(at..)?.split_first_chunk::<8>()?;
    Some(u64::from_le_bytes(*word))
}

fn equal(word: u64, byte: u8) -> u64 {
    less(word ^ (EACH * u64::from(byte)), 1)
}

/// The high bit of the lowest byte that is less than `limit`, of none below, and of some above.
fn less(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(EACH * u64::from(limit)) & !word & HIGH
}

/// All bits below the lowest one.
fn below(found: u64) -> u64 {
    !found & found.wrapping_sub(1)
}

fn position(found: u64) -> usize {
    (found.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::{Run, line_breaks, open_angle, plain_name, text_run};

    /// Every text of up to three runs of telling bytes, at all places in a word and across two.
    fn texts() -> Vec<Vec<u8>> {
        const TELLING: &[u8] = b"<>&\n\t /:\"'-.0;=?az\x7f\x80\xbc\xff\0\x01\x1f";
        let mut texts = Vec::new();
        for &a in TELLING {
            for &b in TELLING {
                for before in [0, 1, 6, 7, 8, 9, 15] {
                    for between in [0, 1, 7] {
                        let mut text = vec![b'x'; before];
                        text.push(a);
                        text.extend(vec![b'y'; between]);
                        text.push(b);
                        texts.push(text.clone());
                        text.extend_from_slice(b"zzzzzzzz<tail>");
                        texts.push(text);
                    }
                }
            }
        }
        texts.push(vec![b'\n'; 300]);
        texts.push(Vec::new());
        texts
    }

    #[test]
    fn words_give_what_bytes_give() {
        for text in texts() {
            let angle = text.iter().position(|&byte| byte == b'<');
            assert_eq!(open_angle(&text), angle, "{text:?}");

            let run = text_run(&text);
            assert_eq!(run.map(|run| run.len), angle, "{text:?}");
            if let Some(Run { len, has_reference, has_break }) = run {
                let before = &text[..len];
                assert_eq!(has_reference, before.contains(&b'&'), "{text:?}");
                assert_eq!(has_break, before.iter().any(|&byte| byte < b' '), "{text:?}");
            }

            let breaks = text.iter().filter(|&&byte| byte == b'\n').count();
            assert_eq!(line_breaks(&text), breaks, "{text:?}");
        }
    }

    #[test]
    fn a_plain_name_is_never_too_long() {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
        for text in texts() {
            let Some(len) = plain_name(&text) else { continue };
            assert_eq!(text[len], b'>', "{text:?}");
            let odd = |byte: &u8| !is_name(byte) && !b";=?\x7f".contains(byte);
            assert!(!text[..len].iter().any(odd), "{text:?}");
        }
        assert_eq!(plain_name(b"addressOffset>0x00</a"), Some(13));
        assert_eq!(plain_name(b">12345678"), None);
        assert_eq!(plain_name(b"register derivedFrom=\"A\">"), None);
    }
}
