//! Files that hold several SVDs: zip archives, CMSIS packs among them, and folders.
//!
//! What is in an archive comes from elsewhere: names in it are compared, never used as paths,
//! and nothing is unpacked beyond [`MAX_UNPACKED`], whatever its header claims.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

/// Twice the largest SVD there is, seven times over; a zip bomb has more.
pub(super) const MAX_UNPACKED: u64 = 256 << 20;

/// Files of a folder that are looked at; nobody keeps more SVDs together.
const MAX_FILES: usize = 20_000;

/// Folders in folders: vendor, pack, version, and folders of the pack's own.
const MAX_DEPTH: usize = 6;

/// Why no SVD could be taken from a container.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// The archive is broken, or packed in a way that cannot be read.
    #[error("it cannot be unpacked: {why}")]
    Damaged {
        /// What the reader says.
        why: String,
    },
    /// The system does not let it be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// An SVD inside was asked for, and this is no container.
    #[error("it is no archive, so there is no `{member}` in it")]
    NotContainer {
        /// What was asked for.
        member: String,
    },
    /// No file in it is an SVD.
    #[error("there is no SVD in it")]
    NoSvd,
    /// The SVD asked for is not in it.
    #[error("there is no `{member}` in it")]
    NoMember {
        /// What was asked for.
        member: String,
        /// The SVDs in it.
        found: Vec<Choice>,
    },
    /// It describes several chips.
    #[error("it describes several chips, and none is named")]
    NoChip {
        /// What may be meant.
        found: Vec<Choice>,
    },
    /// It describes other chips.
    #[error("nothing in it is for `{chip}`")]
    NoneFits {
        /// The chip that was named.
        chip: String,
        /// What is in it.
        found: Vec<Choice>,
    },
    /// It describes the chip several times: once for each core, or variants.
    #[error("several SVDs in it fit `{chip}`")]
    Several {
        /// The chip that was named.
        chip: String,
        /// Those that fit.
        found: Vec<Choice>,
    },
    /// The file inside needs a password.
    #[error("`{member}` in it is encrypted")]
    Encrypted {
        /// Its name.
        member: String,
    },
    /// The file inside is larger than any SVD.
    #[error("`{member}` in it unpacks to more than {limit} bytes, which no SVD does")]
    TooLarge {
        /// Its name.
        member: String,
        /// The most that is taken.
        limit: u64,
    },
}

/// An SVD that could have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name inside.
    pub member: String,
    /// The device it is for, where the container tells; with its core, if it has several.
    pub device: Option<String>,
}

/// A container, opened.
pub(super) enum Container {
    Zip { archive: Box<ZipArchive<BufReader<File>>>, files: Vec<String> },
    Folder { root: PathBuf, files: Vec<String> },
}

impl Container {
    /// Opens `path`; `None` if it is a file of another kind.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, ContainerError> {
        if path.is_dir() {
            let mut files = Vec::new();
            walk(path, "", MAX_DEPTH, &mut files);
            files.sort_unstable();
            return Ok(Some(Self::Folder { root: path.to_owned(), files }));
        }
        let mut file = File::open(path)?;
        let mut magic = Vec::with_capacity(4);
        file.by_ref().take(4).read_to_end(&mut magic)?;
        if !is_zip(&magic) {
            return Ok(None);
        }
        let archive = ZipArchive::new(BufReader::new(File::open(path)?)).map_err(damaged)?;
        let mut files: Vec<String> = archive
            .file_names()
            .filter_map(|name| Some(name.ok()?.into_owned()))
            .filter(|name| !name.ends_with('/'))
            .collect();
        files.sort_unstable();
        Ok(Some(Self::Zip { archive: Box::new(archive), files }))
    }

    /// Names of the files in it, separated by `/`.
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::Zip { files, .. } | Self::Folder { files, .. } => files,
        }
    }

    /// The content of one of [`Container::names`].
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<u8>, ContainerError> {
        let mut bytes = Vec::new();
        self.reader(name)?.take(MAX_UNPACKED + 1).read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() as u64 > MAX_UNPACKED {
            return Err(ContainerError::TooLarge { member: name.into(), limit: MAX_UNPACKED });
        }
        Ok(bytes)
    }

    /// The first `limit` bytes of it, or all.
    pub(super) fn read_head(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, ContainerError> {
        let mut bytes = Vec::new();
        self.reader(name)?.take(limit).read_to_end(&mut bytes).map_err(broken)?;
        Ok(bytes)
    }

    fn reader(&mut self, name: &str) -> Result<Box<dyn Read + '_>, ContainerError> {
        match self {
            Self::Folder { root, .. } => Ok(Box::new(File::open(root.join(name))?)),
            Self::Zip { archive, .. } => {
                let place = archive.index_for_name(name);
                let place = place.ok_or(ContainerError::NoSvd)?;
                let raw = archive.by_index_raw(place).map_err(damaged)?;
                if raw.encrypted() {
                    return Err(ContainerError::Encrypted { member: name.into() });
                }
                if raw.size() > MAX_UNPACKED {
                    let limit = MAX_UNPACKED;
                    return Err(ContainerError::TooLarge { member: name.into(), limit });
                }
                drop(raw);
                Ok(Box::new(archive.by_index(place).map_err(damaged)?))
            }
        }
    }
}

/// Whether a file that begins with `bytes` is a zip archive, which a CMSIS pack is.
pub(crate) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// A folder that cannot be read is passed over; links to folders are not followed.
fn walk(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if files.len() >= MAX_FILES {
            return;
        }
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
            continue;
        };
        let path = format!("{prefix}{name}");
        if kind.is_dir() && depth > 0 && !name.starts_with('.') {
            walk(&entry.path(), &format!("{path}/"), depth - 1, files);
        } else if !kind.is_dir() {
            files.push(path);
        }
    }
}

fn damaged(error: ZipError) -> ContainerError {
    match error {
        ZipError::Io(error) => ContainerError::Read(error),
        other => ContainerError::Damaged { why: other.to_string() },
    }
}

/// A packed file that breaks off is damage of the container, not of the disk.
fn broken(error: io::Error) -> ContainerError {
    ContainerError::Damaged { why: error.to_string() }
}
