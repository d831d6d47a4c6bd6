//! Gives each byte of each block to one owner.
//!
//! Claims are intervals; where several cover a byte, a symbol with a size comes before debug
//! information, that before what is set aside; of two symbols the one that starts last wins, as
//! [`Firmware::symbol_at`] has it, and of those at one address the first. An alias so counts once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::{Block, BlockKind, Gap, Owner, Piece, Reservation, ReservedFor};
use crate::elf::records::{
    FUNCTIONS, FunctionRecord, NONE, RANGES, RangeRecord, SYMBOL_NOWHERE, SYMBOLS, SymbolRecord,
    UNIT_RANGES, VARIABLES, VariableRecord,
};
use crate::elf::{Firmware, SymbolKind};
use crate::store::Records;

/// What may cover bytes; the greatest takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    strength: Strength,
    start: u64,
    /// Position of the record.
    order: Reverse<usize>,
    end: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Reserved,
    Function,
    Variable,
    Symbol,
}

/// How many variables before an address may be looked at for one that covers it.
const MAX_OVERLAP: usize = 64;

/// All pieces by block, then address.
pub(super) fn pieces(
    firmware: &Firmware,
    blocks: &[Block<'_>],
    reservations: &[Reservation<'_>],
) -> Vec<Piece> {
    let cover = Cover {
        symbols: firmware.file().records(SYMBOLS),
        functions: firmware.file().records(FUNCTIONS),
        ranges: firmware.file().records(RANGES),
        variables: firmware.file().records(VARIABLES),
        unit_ranges: firmware.file().records(UNIT_RANGES),
        reservations,
    };
    let claims = cover.claims();
    let mut sweep = Sweep::over(&claims);
    let mut pieces = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        if block.address < sweep.at && !sweep.restart() {
            break;
        }
        cover.block(number, block, &mut sweep, &mut pieces);
    }
    // Only damage has so many overlays: what is left has no owner.
    let left = pieces.last().map_or(0, |piece: &Piece| piece.block + 1);
    for (number, block) in blocks.iter().enumerate().skip(left) {
        let range = block.address..block.end();
        let owner = Owner::Gap(kind_of_gap(block, &range));
        pieces.push(Piece { block: number, range, owner, unit: None });
    }
    pieces
}

/// Claims on the way from low to high addresses.
struct Sweep<'c> {
    claims: &'c [Claim],
    /// Position of the first claim that was not met yet.
    next: usize,
    /// Claims that were met and may reach on.
    open: BinaryHeap<Claim>,
    at: u64,
    restarts: usize,
}

/// Most blocks that may lie over others.
const MAX_OVERLAYS: usize = 256;

impl<'c> Sweep<'c> {
    fn over(claims: &'c [Claim]) -> Self {
        Self { claims, next: 0, open: BinaryHeap::new(), at: 0, restarts: 0 }
    }

    /// Goes back to the start, for a block over another one; `false` if it did too often.
    fn restart(&mut self) -> bool {
        *self = Self { restarts: self.restarts + 1, ..Self::over(self.claims) };
        self.restarts <= MAX_OVERLAYS
    }

    /// The claim that takes the byte at `address`, and the first address behind it at which this may
    /// change. `address` never falls.
    fn claim_at(&mut self, address: u64) -> (Option<Claim>, u64) {
        self.at = address;
        while let Some(&claim) = self.claims.get(self.next).filter(|c| c.start <= address) {
            self.open.push(claim);
            self.next += 1;
        }
        while self.open.peek().is_some_and(|claim| claim.end <= address) {
            self.open.pop();
        }
        let coming = self.claims.get(self.next).map_or(u64::MAX, |claim| claim.start);
        let claim = self.open.peek().copied();
        (claim, claim.map_or(coming, |claim| claim.end.min(coming)))
    }
}

struct Cover<'a> {
    symbols: Records<'a, SymbolRecord>,
    functions: Records<'a, FunctionRecord>,
    ranges: Records<'a, RangeRecord>,
    variables: Records<'a, VariableRecord>,
    unit_ranges: Records<'a, RangeRecord>,
    reservations: &'a [Reservation<'a>],
}

impl Cover<'_> {
    /// All claims by their start.
    fn claims(&self) -> Vec<Claim> {
        let claim = |strength, order, start: u64, size: u64| {
            let end = start.saturating_add(size);
            Claim { strength, start, order: Reverse(order), end }
        };
        let sized = self.symbols.into_iter().enumerate().filter(|(_, symbol)| is_sized(symbol));
        let mut claims: Vec<Claim> = sized
            .map(|(order, symbol)| claim(Strength::Symbol, order, symbol.address, symbol.size))
            .collect();
        claims.extend(self.ranges.into_iter().map(|range| {
            let size = range.high.saturating_sub(range.low);
            claim(Strength::Function, range.owner as usize, range.low, size)
        }));
        claims.extend(self.variables.into_iter().enumerate().map(|(order, variable)| {
            claim(Strength::Variable, order, variable.address, variable.size)
        }));
        for (order, reservation) in self.reservations.iter().enumerate() {
            let range = reservation.range.clone().unwrap_or_default();
            claims.push(claim(Strength::Reserved, order, range.start, range.end - range.start));
        }
        claims.retain(|claim| claim.start < claim.end);
        claims.sort_unstable_by_key(|claim| claim.start);
        claims
    }

    /// The pieces of one block.
    fn block(&self, number: usize, block: &Block<'_>, sweep: &mut Sweep<'_>, to: &mut Vec<Piece>) {
        let (mut at, end) = (block.address, block.end());
        let mut last: Option<Claim> = None;
        while at < end {
            let (claim, until) = sweep.claim_at(at);
            let until = until.min(end);
            match claim {
                None => self.gap(number, block, at..until, to),
                Some(claim) => match to.last_mut().filter(|_| last == Some(claim)) {
                    Some(piece) => piece.range.end = until,
                    None => to.push(self.owned(number, block, at..until, claim)),
                },
            }
            (at, last) = (until, claim);
        }
        sweep.at = end;
    }

    fn owned(&self, number: usize, block: &Block<'_>, range: Range<u64>, claim: Claim) -> Piece {
        let Reverse(order) = claim.order;
        let owner = match claim.strength {
            Strength::Symbol => Owner::Symbol(order),
            Strength::Function => Owner::Function(order),
            Strength::Variable => Owner::Variable(order),
            Strength::Reserved => Owner::Gap(Gap::Reserved(self.reservations[order].purpose)),
        };
        let unit = self.unit_of(block, &range, owner);
        Piece { block: number, range, owner, unit }
    }

    /// What no claim covers: in code, labels without a size take what follows them.
    fn gap(&self, number: usize, block: &Block<'_>, gap: Range<u64>, pieces: &mut Vec<Piece>) {
        let mut push = |range: Range<u64>, label: Option<usize>| {
            if range.is_empty() {
                return;
            }
            let owner = match (kind_of_gap(block, &range), label) {
                (Gap::Code, Some(label)) => Owner::Label(label),
                (kind, _) => Owner::Gap(kind),
            };
            let unit = self.unit_of(block, &range, owner);
            pieces.push(Piece { block: number, range, owner, unit });
        };
        if !block.executable {
            return push(gap, None);
        }
        let (mut at, mut label) = (gap.start, None);
        let first = self.symbols.partition_point(|symbol| symbol.address < gap.start);
        for position in first..self.symbols.len() {
            let Some(symbol) = self.symbols.get(position).filter(|s| s.address < gap.end) else {
                break;
            };
            if !is_label(symbol) || (label.is_some() && symbol.address == at) {
                continue;
            }
            push(at..symbol.address, label);
            (at, label) = (symbol.address, Some(position));
        }
        push(at..gap.end, label);
    }

    /// The unit whose source a piece comes from: as the debug information tells of the function or
    /// variable, else of the address, else as the symbol table does.
    fn unit_of(&self, block: &Block<'_>, range: &Range<u64>, owner: Owner) -> Option<usize> {
        if matches!(owner, Owner::Gap(Gap::Reserved(_) | Gap::Between)) {
            return None;
        }
        let of_symbol = || match owner {
            Owner::Symbol(symbol) | Owner::Label(symbol) => Some(self.symbols.get(symbol)?.unit),
            _ => None,
        };
        let told = match block.executable || matches!(owner, Owner::Function(_)) {
            true => self.function_unit(range.start).or_else(|| self.range_unit(range)),
            false => self.variable_unit(range.start),
        };
        let told = told.filter(|&unit| unit != NONE).or_else(of_symbol);
        told.filter(|&unit| unit != NONE).map(|unit| unit as usize)
    }

    fn function_unit(&self, address: u64) -> Option<u32> {
        let range = before(self.ranges, address)?;
        let function = self.functions.get(range.owner as usize)?;
        Some(function.unit).filter(|&unit| unit != NONE)
    }

    fn range_unit(&self, piece: &Range<u64>) -> Option<u32> {
        let range = before(self.unit_ranges, piece.start)?;
        (piece.end <= range.high).then_some(range.owner)
    }

    fn variable_unit(&self, address: u64) -> Option<u32> {
        let end = self.variables.partition_point(|variable| variable.address <= address);
        let near = self.variables.slice(end.saturating_sub(MAX_OVERLAP)..end);
        let covers = |variable: &&VariableRecord| {
            address - variable.address < variable.size && variable.unit != NONE
        };
        near.iter().rev().find(covers).map(|variable| variable.unit)
    }
}

/// The range that holds `address`.
fn before(ranges: Records<'_, RangeRecord>, address: u64) -> Option<&RangeRecord> {
    let end = ranges.partition_point(|range| range.low <= address);
    ranges.get(end.checked_sub(1)?).filter(|range| address < range.high)
}

fn is_sized(symbol: &SymbolRecord) -> bool {
    symbol.size != 0 && symbol.kind & SYMBOL_NOWHERE == 0
}

/// Assembly has functions without a type, or without a size.
fn is_label(symbol: &SymbolRecord) -> bool {
    symbol.size == 0
        && (symbol.kind == SymbolKind::Function as u32 || symbol.kind == SymbolKind::Label as u32)
}

fn kind_of_gap(block: &Block<'_>, gap: &Range<u64>) -> Gap {
    let length = gap.end - gap.start;
    // A literal of a few bytes is no padding, even where it ends at an even address.
    let widest = match (block.zeroed, block.writable) {
        (true, _) => 64,
        (_, true) => 8,
        _ => 4,
    };
    let alignment = 1_u64 << gap.end.trailing_zeros().min(6);
    if block.kind == BlockKind::Between {
        return Gap::Between;
    }
    let name = block.name.to_ascii_lowercase();
    match (name.contains("stack"), name.contains("heap")) {
        (true, true) if block.zeroed => Gap::Reserved(ReservedFor::StackAndHeap),
        (true, false) if block.zeroed => Gap::Reserved(ReservedFor::Stack),
        (false, true) if block.zeroed => Gap::Reserved(ReservedFor::Heap),
        _ if length < alignment.min(widest) => Gap::Padding,
        _ if block.zeroed => Gap::Zeroed,
        _ if block.executable => Gap::Code,
        _ if block.writable => Gap::Data,
        _ => Gap::Constants,
    }
}
