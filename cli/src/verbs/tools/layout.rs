//! `type`: how a type lies in memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use svd_index::elf::{LayoutKind, MemberRef, TypeRef};

use super::address::place;
use super::known::Known;
use super::page::{Cut, Line, List, cost};
use super::quote;
use super::{Found, Tool};
use crate::verbs::r#type::{kind, nothing};

pub(super) struct Type;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Name, end of a path, or pattern with *
    name: String,
}

/// A type, with its members if it is the only one that matches.
#[derive(Serialize, JsonSchema)]
pub(super) struct Layout {
    name: String,
    /// `struct`, `union`, `enum` or `typedef`.
    kind: &'static str,
    size_bytes: u64,
    /// What a typedef stands for, what an enumeration is stored as.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// `file:line`
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    padding_bits: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<Member>,
    /// Members that did not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    members_left_out: Option<usize>,
}

/// A member, or a name of an enumeration.
#[derive(Serialize, JsonSchema)]
struct Member {
    name: String,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    ty: String,
    /// `12`, or of a bit-field `12.3+2`: byte, lowest bit and bits.
    offset: String,
    size_bytes: u64,
    /// Number of an enumerator.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i64>,
}

impl Tool for Type {
    const NAME: &'static str = "type";
    const DESCRIPTION: &'static str = "Types of the firmware: size, members with offsets, padding.";
    type Arguments = Arguments;
    type Found = Layout;

    fn find(known: &Known, Arguments { name }: Arguments, cut: Cut) -> Found<Layout> {
        known.firmware()?;
        let mut found: Vec<TypeRef<'_>> = Vec::new();
        for (_, ty) in known.index.find_types(&name) {
            let is_same =
                |known: &TypeRef<'_>| known.name() == ty.name() && known.is_laid_out_as(&ty);
            if !found.iter().any(is_same) {
                found.push(ty);
            }
        }
        match found.as_slice() {
            [] => Err(nothing(&known.index, &name)),
            [_] if cut.offset > 0 => Ok(List { items: Vec::new(), total: 1, notes: Vec::new() }),
            [ty] => Ok(List::one(Layout::whole(ty, cut.share(1)))),
            several => {
                let list = List::of(several, cut, Layout::head);
                Ok(list.noting("several match: the whole name of one shows its members"))
            }
        }
    }
}

impl Layout {
    fn head(ty: &TypeRef<'_>) -> Self {
        Self {
            name: quote::name(ty.name()),
            kind: kind(ty.kind()),
            size_bytes: ty.size(),
            target: ty.target().map(quote::name),
            line: place(ty.file(), ty.line()),
            padding_bits: ty.holes().iter().map(|hole| hole.bits).sum(),
            members: Vec::new(),
            members_left_out: None,
        }
    }

    /// With as many members as `tokens` allow.
    fn whole(ty: &TypeRef<'_>, tokens: usize) -> Self {
        let mut layout = Self::head(ty);
        let of = shown(ty);
        let mut left = tokens.saturating_sub(cost(&layout));
        let mut members = of.members();
        for member in members.by_ref() {
            let member = Member::of(&member);
            let cost = cost(&member);
            if cost > left {
                layout.members_left_out = Some(1 + members.count());
                break;
            }
            left -= cost;
            layout.members.push(member);
        }
        layout
    }
}

/// What a typedef of a structure stands for: its members are what one asks for.
fn shown<'a>(ty: &TypeRef<'a>) -> TypeRef<'a> {
    const DEEPEST: usize = 16;
    let mut ty = *ty;
    for _ in 0..DEEPEST {
        let inner = match ty.kind() {
            LayoutKind::Typedef => ty.members().next().and_then(|member| member.inner),
            _ => None,
        };
        match inner {
            Some(inner) => ty = inner,
            None => break,
        }
    }
    ty
}

impl Member {
    fn of(member: &MemberRef<'_>) -> Self {
        let (byte, bit) = (member.bit_offset / 8, member.bit_offset % 8);
        Self {
            name: quote::name(member.name),
            ty: quote::name(member.ty),
            offset: match member.bits {
                Some(bits) => format!("{byte}.{bit}+{bits}"),
                None => byte.to_string(),
            },
            size_bytes: member.size,
            value: member.value,
        }
    }
}

impl Line for Layout {
    fn line(&self) -> String {
        let mut text = format!("{} {} {} bytes", self.kind, self.name, self.size_bytes);
        for fact in [&self.target, &self.line].into_iter().flatten() {
            text.push_str(&format!(" {fact}"));
        }
        if self.padding_bits > 0 {
            text.push_str(&format!(", padding {} bits", self.padding_bits));
        }
        for member in &self.members {
            text.push_str(&format!("\n{}", member.line()));
        }
        if let Some(more) = self.members_left_out {
            text.push_str(&format!("\n {more} more members: a larger max_tokens shows them"));
        }
        text
    }
}

impl Line for Member {
    fn line(&self) -> String {
        let name = if self.name.is_empty() { "(anonymous)" } else { &self.name };
        match self.value {
            Some(value) if self.ty.is_empty() => format!(" {value} {name}"),
            _ => format!(" {} {name} {} ({} bytes)", self.offset, self.ty, self.size_bytes),
        }
    }
}
