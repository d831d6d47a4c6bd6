//! How much stack each function takes for itself, calls not counted.
//!
//! Best known first: what LLVM wrote down (`.stack_sizes`); the call frame information, whose
//! largest distance between the stack pointer and the canonical frame address (the stack pointer
//! before the call) it is; the code itself. Where a frame pointer takes over, call frame information
//! no longer tells where the stack pointer is, and the code decides.
//!
//! Source: DWARF 5, 6.4 (call frame information); LLVM, "Stack Sizes Section" in the code generator's
//! documentation.

use std::collections::BTreeMap;
use std::ops::Range;

use gimli::{CfaRule, CieOrFde, EndianSlice, RunTimeEndian, UnwindSection};

use super::compressed::Room;
use super::image::{Image, warning};
use super::uses::stack::Depth;
use super::{Facts, FrameSize, Machine, StackSource, StackUse, SymbolKind};
use crate::Warning;

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// Most rows of call frame information that are read; firmware has some tens of thousands.
const MAX_ROWS: usize = 8_000_000;

/// What call frame information tells of a run of code.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// Largest distance from the stack pointer.
    deepest: u64,
    /// The frame address is always told by the stack pointer.
    is_whole: bool,
}

/// Frames of all functions that something is known of, by address.
pub(crate) fn read(
    image: &Image<'_>,
    depths: &BTreeMap<u32, Depth>,
    facts: &Facts,
    warnings: &mut Vec<Warning>,
) -> Vec<FrameSize> {
    let written = stack_sizes(image, facts, warnings);
    let told = call_frames(image, facts, warnings);
    let mut frames: BTreeMap<u64, StackUse> = BTreeMap::new();
    for (address, ranges) in functions(facts) {
        let code = u32::try_from(address).ok().and_then(|address| depths.get(&address)).copied();
        let of_ranges = ranges.iter().flat_map(|range| told.range(range.clone()));
        let joined = of_ranges.map(|(_, told)| *told).reduce(|a, b| Told {
            deepest: a.deepest.max(b.deepest),
            is_whole: a.is_whole && b.is_whole,
        });
        if let Some(stack) = joined_use(written.get(&address).copied(), joined, code) {
            frames.insert(address, stack);
        }
    }
    frames.into_iter().map(|(address, stack)| FrameSize { address, stack }).collect()
}

/// What the sources say together.
fn joined_use(written: Option<u64>, told: Option<Told>, code: Option<Depth>) -> Option<StackUse> {
    let known = |bytes, source| Some(StackUse::Bytes { bytes, source });
    if let Some(bytes) = written {
        return known(bytes, StackSource::StackSizes);
    }
    match (told, code) {
        (told, Some(Depth::Dynamic(at_least))) => {
            let at_least = told.map_or(at_least, |told| told.deepest.max(at_least));
            Some(StackUse::Dynamic { at_least })
        }
        (Some(told), Some(Depth::Bytes(bytes))) if bytes > told.deepest => {
            known(bytes, StackSource::Code)
        }
        (Some(told), Some(Depth::Bytes(bytes))) if !told.is_whole => {
            known(bytes.max(told.deepest), StackSource::Code)
        }
        (Some(told), _) if told.is_whole => known(told.deepest, StackSource::Cfi),
        (None, Some(Depth::Bytes(bytes))) => known(bytes, StackSource::Code),
        _ => None,
    }
}

/// Starts of functions, with all their code.
fn functions(facts: &Facts) -> BTreeMap<u64, Vec<Range<u64>>> {
    let mut found: BTreeMap<u64, Vec<Range<u64>>> = BTreeMap::new();
    for symbol in facts.symbols.iter().filter(|s| s.kind == SymbolKind::Function && s.in_memory) {
        let end = symbol.address.saturating_add(symbol.size.max(1));
        found.entry(symbol.address).or_default().push(symbol.address..end);
    }
    for function in &facts.functions {
        if let Some(start) = function.ranges.iter().map(|range| range.start).min() {
            found.insert(start, function.ranges.clone());
        }
    }
    found
}

/// `.stack_sizes`: an address and a ULEB128 size for each function without a dynamic frame.
fn stack_sizes(
    image: &Image<'_>,
    facts: &Facts,
    warnings: &mut Vec<Warning>,
) -> BTreeMap<u64, u64> {
    let bytes = image.section_bytes(".stack_sizes", &mut Room::new(), warnings);
    let mut rest = EndianSlice::new(&bytes, image.endian());
    let mut found = BTreeMap::new();
    while let Some((address, size)) = next_size(&mut rest, facts.class_bits) {
        let address = code_address(facts, address);
        // What the linker discarded is at 0 or at all ones.
        if image.is_code(address) {
            found.insert(address, size);
        }
    }
    found
}

fn next_size(rest: &mut Slice<'_>, class_bits: u8) -> Option<(u64, u64)> {
    use gimli::Reader;
    let address = rest.read_address(class_bits / 8).ok()?;
    Some((address, rest.read_uleb128().ok()?))
}

/// Call frame information by start of code.
fn call_frames(
    image: &Image<'_>,
    facts: &Facts,
    warnings: &mut Vec<Warning>,
) -> BTreeMap<u64, Told> {
    let mut found = BTreeMap::new();
    let Some(stack_pointer) = stack_pointer(facts.machine) else { return found };
    let mut reading = Reading { facts, stack_pointer, rows: 0, found: &mut found };
    let (endian, size) = (image.endian(), facts.class_bits / 8);
    let bytes = image.section_bytes(".debug_frame", &mut Room::new(), warnings);
    let mut section = gimli::DebugFrame::new(&bytes, endian);
    section.set_address_size(size);
    let mut results =
        vec![(".debug_frame", reading.section(&section, gimli::BaseAddresses::default()))];
    let bytes = image.section_bytes(".eh_frame", &mut Room::new(), warnings);
    let mut section = gimli::EhFrame::new(&bytes, endian);
    section.set_address_size(size);
    let address = facts.sections.iter().find(|section| section.name == ".eh_frame");
    let bases = gimli::BaseAddresses::default().set_eh_frame(address.map_or(0, |s| s.address));
    results.push((".eh_frame", reading.section(&section, bases)));
    for (name, result) in results {
        if let Err(error) = result {
            let what = format!("call frame information breaks off: {error}");
            warnings.push(warning(name, &what, "stack use is known of fewer functions"));
        }
    }
    found
}

/// Number of the stack pointer in DWARF.
///
/// Source: DWARF for the Arm Architecture, IHI 0040, 4.1; RISC-V DWARF specification, "DWARF
/// Register Numbers".
fn stack_pointer(machine: Machine) -> Option<gimli::Register> {
    match machine {
        Machine::Arm => Some(gimli::Register(13)),
        Machine::RiscV => Some(gimli::Register(2)),
        _ => None,
    }
}

fn code_address(facts: &Facts, address: u64) -> u64 {
    if facts.machine == Machine::Arm { address & !1 } else { address }
}

struct Reading<'f> {
    facts: &'f Facts,
    stack_pointer: gimli::Register,
    rows: usize,
    found: &'f mut BTreeMap<u64, Told>,
}

impl Reading<'_> {
    fn section<'a, S>(&mut self, section: &S, bases: gimli::BaseAddresses) -> gimli::Result<()>
    where
        S: UnwindSection<Slice<'a>>,
        S::Offset: gimli::UnwindOffset<usize>,
    {
        let mut context = gimli::UnwindContext::new();
        let mut entries = section.entries(&bases);
        while let Some(entry) = entries.next()? {
            let CieOrFde::Fde(partial) = entry else { continue };
            let Ok(fde) = partial.parse(S::cie_from_offset) else { continue };
            let start = code_address(self.facts, fde.initial_address());
            let mut told = Told { deepest: 0, is_whole: true };
            let Ok(mut table) = fde.rows(section, &bases, &mut context) else { continue };
            loop {
                self.rows += 1;
                if self.rows > MAX_ROWS {
                    return Ok(());
                }
                match table.next_row() {
                    Ok(Some(row)) => self.take(row.cfa(), &mut told),
                    Ok(None) => break,
                    Err(_) => {
                        told.is_whole = false;
                        break;
                    }
                }
            }
            self.found.insert(start, told);
        }
        Ok(())
    }

    fn take(&self, rule: &CfaRule<usize>, told: &mut Told) {
        match *rule {
            CfaRule::RegisterAndOffset { register, offset } if register == self.stack_pointer => {
                told.deepest = told.deepest.max(u64::try_from(offset).unwrap_or(0));
            }
            _ => told.is_whole = false,
        }
    }
}
