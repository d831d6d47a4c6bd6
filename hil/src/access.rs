//! One access to a core's memory: checked first, made at its width, and its failure told apart.

use probe_rs::{Core, MemoryInterface, Session};

use crate::HilError;
use crate::virtual_probe::bench_fault;

/// Index of the core that commands go to.
const CORE: usize = 0;

pub(crate) fn core(session: Option<&mut Session>) -> Result<Core<'_>, HilError> {
    session
        .ok_or(HilError::Lost)?
        .core(CORE)
        .map_err(|source| HilError::core("reach the core", source))
}

/// One aligned read of `count` times `size_bits`.
pub(crate) fn read(
    core: &mut Core<'_>,
    address: u64,
    size_bits: u32,
    count: usize,
) -> Result<Vec<u64>, HilError> {
    let bytes = u64::from(size_bits / 8);
    if !matches!(size_bits, 8 | 16 | 32 | 64) {
        return Err(HilError::BadRead { address, why: "a width is 8, 16, 32 or 64 bits" });
    }
    if !address.is_multiple_of(bytes) {
        return Err(HilError::BadRead { address, why: "the address is not aligned to the width" });
    }
    fn widen<T: Copy + Into<u64>>(words: &[T]) -> Vec<u64> {
        words.iter().map(|&word| word.into()).collect()
    }
    let read = match size_bits {
        8 => {
            let mut words = vec![0u8; count];
            core.read_8(address, &mut words).map(|()| widen(&words))
        }
        16 => {
            let mut words = vec![0u16; count];
            core.read_16(address, &mut words).map(|()| widen(&words))
        }
        32 => {
            let mut words = vec![0u32; count];
            core.read_32(address, &mut words).map(|()| widen(&words))
        }
        _ => {
            let mut words = vec![0u64; count];
            core.read_64(address, &mut words).map(|()| words)
        }
    };
    read.map_err(|source| match bench_fault(&source) {
        Some(fault) => HilError::Bench(fault),
        None => HilError::Read { address, size_bits, source: source.into() },
    })
}

/// One aligned write of values of `size_bits` each.
pub(crate) fn write(
    core: &mut Core<'_>,
    address: u64,
    size_bits: u32,
    values: &[u64],
) -> Result<(), HilError> {
    fn narrow<T: TryFrom<u64>>(address: u64, values: &[u64]) -> Result<Vec<T>, HilError> {
        let why = "a value does not fit the width";
        let narrow = |&value| T::try_from(value).map_err(|_| HilError::BadWrite { address, why });
        values.iter().map(narrow).collect()
    }
    if !matches!(size_bits, 8 | 16 | 32) {
        return Err(HilError::BadWrite { address, why: "a width is 8, 16 or 32 bits" });
    }
    if !address.is_multiple_of(u64::from(size_bits / 8)) {
        let why = "the address is not aligned to the width";
        return Err(HilError::BadWrite { address, why });
    }
    let written = match size_bits {
        8 => core.write_8(address, &narrow(address, values)?),
        16 => core.write_16(address, &narrow(address, values)?),
        _ => core.write_32(address, &narrow(address, values)?),
    };
    written.and_then(|()| core.flush()).map_err(|source| match bench_fault(&source) {
        Some(fault) => HilError::Bench(fault),
        None => HilError::Write { address, size_bits, source: source.into() },
    })
}
