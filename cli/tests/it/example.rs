//! The committed example is what its sources make, from any folder.

use std::process::Command;

use crate::parts;
use crate::silk::example;

#[test]
fn the_committed_elfs_are_rebuilt_byte_for_byte() {
    if !parts::has("arm-none-eabi-gcc", "rebuilds the example") {
        return;
    }
    let elsewhere = tempfile::tempdir().unwrap();
    for name in [
        "Makefile",
        "SHA256SUMS",
        "main.c",
        "nrf51.h",
        "nrf51822.ld",
        "startup.c",
        "uart.c",
        "uart.h",
    ] {
        std::fs::copy(example(name), elsewhere.path().join(name)).unwrap();
    }
    let make = Command::new("make").arg("check").current_dir(&elsewhere).output().unwrap();
    let said = String::from_utf8_lossy(&make.stdout);
    assert!(make.status.success(), "{said}{}", String::from_utf8_lossy(&make.stderr));
    assert!(said.contains("faulty.elf: OK") && said.contains("fixed.elf: OK"), "{said}");
}
