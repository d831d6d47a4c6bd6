//! Which devices are RISC-V, and how wide.

use crate::chip::Origin;
use crate::svd::tree::Device;

/// Interrupt controllers that only RISC-V has.
///
/// Source: RISC-V PLIC, ACLINT and CLIC specifications; `ECLIC` is Nuclei's (GD32VF103), `PFIC`
/// WCH's (QingKe V2 to V4 processor manuals).
const CONTROLLERS: [&str; 5] = ["ECLIC", "CLIC", "CLINT", "PLIC", "PFIC"];

/// True if `device` is a RISC-V one.
///
/// GigaDevice's file for the GD32VF103 was made from that of its Cortex-M3 sister and still says
/// `CM3`: a RISC-V interrupt controller counts for more than `<cpu>` does.
pub(super) fn is(device: &Device<'_>) -> bool {
    let mut names = device.peripherals.iter().map(|peripheral| peripheral.name);
    let has_controller = names
        .any(|name| CONTROLLERS.iter().any(|controller| controller.eq_ignore_ascii_case(name)));
    has_controller || width(device).is_some()
}

/// Its CSRs; `None` where neither the SVD nor the firmware tells how wide they are.
pub(super) fn origin(device: &Device<'_>, firmware: Option<Origin>) -> Option<Origin> {
    let built_for = firmware.filter(|origin| matches!(origin, Origin::RiscV32 | Origin::RiscV64));
    width(device).or(built_for).or_else(|| known(device))
}

/// As the name of the `<cpu>` says: `RV32IMAC`.
fn width(device: &Device<'_>) -> Option<Origin> {
    match device.cpu.as_ref()?.name.to_ascii_uppercase().get(..4)? {
        "RV32" => Some(Origin::RiscV32),
        "RV64" => Some(Origin::RiscV64),
        _ => None,
    }
}

/// `ECLIC` and `PFIC` are of 32-bit harts only; a device with a 64-bit bus has 64-bit ones; the
/// families named have no other.
///
/// Source: GD32VF103 data sheet; QingKe processor manuals; SiFive E31 manual (FE310); Nordic
/// nRF54L and nRF9220 product specifications (VPR).
fn known(device: &Device<'_>) -> Option<Origin> {
    let mut names = device.peripherals.iter().map(|peripheral| peripheral.name);
    let chip = device.name.to_ascii_lowercase();
    let narrow_family = ["e310", "fe310", "gd32vf", "ch32v", "nrf54", "nrf92", "esp32"];
    if names.any(|name| matches!(name, "ECLIC" | "PFIC"))
        || narrow_family.iter().any(|family| chip.starts_with(family))
    {
        return Some(Origin::RiscV32);
    }
    (device.width_bits == Some(64)).then_some(Origin::RiscV64)
}
