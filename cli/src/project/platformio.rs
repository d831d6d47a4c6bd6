//! `platformio.ini`.

use super::chip::normalise;
use super::{Key, Said, boards};

/// What `platformio.ini` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PlatformIo {
    pub(super) said: Vec<Said>,
    /// Environments built by default; empty means all.
    pub(super) default_envs: Vec<String>,
}

/// Reads chips and SVDs of all environments. Values with `${…}` are left out.
pub(super) fn read(text: &str) -> PlatformIo {
    let mut read = PlatformIo::default();
    let mut section = String::new();
    // A chip that is spelled out counts before one that follows from a board's name.
    let mut from_boards = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = without_comment(line).trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim().to_owned();
            continue;
        }
        let Some((option, value)) = line.split_once('=') else { continue };
        let (option, value, number) = (option.trim(), value.trim(), number + 1);
        if value.is_empty() || value.contains("${") {
            continue;
        }
        match option {
            "default_envs" if section == "platformio" => {
                let names = value.split(',').map(|name| name.trim().to_owned());
                read.default_envs.extend(names.filter(|name| !name.is_empty()));
            }
            "board_build.mcu" => read.said.push(Said::named(Key::Chip, normalise(value), number)),
            "debug_svd_path" | "board_debug.svd_path" => {
                read.said.push(Said::named(Key::Svd, value, number));
            }
            "board" => from_boards.extend(boards::chip_of(value).map(|chip| {
                Said::named(Key::Chip, chip, number).because(format!("board {value}"))
            })),
            _ => {}
        }
    }
    read.said.extend(from_boards);
    read
}

/// A comment starts with `;`, or with `#` where a line starts.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.split(';').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_name_chips_and_svds() {
        let text = "[platformio]\ndefault_envs = a, b\n\n[env:a]\nboard = nucleo_f401re ; ours\nboard_build.mcu = stm32f405rgt6\ndebug_svd_path = ${platformio.x}/a.svd\n# board = nucleo_f411re\n[env:b]\nboard=my_own\nboard_debug.svd_path = hw/b.svd\n";
        let read = read(text);
        assert_eq!(read.default_envs, ["a", "b"]);
        let said: Vec<_> = read.said.into_iter().map(|s| (s.value, s.line, s.why)).collect();
        let expected = [
            ("STM32F405RGTx".to_owned(), 6, String::new()),
            ("hw/b.svd".to_owned(), 11, String::new()),
            ("STM32F401RETx".to_owned(), 5, "board nucleo_f401re".to_owned()),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn anything_else_says_nothing() {
        for text in ["", "[", "[env:a", "board", "board =", "\u{0}="] {
            assert_eq!(read(text), PlatformIo::default(), "{text}");
        }
    }
}
