//! Finds the index file of a source, or has it built.
//!
//! Files are named by content: `v1/<sha256 of the source>-<kind><schema>.idx`, so a chip's SVD
//! is indexed once however many projects carry a copy. So that an unchanged source need not be
//! hashed again, `v1/known/` remembers for each path the size, modification time and inode seen
//! with a hash. A path whose time stamp was younger than [`SETTLED`] when hashed is not
//! remembered: it may be written again within one tick of the file system's clock.

use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytemuck::{Pod, Zeroable, bytes_of, pod_read_unaligned};

use super::writer::write_atomically;
use super::{FORMAT, File, Kind, OpenError, SourceId};
use crate::IndexError;

const SETTLED: Duration = Duration::from_secs(2);
const KNOWN_MAGIC: [u8; 8] = *b"SILKSRC\x01";

/// A folder of index files.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// What an index is made of, and how its content is named.
pub struct Content<'p, F> {
    /// The source.
    pub source: &'p Path,
    /// What else decides what its index says.
    pub options: &'p [u8],
    /// Names the content of the source's bytes together with the options.
    pub identify: F,
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

    /// Opens the index of the file `source`, building it where the cache has no usable one.
    ///
    /// `build` gets the source's bytes and gives those of the index; it must be deterministic,
    /// since it is also asked to repair a damaged file.
    ///
    /// # Errors
    /// The source cannot be read, or what `build` says. A cache that cannot be read or written
    /// is no error: the index is then built in memory.
    pub fn load<F>(
        &self,
        content: Content<'_, F>,
        kind: Kind,
        schema: u32,
        build: impl Fn(&[u8], SourceId) -> Result<Vec<u8>, IndexError> + Send + Sync + 'static,
    ) -> Result<Loaded, IndexError>
    where
        F: Fn(&[u8]) -> SourceId + Send + Sync + 'static,
    {
        let Content { source, options, identify } = content;
        let unreadable = |error| IndexError::Read { path: source.to_owned(), source: error };
        let metadata = std::fs::metadata(source).map_err(unreadable)?;
        let known_path = self.known_path(source, options);
        if let Some(id) = read_known(&known_path, &Stamp::of(&metadata))
            && let Ok(file) =
                File::open(&self.index_path(&id, kind, schema), kind, schema, Some(&id))
        {
            return Ok(Loaded {
                file: file.with_rebuild(rebuild(source, id, identify, build)),
                built: None,
                unwritable: None,
            });
        }

        let (bytes, metadata) = read_source(source).map_err(unreadable)?;
        let id = identify(&bytes);
        let index_path = self.index_path(&id, kind, schema);
        let (file, built, written) = match File::open(&index_path, kind, schema, Some(&id)) {
            Ok(file) => (file, None, Ok(())),
            Err(error) => {
                let index = build(&bytes, id)?;
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
        let remembered = written.and_then(|()| remember(&known_path, &metadata, id));
        Ok(Loaded {
            file: file.with_rebuild(rebuild(source, id, identify, build)),
            built,
            unwritable: remembered.err(),
        })
    }

    fn index_path(&self, id: &SourceId, kind: Kind, schema: u32) -> PathBuf {
        let name = match kind {
            Kind::Svd => "svd",
            Kind::Elf => "elf",
            Kind::Words => "words",
        };
        self.folder.join(format!("{}-{name}{schema}.idx", id.hex()))
    }

    fn known_path(&self, source: &Path, options: &[u8]) -> PathBuf {
        let absolute = std::path::absolute(source).unwrap_or_else(|_| source.to_owned());
        let mut key = absolute.into_os_string().into_encoded_bytes();
        key.push(0);
        key.extend(options);
        let name = SourceId::of(&key).hex();
        self.folder.join("known").join(&name[..32])
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
fn rebuild(
    source: &Path,
    id: SourceId,
    identify: impl Fn(&[u8]) -> SourceId + Send + Sync + 'static,
    build: impl Fn(&[u8], SourceId) -> Result<Vec<u8>, IndexError> + Send + Sync + 'static,
) -> impl Fn() -> Option<Vec<u8>> + Send + Sync + 'static {
    let source = source.to_owned();
    move || {
        let bytes = std::fs::read(&source).ok()?;
        let same = identify(&bytes) == id;
        same.then(|| build(&bytes, id).ok()).flatten()
    }
}

fn read_source(source: &Path) -> io::Result<(Vec<u8>, Metadata)> {
    let mut file = std::fs::File::open(source)?;
    let metadata = file.metadata()?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.read_to_end(&mut bytes)?;
    Ok((bytes, metadata))
}

/// What tells, without reading it, that a file was not written since.
#[derive(Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Stamp {
    size: u64,
    modified_s: u64,
    modified_ns: u64,
    inode: u64,
    device: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
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
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Known {
    magic: [u8; 8],
    stamp: Stamp,
    sha256: [u8; 32],
    checksum: u64,
}

impl Known {
    fn new(stamp: Stamp, id: SourceId) -> Self {
        let mut known = Self { magic: KNOWN_MAGIC, stamp, sha256: id.sha256, checksum: 0 };
        known.checksum = u64::from(crc32fast::hash(bytes_of(&known)));
        known
    }
}

fn read_known(path: &Path, stamp: &Stamp) -> Option<SourceId> {
    let mut bytes = [0; size_of::<Known>()];
    std::fs::File::open(path).ok()?.read_exact(&mut bytes).ok()?;
    let known: Known = pod_read_unaligned(&bytes);
    let id = SourceId { sha256: known.sha256, size: stamp.size };
    (bytes_of(&Known::new(*stamp, id)) == bytes).then_some(id)
}

fn remember(path: &Path, metadata: &Metadata, id: SourceId) -> io::Result<()> {
    let age = metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
    if age.is_none_or(|age| age < SETTLED) {
        return Ok(());
    }
    write_atomically(path, bytes_of(&Known::new(Stamp::of(metadata), id)))
}
