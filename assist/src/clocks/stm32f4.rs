//! STM32F4: HSI, HSE and PLL to SYSCLK, HCLK, PCLK1 and PCLK2.
//!
//! Fields are taken by position: descriptions of this family cut PLLN and SW into single bits.
//!
//! Source: RM0090 Rev 19 (STM32F405/407/415/417, F42x, F43x), 7.2 and 7.3; RM0390 Rev 6 (F446),
//! 6.3.2 and 6.3.3, for PLLR.

use bundle::Crystals;

use super::{Clock, ClockTree, Known, Rate, need, need_status};
use crate::readings::Readings;

/// RM0090 Rev 19, 7.2.2.
const HSI_HZ: u64 = 16_000_000;

pub(super) fn tree(device: &str, readings: &Readings<'_>, crystals: Crystals) -> ClockTree {
    let sysclk = sysclk(device, readings, crystals);
    let cfgr = need_status(readings, "RCC.CFGR").map(|reading| reading.value);
    let divided = |from: &Known, lsb: u32, width: u32, table: fn(u64) -> u64| -> Known {
        let value = cfgr.clone()?;
        Ok(from.clone()?.over(table(value >> lsb & ((1 << width) - 1))))
    };
    // RM0090 Rev 19, 7.3.3 (RCC_CFGR): HPRE, PPRE1, PPRE2.
    let hclk = divided(&sysclk, 4, 4, ahb_divisor);
    let pclk1 = divided(&hclk, 10, 3, apb_divisor);
    let pclk2 = divided(&hclk, 13, 3, apb_divisor);
    let systick = systick(&hclk, readings);
    let clocks = [
        ("SYSCLK", sysclk),
        ("HCLK", hclk),
        ("PCLK1", pclk1),
        ("PCLK2", pclk2),
        ("SysTick", systick),
    ];
    let clocks = clocks.map(|(name, rate)| Clock { name, rate });
    ClockTree { clocks: clocks.into(), uart }
}

/// RM0090 Rev 19, 2.3, table 1: which bus a USART is on; 30.3.4: it is clocked with that bus.
fn uart(peripheral: &str) -> Option<&'static str> {
    match peripheral {
        "USART1" | "USART6" | "UART9" | "UART10" => Some("PCLK2"),
        "USART2" | "USART3" | "UART4" | "UART5" | "UART7" | "UART8" => Some("PCLK1"),
        _ => None,
    }
}

fn sysclk(device: &str, readings: &Readings<'_>, crystals: Crystals) -> Known {
    let sws = need_status(readings, "RCC.CFGR")?.bits(2, 2).raw();
    match sws {
        0 => Ok(Rate::source("HSI", HSI_HZ)),
        1 => hse(crystals),
        2 => pll(readings, crystals, Output::P),
        _ if has_pllr(device) => pll(readings, crystals, Output::R),
        _ => Err("RCC.CFGR.SWS is 3, which this chip does not have".to_owned()),
    }
}

fn hse(crystals: Crystals) -> Known {
    let unknown = "HSE drives it, whose frequency is on the board: say it as `[board] hse_hz`";
    crystals.hse_hz.map(|hz| Rate::source("HSE", hz)).ok_or_else(|| unknown.to_owned())
}

enum Output {
    P,
    R,
}

/// RM0090 Rev 19, 7.3.2 (RCC_PLLCFGR): VCO = source × N / M, output P = VCO / P.
fn pll(readings: &Readings<'_>, crystals: Crystals, output: Output) -> Known {
    let config = need(readings, "RCC.PLLCFGR")?;
    let (m, n) = (config.bits(0, 6).raw(), config.bits(6, 9).raw());
    let by = match output {
        Output::P => (config.bits(16, 2).raw() + 1) * 2,
        Output::R => config.bits(28, 3).raw(),
    };
    if m < 2 || n < 2 || by < 2 {
        return Err(format!("RCC.PLLCFGR has factors that the manual forbids (/{m} ×{n} /{by})"));
    }
    let source = match config.bits(22, 1).is_set() {
        true => hse(crystals)?,
        false => Rate::source("HSI", HSI_HZ),
    };
    // A crystal may be said to be anything.
    let Some(product) = source.hz.checked_mul(n) else {
        return Err(format!("a source of {} Hz cannot be", source.hz));
    };
    Ok(source.step(&format!("/{m} ×{n} /{by}"), product / (m * by)))
}

/// F410, F412, F413, F423, F446, F469, F479 have PLLR (RM0390 Rev 6, 6.3.2).
fn has_pllr(device: &str) -> bool {
    let with = ["stm32f410", "stm32f412", "stm32f413", "stm32f423", "stm32f446", "stm32f469"];
    with.iter().any(|start| device.starts_with(start)) || device.starts_with("stm32f479")
}

/// HPRE. There is no division by 32.
fn ahb_divisor(code: u64) -> u64 {
    match code {
        8..=11 => 2 << (code - 8),
        12..=15 => 64 << (code - 12),
        _ => 1,
    }
}

/// PPRE1 and PPRE2.
fn apb_divisor(code: u64) -> u64 {
    if code >= 4 { 2 << (code - 4) } else { 1 }
}

/// PM0214 Rev 10, 4.5.1 (STK_CTRL): CLKSOURCE chooses HCLK or HCLK/8.
fn systick(hclk: &Known, readings: &Readings<'_>) -> Known {
    let control = readings.core_word(super::SYST_CSR).ok_or("SYST_CSR was not read")?;
    let hclk = hclk.clone()?;
    Ok(if control.bits(2, 1).is_set() { hclk } else { hclk.over(8) })
}

#[cfg(test)]
mod tests {
    use super::{ahb_divisor, apb_divisor};

    #[test]
    fn prescalers_are_those_of_the_manual() {
        let ahb: Vec<u64> = (7..16).map(ahb_divisor).collect();
        assert_eq!(ahb, [1, 2, 4, 8, 16, 64, 128, 256, 512]);
        let apb: Vec<u64> = (3..8).map(apb_divisor).collect();
        assert_eq!(apb, [1, 2, 4, 8, 16]);
    }
}
