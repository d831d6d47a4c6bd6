//! How far an SVD is followed that means harm or is beyond help.
//!
//! Derivation and arrays multiply: a file of a few kilobytes can ask for more registers than there
//! is memory, or for an hour of looking names up. Each bound is far above what any vendor's file
//! needs, and meeting one is a warning, never an error.

use std::cell::Cell;

/// Bytes of one SVD, unpacked: seven times the largest there is, twice.
pub(crate) const MAX_BYTES: u64 = super::container::MAX_UNPACKED;

/// Bytes of an element's name; what vendors write has less than a hundred.
pub(super) const MAX_NAME: usize = 1024;

/// Register records of a device.
pub(super) const MAX_REGISTERS: usize = 1 << 20;

/// Field records, and records of enumerated values, of a device.
pub(super) const MAX_FIELDS: usize = 1 << 21;

/// Registers and clusters looked at, those in what is derived counted again.
pub(super) const MAX_NODES: usize = 1 << 21;

/// Bytes of all different texts of a device.
pub(super) const MAX_TEXT: usize = 512 << 20;

/// Warnings about one file; one that is wrong throughout is told so this often and no more.
pub(super) const MAX_WARNINGS: usize = 1000;

/// Elements in elements.
pub(super) const MAX_DEPTH: usize = 4096;

/// Characters of what a warning quotes.
const MAX_QUOTED: usize = 200;

/// Names compared to find what elements are derived from.
const MAX_COMPARED: u64 = 1 << 25;

/// How many names may still be compared.
pub(super) struct Comparisons(Cell<u64>);

impl Default for Comparisons {
    fn default() -> Self {
        Self(Cell::new(MAX_COMPARED))
    }
}

impl Comparisons {
    /// Takes `count` of them; false once they are used up.
    pub(super) fn take(&self, count: usize) -> bool {
        let left = self.0.get().saturating_sub(count as u64);
        self.0.set(left);
        left > 0
    }

    /// True once they are used up.
    pub(super) fn are_used_up(&self) -> bool {
        self.0.get() == 0
    }
}

/// `text`, cut where it would drown a warning.
pub(super) fn clip(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_QUOTED) {
        text.truncate(end);
        text.push('…');
    }
    text
}
