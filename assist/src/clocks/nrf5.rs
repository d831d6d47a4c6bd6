//! nRF51 and nRF52: fixed frequencies; what varies is whether a crystal is behind them.
//!
//! Source: nRF51 RM v3.0.1, 14 (CLOCK): HFCLK is 16 MHz, from RC or from a 16 or 32 MHz crystal.
//! nRF52840 PS v1.7, 5.4 (CLOCK): HFCLK 64 MHz, PCLK16M 16 MHz, whichever source runs.

use super::{Clock, ClockTree, Known, Rate, need_status};
use crate::readings::Readings;

/// The clock that UART dividers of this family divide.
const PERIPHERAL_HZ: u64 = 16_000_000;

pub(super) fn tree(is_nrf51: bool, readings: &Readings<'_>) -> ClockTree {
    let cpu_hz = if is_nrf51 { 16_000_000 } else { 64_000_000 };
    let clocks = vec![
        Clock { name: "HFCLK", rate: high(cpu_hz, readings) },
        Clock { name: "PCLK16M", rate: high(PERIPHERAL_HZ, readings) },
        Clock { name: "LFCLK", rate: low(readings) },
    ];
    ClockTree { clocks, uart }
}

fn uart(peripheral: &str) -> Option<&'static str> {
    peripheral.starts_with("UART").then_some("PCLK16M")
}

/// HFCLKSTAT.SRC: 0 is RC, 1 the crystal. Both give the same nominal frequency.
fn high(hz: u64, readings: &Readings<'_>) -> Known {
    let source = match need_status(readings, "CLOCK.HFCLKSTAT") {
        Ok(status) if status.bits(0, 1).is_set() => "HFXO",
        Ok(_) => "HFINT (RC)",
        Err(_) => "HFXO or HFINT",
    };
    Ok(Rate::source(source, hz))
}

/// LFCLKSTAT: STATE [16], SRC [1:0].
fn low(readings: &Readings<'_>) -> Known {
    let status = need_status(readings, "CLOCK.LFCLKSTAT")?;
    if !status.bits(16, 1).is_set() {
        return Err("CLOCK.LFCLKSTAT says that it does not run".to_owned());
    }
    let source = match status.bits(0, 2).raw() {
        0 => "LFRC",
        1 => "LFXO",
        2 => "LFSYNT",
        _ => return Err("CLOCK.LFCLKSTAT.SRC is 3, which this chip does not have".to_owned()),
    };
    Ok(Rate::source(source, 32_768))
}
