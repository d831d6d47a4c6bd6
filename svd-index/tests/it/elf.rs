//! The ELF side, over small ELFs whose sources stand beside them in `tests/data/elf`.

#![allow(clippy::unwrap_used)]

#[path = "elf_accesses.rs"]
mod accesses;
#[path = "elf_damage.rs"]
mod damage;
#[path = "elf_damage_made.rs"]
mod damage_made;
#[path = "elf_formats.rs"]
mod formats;
#[path = "elf_lines.rs"]
mod lines;
#[path = "elf_lookup.rs"]
mod lookup;
#[path = "elf_reference.rs"]
mod reference;
#[path = "elf_reference_types.rs"]
mod reference_types;
#[path = "elf_size.rs"]
mod size;
#[path = "elf_stack.rs"]
mod stack;
#[path = "elf_types.rs"]
mod types;
#[path = "elf_uses.rs"]
mod uses;

use std::path::{Path, PathBuf};

use svd_index::elf::Firmware;

/// A file of `tests/data/elf`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/elf").join(name)
}

/// The example firmware with the classic bug.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/uart-baud").join(name)
}

pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Builds the records and opens them.
pub(crate) fn firmware(bytes: &[u8]) -> Firmware {
    Firmware::from_elf(bytes).unwrap()
}

pub(crate) fn open(path: &Path) -> Firmware {
    firmware(&read(path))
}

/// The committed ELFs are what their sources give, by the compiler they came from.
#[test]
fn the_elfs_come_from_their_sources() {
    const COMPILER: &str = "arm-none-eabi-gcc";
    let version = std::process::Command::new(COMPILER).arg("-dumpfullversion").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    if !version.as_ref().is_ok_and(|version| version == "12.2.1") {
        let required = std::env::var_os("SILK_REQUIRE_PARTS").is_some_and(|value| value == "1");
        assert!(!required, "{COMPILER} 12.2.1 is required, found {version:?}");
        eprintln!("skipped: needs {COMPILER} 12.2.1, found {version:?}");
        return;
    }
    let make = std::process::Command::new("make").arg("check").current_dir(data("")).output();
    let make = make.unwrap();
    assert!(make.status.success(), "{}", String::from_utf8_lossy(&make.stdout));
}
