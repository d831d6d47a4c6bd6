//! Words of questions, names and descriptions, made comparable; and the numbers in them.

/// Words that say nothing about which register is meant.
const STOP: &[&str] = &[
    "a", "about", "after", "again", "all", "also", "although", "always", "am", "an", "and", "any",
    "are", "as", "at", "be", "because", "been", "before", "being", "both", "but", "by", "can",
    "cannot", "code", "could", "did", "do", "does", "done", "each", "else", "etc", "ever", "every",
    "fine", "for", "from", "get", "gets", "give", "go", "had", "has", "have", "how", "i", "if",
    "in", "into", "is", "it", "its", "just", "like", "make", "may", "me", "must", "my", "never",
    "no", "not", "now", "of", "on", "one", "only", "or", "other", "our", "out", "over", "per",
    "problem", "really", "right", "same", "see", "seem", "set", "shall", "she", "should", "show",
    "so", "some", "such", "t", "than", "that", "the", "their", "them", "then", "there", "these",
    "they", "this", "those", "though", "to", "too", "until", "up", "us", "use", "used", "uses",
    "using", "very", "want", "was", "we", "well", "were", "what", "when", "where", "which",
    "while", "who", "why", "will", "with", "without", "work", "works", "would", "wrong", "yes",
    "you", "your",
];

/// Whether a word says nothing about which register is meant. `word` is lower-case.
pub(crate) fn is_stop(word: &str) -> bool {
    STOP.binary_search(&word).is_ok()
}

/// Cuts `text` into lower-case words: at everything that is no letter or digit, between a small
/// and a capital letter, and before the last capital of several (`DMAEn` is `dma`, `en`).
///
/// Digits stay with the letters before them (`usart2`, `pll1`).
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each(text, |word| words.push(word.to_owned()));
    words
}

/// The same, word by word, for texts too many to keep.
pub(crate) fn each(text: &str, mut found: impl FnMut(&str)) {
    if text.is_ascii() {
        return each_ascii(text.as_bytes(), found);
    }
    let mut word = String::new();
    let mut give = |word: &mut String| {
        if !word.is_empty() {
            found(word);
            word.clear();
        }
    };
    let mut previous = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let before_word = chars.peek().is_some_and(|next| next.is_lowercase() && *next != 's');
        let breaks = c.is_uppercase()
            && (previous.is_lowercase() || (previous.is_uppercase() && before_word));
        if breaks || !c.is_alphanumeric() {
            give(&mut word);
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        } else if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    give(&mut word);
}

/// [`each`] where a character is a byte, as in nearly all names and descriptions.
fn each_ascii(text: &[u8], mut found: impl FnMut(&str)) {
    let mut word = String::new();
    let mut previous = b' ';
    for (at, &byte) in text.iter().enumerate() {
        let before_word = || text.get(at + 1).is_some_and(|b| b.is_ascii_lowercase() && *b != b's');
        let breaks = byte.is_ascii_uppercase()
            && (previous.is_ascii_lowercase() || (previous.is_ascii_uppercase() && before_word()));
        if (breaks || !byte.is_ascii_alphanumeric()) && !word.is_empty() {
            found(&word);
            word.clear();
        }
        if byte.is_ascii_alphanumeric() {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        previous = byte;
    }
    if !word.is_empty() {
        found(&word);
    }
}

/// Cuts endings off, so that `samples`, `sampling` and `sampled` become one: a small stemmer for
/// English. Words with digits and short words stay as they are.
pub(crate) fn stem(word: &str) -> String {
    let plain = word.len() > 3 && word.bytes().all(|b| b.is_ascii_lowercase());
    if !plain {
        return word.to_owned();
    }
    let cut = ENDINGS.iter().find_map(|(ending, instead, least)| {
        let rest = word.strip_suffix(ending)?;
        (rest.len() >= *least).then(|| format!("{rest}{instead}"))
    });
    let stem = cut.unwrap_or_else(|| word.to_owned());
    // `stopped` and `stop`, `setting` and `set`.
    let bytes = stem.as_bytes();
    let doubled = stem.len() > 3 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
    let keeps = matches!(bytes[bytes.len() - 1], b'l' | b's' | b'e' | b'o');
    if doubled && !keeps && stem.len() < word.len() {
        return stem[..stem.len() - 1].to_owned();
    }
    stem
}

/// Ending, what stands for it, and how much must be left.
const ENDINGS: &[(&str, &str, usize)] = &[
    ("ations", "", 4),
    ("ation", "", 4),
    ("ings", "", 3),
    ("ing", "", 3),
    ("ions", "", 4),
    ("ion", "", 4),
    ("ies", "y", 2),
    ("ers", "", 4),
    ("er", "", 4),
    ("ed", "", 3),
    ("sses", "ss", 2),
    ("ses", "s", 3),
    ("xes", "x", 2),
    ("ches", "ch", 2),
    ("es", "", 3),
    ("ss", "ss", 1),
    ("us", "us", 1),
    ("is", "is", 1),
    ("s", "", 3),
    ("e", "", 3),
];

/// Whether `name` fits `pattern`, in which `*` stands for any run of characters and `?` for one.
/// ASCII case does not matter.
pub(crate) fn wildcard(pattern: &str, name: &str) -> bool {
    fn fits(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                fits(rest, name) || (!name.is_empty() && fits(pattern, &name[1..]))
            }
            (Some((b'?', pattern)), Some((_, name))) => fits(pattern, name),
            (Some((p, pattern)), Some((n, name))) => {
                p.eq_ignore_ascii_case(n) && fits(pattern, name)
            }
            _ => false,
        }
    }
    fits(pattern.as_bytes(), name.as_bytes())
}

/// The name spelled most like `name`, if any is clearly like it: at most one slip in four letters.
pub(crate) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let wanted = name.to_ascii_uppercase();
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let number = digits(&wanted);
    names
        .map(|known| (strsim::damerau_levenshtein(&wanted, &known.to_ascii_uppercase()), known))
        .filter(|(slips, known)| slips * 4 <= known.len().max(wanted.len()).max(4))
        // Of names equally near, the one with the same number: USART2EN for UART2EN.
        .min_by_key(|(slips, known)| (*slips, digits(known) != number, *known))
        .map(|(_, known)| known)
}

/// The name that `name` is a slip of: one letter away inside the word. Another number, another
/// first letter or another ending makes another name.
pub(crate) fn slip<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let near = nearest(name, names)?;
    let (a, b) = (name.to_ascii_uppercase(), near.to_ascii_uppercase());
    let slip = strsim::damerau_levenshtein(&a, &b) == 1;
    let grows = a.starts_with(&b) || b.starts_with(&a);
    let first = a.as_bytes().first() == b.as_bytes().first();
    let long = name.len() > 2 && digits(&a) == digits(&b);
    (slip && first && !grows && long).then_some(near)
}

/// The name in which one letter was doubled to make `name`: `UE` for `UEE`.
pub(crate) fn doubled<'n>(name: &str, mut names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let letters: Vec<char> = name.to_ascii_uppercase().chars().collect();
    let is_doubled = |at: &usize| letters[*at] == letters[at - 1] && letters[*at].is_alphabetic();
    let singled: Vec<String> = (1..letters.len())
        .filter(is_doubled)
        .map(|at| letters[..at].iter().chain(&letters[at + 1..]).collect())
        .collect();
    names.find(|known| known.len() > 1 && singled.contains(&known.to_ascii_uppercase()))
}

/// The numbers in a name or description, whatever stands around them: `Baud115200` has 115200,
/// `1M baud` has 1 and 1000000, `K250` has 250 and 250000.
pub(crate) fn numbers(text: &str) -> Vec<u64> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        let hex = bytes[at] == b'0' && bytes.get(at + 1).is_some_and(|b| matches!(b, b'x' | b'X'));
        if hex {
            at += 2;
        }
        while bytes
            .get(at)
            .is_some_and(|b| b.is_ascii_digit() || *b == b'_' || (hex && b.is_ascii_hexdigit()))
        {
            at += 1;
        }
        let Some(number) = parse_number(&text[start..at]) else { continue };
        found.push(number);
        if hex {
            continue;
        }
        let after = text[at..].trim_start().bytes().next().and_then(scale);
        let before = start.checked_sub(1).and_then(|before| scale(bytes[before]));
        if let Some(scaled) = after.or(before).and_then(|scale| number.checked_mul(scale)) {
            found.push(scaled);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn scale(letter: u8) -> Option<u64> {
    match letter {
        b'k' | b'K' => Some(1_000),
        b'M' => Some(1_000_000),
        _ => None,
    }
}

/// Reads `0x1C200`, `0x4000_2524`, `0b101`, `115200`, `115'200`; suffixes such as `u`, `UL` and
/// `u32` are passed over.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match (lower.strip_prefix("0x"), lower.strip_prefix("0b")) {
        (Some(hex), _) => (hex, 16),
        (_, Some(binary)) => (binary, 2),
        _ => (lower.as_str(), 10),
    };
    let end = digits
        .find(|c: char| !(c.is_digit(radix) || c == '_' || c == '\''))
        .unwrap_or(digits.len());
    let suffix = &digits[end..];
    if !matches!(suffix, "" | "u" | "ul" | "ull" | "l" | "ll" | "u8" | "u16" | "u32" | "u64") {
        return None;
    }
    let plain: String = digits[..end].chars().filter(|c| c.is_digit(radix)).collect();
    u64::from_str_radix(&plain, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_list_is_sorted() {
        assert!(STOP.is_sorted());
    }

    #[test]
    fn names_split_where_people_see_words() {
        let check = |text: &str, expected: &[&str]| assert_eq!(split(text), expected, "{text}");
        check("EVENTS_TXDRDY", &["events", "txdrdy"]);
        check("DIV_Mantissa", &["div", "mantissa"]);
        check("uart0().baudrate()", &["uart0", "baudrate"]);
        check("HardFault on DMAEn", &["hard", "fault", "on", "dma", "en"]);
        check("It's 115200 baud", &["it", "s", "115200", "baud"]);
        check("TIMs and ADCs", &["tims", "and", "adcs"]);
        check("µs of DMAEn", &["µs", "of", "dma", "en"]);
    }

    #[test]
    fn texts_of_bytes_split_like_any_other() {
        for text in ["EVENTS_TXDRDY", "DMAEn", "DMAs ADCx3", "a__B  Cd1", "USARTxCLKSource "] {
            let mut expected = split(text);
            expected.push("é".to_owned());
            assert_eq!(split(&format!("{text} é")), expected, "{text}");
        }
    }

    #[test]
    fn forms_of_a_word_have_one_stem() {
        let check = |forms: &[&str]| {
            let stems: Vec<String> = forms.iter().map(|form| stem(form)).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{forms:?}: {stems:?}");
        };
        check(&["sample", "samples", "sampled", "sampling"]);
        check(&["stop", "stops", "stopped", "stopping"]);
        check(&["interrupt", "interrupts", "interrupted"]);
        check(&["erase", "erases", "erasing", "erased"]);
        check(&["enable", "enabled", "enabling"]);
        check(&["divider", "divide", "divided"]);
    }

    #[test]
    fn numbers_carry_their_unit() {
        assert_eq!(numbers("Baud115200"), [115_200]);
        assert_eq!(numbers("1M baud."), [1, 1_000_000]);
        assert_eq!(numbers("K250"), [250, 250_000]);
        assert_eq!(numbers("115200 baud."), [115_200]);
        assert_eq!(numbers("holds 0x1C200"), [0x1c200]);
        assert_eq!(numbers("none"), [] as [u64; 0]);
    }

    #[test]
    fn wildcards_cover_whole_names() {
        assert!(wildcard("UART?", "uart0"));
        assert!(wildcard("*ART*", "UART0"));
        assert!(!wildcard("UART", "UART0"));
        assert!(wildcard("**", ""));
    }
}
