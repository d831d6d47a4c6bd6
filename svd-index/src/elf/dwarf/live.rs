//! What of the debug information is about the program: code that the linker discarded still has
//! some, at address 0 or at all ones. The first is where the vector table of many chips lies, so
//! it counts only if a function is there.

use std::ops::Range;

use crate::elf::image::Image;
use crate::elf::{Facts, Machine, SymbolKind};

/// Tells code and data of the program from what the linker discarded.
pub(super) struct Live<'d> {
    pub(super) image: &'d Image<'d>,
    machine: Machine,
    code_at_zero: bool,
    object_at_zero: Option<String>,
}

impl<'d> Live<'d> {
    pub(super) fn of(image: &'d Image<'d>, facts: &Facts) -> Self {
        let at_zero = |kind| {
            let mut symbols = facts.symbols.iter().take_while(|symbol| symbol.address == 0);
            symbols.find(|symbol| symbol.kind == kind && image.is_own(0))
        };
        Self {
            image,
            machine: facts.machine,
            code_at_zero: at_zero(SymbolKind::Function).is_some(),
            object_at_zero: at_zero(SymbolKind::Object).map(|symbol| symbol.linkage_name.clone()),
        }
    }

    /// Whether a function or line sequence at `range` is part of the program.
    pub(super) fn has_code(&self, range: &Range<u64>) -> bool {
        range.start < range.end
            && (range.start != 0 || self.code_at_zero)
            && self.image.is_code(range.start)
    }

    pub(super) fn has_variable(&self, address: u64, name: &str) -> bool {
        (address != 0 || self.object_at_zero.as_deref() == Some(name)) && self.image.is_own(address)
    }

    /// Some compilers leave the Thumb bit in code addresses.
    pub(super) fn code_address(&self, address: u64) -> u64 {
        if self.machine == Machine::Arm { address & !1 } else { address }
    }
}
