//! Line programs, flattened to one table by address.

mod program;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::program::{Program, Step};
use super::files::{Files, UnitFiles};
use super::live::Live;
use super::units::Units;
use crate::elf::Row;
use crate::elf::records::NONE;

/// The line programs of all units, which several threads may read at once.
pub(super) struct Lines<'u, 'a> {
    units: &'u Units<'u, 'a>,
    order: &'u [usize],
    files: &'u Files,
    live: &'u Live<'u>,
    /// How many units of the order are taken.
    taken: AtomicUsize,
}

/// What a thread read of the line programs.
#[derive(Default)]
pub(super) struct Part {
    sequences: Sequences,
    /// What is wrong comes with the unit it is wrong in.
    damage: Vec<(usize, gimli::Error)>,
}

/// Rows of sequences, as they come, and where each sequence is.
#[derive(Default)]
struct Sequences {
    rows: Vec<Row>,
    list: Vec<Sequence>,
}

/// One uninterrupted piece of code.
#[derive(Clone)]
struct Sequence {
    /// In [`Sequences::rows`].
    rows: Range<usize>,
    start: u64,
    end: u64,
    /// Which unit in the order has it.
    place: usize,
}

impl<'u, 'a> Lines<'u, 'a> {
    pub(super) fn new(
        units: &'u Units<'u, 'a>,
        order: &'u [usize],
        files: &'u Files,
        live: &'u Live<'u>,
    ) -> Self {
        Self { units, order, files, live, taken: AtomicUsize::new(0) }
    }

    /// Reads the programs of those units that no other thread took, until none is left.
    pub(super) fn read(&self) -> Part {
        let mut part = Part::default();
        loop {
            let place = self.taken.fetch_add(1, Ordering::Relaxed);
            let Some(&unit) = self.order.get(place) else { return part };
            if !self.units.has_lines(unit) {
                continue;
            }
            let files = self.files.of_unit(unit);
            let read = part.sequences.read_unit(self.units, (place, unit), files, self.live);
            part.damage.extend(read.err().map(|error| (unit, error)));
        }
    }
}

/// Joins what all threads read to one table; a row holds up to the next.
pub(super) fn join(parts: Vec<Part>) -> (Vec<Row>, Vec<(usize, gimli::Error)>) {
    let (sequences, damage): (Vec<_>, Vec<_>) =
        parts.into_iter().map(|part| (part.sequences, part.damage)).unzip();
    (join_sequences(&sequences), damage.concat())
}

impl Sequences {
    fn read_unit(
        &mut self,
        units: &Units<'_, '_>,
        (place, unit): (usize, usize),
        files: &UnitFiles,
        live: &Live<'_>,
    ) -> gimli::Result<()> {
        let Some(program) = &units.base(unit).1.line_program else { return Ok(()) };
        let mut program = Program::new(program.header());
        let mut first = self.rows.len();
        let read = loop {
            let row = match program.next() {
                Ok(Some(Step::Row(row))) => row,
                Ok(Some(Step::End(end))) => {
                    self.end(place, first, end, live);
                    first = self.rows.len();
                    continue;
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            let row = Row {
                address: row.address,
                file: files.get(row.file).unwrap_or(NONE),
                line: u32::try_from(row.line).unwrap_or(0),
                column: u32::try_from(row.column).unwrap_or(0),
                reserved: 0,
            };
            match self.rows[first..].last_mut() {
                // Of several rows at one address the last is in force.
                Some(last) if last.address == row.address => *last = row,
                // Addresses must not decrease (DWARF 5, 6.2.5); such a row is damage.
                Some(last) if last.address > row.address => {}
                _ => self.rows.push(row),
            }
        };
        self.rows.truncate(first);
        read
    }

    /// Keeps the sequence that starts at the row `first` if it is part of the program.
    fn end(&mut self, place: usize, first: usize, end: u64, live: &Live<'_>) {
        let start = self.rows.get(first).map_or(end, |row| row.address);
        match live.has_code(&(start..end)) {
            true => self.list.push(Sequence { rows: first..self.rows.len(), start, end, place }),
            false => self.rows.truncate(first),
        }
    }
}

/// Joins all sequences to one table in which a row holds up to the next.
///
/// Where two sequences overlap, the one that starts first keeps the overlap.
fn join_sequences(parts: &[Sequences]) -> Vec<Row> {
    let mut all: Vec<(&Sequence, &[Row])> = Vec::new();
    for Sequences { rows, list } in parts {
        all.extend(list.iter().map(|sequence| (sequence, &rows[..])));
    }
    all.sort_by_key(|(sequence, _)| (sequence.start, sequence.end, sequence.place));
    let rows: usize = parts.iter().map(|part| part.rows.len()).sum();
    let mut joined: Vec<Row> = Vec::with_capacity(rows + all.len());
    let mut end = 0;
    for (sequence, rows) in all {
        if sequence.end <= end {
            continue;
        }
        let rows = &rows[sequence.rows.clone()];
        // The gap row of the sequence before gives way to a row at its address.
        if joined.last().is_some_and(|gap| sequence.start <= gap.address) {
            joined.pop();
        }
        let start = end.max(sequence.start);
        let inside = rows.partition_point(|row| row.address <= start).saturating_sub(1);
        let before = rows.partition_point(|row| row.address < sequence.end);
        let first = joined.len();
        joined.extend_from_slice(rows.get(inside..before).unwrap_or_default());
        if let Some(row) = joined.get_mut(first) {
            row.address = row.address.max(start);
        }
        end = sequence.end;
        joined.push(Row { address: end, file: NONE, ..Row::default() });
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sequences as lines by address, and where they end.
    fn check(sequences: &[(&[(u64, u32)], u64)], expected: &[(u64, u32)]) {
        for threads in 1..=2 {
            let mut parts: Vec<Sequences> = (0..threads).map(|_| Sequences::default()).collect();
            for (place, &(rows, end)) in sequences.iter().enumerate() {
                let part = &mut parts[place % threads];
                let first = part.rows.len();
                let row = |&(address, line)| Row { address, line, ..Row::default() };
                part.rows.extend(rows.iter().map(row));
                let (rows, start) = (first..part.rows.len(), rows[0].0);
                part.list.push(Sequence { rows, start, end, place });
            }
            let joined = join_sequences(&parts);
            let rows: Vec<(u64, u32)> = joined.iter().map(|row| (row.address, row.line)).collect();
            assert_eq!(rows, expected, "{threads} threads");
        }
    }

    #[test]
    fn sequences_join_without_gaps_or_overlap() {
        let first: (&[_], _) = (&[(0x10, 1), (0x14, 2)], 0x18);
        let touching: (&[_], _) = (&[(0x18, 3)], 0x20);
        check(&[touching, first], &[(0x10, 1), (0x14, 2), (0x18, 3), (0x20, 0)]);
        let apart: (&[_], _) = (&[(0x30, 3)], 0x40);
        check(&[first, apart], &[(0x10, 1), (0x14, 2), (0x18, 0), (0x30, 3), (0x40, 0)]);
        let over: (&[_], _) = (&[(0x14, 7), (0x16, 8), (0x1a, 9)], 0x1c);
        check(&[first, over], &[(0x10, 1), (0x14, 2), (0x18, 8), (0x1a, 9), (0x1c, 0)]);
        let within: (&[_], _) = (&[(0x12, 7)], 0x14);
        check(&[first, within], &[(0x10, 1), (0x14, 2), (0x18, 0)]);
    }
}
