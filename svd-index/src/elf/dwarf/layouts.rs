//! Layouts of all types that have a name: what `silk type` shows.
//!
//! The walk over a unit's entries only notes named types, each place of declaration once, since
//! every unit repeats the headers it includes. What they consist of is read afterwards; types
//! without a name are then read where a member has them.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::HashMap;
use gimli::{AttributeValue, UnitOffset};

use super::lines::UnitFiles;
use super::signatures::elsewhere;
use super::{Debug, Die, Entry, Slice};
use crate::elf::{Layout, LayoutKind, LayoutMember};

/// Deepest chain of typedefs, qualifiers, pointers and arrays that is followed.
const MAX_DEPTH: usize = 48;

/// Most types that are kept: far more than a firmware has. Damage must not fill the memory.
const MAX_LAYOUTS: usize = 1 << 20;

/// Longest name of a type that is put together.
const MAX_NAME: usize = 1024;

/// Most declarations of one unit whose scopes are remembered.
const MAX_SCOPED: usize = 1 << 14;

/// What was found so far.
#[derive(Default)]
pub(super) struct Layouts<'a> {
    layouts: Vec<Layout>,
    /// The entry of each layout.
    dies: Vec<Die>,
    positions: HashMap<Die, u32>,
    /// By the hash of the [`Declaration`]; of two with one hash the second is at the next number.
    declared: HashMap<u64, u32>,
    spelled: HashMap<Die, Spelled>,
    /// Namespaces and types around the entry being walked, with their depths.
    around: Vec<(isize, Cow<'a, str>)>,
    /// Scoped names of the types that the unit being walked declared so far, by their entries:
    /// the definition of one may stand elsewhere, outside of its scope.
    scoped: HashMap<UnitOffset, String>,
    /// The name being put together; kept for its room.
    name: String,
}

/// Two entries with the same one describe the same type.
#[derive(Clone, Copy, Hash)]
struct Declaration<'n> {
    name: &'n str,
    kind: LayoutKind,
    size: u64,
    file: Option<u32>,
    line: u32,
    /// Rust tells no line, and two versions of a crate may have types of one name.
    unit: Option<usize>,
}

/// A type as a member has it.
#[derive(Clone)]
struct Spelled {
    name: Arc<str>,
    size: u64,
    /// The structure, union or enumeration behind typedefs and arrays.
    inner: Option<Die>,
}

impl Layouts<'_> {
    /// Puts together the name of `entry` with what is around it, or around its declaration.
    fn scoped_name(&self, entry: &Entry<'_>, own: &str, name: &mut String) {
        name.clear();
        if let Some(AttributeValue::UnitRef(declaration)) =
            entry.attr_value(gimli::DW_AT_specification)
            && let Some(scoped) = self.scoped.get(&declaration)
        {
            return name.push_str(scoped);
        }
        for (_, around) in self.around.iter().filter(|(_, name)| !name.is_empty()) {
            name.push_str(around);
            name.push_str("::");
        }
        name.push_str(own);
    }

    /// Takes `declaration`, which the entry `die` makes, unless another entry made it.
    fn declare(&mut self, die: Die, declaration: Declaration<'_>) {
        let mut hash = foldhash::fast::FixedState::default().hash_one(declaration);
        while let Some(&position) = self.declared.get(&hash) {
            if self.is_at(position as usize, declaration) {
                self.positions.insert(die, position);
                return;
            }
            hash = hash.wrapping_add(1);
        }
        let position = self.layouts.len() as u32;
        let Declaration { name, kind, size, file, line, .. } = declaration;
        let name = name.to_owned();
        self.layouts.push(Layout { name, kind, size, file, line, ..Layout::default() });
        self.dies.push(die);
        self.declared.insert(hash, position);
        self.positions.insert(die, position);
    }

    fn is_at(&self, position: usize, declaration: Declaration<'_>) -> bool {
        let Layout { name, kind, size, file, line, .. } = &self.layouts[position];
        let there = (name.as_str(), *kind, *size, *file, *line);
        let Declaration { name, kind, size, file, line, unit } = declaration;
        there == (name, kind, size, file, line)
            && unit.is_none_or(|unit| unit == self.dies[position].0)
    }
}

impl<'a> Debug<'_, 'a> {
    /// Notes a named type, or a namespace that types are named by.
    pub(super) fn note_layout(&mut self, unit: usize, entry: &Entry<'a>, files: &UnitFiles) {
        let depth = entry.depth();
        if depth == 0 {
            self.layouts.scoped.clear();
        }
        while self.layouts.around.last().is_some_and(|(around, _)| *around >= depth) {
            self.layouts.around.pop();
        }
        let Some(kind) = kind_of(entry.tag()) else {
            if entry.tag() == gimli::DW_TAG_namespace {
                let name = self.text(unit, entry, gimli::DW_AT_name);
                self.layouts.around.push((depth, name));
            }
            return;
        };
        let own = self.text(unit, entry, gimli::DW_AT_name);
        if own.is_empty() {
            return;
        }
        let mut name = std::mem::take(&mut self.layouts.name);
        self.layouts.scoped_name(entry, &own, &mut name);
        if entry.has_attr(gimli::DW_AT_declaration) {
            let has_room = name.len() <= MAX_NAME && self.layouts.scoped.len() < MAX_SCOPED;
            if name != own && has_room {
                self.layouts.scoped.insert(entry.offset(), name.clone());
            }
            self.layouts.name = name;
            return;
        }
        if matches!(kind, LayoutKind::Struct | LayoutKind::Union) {
            let is_apart = entry.has_attr(gimli::DW_AT_specification);
            let own = if is_apart { Cow::Owned(name.clone()) } else { own };
            self.layouts.around.push((depth, own));
        }
        if name.len() <= MAX_NAME && self.layouts.layouts.len() < MAX_LAYOUTS {
            let (file, line) = self.declaration(unit, entry, files);
            let size = size_of(entry).unwrap_or(0);
            let unit_matters = (line == 0).then_some(unit);
            let declaration =
                Declaration { name: &name, kind, size, file, line, unit: unit_matters };
            self.layouts.declare((unit, entry.offset()), declaration);
        }
        self.layouts.name = name;
    }

    /// Reads what the noted types consist of, sorted by name.
    pub(super) fn read_layouts(&mut self) -> Vec<Layout> {
        let mut next = 0;
        while next < self.layouts.layouts.len() {
            let die = self.layouts.dies[next];
            let _damage_costs_the_members = self.read_layout(die, next);
            next += 1;
        }
        let found = std::mem::take(&mut self.layouts);
        let mut order: Vec<u32> = (0..found.layouts.len() as u32).collect();
        let key = |at: u32| {
            let layout = &found.layouts[at as usize];
            (layout.name.is_empty(), layout.name.as_str(), layout.file, layout.line, at)
        };
        order.sort_by(|&a, &b| key(a).cmp(&key(b)));
        let mut places = vec![0u32; order.len()];
        for (place, &at) in order.iter().enumerate() {
            places[at as usize] = place as u32;
        }
        let mut layouts: Vec<Option<Layout>> = found.layouts.into_iter().map(Some).collect();
        let sorted = order.iter().filter_map(|&at| layouts[at as usize].take());
        sorted
            .map(|mut layout| {
                for member in &mut layout.members {
                    member.layout = member.layout.map(|at| places[at as usize]);
                }
                layout
            })
            .collect()
    }

    fn read_layout(&mut self, die: Die, position: usize) -> gimli::Result<()> {
        let (unit, offset) = die;
        let units = self.units;
        let mut tree = units[unit].entries_tree(Some(offset))?;
        let root = tree.root()?;
        let entry = root.entry();
        if let Some(target) = entry.attr_value(gimli::DW_AT_type) {
            let spelled = self.spell(unit, &target, 0);
            let layout = &mut self.layouts.layouts[position];
            layout.target = Arc::clone(&spelled.name);
            if layout.kind == LayoutKind::Typedef {
                layout.size = spelled.size;
                let inner = self.inner(&spelled);
                let member = LayoutMember {
                    ty: Arc::clone(&spelled.name),
                    size: spelled.size,
                    layout: inner,
                    ..LayoutMember::default()
                };
                self.layouts.layouts[position].members = vec![member];
                return Ok(());
            }
        }
        let mut members = Vec::new();
        let mut has_variants = false;
        let mut children = root.children();
        while let Some(child) = children.next()? {
            match child.entry().tag() {
                gimli::DW_TAG_enumerator => {
                    let entry = child.entry();
                    members.push(LayoutMember {
                        name: self.text(unit, entry, gimli::DW_AT_name).into_owned(),
                        value: entry.attr_value(gimli::DW_AT_const_value).and_then(|v| number(&v)),
                        ..LayoutMember::default()
                    });
                }
                gimli::DW_TAG_variant_part => {
                    has_variants = true;
                    self.read_variants(unit, child, &mut members)?;
                }
                _ => members.extend(self.layout_member(unit, child.entry())),
            }
        }
        let layout = &mut self.layouts.layouts[position];
        if has_variants {
            layout.kind = LayoutKind::Variants;
        }
        if layout.kind != LayoutKind::Enum {
            members.sort_by_key(|member| member.bit_offset);
        }
        layout.members = members;
        Ok(())
    }

    /// A Rust enumeration with fields: the tag, and each variant as a member over the others.
    ///
    /// Source: DWARF 5, 5.7.10.
    fn read_variants(
        &mut self,
        unit: usize,
        part: gimli::EntriesTreeNode<'_, '_, Slice<'a>>,
        members: &mut Vec<LayoutMember>,
    ) -> gimli::Result<()> {
        let mut children = part.children();
        while let Some(child) = children.next()? {
            match child.entry().tag() {
                gimli::DW_TAG_member => {
                    let tag = self.layout_member(unit, child.entry());
                    members.extend(tag.map(|tag| LayoutMember { name: "(tag)".to_owned(), ..tag }));
                }
                gimli::DW_TAG_variant => {
                    let value = child.entry().attr_value(gimli::DW_AT_discr_value);
                    let value = value.and_then(|value| number(&value));
                    let mut fields = child.children();
                    while let Some(field) = fields.next()? {
                        let member = self.layout_member(unit, field.entry());
                        members.extend(member.map(|member| LayoutMember { value, ..member }));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A member or base class with a place of its own; `None` for static ones and other entries.
    fn layout_member(&mut self, unit: usize, entry: &Entry<'a>) -> Option<LayoutMember> {
        let is_base = entry.tag() == gimli::DW_TAG_inheritance;
        if !(is_base || entry.tag() == gimli::DW_TAG_member)
            || entry.has_attr(gimli::DW_AT_external)
            || entry.has_attr(gimli::DW_AT_declaration)
        {
            return None;
        }
        let spelled = self.spell(unit, &entry.attr_value(gimli::DW_AT_type)?, 0);
        let name = match is_base {
            true => format!("(base {})", spelled.name),
            false => self.text(unit, entry, gimli::DW_AT_name).into_owned(),
        };
        let big = self.live.image.endian() == gimli::RunTimeEndian::Big;
        let (bit_offset, bits) = place(entry, spelled.size, big)?;
        Some(LayoutMember {
            name,
            bit_offset,
            bits,
            layout: self.inner(&spelled),
            ty: Arc::clone(&spelled.name),
            size: spelled.size,
            value: None,
        })
    }

    /// The layout of the structure that a member's type comes down to, read if it has no name.
    fn inner(&mut self, spelled: &Spelled) -> Option<u32> {
        let die = spelled.inner?;
        if let Some(&position) = self.layouts.positions.get(&die) {
            return Some(position);
        }
        let entry = self.units[die.0].entry(die.1).ok()?;
        if entry.has_attr(gimli::DW_AT_declaration) || self.layouts.layouts.len() >= MAX_LAYOUTS {
            return None;
        }
        let kind = kind_of(entry.tag())?;
        let position = self.layouts.layouts.len() as u32;
        let size = size_of(&entry).unwrap_or(0);
        self.layouts.layouts.push(Layout { kind, size, ..Layout::default() });
        self.layouts.dies.push(die);
        self.layouts.positions.insert(die, position);
        Some(position)
    }

    fn spell(
        &mut self,
        unit: usize,
        reference: &AttributeValue<Slice<'a>>,
        depth: usize,
    ) -> Spelled {
        let unknown = || Spelled { name: "?".into(), size: 0, inner: None };
        let Some(die) = self.reference(unit, reference) else { return unknown() };
        if let Some(known) = self.layouts.spelled.get(&die) {
            return known.clone();
        }
        let entry = self.units[die.0].entry(die.1);
        let Some(entry) = entry.ok().filter(|_| depth < MAX_DEPTH) else { return unknown() };
        let mut spelled = match elsewhere(&entry) {
            Some(definition) => self.spell(die.0, &definition, depth + 1),
            None => self.spell_entry(die, &entry, depth),
        };
        if spelled.name.len() > MAX_NAME {
            spelled.name = "…".into();
        }
        self.layouts.spelled.insert(die, spelled.clone());
        spelled
    }

    fn spell_entry(&mut self, die: Die, entry: &Entry<'a>, depth: usize) -> Spelled {
        let (unit, offset) = die;
        let own = self.text(unit, entry, gimli::DW_AT_name).into_owned();
        let target = entry.attr_value(gimli::DW_AT_type);
        // Of a pointer only the name of what it points to is wanted: lists point to themselves.
        let below = |this: &mut Self| match &target {
            Some(target) => this.spell(unit, target, depth + 1),
            None => Spelled { name: "void".into(), size: 0, inner: None },
        };
        let pointer = || {
            let width = u64::from(self.units[unit].header.address_size());
            size_of(entry).unwrap_or(width)
        };
        let plain = |name: String, size| Spelled { name: name.into(), size, inner: None };
        match entry.tag() {
            gimli::DW_TAG_typedef => Spelled { name: own.into(), ..below(self) },
            gimli::DW_TAG_const_type => qualified("const", below(self)),
            gimli::DW_TAG_volatile_type => qualified("volatile", below(self)),
            gimli::DW_TAG_atomic_type => qualified("_Atomic", below(self)),
            gimli::DW_TAG_restrict_type => below(self),
            gimli::DW_TAG_pointer_type if !own.is_empty() => plain(own, pointer()),
            gimli::DW_TAG_pointer_type => {
                let size = pointer();
                plain(pointer_to(&below(self).name, "*"), size)
            }
            gimli::DW_TAG_reference_type => {
                let size = pointer();
                plain(pointer_to(&below(self).name, "&"), size)
            }
            gimli::DW_TAG_rvalue_reference_type => {
                let size = pointer();
                plain(pointer_to(&below(self).name, "&&"), size)
            }
            gimli::DW_TAG_subroutine_type => plain(format!("{} ()", below(self).name), 0),
            gimli::DW_TAG_array_type => {
                let element = below(self);
                let counts = self.dimensions(unit, offset).unwrap_or_default();
                let all = counts.iter().fold(1u64, |all, count| all.saturating_mul(*count));
                let sizes: String = counts
                    .iter()
                    .map(|count| if *count == 0 { "[]".to_owned() } else { format!("[{count}]") })
                    .collect();
                // `int[2][3]` is two of `int[3]`: an array of an array has its own count first.
                let (base, rest) = match element.name.find('[') {
                    Some(at) if !element.name.contains(['<', '(']) => element.name.split_at(at),
                    _ => (&*element.name, ""),
                };
                Spelled {
                    name: format!("{base}{sizes}{rest}").into(),
                    size: size_of(entry).unwrap_or(element.size.saturating_mul(all)),
                    inner: element.inner,
                }
            }
            tag => {
                let keyword = match (own.is_empty(), kind_of(tag)) {
                    (true, Some(LayoutKind::Struct)) => "struct {…}",
                    (true, Some(LayoutKind::Union)) => "union {…}",
                    (true, Some(LayoutKind::Enum)) => "enum {…}",
                    _ => "",
                };
                let name = if own.is_empty() { keyword.to_owned() } else { own };
                let inner = kind_of(tag).is_some().then_some(die);
                Spelled { inner, ..plain(name, size_of(entry).unwrap_or(0)) }
            }
        }
    }
}

fn kind_of(tag: gimli::DwTag) -> Option<LayoutKind> {
    Some(match tag {
        gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => LayoutKind::Struct,
        gimli::DW_TAG_union_type => LayoutKind::Union,
        gimli::DW_TAG_enumeration_type => LayoutKind::Enum,
        gimli::DW_TAG_typedef => LayoutKind::Typedef,
        _ => return None,
    })
}

fn size_of(entry: &Entry<'_>) -> Option<u64> {
    entry.attr_value(gimli::DW_AT_byte_size)?.udata_value()
}

fn qualified(word: &str, of: Spelled) -> Spelled {
    // `const char *` points to a constant; the pointer itself is `char *const`.
    let name = match of.name.ends_with('*') {
        true => format!("{}{word}", of.name),
        false => format!("{word} {}", of.name),
    };
    Spelled { name: name.into(), ..of }
}

fn pointer_to(name: &str, mark: &str) -> String {
    if let Some(result) = name.strip_suffix(" ()") {
        return format!("{result} ({mark})()");
    }
    let space = if name.ends_with(['*', '&']) { "" } else { " " };
    format!("{name}{space}{mark}")
}

/// Offset of a member in bits from the start of what it is in, and the width of a bit-field.
/// `None` where it takes running code to find (a virtual base).
///
/// Source: DWARF 5, 5.7.6; DWARF 4, 5.5.6 for `DW_AT_bit_offset`, which counts from the most
/// significant bit of the storage unit.
fn place(entry: &Entry<'_>, type_size: u64, big_endian: bool) -> Option<(u64, Option<u32>)> {
    let number = |name| entry.attr_value(name).and_then(|value| value.udata_value());
    let start = match entry.attr_value(gimli::DW_AT_data_member_location) {
        Some(value) => value.udata_value()?.checked_mul(8)?,
        None => 0,
    };
    let Some(width) = number(gimli::DW_AT_bit_size) else {
        return Some((start.checked_add(number(gimli::DW_AT_data_bit_offset).unwrap_or(0))?, None));
    };
    let within = if let Some(from_start) = number(gimli::DW_AT_data_bit_offset) {
        from_start
    } else if let Some(from_top) = number(gimli::DW_AT_bit_offset) {
        let storage = number(gimli::DW_AT_byte_size).unwrap_or(type_size).checked_mul(8)?;
        match big_endian {
            true => from_top,
            false => storage.checked_sub(from_top)?.checked_sub(width)?,
        }
    } else {
        0
    };
    Some((start.checked_add(within)?, Some(u32::try_from(width).ok()?)))
}

fn number(value: &AttributeValue<Slice<'_>>) -> Option<i64> {
    value.sdata_value().or_else(|| value.udata_value().map(|value| value as i64))
}
