//! The call chain of an Xtensa core with register windows, as in the ESP32 and ESP32-S3.
//!
//! A function's caller has its first four registers in the words below the function's stack pointer,
//! once its window was spilled; whoever takes a dump spills all. No call frame information is needed.
//!
//! Source: Xtensa ISA Reference Manual, "Windowed Procedure-Call Protocol" (base save area, the
//! return address's top bits); ESP-IDF, `components/esp_system/port/arch/xtensa/debug_helpers.c`.

use bundle::{CallKind, CoreState};

use super::image::Image;
use super::memory::Memory;
use super::walk::{self, END_TOP, Walk, walk};

/// The top two bits of a return address are the size of the call; those of the program counter stand
/// in their place.
const CALL_SIZE: u32 = 0xc000_0000;

/// Program counter, return address and stack pointer of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Registers {
    pc: u32,
    a0: u32,
    sp: u32,
}

impl Registers {
    /// `None` if the core was not halted or is no Xtensa core.
    pub(super) fn of(core: &CoreState) -> Option<Self> {
        let named = |name: &str| {
            let mut registers = core.registers.iter();
            let found = registers.find(|register| register.name.eq_ignore_ascii_case(name))?;
            u32::try_from(found.value?).ok()
        };
        // RISC-V has an a0 as well, but no window.
        named("WINDOWBASE")?;
        Some(Self { pc: named("PC")?, a0: named("A0")?, sp: named("A1")? })
    }
}

impl walk::Registers for Registers {
    fn pc(&self) -> u32 {
        self.pc
    }

    fn sp(&self) -> u32 {
        self.sp
    }

    /// The stack pointer only: of the rest of a window, what was spilled is where its owner's callee
    /// put it. Source: Xtensa, `a1`.
    fn by_number(&self, number: u16, _: CallKind) -> Option<u64> {
        (number == 1).then_some(self.sp.into())
    }
}

/// Walks outwards from where the core stopped.
pub(super) fn unwind(
    image: Option<&Image>,
    memory: &Memory<'_>,
    core: usize,
    start: Registers,
) -> Walk<Registers> {
    walk(core, start, |registers, _, _| {
        Ok((outwards(image, memory, *registers)?, CallKind::Caller))
    })
}

fn outwards(
    image: Option<&Image>,
    memory: &Memory<'_>,
    registers: Registers,
) -> Result<Registers, String> {
    if registers.a0 == 0 {
        return Err(END_TOP.to_owned());
    }
    let pc = registers.a0 & !CALL_SIZE | registers.pc & CALL_SIZE;
    if image.is_some_and(|image| !image.is_code(pc.wrapping_sub(1))) {
        return Err(format!("the return address {pc:#010x} is in no code of this firmware"));
    }
    let saved = |below: u32| memory.word(registers.sp.wrapping_sub(below));
    let (a0, sp) = saved(16)
        .zip(saved(12))
        .ok_or_else(|| format!("the stack at {:#010x} cannot be read", registers.sp))?;
    match (pc, sp) == (registers.pc, registers.sp) {
        true => Err(END_TOP.to_owned()),
        false => Ok(Registers { pc, a0, sp }),
    }
}
