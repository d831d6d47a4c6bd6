//! What the opened firmware says of its vector table: where it was found, what its entries are
//! called, and whether the stack can start where the first one says.

use super::Firmware;
use super::records::{
    HEADER_BIG_ENDIAN, TABLE_FIRST_SECTION, TABLE_FIRST_SEGMENT, TABLE_SECTION, TABLE_SYMBOL,
    VECTOR_NO_THUMB_BIT, VECTOR_NOT_CODE, VECTOR_OUTSIDE,
};
use super::{Machine, VectorProblem};
use crate::chip::Origin;

/// What told where the vector table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableRef<'a> {
    /// A symbol that toolchains give to the table.
    Symbol(&'a str),
    /// A section that they give to the table alone.
    Section(&'a str),
    /// It looks like one, and stands first in the program's memory, in this section.
    FirstSection(&'a str),
    /// The same for a file without sections.
    FirstSegment,
}

/// Where the stack starts: entry 0 of the vector table, seen against the program's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialStack<'a> {
    /// The address. The first word pushed goes below it.
    pub address: u64,
    /// What lies there.
    pub place: StackPlace<'a>,
}

/// What lies where a stack starts. The end of the chip's RAM is not in an ELF, and so not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackPlace<'a> {
    /// It ends, or lies in, this writable section: made for the stack, or with data that the
    /// stack grows into.
    InSection(&'a str),
    /// Above all of the program's data in that part of the address map.
    Above {
        /// Last section below it.
        section: &'a str,
        /// Bytes from its end up to the start of the stack.
        free: u64,
    },
    /// Below all of the program's data in that part of the address map, as linkers lay it out so
    /// that an overflow faults.
    Below {
        /// First section above it.
        section: &'a str,
    },
    /// No data of the program is near: nothing to judge by.
    Unknown,
    /// What is below it is code or constants, which cannot be written.
    ReadOnly(&'a str),
    /// No memory can be there: peripherals, or the core's own registers.
    ///
    /// Source: ARMv7-M ARM, DDI 0403E, B3.1 (the system address map).
    NoMemory,
}

impl Firmware {
    /// What told where the vector table is; `None` where no table was found.
    pub fn vector_table(&self) -> Option<TableRef<'_>> {
        let header = self.header();
        let name = self.text(header.table_name);
        match header.table {
            TABLE_SYMBOL => Some(TableRef::Symbol(name)),
            TABLE_SECTION => Some(TableRef::Section(name)),
            TABLE_FIRST_SECTION => Some(TableRef::FirstSection(name)),
            TABLE_FIRST_SEGMENT => Some(TableRef::FirstSegment),
            _ => None,
        }
    }

    /// Whether a vector table is looked for at all: only little-endian Arm programs have one that
    /// tells its handlers. RISC-V's `mtvec` is set by running code and points to code.
    pub fn has_vector_tables(&self) -> bool {
        self.machine() == Machine::Arm && self.header().flags & HEADER_BIG_ENDIAN == 0
    }

    /// Where the stack starts after reset; `None` where no vector table was found.
    pub fn initial_stack(&self) -> Option<InitialStack<'_>> {
        let address = self.vectors().find(|vector| vector.number == 0)?.value;
        Some(InitialStack { address, place: self.stack_place(address) })
    }

    /// Name of a system exception (`HardFault`), as the manuals have it; `None` for entries that
    /// are reserved on this core, the stack pointer and interrupts.
    ///
    /// Source: ARMv6-M ARM, DDI 0419E, B1.5.2; ARMv7-M ARM, DDI 0403E, B1.5.2; ARMv8-M ARM,
    /// DDI 0553, B3.8.
    pub fn exception(&self, number: u32) -> Option<&'static str> {
        let core = self.core();
        let is_small = matches!(core, Some(Origin::ArmV6M | Origin::ArmV8MBaseline));
        Some(match number {
            1 => "Reset",
            2 => "NMI",
            3 => "HardFault",
            4 if !is_small => "MemManage",
            5 if !is_small => "BusFault",
            6 if !is_small => "UsageFault",
            7 if core == Some(Origin::ArmV8M) => "SecureFault",
            11 => "SVCall",
            12 if !is_small => "DebugMonitor",
            14 => "PendSV",
            15 => "SysTick",
            _ => return None,
        })
    }

    fn stack_place(&self, address: u64) -> StackPlace<'_> {
        if is_without_memory(address.saturating_sub(1)) {
            return StackPlace::NoMemory;
        }
        let taken: Vec<_> =
            self.sections().filter(|section| section.allocated && section.size != 0).collect();
        // The first word is pushed below the address, so a section that ends there holds it.
        if let Some(section) =
            taken.iter().find(|s| s.address < address && address - s.address <= s.size)
        {
            return match section.writable {
                true => StackPlace::InSection(section.name),
                false => StackPlace::ReadOnly(section.name),
            };
        }
        let near = || taken.iter().filter(|s| s.writable && s.address / PART == address / PART);
        let below = near().filter(|section| section.address < address);
        if let Some(section) = below.max_by_key(|section| section.address) {
            let free = address - section.address.saturating_add(section.size).min(address);
            return StackPlace::Above { section: section.name, free };
        }
        match near().min_by_key(|section| section.address) {
            Some(section) => StackPlace::Below { section: section.name },
            None => StackPlace::Unknown,
        }
    }
}

/// Memories of one chip that are further apart are not one RAM.
const PART: u64 = 0x0100_0000;

/// Source: ARMv7-M ARM, DDI 0403E, B3.1: Peripheral, Device and System are not for memory.
fn is_without_memory(address: u64) -> bool {
    matches!(address, 0x4000_0000..0x6000_0000 | 0xa000_0000..)
}

impl super::VectorRef<'_> {
    /// Number of an interrupt at the interrupt controller, from 0.
    pub fn interrupt(&self) -> Option<u32> {
        self.number.checked_sub(16)
    }
}

/// The problem in the flags of a record.
pub(super) fn problem(flags: u32) -> Option<VectorProblem> {
    if flags & VECTOR_OUTSIDE != 0 {
        Some(VectorProblem::Outside)
    } else if flags & VECTOR_NOT_CODE != 0 {
        Some(VectorProblem::NotCode)
    } else {
        (flags & VECTOR_NO_THUMB_BIT != 0).then_some(VectorProblem::NoThumbBit)
    }
}
