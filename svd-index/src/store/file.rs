//! Reads an index file in place, checking each block the first time it is touched.

use std::io;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytemuck::{AnyBitPattern, Zeroable, cast_slice, cast_slice_mut, pod_read_unaligned};

use super::{
    BLOCK, ENDIAN_MARK, ENTRY_LEN, FORMAT, HEADER_LEN, Header, Kind, MAGIC, MAX_SECTIONS,
    SUMS_PER_PAGE, SectionEntry, SectionId, SourceId, StrRef, WarningRecord, header_checksum,
};
use crate::Warning;

/// Why a file is not used. Each of these means: build it again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is not there, or may not be read.
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
    /// It is shorter than it says, or its head does not match its checksum.
    #[error("the file is torn or damaged")]
    Torn,
    /// A machine of the other byte order wrote it.
    #[error("the file was written by a machine of the other byte order")]
    ForeignEndian,
    /// Another version of this program wrote it.
    #[error("the file has format {format}.{schema}, which this version does not use")]
    OtherVersion {
        /// The version of the container found.
        format: u32,
        /// The version of the records found.
        schema: u32,
    },
    /// It was built from another source than the one asked for.
    #[error("the file was built from another source")]
    OtherSource,
}

type Rebuild = Box<dyn Fn() -> Option<Vec<u8>> + Send + Sync>;

/// An index file, mapped into memory or held in it.
///
/// Reads never fail: a block that does not match its checksum is replaced by building the bytes
/// again ([`File::with_rebuild`]). Where that is not possible (the source is gone or changed),
/// what the block held reads as empty and [`File::is_damaged`] turns true; who states facts
/// from this file checks that last.
pub struct File {
    path: Option<PathBuf>,
    bytes: Bytes,
    sections: Vec<SectionEntry>,
    source: SourceId,
    block_count: usize,
    /// One bit per body block, then one per checksum page: seen and sound.
    checked: Vec<AtomicU64>,
    rebuild: Option<Rebuild>,
    rebuilt: OnceLock<Option<Bytes>>,
    damaged: AtomicBool,
}

impl File {
    /// Maps the file at `path`, built by [`super::Writer`] with this `kind` and `schema`.
    ///
    /// Only the header is read. `source` is what the file must have been built from; `None`
    /// takes any.
    ///
    /// # Errors
    /// See [`OpenError`]; after any of them the file is to be built again.
    pub fn open(
        path: &Path,
        kind: Kind,
        schema: u32,
        source: Option<&SourceId>,
    ) -> Result<Self, OpenError> {
        let file = std::fs::File::open(path)?;
        // SAFETY: index files are never written in place: a writer renames a new file over the
        // old one, whose pages stay as they are for as long as this mapping lives.
        #[allow(unsafe_code)]
        let map = unsafe { memmap2::Mmap::map(&file)? };
        let file = Self::check_head(Bytes::Mapped(map), kind, schema, source)?;
        Ok(Self { path: Some(path.to_owned()), ..file })
    }

    /// Takes the bytes of a file that is not on disk.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn from_bytes(bytes: &[u8], kind: Kind, schema: u32) -> Result<Self, OpenError> {
        Self::check_head(Bytes::copied(bytes), kind, schema, None)
    }

    /// Says how to build the bytes again, if a block turns out damaged. The result is used only
    /// if it comes from the same source and has the same sections.
    #[must_use]
    pub fn with_rebuild(
        mut self,
        rebuild: impl Fn() -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.rebuild = Some(Box::new(rebuild));
        self
    }

    /// Where the file lies; `None` where it lives in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What the file was built from.
    pub fn source(&self) -> &SourceId {
        &self.source
    }

    /// True once a damaged block was read and could not be built again: what was read since may
    /// be incomplete.
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Length of the file in bytes.
    pub fn size(&self) -> u64 {
        self.bytes.all().len() as u64
    }

    /// The records of a section; empty where the file has no such section, or one with records
    /// of another size (which a schema version prevents).
    pub fn records<T: AnyBitPattern>(&self, id: SectionId) -> Records<'_, T> {
        let entry = self.entry(id);
        let fits = entry.filter(|entry| entry.record_size as usize == size_of::<T>());
        Records {
            file: self,
            offset: fits.map_or(0, |entry| entry.offset as usize),
            len: fits.map_or(0, |entry| entry.len as usize / size_of::<T>().max(1)),
            record: PhantomData,
        }
    }

    /// The text at `place`; empty where `place` is not one of this file's.
    pub fn text(&self, place: StrRef) -> &str {
        if place.len == 0 {
            return "";
        }
        let Some(entry) = self.entry(SectionId::STRINGS) else {
            return "";
        };
        let start = u64::from(place.offset);
        let end = start + u64::from(place.len);
        if end > entry.len {
            return "";
        }
        let range = (entry.offset + start) as usize..(entry.offset + end) as usize;
        std::str::from_utf8(self.sound(range)).unwrap_or_default()
    }

    /// What was odd in the source when the file was built.
    pub fn warnings(&self) -> Vec<Warning> {
        self.records::<WarningRecord>(SectionId::WARNINGS)
            .iter()
            .map(|record| Warning {
                path: self.text(record.path).to_owned(),
                line: record.line,
                what: self.text(record.what).to_owned(),
                assumed: self.text(record.assumed).to_owned(),
                left_out: record.left_out != 0,
            })
            .collect()
    }

    fn entry(&self, id: SectionId) -> Option<&SectionEntry> {
        self.sections.iter().find(|entry| entry.id == id.0)
    }

    fn check_head(
        bytes: Bytes,
        kind: Kind,
        schema: u32,
        source: Option<&SourceId>,
    ) -> Result<Self, OpenError> {
        let all = bytes.all();
        if all.len() < BLOCK {
            return Err(OpenError::Torn);
        }
        let header: Header = pod_read_unaligned(&all[..HEADER_LEN]);
        if header.magic != MAGIC {
            return Err(OpenError::Torn);
        }
        if header.endian_mark == ENDIAN_MARK.swap_bytes() {
            return Err(OpenError::ForeignEndian);
        }
        let section_count = header.section_count as usize;
        if header.endian_mark != ENDIAN_MARK || section_count > MAX_SECTIONS {
            return Err(OpenError::Torn);
        }
        if header.format != FORMAT || header.kind != kind as u32 || header.schema != schema {
            return Err(OpenError::OtherVersion { format: header.format, schema: header.schema });
        }
        let table = &all[HEADER_LEN..HEADER_LEN + section_count * ENTRY_LEN];
        let block_count = header.block_count as usize;
        let page_count = block_count.div_ceil(SUMS_PER_PAGE);
        let body_end = BLOCK + block_count * BLOCK;
        if header_checksum(&all[..HEADER_LEN], table) != header.checksum
            || header.file_len != all.len() as u64
            || all.len() != body_end + page_count * BLOCK
        {
            return Err(OpenError::Torn);
        }
        let sections: Vec<SectionEntry> = table.chunks(ENTRY_LEN).map(pod_read_unaligned).collect();
        let inside = |entry: &SectionEntry| {
            entry.offset >= BLOCK as u64
                && entry.offset.checked_add(entry.len).is_some_and(|end| end <= body_end as u64)
        };
        if !sections.iter().all(inside) {
            return Err(OpenError::Torn);
        }
        let found = SourceId { digest: header.source_digest, size: header.source_size };
        if source.is_some_and(|wanted| *wanted != found) {
            return Err(OpenError::OtherSource);
        }
        let words = (block_count + page_count).div_ceil(64);
        Ok(Self {
            path: None,
            bytes,
            sections,
            source: found,
            block_count,
            checked: std::iter::repeat_with(AtomicU64::default).take(words).collect(),
            rebuild: None,
            rebuilt: OnceLock::new(),
            damaged: AtomicBool::new(false),
        })
    }

    /// The bytes of `range`, which lies in the body, checked; empty if damaged beyond repair.
    fn sound(&self, range: Range<usize>) -> &[u8] {
        if range.is_empty() {
            return &[];
        }
        let mut blocks = range.start / BLOCK - 1..(range.end - 1) / BLOCK;
        if blocks.all(|block| self.block_is_sound(block)) {
            return &self.bytes.all()[range];
        }
        match self.rebuilt.get_or_init(|| self.build_again()) {
            Some(bytes) => &bytes.all()[range],
            None => {
                self.damaged.store(true, Ordering::Relaxed);
                &[]
            }
        }
    }

    fn block_is_sound(&self, block: usize) -> bool {
        self.check_once(block, || {
            let page = block / SUMS_PER_PAGE;
            let page_is_sound = self.check_once(self.block_count + page, || {
                let (sums, own) = self.sum_page(page).split_at(BLOCK - 4);
                crc32fast::hash(sums).to_ne_bytes() == own
            });
            let place = 4 * (block % SUMS_PER_PAGE);
            let start = (block + 1) * BLOCK;
            page_is_sound
                && crc32fast::hash(&self.bytes.all()[start..start + BLOCK]).to_ne_bytes()
                    == self.sum_page(page)[place..place + 4]
        })
    }

    fn check_once(&self, bit: usize, check: impl FnOnce() -> bool) -> bool {
        let (word, mask) = (&self.checked[bit / 64], 1 << (bit % 64));
        if word.load(Ordering::Relaxed) & mask != 0 {
            return true;
        }
        let sound = check();
        if sound {
            word.fetch_or(mask, Ordering::Relaxed);
        }
        sound
    }

    fn sum_page(&self, page: usize) -> &[u8] {
        let start = (1 + self.block_count + page) * BLOCK;
        &self.bytes.all()[start..start + BLOCK]
    }

    fn build_again(&self) -> Option<Bytes> {
        let bytes = Bytes::copied(&self.rebuild.as_ref()?()?);
        let same_head = bytes.all().get(..BLOCK)? == &self.bytes.all()[..BLOCK];
        same_head.then_some(bytes)
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File")
            .field("source", &self.source.hex())
            .field("size", &self.size())
            .field("damaged", &self.is_damaged())
            .finish_non_exhaustive()
    }
}

/// The records of one section, checked as they are touched.
pub struct Records<'a, T> {
    file: &'a File,
    offset: usize,
    len: usize,
    record: PhantomData<T>,
}

impl<T> Clone for Records<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Records<'_, T> {}

impl<'a, T: AnyBitPattern> Records<'a, T> {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The record at `index`; `None` past the end or where the file is damaged beyond repair.
    pub fn get(&self, index: usize) -> Option<&'a T> {
        self.slice(index..index.checked_add(1)?).first()
    }

    /// The records of `range`, cut at the end; empty where damaged beyond repair.
    pub fn slice(&self, range: Range<usize>) -> &'a [T] {
        let end = range.end.min(self.len);
        if range.start >= end {
            return &[];
        }
        let size = size_of::<T>();
        let bytes = self.file.sound(self.offset + range.start * size..self.offset + end * size);
        bytemuck::try_cast_slice(bytes).unwrap_or_default()
    }

    /// All records. Touches, and so checks, the whole section.
    pub fn all(&self) -> &'a [T] {
        self.slice(0..self.len)
    }

    /// Goes through all records.
    pub fn iter(&self) -> std::slice::Iter<'a, T> {
        self.all().iter()
    }

    /// The index of the first record for which `before` is false, by binary search, as
    /// [`slice::partition_point`]; touches only the blocks that the search visits.
    pub fn partition_point(&self, mut before: impl FnMut(&T) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle) {
                Some(record) if before(record) => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }
}

impl<'a, T: AnyBitPattern> IntoIterator for Records<'a, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

enum Bytes {
    Mapped(memmap2::Mmap),
    /// In eights, since records need that alignment.
    Held {
        words: Vec<[u64; 8]>,
        len: usize,
    },
}

impl Bytes {
    fn copied(bytes: &[u8]) -> Self {
        let mut words = vec![<[u64; 8]>::zeroed(); bytes.len().div_ceil(64)];
        cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self::Held { words, len: bytes.len() }
    }

    fn all(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Held { words, len } => &cast_slice(words)[..*len],
        }
    }
}
