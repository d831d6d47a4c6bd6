//! How much may come of debug information. Entries share names and lists of ranges, so that a
//! small file can stand for any amount of either; what compilers write stays far below its size.

use crate::Warning;
use crate::elf::image::{Image, warning};

/// Bytes of names for each byte of the file, whose sections may be compressed.
const TEXT_GROWTH: usize = 16;

/// Code ranges for each byte of the file.
const RANGES_GROWTH: usize = 4;

/// What may still be taken.
pub(super) struct Budget {
    text_bytes: usize,
    ranges: usize,
    is_spent: bool,
}

impl Budget {
    pub(super) fn of(image: &Image<'_>) -> Self {
        let size = image.size_bytes();
        let text_bytes = size.saturating_mul(TEXT_GROWTH);
        Self { text_bytes, ranges: size.saturating_mul(RANGES_GROWTH), is_spent: false }
    }

    /// Takes so many bytes of a name; `false` if there is no more room.
    pub(super) fn takes_text(&mut self, bytes: usize) -> bool {
        take(&mut self.text_bytes, bytes, &mut self.is_spent)
    }

    pub(super) fn takes_range(&mut self) -> bool {
        take(&mut self.ranges, 1, &mut self.is_spent)
    }

    /// Whether something was left out already: then no further name is looked at.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent
    }

    pub(super) fn warning(&self) -> Option<Warning> {
        let what = "it has more names or code ranges than a file of this size can mean";
        self.is_spent.then(|| warning(".debug_info", what, "the rest of them was left out"))
    }
}

fn take(left: &mut usize, wanted: usize, is_spent: &mut bool) -> bool {
    match left.checked_sub(wanted) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => {
            *is_spent = true;
            false
        }
    }
}
