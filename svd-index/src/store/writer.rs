//! Lays sections and texts out as one index file.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::io::{self, Write};
use std::path::Path;

use bytemuck::{NoUninit, bytes_of, cast_slice};

use super::{
    BLOCK, ENDIAN_MARK, ENTRY_LEN, FORMAT, HEADER_LEN, Header, Kind, MAGIC, MAX_SECTIONS,
    SECTION_ALIGN, SUMS_PER_PAGE, SectionEntry, SectionId, SourceId, StrRef, WarningRecord,
    header_checksum,
};
use crate::Warning;

/// Collects the records and texts of one index file.
///
/// The bytes depend only on the calls made, so a deterministic builder gives equal files.
pub struct Writer {
    kind: Kind,
    schema: u32,
    source: SourceId,
    /// The file so far: a block for the header, then sections.
    bytes: Vec<u8>,
    table: Vec<SectionEntry>,
    strings: Strings,
}

impl Writer {
    /// Starts a file about `source`; `schema` is the version of the records of this `kind`.
    pub fn new(kind: Kind, schema: u32, source: SourceId) -> Self {
        let bytes = vec![0; BLOCK];
        let strings = Strings::with_room_for(source.size);
        Self { kind, schema, source, bytes, table: Vec::new(), strings }
    }

    /// Adds a section of records. Each `id` is added once.
    pub fn section<T: NoUninit>(&mut self, id: SectionId, records: &[T]) -> &mut Self {
        let record_size = u32::try_from(size_of::<T>()).expect("a record is small");
        self.add(id, record_size, cast_slice(records));
        self
    }

    /// Stores a text once and gives its place.
    pub fn text(&mut self, text: &str) -> StrRef {
        self.strings.intern(text)
    }

    /// Bytes of all texts stored.
    pub(crate) fn text_len(&self) -> usize {
        self.strings.bytes.len()
    }

    /// A text stored before.
    pub(crate) fn text_at(&self, place: StrRef) -> &str {
        let start = place.offset as usize;
        let bytes = &self.strings.bytes[start..start + place.len as usize];
        std::str::from_utf8(bytes).expect("whole texts are stored")
    }

    /// Stores what was odd in the source, so that it can be told again when opened from cache.
    pub fn warnings(&mut self, warnings: &[Warning]) -> &mut Self {
        let records: Vec<WarningRecord> = warnings
            .iter()
            .map(|warning| WarningRecord {
                path: self.text(&warning.path),
                what: self.text(&warning.what),
                assumed: self.text(&warning.assumed),
                line: warning.line,
                left_out: warning.left_out.into(),
            })
            .collect();
        self.section(SectionId::WARNINGS, &records)
    }

    /// The bytes of the file.
    pub fn finish(mut self) -> Vec<u8> {
        let strings = std::mem::take(&mut self.strings.bytes);
        self.section(SectionId::STRINGS, &strings);
        let Self { mut bytes, table, .. } = self;
        assert!(table.len() <= MAX_SECTIONS, "a builder has a fixed, small set of sections");
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        let block_count = bytes.len() / BLOCK - 1;
        append_checksums(&mut bytes);
        let header = Header {
            magic: MAGIC,
            endian_mark: ENDIAN_MARK,
            format: FORMAT,
            kind: self.kind as u32,
            schema: self.schema,
            source_size: self.source.size,
            source_digest: self.source.digest,
            file_len: bytes.len() as u64,
            section_count: table.len() as u32,
            block_count: u32::try_from(block_count).expect("fewer than 16 TiB"),
            reserved: [0; 11],
            checksum: 0,
        };
        let table: &[u8] = cast_slice(&table);
        let checksum = header_checksum(bytes_of(&header), table);
        let header = Header { checksum, ..header };
        bytes[..HEADER_LEN].copy_from_slice(bytes_of(&header));
        bytes[HEADER_LEN..HEADER_LEN + table.len()].copy_from_slice(table);
        bytes
    }

    /// Writes the file beside `path`, then renames it into place.
    ///
    /// # Errors
    /// The folder cannot be made or written, or the disk is full; `path` is then as before.
    pub fn write_to(self, path: &Path) -> io::Result<()> {
        write_atomically(path, &self.finish())
    }

    fn add(&mut self, id: SectionId, record_size: u32, records: &[u8]) {
        let is_new = self.table.iter().all(|entry| entry.id != id.0);
        assert!(is_new, "a builder adds each of its sections once");
        self.bytes.resize(self.bytes.len().next_multiple_of(SECTION_ALIGN), 0);
        self.table.push(SectionEntry {
            id: id.0,
            record_size,
            offset: self.bytes.len() as u64,
            len: records.len() as u64,
        });
        self.bytes.extend_from_slice(records);
    }
}

/// Writes `bytes` beside `path`, then renames them into place.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file =
        tempfile::Builder::new().prefix(super::inventory::TEMPORARY_PREFIX).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

fn append_checksums(bytes: &mut Vec<u8>) {
    let sums: Vec<u32> = bytes[BLOCK..].chunks(BLOCK).map(crc32fast::hash).collect();
    for page in sums.chunks(SUMS_PER_PAGE) {
        let mut words = [0; SUMS_PER_PAGE + 1];
        words[..page.len()].copy_from_slice(page);
        words[SUMS_PER_PAGE] = crc32fast::hash(cast_slice(&words[..SUMS_PER_PAGE]));
        bytes.extend_from_slice(cast_slice(&words));
    }
}

/// Texts, each stored once.
///
/// The map goes from a text's hash to its place, so that no text is held twice; of two texts
/// with one hash the second sits at the next free number.
struct Strings {
    bytes: Vec<u8>,
    places: HashMap<u64, StrRef, BuildHasherDefault<TakeAsIs>>,
    hasher: foldhash::fast::FixedState,
}

impl Strings {
    /// With room for what a source of `size` bytes usually has, so that it need not be moved while
    /// it grows. Room that stays empty has its price too: the system hands it out page by page.
    fn with_room_for(size: u64) -> Self {
        let room = (size / 128).clamp(1 << 8, 1 << 15) as usize;
        Self {
            bytes: Vec::with_capacity(1 << 18),
            places: HashMap::with_capacity_and_hasher(room, BuildHasherDefault::default()),
            hasher: foldhash::fast::FixedState::default(),
        }
    }

    fn intern(&mut self, text: &str) -> StrRef {
        if text.is_empty() {
            return StrRef::default();
        }
        let mut hash = self.hasher.hash_one(text);
        while let Some(&place) = self.places.get(&hash) {
            let start = place.offset as usize;
            if &self.bytes[start..start + place.len as usize] == text.as_bytes() {
                return place;
            }
            hash = hash.wrapping_add(1);
        }
        let place = StrRef {
            offset: u32::try_from(self.bytes.len()).expect("texts of one source fit 4 GiB"),
            len: u32::try_from(text.len()).expect("a text fits 4 GiB"),
        };
        self.bytes.extend_from_slice(text.as_bytes());
        self.places.insert(hash, place);
        place
    }
}

/// The keys are hashes already.
#[derive(Default)]
struct TakeAsIs(u64);

impl Hasher for TakeAsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

const _: () = assert!(HEADER_LEN + MAX_SECTIONS * ENTRY_LEN <= BLOCK);
