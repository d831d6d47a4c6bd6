//! `*.ioc` of STM32CubeMX: lines of `name=value`.

use super::chip::normalise;
use super::{Key, Said};

/// Reads the chip: `Mcu.UserName` (with `x` for the temperature range), else the part number.
pub(super) fn read(text: &str) -> Vec<Said> {
    let value = |name: &str| {
        let mut lines = text.lines().enumerate();
        lines.find_map(|(number, line)| {
            let value = line.strip_prefix(name)?.strip_prefix('=')?.trim();
            let said = || Said::named(Key::Chip, normalise(value), number + 1);
            (!value.is_empty()).then(said)
        })
    };
    value("Mcu.UserName").or_else(|| value("Mcu.CPN")).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chip_is_named_by_its_user_name_or_part_number() {
        let cases = [
            (
                "Mcu.CPN=STM32F405RGT6\nMcu.Name=STM32F405RGTx\nMcu.UserName=STM32F405RGTx\n",
                Some(("STM32F405RGTx", 3)),
            ),
            ("#MicroXplorer\r\nMcu.CPN=STM32H743ZIT6\r\n", Some(("STM32H743ZITx", 2))),
            ("Mcu.UserName=\nMcu.Family=STM32F4\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let said = read(text);
            let said = said.first().map(|said| (said.value.as_str(), said.line));
            assert_eq!(said, expected, "{text}");
        }
    }
}
