//! Making a board's fidelity table: write to every register, read back, label.
//!
//! What the emulator does with a register is found out, not looked up: `info mtree` tells only
//! which pages have a device model, and a model may ignore half its registers.

use serde_json::Value;

use crate::link::Link;
use crate::qtest::Width;
use crate::regions::Kind;
use crate::{BenchError, BenchOptions, Fidelity, FidelityEntry, FidelityTable, Machine};

/// A register of the real chip, as its SVD has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScanRegister {
    /// Absolute address.
    pub address: u64,
    /// Width: 8, 16 or 32. Wider ones are scanned as words.
    pub size_bits: u32,
    /// Whether the SVD lets software write it.
    pub writable: bool,
    /// Value after reset, if the SVD gives one.
    pub reset: Option<u64>,
}

/// Values written to tell storage from state: every bit both ways, neighbours differing, and a
/// number that looks like none of the others.
const PATTERNS: [u32; 5] = [0xffff_ffff, 0x5555_5555, 0xaaaa_aaaa, 0x1234_5678, 0x0000_0000];

/// Labels `registers` on a QEMU started for this purpose, each of them freshly reset.
///
/// A register in a page without a model makes one entry of the whole page. Elsewhere each
/// register is labelled by itself, and neighbours with equal labels are joined:
/// - reads give back every pattern: [`Fidelity::StoredOnly`];
/// - reads do not depend on the writes (always 0, or in all of the page the same number):
///   [`Fidelity::NotModelled`];
/// - anything else: [`Fidelity::Modelled`].
///
/// A read-only register is modelled if it reads other than 0. What a device does to its own
/// registers unasked (events, inputs) is not seen; see [`Machine::known`] for those.
///
/// # Errors
/// QEMU not to be had, or ended by one of the writes.
pub fn scan(
    machine: &Machine,
    options: &BenchOptions,
    registers: &[ScanRegister],
) -> Result<FidelityTable, BenchError> {
    let mut link = Link::start(machine, options, None)?;
    let mut sorted = registers.to_vec();
    sorted.sort_unstable();
    sorted.dedup_by_key(|register| register.address);
    sorted.retain(|register| !machine.fatal.contains(&register.address));
    let mut entries: Vec<FidelityEntry> = Vec::new();
    let by_page = |a: &ScanRegister, b: &ScanRegister| {
        let page = |r: &ScanRegister| link.regions.at(r.address, 1).map(|page| page.range.clone());
        page(a) == page(b)
    };
    let pages: Vec<&[ScanRegister]> = sorted.chunk_by(by_page).collect();
    for page in pages {
        let labelled = label_page(machine, &mut link, page).map_err(|error| {
            if Link::is_gone(&error) {
                return BenchError::QemuDied { stderr: link.process.stderr() };
            }
            error
        })?;
        labelled.into_iter().for_each(|entry| join(&mut entries, entry));
    }
    Ok(FidelityTable::new(entries))
}

/// Labels registers that one region of QEMU's map holds (or none does).
fn label_page(
    machine: &Machine,
    link: &mut Link,
    page: &[ScanRegister],
) -> Result<Vec<FidelityEntry>, BenchError> {
    let region = page.first().and_then(|register| link.regions.at(register.address, 1));
    let all = |label| page.iter().map(|register| register.entry(label)).collect();
    match region.map(|region| (region.kind, region.range.clone())) {
        None => Ok(all(Fidelity::NotModelled)),
        Some((Kind::Storage, _)) => Ok(all(Fidelity::Modelled)),
        Some((Kind::Unimplemented, range)) => Ok(vec![FidelityEntry {
            start: *range.start(),
            end: range.end().saturating_add(1),
            label: Fidelity::NotModelled,
            note: None,
        }]),
        Some((Kind::Device, _)) => {
            let mut found = Vec::new();
            for register in page {
                found.push((register, read_back(machine, link, register)?));
            }
            let same = found.iter().all(|(_, seen)| seen.constant() == Some(found[0].1.first));
            Ok(found
                .iter()
                .map(|(register, seen)| match same && found.len() > 1 {
                    true => register.entry(Fidelity::NotModelled),
                    false => {
                        FidelityEntry { note: seen.note(register), ..register.entry(seen.label()) }
                    }
                })
                .collect())
        }
    }
}

impl ScanRegister {
    fn width(&self) -> Width {
        match self.size_bits {
            8 => Width::Byte,
            16 => Width::Half,
            _ => Width::Word,
        }
    }

    fn entry(&self, label: Fidelity) -> FidelityEntry {
        let end = self.address + u64::from(self.size_bits / 8);
        FidelityEntry { start: self.address, end, label, note: None }
    }
}

/// What a register answered.
struct ReadBack {
    /// Before anything was written.
    first: u32,
    /// After each pattern, with the bits of the pattern that fit the register.
    pairs: Vec<(u32, u32)>,
}

fn read_back(
    machine: &Machine,
    link: &mut Link,
    register: &ScanRegister,
) -> Result<ReadBack, BenchError> {
    let width = register.width();
    let fits = u32::MAX >> (32 - 8 * width.bytes());
    link.qmp.execute("system_reset", Value::Null)?;
    let first = link.qtest.read(register.address, width)?;
    for switch in machine.switch_on.iter().filter(|switch| switch.serves(register.address)) {
        link.qtest.write(switch.address, Width::Word, switch.value)?;
    }
    let mut pairs = Vec::new();
    if register.writable {
        for pattern in PATTERNS.map(|pattern| pattern & fits) {
            link.qtest.write(register.address, width, pattern)?;
            pairs.push((pattern, link.qtest.read(register.address, width)?));
        }
    }
    Ok(ReadBack { first, pairs })
}

impl ReadBack {
    fn label(&self) -> Fidelity {
        let stored = |&(wrote, read): &(u32, u32)| wrote == read;
        if !self.pairs.is_empty() && self.pairs.iter().all(stored) {
            return Fidelity::StoredOnly;
        }
        let deaf = !self.pairs.is_empty() && self.constant().is_some();
        if deaf || self.constant() == Some(0) { Fidelity::NotModelled } else { Fidelity::Modelled }
    }

    /// The one value that every read gave, if it was one.
    fn constant(&self) -> Option<u32> {
        self.pairs.iter().all(|&(_, read)| read == self.first).then_some(self.first)
    }

    /// A word where the value after reset is not the chip's: what firmware never wrote misleads.
    fn note(&self, register: &ScanRegister) -> Option<String> {
        let chip = register.reset? as u32;
        let told = register.writable && self.label() != Fidelity::NotModelled;
        let digits = register.size_bits.min(32) as usize / 4 + 2;
        (told && self.first != chip).then(|| {
            format!("{:#0digits$x} after reset here, {chip:#0digits$x} on the chip", self.first)
        })
    }
}

fn join(entries: &mut Vec<FidelityEntry>, next: FidelityEntry) {
    if let Some(last) = entries.last_mut() {
        let same = last.label == next.label && last.note == next.note;
        if same && next.start <= last.end {
            last.end = last.end.max(next.end);
            return;
        }
    }
    entries.push(next);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: u32, pairs: &[(u32, u32)], expected: Fidelity) {
        let found = ReadBack { first, pairs: pairs.to_vec() };
        assert_eq!(found.label(), expected, "{first:#x} {pairs:x?}");
    }

    #[test]
    fn labels_follow_from_what_reads_gave() {
        check(0, &[(0xff, 0xff), (0x55, 0x55), (0, 0)], Fidelity::StoredOnly);
        check(0, &[(0xff, 0), (0x55, 0), (0, 0)], Fidelity::NotModelled);
        check(0, &[(0xff, 0x0f), (0x55, 0x05), (0, 0)], Fidelity::Modelled);
        check(0, &[(0xff, 0xff), (0x55, 0xff), (0, 0xff)], Fidelity::Modelled);
        check(1, &[(0xff, 1), (0x55, 1), (0, 1)], Fidelity::NotModelled);
        check(0x100, &[], Fidelity::Modelled);
        check(0, &[], Fidelity::NotModelled);
    }
}
