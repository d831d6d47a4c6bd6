//! The vector table of a Cortex-M firmware, and what its entries point to.
//!
//! The table is an array of words: initial stack pointer, reset handler, system exceptions, then
//! one per interrupt; a handler's address has bit 0 set for Thumb.
//!
//! Source: ARMv6-M ARM, DDI 0419E, B1.5.3; ARMv7-M ARM, DDI 0403E, B1.5.3.

use super::image::Image;
use super::{Facts, Machine, SymbolKind, Vector};

/// 16 system entries and as many interrupts as a Cortex-M can have
/// (ARMv7-M ARM, DDI 0403E, B3.4.1; ARMv8-M ARM, DDI 0553, B3.4 has the same).
const MAX_ENTRIES: usize = 16 + 496;

/// Section names that toolchains and vendors give to the table alone.
const SECTIONS: &[&str] =
    &[".vector_table", ".isr_vector", ".vectors", ".intvecs", ".isr_vectors", ".interrupts"];

/// Symbol names that they give to the table.
const SYMBOLS: &[&str] = &[
    "__Vectors",
    "__vectors",
    "vectors",
    "_vectors",
    "g_pfnVectors",
    "__isr_vector",
    "__vector_table",
    "vector_table",
    "_vector_table",
    "__interrupt_vector",
];

/// Fills in the vector table, if one is found that looks like one.
pub(crate) fn read(image: &Image<'_>, facts: &mut Facts) {
    if facts.machine != Machine::Arm || facts.big_endian {
        return;
    }
    let table = candidates(facts).into_iter().find_map(|(address, size)| {
        let entries = entries(image, facts, address, size);
        (!entries.is_empty()).then_some(entries)
    });
    facts.vectors = table.unwrap_or_default();
}

/// Where the table may be, best first, with its size in bytes where that is known.
fn candidates(facts: &Facts) -> Vec<(u64, Option<u64>)> {
    let mut found = Vec::new();
    for &name in SYMBOLS {
        let mut symbols = facts.symbols.iter();
        let symbol =
            symbols.find(|symbol| symbol.name == name && symbol.kind != SymbolKind::Function);
        found.extend(symbol.map(|s| (s.address, (s.size != 0).then_some(s.size))));
    }
    for &name in SECTIONS {
        let section = facts.sections.iter().find(|s| s.name == name && s.allocated);
        found.extend(section.map(|section| (section.address, Some(section.size))));
    }
    let lowest = facts.sections.iter().filter(|section| section.allocated);
    let lowest = lowest.filter(|section| !section.file_range.is_empty());
    found.extend(lowest.map(|section| section.address).min().map(|address| (address, None)));
    let segments = facts.segments.iter().filter(|segment| segment.file_size != 0);
    found.extend(segments.map(|segment| segment.address).min().map(|address| (address, None)));
    found
}

/// The entries of a table at `address`; empty if what stands there cannot be one.
fn entries(image: &Image<'_>, facts: &Facts, address: u64, size: Option<u64>) -> Vec<Vector> {
    let Some(bytes) = image.bytes_at(address) else { return Vec::new() };
    let limit = size.map_or(MAX_ENTRIES, |size| (size / 4) as usize).min(MAX_ENTRIES);
    let words = bytes.chunks_exact(4).take(limit);
    let mut found = Vec::new();
    for (number, word) in words.enumerate() {
        let value = u64::from(u32::from_le_bytes(word.try_into().expect("chunks of four")));
        let place = address + 4 * number as u64;
        let handler = value & !1;
        let fits = match number {
            // The stack grows down from a word-aligned address that is no code.
            0 => value != 0 && value % 4 == 0 && !image.is_code(value),
            1 => value & 1 == 1 && image.is_code(handler),
            _ => value == 0 || value & 1 == 1 && image.is_code(handler),
        };
        // With a known size a reserved word may hold anything (a checksum, a signature).
        let is_code_here = number > 1 && function_name(facts, place).is_some();
        if (!fits && (number < 2 || size.is_none())) || (is_code_here && size.is_none()) {
            break;
        }
        let handler = match number {
            0 => None,
            _ if value & 1 == 1 => function_name(facts, handler),
            _ => None,
        };
        found.push(Vector {
            number: number as u32,
            address: place,
            value,
            handler: handler.unwrap_or_default().to_owned(),
        });
    }
    if found.len() < 2 { Vec::new() } else { found }
}

fn function_name(facts: &Facts, address: u64) -> Option<&str> {
    let first = facts.symbols.partition_point(|symbol| symbol.address < address);
    let mut here = facts.symbols[first..].iter().take_while(|symbol| symbol.address == address);
    here.find(|symbol| symbol.kind == SymbolKind::Function).map(|symbol| symbol.name.as_str())
}
