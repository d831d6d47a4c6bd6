//! A made-up SVD, whole or with changed bytes: names and addresses lead to each other.

#![no_main]

use arbitrary::Arbitrary;
use silkscreen_fuzz::ask;
use silkscreen_fuzz::device::Device;
use silkscreen_fuzz::edits::{self, Edit};
use svd_index::svd::Build;
use svd_index::{Chip, RegisterRef, svd};

/// A made-up SVD.
#[derive(Arbitrary, Debug)]
struct Input {
    device: Device,
    edits: Vec<Edit>,
}

libfuzzer_sys::fuzz_target!(|input: Input| {
    let mut svd = input.device.svd().into_bytes();
    edits::apply(&input.edits, &mut svd);
    let build = Build::default();
    let index = || svd::build(&svd, build.id(&svd), &build);
    let Ok(bytes) = index() else { return };
    assert!(index().is_ok_and(|again| again == bytes), "two builds differ");
    let chip = Chip::from_index(&bytes).expect("an index just built is sound");
    ask::chip(&chip);
    for whole in chip.registers().take(100) {
        let last = whole.element(whole.count().saturating_sub(1));
        for register in whole.elements().take(3).chain(last) {
            // Of the core's registers, those in parts of others are left to their whole.
            if !register.is_builtin() && is_searched_whole(whole) {
                check_address(&chip, register);
            }
            check_bits(register);
            if input.edits.is_empty() {
                check_path(&chip, register);
            }
        }
    }
});

/// Whether all elements of an array are found by address. Of large arrays woven into each other
/// only those are that a bounded search comes upon.
fn is_searched_whole(array: RegisterRef<'_>) -> bool {
    const FEW: u64 = 256;
    let last = array.count().saturating_sub(1);
    let reach = array.element(last).map(|last| last.address().wrapping_sub(array.address()));
    array.count() <= FEW || reach == array.stride().and_then(|stride| stride.checked_mul(last))
}

/// Each byte of a register leads to it, unless elements overlap there: not all of an array are told.
fn check_address(chip: &Chip, register: RegisterRef<'_>) {
    const MOST_OVERLAPPING: usize = 16;
    let last = register.address().checked_add(register.size_bytes() - 1);
    let last = last.expect("a register ends within 64 bits");
    for address in [register.address(), last] {
        let found = chip.registers_at(address);
        let is_there = found.contains(&register);
        let is_crowded = found.iter().any(|other| other.line() == register.line());
        assert!(
            is_there || is_crowded || found.len() >= MOST_OVERLAPPING,
            "{register:?} is not at {address:#x}: {found:?}"
        );
    }
}

fn check_bits(register: RegisterRef<'_>) {
    let value = 0x0123_4567_89ab_cdef;
    let mut seen = register.reserved_mask();
    for decoded in register.decode(value) {
        let field = decoded.field;
        assert_eq!(decoded.raw, value >> field.lsb() & (u64::MAX >> (64 - field.width())));
        assert!(field.msb() < 64);
        seen |= field.mask();
    }
    let all = u64::MAX >> (64 - register.size_bits());
    assert_eq!(seen & all, all, "a bit of {register:?} is neither reserved nor in a field");
}

/// A path leads to a register of that path.
fn check_path(chip: &Chip, register: RegisterRef<'_>) {
    let path = register.path();
    if let Some(found) = chip.register(&path) {
        assert_eq!(found.path(), path);
    }
}
