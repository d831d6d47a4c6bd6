//! One index file per source (an SVD or an ELF), written once, mapped into memory ever after.
//!
//! A person asking for one register waits for opening plus one look-up. So nothing is decoded
//! at open: records are plain old data in the machine's own byte order, look-ups search them in
//! place, and a block's checksum is compared the first time something in that block is read.
//!
//! # Byte layout, format 1
//!
//! All integers have the byte order of the machine that wrote the file; the endianness mark
//! tells a foreign file, which is rebuilt, not converted.
//!
//! ```text
//! offset  size  what
//! 0       8     magic "SILKIDX\0"
//! 8       4     endianness mark 0x0A0B0C0D
//! 12      4     format version: this layout
//! 16      4     kind, see [`Kind`]
//! 20      4     schema version: the records of that kind
//! 24      8     size of the source in bytes
//! 32      32    BLAKE3 of the source
//! 64      8     length of this file
//! 72      4     number of sections
//! 76      4     number of 4 KiB body blocks
//! 80      44    zero
//! 124     4     CRC-32 of bytes 0..124 and of the section table
//! 128     24×n  section table: id u32, record size u32, offset u64, length in bytes u64
//!         …     zero up to 4096
//! 4096    4096×b  body: the sections, each aligned to 64 bytes, zero between
//!         4096×s  checksum pages: 1023 CRC-32 of body blocks, then the CRC-32 of those 1023
//! ```
//!
//! The header's checksum is compared at open; a checksum page on the first touch of one of its
//! blocks; a block on its own first touch. A text is a [`StrRef`]: offset and length in the
//! section [`SectionId::STRINGS`], UTF-8, each distinct text stored once.
//!
//! A file is written beside its place and renamed into it, so that readers see the old file or
//! the new one and several writers cannot mix. Building is deterministic: the same source gives
//! the same bytes. Therefore a file found damaged while it is being read can be repaired in
//! place by building its bytes again (see [`File::with_rebuild`]) while references into it live.

mod cache;
mod file;
mod inventory;
mod known;
mod texts;
mod writer;

pub use cache::{Cache, Content, Loaded, MAX_BYTES, Reason, Source, Stamped};
pub use file::{File, OpenError, Records};
pub use inventory::{Dispensable, Entry};
pub(crate) use texts::Texts;
pub use writer::Writer;
pub(crate) use writer::write_atomically;

use bytemuck::{Pod, Zeroable};

/// The version of the layout above.
pub const FORMAT: u32 = 1;

/// Bytes under one checksum.
pub const BLOCK: usize = 4096;

const MAGIC: [u8; 8] = *b"SILKIDX\0";
const ENDIAN_MARK: u32 = 0x0A0B_0C0D;
const SECTION_ALIGN: usize = 64;
/// CRC-32 values of body blocks in one checksum page; the page's own takes the last place.
const SUMS_PER_PAGE: usize = BLOCK / 4 - 1;

/// What a file was built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Kind {
    /// A chip description, CMSIS-SVD.
    Svd = 1,
    /// A firmware image, ELF with or without DWARF.
    Elf = 2,
    /// The words of a chip description, made from its index.
    Words = 3,
    /// Which code of a firmware image touches which register.
    Uses = 4,
    /// How the types of a firmware image are laid out.
    Types = 5,
}

impl Kind {
    /// As it stands in the names of index files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Svd => "svd",
            Self::Elf => "elf",
            Self::Words => "words",
            Self::Uses => "uses",
            Self::Types => "types",
        }
    }
}

/// Names a section; the numbers from 16 on belong to each [`Kind`] for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SectionId(pub u32);

impl SectionId {
    /// The text of every [`StrRef`]; written by [`Writer`] itself.
    pub const STRINGS: Self = Self(0);
    /// What was odd in the source; written by [`Writer::warnings`].
    pub const WARNINGS: Self = Self(1);
}

/// A text in [`SectionId::STRINGS`]. The default is the empty text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Pod, Zeroable)]
#[repr(C)]
pub struct StrRef {
    /// First byte.
    pub offset: u32,
    /// Length in bytes.
    pub len: u32,
}

impl StrRef {
    /// True of the empty text, which also stands for "not given".
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// The content of a source: two files with the same one are the same source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceId {
    /// BLAKE3 of the bytes.
    pub digest: [u8; 32],
    /// Number of bytes.
    pub size: u64,
}

impl SourceId {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: blake3::hash(bytes).into(), size: bytes.len() as u64 }
    }

    /// The hash in lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        use std::fmt::Write;
        self.digest.iter().fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes all text");
            text
        })
    }
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    endian_mark: u32,
    format: u32,
    kind: u32,
    schema: u32,
    source_size: u64,
    source_digest: [u8; 32],
    file_len: u64,
    section_count: u32,
    block_count: u32,
    reserved: [u32; 11],
    checksum: u32,
}

const HEADER_LEN: usize = size_of::<Header>();
const _: () = assert!(HEADER_LEN == 128);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct SectionEntry {
    id: u32,
    record_size: u32,
    offset: u64,
    len: u64,
}

const ENTRY_LEN: usize = size_of::<SectionEntry>();
const MAX_SECTIONS: usize = (BLOCK - HEADER_LEN) / ENTRY_LEN;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct WarningRecord {
    path: StrRef,
    what: StrRef,
    assumed: StrRef,
    line: u32,
    /// 1 if it cost an element.
    left_out: u32,
}

/// CRC-32 of the header without its last word, then of the section table.
fn header_checksum(header: &[u8], table: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..HEADER_LEN - 4]);
    hasher.update(table);
    hasher.finalize()
}
