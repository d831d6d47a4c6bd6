//! Which names a rule is for.
//!
//! Source: svdtools README, "Name Matching"; braces as its globs have them.

/// A rule's left side: names with `*`, `?`, `[ABC]`, `[A-C]`, `[!A]`, `{A,B}`, separated by commas.
pub(super) struct Spec<'s> {
    text: &'s str,
    patterns: Vec<String>,
    /// Begins with `?~`: it need not be for anything.
    pub(super) is_optional: bool,
}

impl<'s> Spec<'s> {
    pub(super) fn new(text: &'s str) -> Self {
        let is_optional = text.starts_with("?~");
        let text = text.strip_prefix("?~").unwrap_or(text);
        let patterns = match text.contains('{') {
            true => unfold(text),
            false => text.split(',').map(str::to_owned).collect(),
        };
        Self { text, patterns, is_optional }
    }

    /// Without the mark that it is optional.
    pub(super) fn text(&self) -> &'s str {
        self.text
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern.as_bytes(), name.as_bytes()))
    }
}

/// Most names that braces unfold to; what is more is not matched.
const MAX_UNFOLDED: usize = 4096;

/// `A{1,2}` as `A1` and `A2`. Braces in braces are not unfolded.
fn unfold(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((choices, after)) = after.split_once('}') else { break };
        let choices: Vec<&str> = choices.split(',').collect();
        all = all
            .iter()
            .flat_map(|start| choices.iter().map(move |one| format!("{start}{before}{one}")))
            .take(MAX_UNFOLDED)
            .collect();
        rest = after;
    }
    all.iter_mut().for_each(|one| one.push_str(rest));
    all
}

/// Walks both at once; at a mismatch the last `*` takes one byte more.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, n));
            p += 1;
            continue;
        }
        if n == name.len() && p == pattern.len() {
            return true;
        }
        let step = (n < name.len()).then(|| one(&pattern[p..], name[n])).flatten();
        if let Some(step) = step {
            (p, n) = (p + step, n + 1);
            continue;
        }
        match star {
            Some((place, taken)) if taken < name.len() => {
                star = Some((place, taken + 1));
                (p, n) = (place + 1, taken + 1);
            }
            _ => return false,
        }
    }
}

/// How many bytes of `pattern` match `byte`.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => {
            let Some(end) = pattern.iter().skip(2).position(|c| *c == b']').map(|at| at + 2) else {
                return (byte == b'[').then_some(1);
            };
            let (set, is_not) = match pattern[1] {
                b'!' | b'^' => (&pattern[2..end], true),
                _ => (&pattern[1..end], false),
            };
            (in_set(set, byte) != is_not).then_some(end + 1)
        }
        b'\\' if pattern.len() > 1 => (pattern[1] == byte).then_some(2),
        literal => (literal == byte).then_some(1),
    }
}

fn in_set(set: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < set.len() {
        if at + 2 < set.len() && set[at + 1] == b'-' {
            if (set[at]..=set[at + 2]).contains(&byte) {
                return true;
            }
            at += 3;
        } else if set[at] == byte {
            return true;
        } else {
            at += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_globs_in_a_list() {
        let cases = [
            ("USART2", "USART2", true),
            ("USART2", "USART21", false),
            ("USART2", "usart2", false),
            ("TIM2,TIM3", "TIM3", true),
            ("TIM2,TIM3", "TIM4", false),
            ("GPIO*", "GPIO", true),
            ("GPIO*", "GPIOAB", true),
            ("*_CR*", "TIM_CR1", true),
            ("*_CR", "TIM_CR1", false),
            ("CCR?", "CCR1", true),
            ("CCR?", "CCR", false),
            ("CCR%s", "CCR%s", true),
            ("GPIO[A-C]", "GPIOB", true),
            ("GPIO[A-C]", "GPIOD", false),
            ("GPIO[!A-C]", "GPIOD", true),
            ("TIM[18],TIM20", "TIM8", true),
            ("TIM[18],TIM20", "TIM20", true),
            ("TIM[18],TIM20", "TIM2", false),
            ("A{1,2}B{X,Y}", "A2BX", true),
            ("A{1,2}B{X,Y}", "A3BX", false),
            ("?~TIM9", "TIM9", true),
            ("[", "[", true),
            ("***", "ANY", true),
            ("", "", true),
            ("A*B*C", "AxxBxBxC", true),
        ];
        for (spec, name, expected) in cases {
            assert_eq!(Spec::new(spec).matches(name), expected, "{spec} and {name}");
        }
        assert!(Spec::new("?~X").is_optional);
    }
}
