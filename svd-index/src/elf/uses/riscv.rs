//! Decoder for RISC-V code: RV32I with M, A and C; of the others only the length.
//!
//! Own, for the reasons that [`super::thumb`] gives; a test compares it with Capstone.
//!
//! Source: The RISC-V Instruction Set Manual, Volume I, 20240411: chapters 2 (RV32I), 12 (M),
//! 13 (A), 26 (C), 34 (listings). Names of fields are from there.

use super::instruction::{
    ALL_REGISTERS, Arithmetic, Condition, FlagEffect, Instruction, Operand, Operation, Register,
    Shift, Test, Width, at, compute, load, store,
};

const BYTE: Width = Width { bytes: 1, signed: false };
const HALF: Width = Width { bytes: 2, signed: false };
const WORD: Width = Width { bytes: 4, signed: false };
const SIGNED_BYTE: Width = Width { bytes: 1, signed: true };
const SIGNED_HALF: Width = Width { bytes: 2, signed: true };

const ZERO: Register = 0;
const RA: Register = 1;
const SP: Register = 2;
/// The other link register, of calls that save registers (chapter 2.5.1).
const T0: Register = 5;

/// Reads the instruction at `pc`, which `bytes` start at. `None`: cut off, or longer than 32 bits.
pub(crate) fn decode(bytes: &[u8], pc: u32) -> Option<Instruction> {
    let halfword = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let first = u32::from(halfword(0)?);
    let (size, operation) = match first & 0b11 {
        0b11 if first & 0b1_1100 == 0b1_1100 => return None,
        0b11 => (4, wide(first | (u32::from(halfword(2)?) << 16), pc)),
        _ => (2, compressed(first, pc)),
    };
    Some(Instruction { size, operation, flags: FlagEffect::Kept })
}

fn bits(word: u32, high: u32, low: u32) -> u32 {
    (word >> low) & (u32::MAX >> (31 - (high - low)))
}

fn signed(value: u32, width: u32) -> u32 {
    let unused = 32 - width;
    ((value << unused) as i32 >> unused) as u32
}

fn register(word: u32, low: u32) -> Register {
    bits(word, low + 4, low) as Register
}

/// One of x8 to x15 in three bits.
fn short(word: u32, low: u32) -> Register {
    8 + bits(word, low + 2, low) as Register
}

fn writes(to: Register) -> Operation {
    Operation::Other { reads: ALL_REGISTERS, writes: (1 << to) & !1, stores: false }
}

fn nothing() -> Operation {
    Operation::Other { reads: ALL_REGISTERS, writes: 0, stores: false }
}

/// What may do anything.
fn anything() -> Operation {
    Operation::Other { reads: ALL_REGISTERS, writes: ALL_REGISTERS & !1, stores: true }
}

fn add(to: Register, first: Register, value: u32) -> Operation {
    match first {
        ZERO => Operation::Move { to, from: Operand::Immediate(value) },
        _ => compute(Arithmetic::Add, to, first, Operand::Immediate(value)),
    }
}

fn branch(pc: u32, offset: u32, condition: Condition) -> Operation {
    Operation::Branch { target: pc.wrapping_add(offset), condition }
}

/// A jump through a register is a call if it links, and a return if it goes where calls link to
/// (chapter 2.5.1).
fn jump_register(link: Register, base: Register, offset: u32) -> Operation {
    let offset = offset as i32;
    match (link, base) {
        (RA, _) => Operation::CallRegister { register: base, offset },
        // The helpers that save and restore registers link to t0; they come back.
        (T0, _) => Operation::Call { target: None },
        (ZERO, RA) if offset == 0 => Operation::Leave,
        (ZERO, _) => Operation::LeaveRegister { register: base, offset },
        _ => anything(),
    }
}

fn wide(word: u32, pc: u32) -> Operation {
    let (to, first, second) = (register(word, 7), register(word, 15), register(word, 20));
    let immediate = signed(bits(word, 31, 20), 12);
    match bits(word, 6, 2) {
        0b01101 => Operation::Move { to, from: Operand::Immediate(word & 0xffff_f000) },
        0b00101 => {
            let value = pc.wrapping_add(word & 0xffff_f000);
            Operation::Move { to, from: Operand::Immediate(value) }
        }
        0b11011 => jump_and_link(to, pc.wrapping_add(jump_offset(word))),
        0b11001 => jump_register(to, first, immediate),
        0b11000 => match test(bits(word, 14, 12)) {
            Some(test) => {
                let condition = Condition::Registers(test, first, Operand::Register(second));
                branch(pc, branch_offset(word), condition)
            }
            None => anything(),
        },
        0b00000 => match load_width(bits(word, 14, 12)) {
            Some(width) => load(to, width, at(first, immediate)),
            None => anything(),
        },
        0b01000 => {
            let offset = signed((bits(word, 31, 25) << 5) | bits(word, 11, 7), 12);
            match bits(word, 14, 12) {
                0b000 => store(second, BYTE, at(first, offset)),
                0b001 => store(second, HALF, at(first, offset)),
                0b010 => store(second, WORD, at(first, offset)),
                _ => anything(),
            }
        }
        0b00100 => immediate_operation(word, to, first, immediate),
        0b01100 => register_operation(word, to, first, second),
        // FENCE, FENCE.I.
        0b00011 => nothing(),
        0b11100 => system(word, to),
        0b01011 => atomic(word, to, first, second),
        // Loads of floating-point registers change none of ours, stores change memory.
        0b00001 => nothing(),
        0b01001 => Operation::Other { reads: ALL_REGISTERS, writes: 0, stores: true },
        // Floating-point arithmetic: comparisons, moves and conversions write a core register.
        0b10000..=0b10011 => nothing(),
        0b10100 => writes(to),
        _ => anything(),
    }
}

fn jump_and_link(link: Register, target: u32) -> Operation {
    match link {
        ZERO => Operation::Branch { target, condition: Condition::Always },
        RA => Operation::Call { target: Some(target) },
        T0 => Operation::Call { target: None },
        _ => anything(),
    }
}

/// J-type immediate, 2.3.
fn jump_offset(word: u32) -> u32 {
    let offset = (bits(word, 31, 31) << 20)
        | (bits(word, 19, 12) << 12)
        | (bits(word, 20, 20) << 11)
        | (bits(word, 30, 21) << 1);
    signed(offset, 21)
}

/// B-type immediate, 2.3.
fn branch_offset(word: u32) -> u32 {
    let offset = (bits(word, 31, 31) << 12)
        | (bits(word, 7, 7) << 11)
        | (bits(word, 30, 25) << 5)
        | (bits(word, 11, 8) << 1);
    signed(offset, 13)
}

fn test(code: u32) -> Option<Test> {
    Some(match code {
        0b000 => Test::Equal,
        0b001 => Test::NotEqual,
        0b100 => Test::Less,
        0b101 => Test::NotLess,
        0b110 => Test::LessUnsigned,
        0b111 => Test::NotLessUnsigned,
        _ => return None,
    })
}

fn load_width(code: u32) -> Option<Width> {
    Some(match code {
        0b000 => SIGNED_BYTE,
        0b001 => SIGNED_HALF,
        0b010 => WORD,
        0b100 => BYTE,
        0b101 => HALF,
        _ => return None,
    })
}

/// OP-IMM, 2.4.1.
fn immediate_operation(word: u32, to: Register, first: Register, immediate: u32) -> Operation {
    let operand = Operand::Immediate(immediate);
    let amount = bits(word, 24, 20) as u8;
    let shift = |how| match amount {
        0 => Operation::Move { to, from: Operand::Register(first) },
        _ => Operation::Move { to, from: Operand::Shifted(first, how, amount) },
    };
    match bits(word, 14, 12) {
        0b000 => add(to, first, immediate),
        0b010 => Operation::SetIfLess { to, first, second: operand, signed: true },
        0b011 => Operation::SetIfLess { to, first, second: operand, signed: false },
        0b100 => compute(Arithmetic::ExclusiveOr, to, first, operand),
        0b110 => compute(Arithmetic::Or, to, first, operand),
        0b111 => compute(Arithmetic::And, to, first, operand),
        0b001 if bits(word, 31, 25) == 0 => shift(Shift::Left),
        0b101 if bits(word, 31, 25) == 0 => shift(Shift::LogicalRight),
        0b101 if bits(word, 31, 25) == 0b010_0000 => shift(Shift::ArithmeticRight),
        // Bit manipulation (Zb*): one result.
        _ => writes(to),
    }
}

/// OP, 2.4.2, and M, 12.1.
fn register_operation(word: u32, to: Register, first: Register, second: Register) -> Operation {
    let with = |what| compute(what, to, first, Operand::Register(second));
    let shift = |how| Operation::ShiftBy { how, to, from: first, by: second };
    let operand = Operand::Register(second);
    match (bits(word, 31, 25), bits(word, 14, 12)) {
        (0, 0b000) => with(Arithmetic::Add),
        (0b010_0000, 0b000) => with(Arithmetic::Subtract),
        (0, 0b001) => shift(Shift::Left),
        (0, 0b010) => Operation::SetIfLess { to, first, second: operand, signed: true },
        (0, 0b011) => Operation::SetIfLess { to, first, second: operand, signed: false },
        (0, 0b100) => with(Arithmetic::ExclusiveOr),
        (0, 0b101) => shift(Shift::LogicalRight),
        (0b010_0000, 0b101) => shift(Shift::ArithmeticRight),
        (0, 0b110) => with(Arithmetic::Or),
        (0, 0b111) => with(Arithmetic::And),
        (1, 0b000) => with(Arithmetic::Multiply),
        // The other products, quotients, remainders; Zb*.
        _ => writes(to),
    }
}

/// SYSTEM: CSR accesses write one register; ECALL comes back as a call does; MRET leaves.
fn system(word: u32, to: Register) -> Operation {
    if bits(word, 14, 12) != 0 {
        return writes(to);
    }
    match bits(word, 31, 20) {
        0x000 => Operation::Call { target: None },
        // SRET, MRET, DRET.
        0x102 | 0x302 | 0x7b2 => Operation::Leave,
        // EBREAK, WFI, SFENCE.VMA.
        _ => nothing(),
    }
}

/// A, 13.2 and 13.4.
fn atomic(word: u32, to: Register, first: Register, second: Register) -> Operation {
    if bits(word, 14, 12) != 0b010 {
        return anything();
    }
    let place = at(first, 0);
    match bits(word, 31, 27) {
        0b00010 => load(to, WORD, place),
        0b00011 => Operation::Store { from: second, width: WORD, place, status: Some(to) },
        _ => Operation::Exchange { to, place },
    }
}

/// C, chapter 26, for RV32.
fn compressed(word: u32, pc: u32) -> Operation {
    let (to, other) = (register(word, 7), register(word, 2));
    match (bits(word, 1, 0), bits(word, 15, 13)) {
        // C.ADDI4SPN; all zeros is defined to be illegal.
        (0b00, 0b000) if word == 0 => Operation::Stop,
        (0b00, 0b000) => {
            let value = (bits(word, 10, 7) << 6)
                | (bits(word, 12, 11) << 4)
                | (bits(word, 5, 5) << 3)
                | (bits(word, 6, 6) << 2);
            compute(Arithmetic::Add, short(word, 2), SP, Operand::Immediate(value))
        }
        (0b00, 0b010) => load(short(word, 2), WORD, at(short(word, 7), word_offset(word))),
        (0b00, 0b110) => store(short(word, 2), WORD, at(short(word, 7), word_offset(word))),
        (0b00, 0b100) => byte_and_half(word),
        // C.FLW and C.FLD; C.FSW and C.FSD.
        (0b00 | 0b10, 0b001 | 0b011) => nothing(),
        (0b00 | 0b10, 0b101 | 0b111) => {
            Operation::Other { reads: ALL_REGISTERS, writes: 0, stores: true }
        }
        (0b01, 0b000) => add_immediate(to, immediate6(word)),
        (0b01, 0b001) => Operation::Call { target: Some(pc.wrapping_add(compressed_jump(word))) },
        (0b01, 0b010) => Operation::Move { to, from: Operand::Immediate(immediate6(word)) },
        (0b01, 0b011) if to == SP => compute(Arithmetic::Add, SP, SP, stack_adjustment(word)),
        (0b01, 0b011) => Operation::Move { to, from: Operand::Immediate(immediate6(word) << 12) },
        (0b01, 0b100) => compressed_arithmetic(word),
        (0b01, 0b101) => branch(pc, compressed_jump(word), Condition::Always),
        (0b01, 0b110) => compressed_branch(word, pc, Test::Equal),
        (0b01, _) => compressed_branch(word, pc, Test::NotEqual),
        (0b10, 0b000) => compressed_shift(word, to, Shift::Left),
        (0b10, 0b010) => {
            let offset =
                (bits(word, 3, 2) << 6) | (bits(word, 12, 12) << 5) | (bits(word, 6, 4) << 2);
            load(to, WORD, at(SP, offset))
        }
        (0b10, 0b100) => match (bits(word, 12, 12), to, other) {
            (0, ZERO, ZERO) => anything(),
            (0, to, ZERO) => jump_register(ZERO, to, 0),
            (0, to, other) => Operation::Move { to, from: Operand::Register(other) },
            // C.EBREAK.
            (_, ZERO, ZERO) => nothing(),
            (_, to, ZERO) => jump_register(RA, to, 0),
            (_, to, other) => compute(Arithmetic::Add, to, to, Operand::Register(other)),
        },
        (0b10, 0b110) => {
            let offset = (bits(word, 8, 7) << 6) | (bits(word, 12, 9) << 2);
            store(other, WORD, at(SP, offset))
        }
        _ => anything(),
    }
}

fn add_immediate(to: Register, value: u32) -> Operation {
    match to {
        // C.NOP.
        ZERO => Operation::Other { reads: 0, writes: 0, stores: false },
        _ => compute(Arithmetic::Add, to, to, Operand::Immediate(value)),
    }
}

fn immediate6(word: u32) -> u32 {
    signed((bits(word, 12, 12) << 5) | bits(word, 6, 2), 6)
}

fn word_offset(word: u32) -> u32 {
    (bits(word, 5, 5) << 6) | (bits(word, 12, 10) << 3) | (bits(word, 6, 6) << 2)
}

/// C.ADDI16SP.
fn stack_adjustment(word: u32) -> Operand {
    let value = (bits(word, 12, 12) << 9)
        | (bits(word, 4, 3) << 7)
        | (bits(word, 5, 5) << 6)
        | (bits(word, 2, 2) << 5)
        | (bits(word, 6, 6) << 4);
    Operand::Immediate(signed(value, 10))
}

/// Zcb, 27.2: loads and stores of bytes and halfwords.
fn byte_and_half(word: u32) -> Operation {
    let (data, base) = (short(word, 2), short(word, 7));
    let byte = at(base, (bits(word, 5, 5) << 1) | bits(word, 6, 6));
    let half = at(base, bits(word, 5, 5) << 1);
    match (bits(word, 12, 10), bits(word, 6, 6)) {
        (0b000, _) => load(data, BYTE, byte),
        (0b001, 0) => load(data, HALF, half),
        (0b001, _) => load(data, SIGNED_HALF, half),
        (0b010, _) => store(data, BYTE, byte),
        (0b011, 0) => store(data, HALF, half),
        _ => anything(),
    }
}

fn compressed_jump(word: u32) -> u32 {
    let offset = (bits(word, 12, 12) << 11)
        | (bits(word, 8, 8) << 10)
        | (bits(word, 10, 9) << 8)
        | (bits(word, 6, 6) << 7)
        | (bits(word, 7, 7) << 6)
        | (bits(word, 2, 2) << 5)
        | (bits(word, 11, 11) << 4)
        | (bits(word, 5, 3) << 1);
    signed(offset, 12)
}

fn compressed_branch(word: u32, pc: u32, test: Test) -> Operation {
    let offset = (bits(word, 12, 12) << 8)
        | (bits(word, 6, 5) << 6)
        | (bits(word, 2, 2) << 5)
        | (bits(word, 11, 10) << 3)
        | (bits(word, 4, 3) << 1);
    let condition = Condition::Registers(test, short(word, 7), Operand::Immediate(0));
    branch(pc, signed(offset, 9), condition)
}

/// Amounts from 32 on are not RV32's.
fn compressed_shift(word: u32, to: Register, how: Shift) -> Operation {
    match (bits(word, 12, 12), bits(word, 6, 2) as u8) {
        (1, _) => writes(to),
        (_, 0) => Operation::Move { to, from: Operand::Register(to) },
        (_, amount) => Operation::Move { to, from: Operand::Shifted(to, how, amount) },
    }
}

fn compressed_arithmetic(word: u32) -> Operation {
    let (to, other) = (short(word, 7), Operand::Register(short(word, 2)));
    match (bits(word, 11, 10), bits(word, 12, 12), bits(word, 6, 5)) {
        (0b00, ..) => compressed_shift(word, to, Shift::LogicalRight),
        (0b01, ..) => compressed_shift(word, to, Shift::ArithmeticRight),
        (0b10, ..) => compute(Arithmetic::And, to, to, Operand::Immediate(immediate6(word))),
        (_, 0, 0b00) => compute(Arithmetic::Subtract, to, to, other),
        (_, 0, 0b01) => compute(Arithmetic::ExclusiveOr, to, to, other),
        (_, 0, 0b10) => compute(Arithmetic::Or, to, to, other),
        (_, 0, _) => compute(Arithmetic::And, to, to, other),
        // Zcb: C.MUL and one-operand forms.
        _ => writes(to),
    }
}
