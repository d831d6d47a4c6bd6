//! `Embed.toml` of cargo-embed.

use toml_edit::{Document, TableLike};

use super::chip::normalise;
use super::{Key, Said, line_at};

/// Reads every profile's chip and probe, `default` first, since the others build on it.
pub(super) fn read(text: &str) -> Vec<Said> {
    let Ok(document) = Document::parse(text) else { return Vec::new() };
    let mut profiles: Vec<(&str, &dyn TableLike)> = document
        .as_table()
        .iter()
        .filter_map(|(name, item)| Some((name, item.as_table_like()?)))
        .collect();
    profiles.sort_by_key(|(name, _)| *name != "default");
    let mut said = Vec::new();
    for (name, profile) in profiles {
        let why = if name == "default" { String::new() } else { format!("profile {name}") };
        said.extend(chip(text, profile).map(|said| said.because(why.clone())));
        said.extend(probe(text, profile).map(|said| said.because(why.clone())));
    }
    said
}

fn chip(text: &str, profile: &dyn TableLike) -> Option<Said> {
    let item = profile.get("general")?.get("chip")?;
    let line = line_at(text, item.span()?.start);
    Some(Said::named(Key::Chip, normalise(item.as_str()?), line))
}

/// `usb_vid` and `usb_pid` are hexadecimal text.
fn probe(text: &str, profile: &dyn TableLike) -> Option<Said> {
    let table = profile.get("probe")?;
    let (vid, pid) = (table.get("usb_vid")?, table.get("usb_pid")?);
    let line = line_at(text, vid.span()?.start);
    let mut selector = format!("{}:{}", vid.as_str()?, pid.as_str()?);
    if let Some(serial) = table.get("serial").and_then(|serial| serial.as_str()) {
        selector = format!("{selector}:{serial}");
    }
    Some(Said::named(Key::Probe, selector, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_name_chip_and_probe() {
        let text = "[release.general]\nchip = \"STM32F411CEUx\"\n\n[default.general]\nchip = \"STM32F405RGT6\"\n[default.probe]\nusb_vid = \"0483\"\nusb_pid = \"374b\"\nserial = \"0670FF49\"\n";
        let said: Vec<_> = read(text).into_iter().map(|s| (s.value, s.line, s.why)).collect();
        let expected = [
            ("STM32F405RGTx".to_owned(), 5, String::new()),
            ("0483:374b:0670FF49".to_owned(), 7, String::new()),
            ("STM32F411CEUx".to_owned(), 2, "profile release".to_owned()),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_missing_or_odd_costs_itself() {
        for text in [
            "",
            "[[",
            "default = 1",
            "[default.general]\nchip = 7",
            "[default.probe]\nusb_vid = \"0483\"",
        ] {
            assert_eq!(read(text), [], "{text}");
        }
    }
}
