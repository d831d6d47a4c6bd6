//! The decoder against Capstone's: length, registers written, memory touched, branch targets.
//!
//! Every 16-bit encoding and a seeded sample of 32-bit ones. Encodings that Capstone refuses are
//! undefined or belong to later architectures and are not compared.

#![allow(clippy::unwrap_used)]

use capstone::arch::arm::{ArchExtraMode, ArchMode, ArmInsn, ArmOperandType};
use capstone::prelude::*;

use super::instruction::{FlagEffect, Instruction, Operand, Operation, Place, Update};
use super::thumb::decode;

const PC: u32 = 0x1000;

fn capstone() -> Capstone {
    Capstone::new()
        .arm()
        .mode(ArchMode::Thumb)
        .extra_mode([ArchExtraMode::MClass].into_iter())
        .detail(true)
        .build()
        .unwrap()
}

/// Core registers that an instruction may write, the program counter left out.
fn written(ours: &Instruction) -> u32 {
    match ours.operation {
        // A call is followed by its calling convention, which counts the link register.
        Operation::Call { .. } | Operation::CallRegister { .. } => 0x5fff,
        _ => ours.writes() & 0x7fff,
    }
}

/// Whether the analysis stops caring after this instruction, so that what it writes is moot.
fn ends(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Jump | Operation::Leave | Operation::LeaveRegister { .. } | Operation::Stop
    )
}

/// What these read is said by the calling convention, or not asked for.
fn is_moot(operation: Operation) -> bool {
    matches!(operation, Operation::Leave | Operation::Call { .. } | Operation::Stop)
}

fn is_comparison(operation: Operation) -> bool {
    matches!(operation, Operation::Compare { .. } | Operation::Call { .. })
}

fn number(capstone: &Capstone, register: RegId) -> Option<u32> {
    match capstone.reg_name(register)?.as_str() {
        "sb" => Some(9),
        "sl" => Some(10),
        "fp" => Some(11),
        "ip" => Some(12),
        "sp" => Some(13),
        "lr" => Some(14),
        "pc" => Some(15),
        name => name.strip_prefix('r')?.parse().ok(),
    }
}

/// What the two decoders disagree on, if anything.
fn difference(capstone: &Capstone, bytes: &[u8]) -> Option<String> {
    let instructions = capstone.disasm_count(bytes, PC.into(), 1).ok()?;
    let theirs = instructions.iter().next()?;
    let ours: Instruction = decode(bytes, PC)?;
    let text = format!(
        "{bytes:02x?} `{} {}` {ours:?}",
        theirs.mnemonic().unwrap_or_default(),
        theirs.op_str().unwrap_or_default()
    );
    if theirs.bytes().len() != usize::from(ours.size) {
        return Some(format!("length: {text}"));
    }
    let detail = capstone.insn_detail(theirs).ok()?;
    let set = |registers: &[RegId]| {
        let numbers = registers.iter().filter_map(|&register| number(capstone, register));
        numbers.fold(0, |set: u32, register| set | (1 << register))
    };
    let mut missing = set(detail.regs_write()) & 0x7fff & !written(&ours);
    // Capstone 5 counts the stored register of STRBT and STRHT as written.
    if let (Some("strbt" | "strht"), Operation::Store { from, .. }) =
        (theirs.mnemonic(), ours.operation)
    {
        missing &= !(1 << from);
    }
    if missing != 0 && !ends(ours.operation) {
        return Some(format!("forgets registers {missing:#x}: {text}"));
    }
    let unread = set(detail.regs_read()) & 0x7fff & !ours.reads();
    if unread != 0 && !is_moot(ours.operation) {
        return Some(format!("does not read {unread:#x}: {text}"));
    }
    let sets_flags = detail
        .regs_write()
        .iter()
        .any(|&register| capstone.reg_name(register).is_some_and(|name| name == "cpsr"));
    // Capstone 5 says so of ADC and SBC even where they leave the flags alone.
    let mnemonic = theirs.mnemonic().unwrap_or_default();
    let is_carry = ["adc", "adc.w", "sbc", "sbc.w"].contains(&mnemonic);
    if sets_flags && !is_carry && ours.flags == FlagEffect::Kept && !is_comparison(ours.operation) {
        return Some(format!("forgets flags: {text}"));
    }
    difference_in_operands(capstone, &detail, theirs.id().0, ours.operation)
        .map(|what| format!("{what}: {text}"))
}

fn difference_in_operands(
    capstone: &Capstone,
    detail: &InsnDetail<'_>,
    id: u32,
    ours: Operation,
) -> Option<String> {
    let detail = detail.arch_detail();
    let operands: Vec<_> = detail.arm()?.operands().collect();
    let memory = operands.iter().find_map(|operand| match operand.op_type {
        ArmOperandType::Mem(memory) => Some((operand.subtracted, memory)),
        _ => None,
    });
    match ours {
        Operation::Load { place, .. } | Operation::Store { place, .. } => {
            let (_, memory) = memory?;
            let base = number(capstone, memory.base())?;
            let expected = match place {
                Place::Absolute(address) => {
                    let offset = address.wrapping_sub((PC + 4) & !3) as i32;
                    (base == 15 && offset == memory.disp()).then_some(())
                }
                Place::Indexed { base: ours, offset, subtract, update } => {
                    let disp = match offset {
                        Operand::Immediate(value) if subtract => -(value as i32),
                        Operand::Immediate(value) => value as i32,
                        _ => 0,
                    };
                    // Capstone gives the step after the access as an operand of its own.
                    let same = disp == memory.disp() || update == Update::After;
                    (u32::from(ours) == base && same).then_some(())
                }
            };
            expected.is_none().then(|| "another place".to_owned())
        }
        Operation::Branch { target, .. } | Operation::Call { target: Some(target) } => {
            let expected = operands.iter().find_map(|operand| match operand.op_type {
                ArmOperandType::Imm(target) => Some(target as u32),
                _ => None,
            })?;
            (expected != target).then(|| "another target".to_owned())
        }
        Operation::Move { from: Operand::Immediate(value), .. }
            if id == ArmInsn::ARM_INS_MOV as u32 || id == ArmInsn::ARM_INS_MOVW as u32 =>
        {
            let expected = operands.iter().find_map(|operand| match operand.op_type {
                ArmOperandType::Imm(value) => Some(value as u32),
                _ => None,
            })?;
            (expected != value).then(|| "another value".to_owned())
        }
        _ => None,
    }
}

/// Fails if there is a difference, and shows some.
pub(super) fn check(differences: Vec<String>) {
    let shown: Vec<&String> = differences.iter().take(40).collect();
    assert!(differences.is_empty(), "{} differences, such as {shown:#?}", differences.len());
}

#[test]
fn every_16_bit_encoding() {
    let capstone = capstone();
    let codes = (0..0xe800_u16).map(u16::to_le_bytes);
    check(codes.filter_map(|bytes| difference(&capstone, &bytes)).collect());
}

#[test]
fn a_sample_of_32_bit_encodings() {
    let capstone = capstone();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut differences = Vec::new();
    for round in 0..400_000_u32 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let first = 0xe800 + (state >> 20) as u16 % 0x1800;
        let second = (state >> 40) as u16;
        // Half of the sample is made of the small field values that compilers write.
        let second = if round % 2 == 0 { second } else { second & 0x7fff & 0xcfff };
        let mut bytes = [0; 4];
        bytes[..2].copy_from_slice(&first.to_le_bytes());
        bytes[2..].copy_from_slice(&second.to_le_bytes());
        differences.extend(difference(&capstone, &bytes));
    }
    check(differences);
}
