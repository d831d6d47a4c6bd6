//! Where `silk` keeps what it may lose (cache) and what it must remember (state).

use std::path::PathBuf;

use etcetera::{BaseStrategy, choose_base_strategy};

use crate::exit::{Exit, Failure};

/// The user's folders, by the system's own conventions.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// Indexes. May be deleted at any time.
    pub(crate) cache: PathBuf,
    /// Consents and the log of what was done to boards.
    pub(crate) state: PathBuf,
    /// The user's settings.
    config: PathBuf,
}

impl Folders {
    /// Finds them; creates none.
    pub(crate) fn find() -> Result<Self, Failure> {
        let base = choose_base_strategy().map_err(|error| {
            Failure::new(Exit::Usage, "there is no home folder to keep indexes in")
                .caused_by(&error)
                .hint("set HOME")
        })?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Ok(Self {
            cache: base.cache_dir().join("silk"),
            state: state.join("silk"),
            config: base.config_dir().join("silk"),
        })
    }

    /// The boards that are plugged into this machine, whether or not the file exists.
    pub(crate) fn bench_file(&self) -> PathBuf {
        self.config.join("bench.toml")
    }

    /// The user's own settings, whether or not the file exists.
    pub(crate) fn user_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}
