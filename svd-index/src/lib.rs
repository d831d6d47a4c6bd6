//! What a chip's SVD and a firmware's ELF say, in one searchable index on disk.
//!
//! Everything `silk` states about a register, a symbol or a line rests on this crate, so it
//! keeps three habits: a fact that the source does not give is absent, not guessed; a vendor's
//! mistake costs the element it stands in and leaves a [`Warning`]; and a damaged or outdated
//! index is built again, never trusted.
//!
//! ```text
//! .svd ─▶ svd::read ─▶ device tree ─▶ svd::build ─▶ records ┐
//!                                                           ├─▶ store (one mapped file each)
//! .elf ─▶ elf::parse ─▶ facts ──────────────────▶ records ┘        │
//!                                  Chip, Firmware (views) ◀────────┘
//! ```
//!
//! What vendors leave out of an Arm or RISC-V core is added from `core/*.svd`, our own; [`Origin`]
//! tells, and [`Space`] which kind of address it has.
//!
//! [`Index::open`] is the door; [`Chip`] answers about registers, [`elf::Firmware`] about the
//! binary. No other input or output than files, no terminal, no environment.

pub mod chip;
pub mod elf;
mod error;
mod images;
mod index;
mod query;
pub mod store;
pub mod svd;
pub mod uses;

pub use chip::{
    Access, AddressBlock, Alias, Chip, CpuInfo, DecodedField, DeviceInfo, EnumUsage, EnumValueRef,
    FieldRef, Hit, InterruptRef, ModifiedWriteValues, Near, Origin, PeripheralRef, ReadAction,
    RegisterRef, Resolved, Space, WriteConstraint,
};
pub use error::{IndexError, Note, NoteKind, Warning};
pub use images::Overlap;
pub use index::{Index, Opened, SourceWarning, Sources};
pub use query::{Query, QueryError, parse_number};
pub use svd::SvdSource;
