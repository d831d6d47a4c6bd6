//! Whether an SVD, by its name, is of a chip.

/// How well the SVD called `stem` fits `chip`: the number of characters in which the two are
/// literally equal, or none if it is the SVD of another chip.
///
/// An SVD is named after what its chips have in common: `nrf51`, `STM32F405`, `STM32F40x`,
/// `STM32H745_CM7`.
pub fn fits(stem: &str, chip: &str) -> Option<usize> {
    let base = |name: &str| {
        let name = name.split('_').next().unwrap_or_default();
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let (stem, chip) = (base(stem), base(chip));
    // Nordic calls the nRF52832's file plain `nrf52`; the later ones have names of their own.
    if stem == "nrf52" && chip != "nrf52832" {
        return None;
    }
    if stem.len() < 4 || stem.len() > chip.len() {
        return None;
    }
    let mut equal = 0;
    for (s, c) in stem.bytes().zip(chip.bytes()) {
        if !same(s, c) {
            return None;
        }
        equal += usize::from(s == c);
    }
    (equal >= 4).then_some(equal)
}

/// How near `device`, a name in a CMSIS pack, is to `chip`, as a person or probe-rs spells it.
///
/// Packs and probe-rs write an `x` for what does not matter (`STM32F407VGTx`, `nRF52840_xxAA`);
/// either name may stop early. The greatest is the nearest.
pub(super) fn nearness(device: &str, chip: &str) -> Option<Nearness> {
    if device.eq_ignore_ascii_case(chip) {
        return Some(Nearness::Equal);
    }
    let alike = device.bytes().zip(chip.bytes()).all(|(d, c)| same(d, c));
    let shorter = device.len().min(chip.len());
    if !alike || shorter < 4 {
        return None;
    }
    Some(match device.len() == chip.len() {
        true => Nearness::Pattern,
        false if chip.len() < device.len() => Nearness::Start,
        false => Nearness::Less,
    })
}

/// See [`nearness`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    /// The device says less than the chip's name.
    Less,
    /// The device's name goes on where the chip's stops.
    Start,
    /// Equal but for an `x`.
    Pattern,
    /// Equal but for case.
    Equal,
}

/// Equal but for case; `x` stands for any character.
fn same(a: u8, b: u8) -> bool {
    a.eq_ignore_ascii_case(&b) || a.eq_ignore_ascii_case(&b'x') || b.eq_ignore_ascii_case(&b'x')
}
