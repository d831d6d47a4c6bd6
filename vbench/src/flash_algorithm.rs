//! A flash algorithm that the bench carries out itself.
//!
//! A debugger programs flash by code of the chip's vendor, which it downloads into RAM and calls.
//! That code drives a flash controller, and where QEMU has none it would wait for ever. So the
//! debugger is given another algorithm, made of stubs. When it starts the core at a stub, the
//! bench reads the arguments from r0 to r2, does the work, puts the result into r0 and halts the
//! core where the stub would have returned to.
//!
//! Source: Open-CMSIS-Pack, "Flash Programming", for the functions and their arguments.

/// What a debugger needs to know of the stubs: their code and the offset of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlashAlgorithm {
    /// The code, for any address in RAM.
    pub code: Vec<u8>,
    /// Offset of `Init(address, clock, operation)`.
    pub init: u64,
    /// Offset of `UnInit(operation)`.
    pub uninit: u64,
    /// Offset of `EraseSector(address)`.
    pub erase_sector: u64,
    /// Offset of `EraseChip()`.
    pub erase_all: u64,
    /// Offset of `ProgramPage(address, size, buffer)`.
    pub program_page: u64,
}

/// A function of the algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlashCall {
    Init,
    UnInit,
    EraseSector,
    EraseAll,
    ProgramPage,
}

const CALLS: [FlashCall; 5] = [
    FlashCall::Init,
    FlashCall::UnInit,
    FlashCall::EraseSector,
    FlashCall::EraseAll,
    FlashCall::ProgramPage,
];

/// A stub is `UDF #0xE0 + n` and a `BKPT` that no compiler emits: if it ever ran, it would stop
/// at once. Source: ARMv7-M ARM, DDI 0403E, A7.7.194 (UDF) and A7.7.17 (BKPT).
const STUB: u16 = 0xdee0;
const MARK: u16 = 0xbef5;
const STUB_BYTES: u64 = 4;

impl FlashAlgorithm {
    /// The algorithm that every bench understands.
    pub fn stubs() -> FlashAlgorithm {
        let offset = |call| STUB_BYTES * call as u64;
        let halves = (0..CALLS.len() as u16).flat_map(|number| [STUB + number, MARK]);
        FlashAlgorithm {
            code: halves.flat_map(u16::to_le_bytes).collect(),
            init: offset(FlashCall::Init),
            uninit: offset(FlashCall::UnInit),
            erase_sector: offset(FlashCall::EraseSector),
            erase_all: offset(FlashCall::EraseAll),
            program_page: offset(FlashCall::ProgramPage),
        }
    }
}

impl FlashCall {
    /// The function whose stub these two halfwords are.
    pub(crate) fn of(first: u16, second: u16) -> Option<FlashCall> {
        let number = usize::from(first.checked_sub(STUB)?);
        if second == MARK { CALLS.get(number).copied() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stub_is_known_by_its_code_and_stands_at_its_offset() {
        let algorithm = FlashAlgorithm::stubs();
        let at = |offset: u64| {
            let four = &algorithm.code[offset as usize..][..4];
            let half = |i| u16::from_le_bytes([four[i], four[i + 1]]);
            FlashCall::of(half(0), half(2))
        };
        assert_eq!(at(algorithm.init), Some(FlashCall::Init));
        assert_eq!(at(algorithm.uninit), Some(FlashCall::UnInit));
        assert_eq!(at(algorithm.erase_sector), Some(FlashCall::EraseSector));
        assert_eq!(at(algorithm.erase_all), Some(FlashCall::EraseAll));
        assert_eq!(at(algorithm.program_page), Some(FlashCall::ProgramPage));
        assert_eq!(FlashCall::of(STUB + 5, MARK), None);
        assert_eq!(FlashCall::of(0xde00, MARK), None);
        assert_eq!(FlashCall::of(STUB, 0xbe00), None);
    }
}
