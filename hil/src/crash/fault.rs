//! Why a core faulted: only what the status bits, the stacked frame and the instruction prove.
//!
//! Status bits are sticky, so one may be of an earlier fault; a fault address counts only while
//! its VALID bit is set, and is still held against what the instruction means. ARMv6-M has no
//! status registers at all: there the stacked frame is all the evidence.

use bundle::{Fault, FaultAddress, FaultCause};

use super::image::Image;
use super::memory::Memory;
use super::registers::{FaultRegisters, Registers};
use super::thumb::{self, Operation};
use super::unwind::Chain;

/// xPSR bit 24: the core executes Thumb code, the only kind it has.
const THUMB: u32 = 1 << 24;

struct Bit {
    mask: u32,
    name: &'static str,
    meaning: &'static str,
}

const fn bit(number: u32, name: &'static str, meaning: &'static str) -> Bit {
    Bit { mask: 1 << number, name, meaning }
}

/// Source: ARMv7-M ARM, DDI 0403E, B3.2.15; STKOF: ARMv8-M ARM, DDI 0553B, D1.2.250 (UFSR).
const CFSR: [Bit; 17] = [
    bit(
        0,
        "IACCVIOL",
        "an instruction was fetched from where the MPU or the memory map forbids execution",
    ),
    bit(1, "DACCVIOL", "a load or store that the MPU forbids"),
    bit(3, "MUNSTKERR", "the MPU forbade reading the exception frame on return"),
    bit(4, "MSTKERR", "the MPU forbade writing the exception frame: the stack has left its region"),
    bit(5, "MLSPERR", "the MPU forbade saving the floating-point state"),
    bit(8, "IBUSERR", "an instruction was fetched from where nothing answers"),
    bit(9, "PRECISERR", "a load or store that the bus refused, by the stacked instruction"),
    bit(
        10,
        "IMPRECISERR",
        "a buffered store that the bus refused, some instructions before the stacked one",
    ),
    bit(11, "UNSTKERR", "the exception frame could not be read on return"),
    bit(
        12,
        "STKERR",
        "the exception frame could not be written: the stack pointer is where nothing answers",
    ),
    bit(13, "LSPERR", "the floating-point state could not be saved"),
    bit(16, "UNDEFINSTR", "an instruction that this core does not have"),
    bit(17, "INVSTATE", "a jump to an address without the Thumb bit"),
    bit(18, "INVPC", "an exception return with a value that does not fit the core's state"),
    bit(19, "NOCP", "a coprocessor instruction while the coprocessor (such as the FPU) is off"),
    bit(20, "STKOF", "the stack pointer fell below its limit"),
    bit(24, "UNALIGNED", "an unaligned access"),
];
const DIVBYZERO: Bit = bit(25, "DIVBYZERO", "a division by zero");

/// Source: DDI 0403E, B3.2.16.
const HFSR: [Bit; 2] = [
    bit(1, "VECTTBL", "the vector table could not be read"),
    bit(31, "DEBUGEVT", "a breakpoint or another debug event while no debugger handled it"),
];
const HFSR_FORCED: u32 = 1 << 30;

/// Source: ARMv8-M ARM, DDI 0553B, D1.2.212 (SFSR).
const SFSR: [Bit; 7] = [
    bit(0, "INVEP", "a call into secure code at no entry point"),
    bit(1, "INVIS", "an exception frame with a wrong integrity signature"),
    bit(2, "INVER", "a return from a secure exception with a wrong EXC_RETURN"),
    bit(3, "AUVIOL", "non-secure code touched secure memory"),
    bit(4, "INVTRAN", "a branch from secure to non-secure code without BXNS or BLXNS"),
    bit(5, "LSPERR", "the floating-point state could not be saved"),
    bit(7, "LSERR", "an error while the floating-point state was saved"),
];

const MMARVALID: u32 = 1 << 7;
const BFARVALID: u32 = 1 << 15;
const IMPRECISERR: u32 = 1 << 10;
const SFARVALID: u32 = 1 << 6;

/// Explains the exception that `start` stands in. `None` if that is no fault.
pub(super) fn explain(
    start: &Registers,
    chain: &Chain,
    faults: &FaultRegisters,
    memory: &Memory<'_>,
    image: Option<&Image>,
) -> Option<Fault> {
    let exception = exception_name(start.exception()?)?;
    let mut fault = Fault {
        exception: exception.to_owned(),
        escalated: faults.hfsr.is_some_and(|hfsr| hfsr & HFSR_FORCED != 0),
        causes: causes(faults),
        instruction: None,
        address: None,
        doubts: Vec::new(),
    };
    let imprecise = faults.cfsr.is_some_and(|cfsr| cfsr & IMPRECISERR != 0);
    let operation = chain.interrupted.as_ref().and_then(|at| {
        fault.instruction = (!imprecise).then(|| u64::from(at.pc() & !1));
        from_frame(&mut fault, at, faults.cfsr.is_none(), memory, image)
    });
    fault.address = address(faults, operation, &mut fault.doubts);
    doubts(&mut fault, chain, faults, imprecise);
    Some(fault)
}

/// Source: DDI 0403E, B1.5.2; SecureFault: DDI 0553B, B3.9.
fn exception_name(number: u32) -> Option<&'static str> {
    Some(match number {
        3 => "HardFault",
        4 => "MemManage",
        5 => "BusFault",
        6 => "UsageFault",
        7 => "SecureFault",
        _ => return None,
    })
}

fn causes(faults: &FaultRegisters) -> Vec<FaultCause> {
    let of = |register: &str, value: Option<u32>, bits: &[Bit]| -> Vec<FaultCause> {
        let value = value.unwrap_or(0);
        let set = bits.iter().filter(|bit| value & bit.mask != 0);
        set.map(|bit| FaultCause::new(&format!("{register}.{}", bit.name), bit.meaning)).collect()
    };
    let mut causes = of("CFSR", faults.cfsr, &CFSR);
    causes.extend(of("CFSR", faults.cfsr, &[DIVBYZERO]));
    causes.extend(of("HFSR", faults.hfsr, &HFSR));
    causes.extend(of("SFSR", faults.sfsr, &SFSR));
    causes
}

/// What the stacked frame proves by itself. Gives what the instruction does.
fn from_frame(
    fault: &mut Fault,
    at: &Registers,
    no_status: bool,
    memory: &Memory<'_>,
    image: Option<&Image>,
) -> Option<Operation> {
    let pc = at.pc() & !1;
    let mut prove = |from: &str, meaning: &str| {
        if no_status {
            fault.causes.push(FaultCause::new(from, meaning));
        }
    };
    if at.xpsr.is_some_and(|xpsr| xpsr & THUMB == 0) {
        prove("stacked xPSR", "a jump to an address without the Thumb bit");
        return None;
    }
    if image.is_some_and(|image| !image.is_code(pc)) {
        let meaning = "execution went to an address that is in no code of this firmware";
        fault.causes.push(FaultCause::new("stacked PC", meaning));
        return None;
    }
    let first = memory.half(pc)?;
    let operation = thumb::operation(first, memory.half(pc + 2).unwrap_or(0), at)?;
    match operation {
        Operation::Undefined => prove("instruction", "UDF, which is there to fault"),
        Operation::Breakpoint => prove("instruction", "BKPT while no debugger handled it"),
        Operation::SupervisorCall => prove("instruction", "SVC where it may not preempt"),
        Operation::Load { address, size } | Operation::Store { address, size } => {
            if !address.is_multiple_of(size.min(4)) {
                prove("instruction", "an unaligned access, which ARMv6-M has none of");
            }
        }
        Operation::BranchToArm { .. } => {}
    }
    Some(operation)
}

/// The address the fault is about, by the fault unit or by the instruction.
fn address(
    faults: &FaultRegisters,
    operation: Option<Operation>,
    doubts: &mut Vec<String>,
) -> Option<FaultAddress> {
    let valid = |status: Option<u32>, mask: u32, value: Option<u32>| {
        value.filter(|_| status.is_some_and(|status| status & mask != 0))
    };
    let bfar = valid(faults.cfsr, BFARVALID, faults.bfar);
    let mmfar = valid(faults.cfsr, MMARVALID, faults.mmfar);
    let sfar = valid(faults.sfsr, SFARVALID, faults.sfar);
    let access = operation.and_then(|operation| match operation {
        Operation::Load { address, size } => Some((address, format!("read of {size} bytes"), size)),
        Operation::Store { address, size } => {
            Some((address, format!("write of {size} bytes"), size))
        }
        _ => None,
    });
    let told = [("BFAR", bfar), ("MMFAR", mmfar), ("SFAR", sfar)];
    let told: Vec<(&str, u32)> =
        told.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    let means = |address: u32, of: &Option<(u32, String, u32)>| {
        of.as_ref().is_some_and(|(at, _, size)| address.wrapping_sub(*at) < *size)
    };
    match told.as_slice() {
        [] => {
            let (address, access, _) = access?;
            let proof = "the instruction and its registers".to_owned();
            Some(FaultAddress { address: address.into(), access: Some(access), proof })
        }
        [(name, value)] => {
            let agrees = means(*value, &access);
            if let (false, Some((at, what, _))) = (agrees, &access) {
                doubts.push(format!(
                    "{name} holds {value:#010x}, but the stacked instruction is a {what} at {at:#010x}: one of them is of another fault"
                ));
            }
            let proof = match agrees {
                true => format!("{name} is valid, and the instruction means the same"),
                false => format!("{name} is valid"),
            };
            let access = access.filter(|_| agrees).map(|(_, what, _)| what);
            Some(FaultAddress { address: (*value).into(), access, proof })
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
            doubts.push(format!(
                "{} are valid at once: the bits of earlier faults were never cleared",
                names.join(" and ")
            ));
            let (address, access, _) = access?;
            let proof = "the instruction and its registers".to_owned();
            Some(FaultAddress { address: address.into(), access: Some(access), proof })
        }
    }
}

fn doubts(fault: &mut Fault, chain: &Chain, faults: &FaultRegisters, imprecise: bool) {
    if imprecise {
        fault.doubts.push(
            "the bus error is imprecise: the stacked PC is after the store that caused it"
                .to_owned(),
        );
    }
    let status_bits = fault.causes.iter().filter(|cause| cause.bit.starts_with("CFSR.")).count();
    if status_bits > 1 {
        fault.doubts.push(
            "several status bits are set; they stay set until cleared, so some may be of earlier faults"
                .to_owned(),
        );
    }
    if let Some(sp) = chain.lost_frame_at {
        fault.doubts.push(format!(
            "the exception frame at {sp:#010x} cannot be read: the stack pointer is outside of the saved memory"
        ));
    }
    if faults.cfsr.is_none() && fault.causes.is_empty() && fault.address.is_none() {
        fault.doubts.push(
            "this core has no fault status registers, and the frame proves nothing".to_owned(),
        );
    }
}
