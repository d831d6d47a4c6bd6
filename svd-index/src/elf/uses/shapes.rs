//! What the debug information says of pointers and of the structures that they point to.
//!
//! A pointer whose value is not known still has a type: `usart->BRR = divisor` in a function of
//! its own writes a `BRR` of some `USART_TypeDef`.

use std::collections::BTreeMap;

/// Set in the number of a structure that is pointed to as `volatile`.
pub(crate) const VOLATILE: u32 = 1 << 31;

/// Deepest nesting of structures and arrays that is followed.
const MAX_DEPTH: usize = 16;

/// Structures, and where pointers to them are.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    /// By function: for each argument register the structure that it points to.
    pub(crate) arguments: BTreeMap<u32, Vec<Option<u32>>>,
    pub(crate) structures: Vec<Structure>,
    /// Variables with a fixed address, by address.
    pub(crate) variables: BTreeMap<u32, (u64, Shape)>,
}

/// A structure or union.
#[derive(Debug, Default)]
pub(crate) struct Structure {
    /// With the module in front where the name alone says little.
    pub(crate) name: String,
    /// By offset.
    pub(crate) members: Vec<(u64, Shape)>,
}

/// What stands at a place in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A number, or what is not followed.
    Plain {
        /// Size in bytes, 0 where unknown.
        size: u64,
        volatile: bool,
    },
    /// A pointer, and the structure that it points to.
    Pointer(Option<u32>),
    Structure {
        number: u32,
        size: u64,
    },
    Array {
        element: Box<Shape>,
        count: u64,
    },
}

impl Shape {
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Plain { size, .. } | Self::Structure { size, .. } => *size,
            Self::Pointer(_) => 4,
            Self::Array { element, count } => element.size().saturating_mul(*count),
        }
    }
}

impl Shapes {
    /// Name of a structure.
    pub(crate) fn name(&self, structure: u32) -> &str {
        self.structure(structure).map_or("", |structure| &structure.name)
    }

    /// The structure that the pointer at an offset of a structure points to.
    pub(crate) fn pointee(&self, structure: u32, offset: i32) -> Option<u32> {
        let offset = u64::try_from(offset).ok()?;
        let mut found = None;
        self.descend(structure, offset, 0, &mut |shape, offset| {
            if let (Shape::Pointer(to), 0) = (shape, offset) {
                found = *to;
            }
        });
        found
    }

    /// Whether what stands at an offset of a structure is `volatile`, as registers are.
    pub(crate) fn is_volatile(&self, structure: u32, offset: i32) -> bool {
        let Ok(offset) = u64::try_from(offset) else { return false };
        let mut found = false;
        self.descend(structure, offset, 0, &mut |shape, _| {
            found |= matches!(shape, Shape::Plain { volatile: true, .. })
                || structure & VOLATILE != 0 && !matches!(shape, Shape::Structure { .. });
        });
        found
    }

    /// The structure that the pointer at `address` points to, in a variable.
    pub(crate) fn pointer_at(&self, address: u32) -> Option<u32> {
        let (shape, offset) = self.variable_at(address)?;
        let mut found = None;
        self.walk(shape, offset, 0, &mut |shape, offset| {
            if let (Shape::Pointer(to), 0) = (shape, offset) {
                found = *to;
            }
        });
        found
    }

    /// The structures that `address` lies in, in a variable, each with the offset there.
    pub(crate) fn members_at(&self, address: u32) -> Vec<(u32, i32)> {
        let Some((shape, offset)) = self.variable_at(address) else { return Vec::new() };
        let mut found = Vec::new();
        self.walk(shape, offset, 0, &mut |shape, offset| {
            if let (Shape::Structure { number, .. }, Ok(offset)) = (shape, i32::try_from(offset)) {
                found.push((number & !VOLATILE, offset));
            }
        });
        found
    }

    /// Stride and count of the elements of the array that starts at `address`, in a variable, or
    /// that `address` is inside of the first element of, if these hold pointers.
    pub(crate) fn elements_at(&self, address: u32) -> Option<(u32, u32)> {
        let (shape, offset) = self.variable_at(address)?;
        let mut found = None;
        self.walk(shape, offset, 0, &mut |shape, offset| {
            if let Shape::Array { element, count } = shape
                && found.is_none()
                && offset < element.size()
                && self.has_pointer(element, 0)
            {
                found = Some((element.size(), *count));
            }
        });
        let (stride, count) = found?;
        Some((u32::try_from(stride).ok()?, u32::try_from(count).ok()?))
    }

    fn has_pointer(&self, shape: &Shape, depth: usize) -> bool {
        match shape {
            Shape::Pointer(_) => true,
            Shape::Plain { .. } => false,
            Shape::Array { element, .. } => self.has_pointer(element, depth),
            Shape::Structure { number, .. } => {
                let members = self.structure(*number).map(|structure| &structure.members);
                depth < MAX_DEPTH
                    && members.into_iter().flatten().any(|(_, s)| self.has_pointer(s, depth + 1))
            }
        }
    }

    fn structure(&self, number: u32) -> Option<&Structure> {
        self.structures.get((number & !VOLATILE) as usize)
    }

    fn variable_at(&self, address: u32) -> Option<(&Shape, u64)> {
        let (&start, (size, shape)) = self.variables.range(..=address).next_back()?;
        let offset = u64::from(address - start);
        (offset < *size).then_some((shape, offset))
    }

    fn descend(
        &self,
        structure: u32,
        offset: u64,
        depth: usize,
        visit: &mut impl FnMut(&Shape, u64),
    ) {
        let Some(structure) = self.structure(structure) else { return };
        let members = &structure.members;
        let end = members.partition_point(|&(at, _)| at <= offset);
        let Some(last) = end.checked_sub(1) else { return };
        // The members of a union overlap: those that start at the same place.
        let start = members.partition_point(|&(at, _)| at < members[last].0);
        for (at, shape) in &members[start..end] {
            self.walk(shape, offset - at, depth + 1, visit);
        }
    }

    /// Calls `visit` for what stands `offset` bytes into `shape`, from outside to inside.
    fn walk(&self, shape: &Shape, offset: u64, depth: usize, visit: &mut impl FnMut(&Shape, u64)) {
        if depth > MAX_DEPTH {
            return;
        }
        visit(shape, offset);
        match shape {
            Shape::Structure { number, size } if offset < *size => {
                self.descend(*number, offset, depth, visit);
            }
            Shape::Array { element, count } => {
                let size = element.size();
                let within = offset.checked_div(size).filter(|index| index < count);
                if within.is_some() {
                    self.walk(element, offset % size, depth + 1, visit);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `struct handle { USART *instance; struct { USART *also; } inner[2]; }`, one at an address.
    fn shapes() -> Shapes {
        let register = Shape::Plain { size: 4, volatile: true };
        let usart = Structure { name: "USART".to_owned(), members: vec![(0, register)] };
        let inner = Structure { name: String::new(), members: vec![(0, Shape::Pointer(Some(0)))] };
        let element = Box::new(Shape::Structure { number: 1, size: 4 });
        let members = vec![(0, Shape::Pointer(Some(0))), (4, Shape::Array { element, count: 2 })];
        let handle = Structure { name: "handle".to_owned(), members };
        let variable = (12, Shape::Structure { number: 2, size: 12 });
        Shapes {
            arguments: BTreeMap::new(),
            structures: vec![usart, inner, handle],
            variables: BTreeMap::from([(0x2000_0000, variable)]),
        }
    }

    #[test]
    fn pointers_are_found_through_structures_and_arrays() {
        let shapes = shapes();
        assert_eq!(shapes.pointee(2, 0), Some(0));
        assert_eq!(shapes.pointee(2, 8), Some(0));
        assert_eq!(shapes.pointee(2, 9), None, "inside of the pointer");
        assert_eq!(shapes.pointee(2, 12), None, "behind the array");
        assert_eq!(shapes.pointer_at(0x2000_0004), Some(0));
        assert_eq!(shapes.pointer_at(0x2000_000c), None);
        assert_eq!(shapes.members_at(0x2000_0008), [(2, 8), (1, 0)]);
    }

    #[test]
    fn registers_are_volatile() {
        let shapes = shapes();
        assert!(shapes.is_volatile(0, 0));
        assert!(!shapes.is_volatile(2, 0));
        assert!(shapes.is_volatile(2 | VOLATILE, 0), "pointed to as volatile");
        assert!(!shapes.is_volatile(0, -4));
    }
}
