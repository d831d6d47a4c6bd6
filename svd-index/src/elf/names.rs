//! Names as people type them against names as the ELF has them.

/// How many slips [`suggest`] offers.
const MAX_SUGGESTIONS: usize = 5;

/// Below this Jaro-Winkler similarity a name is another name, not a slip.
const SIMILAR: f64 = 0.84;

/// Whether `name` is what `query` means: as it stands, without its parameters, or without its
/// leading path.
pub(crate) fn is_equal(name: &str, query: &str) -> bool {
    spellings(name).any(|spelling| spelling == query)
}

/// How near `name` is to what `query` means: 0 equal, 1 equal but for case, 2 at most a part.
/// All that fit a pattern are equal.
pub(crate) fn distance(name: &str, query: &str) -> u8 {
    let lower = query.to_lowercase();
    match () {
        () if query.contains(['*', '?']) || is_equal(name, query) => 0,
        () if spellings(name).any(|spelling| spelling.to_lowercase() == lower) => 1,
        () => 2,
    }
}

/// Finds items by name: equal, else equal but for case, else containing `query`.
///
/// `*` and `?` are wildcards over a whole name, case not minded.
pub(crate) fn find<'a, T, I>(
    query: &str,
    items: impl Fn() -> I,
    names: impl Fn(&T) -> [&'a str; 2],
) -> Vec<T>
where
    I: Iterator<Item = T>,
{
    let matching = |matches: &dyn Fn(&str) -> bool| -> Vec<T> {
        items().filter(|item| names(item).into_iter().any(matches)).collect()
    };
    if query.is_empty() {
        return Vec::new();
    }
    let lower = query.to_lowercase();
    if query.contains(['*', '?']) {
        let pattern: Vec<char> = lower.chars().collect();
        return matching(&|name| spellings(name).any(|s| wildcard(&pattern, &s.to_lowercase())));
    }
    let equal = matching(&|name| is_equal(name, query));
    if !equal.is_empty() {
        return equal;
    }
    let same_letters = matching(&|name| spellings(name).any(|s| s.to_lowercase() == lower));
    if !same_letters.is_empty() {
        return same_letters;
    }
    matching(&|name| name.to_lowercase().contains(&lower))
}

/// The names nearest to `name`, best first, each once.
pub(crate) fn suggest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lower = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .map(|known| (strsim::jaro_winkler(&lower, &last_part(known).to_lowercase()), known))
        .filter(|&(score, _)| score >= SIMILAR)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by_key(|&mut (_, known)| known);
    scored.into_iter().take(MAX_SUGGESTIONS).map(|(_, known)| known.to_owned()).collect()
}

/// The name itself, then without parameters, then without its path.
fn spellings(name: &str) -> impl Iterator<Item = &str> {
    let bare = without_parameters(name);
    let last = last_part(name);
    [Some(name), (bare != name).then_some(bare), (last != bare).then_some(last)]
        .into_iter()
        .flatten()
}

fn without_parameters(name: &str) -> &str {
    match name.find('(') {
        Some(open) if open > 0 => &name[..open],
        _ => name,
    }
}

/// What follows the last `::` outside of `<>`.
fn last_part(name: &str) -> &str {
    let bare = without_parameters(name);
    let (mut depth, mut start) = (0usize, 0);
    for (at, letter) in bare.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => start = at + 1,
            _ => {}
        }
    }
    &bare[start..]
}

/// Greedy match with one step back: `*` any run, `?` one character.
fn wildcard(pattern: &[char], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&letter) if letter == '?' || letter == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((star_p, star_n)) = star else { return false };
                p = star_p + 1;
                n = star_n + 1;
                star = Some((star_p, n));
            }
        }
    }
    pattern[p..].iter().all(|&letter| letter == '*')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const NAMES: &[&str] = &[
        "main",
        "uart_init",
        "Uart::init(unsigned int)",
        "core::fmt::Formatter<'_>::pad",
        "MAIN_LOOP",
    ];

    fn check(query: &str, expected: &[&str]) {
        let found = find(query, || NAMES.iter().copied(), |&name| [name, name]);
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn finds_what_people_type() {
        check("main", &["main"]);
        check("MAIN", &["main"]);
        check("Uart::init", &["Uart::init(unsigned int)"]);
        check("init", &["Uart::init(unsigned int)"]);
        check("uart::INIT", &["Uart::init(unsigned int)"]);
        check("pad", &["core::fmt::Formatter<'_>::pad"]);
        check("main*", &["main", "MAIN_LOOP"]);
        check("uart?init*", &["uart_init"]);
        check("uart", &["uart_init", "Uart::init(unsigned int)"]);
        check("nothing", &[]);
        check("", &[]);
    }

    #[test]
    fn suggests_near_names_only() {
        assert_eq!(suggest("uart_int", NAMES.iter().copied()), ["uart_init"]);
        assert!(suggest("zzzz", NAMES.iter().copied()).is_empty());
    }
}
