//! The JSON that `--json` promises: own types, so that no library's change changes it.
//!
//! Addresses, values, resets and masks are `"0x…"` padded to the register's size.

use serde::Serialize;
use svd_index::{Alias, EnumValueRef, FieldRef, Origin, RegisterRef, Space};

/// Version of every object here.
pub(crate) const VERSION: u32 = 1;

/// `silk reg`
#[derive(Debug, Serialize)]
pub(crate) struct Register {
    version: u32,
    path: String,
    aliases: Vec<String>,
    /// `svd`, or the architecture that it is built in for.
    origin: Origin,
    /// What a built-in one is written from.
    manual: Option<&'static str>,
    /// The patch that changed it last; absent if none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<Patch>,
    /// What `address` is an address of: `memory`, or `csr`, where it is a number.
    space: Space,
    address: String,
    size_bits: u32,
    access: Option<&'static str>,
    reset_value: Option<String>,
    reset_mask: String,
    read_action: Option<&'static str>,
    modified_write_values: Option<&'static str>,
    description: String,
    /// How the address asked for reaches the register, where it is not the register's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    /// The field that the query named, if it named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Bits of `value` that are set and belong to no field.
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved: Option<String>,
    fields: Vec<Field>,
}

/// A rule of a patch.
#[derive(Debug, Serialize)]
struct Patch {
    file: String,
    line: u32,
}

/// A field of [`Register`].
#[derive(Debug, Serialize)]
pub(crate) struct Field {
    name: String,
    lsb: u32,
    width: u32,
    access: Option<&'static str>,
    read_action: Option<&'static str>,
    modified_write_values: Option<&'static str>,
    description: String,
    #[serde(flatten)]
    read: Option<FieldValue>,
    enums: Vec<Enum>,
}

/// What a field of a given value says.
#[derive(Debug, Serialize)]
struct FieldValue {
    raw: String,
    /// Null if the bits are none of the enumerated values.
    decoded: Option<String>,
}

/// An enumerated value of [`Field`].
#[derive(Debug, Serialize)]
struct Enum {
    name: String,
    value: Option<String>,
    mask: String,
    is_default: bool,
    usage: &'static str,
    description: String,
}

impl Register {
    /// A register, decoded if `value` is given.
    pub(crate) fn of(register: &RegisterRef<'_>, value: Option<u64>) -> Self {
        let size = register.size_bits();
        Self {
            version: VERSION,
            path: register.path(),
            aliases: register.aliases(),
            origin: register.origin(),
            manual: register.origin().manual(),
            patch: register.patch().map(|(file, line)| Patch { file: file.to_owned(), line }),
            space: register.space(),
            address: address(register),
            size_bits: size,
            access: register.access().map(|access| access.as_str()),
            reset_value: register.reset_value().map(|reset| hex(reset, size)),
            reset_mask: hex(register.reset_mask(), size),
            read_action: register.read_action().map(|action| action.as_str()),
            modified_write_values: register.modified_write_values().map(|values| values.as_str()),
            description: register.description().to_owned(),
            alias: None,
            field: None,
            value: value.map(|value| hex(value, size)),
            reserved: value.map(|value| hex(value & register.reserved_mask(), size)),
            fields: register.fields().map(|field| Field::of(&field, value)).collect(),
        }
    }

    /// Says that `field` was asked for.
    pub(crate) fn naming(mut self, field: Option<&FieldRef<'_>>) -> Self {
        self.field = field.map(|field| field.name().to_owned());
        self
    }

    /// Says that the address asked for is an alias.
    pub(crate) fn reached_by(mut self, alias: Option<Alias>) -> Self {
        self.alias = alias.map(|alias| alias.to_string());
        self
    }
}

/// The address of a register; of a CSR, its number in three digits.
pub(crate) fn address(register: &RegisterRef<'_>) -> String {
    hex(register.address(), if register.space() == Space::Csr { 12 } else { 32 })
}

impl Field {
    fn of(field: &FieldRef<'_>, value: Option<u64>) -> Self {
        let size = field.register().size_bits();
        Self {
            name: field.name().to_owned(),
            lsb: field.lsb(),
            width: field.width(),
            access: field.access().map(|access| access.as_str()),
            read_action: field.read_action().map(|action| action.as_str()),
            modified_write_values: field.modified_write_values().map(|values| values.as_str()),
            description: field.description().to_owned(),
            read: value.map(|value| {
                let read = field.decode(value);
                FieldValue {
                    raw: hex(read.raw, size),
                    decoded: read.decoded.map(|named| named.name.to_owned()),
                }
            }),
            enums: field.enums().map(|named| Enum::of(&named, field.width(), size)).collect(),
        }
    }
}

impl Enum {
    /// A value of a field of `width` bits in a register of `size` bits.
    fn of(named: &EnumValueRef<'_>, width: u32, size: u32) -> Self {
        Self {
            name: named.name.to_owned(),
            value: named.value.map(|value| hex(value, size)),
            // The index keeps a mask of 64 bits; only those of the field mean anything.
            mask: hex(named.mask & (u64::MAX >> (64 - width.clamp(1, 64))), size),
            is_default: named.is_default,
            usage: named.usage.as_str(),
            description: named.description.to_owned(),
        }
    }
}

/// `silk addr`
#[derive(Debug, Serialize)]
pub(crate) struct Address {
    pub(crate) version: u32,
    pub(crate) address: String,
    pub(crate) registers: Vec<String>,
    pub(crate) symbol: Option<String>,
    /// The function whose code it is; what was inlined into it is in `inlined`.
    pub(crate) function: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) inlined: Vec<Frame>,
    pub(crate) variable: Option<String>,
    /// The ELF that says so, where several are given; what is in several is a line of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) elf: Option<String>,
    /// The others that have this address, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) also_in: Vec<String>,
}

/// A function that was inlined at an address, innermost first, and the line that called it. The
/// address's own line is [`Address::line`].
#[derive(Debug, Serialize)]
pub(crate) struct Frame {
    pub(crate) function: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
}

/// `silk sym`
#[derive(Debug, Serialize)]
pub(crate) struct Symbol {
    pub(crate) version: u32,
    pub(crate) name: String,
    pub(crate) linkage_name: String,
    pub(crate) kind: &'static str,
    pub(crate) address: String,
    pub(crate) size_bytes: u64,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    /// The ELF that has it, where several are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) elf: Option<String>,
}

/// `0x…`, padded with zeros to `bits`.
pub(crate) fn hex(value: u64, bits: u32) -> String {
    format!("{value:#0width$x}", width = 2 + bits.div_ceil(4) as usize)
}
