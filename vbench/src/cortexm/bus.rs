//! Accesses of the debugger to the core's bus.

use super::{Access, CortexM, overlay};
use crate::BenchError;
use crate::qtest::Width;
use crate::regions::Kind;

impl CortexM {
    /// One read by the debugger.
    pub(crate) fn read(&mut self, address: u64, width: Width) -> Result<Access<u32>, BenchError> {
        self.guard(|this| this.read_one(address, width))
    }

    /// [`CortexM::read`] behind the door.
    fn read_one(&mut self, address: u64, width: Width) -> Result<Access<u32>, BenchError> {
        let word = address & !3;
        match self.read_overlay(word)? {
            Some(access) => Ok(match access {
                Access::Done(value) => Access::Done(lane(value, address, width)),
                Access::Fault => Access::Fault,
            }),
            None => self.read_bus(address, width),
        }
    }

    /// Consecutive words, as many at once as the bus allows.
    pub(crate) fn read_words(
        &mut self,
        address: u64,
        words: &mut [u32],
    ) -> Result<Access<()>, BenchError> {
        self.guard(|this| {
            let size = 4 * words.len() as u64;
            let each = || (address..address + size).step_by(4);
            let kind = this.kind(address, size.max(4)).filter(|_| !each().any(overlay::holds));
            match kind {
                Some(Kind::Storage) => {
                    let bytes = this.link()?.qtest.read_bulk(address, words.len() * 4)?;
                    for (word, four) in words.iter_mut().zip(bytes.chunks_exact(4)) {
                        *word = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                    }
                }
                Some(_) => {
                    let each: Vec<u64> = each().collect();
                    words.copy_from_slice(&this.link()?.qtest.read_each(&each, Width::Word)?);
                }
                None => {
                    for (word, at) in words.iter_mut().zip(each()) {
                        match this.read_one(at, Width::Word)? {
                            Access::Done(value) => *word = value,
                            Access::Fault => return Ok(Access::Fault),
                        }
                    }
                }
            }
            Ok(Access::Done(()))
        })
    }

    /// One write by the debugger.
    pub(crate) fn write(
        &mut self,
        address: u64,
        width: Width,
        value: u32,
    ) -> Result<Access<()>, BenchError> {
        self.guard(|this| this.write_one(address, width, value))
    }

    /// Consecutive words, as many at once as the bus allows.
    pub(crate) fn write_words(
        &mut self,
        address: u64,
        words: &[u32],
    ) -> Result<Access<()>, BenchError> {
        self.guard(|this| {
            let size = 4 * words.len() as u64;
            let each: Vec<_> = (address..).step_by(4).zip(words.iter().copied()).collect();
            let plain = !each.iter().any(|&(at, _)| overlay::holds(at));
            if plain && this.kind(address, size.max(4)).is_some() {
                this.link()?.qtest.write_each(&each, Width::Word)?;
                return Ok(Access::Done(()));
            }
            for (at, word) in each {
                if let Access::Fault = this.write_one(at, Width::Word, word)? {
                    return Ok(Access::Fault);
                }
            }
            Ok(Access::Done(()))
        })
    }

    fn read_bus(&mut self, address: u64, width: Width) -> Result<Access<u32>, BenchError> {
        let link = self.link()?;
        match link.regions.at(address, width.bytes()) {
            Some(_) => Ok(Access::Done(link.qtest.read(address, width)?)),
            None => Ok(Access::Fault),
        }
    }

    fn write_one(
        &mut self,
        address: u64,
        width: Width,
        value: u32,
    ) -> Result<Access<()>, BenchError> {
        if width == Width::Word && self.write_overlay(address, value)? {
            return Ok(Access::Done(()));
        }
        let link = self.link()?;
        match link.regions.at(address, width.bytes()) {
            Some(_) => Ok(Access::Done(link.qtest.write(address, width, value)?)),
            None => Ok(Access::Fault),
        }
    }
}

/// The bytes of a word that a narrower access sees.
fn lane(word: u32, address: u64, width: Width) -> u32 {
    let shifted = word >> (8 * (address & 3));
    match width {
        Width::Byte => shifted & 0xff,
        Width::Half => shifted & 0xffff,
        Width::Word => shifted,
    }
}
