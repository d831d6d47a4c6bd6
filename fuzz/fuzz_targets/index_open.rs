//! An index file with changed bytes: refused, or it answers as the sound one, or it says that it
//! is damaged. With the checksums made to match, as an attacker would, no answer may be trusted,
//! but none may crash either.

#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use silkscreen_fuzz::edits::{self, Edit};
use silkscreen_fuzz::{SEEDS, ask, chip_and_index};
use svd_index::Chip;
use svd_index::store::SourceId;

/// Changes to the index of one of the seeds.
#[derive(Arbitrary, Debug)]
struct Input {
    seed: u8,
    sealed: bool,
    edits: Vec<Edit>,
}

/// Each seed's index file, what it was built from, and the sum of what it answers.
static SOUND: LazyLock<Vec<(Vec<u8>, SourceId, u64)>> = LazyLock::new(|| {
    let sound = SEEDS.iter().map(|svd| {
        let (chip, index) = chip_and_index(svd);
        let answers = ask::chip(&chip);
        (index, *chip.file().source(), answers)
    });
    sound.collect()
});

libfuzzer_sys::fuzz_target!(|input: Input| {
    let seed = usize::from(input.seed) % SEEDS.len();
    let (sound, source, answers) = &SOUND[seed];
    let mut index = sound.clone();
    edits::apply(&input.edits, &mut index);
    if input.sealed {
        edits::seal(&mut index);
        if let Ok(chip) = Chip::from_index(&index) {
            ask::chip(&chip);
        }
        return;
    }
    let Ok(chip) = Chip::from_index(&index) else { return };
    let said = ask::chip(&chip);
    assert!(chip.file().is_damaged() || said == *answers, "a wrong answer without a word");
    assert_eq!(chip.file().source(), source, "the index of another source");
});
