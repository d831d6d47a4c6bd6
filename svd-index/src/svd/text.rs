//! From the bytes of a file to its text: unpacks gzip and decodes what is not UTF-8.

use std::borrow::Cow;
use std::io::Read;

use crate::Warning;

/// No SVD comes near this; a gzip bomb does.
const MAX_UNPACKED: u64 = 1 << 30;

/// The text of an SVD file, and what was odd about it.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, Vec<Warning>) {
    let mut warnings = Vec::new();
    if !bytes.starts_with(b"\x1f\x8b") {
        return (decode_text(bytes, &mut warnings), warnings);
    }
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(MAX_UNPACKED);
    if let Err(error) = reader.read_to_end(&mut unpacked) {
        let what = format!("the gzip stream breaks off: {error}");
        warnings.push(odd(what, "took what was unpacked before"));
    }
    if unpacked.len() as u64 == MAX_UNPACKED {
        let what = format!("it unpacks to more than {MAX_UNPACKED} bytes");
        warnings.push(odd(what, "took as many"));
    }
    let text = decode_text(&unpacked, &mut warnings).into_owned();
    (Cow::Owned(text), warnings)
}

fn decode_text<'a>(bytes: &'a [u8], warnings: &mut Vec<Warning>) -> Cow<'a, str> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Cow::Borrowed(text),
        Err(error) => error,
    };
    let before = &bytes[..error.valid_up_to()];
    let line = 1 + memchr::memchr_iter(b'\n', before).count();
    let mut warning = odd("it is not UTF-8".into(), "read as ISO 8859-1");
    warning.line = u32::try_from(line).unwrap_or(u32::MAX);
    warnings.push(warning);
    Cow::Owned(bytes.iter().copied().map(char::from).collect())
}

fn odd(what: String, assumed: &str) -> Warning {
    Warning { what, assumed: assumed.into(), ..Warning::default() }
}
