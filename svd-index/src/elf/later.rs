//! Parts of a [`Firmware`](super::Firmware) that few ask for and that take their time: each is an
//! index file of its own, opened or built by the first who asks.

use std::sync::OnceLock;

use crate::store::{File, Kind};

/// Gives the index file of a kind for an ELF; `None` where it cannot be had.
pub(super) type Load = dyn Fn(Kind) -> Option<File> + Send + Sync;

/// An index file that is there once somebody asks.
pub(super) struct Later {
    kind: Kind,
    file: OnceLock<Option<File>>,
}

impl Later {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, file: OnceLock::new() }
    }

    pub(super) fn file(&self, load: &Load) -> Option<&File> {
        self.file.get_or_init(|| load(self.kind)).as_ref()
    }

    /// True if it was asked for and could not be had, or is damaged.
    pub(super) fn is_damaged(&self) -> bool {
        let damaged = |file: &Option<File>| file.as_ref().is_none_or(File::is_damaged);
        self.file.get().is_some_and(damaged)
    }
}
