//! Which trace a client's request belongs to.
//!
//! Source: W3C Trace Context Level 2, 3.2 (`traceparent`) and 3.3 (`tracestate`).

use hyper::header::HeaderMap;

/// The longest `tracestate` that is kept.
const STATE_BYTES: usize = 512;

/// What a client says of the trace it asks in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(super) trace: u128,
    pub(super) span: u64,
    /// The client keeps its part of the trace.
    pub(super) is_kept: bool,
    pub(super) state: String,
}

impl Parent {
    /// Reads `traceparent`; what is none begins no trace, as if it were not there.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all("traceparent").iter();
        let (one, other) = (given.next()?, given.next());
        let text = one.to_str().ok().filter(|_| other.is_none())?;
        let (trace, span, is_kept) = parse(text.trim())?;
        let states = headers.get_all("tracestate").iter().filter_map(|state| state.to_str().ok());
        let state = states.collect::<Vec<_>>().join(",");
        let state = if state.len() > STATE_BYTES { String::new() } else { state };
        Some(Self { trace, span, is_kept, state })
    }
}

/// `version-trace-span-flags`, in lower-case hexadecimal.
fn parse(text: &str) -> Option<(u128, u64, bool)> {
    let mut parts = text.split('-');
    let mut part = |digits: usize| {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        parts.next().filter(|part| part.len() == digits && part.bytes().all(is_digit))
    };
    let version = part(2)?;
    let trace = u128::from_str_radix(part(32)?, 16).ok()?;
    let span = u64::from_str_radix(part(16)?, 16).ok()?;
    let flags = u8::from_str_radix(part(2)?, 16).ok()?;
    // Later versions may go on after the flags, this one does not.
    let is_known = version != "ff" && (version != "00" || parts.next().is_none());
    (is_known && trace != 0 && span != 0).then_some((trace, span, flags & 1 == 1))
}

/// What an endpoint is told of a trace that is kept.
pub(super) fn traceparent(trace: u128, span: u64) -> String {
    format!("00-{trace:032x}-{span:016x}-01")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_traceparent_is_left_aside() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let (trace, span) = (0x0af7651916cd43dd8448eb211c80319c, 0xb7ad6b7169203331);
        assert_eq!(parse(good), Some((trace, span, true)));
        assert_eq!(traceparent(trace, span), good);
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more";
        assert_eq!(parse(later), Some((trace, span, false)));
        for wrong in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
