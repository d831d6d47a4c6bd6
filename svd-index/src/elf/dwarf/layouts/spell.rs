//! What types are called, in the words of the source, and the records of the layouts.

use super::node::{Name, Node, Part, PartKind, Spelled, Target, kind_of};
use super::{Found, MAX_LAYOUTS, MAX_NAME};
use crate::elf::LayoutKind;
use crate::elf::dwarf::units::Die;
use crate::elf::facts::Layouts;
use crate::elf::records::{LAYOUT_VARIANTS, LayoutMemberRecord, LayoutRecord, NONE, layout_kind};
use crate::store::StrRef;

/// Deepest chain of typedefs, qualifiers, pointers and arrays that is followed.
const MAX_DEPTH: usize = 48;

impl<'a> Found<'_, 'a> {
    /// Gives the layouts noted so far their members; types without a name come in on the way.
    pub(super) fn complete_layouts(&mut self) {
        while self.complete < self.layouts.len() {
            self.read_layout(self.complete);
            self.complete += 1;
        }
    }

    /// All layouts, in the order in which they were found.
    pub(super) fn into_layouts(self) -> Layouts {
        Layouts { texts: self.texts, layouts: self.layouts, members: self.members }
    }

    /// The position of a type in its unit.
    fn find(&mut self, die: Die) -> Option<usize> {
        self.unit(die.0).find(die.1)
    }

    fn read_layout(&mut self, position: usize) {
        let Some(die) = self.dies[position].die() else { return };
        let Some(at) = self.find(die) else { return };
        let node = &self.unit(die.0).nodes[at];
        let (parts, has_variants) = (node.parts.clone(), node.has_variants);
        let is_enum = node.tag == gimli::DW_TAG_enumeration_type;
        let target = (node.has_target && !node.is_elsewhere).then_some(node.target);
        let first = self.members.len();
        if let Some(target) = target {
            let spelled = self.spell(target, 0);
            self.layouts[position].target = spelled.name;
            if self.layouts[position].kind == layout_kind(LayoutKind::Typedef) {
                let layout = self.inner(&spelled);
                let (ty, size) = (spelled.name, spelled.size);
                self.members.push(LayoutMemberRecord { ty, size, layout, ..Default::default() });
                let record = &mut self.layouts[position];
                record.size = size;
                (record.first, record.members) = (first as u32, 1);
                return;
            }
        }
        for part in parts {
            let member = self.member(die.0, part as usize);
            self.members.extend(member);
        }
        if !is_enum {
            self.members[first..].sort_by_key(|member| member.bit_offset);
        }
        let record = &mut self.layouts[position];
        (record.first, record.members) = (first as u32, (self.members.len() - first) as u32);
        if has_variants {
            record.kind = LAYOUT_VARIANTS;
        }
    }

    fn member(&mut self, unit: usize, part: usize) -> Option<LayoutMemberRecord> {
        let Part { name, kind, ty, place, has_value, value } = self.unit(unit).parts[part];
        let has_value = has_value.into();
        let member = LayoutMemberRecord { value, has_value, layout: NONE, ..Default::default() };
        if kind == PartKind::Enumerator {
            return Some(LayoutMemberRecord { name: self.text(name, unit), ..member });
        }
        let spelled = self.spell(ty, 0);
        let (bit_offset, bits) = place.within(spelled.size)?;
        let name = match kind {
            PartKind::Base => {
                let name = format!("(base {})", self.texts.get(spelled.name));
                self.texts.intern(&name)
            }
            PartKind::Tag => self.texts.intern("(tag)"),
            _ => self.text(name, unit),
        };
        Some(LayoutMemberRecord {
            name,
            bit_offset,
            bits: bits.unwrap_or_default(),
            layout: self.inner(&spelled),
            ty: spelled.name,
            size: spelled.size,
            ..member
        })
    }

    fn text(&mut self, name: Name<'a>, unit: usize) -> StrRef {
        self.texts.intern_lossy(name.bytes(self.units, unit))
    }

    /// The layout of the structure that a member's type comes down to, made if it has no name.
    fn inner(&mut self, spelled: &Spelled) -> u32 {
        let Some(die) = spelled.inner.die() else { return NONE };
        let position = self.layouts.len();
        let Some(at) = self.find(die) else { return NONE };
        let node = &mut self.unit(die.0).nodes[at];
        if node.layout != NONE || node.declares || position >= MAX_LAYOUTS {
            return node.layout;
        }
        let Some(kind) = kind_of(node.tag) else { return NONE };
        node.layout = position as u32;
        let (kind, size) = (layout_kind(kind), node.size().unwrap_or(0));
        let record = LayoutRecord { kind, size, file: NONE, ..LayoutRecord::default() };
        self.layouts.push(record);
        self.dies.push(spelled.inner);
        position as u32
    }

    fn named(&mut self, name: &[u8], size: u64) -> Spelled {
        let name = if name.len() > MAX_NAME { "…".as_bytes() } else { name };
        Spelled { name: self.texts.intern_lossy(name), size, inner: Target::NOWHERE }
    }

    fn spell(&mut self, target: Target, depth: usize) -> Spelled {
        let die = target.die().filter(|_| depth < MAX_DEPTH);
        let Some(die) = die else { return self.named(b"?", 0) };
        let Some(at) = self.find(die) else { return self.named(b"?", 0) };
        let unit = self.unit(die.0);
        let Node { spelled, is_elsewhere, target, .. } = unit.nodes[at];
        if let Some(known) = unit.spelled.get(spelled as usize) {
            return *known;
        }
        let spelled = match is_elsewhere {
            true => self.spell(target, depth + 1),
            false => self.spell_entry(die.0, at, depth),
        };
        let unit = self.unit(die.0);
        unit.nodes[at].spelled = unit.spelled.len() as u32;
        unit.spelled.push(spelled);
        spelled
    }

    fn spell_entry(&mut self, unit: usize, at: usize, depth: usize) -> Spelled {
        let node = &self.unit(unit).nodes[at];
        let (tag, name, size) = (node.tag, node.name, node.size());
        let (has_target, target) = (node.has_target, node.target);
        let address_size = self.units.get(unit).header.address_size();
        let pointer_size = size.unwrap_or(address_size.into());
        if tag == gimli::DW_TAG_pointer_type {
            let own = name.bytes(self.units, unit);
            if !own.is_empty() {
                let name = self.texts.intern_lossy(own);
                return Spelled { name, size: pointer_size, inner: Target::NOWHERE };
            }
        }
        // Of a pointer only the name of what it points to is wanted: lists point to themselves.
        let mut below = || match has_target {
            true => self.spell(target, depth + 1),
            false => self.named(b"void", 0),
        };
        let changed = match tag {
            gimli::DW_TAG_typedef => {
                let below = below();
                return Spelled { name: self.text(name, unit), ..below };
            }
            gimli::DW_TAG_restrict_type => return below(),
            gimli::DW_TAG_const_type => Changed::Qualified("const"),
            gimli::DW_TAG_volatile_type => Changed::Qualified("volatile"),
            gimli::DW_TAG_atomic_type => Changed::Qualified("_Atomic"),
            gimli::DW_TAG_pointer_type => Changed::Pointer("*"),
            gimli::DW_TAG_reference_type => Changed::Pointer("&"),
            gimli::DW_TAG_rvalue_reference_type => Changed::Pointer("&&"),
            gimli::DW_TAG_subroutine_type => Changed::Function,
            gimli::DW_TAG_array_type => Changed::Array,
            _ => return self.plain(unit, at),
        };
        let below = below();
        let of = self.texts.get(below.name);
        match changed {
            Changed::Qualified(word) => {
                let name = qualified(word, of);
                Spelled { name: self.named(name.as_bytes(), 0).name, ..below }
            }
            Changed::Pointer(mark) => {
                let name = pointer_to(of, mark);
                self.named(name.as_bytes(), pointer_size)
            }
            Changed::Function => {
                let name = format!("{of} ()");
                self.named(name.as_bytes(), 0)
            }
            Changed::Array => {
                let counts = self.counts(unit, at);
                let all = counts.iter().fold(1u64, |all, count| all.saturating_mul(*count));
                let name = array_of(self.texts.get(below.name), &counts);
                let size = size.unwrap_or(below.size.saturating_mul(all));
                Spelled { inner: below.inner, ..self.named(name.as_bytes(), size) }
            }
        }
    }

    /// A type that is called by its own name.
    fn plain(&mut self, unit: usize, at: usize) -> Spelled {
        let node = &self.unit(unit).nodes[at];
        let (kind, size, offset) = (kind_of(node.tag), node.size(), node.offset);
        let own = node.name.bytes(self.units, unit);
        let name = match (own, kind) {
            ([], Some(LayoutKind::Struct)) => "struct {…}".as_bytes(),
            ([], Some(LayoutKind::Union)) => "union {…}".as_bytes(),
            ([], Some(LayoutKind::Enum)) => "enum {…}".as_bytes(),
            _ => own,
        };
        let inner = Target::of(kind.map(|_| (unit, offset)));
        Spelled { inner, ..self.named(name, size.unwrap_or(0)) }
    }

    fn counts(&mut self, unit: usize, at: usize) -> Vec<u64> {
        let unit = self.unit(unit);
        let counts = unit.nodes[at].parts.clone();
        unit.counts[counts.start as usize..counts.end as usize].to_vec()
    }
}

/// What an entry makes of the type it is about.
enum Changed {
    Qualified(&'static str),
    Pointer(&'static str),
    Function,
    Array,
}

fn qualified(word: &str, of: &str) -> String {
    // `const char *` points to a constant; the pointer itself is `char *const`.
    if of.ends_with('*') { format!("{of}{word}") } else { format!("{word} {of}") }
}

fn pointer_to(name: &str, mark: &str) -> String {
    if let Some(result) = name.strip_suffix(" ()") {
        return format!("{result} ({mark})()");
    }
    let space = if name.ends_with(['*', '&']) { "" } else { " " };
    format!("{name}{space}{mark}")
}

fn array_of(element: &str, counts: &[u64]) -> String {
    let sizes: String = counts
        .iter()
        .map(|count| if *count == 0 { "[]".to_owned() } else { format!("[{count}]") })
        .collect();
    // `int[2][3]` is two of `int[3]`: an array of an array has its own count first.
    let (base, rest) = match element.find('[') {
        Some(at) if !element.contains(['<', '(']) => element.split_at(at),
        _ => (element, ""),
    };
    format!("{base}{sizes}{rest}")
}
