//! The JSON lines of `silk size`.

use std::path::Path;

use serde::Serialize;
use svd_index::Overlap;
use svd_index::elf::size::{By, Bytes, MemoryKind, Reservation, ReservedFor, Row, RowKind, Sizes};

use super::memory::Memories;
use crate::json::{VERSION, hex};
use crate::verbs::images::Image;

/// A row of a table.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    version: u32,
    elf: String,
    /// `section`, `crate`, `file` or `symbol`.
    by: &'static str,
    name: String,
    /// `section`, `crate`, `folder`, `file`, `symbol`, `label`; `unknown` for what no symbol covers.
    kind: &'static str,
    flash_bytes: u64,
    ram_bytes: u64,
    /// Symbols or gaps that it is the sum of.
    count: usize,
    address: Option<String>,
    section: Option<String>,
    /// That a symbol was compiled in.
    file: Option<String>,
    /// That defines a symbol.
    #[serde(rename = "crate")]
    krate: Option<String>,
    /// The crate that instantiated a generic function, where that is another one.
    instantiated_in: Option<String>,
    /// Of a crate, what others made of its generic code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    instances: Vec<Instance>,
}

/// A part of a crate's sum.
#[derive(Debug, Serialize)]
struct Instance {
    #[serde(rename = "crate")]
    krate: String,
    flash_bytes: u64,
    ram_bytes: u64,
}

impl Line {
    pub(super) fn of(elf: &Path, by: By, row: &Row) -> Self {
        Self {
            version: VERSION,
            elf: elf.display().to_string(),
            by: by_name(by),
            name: row.name.clone(),
            kind: kind_name(row.kind),
            flash_bytes: row.bytes.flash,
            ram_bytes: row.bytes.ram,
            count: row.count,
            address: row.address.map(|address| hex(address, 32)),
            section: row.section.clone(),
            file: row.file.clone(),
            krate: row.krate.clone(),
            instantiated_in: row.instantiated_in.clone(),
            instances: row.instances.iter().map(Instance::of).collect(),
        }
    }
}

impl Instance {
    fn of((krate, bytes): &(String, Bytes)) -> Self {
        let (krate, Bytes { flash, ram }) = (krate.clone(), *bytes);
        Self { krate, flash_bytes: flash, ram_bytes: ram }
    }
}

pub(super) fn by_name(by: By) -> &'static str {
    match by {
        By::Section => "section",
        By::Crate => "crate",
        By::File => "file",
        By::Symbol => "symbol",
    }
}

pub(super) fn kind_name(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Section => "section",
        RowKind::Crate => "crate",
        RowKind::Folder => "folder",
        RowKind::File => "file",
        RowKind::Symbol => "symbol",
        RowKind::Label => "label",
        RowKind::Unknown => "unknown",
    }
}

/// Flash that two images both want.
#[derive(Debug, Serialize)]
pub(super) struct Shared {
    version: u32,
    elf: Option<String>,
    also_in: Vec<String>,
    overlap: Run,
}

#[derive(Debug, Serialize)]
struct Run {
    address: String,
    /// Of the last byte that both program.
    last_address: String,
    flash_bytes: u64,
}

impl Shared {
    pub(super) fn of(overlap: &Overlap, [first, second]: [&Image<'_>; 2]) -> Self {
        Self {
            version: VERSION,
            elf: first.elf.clone(),
            also_in: second.elf.iter().cloned().collect(),
            overlap: Run {
                address: hex(overlap.range.start, 32),
                last_address: hex(overlap.range.end - 1, 32),
                flash_bytes: overlap.bytes,
            },
        }
    }
}

/// The last line.
#[derive(Debug, Serialize)]
pub(super) struct Last {
    version: u32,
    elf: String,
    summary: Summary,
}

#[derive(Debug, Serialize)]
struct Summary {
    flash_bytes: u64,
    ram_bytes: u64,
    /// Of the bytes in RAM, those that the file puts there itself.
    loaded_into_ram_bytes: u64,
    /// The file or chip that the regions are from.
    regions_told_by: Option<String>,
    regions: Vec<Used>,
    reserved: Vec<Reserved>,
}

#[derive(Debug, Serialize)]
struct Used {
    name: String,
    /// `flash` or `ram`.
    kind: &'static str,
    address: String,
    size_bytes: u64,
    used_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Reserved {
    /// `stack`, `heap` or `stack-and-heap`.
    purpose: &'static str,
    /// Section or symbols.
    told_by: Vec<String>,
    size_bytes: u64,
    address: Option<String>,
    /// Whether `ram_bytes` has it.
    counted: bool,
}

impl Last {
    pub(super) fn of(elf: &Path, sizes: &Sizes<'_>, memories: &Memories) -> Self {
        let Bytes { flash, ram } = sizes.total();
        let used = memories.regions.iter().map(|region| Used {
            name: region.name.clone(),
            kind: if region.kind == MemoryKind::Ram { "ram" } else { "flash" },
            address: hex(region.range.start, 32),
            size_bytes: region.range.end - region.range.start,
            used_bytes: sizes.used(region),
        });
        let summary = Summary {
            flash_bytes: flash,
            ram_bytes: ram,
            loaded_into_ram_bytes: sizes.loaded_into_ram(),
            regions_told_by: memories.told_by.clone(),
            regions: used.collect(),
            reserved: sizes.reservations().iter().map(Reserved::of).collect(),
        };
        Self { version: VERSION, elf: elf.display().to_string(), summary }
    }
}

impl Reserved {
    fn of(reservation: &Reservation<'_>) -> Self {
        Self {
            purpose: match reservation.purpose {
                ReservedFor::Stack => "stack",
                ReservedFor::Heap => "heap",
                ReservedFor::StackAndHeap => "stack-and-heap",
            },
            told_by: reservation.told_by.iter().map(|name| (*name).to_owned()).collect(),
            size_bytes: reservation.size,
            address: reservation.range.as_ref().map(|range| hex(range.start, 32)),
            counted: reservation.is_counted,
        }
    }
}
