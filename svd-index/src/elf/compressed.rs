//! Compressed sections: a linker may pack what debuggers read.
//!
//! A header says how much comes out, and nothing holds it to the truth: what comes out is bounded
//! for all sections together, and taken only as far as it comes.
//!
//! Source: System V ABI, gABI 4.3, "Section Compression" (`SHF_COMPRESSED`, `ELFCOMPRESS_ZLIB`,
//! `ELFCOMPRESS_ZSTD`). Before it, GNU tools wrote sections named `.zdebug_…`, which start with
//! `ZLIB` and a size.

use std::borrow::Cow;
use std::io::Read;

use object::{CompressionFormat, Object, ObjectSection};

use super::image::warning;
use crate::Warning;

/// Most bytes that the compressed sections of one file may grow to. Debug sections of very large
/// programs stay below; a bomb does not.
const MOST_BYTES: u64 = 1 << 30;

/// What compressed sections may still grow to.
pub(crate) struct Room {
    bytes: u64,
}

impl Room {
    /// The room of one file.
    pub(crate) fn new() -> Self {
        Self { bytes: MOST_BYTES }
    }
}

/// A section by name, or by the name it has where GNU tools packed it.
pub(crate) fn section_named<'f, 'a>(
    file: &'f object::File<'a>,
    name: &str,
) -> Option<object::Section<'a, 'f>> {
    let packed = || file.section_by_name(&gnu_name(name)?);
    file.section_by_name(name).or_else(packed)
}

/// All sections of one name, in file order.
pub(crate) fn sections_named<'f, 'a>(
    file: &'f object::File<'a>,
    name: &'f str,
) -> impl Iterator<Item = object::Section<'a, 'f>> {
    file.sections().filter(move |section| section.name() == Ok(name))
}

/// The bytes of the section `name`, decompressed within `room`; empty if it is missing.
pub(crate) fn section_bytes<'a>(
    section: Option<object::Section<'a, '_>>,
    name: &str,
    room: &mut Room,
    warnings: &mut Vec<Warning>,
) -> Cow<'a, [u8]> {
    let Some(section) = section else { return Cow::Borrowed(&[]) };
    match decompressed(&section, room) {
        Ok(bytes) => bytes,
        Err(what) => {
            warnings.push(warning(name, &what, "it was left out"));
            Cow::Borrowed(&[])
        }
    }
}

/// The name that a debug section has where GNU tools packed it.
fn gnu_name(name: &str) -> Option<String> {
    Some(format!(".zdebug_{}", name.strip_prefix(".debug_")?))
}

/// The bytes of a section as they were before they were packed.
///
/// # Errors
/// Why there are none, in words.
fn decompressed<'a>(
    section: &impl ObjectSection<'a>,
    room: &mut Room,
) -> Result<Cow<'a, [u8]>, String> {
    let data = section.compressed_data().map_err(|error| error.to_string())?;
    let size = data.uncompressed_size;
    let bytes = match data.format {
        CompressionFormat::None => return Ok(Cow::Borrowed(data.data)),
        _ if size > room.bytes => return Err(format!("it claims to grow to {size} bytes")),
        CompressionFormat::Zlib => take(flate2::read::ZlibDecoder::new(data.data), size),
        CompressionFormat::Zstandard => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(data.data);
            take(decoder.map_err(|error| failed(&error))?, size)
        }
        other => return Err(format!("its compression ({other:?}) is not supported")),
    };
    let bytes = bytes.map_err(|error| failed(&error))?;
    room.bytes -= bytes.len() as u64;
    Ok(Cow::Owned(bytes))
}

fn take(decoder: impl Read, size: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    decoder.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn failed(error: &dyn std::error::Error) -> String {
    format!("it does not decompress: {error}")
}
