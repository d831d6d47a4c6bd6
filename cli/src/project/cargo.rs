//! Cargo's files: the runner that flashes, the target, the names of the binaries, and features
//! that name a chip.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::chip::normalise;
use super::{Key, Said, line_at};

/// What `.cargo/config.toml` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CargoConfig {
    pub(super) said: Vec<Said>,
    /// `build.target`, if it is one triple.
    pub(super) target: Option<String>,
    /// `build.target-dir`.
    pub(super) target_dir: Option<String>,
}

/// What `Cargo.toml` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CargoManifest {
    pub(super) said: Vec<Said>,
    /// The binaries by name, each with its line. A package without `[[bin]]` is one of its own name.
    pub(super) bins: Vec<(String, usize)>,
    /// `package.default-run`.
    pub(super) default_run: Option<String>,
    /// It has a `[workspace]`.
    pub(super) is_workspace: bool,
}

/// Reads `.cargo/config.toml`: a runner such as `probe-rs run --chip nRF51822_xxAA`, whatever the
/// tool, and probe-rs's own variables in `[env]`.
pub(super) fn read_config(text: &str) -> CargoConfig {
    let Ok(document) = Document::parse(text) else { return CargoConfig::default() };
    let root = document.as_item();
    let mut said = Vec::new();
    for target in tables(root.get("target")) {
        if let Some(runner) = target.get("runner") {
            said.extend(read_runner(text, runner));
        }
    }
    for (name, key) in [("PROBE_RS_CHIP", Key::Chip), ("PROBE_RS_PROBE", Key::Probe)] {
        let item = at(root, &["env", name]);
        let value = item.and_then(|item| item.as_str().or_else(|| item.get("value")?.as_str()));
        if let (Some(item), Some(value)) = (item, value) {
            said.push(of_tool(key, value, line(text, item.span())));
        }
    }
    let string = |path: &[&str]| at(root, path).and_then(Item::as_str).map(str::to_owned);
    CargoConfig {
        said,
        target: string(&["build", "target"]),
        target_dir: string(&["build", "target-dir"]),
    }
}

fn read_runner(text: &str, runner: &Item) -> Vec<Said> {
    let words: Vec<String> = match runner.as_array() {
        Some(array) => array.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect(),
        None => runner.as_str().unwrap_or_default().split_whitespace().map(unquoted).collect(),
    };
    let line = line(text, runner.span());
    let options = [("--chip", Key::Chip), ("--probe", Key::Probe)];
    let found = options
        .iter()
        .filter_map(|(option, key)| Some(of_tool(*key, &option_value(&words, option)?, line)));
    found.collect()
}

fn of_tool(key: Key, value: &str, line: usize) -> Said {
    let value = if key == Key::Chip { normalise(value) } else { value.to_owned() };
    Said::named(key, value, line)
}

fn unquoted(word: &str) -> String {
    word.trim_matches(['"', '\'']).to_owned()
}

/// The value of `--option value` or `--option=value`.
pub(super) fn option_value(words: &[String], option: &str) -> Option<String> {
    let position = words.iter().position(|word| {
        word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    })?;
    let value = match words[position].split_once('=') {
        Some((_, value)) => value.to_owned(),
        None => words.get(position + 1)?.clone(),
    };
    (!value.is_empty() && !value.starts_with('-')).then_some(value)
}

/// Reads `Cargo.toml`: the names of binaries, and the chip that embassy's crates are built for.
pub(super) fn read_manifest(text: &str) -> CargoManifest {
    let Ok(document) = Document::parse(text) else { return CargoManifest::default() };
    let root = document.as_item();
    let string = |path: &[&str]| {
        let item = at(root, path)?;
        Some((item.as_str()?.to_owned(), line(text, item.span())))
    };
    let mut bins = Vec::new();
    for bin in root.get("bin").and_then(Item::as_array_of_tables).into_iter().flatten() {
        if let Some(item) = bin.get("name")
            && let Some(name) = item.as_str()
        {
            bins.push((name.to_owned(), line(text, item.span())));
        }
    }
    bins.extend(string(&["package", "name"]).filter(|_| bins.is_empty()));
    CargoManifest {
        said: chip_features(text, root),
        bins,
        default_run: string(&["package", "default-run"]).map(|(name, _)| name),
        is_workspace: root.get("workspace").is_some(),
    }
}

/// `embassy-stm32 = { features = ["stm32f411ce"] }`: there the feature is the part.
fn chip_features(text: &str, root: &Item) -> Vec<Said> {
    let crates = [("embassy-stm32", "stm32", "stm32f411ce".len()), ("embassy-nrf", "nrf", 5)];
    let mut said = Vec::new();
    for (name, prefix, shortest) in crates {
        let features = at(root, &["dependencies", name, "features"]).and_then(Item::as_array);
        for feature in features.into_iter().flatten() {
            let Some(part) = feature.as_str() else { continue };
            let is_part = part.starts_with(prefix)
                && part.len() >= shortest
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && part[prefix.len()..].bytes().any(|byte| byte.is_ascii_digit());
            if is_part {
                let line = line(text, feature.span());
                let said_here = Said::named(Key::Chip, normalise(part), line);
                said.push(said_here.because(format!("feature of {name}")));
            }
        }
    }
    said
}

fn at<'a>(root: &'a Item, path: &[&str]) -> Option<&'a Item> {
    path.iter().try_fold(root, |item, key| item.get(key))
}

fn tables(item: Option<&Item>) -> impl Iterator<Item = &dyn TableLike> {
    let table = item.and_then(Item::as_table_like);
    table.into_iter().flat_map(|table| table.iter()).filter_map(|(_, item)| item.as_table_like())
}

fn line(text: &str, span: Option<Range<usize>>) -> usize {
    line_at(text, span.map_or(0, |span| span.start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(Key, String, usize)> {
        let said = read_config(text).said.into_iter();
        said.map(|said| (said.key, said.value, said.line)).collect()
    }

    #[test]
    fn runners_name_chip_and_probe() {
        let chip = |value: &str, line| (Key::Chip, value.to_owned(), line);
        let cases = [
            (
                "[target.'cfg(all(target_arch = \"arm\", target_os = \"none\"))']\nrunner = \"probe-rs run --chip nRF51822_xxAA\"\n",
                vec![chip("nRF51822_xxAA", 2)],
            ),
            (
                "[target.thumbv7em-none-eabihf]\nrunner = 'probe-run --chip=STM32F405RGT6'",
                vec![chip("STM32F405RGTx", 2)],
            ),
            (
                "[target.a]\nrunner = [\n \"probe-rs\", \"run\",\n \"--chip\", \"RP2040\", \"--probe\", \"2e8a:000c:E6\"]",
                vec![chip("RP2040", 2), (Key::Probe, "2e8a:000c:E6".to_owned(), 2)],
            ),
            ("[env]\nPROBE_RS_CHIP = \"nrf52840\"", vec![chip("nRF52840", 2)]),
            (
                "[env]\nPROBE_RS_CHIP = { value = \"nrf52840\", force = true }",
                vec![chip("nRF52840", 2)],
            ),
            ("[target.a]\nrunner = \"qemu-system-arm -cpu cortex-m3\"", vec![]),
            ("[target.a]\nrunner = \"probe-rs run --chip\"", vec![]),
            ("[target.a]\nrunner = \"probe-rs run --chip --probe\"", vec![]),
            ("[target]\nrunner = 3", vec![]),
            ("not toml", vec![]),
            ("", vec![]),
        ];
        for (text, expected) in cases {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    #[test]
    fn the_target_is_known_if_it_is_one() {
        let target = |text: &str| read_config(text).target;
        assert_eq!(
            target("[build]\ntarget = \"thumbv6m-none-eabi\"").as_deref(),
            Some("thumbv6m-none-eabi")
        );
        assert_eq!(target("[build]\ntarget = [\"a\", \"b\"]"), None);
    }

    #[test]
    fn manifests_name_binaries() {
        let plain = read_manifest("[package]\nname = \"blinky\"\n");
        assert_eq!(plain.bins, [("blinky".to_owned(), 2)]);
        let text = "[package]\nname = \"a\"\ndefault-run = \"y\"\n[[bin]]\nname = \"x\"\n[[bin]]\nname = \"y\"\n";
        let several = read_manifest(text);
        assert_eq!(several.bins, [("x".to_owned(), 5), ("y".to_owned(), 7)]);
        assert_eq!(several.default_run.as_deref(), Some("y"));
        assert!(read_manifest("[workspace]\nmembers = []").is_workspace);
        assert_eq!(read_manifest("]["), CargoManifest::default());
    }

    #[test]
    fn features_that_name_a_part_are_read() {
        let text = "[dependencies]\nembassy-stm32 = { version = \"0.4\", features = [\"defmt\", \"stm32f411ce\", \"time-driver-any\"] }\n[dependencies.embassy-nrf]\nfeatures = [\n  \"nrf52840\",\n  \"nfc-pins-as-gpio\",\n]\n";
        let said: Vec<_> =
            read_manifest(text).said.into_iter().map(|s| (s.value, s.line)).collect();
        assert_eq!(said, [("STM32F411CE".to_owned(), 2), ("nRF52840".to_owned(), 5)]);
    }
}
