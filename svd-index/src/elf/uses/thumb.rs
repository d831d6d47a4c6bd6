//! Decoder for Thumb code (ARMv6-M, ARMv7-M and what ARMv8-M shares with them).
//!
//! Own, rather than a disassembler's: of each instruction only its effect on core registers and
//! memory is wanted, nothing is formatted, and the crate builds without a C library. A test
//! compares the registers written with Capstone's over all 16-bit and many 32-bit encodings.
//!
//! Source: ARMv7-M ARM, DDI 0403E, A5.2 (16-bit), A5.3 (32-bit); names of fields are from there.

use super::instruction::{
    ALL_REGISTERS, Arithmetic, Condition, FlagEffect, Instruction, LR, Operand, Operation, PC,
    Place, Register, SP, Shift, Test, Update, Width, at, compute, load, store,
};

const BYTE: Width = Width { bytes: 1, signed: false };
const HALF: Width = Width { bytes: 2, signed: false };
const WORD: Width = Width { bytes: 4, signed: false };
const SIGNED_BYTE: Width = Width { bytes: 1, signed: true };
const SIGNED_HALF: Width = Width { bytes: 2, signed: true };

/// Reads the instruction at `pc`, which `bytes` start at. `None`: cut off.
pub(crate) fn decode(bytes: &[u8], pc: u32) -> Option<Instruction> {
    let halfword = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let first = halfword(0)?;
    // A5.1: three leading patterns announce a second halfword.
    if first >> 11 >= 0b11101 {
        let wide = Wide { pc, first: first.into(), second: halfword(2)?.into() };
        let operation = wide.decode();
        return Some(Instruction { size: 4, operation, flags: wide.flags(operation) });
    }
    let operation = narrow(first.into(), pc);
    Some(Instruction { size: 2, operation, flags: narrow_flags(first.into()) })
}

/// Whether a 16-bit instruction outside of an IT block sets flags (A5.2.1, A5.2.2).
fn narrow_flags(word: u32) -> FlagEffect {
    match bits(word, 15, 10) {
        0b000_000..=0b010_000 => FlagEffect::Result,
        // CMP of high registers.
        0b010_001 if bits(word, 9, 8) == 0b01 => FlagEffect::Result,
        _ => FlagEffect::Kept,
    }
}

fn bits(word: u32, high: u32, low: u32) -> u32 {
    (word >> low) & (u32::MAX >> (31 - (high - low)))
}

fn reg(word: u32, low: u32) -> Register {
    bits(word, low + 2, low) as Register
}

fn reg4(word: u32, low: u32) -> Register {
    bits(word, low + 3, low) as Register
}

fn signed(value: u32, width: u32) -> u32 {
    let unused = 32 - width;
    ((value << unused) as i32 >> unused) as u32
}

/// The program counter as instructions see it, for literals: two instructions on, word-aligned.
fn literal_base(pc: u32) -> u32 {
    pc.wrapping_add(4) & !3
}

fn writes(register: Register) -> Operation {
    Operation::Other { reads: ALL_REGISTERS, writes: 1 << register, stores: false }
}

fn nothing() -> Operation {
    Operation::Other { reads: 0, writes: 0, stores: false }
}

/// What may do anything.
fn anything() -> Operation {
    let writes = ALL_REGISTERS & !(1 << PC);
    Operation::Other { reads: ALL_REGISTERS, writes, stores: true }
}

/// Takes any register as a source and changes none that is followed.
fn only_reads() -> Operation {
    Operation::Other { reads: ALL_REGISTERS, writes: 0, stores: false }
}

fn compare(what: Arithmetic, first: Register, second: Operand) -> Operation {
    Operation::Compare { what, first, second }
}

/// A5.2: 16-bit instructions.
fn narrow(word: u32, pc: u32) -> Operation {
    match bits(word, 15, 12) {
        0b0000 | 0b0001 => shift_add_subtract(word),
        0b0010 | 0b0011 => immediate8(word),
        0b0100 if bits(word, 11, 10) == 0b00 => data_processing(word),
        0b0100 if bits(word, 11, 10) == 0b01 => special_data(word, pc),
        0b0100 => load(reg(word, 8), WORD, literal(pc, bits(word, 7, 0) * 4)),
        0b0101 => load_store_register(word),
        0b0110..=0b1001 => load_store_immediate(word),
        0b1010 if bits(word, 11, 11) == 0 => Operation::Move {
            to: reg(word, 8),
            from: Operand::Immediate(literal_base(pc).wrapping_add(bits(word, 7, 0) * 4)),
        },
        0b1010 => {
            compute(Arithmetic::Add, reg(word, 8), SP, Operand::Immediate(bits(word, 7, 0) * 4))
        }
        0b1011 => miscellaneous(word, pc),
        0b1100 => load_store_many(word),
        0b1101 => conditional(word, pc),
        _ => Operation::Branch {
            target: pc.wrapping_add(4).wrapping_add(signed(bits(word, 10, 0) << 1, 12)),
            condition: Condition::Always,
        },
    }
}

fn literal(pc: u32, offset: u32) -> Place {
    Place::Absolute(literal_base(pc).wrapping_add(offset))
}

/// A5.2.1, first half.
fn shift_add_subtract(word: u32) -> Operation {
    let (to, from) = (reg(word, 0), reg(word, 3));
    let what = if bits(word, 9, 9) == 0 { Arithmetic::Add } else { Arithmetic::Subtract };
    match bits(word, 12, 11) {
        0b11 if bits(word, 10, 10) == 0 => compute(what, to, from, Operand::Register(reg(word, 6))),
        0b11 => compute(what, to, from, Operand::Immediate(bits(word, 8, 6))),
        kind => Operation::Move { to, from: shifted(from, kind, bits(word, 10, 6)) },
    }
}

/// A7.4.2 (DecodeImmShift): an amount of 0 means 32 for right shifts.
fn shifted(register: Register, kind: u32, amount: u32) -> Operand {
    let amount = amount as u8;
    match (kind, amount) {
        (0b00, 0) => Operand::Register(register),
        (0b00, _) => Operand::Shifted(register, Shift::Left, amount),
        (0b01, 0) => Operand::Shifted(register, Shift::LogicalRight, 32),
        (0b01, _) => Operand::Shifted(register, Shift::LogicalRight, amount),
        (0b10, 0) => Operand::Shifted(register, Shift::ArithmeticRight, 32),
        (0b10, _) => Operand::Shifted(register, Shift::ArithmeticRight, amount),
        // Rotate by 0 is RRX, which takes the carry flag: amount 0 stands for "not known".
        _ => Operand::Shifted(register, Shift::Rotate, amount),
    }
}

/// A5.2.1, second half.
fn immediate8(word: u32) -> Operation {
    let (register, value) = (reg(word, 8), bits(word, 7, 0));
    match bits(word, 12, 11) {
        0b00 => Operation::Move { to: register, from: Operand::Immediate(value) },
        0b01 => compare(Arithmetic::Subtract, register, Operand::Immediate(value)),
        0b10 => compute(Arithmetic::Add, register, register, Operand::Immediate(value)),
        _ => compute(Arithmetic::Subtract, register, register, Operand::Immediate(value)),
    }
}

/// A5.2.2.
fn data_processing(word: u32) -> Operation {
    let (to, other) = (reg(word, 0), reg(word, 3));
    let with = |what| compute(what, to, to, Operand::Register(other));
    let shift = |how| Operation::ShiftBy { how, to, from: to, by: other };
    match bits(word, 9, 6) {
        0b0000 => with(Arithmetic::And),
        0b0001 => with(Arithmetic::ExclusiveOr),
        0b0010 => shift(Shift::Left),
        0b0011 => shift(Shift::LogicalRight),
        0b0100 => shift(Shift::ArithmeticRight),
        // ADC, SBC: the carry flag is not followed.
        0b0101 | 0b0110 => writes(to),
        0b0111 => shift(Shift::Rotate),
        0b1000 => compare(Arithmetic::And, to, Operand::Register(other)),
        0b1010 => compare(Arithmetic::Subtract, to, Operand::Register(other)),
        0b1011 => compare(Arithmetic::Add, to, Operand::Register(other)),
        0b1001 => compute(Arithmetic::ReverseSubtract, to, other, Operand::Immediate(0)),
        0b1100 => with(Arithmetic::Or),
        0b1101 => with(Arithmetic::Multiply),
        0b1110 => with(Arithmetic::BitClear),
        _ => Operation::MoveNot { to, from: Operand::Register(other) },
    }
}

/// A5.2.3: high registers and branches through a register.
fn special_data(word: u32, pc: u32) -> Operation {
    let to = (bits(word, 7, 7) << 3) as Register | reg(word, 0);
    let from = reg4(word, 3);
    match bits(word, 9, 8) {
        0b00 if to == PC => Operation::Jump,
        // The program counter reads two instructions on (A2.3.1).
        0b00 if from == PC => {
            compute(Arithmetic::Add, to, to, Operand::Immediate(pc.wrapping_add(4)))
        }
        0b00 => compute(Arithmetic::Add, to, to, Operand::Register(from)),
        0b01 => compare(Arithmetic::Subtract, to, Operand::Register(from)),
        0b10 if to == PC && from == LR => Operation::Leave,
        0b10 if to == PC => Operation::Jump,
        0b10 if from == PC => Operation::Move { to, from: Operand::Immediate(pc.wrapping_add(4)) },
        0b10 => Operation::Move { to, from: Operand::Register(from) },
        _ if bits(word, 7, 7) == 1 => Operation::CallRegister { register: from, offset: 0 },
        _ if from == LR => Operation::Leave,
        _ => Operation::LeaveRegister { register: from, offset: 0 },
    }
}

/// A5.2.4, opA 0101.
fn load_store_register(word: u32) -> Operation {
    let (data, base) = (reg(word, 0), reg(word, 3));
    let offset = Operand::Register(reg(word, 6));
    let place = Place::Indexed { base, offset, subtract: false, update: Update::None };
    match bits(word, 11, 9) {
        0b000 => store(data, WORD, place),
        0b001 => store(data, HALF, place),
        0b010 => store(data, BYTE, place),
        0b011 => load(data, SIGNED_BYTE, place),
        0b100 => load(data, WORD, place),
        0b101 => load(data, HALF, place),
        0b110 => load(data, BYTE, place),
        _ => load(data, SIGNED_HALF, place),
    }
}

/// A5.2.4, opA 0110 to 1001.
fn load_store_immediate(word: u32) -> Operation {
    let (data, base, offset) = (reg(word, 0), reg(word, 3), bits(word, 10, 6));
    let (width, data, place) = match bits(word, 15, 12) {
        0b0110 => (WORD, data, at(base, offset * 4)),
        0b0111 => (BYTE, data, at(base, offset)),
        0b1000 => (HALF, data, at(base, offset * 2)),
        _ => (WORD, reg(word, 8), at(SP, bits(word, 7, 0) * 4)),
    };
    if bits(word, 11, 11) == 1 { load(data, width, place) } else { store(data, width, place) }
}

/// A5.2.5.
fn miscellaneous(word: u32, pc: u32) -> Operation {
    let (to, from) = (reg(word, 0), reg(word, 3));
    let extend = |width| Operation::Extend { to, from, width, rotate: 0 };
    let stack_list = |extra: Register| bits(word, 7, 0) | (bits(word, 8, 8) << extra);
    match bits(word, 11, 8) {
        0b0000 => {
            let minus = bits(word, 7, 7) == 1;
            let what = if minus { Arithmetic::Subtract } else { Arithmetic::Add };
            compute(what, SP, SP, Operand::Immediate(bits(word, 6, 0) * 4))
        }
        // CBZ, CBNZ.
        0b0001 | 0b0011 | 0b1001 | 0b1011 => {
            let offset = (bits(word, 9, 9) << 6) | (bits(word, 7, 3) << 1);
            let test = if bits(word, 11, 11) == 0 { Test::Equal } else { Test::NotEqual };
            let condition = Condition::Registers(test, reg(word, 0), Operand::Immediate(0));
            Operation::Branch { target: pc.wrapping_add(4).wrapping_add(offset), condition }
        }
        0b0010 => extend([SIGNED_HALF, SIGNED_BYTE, HALF, BYTE][bits(word, 7, 6) as usize]),
        0b0100 | 0b0101 => {
            Operation::StoreMany { base: SP, list: stack_list(LR), update: true, down: true }
        }
        // SETEND, CPS.
        0b0110 => nothing(),
        // REV, REV16, REVSH.
        0b1010 if bits(word, 7, 6) != 0b10 => writes(to),
        0b1100 | 0b1101 => {
            Operation::LoadMany { base: SP, list: stack_list(PC), update: true, down: false }
        }
        // BKPT, and HLT where it exists, come back under a debugger.
        0b1110 | 0b1010 => nothing(),
        0b1111 if bits(word, 3, 0) != 0 => if_then(word),
        // NOP, YIELD, WFE, WFI, SEV.
        0b1111 => nothing(),
        _ => anything(),
    }
}

/// IT (A7.7.38): below the lowest set bit of the mask nothing follows; above it each bit is the
/// condition's lowest for THEN and its opposite for ELSE.
fn if_then(word: u32) -> Operation {
    let count = 4 - bits(word, 3, 0).trailing_zeros() as u8;
    let elses = (1..count).filter(|&n| {
        let bit = 4 - u32::from(n);
        bits(word, bit, bit) != bits(word, 4, 4)
    });
    let condition = bits(word, 7, 4) as u8;
    Operation::IfThen { condition, count, elses: elses.fold(0, |set, n| set | (1 << n)) }
}

/// A5.2.4, STM and LDM.
fn load_store_many(word: u32) -> Operation {
    let (base, list) = (reg(word, 8), bits(word, 7, 0));
    if bits(word, 11, 11) == 0 {
        return Operation::StoreMany { base, list, update: true, down: false };
    }
    // A base that is itself loaded is not updated (A7.7.41).
    Operation::LoadMany { base, list, update: list & (1 << base) == 0, down: false }
}

/// A5.2.6.
fn conditional(word: u32, pc: u32) -> Operation {
    match bits(word, 11, 8) {
        0b1110 => Operation::Stop,
        // SVC runs a handler, which returns what a call would.
        0b1111 => Operation::Call { target: None },
        _ => Operation::Branch {
            target: pc.wrapping_add(4).wrapping_add(signed(bits(word, 7, 0) << 1, 9)),
            condition: Condition::Flags(bits(word, 11, 8) as u8),
        },
    }
}

/// A 32-bit instruction, A5.3.
struct Wide {
    pc: u32,
    first: u32,
    second: u32,
}

impl Wide {
    fn decode(&self) -> Operation {
        let first = self.first;
        match bits(first, 12, 11) {
            0b01 if bits(first, 10, 9) == 0b00 && bits(first, 6, 6) == 0 => self.many(),
            0b01 if bits(first, 10, 9) == 0b00 => self.dual_exclusive_table(),
            0b01 if bits(first, 10, 9) == 0b01 => self.shifted_register(),
            0b10 if bits(self.second, 15, 15) == 1 => self.branch_and_control(),
            0b10 if bits(first, 9, 9) == 0 => self.modified_immediate(),
            0b10 => self.plain_immediate(),
            0b11 if bits(first, 10, 9) == 0b00 => self.single(),
            0b11 if bits(first, 10, 8) == 0b010 => self.data_register(),
            0b11 if bits(first, 10, 7) == 0b0110 => self.multiply(),
            0b11 if bits(first, 10, 7) == 0b0111 => self.long_multiply(),
            _ => self.coprocessor(),
        }
    }

    /// Data processing sets flags by its bit S, the same bit in A5.3.1, A5.3.11 and A5.3.12; a
    /// move of the floating-point flags and MSR set them to what is not known.
    fn flags(&self, operation: Operation) -> FlagEffect {
        let first = self.first;
        let is_data = matches!(bits(first, 12, 9), 0b0101)
            || bits(first, 12, 11) == 0b10
                && bits(first, 9, 9) == 0
                && bits(self.second, 15, 15) == 0
            || bits(first, 12, 8) == 0b11010 && bits(first, 7, 7) == 0;
        match operation {
            Operation::Call { .. } | Operation::CallRegister { .. } => FlagEffect::Lost,
            _ if is_data && bits(first, 4, 4) == 1 => FlagEffect::Result,
            _ if is_data => FlagEffect::Kept,
            Operation::Other { writes, .. } if writes == 0 || writes >= 1 << 16 => FlagEffect::Lost,
            _ => FlagEffect::Kept,
        }
    }

    fn rn(&self) -> Register {
        reg4(self.first, 0)
    }

    fn rt(&self) -> Register {
        reg4(self.second, 12)
    }

    fn rd(&self) -> Register {
        reg4(self.second, 8)
    }

    fn rm(&self) -> Register {
        reg4(self.second, 0)
    }

    /// A5.3.5.
    fn many(&self) -> Operation {
        let down = match bits(self.first, 8, 7) {
            0b01 => false,
            0b10 => true,
            // SRS, RFE: not on these cores.
            _ => return anything(),
        };
        let (base, list) = (self.rn(), self.second);
        let update = bits(self.first, 5, 5) == 1;
        if bits(self.first, 4, 4) == 1 {
            Operation::LoadMany { base, list, update, down }
        } else {
            Operation::StoreMany { base, list, update, down }
        }
    }

    /// A5.3.6.
    fn dual_exclusive_table(&self) -> Operation {
        let (pre, update) = (bits(self.first, 8, 8) == 1, bits(self.first, 5, 5) == 1);
        if !pre && !update {
            return self.exclusive_or_table();
        }
        // SG, the gate between ARMv8-M's security states.
        if self.first == 0xe97f && self.second == 0xe97f {
            return nothing();
        }
        let pair = [self.rt(), self.rd()];
        let place = self.indexed(bits(self.second, 7, 0) * 4, bits(self.first, 7, 7), pre, update);
        match bits(self.first, 4, 4) {
            1 => Operation::LoadTwo { to: pair, place },
            _ => Operation::StoreTwo { from: pair, place },
        }
    }

    fn indexed(&self, offset: u32, up: u32, pre: bool, update: bool) -> Place {
        if self.rn() == PC {
            let base = literal_base(self.pc);
            let sum = if up == 1 { base.wrapping_add(offset) } else { base.wrapping_sub(offset) };
            return Place::Absolute(sum);
        }
        let update = match (pre, update) {
            (false, _) => Update::After,
            (true, true) => Update::Before,
            (true, false) => Update::None,
        };
        let offset = Operand::Immediate(offset);
        Place::Indexed { base: self.rn(), offset, subtract: up == 0, update }
    }

    fn exclusive_or_table(&self) -> Operation {
        let is_load = bits(self.first, 4, 4) == 1;
        if bits(self.first, 7, 7) == 0 {
            let place = at(self.rn(), bits(self.second, 7, 0) * 4);
            return match (is_load, self.rt()) {
                (true, _) => load(self.rt(), WORD, place),
                // TT of ARMv8-M.
                (false, PC) => writes(self.rd()),
                (false, from) => {
                    Operation::Store { from, width: WORD, place, status: Some(self.rd()) }
                }
            };
        }
        let place = at(self.rn(), 0);
        let width = match bits(self.second, 5, 4) {
            0b00 => BYTE,
            0b01 => HALF,
            _ => WORD,
        };
        match (bits(self.second, 7, 6), is_load) {
            (0b00, true) if self.rn() == PC && bits(self.second, 5, 5) == 0 => {
                let halfwords = bits(self.second, 4, 4) == 1;
                Operation::JumpTable { index: self.rm(), halfwords }
            }
            (0b00, true) if bits(self.second, 5, 5) == 0 => Operation::Jump,
            // Doubleword and reserved forms.
            _ if bits(self.second, 5, 4) == 0b11 => anything(),
            (0b01, true) if width != WORD => load(self.rt(), width, place),
            (0b01, false) if width != WORD => {
                let status = Some(reg4(self.second, 0));
                Operation::Store { from: self.rt(), width, place, status }
            }
            // LDA, LDAEX, STL, STLEX of ARMv8-M.
            (0b10 | 0b11, true) => load(self.rt(), width, place),
            (0b10, false) => store(self.rt(), width, place),
            (0b11, false) => {
                let status = Some(reg4(self.second, 0));
                Operation::Store { from: self.rt(), width, place, status }
            }
            _ => anything(),
        }
    }

    /// A5.3.11.
    fn shifted_register(&self) -> Operation {
        // ARMv8.1-M puts other instructions where this bit should be 0.
        if bits(self.second, 15, 15) == 1 {
            return anything();
        }
        let amount = (bits(self.second, 14, 12) << 2) | bits(self.second, 7, 6);
        let operand = shifted(self.rm(), bits(self.second, 5, 4), amount);
        self.data_operation(operand)
    }

    /// A5.3.1, and A5.3.11 with the same codes.
    fn data_operation(&self, operand: Operand) -> Operation {
        let (to, first) = (self.rd(), self.rn());
        let sets_flags = bits(self.first, 4, 4) == 1;
        let or_test = |what| match to {
            PC if sets_flags => compare(what, first, operand),
            _ => compute(what, to, first, operand),
        };
        match bits(self.first, 8, 5) {
            0b0000 => or_test(Arithmetic::And),
            0b0001 => compute(Arithmetic::BitClear, to, first, operand),
            0b0010 if first == PC => Operation::Move { to, from: operand },
            0b0010 => compute(Arithmetic::Or, to, first, operand),
            0b0011 if first == PC => Operation::MoveNot { to, from: operand },
            0b0011 => compute(Arithmetic::OrNot, to, first, operand),
            0b0100 => or_test(Arithmetic::ExclusiveOr),
            0b1000 => or_test(Arithmetic::Add),
            0b1101 => or_test(Arithmetic::Subtract),
            0b1110 => compute(Arithmetic::ReverseSubtract, to, first, operand),
            // PKH, ADC, SBC.
            0b0110 | 0b1010 | 0b1011 => writes(to),
            _ => anything(),
        }
    }

    /// A5.3.1, A5.3.2.
    fn modified_immediate(&self) -> Operation {
        let code = (bits(self.first, 10, 10) << 11)
            | (bits(self.second, 14, 12) << 8)
            | bits(self.second, 7, 0);
        self.data_operation(Operand::Immediate(expand_immediate(code)))
    }

    /// A5.3.3.
    fn plain_immediate(&self) -> Operation {
        let (to, from) = (self.rd(), self.rn());
        let value = (bits(self.first, 10, 10) << 11)
            | (bits(self.second, 14, 12) << 8)
            | bits(self.second, 7, 0);
        let half = ((u32::from(from) << 12) | value) as u16;
        let lsb = ((bits(self.second, 14, 12) << 2) | bits(self.second, 7, 6)) as u8;
        let last = bits(self.second, 4, 0) as u8;
        match bits(self.first, 8, 4) {
            0b00000 if from == PC => Operation::Move {
                to,
                from: Operand::Immediate(literal_base(self.pc).wrapping_add(value)),
            },
            0b00000 => compute(Arithmetic::Add, to, from, Operand::Immediate(value)),
            0b00100 => Operation::Move { to, from: Operand::Immediate(half.into()) },
            0b01010 if from == PC => Operation::Move {
                to,
                from: Operand::Immediate(literal_base(self.pc).wrapping_sub(value)),
            },
            0b01010 => compute(Arithmetic::Subtract, to, from, Operand::Immediate(value)),
            0b01100 => Operation::MoveTop { to, half },
            // SSAT, USAT and their 16-bit pairs.
            0b10000 | 0b10010 | 0b11000 | 0b11010 => writes(to),
            0b10100 | 0b11100 if lsb + last < 32 => {
                let signed = bits(self.first, 8, 4) == 0b10100;
                Operation::ExtractBits { to, from, lsb, width: last + 1, signed }
            }
            0b10110 if last >= lsb => {
                let from = (from != PC).then_some(from);
                Operation::InsertBits { to, from, lsb, width: last - lsb + 1 }
            }
            _ => anything(),
        }
    }

    /// A5.3.4.
    fn branch_and_control(&self) -> Operation {
        let (first, second) = (self.first, self.second);
        let sign = bits(first, 10, 10);
        match (bits(second, 14, 14), bits(second, 12, 12)) {
            (0, 0) if bits(first, 9, 7) != 0b111 => {
                let offset = (sign << 20)
                    | (bits(second, 11, 11) << 19)
                    | (bits(second, 13, 13) << 18)
                    | (bits(first, 5, 0) << 12)
                    | (bits(second, 10, 0) << 1);
                let target = self.pc.wrapping_add(4).wrapping_add(signed(offset, 21));
                let condition = Condition::Flags(bits(first, 9, 6) as u8);
                Operation::Branch { target, condition }
            }
            (0, 0) => self.control(),
            (0, _) => Operation::Branch { target: self.far_target(), condition: Condition::Always },
            (_, 1) => Operation::Call { target: Some(self.far_target()) },
            // BLX to Arm code, or ARMv8.1-M's low-overhead loops: neither is followed.
            _ => Operation::Jump,
        }
    }

    /// B.W and BL (A7.7.12, A7.7.18): two bits are exclusive-or'ed with the sign.
    fn far_target(&self) -> u32 {
        let (first, second) = (self.first, self.second);
        let sign = bits(first, 10, 10);
        let upper = |bit: u32| (bits(second, bit, bit) ^ sign) ^ 1;
        let offset = (sign << 24)
            | (upper(13) << 23)
            | (upper(11) << 22)
            | (bits(first, 9, 0) << 12)
            | (bits(second, 10, 0) << 1);
        self.pc.wrapping_add(4).wrapping_add(signed(offset, 25))
    }

    fn control(&self) -> Operation {
        match bits(self.first, 10, 4) {
            // MSR, hints, barriers.
            0b011_1000..=0b011_1011 => only_reads(),
            // MRS.
            0b011_1110 | 0b011_1111 => writes(self.rd()),
            // UDF.
            0b111_1111 if bits(self.second, 13, 13) == 1 => Operation::Stop,
            _ => anything(),
        }
    }

    /// A5.3.7 to A5.3.10: loads and stores of one register.
    fn single(&self) -> Operation {
        let is_load = bits(self.first, 4, 4) == 1;
        let sign = bits(self.first, 8, 8) == 1;
        let bytes = match bits(self.first, 6, 5) {
            0b00 => 1,
            0b01 => 2,
            0b10 => 4,
            _ => return anything(),
        };
        if sign && (!is_load || bytes == 4) {
            return anything();
        }
        let Some(place) = self.single_place(is_load) else { return anything() };
        let width = Width { bytes, signed: sign };
        match (is_load, self.rt()) {
            (false, from) => store(from, width, place),
            (true, PC) if bytes == 4 => jump_through_memory(place),
            // PLD, PLI; with a changing base the encoding is not an instruction.
            (true, PC) => match place {
                Place::Indexed { update: Update::Before | Update::After, .. } => anything(),
                _ => only_reads(),
            },
            (true, to) => load(to, width, place),
        }
    }

    fn single_place(&self, is_load: bool) -> Option<Place> {
        let second = self.second;
        let up = bits(self.first, 7, 7);
        if self.rn() == PC {
            // Stores relative to the program counter do not exist.
            return is_load.then(|| self.indexed(bits(second, 11, 0), up, true, false));
        }
        if up == 1 {
            return Some(at(self.rn(), bits(second, 11, 0)));
        }
        if bits(second, 11, 11) == 1 {
            let (pre, update) = (bits(second, 10, 10) == 1, bits(second, 8, 8) == 1);
            if !pre && !update {
                return None;
            }
            return Some(self.indexed(bits(second, 7, 0), bits(second, 9, 9), pre, update));
        }
        if bits(second, 10, 6) != 0 {
            return None;
        }
        let offset = match bits(second, 5, 4) as u8 {
            0 => Operand::Register(self.rm()),
            amount => Operand::Shifted(self.rm(), Shift::Left, amount),
        };
        let base = self.rn();
        Some(Place::Indexed { base, offset, subtract: false, update: Update::None })
    }

    /// A5.3.12 to A5.3.15.
    fn data_register(&self) -> Operation {
        let (to, first) = (self.rd(), self.rn());
        if bits(self.second, 15, 12) != 0b1111 {
            return anything();
        }
        if bits(self.first, 7, 7) == 0 && bits(self.second, 7, 4) == 0 {
            let kinds = [Shift::Left, Shift::LogicalRight, Shift::ArithmeticRight, Shift::Rotate];
            let how = kinds[bits(self.first, 6, 5) as usize];
            return Operation::ShiftBy { how, to, from: first, by: self.rm() };
        }
        let rotate = (bits(self.second, 5, 4) * 8) as u8;
        let width = match bits(self.first, 7, 4) {
            0b0000 => SIGNED_HALF,
            0b0001 => HALF,
            0b0100 => SIGNED_BYTE,
            0b0101 => BYTE,
            // Pairs, parallel arithmetic, CLZ, REV, RBIT, SEL, saturating.
            _ => return writes(to),
        };
        match first {
            PC if bits(self.second, 7, 7) == 1 => {
                Operation::Extend { to, from: self.rm(), width, rotate }
            }
            _ => writes(to),
        }
    }

    /// A5.3.16.
    fn multiply(&self) -> Operation {
        let is_plain = bits(self.first, 6, 4) == 0
            && bits(self.second, 7, 4) == 0
            && bits(self.second, 15, 12) == 0b1111;
        if is_plain {
            let second = Operand::Register(self.rm());
            return compute(Arithmetic::Multiply, self.rd(), self.rn(), second);
        }
        writes(self.rd())
    }

    /// A5.3.17: SDIV and UDIV have no low result.
    fn long_multiply(&self) -> Operation {
        let low = match self.rt() {
            PC => 0,
            low => 1 << low,
        };
        let writes = (1 << self.rd()) | low;
        Operation::Other { reads: ALL_REGISTERS, writes, stores: false }
    }

    /// A5.3.18, and the floating-point instructions that live there (A6.4 to A6.7).
    fn coprocessor(&self) -> Operation {
        let is_load = bits(self.first, 4, 4) == 1;
        match bits(self.first, 11, 8) {
            0b1110 if bits(self.second, 4, 4) == 0 => only_reads(),
            // MRC, VMOV, VMRS; register 15 stands for the flags.
            0b1110 if is_load && self.rt() != PC => writes(self.rt()),
            0b1110 => only_reads(),
            0b1100 if bits(self.first, 7, 5) == 0b010 => {
                let pair = (1 << self.rt()) | (1 << self.rn());
                let writes = if is_load { pair } else { 0 };
                Operation::Other { reads: ALL_REGISTERS, writes, stores: false }
            }
            0b1100 | 0b1101 => {
                let updates = bits(self.first, 5, 5) == 1 && self.rn() != PC;
                let writes = if updates { 1 << self.rn() } else { 0 };
                Operation::Other { reads: ALL_REGISTERS, writes, stores: !is_load }
            }
            _ => anything(),
        }
    }
}

/// `LDR pc, …`: off the stack it returns, at a register's index it is a switch.
fn jump_through_memory(place: Place) -> Operation {
    match place {
        Place::Indexed { offset: Operand::Immediate(_), .. } | Place::Absolute(_) => {
            Operation::Leave
        }
        Place::Indexed { .. } => Operation::Jump,
    }
}

/// ThumbExpandImm, A5.3.2.
fn expand_immediate(code: u32) -> u32 {
    let byte = bits(code, 7, 0);
    if bits(code, 11, 10) == 0 {
        return match bits(code, 9, 8) {
            0b00 => byte,
            0b01 => byte | (byte << 16),
            0b10 => (byte << 8) | (byte << 24),
            _ => byte | (byte << 8) | (byte << 16) | (byte << 24),
        };
    }
    (0x80 | bits(code, 6, 0)).rotate_right(bits(code, 11, 7))
}
