//! What a value read off an emulated register is worth.
//!
//! QEMU answers every read inside a device, whether or not the device does anything with the
//! register: the nRF51 UART counts as modelled while its ENABLE always reads 0. The tables in
//! `boards/*.fidelity.toml` are made by write and read-back, register by register.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What an emulator does with a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fidelity {
    /// Reads give what the emulated peripheral holds: a state of its own, or what was written
    /// less the bits that do not exist.
    Modelled,
    /// Reads give back whatever was written, bit for bit. True as "the firmware wrote this";
    /// nothing else is known to follow from it.
    StoredOnly,
    /// Reads say nothing about what the firmware wrote.
    NotModelled,
}

/// The label of one run of registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FidelityEntry {
    /// Absolute address of the first register.
    pub start: u64,
    /// Absolute address after the last byte.
    pub end: u64,
    /// The label of all of them.
    pub label: Fidelity,
    /// What a person should know besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The labels of a board's registers, by address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FidelityTable {
    by_start: BTreeMap<u64, FidelityEntry>,
}

#[derive(Serialize, Deserialize)]
struct File {
    #[serde(default)]
    range: Vec<FidelityEntry>,
}

impl FidelityTable {
    /// A table of `entries`. Where two start at one address the later one counts.
    pub fn new(entries: impl IntoIterator<Item = FidelityEntry>) -> FidelityTable {
        let by_start = entries.into_iter().map(|e| (e.start, e)).collect();
        FidelityTable { by_start }
    }

    /// Reads the text of a `*.fidelity.toml`.
    ///
    /// # Errors
    /// TOML's own, with the line.
    pub fn parse(text: &str) -> Result<FidelityTable, toml::de::Error> {
        toml::from_str::<File>(text).map(|file| FidelityTable::new(file.range))
    }

    /// The text that [`FidelityTable::parse`] reads.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for entry in self.entries() {
            let FidelityEntry { start, end, label, note } = entry;
            let label = match label {
                Fidelity::Modelled => "modelled",
                Fidelity::StoredOnly => "stored-only",
                Fidelity::NotModelled => "not-modelled",
            };
            text += &format!(
                "[[range]]\nstart = {start:#010x}\nend = {end:#010x}\nlabel = \"{label}\"\n"
            );
            if let Some(note) = note {
                text += &format!("note = {}\n", toml::Value::String(note.clone()));
            }
        }
        text
    }

    /// The label of the register at `address`. `None`: the table does not know the address.
    pub fn at(&self, address: u64) -> Option<&FidelityEntry> {
        let (_, entry) = self.by_start.range(..=address).next_back()?;
        (address < entry.end).then_some(entry)
    }

    /// All entries, by address.
    pub fn entries(&self) -> Vec<&FidelityEntry> {
        self.by_start.values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(start: u64, end: u64, label: Fidelity) -> FidelityEntry {
        FidelityEntry { start, end, label, note: None }
    }

    #[test]
    fn looks_up_by_address() {
        let table = FidelityTable::new([
            entry(0x4000_2000, 0x4000_2010, Fidelity::NotModelled),
            entry(0x4000_2524, 0x4000_2528, Fidelity::StoredOnly),
        ]);
        let cases = [
            (0x4000_1fff, None),
            (0x4000_2000, Some(Fidelity::NotModelled)),
            (0x4000_200f, Some(Fidelity::NotModelled)),
            (0x4000_2010, None),
            (0x4000_2526, Some(Fidelity::StoredOnly)),
            (0x4000_2528, None),
        ];
        for (address, expected) in cases {
            assert_eq!(table.at(address).map(|e| e.label), expected, "{address:#x}");
        }
    }

    #[test]
    fn survives_its_own_text() {
        let mut noted = entry(0x10, 0x14, Fidelity::Modelled);
        noted.note = Some("says \"so\"".to_owned());
        let table = FidelityTable::new([entry(0, 4, Fidelity::StoredOnly), noted]);
        assert_eq!(FidelityTable::parse(&table.to_toml()).expect("own text"), table);
    }
}
