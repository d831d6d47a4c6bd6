//! Types of the opened firmware: members, their places, and what is lost between them.

use std::fmt;

use super::records::{
    LAYOUT_ENUM, LAYOUT_MEMBERS, LAYOUT_STRUCT, LAYOUT_TYPEDEF, LAYOUT_UNION, LAYOUTS,
    LayoutMemberRecord, LayoutRecord, NONE,
};
use super::{Firmware, LayoutKind, names};
use crate::store::{File, Records};

/// A type, as its declaration has it.
#[derive(Clone, Copy)]
pub struct TypeRef<'a> {
    firmware: &'a Firmware,
    file: &'a File,
    record: LayoutRecord,
}

/// A member of a structure or union, an enumerator, a variant, or what a typedef stands for.
#[derive(Clone, Copy, Debug)]
pub struct MemberRef<'a> {
    /// Name; empty for an anonymous structure or union, and for what a typedef stands for.
    pub name: &'a str,
    /// Type, in the words of the source; `?` where the debug information does not tell.
    pub ty: &'a str,
    /// Offset in bits from the start of the type.
    pub bit_offset: u64,
    /// Width of a bit-field.
    pub bits: Option<u32>,
    /// Size of its type in bytes; 0 for `int rest[]` and enumerators.
    pub size: u64,
    /// Number of an enumerator, or the tag that a variant goes with.
    pub value: Option<i64>,
    /// The structure, union or enumeration that it is, or an array of.
    pub inner: Option<TypeRef<'a>>,
}

/// Bits of a type that no member uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Offset in bits from the start of the type.
    pub bit_offset: u64,
    /// How many.
    pub bits: u64,
}

impl Firmware {
    /// Types that have a name: structures, unions, enumerations, typedefs. Those of one declaration
    /// that several units include come once. Empty without debug information.
    pub fn types(&self) -> impl Iterator<Item = TypeRef<'_>> {
        self.types_file().into_iter().flat_map(move |file| {
            let records: Records<'_, LayoutRecord> = file.records(LAYOUTS);
            let all =
                records.into_iter().map(move |&record| TypeRef { firmware: self, file, record });
            all.filter(|ty| !ty.name().is_empty())
        })
    }

    /// Finds types by name, as [`find_symbols`](Self::find_symbols) does: `config`,
    /// `uart::Config`, `Config`, `Conf*`. By name; several that are laid out alike come once.
    ///
    /// In C a structure and its typedef may have one name: then the structure comes alone.
    pub fn find_types(&self, query: &str) -> Vec<TypeRef<'_>> {
        let mut found = names::find(bare_name(query), || self.types(), |ty| [ty.name(), ty.name()]);
        let place =
            |ty: &TypeRef<'_>| (Some(ty.record.file).filter(|file| *file != NONE), ty.record.line);
        found.sort_by(|a, b| (a.name(), place(a)).cmp(&(b.name(), place(b))));
        let mut kept: Vec<TypeRef<'_>> = Vec::new();
        for ty in &found {
            let is_alias = ty.kind() == LayoutKind::Typedef
                && found
                    .iter()
                    .any(|other| other.kind() != LayoutKind::Typedef && other.name() == ty.name());
            // Found ones of one name stand together.
            let same_name = kept.iter().rev().take_while(|other| other.name() == ty.name());
            if !is_alias && !same_name.into_iter().any(|other| other.is_laid_out_as(ty)) {
                kept.push(*ty);
            }
        }
        kept
    }

    /// Names of types that `name` may be a slip of, best first.
    pub fn suggest_types(&self, name: &str) -> Vec<String> {
        names::suggest(name, self.types().map(|ty| ty.name()))
    }
}

impl<'a> TypeRef<'a> {
    /// Name with namespaces and modules; empty for a type inside of another one without a name.
    pub fn name(&self) -> &'a str {
        self.file.text(self.record.name)
    }

    /// What it is.
    pub fn kind(&self) -> LayoutKind {
        match self.record.kind {
            LAYOUT_STRUCT => LayoutKind::Struct,
            LAYOUT_UNION => LayoutKind::Union,
            LAYOUT_ENUM => LayoutKind::Enum,
            LAYOUT_TYPEDEF => LayoutKind::Typedef,
            _ => LayoutKind::Variants,
        }
    }

    /// Size in bytes; 0 where the debug information does not tell.
    pub fn size(&self) -> u64 {
        self.record.size
    }

    /// What a typedef stands for, what an enumeration is stored as.
    pub fn target(&self) -> Option<&'a str> {
        Some(self.file.text(self.record.target)).filter(|target| !target.is_empty())
    }

    /// File of the declaration.
    pub fn file(&self) -> Option<&'a str> {
        self.firmware.source_file(self.record.file)
    }

    /// 1-based line of the declaration; Rust tells none.
    pub fn line(&self) -> Option<u32> {
        (self.record.line != 0).then_some(self.record.line)
    }

    /// Members by offset, enumerators in their order, what a typedef stands for.
    pub fn members(&self) -> impl Iterator<Item = MemberRef<'a>> + use<'a> {
        let (ty, file) = (*self, self.file);
        let records: Records<'a, LayoutMemberRecord> = file.records(LAYOUT_MEMBERS);
        let first = self.record.first as usize;
        let members = records.slice(first..first.saturating_add(self.record.members as usize));
        members.iter().map(move |member| MemberRef {
            name: file.text(member.name),
            ty: file.text(member.ty),
            bit_offset: member.bit_offset,
            bits: (member.bits != 0).then_some(member.bits),
            size: member.size,
            value: (member.has_value != 0).then_some(member.value),
            inner: ty.beside(member.layout),
        })
    }

    /// What no member uses, by offset. Padding inside of a member is that member's own.
    ///
    /// Empty for enumerations and typedefs.
    pub fn holes(&self) -> Vec<Hole> {
        let mut holes = Vec::new();
        if matches!(self.kind(), LayoutKind::Enum | LayoutKind::Typedef) {
            return holes;
        }
        let mut next = 0;
        for member in self.members() {
            push_hole(&mut holes, next, member.bit_offset);
            next = next.max(member.bit_offset.saturating_add(member.width()));
        }
        push_hole(&mut holes, next, self.size().saturating_mul(8));
        holes
    }

    /// The type at a position of the same file.
    fn beside(self, position: u32) -> Option<Self> {
        if position == NONE {
            return None;
        }
        let records: Records<'a, LayoutRecord> = self.file.records(LAYOUTS);
        records.get(position as usize).map(|&record| Self { record, ..self })
    }

    /// Whether it takes the same bytes for the same members; what these are called inside is not
    /// compared.
    pub fn is_laid_out_as(&self, other: &Self) -> bool {
        let seen = |member: MemberRef<'a>| {
            (member.name, member.ty, member.bit_offset, member.bits, member.size, member.value)
        };
        (self.kind(), self.size(), self.target()) == (other.kind(), other.size(), other.target())
            && self.members().map(seen).eq(other.members().map(seen))
    }
}

impl MemberRef<'_> {
    /// Bits that it takes.
    pub fn width(&self) -> u64 {
        self.bits.map_or(self.size.saturating_mul(8), u64::from)
    }
}

/// A type's name without the word that C puts before it.
pub(crate) fn bare_name(query: &str) -> &str {
    let query = query.trim();
    let words = ["struct ", "union ", "enum ", "class "];
    words.iter().find_map(|word| query.strip_prefix(word)).unwrap_or(query)
}

impl fmt::Debug for TypeRef<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} {} ({} bytes)", self.kind(), self.name(), self.size())
    }
}

fn push_hole(holes: &mut Vec<Hole>, from: u64, to: u64) {
    if from < to {
        holes.push(Hole { bit_offset: from, bits: to - from });
    }
}
