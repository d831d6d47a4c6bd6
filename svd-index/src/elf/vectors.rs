//! The vector table of a Cortex-M firmware, and what its entries point to.
//!
//! The table is an array of words: initial stack pointer, reset handler, system exceptions, then
//! one per interrupt; a handler's address has bit 0 set for Thumb.
//!
//! Source: ARMv6-M ARM, DDI 0419E, B1.5.3; ARMv7-M ARM, DDI 0403E, B1.5.3.

use super::image::Image;
use super::{Facts, Machine, Symbol, SymbolKind, TablePlace, Vector, VectorProblem};

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

/// What start-up code calls the handler of all that has none of its own; letters and digits
/// only, in lower case.
const DEFAULT_HANDLERS: &[&str] = &[
    "defaulthandler",
    "defaultirqhandler",
    "defaultinterrupthandler",
    "defaultisr",
    "dummyhandler",
    "intdefaulthandler",
    "unhandledinterrupt",
    "unusedhandler",
    "blockinghandler",
    "nullhandler",
];

/// Fills in the vector table, if one is found that looks like one.
pub(crate) fn read(image: &Image<'_>, facts: &mut Facts) {
    if facts.machine != Machine::Arm || facts.big_endian {
        return;
    }
    let table = candidates(facts).into_iter().find_map(|(place, address, size)| {
        let entries = entries(image, facts, address, size);
        (!entries.is_empty()).then_some((place, entries))
    });
    if let Some((place, entries)) = table {
        facts.vector_table = Some(place);
        facts.vectors = entries;
    }
}

/// Where the table may be, best first, with its size in bytes where that is known.
fn candidates(facts: &Facts) -> Vec<(TablePlace, u64, Option<u64>)> {
    let mut found = Vec::new();
    for &name in SYMBOLS {
        let mut symbols = facts.symbols.iter();
        let symbol =
            symbols.find(|symbol| symbol.name == name && symbol.kind != SymbolKind::Function);
        found.extend(symbol.map(|s| {
            (TablePlace::Symbol(name.to_owned()), s.address, (s.size != 0).then_some(s.size))
        }));
    }
    for &name in SECTIONS {
        let section = facts.sections.iter().find(|s| s.name == name && s.allocated);
        found.extend(section.map(|section| {
            (TablePlace::Section(name.to_owned()), section.address, Some(section.size))
        }));
    }
    let lowest = facts.sections.iter().filter(|section| section.allocated);
    let lowest = lowest.filter(|section| !section.file_range.is_empty());
    let lowest = lowest.min_by_key(|section| section.address);
    found
        .extend(lowest.map(|section| {
            (TablePlace::FirstSection(section.name.clone()), section.address, None)
        }));
    let segments = facts.segments.iter().filter(|segment| segment.file_size != 0);
    let lowest = segments.map(|segment| segment.address).min();
    found.extend(lowest.map(|address| (TablePlace::FirstSegment, address, None)));
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
            // Where a name tells that it is the table, a missing Thumb bit is its mistake.
            1 => (value & 1 == 1 || size.is_some()) && image.is_code(handler),
            _ => value == 0 || value & 1 == 1 && image.is_code(handler),
        };
        // With a known size a reserved word may hold anything (a checksum, a signature).
        let is_code_here = number > 1 && function_name(facts, place).is_some();
        if (!fits && (number < 2 || size.is_none())) || (is_code_here && size.is_none()) {
            break;
        }
        let default = (number != 0).then(|| default_name(facts, handler)).flatten();
        let named = (number != 0 && value != 0).then(|| function_name(facts, handler)).flatten();
        found.push(Vector {
            number: number as u32,
            address: place,
            value,
            handler: default.or(named).unwrap_or_default().to_owned(),
            is_default: default.is_some(),
            problem: problem(image, number, value),
        });
    }
    if found.len() < 2 { Vec::new() } else { found }
}

fn function_name(facts: &Facts, address: u64) -> Option<&str> {
    functions_at(facts, address).next().map(|symbol| symbol.name.as_str())
}

fn functions_at(facts: &Facts, address: u64) -> impl Iterator<Item = &Symbol> {
    let first = facts.symbols.partition_point(|symbol| symbol.address < address);
    let here = facts.symbols[first..].iter().take_while(move |symbol| symbol.address == address);
    here.filter(|symbol| symbol.kind == SymbolKind::Function)
}

/// Name of the function at `address` if it serves what has no handler of its own: it is called
/// so, or several weak names stand for it, each waiting to be replaced by a real handler.
fn default_name(facts: &Facts, address: u64) -> Option<&str> {
    let is_called_so = |symbol: &&Symbol| {
        let name: String = symbol.name.chars().filter(char::is_ascii_alphanumeric).collect();
        DEFAULT_HANDLERS.contains(&name.to_ascii_lowercase().as_str())
    };
    let called_so = functions_at(facts, address).find(is_called_so);
    let weak = || functions_at(facts, address).filter(|symbol| symbol.weak).count();
    let found = called_so.or_else(|| functions_at(facts, address).next().filter(|_| weak() > 1));
    found.map(|symbol| symbol.name.as_str())
}

/// What is wrong with an entry. Reserved ones may hold anything, 0 stands for "none".
fn problem(image: &Image<'_>, number: usize, value: u64) -> Option<VectorProblem> {
    const RESERVED: &[usize] = &[0, 7, 8, 9, 10, 13];
    let target = value & !1;
    match value {
        _ if RESERVED.contains(&number) => None,
        0 => None,
        _ if !image.is_own(target) => Some(VectorProblem::Outside),
        _ if !image.is_code(target) => Some(VectorProblem::NotCode),
        _ if value & 1 == 0 => Some(VectorProblem::NoThumbBit),
        _ => None,
    }
}
