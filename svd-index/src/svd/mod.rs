//! Reads CMSIS-SVD as vendors write it, and lays it out for look-up.

mod arrays;
pub(crate) mod bounds;
pub(crate) mod container;
mod core;
mod derive;
mod fit;
mod layout;
mod layout_field;
mod pack;
mod patch;
mod read;
mod read_field;
mod read_part;
pub(crate) mod source;
mod text;
mod tree;
mod values;
mod xml;

pub use container::{Choice, ContainerError};
pub use fit::fits;
pub use patch::{Patch, PatchError};
pub use source::{Build, SvdSource};

use bumpalo::Bump;

use crate::store::SourceId;

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
    /// It is packed, and larger than any SVD.
    #[error("it unpacks to more than {limit} bytes, which no SVD does")]
    TooLarge {
        /// The most that is taken.
        limit: u64,
    },
}

/// Reads an SVD, plain or gzip, and gives the bytes of its index file, warnings included.
/// `source` names its content: [`Build::id`].
///
/// A device whose `<cpu>` names an Arm Cortex-M core that is known gets its core peripherals,
/// as far as the SVD leaves them out ([`Origin`](crate::Origin) tells them apart).
///
/// Tolerant: whatever is wrong costs at most its own element and leaves a warning. The same
/// bytes give the same file.
///
/// # Errors
/// There is no `<device>` in it, or it unpacks to more than any SVD has.
pub fn build(bytes: &[u8], source: SourceId, build: &Build) -> Result<Vec<u8>, SvdError> {
    let (text, mut warnings) = text::decode(bytes)?;
    let memory = Bump::new();
    let Some((mut device, found)) = read::read(&text, &memory) else {
        let found = looks_like(bytes);
        return Err(SvdError::NotSvd { found });
    };
    warnings.extend(found);
    let oddities = patch::apply(&mut device, &build.patches, &memory);
    Ok(layout::lay_out(&device, warnings, source, (build, &oddities), &memory))
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
