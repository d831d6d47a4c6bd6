//! What the cache remembers of a source: which files it was read from, and what they gave.
//!
//! ```text
//! offset  size  what
//! 0       8     magic "SILKSRC\x03"
//! 8       32    BLAKE3 that names the content
//! 40      8     size of the source in bytes
//! 48      4     number of files
//! 52      4     1 if every file had settled, else 0: then this names the source and no more
//! 56            for each file: size, modified s, modified ns, inode, device (u64 each), length of
//!               the path u64, the path
//!         4     CRC-32 of all before
//! ```
//!
//! In the machine's byte order: on another machine the file is not known, and is written anew.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytemuck::{bytes_of, pod_read_unaligned};

use super::SourceId;
use super::cache::{Stamp, Stamped};

const MAGIC: [u8; 8] = *b"SILKSRC\x03";

/// Patches that include patches come to a few dozen files; a damaged count to any number.
const MAX_FILES: u32 = 10_000;

/// How long a use is remembered before it is written down again.
const TOUCH_AFTER: Duration = Duration::from_secs(60 * 60);

pub(super) struct Known {
    files: Vec<Stamped>,
    id: SourceId,
    settled: bool,
}

impl Known {
    pub(super) fn new(files: Vec<Stamped>, id: SourceId) -> Self {
        let settled = files.iter().all(|file| file.stamp.is_settled());
        Self { files, id, settled }
    }

    /// Reads a record; `None` if there is none, or it is damaged.
    pub(super) fn peek(path: &Path) -> Option<Self> {
        Self::from_bytes(&std::fs::read(path).ok()?)
    }

    /// As [`Known::peek`], and marks it as used.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut file = std::fs::File::open(path).ok()?;
        let mut bytes = Vec::with_capacity(256);
        file.read_to_end(&mut bytes).ok()?;
        let known = Self::from_bytes(&bytes)?;
        let used = file.metadata().and_then(|metadata| metadata.modified()).ok();
        let now = SystemTime::now();
        if used.and_then(|used| now.duration_since(used).ok()).is_some_and(|age| age > TOUCH_AFTER)
        {
            // Only for choosing what to drop first: nothing is lost if it fails.
            let _ = file.set_modified(now);
        }
        Some(known)
    }

    /// The content, if none of the files was written since.
    pub(super) fn id_if_unchanged(&self) -> Option<SourceId> {
        let unchanged = |file: &Stamped| {
            std::fs::metadata(&file.path).is_ok_and(|now| Stamp::of(&now) == file.stamp)
        };
        (self.settled && self.files.iter().all(unchanged)).then_some(self.id)
    }

    pub(super) fn id(&self) -> &SourceId {
        &self.id
    }

    /// The source itself, without what it was corrected with.
    pub(super) fn source(&self) -> Option<&PathBuf> {
        self.files.first().map(|file| &file.path)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.id.digest);
        bytes.extend(self.id.size.to_ne_bytes());
        bytes.extend((self.files.len() as u32).to_ne_bytes());
        bytes.extend(u32::from(self.settled).to_ne_bytes());
        for file in &self.files {
            let path = file.path.as_os_str().as_encoded_bytes();
            bytes.extend(bytes_of(&file.stamp));
            bytes.extend((path.len() as u64).to_ne_bytes());
            bytes.extend(path);
        }
        bytes.extend(crc32fast::hash(&bytes).to_ne_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(body) != u32::from_ne_bytes(*sum) {
            return None;
        }
        let mut rest = Rest(body);
        if rest.take(8)? != MAGIC {
            return None;
        }
        let digest = rest.take(32)?.try_into().ok()?;
        let id = SourceId { digest, size: rest.u64()? };
        let (count, settled) = (rest.u32()?, rest.u32()? == 1);
        let mut files = Vec::new();
        for _ in 0..count.min(MAX_FILES) {
            let stamp = pod_read_unaligned(rest.take(size_of::<Stamp>())?);
            let len = usize::try_from(rest.u64()?).ok()?;
            files.push(Stamped { path: path_of(rest.take(len)?)?, stamp });
        }
        Some(Self { files, id, settled })
    }
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_ne_bytes(self.take(8)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_ne_bytes(self.take(4)?.try_into().ok()?))
    }
}
