//! Any bytes as a file of each language and as an answer: places are right, the same text says
//! the same.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    silkscreen_fuzz_claims::read(&String::from_utf8_lossy(bytes));
});
