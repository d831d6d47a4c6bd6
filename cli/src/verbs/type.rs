//! `silk type`: how a type lies in memory.

use std::io::Write;

use serde::Serialize;
use svd_index::Index;
use svd_index::elf::{Firmware, LayoutKind, TypeRef};

use crate::args::TypeArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::session::{Session, check_whole, need_firmware};
use crate::ui::{CARE, QUIET, STRONG, printable};

use super::images::{Image, image_of, images};

/// Deepest nesting that is shown.
const MAX_DEPTH: usize = 16;

/// Most members that are shown of one type. Damaged types may contain themselves.
const MAX_MEMBERS: usize = 50_000;

/// `silk type`
pub(crate) fn run(session: &mut Session, args: &TypeArgs) -> Outcome {
    let index = session.index_with_types()?;
    need_firmware(&index, &session.config)?;
    let found = index.find_types(&args.name);
    check_whole(&index)?;
    if found.is_empty() {
        return Err(nothing(&index, &args.name));
    }
    let images = images(&index);
    if session.ui.json {
        for (firmware, ty) in found.iter().take(args.limit) {
            let elf = image_of(&images, firmware).elf.clone();
            session.ui.json_line(&Type::of(ty, args.nested, elf))?;
        }
        note_more(session, found.len(), args.limit);
        return Ok(Exit::Ok);
    }
    let layouts = layouts(&images, &found);
    let out = &mut session.ui.out;
    // One name with several layouts: what differs is what one asks for.
    let is_one = layouts.iter().all(|layout| layout.ty.name() == layouts[0].ty.name());
    for layout in layouts.iter().take(args.limit) {
        head(out, &layout.ty, &layout.labels)?;
        if is_one {
            body(out, &layout.ty, args.nested)?;
        }
    }
    note_more(session, layouts.len(), args.limit);
    if layouts.len() <= args.limit && !is_one {
        session.ui.note("several types match; the whole name of one shows its members");
    } else if layouts.len() > 1 && is_one {
        session.ui.note(format!(
            "`{}` is laid out in {} ways",
            layouts[0].ty.name(),
            layouts.len()
        ));
    }
    Ok(Exit::Ok)
}

fn note_more(session: &Session, found: usize, limit: usize) {
    let more = found.saturating_sub(limit);
    if more > 0 {
        session.ui.note(format!("{more} more; `--limit N` shows more"));
    }
}

/// A type, and the images that have it so.
struct Layout<'a> {
    ty: TypeRef<'a>,
    labels: Vec<&'a str>,
}

/// What several images have alike is told once.
fn layouts<'a>(images: &'a [Image<'a>], found: &[(&'a Firmware, TypeRef<'a>)]) -> Vec<Layout<'a>> {
    let mut layouts: Vec<Layout<'a>> = Vec::new();
    for (firmware, ty) in found {
        let label = image_of(images, firmware).label();
        let is_same = |layout: &&mut Layout<'_>| {
            layout.ty.name() == ty.name() && layout.ty.is_laid_out_as(ty)
        };
        let elsewhere = layouts.iter_mut().find(is_same).filter(|layout| {
            // Of one image all are different.
            label.is_some_and(|label| !layout.labels.contains(&label))
        });
        match elsewhere {
            Some(layout) => layout.labels.extend(label),
            None => layouts.push(Layout { ty: *ty, labels: label.into_iter().collect() }),
        }
    }
    layouts
}

pub(crate) fn nothing(index: &Index, name: &str) -> Failure {
    let firmwares = index.firmwares();
    let failure = Failure::new(Exit::NothingFound, format!("no type matches `{name}`"));
    if !firmwares.iter().any(Firmware::has_dwarf) {
        return failure
            .detail("searched: the ELF has no debug information, which alone tells types")
            .hint("compile with `-g`; `silk sym` gives the sizes of variables without it");
    }
    let known: usize = firmwares.iter().map(|firmware| firmware.types().count()).sum();
    let failure = failure.detail(format!("searched: {known} types"));
    let mut near: Vec<String> = firmwares.iter().flat_map(|f| f.suggest_types(name)).collect();
    near.dedup();
    match near.as_slice() {
        [] => failure.hint("the pattern `*` lists all types"),
        near => failure.hint(format!("did you mean {}?", near.join(", "))),
    }
}

/// A type as JSON.
#[derive(Debug, Serialize)]
struct Type {
    version: u32,
    name: String,
    kind: &'static str,
    size_bytes: u64,
    /// What a typedef stands for, what an enumeration is stored as.
    target: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    members: Vec<Member>,
    padding: Vec<Padding>,
    padding_bits: u64,
    /// The ELF that has it so, where several are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    elf: Option<String>,
}

/// A member, or an enumerator, of [`Type`].
#[derive(Debug, Serialize)]
struct Member {
    name: String,
    #[serde(rename = "type")]
    ty: String,
    /// In bytes, from the start of the type that was asked for.
    offset: u64,
    /// First bit of a bit-field in that byte.
    lsb: Option<u64>,
    /// Bits of a bit-field.
    width: Option<u32>,
    size_bytes: u64,
    value: Option<i64>,
    /// With --nested: members of the structure that it is, or of its first element.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<Member>,
    /// With --nested: what those do not use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    padding: Vec<Padding>,
}

#[derive(Debug, Serialize)]
struct Padding {
    offset: u64,
    lsb: u64,
    bits: u64,
}

impl Type {
    fn of(ty: &TypeRef<'_>, nested: bool, elf: Option<String>) -> Self {
        let padding = padding(ty, 0);
        let (depth, mut left) = (if nested { MAX_DEPTH } else { 0 }, MAX_MEMBERS);
        Self {
            version: json::VERSION,
            name: ty.name().to_owned(),
            kind: kind(ty.kind()),
            size_bytes: ty.size(),
            target: ty.target().map(str::to_owned),
            file: ty.file().map(str::to_owned),
            line: ty.line(),
            members: members(ty, 0, depth, &mut left),
            padding_bits: padding.iter().map(|hole| hole.bits).sum(),
            padding,
            elf,
        }
    }
}

/// What a type consists of, `base` bits from the start of the one that was asked for.
fn members(ty: &TypeRef<'_>, base: u64, depth: usize, left: &mut usize) -> Vec<Member> {
    let mut found = Vec::new();
    for member in ty.members() {
        let at = base.saturating_add(member.bit_offset);
        // What a typedef stands for is that type.
        let depth = if ty.kind() == LayoutKind::Typedef { depth.max(1) } else { depth };
        *left = left.saturating_sub(1);
        let inner = member.inner.filter(|_| depth > 0 && *left > 0);
        found.push(Member {
            name: member.name.to_owned(),
            ty: member.ty.to_owned(),
            offset: at / 8,
            lsb: member.bits.map(|_| at % 8),
            width: member.bits,
            size_bytes: member.size,
            value: member.value,
            members: inner.map(|ty| members(&ty, at, depth - 1, left)).unwrap_or_default(),
            padding: inner.map(|ty| padding(&ty, at)).unwrap_or_default(),
        });
    }
    found
}

fn padding(ty: &TypeRef<'_>, base: u64) -> Vec<Padding> {
    let holes = ty.holes().into_iter();
    holes
        .map(|hole| (base.saturating_add(hole.bit_offset), hole.bits))
        .map(|(at, bits)| Padding { offset: at / 8, lsb: at % 8, bits })
        .collect()
}

pub(crate) fn kind(kind: LayoutKind) -> &'static str {
    match kind {
        LayoutKind::Struct => "struct",
        LayoutKind::Union => "union",
        LayoutKind::Enum | LayoutKind::Variants => "enum",
        LayoutKind::Typedef => "typedef",
    }
}

fn head(out: &mut impl Write, ty: &TypeRef<'_>, labels: &[&str]) -> std::io::Result<()> {
    let name = printable(ty.name());
    write!(out, "{STRONG}{} {name}{STRONG:#}  {}", kind(ty.kind()), bytes(ty.size()))?;
    if let Some(target) = ty.target() {
        write!(out, "  {}", printable(target))?;
    }
    if let (Some(file), Some(line)) = (ty.file(), ty.line()) {
        write!(out, "  {QUIET}{}:{line}{QUIET:#}", printable(file))?;
    }
    if !labels.is_empty() {
        write!(out, "  {QUIET}in {}{QUIET:#}", printable(&labels.join(", ")))?;
    }
    writeln!(out)
}

fn body(out: &mut impl Write, ty: &TypeRef<'_>, nested: bool) -> std::io::Result<()> {
    let shown = Type::of(ty, nested, None);
    let (mut members, mut holes) = (shown.members, shown.padding);
    // A typedef has one member: what it stands for. One of a typedef stands for that.
    while members.len() == 1 && ty.kind() == LayoutKind::Typedef && members[0].name.is_empty() {
        let Some(target) = members.pop() else { break };
        (members, holes) = (target.members, target.padding);
    }
    if members.is_empty() {
        return Ok(());
    }
    if members.iter().all(|member| member.ty.is_empty()) {
        for named in &members {
            let value = named.value.map_or("?".to_owned(), |value| value.to_string());
            writeln!(out, "  {value:>8}  {}", printable(&named.name))?;
        }
        return Ok(());
    }
    writeln!(out, "{QUIET}    offset      size{QUIET:#}")?;
    rows(out, &members, &holes, "", name_width(&members))?;
    let lost: u64 = holes.iter().map(|hole| hole.bits).sum();
    if lost != 0 {
        let verb = if lost == 1 || lost == 8 { "is" } else { "are" };
        let size = bytes(ty.size());
        writeln!(out, "  {CARE}{} of {size} {verb} padding{CARE:#}", bits(lost))?;
    }
    Ok(())
}

/// Columns that the longest name takes.
fn name_width(members: &[Member]) -> usize {
    const WIDEST: usize = 40;
    let of = |member: &Member| {
        let own = shown_name(member).chars().count();
        own.max(2 + name_width(&member.members))
    };
    members.iter().map(of).max().unwrap_or(0).min(WIDEST)
}

fn shown_name(member: &Member) -> String {
    let name = if member.name.is_empty() { "(anonymous)" } else { &member.name };
    match member.value {
        Some(value) => format!("{} = {value}", printable(name)),
        None => printable(name),
    }
}

/// Members and padding by offset, those of nested types indented below theirs.
fn rows(
    out: &mut impl Write,
    members: &[Member],
    holes: &[Padding],
    indent: &str,
    wide: usize,
) -> std::io::Result<()> {
    let mut holes = holes.iter().peekable();
    for member in members {
        let at = (member.offset, member.lsb.unwrap_or(0));
        while let Some(hole) = holes.next_if(|hole| (hole.offset, hole.lsb) < at) {
            padding_row(out, hole, indent)?;
        }
        let (offset, size) = match (member.lsb, member.width) {
            (Some(lsb), Some(width)) => (format!("{}.{lsb}", at.0), bits(width.into())),
            _ => (at.0.to_string(), member.size_bytes.to_string()),
        };
        let name = shown_name(member);
        let columns = wide.saturating_sub(indent.len());
        let ty = printable(&member.ty);
        writeln!(out, "  {offset:>8}  {size:>8}  {indent}{name:columns$}  {ty}")?;
        // Names of an enumeration have no place of their own.
        if member.members.iter().any(|inner| !inner.ty.is_empty()) {
            rows(out, &member.members, &member.padding, &format!("{indent}  "), wide)?;
        }
    }
    for hole in holes {
        padding_row(out, hole, indent)?;
    }
    Ok(())
}

fn padding_row(out: &mut impl Write, hole: &Padding, indent: &str) -> std::io::Result<()> {
    let (offset, size) = match (hole.lsb, hole.bits % 8) {
        (0, 0) => (hole.offset.to_string(), (hole.bits / 8).to_string()),
        (lsb, _) => (format!("{}.{lsb}", hole.offset), bits(hole.bits)),
    };
    writeln!(out, "  {offset:>8}  {size:>8}  {indent}{CARE}(padding){CARE:#}")
}

fn bits(count: u64) -> String {
    match (count % 8, count) {
        (_, 1) => "1 bit".to_owned(),
        (0, 8..) => bytes(count / 8),
        _ => format!("{count} bits"),
    }
}

fn bytes(count: u64) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}
