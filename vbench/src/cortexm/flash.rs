//! The flash controller that QEMU lacks, as far as a flash algorithm uses one.
//!
//! A flash cell is erased to 1 and programmed to 0, and only erasing whole sectors makes a 1 of a 0
//! again. That rule is kept, so that a debugger which forgets to erase finds out here and not on
//! the bench with the real board.

use super::CortexM;
use super::registers::DFSR_BKPT;
use crate::BenchError;
use crate::catalog::HostFlash;
use crate::flash_algorithm::FlashCall;
use crate::regions::Kind;

/// Results of the functions of a flash algorithm.
const DONE: u32 = 0;
const FAILED: u32 = 1;

impl CortexM {
    /// Carries out the function whose stub the core stands at, and returns from it. False: it
    /// stands at no stub.
    pub(super) fn flash_call(&mut self) -> Result<bool, BenchError> {
        let Some(geometry) = self.machine.host_flash() else { return Ok(false) };
        let pc = self.register("pc")?.unwrap_or(0);
        let call = match (self.halfword(pc)?, self.halfword(pc.wrapping_add(2))?) {
            (Some(first), Some(second)) => FlashCall::of(first, second),
            _ => None,
        };
        let Some(call) = call else { return Ok(false) };
        let done = match call {
            FlashCall::Init | FlashCall::UnInit => true,
            FlashCall::EraseAll => self.erase(0, self.machine.flash.size)?,
            FlashCall::EraseSector => {
                let address = self.argument("r0")?;
                match self.offset(address).and_then(|offset| geometry.sector(offset)) {
                    Some((start, size)) => self.erase(start, size)?,
                    None => false,
                }
            }
            FlashCall::ProgramPage => self.program_page()?,
        };
        let back = self.argument("lr")? & !1;
        let gdb = &mut self.link()?.gdb;
        gdb.write_register("r0", if done { DONE } else { FAILED })?;
        gdb.write_register("pc", back)?;
        self.halted(DFSR_BKPT);
        Ok(true)
    }

    fn erase(&mut self, offset: u64, size: u64) -> Result<bool, BenchError> {
        let Some(sector) = part(self.whole_image(), offset, size) else { return Ok(false) };
        sector.fill(0xff);
        let blank = sector.to_vec();
        self.write_flash(offset, &blank)?;
        Ok(true)
    }

    /// `ProgramPage(address, size, buffer)`. Like the chip's own controller it does not look
    /// whether the bits were erased.
    fn program_page(&mut self) -> Result<bool, BenchError> {
        let (address, size) = (self.argument("r0")?, self.argument("r1")?);
        let buffer = u64::from(self.argument("r2")?);
        let (Some(offset), Some(Kind::Storage)) =
            (self.offset(address), self.kind(buffer, u64::from(size.max(1))))
        else {
            return Ok(false);
        };
        let wanted = self.link()?.qtest.read_bulk(buffer, size as usize)?;
        let Some(page) = part(self.whole_image(), offset, size.into()) else { return Ok(false) };
        page.iter_mut().zip(&wanted).for_each(|(cell, bits)| *cell &= bits);
        let programmed = page.to_vec();
        self.write_flash(offset, &programmed)?;
        Ok(true)
    }

    /// Brings a changed part of the image into QEMU, whose flash only the gdb stub may write.
    fn write_flash(&mut self, offset: u64, bytes: &[u8]) -> Result<(), BenchError> {
        let address = self.machine.flash.start + offset;
        self.link()?.gdb.write_memory(address, bytes)?;
        self.note_bkpts(offset, bytes);
        Ok(())
    }

    fn whole_image(&mut self) -> &mut [u8] {
        let size = usize::try_from(self.machine.flash.size).unwrap_or(0);
        self.image.resize(size, 0xff);
        &mut self.image
    }

    fn offset(&self, address: u32) -> Option<u64> {
        let flash = self.machine.flash_range();
        let address = u64::from(address);
        flash.contains(&address).then(|| address - flash.start)
    }

    fn argument(&mut self, register: &str) -> Result<u32, BenchError> {
        Ok(self.register(register)?.unwrap_or(0))
    }
}

fn part(image: &mut [u8], offset: u64, size: u64) -> Option<&mut [u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(size).ok()?)?;
    image.get_mut(start..end)
}

impl HostFlash {
    /// Offset and size of the sector that holds the byte at `offset`.
    fn sector(&self, offset: u64) -> Option<(u64, u64)> {
        let run = self.sectors.iter().rev().find(|run| run.offset <= offset)?;
        let within = (offset - run.offset) / run.size.max(1);
        Some((run.offset + within * run.size, run.size))
    }
}

#[cfg(test)]
mod tests {
    use crate::machine;

    #[test]
    fn sectors_are_those_of_the_manual() {
        let board = machine("netduinoplus2").expect("built in");
        let geometry = board.host_flash().expect("no controller in QEMU");
        assert_eq!(geometry.sector(0x3fff), Some((0, 0x4000)));
        assert_eq!(geometry.sector(0xc000), Some((0xc000, 0x4000)));
        assert_eq!(geometry.sector(0x1_0004), Some((0x1_0000, 0x1_0000)));
        assert_eq!(geometry.sector(0xf_ffff), Some((0xe_0000, 0x2_0000)));
    }
}
