//! A virtual board as one of probe-rs's probe drivers.
//!
//! The driver stands at the level of raw debug port transfers, so that everything above it (the
//! chip's debug sequences, access port scans, flash algorithms) is what a real probe meets.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use probe_rs::CoreStatus;
use probe_rs::architecture::arm::sequences::ArmDebugSequence;
use probe_rs::architecture::arm::{
    ArmCommunicationInterface, ArmDebugInterface, ArmError, DapError, DapProbe, RawDapAccess,
    RegisterAddress,
};
use probe_rs::probe::list::ProbeListItem;
use probe_rs::probe::{
    BoxedProbeError, DebugProbe, DebugProbeError, DebugProbeInfo, DebugProbeSelector, Probe,
    ProbeCreationError, ProbeError, ProbeFactory, WireProtocol,
};
use vbench::{Ack, Bench, BenchError, BenchOptions, DapRegister};

use crate::selector::{VIRTUAL_PRODUCT_ID, VIRTUAL_VENDOR_ID};

/// Starts the virtual board that `selector` names.
pub(crate) fn open(selector: &DebugProbeSelector) -> Result<Probe, DebugProbeError> {
    VirtualBoards.open(selector).map(Probe::from_specific_probe)
}

static QEMU_PROGRAM: RwLock<Option<PathBuf>> = RwLock::new(None);

/// Uses `program` as QEMU for every virtual board opened from now on, in place of the program
/// that the board names and PATH finds. Process-wide, since probe drivers are.
pub fn use_qemu(program: impl Into<PathBuf>) {
    *QEMU_PROGRAM.write().unwrap_or_else(PoisonError::into_inner) = Some(program.into());
}

/// The program set by [`use_qemu`].
pub(crate) fn qemu_program() -> Option<PathBuf> {
    QEMU_PROGRAM.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A bench shared between the probe that drives it and whoever reads its UART.
#[derive(Debug, Clone)]
pub(crate) struct SharedBench(Arc<Mutex<Bench>>);

impl SharedBench {
    pub(crate) fn new(bench: Bench) -> SharedBench {
        SharedBench(Arc::new(Mutex::new(bench)))
    }

    pub(crate) fn mutex(&self) -> &Mutex<Bench> {
        &self.0
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Bench> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A [`BenchError`] on its way through probe-rs.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub(crate) struct BenchFault(pub(crate) Arc<BenchError>);

impl From<BenchError> for BenchFault {
    fn from(error: BenchError) -> BenchFault {
        BenchFault(Arc::new(error))
    }
}

impl ProbeError for BenchFault {}

/// The bench's own error inside one of probe-rs's, if that is what it comes from.
pub(crate) fn bench_fault(error: &(dyn std::error::Error + 'static)) -> Option<Arc<BenchError>> {
    let mut next = Some(error);
    while let Some(error) = next {
        let boxed = error.downcast_ref::<BoxedProbeError>();
        if let Some(fault) = boxed.and_then(|boxed| boxed.downcast_ref::<BenchFault>()) {
            return Some(fault.0.clone());
        }
        next = error.source();
    }
    None
}

#[derive(Debug)]
struct VirtualBoards;

impl fmt::Display for VirtualBoards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QEMU")
    }
}

impl ProbeFactory for VirtualBoards {
    fn open(&self, selector: &DebugProbeSelector) -> Result<Box<dyn DebugProbe>, DebugProbeError> {
        let ids = (selector.vendor_id, selector.product_id);
        let name = match &selector.serial_number {
            Some(name) if ids == (VIRTUAL_VENDOR_ID, VIRTUAL_PRODUCT_ID) => name,
            _ => return Err(ProbeCreationError::NotFound.into()),
        };
        let options = BenchOptions { program: qemu_program(), ..BenchOptions::default() };
        let bench = vbench::machine(name)
            .and_then(|machine| Bench::start(machine, &options))
            .map_err(BenchFault::from)?;
        let name = format!("QEMU {} ({})", bench.qemu_version(), bench.machine().name);
        Ok(Box::new(VirtualProbe { bench: SharedBench::new(bench), name }))
    }

    fn list_probes(&self) -> Vec<ProbeListItem> {
        let info = |machine: &vbench::Machine| {
            DebugProbeInfo::new(
                machine.description.clone(),
                VIRTUAL_VENDOR_ID,
                VIRTUAL_PRODUCT_ID,
                Some(machine.name.clone()),
                &VirtualBoards,
                None,
                false,
            )
        };
        vbench::machines().iter().map(info).map(ProbeListItem::accessible).collect()
    }
}

/// The probe of one virtual board.
pub(crate) struct VirtualProbe {
    bench: SharedBench,
    name: String,
}

impl fmt::Debug for VirtualProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VirtualProbe").field(&self.name).finish()
    }
}

impl VirtualProbe {
    pub(crate) fn bench(&self) -> SharedBench {
        self.bench.clone()
    }

    /// Runs one transfer. After a fault STICKYERR is cleared at once, as a probe's own firmware
    /// does it: probe-rs leaves that to its probes.
    fn transfer<T>(
        &mut self,
        act: impl FnOnce(&mut Bench) -> Result<Ack<T>, BenchError>,
    ) -> Result<T, ArmError> {
        let mut bench = self.bench.lock();
        match act(&mut bench).map_err(arm_error)? {
            Ack::Ok(value) => Ok(value),
            Ack::Fault => {
                bench.write(ABORT, ABORT_STKERRCLR).map_err(arm_error)?;
                Err(DapError::FaultResponse.into())
            }
        }
    }

    fn set_reset(&mut self, low: bool) -> Result<(), DebugProbeError> {
        self.bench.lock().set_reset_pin(low).map_err(|error| BenchFault::from(error).into())
    }
}

/// Source: ADIv5.2, IHI 0031E, B2.2.1.
const ABORT: DapRegister = DapRegister::Dp(0);
const ABORT_STKERRCLR: u32 = 1 << 2;

/// nRESET among the pins of a probe. Source: CMSIS-DAP, DAP_SWJ_Pins.
const PIN_NRESET: u32 = 1 << 7;

fn arm_error(error: BenchError) -> ArmError {
    ArmError::Probe(BenchFault::from(error).into())
}

fn register_of(address: RegisterAddress) -> DapRegister {
    match address.is_ap() {
        true => DapRegister::Ap(address.lsb()),
        false => DapRegister::Dp(address.lsb()),
    }
}

impl DebugProbe for VirtualProbe {
    fn get_name(&self) -> &str {
        &self.name
    }

    fn speed_khz(&self) -> u32 {
        NO_WIRE_KHZ
    }

    fn set_speed(&mut self, _speed_khz: u32) -> Result<u32, DebugProbeError> {
        Ok(NO_WIRE_KHZ)
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

/// There is no wire; what is reported is a usual SWD clock.
const NO_WIRE_KHZ: u32 = 4000;

impl DapProbe for VirtualProbe {}

impl RawDapAccess for VirtualProbe {
    fn raw_read_register(&mut self, address: RegisterAddress) -> Result<u32, ArmError> {
        self.transfer(|bench| bench.read(register_of(address)))
    }

    fn raw_read_block(
        &mut self,
        address: RegisterAddress,
        values: &mut [u32],
    ) -> Result<(), ArmError> {
        self.transfer(|bench| bench.read_block(register_of(address), values))
    }

    fn raw_write_register(&mut self, address: RegisterAddress, value: u32) -> Result<(), ArmError> {
        self.transfer(|bench| bench.write(register_of(address), value))
    }

    fn raw_write_block(
        &mut self,
        address: RegisterAddress,
        values: &[u32],
    ) -> Result<(), ArmError> {
        self.transfer(|bench| bench.write_block(register_of(address), values))
    }

    fn jtag_sequence(&mut self, _: u8, _: bool, _: u64) -> Result<(), DebugProbeError> {
        Err(DebugProbeError::UnsupportedProtocol(WireProtocol::Jtag))
    }

    /// Line resets and protocol switches: the debug port is always ready.
    fn swj_sequence(&mut self, _bit_len: u8, _bits: u64) -> Result<(), DebugProbeError> {
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
