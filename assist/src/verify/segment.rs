//! A streamed answer cut into sentences and lines, the same however it arrives.

/// A sentence or a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) text: String,
    /// Byte of the whole answer at which it starts.
    pub(super) offset: usize,
    /// Inside a fenced block of code.
    pub(super) in_code: bool,
}

/// Collects deltas and gives segments back.
#[derive(Debug, Default)]
pub(super) struct Segments {
    /// What came and was not given back yet.
    buffer: String,
    /// Byte of the whole answer at which `buffer` starts.
    offset: usize,
    /// Bytes of `buffer` that hold no end.
    scanned: usize,
    /// Whether the scan stands between two backticks.
    quoted: bool,
    /// Whether `buffer` starts in the middle of a line.
    mid_line: bool,
    in_code: bool,
}

const FENCE: &str = "```";

impl Segments {
    pub(super) fn push(&mut self, delta: &str) {
        self.buffer.push_str(delta);
    }

    /// The next segment whose end has arrived.
    pub(super) fn next_complete(&mut self) -> Option<Segment> {
        let end = self.find_end()?;
        Some(self.take(end))
    }

    /// What is left, complete or not.
    pub(super) fn rest(&mut self) -> Option<Segment> {
        let end = self.buffer.len();
        (end > 0).then(|| self.take(end))
    }

    fn find_end(&mut self) -> Option<usize> {
        let fence = !self.mid_line && self.buffer.trim_start().starts_with(FENCE);
        let bytes = self.buffer.as_bytes();
        while let Some(&byte) = bytes.get(self.scanned) {
            match byte {
                b'\n' => return Some(self.scanned + 1),
                b'`' => self.quoted = !self.quoted,
                b'.' | b'!' | b'?' if !self.quoted && !self.in_code && !fence => {
                    // Whether a sentence ends here is known with the next byte.
                    let next = bytes.get(self.scanned + 1)?;
                    if next.is_ascii_whitespace() && *next != b'\n' {
                        return Some(self.scanned + 1);
                    }
                }
                _ => {}
            }
            self.scanned += 1;
        }
        None
    }

    fn take(&mut self, end: usize) -> Segment {
        let rest = self.buffer.split_off(end);
        let text = std::mem::replace(&mut self.buffer, rest);
        let is_fence = !self.mid_line && text.trim_start().starts_with(FENCE);
        let segment = Segment { offset: self.offset, in_code: self.in_code, text };
        self.in_code ^= is_fence && segment.text.ends_with('\n');
        self.offset += end;
        self.mid_line = !segment.text.ends_with('\n');
        self.scanned = 0;
        self.quoted = false;
        segment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(answer: &str, size: usize) -> Vec<Segment> {
        let mut segments = Segments::default();
        let mut found = Vec::new();
        let chars: Vec<char> = answer.chars().collect();
        for chunk in chars.chunks(size) {
            segments.push(&chunk.iter().collect::<String>());
            while let Some(segment) = segments.next_complete() {
                found.push(segment);
            }
        }
        found.extend(segments.rest());
        found
    }

    const ANSWER: &str = "UART0.BAUDRATE is wrong. It holds `a. b`, e.g. x!\n\n```c\n\
                          a.b = 1. ;\n```\nDone. 3.3 V…";

    #[test]
    fn sentences_and_lines_are_segments() {
        let texts: Vec<String> = cut(ANSWER, 1).into_iter().map(|s| s.text).collect();
        assert_eq!(
            texts,
            [
                "UART0.BAUDRATE is wrong.",
                " It holds `a. b`, e.g.",
                " x!\n",
                "\n",
                "```c\n",
                "a.b = 1. ;\n",
                "```\n",
                "Done.",
                " 3.3 V…"
            ]
        );
    }

    #[test]
    fn the_cut_does_not_depend_on_how_it_arrives() {
        let whole = cut(ANSWER, ANSWER.len());
        for size in 1..ANSWER.len() {
            assert_eq!(cut(ANSWER, size), whole, "in pieces of {size}");
        }
        assert_eq!(whole.iter().map(|s| s.text.as_str()).collect::<String>(), ANSWER);
        assert!(whole[5].in_code && !whole[7].in_code);
    }
}
