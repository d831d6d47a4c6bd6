//! Which functions and blocks an address is in, and the variables that they declare.

use bundle::{Local, LocalValue, OPTIMISED_OUT};
use gimli::EntriesTreeNode;

use super::debug::{At, Debug, Entry, Slice};
use super::types::Type;
use super::{Frame, place, value};
use crate::crash::walk::Registers;

/// Blocks within blocks; real programs stay far below.
const MOST_DEPTH: usize = 64;

/// A function whose code holds the address.
pub(super) struct Function {
    pub(super) name: Option<String>,
    /// Innermost block first.
    pub(super) variables: Vec<Variable>,
    /// The entry that says where its frame is: that of the function with code of its own.
    pub(super) frame_base: At,
}

/// A variable that is in scope.
pub(super) struct Variable {
    at: At,
    is_argument: bool,
}

/// The function with the code at `address` and those inlined into it there, outermost first.
pub(super) fn at(debug: &Debug<'_>, unit: usize, address: u64) -> Vec<Function> {
    let Some(at) = subprogram(debug, unit, address) else { return Vec::new() };
    let mut functions = Vec::new();
    let unit_of = debug.unit(unit);
    if let Ok(mut tree) = unit_of.entries_tree(Some(at.offset))
        && let Ok(root) = tree.root()
    {
        let mut search = Search { debug, unit, address, frame_base: at, functions: &mut functions };
        search.function(root, 0);
    }
    functions
}

/// The subprogram with the code at `address`; it may stand inside namespaces and types.
fn subprogram(debug: &Debug<'_>, unit: usize, address: u64) -> Option<At> {
    let mut entries = debug.unit(unit).entries();
    while let Ok(Some(entry)) = entries.next_dfs() {
        if entry.tag() == gimli::DW_TAG_subprogram && debug.holds(unit, entry, address) {
            return Some(At { unit, offset: entry.offset() });
        }
    }
    None
}

struct Search<'s, 'a> {
    debug: &'s Debug<'a>,
    unit: usize,
    address: u64,
    frame_base: At,
    functions: &'s mut Vec<Function>,
}

impl<'a> Search<'_, 'a> {
    fn function(&mut self, node: EntriesTreeNode<'_, '_, Slice<'a>>, depth: usize) {
        let name = self.debug.name(self.unit, node.entry());
        let place = self.functions.len();
        let frame_base = self.frame_base;
        self.functions.push(Function { name, variables: Vec::new(), frame_base });
        self.block(node, place, depth);
    }

    /// Takes the variables of a block of the function at `place`, then those of the blocks inside of
    /// it that hold the address.
    fn block(&mut self, node: EntriesTreeNode<'_, '_, Slice<'a>>, place: usize, depth: usize) {
        let mut own = Vec::new();
        let mut children = node.children();
        while let Ok(Some(child)) = children.next() {
            let entry = child.entry();
            let (tag, at) = (entry.tag(), At { unit: self.unit, offset: entry.offset() });
            let is_here = depth < MOST_DEPTH && self.debug.holds(self.unit, entry, self.address);
            match tag {
                gimli::DW_TAG_formal_parameter | gimli::DW_TAG_variable => {
                    let is_argument = tag == gimli::DW_TAG_formal_parameter;
                    own.push(Variable { at, is_argument });
                }
                gimli::DW_TAG_lexical_block if is_here => self.block(child, place, depth + 1),
                gimli::DW_TAG_inlined_subroutine if is_here => self.function(child, depth + 1),
                _ => {}
            }
        }
        self.functions[place].variables.extend(own);
    }
}

impl Variable {
    /// The variable with its value. `None`: it has no name, so nobody can ask for it.
    pub(super) fn read<R: Registers>(
        &self,
        debug: &Debug<'_>,
        unit: usize,
        frame: &Frame<'_, R>,
        frame_base: At,
        room: &mut usize,
    ) -> Option<Local> {
        let entry = debug.entry(self.at)?;
        let name = debug.name(unit, &entry)?;
        let ty = debug.type_of(unit, &entry).and_then(|at| Type::read(debug, at));
        let value = match &ty {
            Some(ty) => read(debug, unit, frame, frame_base, &entry, ty, room),
            None => LocalValue::missing("its type is not known"),
        };
        let type_name = ty.map(|ty| ty.name(debug));
        Some(Local { name, type_name, argument: self.is_argument, value })
    }
}

fn read<'a, R: Registers>(
    debug: &Debug<'a>,
    unit: usize,
    frame: &Frame<'_, R>,
    frame_base: At,
    entry: &Entry<'a>,
    ty: &Type,
    room: &mut usize,
) -> LocalValue {
    let size = ty.size(debug).min(value::MOST_BYTES);
    let find = place::Finder { debug, unit, frame, frame_base };
    match find.bytes(entry, size) {
        Some(bytes) => value::Reader { debug, memory: frame.memory, room }.value(ty, &bytes, 0),
        None => LocalValue::missing(OPTIMISED_OUT),
    }
}
