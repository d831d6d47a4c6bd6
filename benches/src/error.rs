//! What keeps a bench from running.

use std::io;
use std::path::PathBuf;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// A file to measure on cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file to measure on is not plain UTF-8, which quick-xml and svd-parser want here.
    #[error("{} is not UTF-8 text; unpack it first", path.display())]
    NotText { path: PathBuf },
    /// A file to measure on is no SVD.
    #[error("{}: {source}", path.display())]
    NotSvd {
        path: PathBuf,
        #[source]
        source: svd_index::svd::SvdError,
    },
    /// A file to measure on is no ELF.
    #[error("{}: {source}", path.display())]
    NotElf {
        path: PathBuf,
        #[source]
        source: svd_index::elf::ElfError,
    },
    /// There is no defmt in a file to measure on.
    #[error("{} holds no defmt that can be decoded", path.display())]
    NoDefmt { path: PathBuf },
    /// The index refused a source.
    #[error("cannot open the index")]
    Index(#[from] svd_index::IndexError),
    /// A process to measure cannot be started, or fails.
    #[error("cannot measure `{command}`: {why}")]
    Process { command: String, why: String },
    /// No room for index files, or stdout is gone.
    #[error("cannot write")]
    Write(#[from] io::Error),
}
