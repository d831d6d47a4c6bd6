//! From the bytes of a file to its text: unpacks gzip and decodes what is not UTF-8.

use std::borrow::Cow;
use std::io::Read;

use super::SvdError;
use super::bounds::MAX_BYTES;
use crate::Warning;

/// Names of the encoding that is read where a text is not UTF-8.
const LATIN_1: [&str; 3] = ["iso-8859-1", "latin1", "windows-1252"];

/// The text of an SVD file, and what was odd about it.
///
/// # Errors
/// It is packed, and has more than [`MAX_BYTES`].
pub(super) fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Vec<Warning>), SvdError> {
    let mut warnings = Vec::new();
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok((decode_text(bytes, &mut warnings), warnings));
    }
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(MAX_BYTES + 1);
    if let Err(error) = reader.read_to_end(&mut unpacked) {
        let what = format!("the gzip stream breaks off: {error}");
        warnings.push(odd(what, "took what was unpacked before"));
    }
    if unpacked.len() as u64 > MAX_BYTES {
        return Err(SvdError::TooLarge { limit: MAX_BYTES });
    }
    let text = String::from_utf8(unpacked)
        .unwrap_or_else(|error| decode_text(error.as_bytes(), &mut warnings).into_owned());
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok((Cow::Owned(text), warnings))
}

fn decode_text<'a>(bytes: &'a [u8], warnings: &mut Vec<Warning>) -> Cow<'a, str> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        // Without a byte order mark. Source: XML 1.0, appendix F.
        [b'<', 0, ..] => return utf16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => return utf16(bytes, u16::from_be_bytes),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Cow::Borrowed(text),
        Err(error) => error,
    };
    if !declares_latin_1(bytes) {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        let mut warning = odd("it is not UTF-8".into(), "read as ISO 8859-1");
        warning.line = u32::try_from(line).unwrap_or(u32::MAX);
        warnings.push(warning);
    }
    Cow::Owned(bytes.iter().copied().map(char::from).collect())
}

/// True if the XML declaration says so.
fn declares_latin_1(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(100)).unwrap_or_default();
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let declaration = head.split_once("?>").map_or("", |(declaration, _)| declaration);
    declaration.starts_with("<?xml") && LATIN_1.iter().any(|name| declaration.contains(name))
}

fn odd(what: String, assumed: &str) -> Warning {
    Warning { what, assumed: assumed.into(), ..Warning::default() }
}
