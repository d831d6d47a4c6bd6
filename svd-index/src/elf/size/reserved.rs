//! Memory that linker scripts set aside for stack and heap, as their symbols and sections tell.

use std::ops::Range;

use super::Block;
use crate::elf::Firmware;

/// What memory is set aside for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReservedFor {
    /// Calls and local variables.
    Stack,
    /// What is allocated while the program runs.
    Heap,
    /// Both, with no border that the file tells.
    StackAndHeap,
}

/// Memory that is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation<'a> {
    /// What for.
    pub purpose: ReservedFor,
    /// The section, or the symbols at both ends, or the symbol whose value is the size.
    pub told_by: Vec<&'a str>,
    /// Size in bytes.
    pub size: u64,
    /// Where it is; `None` where only its size is told.
    pub range: Option<Range<u64>>,
    /// Whether it lies in a section, and so counts as RAM that is taken.
    pub is_counted: bool,
}

/// Symbols at the lowest address and after the highest one.
///
/// Source: the linker scripts of CMSIS, GNU Arm's samples, cortex-m-rt, riscv-rt, nRF5 SDK and
/// STM32Cube use these names.
const BORDERS: &[(&str, &str, ReservedFor)] = &[
    ("__StackLimit", "__StackTop", ReservedFor::Stack),
    ("__HeapBase", "__HeapLimit", ReservedFor::Heap),
    ("_sstack", "_estack", ReservedFor::Stack),
    ("_sheap", "_eheap", ReservedFor::Heap),
    ("__stack_start__", "__stack_end__", ReservedFor::Stack),
    ("__heap_start__", "__heap_end__", ReservedFor::Heap),
    ("__heap_start", "__heap_end", ReservedFor::Heap),
    ("_heap_start", "_heap_end", ReservedFor::Heap),
    ("_stack_end", "_stack_start", ReservedFor::Stack),
];

/// Symbols whose value is a size.
const AMOUNTS: &[(&str, ReservedFor)] = &[
    ("_Min_Stack_Size", ReservedFor::Stack),
    ("_Min_Heap_Size", ReservedFor::Heap),
    ("__STACK_SIZE", ReservedFor::Stack),
    ("__HEAP_SIZE", ReservedFor::Heap),
    ("__stack_size", ReservedFor::Stack),
    ("__heap_size", ReservedFor::Heap),
    ("_hart_stack_size", ReservedFor::Stack),
    ("_heap_size", ReservedFor::Heap),
];

/// All that is told, by purpose as in the tables above, sections first.
pub(super) fn find<'a>(firmware: &'a Firmware, blocks: &[Block<'a>]) -> Vec<Reservation<'a>> {
    let mut found: Vec<Reservation<'a>> = blocks.iter().filter_map(of_section).collect();
    let symbols: Vec<(&str, u64)> = firmware
        .symbols()
        .filter(|symbol| is_of_interest(symbol.linkage_name))
        .map(|symbol| (symbol.linkage_name, symbol.address))
        .collect();
    let value = |name: &str| symbols.iter().find(|(known, _)| *known == name).copied();
    for &(low, high, purpose) in BORDERS {
        let (Some((low, start)), Some((high, end))) = (value(low), value(high)) else { continue };
        let holds = |block: &Block<'_>| block.address <= start && end <= block.end();
        if start < end {
            found.push(Reservation {
                purpose,
                told_by: vec![low, high],
                size: end - start,
                range: Some(start..end),
                is_counted: blocks.iter().any(holds),
            });
        }
    }
    for &(name, purpose) in AMOUNTS {
        let Some((name, size)) = value(name).filter(|&(_, size)| size != 0) else { continue };
        let (told_by, range) = (vec![name], None);
        found.push(Reservation { purpose, told_by, size, range, is_counted: false });
    }
    found
}

fn is_of_interest(name: &str) -> bool {
    BORDERS.iter().any(|&(low, high, _)| name == low || name == high)
        || AMOUNTS.iter().any(|&(amount, _)| name == amount)
}

/// A cleared section whose name says what it is for.
fn of_section<'a>(block: &Block<'a>) -> Option<Reservation<'a>> {
    if !block.zeroed || block.bytes.ram == 0 {
        return None;
    }
    let name = block.name.to_ascii_lowercase();
    let purpose = match (name.contains("stack"), name.contains("heap")) {
        (true, true) => ReservedFor::StackAndHeap,
        (true, false) => ReservedFor::Stack,
        (false, true) => ReservedFor::Heap,
        (false, false) => return None,
    };
    Some(Reservation {
        purpose,
        told_by: vec![block.name],
        size: block.size,
        range: Some(block.address..block.end()),
        is_counted: true,
    })
}
