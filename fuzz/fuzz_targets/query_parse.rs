//! Anything as a query: an answer, in time.

#![no_main]

use std::sync::LazyLock;

use silkscreen_fuzz::{SEEDS, ask, chip_and_index};
use svd_index::Chip;

static CHIPS: LazyLock<Vec<Chip>> =
    LazyLock::new(|| SEEDS.iter().map(|svd| chip_and_index(svd).0).collect());

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    svd_index::parse_number(&text);
    for chip in CHIPS.iter() {
        ask::text(chip, &text);
    }
});
