//! A probe on the network: a bench that `silk bench serve` or a Glasgow's applet offers.
//!
//! probe-rs has a driver for it too, which waits for ever when the other end is silent and spins
//! when it is gone. Boards on another machine do go away, so this driver has a limit for each answer
//! and remembers a connection that broke: whoever holds the board is told at once, and every time.

use std::fmt;
use std::sync::Arc;

use probe_rs::CoreStatus;
use probe_rs::architecture::arm::sequences::ArmDebugSequence;
use probe_rs::architecture::arm::{
    ArmCommunicationInterface, ArmDebugInterface, ArmError, DapProbe, RawDapAccess, RegisterAddress,
};
use probe_rs::probe::{DebugProbe, DebugProbeError, Probe, WireProtocol};
use vbench::wire::{self, BoardWord, Target};

use crate::remote_line::{Line, arm_error};

/// Connects to the probe at `address`, `HOST:PORT`. What the bench says of itself comes with it, if
/// it is one.
pub(crate) fn open(address: &str) -> Result<(Probe, Option<BoardWord>), DebugProbeError> {
    let mut line = Line::connect(address)?;
    let who = line.ask(Target::Root, &[wire::ROOT_IDENTIFY], wire::IDENTIFIER.len())?;
    if who != wire::IDENTIFIER {
        let what = format!("it calls itself {:?}", String::from_utf8_lossy(&who));
        return Err(line.garbled(what).into());
    }
    let clock = line.ask(Target::Root, &[wire::ROOT_REF_CLOCK], 4)?;
    let is_bench = clock == wire::BENCH_CLOCK.to_le_bytes();
    let word = if is_bench { Some(line.board_word()?) } else { None };
    Ok((Probe::from_specific_probe(Box::new(RemoteProbe { line })), word))
}

/// The probe at the other end of a [`Line`].
pub(crate) struct RemoteProbe {
    line: Line,
}

impl fmt::Debug for RemoteProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteProbe").field(&self.line.address).finish()
    }
}

impl RemoteProbe {
    fn set_reset(&mut self, low: bool) -> Result<(), DebugProbeError> {
        let command = if low { wire::ROOT_ASSERT_RESET } else { wire::ROOT_CLEAR_RESET };
        Ok(self.line.send(Target::Root, &[command])?)
    }
}

/// RDBUFF. Source: ADIv5.2, IHI 0031E, B2.2.9.
const RDBUFF: u8 = 0xc;

/// nRESET among the pins of a probe. Source: CMSIS-DAP, DAP_SWJ_Pins.
const PIN_NRESET: u32 = 1 << 7;

/// Transfers in one packet: their answers must fit the buffers of a network.
const TRANSFERS: usize = 1024;

/// The first byte of a transfer.
fn transfer(address: RegisterAddress, read: bool) -> u8 {
    let port = if address.is_ap() { wire::TRANSFER_AP } else { 0 };
    let direction = if read { wire::TRANSFER_READ } else { 0 };
    wire::SWD_TRANSFER | port | direction | address.lsb() & wire::TRANSFER_ADDRESS
}

impl DebugProbe for RemoteProbe {
    fn get_name(&self) -> &str {
        "remote probe"
    }

    fn speed_khz(&self) -> u32 {
        REMOTE_KHZ
    }

    /// The wire is at the other end, and so is its clock.
    fn set_speed(&mut self, _speed_khz: u32) -> Result<u32, DebugProbeError> {
        Ok(REMOTE_KHZ)
    }

    fn attach(&mut self) -> Result<(), DebugProbeError> {
        Ok(())
    }

    fn detach(&mut self) -> Result<(), probe_rs::Error> {
        Ok(())
    }

    fn target_reset(&mut self) -> Result<(), DebugProbeError> {
        self.set_reset(true)?;
        self.set_reset(false)
    }

    fn target_reset_assert(&mut self) -> Result<(), DebugProbeError> {
        self.set_reset(true)
    }

    fn target_reset_deassert(&mut self) -> Result<(), DebugProbeError> {
        self.set_reset(false)
    }

    fn select_protocol(&mut self, protocol: WireProtocol) -> Result<(), DebugProbeError> {
        match protocol {
            WireProtocol::Swd => Ok(()),
            WireProtocol::Jtag => Err(DebugProbeError::UnsupportedProtocol(protocol)),
        }
    }

    fn active_protocol(&self) -> Option<WireProtocol> {
        Some(WireProtocol::Swd)
    }

    fn has_arm_interface(&self) -> bool {
        true
    }

    fn try_get_arm_debug_interface<'probe>(
        self: Box<Self>,
        sequence: Arc<dyn ArmDebugSequence>,
    ) -> Result<Box<dyn ArmDebugInterface + 'probe>, (Box<dyn DebugProbe>, ArmError)> {
        Ok(ArmCommunicationInterface::create(self, sequence, false))
    }

    fn try_as_dap_probe(&mut self) -> Option<&mut dyn DapProbe> {
        Some(self)
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }
}

/// What is reported as the clock of a wire that somebody else drives.
const REMOTE_KHZ: u32 = 1000;

impl DapProbe for RemoteProbe {}

impl RawDapAccess for RemoteProbe {
    fn raw_read_register(&mut self, address: RegisterAddress) -> Result<u32, ArmError> {
        if address.is_ap() {
            let mut value = [0];
            self.raw_read_block(address, &mut value)?;
            return Ok(value[0]);
        }
        self.line.send(Target::Swd, &[transfer(address, true)]).map_err(arm_error)?;
        self.line.value()
    }

    /// A read of the access port is answered with the one before it; RDBUFF brings the last.
    fn raw_read_block(
        &mut self,
        address: RegisterAddress,
        values: &mut [u32],
    ) -> Result<(), ArmError> {
        for part in values.chunks_mut(TRANSFERS) {
            let mut commands = vec![transfer(address, true); part.len()];
            commands.push(wire::SWD_TRANSFER | wire::TRANSFER_READ | RDBUFF);
            self.line.send(Target::Swd, &commands).map_err(arm_error)?;
            self.line.value()?;
            for value in part {
                *value = self.line.value()?;
            }
        }
        Ok(())
    }

    fn raw_write_register(&mut self, address: RegisterAddress, value: u32) -> Result<(), ArmError> {
        self.raw_write_block(address, &[value])
    }

    fn raw_write_block(
        &mut self,
        address: RegisterAddress,
        values: &[u32],
    ) -> Result<(), ArmError> {
        for part in values.chunks(TRANSFERS) {
            let mut commands = Vec::with_capacity(5 * part.len());
            for value in part {
                commands.push(transfer(address, false));
                commands.extend(value.to_le_bytes());
            }
            self.line.send(Target::Swd, &commands).map_err(arm_error)?;
            for _ in part {
                self.line.done()?;
            }
        }
        Ok(())
    }

    fn jtag_sequence(&mut self, _: u8, _: bool, _: u64) -> Result<(), DebugProbeError> {
        Err(DebugProbeError::UnsupportedProtocol(WireProtocol::Jtag))
    }

    fn swj_sequence(&mut self, bit_len: u8, bits: u64) -> Result<(), DebugProbeError> {
        let mut left = bit_len;
        let mut bits = bits;
        while left > 0 {
            let now = left.min(32);
            let mut command = vec![wire::SWD_SEQUENCE | now & 0x1f];
            command.extend((bits as u32).to_le_bytes());
            self.line.send(Target::Swd, &command)?;
            bits = bits.checked_shr(32).unwrap_or(0);
            left -= now;
        }
        Ok(())
    }

    fn swj_pins(&mut self, out: u32, select: u32, _wait: u32) -> Result<u32, DebugProbeError> {
        if select & PIN_NRESET != 0 {
            self.set_reset(out & PIN_NRESET == 0)?;
        }
        Ok(out)
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }

    fn core_status_notification(&mut self, _: CoreStatus) -> Result<(), DebugProbeError> {
        Ok(())
    }
}
