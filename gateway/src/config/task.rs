//! What a model is wanted for, and how large a one that takes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How large a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Answers while one types.
    Small,
    /// Writes and explains code.
    Medium,
    /// Reasons about a system.
    Large,
}

impl Tier {
    /// This tier, then those to fall back to: up before down, since a better
    /// answer than asked for costs money and a worse one costs trust.
    pub const fn ladder(self) -> [Self; 3] {
        match self {
            Self::Small => [Self::Small, Self::Medium, Self::Large],
            Self::Medium => [Self::Medium, Self::Large, Self::Small],
            Self::Large => [Self::Large, Self::Medium, Self::Small],
        }
    }

    /// One size up, for an answer that failed its check; the largest stays.
    #[must_use]
    pub const fn up(self) -> Self {
        match self {
            Self::Small => Self::Medium,
            Self::Medium | Self::Large => Self::Large,
        }
    }

    /// The word in configuration and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Small, Self::Medium, Self::Large]
            .into_iter()
            .find(|tier| tier.as_str() == word)
            .ok_or(())
    }
}

/// What the model is wanted for.
///
/// The words of editors' conventions all have a place: Continue's roles, aider's
/// weak and editor models, a small model beside the main one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// Complete code while it is typed.
    Autocomplete,
    /// Write a commit message or another summary.
    Commit,
    /// Write documentation.
    #[serde(alias = "doc")]
    Docs,
    /// Carry out a change that is described.
    Edit,
    /// Change code that works.
    Refactor,
    /// Explain code, a register or a crash.
    Explain,
    /// Judge a change.
    Review,
    /// Find out why something misbehaves.
    Debug,
    /// Design or judge a system.
    #[serde(alias = "architect")]
    Architecture,
    /// Turn text into vectors.
    Embed,
    /// Put findings in order.
    Rerank,
}

impl Task {
    /// Each of them, in the order of this page.
    pub const ALL: [Self; 11] = [
        Self::Autocomplete,
        Self::Commit,
        Self::Docs,
        Self::Edit,
        Self::Refactor,
        Self::Explain,
        Self::Review,
        Self::Debug,
        Self::Architecture,
        Self::Embed,
        Self::Rerank,
    ];

    /// The tier where configuration does not say otherwise.
    pub const fn default_tier(self) -> Tier {
        match self {
            Self::Autocomplete | Self::Commit | Self::Embed | Self::Rerank => Tier::Small,
            Self::Docs | Self::Edit | Self::Refactor | Self::Explain => Tier::Medium,
            Self::Review | Self::Debug | Self::Architecture => Tier::Large,
        }
    }

    /// The word in configuration, headers and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Autocomplete => "autocomplete",
            Self::Commit => "commit",
            Self::Docs => "docs",
            Self::Edit => "edit",
            Self::Refactor => "refactor",
            Self::Explain => "explain",
            Self::Review => "review",
            Self::Debug => "debug",
            Self::Architecture => "architecture",
            Self::Embed => "embed",
            Self::Rerank => "rerank",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Task {
    type Err = ();

    /// The configuration's word; `doc` and `architect` as well.
    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "doc" => Ok(Self::Docs),
            "architect" => Ok(Self::Architecture),
            word => Self::ALL.into_iter().find(|task| task.as_str() == word).ok_or(()),
        }
    }
}
