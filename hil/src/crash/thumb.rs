//! Which address a Thumb load or store means, given the registers it ran with.
//!
//! A Cortex-M0 has no fault address register, and a Cortex-M3's may not be valid; but the stacked
//! registers are exact, and so is the instruction. Source: ARMv6-M ARM, DDI 0419E, A5.2; ARMv7-M
//! ARM, DDI 0403E, A5.3 (32-bit encodings).

use super::registers::{PC, Registers, SP};

/// What a faulting instruction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Reads `size` bytes at `address`.
    Load { address: u32, size: u32 },
    /// Writes `size` bytes at `address`.
    Store { address: u32, size: u32 },
    /// `UDF`, which is there to fault.
    Undefined,
    /// `BKPT`, which faults without a debugger.
    Breakpoint,
    /// `SVC`, which faults where it may not preempt.
    SupervisorCall,
    /// Jumps to an address without the Thumb bit.
    BranchToArm { target: u32 },
}

/// What the instruction in `first` and `second` (the halfword after it) does with `registers`.
///
/// `None`: nothing that faults by itself, not known here, or a register it needs is not known.
pub(crate) fn operation(first: u16, second: u16, registers: &Registers) -> Option<Operation> {
    let register = |number: u16| registers.core.get(usize::from(number)).copied().flatten();
    let low = |shift: u16| register((first >> shift) & 7);
    let access = |is_load: bool, address: u32, size: u32| match is_load {
        true => Operation::Load { address, size },
        false => Operation::Store { address, size },
    };
    let imm5 = u32::from((first >> 6) & 31);
    let imm8 = u32::from(first & 0xff);
    let is_load = first & 0x0800 != 0;
    Some(match first >> 11 {
        0b01001 => {
            let base = register(PC as u16)?.wrapping_add(4) & !3;
            Operation::Load { address: base.wrapping_add(4 * imm8), size: 4 }
        }
        0b01010 | 0b01011 => {
            let (is_load, size) = match (first >> 9) & 7 {
                0 => (false, 4),
                1 => (false, 2),
                2 => (false, 1),
                3 | 6 => (true, 1),
                4 => (true, 4),
                _ => (true, 2),
            };
            access(is_load, low(3)?.wrapping_add(low(6)?), size)
        }
        0b01100 | 0b01101 => access(is_load, low(3)?.wrapping_add(4 * imm5), 4),
        0b01110 | 0b01111 => access(is_load, low(3)?.wrapping_add(imm5), 1),
        0b10000 | 0b10001 => access(is_load, low(3)?.wrapping_add(2 * imm5), 2),
        0b10010 | 0b10011 => access(is_load, register(SP as u16)?.wrapping_add(4 * imm8), 4),
        0b11000 | 0b11001 => access(is_load, low(8)?, 4 * imm8.count_ones().max(1)),
        0b01000 if first & 0xff00 == 0x4700 => {
            let target = register((first >> 3) & 15)?;
            (target & 1 == 0).then_some(Operation::BranchToArm { target })?
        }
        0b11011 if first & 0xff00 == 0xdf00 => Operation::SupervisorCall,
        0b11011 if first & 0xff00 == 0xde00 => Operation::Undefined,
        0b10111 if first & 0xff00 == 0xbe00 => Operation::Breakpoint,
        0b10110 if first & 0xfe00 == 0xb400 => {
            let count = (first & 0x1ff).count_ones();
            let address = register(SP as u16)?.wrapping_sub(4 * count);
            Operation::Store { address, size: 4 * count }
        }
        0b10111 if first & 0xfe00 == 0xbc00 => {
            let count = (first & 0x1ff).count_ones();
            Operation::Load { address: register(SP as u16)?, size: 4 * count }
        }
        0b11101..=0b11111 => return wide(first, second, registers),
        _ => return None,
    })
}

/// 32-bit encodings: `LDR`/`STR` with immediate or register offset, `LDRD`/`STRD`, `UDF.W`.
fn wide(first: u16, second: u16, registers: &Registers) -> Option<Operation> {
    if first & 0xfff0 == 0xf7f0 && second & 0xf000 == 0xa000 {
        return Some(Operation::Undefined);
    }
    let register = |number: u16| registers.core.get(usize::from(number)).copied().flatten();
    let base = match first & 15 {
        15 => registers.core[PC]?.wrapping_add(4) & !3,
        number => register(number)?,
    };
    let is_load = first & 0x10 != 0;
    let (address, size) = if first & 0xfe00 == 0xf800 {
        let size = 1 << ((first >> 5) & 3);
        (single_address(first, second, base, &register)?, size)
    } else if first & 0xfe40 == 0xe840 && first & 0x0120 != 0 {
        let offset = 4 * u32::from(second & 0xff);
        (indexed(base, offset, first & 0x0100 != 0, first & 0x0080 != 0), 8)
    } else {
        return None;
    };
    Some(match is_load {
        true => Operation::Load { address, size },
        false => Operation::Store { address, size },
    })
}

fn single_address(
    first: u16,
    second: u16,
    base: u32,
    register: &dyn Fn(u16) -> Option<u32>,
) -> Option<u32> {
    let imm12 = u32::from(second & 0xfff);
    if first & 15 == 15 {
        return Some(indexed(base, imm12, true, first & 0x0080 != 0));
    }
    if first & 0x0080 != 0 {
        return Some(base.wrapping_add(imm12));
    }
    if second & 0x0800 != 0 {
        let (before, up) = (second & 0x0400 != 0, second & 0x0200 != 0);
        return Some(indexed(base, u32::from(second & 0xff), before, up));
    }
    let shift = u32::from((second >> 4) & 3);
    Some(base.wrapping_add(register(second & 15)? << shift))
}

fn indexed(base: u32, offset: u32, before: bool, up: bool) -> u32 {
    match (before, up) {
        (false, _) => base,
        (true, true) => base.wrapping_add(offset),
        (true, false) => base.wrapping_sub(offset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Register n holds 0x1000 * n, PC 0x0800_0102.
    fn registers() -> Registers {
        let mut core: [Option<u32>; 16] =
            std::array::from_fn(|number| Some(0x1000 * number as u32));
        core[PC] = Some(0x0800_0102);
        Registers { core, xpsr: None, msp: None, psp: None }
    }

    #[test]
    fn addresses_are_those_the_instruction_means() {
        use Operation::{Load, Store};
        let cases = [
            (0x6808, 0, Load { address: 0x1000, size: 4 }), // ldr r0, [r1]
            (0x60ca, 0, Store { address: 0x100c, size: 4 }), // str r2, [r1, #12]
            (0x5c88, 0, Load { address: 0x3000, size: 1 }), // ldrb r0, [r1, r2]
            (0x8848, 0, Load { address: 0x1002, size: 2 }), // ldrh r0, [r1, #2]
            (0x4801, 0, Load { address: 0x0800_0108, size: 4 }), // ldr r0, [pc, #4]
            (0x9001, 0, Store { address: 0xd004, size: 4 }), // str r0, [sp, #4]
            (0xb510, 0, Store { address: 0xcff8, size: 8 }), // push {r4, lr}
            (0xbd10, 0, Load { address: 0xd000, size: 8 }), // pop {r4, pc}
            (0xf8d1, 0x0010, Load { address: 0x1010, size: 4 }), // ldr.w r0, [r1, #16]
            (0xf841, 0x0c08, Store { address: 0x0ff8, size: 4 }), // str.w r0, [r1, #-8]
            (0xf811, 0x0002, Load { address: 0x3000, size: 1 }), // ldrb.w r0, [r1, r2]
            (0xf851, 0x0022, Load { address: 0x9000, size: 4 }), // ldr.w r0, [r1, r2, lsl #2]
            (0xe9d1, 0x0102, Load { address: 0x1008, size: 8 }), // ldrd r0, r1, [r1, #8]
            (0x4788, 0, Operation::BranchToArm { target: 0x1000 }), // blx r1
            (0xde00, 0, Operation::Undefined),
            (0xbe01, 0, Operation::Breakpoint),
        ];
        for (first, second, expected) in cases {
            assert_eq!(operation(first, second, &registers()), Some(expected), "{first:04x}");
        }
        assert_eq!(operation(0x1c08, 0, &registers()), None, "adds r0, r1, #0");
    }
}
