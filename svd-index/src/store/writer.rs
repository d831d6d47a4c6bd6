//! Lays sections and texts out as one index file.

use std::io::{self, Write};
use std::path::Path;

use bytemuck::{NoUninit, bytes_of, cast_slice};

use super::texts::Texts;
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
    texts: Texts,
}

impl Writer {
    /// Starts a file about `source`; `schema` is the version of the records of this `kind`.
    pub fn new(kind: Kind, schema: u32, source: SourceId) -> Self {
        Self::with_texts(kind, schema, source, Texts::with_room_for(source.size))
    }

    /// Starts a file that has texts already, which records may refer to.
    pub(crate) fn with_texts(kind: Kind, schema: u32, source: SourceId, texts: Texts) -> Self {
        Self { kind, schema, source, bytes: vec![0; BLOCK], table: Vec::new(), texts }
    }

    /// Makes room for so many bytes of records, and for all texts so far.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        let bytes = bytes + self.texts.len() + (MAX_SECTIONS + 1) * SECTION_ALIGN;
        // Checksums take less than one block and one byte of a thousand.
        self.bytes.reserve_exact(bytes + bytes / 1000 + 3 * BLOCK);
    }

    /// Adds a section of records. Each `id` is added once.
    pub fn section<T: NoUninit>(&mut self, id: SectionId, records: &[T]) -> &mut Self {
        let record_size = u32::try_from(size_of::<T>()).expect("a record is small");
        self.add(id, record_size, cast_slice(records));
        self
    }

    /// Stores a text once and gives its place.
    pub fn text(&mut self, text: &str) -> StrRef {
        self.texts.intern(text)
    }

    /// Bytes of all texts stored.
    pub(crate) fn text_len(&self) -> usize {
        self.texts.len()
    }

    /// A text stored before.
    pub(crate) fn text_at(&self, place: StrRef) -> &str {
        self.texts.get(place)
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
        let texts = std::mem::take(&mut self.texts).into_bytes();
        self.section(SectionId::STRINGS, &texts);
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

const _: () = assert!(HEADER_LEN + MAX_SECTIONS * ENTRY_LEN <= BLOCK);
