//! Linker scripts: STM32CubeIDE names them after the part; elsewhere a name or a comment is a hint.

use super::chip::normalise;
use super::{Key, Said, Strength};

/// How the names of chips start that a hint may be taken from.
const FAMILIES: &[&str] = &[
    "stm32", "nrf5", "nrf9", "rp20", "rp23", "atsam", "lpc", "mimxrt", "esp32", "gd32", "efm32",
    "efr32",
];

/// Shortest word that says more than a family.
const SHORTEST: usize = 6;

/// Reads the file name: `STM32F405RGTX_FLASH.ld` names the chip, `nrf51822.ld` hints at it.
pub(super) fn read_name(name: &str) -> Option<Said> {
    let stem = name.strip_suffix(".ld").or_else(|| name.strip_suffix(".x"))?;
    if let Some(part) = stem.strip_suffix("_FLASH")
        && part.starts_with("STM32")
        && part.len() > "STM32F405RGT".len()
    {
        let said = Said::named(Key::Chip, normalise(part), 0);
        return Some(said.because("STM32CubeIDE's name for the part"));
    }
    let chip = chip_word(stem)?;
    Some(Said::hint(Key::Chip, normalise(chip), 0, "the linker script's name, only a hint"))
}

/// Reads the text: the first chip it mentions, such as in a comment of `memory.x`.
pub(super) fn read_text(text: &str) -> Option<Said> {
    text.lines().enumerate().find_map(|(number, line)| {
        let chip = normalise(chip_word(line)?);
        Some(Said::hint(Key::Chip, chip, number + 1, "mentioned, only a hint"))
    })
}

fn chip_word(line: &str) -> Option<&str> {
    line.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| {
        let lower = word.to_ascii_lowercase();
        FAMILIES.iter().any(|family| lower.starts_with(family))
            && word.len() >= SHORTEST
            && word.bytes().filter(u8::is_ascii_digit).count() >= 3
    })
}

/// Whether `said` names the chip rather than hints at it.
pub(super) fn is_named(said: &Said) -> bool {
    said.strength == Strength::Named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_linker_scripts() {
        let cases = [
            ("STM32F405RGTX_FLASH.ld", Some(("STM32F405RGTx", true))),
            ("nrf51822.ld", Some(("nRF51822", false))),
            ("nrf52840_softdevice.ld", Some(("nRF52840", false))),
            ("memory.x", None),
            ("link.ld", None),
            ("stm32.ld", None),
            ("STM32F405RGTX_FLASH.txt", None),
        ];
        for (name, expected) in cases {
            let said = read_name(name);
            let said = said.as_ref().map(|said| (said.value.as_str(), is_named(said)));
            assert_eq!(said, expected, "{name}");
        }
    }

    #[test]
    fn chips_that_a_text_mentions() {
        let text = "/* Linker script */\nMEMORY\n{\n  /* NRF52840 with Softdevice S140 */\n  FLASH : ORIGIN = 0x00027000, LENGTH = 868K\n}\n";
        let said = read_text(text);
        let said = said.as_ref().map(|said| (said.value.as_str(), said.line));
        assert_eq!(said, Some(("nRF52840", 4)));
        assert_eq!(read_text("MEMORY { FLASH : ORIGIN = 0, LENGTH = 256K }"), None);
    }
}
