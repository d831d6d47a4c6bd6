//! Any bytes as an ELF: facts or an error, and the facts can be asked about.

#![no_main]

use svd_index::elf::{self, Firmware};
use svd_index::store::{File, Kind, SourceId};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok((writer, _)) = elf::build(bytes, SourceId::of(bytes)) else { return };
    let index = File::from_bytes(&writer.finish(), Kind::Elf, elf::SCHEMA);
    let firmware = Firmware::new(index.expect("an index just built is sound"));
    silkscreen_fuzz::ask::firmware(&firmware);
});
