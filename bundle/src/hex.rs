//! Addresses and values as `"0x…"` strings in JSON, padded to what they stand for.
//!
//! JSON numbers lose bits past 2^53 in many readers, and engineers compare hexadecimal.

/// `u64` as `"0x…"`, at least eight digits. For `#[serde(with = "…")]`.
pub(crate) mod word {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &u64, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&format!("{value:#010x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        super::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// `Option<u64>` as `"0x…"` or null.
pub(crate) mod optional_word {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &Option<u64>, out: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => out.serialize_str(&format!("{value:#010x}")),
            None => out.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| super::parse(&text).map_err(serde::de::Error::custom))
            .transpose()
    }
}

fn parse(text: &str) -> Result<u64, String> {
    let digits =
        text.strip_prefix("0x").ok_or_else(|| format!("`{text}` does not start with 0x"))?;
    u64::from_str_radix(digits, 16).map_err(|error| format!("`{text}`: {error}"))
}
