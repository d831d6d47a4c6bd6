//! The registers of a task that does not run: what the port of FreeRTOS pushed below the frame that the
//! core stacked by itself.
//!
//! Source: FreeRTOS-Kernel V11, `portable/GCC/ARM_CM*/port.c` and `portasm.c`, `PendSV_Handler`.

use crate::crash::image::Image;
use crate::crash::memory::Memory;
use crate::crash::registers::{Registers, SP};
use crate::crash::unwind::{NO_FP, Unwinder};

/// Where from `pxTopOfStack` on, in words, a port has what.
struct Port {
    exc_return: Option<u32>,
    /// R4, with those up to R11 behind it.
    r4: u32,
    /// Behind all of it: S16 to S31 if they were saved, then the core's own frame.
    size: u32,
}

const PORTS: [Port; 5] = [
    // ARM_CM3, and ARM_CM0 until V11.1.
    Port { exc_return: None, r4: 0, size: 8 },
    // ARM_CM0.
    Port { exc_return: Some(0), r4: 1, size: 9 },
    // ARM_CM4F, ARM_CM7.
    Port { exc_return: Some(8), r4: 0, size: 9 },
    // ARM_CM23_NTZ, ARM_CM33_NTZ and those after them: PSPLIM first.
    Port { exc_return: Some(1), r4: 2, size: 10 },
    // ARM_CM23, ARM_CM33 and those after them: the secure context, then PSPLIM.
    Port { exc_return: Some(2), r4: 3, size: 11 },
];

/// How a thread on the process stack returns where the port does not save it.
const TO_THREAD: u32 = 0xffff_fffd;

/// `EXC_RETURN` of a thread on the process stack: all but the bits for the security state, the stacked
/// frame and its floating-point part. Source: DDI 0403E, B1.5.8; DDI 0553B, B3.18.
const THREAD_MASK: u32 = 0xffff_ff8e;
const THREAD: u32 = 0xffff_ff8c;

/// S16 to S31.
const UPPER_FLOATS: u32 = 16;

/// xPSR: Thumb state, and the number of the exception. Source: DDI 0403E, B1.4.2.
const THUMB: u32 = 1 << 24;
const EXCEPTION: u32 = 0x1ff;

/// Finds the one port whose layout fits: `EXC_RETURN` is one, and in the core's frame behind it are an
/// xPSR of a thread and a PC in the firmware's code.
pub(super) fn saved(
    image: &Image,
    memory: &Memory<'_>,
    unwinder: &Unwinder<'_>,
    top: u32,
) -> Result<Registers, String> {
    let word = |index: u32| memory.word(top.wrapping_add(4 * index));
    if word(0).is_none() {
        return Err(format!("its stack at {top:#010x} was not read"));
    }
    let mut fitting = PORTS.iter().filter_map(|port| {
        let exc_return = match port.exc_return {
            Some(index) => word(index).filter(|value| value & THREAD_MASK == THREAD)?,
            None => TO_THREAD,
        };
        let floats = if exc_return & NO_FP == 0 { UPPER_FLOATS } else { 0 };
        let mut before = Registers::unknown();
        for number in 0..8 {
            before.core[4 + number as usize] = word(port.r4 + number);
        }
        let frame = top.wrapping_add(4 * (port.size + floats));
        before.core[SP] = Some(frame);
        before.psp = Some(frame);
        let found = unwinder.resumed(&before, exc_return)?;
        let is_thread = found.xpsr.is_some_and(|xpsr| xpsr & (THUMB | EXCEPTION) == THUMB);
        (is_thread && image.is_code(found.pc())).then_some(found)
    });
    match (fitting.next(), fitting.next()) {
        (Some(found), None) => Ok(found),
        (None, _) => Err(format!("at {top:#010x} are no registers that a known port saves")),
        (Some(_), Some(_)) => {
            Err(format!("the registers at {top:#010x} may be those of two ports"))
        }
    }
}
