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
    /// What came; `start` says how much of it was given back.
    buffer: String,
    start: usize,
    /// Byte of the whole answer at which the next segment starts.
    offset: usize,
    /// Bytes after `start` that hold no end.
    scanned: usize,
    /// Whether the scan stands between two backticks.
    quoted: bool,
    /// Whether the next segment starts in the middle of a line.
    mid_line: bool,
    in_code: bool,
}

const FENCE: &str = "```";

/// Bytes after which a segment ends with the next word, and at which it ends in any case. What is
/// read of a segment is read with all of it in view, so its length bounds what each word costs.
const LONG: usize = 2048;
const LONGEST: usize = 4096;

impl Segments {
    pub(super) fn push(&mut self, delta: &str) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.push_str(delta);
    }

    /// The next segment whose end has arrived.
    pub(super) fn next_complete(&mut self) -> Option<Segment> {
        let length = self.find_end()?;
        Some(self.take(length))
    }

    /// What is left, complete or not.
    pub(super) fn rest(&mut self) -> Option<Segment> {
        let length = self.buffer.len() - self.start;
        (length > 0).then(|| self.take(length))
    }

    fn find_end(&mut self) -> Option<usize> {
        let text = &self.buffer[self.start..];
        let fence = !self.mid_line && starts_with_fence(text);
        let bytes = text.as_bytes();
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
                b' ' if self.scanned >= LONG => return Some(self.scanned + 1),
                _ if self.scanned >= LONGEST && text.is_char_boundary(self.scanned) => {
                    return Some(self.scanned);
                }
                _ => {}
            }
            self.scanned += 1;
        }
        None
    }

    fn take(&mut self, length: usize) -> Segment {
        let text = self.buffer[self.start..self.start + length].to_owned();
        self.start += length;
        let is_fence = !self.mid_line && starts_with_fence(&text);
        let segment = Segment { offset: self.offset, in_code: self.in_code, text };
        self.in_code ^= is_fence && segment.text.ends_with('\n');
        self.offset += length;
        self.mid_line = !segment.text.ends_with('\n');
        self.scanned = 0;
        self.quoted = false;
        segment
    }
}

/// Whether the first line opens or closes a block of code.
fn starts_with_fence(text: &str) -> bool {
    text.trim_start_matches(|c: char| c.is_whitespace() && c != '\n').starts_with(FENCE)
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

    #[test]
    fn a_line_without_end_is_cut_between_words_where_there_are_any() {
        let words = "word ".repeat(2000);
        let segments = cut(&words, 7);
        assert!(segments.iter().all(|segment| segment.text.len() <= LONG + 5));
        assert!(segments.iter().all(|segment| segment.text.ends_with("word ")));
        assert_eq!(cut(&words, words.len()), segments);
        let letters = "ü".repeat(LONGEST);
        let lengths: Vec<usize> = cut(&letters, 11).iter().map(|s| s.text.len()).collect();
        assert_eq!(lengths, [LONGEST, LONGEST]);
    }
}
