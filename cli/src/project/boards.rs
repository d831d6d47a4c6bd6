//! Boards whose name alone says which chip they carry.

/// Board names of PlatformIO and Zephyr, and the chip as probe-rs names it. Only boards that were
/// never made with another chip under the same name.
///
/// Sources: Micro:bit Educational Foundation, tech site, "Hardware"; Nordic, nRF52 DK and
/// nRF52840 DK user guides; ST UM1724 (Nucleo-64), UM1956 (Nucleo-32), UM1974 (Nucleo-144),
/// UM1472 and UM1670 (Discovery), UM2153 (B-L475E-IOT01A); Raspberry Pi Pico datasheet.
const BOARDS: &[(&str, &str)] = &[
    ("b_l475e_iot01a", "STM32L475VGTx"),
    ("disco_l475vg_iot01a", "STM32L475VGTx"),
    ("bbc_microbit", "nRF51822_xxAA"),
    ("bbcmicrobit", "nRF51822_xxAA"),
    ("bbc_microbit_v2", "nRF52833_xxAA"),
    ("bbcmicrobit_v2", "nRF52833_xxAA"),
    ("blackpill_f401cc", "STM32F401CCUx"),
    ("blackpill_f411ce", "STM32F411CEUx"),
    ("disco_f407vg", "STM32F407VGTx"),
    ("stm32f4_disco", "STM32F407VGTx"),
    ("disco_f429zi", "STM32F429ZITx"),
    ("nrf52_dk", "nRF52832_xxAA"),
    ("nrf52dk", "nRF52832_xxAA"),
    ("nrf52840_dk", "nRF52840_xxAA"),
    ("nrf52840dk", "nRF52840_xxAA"),
    ("nucleo_f103rb", "STM32F103RBTx"),
    ("nucleo_f401re", "STM32F401RETx"),
    ("nucleo_f411re", "STM32F411RETx"),
    ("nucleo_f429zi", "STM32F429ZITx"),
    ("nucleo_f446re", "STM32F446RETx"),
    ("nucleo_f767zi", "STM32F767ZITx"),
    ("nucleo_h743zi", "STM32H743ZITx"),
    ("nucleo_l432kc", "STM32L432KCUx"),
    ("nucleo_l476rg", "STM32L476RGTx"),
    ("pico", "RP2040"),
    ("rpi_pico", "RP2040"),
    ("rpipico", "RP2040"),
];

/// The chip on `board`, if its name leaves no doubt.
///
/// Zephyr adds the chip behind a slash (`nrf52840dk/nrf52840`), or behind an underscore before
/// version 3.7 (`nrf52840dk_nrf52840`); a board that is built for as another chip than its own
/// (`nrf52840dk/nrf52811`) is left open. PlatformIO's generic boards are named after the part
/// (`genericSTM32F407VET6`).
pub(super) fn chip_of(board: &str) -> Option<String> {
    let board = board.trim().to_ascii_lowercase();
    if let Some(part) = board.strip_prefix("generic").filter(|part| part.starts_with("stm32")) {
        return Some(super::chip::normalise(part));
    }
    let mut words = board.split(['/', '@']);
    let (plain, qualifier) = (words.next().unwrap_or_default(), words.next());
    let (short, suffix) = match plain.rsplit_once("_nrf") {
        Some((short, number)) => (short, Some(format!("nrf{number}"))),
        None => (plain, None),
    };
    let of = |name: &str| BOARDS.iter().find(|(known, _)| *known == name).map(|(_, chip)| *chip);
    let is_built_for = |chip: &&str| {
        let said = qualifier.or(suffix.as_deref());
        said.is_none_or(|said| super::chip::agree(said, chip))
    };
    of(plain).or_else(|| of(short)).filter(is_built_for).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn board_names_of_both_tools() {
        let cases = [
            ("nucleo_f401re", Some("STM32F401RETx")),
            ("NUCLEO_F401RE", Some("STM32F401RETx")),
            ("nrf52840dk/nrf52840", Some("nRF52840_xxAA")),
            ("nrf52840dk_nrf52840", Some("nRF52840_xxAA")),
            ("nrf52840dk/nrf52811", None),
            ("rpi_pico/rp2040/w", Some("RP2040")),
            ("genericSTM32F407VET6", Some("STM32F407VETx")),
            ("my_own_board", None),
            ("", None),
        ];
        for (board, chip) in cases {
            assert_eq!(chip_of(board).as_deref(), chip, "{board}");
        }
    }
}
