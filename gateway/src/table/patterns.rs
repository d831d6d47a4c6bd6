//! Patterns of clients that a deployment is kept for.

use regex::Regex;

use super::error::ConfigError;
use crate::config::EndpointConfig;

/// Regular expressions, any of which may be found anywhere in a text.
#[derive(Debug, Clone, Default)]
pub struct Patterns(Vec<Regex>);

/// As they are written.
impl PartialEq for Patterns {
    fn eq(&self, other: &Self) -> bool {
        self.texts().eq(other.texts())
    }
}

impl Patterns {
    /// Those of the endpoint at `index`.
    ///
    /// # Errors
    /// [`ConfigError::Pattern`].
    pub(super) fn of(index: usize, config: &EndpointConfig) -> Result<Self, ConfigError> {
        let compiled = config.tag_regex.iter().enumerate().map(|(place, pattern)| {
            Regex::new(pattern).map_err(|error| ConfigError::Pattern {
                endpoint: config.name.clone(),
                index,
                place,
                pattern: pattern.clone(),
                why: last_line(&error),
            })
        });
        Ok(Self(compiled.collect::<Result<_, _>>()?))
    }

    /// As they are written, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Regex::as_str)
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if one of them is found in `text`, which takes time in proportion to
    /// its length.
    pub fn find(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(text))
    }
}

/// An error of syntax shows the pattern first, and at the end what is wrong.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
