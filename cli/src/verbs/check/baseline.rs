//! Wrong claims that were there before: a project with many can start to check new code at once.
//!
//! A claim is known again by its file, kind and words, not by its line: what moves is not new.

use std::collections::BTreeMap;
use std::path::Path;

use assist::Verdict;
use serde::{Deserialize, Serialize};

use super::{Excuse, Found};
use crate::exit::{Exit, Failure};

/// Version of the file.
const VERSION: u32 = 1;

/// What the file holds, in order, so that it can be reviewed and merged.
#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    known: Vec<Known>,
}

#[derive(Serialize, Deserialize)]
struct Known {
    file: String,
    kind: String,
    text: String,
    count: usize,
}

/// File, kind and words of claims, and how often each is there.
pub(super) struct Baseline {
    known: BTreeMap<(String, String, String), usize>,
}

impl Baseline {
    /// The wrong claims that no comment excuses.
    pub(super) fn of(found: &[Found]) -> Self {
        let mut known = BTreeMap::new();
        for found in found.iter().filter(|found| found.counts()) {
            *known.entry(key(found)).or_default() += 1;
        }
        Self { known }
    }

    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let failed = |cause: &dyn std::error::Error| {
            Failure::new(Exit::Usage, format!("failed to read the baseline `{}`", path.display()))
                .caused_by(cause)
                .hint("`silk check --write-baseline FILE` writes one")
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let content: Content = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        if content.version != VERSION {
            let what = format!("the baseline `{}` is of another version", path.display());
            return Err(Failure::new(Exit::Usage, what)
                .detail(format!("found: {}, known: {VERSION}", content.version))
                .hint("write it again with `--write-baseline`"));
        }
        let known = content.known.into_iter();
        Ok(Self { known: known.map(|k| ((k.file, k.kind, k.text), k.count)).collect() })
    }

    /// Writes the file; gives how many claims are in it.
    pub(super) fn write(&self, path: &Path) -> Result<usize, Failure> {
        let known = self.known.iter().map(|((file, kind, text), count)| Known {
            file: file.clone(),
            kind: kind.clone(),
            text: text.clone(),
            count: *count,
        });
        let content = Content { version: VERSION, known: known.collect() };
        let mut text = serde_json::to_string_pretty(&content).map_err(std::io::Error::from)?;
        text.push('\n');
        std::fs::write(path, text).map_err(|error| {
            Failure::new(Exit::Usage, format!("failed to write `{}`", path.display()))
                .caused_by(&error)
        })?;
        Ok(self.known.values().sum())
    }

    /// Excuses what is known, each as often as it was there.
    pub(super) fn excuse(mut self, found: &mut [Found]) {
        let wrong = found.iter_mut().filter(|found| found.verdict == Verdict::Wrong);
        for found in wrong.filter(|found| found.excuse.is_none()) {
            if let Some(left) = self.known.get_mut(&key(found)).filter(|left| **left > 0) {
                *left -= 1;
                found.excuse = Some(Excuse::Baseline);
            }
        }
    }
}

fn key(found: &Found) -> (String, String, String) {
    (found.file.clone(), found.kind.to_owned(), found.text.clone())
}
