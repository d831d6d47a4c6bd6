//! What takes memory: sections, what segments load besides them, and which memory that is.

use std::ops::Range;

use super::Bytes;
use super::ram::Ram;
use crate::elf::Firmware;
use crate::elf::records::{SECTION_WRITABLE, SEGMENTS, SegmentRecord};
use crate::store::Records;

/// A memory of the chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// As the linker script or the chip's description calls it.
    pub name: String,
    /// Addresses.
    pub range: Range<u64>,
    /// What it is.
    pub kind: MemoryKind,
}

/// What a memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemoryKind {
    /// Keeps its content without power: flash, ROM, EEPROM.
    Flash,
    /// Can be written by the running program.
    Ram,
}

/// A run of memory that the program takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// Name of the section; empty for what is none.
    pub name: &'a str,
    /// What it is.
    pub kind: BlockKind,
    /// Address while the program runs.
    pub address: u64,
    /// Address its bytes are programmed at; `address` for what is not copied.
    pub load_address: u64,
    /// Size in memory, in bytes.
    pub size: u64,
    /// What it takes of either memory. RAM that it shares with an earlier block (an overlay, `.tbss`)
    /// is counted there.
    pub bytes: Bytes,
    /// It holds code.
    pub executable: bool,
    /// It can be written.
    pub writable: bool,
    /// It has no bytes in the file, like `.bss`.
    pub zeroed: bool,
    /// From here on its RAM is its own.
    ram_from: u64,
}

/// What a [`Block`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// A section.
    Section,
    /// A segment of a file without sections.
    Segment,
    /// What a segment has in none of its sections.
    Between,
}

impl Block<'_> {
    /// First address after it.
    pub fn end(&self) -> u64 {
        self.address + self.size
    }

    /// Whether the file puts it straight into RAM.
    pub fn is_loaded_into_ram(&self) -> bool {
        !self.zeroed && self.bytes.flash == 0
    }

    /// Whether its bytes are programmed elsewhere, to be copied when the program starts.
    pub(super) fn is_copied(&self) -> bool {
        self.address != self.load_address
    }

    /// Addresses that it takes: where it runs, and where it is programmed.
    pub(super) fn places(&self) -> impl Iterator<Item = Range<u64>> + use<> {
        let loaded = self.load_address..self.load_address.saturating_add(self.size);
        let loaded = (!self.zeroed && self.is_copied()).then_some(loaded);
        std::iter::once(self.address..self.end()).chain(loaded)
    }

    /// What the part at `range`, which is inside, takes.
    pub(super) fn bytes_of(&self, range: &Range<u64>) -> Bytes {
        let length = range.end - range.start;
        let own = range.end.saturating_sub(range.start.max(self.ram_from));
        Bytes {
            flash: if self.bytes.flash != 0 { length } else { 0 },
            ram: if self.bytes.ram != 0 { own } else { 0 },
        }
    }
}

/// All blocks by address.
pub(super) fn blocks<'a>(firmware: &'a Firmware, regions: &[Region]) -> Vec<Block<'a>> {
    let mut blocks = sections(firmware);
    let segments: Records<'_, SegmentRecord> = firmware.file().records(SEGMENTS);
    let kind = if blocks.is_empty() { BlockKind::Segment } else { BlockKind::Between };
    let mut between = Vec::new();
    for segment in segments {
        between.extend(
            loaded_besides(segment, &blocks)
                .into_iter()
                .map(|gap| block(segment, gap, kind, false)),
        );
        between.extend(
            cleared_besides(segment, &blocks)
                .into_iter()
                .map(|gap| block(segment, gap, kind, true)),
        );
    }
    blocks.append(&mut between);
    blocks.sort_by_key(|block| (block.address, block.load_address, block.size));
    let memories = Ram::of(firmware, &blocks, regions);
    let mut taken = 0;
    for block in &mut blocks {
        let in_ram = memories.holds(block.address, block.writable);
        let own = block.end().saturating_sub(block.address.max(taken));
        let is_programmed = !block.zeroed
            && !memories.holds(block.load_address, block.writable && !block.is_copied());
        block.bytes = Bytes {
            flash: if is_programmed { block.size } else { 0 },
            ram: if in_ram { own } else { 0 },
        };
        if in_ram {
            block.ram_from = block.address.max(taken);
            taken = taken.max(block.end());
        }
    }
    blocks
}

fn sections(firmware: &Firmware) -> Vec<Block<'_>> {
    let taking = firmware.sections().filter(|section| section.allocated && section.size != 0);
    let sound = taking.filter(|section| {
        section.address.checked_add(section.size).is_some()
            && section.load_address.checked_add(section.size).is_some()
    });
    sound
        .map(|section| Block {
            name: section.name,
            kind: BlockKind::Section,
            address: section.address,
            load_address: section.load_address,
            size: section.size,
            bytes: Bytes::default(),
            executable: section.executable,
            writable: section.writable,
            zeroed: section.zeroed,
            ram_from: 0,
        })
        .collect()
}

/// Offsets in a segment of what the file has there and no block does.
fn loaded_besides(segment: &SegmentRecord, blocks: &[Block<'_>]) -> Vec<Range<u64>> {
    let blocks = blocks.iter().filter(|block| !block.zeroed);
    let taken = blocks.map(|block| (block.load_address, block.size));
    besides(segment.load_address, 0..segment.file_size, taken)
}

/// Offsets in a segment of what is cleared and no block has.
fn cleared_besides(segment: &SegmentRecord, blocks: &[Block<'_>]) -> Vec<Range<u64>> {
    let taken = blocks.iter().map(|block| (block.address, block.size));
    besides(segment.address, segment.file_size..segment.size, taken)
}

/// What is left of `offsets` from `base` without the runs that are taken.
fn besides(
    base: u64,
    offsets: Range<u64>,
    taken: impl Iterator<Item = (u64, u64)>,
) -> Vec<Range<u64>> {
    let mut free = Vec::new();
    if let (Some(start), Some(end)) =
        (base.checked_add(offsets.start), base.checked_add(offsets.end))
    {
        let mut taken: Vec<(u64, u64)> = taken.collect();
        taken.sort_unstable();
        let mut at = start;
        for (low, size) in taken {
            if low > at && low < end {
                free.push(at - base..low - base);
            }
            at = at.max(low.saturating_add(size).min(end));
        }
        if at < end {
            free.push(at - base..end - base);
        }
    }
    free
}

fn block(
    segment: &SegmentRecord,
    offsets: Range<u64>,
    kind: BlockKind,
    zeroed: bool,
) -> Block<'static> {
    let address = segment.address.saturating_add(offsets.start);
    Block {
        name: "",
        kind,
        address,
        load_address: match zeroed {
            true => address,
            false => segment.load_address.saturating_add(offsets.start),
        },
        size: (offsets.end - offsets.start).min(u64::MAX - address),
        bytes: Bytes::default(),
        executable: false,
        writable: segment.flags & SECTION_WRITABLE != 0,
        zeroed,
        ram_from: 0,
    }
}
