//! Server-sent events, cut out of bytes as they come.
//!
//! Source: WHATWG HTML, 9.2.6 "Interpreting an event stream". A line ends in LF
//! or CRLF; a lone CR, which the standard allows and no provider sends, does
//! not end one here.

use std::borrow::Cow;

use bytes::{Buf, BytesMut};

/// The longest event that is taken: far beyond any token, near enough that a
/// runaway endpoint cannot fill the memory.
pub(crate) const EVENT_BYTES: usize = 4 * 1024 * 1024;

/// An event longer than [`EVENT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Cuts a stream into events.
#[derive(Debug, Default)]
pub(crate) struct Cutter {
    /// The start of an event whose end has not come yet.
    rest: BytesMut,
}

impl Cutter {
    /// Takes `data` and gives every event that is whole now to `each`, as it
    /// stands on the wire with the blank line that ends it. What is not whole
    /// yet is kept.
    pub(crate) fn feed(&mut self, data: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), TooLong> {
        if self.rest.is_empty() {
            let used = cut(data, 0, &mut each);
            self.rest.extend_from_slice(&data[used..]);
        } else {
            // The blank line may have begun in what was kept.
            let from = self.rest.len().saturating_sub(3);
            self.rest.extend_from_slice(data);
            let used = cut(&self.rest, from, &mut each);
            self.rest.advance(used);
        }
        if self.rest.len() > EVENT_BYTES { Err(TooLong) } else { Ok(()) }
    }

    /// What is left at the end: an event without its blank line, which the
    /// standard says to drop, but which some servers end their stream with.
    pub(crate) fn rest(&mut self) -> BytesMut {
        std::mem::take(&mut self.rest)
    }
}

/// Gives each whole event of `data` away and says how many bytes they took.
fn cut(data: &[u8], from: usize, each: &mut impl FnMut(&[u8])) -> usize {
    let mut begin = 0;
    for newline in memchr::memchr_iter(b'\n', &data[from..]) {
        let at = from + newline;
        let end = match data.get(at + 1) {
            Some(b'\n') => at + 2,
            Some(b'\r') if data.get(at + 2) == Some(&b'\n') => at + 3,
            _ => continue,
        };
        // A run of blank lines ends one event only.
        if end > begin {
            each(&data[begin..end]);
            begin = end;
        }
    }
    begin
}

/// The data of an event, its `data:` lines joined. `None`: a comment, or an
/// event without data.
pub(crate) fn data(event: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut found: Option<Cow<'_, [u8]>> = None;
    for line in event.split(|byte| *byte == b'\n') {
        let Some(value) = line.strip_prefix(b"data:") else { continue };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let value = value.strip_suffix(b"\r").unwrap_or(value);
        found = Some(match found {
            None => Cow::Borrowed(value),
            Some(before) => {
                let mut joined = before.into_owned();
                joined.push(b'\n');
                joined.extend_from_slice(value);
                Cow::Owned(joined)
            }
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the bytes are cut up, the same events come out.
    fn check(stream: &str, expected: &[&str], rest: &str) {
        for size in 1..=stream.len() {
            let mut cutter = Cutter::default();
            let mut events = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                let each = |event: &[u8]| events.push(String::from_utf8_lossy(event).into_owned());
                assert_eq!(cutter.feed(piece, each), Ok(()));
            }
            assert_eq!(events, expected, "in pieces of {size}");
            assert_eq!(cutter.rest(), rest.as_bytes(), "in pieces of {size}");
        }
    }

    #[test]
    fn events_come_out_whole_however_they_are_cut() {
        check("data: a\n\ndata: b\n\n", &["data: a\n\n", "data: b\n\n"], "");
        check("data: a\r\n\r\ndata: b", &["data: a\r\n\r\n"], "data: b");
        check("event: x\ndata: a\n\n: ping\n\n", &["event: x\ndata: a\n\n", ": ping\n\n"], "");
        check("data: a\ndata: b\n\n", &["data: a\ndata: b\n\n"], "");
    }

    #[test]
    fn the_data_of_an_event_is_its_data_lines() {
        let text =
            |event: &str| data(event.as_bytes()).map(|d| String::from_utf8_lossy(&d).into_owned());
        assert_eq!(text("data: a\n\n").as_deref(), Some("a"));
        assert_eq!(text("event: x\r\ndata:a\r\n\r\n").as_deref(), Some("a"));
        assert_eq!(text("data: a\ndata:  b\n\n").as_deref(), Some("a\n b"));
        assert_eq!(text(": ping\n\n"), None);
        assert_eq!(text("event: ping\n\n"), None);
    }

    #[test]
    fn an_event_without_end_is_not_gathered_for_ever() {
        let mut cutter = Cutter::default();
        let block = vec![b'x'; EVENT_BYTES / 2];
        assert_eq!(cutter.feed(&block, |_| ()), Ok(()));
        assert_eq!(cutter.feed(&block, |_| ()), Ok(()));
        assert_eq!(cutter.feed(b"x", |_| ()), Err(TooLong));
    }
}
