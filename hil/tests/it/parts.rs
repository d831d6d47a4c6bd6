//! What a test needs besides this crate, and how it is left out where that is missing.

use std::path::{Path, PathBuf};

use hil::{Availability, Board, Deadlines, Selector};

/// `true` if QEMU can run the micro:bit. If not, says so; under `SILK_REQUIRE_PARTS=1` that is a
/// failure, so that a build meant to test everything cannot pass by skipping.
pub(crate) fn qemu() -> bool {
    can_run(&selector())
}

/// The same for any virtual board. Those that need QEMU 10, which Debian 12 has in its backports only,
/// must run where `SILK_REQUIRE_QEMU10=1`.
pub(crate) fn can_run(board: &Selector) -> bool {
    let found = hil::list().into_iter().find(|probe| probe.selector == *board).unwrap();
    match found.availability {
        Availability::Emulated { .. } => true,
        Availability::Unavailable { why } | Availability::QemuTooOld { why } => {
            let required = if needs_qemu_10(board) { qemu_10_required() } else { parts_required() };
            assert!(!required, "failed to {why}");
            eprintln!("skipped: failed to {why}");
            false
        }
        other => panic!("a virtual board is {other:?}"),
    }
}

fn needs_qemu_10(board: &Selector) -> bool {
    let machines = || vbench::machines().iter();
    let is_board = |machine: &&vbench::Machine| *board == Selector::Virtual(machine.name.clone());
    machines().find(is_board).is_some_and(|machine| machine.qemu.minimum.major >= 10)
}

fn qemu_10_required() -> bool {
    std::env::var_os("SILK_REQUIRE_QEMU10").is_some_and(|value| value == "1")
}

pub(crate) fn parts_required() -> bool {
    std::env::var_os("SILK_REQUIRE_PARTS").is_some_and(|value| value == "1")
}

pub(crate) fn selector() -> Selector {
    "virtual:microbit".parse().unwrap()
}

/// A freshly opened virtual micro:bit, or `None` after saying why the test is skipped.
pub(crate) fn microbit() -> Option<Board> {
    qemu().then(|| Board::open(&selector(), None, &Deadlines::default()).unwrap())
}

/// A virtual micro:bit that runs `elf` from its reset on.
pub(crate) fn running(elf: &Path) -> Option<Board> {
    let mut board = microbit()?;
    board.flash(elf, &mut |_| ()).unwrap();
    board.reset().unwrap();
    Some(board)
}

/// Firmware out of `examples/`: prints `uart-baud: boot ok`, then ticks, asleep in between.
pub(crate) fn faulty_elf() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/uart-baud/faulty.elf")
}
