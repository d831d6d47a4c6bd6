//! Any bytes as an ELF: facts or an error, and the facts can be asked about.

#![no_main]

use svd_index::elf::Firmware;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(firmware) = Firmware::from_elf(bytes) {
        silkscreen_fuzz::ask::firmware(&firmware);
    }
});
