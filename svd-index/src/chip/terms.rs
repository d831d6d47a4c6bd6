//! The closed vocabularies of CMSIS-SVD, in its own spelling.

use serde::{Deserialize, Serialize};

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            const ALL: &[Self] = &[$(Self::$variant),+];

            /// The SVD spelling.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// Reads the SVD spelling, in any case: vendors write `read-writeonce` too.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|word| word.as_str().eq_ignore_ascii_case(text))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

/// How a word stands in a record: 1 and up; 0 is left for "not given".
macro_rules! stored {
    ($($name:ident),+) => {
        $(impl $name {
            pub(crate) fn code(self) -> u8 {
                self as u8 + 1
            }

            pub(crate) fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
            }
        })+
    };
}

stored!(Access, ReadAction, ModifiedWriteValues);

vocabulary! {
    /// Who may do what with a register or field (CMSIS-SVD `<access>`).
    Access {
        /// Writes have no effect.
        ReadOnly = "read-only",
        /// Reads give nothing meaningful.
        WriteOnly = "write-only",
        /// Both.
        ReadWrite = "read-write",
        /// Only the first write after reset counts; not readable.
        WriteOnce = "writeOnce",
        /// Only the first write after reset counts; readable.
        ReadWriteOnce = "read-writeOnce",
    }
}

impl Access {
    /// True if a read gives the content.
    pub fn can_read(self) -> bool {
        !matches!(self, Self::WriteOnly | Self::WriteOnce)
    }

    /// True if a write can change the content.
    pub fn can_write(self) -> bool {
        self != Self::ReadOnly
    }
}

vocabulary! {
    /// What reading does besides reading (CMSIS-SVD `<readAction>`). A register with one is never
    /// read to be helpful.
    ReadAction {
        /// Becomes 0.
        Clear = "clear",
        /// Becomes all ones.
        Set = "set",
        /// Changes in some way.
        Modify = "modify",
        /// Something else in the device changes.
        ModifyExternal = "modifyExternal",
    }
}

vocabulary! {
    /// What a written bit does (CMSIS-SVD `<modifiedWriteValues>`).
    ModifiedWriteValues {
        /// One clears.
        OneToClear = "oneToClear",
        /// One sets.
        OneToSet = "oneToSet",
        /// One toggles.
        OneToToggle = "oneToToggle",
        /// Zero clears.
        ZeroToClear = "zeroToClear",
        /// Zero sets.
        ZeroToSet = "zeroToSet",
        /// Zero toggles.
        ZeroToToggle = "zeroToToggle",
        /// Any write clears.
        Clear = "clear",
        /// Any write sets.
        Set = "set",
        /// The written value stands; the same as not given.
        Modify = "modify",
    }
}

vocabulary! {
    /// Whether an enumerated value is meant for reading, writing or both (CMSIS-SVD `<usage>`).
    EnumUsage {
        /// Read back.
        Read = "read",
        /// Written.
        Write = "write",
        /// Both.
        ReadWrite = "read-write",
    }
}

/// Which values may be written (CMSIS-SVD `<writeConstraint>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WriteConstraint {
    /// Only what was read last.
    WriteAsRead,
    /// Only enumerated values.
    UseEnumeratedValues,
    /// Only these, both ends included.
    Range {
        /// Lowest.
        minimum: u64,
        /// Highest.
        maximum: u64,
    },
}
