//! Where one SVD is, and what it is read with.

use std::path::PathBuf;

use crate::Origin;
use crate::store::SourceId;

/// One SVD to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SvdSource {
    /// The file.
    pub path: PathBuf,
    /// Of a container of several SVDs, the one to take, by its name inside.
    pub member: Option<String>,
    /// The chip that it shall describe: chooses in a container where `member` does not.
    pub chip: Option<String>,
    /// Corrections, applied in this order.
    pub patches: Vec<PathBuf>,
}

impl From<PathBuf> for SvdSource {
    /// The SVD that is this file, as it stands there.
    fn from(path: PathBuf) -> Self {
        Self { path, ..Self::default() }
    }
}

/// What decides, beside the SVD itself, what its index says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// The core of a device whose SVD has no `<cpu>`: what the firmware was built for.
    pub core: Option<Origin>,
}

impl Build {
    /// The content of an index of `svd` built with these: that of the SVD alone by default.
    pub fn id(&self, svd: &[u8]) -> SourceId {
        let id = SourceId::of(svd);
        if *self == Self::default() {
            return id;
        }
        let mut content = id.sha256.to_vec();
        content.extend(self.options());
        SourceId { size: id.size, ..SourceId::of(&content) }
    }

    /// These as bytes: equal ones for equal ones only.
    pub(crate) fn options(&self) -> Vec<u8> {
        self.core.map_or(0, Origin::code).to_le_bytes().to_vec()
    }
}
