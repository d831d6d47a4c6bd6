//! The walk outwards along a call chain, which is the same on every kind of core. What a step is,
//! the kinds of core tell.

use bundle::{Backtrace, CallFrame, CallKind};

use super::image::Image;

/// A chain longer than this is taken for a loop.
const MOST_FRAMES: usize = 256;

/// How a chain ends that is whole.
pub(super) const END_TOP: &str = "start of the program";

/// The registers of one frame, as a kind of core has them.
pub(super) trait Registers: Sized {
    /// Address of the instruction.
    fn pc(&self) -> u32;

    /// Stack pointer.
    fn sp(&self) -> u32;

    /// A register by its number in DWARF, as the function of this frame has it. `None`: not known
    /// at this depth.
    fn by_number(&self, number: u16, kind: CallKind) -> Option<u64>;
}

/// One frame of a walk: where it is, and what its function's variables may lie in.
pub(super) struct Stop<R> {
    registers: R,
    kind: CallKind,
    /// An address inside the call or the instruction, to look things up by.
    pub(super) at: u32,
}

impl<R: Registers> Stop<R> {
    /// A register of this frame.
    pub(super) fn register(&self, number: u16) -> Option<u64> {
        self.registers.by_number(number, self.kind)
    }

    /// The canonical frame address. Source: DWARF 5, 6.4.
    pub(super) fn frame_address(&self, image: &Image) -> Option<u32> {
        let (register, offset) = image.unwind_row(self.at)?.cfa;
        // Not `register`: of a stack pointer it does not matter who was called.
        let base = self.registers.by_number(register, CallKind::Stopped)?;
        u32::try_from(base).ok()?.checked_add_signed(i32::try_from(offset).ok()?)
    }
}

/// A whole walk.
pub(super) struct Walk<R> {
    /// Frames have addresses only.
    pub(super) backtrace: Backtrace,
    /// What the frames were found by, one each.
    pub(super) stops: Vec<Stop<R>>,
}

/// Walks outwards from where the core stopped. `outwards` gives the registers of the frame outside of
/// one, and how that was left; or why there is none. It is told the address to look things up by.
pub(super) fn walk<R: Registers>(
    core: usize,
    start: R,
    mut outwards: impl FnMut(&R, u32, CallKind) -> Result<(R, CallKind), String>,
) -> Walk<R> {
    let mut frames = Vec::new();
    let mut stops = Vec::new();
    let (mut registers, mut kind) = (start, CallKind::Stopped);
    let end = loop {
        if frames.len() == MOST_FRAMES {
            break format!("{MOST_FRAMES} frames and no end");
        }
        let (pc, sp) = (registers.pc(), registers.sp());
        frames.push(CallFrame::bare(kind, pc.into(), sp.into()));
        // A return address stands behind the call, which may be the function's last word.
        let at = if kind == CallKind::Caller { pc.wrapping_sub(1) } else { pc };
        let next = outwards(&registers, at, kind);
        stops.push(Stop { registers, kind, at });
        match next {
            Ok(outer) => (registers, kind) = outer,
            Err(why) => break why,
        }
    };
    Walk { backtrace: Backtrace { core, thread: None, frames, end }, stops }
}
