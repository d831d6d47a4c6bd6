//! Which baud rate a UART really runs at.

use bundle::Bundle;
use svd_index::Index;

use super::{ClockTree, Known, Rate};
use crate::readings::{Bits, Readings};

/// A UART that is switched on, and its rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UartRate {
    /// Name of the peripheral.
    pub peripheral: String,
    /// In baud, or why it is not known.
    pub rate: Known,
}

/// Every UART that a bundle shows switched on, by address. Empty for chips without a clock tree
/// here.
pub fn uart_rates(index: &Index, bundle: &Bundle) -> Vec<UartRate> {
    let Some((chip, tree)) = index.chip().zip(super::clock_tree(index, bundle)) else {
        return Vec::new();
    };
    let rate = |uart: Uart<'_>| UartRate { rate: uart.rate(&tree), peripheral: uart.peripheral };
    uarts(&Readings::of(chip, &bundle.snapshot)).into_iter().map(rate).collect()
}

/// A UART that is switched on.
pub(crate) struct Uart<'a> {
    pub(crate) peripheral: String,
    /// What switches it on.
    pub(crate) enable: Bits<'a>,
    /// Registers of the divider; the first is what a finding is about.
    pub(crate) divider: Vec<Bits<'a>>,
    divide: Divide,
}

enum Divide {
    /// RM0090 Rev 19, 30.3.4: mantissa and fraction, 16 or 8 samples a bit.
    Stm32 { over8: bool },
    /// RP2040 datasheet, 4.2.7.1: clock / (16 × (IBRD + FBRD/64)).
    Pl011,
    /// nRF51 RM v3.0.1, 29.10 (BAUDRATE): an increment of a 32-bit phase accumulator.
    Accumulator,
}

/// The UARTs that are on, whose divider was read.
pub(crate) fn uarts<'a>(readings: &Readings<'a>) -> Vec<Uart<'a>> {
    let mut found: Vec<Uart<'a>> = Vec::new();
    for reading in readings.iter() {
        let peripheral = reading.register.peripheral().name();
        let uart = match reading.register.name().as_str() {
            "BRR" => stm32(readings, peripheral),
            "UARTIBRD" => pl011(readings, peripheral),
            "BAUDRATE" => nordic(readings, peripheral),
            _ => None,
        };
        found.extend(uart);
    }
    found
}

fn stm32<'a>(readings: &Readings<'a>, peripheral: &str) -> Option<Uart<'a>> {
    let control = readings.at_path(&format!("{peripheral}.CR1"))?;
    let divider = readings.at_path(&format!("{peripheral}.BRR"))?;
    // RM0090 Rev 19, 30.6.4 (USART_CR1): UE, TE, RE, OVER8.
    let enable = control.field("UE").filter(|enable| enable.lsb == 13)?;
    let is_on = enable.is_set() && control.bits(2, 2).is_set();
    is_on.then(|| Uart {
        peripheral: peripheral.to_owned(),
        enable,
        divider: vec![divider.bits(0, 16)],
        divide: Divide::Stm32 { over8: control.bits(15, 1).is_set() },
    })
}

fn pl011<'a>(readings: &Readings<'a>, peripheral: &str) -> Option<Uart<'a>> {
    let register = |name: &str| readings.at_path(&format!("{peripheral}.{name}"));
    let enable = register("UARTCR")?.field("UARTEN").filter(Bits::is_set)?;
    let divider = vec![register("UARTIBRD")?.bits(0, 16), register("UARTFBRD")?.bits(0, 6)];
    Some(Uart { peripheral: peripheral.to_owned(), enable, divider, divide: Divide::Pl011 })
}

/// ENABLE is 4 for the UART, 8 for the UARTE that shares its registers.
fn nordic<'a>(readings: &Readings<'a>, peripheral: &str) -> Option<Uart<'a>> {
    let on = if peripheral.starts_with("UARTE") { 8 } else { 4 };
    let enable = readings.at_path(&format!("{peripheral}.ENABLE"))?.bits(0, 4);
    let divider = vec![readings.at_path(&format!("{peripheral}.BAUDRATE"))?.whole()];
    (enable.raw() == on).then(|| Uart {
        peripheral: peripheral.to_owned(),
        enable,
        divider,
        divide: Divide::Accumulator,
    })
}

impl Uart<'_> {
    /// True if the clock is divided by nothing that can be.
    pub(crate) fn has_no_divisor(&self) -> bool {
        self.divider[0].raw() == 0
    }

    /// In baud, rounded down.
    pub(crate) fn rate(&self, tree: &ClockTree) -> Known {
        let unknown = || format!("which clock {} has is not written down", self.peripheral);
        let clock = tree.rate(tree.uart_clock(&self.peripheral).ok_or_else(unknown)?)?;
        if self.has_no_divisor() {
            return Err("its divisor is 0".to_owned());
        }
        Ok(self.divided(&clock))
    }

    fn divided(&self, clock: &Rate) -> Rate {
        let divider = self.divider[0].raw();
        let (hz, by) = match self.divide {
            Divide::Stm32 { over8: false } => (clock.hz / divider, sixteenths(divider)),
            Divide::Stm32 { over8: true } => {
                let eighths = (divider >> 4) * 8 + (divider & 7);
                (clock.hz / eighths.max(1), format!("/8 /{}", eighths as f64 / 8.0))
            }
            Divide::Pl011 => {
                let fraction = self.divider.get(1).map_or(0, Bits::raw);
                let by = divider * 64 + fraction;
                (clock.hz.saturating_mul(4) / by, format!("/16 /{}", by as f64 / 64.0))
            }
            Divide::Accumulator => {
                let hz = (u128::from(clock.hz) * u128::from(divider)) >> 32;
                (u64::try_from(hz).unwrap_or(u64::MAX), format!("×{divider:#x} /2^32"))
            }
        };
        Rate { hz, path: format!("{} {by}", clock.said()) }
    }
}

fn sixteenths(divider: u64) -> String {
    format!("/16 /{}", divider as f64 / 16.0)
}
