//! Where one SVD is, and what it is read with.

use std::path::{Path, PathBuf};

use super::bounds;
use super::container::{Container, ContainerError};
use super::pack;
use super::patch::Patch;
use crate::store::{SourceId, Stamped};
use crate::{IndexError, Origin};

/// One SVD to open.
///
/// `path` is an SVD (`.svd`, `.xml`, either of them as `.gz`), an archive (`.zip`, a CMSIS
/// `.pack`) or a folder. Of an archive or a folder that holds several SVDs, `member` tells which
/// one to take, or else `chip`: by a pack's own list of devices, by the SVDs' file names, by the
/// names of their devices, whichever says something first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SvdSource {
    /// The file or folder.
    pub path: PathBuf,
    /// Of a container of several SVDs, the one to take, by its name inside. The end of the name
    /// is enough where that is unique.
    pub member: Option<String>,
    /// The chip that it shall describe: chooses in a container where `member` does not.
    pub chip: Option<String>,
    /// Corrections in svdtools' YAML, applied in this order.
    pub patches: Vec<PathBuf>,
}

impl From<PathBuf> for SvdSource {
    /// The SVD that is this file, as it stands there.
    fn from(path: PathBuf) -> Self {
        Self { path, ..Self::default() }
    }
}

/// The bytes of an SVD, where they were found, and the file that tells when they change.
pub(crate) struct Found {
    pub(crate) bytes: Vec<u8>,
    pub(crate) file: Stamped,
}

impl SvdSource {
    /// Reads a path as a person writes it: `FILE`, or `ARCHIVE:MEMBER` for an SVD in an archive
    /// whose name ends in `.pack` or `.zip`.
    pub fn spelled(path: &Path) -> Self {
        let whole = Self::from(path.to_owned());
        let Some(text) = path.to_str() else { return whole };
        let lower = text.to_ascii_lowercase();
        let end =
            [".pack:", ".zip:"].iter().filter_map(|mark| Some(lower.find(mark)? + mark.len()));
        match end.min() {
            Some(end) if end < text.len() => {
                let (archive, member) = (&text[..end - 1], &text[end..]);
                Self { member: Some(member.to_owned()), ..Self::from(PathBuf::from(archive)) }
            }
            _ => whole,
        }
    }

    /// The SVD as it stands in its file or archive, unpatched.
    ///
    /// # Errors
    /// It cannot be read, or it is not clear which one is meant.
    pub fn read(&self) -> Result<Vec<u8>, IndexError> {
        Ok(self.in_folder()?.find()?.bytes)
    }

    /// The SVD in the container that would be taken; `None` of a plain file.
    ///
    /// # Errors
    /// It cannot be read, or it is not clear which one is meant.
    pub fn chosen(&self) -> Result<Option<String>, IndexError> {
        let choice = Container::open(&self.path).and_then(|container| {
            let choose = |mut container| {
                pack::choose(&mut container, self.member.as_deref(), self.chip.as_deref())
            };
            container.map(choose).transpose()
        });
        choice.map_err(|error| self.container_error(error))
    }

    /// This, or of a folder the SVD in it that is meant.
    ///
    /// A folder is looked through each time: nothing tells cheaply that none was added.
    pub(crate) fn in_folder(&self) -> Result<Self, IndexError> {
        if !self.path.is_dir() {
            return Ok(self.clone());
        }
        let chosen = Container::open(&self.path).and_then(|container| {
            let mut container = container.expect("a folder is a container");
            pack::choose(&mut container, self.member.as_deref(), self.chip.as_deref())
        });
        let member = chosen.map_err(|error| self.container_error(error))?;
        Ok(Self { path: self.path.join(member), member: None, ..self.clone() })
    }

    pub(crate) fn find(&self) -> Result<Found, IndexError> {
        let file = Stamped::of(&self.path).map_err(|error| self.unreadable(error))?;
        let found = Container::open(&self.path).map_err(|error| self.container_error(error))?;
        let Some(mut container) = found else {
            if let Some(member) = &self.member {
                let member = member.clone();
                return Err(self.container_error(ContainerError::NotContainer { member }));
            }
            let (bytes, file) = Stamped::read(&self.path, bounds::MAX_BYTES)
                .map_err(|error| self.unreadable(error))?;
            return Ok(Found { bytes, file });
        };
        let name = pack::choose(&mut container, self.member.as_deref(), self.chip.as_deref());
        let bytes = name.and_then(|name| container.read(&name));
        Ok(Found { bytes: bytes.map_err(|error| self.container_error(error))?, file })
    }

    fn unreadable(&self, source: std::io::Error) -> IndexError {
        IndexError::Read { path: self.path.clone(), source }
    }

    fn container_error(&self, source: ContainerError) -> IndexError {
        match source {
            ContainerError::Read(source) => self.unreadable(source),
            source => IndexError::Container { path: self.path.clone(), source },
        }
    }
}

/// What decides, beside the SVD itself, what its index says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// The core of a device whose SVD has no `<cpu>`: what the firmware was built for.
    pub core: Option<Origin>,
    /// Corrections, applied in this order.
    pub patches: Vec<Patch>,
}

impl Build {
    /// The content of an index of `svd` built with these: that of the SVD alone by default.
    pub fn id(&self, svd: &[u8]) -> SourceId {
        let id = SourceId::of(svd);
        if *self == Self::default() {
            return id;
        }
        let mut content = id.digest.to_vec();
        content.extend(self.core_code().to_le_bytes());
        self.patches.iter().for_each(|patch| patch.hash_into(&mut content));
        SourceId { size: id.size, ..SourceId::of(&content) }
    }

    /// The core as a number; 0 for none.
    pub(crate) fn core_code(&self) -> u32 {
        self.core.map_or(0, Origin::code)
    }
}
