//! The example of `examples/uart-baud`, built in, so that the demo needs no checkout.

use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failure};

macro_rules! example {
    ($name:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/uart-baud/", $name)
    };
}

/// Register map of the nRF51 series.
pub(super) const SVD: &[u8] = include_bytes!(example!("nrf51.svd"));

/// Firmware with the bug.
const ELF: &[u8] = include_bytes!(example!("faulty.elf"));

/// The board's state with that firmware, recorded from the virtual board.
pub(super) const RECORDING: &[u8] = include_bytes!(example!("faulty.silk"));

/// Everything an engineer would otherwise paste into a prompt.
pub(super) const SOURCES: &str = concat!(
    include_str!(example!("main.c")),
    include_str!(example!("uart.c")),
    include_str!(example!("uart.h")),
    include_str!(example!("nrf51.h")),
    include_str!(example!("startup.c")),
);

/// The example as files.
pub(super) struct Example {
    pub(super) svd: PathBuf,
    pub(super) elf: PathBuf,
}

/// Writes the files to the cache, unless they are there already.
pub(super) fn unpack(cache: &Path) -> Result<Example, Failure> {
    let folder = cache.join("demo");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        if std::fs::read(&path).ok().as_deref() != Some(bytes) {
            std::fs::create_dir_all(&folder)?;
            std::fs::write(&path, bytes)?;
        }
        Ok::<_, std::io::Error>(path)
    };
    let unpacked = write("nrf51.svd", SVD)
        .and_then(|svd| write("faulty.elf", ELF).map(|elf| Example { svd, elf }));
    unpacked.map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot unpack the example to {}", folder.display()))
            .caused_by(&error)
            .hint("make that folder writable, or set XDG_CACHE_HOME")
    })
}
