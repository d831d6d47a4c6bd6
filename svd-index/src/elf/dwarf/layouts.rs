//! Layouts of all types that have a name: what `silk type` shows.
//!
//! One walk over the entries of a unit takes down every type as a [`Node`], and what structures
//! consist of: of those with a name once for each place of declaration, since every unit repeats the
//! headers it includes. What members' types are called is put together after it, in [`spell`]; then
//! the next unit takes its place, unless other units refer to this one.

mod node;
mod spell;

use std::borrow::Cow;
use std::hash::BuildHasher;

use foldhash::HashMap;
use gimli::UnitOffset;

use self::node::{Attributes, Node, Part, PartKind, Target, Unit, kind_of};
use super::files::{Files, UnitFiles};
use super::units::{Units, count};
use super::walk::{Head, Walk};
use crate::elf::LayoutKind;
use crate::elf::facts::Layouts;
use crate::elf::records::{LayoutMemberRecord, LayoutRecord, NONE, layout_kind};
use crate::store::{StrRef, Texts};

/// Most types that are kept: far more than a firmware has. Damage must not fill the memory.
const MAX_LAYOUTS: usize = 1 << 20;

/// Longest name of a type that is put together.
const MAX_NAME: usize = 1024;

/// Most declarations of one unit whose scopes are remembered.
const MAX_SCOPED: usize = 1 << 14;

/// Reads the types of all units. What is damaged is left out; whoever reads the units' code says
/// so.
pub(super) fn read(units: &Units<'_, '_>, order: &[usize], files: &Files) -> Layouts {
    let mut found = Found::new(units, files);
    for &unit in order {
        found.read_unit(unit);
    }
    found.into_layouts()
}

/// What was found so far.
struct Found<'u, 'a> {
    units: &'u Units<'u, 'a>,
    files: &'u Files,
    texts: Texts,
    layouts: Vec<LayoutRecord>,
    /// The entry of each layout.
    dies: Vec<Target>,
    members: Vec<LayoutMemberRecord>,
    /// How many layouts have their members.
    complete: usize,
    declared: Declarations,
    /// The unit being read, and its types.
    here: (usize, Unit<'a>),
    /// Units that others referred to.
    elsewhere: HashMap<usize, Unit<'a>>,
    scope: Scope<'a>,
    open: Vec<Open>,
    /// What the types that are open consist of, those of the innermost last.
    pending: Vec<Part<'a>>,
}

/// Two entries with the same one describe the same type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Declaration {
    name: StrRef,
    kind: u32,
    size: u64,
    file: u32,
    line: u32,
    /// Rust tells no line, and two versions of a crate may have types of one name.
    unit: u32,
}

/// Declarations and the positions of their layouts. As in [`Texts`] the map goes from hashes to
/// positions, and of two with one hash the second sits at the next free number: so it stays small.
#[derive(Default)]
struct Declarations {
    places: HashMap<u64, u32>,
    /// Each with the position of its layout.
    list: Vec<(Declaration, u32)>,
    hasher: foldhash::fast::FixedState,
}

impl Declarations {
    /// The position of the layout of a declaration, which is `next` if it is new.
    fn position(&mut self, declaration: Declaration, next: u32) -> u32 {
        let mut hash = self.hasher.hash_one(declaration);
        while let Some(&place) = self.places.get(&hash) {
            let (known, position) = self.list[place as usize];
            if known == declaration {
                return position;
            }
            hash = hash.wrapping_add(1);
        }
        self.places.insert(hash, self.list.len() as u32);
        self.list.push((declaration, next));
        next
    }
}

/// An entry whose children are being read.
struct Open {
    depth: isize,
    kind: OpenKind,
}

enum OpenKind {
    /// A structure, union or enumeration: its node, and where its parts start.
    Type {
        node: usize,
        start: usize,
    },
    Array {
        node: usize,
    },
    /// The part of a Rust enumeration that has its variants.
    Variants,
    /// A variant, and the tag that goes with it.
    Variant {
        value: Option<i64>,
    },
}

/// Names around the entry being walked.
#[derive(Default)]
struct Scope<'a> {
    /// Namespaces and types, with their depths.
    around: Vec<(isize, Cow<'a, [u8]>)>,
    /// Scoped names of the types that the unit declared so far, by their entries: the definition
    /// of one may stand elsewhere, outside of its scope.
    declared: HashMap<UnitOffset, Vec<u8>>,
    /// The name being put together; kept for its room.
    name: Vec<u8>,
}

impl<'a> Scope<'a> {
    /// Puts together the name of a type with what is around it, or around its declaration.
    fn put_together(&mut self, own: &[u8], specification: Option<UnitOffset>) {
        self.name.clear();
        if let Some(scoped) = specification.and_then(|declaration| self.declared.get(&declaration))
        {
            return self.name.extend_from_slice(scoped);
        }
        for (_, around) in self.around.iter().filter(|(_, name)| !name.is_empty()) {
            self.name.extend_from_slice(around);
            self.name.extend_from_slice(b"::");
        }
        self.name.extend_from_slice(own);
    }

    fn leave(&mut self, depth: isize) {
        while self.around.last().is_some_and(|(around, _)| *around >= depth) {
            self.around.pop();
        }
    }
}

impl<'u, 'a> Found<'u, 'a> {
    fn new(units: &'u Units<'u, 'a>, files: &'u Files) -> Self {
        Self {
            units,
            files,
            texts: Texts::with_room_for(units.size_bytes() as u64),
            layouts: Vec::new(),
            dies: Vec::new(),
            members: Vec::new(),
            complete: 0,
            declared: Declarations::default(),
            here: (usize::MAX, Unit::default()),
            elsewhere: HashMap::default(),
            scope: Scope::default(),
            open: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Reads the types of a unit, and what those consist of that no unit before it had.
    fn read_unit(&mut self, unit: usize) {
        if self.elsewhere.contains_key(&unit) {
            return;
        }
        self.here.0 = unit;
        self.here.1.clear();
        self.walk(unit);
        self.complete_layouts();
    }

    /// The types of a unit, which is read if it must be.
    fn unit(&mut self, unit: usize) -> &mut Unit<'a> {
        if self.here.0 == unit {
            return &mut self.here.1;
        }
        if !self.elsewhere.contains_key(&unit) {
            let here = std::mem::replace(&mut self.here, (unit, Unit::default()));
            self.walk(unit);
            let (_, read) = std::mem::replace(&mut self.here, here);
            self.elsewhere.insert(unit, read);
        }
        self.elsewhere.entry(unit).or_default()
    }

    fn walk(&mut self, unit: usize) {
        self.scope.declared.clear();
        let _damage_costs_what_follows = self.walk_entries(unit);
        self.close(0);
    }

    fn walk_entries(&mut self, unit: usize) -> gimli::Result<()> {
        let files = self.files.of_unit(unit);
        let mut walk = self.units.walk(unit, node::is_of_interest);
        while let Some(head) = walk.next()? {
            self.close(head.lowest);
            self.read_entry(unit, files, &mut walk, &head)?;
        }
        Ok(())
    }

    /// Leaves what the entry at `depth` is not a child of.
    #[inline]
    fn close(&mut self, depth: isize) {
        self.scope.leave(depth);
        while self.open.last().is_some_and(|open| open.depth >= depth) {
            if let Some(Open { kind: OpenKind::Type { node, start }, .. }) = self.open.pop() {
                let unit = &mut self.here.1;
                let first = unit.parts.len();
                unit.parts.extend(self.pending.drain(start..));
                unit.nodes[node].parts = first as u32..unit.parts.len() as u32;
            }
        }
    }

    fn read_entry(
        &mut self,
        unit: usize,
        files: &UnitFiles,
        walk: &mut Walk<'u, 'a>,
        head: &Head<'u>,
    ) -> gimli::Result<()> {
        let around = self.open.last().filter(|open| open.depth + 1 == head.depth);
        match (head.tag(), around.map(|open| &open.kind)) {
            (gimli::DW_TAG_namespace, _) => {
                let entry = walk.read(head)?;
                let name = self.units.bytes(unit, entry.attr_value(gimli::DW_AT_name));
                self.scope.around.push((head.depth, Cow::Borrowed(name)));
            }
            (gimli::DW_TAG_member | gimli::DW_TAG_inheritance, Some(&OpenKind::Type { .. })) => {
                self.read_part(unit, walk, head, PartKind::Member, None)?;
            }
            (gimli::DW_TAG_member, Some(OpenKind::Variants)) => {
                self.read_part(unit, walk, head, PartKind::Tag, None)?;
            }
            (gimli::DW_TAG_member, Some(&OpenKind::Variant { value })) => {
                self.read_part(unit, walk, head, PartKind::Member, value)?;
            }
            (gimli::DW_TAG_enumerator, Some(OpenKind::Type { .. })) => {
                let attributes = Attributes::read(self.units, unit, walk, head)?;
                self.pending.push(Part::enumerator(&attributes));
            }
            (gimli::DW_TAG_subrange_type, Some(&OpenKind::Array { node })) => {
                let entry = walk.read(head)?;
                let unit = &mut self.here.1;
                unit.counts.push(count(entry));
                unit.nodes[node].parts.end = unit.counts.len() as u32;
            }
            (gimli::DW_TAG_variant_part, Some(&OpenKind::Type { node, .. })) => {
                walk.skip(head)?;
                self.here.1.nodes[node].has_variants = true;
                self.open.push(Open { depth: head.depth, kind: OpenKind::Variants });
            }
            (gimli::DW_TAG_variant, Some(OpenKind::Variants)) => {
                let attributes = Attributes::read(self.units, unit, walk, head)?;
                let kind = OpenKind::Variant { value: attributes.value };
                self.open.push(Open { depth: head.depth, kind });
            }
            (tag, _) if node::is_type(tag) => {
                let attributes = Attributes::read(self.units, unit, walk, head)?;
                self.read_type(unit, files, head, &attributes);
            }
            _ => walk.skip(head)?,
        }
        Ok(())
    }

    /// Reads a member, a base class or a tag.
    fn read_part(
        &mut self,
        unit: usize,
        walk: &mut Walk<'u, 'a>,
        head: &Head<'u>,
        kind: PartKind,
        value: Option<i64>,
    ) -> gimli::Result<()> {
        let attributes = Attributes::read(self.units, unit, walk, head)?;
        let place = attributes.place(self.units.is_big_endian());
        if let Some(place) = place.filter(|_| attributes.has_type) {
            let is_base = head.tag() == gimli::DW_TAG_inheritance;
            let kind = if is_base { PartKind::Base } else { kind };
            let Attributes { name, ty, .. } = attributes;
            let (has_value, value) = (value.is_some(), value.unwrap_or_default());
            self.pending.push(Part { name, kind, ty, place, has_value, value });
        }
        Ok(())
    }

    /// Takes a type down.
    fn read_type(
        &mut self,
        unit: usize,
        files: &UnitFiles,
        head: &Head<'u>,
        attributes: &Attributes<'a>,
    ) {
        let layout = match kind_of(head.tag()) {
            Some(kind) => match attributes.name.bytes(self.units, unit) {
                [] => Layout::Unknown,
                name => self.read_named(unit, files, head, kind, attributes, name),
            },
            None => Layout::None,
        };
        let here = &mut self.here.1;
        let node = here.nodes.len();
        let mut taken = Node::new(head, attributes);
        if let Layout::New(position) | Layout::Known(position) = layout {
            taken.layout = position;
        }
        if head.tag() == gimli::DW_TAG_array_type {
            taken.parts = here.counts.len() as u32..here.counts.len() as u32;
            self.open.push(Open { depth: head.depth, kind: OpenKind::Array { node } });
        }
        here.nodes.push(taken);
        let has_parts = matches!(layout, Layout::New(_) | Layout::Unknown) && !attributes.declares;
        if has_parts && head.tag() != gimli::DW_TAG_typedef {
            let kind = OpenKind::Type { node, start: self.pending.len() };
            self.open.push(Open { depth: head.depth, kind });
        }
    }

    /// Notes a type that has a name.
    fn read_named(
        &mut self,
        unit: usize,
        files: &UnitFiles,
        head: &Head<'u>,
        kind: LayoutKind,
        attributes: &Attributes<'a>,
        own: &'a [u8],
    ) -> Layout {
        self.scope.put_together(own, attributes.specification);
        let has_room = self.scope.name.len() <= MAX_NAME;
        if attributes.declares {
            if self.scope.name != own && has_room && self.scope.declared.len() < MAX_SCOPED {
                self.scope.declared.insert(head.offset, self.scope.name.clone());
            }
            return Layout::None;
        }
        let is_new = has_room && self.layouts.len() < MAX_LAYOUTS;
        let layout = match is_new {
            true => self.declare(unit, files, head, kind, attributes),
            false => Layout::Unknown,
        };
        if matches!(kind, LayoutKind::Struct | LayoutKind::Union) {
            let is_apart = attributes.specification.is_some();
            let own = if is_apart { self.scope.name.clone().into() } else { own.into() };
            self.scope.around.push((head.depth, own));
        }
        layout
    }

    /// Takes the declaration of a type, unless another entry made it.
    fn declare(
        &mut self,
        unit: usize,
        files: &UnitFiles,
        head: &Head<'u>,
        kind: LayoutKind,
        attributes: &Attributes<'a>,
    ) -> Layout {
        let (file, line) = attributes.declaration(self.units, unit, head.offset);
        let file = file.and_then(|number| files.get(number)).unwrap_or(NONE);
        let name = self.texts.intern_lossy(&self.scope.name);
        let (kind, size) = (layout_kind(kind), attributes.size.unwrap_or(0));
        let unit_matters = if line == 0 { unit as u32 } else { NONE };
        let declaration = Declaration { name, kind, size, file, line, unit: unit_matters };
        let next = self.layouts.len() as u32;
        let position = self.declared.position(declaration, next);
        if position != next {
            return Layout::Known(position);
        }
        self.layouts.push(LayoutRecord { name, kind, size, file, line, ..LayoutRecord::default() });
        self.dies.push(Target::of(Some((unit, head.offset))));
        Layout::New(position)
    }
}

/// Whether a type has a layout.
enum Layout {
    /// It is of no kind that has one, or only says that there is such a type.
    None,
    /// It gets one if a member has the type.
    Unknown,
    /// Another entry told what it consists of.
    Known(u32),
    New(u32),
}
