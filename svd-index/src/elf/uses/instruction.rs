//! What an instruction does to registers and memory, as far as constants can follow it.
//!
//! A decoder maps every instruction of its machine to one of these. What has no closer form
//! names at least every register that it may write: an [`Operation::Other`] that forgets one
//! would make a wrong address out of a stale constant.

/// Number of a core register, below [`REGISTERS`]. On Arm 13 is the stack pointer, 14 the link
/// register, 15 the program counter (ARMv7-M ARM, DDI 0403E, B1.4.1); on RISC-V 0 is always zero.
pub(crate) type Register = u8;

/// How many core registers a machine has at most.
pub(crate) const REGISTERS: usize = 32;

/// Stack pointer of Arm.
pub(crate) const SP: Register = 13;
/// Link register of Arm.
pub(crate) const LR: Register = 14;
/// Program counter of Arm.
pub(crate) const PC: Register = 15;

/// Every core register, as a set.
pub(crate) const ALL_REGISTERS: u32 = u32::MAX;

/// A decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Length in bytes, 2 or 4.
    pub(crate) size: u8,
    pub(crate) operation: Operation,
    pub(crate) flags: FlagEffect,
}

/// What an instruction does to the condition flags. A 16-bit Arm instruction leaves them alone
/// inside of an IT block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlagEffect {
    Kept,
    /// N and Z tell about the result, all four about the comparison that a subtraction is.
    Result,
    /// They are not known afterwards.
    Lost,
}

/// When a branch is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    /// By the flags: a condition code of ARMv7-M ARM, DDI 0403E, A7.3.
    Flags(u8),
    /// By comparing two registers, or a register with 0.
    Registers(Test, Register, Operand),
}

/// Ways to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Equal,
    NotEqual,
    Less,
    NotLess,
    LessUnsigned,
    NotLessUnsigned,
}

/// A second source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Immediate(u32),
    Register(Register),
    /// A register moved by a fixed amount.
    Shifted(Register, Shift, u8),
}

/// Ways to move bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    Left,
    LogicalRight,
    ArithmeticRight,
    Rotate,
}

/// Two sources to one result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    /// Second minus first.
    ReverseSubtract,
    And,
    Or,
    ExclusiveOr,
    /// First and not second.
    BitClear,
    /// First or not second.
    OrNot,
    Multiply,
}

/// Where memory is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Known from the instruction alone (a literal pool).
    Absolute(u32),
    /// A base register and an offset, possibly kept in the base.
    Indexed { base: Register, offset: Operand, subtract: bool, update: Update },
}

/// What becomes of the base register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    None,
    /// Base takes the address before the access.
    Before,
    /// The address is the base, which takes the sum afterwards.
    After,
}

/// Width of an access, and how a load fills the rest of its register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Width {
    /// 1, 2 or 4.
    pub(crate) bytes: u8,
    pub(crate) signed: bool,
}

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `to` takes the operand.
    Move {
        to: Register,
        from: Operand,
    },
    /// `to` takes the operand's complement.
    MoveNot {
        to: Register,
        from: Operand,
    },
    /// The upper half of `to` takes `half`.
    MoveTop {
        to: Register,
        half: u16,
    },
    Compute {
        what: Arithmetic,
        to: Register,
        first: Register,
        second: Operand,
    },
    /// Shift by what a register holds.
    ShiftBy {
        how: Shift,
        to: Register,
        from: Register,
        by: Register,
    },
    /// Low byte or halfword, extended.
    Extend {
        to: Register,
        from: Register,
        width: Width,
        rotate: u8,
    },
    /// `width` bits from `lsb` on, moved down.
    ExtractBits {
        to: Register,
        from: Register,
        lsb: u8,
        width: u8,
        signed: bool,
    },
    /// `width` bits from `lsb` on take the lowest of `from`, or 0.
    InsertBits {
        to: Register,
        from: Option<Register>,
        lsb: u8,
        width: u8,
    },
    /// Sets flags only.
    Compare {
        what: Arithmetic,
        first: Register,
        second: Operand,
    },
    /// 1 if the first is less than the second, else 0.
    SetIfLess {
        to: Register,
        first: Register,
        second: Operand,
        signed: bool,
    },
    Load {
        to: Register,
        width: Width,
        place: Place,
    },
    Store {
        from: Register,
        width: Width,
        place: Place,
        status: Option<Register>,
    },
    LoadTwo {
        to: [Register; 2],
        place: Place,
    },
    StoreTwo {
        from: [Register; 2],
        place: Place,
    },
    /// Registers in `list`, lowest at the lowest address.
    LoadMany {
        base: Register,
        list: u32,
        update: bool,
        down: bool,
    },
    StoreMany {
        base: Register,
        list: u32,
        update: bool,
        down: bool,
    },
    /// Reads memory, changes what it read, writes it back: RISC-V's AMO.
    Exchange {
        to: Register,
        place: Place,
    },
    Branch {
        target: u32,
        condition: Condition,
    },
    /// A call that comes back; the target where the instruction names it.
    Call {
        target: Option<u32>,
    },
    /// A call of what a register points to, moved by some bytes.
    CallRegister {
        register: Register,
        offset: i32,
    },
    /// Returns.
    Leave,
    /// Goes on where a register points to: a tail call, or a return that does not look like one.
    LeaveRegister {
        register: Register,
        offset: i32,
    },
    /// Jumps to one of the entries of the table that follows: bytes or halfwords that count
    /// halfwords, chosen by `index`.
    JumpTable {
        index: Register,
        halfwords: bool,
    },
    /// Jumps to a computed place inside the function.
    Jump,
    /// Makes the next `count` instructions conditional; bit n of `elses` says that the n-th of
    /// them happens when the others do not.
    IfThen {
        condition: u8,
        count: u8,
        elses: u8,
    },
    /// Anything else: reads and writes these registers, and writes memory if `stores`.
    Other {
        reads: u32,
        writes: u32,
        stores: bool,
    },
    /// Never carries on: a permanently undefined instruction.
    Stop,
}

impl Instruction {
    /// Core registers that it takes values from.
    pub(crate) fn reads(&self) -> u32 {
        match self.operation {
            Operation::Move { from, .. } | Operation::MoveNot { from, .. } => operand(from),
            Operation::MoveTop { to, .. } => set(to),
            Operation::Compute { first, second, .. }
            | Operation::Compare { first, second, .. }
            | Operation::SetIfLess { first, second, .. } => set(first) | operand(second),
            Operation::ShiftBy { from, by, .. } => set(from) | set(by),
            Operation::Extend { from, .. } | Operation::ExtractBits { from, .. } => set(from),
            Operation::InsertBits { to, from, .. } => set(to) | from.map_or(0, set),
            Operation::Load { place, .. }
            | Operation::LoadTwo { place, .. }
            | Operation::Exchange { place, .. } => place.reads(),
            Operation::Store { from, place, .. } => set(from) | place.reads(),
            Operation::StoreTwo { from, place } => set(from[0]) | set(from[1]) | place.reads(),
            Operation::LoadMany { base, .. } => set(base),
            Operation::StoreMany { base, list, .. } => set(base) | list,
            Operation::Branch { condition: Condition::Registers(_, left, right), .. } => {
                set(left) | operand(right)
            }
            Operation::CallRegister { register, .. }
            | Operation::LeaveRegister { register, .. } => set(register),
            Operation::JumpTable { index, .. } => set(index),
            Operation::Jump => ALL_REGISTERS,
            Operation::Other { reads, .. } => reads,
            _ => 0,
        }
    }

    /// Core registers that have another value afterwards, whatever the machine's state is. What
    /// a call leaves is for the calling convention to say.
    pub(crate) fn writes(&self) -> u32 {
        match self.operation {
            Operation::Move { to, .. }
            | Operation::MoveNot { to, .. }
            | Operation::MoveTop { to, .. }
            | Operation::Compute { to, .. }
            | Operation::SetIfLess { to, .. }
            | Operation::ShiftBy { to, .. }
            | Operation::Extend { to, .. }
            | Operation::ExtractBits { to, .. }
            | Operation::InsertBits { to, .. } => set(to),
            Operation::Load { to, place, .. } | Operation::Exchange { to, place } => {
                set(to) | place.writes()
            }
            Operation::LoadTwo { to, place } => set(to[0]) | set(to[1]) | place.writes(),
            Operation::Store { place, status, .. } => place.writes() | status.map_or(0, set),
            Operation::StoreTwo { place, .. } => place.writes(),
            Operation::LoadMany { base, list, update, .. } => {
                list | if update { set(base) } else { 0 }
            }
            Operation::StoreMany { base, update: true, .. } => set(base),
            Operation::Other { writes, .. } => writes,
            _ => 0,
        }
    }

    /// The one register that takes the result of arithmetic.
    pub(crate) fn result(&self) -> Option<Register> {
        match self.operation {
            Operation::Move { to, .. }
            | Operation::MoveNot { to, .. }
            | Operation::Compute { to, .. }
            | Operation::ShiftBy { to, .. } => Some(to),
            _ => None,
        }
    }
}

impl Place {
    fn reads(self) -> u32 {
        match self {
            Self::Absolute(_) => 0,
            Self::Indexed { base, offset, .. } => set(base) | operand(offset),
        }
    }

    fn writes(self) -> u32 {
        match self {
            Self::Indexed { base, update, .. } if update != Update::None => set(base),
            _ => 0,
        }
    }
}

/// `offset` bytes behind `base`.
pub(super) fn at(base: Register, offset: u32) -> Place {
    let offset = Operand::Immediate(offset);
    Place::Indexed { base, offset, subtract: false, update: Update::None }
}

/// A plain load.
pub(super) fn load(to: Register, width: Width, place: Place) -> Operation {
    Operation::Load { to, width, place }
}

/// A plain store.
pub(super) fn store(from: Register, width: Width, place: Place) -> Operation {
    Operation::Store { from, width, place, status: None }
}

/// Arithmetic on a register and an operand.
pub(super) fn compute(
    what: Arithmetic,
    to: Register,
    first: Register,
    second: Operand,
) -> Operation {
    Operation::Compute { what, to, first, second }
}

fn set(register: Register) -> u32 {
    1 << register
}

fn operand(operand: Operand) -> u32 {
    match operand {
        Operand::Immediate(_) => 0,
        Operand::Register(register) | Operand::Shifted(register, ..) => set(register),
    }
}
