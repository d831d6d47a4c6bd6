//! RP2040: crystal and PLLs to clk_ref, clk_sys and clk_peri.
//!
//! Source: RP2040 datasheet, 2.15 (clocks), 2.16 (XOSC), 2.17 (ROSC), 2.18 (PLL).

use bundle::Crystals;

use super::{Clock, ClockTree, Known, Rate, need, need_status};
use crate::readings::Readings;

pub(super) fn tree(readings: &Readings<'_>, crystals: Crystals) -> ClockTree {
    let pll_sys = pll("PLL_SYS", readings, crystals);
    let pll_usb = pll("PLL_USB", readings, crystals);
    let sources = Sources { crystals, pll_sys: pll_sys.clone(), pll_usb: pll_usb.clone() };
    let clk_ref = clk_ref(readings, &sources);
    let clk_sys = clk_sys(readings, &sources, &clk_ref);
    let clk_peri = clk_peri(readings, &sources, &clk_sys);
    let clocks = [
        ("PLL_SYS", pll_sys),
        ("PLL_USB", pll_usb),
        ("clk_ref", clk_ref),
        ("clk_sys", clk_sys),
        ("clk_peri", clk_peri),
    ];
    let clocks = clocks.map(|(name, rate)| Clock { name, rate });
    ClockTree { clocks: clocks.into(), uart }
}

/// 4.2.1: UARTCLK is clk_peri.
fn uart(peripheral: &str) -> Option<&'static str> {
    matches!(peripheral, "UART0" | "UART1").then_some("clk_peri")
}

struct Sources {
    crystals: Crystals,
    pll_sys: Known,
    pll_usb: Known,
}

fn xosc(crystals: Crystals) -> Known {
    let unknown = "XOSC drives it, whose crystal is on the board: say it as `[board] hfxo_hz`";
    crystals.hfxo_hz.map(|hz| Rate::source("XOSC", hz)).ok_or_else(|| unknown.to_owned())
}

/// 2.17: ROSC is anywhere from 1.8 to 12 MHz.
fn rosc() -> Known {
    Err("ROSC drives it, whose frequency varies from chip to chip".to_owned())
}

/// 2.18.4: CS, PWR, FBDIV_INT, PRIM.
fn pll(name: &str, readings: &Readings<'_>, crystals: Crystals) -> Known {
    let register = |register: &str| need(readings, &format!("{name}.{register}"));
    let status = need_status(readings, &format!("{name}.CS"))?;
    if register("PWR")?.bits(0, 1).is_set() {
        return Err(format!("{name} is switched off (PWR.PD)"));
    }
    if !status.bits(31, 1).is_set() {
        return Err(format!("{name} has no lock (CS.LOCK)"));
    }
    if status.bits(8, 1).is_set() {
        return Err(format!("{name} is bypassed (CS.BYPASS)"));
    }
    let (refdiv, fbdiv) = (status.bits(0, 6).raw(), register("FBDIV_INT")?.bits(0, 12).raw());
    let primary = register("PRIM")?;
    let (first, second) = (primary.bits(16, 3).raw(), primary.bits(12, 3).raw());
    if refdiv == 0 || fbdiv == 0 || first == 0 || second == 0 {
        return Err(format!("{name} has a factor of 0"));
    }
    let source = xosc(crystals)?;
    let by = format!("/{refdiv} ×{fbdiv} /{first} /{second}");
    match source.hz.checked_mul(fbdiv) {
        Some(product) => Ok(source.step(&by, product / (refdiv * first * second))),
        None => Err(format!("a crystal of {} Hz cannot be", source.hz)),
    }
}

/// 2.15.7: CLK_REF_SELECTED is one-hot: ROSC, auxiliary, XOSC. CLK_REF_DIV.INT is [9:8].
fn clk_ref(readings: &Readings<'_>, sources: &Sources) -> Known {
    let selected = need_status(readings, "CLOCKS.CLK_REF_SELECTED")?.value;
    let source = match selected {
        1 => rosc(),
        2 => match need(readings, "CLOCKS.CLK_REF_CTRL")?.bits(5, 2).raw() {
            0 => sources.pll_usb.clone(),
            _ => Err("clk_ref comes from a pin".to_owned()),
        },
        4 => xosc(sources.crystals),
        _ => Err("CLOCKS.CLK_REF_SELECTED is in the middle of a switch".to_owned()),
    }?;
    let divisor = need(readings, "CLOCKS.CLK_REF_DIV")?.bits(8, 2).raw();
    match divisor {
        // The manual says 2^16, which two bits have no room for.
        0 => Err("CLOCKS.CLK_REF_DIV is 0, whose meaning is not certain".to_owned()),
        _ => Ok(source.over(divisor)),
    }
}

/// 2.15.7: CLK_SYS_SELECTED is one-hot: clk_ref, auxiliary. CLK_SYS_DIV is 24.8 bits fixed point.
fn clk_sys(readings: &Readings<'_>, sources: &Sources, clk_ref: &Known) -> Known {
    let selected = need_status(readings, "CLOCKS.CLK_SYS_SELECTED")?.value;
    let source = match selected {
        1 => clk_ref.clone(),
        2 => match need(readings, "CLOCKS.CLK_SYS_CTRL")?.bits(5, 3).raw() {
            0 => sources.pll_sys.clone(),
            1 => sources.pll_usb.clone(),
            2 => rosc(),
            3 => xosc(sources.crystals),
            _ => Err("clk_sys comes from a pin".to_owned()),
        },
        _ => Err("CLOCKS.CLK_SYS_SELECTED is in the middle of a switch".to_owned()),
    }?;
    let divisor = need(readings, "CLOCKS.CLK_SYS_DIV")?;
    let (whole, fraction) = (divisor.bits(8, 24).raw(), divisor.bits(0, 8).raw());
    let whole = if whole == 0 { 1 << 16 } else { whole };
    if fraction == 0 {
        return Ok(source.over(whole));
    }
    let hz = u128::from(source.hz) * 256 / u128::from(whole * 256 + fraction);
    let hz = u64::try_from(hz).map_err(|_| "clk_sys is faster than can be".to_owned())?;
    Ok(source.step(&format!("/({whole} + {fraction}/256)"), hz))
}

/// 2.15.7: CLK_PERI_CTRL. There is no divisor.
fn clk_peri(readings: &Readings<'_>, sources: &Sources, clk_sys: &Known) -> Known {
    let control = need(readings, "CLOCKS.CLK_PERI_CTRL")?;
    if !control.bits(11, 1).is_set() {
        return Err("clk_peri is off (CLOCKS.CLK_PERI_CTRL.ENABLE)".to_owned());
    }
    match control.bits(5, 3).raw() {
        0 => clk_sys.clone(),
        1 => sources.pll_sys.clone(),
        2 => sources.pll_usb.clone(),
        3 => rosc(),
        4 => xosc(sources.crystals),
        _ => Err("clk_peri comes from a pin".to_owned()),
    }
}
