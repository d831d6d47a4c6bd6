//! What the fuzz targets share: everything that can be asked, changes to bytes, made-up SVDs.
//!
//! A target states what must hold for any input. That nothing panics is the least of it: an
//! address leads back to the register that has it, and an index with changed bytes never answers
//! otherwise than the sound one without saying that it is damaged.

pub mod ask;
pub mod device;
pub mod edits;

use svd_index::svd::Build;
use svd_index::{Chip, svd};

/// The SVDs that the targets start from, one of everything each.
pub const SEEDS: [&str; 3] = [
    include_str!("../seeds/svd_read/small.svd"),
    include_str!("../seeds/svd_read/arrays.svd"),
    include_str!("../seeds/svd_read/core.svd"),
];

/// A chip read from an SVD in memory, and the bytes of its index.
pub fn chip_and_index(svd: &str) -> (Chip, Vec<u8>) {
    let build = Build::default();
    let index = svd::build(svd.as_bytes(), build.id(svd.as_bytes()), &build);
    let index = index.expect("a seed is an SVD");
    let chip = Chip::from_index(&index).expect("an index just built is sound");
    (chip, index)
}
