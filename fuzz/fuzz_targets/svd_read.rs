//! Any bytes as an SVD: an answer or an error, and what is answered can be asked about.

#![no_main]

use svd_index::Chip;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok((chip, _)) = Chip::from_svd(bytes) {
        silkscreen_fuzz::ask::chip(&chip);
    }
});
