//! What a test needs besides this repository.

use std::path::{Path, PathBuf};

/// Whether `machine`'s QEMU can be used. If not, says so; under `SILK_REQUIRE_PARTS=1` that is a
/// failure, so that a build meant to test everything cannot pass by skipping. For a board that needs
/// QEMU 10, which Debian 12 has in its backports only, `SILK_REQUIRE_QEMU10=1` is what counts.
pub(crate) fn qemu_for(machine: &vbench::Machine) -> bool {
    match vbench::check_qemu(machine, Path::new(&machine.qemu.program)) {
        Ok(_) => true,
        Err(error) => {
            let asks = match machine.qemu.minimum.major {
                10.. => "SILK_REQUIRE_QEMU10",
                _ => "SILK_REQUIRE_PARTS",
            };
            let required = std::env::var_os(asks).is_some_and(|value| value == "1");
            assert!(!required, "failed to {error}");
            eprintln!("skipped: failed to {error}");
            false
        }
    }
}

/// The micro:bit, or `None` after saying why this test is skipped.
pub(crate) fn microbit() -> Option<&'static vbench::Machine> {
    board("microbit")
}

/// Any board, or `None` after saying why this test is skipped.
pub(crate) fn board(name: &str) -> Option<&'static vbench::Machine> {
    let machine = vbench::machine(name).unwrap();
    qemu_for(machine).then_some(machine)
}

/// Chips' SVDs as their vendors publish them, which `.ci/svds/fetch` fetches.
pub(crate) fn svds() -> Option<PathBuf> {
    let folder = std::env::var_os("SILK_TEST_SVDS").map(PathBuf::from);
    if folder.is_none() {
        let required = std::env::var_os("SILK_REQUIRE_PARTS").is_some_and(|value| value == "1");
        assert!(!required, "SILK_TEST_SVDS names no folder of SVDs");
        eprintln!("skipped: SILK_TEST_SVDS names no folder of SVDs");
    }
    folder
}
