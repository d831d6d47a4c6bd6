//! Types: what they are called, how large they are, what they are made of.

use super::debug::{At, Debug, Entry, number};

/// Types of types, such as a pointer to a constant of a typedef; real chains stay far below.
const MOST_STEPS: usize = 32;

/// A type, and the plain one that it is another word for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    at: At,
    /// Without typedefs and qualifiers.
    pub(super) plain: At,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Base {
        encoding: gimli::DwAte,
        size: usize,
    },
    Pointer {
        target: Option<At>,
    },
    /// A structure, a class or a union.
    Structure {
        size: usize,
    },
    /// Elements of one size; of several dimensions the first.
    Array {
        element: At,
        count: u64,
    },
    Enumeration {
        size: usize,
    },
    /// Something else; its size, 0 if it has none.
    Other {
        size: usize,
    },
}

/// Size of a pointer on every core that is unwound.
const POINTER: usize = 4;

impl Type {
    /// Reads the type at `at`. `None`: its description leads nowhere.
    pub(super) fn read(debug: &Debug<'_>, at: At) -> Option<Self> {
        let mut plain = at;
        for _ in 0..MOST_STEPS {
            let entry = debug.entry(plain)?;
            if is_other_word(entry.tag()) {
                plain = debug.type_of(plain.unit, &entry)?;
                continue;
            }
            let plain = defined(debug, plain, &entry);
            let kind = kind(debug, plain, &debug.entry(plain)?);
            return Some(Self { at, plain, kind });
        }
        None
    }

    /// Bytes.
    pub(super) fn size(&self, debug: &Debug<'_>) -> usize {
        match self.kind {
            Kind::Base { size, .. }
            | Kind::Structure { size }
            | Kind::Enumeration { size }
            | Kind::Other { size } => size,
            Kind::Pointer { .. } => POINTER,
            Kind::Array { element, count } => {
                let element = Self::read(debug, element).map_or(0, |element| element.size(debug));
                usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(element)
            }
        }
    }

    /// Name in the source.
    pub(super) fn name(&self, debug: &Debug<'_>) -> String {
        name(debug, Some(self.at), MOST_STEPS)
    }

    /// Whether it is a number with a sign.
    pub(super) fn is_signed(&self) -> bool {
        let Kind::Base { encoding, .. } = self.kind else { return false };
        matches!(encoding, gimli::DW_ATE_signed | gimli::DW_ATE_signed_char)
    }

    /// Whether it is a character, as C has them.
    pub(super) fn is_char(&self) -> bool {
        let Kind::Base { encoding, size: 1 } = self.kind else { return false };
        matches!(encoding, gimli::DW_ATE_signed_char | gimli::DW_ATE_unsigned_char)
    }
}

fn is_other_word(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_typedef
            | gimli::DW_TAG_const_type
            | gimli::DW_TAG_volatile_type
            | gimli::DW_TAG_restrict_type
            | gimli::DW_TAG_atomic_type
    )
}

/// The definition of a structure of which a unit has only the declaration, if the same unit has it.
fn defined<'a>(debug: &Debug<'a>, at: At, entry: &Entry<'a>) -> At {
    if entry.attr(gimli::DW_AT_declaration).is_none() {
        return at;
    }
    let Some(wanted) = debug.name(at.unit, entry) else { return at };
    let mut entries = debug.unit(at.unit).entries();
    while let Ok(Some(other)) = entries.next_dfs() {
        let is_it = other.tag() == entry.tag() && other.attr(gimli::DW_AT_declaration).is_none();
        if is_it && debug.name(at.unit, other).as_deref() == Some(&wanted) {
            return At { unit: at.unit, offset: other.offset() };
        }
    }
    at
}

fn kind<'a>(debug: &Debug<'a>, at: At, entry: &Entry<'a>) -> Kind {
    let size = number(entry, gimli::DW_AT_byte_size);
    let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    match entry.tag() {
        gimli::DW_TAG_base_type => match entry.attr_value(gimli::DW_AT_encoding) {
            Some(gimli::AttributeValue::Encoding(encoding)) => Kind::Base { encoding, size },
            _ => Kind::Other { size },
        },
        gimli::DW_TAG_pointer_type
        | gimli::DW_TAG_reference_type
        | gimli::DW_TAG_rvalue_reference_type => {
            Kind::Pointer { target: debug.type_of(at.unit, entry) }
        }
        gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type | gimli::DW_TAG_union_type => {
            Kind::Structure { size }
        }
        gimli::DW_TAG_enumeration_type => Kind::Enumeration { size },
        gimli::DW_TAG_array_type => match debug.type_of(at.unit, entry) {
            Some(element) => Kind::Array { element, count: count(debug, at) },
            None => Kind::Other { size },
        },
        _ => Kind::Other { size },
    }
}

/// Elements over all dimensions. Source: DWARF 5, 5.5 and 5.13.
fn count(debug: &Debug<'_>, array: At) -> u64 {
    let mut count = 1_u64;
    let mut has_dimension = false;
    for dimension in children(debug, array) {
        let upper = || Some(number(&dimension, gimli::DW_AT_upper_bound)?.wrapping_add(1));
        let elements = number(&dimension, gimli::DW_AT_count).or_else(upper).unwrap_or(0);
        (count, has_dimension) = (count.saturating_mul(elements), true);
    }
    if has_dimension { count } else { 0 }
}

/// The entries directly inside of the one at `at`.
pub(super) fn children<'a>(debug: &Debug<'a>, at: At) -> Vec<Entry<'a>> {
    let mut found = Vec::new();
    if let Ok(mut tree) = debug.unit(at.unit).entries_tree(Some(at.offset))
        && let Ok(root) = tree.root()
    {
        let mut children = root.children();
        while let Ok(Some(child)) = children.next() {
            found.push(child.entry().clone());
        }
    }
    found
}

/// `steps`: how many types of types may still be told.
fn name(debug: &Debug<'_>, at: Option<At>, steps: usize) -> String {
    let Some((at, entry)) = at.and_then(|at| Some((at, debug.entry(at)?))) else {
        return "void".to_owned();
    };
    if let Some(name) = debug.name(at.unit, &entry) {
        return name;
    }
    if steps == 0 {
        return "…".to_owned();
    }
    let of = || name(debug, debug.type_of(at.unit, &entry), steps - 1);
    match entry.tag() {
        gimli::DW_TAG_pointer_type => match of() {
            pointer if pointer.ends_with('*') => format!("{pointer}*"),
            target => format!("{target} *"),
        },
        gimli::DW_TAG_reference_type => format!("{} &", of()),
        gimli::DW_TAG_rvalue_reference_type => format!("{} &&", of()),
        gimli::DW_TAG_const_type => format!("const {}", of()),
        gimli::DW_TAG_volatile_type => format!("volatile {}", of()),
        gimli::DW_TAG_array_type => format!("{}[{}]", of(), count(debug, at)),
        gimli::DW_TAG_subroutine_type => format!("{} ()", of()),
        gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => "unnamed struct".to_owned(),
        gimli::DW_TAG_union_type => "unnamed union".to_owned(),
        gimli::DW_TAG_enumeration_type => "unnamed enum".to_owned(),
        _ => of(),
    }
}
