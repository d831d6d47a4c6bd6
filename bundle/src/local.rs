//! Arguments and local variables of a function, as they were when the core stopped.

use serde::{Deserialize, Serialize};

use crate::hex;

/// An argument or a local variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// Name in the source.
    pub name: String,
    /// Name of its type, if the debug information has one.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// The function was called with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub argument: bool,
    /// What it held.
    pub value: LocalValue,
}

/// What a variable, a member or an element held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LocalValue {
    /// Number, truth value, character, text or name of an enumerator, as the language writes it.
    Plain {
        /// Such as `-1`, `true`, `'a'`, `"text"` or `RED`.
        text: String,
    },
    /// A pointer or a reference.
    Pointer {
        /// What it holds.
        #[serde(with = "hex::word")]
        address: u64,
        /// What is there, such as `buffer+0x4`, if it has a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        symbol: Option<String>,
        /// The text that is there, if it points at text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// Members of a structure.
    Members {
        /// The variant it is, of a type that has several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        variant: Option<String>,
        /// In the order of the source.
        members: Vec<Member>,
        /// How many more there are.
        #[serde(default, skip_serializing_if = "is_zero")]
        left_out: u64,
    },
    /// Elements of an array.
    Elements {
        /// From the first one on.
        elements: Vec<LocalValue>,
        /// How many more there are.
        #[serde(default, skip_serializing_if = "is_zero")]
        left_out: u64,
    },
    /// There is no value to tell.
    Missing {
        /// [`OPTIMISED_OUT`], [`NOT_IN_THE_BUNDLE`], or another reason in words.
        why: String,
    },
}

/// Nothing that the core still had when it stopped tells the value.
pub const OPTIMISED_OUT: &str = "optimised out";

/// The value was in memory that nobody read.
pub const NOT_IN_THE_BUNDLE: &str = "not in the bundle";

/// One member of a structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Name in the source; empty for a member without one.
    pub name: String,
    /// What it held.
    pub value: LocalValue,
}

impl LocalValue {
    /// No value, and why.
    pub fn missing(why: &str) -> Self {
        Self::Missing { why: why.to_owned() }
    }

    /// A value as the language writes it.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Plain { text: text.into() }
    }

    /// Calls `see` with this value and all that it is made of.
    pub fn visit(&mut self, see: &mut impl FnMut(&mut Self)) {
        see(self);
        match self {
            Self::Members { members, .. } => {
                members.iter_mut().for_each(|member| member.value.visit(see));
            }
            Self::Elements { elements, .. } => {
                elements.iter_mut().for_each(|element| element.visit(see));
            }
            Self::Plain { .. } | Self::Pointer { .. } | Self::Missing { .. } => {}
        }
    }
}

impl std::fmt::Display for LocalValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain { text } => f.write_str(text),
            Self::Pointer { address, symbol, text } => {
                write!(f, "{address:#010x}")?;
                symbol.iter().try_for_each(|symbol| write!(f, " <{symbol}>"))?;
                text.iter().try_for_each(|text| write!(f, " {text}"))
            }
            Self::Members { variant, members, left_out } => {
                if let Some(variant) = variant {
                    f.write_str(variant)?;
                    if members.is_empty() && *left_out == 0 {
                        return Ok(());
                    }
                    f.write_str(" ")?;
                }
                let named = |member: &Member| match member.name.as_str() {
                    "" => member.value.to_string(),
                    name => format!("{name}: {}", member.value),
                };
                list(f, ["{", "}"], members.iter().map(named), *left_out)
            }
            Self::Elements { elements, left_out } => {
                list(f, ["[", "]"], elements.iter().map(Self::to_string), *left_out)
            }
            Self::Missing { why } => write!(f, "<{why}>"),
        }
    }
}

fn list(
    f: &mut std::fmt::Formatter<'_>,
    [open, close]: [&str; 2],
    shown: impl Iterator<Item = String>,
    left_out: u64,
) -> std::fmt::Result {
    let mut parts: Vec<String> = shown.collect();
    if left_out > 0 {
        parts.push(format!("… {left_out} more"));
    }
    write!(f, "{open}{}{close}", parts.join(", "))
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
