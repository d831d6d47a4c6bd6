//! Tells RAM from flash where nobody says which memories the chip has: by what the program does.
//!
//! What is cleared or copied when the program starts lies in RAM, what it is copied from does not.
//! Sections that follow each other lie in one memory, so what is known of one holds for all. Of what
//! is left, Arm's address map tells some; else what can be written is in RAM, and what cannot is not.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Block, MemoryKind, Region};
use crate::Origin;
use crate::elf::records::{SECTION_WRITABLE, SEGMENTS, SegmentRecord};
use crate::elf::{Firmware, Machine};
use crate::store::Records;

/// What is less apart is in one memory: linkers align to 64 KiB at most (ELF for the Arm
/// Architecture, IHI 0044, 5.1, the maximum page size).
const NEAR: u64 = 0x1_0000;

/// Memories of one chip that are further apart are not one memory.
const PART: u64 = 0x0100_0000;

/// Source: ARMv7-M ARM, DDI 0403E, B3.1 (the system address map: SRAM).
const ARM_SRAM: Range<u64> = 0x2000_0000..0x4000_0000;

/// Where RAM is.
pub(super) struct Ram<'r> {
    regions: &'r [Region],
    /// Known for themselves, by start.
    known: Vec<(Range<u64>, MemoryKind)>,
    /// Runs of neighbours by start, of one kind each.
    runs: Vec<(Range<u64>, MemoryKind)>,
    /// Parts of the address map that have RAM, and that have flash.
    ram: BTreeSet<u64>,
    flash: BTreeSet<u64>,
    has_arm_map: bool,
}

impl<'r> Ram<'r> {
    pub(super) fn of(firmware: &Firmware, blocks: &[Block<'_>], regions: &'r [Region]) -> Self {
        let segments: Records<'_, SegmentRecord> = firmware.file().records(SEGMENTS);
        let mut known: Vec<(Range<u64>, MemoryKind)> = blocks.iter().flat_map(of_block).collect();
        known.extend(segments.into_iter().flat_map(of_segment));
        known.retain(|(range, _)| !range.is_empty());
        known.sort_by_key(|(range, _)| (range.start, range.end));
        let parts = |wanted: MemoryKind| {
            let of_kind = known.iter().filter(|(_, kind)| *kind == wanted);
            of_kind.map(|(range, _)| range.start / PART).collect()
        };
        let m_profile = [Origin::ArmV6M, Origin::ArmV7M, Origin::ArmV8M, Origin::ArmV8MBaseline];
        Self {
            regions,
            runs: runs(&known, blocks),
            ram: parts(MemoryKind::Ram),
            flash: parts(MemoryKind::Flash),
            known,
            has_arm_map: firmware.machine() == Machine::Arm
                && firmware.core().is_none_or(|core| m_profile.contains(&core)),
        }
    }

    /// Whether `address` is in RAM. `is_written`: the program may write what is there.
    pub(super) fn holds(&self, address: u64, is_written: bool) -> bool {
        if let Some(region) = self.regions.iter().find(|region| region.range.contains(&address)) {
            return region.kind == MemoryKind::Ram;
        }
        let told = at(&self.known, address).or_else(|| at(&self.runs, address));
        if let Some(kind) = told {
            return kind == MemoryKind::Ram;
        }
        if self.has_arm_map && ARM_SRAM.contains(&address) {
            return true;
        }
        // A vector table is often marked as written to, and never is.
        let part = address / PART;
        is_written && (self.ram.contains(&part) || !self.flash.contains(&part))
    }
}

/// What a section tells of where it lies.
fn of_block(block: &Block<'_>) -> impl Iterator<Item = (Range<u64>, MemoryKind)> + use<> {
    let is_ram = (block.zeroed && block.writable) || block.is_copied();
    let run = is_ram.then(|| (block.address..block.end(), MemoryKind::Ram));
    let loaded = block.load_address..block.load_address.saturating_add(block.size);
    let loaded = (!block.zeroed && block.is_copied()).then_some((loaded, MemoryKind::Flash));
    run.into_iter().chain(loaded)
}

/// What a segment tells: one that is cleared beyond what the file has of it lies in RAM as a whole.
fn of_segment(segment: &SegmentRecord) -> Option<(Range<u64>, MemoryKind)> {
    let is_cleared = segment.size > segment.file_size && segment.file_size != 0;
    let range = segment.address..segment.address.saturating_add(segment.size);
    (is_cleared && segment.flags & SECTION_WRITABLE != 0).then_some((range, MemoryKind::Ram))
}

/// Runs of neighbouring sections, and of what they are copied from, that are of one kind.
fn runs(known: &[(Range<u64>, MemoryKind)], blocks: &[Block<'_>]) -> Vec<(Range<u64>, MemoryKind)> {
    let blocks = blocks.iter().map(|block| (block.address..block.end(), None));
    let known = known.iter().map(|(range, kind)| (range.clone(), Some(*kind)));
    let mut all: Vec<(Range<u64>, Option<MemoryKind>)> = blocks.chain(known).collect();
    all.sort_by_key(|(range, _)| (range.start, range.end));
    let mut runs: Vec<(Range<u64>, Vec<MemoryKind>)> = Vec::new();
    for (range, kind) in all {
        match runs.last_mut().filter(|(run, _)| range.start <= run.end.saturating_add(NEAR)) {
            Some((run, kinds)) => {
                run.end = run.end.max(range.end);
                kinds.extend(kind);
            }
            None => runs.push((range, kind.into_iter().collect())),
        }
    }
    let of_one_kind = runs.into_iter().filter_map(|(range, kinds)| {
        let kind = *kinds.first()?;
        kinds.iter().all(|other| *other == kind).then_some((range, kind))
    });
    of_one_kind.collect()
}

/// What all that holds `address` agree on.
fn at(ranges: &[(Range<u64>, MemoryKind)], address: u64) -> Option<MemoryKind> {
    let mut kinds = ranges.iter().filter(|(range, _)| range.contains(&address)).map(|(_, k)| *k);
    let kind = kinds.next()?;
    kinds.all(|other| other == kind).then_some(kind)
}
