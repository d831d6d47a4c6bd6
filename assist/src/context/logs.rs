//! Which lines of a board's log are worth sending: those that tell of trouble or of what is asked,
//! then the last ones.

use std::collections::HashSet;

use bundle::LogRecord;

use super::question::Question;
use crate::words;

/// Words that a line about trouble has, as stems.
const TROUBLE: &[&str] = &[
    "abort",
    "assert",
    "bad",
    "brownout",
    "corrupt",
    "crash",
    "err",
    "error",
    "except",
    "fail",
    "failur",
    "fatal",
    "fault",
    "hardfault",
    "invalid",
    "lost",
    "nack",
    "overflow",
    "overrun",
    "panic",
    "reset",
    "stuck",
    "timeout",
    "unhandl",
    "warn",
    "watchdog",
    "wrong",
];

/// Lines that are looked at, from the end of a log.
const LOOKED_AT: usize = 2000;

/// The lines of a log with their places, the most worth first: of lines worth the same, the last. What
/// was said several times comes once, where it was said last.
pub(super) fn by_worth<'l>(
    records: &'l [LogRecord],
    question: &Question,
) -> Vec<(usize, &'l LogRecord)> {
    let mut said = HashSet::new();
    let latest = records.iter().enumerate().rev().take(LOOKED_AT);
    let mut lines: Vec<(usize, &LogRecord)> =
        latest.filter(|(_, record)| said.insert(record.text.as_str())).collect();
    // The sort is stable, so what is later stays before what is earlier.
    lines.sort_by_cached_key(|(_, record)| std::cmp::Reverse(worth(&record.text, question)));
    lines
}

/// 2 for trouble, 1 for what is asked, both together 3.
fn worth(line: &str, question: &Question) -> u8 {
    /// What is behind this many characters is not shown either.
    const MOST_CHARS: usize = 160;
    let start: String = line.chars().take(MOST_CHARS).collect();
    let stems: Vec<String> = words::split(&start).iter().map(|word| words::stem(word)).collect();
    let is_trouble = stems.iter().any(|stem| TROUBLE.contains(&stem.as_str()));
    let is_asked = stems.iter().any(|stem| question.says(stem));
    u8::from(is_trouble) * 2 + u8::from(is_asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_trouble_are_stems_in_order() {
        assert!(TROUBLE.is_sorted());
        for word in TROUBLE {
            assert_eq!(words::stem(word), *word);
        }
    }

    #[test]
    fn trouble_comes_first_then_what_is_asked_then_the_last() {
        let lines = ["boot", "i2c: NACK from 0x48", "tick 1", "display ready", "tick 2", "boot"];
        let record = |text: &&str| LogRecord::plain(0, *text);
        let records: Vec<LogRecord> = lines.iter().map(record).collect();
        let question = Question::understand("the display stays dark", None, &[]);
        let order: Vec<usize> = by_worth(&records, &question).iter().map(|(at, _)| *at).collect();
        assert_eq!(order, [1, 3, 5, 4, 2]);
    }
}
