//! Peripherals and registers of one layout, of which one stands for all.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};

use crate::catalog::{Catalog, Peripheral, Register};

/// Which registers stand for how many.
pub(super) struct Twins {
    /// By position in the catalog: 0 if another one stands for it, otherwise how many registers
    /// it stands for, itself and array elements included.
    pub(super) stands: Vec<u64>,
}

/// Chooses who stands for whom.
///
/// Of peripherals with one layout stands the one the question is most about, then the one the
/// firmware uses most, then the first by name. Of registers with one layout in one peripheral
/// stands the first, but those in `used` stand for themselves.
pub(super) fn find(catalog: &Catalog<'_>, strengths: &[f32], used: &BTreeMap<usize, f32>) -> Twins {
    let mut stands = vec![0; catalog.registers.len()];
    for (chosen, count) in chosen_peripherals(catalog, strengths, used) {
        let mut first_of: HashMap<u64, usize> = HashMap::new();
        for at in catalog.peripherals[chosen].registers.clone() {
            let register = &catalog.registers[at];
            let alone = used.get(&at).is_some_and(|&worth| worth >= 1.0);
            let key = register_layout(register);
            match first_of.get(&key) {
                Some(&first) if !alone => stands[first] += register.count * count,
                _ => {
                    first_of.entry(key).or_insert(at);
                    stands[at] = register.count * count;
                }
            }
        }
    }
    Twins { stands }
}

/// The peripherals that stand, each with the number of its twins, itself included. A twin that
/// the question names stands for itself.
fn chosen_peripherals(
    catalog: &Catalog<'_>,
    strengths: &[f32],
    used: &BTreeMap<usize, f32>,
) -> Vec<(usize, u64)> {
    let mut layouts: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, peripheral) in catalog.peripherals.iter().enumerate() {
        layouts.entry(peripheral_layout(catalog, peripheral)).or_default().push(at);
    }
    let uses = |at: usize| {
        let registers = catalog.peripherals[at].registers.clone();
        registers.filter(|register| used.contains_key(register)).count()
    };
    let mut chosen = Vec::new();
    for mut twins in layouts.into_values() {
        twins.sort_by_key(|&at| natural(catalog.peripherals[at].name));
        let best = twins.iter().copied().reduce(|best, at| {
            let better = strengths[at].total_cmp(&strengths[best]).then(uses(at).cmp(&uses(best)));
            if better.is_gt() { at } else { best }
        });
        let Some(best) = best else { continue };
        // Several may be named: "SPI1 works, SPI2 does not".
        let named: Vec<usize> =
            twins.iter().copied().filter(|&at| at != best && strengths[at] >= 1.1).collect();
        chosen.push((best, (twins.len() - named.len()) as u64));
        chosen.extend(named.into_iter().map(|at| (at, 1)));
    }
    chosen.sort_unstable();
    chosen
}

/// Names by letters, then by number: `SPI2` before `SPI10`.
fn natural(name: &str) -> (String, u64) {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (letters.to_owned(), name[letters.len()..].parse().unwrap_or(0))
}

fn peripheral_layout(catalog: &Catalog<'_>, peripheral: &Peripheral<'_>) -> u64 {
    let mut hash = Fnv::default();
    let kind = peripheral.name.trim_end_matches(|c: char| c.is_ascii_digit());
    // GPIOA and GPIOB differ in a letter; names of two letters would all be alike without it.
    let kind = kind.char_indices().nth(4).map_or(kind, |(end, _)| &kind[..end]);
    hash.text(kind);
    for register in &catalog.registers[peripheral.registers.clone()] {
        hash.number(register.address.wrapping_sub(peripheral.base_address));
        hash.pattern(register.name());
        hash.number(register.fields.len() as u64);
    }
    if peripheral.registers.is_empty() {
        hash.text(peripheral.name);
    }
    hash.0
}

fn register_layout(register: &Register<'_>) -> u64 {
    let mut hash = Fnv::default();
    let name = register.name();
    hash.pattern(name);
    if !name.bytes().any(|b| b.is_ascii_digit()) {
        hash.number(register.address);
    }
    hash.pattern(register.description);
    hash.number(u64::from(register.size_bits));
    for field in &register.fields {
        hash.pattern(field.name);
        hash.number(u64::from(field.lsb) << 32 | u64::from(field.width));
    }
    hash.0
}

/// FNV-1a of 64 bits: tens of thousands of short texts are hashed for each question, and nobody gains
/// by making two alike.
///
/// Source: The FNV Non-Cryptographic Hash Algorithm, draft-eastlake-fnv-21, 2 and 5.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn number(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    }

    /// A text, and its end.
    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
        self.byte(0xff);
    }

    /// A text in which every run of digits is one `#`, so that names of one pattern are equal.
    fn pattern(&mut self, text: &str) {
        let mut in_digits = false;
        for byte in text.bytes() {
            let is_digit = byte.is_ascii_digit();
            match (is_digit, in_digits) {
                (true, true) => {}
                (true, false) => self.byte(b'#'),
                (false, _) => self.byte(byte),
            }
            in_digits = is_digit;
        }
        self.byte(0xff);
    }
}
