//! Several firmware images of one project: a boot loader and an application, two cores, the secure
//! half and the other. Each is asked, and an answer says which one it is from.

use std::ops::Range;

use crate::Index;
use crate::elf::{self, Firmware, FunctionRef, SymbolRef, TypeRef};

/// Flash that two images both want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Positions of the two in [`Index::firmwares`].
    pub images: [usize; 2],
    /// From the first to the last address that both program, what lies between them included.
    pub range: Range<u64>,
    /// Bytes that both program.
    pub bytes: u64,
}

impl Index {
    /// Finds symbols by name in all firmware, as [`Firmware::find_symbols`] does in one: where one
    /// image has the name itself, parts of other names in the others do not count.
    pub fn find_symbols(&self, query: &str) -> Vec<(&Firmware, SymbolRef<'_>)> {
        let found =
            self.firmwares().iter().map(|firmware| (firmware, firmware.find_symbols(query)));
        nearest(found, |symbol| distance([symbol.name, symbol.linkage_name], query))
    }

    /// Finds functions by name in all firmware, as [`find_symbols`](Self::find_symbols) does.
    pub fn find_functions(&self, query: &str) -> Vec<(&Firmware, FunctionRef<'_>)> {
        let found =
            self.firmwares().iter().map(|firmware| (firmware, firmware.find_functions(query)));
        nearest(found, |function| distance([function.name, function.linkage_name], query))
    }

    /// Finds types by name in all firmware, as [`find_symbols`](Self::find_symbols) does.
    pub fn find_types(&self, query: &str) -> Vec<(&Firmware, TypeRef<'_>)> {
        let found = self.firmwares().iter().map(|firmware| (firmware, firmware.find_types(query)));
        nearest(found, |ty| distance([ty.name(), ty.name()], elf::bare_name(query)))
    }

    /// Names of functions, variables and other symbols of any firmware that `name` may be a slip
    /// of.
    pub fn suggest_symbols(&self, name: &str) -> Vec<String> {
        let mut near = Vec::new();
        for suggestion in self.firmwares().iter().flat_map(|firmware| firmware.suggest(name)) {
            if !near.contains(&suggestion) {
                near.push(suggestion);
            }
        }
        near
    }

    /// The firmware that has the byte at `address`, of several all that do: which of them is there
    /// is not in the files.
    pub fn firmwares_at(&self, address: u64) -> impl Iterator<Item = &Firmware> {
        self.firmwares().iter().filter(move |firmware| firmware.has_address(address))
    }

    /// Pairs of images that program the same bytes: flashing one destroys the other. RAM that both
    /// use is no overlap.
    pub fn overlaps(&self) -> Vec<Overlap> {
        let programmed: Vec<Vec<Range<u64>>> = self.firmwares().iter().map(programmed).collect();
        let mut found = Vec::new();
        for second in 1..programmed.len() {
            for first in 0..second {
                let shared = shared(&programmed[first], &programmed[second]);
                if let (Some(low), Some(high)) = (shared.first(), shared.last()) {
                    found.push(Overlap {
                        images: [first, second],
                        range: low.start..high.end,
                        bytes: shared.iter().map(|range| range.end - range.start).sum(),
                    });
                }
            }
        }
        found
    }
}

fn distance(names: [&str; 2], query: &str) -> u8 {
    names.into_iter().map(|name| elf::distance(name, query)).min().unwrap_or(u8::MAX)
}

/// What each image found, without those that came less near than another.
fn nearest<'a, T>(
    found: impl Iterator<Item = (&'a Firmware, Vec<T>)>,
    distance: impl Fn(&T) -> u8,
) -> Vec<(&'a Firmware, T)> {
    let found: Vec<(u8, &Firmware, Vec<T>)> = found
        .filter_map(|(firmware, hits)| Some((distance(hits.first()?), firmware, hits)))
        .collect();
    let nearest = found.iter().map(|(distance, ..)| *distance).min();
    let near = found.into_iter().filter(|(distance, ..)| Some(*distance) == nearest);
    near.flat_map(|(_, firmware, hits)| hits.into_iter().map(move |hit| (firmware, hit))).collect()
}

/// What the file of an image puts into memory, by address; runs that touch are one.
fn programmed(firmware: &Firmware) -> Vec<Range<u64>> {
    let sizes = firmware.sizes(&[]);
    let mut runs: Vec<Range<u64>> = sizes
        .blocks()
        .iter()
        .filter(|block| block.bytes.flash != 0)
        .map(|block| block.load_address..block.load_address.saturating_add(block.size))
        .collect();
    runs.sort_by_key(|run| (run.start, run.end));
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(runs.len());
    for run in runs {
        match merged.last_mut().filter(|last| run.start <= last.end) {
            Some(last) => last.end = last.end.max(run.end),
            None => merged.push(run),
        }
    }
    merged
}

/// What is in both of two sorted lists.
fn shared(first: &[Range<u64>], second: &[Range<u64>]) -> Vec<Range<u64>> {
    let (mut at, mut other) = (0, 0);
    let mut found = Vec::new();
    while let (Some(a), Some(b)) = (first.get(at), second.get(other)) {
        let (start, end) = (a.start.max(b.start), a.end.min(b.end));
        if start < end {
            found.push(start..end);
        }
        if a.end < b.end { at += 1 } else { other += 1 }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_lists_share() {
        let check = |a: &[Range<u64>], b: &[Range<u64>], expected: &[Range<u64>]| {
            assert_eq!(shared(a, b), expected);
            assert_eq!(shared(b, a), expected);
        };
        check(&[0..4, 20..21], &[4..8, 30..31], &[]);
        check(&[0..8, 20..21], &[2..3, 6..12], &[2..3, 6..8]);
        check(&[0..2, 10..20], &[1..11, 19..30], &[1..2, 10..11, 19..20]);
        check(&[], &[0..1, 2..3], &[]);
    }
}
