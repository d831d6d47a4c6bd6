//! What is counted: found, found with the right correction, accused though true.

use std::collections::BTreeMap;

use assist::Verdict;
use assist::check::{Checker, Headers, Language};

/// A true text, and the same with one error.
pub(super) struct Plant {
    pub(super) kind: &'static str,
    pub(super) language: Language,
    pub(super) truth: String,
    pub(super) wrong: String,
    /// 1-based line of the error in `wrong`.
    pub(super) line: u32,
    /// What a right correction contains, one of these; empty where nothing tells what was meant.
    pub(super) right: Vec<String>,
}

#[derive(Default, Clone)]
struct Row {
    planted: u32,
    found: u32,
    correctable: u32,
    corrected: u32,
    accused: u32,
}

#[derive(Default)]
pub(super) struct Table {
    rows: BTreeMap<&'static str, Row>,
    missed: Vec<String>,
}

impl Table {
    pub(super) fn judge(&mut self, checker: &Checker<'_>, plant: &Plant, chip: &str) {
        let row = self.rows.entry(plant.kind).or_default();
        let headers = Headers::default();
        let accused = |text: &str| -> Vec<(u32, u32, Option<String>)> {
            let remarks = checker.check(text, plant.language, &headers);
            let wrong = remarks.into_iter().filter(|r| r.claim.verdict == Verdict::Wrong);
            wrong.map(|r| (r.line, r.end_line, r.claim.expected)).collect()
        };
        let before = accused(&plant.truth);
        if !before.is_empty() {
            row.accused += 1;
            self.missed.push(format!("accused {chip} {}: {} {before:?}", plant.kind, plant.truth));
        }
        let found: Vec<_> = accused(&plant.wrong)
            .into_iter()
            .filter(|(from, to, _)| (*from..=*to).contains(&plant.line))
            .collect();
        row.planted += 1;
        row.correctable += u32::from(!plant.right.is_empty());
        if found.is_empty() {
            let line = plant.wrong.lines().nth(plant.line as usize - 1).unwrap_or("");
            self.missed.push(format!("missed {chip} {}: {line} ({:?})", plant.kind, plant.right));
            return;
        }
        row.found += 1;
        let is_right = |expected: &Option<String>| {
            expected.as_ref().is_some_and(|expected| {
                let expected = plain(expected);
                plant.right.iter().any(|right| expected.contains(&plain(right)))
            })
        };
        if found.iter().any(|(_, _, expected)| is_right(expected)) {
            row.corrected += 1;
        } else if !plant.right.is_empty() {
            let line = plant.wrong.lines().nth(plant.line as usize - 1).unwrap_or("");
            self.missed.push(format!(
                "corrected {chip} {}: {line} {found:?} {:?}",
                plant.kind, plant.right
            ));
        }
    }

    fn total(&self) -> Row {
        self.rows.values().fold(Row::default(), |sum, row| Row {
            planted: sum.planted + row.planted,
            found: sum.found + row.found,
            correctable: sum.correctable + row.correctable,
            corrected: sum.corrected + row.corrected,
            accused: sum.accused + row.accused,
        })
    }

    pub(super) fn print(&self, title: &str) {
        println!("{title:24} planted  found      corrected        true ones accused");
        let total = self.total();
        for (kind, row) in self.rows.iter().map(|(kind, row)| (*kind, row)).chain([("all", &total)])
        {
            println!(
                "{kind:24} {:7}  {:5.1} %    {:5} of {:5}   {}",
                row.planted,
                100.0 * f64::from(row.found) / f64::from(row.planted.max(1)),
                row.corrected,
                row.correctable,
                row.accused,
            );
        }
        for line in self.missed.iter().take(if std::env::var_os("SILK_PLANTED_ALL").is_some() {
            4000
        } else {
            12
        }) {
            println!("  {line}");
        }
    }

    /// The aims: 99 % found, 95 % of what can be corrected corrected, at most 1 % accused.
    pub(super) fn holds(&self) {
        let total = self.total();
        assert!(total.planted > 50);
        assert!(
            total.found * 100 >= total.planted * 99,
            "found {} of {}",
            total.found,
            total.planted
        );
        assert!(total.corrected * 100 >= total.correctable * 95, "corrected {}", total.corrected);
        assert!(total.accused * 100 <= total.planted, "accused {}", total.accused);
    }
}

/// Small letters, and numbers without leading zeros: 0x0030 is 0x30.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (number, part) in text.to_ascii_lowercase().split("0x").enumerate() {
        match number {
            0 => plain += part,
            _ => {
                let digits = part.trim_start_matches('0');
                let none = !digits.starts_with(|c: char| c.is_ascii_hexdigit());
                plain += if none { "0x0" } else { "0x" };
                plain += digits;
            }
        }
    }
    plain
}

/// Steele, Lea and Flood's SplitMix64 (OOPSLA 2014): small, and the same everywhere.
pub(super) struct Rng(u64);

impl Rng {
    /// Seeded by a name.
    pub(super) fn new(name: &str) -> Self {
        Self(
            name.bytes()
                .fold(0x5117, |sum: u64, b| sum.wrapping_mul(131).wrapping_add(u64::from(b))),
        )
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }

    /// A name with one slip: two letters swapped, one wrong, one left out, one twice. Digits stay:
    /// another number is another name. `None` if it comes out as one of `taken`.
    pub(super) fn slip(&mut self, name: &str, taken: &dyn Fn(&str) -> bool) -> Option<String> {
        let mut letters: Vec<char> = name.chars().collect();
        let places: Vec<usize> = (1..letters.len().saturating_sub(1))
            .filter(|&at| letters[at].is_ascii_alphabetic())
            .collect();
        let at = *self.pick(&places)?;
        match self.below(4) {
            0 if letters[at + 1].is_ascii_alphabetic() && letters[at] != letters[at + 1] => {
                letters.swap(at, at + 1);
            }
            1 => {
                let other = if letters[at].is_ascii_lowercase() { 'q' } else { 'Q' };
                letters[at] = other;
            }
            2 => {
                letters.remove(at);
            }
            _ => letters.insert(at, letters[at]),
        }
        let slipped: String = letters.into_iter().collect();
        (slipped != name && !taken(&slipped)).then_some(slipped)
    }

    /// The number with one hexadecimal digit changed, among the lowest `digits`, in steps of four.
    pub(super) fn other_digit(&mut self, value: u64, digits: u32) -> u64 {
        let shift = 4 * (1 + self.below(digits as usize - 1)) as u32;
        let add = 1 + self.below(14) as u64;
        let digit = (value >> shift) & 0xf;
        (value & !(0xf << shift)) | (((digit + add) & 0xf) << shift)
    }
}
