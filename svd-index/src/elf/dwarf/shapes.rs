//! Pointers, and the structures that they point to: what the analysis of register use asks for.
//!
//! Structures are read once all units have been walked, and only those that something points to.

use foldhash::HashMap;
use gimli::AttributeValue;

use super::entries::{Scope, ScopeKind};
use super::signatures::elsewhere;
use super::units::{Die, Entry, Slice, Units};
use crate::elf::uses::shapes::{Shape, Shapes, Structure, VOLATILE};
use crate::elf::{Function, Machine};

/// Deepest nesting of types in types that is followed.
const MAX_DEPTH: usize = 24;

/// Most structures that are read. Real firmware has some thousands.
const MAX_STRUCTURES: usize = 100_000;

/// Structures found so far.
pub(super) struct Found<'u, 'a> {
    units: &'u Units<'u, 'a>,
    machine: Machine,
    numbers: HashMap<Die, u32>,
    by_name: HashMap<(String, u64), u32>,
    /// Names alone that say little (`RegisterBlock`), with the module around them.
    modules: HashMap<Die, String>,
    unread: Vec<(u32, Die)>,
    shapes: Shapes,
    /// Argument registers of the function that is being read: its start, and what its arguments
    /// point to. `None` once one of them is not passed in one register.
    function: Option<(u32, Vec<Option<u32>>)>,
}

impl<'u, 'a> Found<'u, 'a> {
    pub(super) fn new(units: &'u Units<'u, 'a>, machine: Machine) -> Self {
        Self {
            units,
            machine,
            numbers: HashMap::default(),
            by_name: HashMap::default(),
            modules: HashMap::default(),
            unread: Vec::new(),
            shapes: Shapes::default(),
            function: None,
        }
    }

    /// Reads a parameter of the function that is being read.
    pub(super) fn read_parameter(
        &mut self,
        unit: usize,
        entry: &Entry<'a>,
        scopes: &[Scope],
        functions: &[Function],
    ) {
        let Some(Scope { kind: ScopeKind::Function { position: Some(position) }, .. }) =
            scopes.last()
        else {
            return;
        };
        let Ok(start) = u32::try_from(functions[*position].ranges[0].start) else { return };
        let shape = match self.units.inherited(unit, entry, gimli::DW_AT_type) {
            Some((owner, value)) => self.shape(owner, &value, false, 0),
            None => Shape::Plain { size: 0, volatile: false },
        };
        let registers = match &mut self.function {
            Some((known, registers)) if *known == start => registers,
            function => &mut function.insert((start, Vec::new())).1,
        };
        // Pairs of registers start at an even one on Arm (IHI 0042, 6.5, C.3).
        let is_even = self.machine != Machine::Arm || registers.len() % 2 == 0;
        match shape {
            Shape::Pointer(to) => registers.push(to),
            Shape::Plain { size: 1..=4, .. } => registers.push(None),
            Shape::Plain { size: 8, .. } if is_even => registers.extend([None, None]),
            Shape::Plain { size: 8, .. } => registers.extend([None, None, None]),
            // What follows cannot be counted: more than any machine has registers.
            _ => registers.extend([None; 16]),
        }
        let is_new = registers.iter().any(Option::is_some);
        if is_new {
            self.shapes.arguments.insert(start, registers.clone());
        }
    }

    /// Takes note of the module around a structure whose name says little.
    pub(super) fn read_module(&mut self, unit: usize, entry: &Entry<'a>, scopes: &[Scope]) {
        let Some(Scope { kind: ScopeKind::Namespace, entry: module, .. }) = scopes.last() else {
            return;
        };
        if self.units.text(unit, entry, gimli::DW_AT_name) != "RegisterBlock" {
            return;
        }
        if let Some(module) = self.units.entry((unit, *module)) {
            let name = self.units.text(unit, &module, gimli::DW_AT_name).into_owned();
            self.modules.insert((unit, entry.offset()), name);
        }
    }

    /// Takes note of a variable with a fixed address.
    pub(super) fn read_variable(
        &mut self,
        unit: usize,
        reference: &AttributeValue<Slice<'a>>,
        address: u64,
        size: u64,
    ) {
        let Ok(address) = u32::try_from(address) else { return };
        let shape = self.shape(unit, reference, false, 0);
        if !matches!(shape, Shape::Plain { .. }) {
            self.shapes.variables.insert(address, (size, shape));
        }
    }

    /// Reads the structures that something points to.
    pub(super) fn into_shapes(mut self) -> Shapes {
        while let Some((number, die)) = self.unread.pop() {
            let members = self.members(die).unwrap_or_default();
            self.shapes.structures[number as usize].members = members;
        }
        self.shapes
    }

    fn shape(
        &mut self,
        unit: usize,
        reference: &AttributeValue<Slice<'a>>,
        volatile: bool,
        depth: usize,
    ) -> Shape {
        let nothing = Shape::Plain { size: 0, volatile };
        let Some(die) = self.units.reference(unit, reference) else { return nothing };
        if depth > MAX_DEPTH {
            return nothing;
        }
        let Some(entry) = self.units.entry(die) else { return nothing };
        if let Some(definition) = elsewhere(&entry) {
            return self.shape(die.0, &definition, volatile, depth + 1);
        }
        let target = entry.attr_value(gimli::DW_AT_type);
        let size = entry.attr_value(gimli::DW_AT_byte_size).and_then(|size| size.udata_value());
        let size = size.unwrap_or(0);
        match (entry.tag(), target) {
            (gimli::DW_TAG_volatile_type, Some(target)) => {
                self.shape(die.0, &target, true, depth + 1)
            }
            (gimli::DW_TAG_typedef, Some(target)) => {
                self.name_structure(die, &entry, &target);
                self.shape(die.0, &target, volatile, depth + 1)
            }
            (
                gimli::DW_TAG_const_type | gimli::DW_TAG_atomic_type | gimli::DW_TAG_restrict_type,
                Some(target),
            ) => self.shape(die.0, &target, volatile, depth + 1),
            (
                gimli::DW_TAG_pointer_type
                | gimli::DW_TAG_reference_type
                | gimli::DW_TAG_rvalue_reference_type,
                target,
            ) => Shape::Pointer(target.and_then(|target| self.pointee(die.0, &target, depth))),
            (
                gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type | gimli::DW_TAG_union_type,
                _,
            ) => match self.number(die, &entry, size) {
                Some(number) => {
                    let flag = if volatile { VOLATILE } else { 0 };
                    Shape::Structure { number: number | flag, size }
                }
                None => nothing,
            },
            (gimli::DW_TAG_array_type, Some(target)) => {
                let element = self.shape(die.0, &target, volatile, depth + 1);
                let counts = self.units.dimensions(die).unwrap_or_default();
                counts.iter().rev().fold(element, |element, &count| Shape::Array {
                    element: Box::new(element),
                    count,
                })
            }
            _ => Shape::Plain { size, volatile },
        }
    }

    /// C's usual `typedef struct { … } USART_TypeDef;`: the structure itself has no name.
    fn name_structure(
        &mut self,
        typedef: Die,
        entry: &Entry<'a>,
        target: &AttributeValue<Slice<'a>>,
    ) {
        let Some(die) = self.units.reference(typedef.0, target) else { return };
        if self.numbers.contains_key(&die) {
            return;
        }
        let Some(structure) = self.units.entry(die) else { return };
        let is_structure = matches!(
            structure.tag(),
            gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type | gimli::DW_TAG_union_type
        );
        if !is_structure || structure.has_attr(gimli::DW_AT_name) {
            return;
        }
        let size = structure.attr_value(gimli::DW_AT_byte_size).and_then(|size| size.udata_value());
        let name = self.units.text(typedef.0, entry, gimli::DW_AT_name).into_owned();
        self.number_named(die, name, size.unwrap_or(0));
    }

    fn pointee(
        &mut self,
        unit: usize,
        target: &AttributeValue<Slice<'a>>,
        depth: usize,
    ) -> Option<u32> {
        match self.shape(unit, target, false, depth + 1) {
            Shape::Structure { number, .. } => Some(number),
            _ => None,
        }
    }

    /// The number of a structure; what has the same name and size in another unit is the same.
    fn number(&mut self, die: Die, entry: &Entry<'a>, size: u64) -> Option<u32> {
        if let Some(&number) = self.numbers.get(&die) {
            return Some(number);
        }
        let name = self.units.text(die.0, entry, gimli::DW_AT_name).into_owned();
        self.number_named(die, name, size)
    }

    fn number_named(&mut self, die: Die, name: String, size: u64) -> Option<u32> {
        if self.shapes.structures.len() >= MAX_STRUCTURES {
            return None;
        }
        let key = (name, size);
        // Modules tell registers blocks of one name and size apart, so these stay as they are.
        let is_shared = !key.0.is_empty() && key.0 != "RegisterBlock";
        if let Some(&number) = self.by_name.get(&key).filter(|_| is_shared) {
            self.numbers.insert(die, number);
            return Some(number);
        }
        let number = self.shapes.structures.len() as u32;
        let structure = Structure { name: key.0.clone(), members: Vec::new() };
        self.shapes.structures.push(structure);
        self.numbers.insert(die, number);
        self.unread.push((number, die));
        if is_shared {
            self.by_name.insert(key, number);
        }
        Some(number)
    }

    fn members(&mut self, die: Die) -> gimli::Result<Vec<(u64, Shape)>> {
        let (unit, offset) = die;
        if let Some(module) = self.modules.get(&die)
            && let Some(&number) = self.numbers.get(&die)
        {
            let name = &mut self.shapes.structures[number as usize].name;
            *name = format!("{module}::{name}");
        }
        let mut tree = self.units.get(unit).entries_tree(Some(offset))?;
        let root = tree.root()?;
        let is_cell = is_cell(&self.units.text(unit, root.entry(), gimli::DW_AT_name));
        let mut children = root.children();
        let mut members = Vec::new();
        while let Some(child) = children.next()? {
            let entry = child.entry();
            if !matches!(entry.tag(), gimli::DW_TAG_member | gimli::DW_TAG_inheritance) {
                continue;
            }
            let Some(reference) = entry.attr_value(gimli::DW_AT_type) else { continue };
            let Some(offset) = super::types::member_offset(entry) else { continue };
            members.push((offset, self.shape(unit, &reference, is_cell, 0)));
        }
        members.sort_by_key(|&(offset, _)| offset);
        Ok(members)
    }
}

/// Rust's `volatile`: a cell that its owner does not know to keep its value.
fn is_cell(name: &str) -> bool {
    ["UnsafeCell<", "VolatileCell<", "Volatile<"].iter().any(|cell| name.starts_with(cell))
}
