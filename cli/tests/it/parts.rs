//! Parts that a test needs and a machine may lack. Where they are required, lacking one fails.

use std::process::{Command, Stdio};

/// Set where everything is installed: a missing part is then a failure, not a skip.
const REQUIRED: &str = "SILK_REQUIRE_PARTS";

/// Whether `program` runs. If not, says that the test is skipped, or fails where parts are
/// required.
pub(crate) fn has(program: &str, why: &str) -> bool {
    let runs = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    runs || skipped(&format!("no {program}, which {why}"))
}

/// QEMU, which the virtual board needs.
pub(crate) fn has_qemu() -> bool {
    has("qemu-system-arm", "the virtual board needs")
}

/// Notes a skip; never returns where parts are required.
pub(crate) fn skipped(why: &str) -> bool {
    assert!(std::env::var_os(REQUIRED).is_none(), "a required part is missing: {why}");
    eprintln!("skipped: {why}");
    false
}
