//! Any bytes as an ELF: facts or an error, and the facts can be asked about. Both index files built
//! in one go are those that are built one after the other.

#![no_main]

use svd_index::elf::{self, Firmware, Split};
use svd_index::store::SourceId;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let id = SourceId::of(bytes);
    let all = elf::build_all_with(bytes, &Split::default(), || id);
    let main = elf::build(bytes, id);
    assert_eq!(all.is_ok(), main.is_ok(), "one of two ways refuses the ELF");
    let (Ok(all), Ok((main, warnings))) = (all, main) else { return };
    assert_eq!(all.warnings, warnings);
    assert!(all.main == main.finish(), "the index differs");
    let types = elf::build_types(bytes, id).map(|types| types.finish());
    assert!(types.is_ok_and(|types| all.types == types), "the layouts of types differ");
    if let Ok(firmware) = Firmware::from_elf(bytes) {
        silkscreen_fuzz::ask::firmware(&firmware);
    }
});
