//! Tests of the crate's public face.

#![allow(clippy::unwrap_used)]

mod array;
mod attack;
mod cache;
mod chip;
mod core;
mod core_armv8m;
mod core_choice;
mod core_files;
mod core_regions;
mod core_riscv;
mod core_views;
mod coverage;
mod elf;
mod find;
mod names;
mod odd;
mod oracle;
mod oracle_nrf51;
mod oracle_svds;
mod pack;
mod patch;
mod quirks;
mod search;
mod store;
mod svds;

use std::path::PathBuf;

use svd_index::{Chip, Warning};

/// The SVD of the example, from Nordic Semiconductor (BSD-3-Clause, see the notice beside it).
pub(crate) fn nrf51_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/uart-baud/nrf51.svd")
}

pub(crate) fn nrf51() -> Chip {
    let bytes = std::fs::read(nrf51_path()).expect("the example is in the repository");
    Chip::from_svd(&bytes).expect("it is an SVD").0
}

/// A chip of one peripheral `P` at `0x4000_0000`, whose `<registers>` are `registers`.
pub(crate) fn chip_with(registers: &str) -> (Chip, Vec<Warning>) {
    chip_of(&format!(
        "<peripheral><name>P</name><baseAddress>0x40000000</baseAddress>\n\
         <registers>{registers}</registers></peripheral>"
    ))
}

/// A chip of these peripherals, 32-bit registers without further defaults.
pub(crate) fn chip_of(peripherals: &str) -> (Chip, Vec<Warning>) {
    let svd = format!(
        "<?xml version=\"1.0\"?>\n<device><name>T</name><size>32</size>\n\
         <peripherals>{peripherals}</peripherals></device>"
    );
    Chip::from_svd(svd.as_bytes()).expect("it has a device")
}

/// Paths of all registers, arrays as wholes.
pub(crate) fn paths(chip: &Chip) -> Vec<String> {
    chip.registers().map(|register| register.path()).collect()
}
