//! What an instruction does to registers and memory, as far as constants can follow it.
//!
//! A decoder maps every instruction of its machine to one of these. What has no closer form
//! names at least every register that it may write: an [`Operation::Other`] that forgets one
//! would make a wrong address out of a stale constant.

/// Number of a core register. 13 is the stack pointer, 14 the link register, 15 the program
/// counter (ARMv7-M ARM, DDI 0403E, B1.4.1).
pub(crate) type Register = u8;

/// Stack pointer.
pub(crate) const SP: Register = 13;
/// Link register.
pub(crate) const LR: Register = 14;
/// Program counter.
pub(crate) const PC: Register = 15;

/// Every core register, as a set.
pub(crate) const ALL_REGISTERS: u16 = u16::MAX;

/// A decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Length in bytes, 2 or 4.
    pub(crate) size: u8,
    pub(crate) operation: Operation,
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
    /// Sets flags only; kept for the bounds of jump tables.
    Compare {
        register: Register,
        with: u32,
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
        list: u16,
        update: bool,
        down: bool,
    },
    StoreMany {
        base: Register,
        list: u16,
        update: bool,
        down: bool,
    },
    Branch {
        target: u32,
        conditional: bool,
    },
    /// A call that comes back; the target where the instruction names it.
    Call {
        target: Option<u32>,
    },
    /// Leaves the function: a return or a jump through a register to another function.
    Leave,
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
        count: u8,
        elses: u8,
    },
    /// Anything else: writes these registers, and memory if `stores`.
    Other {
        writes: u16,
        stores: bool,
    },
    /// Never carries on: a permanently undefined instruction.
    Stop,
}
