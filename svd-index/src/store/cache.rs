//! Finds the index file of a source, or has it built.
//!
//! Files are named by content: `v1/<BLAKE3 of the source>-<kind><schema>.idx`, so a chip's SVD
//! is indexed once however many projects carry a copy. So that an unchanged source need not be
//! hashed again, `v1/known/` remembers for each source which files it was read from, with the
//! size, modification time and inode of each, and the hash ([`super::known`]). A file whose time
//! stamp was younger than [`SETTLED`] when it was read does not count as known: it may be written
//! again within one tick of the file system's clock.

use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytemuck::{Pod, Zeroable};

use super::known::Known;
use super::writer::write_atomically;
use super::{FORMAT, File, Kind, OpenError, SourceId};
use crate::IndexError;

const SETTLED: Duration = Duration::from_secs(2);

/// Most bytes of index files that are kept; beyond it, those go that were not used for longest.
///
/// The indexes of a wide collection of 1,777 SVDs fit several times over.
pub const MAX_BYTES: u64 = 4 << 30;

/// A folder of index files.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// Something that an index is built from.
pub trait Source: Send + Sync + 'static {
    /// What is read, before it is laid out.
    type Input;

    /// What it is, and the version of its records.
    const KIND: (Kind, u32);

    /// Tells this source from every other: its path and all that decides what is read there.
    fn key(&self) -> Vec<u8>;

    /// Reads it.
    ///
    /// # Errors
    /// It is missing, or not what it is given as.
    fn read(&self) -> Result<Content<Self::Input>, IndexError>;

    /// The bytes of its index. The same input gives the same bytes: a damaged file is repaired
    /// with them.
    ///
    /// # Errors
    /// It is not what it is given as.
    fn build(&self, input: &Self::Input, id: SourceId) -> Result<Vec<u8>, IndexError>;
}

/// What was read of a [`Source`].
pub struct Content<T> {
    /// For [`Source::build`].
    pub input: T,
    /// Names it: equal ones give equal indexes.
    pub id: SourceId,
    /// All files that were read, the source itself first.
    pub files: Vec<Stamped>,
}

/// An index file and how it was come by.
#[derive(Debug)]
pub struct Loaded {
    /// The opened file.
    pub file: File,
    /// Why it was built, if it was.
    pub built: Option<Reason>,
    /// The cache could not be written: the index lives in memory only.
    pub unwritable: Option<io::Error>,
}

/// Why an index file was built.
#[derive(Debug)]
pub enum Reason {
    /// This content was never indexed here.
    New,
    /// The file in the cache could not be used.
    Unusable(OpenError),
}

impl Cache {
    /// A cache in `folder`, which need not exist yet.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.join(format!("v{FORMAT}")) }
    }

    /// The folder that the index files are in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens the index of `source`, building it where the cache has no usable one.
    ///
    /// # Errors
    /// What `source` says when it is read or built. A cache that cannot be read or written is no
    /// error: the index is then built in memory.
    pub fn load<S: Source>(&self, source: S) -> Result<Loaded, IndexError> {
        let (kind, schema) = S::KIND;
        let known_path = self.known_path(&source.key());
        if let Some(id) = Known::read(&known_path).and_then(|known| known.id_if_unchanged())
            && let Ok(file) =
                File::open(&self.index_path(&id, kind, schema), kind, schema, Some(&id))
        {
            let file = file.with_rebuild(rebuild(source, id));
            return Ok(Loaded { file, built: None, unwritable: None });
        }

        let Content { input, id, files } = source.read()?;
        let index_path = self.index_path(&id, kind, schema);
        let (file, built, written) = match File::open(&index_path, kind, schema, Some(&id)) {
            Ok(file) => (file, None, Ok(())),
            Err(error) => {
                let index = source.build(&input, id)?;
                let written = write_atomically(&index_path, &index);
                let mapped = File::open(&index_path, kind, schema, Some(&id));
                let file = match mapped {
                    Ok(file) if written.is_ok() => file,
                    _ => {
                        File::from_bytes(&index, kind, schema).expect("bytes just built are sound")
                    }
                };
                (file, Some(Reason::of(error)), written)
            }
        };
        let remembered =
            written.and_then(|()| write_atomically(&known_path, &Known::new(files, id).to_bytes()));
        if built.is_some() && remembered.is_ok() {
            self.keep_within(MAX_BYTES, &index_path);
        }
        Ok(Loaded {
            file: file.with_rebuild(rebuild(source, id)),
            built,
            unwritable: remembered.err(),
        })
    }

    /// Opens the index of `source` as it was when its content was `id`, which needs the source only
    /// where the cache has none. `None` if it has none and the source is gone or changed.
    pub fn load_as<S: Source>(&self, source: S, id: SourceId) -> Option<File> {
        let (kind, schema) = S::KIND;
        match File::open(&self.index_path(&id, kind, schema), kind, schema, Some(&id)) {
            Ok(file) => Some(file.with_rebuild(rebuild(source, id))),
            Err(_) => Some(self.load(source).ok()?.file).filter(|file| *file.source() == id),
        }
    }

    /// Keeps an index that was built of the content `id`, for [`load_as`](Self::load_as).
    ///
    /// # Errors
    /// The cache cannot be written. It will then be built when it is asked for.
    pub fn put<S: Source>(&self, id: SourceId, index: &[u8]) -> io::Result<()> {
        let (kind, schema) = S::KIND;
        write_atomically(&self.index_path(&id, kind, schema), index)
    }

    /// Whether a usable index of the content `id` is here.
    pub fn has<S: Source>(&self, id: SourceId) -> bool {
        let (kind, schema) = S::KIND;
        File::open(&self.index_path(&id, kind, schema), kind, schema, Some(&id)).is_ok()
    }

    fn index_path(&self, id: &SourceId, kind: Kind, schema: u32) -> PathBuf {
        self.folder.join(format!("{}-{}{schema}.idx", id.hex(), kind.name()))
    }

    pub(super) fn known_folder(&self) -> PathBuf {
        self.folder.join("known")
    }

    fn known_path(&self, key: &[u8]) -> PathBuf {
        self.known_folder().join(&SourceId::of(key).hex()[..32])
    }
}

impl Reason {
    fn of(error: OpenError) -> Self {
        match error {
            OpenError::Read(error) if error.kind() == io::ErrorKind::NotFound => Self::New,
            other => Self::Unusable(other),
        }
    }
}

/// Builds the bytes again if the source still has the content `id`.
fn rebuild<S: Source>(source: S, id: SourceId) -> impl Fn() -> Option<Vec<u8>> + Send + Sync {
    move || {
        let content = source.read().ok()?;
        let same = content.id == id;
        same.then(|| source.build(&content.input, id).ok()).flatten()
    }
}

/// A file that was read, and what tells, without reading it, that it was not written since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// Absolute.
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
}

impl Stamped {
    /// The file at `path` as it is now.
    ///
    /// # Errors
    /// It is missing, or may not be looked at.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::new(path, &std::fs::metadata(path)?))
    }

    /// Reads the file at `path`, of at most `limit` bytes.
    ///
    /// # Errors
    /// It is missing, may not be read, or is larger.
    pub fn read(path: &Path, limit: u64) -> io::Result<(Vec<u8>, Self)> {
        let mut file = std::fs::File::open(path)?;
        let metadata = file.metadata()?;
        let too_large = || {
            let what = format!("it has more than {limit} bytes");
            io::Error::new(io::ErrorKind::FileTooLarge, what)
        };
        if metadata.len() > limit {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        file.by_ref().take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(too_large());
        }
        Ok((bytes, Self::new(path, &metadata)))
    }

    /// Where it is, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn new(path: &Path, metadata: &Metadata) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self { path, stamp: Stamp::of(metadata) }
    }
}

/// See [`Stamped`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Stamp {
    size: u64,
    modified_s: u64,
    modified_ns: u64,
    inode: u64,
    device: u64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .unwrap_or_default();
        #[cfg(unix)]
        let (inode, device) = {
            use std::os::unix::fs::MetadataExt;
            (metadata.ino(), metadata.dev())
        };
        #[cfg(not(unix))]
        let (inode, device) = (0, 0);
        Self {
            size: metadata.len(),
            modified_s: modified.as_secs(),
            modified_ns: u64::from(modified.subsec_nanos()),
            inode,
            device,
        }
    }

    /// Whether the file was last written long enough ago that another write would show.
    pub(super) fn is_settled(&self) -> bool {
        let modified = UNIX_EPOCH + Duration::new(self.modified_s, self.modified_ns as u32);
        SystemTime::now().duration_since(modified).is_ok_and(|age| age >= SETTLED)
    }
}
