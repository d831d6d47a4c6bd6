//! Chip names: as vendors' tools, part numbers and SVDs spell them.

pub(crate) use svd_index::svd::fits;

/// A chip name in the spelling that probe-rs uses, as far as that follows from the name alone.
///
/// ST prints a temperature digit where probe-rs has an `x` (`STM32F405RGT6` is `STM32F405RGTx`),
/// Nordic a package where it has `xx` (`nRF52840_QIAA` is `nRF52840_xxAA`). Other names are kept.
///
/// Source: ST ordering information (for instance DS8626, STM32F405xx, section 8): the 13th
/// character is the temperature range, options follow.
pub(crate) fn normalise(name: &str) -> String {
    let name = name.trim();
    let upper = name.to_ascii_uppercase();
    if upper.starts_with("STM32") && upper.is_ascii() {
        return stm32(&upper);
    }
    if let Some(rest) = upper.strip_prefix("NRF")
        && rest.starts_with(|c: char| c.is_ascii_digit())
    {
        return format!("nRF{}", nordic(rest));
    }
    if upper.starts_with("RP2040") || upper.starts_with("RP235") {
        return upper.replace("RP235X", "RP235x");
    }
    name.to_owned()
}

fn stm32(upper: &str) -> String {
    const TEMPERATURE: usize = 12;
    let Some(temperature) = upper.as_bytes().get(TEMPERATURE) else { return upper.to_owned() };
    if !temperature.is_ascii_digit() && *temperature != b'X' {
        return upper.to_owned();
    }
    // Tape and reel is how it was bought, not what it is.
    let options = upper[TEMPERATURE + 1..].trim_end_matches("TR");
    format!("{}x{options}", &upper[..TEMPERATURE])
}

fn nordic(rest: &str) -> String {
    match rest.split_once('_') {
        Some((number, variant)) if variant.len() == 4 && variant.is_ascii() => {
            format!("{number}_xx{}", &variant[2..])
        }
        _ => rest.to_owned(),
    }
}

/// Whether two names can mean the same chip, one of them perhaps less exactly.
pub(crate) fn agree(a: &str, b: &str) -> bool {
    a.bytes().zip(b.bytes()).all(|(a, b)| same(a, b)) && a.len().min(b.len()) >= 5
}

/// Equal but for case; `x` stands for any character.
fn same(a: u8, b: u8) -> bool {
    a.eq_ignore_ascii_case(&b) || a.eq_ignore_ascii_case(&b'x') || b.eq_ignore_ascii_case(&b'x')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_probe_rs_spells_them() {
        let cases = [
            ("STM32F405RGT6", "STM32F405RGTx"),
            ("STM32F405RGTX", "STM32F405RGTx"),
            ("stm32f405rgt6tr", "STM32F405RGTx"),
            ("STM32U575ZIT6Q", "STM32U575ZITxQ"),
            ("stm32f411ce", "STM32F411CE"),
            ("STM32MP157CAB3", "STM32MP157CAB3"),
            ("nrf52840", "nRF52840"),
            ("NRF52840_QIAA", "nRF52840_xxAA"),
            ("nRF51822_xxAA", "nRF51822_xxAA"),
            ("rp2040", "RP2040"),
            ("rp235x", "RP235x"),
            ("nrfjprog", "nrfjprog"),
            (" ATSAMD21G18A ", "ATSAMD21G18A"),
            ("", ""),
            ("STM32ä", "STM32ä"),
        ];
        for (name, expected) in cases {
            assert_eq!(normalise(name), expected, "{name}");
        }
    }

    #[test]
    fn an_svd_fits_the_chips_it_is_named_after() {
        let cases = [
            ("nrf51", "nRF51822_xxAA", true),
            ("nrf52", "nRF52832_xxAA", true),
            ("nrf52", "nRF52840_xxAA", false),
            ("nrf52840", "nRF52840_xxAA", true),
            ("STM32F405", "STM32F405RGTx", true),
            ("STM32F40x", "STM32F405RGTx", true),
            ("STM32L4x6", "STM32L476RGTx", true),
            ("STM32F411", "STM32F405RGTx", false),
            ("STM32H745_CM7", "STM32H745ZITx", true),
            ("LPC55S69_cm33_core0", "LPC55S69JBD100", true),
            ("ESP32-C3", "esp32c3", true),
            ("rp2040", "RP2040", true),
            ("STM32F405RGTx_extended", "STM32F405", false),
            ("", "STM32F405", false),
            ("arm", "armv7", false),
        ];
        for (stem, chip, expected) in cases {
            assert_eq!(fits(stem, chip).is_some(), expected, "{stem} for {chip}");
        }
        assert!(fits("STM32F405", "STM32F405RGTx") > fits("STM32F40x", "STM32F405RGTx"));
    }

    #[test]
    fn a_shorter_name_agrees_with_a_longer_one() {
        assert!(agree("STM32F405RG", "STM32F405RGTx"));
        assert!(agree("nrf51822", "nRF51822_xxAA"));
        assert!(!agree("STM32F405RGTx", "STM32F411CEUx"));
        assert!(!agree("", "STM32F405RGTx"));
    }
}
