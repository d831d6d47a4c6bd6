//! What was shown about a snapshot: names, decoded values, lines, findings.
//!
//! Facts make a bundle readable where neither the SVD nor the ELF is at hand, and say years
//! later what a reader saw. They are derived; where SVD and ELF are present they can be derived
//! again.

use serde::{Deserialize, Serialize};

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
    /// Writes that explain the value.
    pub writes: Vec<WriteFact>,
    /// What the finding rests on.
    pub sources: Vec<FactSource>,
}

/// Where a fact comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactSource {
    /// `svd`, `elf` or `board`.
    pub kind: String,
    /// File name, or the board's selector.
    pub name: String,
    /// Line in the file, if it is text.
    pub line: Option<u32>,
}
