//! Settings of a profile that hold for some tests only, in nextest's manner.
//!
//! ```text
//! [[profile.ci.overrides]]
//! filter = "test(/^radio/) & not tag(fast)"
//! timeout = "60s"
//! retries = 3
//! ```
//!
//! The filter is that of `-E`. Of several that fit a test, for each setting the first that has it holds;
//! those of the chosen profile come before those of `default`. The command line comes before all of them.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::config::duration;
use super::filter::Filter;

/// Settings for the tests that a filter selects.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Override {
    filter: Selector,
    retries: Option<u32>,
    #[serde(default, with = "duration")]
    timeout: Option<Duration>,
    #[serde(default, with = "duration")]
    slow_timeout: Option<Duration>,
    #[serde(default, with = "duration")]
    first_log_timeout: Option<Duration>,
    /// Name of the only board that may run them.
    board: Option<String>,
    /// Tests of higher priority run earlier.
    priority: Option<i8>,
}

/// A filter with its text.
#[derive(Debug, Clone)]
struct Selector {
    text: String,
    filter: Filter,
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let filter = Filter::parse(&text).map_err(|failure| D::Error::custom(failure.message()))?;
        Ok(Self { text, filter })
    }
}

/// What the overrides come to for one test. `None`: the profile's own holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) retries: Option<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) slow_timeout: Option<Duration>,
    pub(super) first_log_timeout: Option<Duration>,
    pub(super) board: Option<String>,
    pub(super) priority: i8,
    /// The overrides that gave any of these, first to last.
    pub(super) applied: Vec<Applied>,
}

/// An override that holds for a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Applied {
    pub(super) profile: String,
    pub(super) filter: String,
}

impl Settings {
    /// Of a test by its name, its target's and the target's tags, from overrides with their profile, those
    /// that go first before the others.
    pub(super) fn of<'o>(
        overrides: impl Iterator<Item = (&'o str, &'o Override)>,
        (test, target, tags): (&str, &str, &[String]),
    ) -> Self {
        let mut settings = Self::default();
        let mut priority = None;
        for (profile, own) in overrides {
            if !own.filter.filter.selects(test, target, tags) {
                continue;
            }
            let gives = [
                first(&mut settings.retries, &own.retries),
                first(&mut settings.timeout, &own.timeout),
                first(&mut settings.slow_timeout, &own.slow_timeout),
                first(&mut settings.first_log_timeout, &own.first_log_timeout),
                first(&mut settings.board, &own.board),
                first(&mut priority, &own.priority),
            ];
            if gives.contains(&true) {
                let (profile, filter) = (profile.to_owned(), own.filter.text.clone());
                settings.applied.push(Applied { profile, filter });
            }
        }
        settings.priority = priority.unwrap_or(0);
        settings
    }
}

/// Takes a setting that is not there yet; says whether it did.
fn first<T: Clone>(setting: &mut Option<T>, own: &Option<T>) -> bool {
    let takes = setting.is_none() && own.is_some();
    if takes {
        setting.clone_from(own);
    }
    takes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        overrides: Vec<Override>,
    }

    fn read(text: &str) -> Result<Vec<Override>, toml::de::Error> {
        toml::from_str::<File>(text).map(|file| file.overrides)
    }

    #[test]
    fn the_first_that_has_a_setting_gives_it() {
        let overrides = read(
            "[[overrides]]\nfilter = 'test(joins)'\nretries = 3\n\
             [[overrides]]\nfilter = 'target(radio)'\nretries = 1\ntimeout = '2m'\npriority = -5\n\
             [[overrides]]\nfilter = 'tag(slow)'\nboard = 'desk'\n",
        )
        .unwrap();
        let of = |test, tags: &[String]| {
            Settings::of(overrides.iter().map(|own| ("ci", own)), (test, "radio", tags))
        };
        let joins = of("radio::joins", &[]);
        assert_eq!((joins.retries, joins.timeout), (Some(3), Some(Duration::from_secs(120))));
        assert_eq!((joins.priority, joins.board), (-5, None));
        let filters: Vec<&str> = joins.applied.iter().map(|own| own.filter.as_str()).collect();
        assert_eq!(filters, ["test(joins)", "target(radio)"]);
        let leaves = of("radio::leaves", &["slow".to_owned()]);
        assert_eq!((leaves.retries, leaves.board.as_deref()), (Some(1), Some("desk")));
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named_with_its_line() {
        let error = read("[[overrides]]\nretries = 1\nfilter = 'tests(x)'\n").unwrap_err();
        assert!(error.to_string().contains("line 3"), "{error}");
        assert!(error.to_string().contains("selects no tests"), "{error}");
        let error = read("[[overrides]]\nretries = 1\n").unwrap_err();
        assert!(error.to_string().contains("filter"), "{error}");
    }
}
