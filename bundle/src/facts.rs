//! What was shown about a snapshot: names, decoded values, lines, findings.
//!
//! Facts make a bundle readable where neither the SVD nor the ELF is at hand, and say years
//! later what a reader saw. They are derived; where SVD and ELF are present they can be derived
//! again.

use serde::{Deserialize, Serialize};

use crate::crash::Crash;
use crate::hex;

/// Everything that was named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Registers with a value, in address order.
    pub registers: Vec<RegisterFact>,
    /// What the firmware writes to them.
    pub writes: Vec<WriteFact>,
    /// What was proved without a model.
    pub findings: Vec<Finding>,
    /// How a run ended that went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
}

/// A register's value with its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterFact {
    /// Canonical path, such as `UART0.BAUDRATE`.
    pub path: String,
    /// Absolute address.
    #[serde(with = "hex::word")]
    pub address: u64,
    /// Bits read.
    #[serde(with = "hex::word")]
    pub value: u64,
    /// Value after reset, if the SVD gives one.
    #[serde(with = "hex::optional_word")]
    pub reset_value: Option<u64>,
    /// The register's fields, lowest bit first.
    pub fields: Vec<FieldFact>,
}

/// A field's bits and what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFact {
    /// SVD name.
    pub name: String,
    /// Lowest bit.
    pub lsb: u32,
    /// Number of bits.
    pub width: u32,
    /// The bits, right-aligned.
    #[serde(with = "hex::word")]
    pub raw: u64,
    /// Name of the enumerated value they are, if they are one.
    pub decoded: Option<String>,
}

/// One place in the firmware that writes a register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteFact {
    /// Canonical path of the register.
    pub register: String,
    /// Address of the instruction.
    #[serde(with = "hex::word")]
    pub pc: u64,
    /// What is written, if it is one constant.
    #[serde(with = "hex::optional_word")]
    pub value: Option<u64>,
    /// Function that holds the instruction.
    pub function: Option<String>,
    /// Source file as the debug information names it.
    pub file: Option<String>,
    /// Line, counted from 1.
    pub line: Option<u32>,
}

/// Something proved from evidence, without a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Name of the rule, such as `value-not-enumerated`.
    pub rule: String,
    /// How much it matters.
    #[serde(default)]
    pub severity: Severity,
    /// One sentence that says what is wrong.
    pub summary: String,
    /// Canonical path of the register it is about.
    pub register: String,
    /// Field of that register.
    pub field: Option<String>,
    /// Bits found in the field.
    #[serde(with = "hex::word")]
    pub found: u64,
    /// Bits that were probably meant.
    #[serde(with = "hex::optional_word")]
    pub meant: Option<u64>,
    /// Enumerated value with those bits.
    pub meant_name: Option<String>,
    /// Why these bits were probably meant.
    pub meant_why: Option<String>,
    /// Why what was found is wrong, in one sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The bits that prove it, `found` first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<BitsFact>,
    /// Writes that explain the value.
    pub writes: Vec<WriteFact>,
    /// What the finding rests on.
    pub sources: Vec<FactSource>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing need be wrong.
    Note,
    /// Something went wrong, or will under some condition.
    #[default]
    Warning,
    /// It cannot work as it is.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Bits of one register, as they were read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BitsFact {
    /// Canonical path, or the name of a core register such as `PRIMASK`.
    pub register: String,
    /// Absolute address; `None` for a core register.
    #[serde(with = "hex::optional_word")]
    pub address: Option<u64>,
    /// All bits of the register.
    #[serde(with = "hex::word")]
    pub value: u64,
    /// Name of the bits, `[hi:lo]` where nobody named them, empty for the whole register.
    pub field: String,
    /// The bits, right-aligned.
    #[serde(with = "hex::word")]
    pub raw: u64,
    /// Name of the enumerated value they are, if they are one.
    pub decoded: Option<String>,
}

/// Where a fact comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactSource {
    /// `svd`, `elf`, `board` or `manual`.
    pub kind: String,
    /// File name, the board's selector, or document, revision and section.
    pub name: String,
    /// Line in the file, if it is text.
    pub line: Option<u32>,
}
