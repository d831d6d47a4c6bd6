//! Arguments and local variables of the functions on a call chain.
//!
//! ```text
//! address ─▶ scopes: the function there, what was inlined into it, the blocks ─▶ variables
//! variable ─▶ place: its location, by the registers and the memory of that frame ─▶ bytes
//! bytes, type ─▶ value
//! ```
//!
//! A byte that was not read, or that the compiler gave up before the core stopped, stays unknown on
//! the whole way: a structure may be known in part. Nothing is guessed. Source: DWARF 5, chapters 2
//! to 5.

mod debug;
mod place;
mod scopes;
mod statics;
mod types;
mod value;

use bundle::Local;

use super::image::Image;
use super::memory::Memory;
use super::walk::{Registers, Stop};

pub(super) use debug::Debug;
pub(super) use statics::{Shape, Static, statics};

/// Variables of one function that are told, and values that they are made of.
const MOST_LOCALS: usize = 64;
const MOST_VALUES: usize = 512;

/// The variables of one function of a chain.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FunctionLocals {
    /// Name of the function in the source, without the scopes around it.
    pub function: Option<String>,
    /// Arguments first, then variables, those of the innermost block first.
    pub locals: Vec<Local>,
}

/// What a variable's location may speak of.
struct Frame<'f, R> {
    stop: &'f Stop<R>,
    image: &'f Image,
    memory: &'f Memory<'f>,
}

/// The variables of the function at `stop`, behind those of each function inlined there, innermost
/// first. Empty: the debug information knows no function there.
pub(super) fn locals<R: Registers>(
    debug: &Debug<'_>,
    image: &Image,
    memory: &Memory<'_>,
    stop: &Stop<R>,
) -> Vec<FunctionLocals> {
    let frame = Frame { stop, image, memory };
    let Some(unit) = debug.unit_at(stop.at.into()) else { return Vec::new() };
    let mut functions = scopes::at(debug, unit, stop.at.into());
    functions.reverse();
    functions
        .into_iter()
        .map(|function| {
            let mut room = MOST_VALUES;
            let variables = function.variables.iter().take(MOST_LOCALS);
            let mut locals: Vec<Local> = variables
                .filter_map(|variable| {
                    variable.read(debug, unit, &frame, function.frame_base, &mut room)
                })
                .collect();
            locals.sort_by_key(|local| !local.argument);
            FunctionLocals { function: function.name, locals }
        })
        .collect()
}
