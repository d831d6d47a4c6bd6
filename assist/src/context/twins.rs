//! Peripherals and registers of one layout, of which one stands for all.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

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
    let mut hasher = DefaultHasher::new();
    let kind = peripheral.name.trim_end_matches(|c: char| c.is_ascii_digit());
    // GPIOA and GPIOB differ in a letter; names of two letters would all be alike without it.
    let kind = if kind.len() > 4 { &kind[..4] } else { kind };
    kind.hash(&mut hasher);
    for register in &catalog.registers[peripheral.registers.clone()] {
        register.address.wrapping_sub(peripheral.base_address).hash(&mut hasher);
        without_digits(register.name()).hash(&mut hasher);
        register.fields.len().hash(&mut hasher);
    }
    if peripheral.registers.is_empty() {
        peripheral.name.hash(&mut hasher);
    }
    hasher.finish()
}

fn register_layout(register: &Register<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let name = register.name();
    without_digits(name).hash(&mut hasher);
    if !name.bytes().any(|b| b.is_ascii_digit()) {
        register.address.hash(&mut hasher);
    }
    without_digits(register.description).hash(&mut hasher);
    register.size_bits.hash(&mut hasher);
    for field in &register.fields {
        without_digits(field.name).hash(&mut hasher);
        (field.lsb, field.width).hash(&mut hasher);
    }
    hasher.finish()
}

/// Runs of digits become one `#`, so that names of one pattern are equal.
fn without_digits(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            c => out.push(c),
        }
    }
    out
}
