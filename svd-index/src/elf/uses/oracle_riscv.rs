//! The RISC-V decoder against Capstone's: length, registers written, memory touched, branch
//! targets, immediates.
//!
//! Every 16-bit encoding and a seeded sample of 32-bit ones. Encodings that Capstone refuses are
//! undefined or belong to other extensions and are not compared.

#![allow(clippy::unwrap_used)]

use capstone::arch::riscv::{ArchMode, RiscVOperand};
use capstone::prelude::*;

use super::abi::RISC_V;
use super::instruction::{Condition, Instruction, Operand, Operation, Place};
use super::oracle::check;
use super::riscv::decode;

const PC: u32 = 0x1000;

fn capstone() -> Capstone {
    let extra = [capstone::arch::riscv::ArchExtraMode::RiscVC].into_iter();
    Capstone::new().riscv().mode(ArchMode::RiscV32).extra_mode(extra).detail(true).build().unwrap()
}

/// Names of the calling convention, by number.
const NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

fn number(capstone: &Capstone, register: RegId) -> Option<u32> {
    let name = capstone.reg_name(register)?;
    NAMES.iter().position(|&known| known == name).map(|number| number as u32)
}

fn written(ours: &Instruction) -> u32 {
    match ours.operation {
        Operation::Call { .. } | Operation::CallRegister { .. } => RISC_V.clobbered,
        _ => ours.writes(),
    }
}

/// What the two decoders disagree on, if anything.
fn difference(capstone: &Capstone, bytes: &[u8]) -> Option<String> {
    let instructions = capstone.disasm_count(bytes, PC.into(), 1).ok()?;
    let theirs = instructions.iter().next()?;
    let ours = decode(bytes, PC)?;
    let mnemonic = theirs.mnemonic().unwrap_or_default();
    let text =
        format!("{bytes:02x?} `{mnemonic} {}` {ours:?}", theirs.op_str().unwrap_or_default());
    if theirs.bytes().len() != usize::from(ours.size) {
        return Some(format!("length: {text}"));
    }
    let detail = capstone.insn_detail(theirs).ok()?;
    let arch = detail.arch_detail();
    let operands: Vec<RiscVOperand> = arch.riscv()?.operands().collect();
    // Capstone 5 does not say which operands are written: the first one is, save in these.
    let writes_none = mnemonic.starts_with('s') && matches!(mnemonic, "sb" | "sh" | "sw")
        || matches!(mnemonic, "c.sw" | "c.swsp" | "j" | "c.j" | "c.jr" | "jr" | "c.nop" | "ecall")
        || mnemonic.starts_with("b")
        || mnemonic.starts_with("c.b")
        || mnemonic.starts_with("fence")
        || mnemonic.starts_with("f")
        || mnemonic.starts_with("c.f")
        || matches!(mnemonic, "csrs" | "csrc" | "csrw" | "csrsi" | "csrci" | "csrwi")
        || matches!(ours.operation, Operation::CallRegister { .. })
        || mnemonic == "sfence.vma";
    if let (false, Some(RiscVOperand::Reg(first))) = (writes_none, operands.first())
        && let Some(to) = number(capstone, *first)
        && to != 0
        && written(&ours) & (1 << to) == 0
    {
        return Some(format!("forgets register {to}: {text}"));
    }
    difference_in_operands(capstone, &operands, mnemonic, &ours)
        .map(|what| format!("{what}: {text}"))
}

fn difference_in_operands(
    capstone: &Capstone,
    operands: &[RiscVOperand],
    mnemonic: &str,
    ours: &Instruction,
) -> Option<&'static str> {
    let immediate = operands.iter().find_map(|operand| match operand {
        RiscVOperand::Imm(value) => Some(*value as u32),
        _ => None,
    });
    let memory = operands.iter().find_map(|operand| match operand {
        RiscVOperand::Mem(memory) => Some((number(capstone, memory.base())?, memory.disp() as u32)),
        _ => None,
    });
    let is_equal = match ours.operation {
        Operation::Load { place, .. } | Operation::Store { place, .. } => {
            let (base, displacement) = memory?;
            let Place::Indexed { base: ours, offset, .. } = place else { return Some("no place") };
            u32::from(ours) == base && offset == Operand::Immediate(displacement)
        }
        // Capstone prints how far a jump goes.
        Operation::Branch { target, condition } => {
            let target_is_equal = target == PC.wrapping_add(immediate?);
            match condition {
                Condition::Registers(_, first, _) => {
                    let tested = number(capstone, register(operands)?);
                    // Its short forms for a comparison of zero with a register name the other.
                    let is_turned = matches!(mnemonic, "blez" | "bgtz");
                    target_is_equal && (is_turned || tested == Some(first.into()))
                }
                _ => target_is_equal,
            }
        }
        Operation::Call { target: Some(target) } => target == PC.wrapping_add(immediate?),
        Operation::Compute { second: Operand::Immediate(value), .. } => value == immediate?,
        Operation::Move { from: Operand::Immediate(value), .. } => match mnemonic {
            "lui" | "c.lui" => value == immediate? << 12,
            "auipc" => value == PC.wrapping_add(immediate? << 12),
            _ => value == immediate?,
        },
        Operation::Move { from: Operand::Shifted(_, _, amount), .. } => {
            u32::from(amount) == immediate?
        }
        _ => return None,
    };
    (!is_equal).then_some("another operand")
}

fn register(operands: &[RiscVOperand]) -> Option<RegId> {
    operands.iter().find_map(|operand| match operand {
        RiscVOperand::Reg(register) => Some(*register),
        _ => None,
    })
}

#[test]
fn every_16_bit_encoding() {
    let capstone = capstone();
    let codes = (0..=u16::MAX).filter(|code| code & 0b11 != 0b11).map(u16::to_le_bytes);
    check(codes.filter_map(|bytes| difference(&capstone, &bytes)).collect());
}

#[test]
fn a_sample_of_32_bit_encodings() {
    // The major opcodes of chapter 34 that are decoded.
    const OPCODES: [u32; 13] = [
        0b00000, 0b00011, 0b00100, 0b00101, 0b01000, 0b01011, 0b01100, 0b01101, 0b11000, 0b11001,
        0b11011, 0b11100, 0b10100,
    ];
    let capstone = capstone();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut differences = Vec::new();
    for round in 0..400_000_usize {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut word = (state >> 16) as u32;
        word = (word & !0x7f) | (OPCODES[round % OPCODES.len()] << 2) | 0b11;
        // Half of the sample has the function codes that most instructions have.
        if round % 2 == 0 {
            word &= !0xbe00_0000;
        }
        differences.extend(difference(&capstone, &word.to_le_bytes()));
    }
    check(differences);
}
