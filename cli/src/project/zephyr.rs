//! What a Zephyr or CMake build left in its folder.

use super::chip::normalise;
use super::{Key, Said, boards, cargo};

/// Reads `zephyr/runners.yaml`: J-Link's `--device=` is close to probe-rs's name of the chip.
pub(super) fn read_runners(text: &str) -> Vec<Said> {
    let found = text.lines().enumerate().filter_map(|(number, line)| {
        let word = line.trim().trim_start_matches("- ").trim_matches(['"', '\'']).to_owned();
        let chip = cargo::option_value(&[word], "--device")?;
        Some(Said::named(Key::Chip, normalise(&chip), number + 1).because("J-Link runner"))
    });
    found.take(1).collect()
}

/// Reads `CMakeCache.txt`: `BOARD`, if its name leaves no doubt.
pub(super) fn read_cache(text: &str) -> Vec<Said> {
    let mut board = None;
    for (number, line) in text.lines().enumerate() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.split(':').next().unwrap_or_default();
        if matches!(name, "BOARD" | "CACHED_BOARD" | "PICO_BOARD") && board.is_none() {
            board = boards::chip_of(value).map(|chip| {
                Said::named(Key::Chip, chip, number + 1).because(format!("board {}", value.trim()))
            });
        }
    }
    board.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(said: &[Said]) -> Option<(&str, usize)> {
        said.first().map(|said| (said.value.as_str(), said.line))
    }

    #[test]
    fn runners_name_the_device() {
        let text = "args:\n  openocd: []\n  jlink:\n    - --dt-flash=y\n    - --device=nRF52840_xxAA\n    - --speed=4000\n";
        assert_eq!(first(&read_runners(text)), Some(("nRF52840_xxAA", 5)));
        assert_eq!(
            first(&read_runners("args:\n  jlink:\n    - '--device=STM32F746NG'\n")),
            Some(("STM32F746NG", 3))
        );
        assert_eq!(first(&read_runners("- --device=\n")), None);
    }

    #[test]
    fn the_cache_names_the_board() {
        let cases = [
            ("//Comment\nBOARD:STRING=nucleo_f401re\n", Some(("STM32F401RETx", 2))),
            ("PICO_BOARD:STRING=pico\n", Some(("RP2040", 1))),
            ("BOARD_DIR:PATH=/x/nucleo_f401re\n", None),
            ("BOARD:STRING=someones_own\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(first(&read_cache(text)), expected, "{text}");
        }
    }
}
