//! Texts made of names, numbers and words that the claim finder looks for, short ones for what it
//! says, long ones for the time it takes.

#![no_main]

use arbitrary::Arbitrary;
use silkscreen_fuzz_claims::made::{self, Piece};
use silkscreen_fuzz_claims::{LANGUAGES, check, time, verify};

/// Longest text whose claims are looked at.
const SHORT: usize = 2 << 10;

/// A text whose check in quadratic time would outlast the limit of a run.
const LONG: usize = 96 << 10;

#[derive(Arbitrary, Debug)]
struct Input {
    language: u8,
    header: Vec<Piece>,
    pieces: Vec<Piece>,
    /// Characters of each delta of an answer.
    size: u8,
    is_long: bool,
}

libfuzzer_sys::fuzz_target!(|input: Input| {
    let language = LANGUAGES[usize::from(input.language) % LANGUAGES.len()];
    let text = made::text(&input.pieces, SHORT);
    if input.is_long {
        if !text.is_empty() {
            time(&text.repeat(LONG / text.len()), language);
        }
        return;
    }
    check(&text, language, &made::text(&input.header, SHORT));
    verify(&text, usize::from(input.size));
});
