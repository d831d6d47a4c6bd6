//! Expectations on what firmware says: on decoded records, not only on text.

use std::time::Duration;

use bundle::{LogRecord, LogValue};
use hil::Said;
use serde::{Deserialize, Serialize};

use super::config::duration;
use crate::exit::{Exit, Failure};

/// One expectation. All that it names has to hold of one record.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Expectation {
    /// `defmt`, `rtt:0`, `uart0`, `semihosting`; any if left out.
    pub(super) channel: Option<String>,
    /// A part of the text.
    pub(super) message: Option<String>,
    /// A regular expression on the text.
    pub(super) regex: Option<String>,
    /// The level, or with `forbid` this one and above.
    pub(super) level: Option<String>,
    /// The module or one that holds it.
    pub(super) module: Option<String>,
    /// The statement's format string.
    pub(super) format: Option<String>,
    /// The statement's arguments, from the first.
    pub(super) args: Vec<LogValue>,
    /// The record has to come within this from the start of the run.
    #[serde(with = "duration")]
    pub(super) within: Option<Duration>,
    /// So many records, no more and no less; at least one if left out.
    pub(super) count: Option<usize>,
    /// No such record may come.
    pub(super) forbid: bool,
    /// It may come before the expectations above it.
    pub(super) unordered: bool,
}

/// Expectations, and how far each has come.
pub(super) struct Watch {
    expectations: Vec<(Expectation, Option<regex::Regex>, usize)>,
    /// A forbidden record.
    pub(super) violation: Option<String>,
}

const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

impl Watch {
    /// # Errors
    /// A regular expression or a level that is none.
    pub(super) fn new(test: &str, expectations: &[Expectation]) -> Result<Self, Failure> {
        let wrong = |what: String| {
            Failure::new(Exit::Usage, format!("an expectation of test `{test}` cannot be read"))
                .detail(what)
        };
        let mut prepared = Vec::new();
        for expectation in expectations {
            let pattern = expectation.regex.as_deref().map(regex::Regex::new);
            let pattern = pattern.transpose().map_err(|error| wrong(error.to_string()))?;
            if let Some(level) = &expectation.level
                && !LEVELS.contains(&level.as_str())
            {
                return Err(wrong(format!(
                    "`{level}` is no level; there are {}",
                    LEVELS.join(", ")
                )));
            }
            prepared.push((expectation.clone(), pattern, 0));
        }
        Ok(Self { expectations: prepared, violation: None })
    }

    /// Takes a record. `false`: nothing more needs to come.
    pub(super) fn hear(&mut self, said: &Said) -> bool {
        let mut earlier_open = false;
        for (expectation, pattern, seen) in &mut self.expectations {
            let matches = expectation.matches(said, pattern.as_ref());
            if expectation.forbid {
                if matches && self.violation.is_none() {
                    self.violation = Some(format!("forbidden: `{}`", said.record.text));
                }
                continue;
            }
            let open = *seen == 0;
            if matches && (expectation.unordered || !earlier_open) {
                *seen += 1;
                // One record serves one expectation that was still open.
                if open && !expectation.unordered {
                    earlier_open = true;
                    continue;
                }
            }
            earlier_open |= *seen == 0;
        }
        self.is_undecided()
    }

    /// Whether the records so far decide nothing, so that a run cut off here has no verdict.
    pub(super) fn is_undecided(&self) -> bool {
        self.violation.is_none() && !self.is_settled()
    }

    /// True once later records can change nothing.
    fn is_settled(&self) -> bool {
        self.expectations.iter().all(|(expectation, _, seen)| {
            !expectation.forbid && expectation.count.is_none() && *seen > 0
        })
    }

    /// What is wrong at the end of the run.
    pub(super) fn complaint(&self) -> Option<String> {
        self.violation.clone().or_else(|| {
            self.expectations.iter().find_map(|(expectation, _, seen)| {
                let wanted = match (expectation.forbid, expectation.count) {
                    (true, _) => return None,
                    (false, Some(count)) if *seen == count => return None,
                    (false, None) if *seen > 0 => return None,
                    (false, Some(count)) => format!("{count} times, came {seen} times"),
                    (false, None) => "did not come".to_owned(),
                };
                Some(format!("expected {}: {wanted}", expectation.describe()))
            })
        })
    }
}

impl Expectation {
    fn matches(&self, said: &Said, pattern: Option<&regex::Regex>) -> bool {
        let record = &said.record;
        let in_time = self.within.is_none_or(|limit| u128::from(record.at_ms) <= limit.as_millis());
        in_time
            && self.channel.as_ref().is_none_or(|channel| *channel == said.channel)
            && self.message.as_ref().is_none_or(|part| record.text.contains(part.as_str()))
            && pattern.is_none_or(|pattern| pattern.is_match(&record.text))
            && self.level.as_ref().is_none_or(|level| self.is_level(level, record))
            && self.module.as_ref().is_none_or(|module| is_within(module, record.module()))
            && self.matches_statement(record)
    }

    fn is_level(&self, wanted: &str, record: &LogRecord) -> bool {
        let rank = |level: &str| LEVELS.iter().position(|known| *known == level);
        let Some(level) = record.level() else { return false };
        match self.forbid {
            true => rank(level) >= rank(wanted),
            false => level == wanted,
        }
    }

    fn matches_statement(&self, record: &LogRecord) -> bool {
        if self.format.is_none() && self.args.is_empty() {
            return true;
        }
        record.detail.as_ref().is_some_and(|detail| {
            self.format.as_ref().is_none_or(|format| detail.format.as_deref() == Some(format))
                && detail.args.starts_with(&self.args)
        })
    }

    /// What it asks for, in words.
    fn describe(&self) -> String {
        let mut parts = Vec::new();
        let quoted = [
            ("channel", &self.channel),
            ("level", &self.level),
            ("module", &self.module),
            ("message", &self.message),
            ("regex", &self.regex),
            ("format", &self.format),
        ];
        for (name, value) in quoted {
            parts.extend(value.as_ref().map(|value| format!("{name} `{value}`")));
        }
        parts.extend(self.within.map(|limit| format!("within {} ms", limit.as_millis())));
        parts.join(", ")
    }
}

fn is_within(wanted: &str, module: Option<&str>) -> bool {
    module.is_some_and(|module| {
        module.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said(at_ms: u64, text: &str) -> Said {
        Said { channel: "uart0".to_owned(), record: LogRecord::plain(at_ms, text) }
    }

    /// What is wrong after these lines, one every 100 ms.
    fn check(expectations: &str, lines: &[&str]) -> Option<String> {
        #[derive(Deserialize)]
        struct File {
            expect: Vec<Expectation>,
        }
        let file: File = toml::from_str(expectations).unwrap();
        let mut watch = Watch::new("test", &file.expect).unwrap();
        for (index, line) in lines.iter().enumerate() {
            watch.hear(&said(100 * index as u64, line));
        }
        watch.complaint()
    }

    #[test]
    fn order_time_count_and_ban_are_kept() {
        let two = "expect = [{ message = 'boot' }, { message = 'ready' }]";
        assert_eq!(check(two, &["boot", "x", "ready"]), None);
        assert!(check(two, &["ready", "boot"]).unwrap().contains("`ready`: did not come"));
        let loose = "expect = [{ message = 'boot' }, { message = 'ready', unordered = true }]";
        assert_eq!(check(loose, &["ready", "boot"]), None);
        let soon = "expect = [{ message = 'ready', within = '150ms' }]";
        assert_eq!(check(soon, &["boot", "ready"]), None);
        assert!(check(soon, &["boot", "x", "ready"]).unwrap().contains("within 150 ms"));
        let counted = "expect = [{ regex = '^tick \\d$', count = 2 }]";
        assert_eq!(check(counted, &["tick 1", "tick 2"]), None);
        assert!(check(counted, &["tick 1"]).unwrap().contains("2 times, came 1 times"));
        let banned = "expect = [{ message = 'error', forbid = true }]";
        assert_eq!(check(banned, &["boot"]), None);
        assert_eq!(check(banned, &["an error"]).as_deref(), Some("forbidden: `an error`"));
    }
}
