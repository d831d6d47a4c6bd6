//! Calling conventions: which registers carry arguments, and which a call leaves alone.

use super::instruction::Register;

/// What the analysis has to know of a machine's calls.
#[derive(Debug)]
pub(crate) struct Abi {
    pub(crate) stack_pointer: Register,
    /// Integer and pointer arguments, in order.
    pub(crate) arguments: &'static [Register],
    /// Results, in order.
    pub(crate) results: [Register; 2],
    /// What a call may change, as a set.
    pub(crate) clobbered: u32,
    /// Register 0 reads as zero.
    pub(crate) has_zero: bool,
    /// Bit 0 of a code address tells the instruction set, not the place.
    pub(crate) has_thumb_bit: bool,
}

/// Source: Procedure Call Standard for the Arm Architecture, IHI 0042, 6.1.1.
pub(crate) const ARM: Abi = Abi {
    stack_pointer: 13,
    arguments: &[0, 1, 2, 3],
    results: [0, 1],
    clobbered: 0b0101_0000_0000_1111,
    has_zero: false,
    has_thumb_bit: true,
};

/// Source: RISC-V ELF psABI, "Integer Register Convention".
pub(crate) const RISC_V: Abi = Abi {
    stack_pointer: 2,
    arguments: &[10, 11, 12, 13, 14, 15, 16, 17],
    results: [10, 11],
    // ra, t0 to t2, a0 to a7, t3 to t6.
    clobbered: 0xf003_fce2,
    has_zero: true,
    has_thumb_bit: false,
};

/// The global pointer of RISC-V, set once at start.
pub(crate) const GLOBAL_POINTER: Register = 3;

impl Abi {
    /// Where code at a function pointer's value starts.
    pub(crate) fn code_address(&self, pointer: u32) -> u32 {
        if self.has_thumb_bit { pointer & !1 } else { pointer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_may_change_its_arguments_but_not_the_stack_pointer() {
        for abi in [&ARM, &RISC_V] {
            for &argument in abi.arguments {
                assert!(abi.clobbered & (1 << argument) != 0, "{abi:?}");
            }
            assert!(abi.clobbered & (1 << abi.stack_pointer) == 0, "{abi:?}");
        }
        let saved = [8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 2, 3, 4];
        let kept = saved.into_iter().fold(1, |set: u32, register| set | (1 << register));
        assert_eq!(RISC_V.clobbered, !kept);
    }
}
