//! What VS Code's debuggers are told: cortex-debug and probe-rs's own.

use super::chip::normalise;
use super::{Key, Said, jsonc};

/// Names in `launch.json`, and what they say. `device` is J-Link's name for the chip, which is
/// close to probe-rs's.
const NAMES: &[(&str, Key)] = &[
    ("chip", Key::Chip),
    ("device", Key::Chip),
    ("svdFile", Key::Svd),
    ("svdPath", Key::Svd),
    ("programBinary", Key::Elf),
    ("executable", Key::Elf),
    ("probe", Key::Probe),
];

/// Extensions whose settings count in `settings.json`.
const EXTENSIONS: &[&str] = &["cortex-debug", "probe-rs-debugger", "probe-rs-debug"];

/// Reads `.vscode/launch.json`. Variables in paths are left as they are.
pub(super) fn read_launch(text: &str) -> Vec<Said> {
    jsonc::pairs(text).iter().filter_map(|pair| said(&pair.name, pair)).collect()
}

/// Reads `.vscode/settings.json`: the same names, behind the extension's.
pub(super) fn read_settings(text: &str) -> Vec<Said> {
    let pairs = jsonc::pairs(text);
    let found = pairs.iter().filter_map(|pair| {
        let (extension, name) = pair.name.split_once('.')?;
        EXTENSIONS.contains(&extension).then(|| said(name, pair))?
    });
    found.collect()
}

fn said(name: &str, pair: &jsonc::Pair) -> Option<Said> {
    let (_, key) = NAMES.iter().find(|(known, _)| *known == name)?;
    let value = pair.value.trim();
    if value.is_empty() {
        return None;
    }
    Some(match key {
        // A choice that is made when the debugger starts.
        Key::Chip | Key::Probe if value.contains("${") => return None,
        Key::Chip => Said::named(*key, normalise(value), pair.line),
        _ => Said::named(*key, value, pair.line),
    })
}

/// Puts the project's folder in for the variables that mean it. None if others are left, which
/// only the editor can tell.
///
/// Source: VS Code documentation, "Variables Reference".
pub(super) fn expand(path: &str, folder: &std::path::Path) -> Option<String> {
    let root = folder.display().to_string();
    let name = folder.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let path = path
        .replace("${workspaceFolder}", &root)
        .replace("${workspaceRoot}", &root)
        .replace("${cwd}", &root)
        .replace("${workspaceFolderBasename}", &name);
    (!path.contains("${")).then_some(path)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(read: fn(&str) -> Vec<Said>, text: &str) -> Vec<(Key, String, usize)> {
        read(text).into_iter().map(|said| (said.key, said.value, said.line)).collect()
    }

    #[test]
    fn both_debuggers_are_understood() {
        let cortex_debug = "{\n  // for the bench\n  \"configurations\": [{\n    \"type\": \"cortex-debug\",\n    \"executable\": \"${workspaceFolder}/build/app.elf\",\n    \"device\": \"STM32F405RGT6\",\n    \"svdFile\": \"./STM32F405.svd\",\n  }]\n}";
        let expected = [
            (Key::Elf, "${workspaceFolder}/build/app.elf".to_owned(), 5),
            (Key::Chip, "STM32F405RGTx".to_owned(), 6),
            (Key::Svd, "./STM32F405.svd".to_owned(), 7),
        ];
        assert_eq!(read(read_launch, cortex_debug), expected);
        let probe_rs = "{\"configurations\": [{\"type\": \"probe-rs-debug\", \"chip\": \"nRF52840_xxAA\",\n\"coreConfigs\": [{\"programBinary\": \"target/a\",\n\"svdFile\": \"a.svd\"}], \"probe\": \"0483:374b\"}]}";
        let expected = [
            (Key::Chip, "nRF52840_xxAA".to_owned(), 1),
            (Key::Elf, "target/a".to_owned(), 2),
            (Key::Svd, "a.svd".to_owned(), 3),
            (Key::Probe, "0483:374b".to_owned(), 3),
        ];
        assert_eq!(read(read_launch, probe_rs), expected);
    }

    #[test]
    fn choices_made_later_are_not_taken() {
        let text = "{\"device\": \"${command:pick}\", \"chip\": \"\", \"program\": \"host\"}";
        assert_eq!(read(read_launch, text), []);
    }

    #[test]
    fn only_the_debuggers_settings_count() {
        let text = "{\"cortex-debug.device\": \"nRF51822_QFAA\", \"other.device\": \"x\", \"device\": \"y\"}";
        assert_eq!(read(read_settings, text), [(Key::Chip, "nRF51822_xxAA".to_owned(), 1)]);
    }

    #[test]
    fn the_folder_stands_in_for_its_variables() {
        let folder = Path::new("/home/ada/blinky");
        let cases = [
            ("${workspaceFolder}/a.elf", Some("/home/ada/blinky/a.elf")),
            ("build/${workspaceFolderBasename}.elf", Some("build/blinky.elf")),
            ("a.svd", Some("a.svd")),
            ("${env:HOME}/a.svd", None),
        ];
        for (path, expected) in cases {
            assert_eq!(expand(path, folder).as_deref(), expected, "{path}");
        }
    }
}
