//! A running virtual board, as a probe holds it.

use crate::adi::{Ack, DapRegister, DebugPort};
use crate::cortexm::CortexM;
use crate::link::BenchOptions;
use crate::{BenchError, Machine, SerialText, Version, check_qemu};

/// A virtual board: QEMU, the debug port in front of it, its UART. Dropping it ends QEMU.
///
/// It starts with a blank flash and a halted core. A core that locks up takes QEMU down; the
/// debug port then shows S_LOCKUP, [`Bench::post_mortem`] has QEMU's last words, and the next
/// reset starts anew with the flash as it was at the reset before (UICR and RAM are lost). The
/// same reset brings back a QEMU that was killed or that stopped answering.
pub struct Bench {
    port: DebugPort,
    qemu: Version,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let machine = &self.machine().name;
        f.debug_struct("Bench").field("machine", machine).field("qemu", &self.qemu).finish()
    }
}

impl Bench {
    /// Starts QEMU for `machine`.
    ///
    /// # Errors
    /// [`BenchError::QemuMissing`], [`BenchError::QemuTooOld`], [`BenchError::MachineUnknown`],
    /// [`BenchError::QemuDied`] with what QEMU said, [`BenchError::Deadline`].
    pub fn start(machine: &'static Machine, options: &BenchOptions) -> Result<Bench, BenchError> {
        let mut core = CortexM::start(machine, options)
            .map_err(|error| missing_qemu_first(error, machine, options))?;
        let qemu = core.link()?.qmp.version();
        Ok(Bench { port: DebugPort::new(core), qemu })
    }

    /// The board this is.
    pub fn machine(&self) -> &'static Machine {
        self.port.core().machine()
    }

    /// The QEMU it runs on.
    pub fn qemu_version(&self) -> Version {
        self.qemu
    }

    /// QEMU's process id. `None` after a lockup, until the next reset.
    pub fn process_id(&mut self) -> Option<u32> {
        self.port.core_mut().link().ok().map(|link| link.process.pid())
    }

    /// The board's UART, if it has one.
    pub fn serial(&self) -> Option<SerialText> {
        self.port.core().serial().map(|port| port.text().clone())
    }

    /// What QEMU wrote when it last ended by itself, such as the registers of a lockup.
    pub fn post_mortem(&self) -> Option<&str> {
        self.port.core().post_mortem()
    }

    /// One read transfer.
    ///
    /// # Errors
    /// Only if the emulator cannot be talked to; a fault of the target is an [`Ack::Fault`].
    pub fn read(&mut self, register: DapRegister) -> Result<Ack<u32>, BenchError> {
        self.port.read(register)
    }

    /// One write transfer. Errors as for [`Bench::read`].
    pub fn write(&mut self, register: DapRegister, value: u32) -> Result<Ack<()>, BenchError> {
        self.port.write(register, value)
    }

    /// Reads one register again and again, ending early at a fault.
    pub fn read_block(
        &mut self,
        register: DapRegister,
        values: &mut [u32],
    ) -> Result<Ack<()>, BenchError> {
        self.port.read_block(register, values)
    }

    /// Writes one register again and again, ending early at a fault.
    pub fn write_block(
        &mut self,
        register: DapRegister,
        values: &[u32],
    ) -> Result<Ack<()>, BenchError> {
        self.port.write_block(register, values)
    }

    /// Drives an input pin of the chip.
    ///
    /// # Errors
    /// [`BenchError::NotThere`] if QEMU has no such pin.
    pub fn set_pin(&mut self, pin: u32, high: bool) -> Result<(), BenchError> {
        self.port.core_mut().set_pin(pin, high)
    }

    /// Sends bytes to the board's UART.
    ///
    /// # Errors
    /// [`BenchError::NotThere`] if it has none.
    pub fn send_serial(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        self.port.core_mut().send_serial(bytes)
    }

    /// Changes RAM or flash as a fault in its cells would, whether the core runs or not.
    ///
    /// # Errors
    /// [`BenchError::NotThere`] if no memory holds all of it.
    pub fn corrupt(&mut self, address: u64, bytes: &[u8]) -> Result<(), BenchError> {
        self.port.core_mut().corrupt(address, bytes)
    }

    /// Pulls the reset pin low, or lets go of it.
    pub fn set_reset_pin(&mut self, low: bool) -> Result<(), BenchError> {
        self.port.core_mut().set_reset_pin(low)
    }
}

/// The pseudo-terminal is opened before QEMU is started. Where neither can be had (a bare chroot),
/// the missing QEMU is what there is to tell.
fn missing_qemu_first(error: BenchError, machine: &Machine, options: &BenchOptions) -> BenchError {
    if !matches!(error, BenchError::Channel { channel: "serial", .. }) {
        return error;
    }
    match check_qemu(machine, options.program(machine)) {
        Err(missing @ BenchError::QemuMissing { .. }) => missing,
        _ => error,
    }
}
