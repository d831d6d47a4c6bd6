//! Which of several findings goes into `silk.toml`.

use super::{Finding, Key, Strength};

/// Marks what is chosen for each key. `findings` come in order of precedence.
///
/// What was given is taken, all of it. Otherwise there is one at most. The first that somebody named wins. Otherwise a file that was found is taken if it is the only
/// one of its kind, where findings with the same reason are of one kind and the first kind counts.
pub(super) fn choose(findings: &mut [Finding]) {
    for key in Key::ALL {
        let mut given = false;
        for finding in findings.iter_mut().filter(|finding| finding.key == key) {
            finding.chosen = finding.strength == Strength::Given;
            given |= finding.chosen;
        }
        if !given && let Some(position) = choice(findings, key) {
            findings[position].chosen = true;
        }
    }
}

fn choice(findings: &[Finding], key: Key) -> Option<usize> {
    let of = |strength| {
        let all = findings.iter().enumerate();
        all.filter(move |(_, finding)| finding.key == key && finding.strength == strength)
    };
    if let Some((named, _)) = of(Strength::Named).next() {
        return Some(named);
    }
    let (first, kind) = of(Strength::Found).next()?;
    let is_only = of(Strength::Found).filter(|(_, finding)| finding.why == kind.why).count() == 1;
    is_only.then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(findings: &[(Strength, &str, &str)]) -> Vec<String> {
        let mut findings: Vec<Finding> = findings
            .iter()
            .map(|(strength, value, why)| Finding {
                key: Key::Elf,
                value: (*value).to_owned(),
                file: None,
                line: None,
                strength: *strength,
                why: (*why).to_owned(),
                chosen: false,
            })
            .collect();
        choose(&mut findings);
        findings.into_iter().filter(|finding| finding.chosen).map(|finding| finding.value).collect()
    }

    #[test]
    fn given_before_named_before_the_only_one() {
        use Strength::{Found, Given, Hint, Named};
        type Row = (Strength, &'static str, &'static str);
        let cases: &[(&[Row], &[&str])] = &[
            (&[(Given, "a", "x"), (Given, "b", "x"), (Named, "c", "")], &["a", "b"]),
            (&[(Found, "a", "x"), (Named, "b", ""), (Named, "c", "")], &["b"]),
            (&[(Found, "a", "x"), (Found, "b", "y")], &["a"]),
            (&[(Found, "a", "x"), (Found, "b", "x"), (Found, "c", "y")], &[]),
            (&[(Hint, "a", "")], &[]),
            (&[], &[]),
        ];
        for (findings, expected) in cases {
            assert_eq!(chosen(findings), *expected, "{findings:?}");
        }
    }
}
