//! What went wrong, what was odd, and what was done unasked: three things kept apart.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::svd::SvdError;

/// Why an index could not be opened. Whatever can be worked around is a [`Warning`] or a
/// [`Note`] instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The source is missing, a folder, or may not be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// The source.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a CMSIS-SVD description.
    #[error("`{}` is not a CMSIS-SVD file: {found}", path.display())]
    NotSvd {
        /// The source.
        path: PathBuf,
        /// What it looks like instead.
        found: String,
    },
    /// The file is packed, and larger than any CMSIS-SVD description.
    #[error("`{}` unpacks to more than {limit} bytes, which no SVD does", path.display())]
    TooLarge {
        /// The source.
        path: PathBuf,
        /// The most that is taken.
        limit: u64,
    },
    /// No SVD can be taken from the archive or folder, or it is not clear which one is meant.
    #[error("`{}`: {source}", path.display())]
    Container {
        /// The archive or folder.
        path: PathBuf,
        /// Why not.
        source: crate::svd::ContainerError,
    },
    /// A patch of the SVD cannot be applied.
    #[error("failed to patch the SVD")]
    Patch(#[from] crate::svd::PatchError),
    /// The file is not a firmware image that can be read.
    #[error("failed to read `{}` as a firmware image", path.display())]
    Elf {
        /// The source.
        path: PathBuf,
        /// What is wrong with it.
        source: crate::elf::ElfError,
    },
}

impl IndexError {
    /// `error` about the file at `path`.
    pub(crate) fn svd(path: PathBuf, error: SvdError) -> Self {
        match error {
            SvdError::NotSvd { found } => Self::NotSvd { path, found },
            SvdError::TooLarge { limit } => Self::TooLarge { path, limit },
        }
    }
}

/// Something odd in a source, worked around so that it costs at most its own element.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Warning {
    /// The element: `UART0.BAUDRATE` in an SVD, a compilation unit or symbol in an ELF; empty
    /// for the source as a whole.
    pub path: String,
    /// 1-based line in the SVD; 0 where there is none.
    pub line: u32,
    /// What is odd.
    pub what: String,
    /// What was assumed instead.
    pub assumed: String,
    /// True if it cost an element of an SVD: what stands at `path` and `line` cannot be looked up.
    pub left_out: bool,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.what)?;
        if !self.assumed.is_empty() {
            write!(f, "; {}", self.assumed)?;
        }
        Ok(())
    }
}

/// Something done while opening that a person may want to know.
#[derive(Debug)]
pub struct Note {
    /// The source it concerns.
    pub source: PathBuf,
    /// What was done.
    pub kind: NoteKind,
}

/// See [`Note`].
#[derive(Debug)]
#[non_exhaustive]
pub enum NoteKind {
    /// This source was not indexed before.
    Built,
    /// The index in the cache was torn, of another version or machine, and was built again.
    Rebuilt(crate::store::OpenError),
    /// The cache cannot be written: this index lives in memory only.
    NotCached(io::Error),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source.display();
        match &self.kind {
            NoteKind::Built => write!(f, "indexed `{source}`"),
            NoteKind::Rebuilt(why) => write!(f, "indexed `{source}` again: {why}"),
            NoteKind::NotCached(error) => {
                write!(f, "index of `{source}` kept in memory only: {error}")
            }
        }
    }
}
