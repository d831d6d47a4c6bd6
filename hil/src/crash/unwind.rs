//! The call chain of an Arm core, from its registers, memory and call frame information.
//!
//! Inside an exception handler the return address is no address but an `EXC_RETURN` value; what
//! was interrupted lies in eight words on the main or the process stack, and the chain goes on
//! there. Source: ARMv7-M ARM, DDI 0403E, B1.5.6 to B1.5.8; ARMv8-M ARM, DDI 0553B, B3.18.

use bundle::CallKind;

use super::image::{Image, Row, Rule};
use super::memory::Memory;
use super::registers::{LR, PC, Registers, SP};
use super::walk::{self, END_TOP, Walk, walk};

/// From here on a return address is `EXC_RETURN`. Source: DDI 0403E, B1.5.8.
const EXC_RETURN: u32 = 0xff00_0000;

/// `EXC_RETURN`: the frame is on the process stack; has no floating-point part; is not of the
/// secure stack's extra kind.
const ON_PSP: u32 = 1 << 2;
pub(super) const NO_FP: u32 = 1 << 4;
const DEFAULT_STACKING: u32 = 1 << 5;

/// Sizes of a frame without and with its floating-point part, and of the additional state that a
/// secure ARMv8-M core may put below it.
const BASIC_FRAME: u32 = 0x20;
const FP_FRAME: u32 = 0x68;
const ADDITIONAL_STATE: u32 = 0x28;

/// xPSR bit 9: the stack was moved by a word to align it.
const ALIGNED: u32 = 1 << 9;

/// LR after reset. Source: DDI 0403E, B1.4.2.
const LR_AT_RESET: u32 = 0xffff_ffff;

/// A call chain, and the registers where the innermost exception struck.
pub(super) struct Chain {
    pub(super) walk: Walk<Registers>,
    /// As they were stacked; the others as the handler found them.
    pub(super) interrupted: Option<Registers>,
    /// Where the frame of the innermost exception should have been and could not be read.
    pub(super) lost_frame_at: Option<u32>,
}

pub(super) struct Unwinder<'a> {
    image: Option<&'a Image>,
    memory: &'a Memory<'a>,
}

/// One step outwards.
enum Step {
    Caller(Registers),
    Interrupted(Registers),
    End(String),
}

impl walk::Registers for Registers {
    fn pc(&self) -> u32 {
        Self::pc(self) & !1
    }

    fn sp(&self) -> u32 {
        self.core[SP].unwrap_or(0)
    }

    fn by_number(&self, number: u16, kind: CallKind) -> Option<u64> {
        let number = usize::from(number);
        match number {
            PC => Some((Self::pc(self) & !1).into()),
            // The call put its return address there.
            LR if kind == CallKind::Caller => None,
            _ => self.core.get(number).copied().flatten().map(u64::from),
        }
    }
}

impl<'a> Unwinder<'a> {
    pub(super) fn new(image: Option<&'a Image>, memory: &'a Memory<'a>) -> Self {
        Self { image, memory }
    }

    /// Walks outwards from where the core stopped.
    pub(super) fn run(&self, core: usize, start: Registers) -> Chain {
        let (mut interrupted, mut lost_frame_at) = (None, None);
        let walk = walk(core, start, |registers, at, kind| match self.step(registers, at, kind) {
            Step::Caller(next) => Ok((next, CallKind::Caller)),
            Step::Interrupted(next) => {
                interrupted.get_or_insert_with(|| next.clone());
                Ok((next, CallKind::Interrupted))
            }
            Step::End(why) => {
                if interrupted.is_none() && why.starts_with(LOST_FRAME) {
                    lost_frame_at = registers.core[SP];
                }
                Err(why)
            }
        });
        Chain { walk, interrupted, lost_frame_at }
    }

    /// The registers after an exception's return with `exc_return`, its handler having had `handler`.
    /// `None`: the frame on the stack cannot be read.
    pub(super) fn resumed(&self, handler: &Registers, exc_return: u32) -> Option<Registers> {
        match self.leave_exception(handler, exc_return) {
            Step::Interrupted(found) => Some(found),
            Step::Caller(_) | Step::End(_) => None,
        }
    }

    fn step(&self, registers: &Registers, at: u32, kind: CallKind) -> Step {
        let row = self.image.and_then(|image| image.unwind_row(at));
        let (caller, target) = match row {
            Some(row) => match self.apply(registers, &row) {
                Some(found) => found,
                None => return Step::End("the stack cannot be read here".to_owned()),
            },
            // Code without call frame information, such as a handler in assembly: if it was not left
            // by a call and has made none before, its caller is still in LR.
            None if kind != CallKind::Caller => match registers.core[LR] {
                Some(lr) if self.is_of_own_call(at, lr) => {
                    return Step::End("no call frame information here".to_owned());
                }
                Some(lr) => (registers.clone(), lr),
                None => return Step::End("LR is not known".to_owned()),
            },
            None => return Step::End("no call frame information here".to_owned()),
        };
        if target == LR_AT_RESET || target == 0 {
            return Step::End(END_TOP.to_owned());
        }
        if target >= EXC_RETURN {
            return self.leave_exception(&caller, target);
        }
        if self.image.is_some_and(|image| image.is_task_exit(target)) {
            return Step::End(END_TASK.to_owned());
        }
        let next = target & !1;
        let stuck = next == registers.pc() & !1 && caller.core[SP] == registers.core[SP];
        if stuck {
            return Step::End(END_TOP.to_owned());
        }
        if let Some(image) = self.image
            // A function may end in a call that does not come back.
            && !image.is_code(next.wrapping_sub(1))
        {
            return Step::End(format!("the return address {target:#010x} is in no code"));
        }
        let mut caller = caller;
        caller.core[PC] = Some(target);
        Step::Caller(caller)
    }

    /// Whether LR holds where a call of the function itself came back to.
    fn is_of_own_call(&self, pc: u32, lr: u32) -> bool {
        lr < EXC_RETURN && self.image.is_some_and(|image| image.is_one_function(pc, lr & !1))
    }

    /// The caller's registers and the return address. `None`: the stack cannot be read.
    fn apply(&self, registers: &Registers, row: &Row) -> Option<(Registers, u32)> {
        let base = (*registers.core.get(usize::from(row.cfa.0))?)?;
        let cfa = base.wrapping_add_signed(i32::try_from(row.cfa.1).ok()?);
        let offset = |by: i64| Some(cfa.wrapping_add_signed(i32::try_from(by).ok()?));
        let mut caller = registers.clone();
        for (number, rule) in row.rules.iter().enumerate().take(PC + 1) {
            caller.core[number] = match *rule {
                Rule::Undefined => None,
                // R0 to R3 and R12 are the callee's to spoil. Source: AAPCS32, 6.1.1.
                Rule::Unspecified if number < 4 || number == 12 => None,
                Rule::Unspecified | Rule::Same => registers.core[number],
                Rule::Saved(by) => self.memory.word(offset(by)?),
                Rule::Value(by) => offset(by),
                Rule::Register(other) => *registers.core.get(usize::from(other))?,
            };
        }
        if matches!(row.rules[SP], Rule::Unspecified) {
            caller.core[SP] = Some(cfa);
        }
        let target = (*caller.core.get(usize::from(row.return_register))?)?;
        Some((caller, target))
    }

    fn leave_exception(&self, handler: &Registers, exc_return: u32) -> Step {
        // Handlers run on the main stack: what is left of it now is where the frame may be.
        let main = handler.core[SP].or(handler.msp);
        let on_psp = exc_return & ON_PSP != 0;
        let stack = if on_psp { handler.psp } else { main };
        let Some(mut sp) = stack else {
            return Step::End("the process stack pointer is not known".to_owned());
        };
        if exc_return & DEFAULT_STACKING == 0 {
            sp = sp.wrapping_add(ADDITIONAL_STATE);
        }
        let word = |index: u32| self.memory.word(sp.wrapping_add(4 * index));
        let (Some(pc), Some(xpsr)) = (word(6), word(7)) else {
            return Step::End(format!("{LOST_FRAME} {sp:#010x}"));
        };
        let mut found = handler.clone();
        for (register, index) in [(0, 0), (1, 1), (2, 2), (3, 3), (12, 4), (LR, 5)] {
            found.core[register] = word(index);
        }
        let size = if exc_return & NO_FP == 0 { FP_FRAME } else { BASIC_FRAME };
        let padding = if xpsr & ALIGNED != 0 { 4 } else { 0 };
        let after = sp.wrapping_add(size + padding);
        found.core[SP] = Some(after);
        found.core[PC] = Some(pc);
        found.xpsr = Some(xpsr);
        match on_psp {
            true => (found.psp, found.msp) = (Some(after), main),
            false => found.msp = Some(after),
        }
        Step::Interrupted(found)
    }
}

/// How a chain ends that is whole, of a task.
const END_TASK: &str = "start of the task";

/// How a chain ends whose exception frame is where no memory was saved.
const LOST_FRAME: &str = "the exception frame cannot be read at";
