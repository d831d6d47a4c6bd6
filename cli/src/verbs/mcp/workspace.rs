//! What is known while the server lives: opened once, and again when one of the files it comes
//! from has changed, so that firmware built meanwhile is seen.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use svd_index::SvdSource;

use crate::config::Config;
use crate::exit::Failure;
use crate::project::tree;
use crate::session::Session;
use crate::verbs::tools::{Known, quote};

/// Folders below one that is named for its SVDs, in which a change is seen.
const DEEPEST: usize = 8;

/// The settings, and what was opened by them.
pub(super) struct Workspace {
    session: Arc<Session>,
    bundle: Option<PathBuf>,
    opened: Mutex<Option<Opened>>,
}

struct Opened {
    stamps: Vec<Stamp>,
    known: Arc<Known>,
}

/// When a file was changed, and how long it is; `None` where it is not there.
type Stamp = (PathBuf, Option<(SystemTime, u64)>);

/// What is known now, and what an answer from it has to say first.
pub(super) struct Current {
    pub(super) known: Arc<Known>,
    pub(super) caution: Option<String>,
}

impl Workspace {
    pub(super) fn new(session: Session, bundle: Option<PathBuf>) -> Self {
        Self { session: Arc::new(session), bundle, opened: Mutex::new(None) }
    }

    /// Whether a bundle was named.
    pub(super) fn has_bundle(&self) -> bool {
        self.bundle.is_some()
    }

    /// What is known now.
    ///
    /// While a file that changed cannot be read, such as an ELF half written, the answers are
    /// those of before, with a caution.
    ///
    /// # Errors
    /// What is configured cannot be read, and never could.
    pub(super) fn current(&self) -> Result<Current, Failure> {
        // Whoever panicked while holding it left what was opened before.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = stamps(&self.session.config, self.bundle.as_deref());
        let before = opened.as_ref().filter(|before| !before.known.index.is_damaged());
        if let Some(before) = before.filter(|before| before.stamps == stamps) {
            return Ok(Current { known: Arc::clone(&before.known), caution: None });
        }
        match (self.open(), before) {
            (Ok(known), _) => {
                let known = Arc::new(known);
                *opened = Some(Opened { stamps, known: Arc::clone(&known) });
                Ok(Current { known, caution: None })
            }
            (Err(failure), Some(before)) => {
                let why = quote::name(failure.message());
                let caution = format!(
                    "a source changed and cannot be read now ({why}): this is what it said before"
                );
                Ok(Current { known: Arc::clone(&before.known), caution: Some(caution) })
            }
            (Err(failure), None) => Err(failure),
        }
    }

    fn open(&self) -> Result<Known, Failure> {
        let bundle = self.bundle.as_deref().map(|path| self.session.bundle(path)).transpose()?;
        let index = self.session.index_with(bundle.as_ref())?;
        Ok(Known::new(index, bundle, &self.session.config))
    }
}

/// The state of every file that the answers come from.
fn stamps(config: &Config, bundle: Option<&Path>) -> Vec<Stamp> {
    let svds = config.svds.value.iter().map(|path| SvdSource::spelled(path).path);
    let svds = svds.flat_map(|path| match path.is_dir() {
        true => tree::files(&path, DEEPEST),
        false => vec![path],
    });
    let others = config.patches.value.iter().chain(&config.elfs.value).cloned();
    let bundle = bundle.map(Path::to_owned);
    let all = svds.chain(others).chain(bundle);
    all.map(|path| {
        let stamp = stamp(&path);
        (path, stamp)
    })
    .collect()
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
