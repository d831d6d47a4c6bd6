//! How much flash and RAM the program takes, and what takes it.
//!
//! Every byte of every section is given to one piece: the innermost symbol that covers it, what the
//! debug information has there, or a gap that says what it is. Sums over pieces are therefore sums
//! over sections, whichever way they are grouped. Nothing is guessed by name: what no symbol
//! covers stays without one.
//!
//! ```text
//! sections, segments ──memory──▶ blocks ┐
//! symbols, functions, variables ─cover──┴▶ pieces ──group──▶ rows ──change──▶ what grew
//! ```

mod change;
mod cover;
mod group;
mod memory;
mod origin;
mod ram;
mod reserved;
mod v0;

use std::ops::{Add, AddAssign, Range};

pub use change::{Change, compare};
pub use group::{By, Row, RowKind};
pub use memory::{Block, BlockKind, MemoryKind, Region};
pub use reserved::{Reservation, ReservedFor};

use super::Firmware;

/// Bytes of either memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes {
    /// Programmed into memory that keeps its content. What start-up code copies from there to RAM
    /// counts in both.
    pub flash: u64,
    /// Taken in memory that can be written while the program runs.
    pub ram: u64,
}

impl Bytes {
    /// Both together.
    pub fn sum(self) -> u64 {
        self.flash.saturating_add(self.ram)
    }
}

impl Add for Bytes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            flash: self.flash.saturating_add(other.flash),
            ram: self.ram.saturating_add(other.ram),
        }
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}

/// What takes a run of bytes that no symbol covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Gap {
    /// Shorter than the alignment of what follows.
    Padding,
    /// Instructions, literal pools.
    Code,
    /// Strings and tables that the compiler gave no name that lasts.
    Constants,
    /// Initialised data.
    Data,
    /// Memory that is cleared, or left alone.
    Zeroed,
    /// Set aside for this.
    Reserved(ReservedFor),
    /// In a segment, but in none of its sections: headers of the file, alignment.
    Between,
}

/// What takes a run of bytes. Numbers are positions of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Symbol(usize),
    /// A symbol without a size, up to what comes next.
    Label(usize),
    /// Known to the debug information only.
    Function(usize),
    Variable(usize),
    Gap(Gap),
}

/// A run of bytes of one block that one owner takes.
#[derive(Clone, Debug)]
struct Piece {
    block: usize,
    range: Range<u64>,
    owner: Owner,
    /// Position of the unit whose source it comes from.
    unit: Option<usize>,
}

/// The memory that a program takes.
pub struct Sizes<'a> {
    firmware: &'a Firmware,
    blocks: Vec<Block<'a>>,
    pieces: Vec<Piece>,
    reservations: Vec<Reservation<'a>>,
}

impl Firmware {
    /// Adds up the memory that the program takes.
    ///
    /// `regions` are the memories of the chip. Where they do not tell whether an address is RAM, the
    /// program does: what is cleared or copied at start lies in RAM, what it is copied from does not.
    pub fn sizes(&self, regions: &[Region]) -> Sizes<'_> {
        let blocks = memory::blocks(self, regions);
        let reservations = reserved::find(self, &blocks);
        let pieces = cover::pieces(self, &blocks, &reservations);
        Sizes { firmware: self, blocks, pieces, reservations }
    }
}

impl<'a> Sizes<'a> {
    /// All of it.
    pub fn total(&self) -> Bytes {
        self.blocks.iter().map(|block| block.bytes).sum()
    }

    /// Sections that take memory, and what segments load besides, by address.
    pub fn blocks(&self) -> &[Block<'a>] {
        &self.blocks
    }

    /// Bytes that the file puts straight into RAM. A debugger can do so; flashed, they are missing,
    /// unless the chip's own boot loader fills RAM from the image, as ESP32's does.
    pub fn loaded_into_ram(&self) -> u64 {
        self.blocks.iter().filter(|block| block.is_loaded_into_ram()).map(|block| block.size).sum()
    }

    /// Bytes of a region that are taken: programmed there, or used there while the program runs.
    pub fn used(&self, region: &Region) -> u64 {
        let mut runs: Vec<Range<u64>> = self.blocks.iter().flat_map(Block::places).collect();
        runs.sort_by_key(|run| (run.start, run.end));
        let (mut used, mut at) = (0, region.range.start);
        for run in runs {
            let (start, end) = (run.start.max(at), run.end.min(region.range.end));
            if start < end {
                used += end - start;
                at = end;
            }
        }
        used
    }

    /// Blocks with bytes outside of all `regions`.
    pub fn outside(&self, regions: &[Region]) -> impl Iterator<Item = &Block<'a>> {
        let is_held = |run: &Range<u64>| {
            let holds = |r: &Region| r.range.start <= run.start && run.end <= r.range.end;
            regions.iter().any(holds)
        };
        self.blocks.iter().filter(move |block| !block.places().all(|run| is_held(&run)))
    }

    /// What symbols and sections tell of memory that is set aside for stack and heap.
    pub fn reservations(&self) -> &[Reservation<'a>] {
        &self.reservations
    }

    /// Bytes that a piece takes of either memory.
    fn bytes(&self, piece: &Piece) -> Bytes {
        self.blocks[piece.block].bytes_of(&piece.range)
    }
}
