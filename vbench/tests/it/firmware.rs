//! The committed test firmware is what its sources give.

use std::path::Path;
use std::process::{Command, Stdio};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/firmware");

#[test]
fn the_committed_elfs_are_built_from_their_sources() {
    let compiler = "arm-none-eabi-gcc";
    let version = Command::new(compiler).arg("--version").stdout(Stdio::null()).status();
    if version.is_err() {
        let required = std::env::var_os("SILK_REQUIRE_PARTS").is_some_and(|value| value == "1");
        assert!(!required, "no {compiler}");
        eprintln!("skipped: no {compiler}");
        return;
    }
    let made = Command::new("make").arg("check").current_dir(Path::new(FOLDER)).output().unwrap();
    let said = String::from_utf8_lossy(&made.stdout);
    assert!(made.status.success(), "{said}{}", String::from_utf8_lossy(&made.stderr));
}
