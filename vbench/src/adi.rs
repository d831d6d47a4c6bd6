//! A debug port with one memory access port, as a probe's wire sees it.
//!
//! Source: ADIv5.2, IHI 0031E: B2.2 (DP registers), C2.6 (MEM-AP registers). Register numbers
//! here are the four address bits of one transfer; banks are selected by SELECT, as on the wire.

use crate::BenchError;
use crate::cortexm::{Access, CortexM};
use crate::qtest::Width;

/// A register as one transfer addresses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DapRegister {
    /// Debug port register, address bits 3:2 (`0x0`, `0x4`, `0x8`, `0xC`).
    Dp(u8),
    /// Register of the access port and bank in SELECT, address bits 3:2.
    Ap(u8),
}

/// Answer to a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack<T> {
    /// Done.
    Ok(T),
    /// An earlier or this access faulted: STICKYERR is set until ABORT clears it.
    Fault,
}

const ABORT_STKERRCLR: u32 = 1 << 2;
const CTRL_STICKYERR: u32 = 1 << 5;
const CTRL_REQUESTS: u32 = 1 << 28 | 1 << 30;
/// Power-up acknowledgements follow their requests one bit higher.
const CTRL_ACKS_SHIFT: u32 = 1;
const CSW_SIZE: u32 = 0b111;
const CSW_ADDR_INC: u32 = 0b11 << 4;
const CSW_SINGLE_INC: u32 = 0b01 << 4;
const CSW_DEVICE_EN: u32 = 1 << 6;
const CSW_WRITABLE: u32 = 0x7f00_0037;
/// TAR increments inside a 1 KiB block only. Source: ADIv5.2, C2.2.2.
const TAR_BLOCK: u32 = 0x400;

pub(crate) struct DebugPort {
    core: CortexM,
    select: u32,
    ctrl: u32,
    sticky_error: bool,
    /// Result of the last AP read, which RDBUFF repeats.
    last_read: u32,
    csw: u32,
    tar: u32,
}

impl DebugPort {
    pub(crate) fn new(core: CortexM) -> DebugPort {
        let csw = CSW_DEVICE_EN | 2;
        DebugPort { core, select: 0, ctrl: 0, sticky_error: false, last_read: 0, csw, tar: 0 }
    }

    pub(crate) fn core(&self) -> &CortexM {
        &self.core
    }

    pub(crate) fn core_mut(&mut self) -> &mut CortexM {
        &mut self.core
    }

    pub(crate) fn read(&mut self, register: DapRegister) -> Result<Ack<u32>, BenchError> {
        match register {
            DapRegister::Dp(address) => Ok(Ack::Ok(self.read_dp(address))),
            DapRegister::Ap(_) if self.sticky_error => Ok(Ack::Fault),
            DapRegister::Ap(address) => {
                let value = self.read_ap(self.ap_register(address))?;
                Ok(self.settle(value))
            }
        }
    }

    pub(crate) fn write(
        &mut self,
        register: DapRegister,
        value: u32,
    ) -> Result<Ack<()>, BenchError> {
        match register {
            DapRegister::Dp(address) => {
                self.write_dp(address, value);
                Ok(Ack::Ok(()))
            }
            DapRegister::Ap(_) if self.sticky_error => Ok(Ack::Fault),
            DapRegister::Ap(address) => {
                let done = self.write_ap(self.ap_register(address), value)?;
                Ok(self.settle(done))
            }
        }
    }

    /// The same register again and again; runs of DRW become one transfer to QEMU.
    pub(crate) fn read_block(
        &mut self,
        register: DapRegister,
        values: &mut [u32],
    ) -> Result<Ack<()>, BenchError> {
        let mut rest = values;
        while !rest.is_empty() {
            let run = self.drw_run(register, rest.len());
            let (now, later) = rest.split_at_mut(run.max(1));
            let ack = if run > 1 {
                let done = self.core.read_words(self.tar.into(), now)?;
                self.advance(4 * now.len() as u32);
                self.last_read = now[now.len() - 1];
                self.settle(done)
            } else {
                match self.read(register)? {
                    Ack::Ok(value) => {
                        now[0] = value;
                        Ack::Ok(())
                    }
                    Ack::Fault => Ack::Fault,
                }
            };
            if ack == Ack::Fault {
                return Ok(ack);
            }
            rest = later;
        }
        Ok(Ack::Ok(()))
    }

    /// The same register again and again; runs of DRW become one transfer to QEMU.
    pub(crate) fn write_block(
        &mut self,
        register: DapRegister,
        values: &[u32],
    ) -> Result<Ack<()>, BenchError> {
        let mut rest = values;
        while !rest.is_empty() {
            let run = self.drw_run(register, rest.len());
            let (now, later) = rest.split_at(run.max(1));
            let ack = if run > 1 {
                let done = self.core.write_words(self.tar.into(), now)?;
                self.advance(4 * now.len() as u32);
                self.settle(done)
            } else {
                self.write(register, now[0])?
            };
            if ack == Ack::Fault {
                return Ok(ack);
            }
            rest = later;
        }
        Ok(Ack::Ok(()))
    }

    /// How many of `left` accesses are words that follow each other in one TAR block.
    fn drw_run(&self, register: DapRegister, left: usize) -> usize {
        let words = self.csw & (CSW_SIZE | CSW_ADDR_INC) == CSW_SINGLE_INC | 2;
        let drw =
            matches!(register, DapRegister::Ap(address) if self.ap_register(address) == Some(DRW));
        if !words || !drw || self.sticky_error || !self.tar.is_multiple_of(4) {
            return 0;
        }
        left.min(((TAR_BLOCK - self.tar % TAR_BLOCK) / 4) as usize)
    }

    fn settle<T>(&mut self, access: Access<T>) -> Ack<T> {
        match access {
            Access::Done(value) => Ack::Ok(value),
            Access::Fault => {
                self.sticky_error = true;
                Ack::Fault
            }
        }
    }

    fn read_dp(&self, address: u8) -> u32 {
        let bank = self.select & 0xf;
        match (address & 0xc, bank) {
            (0x0, _) => self.core.machine().debug_port.dpidr,
            (0x4, 0) => {
                let acks = (self.ctrl & CTRL_REQUESTS) << CTRL_ACKS_SHIFT;
                let sticky = if self.sticky_error { CTRL_STICKYERR } else { 0 };
                self.ctrl | acks | sticky
            }
            (0xc, _) => self.last_read,
            _ => 0,
        }
    }

    fn write_dp(&mut self, address: u8, value: u32) {
        match (address & 0xc, self.select & 0xf) {
            (0x0, _) if value & ABORT_STKERRCLR != 0 => self.sticky_error = false,
            (0x4, 0) => self.ctrl = value & !(CTRL_REQUESTS << CTRL_ACKS_SHIFT | CTRL_STICKYERR),
            (0x8, _) => self.select = value,
            _ => {}
        }
    }

    /// Full register offset in access port 0. `None`: another port, of which there is none.
    fn ap_register(&self, address: u8) -> Option<u8> {
        let port = self.select >> 24;
        (port == 0).then_some((self.select & 0xf0) as u8 | address & 0xc)
    }

    fn read_ap(&mut self, register: Option<u8>) -> Result<Access<u32>, BenchError> {
        let value = match register {
            Some(CSW) => self.csw,
            Some(TAR) => self.tar,
            Some(DRW) => match self.read_memory()? {
                Access::Done(value) => value,
                Access::Fault => return Ok(Access::Fault),
            },
            Some(BD0..=BD3) => {
                let at = self.tar & !0xf | u32::from(register.unwrap_or(0) & 0xc);
                match self.core.read(at.into(), Width::Word)? {
                    Access::Done(value) => value,
                    Access::Fault => return Ok(Access::Fault),
                }
            }
            Some(BASE) => self.core.machine().debug_port.ahb_ap_base,
            Some(IDR) => self.core.machine().debug_port.ahb_ap_idr,
            _ => 0,
        };
        self.last_read = value;
        Ok(Access::Done(value))
    }

    fn write_ap(&mut self, register: Option<u8>, value: u32) -> Result<Access<()>, BenchError> {
        match register {
            Some(CSW) => self.write_csw(value),
            Some(TAR) => self.tar = value,
            Some(DRW) => return self.write_memory(value),
            Some(BD0..=BD3) => {
                let at = self.tar & !0xf | u32::from(register.unwrap_or(0) & 0xc);
                return self.core.write(at.into(), Width::Word, value);
            }
            _ => {}
        }
        Ok(Access::Done(()))
    }

    /// A size or an increment that there is not leaves the old one standing.
    fn write_csw(&mut self, value: u32) {
        let mut next = value & CSW_WRITABLE | CSW_DEVICE_EN;
        if value & CSW_SIZE > 2 {
            next = next & !CSW_SIZE | self.csw & CSW_SIZE;
        }
        if value & CSW_ADDR_INC > CSW_SINGLE_INC {
            next = next & !CSW_ADDR_INC | self.csw & CSW_ADDR_INC;
        }
        self.csw = next;
    }

    fn width(&self) -> Width {
        match self.csw & CSW_SIZE {
            0 => Width::Byte,
            1 => Width::Half,
            _ => Width::Word,
        }
    }

    /// DRW carries narrow accesses on the byte lanes of their address.
    fn read_memory(&mut self) -> Result<Access<u32>, BenchError> {
        let (address, width) = (self.tar, self.width());
        let access = self.core.read(address.into(), width)?;
        self.advance(width.bytes() as u32);
        Ok(match access {
            Access::Done(value) => Access::Done(value << lane_shift(address, width)),
            Access::Fault => Access::Fault,
        })
    }

    fn write_memory(&mut self, value: u32) -> Result<Access<()>, BenchError> {
        let (address, width) = (self.tar, self.width());
        let value = value >> lane_shift(address, width);
        let value = match width {
            Width::Byte => value & 0xff,
            Width::Half => value & 0xffff,
            Width::Word => value,
        };
        let access = self.core.write(address.into(), width, value)?;
        self.advance(width.bytes() as u32);
        Ok(access)
    }

    fn advance(&mut self, bytes: u32) {
        if self.csw & CSW_ADDR_INC == CSW_SINGLE_INC {
            let block = self.tar & !(TAR_BLOCK - 1);
            self.tar = block | self.tar.wrapping_add(bytes) & (TAR_BLOCK - 1);
        }
    }
}

const CSW: u8 = 0x00;
const TAR: u8 = 0x04;
const DRW: u8 = 0x0c;
const BD0: u8 = 0x10;
const BD3: u8 = 0x1c;
const BASE: u8 = 0xf8;
const IDR: u8 = 0xfc;

fn lane_shift(address: u32, width: Width) -> u32 {
    match width {
        Width::Byte => 8 * (address & 3),
        Width::Half => 8 * (address & 2),
        Width::Word => 0,
    }
}
