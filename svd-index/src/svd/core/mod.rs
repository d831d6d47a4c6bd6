//! Adds what a core has by its architecture, which vendors' SVDs leave out or give in part: the
//! peripherals of an Arm Cortex-M, the control and status registers (CSRs) of a RISC-V hart.
//!
//! They are SVD files of our own in `core/`, read as any other. Which one, and what of it, the
//! SVD decides (`<cpu>`, RISC-V interrupt controllers); where it says nothing, the name of the
//! chip, if its family has one core only, then what the firmware was built for. If none tells,
//! nothing is added. Where the vendor has a register at the address, its path stands and ours
//! becomes an alias of it ([`merge`]), so that one address is never two registers.

mod arm;
mod family;
mod merge;
mod riscv;

pub(super) use merge::merge;

use bumpalo::Bump;

use super::tree::Device;
use crate::chip::Origin;

/// What the architecture gives a device.
pub(super) struct Core<'a> {
    pub(super) origin: Origin,
    pub(super) device: Device<'a>,
    /// Bit-band aliases of peripherals: Cortex-M3 and M4 have them, unless the chip leaves them
    /// out.
    pub(super) bit_band: bool,
}

/// What the architecture gives `device`; `firmware` is what its program was built for. Small
/// parts of the tree lie in `memory`.
pub(super) fn of<'a>(
    device: &Device<'_>,
    firmware: Option<Origin>,
    memory: &'a Bump,
) -> Option<Core<'a>> {
    if riscv::is(device) {
        return read(riscv::origin(device, firmware)?, memory);
    }
    if firmware == Some(Origin::RiscV32) && family::has_riscv_too(device.name) {
        return read(Origin::RiscV32, memory);
    }
    let name = device.cpu.as_ref().map_or("", |cpu| cpu.name);
    let name = match name {
        // CMSIS-SVD has `other` for a core that it does not list.
        "" | "other" => family::core(device.name).unwrap_or(""),
        name => name,
    };
    let origin = match name {
        "" => firmware?,
        name => arm::architecture(name)?,
    };
    let mut core = read(origin, memory)?;
    arm::fit((&mut core.device, memory), origin, name, device);
    core.bit_band = arm::has_bit_band(name);
    Some(core)
}

fn read(origin: Origin, memory: &Bump) -> Option<Core<'_>> {
    let (device, _) = super::read::read(text(origin)?, memory)?;
    Some(Core { origin, device, bit_band: false })
}

/// The file that describes what `origin` stands for.
fn text(origin: Origin) -> Option<&'static str> {
    match origin {
        Origin::Svd => None,
        Origin::ArmV6M => Some(include_str!("../../../core/armv6m.svd")),
        Origin::ArmV7M => Some(include_str!("../../../core/armv7m.svd")),
        Origin::ArmV8MBaseline => Some(include_str!("../../../core/armv8m-baseline.svd")),
        Origin::ArmV8M => Some(include_str!("../../../core/armv8m.svd")),
        Origin::RiscV32 => Some(include_str!("../../../core/riscv32.svd")),
        Origin::RiscV64 => Some(include_str!("../../../core/riscv64.svd")),
    }
}
